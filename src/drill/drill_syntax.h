/* SPDX-License-Identifier: MIT
 *
 * What a script says, as a tree: options, commands to run first, and events in order, each with
 * its time. The parser builds it, drill_check.c looks it over before anything runs, and the runner
 * plays it. All nodes live in the script's own memory and go with it.
 */
#ifndef DRILL_SYNTAX_H
#define DRILL_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both count from 1. */
struct drill_position {
    int line, column;
};

/* ---- expressions: the arguments of calls */

enum drill_expression_kind {
    DRILL_ELLIPSIS,  /* ...: whatever is usual */
    DRILL_INTEGER,   /* 12, 0x2, -1 */
    DRILL_STRING,    /* "reno" */
    DRILL_WORD,      /* a symbolic constant, until it is checked; then DRILL_INTEGER */
    DRILL_FUNCTION,  /* htons(80), msg_iov(1): text(children) */
    DRILL_OR,        /* A | B */
    DRILL_LIST,      /* [a, b] */
    DRILL_STRUCTURE, /* {a, b} or {name = a, ...} */
    DRILL_FIELD      /* name = value: text, children[0]; with a count: children[1] */
};

struct drill_expression {
    struct drill_position position;
    enum drill_expression_kind kind;
    unsigned depth; /* of what is within */
    int64_t integer;
    const char *text;
    struct drill_expression *first; /* the first child */
    struct drill_expression *next;  /* the next sibling */
};

/* ---- times, in nanoseconds */

enum drill_time_kind {
    DRILL_TIME_ABSOLUTE, /* since the script began */
    DRILL_TIME_RELATIVE, /* since the event before */
    DRILL_TIME_ANY       /* *: whenever it happens */
};

enum drill_range {
    DRILL_RANGE_NONE,  /* one instant */
    DRILL_RANGE_WAIT,  /* begin...end: a call that waits; of packets the same as ~ */
    DRILL_RANGE_WINDOW /* begin~end: a packet that may leave at any time between */
};

struct drill_time {
    enum drill_time_kind kind;
    enum drill_range range;
    bool approximate; /* ~: packetdrill's own tolerance, whatever the options say */
    int64_t begin_ns, end_ns;
};

/* ---- packets */

#define DRILL_OPTIONS_BYTES 40
#define DRILL_SACK_BLOCKS 4

enum drill_option_kind {
    DRILL_OPTION_EOL,
    DRILL_OPTION_NOP,
    DRILL_OPTION_MSS,
    DRILL_OPTION_WSCALE,
    DRILL_OPTION_SACK_OK,
    DRILL_OPTION_SACK,
    DRILL_OPTION_TIMESTAMP,
    DRILL_OPTION_FAST_OPEN,     /* kind 34 */
    DRILL_OPTION_FAST_OPEN_EXP, /* kind 254 with 0xf989 */
    DRILL_OPTION_MD5,           /* kind 19 */
    DRILL_OPTION_EXPERIMENT,    /* kind 254 with another identifier */
    DRILL_OPTION_ACCURATE_ECN,  /* kinds 172 and 174 */
    DRILL_OPTION_RAW            /* its bytes as they are, kind and length too */
};

struct drill_option {
    enum drill_option_kind kind;
    uint32_t value; /* MSS, shift, TS val, experiment's identifier, accurate ECN's kind */
    uint32_t echo;  /* TS ecr */
    uint8_t count;  /* SACK blocks; bytes of data; accurate ECN's counters */
    uint32_t sack[DRILL_SACK_BLOCKS][2];
    uint8_t data[DRILL_OPTIONS_BYTES];
    struct drill_option *next;
};

/* Bits of the flags field, as on the wire. */
enum drill_flag {
    DRILL_FIN = 0x001,
    DRILL_SYN = 0x002,
    DRILL_RST = 0x004,
    DRILL_PSH = 0x008,
    DRILL_ACK = 0x010,
    DRILL_URG = 0x020,
    DRILL_ECE = 0x040,
    DRILL_CWR = 0x080,
    DRILL_AE = 0x100
};

/* A sequence number as written: counted from the initial one, or with @ as on the wire. */
struct drill_number {
    uint32_t value;
    bool absolute;
};

enum { DRILL_UNSET = -1 };

/* What stands in brackets before the flags. DRILL_UNSET: not said. */
struct drill_ip_info {
    int ecn;           /* 0..3 */
    int traffic_class; /* tos: all eight bits */
    int ttl;
    int flow_label;
    int dont_fragment;
    int peer_port; /* of another flow than the current one */
    int local_port;
    int descriptor;       /* sock N: the flow of that socket */
    int data_offset;      /* inbound: a wrong one, in words */
    int reserved;         /* inbound: the three reserved bits */
    bool bad_checksum;    /* inbound: TCP's (or ICMP's) is wrong */
    bool bad_ip_checksum; /* inbound */
    const char *from;     /* inbound: another source address */
    const char *to;       /* inbound: another destination address */
};

enum drill_packet_kind { DRILL_TCP, DRILL_ICMP };

struct drill_packet {
    bool inbound;
    enum drill_packet_kind kind;
    struct drill_ip_info ip;
    /* TCP; for ICMP seq and length are those of the quoted segment. */
    uint16_t flags;
    struct drill_number seq, end;
    uint32_t length;
    bool has_ack, has_window, has_urgent;
    struct drill_number ack;
    uint16_t window, urgent;
    bool any_options; /* <...> */
    struct drill_option *options;
    /* ICMP */
    const char *icmp_type, *icmp_code; /* code: NULL when not said */
    int32_t icmp_mtu;                  /* DRILL_UNSET */
    bool has_quote;
};

/* ---- events */

struct drill_call {
    const char *name;
    struct drill_expression *arguments; /* a chain */
    unsigned argument_count;
    struct drill_expression *result; /* DRILL_ELLIPSIS: any */
    const char *error;               /* "EAGAIN", or NULL */
    int error_number;                /* found by drill_check */
};

enum drill_event_kind { DRILL_EVENT_PACKET, DRILL_EVENT_CALL, DRILL_EVENT_CODE, DRILL_EVENT_SHELL };

struct drill_event {
    struct drill_position position;
    struct drill_time time;
    enum drill_event_kind kind;
    struct drill_packet packet;
    struct drill_call call;
    const char *text; /* of code and of shell commands */
    struct drill_event *next;
};

/* --name=value at the head of a script. */
struct drill_setting {
    struct drill_position position;
    const char *text; /* without the dashes */
    struct drill_setting *next;
};

/* A shell command before the first event. */
struct drill_command {
    struct drill_position position;
    const char *text;
    struct drill_command *next;
};

/* NAME=VALUE, from -D. Borrowed. */
struct drill_definition {
    const char *name, *value;
};

struct drill_block;

struct drill_script {
    const char *path; /* borrowed, for messages */
    char *source;     /* owned */
    struct drill_setting *settings;
    struct drill_command *commands;
    struct drill_event *events;
    struct drill_setting *last_setting;
    struct drill_command *last_command;
    struct drill_event *last_event;
    struct drill_block *blocks; /* what the nodes live in */
    /* The first complaint: "path:line:column: message". */
    bool failed;
    char message[512];
};

/* Memory that lives as long as the script; zeroed; ends the program when there is none. */
void *drill_allocate(struct drill_script *script, size_t size);
const char *drill_copy_text(struct drill_script *script, const char *text, size_t length);

/* Keeps the first complaint only. */
__attribute__((format(printf, 3, 4))) void drill_complain(struct drill_script *script,
                                                          struct drill_position position,
                                                          const char *format, ...);

/* Reads the text; false after a complaint. `source` is taken over (from malloc). `definitions` are
 * words that stand for other text. */
bool drill_parse(struct drill_script *script, const char *path, char *source,
                 const struct drill_definition *definitions, size_t definition_count);
void drill_script_free(struct drill_script *script);

/* ---- made by the grammar's actions; each complains where it must */

struct drill_expression *drill_expression_new(struct drill_script *script,
                                              enum drill_expression_kind kind,
                                              struct drill_position position);
/* Puts a chain of children into their parent; complains when they are nested too deeply. */
void drill_expression_adopt(struct drill_script *script, struct drill_expression *parent,
                            struct drill_expression *first);
/* "1", "0x1f"; complains when it does not fit 64 bits. */
int64_t drill_read_integer(struct drill_script *script, struct drill_position position,
                           const char *text);
/* "1", "0.25", ".1" in nanoseconds. */
int64_t drill_read_time(struct drill_script *script, struct drill_position position,
                        const char *text);
uint16_t drill_read_flags(struct drill_script *script, struct drill_position position,
                          const char *letters);

/* One word or number of an option or of a bracket, in order. */
struct drill_item {
    struct drill_position position;
    bool is_number;
    bool is_pair; /* first:second */
    bool absolute;
    const char *text;
    int64_t number, second;
    struct drill_item *next;
};
struct drill_item *drill_item_new(struct drill_script *script, struct drill_position position);
/* <mss 1460> and its kin. NULL after a complaint. */
struct drill_option *drill_read_option(struct drill_script *script, const struct drill_item *items);
/* ack, win, urg after the numbers: names and values in turn. */
void drill_read_tcp_items(struct drill_script *script, struct drill_packet *packet,
                          const struct drill_item *items);
/* Two numbers: 53000 > 8080. */
void drill_read_ports(struct drill_script *script, struct drill_packet *packet,
                      const struct drill_item *ports);
/* [ect0], (ttl 64) ... */
void drill_read_ip_items(struct drill_script *script, struct drill_ip_info *ip,
                         const struct drill_item *items);
struct drill_packet *drill_packet_new(struct drill_script *script);
/* icmp TYPE [CODE]: `word` must be "icmp"; quote: NULL when there is none. */
struct drill_packet *drill_make_icmp(struct drill_script *script, struct drill_packet *packet,
                                     struct drill_position position, const char *word,
                                     const struct drill_item *words,
                                     const struct drill_packet *quote);
const char *drill_join_text(struct drill_script *script, const char *first, const char *second);
void drill_append_setting(struct drill_script *script, struct drill_setting *setting);
void drill_append_command(struct drill_script *script, struct drill_command *command);
void drill_append_event(struct drill_script *script, struct drill_event *event);

#endif
