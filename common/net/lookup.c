/* lookup.c - getaddrinfo in libuv's threads, once for all who ask for a name at a time.
 *
 * Answers are not kept: who asks does so because a connection broke, and then the name may
 * have moved. How long an answer is good is the resolver's business.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/lookup.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/base.h"

struct job {
    uv_work_t work;
    struct tw_list link, waiting;
    char host[TW_HOST_BYTES];
    tw_lookup_resolver resolver;
    int err;
    struct tw_addresses found;
};

/* libuv's numbers for those of getaddrinfo(3). */
static int number_of(int code)
{
    switch (code) {
    case 0:
        return 0;
    case EAI_AGAIN:
        return UV_EAI_AGAIN;
    case EAI_MEMORY:
        return UV_EAI_MEMORY;
    case EAI_NONAME:
        return UV_EAI_NONAME;
    default:
        return UV_EAI_FAIL;
    }
}

int tw_lookup_system(const char *host, struct tw_addresses *out)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    int r = getaddrinfo(host, NULL, &hints, &list);

    if (r != 0)
        return number_of(r);
    for (struct addrinfo *a = list; a != NULL && out->count < TW_LOOKUP_ADDRESSES;
         a = a->ai_next)
        if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
            memcpy(&out->at[out->count++], a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
    return out->count > 0 ? 0 : UV_EAI_NONAME;
}

static tw_lookup_resolver current = tw_lookup_system;

tw_lookup_resolver tw_lookup_use(tw_lookup_resolver resolver)
{
    tw_lookup_resolver before = current;

    current = resolver;
    return before;
}

static void on_work(uv_work_t *work)
{
    struct job *j = tw_container_of(work, struct job, work);

    j->err = j->resolver(j->host, &j->found);
}

static void on_worked(uv_work_t *work, int status)
{
    struct job *j = tw_container_of(work, struct job, work);
    int err = status != 0 ? status : j->err;
    struct tw_list *link;

    tw_list_remove(&j->link); /* a waiter may ask again */
    while ((link = tw_list_shift(&j->waiting)) != NULL) {
        struct tw_lookup *l = tw_container_of(link, struct tw_lookup, link);

        l->done(l, err, err == 0 ? &j->found : NULL);
    }
    free(j);
}

static struct job *job_for(struct tw_loop *loop, const char *host)
{
    struct job *j;
    int r;

    tw_list_each(&loop->lookups, link)
    {
        j = tw_container_of(link, struct job, link);
        if (strcmp(j->host, host) == 0)
            return j;
    }
    j = tw_new(struct job);
    tw_list_init(&j->waiting);
    j->resolver = current;
    TW_ASSERT(strlen(host) < sizeof(j->host));
    memcpy(j->host, host, strlen(host) + 1);
    tw_list_append(&loop->lookups, &j->link);
    r = uv_queue_work(&loop->uv, &j->work, on_work, on_worked);
    TW_ASSERT(r == 0); /* it fails only without a callback */
    return j;
}

void tw_lookup_start(struct tw_loop *loop, struct tw_lookup *l, const char *host,
                     tw_lookup_cb done)
{
    l->done = done;
    tw_list_append(&job_for(loop, host)->waiting, &l->link);
}

void tw_lookup_cancel(struct tw_lookup *l)
{
    tw_list_remove(&l->link);
}
