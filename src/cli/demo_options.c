/* SPDX-License-Identifier: MIT
 *
 * The options of `handfast demo`. The defaults are chosen so that the bare command shows what a
 * TCP is for: with this seed the link loses one segment and lets another be overtaken.
 */
#include "demo_options.h"

#include "demo.h"
#include "message.h"
#include "numbers.h"
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    ID_SEED = 1,
    ID_LOSS,
    ID_REORDER,
    ID_BYTES,
    ID_RATE,
    ID_DELAY,
    ID_JSON,
    ID_PCAP,
    ID_WIDE,
    ID_COLUMNS,
    ID_ABSOLUTE,
    ID_VERBOSE,
    ID_STEP,
    ID_NO_COLOUR,
    ID_ASCII,
    ID_V6
};

enum { COLUMNS_LEAST = 80, COLUMNS_WIDE = 132, COLUMNS_MOST = 400 };

#define DEFAULT_SEED 104 /* one loss and one overtaking among the data, each put right */
#define DEFAULT_LOSS_PPM 60000
#define DEFAULT_REORDER_PPM 60000
#define DEFAULT_BYTES 10000
#define DEFAULT_RATE_BITS_PER_SECOND 10000000
#define DEFAULT_DELAY_NS (10 * HF_MILLISECOND)
#define BYTES_MOST (UINT64_C(1) << 30)
#define RATE_MOST UINT64_C(1000000000000)
#define DELAY_MOST_NS (60 * HF_SECOND)
#define PPM_PER_PERCENT 10000u

const struct option_row demo_option_rows[DEMO_OPTION_ROWS] = {
    {ID_SEED, "seed", "NUMBER",
     "Where all that is random comes from: the numbers the hosts choose, and what the link does to "
     "which packet. The same number shows the same run. Default: 104."},
    {ID_LOSS, "loss", "PERCENT", "Of the packets, so many are lost each way. Default: 6."},
    {ID_REORDER, "reorder", "PERCENT",
     "So many are held back while later ones overtake them. Default: 6."},
    {ID_BYTES, "bytes", "BYTES",
     "How much the client sends; K, M may follow the number. Default: 10000."},
    {ID_RATE, "rate", "BITS",
     "Bits per second of the link; k, M, G may follow the number; 0: no limit. Default: 10M."},
    {ID_DELAY, "delay", "TIME", "One way; us, ms, s may follow the number. Default: 10ms."},
    {ID_JSON, "json", NULL, "Every event as one line of JSON, in place of words and ladder."},
    {ID_PCAP, "pcap", "FILE",
     "Write what both hosts sent and received, with the reasons, as pcapng."},
    {ID_WIDE, "wide", NULL, "A ladder of 132 columns. Default: as wide as the terminal, or 80."},
    {ID_COLUMNS, "columns", "NUMBER", "A ladder of so many columns: 80 to 400."},
    {ID_ABSOLUTE, "absolute", NULL,
     "Sequence numbers as they are on the wire, instead of counted from the start."},
    {ID_VERBOSE, "verbose", NULL, "Timers, round trip times and congestion windows too."},
    {ID_STEP, "step", NULL, "Wait for Enter after each step."},
    {ID_NO_COLOUR, "no-colour", NULL,
     "No colour. There is none either if NO_COLOR is set, or when the output is no terminal."},
    {ID_NO_COLOUR, "no-color", NULL, "The same."},
    {ID_ASCII, "ascii", NULL, "A ladder of ASCII characters only."},
    {ID_V6, "v6", NULL, "Over IPv6."},
};

bool demo_parse_percent(const char *text, uint32_t *ppm)
{
    uint32_t value = 0, place = PPM_PER_PERCENT;
    const char *at = text;

    for (; isdigit((unsigned char)*at); at++) {
        value = value * 10 + (uint32_t)(*at - '0');
        if (value > 100)
            return false;
    }
    if (at == text)
        return false;
    value *= PPM_PER_PERCENT;
    if (*at == '.') {
        for (at++; isdigit((unsigned char)*at) && place > 1; at++) {
            place /= 10;
            value += (uint32_t)(*at - '0') * place;
        }
        if (at[-1] == '.')
            return false;
    }
    if (*at == '%')
        at++;
    *ppm = value;
    return *at == '\0' && value <= 100 * PPM_PER_PERCENT;
}

static bool parse_leading_number(const char *text, uint64_t limit, uint64_t *value,
                                 const char **rest)
{
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    *rest = end;
    return errno == 0 && *value <= limit;
}

bool demo_parse_rate(const char *text, uint64_t *bits_per_second)
{
    uint64_t factor = 1;
    const char *unit;

    if (!parse_leading_number(text, RATE_MOST, bits_per_second, &unit))
        return false;
    switch (*unit) {
    case 'k':
    case 'K':
        factor = 1000;
        break;
    case 'M':
    case 'm':
        factor = 1000000;
        break;
    case 'G':
    case 'g':
        factor = 1000000000;
        break;
    default:
        break;
    }
    if (factor > 1)
        unit++;
    if (*bits_per_second > RATE_MOST / factor)
        return false;
    *bits_per_second *= factor;
    return *unit == '\0' || strcmp(unit, "bit") == 0;
}

bool demo_parse_delay(const char *text, hf_time *delay_ns)
{
    hf_time factor;
    uint64_t value;
    const char *unit;

    if (!parse_leading_number(text, (uint64_t)DELAY_MOST_NS, &value, &unit))
        return false;
    if (*unit == '\0' || strcmp(unit, "ms") == 0)
        factor = HF_MILLISECOND;
    else if (strcmp(unit, "us") == 0)
        factor = HF_MICROSECOND;
    else if (strcmp(unit, "s") == 0)
        factor = HF_SECOND;
    else
        return false;
    if (value > (uint64_t)(DELAY_MOST_NS / factor))
        return false;
    *delay_ns = (hf_time)value * factor;
    return true;
}

static bool complain(const char *option, const char *argument, const char *wanted)
{
    fail_usage(&command_demo, "--%s: '%s' is not %s", option, argument, wanted);
    return false;
}

static bool take_link_option(struct demo_options *options, int id, const char *argument)
{
    if (id == ID_LOSS) {
        options->link_option = "loss";
        return demo_parse_percent(argument, &options->loss_ppm) ||
               complain("loss", argument, "a percentage: write it like 5 or 2.5");
    }
    if (id == ID_REORDER) {
        options->link_option = "reorder";
        return demo_parse_percent(argument, &options->reorder_ppm) ||
               complain("reorder", argument, "a percentage: write it like 5 or 2.5");
    }
    if (id == ID_BYTES) {
        options->link_option = "bytes";
        return (parse_bytes(argument, &options->length_bytes) &&
                options->length_bytes <= BYTES_MOST) ||
               complain("bytes", argument,
                        "a number of bytes up to 1G: write it like 10000 or 64K");
    }
    if (id == ID_RATE) {
        options->link_option = "rate";
        return demo_parse_rate(argument, &options->rate_bits_per_second) ||
               complain("rate", argument, "a rate: write it like 9600, 128k or 10M");
    }
    options->link_option = "delay";
    return demo_parse_delay(argument, &options->delay_ns) ||
           complain("delay", argument, "a time up to 60 s: write it like 20ms, 500us or 2s");
}

static bool take_number(struct demo_options *options, int id, const char *argument)
{
    unsigned long value = 0;

    if (id == ID_COLUMNS) {
        if (!parse_number(argument, COLUMNS_LEAST, COLUMNS_MOST, &value))
            return complain("columns", argument, "a number from 80 to 400");
        options->columns = (int)value;
        return true;
    }
    if (!parse_number(argument, 0, UINT64_MAX, &value))
        return complain("seed", argument, "a whole number");
    options->seed = value;
    return true;
}

static bool take(void *context, int id, const char *argument)
{
    struct demo_options *options = context;

    switch (id) {
    case ID_SEED:
    case ID_COLUMNS:
        return take_number(options, id, argument);
    case ID_LOSS:
    case ID_REORDER:
    case ID_BYTES:
    case ID_RATE:
    case ID_DELAY:
        return take_link_option(options, id, argument);
    case ID_JSON:
        options->json = true;
        break;
    case ID_PCAP:
        options->pcap_path = argument;
        break;
    case ID_WIDE:
        options->columns = COLUMNS_WIDE;
        break;
    case ID_ABSOLUTE:
        options->absolute = true;
        break;
    case ID_VERBOSE:
        options->verbose = true;
        break;
    case ID_STEP:
        options->step = true;
        break;
    case ID_NO_COLOUR:
        options->colour = false;
        break;
    case ID_ASCII:
        options->ascii = true;
        break;
    case ID_V6:
        options->ipv6 = true;
        break;
    default:
        break;
    }
    return true;
}

/* What follows from where the output goes: colour and width. */
static void look_at_terminal(struct demo_options *options)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    struct winsize size;

    options->columns = COLUMNS_LEAST;
    if (!isatty(STDOUT_FILENO))
        return;
    options->colour = (no_colour == NULL || no_colour[0] == '\0') &&
                      (terminal == NULL || strcmp(terminal, "dumb") != 0);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > COLUMNS_LEAST)
        options->columns = size.ws_col < COLUMNS_WIDE ? size.ws_col : COLUMNS_WIDE;
}

bool demo_options_scan(const struct command *command, int argc, char **argv,
                       struct demo_options *options, int *code)
{
    int operand = 0;

    *options = (struct demo_options){
        .seed = DEFAULT_SEED,
        .loss_ppm = DEFAULT_LOSS_PPM,
        .reorder_ppm = DEFAULT_REORDER_PPM,
        .length_bytes = DEFAULT_BYTES,
        .rate_bits_per_second = DEFAULT_RATE_BITS_PER_SECOND,
        .delay_ns = DEFAULT_DELAY_NS,
    };
    look_at_terminal(options);
    if (!options_scan(command, argc, argv, NULL, take, options, &operand, code))
        return false;
    options->name = operand < argc ? argv[operand] : NULL;
    if (argc - operand > 1) {
        *code = fail_usage(command, "demo takes one name, not also '%s'", argv[operand + 1]);
        return false;
    }
    if (options->name != NULL && options->link_option != NULL) {
        *code = fail_usage(command,
                           "--%s shapes the link of 'handfast demo' alone: in '%s' the link does "
                           "what the story needs",
                           options->link_option, options->name);
        return false;
    }
    if (options->step && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
        say("--step needs a terminal to press Enter on; showing everything at once");
        options->step = false;
    }
    return true;
}
