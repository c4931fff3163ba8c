/* SPDX-License-Identifier: MIT
 *
 * Time and order: see drill_run.h.
 *
 * At one instant a line of the script goes before the stack's timers, unless the line waits for
 * what a timer sends. What the stack sends must be expected in the order in which it was sent; what
 * is left when the script ends was not expected.
 */
#include "drill_run.h"

#include "drill_buffers.h"
#include "drill_options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* packetdrill's own tolerance, for times with ~. */
#define USUAL_TOLERANCE_NS (4 * HF_MILLISECOND)
#define USUAL_TOLERANCE_PPM 125000
#define PPM 1000000

/* The clock does not begin at 0, so that nothing in the stack depends on that. */
#define CLOCK_START (1000 * HF_SECOND)

/* How long a line with * waits, and how long one that was missed is looked for. */
#define LONGEST_WAIT (7200 * HF_SECOND)
#define LONGEST_LOOK (600 * HF_SECOND)

/* More than any script needs; a stack that wakes for nothing again and again ends here. */
#define MOST_STEPS UINT64_C(2000000)

enum { PACKET_BYTES = 65536 };

/* ---- saying */

const char *run_time_text(const struct drill_run *run, hf_time time, char text[32])
{
    hf_time since = time - run->start;
    if (since % HF_MICROSECOND == 0)
        snprintf(text, 32, "%lld.%06lld", (long long)(since / HF_SECOND),
                 (long long)(since % HF_SECOND / HF_MICROSECOND));
    else
        snprintf(text, 32, "%lld.%09lld", (long long)(since / HF_SECOND),
                 (long long)(since % HF_SECOND));
    return text;
}

/* The line of the source that an event stands on, shown below the message. */
static void print_line(const struct drill_run *run, int line)
{
    const char *at = run->script->source;
    for (int i = 1; i < line && at != NULL; i++) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at != NULL) {
        size_t length;
        at += strspn(at, " \t");
        length = strcspn(at, "\r\n");
        fprintf(run->out, "    script:   %.*s%s\n", (int)(length < 200 ? length : 200), at,
                length < 200 ? "" : "...");
    }
}

__attribute__((format(printf, 4, 0))) static void tell(struct drill_run *run,
                                                       const struct drill_event *event,
                                                       const char *label, const char *format,
                                                       va_list arguments)
{
    fprintf(run->out, "%s:", run->script->path);
    if (event != NULL)
        fprintf(run->out, "%d:%d: ", event->position.line, event->position.column);
    else
        fprintf(run->out, " ");
    fputs(label, run->out);
    vfprintf(run->out, format, arguments);
    fprintf(run->out, "\n");
    if (event != NULL)
        print_line(run, event->position.line);
}

void run_fail(struct drill_run *run, const struct drill_event *event, const char *format, ...)
{
    va_list arguments;
    if (run->failed)
        return;
    run->failed = true;
    va_start(arguments, format);
    tell(run, event, "", format, arguments);
    va_end(arguments);
}

void run_differs(struct drill_run *run, const struct drill_event *event, const char *format, ...)
{
    bool packet = event->kind == DRILL_EVENT_PACKET,
         warns = packet ? run->settings->non_fatal_packets : run->settings->non_fatal_calls;
    va_list arguments;
    if (run->failed)
        return;
    run->failed = !warns;
    va_start(arguments, format);
    tell(run, event, warns ? "warning: " : "", format, arguments);
    va_end(arguments);
}

/* The flow of a packet that the stack sent, if there is one. */
static struct drill_flow *flow_of(struct drill_run *run, const struct drill_segment *live)
{
    for (struct drill_flow *flow = run->flows; flow != NULL; flow = flow->next) {
        if (flow->remote_port == live->destination.port &&
            (flow->local_port == 0 || flow->local_port == live->source.port))
            return flow;
    }
    return NULL;
}

static void print_sent(struct drill_run *run, const struct drill_sent *sent, const char *label)
{
    struct drill_segment live;
    char problem[128], text[512], time[32];
    const struct drill_flow *flow;
    if (!drill_dissect(sent->packet, sent->length, &live, problem)) {
        fprintf(run->out, "    %-9s %s a packet of %zu bytes: %s\n", label,
                run_time_text(run, sent->time, time), sent->length, problem);
        return;
    }
    flow = flow_of(run, &live);
    drill_segment_print(&live, flow, false, text, sizeof text);
    fprintf(run->out, "    %-9s %s %s\n", label, run_time_text(run, sent->time, time), text);
    if (flow == NULL || flow != run->flow)
        fprintf(run->out, "              to port %u from port %u\n", live.destination.port,
                live.source.port);
}

/* As it leaves, if its numbers can be told yet; else with the line that tells them. */
static void list_sent(struct drill_run *run, struct drill_sent *sent)
{
    struct drill_segment live;
    char problem[128];
    const struct drill_flow *flow;
    if (!drill_dissect(sent->packet, sent->length, &live, problem))
        return;
    flow = flow_of(run, &live);
    sent->told = flow != NULL && flow->offset_known;
    if (sent->told)
        print_sent(run, sent, "sent:");
}

/* ---- time */

hf_time run_now(void *context)
{
    const struct drill_run *run = context;
    return run->now;
}

void run_drain(struct drill_run *run)
{
    ptrdiff_t length;
    while ((length = hf_stack_output(run->stack, run->buffer, PACKET_BYTES, run->now)) > 0) {
        struct drill_sent *sent = malloc(sizeof *sent);
        if (sent != NULL)
            sent->packet = malloc((size_t)length);
        if (sent == NULL || sent->packet == NULL || ++run->steps > MOST_STEPS) {
            run_fail(run, NULL, "the stack sends without end");
            if (sent != NULL)
                free(sent->packet);
            free(sent);
            break;
        }
        sent->time = run->now;
        memcpy(sent->packet, run->buffer, (size_t)length);
        sent->length = (size_t)length;
        sent->told = false;
        sent->next = NULL;
        if (run->settings->verbose)
            list_sent(run, sent);
        *run->sent_end = sent;
        run->sent_end = &sent->next;
    }
    if (length < 0)
        run_fail(run, NULL, "hf_stack_output answers %td", length);
    hf_sockets_update(run->sockets);
}

void run_advance(struct drill_run *run, hf_time time)
{
    if (time > run->now)
        run->now = time;
    run_drain(run);
}

/* The stack's next deadline, never the present: what was due is done. */
static hf_time next_deadline(struct drill_run *run)
{
    hf_time deadline = hf_stack_next_deadline(run->stack);
    if (++run->steps > MOST_STEPS)
        run_fail(run, run->event, "the stack wakes again and again without end");
    return deadline > run->now ? deadline : run->now + 1;
}

hf_time run_tolerance(const struct drill_run *run, const struct drill_event *event, hf_time gap)
{
    hf_time tolerance = run->settings->tolerance_ns;
    hf_time part = gap / PPM * run->settings->tolerance_ppm;
    if (part > tolerance)
        tolerance = part;
    if (event->time.approximate || (run->real_time && tolerance == 0)) {
        part = gap / PPM * USUAL_TOLERANCE_PPM;
        tolerance = tolerance > USUAL_TOLERANCE_NS ? tolerance : USUAL_TOLERANCE_NS;
        tolerance = tolerance > part ? tolerance : part;
    }
    return tolerance;
}

hf_time run_event_time(const struct drill_run *run, const struct drill_event *event, hf_time *end)
{
    hf_time base = run->last_event;
    switch (event->time.kind) {
    case DRILL_TIME_ABSOLUTE:
        base = run->start;
        break;
    case DRILL_TIME_RELATIVE:
        break;
    case DRILL_TIME_ANY:
        *end = run->now + LONGEST_WAIT;
        return run->last_event;
    }
    *end = base + event->time.end_ns;
    return base + event->time.begin_ns;
}

/* ---- outbound lines */

static void drop_first(struct drill_run *run)
{
    struct drill_sent *sent = run->sent;
    run->sent = sent->next;
    if (run->sent == NULL)
        run->sent_end = &run->sent;
    free(sent->packet);
    free(sent);
}

/* Addresses and ports are those of the flow. */
static bool of_this_flow(struct drill_run *run, struct drill_flow *flow,
                         const struct drill_segment *live, char why[256])
{
    if (!hf_address_equal(&live->source.address, &run->local) ||
        !hf_address_equal(&live->destination.address, &run->remote)) {
        char from[HF_ADDRESS_TEXT], to[HF_ADDRESS_TEXT];
        snprintf(why, 256, "it goes from %s to %s", hf_address_format(&live->source.address, from),
                 hf_address_format(&live->destination.address, to));
        return false;
    }
    if (live->protocol != DRILL_PROTOCOL_TCP)
        return true;
    if (flow->local_port == 0 && live->flags & DRILL_SYN)
        flow->local_port = live->source.port;
    if (live->source.port != flow->local_port || live->destination.port != flow->remote_port) {
        snprintf(why, 256, "it goes from port %u to port %u, expected %u to %u", live->source.port,
                 live->destination.port, flow->local_port, flow->remote_port);
        return false;
    }
    return true;
}

static bool in_time(struct drill_run *run, const struct drill_sent *sent, char why[256])
{
    char actual[32], earliest[32], latest[32];
    if (sent->time >= run->earliest && sent->time <= run->latest)
        return true;
    run_time_text(run, sent->time, actual);
    run_time_text(run, run->earliest, earliest);
    run_time_text(run, run->latest, latest);
    if (run->earliest == run->latest)
        snprintf(why, 256, "it left at %s, expected at %s", actual, earliest);
    else
        snprintf(why, 256, "it left at %s, expected from %s to %s", actual, earliest, latest);
    return false;
}

static void next_event(struct drill_run *run)
{
    run->event = run->event->next;
    run->waiting = false;
    run->progress = (struct drill_progress){0, 0};
}

/* The oldest packet against the line. */
static void match_first(struct drill_run *run)
{
    const struct drill_event *event = run->event;
    const struct drill_judge judge = {.strict_segments = run->settings->strict_segments,
                                      .any_inner_push = run->real_time,
                                      .ts_tick_ns = run->settings->ts_tick_ns};
    struct drill_sent *sent = run->sent;
    struct drill_flow *flow = run_flow(run, event);
    struct drill_segment live;
    enum drill_match verdict = DRILL_MATCH_NOT;
    char why[256] = "", problem[128];
    if (flow == NULL)
        return;
    if (!drill_dissect(sent->packet, sent->length, &live, problem))
        snprintf(why, sizeof why, "%s", problem);
    else if (!drill_options_valid(live.options, live.options_length))
        snprintf(why, sizeof why, "its TCP options are malformed");
    else if (of_this_flow(run, flow, &live, why))
        verdict = drill_match(&judge, &event->packet, flow, &run->progress, &live, why);
    if (verdict != DRILL_MATCH_NOT && !in_time(run, sent, why))
        verdict = DRILL_MATCH_NOT;
    if (verdict == DRILL_MATCH_NOT) {
        run_differs(run, event, "not the packet that was expected: %s", why);
        print_sent(run, sent, "actual:");
        if (!run->failed) {
            drop_first(run);
            next_event(run);
        }
        return;
    }
    if (run->settings->verbose && !sent->told)
        print_sent(run, sent, "sent:");
    run->last_event = sent->time;
    drop_first(run);
    if (verdict == DRILL_MATCH_WHOLE)
        next_event(run);
}

/* Nothing came in time: what comes later is shown. */
static void missed(struct drill_run *run)
{
    char time[32];
    hf_time until = run->now + LONGEST_LOOK;
    run_differs(run, run->event, "no packet was sent until %s", run_time_text(run, run->now, time));
    if (!run->failed) {
        next_event(run);
        return;
    }
    while (run->sent == NULL && run->steps < MOST_STEPS) {
        hf_time deadline = next_deadline(run);
        if (deadline > until)
            break;
        run_advance(run, deadline);
    }
    if (run->sent != NULL)
        print_sent(run, run->sent, "next:");
    else
        fprintf(run->out, "    and none for the next %lld s\n",
                (long long)(LONGEST_LOOK / HF_SECOND));
}

static void step_outbound(struct drill_run *run, hf_time until)
{
    hf_time deadline;
    if (!run->waiting) {
        hf_time end, begin = run_event_time(run, run->event, &end);
        hf_time tolerance = run_tolerance(run, run->event, begin - run->last_event);
        run->earliest = begin - tolerance;
        run->latest = end + tolerance;
        run->waiting = true;
    }
    if (run->sent != NULL) {
        match_first(run);
        return;
    }
    deadline = next_deadline(run);
    if (run->latest < run->now || (deadline > run->latest && until > run->latest)) {
        if (run->latest > run->now)
            run_advance(run, run->latest);
        if (run->sent == NULL)
            missed(run);
        return;
    }
    run_advance(run, deadline < until ? deadline : until);
}

/* ---- the other lines */

static void play(struct drill_run *run, const struct drill_event *event)
{
    switch (event->kind) {
    case DRILL_EVENT_PACKET:
        run_inject(run, event);
        break;
    case DRILL_EVENT_CALL:
        run_call(run, event);
        break;
    case DRILL_EVENT_CODE:
        run_code(run, event);
        break;
    case DRILL_EVENT_SHELL:
        run_command(run, event);
        break;
    }
}

/* One small thing: a line that is due, or time passing until something may happen. */
static void step(struct drill_run *run, hf_time until)
{
    const struct drill_event *event = run->event;
    hf_time begin, end, deadline;
    if (event->kind == DRILL_EVENT_PACKET && !event->packet.inbound) {
        step_outbound(run, until);
        return;
    }
    begin = run_event_time(run, event, &end);
    if (begin > run->now) {
        deadline = next_deadline(run);
        if (deadline < begin || until < begin) {
            run_advance(run, deadline < until ? deadline : until);
            return;
        }
        run->now = begin; /* timers of this very instant come after the line */
    }
    run->last_event = begin > run->now ? begin : run->now;
    next_event(run);
    play(run, event);
}

int run_wait(void *context, hf_time until)
{
    struct drill_run *run = context;
    struct drill_call_frame *frame = run->frame;
    hf_time deadline;
    run_drain(run);
    if (frame == NULL || run->failed)
        return -EINTR;
    if (frame->event->time.range == DRILL_RANGE_NONE) {
        frame->would_block = true;
        return -EINTR;
    }
    if (until <= run->now)
        return 0;
    if (run->event != NULL) {
        step(run, until);
        return run->failed ? -EINTR : 0;
    }
    /* The script is at its end and the call still waits: time alone may end it. */
    deadline = next_deadline(run);
    deadline = deadline < until ? deadline : until;
    if (deadline > frame->latest) {
        frame->overdue = true;
        return -EINTR;
    }
    run_advance(run, deadline);
    return run->failed ? -EINTR : 0;
}

/* ---- the whole */

/* Is a socket closed after the last line about a packet? */
static bool closes_last(const struct drill_script *script)
{
    bool closes = false;
    for (const struct drill_event *event = script->events; event != NULL; event = event->next) {
        if (event->kind == DRILL_EVENT_PACKET)
            closes = false;
        else if (event->kind == DRILL_EVENT_CALL && (strcmp(event->call.name, "close") == 0 ||
                                                     strcmp(event->call.name, "shutdown") == 0))
            closes = true;
    }
    return closes;
}

/* Scripts often end with close(), and leave unsaid that a FIN or a reset follows. */
static void forgive_end(struct drill_run *run)
{
    struct drill_segment live;
    char problem[128];
    while (run->sent != NULL && closes_last(run->script) &&
           drill_dissect(run->sent->packet, run->sent->length, &live, problem) &&
           live.protocol == DRILL_PROTOCOL_TCP && live.flags & (DRILL_FIN | DRILL_RST))
        drop_first(run);
}

static void play_all(struct drill_run *run)
{
    while (run->event != NULL && !run->failed)
        step(run, HF_TIME_NEVER);
    if (!run->failed)
        run_drain(run);
    if (!run->failed)
        forgive_end(run);
    if (!run->failed && run->sent != NULL) {
        run_fail(run, run->script->last_event, "the script ends, but the stack sent more");
        print_sent(run, run->sent, "actual:");
    }
}

/* What is left when every program has gone must go by itself: connections, records, timers. The
 * peers reset what is open, as packetdrill does. */
static void check_rest(struct drill_run *run)
{
    struct hf_counters counters;
    hf_time until = run->now + LONGEST_WAIT;
    while (run->sent != NULL)
        drop_first(run);
    hf_sockets_free(run->sockets);
    run->sockets = NULL;
    while (!run->failed) {
        hf_time deadline = hf_stack_next_deadline(run->stack);
        if (deadline > until || ++run->steps > MOST_STEPS)
            break;
        run->now = deadline > run->now ? deadline : run->now + 1;
        while (hf_stack_output(run->stack, run->buffer, PACKET_BYTES, run->now) > 0)
            ;
    }
    hf_stack_counters(run->stack, &counters);
    if (!run->failed && (counters.connections != 0 || counters.listeners != 0 ||
                         counters.syn_records != 0 || counters.time_waits != 0))
        run_fail(run, NULL,
                 "two hours after the end the stack still holds %u connections, %u listeners, %u "
                 "half-open ones and %u in TIME-WAIT",
                 counters.connections, counters.listeners, counters.syn_records,
                 counters.time_waits);
}

static bool set_up(struct drill_run *run)
{
    struct hf_sockets_config sockets = hf_sockets_config_default();
    sockets.zero_copy_bytes = 0; /* scripts are of Linux's TUN device, to which it copies */
    run->start = run->now = run->last_event = CLOCK_START;
    run->sent_end = &run->sent;
    run->event = run->script->events;
    run->info_descriptor = DRILL_UNSET;
    for (size_t i = 0; i < DRILL_DESCRIPTORS; i++)
        run->descriptors[i].live = -1;
    run->local = drill_local_address(run->settings, run->version);
    run->remote = drill_remote_address(run->settings, run->version);
    if (!run_configure(run))
        return false;
    run->buffer = malloc(PACKET_BYTES);
    run->stack = hf_stack_new(&run->config);
    if (run->stack == NULL || run->buffer == NULL) {
        run_fail(run, NULL,
                 "no stack could be made with this configuration: a value is out of its "
                 "range");
        return false;
    }
    sockets.stack = run->stack;
    sockets.now = run_now;
    sockets.wait = run_wait;
    sockets.context = run;
    sockets.real_time_offset_ns = DRILL_WALL_CLOCK;
    run->sockets = hf_sockets_new(&sockets);
    if (run->sockets == NULL || hf_stack_add_address(run->stack, &run->local) != 0) {
        run_fail(run, NULL, "the stack does not take the local address");
        return false;
    }
    return true;
}

static void tear_down(struct drill_run *run)
{
    while (run->sent != NULL)
        drop_first(run);
    for (size_t i = 0; i < DRILL_DESCRIPTORS; i++)
        call_drop_pipe(&run->descriptors[i]);
    hf_sockets_free(run->sockets);
    hf_stack_free(run->stack);
    buffers_release_kept(run);
    hf_ladder_free(run->ladder);
    while (run->flows != NULL) {
        struct drill_flow *next = run->flows->next;
        drill_flow_free(run->flows);
        run->flows = next;
    }
    if (run->code_file != NULL)
        fclose(run->code_file);
    free(run->code);
    free(run->buffer);
    free(run);
}

bool drill_run_script(const struct drill_script *script, const struct drill_settings *settings,
                      enum drill_version version, FILE *out)
{
    struct drill_run *run = calloc(1, sizeof *run);
    bool passed;
    if (run == NULL) {
        fprintf(out, "%s: out of memory\n", script->path);
        return false;
    }
    run->script = script;
    run->settings = settings;
    run->version = version;
    run->out = out;
    if (set_up(run)) {
        play_all(run);
        if (run->failed)
            run_print_trace(run);
        else if (run_python(run))
            check_rest(run);
    }
    passed = !run->failed;
    tear_down(run);
    return passed;
}
