/* SPDX-License-Identifier: MIT
 *
 * TCP Fast Open for listeners (RFC 7413 4.1.2, 4.2.2).
 *
 * A cookie is SipHash of the client's address and ours under a key of this host: nothing is kept
 * for it, and who holds one has received a packet at that address. The bytes are Linux's, so that
 * hosts behind one balancer can share keys whatever they run. Two keys count: new cookies are made
 * with the first; one of the second is taken too, and answered with a new one.
 *
 * What a flood can do is bounded (5.1): each listener counts the connections whose third ACK has
 * not come, and at its limit opens ordinarily. A connection that the program has taken and that is
 * then reset before that ACK counts on for a minute: otherwise who sends SYNs from an address that
 * is not its own would be freed of the limit by the resets of those it wakes up. These are kept in
 * one ring for all listeners; when it is full, nobody opens fast until the oldest is a minute old.
 */
#include "fast_open.h"

#define RESET_PENALTY (60 * HF_SECOND)
#define RESETS_REMEMBERED 1024u

struct fast_open_reset {
    hf_time until;
    uint32_t listener, generation;
};

/* ---- keys */

static void write_key(const struct siphash_key *key, uint8_t bytes[HF_FAST_OPEN_KEY_BYTES])
{
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(key->k0 >> (8 * i));
        bytes[8 + i] = (uint8_t)(key->k1 >> (8 * i));
    }
}

void fast_open_init(struct hf_stack *stack)
{
    struct fast_open_keys *keys = &stack->fast_open_keys;
    const struct hf_config *config = &stack->config;
    memcpy(keys->bytes, config->fast_open_keys, sizeof keys->bytes);
    keys->count = config->fast_open_key_count;
    if (keys->count == 0) {
        write_key(&stack->keys.fast_open, keys->bytes[0]);
        keys->count = 1;
    }
    fast_open_peers_init(stack);
}

void fast_open_deinit(struct hf_stack *stack)
{
    if (stack->fast_open_resets != NULL) {
        memory_release(&stack->memory, stack->fast_open_resets,
                       RESETS_REMEMBERED * sizeof *stack->fast_open_resets);
    }
    fast_open_peers_deinit(stack);
}

int hf_set_fast_open_keys(struct hf_stack *stack, hf_handle handle, const void *bytes,
                          size_t length)
{
    struct stack_listener *listener = stack_listener_of(stack, handle);
    struct fast_open_keys *keys =
        listener != NULL ? &listener->fast_open_keys : &stack->fast_open_keys;
    if (listener == NULL && handle != HF_NO_HANDLE) {
        return stack_slot_of(stack, handle) != NULL ? HF_EOPNOTSUPP : HF_EBADF;
    }
    if (length != HF_FAST_OPEN_KEY_BYTES && length != sizeof keys->bytes) {
        return HF_EINVAL;
    }
    memcpy(keys->bytes, bytes, length);
    keys->count = (uint8_t)(length / HF_FAST_OPEN_KEY_BYTES);
    return HF_OK;
}

static const struct fast_open_keys *keys_of(const struct hf_stack *stack,
                                            const struct stack_listener *listener)
{
    return listener != NULL && listener->fast_open_keys.count > 0 ? &listener->fast_open_keys
                                                                  : &stack->fast_open_keys;
}

ptrdiff_t hf_get_fast_open_keys(const struct hf_stack *stack, hf_handle handle,
                                uint8_t bytes[2 * HF_FAST_OPEN_KEY_BYTES])
{
    const struct stack_listener *listener = stack_listener_of(stack, handle);
    const struct fast_open_keys *keys = keys_of(stack, listener);
    size_t length = (size_t)keys->count * HF_FAST_OPEN_KEY_BYTES;
    if (listener == NULL && handle != HF_NO_HANDLE) {
        return stack_slot_of(stack, handle) != NULL ? HF_EOPNOTSUPP : HF_EBADF;
    }
    memcpy(bytes, keys->bytes, length);
    return (ptrdiff_t)length;
}

/* ---- cookies */

/* Keeps RFC7413-4.1.2-a. */
static void make_cookie(const struct fast_open_keys *keys, unsigned which,
                        const struct flow_tuple *tuple, uint8_t cookie[FAST_OPEN_COOKIE_BYTES])
{
    struct siphash_key key = siphash_key_from_bytes(keys->bytes[which]);
    size_t length = tuple->family == HF_IPV4 ? 4 : 16;
    uint8_t addresses[32];
    uint64_t value;
    memcpy(addresses, tuple->remote, length);
    memcpy(addresses + length, tuple->local, length);
    value = siphash(&key, addresses, 2 * length);
    for (unsigned i = 0; i < FAST_OPEN_COOKIE_BYTES; i++) {
        cookie[i] = (uint8_t)(value >> (8 * i));
    }
}

/* 0: none of ours; else one more than the key's place. All bytes are looked at whatever the first
 * ones are.
 * Keeps RFC7413-4.1.2-b. */
static unsigned cookie_key(const struct fast_open_keys *keys, const struct flow_tuple *tuple,
                           const struct tcp_options *options)
{
    if (options->fast_open_length != FAST_OPEN_COOKIE_BYTES) {
        return 0;
    }
    for (unsigned which = 0; which < keys->count; which++) {
        uint8_t cookie[FAST_OPEN_COOKIE_BYTES];
        unsigned different = 0;
        make_cookie(keys, which, tuple, cookie);
        for (unsigned i = 0; i < FAST_OPEN_COOKIE_BYTES; i++) {
            different |= (unsigned)(cookie[i] ^ options->fast_open_cookie[i]);
        }
        if (different == 0) {
            return which + 1;
        }
    }
    return 0;
}

void fast_open_fill(const struct fast_open_answer *answer, struct tcp_options *options)
{
    options->has_fast_open = true;
    options->fast_open_experimental = answer->experimental;
    options->fast_open_length = FAST_OPEN_COOKIE_BYTES;
    options->fast_open_cookie = answer->cookie;
}

/* ---- the limit */

static struct stack_listener *counting_listener(struct hf_stack *stack, uint32_t index,
                                                uint32_t generation)
{
    struct stack_listener *listener = pool_at(&stack->listeners, index);
    return listener->generation == generation ? listener : NULL;
}

static void forget_old_resets(struct hf_stack *stack)
{
    while (stack->fast_open_reset_count > 0) {
        const struct fast_open_reset *oldest =
            &stack->fast_open_resets[stack->fast_open_reset_head];
        struct stack_listener *listener;
        if (oldest->until > stack->host.now) {
            return;
        }
        listener = counting_listener(stack, oldest->listener, oldest->generation);
        if (listener != NULL) {
            listener->fast_open_pending--;
        }
        stack->fast_open_reset_head = (stack->fast_open_reset_head + 1) % RESETS_REMEMBERED;
        stack->fast_open_reset_count--;
    }
}

/* The pending connection was reset: it goes on counting. False: there is no room to remember.
 * Keeps RFC7413-5.1-b. */
static bool remember_reset(struct hf_stack *stack, const struct stack_connection *connection)
{
    struct fast_open_reset *reset;
    if (stack->fast_open_resets == NULL) {
        stack->fast_open_resets =
            memory_allocate(&stack->memory, RESETS_REMEMBERED * sizeof *stack->fast_open_resets);
    }
    if (stack->fast_open_resets == NULL || stack->fast_open_reset_count == RESETS_REMEMBERED) {
        return false;
    }
    reset = &stack->fast_open_resets[(stack->fast_open_reset_head + stack->fast_open_reset_count) %
                                     RESETS_REMEMBERED];
    reset->until = stack->host.now + RESET_PENALTY;
    reset->listener = connection->fast_open_listener;
    reset->generation = connection->fast_open_generation;
    stack->fast_open_reset_count++;
    return true;
}

/* Keeps RFC7413-5.1-a. */
static bool below_limit(struct hf_stack *stack, const struct stack_listener *listener)
{
    forget_old_resets(stack);
    return listener->fast_open_pending < listener->fast_open_limit &&
           stack->fast_open_reset_count < RESETS_REMEMBERED;
}

/* ---- judging */

static bool fits(const struct stack_listener *listener, const struct tcp_segment *segment)
{
    return segment->payload_length <= listener->prototype.receive_limit_bytes;
}

/* Keeps RFC7413-4.2.2-a, RFC7413-4.2.2-b, RFC7413-4.2.2-c, RFC7413-6.3-a. */
struct fast_open_answer fast_open_judge(struct hf_stack *stack, struct stack_listener *listener,
                                        const struct arrival *arrival)
{
    const struct tcp_segment *segment = arrival->segment;
    const struct tcp_options *options = &segment->options;
    const struct fast_open_keys *keys = keys_of(stack, listener);
    struct fast_open_answer answer = {.reason = HF_REASON_ACCEPTED};
    unsigned key;
    if (!(stack->config.fast_open & HF_FAST_OPEN_SERVER) || listener->fast_open_limit == 0 ||
        (segment->payload_length == 0 && !options->has_fast_open)) {
        return answer;
    }
    if (!below_limit(stack, listener)) {
        answer.reason = HF_REASON_FAST_OPEN_LIMIT;
        return answer;
    }
    answer.experimental = options->fast_open_experimental;
    if (((stack->config.fast_open & HF_FAST_OPEN_SERVER_NO_COOKIE) ||
         listener->prototype.fast_open_no_cookie)) {
        answer.accept = fits(listener, segment);
        answer.reason = HF_REASON_FAST_OPEN_ACCEPTED;
        return answer;
    }
    if (!options->has_fast_open) {
        return answer; /* data without a cookie: the peer sends it again */
    }
    key = cookie_key(keys, &arrival->tuple, options);
    answer.accept = key > 0 && fits(listener, segment);
    answer.option = key != 1 || !answer.accept;
    make_cookie(keys, 0, &arrival->tuple, answer.cookie);
    if (options->fast_open_length == 0) {
        answer.reason = HF_REASON_FAST_OPEN_GRANTED;
    } else if (key == 0) {
        answer.reason = HF_REASON_FAST_OPEN_INVALID;
        stack->counters.fast_open_passive_failed++;
    } else {
        answer.reason = key == 1 ? HF_REASON_FAST_OPEN_ACCEPTED : HF_REASON_FAST_OPEN_OLD_KEY;
    }
    stack->counters.fast_open_cookies_sent += answer.option;
    return answer;
}

/* ---- a connection's life */

bool fast_open_begin(struct hf_stack *stack, struct stack_listener *listener,
                     struct stack_connection *connection, const struct fast_open_answer *answer,
                     const struct tcp_segment *segment)
{
    struct tcp_conn *conn = &connection->tcp;
    if (answer->option) {
        struct tcp_fast_open *fast_open = tcp_fast_open_new(conn, &stack->host);
        if (fast_open == NULL) {
            return false;
        }
        fast_open->option = true;
        fast_open->experimental = answer->experimental;
        fast_open->cookie_length = FAST_OPEN_COOKIE_BYTES;
        memcpy(fast_open->cookie, answer->cookie, sizeof answer->cookie);
    }
    if (!tcp_fast_open_passive(conn, &stack->host, segment)) {
        return false;
    }
    listener->fast_open_pending++;
    connection->fast_open_listener = listener->index;
    connection->fast_open_generation = listener->generation;
    stack->counters.fast_open_passive++;
    return true;
}

static void leave_pending(struct hf_stack *stack, struct stack_connection *connection)
{
    struct stack_listener *listener =
        counting_listener(stack, connection->fast_open_listener, connection->fast_open_generation);
    bool reset = tcp_fast_open_unproven(&connection->tcp) &&
                 connection->tcp.error == HF_ECONNRESET && connection->tcp.accepted;
    if (listener != NULL && !(reset && remember_reset(stack, connection))) {
        listener->fast_open_pending--;
    }
    connection->fast_open_listener = POOL_NONE;
}

void fast_open_abandon(struct hf_stack *stack, struct stack_connection *connection)
{
    leave_pending(stack, connection);
    stack->counters.fast_open_passive--;
}

void fast_open_settle(struct hf_stack *stack, struct stack_connection *connection)
{
    struct tcp_conn *conn = &connection->tcp;
    bool over = conn->state == HF_CLOSED || !seq_eq(conn->snd.una, conn->iss);
    if (connection->fast_open_listener != POOL_NONE && over) {
        leave_pending(stack, connection);
    }
    if (conn->fast_open == NULL) {
        return;
    }
    if (conn->state == HF_CLOSED && seq_eq(conn->snd.una, conn->iss) && !conn->passive &&
        conn->fast_open->sent && conn->error != HF_ECONNREFUSED && !conn->orphan) {
        conn->fast_open->news = TCP_FAST_OPEN_LOST;
    }
    if (conn->fast_open->news != TCP_FAST_OPEN_NO_NEWS) {
        fast_open_remember(stack, connection);
        conn->fast_open->news = TCP_FAST_OPEN_NO_NEWS;
    }
    if (over) {
        tcp_fast_open_free(conn, &stack->host);
    }
}
