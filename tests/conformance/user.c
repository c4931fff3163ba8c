/* SPDX-License-Identifier: MIT
 *
 * The program above the stack, its view of events and states, and whole openings.
 */
#include "harness_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct hf_endpoint peer_endpoint(const struct world *w)
{
    return (struct hf_endpoint){w->peer_address, w->flow->peer_port};
}

void user_listen_backlog(struct world *w, uint32_t backlog)
{
    struct hf_endpoint local = {{.family = (uint8_t)w->family}, STACK_PORT};

    assert_int_equal(hf_listen(w->stack, &local, backlog, &w->listener), HF_OK);
    drain(w);
}

void user_listen(struct world *w)
{
    user_listen_backlog(w, 16);
}

void user_accept(struct world *w)
{
    struct hf_endpoint remote, expected = peer_endpoint(w);

    assert_int_equal(hf_accept(w->stack, w->listener, &w->flow->connection, &remote), HF_OK);
    assert_true(hf_address_equal(&remote.address, &expected.address));
    assert_int_equal(remote.port, expected.port);
    drain(w);
}

void user_connect(struct world *w)
{
    struct hf_endpoint local = {w->stack_address, w->flow->stack_port};
    struct hf_endpoint remote = peer_endpoint(w);

    assert_int_equal(hf_connect(w->stack, &local, &remote, w->now, &w->flow->connection), HF_OK);
    drain(w);
}

void user_send_flags(struct world *w, size_t length, unsigned flags)
{
    uint8_t *bytes = malloc(length + 1);
    ptrdiff_t taken;

    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = pattern_byte(1, w->flow->user_sent_bytes + 1 + (uint32_t)i);
    }
    taken = hf_send(w->stack, w->flow->connection, bytes, length, flags, w->now);
    free(bytes);
    assert_int_equal(taken, length);
    w->flow->user_sent_bytes += (uint32_t)length;
    drain(w);
}

void user_send(struct world *w, size_t length)
{
    user_send_flags(w, length, 0);
}

void user_recv(struct world *w, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    size_t got = 0;

    assert_non_null(bytes);
    while (got < length) {
        ptrdiff_t n = hf_recv(w->stack, w->flow->connection, bytes + got, length - got, 0, w->now);
        if (n <= 0) {
            fail_msg("hf_recv gave %td after %zu of %zu bytes", n, got, length);
        }
        got += (size_t)n;
    }
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != pattern_byte(0, w->flow->user_received_bytes + 1 + (uint32_t)i)) {
            fail_msg("byte %zu of those received is wrong", i);
        }
    }
    free(bytes);
    w->flow->user_received_bytes += (uint32_t)length;
    drain(w);
}

void user_recv_error(struct world *w, int error)
{
    uint8_t byte;

    assert_int_equal(hf_recv(w->stack, w->flow->connection, &byte, 1, 0, w->now), error);
    drain(w);
}

void user_shutdown(struct world *w)
{
    assert_int_equal(hf_shutdown(w->stack, w->flow->connection, w->now), HF_OK);
    drain(w);
}

void user_close(struct world *w)
{
    assert_int_equal(hf_close(w->stack, w->flow->connection, w->now), HF_OK);
    drain(w);
}

void user_abort(struct world *w)
{
    assert_int_equal(hf_abort(w->stack, w->flow->connection, w->now), HF_OK);
    drain(w);
}

void user_option(struct world *w, enum hf_option option, int64_t value)
{
    assert_int_equal(hf_set_option(w->stack, w->flow->connection, option, value, w->now), HF_OK);
    drain(w);
}

enum hf_state state_of(struct world *w)
{
    struct hf_endpoint remote = peer_endpoint(w);
    struct hf_status status;
    uint64_t cursor = 0;
    enum hf_state found = HF_CLOSED;
    unsigned count = 0;

    while (hf_stack_list(w->stack, &cursor, &status)) {
        if (status.state != HF_LISTEN && status.state != HF_CLOSED &&
            status.remote.port == remote.port && status.local.port == w->flow->stack_port &&
            hf_address_equal(&status.remote.address, &remote.address)) {
            found = status.state;
            count++;
        }
    }
    if (count > 1) {
        fail_msg("%u connections have the same pair of endpoints", count);
    }
    return found;
}

static const char *state_name(enum hf_state state)
{
    static const char *const names[] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                        "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                        "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
    return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "no state";
}

void in_state_at_line(struct world *w, const char *file, int line, enum hf_state state)
{
    enum hf_state found = state_of(w);

    if (found != state) {
        print_error("the state is %s, expected %s\n", state_name(found), state_name(state));
        _fail(file, line);
    }
}

struct hf_status status_of(struct world *w)
{
    struct hf_status status;

    assert_int_equal(hf_status(w->stack, w->flow->connection, &status), HF_OK);
    return status;
}

static int event_fits(const struct world *w, const struct hf_event *event, enum hf_event_type type)
{
    hf_handle handle = type == HF_EVENT_ACCEPTABLE ? w->listener : w->flow->connection;
    return event->type == type && event->handle == handle;
}

void event_at_line(struct world *w, const char *file, int line, enum hf_event_type type, int error)
{
    for (unsigned i = 0; i < w->event_count; i++) {
        if (event_fits(w, &w->events[i], type)) {
            if (w->events[i].error != error) {
                print_error("the event's error is %d, expected %d\n", w->events[i].error, error);
                _fail(file, line);
            }
            memmove(&w->events[i], &w->events[i + 1],
                    (w->event_count - i - 1) * sizeof w->events[0]);
            w->event_count--;
            return;
        }
    }
    print_error("no event of type %d waits\n", (int)type);
    _fail(file, line);
}

void no_event_at_line(struct world *w, const char *file, int line, enum hf_event_type type)
{
    for (unsigned i = 0; i < w->event_count; i++) {
        if (event_fits(w, &w->events[i], type)) {
            print_error("an event of type %d (error %d) that should not be\n", (int)type,
                        w->events[i].error);
            _fail(file, line);
        }
    }
}

struct hf_counters counters_of(struct world *w)
{
    struct hf_counters counters;

    hf_stack_counters(w->stack, &counters);
    return counters;
}

void establish_passive(struct world *w, unsigned window, const char *options)
{
    const char *timestamps = strstr(options, "ts=");

    if (w->listener == HF_NO_HANDLE) {
        user_listen(w);
    }
    peer(w, "S seq=0 win=%u %s", window, options);
    sends(w, "S. seq=0 ack=1");
    peer(w, ". seq=1 ack=1 win=%u %.*s", window,
         timestamps != NULL ? (int)strcspn(timestamps, " ") : 0,
         timestamps != NULL ? timestamps : "");
    silent(w);
    event(w, HF_EVENT_ACCEPTABLE, HF_OK);
    user_accept(w);
    silent(w);
    in_state(w, HF_ESTABLISHED);
}

void establish_active(struct world *w, unsigned window, const char *options)
{
    user_connect(w);
    sends(w, "S seq=0");
    peer(w, "S. seq=0 ack=1 win=%u %s", window, options);
    sends(w, ". seq=1 ack=1");
    event(w, HF_EVENT_CONNECTED, HF_OK);
    if (strstr(options, "ws=") != NULL) {
        /* The SYN's window is never scaled: let the numbers be the ones the caller meant. */
        const char *timestamps = strstr(options, "ts=");
        peer(w, ". seq=1 ack=1 win=%u %.*s", window,
             timestamps != NULL ? (int)strcspn(timestamps, " ") : 0,
             timestamps != NULL ? timestamps : "");
        silent(w);
    }
    in_state(w, HF_ESTABLISHED);
}
