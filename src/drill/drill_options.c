/* SPDX-License-Identifier: MIT
 *
 * One function writes an option, one reads it back into words; what is not known, or does not fit,
 * is shown as hexadecimal bytes that a script could hold.
 */
#include "drill_options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct writer {
    uint8_t *bytes;
    size_t length;
    bool overflowed;
};

static void put(struct writer *writer, uint32_t value, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;) {
        if (writer->length == DRILL_OPTIONS_BYTES) {
            writer->overflowed = true;
            return;
        }
        writer->bytes[writer->length++] = (uint8_t)(value >> (8 * i));
    }
}

static void put_data(struct writer *writer, const struct drill_option *option)
{
    for (unsigned i = 0; i < option->count; i++)
        put(writer, option->data[i], 1);
}

static void put_head(struct writer *writer, unsigned kind, unsigned value_bytes)
{
    put(writer, kind, 1);
    put(writer, 2 + value_bytes, 1);
}

static void put_option(struct writer *writer, const struct drill_option *option,
                       uint32_t sequence_offset)
{
    switch (option->kind) {
    case DRILL_OPTION_EOL:
        put(writer, DRILL_KIND_EOL, 1);
        break;
    case DRILL_OPTION_NOP:
        put(writer, DRILL_KIND_NOP, 1);
        break;
    case DRILL_OPTION_MSS:
        put_head(writer, DRILL_KIND_MSS, 2);
        put(writer, option->value, 2);
        break;
    case DRILL_OPTION_WSCALE:
        put_head(writer, DRILL_KIND_WSCALE, 1);
        put(writer, option->value, 1);
        break;
    case DRILL_OPTION_SACK_OK:
        put_head(writer, DRILL_KIND_SACK_OK, 0);
        break;
    case DRILL_OPTION_SACK:
        put_head(writer, DRILL_KIND_SACK, 8u * option->count);
        for (unsigned i = 0; i < option->count; i++) {
            put(writer, option->sack[i][0] + sequence_offset, 4);
            put(writer, option->sack[i][1] + sequence_offset, 4);
        }
        break;
    case DRILL_OPTION_TIMESTAMP:
        put_head(writer, DRILL_KIND_TIMESTAMP, 8);
        put(writer, option->value, 4);
        put(writer, option->echo, 4);
        break;
    case DRILL_OPTION_FAST_OPEN:
        put_head(writer, DRILL_KIND_FAST_OPEN, option->count);
        put_data(writer, option);
        break;
    case DRILL_OPTION_FAST_OPEN_EXP:
        put_head(writer, DRILL_KIND_EXPERIMENT, 2u + option->count);
        put(writer, DRILL_EXPERIMENT_FAST_OPEN, 2);
        put_data(writer, option);
        break;
    case DRILL_OPTION_MD5:
        put_head(writer, DRILL_KIND_MD5, option->count);
        put_data(writer, option);
        break;
    case DRILL_OPTION_EXPERIMENT:
        put_head(writer, DRILL_KIND_EXPERIMENT, 2u + option->count);
        put(writer, option->value, 2);
        put_data(writer, option);
        break;
    case DRILL_OPTION_ACCURATE_ECN:
        put_head(writer, option->value, option->count);
        put_data(writer, option);
        break;
    case DRILL_OPTION_RAW:
        put_data(writer, option);
        break;
    }
}

bool drill_options_encode(const struct drill_option *list, uint32_t sequence_offset,
                          uint8_t bytes[DRILL_OPTIONS_BYTES], uint8_t *length)
{
    struct writer writer = {.bytes = bytes};
    memset(bytes, 0, DRILL_OPTIONS_BYTES);
    for (const struct drill_option *option = list; option != NULL; option = option->next)
        put_option(&writer, option, sequence_offset);
    *length = (uint8_t)((writer.length + 3) / 4 * 4);
    return !writer.overflowed;
}

/* The whole length of the option at `bytes`, or 0 when it is malformed. */
static size_t length_of(const uint8_t *bytes, size_t left)
{
    if (bytes[0] == DRILL_KIND_EOL || bytes[0] == DRILL_KIND_NOP)
        return 1;
    return left >= 2 && bytes[1] >= 2 && bytes[1] <= left ? bytes[1] : 0;
}

const uint8_t *drill_options_find(const uint8_t *bytes, size_t length, uint8_t kind, size_t *size)
{
    for (size_t at = 0; at < length && bytes[at] != DRILL_KIND_EOL;) {
        size_t step = length_of(bytes + at, length - at);
        if (step == 0)
            return NULL;
        if (bytes[at] == kind && step >= 2) {
            *size = step - 2;
            return bytes + at + 2;
        }
        at += step;
    }
    return NULL;
}

bool drill_options_valid(const uint8_t *bytes, size_t length)
{
    size_t at = 0;
    while (at < length && bytes[at] != DRILL_KIND_EOL) {
        size_t step = length_of(bytes + at, length - at);
        if (step == 0)
            return false;
        at += step;
    }
    /* RFC 9293 3.1, MUST-69: padding is zeros. */
    for (; at < length; at++) {
        if (bytes[at] != 0)
            return false;
    }
    return true;
}

/* ---- words */

struct text {
    char *at;
    size_t room;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = vsnprintf(text->at, text->room, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length >= text->room)
        length = text->room > 0 ? (int)text->room - 1 : 0;
    text->at += length;
    text->room -= (size_t)length;
}

static uint32_t number_at(const uint8_t *bytes, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void say_bytes(struct text *text, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        say(text, "%02x", bytes[i]);
}

static void say_raw(struct text *text, const uint8_t *option, size_t length)
{
    say(text, "hex ");
    say_bytes(text, option, length);
}

static void say_accurate_ecn(struct text *text, const uint8_t *option, size_t size)
{
    static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    say(text, "ECN");
    for (unsigned i = 0; i < size / 3 && i < 3; i++)
        say(text, " %s %u", orders[option[0] == DRILL_KIND_ACCURATE_ECN_1][i],
            number_at(option + 2 + 3 * i, 3));
}

static void say_experiment(struct text *text, const uint8_t *option, size_t size)
{
    unsigned identifier = number_at(option + 2, 2);
    if (identifier == DRILL_EXPERIMENT_FAST_OPEN)
        say(text, size > 2 ? "FOEXP " : "FOEXP");
    else
        say(text, size > 2 ? "exp-%04x " : "exp-%04x", identifier);
    say_bytes(text, option + 4, size - 2);
}

/* Options of more than one byte. */
static void say_option(struct text *text, const uint8_t *option, size_t length, uint32_t offset)
{
    size_t size = length - 2;
    const uint8_t *value = option + 2;
    if (option[0] == DRILL_KIND_MSS && size == 2)
        say(text, "mss %u", number_at(value, 2));
    else if (option[0] == DRILL_KIND_WSCALE && size == 1)
        say(text, "wscale %u", value[0]);
    else if (option[0] == DRILL_KIND_SACK_OK && size == 0)
        say(text, "sackOK");
    else if (option[0] == DRILL_KIND_TIMESTAMP && size == 8)
        say(text, "TS val %u ecr %u", number_at(value, 4), number_at(value + 4, 4));
    else if (option[0] == DRILL_KIND_SACK && size % 8 == 0 && size > 0) {
        say(text, "sack");
        for (size_t i = 0; i < size; i += 8)
            say(text, " %u:%u", number_at(value + i, 4) - offset,
                number_at(value + i + 4, 4) - offset);
    } else if (option[0] == DRILL_KIND_FAST_OPEN || option[0] == DRILL_KIND_MD5) {
        say(text, "%s%s", option[0] == DRILL_KIND_MD5 ? "md5" : "FO", size > 0 ? " " : "");
        say_bytes(text, value, size);
    } else if ((option[0] == DRILL_KIND_ACCURATE_ECN_0 || option[0] == DRILL_KIND_ACCURATE_ECN_1) &&
               size % 3 == 0)
        say_accurate_ecn(text, option, size);
    else if (option[0] == DRILL_KIND_EXPERIMENT && size >= 2)
        say_experiment(text, option, size);
    else
        say_raw(text, option, length);
}

void drill_options_print(const uint8_t *bytes, size_t length, uint32_t sequence_offset, char *text,
                         size_t room)
{
    struct text out = {text, room};
    if (room > 0)
        text[0] = '\0';
    for (size_t at = 0; at < length;) {
        size_t step = length_of(bytes + at, length - at);
        if (at > 0)
            say(&out, ",");
        if (step == 0) {
            say_raw(&out, bytes + at, length - at);
            return;
        }
        if (bytes[at] == DRILL_KIND_EOL)
            say(&out, "eol");
        else if (bytes[at] == DRILL_KIND_NOP)
            say(&out, "nop");
        else
            say_option(&out, bytes + at, step, sequence_offset);
        at += step;
    }
}
