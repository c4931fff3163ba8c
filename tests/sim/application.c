/* SPDX-License-Identifier: MIT
 *
 * Streams are computed eight bytes at a time from their seed and the position, so that any piece of
 * them can be made or checked without the rest.
 */
#include "application.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void stream_fill(uint64_t seed, uint64_t position, uint8_t *bytes, size_t length)
{
    uint64_t word = 0;

    for (size_t i = 0; i < length; i++, position++) {
        if (i == 0 || position % 8 == 0) {
            word = (seed + position / 8) * UINT64_C(0x9e3779b97f4a7c15);
            word = (word ^ word >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
            word ^= word >> 32;
        }
        bytes[i] = (uint8_t)(word >> (position % 8 * 8));
    }
}

__attribute__((format(printf, 2, 3))) static void fail(struct application *application,
                                                       const char *format, ...)
{
    va_list arguments;

    if (application->failure[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(application->failure, sizeof application->failure, format, arguments);
    va_end(arguments);
}

void application_init(struct application *application, const struct application_plan *plan,
                      struct hf_stack *stack)
{
    *application = (struct application){
        .plan = *plan,
        .stack = stack,
        .chance = chance_from(plan->seed),
    };
}

/* ---- Events */

static void accept_connection(struct application *application)
{
    int error =
        hf_accept(application->stack, application->listener, &application->connection, NULL);

    if (error != HF_OK) {
        fail(application, "hf_accept after HF_EVENT_ACCEPTABLE: %s", hf_error_text(error));
        return;
    }
    application->connected = application->can_read = application->can_write = true;
    error = hf_accept(application->stack, application->listener, &application->connection, NULL);
    if (error != HF_EAGAIN)
        fail(application, "a second hf_accept: %s, not EAGAIN", hf_error_text(error));
}

static void take_event(struct application *application, const struct hf_event *event)
{
    bool ours = event->handle == application->connection;

    /* A connection that waits to be accepted may speak already; its first read will show what. */
    if (event->handle != application->listener && application->connection == HF_NO_HANDLE)
        return;
    if (event->handle != application->listener && !ours) {
        fail(application, "event %d for the foreign handle %" PRIx64, (int)event->type,
             event->handle);
        return;
    }
    switch (event->type) {
    case HF_EVENT_ACCEPTABLE:
        accept_connection(application);
        break;
    case HF_EVENT_CONNECTED:
        application->connected = application->can_read = application->can_write = true;
        break;
    case HF_EVENT_READABLE:
    case HF_EVENT_PEER_CLOSED:
        application->can_read = true;
        break;
    case HF_EVENT_WRITABLE:
        application->can_write = true;
        break;
    case HF_EVENT_URGENT:
        fail(application, "urgent data that nobody sent");
        break;
    case HF_EVENT_SOFT_ERROR:
    case HF_EVENT_NOTED:
        break;
    case HF_EVENT_ERROR:
        fail(application, "the connection ended with \"%s\"", hf_error_text(event->error));
        application->over = true;
        break;
    case HF_EVENT_CLOSED:
        application->over = true;
        break;
    }
}

/* ---- Writing */

static void write_piece(struct application *application, hf_time now)
{
    const struct application_plan *plan = &application->plan;
    uint8_t *piece = application->piece;
    uint64_t left = plan->send_bytes - application->sent;
    size_t length = chance_between(&application->chance, 1, plan->write_max);
    unsigned flags =
        chance_percent(&application->chance, plan->more_percent) ? (unsigned)HF_SEND_MORE : 0;
    ptrdiff_t taken;

    length = length > left ? (size_t)left : length;
    /* MORE promises more: the last piece cannot. */
    if (length == left)
        flags = 0;
    stream_fill(plan->send_seed, application->sent, piece, length);
    taken = hf_send(application->stack, application->connection, piece, length, flags, now);
    if (taken == HF_EAGAIN) {
        application->can_write = false;
    } else if (taken <= 0 || (size_t)taken > length) {
        fail(application, "hf_send of %zu at byte %" PRIu64 ": %td", length, application->sent,
             taken);
        application->can_write = false;
    } else {
        application->sent += (uint64_t)taken;
    }
}

static bool may_write(const struct application *application, hf_time now)
{
    return (application->connected || application->plan.early) && application->can_write &&
           !application->over && application->sent < application->plan.send_bytes &&
           now >= application->next_write;
}

static bool write_some(struct application *application, hf_time now)
{
    bool did = false;

    while (may_write(application, now)) {
        did = true;
        write_piece(application, now);
        if (application->plan.write_interval_ns > 0)
            application->next_write = now + application->plan.write_interval_ns;
    }
    return did;
}

static bool shut_down(struct application *application, hf_time now)
{
    const struct application_plan *plan = &application->plan;
    int error;

    if (!plan->shuts_down || application->shut || !application->connected || application->over ||
        application->sent < plan->send_bytes || (plan->waits_for_peer && !application->peer_ended))
        return false;
    error = hf_shutdown(application->stack, application->connection, now);
    if (error != HF_OK)
        fail(application, "hf_shutdown: %s", hf_error_text(error));
    application->shut = true;
    return true;
}

/* ---- Reading */

static void read_piece(struct application *application, hf_time now)
{
    uint8_t *piece = application->piece, *expected = application->expected;
    const struct application_plan *plan = &application->plan;
    size_t length = chance_between(&application->chance, 1, plan->read_max);
    ptrdiff_t got = hf_recv(application->stack, application->connection, piece, length, 0, now);

    if (got == HF_EAGAIN) {
        application->can_read = false;
        return;
    }
    if (got == 0) {
        application->peer_ended = true;
        if (application->received != plan->receive_bytes)
            fail(application, "the end came after %" PRIu64 " of %" PRIu64 " bytes",
                 application->received, plan->receive_bytes);
        return;
    }
    if (got < 0 || (size_t)got > length) {
        application->can_read = false;
        fail(application, "hf_recv of %zu at byte %" PRIu64 ": %td", length, application->received,
             got);
        return;
    }
    if ((uint64_t)got > plan->receive_bytes - application->received) {
        fail(application, "more than the %" PRIu64 " bytes sent came", plan->receive_bytes);
        return;
    }
    stream_fill(plan->receive_seed, application->received, expected, (size_t)got);
    for (ptrdiff_t i = 0; i < got; i++) {
        if (piece[i] != expected[i]) {
            fail(application, "byte %" PRIu64 " is not the one sent",
                 application->received + (uint64_t)i);
            break;
        }
    }
    application->received += (uint64_t)got;
}

static bool may_read(const struct application *application, hf_time now)
{
    return application->connected && application->can_read && !application->peer_ended &&
           now >= application->next_read && application->failure[0] == '\0';
}

static bool read_some(struct application *application, hf_time now)
{
    bool did = false;

    while (may_read(application, now)) {
        did = true;
        read_piece(application, now);
        if (application->plan.read_interval_ns > 0)
            application->next_read = now + application->plan.read_interval_ns;
    }
    return did;
}

/* ---- The end */

static bool finish(struct application *application, hf_time now)
{
    const struct application_plan *plan = &application->plan;
    struct hf_status status;
    int error;

    if (application->done || !application->peer_ended || application->sent < plan->send_bytes ||
        !(plan->close_at_once || application->over))
        return false;
    error = hf_close(application->stack, application->connection, now);
    if (error != HF_OK)
        fail(application, "hf_close: %s", hf_error_text(error));
    error = hf_status(application->stack, application->connection, &status);
    if (error != HF_EBADF)
        fail(application, "the handle is not stale after hf_close: %d", error);
    application->done = true;
    return true;
}

bool application_run(struct application *application, hf_time now)
{
    struct hf_event event;
    bool did = false;

    while (hf_stack_next_event(application->stack, &event)) {
        did = true;
        take_event(application, &event);
    }
    if (application->connection == HF_NO_HANDLE || application->done)
        return did;
    did |= write_some(application, now);
    did |= read_some(application, now);
    did |= shut_down(application, now);
    did |= finish(application, now);
    if (application->over && application->sent < application->plan.send_bytes)
        fail(application, "the connection ended after sending %" PRIu64 " bytes",
             application->sent);
    return did;
}

hf_time application_wake(const struct application *application)
{
    hf_time wake = HF_TIME_NEVER;

    if (application->connection == HF_NO_HANDLE || application->done)
        return wake;
    if (may_write(application, HF_TIME_NEVER))
        wake = application->next_write;
    if (may_read(application, HF_TIME_NEVER) && application->next_read < wake)
        wake = application->next_read;
    return wake;
}
