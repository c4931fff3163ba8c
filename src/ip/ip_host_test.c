/* SPDX-License-Identifier: MIT
 *
 * A host's addresses against a list that is searched from its beginning.
 */
#include "ip_host.h"

#include "base_test_support.h"

#define MOST 300
#define CANDIDATES 700

static const uint8_t loopback_ipv6[16] = {[15] = 1};

/* Few bits differ, so that places collide; both families have addresses of the same first bytes. */
static struct hf_address candidate(uint32_t number)
{
    if (number % 2 == 0) {
        return hf_address_ipv4(10, (uint8_t)(number >> 8), (uint8_t)(number & 0xe0),
                               (uint8_t)number);
    }
    uint8_t bytes[16] = {10, (uint8_t)(number >> 8), (uint8_t)(number & 0xe0), (uint8_t)number};
    bytes[8 + number % 8] = (uint8_t)(number >> 3);
    return hf_address_ipv6(bytes);
}

struct list {
    struct hf_address addresses[MOST];
    uint32_t count;
};

static uint32_t list_find(const struct list *list, const struct hf_address *address)
{
    uint32_t i = 0;
    while (i < list->count && !hf_address_equal(&list->addresses[i], address))
        i++;
    return i;
}

static void agrees_with_a_list(void **state)
{
    (void)state;
    struct test_random random = {11};
    struct test_heap heap = test_heap_make();
    struct hf_allocator allocator = test_heap_allocator(&heap);
    struct memory memory;
    struct ip_host host;
    struct list *list = calloc(1, sizeof *list);
    uint32_t full = 0;
    uint32_t removed = 0;
    assert_non_null(list);
    memory_init(&memory, &allocator, 1 << 20);
    assert_true(ip_host_init(&host, &memory, MOST));
    for (int step = 0; step < 20000; step++) {
        struct hf_address address = candidate(random_below(&random, CANDIDATES));
        uint32_t at = list_find(list, &address);
        assert_int_equal(ip_host_is_local(&host, &address), at < list->count);
        if (random_below(&random, 5) < 3) {
            int expected = at < list->count      ? HF_EADDRINUSE
                           : list->count == MOST ? HF_ENOBUFS
                                                 : HF_OK;
            assert_int_equal(ip_host_add(&host, &address), expected);
            if (expected == HF_OK)
                list->addresses[list->count++] = address;
            full += expected == HF_ENOBUFS;
        } else {
            assert_int_equal(ip_host_remove(&host, &address),
                             at < list->count ? HF_OK : HF_EADDRNOTAVAIL);
            if (at < list->count) {
                list->count--;
                memmove(&list->addresses[at], &list->addresses[at + 1],
                        (list->count - at) * sizeof address);
                removed++;
            }
        }
        assert_int_equal(host.count, list->count);
    }
    for (uint32_t i = 0; i < list->count; i++) /* the order decides whom a connection speaks as */
        assert_true(hf_address_equal(&host.addresses[i], &list->addresses[i]));
    assert_true(full > 100);
    assert_true(removed > 1000);
    ip_host_deinit(&host);
    assert_int_equal(heap.blocks, 0);
    free(list);
}

/* Without memory for either of its two arrays there is no host, and nothing is left. */
static void without_memory_there_is_none(void **state)
{
    (void)state;
    for (uint64_t limit = 0; limit < 4096; limit += 64) {
        struct test_heap heap = test_heap_make();
        struct hf_allocator allocator = test_heap_allocator(&heap);
        struct memory memory;
        struct ip_host host;
        memory_init(&memory, &allocator, limit);
        if (ip_host_init(&host, &memory, 64))
            ip_host_deinit(&host);
        else
            assert_true(limit < 64 * sizeof(struct hf_address) + 128 * sizeof(uint32_t));
        assert_int_equal(heap.blocks, 0);
    }
}

static void only_unicast_addresses_are_a_hosts(void **state)
{
    (void)state;
    struct hf_address nobody = {.family = 9};
    struct hf_address all_nodes = {.family = HF_IPV6, .bytes = {0xff, 2, [15] = 1}};
    struct hf_address any = {.family = HF_IPV6};
    struct hf_address one = hf_address_ipv6(loopback_ipv6);
    for (unsigned first = 0; first < 256; first++) {
        struct hf_address address = hf_address_ipv4((uint8_t)first, 0, 0, 1);
        assert_int_equal(ip_is_unicast(&address), first > 0 && first < 224);
    }
    assert_false(ip_is_unicast(&nobody));
    assert_false(ip_is_unicast(&all_nodes));
    assert_false(ip_is_unicast(&any));
    assert_true(ip_is_unicast(&one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_list),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(only_unicast_addresses_are_a_hosts),
    };
    return cmocka_run_group_tests_name("ip_host", tests, NULL, NULL);
}
