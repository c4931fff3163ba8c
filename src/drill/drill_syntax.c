/* SPDX-License-Identifier: MIT
 *
 * The memory of a script and the small things that the grammar's actions make: numbers, times,
 * lists. A script keeps its first complaint; whatever is read after it does not matter.
 */
#include "drill_syntax.h"

#include "drill_parse.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 16384, DEEPEST_EXPRESSION = 100 };

/* A script's longest time: 30 years in nanoseconds fit well into 64 bits. */
#define LONGEST_SECONDS INT64_C(1000000000)
#define SECOND_NS INT64_C(1000000000)

struct drill_block {
    struct drill_block *next;
    size_t used, size;
    max_align_t memory[];
};

static void *allocate_or_end(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fprintf(stderr, "handfast: out of memory for a script\n");
        exit(1);
    }
    return memory;
}

void *drill_allocate(struct drill_script *script, size_t size)
{
    const size_t unit = sizeof(max_align_t);
    struct drill_block *block = script->blocks;
    void *memory;
    size = (size + unit - 1) / unit * unit;
    if (block == NULL || block->size - block->used < size) {
        size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        block = allocate_or_end(sizeof *block + room);
        block->size = room;
        block->next = script->blocks;
        script->blocks = block;
    }
    memory = (char *)block->memory + block->used;
    block->used += size;
    return memory;
}

const char *drill_copy_text(struct drill_script *script, const char *text, size_t length)
{
    char *copy = drill_allocate(script, length + 1);
    memcpy(copy, text, length);
    return copy;
}

const char *drill_join_text(struct drill_script *script, const char *first, const char *second)
{
    size_t length = strlen(first), more = strlen(second);
    char *joined = drill_allocate(script, length + more + 1);
    snprintf(joined, length + more + 1, "%s%s", first, second);
    return joined;
}

void drill_complain(struct drill_script *script, struct drill_position position, const char *format,
                    ...)
{
    va_list arguments;
    int used;
    if (script->failed)
        return;
    script->failed = true;
    used = snprintf(script->message, sizeof script->message, "%s:%d:%d: ", script->path,
                    position.line, position.column);
    if (used < 0 || (size_t)used >= sizeof script->message)
        return;
    va_start(arguments, format);
    vsnprintf(script->message + used, sizeof script->message - (size_t)used, format, arguments);
    va_end(arguments);
}

bool drill_parse(struct drill_script *script, const char *path, char *source,
                 const struct drill_definition *definitions, size_t definition_count)
{
    size_t length = strlen(source);
    memset(script, 0, sizeof *script);
    script->path = path;
    script->source = source;
    return drill_parse_text(script, source, length, definitions, definition_count);
}

void drill_script_free(struct drill_script *script)
{
    while (script->blocks != NULL) {
        struct drill_block *next = script->blocks->next;
        free(script->blocks);
        script->blocks = next;
    }
    free(script->source);
    script->source = NULL;
}

/* ---- lists, in the order of the text */

void drill_append_setting(struct drill_script *script, struct drill_setting *setting)
{
    *(script->last_setting != NULL ? &script->last_setting->next : &script->settings) = setting;
    script->last_setting = setting;
}

void drill_append_command(struct drill_script *script, struct drill_command *command)
{
    *(script->last_command != NULL ? &script->last_command->next : &script->commands) = command;
    script->last_command = command;
}

void drill_append_event(struct drill_script *script, struct drill_event *event)
{
    *(script->last_event != NULL ? &script->last_event->next : &script->events) = event;
    script->last_event = event;
}

struct drill_expression *drill_expression_new(struct drill_script *script,
                                              enum drill_expression_kind kind,
                                              struct drill_position position)
{
    struct drill_expression *made = drill_allocate(script, sizeof *made);
    made->kind = kind;
    made->position = position;
    return made;
}

void drill_expression_adopt(struct drill_script *script, struct drill_expression *parent,
                            struct drill_expression *first)
{
    parent->first = first;
    for (const struct drill_expression *child = first; child != NULL; child = child->next) {
        if (child->depth >= parent->depth)
            parent->depth = child->depth + 1;
    }
    if (parent->depth > DEEPEST_EXPRESSION)
        drill_complain(script, parent->position, "this is nested more than %d deep",
                       DEEPEST_EXPRESSION);
}

struct drill_item *drill_item_new(struct drill_script *script, struct drill_position position)
{
    struct drill_item *made = drill_allocate(script, sizeof *made);
    made->position = position;
    return made;
}

struct drill_packet *drill_packet_new(struct drill_script *script)
{
    struct drill_packet *made = drill_allocate(script, sizeof *made);
    struct drill_ip_info *ip = &made->ip;
    ip->ecn = ip->traffic_class = ip->ttl = ip->flow_label = ip->dont_fragment = DRILL_UNSET;
    ip->peer_port = ip->local_port = ip->descriptor = DRILL_UNSET;
    ip->data_offset = ip->reserved = DRILL_UNSET;
    made->icmp_mtu = DRILL_UNSET;
    return made;
}

/* ---- numbers */

int64_t drill_read_integer(struct drill_script *script, struct drill_position position,
                           const char *text)
{
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    uint64_t base = hexadecimal ? 16 : 10, value = 0;
    for (const char *at = text + (hexadecimal ? 2 : 0); *at != '\0'; at++) {
        unsigned digit = isdigit((unsigned char)*at)
                             ? (unsigned)(*at - '0')
                             : (unsigned)(tolower((unsigned char)*at) - 'a' + 10);
        if (value > ((uint64_t)INT64_MAX - digit) / base) {
            drill_complain(script, position, "%s is too large a number", text);
            return 0;
        }
        value = value * base + digit;
    }
    return (int64_t)value;
}

int64_t drill_read_time(struct drill_script *script, struct drill_position position,
                        const char *text)
{
    int64_t seconds = 0, nanoseconds = 0, place = SECOND_NS;
    const char *at = text;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        drill_complain(script, position, "a time is written in decimal seconds, not as %s", text);
        return 0;
    }
    for (; isdigit((unsigned char)*at); at++) {
        seconds = seconds * 10 + (*at - '0');
        if (seconds > LONGEST_SECONDS) {
            drill_complain(script, position, "%s seconds are too long a time", text);
            return 0;
        }
    }
    if (*at == '.')
        at++;
    for (; isdigit((unsigned char)*at); at++) {
        place /= 10;
        nanoseconds += (*at - '0') * place;
        if (place == 0 && *at != '0') {
            drill_complain(script, position, "a time has nine digits after the point at most");
            return 0;
        }
    }
    return seconds * SECOND_NS + nanoseconds;
}

static uint16_t flag_of(char letter)
{
    static const struct {
        char letter;
        uint16_t flag;
    } table[] = {
        {'F', DRILL_FIN}, {'S', DRILL_SYN}, {'R', DRILL_RST}, {'P', DRILL_PSH}, {'.', DRILL_ACK},
        {'U', DRILL_URG}, {'E', DRILL_ECE}, {'W', DRILL_CWR}, {'A', DRILL_AE},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].letter == letter)
            return table[i].flag;
    }
    return 0;
}

/* Letters, or for the ACE field (RFC 9768 3.1: AE, CWR and ECE as one number) a digit. */
uint16_t drill_read_flags(struct drill_script *script, struct drill_position position,
                          const char *letters)
{
    uint16_t flags = 0, seen = 0;
    for (const char *at = letters; *at != '\0'; at++) {
        bool digit = *at >= '0' && *at <= '7';
        uint16_t mask = digit ? DRILL_AE | DRILL_CWR | DRILL_ECE : flag_of(*at);
        if (mask == 0) {
            drill_complain(script, position,
                           "'%s': '%c' is no TCP flag; they are F S R P . U E W A, 0 to 7 for ACE, "
                           "or - for none",
                           letters, *at);
            return 0;
        }
        if (seen & mask) {
            drill_complain(script, position,
                           digit ? "'%s': %c stands for A, W and E, and once"
                                 : "'%s': '%c' stands there twice",
                           letters, *at);
            return 0;
        }
        seen |= mask;
        flags = (uint16_t)(flags | (digit ? (*at - '0') << 6 : mask));
    }
    return flags;
}
