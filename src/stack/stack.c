/* SPDX-License-Identifier: MIT
 *
 * A host's beginning, end, clock and addresses.
 */
#include "fast_open.h"
#include "hf_assert.h"
#include "in_hand.h"
#include "path_metrics.h"
#include "resting.h"
#include "stack_config.h"

#ifdef HF_PROFILE_TINY
#define FREE_PAGES_KEPT 0
#else
#define FREE_PAGES_KEPT 1024
#endif
/* Enough for what a hundred connections need while they send. Where AddressSanitizer watches, what
 * is released is to be gone; where memory is an arena, to be had by all. */
#if defined(HF_PROFILE_TINY) || defined(__SANITIZE_ADDRESS__)
#define KEPT_AT_HAND 0
#else
#define KEPT_AT_HAND 65536u
#endif

static void init_tables(struct hf_stack *stack)
{
    const struct hf_config *config = &stack->config;
    struct memory *memory = &stack->memory;
    page_pool_init(&stack->pages, memory, FREE_PAGES_KEPT);
    send_store_init(&stack->send_store, &stack->pages, config->max_references);
    pool_init(&stack->slots, memory, sizeof(struct stack_slot), config->max_connections);
    pool_init_shrinking(&stack->connections, memory, sizeof(struct stack_connection),
                        config->max_connections);
    resting_init(stack);
    pool_init(&stack->listeners, memory, sizeof(struct stack_listener), config->max_listeners);
    pool_init(&stack->syn_records, memory, sizeof(struct syn_record), config->max_syn_records);
    pool_init(&stack->time_waits, memory, sizeof(struct time_wait_record), config->max_time_wait);
    flow_table_init(&stack->flows, memory);
    stack->hashed.reference = FLOW_NONE;
    flow_table_init(&stack->listener_table, memory);
    wheel_init(&stack->wheel, 0);
    index_list_init(&stack->ready);
    index_list_init(&stack->time_wait_queue);
    stack->syn_quiet_until = HF_TIME_NEVER;
    stack->time_wait_quiet_until = HF_TIME_NEVER;
    for (unsigned stage = 0; stage < SYN_STAGES; stage++) {
        index_list_init(&stack->syn_stages[stage]);
    }
    stack->events_head = POOL_NONE;
    stack->events_tail = POOL_NONE;
    stack->listener_events_head = POOL_NONE;
    stack->listener_events_tail = POOL_NONE;
}

struct hf_stack *hf_stack_new(const struct hf_config *config)
{
    struct hf_stack *stack;
    if (!stack_config_valid(config) || config->memory_bytes < sizeof *stack) {
        return NULL;
    }
    stack = config->allocator.allocate(config->allocator.context, sizeof *stack);
    if (stack == NULL) {
        return NULL;
    }
    memset(stack, 0, sizeof *stack);
    stack->config = *config;
    memory_init(&stack->memory, &config->allocator, config->memory_bytes - sizeof *stack);
    stack->memory.keep_bytes = KEPT_AT_HAND;
    init_tables(stack);
    stack_keys_init(&stack->keys, config->seed);
    fast_open_init(stack);
    path_mtus_init(stack);
    path_metrics_init(stack);
    stack->host.config = &stack->config;
    stack->host.memory = &stack->memory;
    stack->host.pages = &stack->pages;
    stack->host.send_store = &stack->send_store;
    stack->host.counters = &stack->counters;
    stack->cookie_sent = -1;
    if (!ip_host_init(&stack->ip, &stack->memory, config->max_addresses) ||
        (config->late_split && !stack_late_init(stack))) {
        hf_stack_free(stack);
        return NULL;
    }
    return stack;
}

/* The tables were made for the limits and the buffers for the MTU; who traces holds on to names. */
static void keep_foundations(struct hf_config *config, const struct hf_config *built)
{
    memcpy(config->seed, built->seed, sizeof config->seed);
    config->allocator = built->allocator;
    config->trace = built->trace;
    config->host_name = built->host_name;
    config->host_id = built->host_id;
    config->memory_bytes = built->memory_bytes;
    config->max_connections = built->max_connections;
    config->max_listeners = built->max_listeners;
    config->max_syn_records = built->max_syn_records;
    config->max_time_wait = built->max_time_wait;
    config->max_addresses = built->max_addresses;
    config->max_replies = built->max_replies;
    config->max_references = built->max_references;
    config->max_path_mtus = built->max_path_mtus;
    config->max_metrics = built->max_metrics;
    config->mtu = built->mtu;
    config->late_split = built->late_split;
    config->core = built->core;
    config->cores = built->cores;
}

int hf_stack_reconfigure(struct hf_stack *stack, const struct hf_config *config)
{
    struct hf_config next = *config;
    keep_foundations(&next, &stack->config);
    if (!stack_config_valid(&next)) {
        return HF_EINVAL;
    }
    stack->config = next;
    return HF_OK;
}

void hf_stack_free(struct hf_stack *stack)
{
    struct hf_allocator allocator;
    if (stack == NULL) {
        return;
    }
    stack->config.trace.event = NULL;
    for (uint32_t i = 0; i < pool_extent(&stack->slots); i++) {
        const struct stack_slot *slot = pool_at(&stack->slots, i);
        if ((slot->generation & 1) && slot->where >> FLOW_INDEX_BITS == FLOW_CONNECTION) {
            struct stack_connection *connection =
                pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
            tcp_conn_clear(&connection->tcp, &stack->host);
            saved_syn_free(stack, &connection->saved_syn);
        }
    }
    resting_deinit(stack);
    crowded_ports_free(stack);
    for (uint32_t i = 0; i < pool_extent(&stack->syn_records); i++) {
        struct syn_record *record = pool_at(&stack->syn_records, i);
        if (record->live) {
            saved_syn_free(stack, &record->saved_syn);
        }
    }
    reply_clear(stack);
    in_hand_drop(stack);
    stack_late_deinit(stack);
    fast_open_deinit(stack);
    path_mtus_deinit(stack);
    path_metrics_deinit(stack);
    flow_table_deinit(&stack->flows);
    flow_table_deinit(&stack->listener_table);
    pool_deinit(&stack->slots);
    pool_deinit(&stack->connections);
    pool_deinit(&stack->listeners);
    pool_deinit(&stack->syn_records);
    pool_deinit(&stack->time_waits);
    send_store_deinit(&stack->send_store);
    page_pool_deinit(&stack->pages);
    ip_host_deinit(&stack->ip);
    HF_ASSERT(stack->memory.used_bytes == 0);
    memory_trim(&stack->memory);
    allocator = stack->config.allocator;
    allocator.release(allocator.context, stack, sizeof *stack);
}

/* Bytes that an IPv4 address does not use are zero inside, whatever the caller left there. */
struct hf_address stack_clean_address(const struct hf_address *address)
{
    struct hf_address clean;
    memset(&clean, 0, sizeof clean);
    clean.family = address->family;
    memcpy(clean.bytes, address->bytes, address->family == HF_IPV6 ? 16 : 4);
    if (address->family == HF_FAMILY_ANY) {
        memset(clean.bytes, 0, sizeof clean.bytes);
    }
    return clean;
}

int hf_stack_add_address(struct hf_stack *stack, const struct hf_address *address)
{
    struct hf_address clean = stack_clean_address(address);
    if (clean.family == HF_IPV6 && stack->config.mtu < 1280) {
        return HF_EINVAL; /* RFC 8200 5: IPv6 needs an MTU of 1280 */
    }
    stack->foreign = 0;
    return ip_host_add(&stack->ip, &clean);
}

int hf_stack_has_address(const struct hf_stack *stack, const struct hf_address *address)
{
    struct hf_address clean = stack_clean_address(address);
    return ip_host_is_local(&stack->ip, &clean);
}

int hf_stack_first_address(const struct hf_stack *stack, enum hf_family family,
                           struct hf_address *address)
{
    for (uint32_t i = 0; i < stack->ip.count; i++) {
        if (stack->ip.addresses[i].family == family) {
            *address = stack->ip.addresses[i];
            return HF_OK;
        }
    }
    return HF_EADDRNOTAVAIL;
}

const struct hf_config *hf_stack_config(const struct hf_stack *stack)
{
    return &stack->config;
}

static bool speaks_from(const struct flow_tuple *tuple, const struct hf_address *address)
{
    return tuple->family == address->family &&
           memcmp(tuple->local, address->bytes, sizeof tuple->local) == 0;
}

/* Whoever speaks from an address that is gone; false: one at rest cannot be woken to be told. */
static bool finish_speaker(struct hf_stack *stack, uint32_t index, const struct hf_address *address)
{
    const struct stack_slot *slot = pool_at(&stack->slots, index);
    struct stack_connection *connection;
    struct flow_tuple tuple;
    if (!(slot->generation & 1)) {
        return true;
    }
    if (slot->where >> FLOW_INDEX_BITS == FLOW_RESTING) {
        tuple = resting_tuple(stack, slot->where);
    } else {
        connection = pool_at(&stack->connections, slot->where & FLOW_INDEX_MASK);
        tuple = connection->tcp.tuple;
    }
    if (!speaks_from(&tuple, address)) {
        return true;
    }
    connection = resting_wake_slot(stack, slot, HF_REASON_WAKE_CALL);
    if (connection == NULL) {
        return false;
    }
    tcp_finish(&connection->tcp, &stack->host, HF_EADDRNOTAVAIL, HF_REASON_RESOURCES);
    stack_settle(stack, connection);
    return true;
}

int hf_stack_remove_address(struct hf_stack *stack, const struct hf_address *address, hf_time now)
{
    struct hf_address clean = stack_clean_address(address);
    int error = ip_host_remove(&stack->ip, &clean);
    if (error != HF_OK) {
        return error;
    }
    stack_set_now(stack, now);
    in_hand_before(stack);
    for (uint32_t i = 0; i < pool_extent(&stack->slots); i++) {
        error = finish_speaker(stack, i, &clean) ? error : HF_ENOMEM;
    }
    for (uint32_t i = 0; i < pool_extent(&stack->syn_records); i++) {
        struct syn_record *record = pool_at(&stack->syn_records, i);
        if (record->live && speaks_from(&record->tuple, &clean)) {
            syn_cache_remove(stack, i);
        }
    }
    for (uint32_t i = 0; i < pool_extent(&stack->time_waits); i++) {
        struct time_wait_record *record = pool_at(&stack->time_waits, i);
        struct flow_tuple tuple = time_wait_tuple(record);
        if (record->live && speaks_from(&tuple, &clean)) {
            time_wait_remove(stack, i, HF_REASON_RESOURCES);
        }
    }
    return error;
}
