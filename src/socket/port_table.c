/* SPDX-License-Identifier: MIT
 *
 * Who holds which local port, and who may hold it beside whom: the rules of Linux's
 * inet_csk_bind_conflict.
 *
 * Two that overlap (same address, or one is the wildcard, IPv4 and IPv6 meeting where IPV6_V6ONLY
 * is off) exclude each other, unless both have SO_REUSEADDR and the one that holds the port does
 * not listen, or both have SO_REUSEPORT.
 *
 * A closed socket's connection may live on in the core as an orphan or in TIME-WAIT. It goes on
 * holding the port, with the flags that its socket had: an owner without a socket is left behind.
 * Each new one makes the two oldest prove that the core still knows them, so that there are never
 * many more than twice the core's records.
 */
#include "siphash.h"
#include "socket_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct port_owner **bucket_of(struct hf_sockets *set, uint16_t port)
{
    return &set->ports.buckets[port % PORT_BUCKETS];
}

static void link_owner(struct hf_sockets *set, struct port_owner *owner)
{
    struct port_owner **bucket = bucket_of(set, owner->local.port);
    owner->previous = NULL;
    owner->next = *bucket;
    if (*bucket != NULL) {
        (*bucket)->previous = owner;
    }
    *bucket = owner;
}

static void unlink_owner(struct hf_sockets *set, struct port_owner *owner)
{
    if (owner->next != NULL) {
        owner->next->previous = owner->previous;
    }
    if (owner->previous != NULL) {
        owner->previous->next = owner->next;
    } else {
        *bucket_of(set, owner->local.port) = owner->next;
    }
}

/* ---- left behind */

static bool core_still_has(struct hf_sockets *set, const struct port_owner *owner)
{
    struct hf_status status;
    return hf_find(set->config.stack, &owner->local, &owner->remote, &status) == HF_OK;
}

static void age_append(struct port_table *ports, struct port_owner *owner)
{
    owner->older = ports->newest_left;
    owner->newer = NULL;
    if (ports->newest_left != NULL) {
        ports->newest_left->newer = owner;
    } else {
        ports->oldest_left = owner;
    }
    ports->newest_left = owner;
}

static void age_remove(struct port_table *ports, struct port_owner *owner)
{
    struct port_owner **link = owner->older != NULL ? &owner->older->newer : &ports->oldest_left;
    *link = owner->newer;
    link = owner->newer != NULL ? &owner->newer->older : &ports->newest_left;
    *link = owner->older;
}

static void forget_left(struct hf_sockets *set, struct port_owner *owner)
{
    age_remove(&set->ports, owner);
    unlink_owner(set, owner);
    free(owner);
}

/* One that proves itself goes to the end, so that a long life does not shield those behind it. */
static void prove_oldest(struct hf_sockets *set)
{
    struct port_owner *oldest = set->ports.oldest_left;
    if (oldest == NULL) {
        return;
    }
    oldest->older = NULL; /* as it is; said once more for the static analyzer */
    if (core_still_has(set, oldest)) {
        age_remove(&set->ports, oldest);
        age_append(&set->ports, oldest);
    } else {
        forget_left(set, oldest);
    }
}

static void keep_left(struct hf_sockets *set, struct port_owner *owner)
{
    prove_oldest(set);
    prove_oldest(set);
    age_append(&set->ports, owner);
}

/* ---- holding and letting go */

int port_hold(struct socket *socket)
{
    struct port_owner *owner = calloc(1, sizeof *owner);
    if (owner == NULL) {
        return -ENOMEM;
    }
    owner->socket = socket;
    owner->local = socket->local;
    link_owner(socket->file.set, owner);
    socket->port = owner;
    return 0;
}

void port_release(struct socket *socket)
{
    struct hf_sockets *set = socket->file.set;
    struct port_owner *owner = socket->port;
    if (owner == NULL) {
        return;
    }
    socket->port = NULL;
    owner->socket = NULL;
    owner->remote = socket->remote;
    owner->local.address = socket->local.address;
    owner->reuse_address = socket->options.reuse_address;
    owner->reuse_port = socket->options.reuse_port;
    if (socket->remote.port != 0 && core_still_has(set, owner)) {
        keep_left(set, owner);
        return;
    }
    unlink_owner(set, owner);
    free(owner);
}

void port_table_free(struct hf_sockets *set)
{
    struct port_owner *newer;
    for (struct port_owner *owner = set->ports.oldest_left; owner != NULL; owner = newer) {
        newer = owner->newer;
        forget_left(set, owner);
    }
}

/* ---- conflicts */

struct claim {
    const struct hf_address *address;
    bool v6_only, reuse_address, reuse_port, listens;
};

static struct claim claim_of_socket(const struct socket *socket)
{
    return (struct claim){
        .address = &socket->local.address,
        .v6_only = socket->domain == AF_INET6 && socket->options.v6_only,
        .reuse_address = socket->options.reuse_address,
        .reuse_port = socket->options.reuse_port,
        .listens = socket->progress == PROGRESS_LISTENING,
    };
}

static struct claim claim_of(const struct port_owner *owner)
{
    if (owner->socket != NULL) {
        return claim_of_socket(owner->socket);
    }
    return (struct claim){.address = &owner->local.address,
                          .reuse_address = owner->reuse_address,
                          .reuse_port = owner->reuse_port};
}

/* An IPv6 wildcard covers IPv4 too, unless it was told not to. */
static bool covers(const struct claim *wide, const struct claim *other)
{
    if (!hf_address_is_any(wide->address)) {
        return false;
    }
    if (wide->address->family == HF_IPV6) {
        return !(wide->v6_only && other->address->family == HF_IPV4);
    }
    return other->address->family == HF_IPV4;
}

static bool overlap(const struct claim *one, const struct claim *other)
{
    return covers(one, other) || covers(other, one) ||
           hf_address_equal(one->address, other->address);
}

static bool exclude(const struct claim *wanted, const struct claim *held, bool strict)
{
    if (!overlap(wanted, held)) {
        return false;
    }
    if (strict) {
        return true;
    }
    if (wanted->reuse_address && held->reuse_address && !held->listens) {
        return false;
    }
    return !(wanted->reuse_port && held->reuse_port);
}

bool port_conflict(struct hf_sockets *set, const struct socket *socket, uint16_t port, bool strict)
{
    struct claim wanted = claim_of_socket(socket);
    struct port_owner *next;
    for (struct port_owner *owner = *bucket_of(set, port); owner != NULL; owner = next) {
        struct claim held = claim_of(owner);
        next = owner->next;
        if (owner->local.port != port || owner->socket == socket ||
            !exclude(&wanted, &held, strict)) {
            continue;
        }
        if (owner->socket != NULL || core_still_has(set, owner)) {
            return true;
        }
        forget_left(set, owner);
    }
    return false;
}

/* ---- a free one */

/* Where to begin to look: RFC 6056 3.3.1's random port, drawn by a keyed hash of a count, so that
 * the same seed gives the same ports and nobody else can guess them. */
static uint32_t draw(struct hf_sockets *set, const struct hf_config *config)
{
    struct siphash_key key = siphash_key_from_bytes(config->seed);
    uint8_t what[12] = {'b', 'i', 'n', 'd'}; /* no other user of the seed hashes these bytes */
    uint64_t count = set->ports.drawn++;
    memcpy(what + 4, &count, sizeof count);
    return (uint32_t)siphash(&key, what, sizeof what);
}

uint16_t port_choose(struct hf_sockets *set, const struct socket *socket)
{
    const struct hf_config *config = hf_stack_config(set->config.stack);
    uint32_t low = config->port_low;
    uint32_t count = config->port_high - low + 1;
    uint32_t start = draw(set, config) % count;
    for (uint32_t tries = 0; tries < count; tries++) {
        uint16_t port = (uint16_t)(low + (start + tries) % count);
        if (!port_conflict(set, socket, port, true)) {
            return port;
        }
    }
    return 0;
}
