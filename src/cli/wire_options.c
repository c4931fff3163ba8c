/* SPDX-License-Identifier: MIT
 *
 * The command line of `handfast wire'. Rules apply to both directions unless --forward or
 * --backward stands before them, as far as the next of these three.
 */
#include "wire_options.h"

#include "message.h"
#include "options.h"
#include "wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ID_FORWARD = 1,
    ID_BACKWARD,
    ID_BOTH,
    ID_DELAY,
    ID_JITTER,
    ID_BATCH,
    ID_RATE,
    ID_QUEUE,
    ID_QUEUE_BYTES,
    ID_CODEL,
    ID_RED,
    ID_ECN,
    ID_LOSS,
    ID_BURST,
    ID_LOSE,
    ID_DUPLICATE,
    ID_REORDER,
    ID_REORDER_BY,
    ID_CORRUPT,
    ID_MTU,
    ID_TOO_BIG,
    ID_ROUTER,
    ID_A_ADDRESS,
    ID_B_ADDRESS,
    ID_DEVICE_MTU,
    ID_SEED,
    ID_SECONDS,
    ID_JSON
};

static const struct option_row rows[] = {
    {ID_FORWARD, "forward", NULL, "What follows is for packets from A to B only."},
    {ID_BACKWARD, "backward", NULL, "What follows is for packets from B to A only."},
    {ID_BOTH, "both", NULL, "What follows is for both directions again."},
    {ID_DELAY, "delay", "TIME", "One way: 20ms, 1.5s, 100us. Default: none."},
    {ID_JITTER, "jitter", "TIME", "Up to this much more, at random; the order stays."},
    {ID_BATCH, "batch", "TIME",
     "Handed on at multiples of this only, as by a card whose interrupts are moderated. Default: "
     "at once."},
    {ID_RATE, "rate", "BITS", "Bits per second: 10M, 1.5G. Default: unlimited."},
    {ID_QUEUE, "queue", "PACKETS",
     "So many wait for the rate, what comes then is dropped. Default: 1000."},
    {ID_QUEUE_BYTES, "queue-bytes", "BYTES", "The same in bytes: 64K. Default: unlimited."},
    {ID_CODEL, "codel", "TARGET,INTERVAL",
     "CoDel manages the queue (RFC 8289): 5ms,100ms are the RFC's values."},
    {ID_RED, "red", "MIN,MAX,PERCENT",
     "RED manages the queue: thresholds of the average in bytes, chance at the upper one."},
    {ID_ECN, "ecn", NULL, "The queue's management marks what is ECN-capable, and drops the rest."},
    {ID_LOSS, "loss", "PERCENT", "Packets lost at random: 0.1 or 0.1%."},
    {ID_BURST, "burst", "ENTER,LEAVE,LOSS",
     "Loss in bursts (Gilbert-Elliott): chances in percent, per packet, to enter and to leave the "
     "bad state and to be lost in it."},
    {ID_LOSE, "lose", "N,N...", "Lose the Nth packet, from 1, ascending."},
    {ID_DUPLICATE, "duplicate", "PERCENT", "Packets delivered twice."},
    {ID_REORDER, "reorder", "PERCENT", "Packets held back so that others overtake them."},
    {ID_REORDER_BY, "reorder-by", "TIME", "For how long. Default: half the delay."},
    {ID_CORRUPT, "corrupt", "PERCENT", "Packets in which one bit is flipped."},
    {ID_MTU, "mtu", "BYTES", "Larger packets are dropped. Default: none are."},
    {ID_TOO_BIG, "too-big", NULL, "The sender of such a packet is told by ICMP."},
    {ID_ROUTER, "router", "ADDRESS",
     "Who tells it; once for IPv4, once for IPv6. Default: the packet's destination."},
    {ID_A_ADDRESS, "a-address", "ADDRESS/LENGTH",
     "An address for the kernel's end of A. May be given several times."},
    {ID_B_ADDRESS, "b-address", "ADDRESS/LENGTH", "The same for B."},
    {ID_DEVICE_MTU, "device-mtu", "BYTES", "The MTU of both devices. Default: 1500."},
    {ID_SEED, "seed", "NUMBER", "Chooses what chance does. Default: 1."},
    {ID_SECONDS, "seconds", "TIME", "End after this time. Default: at a signal."},
    {ID_JSON, "json", "FILE", "Write what was done as JSON too; - is standard output."},
};

static int run(int argc, char **argv);

const struct command command_wire = {
    .name = "wire",
    .operands = "[SPACE:]DEVICE [SPACE:]DEVICE",
    .summary = "join two TUN devices by a link that delays, loses and limits",
    .description =
        "Makes two TUN devices, A and B, each in the network namespace SPACE (a name of "
        "ip-netns(8) or a path) or in that of the command, and carries packets between them by "
        "the rules given. Ends at SIGINT or SIGTERM or after --seconds and says what it did; "
        "SIGUSR1 makes it say so meanwhile.",
    .options = rows,
    .option_count = sizeof rows / sizeof rows[0],
    .run = run,
};

struct reading {
    struct wire_options *options;
    bool forward, backward;
};

/* ---- Numbers */

/* A decimal number, times `scale`, cut below one; *rest follows it. */
static bool parse_decimal(const char *text, uint64_t scale, uint64_t most, uint64_t *value,
                          const char **rest)
{
    uint64_t whole = 0, fraction = 0, place = scale;

    if (!isdigit((unsigned char)*text))
        return false;
    for (; isdigit((unsigned char)*text); text++) {
        if (whole > most)
            return false;
        whole = whole * 10 + (uint64_t)(*text - '0');
    }
    if (*text == '.') {
        for (text++; isdigit((unsigned char)*text); text++) {
            place /= 10;
            fraction += (uint64_t)(*text - '0') * place;
        }
    }
    if (whole > most / scale)
        return false;
    *value = whole * scale + fraction;
    *rest = text;
    return *value <= most;
}

struct unit {
    const char *name;
    uint64_t scale;
};

/* A number followed by one of the units. */
static bool parse_unit(const char *text, const struct unit *units, size_t count, uint64_t most,
                       uint64_t *value)
{
    const char *name = text + strspn(text, "0123456789."), *rest = text;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, units[i].name) == 0)
            return parse_decimal(text, units[i].scale, most, value, &rest) && rest == name;
    }
    return false;
}

bool wire_parse_time(const char *text, hf_time *time)
{
    static const struct unit units[] = {{"", HF_SECOND},
                                        {"s", HF_SECOND},
                                        {"ms", HF_MILLISECOND},
                                        {"us", HF_MICROSECOND},
                                        {"ns", 1}};
    uint64_t value;

    if (!parse_unit(text, units, sizeof units / sizeof units[0], (uint64_t)(1000000 * HF_SECOND),
                    &value))
        return false;
    *time = (hf_time)value;
    return true;
}

bool wire_parse_rate(const char *text, uint64_t *bits_per_second)
{
    static const struct unit units[] = {{"", 1},           {"k", 1000},         {"K", 1000},
                                        {"M", 1000000},    {"m", 1000000},      {"G", 1000000000},
                                        {"g", 1000000000}, {"bit", 1},          {"kbit", 1000},
                                        {"Mbit", 1000000}, {"Gbit", 1000000000}};

    return parse_unit(text, units, sizeof units / sizeof units[0], UINT64_C(1000000000000),
                      bits_per_second) &&
           *bits_per_second > 0;
}

bool wire_parse_percent(const char *text, uint32_t *ppm)
{
    static const struct unit units[] = {{"", 10000}, {"%", 10000}};
    uint64_t value;

    if (!parse_unit(text, units, sizeof units / sizeof units[0], 1000000, &value))
        return false;
    *ppm = (uint32_t)value;
    return true;
}

/* ---- Lists with commas */

enum { PIECE_BYTES = 64 };

/* The piece up to the next comma, and what follows it; false: too long or not there. */
static bool next_piece(const char **text, char piece[PIECE_BYTES])
{
    size_t length = *text == NULL ? 0 : strcspn(*text, ",");

    if (length == 0 || length >= PIECE_BYTES)
        return false;
    memcpy(piece, *text, length);
    piece[length] = '\0';
    *text = (*text)[length] == ',' ? *text + length + 1 : NULL;
    return true;
}

static bool parse_codel(const char *text, struct hf_sim_direction *rules)
{
    char target[PIECE_BYTES], interval[PIECE_BYTES];

    rules->management = HF_SIM_CODEL;
    return next_piece(&text, target) && wire_parse_time(target, &rules->codel_target_ns) &&
           next_piece(&text, interval) && wire_parse_time(interval, &rules->codel_interval_ns) &&
           text == NULL && rules->codel_target_ns > 0 && rules->codel_interval_ns > 0 &&
           rules->codel_interval_ns <= 1000 * HF_SECOND;
}

static bool parse_red(const char *text, struct hf_sim_direction *rules)
{
    char minimum[PIECE_BYTES], maximum[PIECE_BYTES], chance[PIECE_BYTES];

    rules->management = HF_SIM_RED;
    return next_piece(&text, minimum) && parse_bytes(minimum, &rules->red_minimum_bytes) &&
           next_piece(&text, maximum) && parse_bytes(maximum, &rules->red_maximum_bytes) &&
           next_piece(&text, chance) && wire_parse_percent(chance, &rules->red_maximum_ppm) &&
           text == NULL && rules->red_minimum_bytes < rules->red_maximum_bytes &&
           rules->red_maximum_bytes <= UINT32_MAX && rules->red_maximum_ppm > 0;
}

static bool parse_burst(const char *text, struct hf_sim_direction *rules)
{
    char enter[PIECE_BYTES], leave[PIECE_BYTES], loss[PIECE_BYTES];

    return next_piece(&text, enter) && wire_parse_percent(enter, &rules->burst_enter_ppm) &&
           next_piece(&text, leave) && wire_parse_percent(leave, &rules->burst_leave_ppm) &&
           next_piece(&text, loss) && wire_parse_percent(loss, &rules->burst_loss_ppm) &&
           text == NULL;
}

static bool parse_lose(const char *text, uint32_t numbers[WIRE_MOST_NUMBERS],
                       struct hf_sim_direction *rules)
{
    char piece[PIECE_BYTES];
    unsigned long number, last = 0;

    rules->lose_nth = numbers;
    rules->lose_nth_count = 0;
    while (text != NULL) {
        if (rules->lose_nth_count == WIRE_MOST_NUMBERS || !next_piece(&text, piece) ||
            !parse_number(piece, last + 1, UINT32_MAX, &number))
            return false;
        numbers[rules->lose_nth_count++] = (uint32_t)number;
        last = number;
    }
    return rules->lose_nth_count > 0;
}

/* ---- One option */

static bool parse_count(const char *text, uint32_t least, uint32_t *count)
{
    unsigned long value;

    if (!parse_number(text, least, UINT32_MAX, &value))
        return false;
    *count = (uint32_t)value;
    return true;
}

static bool parse_queue_bytes(const char *text, uint32_t *count)
{
    uint64_t value;

    if (!parse_bytes(text, &value) || value == 0 || value > UINT32_MAX)
        return false;
    *count = (uint32_t)value;
    return true;
}

static bool parse_router(const char *text, struct hf_sim_direction *rules)
{
    struct hf_address address;

    if (hf_address_parse(text, &address) != HF_OK)
        return false;
    rules->router[address.family == HF_IPV6 ? 1 : 0] = address;
    return true;
}

static bool take_rule(struct hf_sim_direction *rules, uint32_t *numbers, int id, const char *text)
{
    switch (id) {
    case ID_DELAY:
        return wire_parse_time(text, &rules->delay_ns);
    case ID_JITTER:
        return wire_parse_time(text, &rules->jitter_ns);
    case ID_BATCH:
        return wire_parse_time(text, &rules->batch_ns);
    case ID_RATE:
        return wire_parse_rate(text, &rules->rate_bits_per_second);
    case ID_QUEUE:
        return parse_count(text, 1, &rules->queue_packets);
    case ID_QUEUE_BYTES:
        return parse_queue_bytes(text, &rules->queue_bytes);
    case ID_CODEL:
        return parse_codel(text, rules);
    case ID_RED:
        return parse_red(text, rules);
    case ID_ECN:
        rules->mark = true;
        return true;
    case ID_LOSS:
        return wire_parse_percent(text, &rules->loss_ppm);
    case ID_BURST:
        return parse_burst(text, rules);
    case ID_LOSE:
        return parse_lose(text, numbers, rules);
    case ID_DUPLICATE:
        return wire_parse_percent(text, &rules->duplicate_ppm);
    case ID_REORDER:
        return wire_parse_percent(text, &rules->reorder_ppm);
    case ID_REORDER_BY:
        return wire_parse_time(text, &rules->reorder_ns);
    case ID_CORRUPT:
        return wire_parse_percent(text, &rules->corrupt_ppm);
    case ID_MTU:
        return parse_count(text, 68, &rules->mtu);
    case ID_TOO_BIG:
        rules->too_big = true;
        return true;
    case ID_ROUTER:
        return parse_router(text, rules);
    default:
        return false;
    }
}

static bool parse_address(const char *text, struct wire_end *end)
{
    return end->address_count < WIRE_MOST_ADDRESSES &&
           network_parse_prefixed(text, true, &end->addresses[end->address_count++]);
}

static bool parse_seed(const char *text, uint64_t *seed)
{
    unsigned long value;

    if (!parse_number(text, 0, UINT64_MAX, &value))
        return false;
    *seed = value;
    return true;
}

static bool take_own(struct wire_options *options, int id, const char *text)
{
    switch (id) {
    case ID_A_ADDRESS:
        return parse_address(text, &options->ends[0]);
    case ID_B_ADDRESS:
        return parse_address(text, &options->ends[1]);
    case ID_DEVICE_MTU:
        return parse_count(text, 576, &options->device_mtu) && options->device_mtu <= 65535;
    case ID_SEED:
        return parse_seed(text, &options->seed);
    case ID_SECONDS:
        return wire_parse_time(text, &options->duration_ns) && options->duration_ns > 0;
    case ID_JSON:
        options->json_path = text;
        return true;
    default:
        return false;
    }
}

static bool take(void *context, int id, const char *text)
{
    struct reading *reading = context;
    struct wire_options *options = reading->options;
    bool fine = true;

    if (id == ID_FORWARD || id == ID_BACKWARD || id == ID_BOTH) {
        reading->forward = id != ID_BACKWARD;
        reading->backward = id != ID_FORWARD;
        return true;
    }
    if (id >= ID_A_ADDRESS) {
        fine = take_own(options, id, text);
    } else {
        if (reading->forward)
            fine = take_rule(&options->rules[0], options->numbers[0], id, text);
        if (reading->backward && fine)
            fine = take_rule(&options->rules[1], options->numbers[1], id, text);
    }
    if (!fine)
        fail_usage(&command_wire, "--%s: '%s' does not read as %s", rows[id - 1].name, text,
                   rows[id - 1].argument);
    return fine;
}

/* ---- The whole */

static bool parse_end(const char *text, struct wire_end *end)
{
    const char *colon = strrchr(text, ':');
    const char *device = colon == NULL ? text : colon + 1;
    int space_length = colon == NULL ? 0 : (int)(colon - text);

    if (strlen(text) >= sizeof end->text || strlen(device) >= sizeof end->device ||
        device[0] == '\0' || (colon != NULL && space_length == 0)) {
        fail_usage(&command_wire, "'%s' is not DEVICE or SPACE:DEVICE", text);
        return false;
    }
    snprintf(end->text, sizeof end->text, "%s", text);
    snprintf(end->device, sizeof end->device, "%s", device);
    if (snprintf(end->space, sizeof end->space, "%s%.*s",
                 space_length > 0 && memchr(text, '/', (size_t)space_length) == NULL ? "/run/netns/"
                                                                                     : "",
                 space_length, text) < (int)sizeof end->space)
        return true;
    fail_usage(&command_wire, "'%s': the name of the namespace is too long", text);
    return false;
}

/* Rules that say nothing without another. */
static bool rules_agree(const struct hf_sim_direction *rules)
{
    const char *complaint = NULL;

    if (rules->management != HF_SIM_DROP_TAIL && rules->rate_bits_per_second == 0)
        complaint = "a queue is managed only where --rate makes one";
    else if (rules->mark && rules->management == HF_SIM_DROP_TAIL)
        complaint = "--ecn needs --codel or --red, which marks";
    else if (rules->too_big && rules->mtu == 0)
        complaint = "--too-big needs --mtu";
    else if (rules->reorder_ppm > 0 && rules->reorder_ns == 0 && rules->delay_ns == 0)
        complaint = "--reorder needs --reorder-by or --delay";
    else if (rules->reorder_ns > 0 && rules->reorder_ppm == 0)
        complaint = "--reorder-by needs --reorder";
    if (complaint != NULL)
        fail_usage(&command_wire, "%s", complaint);
    return complaint == NULL;
}

int wire_options_read(struct wire_options *options, int argc, char **argv, bool *help)
{
    struct reading reading = {options, true, true};
    int operand = 0, code;

    *options = (struct wire_options){.seed = 1};
    *help = false;
    for (int way = 0; way < 2; way++)
        options->rules[way].queue_packets = 1000;
    if (!options_scan(&command_wire, argc, argv, NULL, take, &reading, &operand, &code)) {
        *help = code == EXIT_CODE_OK;
        return code;
    }
    if (argc - operand != 2)
        return fail_usage(&command_wire, "wire joins two devices: name both");
    for (int end = 0; end < 2; end++) {
        if (!parse_end(argv[operand + end], &options->ends[end]) ||
            !rules_agree(&options->rules[end]))
            return EXIT_CODE_USAGE;
    }
    if (strcmp(options->ends[0].text, options->ends[1].text) == 0)
        return fail_usage(&command_wire, "'%s' cannot be both ends", options->ends[0].text);
    return EXIT_CODE_OK;
}

static int run(int argc, char **argv)
{
    struct wire_options *options = calloc(1, sizeof *options);
    bool help;
    int code;

    if (options == NULL)
        return fail(HF_ENOMEM, "wire");
    code = wire_options_read(options, argc, argv, &help);
    if (code == EXIT_CODE_OK && !help)
        code = wire_run(options);
    free(options);
    return code;
}
