/* SPDX-License-Identifier: MIT
 *
 * Text for the sinks. Numbers are printed as integers only, so that no locale changes a byte of a
 * trace.
 */
#include "trace_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void trace_text_clear(struct trace_text *text)
{
    text->length = 0;
    text->truncated = false;
    text->bytes[0] = '\0';
}

void trace_text_add(struct trace_text *text, const char *more)
{
    size_t length = strlen(more);

    if (length >= sizeof(text->bytes) - text->length) {
        text->truncated = true;
        return;
    }
    memcpy(text->bytes + text->length, more, length + 1);
    text->length += length;
}

void trace_text_addf(struct trace_text *text, const char *format, ...)
{
    size_t room = sizeof(text->bytes) - text->length;
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(text->bytes + text->length, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room) {
        text->bytes[text->length] = '\0';
        text->truncated = true;
        return;
    }
    text->length += (size_t)length;
}

void trace_text_repeat(struct trace_text *text, const char *more, size_t times)
{
    for (size_t i = 0; i < times; i++)
        trace_text_add(text, more);
}

size_t trace_columns(const char *utf8)
{
    size_t columns = 0;

    for (; *utf8; utf8++)
        columns += ((unsigned char)*utf8 & 0xc0u) != 0x80u;
    return columns;
}

size_t trace_utf8_length(const char *utf8)
{
    const unsigned char *bytes = (const unsigned char *)utf8;
    unsigned char first = bytes[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t length;

    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        length = 2;
    else if (first >= 0xe0 && first <= 0xef)
        length = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        length = 4;
    else
        return 0;

    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((bytes[i] & 0xc0u) != 0x80u)
            return 0;
    }
    return length;
}

void trace_clean_name(char *name, size_t capacity, const char *utf8, bool plain_ascii)
{
    const unsigned char *bytes = (const unsigned char *)utf8;
    size_t used = 0;

    while (*bytes) {
        size_t length = trace_utf8_length((const char *)bytes);
        bool control = *bytes < 0x20 || *bytes == 0x7f || (bytes[0] == 0xc2 && bytes[1] < 0xa0);
        bool replace = length == 0 || control || (plain_ascii && length > 1);
        size_t out = replace ? 1 : length;

        if (used + out >= capacity)
            break;
        if (replace)
            name[used] = '?';
        else
            memcpy(name + used, bytes, length);
        used += out;
        bytes += length ? length : 1;
    }
    name[used] = '\0';
}

void trace_endpoint_text(const struct hf_endpoint *endpoint, char text[HF_ENDPOINT_TEXT])
{
    char address[INET6_ADDRSTRLEN] = "*";
    unsigned port = endpoint->port;

    switch (endpoint->address.family) {
    case HF_IPV4:
        inet_ntop(AF_INET, endpoint->address.bytes, address, sizeof(address));
        break;
    case HF_IPV6:
        inet_ntop(AF_INET6, endpoint->address.bytes, address, sizeof(address));
        snprintf(text, HF_ENDPOINT_TEXT, "[%s]:%u", address, port);
        return;
    default:
        break;
    }
    snprintf(text, HF_ENDPOINT_TEXT, "%s:%u", address, port);
}

void trace_flags_text(unsigned flags, const char *separator, char text[TRACE_FLAGS_TEXT])
{
    static const char names[][4] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"};
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!(flags & 1u << i))
            continue;
        int length =
            snprintf(text + used, TRACE_FLAGS_TEXT - used, "%s%s", used ? separator : "", names[i]);
        if (length < 0 || (size_t)length >= TRACE_FLAGS_TEXT - used)
            break;
        used += (size_t)length;
    }
    if (used == 0)
        snprintf(text, TRACE_FLAGS_TEXT, "none");
}

const char *trace_cookie_text(const struct hf_trace_segment *segment, char text[TRACE_COOKIE_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;

    for (size_t i = 0; i < segment->fast_open_length && i < sizeof segment->fast_open_cookie; i++) {
        text[used++] = digits[segment->fast_open_cookie[i] >> 4];
        text[used++] = digits[segment->fast_open_cookie[i] & 15];
    }
    text[used] = '\0';
    return text;
}

void trace_duration_text(hf_time duration_ns, char text[TRACE_DURATION_TEXT])
{
    static const struct {
        int64_t nanoseconds;
        const char *name;
    } units[] = {{HF_SECOND, "s"}, {HF_MILLISECOND, "ms"}, {HF_MICROSECOND, "us"}, {1, "ns"}};
    size_t unit = 0;

    if (duration_ns == HF_TIME_NEVER) {
        snprintf(text, TRACE_DURATION_TEXT, "for ever");
        return;
    }
    while (unit < 3 && duration_ns < units[unit].nanoseconds)
        unit++;

    int64_t whole = duration_ns / units[unit].nanoseconds;
    int64_t thousandths = units[unit].nanoseconds == 1 ? 0
                                                       : duration_ns % units[unit].nanoseconds /
                                                             (units[unit].nanoseconds / 1000);
    if (whole < 0 || thousandths < 0)
        snprintf(text, TRACE_DURATION_TEXT, "%" PRId64 " ns", duration_ns);
    else if (thousandths == 0)
        snprintf(text, TRACE_DURATION_TEXT, "%" PRId64 " %s", whole, units[unit].name);
    else if (thousandths % 100 == 0)
        snprintf(text, TRACE_DURATION_TEXT, "%" PRId64 ".%" PRId64 " %s", whole, thousandths / 100,
                 units[unit].name);
    else
        snprintf(text, TRACE_DURATION_TEXT, "%" PRId64 ".%03" PRId64 " %s", whole, thousandths,
                 units[unit].name);
}

int trace_packet_protocol(const uint8_t *packet, size_t length)
{
    if (!packet || length < 20)
        return -1;
    if (packet[0] >> 4 == 4)
        return packet[9];
    if (packet[0] >> 4 == 6 && length >= 40)
        return packet[6];
    return -1;
}

void trace_output_write(struct trace_output *output, const void *bytes, size_t length)
{
    if (output->failed)
        return;
    if (fwrite(bytes, 1, length, output->file) != length)
        output->failed = true;
}

void trace_output_flush(struct trace_output *output)
{
    if (!output->failed && fflush(output->file) != 0)
        output->failed = true;
}
