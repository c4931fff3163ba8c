/* SPDX-License-Identifier: MIT
 *
 * The flow table by the number of flows in it, with records of 4-tuples as the stack has them. What
 * is looked up is random, and each look-up waits for the one before, as packets do that come one at
 * a time: beyond the caches a hit costs the two misses that it cannot do without, the slot's and
 * the record's, which are measured alone as the floor.
 */
#include "bench_kinds.h"
#include "flow_table.h"
#include "flow_tuple.h"
#include "machine.h"
#include "siphash.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST UINT32_C(1000)
#define MOST_PROBES UINT32_C(1000000)
#define INSERT_PASSES 3
#define ARENA_BYTES 65536u
#define ARENA_BYTES_A_FLOW 80u                  /* all the slots there ever were */
#define BYTES_A_FLOW (104 + ARENA_BYTES_A_FLOW) /* record, time */

/* What a packet would bring, by itself: so the record is found by way of the slot alone. */
struct probe {
    struct flow_tuple tuple;
    uint32_t index, hash;
};

/* Memory that is there already: how long the system takes to hand out a page is not what is asked.
 * Blocks are never reused; all go at once. */
struct arena {
    uint8_t *bytes;
    size_t capacity, used;
};

struct lookup {
    struct arena arena;
    struct memory memory;
    struct flow_table table;
    struct siphash_key key;
    uint32_t count, probe_count;
    struct flow_tuple *records;
    struct probe *probes;
    uint64_t *insert_times;
};

static void *arena_allocate(void *context, size_t size)
{
    struct arena *arena = context;
    size_t whole = (size + 63) & ~(size_t)63;
    if (whole > arena->capacity - arena->used) {
        return NULL;
    }
    arena->used += whole;
    return arena->bytes + arena->used - whole;
}

static void arena_release(void *context, void *block, size_t size)
{
    (void)context;
    (void)block;
    (void)size;
}

static bool matches(const void *context, uint32_t reference, const void *key)
{
    const struct flow_tuple *records = context;
    return flow_tuple_equal(&records[reference], key);
}

static uint32_t hash_of(const struct lookup *lookup, const struct flow_tuple *tuple)
{
    return (uint32_t)siphash(&lookup->key, tuple, sizeof *tuple);
}

static void make_records(struct lookup *lookup)
{
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    for (uint32_t i = 0; i < lookup->count; i++) {
        struct hf_endpoint local = {hf_address_ipv4(10, 0, 0, 1), 80};
        struct hf_endpoint remote = {
            hf_address_ipv4(11, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8)),
            (uint16_t)(1024 + (i & 255))};
        lookup->records[i] = flow_tuple_make(&local, &remote);
    }
    for (uint32_t i = 0; i < lookup->probe_count; i++) {
        uint32_t index = (uint32_t)(measure_random(&random) % lookup->count);
        lookup->probes[i] =
            (struct probe){lookup->records[index], index, hash_of(lookup, &lookup->records[index])};
    }
}

static struct lookup *lookup_new(uint32_t count)
{
    struct lookup *lookup = measure_calloc(1, sizeof *lookup);
    struct hf_allocator allocator = {arena_allocate, arena_release, &lookup->arena};
    lookup->arena.capacity = (size_t)count * ARENA_BYTES_A_FLOW + ARENA_BYTES;
    lookup->arena.bytes = aligned_alloc(64, lookup->arena.capacity & ~(size_t)63);
    if (lookup->arena.bytes == NULL) {
        measure_fail("no memory for the flows");
    }
    memory_init(&lookup->memory, &allocator, UINT64_MAX);
    flow_table_init(&lookup->table, &lookup->memory);
    lookup->key = (struct siphash_key){1, 2};
    lookup->count = count;
    lookup->probe_count = count < MOST_PROBES ? MOST_PROBES / 10 : MOST_PROBES;
    lookup->records = measure_calloc(count, sizeof *lookup->records);
    lookup->probes = measure_calloc(lookup->probe_count, sizeof *lookup->probes);
    lookup->insert_times = measure_calloc(count, sizeof *lookup->insert_times);
    memset(lookup->insert_times, 1, (size_t)count * sizeof *lookup->insert_times);
    memset(lookup->arena.bytes, 1, lookup->arena.capacity & ~(size_t)63);
    make_records(lookup);
    return lookup;
}

static void lookup_free(struct lookup *lookup)
{
    flow_table_deinit(&lookup->table);
    free(lookup->arena.bytes);
    free(lookup->records);
    free(lookup->probes);
    free(lookup->insert_times);
    free(lookup);
}

/* Zero: what is added to an index makes it wait for `value`. */
static uint32_t nothing_of(uint32_t value)
{
    return value & (uint32_t)measure_nothing();
}

static void add(struct bench_report *report, const struct lookup *lookup, enum report_who who,
                const char *name, const char *what, double start, uint32_t operations)
{
    report_point(report, who, name, what, "ns", lookup->count,
                 (measure_seconds() - start) * 1e9 / operations);
}

static void insert(struct lookup *lookup, uint32_t index)
{
    if (!flow_table_insert(&lookup->table, hash_of(lookup, &lookup->records[index]), index)) {
        measure_fail("the table does not grow");
    }
}

static void clear(struct lookup *lookup)
{
    flow_table_deinit(&lookup->table);
    lookup->arena.used = 0;
    flow_table_init(&lookup->table, &lookup->memory);
}

/* From an empty table to `count` flows, each insert timed by itself. The same again and again, with
 * the same keys, and of each insert the least counts: what the table does at its n-th insert it
 * does each time, and what the machine does it does at another. */
static void time_inserts(struct lookup *lookup)
{
    for (unsigned pass = 0; pass < INSERT_PASSES; pass++) {
        uint64_t before;
        clear(lookup);
        before = measure_wall_ns();
        for (uint32_t i = 0; i < lookup->count; i++) {
            uint64_t after;
            insert(lookup, i);
            after = measure_wall_ns();
            if (pass == 0 || after - before < lookup->insert_times[i]) {
                lookup->insert_times[i] = after - before;
            }
            before = after;
        }
    }
}

static void grow(struct bench_report *report, struct lookup *lookup)
{
    double start;
    time_inserts(lookup);
    report_point(report, REPORT_HANDFAST, "insert_p9999", "insert while it grows, p99.99", "ns",
                 lookup->count,
                 (double)measure_quantile(lookup->insert_times, lookup->count, 0.9999));
    report_point(report, REPORT_HANDFAST, "insert_most", "insert while it grows, the slowest", "ns",
                 lookup->count, (double)lookup->insert_times[lookup->count - 1]);
    clear(lookup);
    start = measure_seconds();
    for (uint32_t i = 0; i < lookup->count; i++) {
        insert(lookup, i);
    }
    add(report, lookup, REPORT_HANDFAST, "insert", "insert while it grows, hash included", start,
        lookup->count);
}

static void find(struct bench_report *report, struct lookup *lookup)
{
    uint32_t found = 0;
    uint32_t misses = 0;
    double start = measure_seconds();
    for (uint32_t i = 0; i < lookup->probe_count; i++) {
        const struct probe *probe = &lookup->probes[i + nothing_of(found)];
        found =
            flow_table_find(&lookup->table, probe->hash, matches, lookup->records, &probe->tuple);
        misses += found != probe->index;
    }
    add(report, lookup, REPORT_HANDFAST, "hit", "hit, without its hash", start,
        lookup->probe_count);
    if (misses != 0) {
        measure_fail("a flow was not found");
    }
    start = measure_seconds();
    for (uint32_t i = 0; i < lookup->probe_count; i++) {
        const struct probe *probe = &lookup->probes[i + nothing_of(found)];
        found = flow_table_find(&lookup->table, probe->hash * 2654435761u + 1, matches,
                                lookup->records, &probe->tuple);
    }
    measure_keep(found);
    add(report, lookup, REPORT_HANDFAST, "miss", "miss, without its hash", start,
        lookup->probe_count);
}

/* The same memory in the same order, and nothing else. As above the next one waits for the slot,
 * and the record's part in it is guessed. */
static void touch(struct bench_report *report, struct lookup *lookup)
{
    uint32_t mask = lookup->table.current.capacity - 1;
    const struct flow_slot *slots = lookup->table.current.slots;
    uint32_t seen = 0;
    uint64_t sum = 0;
    double start = measure_seconds();
    for (uint32_t i = 0; i < lookup->probe_count; i++) {
        const struct probe *probe = &lookup->probes[i + nothing_of(seen)];
        seen = slots[probe->hash & mask].reference;
        sum += lookup->records[probe->index + nothing_of(seen)].remote_port;
    }
    measure_keep(sum);
    add(report, lookup, REPORT_FLOOR, "touch", "the slot and the record read, nothing compared",
        start, lookup->probe_count);
}

static void hash(struct bench_report *report, struct lookup *lookup)
{
    uint64_t sum = 0;
    double start = measure_seconds();
    for (uint32_t i = 0; i < MOST_PROBES / 10; i++) {
        sum += hash_of(lookup, &lookup->records[i % 512]);
    }
    measure_keep(sum);
    add(report, lookup, REPORT_HANDFAST, "hash", "the keyed hash of a 4-tuple (SipHash)", start,
        MOST_PROBES / 10);
}

/* All go, in an order that has nothing to do with that in which they came. */
static void empty(struct bench_report *report, struct lookup *lookup)
{
    const uint32_t stride = 1000003; /* a prime that divides none of the counts */
    uint64_t at = 0;
    double start = measure_seconds();
    for (uint32_t i = 0; i < lookup->count; i++) {
        uint32_t index = (uint32_t)at;
        if (!flow_table_remove(&lookup->table, hash_of(lookup, &lookup->records[index]), index)) {
            measure_fail("a flow could not be removed");
        }
        at = (at + stride) % lookup->count;
    }
    add(report, lookup, REPORT_HANDFAST, "remove", "remove, hash included", start, lookup->count);
    if (flow_table_count(&lookup->table) != 0) {
        measure_fail("the table is not empty");
    }
}

static void measure_size(struct bench_report *report, uint32_t count)
{
    struct lookup *lookup = lookup_new(count);
    for (unsigned round = 0; round < report->plan->rounds; round++) {
        grow(report, lookup);
        find(report, lookup);
        touch(report, lookup);
        hash(report, lookup);
        empty(report, lookup);
        clear(lookup);
    }
    lookup_free(lookup);
}

void bench_lookup(struct bench_report *report)
{
    bench_sizes(report, SMALLEST, BYTES_A_FLOW, measure_size);
    report_add(report, REPORT_HANDFAST, "insert_p9999_most", "insert while it grows, p99.99", "ns",
               report_last_point(report, "insert_p9999"));
    report_add(report, REPORT_HANDFAST, "hit_share",
               "what a hit cannot do without, of a hit, at the most flows", "of 1",
               report_last_point(report, "touch") / report_last_point(report, "hit"));
    report_note(report, "each look-up waits for the one before; hits and misses are random");
    report_note(report, "inserts are timed one by one, three times over with the same keys; the "
                        "least of each counts, so what is left is the table's own doing");
}
