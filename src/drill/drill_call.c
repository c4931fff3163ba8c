/* SPDX-License-Identifier: MIT
 *
 * The table of calls, what they answer, and those that are about a socket as a whole.
 */
#include "drill_call.h"

#include "drill_pipe.h"
#include "drill_symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static drill_call_function call_socket, call_bind, call_listen, call_accept, call_accept4,
    call_connect, call_close, call_shutdown, call_fcntl, call_ioctl, call_getsockname,
    call_getpeername;

static const struct drill_call_kind kinds[] = {
    {"socket", 3, 3, DRILL_RESULT_DESCRIPTOR, call_socket},
    {"bind", 3, 3, DRILL_RESULT_NUMBER, call_bind},
    {"listen", 2, 2, DRILL_RESULT_NUMBER, call_listen},
    {"accept", 3, 3, DRILL_RESULT_DESCRIPTOR, call_accept},
    {"accept4", 4, 4, DRILL_RESULT_DESCRIPTOR, call_accept4},
    {"connect", 3, 3, DRILL_RESULT_NUMBER, call_connect},
    {"close", 1, 1, DRILL_RESULT_NUMBER, call_close},
    {"shutdown", 2, 2, DRILL_RESULT_NUMBER, call_shutdown},
    {"fcntl", 2, 3, DRILL_RESULT_NUMBER, call_fcntl},
    {"ioctl", 2, 3, DRILL_RESULT_NUMBER, call_ioctl},
    {"getsockname", 3, 3, DRILL_RESULT_NUMBER, call_getsockname},
    {"getpeername", 3, 3, DRILL_RESULT_NUMBER, call_getpeername},
    {"read", 3, 3, DRILL_RESULT_NUMBER, call_read},
    {"readv", 3, 3, DRILL_RESULT_NUMBER, call_readv},
    {"recv", 4, 4, DRILL_RESULT_NUMBER, call_recv},
    {"recvfrom", 6, 6, DRILL_RESULT_NUMBER, call_recvfrom},
    {"recvmsg", 3, 3, DRILL_RESULT_NUMBER, call_recvmsg},
    {"write", 3, 3, DRILL_RESULT_NUMBER, call_write},
    {"writev", 3, 3, DRILL_RESULT_NUMBER, call_writev},
    {"send", 4, 4, DRILL_RESULT_NUMBER, call_send},
    {"sendto", 6, 6, DRILL_RESULT_NUMBER, call_sendto},
    {"sendmsg", 3, 3, DRILL_RESULT_NUMBER, call_sendmsg},
    {"getsockopt", 5, 5, DRILL_RESULT_NUMBER, call_getsockopt},
    {"setsockopt", 5, 5, DRILL_RESULT_NUMBER, call_setsockopt},
    {"pipe", 1, 1, DRILL_RESULT_NUMBER, call_make_pipe},
    {"pipe2", 2, 2, DRILL_RESULT_NUMBER, call_make_pipe},
    {"open", 2, 3, DRILL_RESULT_DESCRIPTOR, call_open},
    {"splice", 6, 6, DRILL_RESULT_NUMBER, call_splice},
    {"sendfile", 4, 4, DRILL_RESULT_NUMBER, call_sendfile},
    {"poll", 3, 3, DRILL_RESULT_NUMBER, call_poll},
    {"epoll_create", 1, 1, DRILL_RESULT_DESCRIPTOR, call_epoll_create},
    {"epoll_create1", 1, 1, DRILL_RESULT_DESCRIPTOR, call_epoll_create1},
    {"epoll_ctl", 4, 4, DRILL_RESULT_NUMBER, call_epoll_ctl},
    {"epoll_wait", 4, 4, DRILL_RESULT_NUMBER, call_epoll_wait},
};

const struct drill_call_kind *drill_call_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* ---- what a call answers */

static void answer_text(int64_t answer, char text[80])
{
    char spare[24];
    if (answer < 0)
        snprintf(text, 80, "-1 %s (%.40s)", drill_errno_name((int)-answer, spare),
                 strerror((int)-answer));
    else
        snprintf(text, 80, "%lld", (long long)answer);
}

static void expected_text(const struct drill_call *call, int64_t expected, char text[80])
{
    if (call->error != NULL)
        snprintf(text, 80, "-1 %s", call->error);
    else
        snprintf(text, 80, "%lld", (long long)expected);
}

static void bind_descriptor(struct drill_run *run, const struct drill_event *event, int64_t name,
                            int64_t live)
{
    struct drill_descriptor *descriptor;
    if (name < 0 || name >= DRILL_DESCRIPTORS) {
        run_fail(run, event, "descriptors of scripts are numbers from 0 to %d",
                 DRILL_DESCRIPTORS - 1);
        return;
    }
    descriptor = &run->descriptors[name];
    call_drop_pipe(descriptor);
    memset(descriptor, 0, sizeof *descriptor);
    descriptor->live = run->opened != NULL ? -1 : (int)live;
    descriptor->pipe = run->opened;
    run->opened = NULL;
}

static void check_answer(struct drill_run *run, const struct drill_event *event,
                         const struct drill_call_kind *kind, int64_t answer)
{
    const struct drill_call *call = &event->call;
    int64_t expected = 0;
    char actual[80], wanted[80];
    bool fine;
    if (call->result->kind != DRILL_ELLIPSIS && !call_integer(run, call->result, &expected))
        return;
    if (call->result->kind == DRILL_ELLIPSIS && kind->result == DRILL_RESULT_NUMBER)
        return;
    if (call->error != NULL)
        fine = answer == -call->error_number;
    else if (expected < 0)
        fine = answer < 0;
    else if (kind->result == DRILL_RESULT_DESCRIPTOR)
        fine = answer >= 0;
    else
        fine = answer == expected;
    if (!fine) {
        answer_text(answer, actual);
        expected_text(call, expected, wanted);
        run_differs(run, event, "%s returned %s, expected %s", call->name, actual, wanted);
    } else if (kind->result == DRILL_RESULT_DESCRIPTOR && answer >= 0) {
        bind_descriptor(run, event, expected, answer);
    }
}

/* A call with a range returns at the range's end. */
static void check_time(struct drill_run *run, const struct drill_call_frame *frame, hf_time start,
                       hf_time end)
{
    const struct drill_event *event = frame->event;
    hf_time tolerance = run_tolerance(run, event, end - start);
    char actual[32], wanted[32];
    if (frame->would_block) {
        run_fail(run, event, "%s would block; a call that waits needs a time range, as +0...1",
                 event->call.name);
        return;
    }
    if (frame->overdue) {
        run_fail(run, event, "%s has not returned until %s", event->call.name,
                 run_time_text(run, run->now, actual));
        return;
    }
    if (event->time.range != DRILL_RANGE_NONE &&
        (run->now < end - tolerance || run->now > end + tolerance))
        run_differs(run, event, "%s returned at %s, expected at %s", event->call.name,
                    run_time_text(run, run->now, actual), run_time_text(run, end, wanted));
}

void run_call(struct drill_run *run, const struct drill_event *event)
{
    const struct drill_call_kind *kind = drill_call_find(event->call.name);
    struct drill_arguments arguments = {.event = event};
    struct drill_call_frame frame = {.event = event, .outer = run->frame};
    hf_time start = run->last_event, end = start;
    const struct drill_expression *argument = event->call.arguments;
    int64_t answer;
    if (event->time.range != DRILL_RANGE_NONE)
        end = start + (event->time.end_ns - event->time.begin_ns);
    frame.latest = end + run_tolerance(run, event, end - start);
    if (run->frame != NULL && event->time.range != DRILL_RANGE_NONE) {
        run_fail(run, event, "one call waits already; two cannot");
        return;
    }
    for (size_t i = 0; i < 8 && argument != NULL; i++, argument = argument->next)
        arguments.at[i] = argument;
    run->frame = &frame;
    answer = kind->function(run, &arguments);
    run->frame = frame.outer;
    if (!run->failed)
        check_time(run, &frame, start, end);
    if (!run->failed)
        run_drain(run);
    if (!run->failed)
        check_answer(run, event, kind, answer);
    if (run->opened != NULL)
        drill_pipe_drop(run->opened, false);
    run->opened = NULL;
    if (run->settings->verbose) {
        char text[80], time[32];
        answer_text(answer, text);
        fprintf(run->out, "    called:   %s %s = %s\n", run_time_text(run, run->now, time),
                event->call.name, text);
    }
}

/* ---- sockets as a whole */

static int64_t call_socket(struct drill_run *run, const struct drill_arguments *arguments)
{
    int64_t domain = run->version == DRILL_V4 ? AF_INET : AF_INET6, type, protocol;
    if ((arguments->at[0]->kind != DRILL_ELLIPSIS &&
         !call_integer(run, arguments->at[0], &domain)) ||
        !call_integer(run, arguments->at[1], &type) ||
        !call_integer(run, arguments->at[2], &protocol))
        return 0;
    return hf_socket(run->sockets, (int)domain, (int)type, (int)protocol);
}

static int64_t call_bind(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->local, run->settings->bind_port};
    struct call_address address;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_address(run, arguments->at[1], &usual, &address) ||
        !call_address_length(run, arguments->at[2], &address))
        return 0;
    return hf_socket_bind(run->sockets, fd,
                          address.null ? NULL : (const struct sockaddr *)&address.storage,
                          address.length);
}

static int64_t call_listen(struct drill_run *run, const struct drill_arguments *arguments)
{
    int64_t backlog;
    int fd, answer;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[1], &backlog))
        return 0;
    answer = hf_socket_listen(run->sockets, fd, (int)backlog);
    if (answer == 0)
        run->listening = true;
    return answer;
}

/* The peer is one of the flows, and the one that the line names, if it names one. */
static bool check_peer(struct drill_run *run, const struct drill_arguments *arguments,
                       const struct call_address *peer)
{
    const struct drill_expression *wanted = arguments->at[1];
    struct hf_endpoint endpoint = call_endpoint_of(peer);
    struct call_address expected;
    char actual[80], text[80];
    struct drill_flow *flow = run->flows;
    while (flow != NULL && flow->remote_port != endpoint.port)
        flow = flow->next;
    expected.storage.ss_family = AF_UNSPEC;
    if (flow != NULL) {
        const struct hf_endpoint remote = {run->remote, flow->remote_port};
        if (!call_address(run, wanted, &remote, &expected))
            return false;
    }
    call_address_text(peer, actual);
    if (flow == NULL || !call_same_address(&expected, peer)) {
        if (flow != NULL)
            call_address_text(&expected, text);
        run_fail(run, arguments->event, "%s tells the peer %s, expected %s",
                 arguments->event->call.name, actual, flow != NULL ? text : "a known one");
        return false;
    }
    if (arguments->event->call.result->kind == DRILL_INTEGER) {
        flow->descriptor = (int)arguments->event->call.result->integer;
        run->info_descriptor =
            flow->descriptor < DRILL_DESCRIPTORS ? flow->descriptor : DRILL_UNSET;
    }
    return true;
}

static int64_t accept_with(struct drill_run *run, const struct drill_arguments *arguments,
                           int64_t flags)
{
    struct call_address peer = {.length = sizeof peer.storage};
    bool null = call_is_null(arguments->at[1]);
    int fd;
    int64_t answer;
    if (!call_descriptor(run, arguments->at[0], &fd))
        return 0;
    answer = hf_socket_accept4(run->sockets, fd, null ? NULL : (struct sockaddr *)&peer.storage,
                               null ? NULL : &peer.length, (int)flags);
    if (answer >= 0 && !null && !check_peer(run, arguments, &peer))
        return 0;
    return answer;
}

static int64_t call_accept(struct drill_run *run, const struct drill_arguments *arguments)
{
    return accept_with(run, arguments, 0);
}

static int64_t call_accept4(struct drill_run *run, const struct drill_arguments *arguments)
{
    int64_t flags;
    return call_integer(run, arguments->at[3], &flags) ? accept_with(run, arguments, flags) : 0;
}

void call_begin_flow(struct drill_run *run, const struct drill_expression *descriptor,
                     const struct call_address *address)
{
    struct hf_endpoint remote = call_endpoint_of(address);
    int64_t number = descriptor->kind == DRILL_INTEGER ? descriptor->integer : DRILL_UNSET;
    struct drill_flow *flow;
    if (address->null || address->storage.ss_family == AF_UNSPEC || number < 0 ||
        number >= DRILL_DESCRIPTORS)
        return;
    /* A second connect on a socket that is under way begins nothing. */
    for (flow = run->flows; flow != NULL; flow = flow->next) {
        if (flow->descriptor == number && run->descriptors[number].connecting)
            return;
    }
    flow = run_flow_new(run, remote.port, 0);
    if (flow == NULL)
        return;
    flow->descriptor = (int)number;
    run->descriptors[number].connecting = true;
    run->flow = flow;
    run->info_descriptor = (int)number;
}

static int64_t call_connect(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->remote, run->settings->connect_port};
    struct drill_descriptor *state = call_state(run, arguments->at[0]);
    struct call_address address;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_address(run, arguments->at[1], &usual, &address) ||
        !call_address_length(run, arguments->at[2], &address))
        return 0;
    if (state != NULL && address.storage.ss_family == AF_UNSPEC) {
        state->written = state->read = 0;
        state->connecting = false;
    }
    call_begin_flow(run, arguments->at[0], &address);
    return hf_socket_connect(run->sockets, fd,
                             address.null ? NULL : (const struct sockaddr *)&address.storage,
                             address.length);
}

static int64_t call_close(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct drill_descriptor *state = call_state(run, arguments->at[0]);
    int fd, answer;
    if (!call_descriptor(run, arguments->at[0], &fd))
        return 0;
    if (state != NULL && state->pipe != NULL) {
        call_drop_pipe(state);
        return 0;
    }
    answer = hf_socket_close(run->sockets, fd);
    if (answer == 0 && state != NULL)
        state->live = -1;
    return answer;
}

static int64_t call_shutdown(struct drill_run *run, const struct drill_arguments *arguments)
{
    int64_t how;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) || !call_integer(run, arguments->at[1], &how))
        return 0;
    return hf_socket_shutdown(run->sockets, fd, (int)how);
}

static int64_t call_fcntl(struct drill_run *run, const struct drill_arguments *arguments)
{
    int64_t command, argument = 0;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[1], &command) ||
        (arguments->at[2] != NULL && !call_integer(run, arguments->at[2], &argument)))
        return 0;
    return hf_socket_fcntl(run->sockets, fd, (int)command, (int)argument);
}

static int64_t call_ioctl(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct drill_expression *place = arguments->at[2];
    int64_t request, wanted = 0;
    int fd, value = 0, answer;
    bool null = place == NULL || call_is_null(place);
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[1], &request))
        return 0;
    if (!null && place->kind != DRILL_ELLIPSIS && !call_listed_integer(run, place, &wanted))
        return 0;
    value = request == FIONBIO ? (int)wanted : 0;
    answer = hf_socket_ioctl(run->sockets, fd, (unsigned long)request, null ? NULL : &value);
    if (answer >= 0 && !null && place->kind != DRILL_ELLIPSIS && value != wanted)
        run_fail(run, arguments->event, "ioctl gives %d, expected %lld", value, (long long)wanted);
    return answer;
}

static int64_t name_with(struct drill_run *run, const struct drill_arguments *arguments,
                         const struct hf_endpoint *usual,
                         int (*get)(struct hf_sockets *, int, struct sockaddr *, socklen_t *))
{
    struct call_address actual = {.length = sizeof actual.storage}, wanted;
    char left[80], right[80];
    int fd, answer;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_address(run, arguments->at[1], usual, &wanted))
        return 0;
    answer = get(run->sockets, fd, wanted.null ? NULL : (struct sockaddr *)&actual.storage,
                 &actual.length);
    if (answer < 0 || wanted.null || arguments->at[1]->kind == DRILL_ELLIPSIS)
        return answer;
    if (!call_same_address(&actual, &wanted)) {
        call_address_text(&actual, left);
        call_address_text(&wanted, right);
        run_fail(run, arguments->event, "%s gives %s, expected %s", arguments->event->call.name,
                 left, right);
    }
    return answer;
}

static int64_t call_getsockname(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->local, run->settings->bind_port};
    return name_with(run, arguments, &usual, hf_socket_getsockname);
}

static int64_t call_getpeername(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->remote, run->settings->connect_port};
    return name_with(run, arguments, &usual, hf_socket_getpeername);
}
