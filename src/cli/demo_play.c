/* SPDX-License-Identifier: MIT
 *
 * What the programs at both ends do while time passes: they accept, read (and compare every byte
 * with what the other end sent), write what they have to write, and close when they are done.
 */
#include "demo_stage.h"

#include <string.h>

#define CHUNK_BYTES 4096u
#define LISTEN_BACKLOG 8u
/* A bound: what is still going on after so long would go on for ever. */
#define RUN_OUT_LONGEST_NS (24 * 3600 * HF_SECOND)
#define REPLAY_DELAY_NS (10 * HF_MILLISECOND)

static unsigned other_host(unsigned host)
{
    return host == DEMO_A ? DEMO_B : DEMO_A;
}

static struct hf_endpoint role_endpoint(const struct demo_role *role)
{
    return (struct hf_endpoint){role->address, role->port};
}

int demo_stage_listen(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    struct hf_endpoint local = role_endpoint(role);
    int error = hf_listen(role->stack, &local, LISTEN_BACKLOG, &role->listener);

    if (error == HF_OK && stage->casting.max_segment_bytes > 0) {
        error = hf_set_option(role->stack, role->listener, HF_OPTION_MAX_SEGMENT,
                              stage->casting.max_segment_bytes, hf_sim_now(stage->sim));
    }
    return error;
}

int demo_stage_connect(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    struct hf_endpoint local = role_endpoint(role);
    struct hf_endpoint remote = role_endpoint(&stage->roles[other_host(host)]);
    hf_time now = hf_sim_now(stage->sim);
    int error;

    role->error = HF_OK;
    role->connected = false;
    role->peer_closed = false;
    error = hf_connect(role->stack, &local, &remote, now, &role->connection);
    if (error == HF_OK && stage->casting.max_segment_bytes > 0) {
        error = hf_set_option(role->stack, role->connection, HF_OPTION_MAX_SEGMENT,
                              stage->casting.max_segment_bytes, now);
    }
    return error;
}

/* Writes as much as the stack takes now; then closes its direction, if that is wanted. */
static int write_pending(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    hf_time now = hf_sim_now(stage->sim);

    while (role->sent_bytes < role->to_send_bytes) {
        uint8_t chunk[CHUNK_BYTES];
        uint64_t left = role->to_send_bytes - role->sent_bytes;
        size_t length = left < sizeof chunk ? (size_t)left : sizeof chunk;
        ptrdiff_t taken;

        for (size_t i = 0; i < length; i++)
            chunk[i] = demo_stage_pattern(stage->options->seed, host, role->sent_bytes + i);
        taken = hf_send(role->stack, role->connection, chunk, length,
                        left > length ? HF_SEND_MORE : 0, now);
        if (taken == HF_EAGAIN)
            return HF_OK;
        if (taken < 0)
            return (int)taken;
        role->sent_bytes += (uint64_t)taken;
    }
    if (role->closing) {
        role->closing = false;
        return hf_shutdown(role->stack, role->connection, now);
    }
    return HF_OK;
}

int demo_stage_send(struct demo_stage *stage, unsigned host, uint64_t length)
{
    stage->roles[host].to_send_bytes += length;
    return write_pending(stage, host);
}

int demo_stage_shutdown(struct demo_stage *stage, unsigned host)
{
    stage->roles[host].closing = true;
    return write_pending(stage, host);
}

int demo_stage_abort(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    hf_handle connection = role->connection;

    role->connection = HF_NO_HANDLE;
    role->connected = false;
    return hf_abort(role->stack, connection, hf_sim_now(stage->sim));
}

static void check_received(struct demo_stage *stage, unsigned host, const uint8_t *data,
                           size_t length)
{
    struct demo_role *role = &stage->roles[host];
    unsigned sender = other_host(host);

    for (size_t i = 0; i < length; i++)
        if (data[i] != demo_stage_pattern(stage->options->seed, sender, role->received_bytes + i))
            role->received_wrong = true;
    role->received_bytes += length;
}

static void read_pending(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    hf_time now = hf_sim_now(stage->sim);

    while (role->reading && role->connection != HF_NO_HANDLE && !role->peer_closed) {
        uint8_t chunk[CHUNK_BYTES];
        ptrdiff_t length = hf_recv(role->stack, role->connection, chunk, sizeof chunk, 0, now);

        if (length < 0)
            return;
        if (length == 0) {
            role->peer_closed = true;
            return;
        }
        check_received(stage, host, chunk, (size_t)length);
    }
}

int demo_stage_set_reading(struct demo_stage *stage, unsigned host, bool reading)
{
    stage->roles[host].reading = reading;
    read_pending(stage, host);
    return HF_OK;
}

/* The program lets the handle go once nothing more can happen on it. */
static void let_go(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];

    read_pending(stage, host);
    hf_close(role->stack, role->connection, hf_sim_now(stage->sim));
    role->connection = HF_NO_HANDLE;
    role->connected = false;
}

static void accept_connection(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];

    if (role->connection == HF_NO_HANDLE &&
        hf_accept(role->stack, role->listener, &role->connection, NULL) == HF_OK) {
        role->connected = true;
        role->error = HF_OK;
        role->peer_closed = false;
    }
}

static void take_event(struct demo_stage *stage, unsigned host, const struct hf_event *event)
{
    struct demo_role *role = &stage->roles[host];

    if (event->type == HF_EVENT_ACCEPTABLE) {
        accept_connection(stage, host);
        return;
    }
    if (event->handle != role->connection || role->connection == HF_NO_HANDLE)
        return;
    switch (event->type) {
    case HF_EVENT_CONNECTED:
        role->connected = true;
        break;
    case HF_EVENT_ERROR:
        role->error = event->error;
        let_go(stage, host);
        break;
    case HF_EVENT_CLOSED:
        let_go(stage, host);
        break;
    case HF_EVENT_ACCEPTABLE:
    case HF_EVENT_READABLE:
    case HF_EVENT_WRITABLE:
    case HF_EVENT_PEER_CLOSED:
    case HF_EVENT_URGENT:
    case HF_EVENT_SOFT_ERROR:
    case HF_EVENT_NOTED:
        break;
    }
}

static void serve(struct demo_stage *stage, unsigned host)
{
    struct demo_role *role = &stage->roles[host];
    struct hf_event event;

    while (hf_stack_next_event(role->stack, &event) == 1)
        take_event(stage, host, &event);
    read_pending(stage, host);
    if (role->connection != HF_NO_HANDLE &&
        (role->closing || role->sent_bytes < role->to_send_bytes))
        write_pending(stage, host);
}

/* --step: waits for Enter when there is something new to look at. The end of the input, or a line
 * that begins with q, lets the rest run. */
static void wait_for_enter(struct demo_stage *stage)
{
    int character = 0;
    int first;

    if (!stage->stepping || stage->watch.events == stage->events_paused_at)
        return;
    stage->events_paused_at = stage->watch.events;
    fflush(stdout);
    fputs("[Enter: next, q: the rest] ", stderr);
    first = character = getchar();
    while (character != '\n' && character != EOF)
        character = getchar();
    if (first == EOF || first == 'q')
        stage->stepping = false;
    /* The prompt's line makes room for what comes next. */
    fputs(first == EOF ? "\n" : "\033[1A\033[2K", stderr);
}

bool demo_stage_step(struct demo_stage *stage, hf_time until)
{
    int happened;

    for (unsigned host = 0; host < DEMO_HOSTS; host++)
        serve(stage, host);
    hf_sim_flush(stage->sim);
    wait_for_enter(stage);
    happened = hf_sim_step(stage->sim, until);
    for (unsigned host = 0; host < DEMO_HOSTS; host++)
        serve(stage, host);
    hf_sim_flush(stage->sim);
    return happened == 1;
}

void demo_stage_run(struct demo_stage *stage, hf_time until)
{
    while (demo_stage_step(stage, until)) {
    }
}

void demo_stage_run_out(struct demo_stage *stage)
{
    hf_time end = hf_sim_now(stage->sim) + RUN_OUT_LONGEST_NS;

    while (hf_sim_now(stage->sim) < end && demo_stage_step(stage, HF_TIME_NEVER)) {
    }
}

int demo_stage_hold(struct demo_stage *stage, unsigned host, hf_time held_ns)
{
    struct hf_sim_direction rules = stage->casting.link[host];

    hf_sim_flush(stage->sim);
    if (held_ns > 0) {
        rules.reorder_ppm = 1000000;
        rules.reorder_ns = held_ns;
    }
    return hf_sim_set_direction(stage->sim, (int)host, &rules);
}

int demo_stage_replay(struct demo_stage *stage, unsigned host, enum demo_packet packet)
{
    const struct demo_watch_packet *last = &stage->watch.hosts[host].last[packet];

    if (last->length == 0)
        return HF_EINVAL;
    return hf_sim_inject(stage->sim, (int)other_host(host), last->bytes, last->length,
                         hf_sim_now(stage->sim) + REPLAY_DELAY_NS);
}

enum hf_state demo_stage_state(const struct demo_stage *stage, unsigned host)
{
    const struct demo_role *role = &stage->roles[host];
    uint16_t peer_port = stage->roles[other_host(host)].port;
    enum hf_state state = HF_CLOSED;
    struct hf_status status;
    uint64_t cursor = 0;

    while (hf_stack_list(role->stack, &cursor, &status) == 1) {
        if (status.local.port != role->port)
            continue;
        if (status.state == HF_LISTEN && state == HF_CLOSED)
            state = HF_LISTEN;
        else if (status.state != HF_LISTEN && status.remote.port == peer_port)
            state = status.state;
    }
    return state;
}
