/* SPDX-License-Identifier: MIT
 *
 * The words of packet lines that are known by name: TCP options, what stands in brackets before the
 * flags, ack, win and urg, and ICMP's types.
 */
#include "drill_icmp.h"
#include "drill_syntax.h"

#include <ctype.h>
#include <string.h>

#define KIND_ACCURATE_ECN_0 172u
#define KIND_ACCURATE_ECN_1 174u
#define EXPERIMENT_ACCURATE_ECN_0 0xacc0u
#define EXPERIMENT_ACCURATE_ECN_1 0xacc1u

enum { MD5_BYTES = 16 };

static bool wanted_number(struct drill_script *script, const struct drill_item *name,
                          const struct drill_item *value, int64_t most)
{
    if (value == NULL || !value->is_number || value->is_pair) {
        drill_complain(script, value != NULL ? value->position : name->position,
                       "a number is expected after '%s'", name->text);
        return false;
    }
    if (value->number < 0 || value->number > most) {
        drill_complain(script, value->position, "%s %lld is out of range: 0 to %lld", name->text,
                       (long long)value->number, (long long)most);
        return false;
    }
    return true;
}

static bool wanted_end(struct drill_script *script, const struct drill_item *item)
{
    if (item != NULL)
        drill_complain(script, item->position, "'%s' is too much for this option",
                       item->text != NULL ? item->text : "a number");
    return item == NULL;
}

static unsigned digit_of(char character)
{
    return isdigit((unsigned char)character)
               ? (unsigned)(character - '0')
               : (unsigned)(tolower((unsigned char)character) - 'a' + 10);
}

/* An even number of hexadecimal digits into data. */
static bool read_bytes(struct drill_script *script, const struct drill_item *item,
                       struct drill_option *option)
{
    const char *digits = item->text;
    size_t length;
    if (item->is_number && (strncmp(digits, "0x", 2) == 0 || strncmp(digits, "0X", 2) == 0))
        digits += 2;
    length = strlen(digits);
    if (length % 2 != 0 || length / 2 > DRILL_OPTIONS_BYTES ||
        strspn(digits, "0123456789abcdefABCDEF") != length) {
        drill_complain(script, item->position,
                       "'%s': an even number of hexadecimal digits is expected, %d at most",
                       item->text, 2 * DRILL_OPTIONS_BYTES);
        return false;
    }
    for (size_t i = 0; i < length / 2; i++)
        option->data[i] = (uint8_t)(digit_of(digits[2 * i]) << 4 | digit_of(digits[2 * i + 1]));
    option->count = (uint8_t)(length / 2);
    return true;
}

static bool read_sack(struct drill_script *script, const struct drill_item *name,
                      struct drill_option *option)
{
    option->kind = DRILL_OPTION_SACK;
    for (const struct drill_item *block = name->next; block != NULL; block = block->next) {
        if (!block->is_pair) {
            drill_complain(script, block->position, "a SACK block is written left:right");
            return false;
        }
        if (option->count == DRILL_SACK_BLOCKS) {
            drill_complain(script, block->position, "no more than four SACK blocks fit");
            return false;
        }
        option->sack[option->count][0] = (uint32_t)block->number;
        option->sack[option->count][1] = (uint32_t)block->second;
        option->count++;
    }
    return true;
}

/* TS val N ecr N */
static bool read_timestamp(struct drill_script *script, const struct drill_item *name,
                           struct drill_option *option)
{
    const struct drill_item *val = name->next;
    const struct drill_item *value = val != NULL ? val->next : NULL;
    const struct drill_item *ecr = value != NULL ? value->next : NULL;
    if (ecr == NULL || val->is_number || strcmp(val->text, "val") != 0 || ecr->is_number ||
        strcmp(ecr->text, "ecr") != 0) {
        drill_complain(script, name->position, "timestamps are written: TS val NUMBER ecr NUMBER");
        return false;
    }
    if (!wanted_number(script, val, value, UINT32_MAX) ||
        !wanted_number(script, ecr, ecr->next, UINT32_MAX))
        return false;
    option->kind = DRILL_OPTION_TIMESTAMP;
    option->value = (uint32_t)value->number;
    option->echo = (uint32_t)ecr->next->number;
    return wanted_end(script, ecr->next->next);
}

/* AccECN e0b N ceb N e1b N, or with e1b first: RFC 9768 3.2.3's two orders are two kinds, and were
 * two experiments before they had a kind. Counters may be left out from the end. */
static bool read_accurate_ecn(struct drill_script *script, const struct drill_item *name,
                              struct drill_option *option)
{
    bool experiment = strncmp(name->text, "exp-", 4) == 0;
    static const char *const orders[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};
    const struct drill_item *item = name->next;
    unsigned order = item != NULL && !item->is_number && strcmp(item->text, "e1b") == 0;
    option->kind = experiment ? DRILL_OPTION_EXPERIMENT : DRILL_OPTION_ACCURATE_ECN;
    option->value = order ? KIND_ACCURATE_ECN_1 : KIND_ACCURATE_ECN_0;
    if (experiment)
        option->value = order ? EXPERIMENT_ACCURATE_ECN_1 : EXPERIMENT_ACCURATE_ECN_0;
    for (unsigned i = 0; i < 3 && item != NULL; i++) {
        if (item->is_number || strcmp(item->text, orders[order][i]) != 0) {
            drill_complain(script, item->position, "'%s' is expected here", orders[order][i]);
            return false;
        }
        if (!wanted_number(script, item, item->next, 0xffffff))
            return false;
        option->data[3 * i] = (uint8_t)(item->next->number >> 16);
        option->data[3 * i + 1] = (uint8_t)(item->next->number >> 8);
        option->data[3 * i + 2] = (uint8_t)item->next->number;
        option->count = (uint8_t)(3 * (i + 1));
        item = item->next->next;
    }
    return wanted_end(script, item);
}

static bool read_data_option(struct drill_script *script, const struct drill_item *name,
                             struct drill_option *option, enum drill_option_kind kind)
{
    option->kind = kind;
    if (name->next == NULL)
        return true;
    return read_bytes(script, name->next, option) && wanted_end(script, name->next->next);
}

static bool read_plain_option(struct drill_script *script, const struct drill_item *name,
                              struct drill_option *option, enum drill_option_kind kind,
                              int64_t most)
{
    option->kind = kind;
    if (most == 0)
        return wanted_end(script, name->next);
    if (!wanted_number(script, name, name->next, most))
        return false;
    option->value = (uint32_t)name->next->number;
    return wanted_end(script, name->next->next);
}

static bool read_experiment(struct drill_script *script, const struct drill_item *name,
                            struct drill_option *option)
{
    const char *identifier = name->text + strlen("exp-");
    if (strlen(identifier) != 4) {
        drill_complain(script, name->position,
                       "'%s': an experiment's identifier has four hexadecimal digits", name->text);
        return false;
    }
    for (unsigned i = 0; i < 4; i++)
        option->value = option->value << 4 | digit_of(identifier[i]);
    return read_data_option(script, name, option, DRILL_OPTION_EXPERIMENT);
}

/* md5 DIGEST, or md5 invalid: sixteen bytes that sign nothing. */
static bool read_md5(struct drill_script *script, const struct drill_item *name,
                     struct drill_option *option)
{
    const struct drill_item *value = name->next;
    if (value == NULL || value->is_number)
        return read_data_option(script, name, option, DRILL_OPTION_MD5);
    if (strcmp(value->text, "valid") == 0) {
        drill_complain(script, value->position,
                       "'md5 valid': there is no key to sign with, for the stack has no TCP-MD5 "
                       "(RFC 2385)");
        return false;
    }
    if (strcmp(value->text, "invalid") != 0)
        return read_data_option(script, name, option, DRILL_OPTION_MD5);
    option->kind = DRILL_OPTION_MD5;
    option->count = MD5_BYTES;
    return wanted_end(script, value->next);
}

/* Multipath TCP's names (RFC 8684), in the words of packetdrill's own branch for it. */
static bool is_multipath(const char *text)
{
    static const char *const names[] = {"mptcp",        "mp_capable",     "mp_join",  "dss",
                                        "add_address",  "remove_address", "mp_prio",  "mp_fail",
                                        "mp_fastclose", "mp_reset",       "mp_tcprst"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    return false;
}

static bool read_named_option(struct drill_script *script, const struct drill_item *name,
                              struct drill_option *option)
{
    const char *text = name->text;
    if (strcmp(text, "eol") == 0)
        return read_plain_option(script, name, option, DRILL_OPTION_EOL, 0);
    if (strcmp(text, "nop") == 0)
        return read_plain_option(script, name, option, DRILL_OPTION_NOP, 0);
    if (strcmp(text, "mss") == 0)
        return read_plain_option(script, name, option, DRILL_OPTION_MSS, UINT16_MAX);
    if (strcmp(text, "wscale") == 0)
        return read_plain_option(script, name, option, DRILL_OPTION_WSCALE, UINT8_MAX);
    if (strcmp(text, "sackOK") == 0)
        return read_plain_option(script, name, option, DRILL_OPTION_SACK_OK, 0);
    if (strcmp(text, "sack") == 0)
        return read_sack(script, name, option);
    if (strcmp(text, "TS") == 0)
        return read_timestamp(script, name, option);
    if (strcmp(text, "FO") == 0)
        return read_data_option(script, name, option, DRILL_OPTION_FAST_OPEN);
    if (strcmp(text, "FOEXP") == 0)
        return read_data_option(script, name, option, DRILL_OPTION_FAST_OPEN_EXP);
    if (strcmp(text, "md5") == 0)
        return read_md5(script, name, option);
    if (strcmp(text, "hex") == 0)
        return read_data_option(script, name, option, DRILL_OPTION_RAW);
    if (strcmp(text, "ECN") == 0 || strcmp(text, "AccECN") == 0 || strcmp(text, "exp-ECN") == 0 ||
        strcmp(text, "exp-AccECN") == 0)
        return read_accurate_ecn(script, name, option);
    if (strncmp(text, "exp-", 4) == 0)
        return read_experiment(script, name, option);
    if (is_multipath(text)) {
        drill_complain(script, name->position,
                       "'%s' is Multipath TCP, which the stack does not have; hex gives any option "
                       "byte by byte",
                       text);
        return false;
    }
    drill_complain(script, name->position,
                   "'%s' is no TCP option; they are mss, wscale, sackOK, sack, TS, nop, eol, FO, "
                   "FOEXP, md5, AccECN (ECN), exp-AccECN, exp-NNNN and hex",
                   text);
    return false;
}

struct drill_option *drill_read_option(struct drill_script *script, const struct drill_item *items)
{
    struct drill_option *option = drill_allocate(script, sizeof *option);
    bool read;
    if (items->is_number && !items->is_pair && strncmp(items->text, "0x", 2) == 0) {
        option->kind = DRILL_OPTION_RAW;
        read = read_bytes(script, items, option) && wanted_end(script, items->next);
    } else if (items->is_number) {
        drill_complain(script, items->position, "the name of a TCP option is expected here");
        read = false;
    } else {
        read = read_named_option(script, items, option);
    }
    return read ? option : NULL;
}

void drill_read_tcp_items(struct drill_script *script, struct drill_packet *packet,
                          const struct drill_item *items)
{
    for (const struct drill_item *name = items; name != NULL; name = name->next->next) {
        const struct drill_item *value = name->next;
        bool *seen = NULL;
        if (strcmp(name->text, "ack") == 0) {
            seen = &packet->has_ack;
            packet->ack = (struct drill_number){(uint32_t)value->number, value->absolute};
        } else if (strcmp(name->text, "win") == 0) {
            seen = &packet->has_window;
            wanted_number(script, name, value, UINT16_MAX);
            packet->window = (uint16_t)value->number;
        } else if (strcmp(name->text, "urg") == 0) {
            seen = &packet->has_urgent;
            wanted_number(script, name, value, UINT16_MAX);
            packet->urgent = (uint16_t)value->number;
        } else {
            drill_complain(script, name->position,
                           "'%s' cannot stand here; a segment has ack, win and urg", name->text);
            return;
        }
        if (*seen)
            drill_complain(script, name->position, "'%s' stands there twice", name->text);
        *seen = true;
    }
}

void drill_read_ports(struct drill_script *script, struct drill_packet *packet,
                      const struct drill_item *ports)
{
    for (const struct drill_item *port = ports; port != NULL; port = port->next) {
        bool peer = packet->inbound == (port == ports);
        if (port->number < 1 || port->number > UINT16_MAX) {
            drill_complain(script, port->position, "%s is no port: 1 to %d", port->text,
                           UINT16_MAX);
            return;
        }
        *(peer ? &packet->ip.peer_port : &packet->ip.local_port) = (int)port->number;
    }
}

/* Words without a value. */
static bool read_ip_word(struct drill_ip_info *ip, const char *text)
{
    static const char *const ecn[] = {"noecn", "ect1", "ect0", "ce"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, ecn[i]) == 0) {
            ip->ecn = i;
            return true;
        }
    }
    if (strcmp(text, "df") == 0)
        ip->dont_fragment = 1;
    else if (strcmp(text, "nodf") == 0)
        ip->dont_fragment = 0;
    else if (strcmp(text, "badsum") == 0)
        ip->bad_checksum = true;
    else if (strcmp(text, "badipsum") == 0)
        ip->bad_ip_checksum = true;
    else
        return false;
    return true;
}

static int *ip_number_of(struct drill_ip_info *ip, const char *text, int64_t *most)
{
    const struct {
        const char *name;
        int *value;
        int64_t most;
    } table[] = {
        {"tos", &ip->traffic_class, 255},        {"ttl", &ip->ttl, 255},
        {"flowlabel", &ip->flow_label, 0xfffff}, {"peer", &ip->peer_port, UINT16_MAX},
        {"local", &ip->local_port, UINT16_MAX},  {"sock", &ip->descriptor, INT32_MAX},
        {"doff", &ip->data_offset, 15},          {"reserved", &ip->reserved, 7},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(text, table[i].name) == 0) {
            *most = table[i].most;
            return table[i].value;
        }
    }
    return NULL;
}

void drill_read_ip_items(struct drill_script *script, struct drill_ip_info *ip,
                         const struct drill_item *items)
{
    for (const struct drill_item *item = items; item != NULL; item = item->next) {
        int64_t most = 0;
        int *number;
        if (item->is_number) {
            drill_complain(script, item->position, "a name is expected here, not a number");
            return;
        }
        if (read_ip_word(ip, item->text))
            continue;
        number = ip_number_of(ip, item->text, &most);
        if (number != NULL) {
            if (!wanted_number(script, item, item->next, most))
                return;
            *number = (int)item->next->number;
        } else if (strcmp(item->text, "from") == 0 || strcmp(item->text, "to") == 0) {
            if (item->next == NULL || item->next->is_number) {
                drill_complain(script, item->position,
                               "an address in quotes is expected after "
                               "'%s'",
                               item->text);
                return;
            }
            *(item->text[0] == 'f' ? &ip->from : &ip->to) = item->next->text;
        } else {
            drill_complain(script, item->position,
                           "'%s' is nothing of an IP header; there are ect0, ect1, ce, noecn, tos, "
                           "ttl, flowlabel, df, nodf, peer, local, sock, from, to, doff, reserved, "
                           "badsum and badipsum",
                           item->text);
            return;
        }
        item = item->next;
    }
}

struct drill_packet *drill_make_icmp(struct drill_script *script, struct drill_packet *packet,
                                     struct drill_position position, const char *word,
                                     const struct drill_item *words,
                                     const struct drill_packet *quote)
{
    const struct drill_item *code = words->next;
    packet->kind = DRILL_ICMP;
    if (strcmp(word, "icmp") != 0) {
        drill_complain(script, position, "a packet is TCP flags and numbers, or 'icmp', not '%s'",
                       word);
        return packet;
    }
    packet->icmp_type = words->text;
    packet->icmp_code = code != NULL ? code->text : NULL;
    if (code != NULL && code->next != NULL)
        drill_complain(script, code->next->position, "'%s' is too much: icmp TYPE CODE",
                       code->next->text);
    else if (!drill_icmp_known(packet->icmp_type, packet->icmp_code))
        drill_complain(script, (code != NULL ? code : words)->position,
                       "no ICMP message is called '%s%s%s'", packet->icmp_type,
                       code != NULL ? " " : "", code != NULL ? code->text : "");
    if (quote != NULL) {
        packet->has_quote = true;
        packet->flags = quote->flags;
        packet->seq = quote->seq;
        packet->end = quote->end;
        packet->length = quote->length;
        packet->has_ack = quote->has_ack;
        packet->ack = quote->ack;
    }
    return packet;
}
