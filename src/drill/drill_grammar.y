/* SPDX-License-Identifier: MIT
 *
 * The grammar of scripts. Names that are only known by meaning (options, flags, constants, calls)
 * are plain words here and are looked up in C, where a complaint can name them.
 */
%define api.pure full
%define api.prefix {drill_yy}
%define parse.error custom
%locations
%expect 0
%param { void *scanner }
%parse-param { struct drill_script *script }

%code requires {
#include "drill_syntax.h"
}

%code {
#include "drill_lexer.h"

#include <stdio.h>
#include <string.h>

static struct drill_position at(const DRILL_YYLTYPE *location)
{
    return (struct drill_position){location->first_line, location->first_column};
}

static void drill_yyerror(const DRILL_YYLTYPE *location, void *scanner, struct drill_script *script,
                          const char *message)
{
    (void)scanner;
    /* The parser's own stack is bounded. */
    drill_complain(script, at(location), "%s",
                   strcmp(message, "memory exhausted") == 0 ? "this is nested too deeply"
                                                            : message);
}

static struct drill_expression *with_text(struct drill_script *script,
                                          enum drill_expression_kind kind,
                                          const DRILL_YYLTYPE *location, const char *text)
{
    struct drill_expression *made = drill_expression_new(script, kind, at(location));
    made->text = text;
    return made;
}

static struct drill_expression *with_integer(struct drill_script *script,
                                             const DRILL_YYLTYPE *location, int64_t value)
{
    struct drill_expression *made = drill_expression_new(script, DRILL_INTEGER, at(location));
    made->integer = value;
    return made;
}

static struct drill_time instant_at(enum drill_time_kind kind, int64_t begin_ns)
{
    return (struct drill_time){.kind = kind, .begin_ns = begin_ns, .end_ns = begin_ns};
}

static struct drill_time from_to(enum drill_time_kind kind, enum drill_range range,
                                 int64_t begin_ns, int64_t end_ns)
{
    return (struct drill_time){
        .kind = kind, .range = range, .begin_ns = begin_ns, .end_ns = end_ns};
}

static struct drill_item *item_of(struct drill_script *script, const DRILL_YYLTYPE *location,
                                  const char *text, int64_t number, bool is_number)
{
    struct drill_item *made = drill_item_new(script, at(location));
    made->text = text;
    made->number = number;
    made->is_number = is_number;
    return made;
}
}

%union {
    const char *text;
    int64_t integer;
    struct drill_expression *expression;
    struct { struct drill_expression *first, *last; unsigned count; } chain;
    struct drill_time time;
    struct drill_number number;
    struct drill_item *item;
    struct { struct drill_item *first, *last; } items;
    struct drill_option *option;
    struct { struct drill_option *first; bool any; } options;
    struct drill_packet *packet;
    struct drill_event *event;
    struct { struct drill_expression *value; const char *error; } result;
}

%token ELLIPSIS "..."
%token <text> INTEGER "number"
%token <text> DECIMAL "time"
%token <text> WORD "name"
%token <text> TEXT "string"
%token <text> SHELL "command in backticks"
%token <text> CODE "code in %{ }%"
%token <text> SETTING "option"
%token <text> BYTES "hexadecimal bytes"
%token <integer> MTU "mtu and a number"

%left '|'

%type <integer> instant integer
%type <time> time
%type <expression> expression result_value field
%type <chain> arguments some_arguments fields
%type <event> event action
%type <packet> packet tcp_packet icmp_packet direction way quote quoted numbers
%type <text> flags
%type <number> sequence
%type <item> item
%type <items> items words brackets tcp_items ports
%type <option> option some_options
%type <options> options
%type <result> result

%%

script
: settings commands events
;

settings
: %empty
| settings SETTING {
    struct drill_setting *setting = drill_allocate(script, sizeof *setting);
    setting->position = at(&@2);
    setting->text = $2;
    drill_append_setting(script, setting);
}
;

commands
: %empty
| commands SHELL {
    struct drill_command *command = drill_allocate(script, sizeof *command);
    command->position = at(&@2);
    command->text = $2;
    drill_append_command(script, command);
}
;

events
: %empty
| events event { drill_append_event(script, $2); }
;

event
: time action {
    $$ = $2;
    $$->time = $1;
    $$->position = at(&@2);
    if ($1.range != DRILL_RANGE_NONE && $1.end_ns < $1.begin_ns) {
        drill_complain(script, at(&@1), "this time ends before it begins");
        YYABORT;
    }
    if (script->failed)
        YYABORT;
}
;

time
: instant { $$ = instant_at(DRILL_TIME_ABSOLUTE, $1); }
| instant ELLIPSIS instant { $$ = from_to(DRILL_TIME_ABSOLUTE, DRILL_RANGE_WAIT, $1, $3); }
| instant '~' instant { $$ = from_to(DRILL_TIME_ABSOLUTE, DRILL_RANGE_WINDOW, $1, $3); }
| '+' instant { $$ = instant_at(DRILL_TIME_RELATIVE, $2); }
| '+' instant ELLIPSIS instant { $$ = from_to(DRILL_TIME_RELATIVE, DRILL_RANGE_WAIT, $2, $4); }
| '+' instant ELLIPSIS '+' instant {
    $$ = from_to(DRILL_TIME_RELATIVE, DRILL_RANGE_WAIT, $2, $5);
}
| '+' instant '~' instant { $$ = from_to(DRILL_TIME_RELATIVE, DRILL_RANGE_WINDOW, $2, $4); }
| '+' instant '~' '+' instant {
    $$ = from_to(DRILL_TIME_RELATIVE, DRILL_RANGE_WINDOW, $2, $5);
}
| '*' { $$ = instant_at(DRILL_TIME_ANY, 0); }
| '+' '*' { $$ = instant_at(DRILL_TIME_ANY, 0); }
| '~' time { $$ = $2; $$.approximate = true; }
;

instant
: INTEGER { $$ = drill_read_time(script, at(&@1), $1); }
| DECIMAL { $$ = drill_read_time(script, at(&@1), $1); }
;

action
: packet {
    $$ = drill_allocate(script, sizeof *$$);
    $$->kind = DRILL_EVENT_PACKET;
    $$->packet = *$1;
}
| WORD '(' arguments ')' '=' result {
    $$ = drill_allocate(script, sizeof *$$);
    $$->kind = DRILL_EVENT_CALL;
    $$->call.name = $1;
    $$->call.arguments = $3.first;
    $$->call.argument_count = $3.count;
    $$->call.result = $6.value;
    $$->call.error = $6.error;
}
| CODE {
    $$ = drill_allocate(script, sizeof *$$);
    $$->kind = DRILL_EVENT_CODE;
    $$->text = $1;
}
| SHELL {
    $$ = drill_allocate(script, sizeof *$$);
    $$->kind = DRILL_EVENT_SHELL;
    $$->text = $1;
}
;

/* ---- calls */

arguments
: %empty { $$.first = $$.last = NULL; $$.count = 0; }
| some_arguments
;

some_arguments
: expression { $$.first = $$.last = $1; $$.count = 1; }
| some_arguments ',' expression {
    $$ = $1;
    $$.last->next = $3;
    $$.last = $3;
    $$.count++;
}
;

expression
: ELLIPSIS { $$ = drill_expression_new(script, DRILL_ELLIPSIS, at(&@1)); }
| integer { $$ = with_integer(script, &@1, $1); }
| TEXT { $$ = with_text(script, DRILL_STRING, &@1, $1); }
| WORD { $$ = with_text(script, DRILL_WORD, &@1, $1); }
| WORD '(' arguments ')' {
    $$ = with_text(script, DRILL_FUNCTION, &@1, $1);
    drill_expression_adopt(script, $$, $3.first);
    if (script->failed)
        YYABORT;
}
| expression '|' expression {
    $$ = drill_expression_new(script, DRILL_OR, at(&@1));
    $1->next = $3;
    drill_expression_adopt(script, $$, $1);
    if (script->failed)
        YYABORT;
}
| '[' arguments ']' {
    $$ = drill_expression_new(script, DRILL_LIST, at(&@1));
    drill_expression_adopt(script, $$, $2.first);
    if (script->failed)
        YYABORT;
}
| '{' fields '}' {
    $$ = drill_expression_new(script, DRILL_STRUCTURE, at(&@1));
    drill_expression_adopt(script, $$, $2.first);
    if (script->failed)
        YYABORT;
}
;
fields
: field { $$.first = $$.last = $1; $$.count = 1; }
| fields ',' field {
    $$ = $1;
    $$.last->next = $3;
    $$.last = $3;
    $$.count++;
}
;

field
: expression
| expression '=' expression {
    $$ = drill_expression_new(script, DRILL_FIELD, at(&@1));
    $$->text = $1->text;
    drill_expression_adopt(script, $$, $3);
    if (script->failed)
        YYABORT;
    if ($1->kind == DRILL_FUNCTION) {
        $3->next = $1->first; /* msg_iov(N) = [...]: N stands beside the value */
    } else if ($1->kind != DRILL_WORD) {
        drill_complain(script, at(&@1), "the name of a field is expected before '='");
        YYABORT;
    }
}
;

integer
: INTEGER { $$ = drill_read_integer(script, at(&@1), $1); }
| '-' INTEGER { $$ = -drill_read_integer(script, at(&@2), $2); }
;

result
: result_value note { $$.value = $1; $$.error = NULL; }
| result_value WORD note { $$.value = $1; $$.error = $2; }
;

result_value
: ELLIPSIS { $$ = drill_expression_new(script, DRILL_ELLIPSIS, at(&@1)); }
| integer { $$ = with_integer(script, &@1, $1); }
| WORD { $$ = with_text(script, DRILL_WORD, &@1, $1); }
| result_value '|' WORD {
    $$ = drill_expression_new(script, DRILL_OR, at(&@1));
    $1->next = with_text(script, DRILL_WORD, &@3, $3);
    drill_expression_adopt(script, $$, $1);
    if (script->failed)
        YYABORT;
}
;

/* (Resource temporarily unavailable): for people only. */
note
: %empty
| '(' note_words ')'
;

note_words
: note_word
| note_words note_word
;

note_word
: WORD | INTEGER | DECIMAL | TEXT | '|' | ',' | '.' | '-' | '=' | '\'' | '/' | ':'
;

/* ---- packets */

packet
: tcp_packet
| icmp_packet
;

direction
: way
| way ports { $$ = $1; drill_read_ports(script, $$, $2.first); }
;

way
: '<' {
    $$ = drill_packet_new(script);
    $$->inbound = true;
}
| '>' { $$ = drill_packet_new(script); }
| way '[' brackets ']' {
    $$ = $1;
    drill_read_ip_items(script, &$$->ip, $3.first);
}
| way '(' brackets ')' {
    $$ = $1;
    drill_read_ip_items(script, &$$->ip, $3.first);
}
;

/* SOURCE > DESTINATION, for other conversations than the current one. */
ports
: INTEGER '>' INTEGER {
    $$.first = item_of(script, &@1, $1, drill_read_integer(script, at(&@1), $1), true);
    $$.last = item_of(script, &@3, $3, drill_read_integer(script, at(&@3), $3), true);
    $$.first->next = $$.last;
}
;

brackets
: items
| brackets ',' items {
    $$.first = $1.first;
    $1.last->next = $3.first;
    $$.last = $3.last;
}
;

tcp_packet
: direction flags numbers tcp_items options {
    $$ = $1;
    $$->kind = DRILL_TCP;
    $$->flags = drill_read_flags(script, at(&@2), $2);
    $$->seq = $3->seq;
    $$->end = $3->end;
    $$->length = $3->length;
    $$->options = $5.first;
    $$->any_options = $5.any;
    drill_read_tcp_items(script, $$, $4.first);
}
;

flags
: WORD
| '.' { $$ = "."; }
| '-' { $$ = ""; }
| WORD '.' { $$ = drill_join_text(script, $1, "."); }
/* With the number of the ACE field in place of A, W and E: .5, P.5 or P5. */
| DECIMAL
| WORD DECIMAL { $$ = drill_join_text(script, $1, $2); }
;

/* seq:end(length) or seq(length) */
numbers
: sequence ':' sequence '(' INTEGER ')' {
    int64_t length = drill_read_integer(script, at(&@5), $5);
    $$ = drill_packet_new(script);
    $$->seq = $1;
    $$->end = $3;
    $$->length = $3.value - $1.value;
    if ($$->length != (uint64_t)length) {
        drill_complain(script, at(&@1), "from %u to %u are %u bytes, not %lld", $1.value, $3.value,
                       $$->length, (long long)length);
        YYABORT;
    }
}
| sequence '(' INTEGER ')' {
    int64_t length = drill_read_integer(script, at(&@3), $3);
    $$ = drill_packet_new(script);
    $$->seq = $1;
    $$->end = $1;
    $$->end.value += (uint32_t)length;
    $$->length = (uint32_t)length;
    if (length > UINT32_MAX) {
        drill_complain(script, at(&@3), "no segment is that long");
        YYABORT;
    }
}
;

sequence
: INTEGER {
    int64_t value = drill_read_integer(script, at(&@1), $1);
    $$ = (struct drill_number){(uint32_t)value, false};
    if (value > UINT32_MAX)
        drill_complain(script, at(&@1), "a sequence number has 32 bits");
}
| '@' INTEGER {
    int64_t value = drill_read_integer(script, at(&@2), $2);
    $$ = (struct drill_number){(uint32_t)value, true};
    if (value > UINT32_MAX)
        drill_complain(script, at(&@2), "a sequence number has 32 bits");
}
;

/* ack 1 win 1000 urg 5: names and values in turn. */
tcp_items
: %empty { $$.first = $$.last = NULL; }
| tcp_items WORD sequence {
    struct drill_item *name = item_of(script, &@2, $2, 0, false);
    name->next = item_of(script, &@3, NULL, $3.value, true);
    name->next->absolute = $3.absolute;
    $$.first = $1.first != NULL ? $1.first : name;
    $$.last = name->next;
    if ($1.last != NULL)
        $1.last->next = name;
}
;

options
: %empty { $$.first = NULL; $$.any = false; }
| '<' some_options '>' { $$.first = $2; $$.any = false; }
| '<' '>' { $$.first = NULL; $$.any = false; }
| '<' ELLIPSIS '>' { $$.first = NULL; $$.any = true; }
;

some_options
: option
| some_options ',' option {
    struct drill_option *last = $1;
    while (last->next != NULL)
        last = last->next;
    last->next = $3;
    $$ = $1;
}
;

option
: items {
    $$ = drill_read_option(script, $1.first);
    if ($$ == NULL)
        YYABORT;
}
;

items
: item { $$.first = $$.last = $1; }
| items item {
    $$.first = $1.first;
    $$.last = $1.last->next = $2;
}
;

item
: WORD { $$ = item_of(script, &@1, $1, 0, false); }
| TEXT { $$ = item_of(script, &@1, $1, 0, false); }
| BYTES { $$ = item_of(script, &@1, $1, 0, false); }
| INTEGER { $$ = item_of(script, &@1, $1, drill_read_integer(script, at(&@1), $1), true); }
| INTEGER ':' INTEGER {
    $$ = item_of(script, &@1, $1, drill_read_integer(script, at(&@1), $1), true);
    $$->is_pair = true;
    $$->second = drill_read_integer(script, at(&@3), $3);
}
;

icmp_packet
: direction WORD words quote { $$ = drill_make_icmp(script, $1, at(&@2), $2, $3.first, $4); }
| direction WORD words MTU quote {
    $$ = drill_make_icmp(script, $1, at(&@2), $2, $3.first, $5);
    $$->icmp_mtu = (int32_t)$4;
}
;

words
: WORD { $$.first = $$.last = item_of(script, &@1, $1, 0, false); }
| words WORD {
    $$.first = $1.first;
    $$.last = $1.last->next = item_of(script, &@2, $2, 0, false);
}
;

/* The segment that an ICMP error quotes. */
quote
: %empty { $$ = NULL; }
| '[' quoted ']' { $$ = $2; }
;

quoted
: numbers tcp_items {
    $$ = $1;
    $$->flags = DRILL_ACK;
    drill_read_tcp_items(script, $$, $2.first);
}
| flags numbers tcp_items {
    $$ = $2;
    $$->flags = drill_read_flags(script, at(&@1), $1);
    drill_read_tcp_items(script, $$, $3.first);
}
;

%%

static int yyreport_syntax_error(const yypcontext_t *context, void *scanner,
                                       struct drill_script *script)
{
    yysymbol_kind_t expected[4];
    const DRILL_YYLTYPE *location = yypcontext_location(context);
    int count = yypcontext_expected_tokens(context, expected, 4);
    char wanted[160] = "";
    for (int i = 0; i < count && i < 4; i++) {
        size_t used = strlen(wanted);
        snprintf(wanted + used, sizeof wanted - used, "%s%s", i == 0 ? "; expected " : " or ",
                 yysymbol_name(expected[i]));
    }
    if (yypcontext_token(context) == YYSYMBOL_YYEOF)
        drill_complain(script, at(location), "the script ends in the middle of a line%s", wanted);
    else
        drill_complain(script, at(location), "'%s' cannot stand here%s",
                       drill_lexer_text(scanner), wanted);
    return 0;
}
