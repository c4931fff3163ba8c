/* SPDX-License-Identifier: MIT
 *
 * sendmsg and recvmsg: a message is {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0,
 * msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=100}]}. Control data is a
 * number, a time {scm_sec=1, scm_nsec=2} or an error {ee_errno=0, ee_origin=..., ...}.
 */
#include "drill_buffers.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

enum { CONTROL_BYTES = 512, DATA_BYTES = 64 };

union control {
    uint8_t bytes[CONTROL_BYTES];
    struct cmsghdr header;
};

/* One piece of control data as the script has it. */
struct piece {
    int level, type;
    bool any;     /* cmsg_data=... */
    bool is_time; /* since the script began */
    hf_time time_ns;
    uint8_t data[DATA_BYTES];
    size_t length;
};

static bool field_of(struct drill_run *run, const struct drill_expression *structure,
                     const char *name, int64_t *value)
{
    const struct drill_expression *field = call_field(structure, name);
    *value = 0;
    return field == NULL || call_integer(run, field, value);
}

/* struct sock_extended_err, by its fields' names. */
static bool error_of(struct drill_run *run, const struct drill_expression *structure,
                     struct piece *piece)
{
    struct sock_extended_err error;
    int64_t number, origin, type, code, info, data;
    if (!field_of(run, structure, "ee_errno", &number) ||
        !field_of(run, structure, "ee_origin", &origin) ||
        !field_of(run, structure, "ee_type", &type) ||
        !field_of(run, structure, "ee_code", &code) ||
        !field_of(run, structure, "ee_info", &info) || !field_of(run, structure, "ee_data", &data))
        return false;
    memset(&error, 0, sizeof error);
    error.ee_errno = (uint32_t)number;
    error.ee_origin = (uint8_t)origin;
    error.ee_type = (uint8_t)type;
    error.ee_code = (uint8_t)code;
    error.ee_info = (uint32_t)info;
    error.ee_data = (uint32_t)data;
    memcpy(piece->data, &error, sizeof error);
    piece->length = sizeof error;
    return true;
}

static bool data_of(struct drill_run *run, const struct drill_expression *expression,
                    struct piece *piece)
{
    int64_t first, second;
    int number;
    if (expression == NULL || expression->kind == DRILL_ELLIPSIS) {
        piece->any = true;
        return true;
    }
    if (expression->kind == DRILL_STRUCTURE && call_field(expression, "ee_errno") != NULL)
        return error_of(run, expression, piece);
    if (expression->kind == DRILL_STRUCTURE) {
        if (!field_of(run, expression, "scm_sec", &first) ||
            !field_of(run, expression, "scm_nsec", &second))
            return false;
        piece->is_time = true;
        piece->time_ns = first * HF_SECOND + second;
        piece->length = sizeof(struct timespec);
        return true;
    }
    if (!call_integer(run, expression, &first))
        return false;
    number = (int)first;
    memcpy(piece->data, &number, sizeof number);
    piece->length = sizeof number;
    return true;
}

static bool piece_of(struct drill_run *run, const struct drill_expression *structure,
                     struct piece *piece)
{
    int64_t level, type;
    memset(piece, 0, sizeof *piece);
    if (structure->kind != DRILL_STRUCTURE || call_field(structure, "cmsg_level") == NULL ||
        call_field(structure, "cmsg_type") == NULL) {
        run_fail(run, run->frame->event,
                 "control data is written [{cmsg_level=..., cmsg_type=..., cmsg_data=...}]");
        return false;
    }
    if (!field_of(run, structure, "cmsg_level", &level) ||
        !field_of(run, structure, "cmsg_type", &type) ||
        !data_of(run, call_field(structure, "cmsg_data"), piece))
        return false;
    piece->level = (int)level;
    piece->type = (int)type;
    /* One script is run over both. */
    if (run->version == DRILL_V6 && level == SOL_IP && type == IP_RECVERR) {
        piece->level = SOL_IPV6;
        piece->type = IPV6_RECVERR;
    }
    return true;
}

static const struct drill_expression *control_of(const struct drill_expression *message)
{
    const struct drill_expression *control = call_field(message, "msg_control");
    return control != NULL && control->kind == DRILL_LIST ? control->first : NULL;
}

/* Lays out what a program hands to sendmsg. */
static bool build_control(struct drill_run *run, const struct drill_expression *message,
                          union control *control, size_t *length)
{
    *length = 0;
    memset(control, 0, sizeof *control);
    for (const struct drill_expression *at = control_of(message); at != NULL; at = at->next) {
        struct piece piece;
        struct cmsghdr header;
        if (!piece_of(run, at, &piece))
            return false;
        if (*length + CMSG_SPACE(piece.length) > sizeof control->bytes) {
            run_fail(run, run->frame->event, "this control data is longer than %d bytes",
                     CONTROL_BYTES);
            return false;
        }
        memset(&header, 0, sizeof header);
        header.cmsg_len = CMSG_LEN(piece.length);
        header.cmsg_level = piece.level;
        header.cmsg_type = piece.type;
        memcpy(control->bytes + *length, &header, sizeof header);
        memcpy(control->bytes + *length + CMSG_LEN(0), piece.data, piece.length);
        *length += CMSG_SPACE(piece.length);
    }
    return true;
}

static void number_text(const uint8_t *data, size_t length, char text[32])
{
    int number = 0;
    if (length == sizeof number)
        memcpy(&number, data, sizeof number);
    if (length == 1)
        number = data[0];
    if (length == 1 || length == sizeof number)
        snprintf(text, 32, "%d", number);
    else
        snprintf(text, 32, "%zu bytes", length);
}

/* Time stamps are in Unix time, or its place: see DRILL_WALL_CLOCK. */
static void compare_time(struct drill_run *run, size_t index, const struct piece *wanted,
                         const struct cmsghdr *actual)
{
    const struct drill_event *event = run->frame->event;
    hf_time tolerance = run_tolerance(run, event, wanted->time_ns), time;
    struct timespec stamp;
    char left[32], right[32];
    memcpy(&stamp, CMSG_DATA(actual), sizeof stamp);
    if (actual->cmsg_type == SCM_TIMESTAMP)
        stamp.tv_nsec *= 1000; /* a timeval */
    time = stamp.tv_sec * HF_SECOND + stamp.tv_nsec - DRILL_WALL_CLOCK;
    if (time - run->start < wanted->time_ns - tolerance ||
        time - run->start > wanted->time_ns + tolerance)
        run_fail(run, event, "control data %zu is of %s, expected %s", index,
                 run_time_text(run, time, left),
                 run_time_text(run, run->start + wanted->time_ns, right));
}

static void compare_piece(struct drill_run *run, size_t index, const struct piece *wanted,
                          const struct cmsghdr *actual)
{
    const struct drill_event *event = run->frame->event;
    const uint8_t *data = CMSG_DATA(actual);
    size_t length = actual->cmsg_len - CMSG_LEN(0), compared;
    char left[32], right[32];
    if (actual->cmsg_level != wanted->level || actual->cmsg_type != wanted->type) {
        run_fail(run, event, "control data %zu has level %d and type %d, expected %d and %d", index,
                 actual->cmsg_level, actual->cmsg_type, wanted->level, wanted->type);
        return;
    }
    if (wanted->is_time && length >= wanted->length) {
        compare_time(run, index, wanted, actual);
        return;
    }
    compared = length == 1 && wanted->length == sizeof(int) ? 1 : wanted->length;
    if (wanted->any || (length >= compared && memcmp(data, wanted->data, compared) == 0))
        return;
    number_text(data, length, left);
    number_text(wanted->data, wanted->length, right);
    run_fail(run, event, "control data %zu is %s, expected %s", index, left, right);
}

/* Without msg_control nothing is said about it. */
static void check_control(struct drill_run *run, const struct drill_expression *message,
                          struct msghdr *actual)
{
    const struct drill_expression *wanted = control_of(message);
    struct cmsghdr *header = CMSG_FIRSTHDR(actual);
    size_t index = 0;
    if (call_field(message, "msg_control") == NULL ||
        call_field(message, "msg_control")->kind != DRILL_LIST)
        return;
    for (; wanted != NULL && header != NULL && !run->failed; wanted = wanted->next) {
        struct piece piece;
        if (!piece_of(run, wanted, &piece))
            return;
        compare_piece(run, index++, &piece, header);
        header = CMSG_NXTHDR(actual, header);
    }
    if (!run->failed && (wanted != NULL || header != NULL))
        run_fail(run, run->frame->event, "there is %s control data than the %zu pieces %s",
                 header != NULL ? "more" : "less", index, header != NULL ? "expected" : "given");
}

/* ---- messages */

static bool message_of(struct drill_run *run, const struct drill_arguments *arguments,
                       struct buffers *buffers, struct msghdr *message, int64_t *wanted_flags)
{
    const struct drill_expression *structure = arguments->at[1], *list, *flags;
    memset(message, 0, sizeof *message);
    *wanted_flags = DRILL_UNSET;
    if (structure->kind != DRILL_STRUCTURE || (list = call_field(structure, "msg_iov")) == NULL) {
        run_fail(run, arguments->event,
                 "a message is written {msg_name(...)=..., msg_iov(1)=[{..., LENGTH}]}");
        return false;
    }
    flags = call_field(structure, "msg_flags");
    if (flags != NULL && flags->kind != DRILL_ELLIPSIS && !call_integer(run, flags, wanted_flags))
        return false;
    if (!buffers_vector(run, arguments, list, buffers))
        return false;
    message->msg_iov = buffers->pieces;
    message->msg_iovlen = (size_t)buffers->count;
    return true;
}

int64_t call_recvmsg(struct drill_run *run, const struct drill_arguments *arguments)
{
    struct buffers buffers;
    struct msghdr message;
    union control control;
    struct call_address from = {.length = sizeof from.storage};
    int64_t answer = 0, flags, wanted_flags;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &flags) ||
        !message_of(run, arguments, &buffers, &message, &wanted_flags))
        return 0;
    memset(&control, 0, sizeof control);
    message.msg_name = &from.storage;
    message.msg_namelen = from.length;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    answer = hf_socket_recvmsg(run->sockets, fd, &message, (int)flags);
    buffers_compare(run, arguments, &buffers, answer, flags);
    if (answer >= 0 && wanted_flags != DRILL_UNSET && message.msg_flags != wanted_flags)
        run_fail(run, arguments->event, "msg_flags is 0x%x, expected 0x%llx",
                 (unsigned)message.msg_flags, (unsigned long long)wanted_flags);
    if (answer >= 0 && !run->failed)
        check_control(run, arguments->at[1], &message);
    buffers_release(&buffers);
    return answer;
}

int64_t call_sendmsg(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct hf_endpoint usual = {run->remote, run->settings->connect_port};
    struct buffers buffers;
    struct msghdr message;
    union control control;
    struct call_address address;
    int64_t answer = 0, flags, unused;
    size_t length;
    int fd;
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[2], &flags) || arguments->at[1]->kind != DRILL_STRUCTURE ||
        !build_control(run, arguments->at[1], &control, &length) ||
        !message_of(run, arguments, &buffers, &message, &unused)) {
        if (arguments->at[1]->kind != DRILL_STRUCTURE)
            run_fail(run, arguments->event, "a message is written {msg_iov(1)=[{..., LENGTH}]}");
        return 0;
    }
    if (length > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = length;
    }
    if (flags & MSG_FASTOPEN) {
        call_socket_address(run, &usual, &address);
        message.msg_name = &address.storage;
        message.msg_namelen = address.length;
        call_begin_flow(run, arguments->at[0], &address);
    }
    buffers_fill(run, arguments, &buffers);
    answer = hf_socket_sendmsg(run->sockets, fd, &message, (int)flags);
    buffers_account_written(run, arguments, answer);
    buffers_sent(run, &buffers, flags);
    return answer;
}
