/* SPDX-License-Identifier: MIT
 *
 * Theory of operation.
 *
 * The stack does nothing by itself: packets, calls and time go in, packets and events come out. All
 * of it meets in one place, `turn`, which libuv calls each time just before it would sleep
 * (uv_prepare). Whatever happened since then (packets were read from the device, a pipe became
 * readable and hf_send was called, a timer ran out) has by then changed the stack, and one turn
 * carries the consequences out: events to their owners, packets to the device, and the stack's
 * next deadline into a timer. No other code needs to think of flushing.
 *
 * Packets leave in batches, as super-segments where the device takes them (offload.h): what leaves
 * is handed to it straight from the send queue, and one that it cannot take yet is copied, for the
 * queue will not wait.
 *
 * Work is bounded each time round, so that neither a flood of packets nor one fast connection
 * keeps the loop from its other descriptors: so many packets read per wakeup, so many written per
 * turn. If something is left, the timer is set to zero and the loop only looks at its descriptors
 * without sleeping.
 *
 * The timer counts in milliseconds and is rounded up; TCP's shortest timers are tens of them.
 */
#define _GNU_SOURCE /* clock_gettime */

#include "host.h"

#include "control.h"
#include "host_device.h"
#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PACKETS_WRITTEN_PER_TURN = 256,
    EVENTS_PER_TURN = 4096,
    ROUNDS_PER_TURN = 4,
    BUSY_ROUNDS = 16,      /* then the other descriptors are looked at */
    LAST_PACKETS = 100000, /* more than every connection's RST at the end of a large proxy */
    LAST_ROUNDS = 64,
    FLUSH_MILLISECONDS = 500
};

static int64_t read_clock(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * HF_SECOND + time.tv_nsec;
}

hf_time host_now(const struct host *host)
{
    return read_clock(CLOCK_MONOTONIC) - host->start_ns;
}

bool host_own(struct host *host, hf_handle handle, struct host_owner *owner)
{
    return handle_map_put(&host->owners, handle, owner);
}

int host_listen(struct host *host, const struct hf_endpoint *local, uint32_t backlog,
                hf_handle *listener)
{
    int error = hf_listen(host->stack, local, backlog, listener);

    if (error == HF_OK && host->network->fast_open)
        error = hf_set_option(host->stack, *listener, HF_OPTION_FAST_OPEN_QUEUE, backlog,
                              host_now(host));
    return error;
}

int host_connect(struct host *host, const struct hf_endpoint *remote, hf_handle *connection)
{
    hf_time now = host_now(host);
    int error = hf_connect(host->stack, NULL, remote, now, connection);

    /* Without memory for it the connection opens in the ordinary way. */
    if (error == HF_OK && host->network->fast_open)
        hf_set_option(host->stack, *connection, HF_OPTION_FAST_OPEN_CONNECT, 1, now);
    return error;
}

void host_disown(struct host *host, hf_handle handle)
{
    handle_map_remove(&host->owners, handle);
}

void host_tell(const struct host *host, const char *format, ...)
{
    char line[512];
    va_list arguments;

    if (!host->network->verbose)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    say("%s", line);
}

void host_stop(struct host *host, int exit_code)
{
    if (host->stopping)
        return;
    host->stopping = true;
    host->exit_code = exit_code;
    uv_stop(&host->loop);
}

static void device_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error of the device shows itself in the read */
    (void)events;
    host_take_from_device(poll->data);
}

static int dispatch_events(struct host *host)
{
    struct hf_event event;
    int count = 0;

    while (count < EVENTS_PER_TURN && hf_stack_next_event(host->stack, &event)) {
        struct host_owner *owner = handle_map_get(&host->owners, event.handle);

        count++;
        if (owner != NULL)
            owner->event(owner, &event);
    }
    return count;
}

static void take_returned(struct host *host)
{
    struct hf_returned returned;

    while (hf_next_returned(host->stack, &returned)) {
        if (host->on_returned != NULL)
            host->on_returned(host, &returned);
    }
}

static void wake(uv_timer_t *timer)
{
    (void)timer; /* the turn that follows does the work */
}

static void set_timer(struct host *host, bool again)
{
    hf_time deadline = hf_stack_next_deadline(host->stack), wait;

    /* uv_timer counts from the loop's own idea of now, which is as old as its last wakeup. */
    uv_update_time(&host->loop);
    if (again || deadline != HF_TIME_NEVER) {
        wait = again ? 0 : deadline - host_now(host);
        if (wait < 0)
            wait = 0;
        /* With a full device there is no use in coming back before it is writable. */
        if (wait == 0 && host_holds_packets(host))
            wait = HF_SECOND;
        uv_timer_start(&host->deadline_timer, wake,
                       (uint64_t)((wait + HF_MILLISECOND - 1) / HF_MILLISECOND), 0);
    } else {
        uv_timer_stop(&host->deadline_timer);
    }
}

static void carry_out(struct host *host)
{
    int room = PACKETS_WRITTEN_PER_TURN, round;
    bool held = host_holds_packets(host);
    hf_time now;

    if (host_take_passed(host) > 0)
        host->busy_since = host_now(host);
    /* What has arrived comes before what is due. */
    if (hf_stack_next_deadline(host->stack) <= host_now(host))
        host_take_from_device(host);
    now = host_now(host);
    for (round = 0; round < ROUNDS_PER_TURN && room > 0; round++) {
        int events = dispatch_events(host);
        int written;

        take_returned(host);
        written = host_write_packets(host, room, now);

        room -= written;
        if (events == 0 && (written == 0 || host_holds_packets(host)))
            break;
    }
    if (held != host_holds_packets(host))
        uv_poll_start(&host->tun_poll, UV_READABLE | (host_holds_packets(host) ? UV_WRITABLE : 0),
                      device_readable);
    if (room < PACKETS_WRITTEN_PER_TURN)
        host->busy_since = now;
    set_timer(host, round == ROUNDS_PER_TURN || room <= 0);
}

/* --busy-poll: instead of sleeping at once, looks at the device for a while after the last packet;
 * an answer that comes soon then finds us awake. Other descriptors wait as long, at the most. */
static bool poll_busily(struct host *host)
{
    hf_time until = host_now(host) + host->network->busy_poll_ns;

    if (until > host->busy_since + 2 * host->network->busy_poll_ns)
        return false;
    while (!host->stopping && !host_holds_packets(host) && host_now(host) < until) {
        if (host_take_from_device(host) > 0 || host_take_passed(host) > 0)
            return true;
        if (hf_stack_next_deadline(host->stack) <= host_now(host))
            return true;
    }
    return false;
}

static void turn(uv_prepare_t *prepare)
{
    struct host *host = prepare->data;

    carry_out(host);
    for (int round = 0; round < BUSY_ROUNDS && host->network->busy_poll_ns > 0 && poll_busily(host);
         round++)
        carry_out(host);
    if (host->cores != NULL && !hf_cores_sleep(host->cores, host->core))
        uv_timer_start(&host->deadline_timer, wake, 0, 0);
}

static void awake(uv_check_t *check)
{
    struct host *host = check->data;

    hf_cores_wake(host->cores, host->core);
}

static void bell_rings(uv_async_t *bell)
{
    struct host *host = bell->data;

    /* What was passed on is taken by the turn that follows. */
    if (atomic_load(&host->stop_asked))
        host_stop(host, EXIT_CODE_OK);
}

void host_ask_stop(struct host *host)
{
    atomic_store(&host->stop_asked, true);
    uv_async_send(&host->bell);
}

static void flush_traces(uv_timer_t *timer)
{
    struct host *host = timer->data;

    tracing_flush(&host->tracing);
}

static void take_signal(uv_signal_t *handle, int number)
{
    struct host *host = handle->data;

    if (host->on_signal != NULL)
        host->on_signal(host, number);
    else
        host_stop(host, EXIT_CODE_SIGNAL + number);
}

/* One for each core: the first host has them made, the others find theirs. */
static int make_cores(struct host *host, const struct hf_config *config)
{
    struct hf_cores_config cores = hf_cores_config_default();

    cores.stack = *config;
    cores.cores = host->network->cores;
    host->cores = host->core == 0 ? hf_cores_new(&cores) : host->all[0]->cores;
    if (host->cores != NULL)
        host->stack = hf_cores_stack(host->cores, host->core);
    return host->stack != NULL ? EXIT_CODE_OK
                               : fail(-ENOMEM, "cannot make a host of %u cores", cores.cores);
}

static int open_stack(struct host *host)
{
    const struct network_options *network = host->network;
    struct hf_config config = hf_config_default();
    int error, code;

    code = tracing_open(&host->tracing, network, read_clock(CLOCK_REALTIME) - host_now(host));
    if (code != EXIT_CODE_OK)
        return code;
    config.trace = tracing_sink(&host->tracing);
    config.host_name = "handfast";
    config.mtu = network->mtu;
    config.mtu_probing = network->mtu_probing;
    config.ecn = network->ecn;
    if (network->congestion_control != NULL)
        config.congestion_control = network->congestion_control;
    if (network->msl_ns > 0)
        config.msl_ns = network->msl_ns;
    if (network->fast_open)
        config.fast_open = HF_FAST_OPEN_CLIENT | HF_FAST_OPEN_SERVER;
    if (network->has_seed)
        memcpy(config.seed, network->seed, sizeof config.seed);
    if (host->all != NULL && network->cores > 1) {
        code = make_cores(host, &config);
        if (code != EXIT_CODE_OK)
            return code;
    } else {
        host->stack = hf_stack_new(&config);
    }
    if (host->stack == NULL)
        return fail(-ENOMEM, "cannot make a host");
    for (size_t i = 0; i < network->address_count; i++) {
        char text[HF_ADDRESS_TEXT];

        error = hf_stack_add_address(host->stack, &network->addresses[i].address);
        if (error != HF_OK) {
            say("--address %s: %s; a host needs an address of its own",
                hf_address_format(&network->addresses[i].address, text), hf_error_text(error));
            return EXIT_CODE_USAGE;
        }
    }
    return EXIT_CODE_OK;
}

static int open_handles(struct host *host)
{
    const int numbers[] = {SIGINT, SIGTERM};

    uv_timer_init(&host->loop, &host->deadline_timer);
    uv_timer_init(&host->loop, &host->flush_timer);
    uv_prepare_init(&host->loop, &host->prepare);
    uv_check_init(&host->loop, &host->check);
    uv_async_init(&host->loop, &host->bell, bell_rings);
    host->check.data = host->bell.data = host;
    if (host->cores != NULL)
        uv_check_start(&host->check, awake);
    /* Of several, the first host is the one that hears signals. */
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&host->loop, &host->signals[i]);
        host->signals[i].data = host;
        if (host->core == 0)
            uv_signal_start(&host->signals[i], take_signal, numbers[i]);
    }
    host->prepare.data = host;
    host->flush_timer.data = host;
    host->tun_poll.data = host;
    host->handles_open = true;
    uv_prepare_start(&host->prepare, turn);
    if (host->tracing.tee.count > 0)
        uv_timer_start(&host->flush_timer, flush_traces, FLUSH_MILLISECONDS, FLUSH_MILLISECONDS);
    return uv_poll_start(&host->tun_poll, UV_READABLE, device_readable);
}

int host_open(struct host *host, const struct network_options *network, const char *command_name)
{
    return host_open_core(host, NULL, 0, network, command_name);
}

int host_open_core(struct host *host, struct host **all, uint32_t core,
                   const struct network_options *network, const char *command_name)
{
    int error, code;

    memset(host, 0, sizeof *host);
    atomic_init(&host->stop_asked, false);
    host->network = network;
    host->all = all;
    host->core = core;
    host->start_ns = core == 0 ? read_clock(CLOCK_MONOTONIC) : all[0]->start_ns;
    signal(SIGPIPE, SIG_IGN);
    code = host_open_device(host);
    if (code == EXIT_CODE_OK)
        code = open_stack(host);
    if (code != EXIT_CODE_OK)
        return code;
    error = uv_loop_init(&host->loop);
    if (error != 0)
        return fail(error, "cannot start an event loop");
    host->loop_open = true;
    error = uv_poll_init(&host->loop, &host->tun_poll, hf_tun_descriptor(host->tun));
    if (error == 0)
        error = open_handles(host);
    if (error != 0)
        return fail(error, "cannot wait for the device %s", hf_tun_name(host->tun));
    return control_open(&host->control, host, command_name);
}

int host_run(struct host *host)
{
    if (!host->stopping)
        uv_run(&host->loop, UV_RUN_DEFAULT);
    return host->exit_code;
}

void host_flush(struct host *host)
{
    host_write_packets(host, LAST_PACKETS, host_now(host));
}

/* What came in the meantime deserves its answer (a RST, by now): once we are gone, nobody gives
 * one, and a peer could wait for ever. */
static void answer_the_last(struct host *host)
{
    int count = HOST_PACKETS_AT_ONCE;

    host_flush(host);
    for (int round = 0; round < LAST_ROUNDS && count == HOST_PACKETS_AT_ONCE; round++) {
        count = host_read_packets(host);
        host_flush(host);
    }
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

int host_close(struct host *host, int exit_code)
{
    int trace_code;

    if (host->loop_open) {
        if (host->handles_open)
            answer_the_last(host);
        control_close(host->control);
        uv_walk(&host->loop, close_handle, NULL);
        uv_run(&host->loop, UV_RUN_DEFAULT);
        uv_loop_close(&host->loop);
    }
    if (host->cores == NULL)
        hf_stack_free(host->stack);
    else if (host->core == 0)
        hf_cores_free(host->cores);
    if (host->tun != NULL)
        hf_tun_close(host->tun);
    free(host->packet_bytes);
    handle_map_free(&host->owners);
    trace_code = tracing_close(&host->tracing);
    return exit_code != EXIT_CODE_OK ? exit_code : trace_code;
}
