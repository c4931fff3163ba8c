/* SPDX-License-Identifier: MIT
 *
 * Text that cannot all be taken: what lies beyond a FIN, what there is no memory for, and how much
 * the window says there is room for.
 */
#include "round_trip.h"

#include <stdlib.h>

/* RFC 9293 3.10.7.4 eighth: nothing follows a FIN. One that is known from above a hole bounds what
 * fills the hole: the octets before it are taken, those that claim its number and later ones are
 * not. */
static void text_across_fin(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, "F. seq=1501 ack=1");
    sends(w, ". seq=1 ack=1");
    in_state(w, HF_ESTABLISHED);
    peer(w, ". seq=501 ack=1 len=1400");
    sends(w, ". seq=1 ack=1");
    assert_int_equal(status_of(w).out_of_order_bytes, 1000);
    peer(w, ". seq=1 ack=1 len=500");
    sends(w, ". seq=1 ack=1502");
    in_state(w, HF_CLOSE_WAIT);
    user_recv(w, 1500);
    user_recv_error(w, 0);
}

/* The same for text in order. */
static void text_in_order_across_fin(void **state)
{
    struct world *w = *state;

    establish_passive(w, 65535, "mss=1000");
    peer(w, "F. seq=501 ack=1");
    sends(w, ". seq=1 ack=1");
    peer(w, ". seq=1 ack=1 len=900");
    sends(w, ". seq=1 ack=502");
    in_state(w, HF_CLOSE_WAIT);
    user_recv(w, 500);
    user_recv_error(w, 0);
}

/* RFC 7323 2.3, RFC 9293 3.8.6.2.2: a scaled window is offered in whole units, rounded down: never
 * more than what the buffer can hold. */
static void window_in_whole_units(void **state)
{
    struct world *w = *state;

    user_listen(w);
    assert_int_equal(hf_set_option(w->stack, w->listener, HF_OPTION_RECEIVE_BUFFER, 200003, w->now),
                     HF_OK);
    peer(w, "S seq=0 mss=1000 ws=0");
    sends(w, "S. seq=0 ack=1 ws=2 win=65535");
    peer(w, ". seq=1 ack=1");
    user_accept(w);
    peer(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1 ack=1001 win=%u", (200003 - 1000) / 4);
    user_recv(w, 1000);
    peer(w, ". seq=1001 ack=1 len=1000");
    sends(w, ". seq=1 ack=2001 win=%u", (200003 - 1000 - 1000) / 4);
}

/* A host that gives memory only while it likes, and knows how much is out. */
struct mood {
    int refuses;
    size_t out;
};

static void *allocate_in_mood(void *context, size_t size)
{
    struct mood *mood = context;
    if (mood->refuses) {
        return NULL;
    }
    mood->out += size;
    return malloc(size);
}

static void release(void *context, void *memory, size_t size)
{
    struct mood *mood = context;
    mood->out -= size;
    free(memory);
}

static void moody_stack(struct world *w, struct mood *mood)
{
    *mood = (struct mood){0};
    w->config.allocator = (struct hf_allocator){allocate_in_mood, release, mood};
    hf_stack_free(w->stack);
    w->stack = NULL;
    world_restart(w);
}

/* RFC 9293 3.8.6: what there is no memory for was not received. The answer says at once how far the
 * text has come, so that it comes again; it is taken when there is memory. */
static void text_without_memory(void **state)
{
    struct world *w = *state;
    struct mood mood;

    moody_stack(w, &mood);
    establish_passive(w, 65535, "mss=1000 sackok");
    mood.refuses = 1;
    peer(w, ". seq=1 ack=1 len=1000");
    assert_int_equal(w->reason, HF_REASON_MEMORY_LIMIT);
    sends(w, ". seq=1 ack=1 nosack");
    peer(w, ". seq=1001 ack=1 len=1000");
    sends(w, ". seq=1 ack=1 nosack");
    assert_int_equal(status_of(w).receive_queue_bytes, 0);
    no_event(w, HF_EVENT_READABLE);
    mood.refuses = 0;
    peer(w, ". seq=1001 ack=1 len=1000");
    sends(w, ". seq=1 ack=1 sack=1001-2001");
    peer(w, ". seq=1 ack=1 len=1000");
    sends(w, ". seq=1 ack=2001 nosack");
    user_recv(w, 2000);
    hf_stack_free(w->stack); /* while `mood` is there */
    w->stack = NULL;
}

/* hf_stack_free: what connections hold goes back with them, in whatever state they are: unread and
 * unsent data, holes, records of what is in flight. */
static void all_goes_back(void **state)
{
    struct world *w = *state;
    struct mood mood;

    moody_stack(w, &mood);
    establish_passive(w, 65535, "mss=1000 sackok");
    user_send(w, 30000);
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=1 ack=1001 len=1000 sack=3001-4001");
    while (next_packet(w) != NULL) {
    }
    peer(w, ". seq=3001 ack=1001 len=1000 sack=3001-4001");
    while (next_packet(w) != NULL) {
    }
    assert_true(mood.out > 0);
    hf_stack_free(w->stack);
    w->stack = NULL;
    assert_int_equal(mood.out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(text_across_fin),     BOTH(text_in_order_across_fin),
        BOTH(text_without_memory), BOTH(window_in_whole_units),
        BOTH(all_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
