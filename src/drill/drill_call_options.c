/* SPDX-License-Identifier: MIT
 *
 * getsockopt and setsockopt: values are [N], "text", {onoff=1, linger=5} or {tv_sec=1, tv_usec=0}.
 */
#include "drill_call.h"

#include <string.h>
#include <sys/time.h>

enum { VALUE_BYTES = 512 };

union value {
    uint8_t bytes[VALUE_BYTES];
    int integer;
    struct linger linger;
    struct timeval time;
};

/* The bytes of a value; false after a failure. */
static bool value_of(struct drill_run *run, const struct drill_expression *expression,
                     union value *value, socklen_t *length)
{
    const struct drill_expression *field;
    int64_t first = 0, second = 0;
    memset(value, 0, sizeof *value);
    if (expression->kind == DRILL_STRING) {
        size_t size = strlen(expression->text);
        size = size < VALUE_BYTES ? size : VALUE_BYTES;
        memcpy(value->bytes, expression->text, size);
        *length = (socklen_t)size;
        return true;
    }
    if (expression->kind == DRILL_STRUCTURE && (field = call_field(expression, "onoff")) != NULL) {
        const struct drill_expression *linger = call_field(expression, "linger");
        if (!call_integer(run, field, &first) ||
            (linger != NULL && !call_integer(run, linger, &second)))
            return false;
        value->linger = (struct linger){(int)first, (int)second};
        *length = sizeof value->linger;
        return true;
    }
    if (expression->kind == DRILL_STRUCTURE && (field = call_field(expression, "tv_sec")) != NULL) {
        const struct drill_expression *fraction = call_field(expression, "tv_usec");
        if (!call_integer(run, field, &first) ||
            (fraction != NULL && !call_integer(run, fraction, &second)))
            return false;
        value->time = (struct timeval){first, second};
        *length = sizeof value->time;
        return true;
    }
    if (!(expression->kind == DRILL_LIST ? call_listed_integer(run, expression, &first)
                                         : call_integer(run, expression, &first)))
        return false;
    value->integer = (int)first;
    *length = sizeof value->integer;
    return true;
}

int64_t call_setsockopt(struct drill_run *run, const struct drill_arguments *arguments)
{
    union value value;
    socklen_t length = 0;
    int64_t level, name, given;
    int fd;
    bool null = call_is_null(arguments->at[3]);
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[1], &level) || !call_integer(run, arguments->at[2], &name))
        return 0;
    if (!null && arguments->at[3]->kind != DRILL_ELLIPSIS &&
        !value_of(run, arguments->at[3], &value, &length))
        return 0;
    if (arguments->at[4]->kind != DRILL_ELLIPSIS) {
        if (!call_integer(run, arguments->at[4], &given))
            return 0;
        length = (socklen_t)given;
    }
    if (length > sizeof value && length <= INT32_MAX) {
        run_fail(run, arguments->event, "no option of a script is longer than %d bytes",
                 VALUE_BYTES);
        return 0;
    }
    return hf_socket_setsockopt(run->sockets, fd, (int)level, (int)name, null ? NULL : value.bytes,
                                length);
}

static void value_text(const union value *value, enum drill_expression_kind like, socklen_t length,
                       char text[96])
{
    if (like == DRILL_STRING)
        snprintf(text, 96, "\"%.*s\"", (int)(length < 80 ? length : 80),
                 (const char *)value->bytes);
    else if (like == DRILL_STRUCTURE && length == sizeof value->linger)
        snprintf(text, 96, "{%d, %d}", value->linger.l_onoff, value->linger.l_linger);
    else if (like == DRILL_STRUCTURE)
        snprintf(text, 96, "{%lld, %lld}", (long long)value->time.tv_sec,
                 (long long)value->time.tv_usec);
    else
        snprintf(text, 96, "[%d]", value->integer);
}

static bool equal(const union value *actual, socklen_t actual_length, const union value *wanted,
                  socklen_t length, enum drill_expression_kind like)
{
    if (like == DRILL_STRING)
        return strncmp((const char *)actual->bytes, (const char *)wanted->bytes, actual_length) ==
                   0 &&
               strlen((const char *)wanted->bytes) <= actual_length;
    return memcmp(actual->bytes, wanted->bytes, actual_length < length ? actual_length : length) ==
           0;
}

int64_t call_getsockopt(struct drill_run *run, const struct drill_arguments *arguments)
{
    const struct drill_expression *place = arguments->at[3], *size = arguments->at[4];
    union value actual, wanted;
    socklen_t length = sizeof actual, wanted_length = 0;
    int64_t level, name, given = -1, answer;
    int fd;
    bool null = call_is_null(place), compare = !null && place->kind != DRILL_ELLIPSIS;
    char left[96], right[96];
    if (!call_descriptor(run, arguments->at[0], &fd) ||
        !call_integer(run, arguments->at[1], &level) ||
        !call_integer(run, arguments->at[2], &name) ||
        (compare && !value_of(run, place, &wanted, &wanted_length)))
        return 0;
    if (!call_is_null(size) && size->kind != DRILL_ELLIPSIS) {
        if (!call_listed_integer(run, size, &given))
            return 0;
        length = (socklen_t)given;
    }
    if (length > sizeof actual && length <= INT32_MAX)
        length = sizeof actual;
    memset(&actual, 0, sizeof actual);
    answer = hf_socket_getsockopt(run->sockets, fd, (int)level, (int)name,
                                  null ? NULL : actual.bytes, call_is_null(size) ? NULL : &length);
    if (answer < 0)
        return answer;
    if (compare && !equal(&actual, length, &wanted, wanted_length, place->kind)) {
        value_text(&actual, place->kind, length, left);
        value_text(&wanted, place->kind, wanted_length, right);
        run_fail(run, arguments->event, "getsockopt gives %s, expected %s", left, right);
    } else if (given >= 0 && (int64_t)length != given && place->kind != DRILL_STRING) {
        run_fail(run, arguments->event, "getsockopt gives %u bytes, expected %lld", length,
                 (long long)given);
    }
    return answer;
}
