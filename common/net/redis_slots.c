/* redis_slots.c - CRC16, and reading what a cluster says about its slots.
 * SPDX-License-Identifier: Apache-2.0 */
#include "common/net/redis_slots.h"

#include "common/util/err.h"

/* CRC-16/XMODEM (polynomial 0x1021), four bits at a time. */
static unsigned crc16(struct tw_slice bytes)
{
    static const uint16_t of_nibble[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
    };
    unsigned crc = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.at[i];

        crc = ((crc << 4) & 0xffff) ^ of_nibble[(crc >> 12) ^ (byte >> 4)];
        crc = ((crc << 4) & 0xffff) ^ of_nibble[(crc >> 12) ^ (byte & 15)];
    }
    return crc;
}

unsigned tw_redis_slot(struct tw_slice name)
{
    const char *open = name.len > 0 ? memchr(name.at, '{', name.len) : NULL;

    if (open != NULL) {
        struct tw_slice rest = tw_slice_skip(name, (size_t)(open - name.at) + 1);
        const char *close = rest.len > 0 ? memchr(rest.at, '}', rest.len) : NULL;

        if (close != NULL && close > rest.at)
            name = tw_slice_from(rest.at, (size_t)(close - rest.at));
    }
    return crc16(name) % TW_REDIS_SLOTS;
}

/* A node that does not say where it is says nothing, or "?". */
static bool set_host(struct tw_redis_host *out, struct tw_slice name, int64_t port,
                     const char *asked)
{
    if (name.len == 0 || tw_slice_is(name, "?"))
        name = tw_slice_of(asked);
    if (name.len == 0 || name.len >= sizeof(out->name) || port < 1 || port > 65535 ||
        memchr(name.at, '\0', name.len) != NULL)
        return false;
    memcpy(out->name, name.at, name.len);
    out->name[name.len] = '\0';
    out->port = (int)port;
    return true;
}

/* A map is a list of names and values in RESP2. */
static bool find(const struct tw_redis_value *map, const char *name, struct tw_redis_value *out)
{
    for (size_t i = 0; i + 1 < map->count; i += 2) {
        if (!tw_slice_is(tw_redis_element(map, i), name))
            continue;
        *out = tw_redis_item(map, i + 1);
        return true;
    }
    return false;
}

static bool is_text(const struct tw_redis_value *map, const char *name, const char *text)
{
    struct tw_redis_value value;

    return find(map, name, &value) && tw_slice_is(value.text, text);
}

/* The shard's master; of two, as there are for a while after one has failed, the living. */
static bool find_master(const struct tw_redis_value *nodes, struct tw_redis_host *out,
                        const char *asked, bool is_tls)
{
    bool has_one = false;

    for (size_t i = 0; i < nodes->count; i++) {
        struct tw_redis_value node = tw_redis_item(nodes, i), endpoint, port;

        if (!is_text(&node, "role", "master") || !find(&node, "endpoint", &endpoint) ||
            !find(&node, is_tls ? "tls-port" : "port", &port))
            continue;
        if (has_one && !is_text(&node, "health", "online"))
            continue;
        has_one = set_host(out, endpoint.text, port.number, asked) || has_one;
    }
    return has_one;
}

/* Pairs of first and last. */
static bool take_slots(struct tw_redis_shards *out, const struct tw_redis_value *slots,
                       size_t master)
{
    for (size_t i = 0; i + 1 < slots->count; i += 2) {
        int64_t first = tw_redis_item(slots, i).number;
        int64_t last = tw_redis_item(slots, i + 1).number;

        if (first < 0 || last < first || last >= TW_REDIS_SLOTS)
            return false;
        for (int64_t slot = first; slot <= last; slot++) {
            out->covered += out->owner[slot] == TW_REDIS_NOBODY ? 1 : 0;
            out->owner[slot] = (uint8_t)master;
        }
    }
    return true;
}

int tw_redis_shards_read(struct tw_redis_shards *out, const struct tw_redis_value *reply,
                         const char *asked, bool is_tls)
{
    out->count = out->covered = 0;
    memset(out->owner, TW_REDIS_NOBODY, sizeof(out->owner));
    for (size_t i = 0; i < reply->count; i++) {
        struct tw_redis_value shard = tw_redis_item(reply, i), slots, nodes;

        if (!find(&shard, "slots", &slots) || !find(&shard, "nodes", &nodes))
            return TW_ESYNTAX;
        if (out->count == TW_REDIS_NODES)
            return TW_EFULL;
        if (!find_master(&nodes, &out->masters[out->count], asked, is_tls))
            continue;
        if (!take_slots(out, &slots, out->count++))
            return TW_ESYNTAX;
    }
    return reply->count > 0 ? 0 : TW_ESYNTAX;
}

bool tw_redis_redirection_read(struct tw_redis_redirection *out, struct tw_slice refusal,
                               const char *asked)
{
    struct tw_slice word, number;
    uint64_t slot, port;
    const char *colon;

    if (!tw_slice_split(&refusal, ' ', &word) || !tw_slice_split(&refusal, ' ', &number) ||
        !tw_slice_u64(number, &slot) || slot >= TW_REDIS_SLOTS || refusal.len == 0)
        return false;
    out->is_ask = tw_slice_is(word, "ASK");
    out->slot = (unsigned)slot;
    colon = memrchr(refusal.at, ':', refusal.len); /* an IPv6 address has more of them */
    if (colon == NULL || !(out->is_ask || tw_slice_is(word, "MOVED")) ||
        !tw_slice_u64(tw_slice_skip(refusal, (size_t)(colon - refusal.at) + 1), &port) ||
        port > 65535)
        return false;
    return set_host(&out->to, tw_slice_from(refusal.at, (size_t)(colon - refusal.at)),
                    (int64_t)port, asked);
}
