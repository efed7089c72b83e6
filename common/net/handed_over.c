/* handed_over.c - sockets of systemd's: which there are, and whether they can be used.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/handed_over.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/util/base.h"
#include "common/util/err.h"

static const char *const use_names[] = {
    [TW_FOR_CLIENTS] = "clients",
    [TW_FOR_CLIENTS_TLS] = "tls",
    [TW_FOR_OPERATORS] = "ops",
};

/* How many there are for this very process; negative: a number that cannot be. */
static int count_of(const char *pid, const char *fds)
{
    uint64_t number, whose;

    if (pid == NULL || fds == NULL || !tw_slice_u64(tw_slice_of(pid), &whose) ||
        whose != (uint64_t)getpid())
        return 0;
    if (!tw_slice_u64(tw_slice_of(fds), &number) || number > TW_HANDED_OVER_SOCKETS)
        return -1;
    return (int)number;
}

/* A socket without FileDescriptorName= has the name of its unit, or none. Another name is most
 * likely a mistyped "tls", and without TLS keys would be sent in the clear. */
static bool use_of(struct tw_slice name, enum tw_socket_use *use)
{
    *use = TW_FOR_CLIENTS;
    if (tw_slice_starts(name, TW_LIT("tls")))
        *use = TW_FOR_CLIENTS_TLS;
    else if (tw_slice_is(name, "ops"))
        *use = TW_FOR_OPERATORS;
    return *use != TW_FOR_CLIENTS || name.len == 0 || tw_slice_is(name, "clients") ||
           tw_slice_is(name, "unknown") ||
           (name.len > 7 && tw_slice_is(tw_slice_skip(name, name.len - 7), ".socket"));
}

static bool is_option(int fd, int level, int name, int value)
{
    int found = -1;
    socklen_t len = sizeof(found);

    return getsockopt(fd, level, name, &found, &len) == 0 && found == value;
}

/* Null, or what is wrong with it. */
static const char *problem_of(int fd, struct tw_address *address)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags < 0)
        return "there is no such descriptor";
    if (fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0 ||
        !is_option(fd, SOL_SOCKET, SO_TYPE, SOCK_STREAM))
        return "no stream socket (ListenStream=)";
    if (!is_option(fd, SOL_SOCKET, SO_ACCEPTCONN, 1))
        return "a socket that does not listen; Accept= must be no";
    return tw_address_of_socket(fd, address) == 0 ? NULL
                                                  : "neither IPv4, nor IPv6, nor a Unix socket";
}

static bool read_one(struct tw_handed_over *all, int fd, struct tw_slice name,
                     struct tw_buf *problems)
{
    struct tw_handed_over_socket *s = &all->sockets[all->count];
    const char *problem;

    *s = (struct tw_handed_over_socket){ .fd = fd };
    problem = problem_of(fd, &s->address);
    if (problem == NULL && !use_of(name, &s->use))
        problem = "its FileDescriptorName= is none of clients, tls and ops";
    if (problem == NULL) {
        all->count++;
        return true;
    }
    tw_buf_text(problems, "socket ");
    tw_buf_append(problems, name.len > 0 ? name : TW_LIT("without a name"));
    tw_buf_text(problems, " (descriptor ");
    tw_buf_i64(problems, fd);
    tw_buf_text(problems, ") that systemd hands over: ");
    tw_buf_text(problems, problem);
    tw_buf_char(problems, '\n');
    return false;
}

int tw_handed_over_read(struct tw_handed_over *all, int first, struct tw_buf *problems)
{
    int count = count_of(getenv("LISTEN_PID"), getenv("LISTEN_FDS"));
    struct tw_slice names = tw_slice_of(getenv("LISTEN_FDNAMES")), name;
    bool ok = count >= 0;

    *all = (struct tw_handed_over){ 0 };
    if (!ok) {
        tw_buf_text(problems, "LISTEN_FDS: systemd hands over more sockets than the ");
        tw_buf_u64(problems, TW_HANDED_OVER_SOCKETS);
        tw_buf_text(problems, " that there may be\n");
    }
    for (int i = 0; i < count; i++) {
        if (!tw_slice_split(&names, ':', &name))
            name = TW_EMPTY;
        ok &= read_one(all, first + i, name, problems);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return ok ? 0 : TW_ECONFIG;
}

struct tw_handed_over_socket *tw_handed_over_at(struct tw_handed_over *all,
                                                const struct tw_address *address)
{
    bool is_ip4 = !address->is_unix && address->tcp.ss_family == AF_INET;

    for (size_t i = 0; i < all->count; i++) {
        struct tw_handed_over_socket *s = &all->sockets[i];

        if (tw_address_covers(&s->address, address) &&
            !(is_ip4 && is_option(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)))
            return s;
    }
    return NULL;
}

bool tw_handed_over_has(const struct tw_handed_over *all, enum tw_socket_use use)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->sockets[i].use == use)
            return true;
    return false;
}

void tw_handed_over_print(const struct tw_handed_over *all, struct tw_buf *out)
{
    for (size_t i = 0; i < all->count; i++) {
        tw_buf_text(out, "# handed over by systemd, for ");
        tw_buf_text(out, use_names[all->sockets[i].use]);
        tw_buf_text(out, ": ");
        tw_address_print(&all->sockets[i].address, out);
        tw_buf_char(out, '\n');
    }
}
