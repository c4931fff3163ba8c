/* SPDX-License-Identifier: MIT
 *
 * Handfast is a second host on a wire of its own: a TUN device, whose one end is the kernel's
 * (--kernel-address) and whose other end is Handfast (--address). Without either, the pair below
 * is used, so that `handfast listen 8080` works as it stands.
 */
#include "network_options.h"

#include "message.h"
#include "options.h"

#include <string.h>

enum {
    ID_TUN = 1,
    ID_ADDRESS,
    ID_KERNEL_ADDRESS,
    ID_PCAP,
    ID_TRACE,
    ID_LADDER,
    ID_MSL,
    ID_MTU,
    ID_MTU_PROBING,
    ID_ECN,
    ID_CONGESTION,
    ID_SEED,
    ID_CONTROL,
    ID_FAST_OPEN,
    ID_OFFLOAD,
    ID_BUSY_POLL,
    ID_VERBOSE
};

enum {
    MTU_LEAST = 576,
    MTU_LEAST_IPV6 = 1280,
    MTU_MOST = 65535,
    TUN_NAME_MOST = 15,
    BUSY_POLL_MOST = 10000
};

const struct option_row network_option_rows[] = {
    {ID_TUN, "tun", "NAME", "The TUN device; created if it does not exist. Default: hf0."},
    {ID_ADDRESS, "address", "ADDRESS[/PREFIX]",
     "An address of Handfast, v4 or v6; repeatable. Default: 10.66.0.2/24."},
    {ID_KERNEL_ADDRESS, "kernel-address", "ADDRESS/PREFIX",
     "An address that the kernel's end of the device is given; repeatable. Default, if no "
     "--address is given: 10.66.0.1/24."},
    {ID_PCAP, "pcap", "FILE", "Write every packet, with its reason, as pcapng."},
    {ID_TRACE, "trace", "FILE", "Write every event as one line of JSON."},
    {ID_LADDER, "ladder", NULL, "Draw the segments as a ladder on stderr."},
    {ID_MSL, "msl", "SECONDS",
     "The maximum segment lifetime, 0.01 to 600; TIME-WAIT lasts two. Default: 30."},
    {ID_MTU, "mtu", "BYTES", "The largest packet: 576 (1280 with v6) to 65535. Default: 1500."},
    {ID_MTU_PROBING, "mtu-probing", "0|1|2",
     "Search for the path's MTU where no router tells of it: never, once what is large seems to "
     "disappear, or always. Default: 0."},
    {ID_ECN, "ecn", "0|1|2|3|4|5",
     "Explicit congestion notification, by Linux's numbers: 0 never, 1 asked for, 2 agreed to, 3 "
     "the accurate kind (RFC 9768) asked for, 4 or 5 agreed to. Default: 2."},
    {ID_CONGESTION, "congestion", "NAME",
     "Congestion control: cubic, reno, bbr or dctcp. Default: cubic."},
    {ID_SEED, "seed", "HEX",
     "Derive all that is unpredictable from these 1 to 32 hexadecimal digits. Not secret, hence "
     "not safe outside of tests."},
    {ID_CONTROL, "control", "PATH",
     "The Unix socket that answers `handfast ss'; \"none\" for none. Default: by process id, "
     "under the runtime directory."},
    {ID_FAST_OPEN, "fast-open", NULL,
     "TCP Fast Open (RFC 7413): listeners hand out cookies and take data on a SYN that has one; "
     "who connects asks for a cookie, and to a peer whose cookie is known sends data on the SYN."},
    {ID_OFFLOAD, "offload", "auto|on|off",
     "Whether the device may take and give many segments as one, and leave checksums out that "
     "never see a wire: as far as the kernel can, or fail, or not. Default: auto."},
    {ID_BUSY_POLL, "busy-poll", "MICROSECONDS",
     "After the last packet look for the next one for so long, 0 to 10000, before going to sleep: "
     "sooner answers for more CPU. Default: 0."},
    {ID_VERBOSE, "verbose", NULL, "Say what happens."},
};
const size_t network_option_row_count = sizeof network_option_rows / sizeof network_option_rows[0];

void network_options_init(struct network_options *network)
{
    *network = (struct network_options){
        .tun_name = "hf0", .mtu = 1500, .cores = 1, .ecn = 2, .offload = HF_TUN_OFFLOAD_AUTO};
}

bool network_parse_prefixed(const char *text, bool prefix_needed, struct hf_tun_address *parsed)
{
    char address[HF_ADDRESS_TEXT];
    const char *slash = strchr(text, '/');
    size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    unsigned long prefix, whole;

    if (length >= sizeof address || (slash == NULL && prefix_needed))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    if (hf_address_parse(address, &parsed->address) != HF_OK)
        return false;
    whole = parsed->address.family == HF_IPV4 ? 32 : 128;
    prefix = whole;
    if (slash != NULL && !parse_number(slash + 1, 0, whole, &prefix))
        return false;
    parsed->prefix_length = (uint8_t)prefix;
    return true;
}

static bool take_address(struct hf_tun_address *list, size_t *count, const struct command *command,
                         const char *option, bool prefix_needed, const char *text)
{
    if (*count == NETWORK_MOST_ADDRESSES) {
        fail_usage(command, "--%s: at most %d of them", option, (int)NETWORK_MOST_ADDRESSES);
        return false;
    }
    if (!network_parse_prefixed(text, prefix_needed, &list[*count])) {
        fail_usage(command, "--%s: '%s' is not an address%s; write it like %s or %s", option, text,
                   prefix_needed ? " with a prefix length" : "", "10.66.0.1/24", "fd66::1/64");
        return false;
    }
    if (hf_address_is_any(&list[*count].address)) {
        fail_usage(command, "--%s: '%s' names no host; give an address of its own", option, text);
        return false;
    }
    for (size_t i = 0; i < *count; i++) {
        if (hf_address_equal(&list[i].address, &list[*count].address)) {
            fail_usage(command, "--%s: '%s' is given twice", option, text);
            return false;
        }
    }
    (*count)++;
    return true;
}

static int hexadecimal_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* The digits are a number: the last one is the lowest of the last byte. */
static bool parse_seed(const char *text, uint8_t seed[16])
{
    size_t length = strlen(text);

    if (length == 0 || length > 32)
        return false;
    memset(seed, 0, 16);
    for (size_t i = 0; i < length; i++) {
        int digit = hexadecimal_digit(text[length - 1 - i]);

        if (digit < 0)
            return false;
        seed[15 - i / 2] |= (uint8_t)(digit << (i % 2 != 0 ? 4 : 0));
    }
    return true;
}

static bool take_tun(struct network_options *network, const struct command *command,
                     const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > TUN_NAME_MOST || strpbrk(name, "/ \t\n:%\"\\'") != NULL ||
        strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        fail_usage(command, "--tun: '%s' cannot name a device; use 1 to 15 letters and digits",
                   name);
        return false;
    }
    network->tun_name = name;
    return true;
}

static bool take_mtu(struct network_options *network, const struct command *command,
                     const char *text)
{
    unsigned long mtu;

    if (!parse_number(text, MTU_LEAST, MTU_MOST, &mtu)) {
        fail_usage(command, "--mtu: '%s' is not a number of bytes from %d to %d", text,
                   (int)MTU_LEAST, (int)MTU_MOST);
        return false;
    }
    network->mtu = (uint32_t)mtu;
    return true;
}

static bool take_mtu_probing(struct network_options *network, const struct command *command,
                             const char *text)
{
    unsigned long probing;

    if (!parse_number(text, 0, 2, &probing)) {
        fail_usage(command, "--mtu-probing: '%s' is not 0, 1 or 2", text);
        return false;
    }
    network->mtu_probing = (uint8_t)probing;
    return true;
}

static bool take_offload(struct network_options *network, const struct command *command,
                         const char *text)
{
    if (strcmp(text, "auto") == 0)
        network->offload = HF_TUN_OFFLOAD_AUTO;
    else if (strcmp(text, "on") == 0)
        network->offload = HF_TUN_OFFLOAD_ON;
    else if (strcmp(text, "off") == 0)
        network->offload = HF_TUN_OFFLOAD_OFF;
    else {
        fail_usage(command, "--offload: '%s' is not auto, on or off", text);
        return false;
    }
    return true;
}

static bool take_busy_poll(struct network_options *network, const struct command *command,
                           const char *text)
{
    unsigned long microseconds;

    if (!parse_number(text, 0, BUSY_POLL_MOST, &microseconds)) {
        fail_usage(command, "--busy-poll: '%s' is not a number of microseconds from 0 to %d", text,
                   (int)BUSY_POLL_MOST);
        return false;
    }
    network->busy_poll_ns = (hf_time)microseconds * HF_MICROSECOND;
    return true;
}

static bool take_ecn(struct network_options *network, const struct command *command,
                     const char *text)
{
    unsigned long ecn;

    if (!parse_number(text, 0, 5, &ecn)) {
        fail_usage(command, "--ecn: '%s' is not a number from 0 to 5", text);
        return false;
    }
    network->ecn = (uint8_t)ecn;
    return true;
}

static bool take_congestion(struct network_options *network, const struct command *command,
                            const char *text)
{
    network->congestion_control = hf_congestion_control(text);
    if (network->congestion_control == NULL)
        fail_usage(command, "--congestion: '%s' is not cubic, reno, bbr or dctcp", text);
    return network->congestion_control != NULL;
}

static bool take_value(struct network_options *network, const struct command *command, int id,
                       const char *text)
{
    switch (id) {
    case ID_MSL:
        if (parse_seconds(text, HF_SECOND / 100, 600 * HF_SECOND, &network->msl_ns))
            return true;
        fail_usage(command, "--msl: '%s' is not a number of seconds from 0.01 to 600", text);
        return false;
    case ID_SEED:
        network->has_seed = parse_seed(text, network->seed);
        if (network->has_seed)
            return true;
        fail_usage(command, "--seed: '%s' is not 1 to 32 hexadecimal digits", text);
        return false;
    case ID_PCAP:
        network->pcap_path = text;
        break;
    case ID_TRACE:
        network->trace_path = text;
        break;
    case ID_CONTROL:
        network->control_path = text;
        break;
    default:
        return false;
    }
    if (text[0] != '\0')
        return true;
    fail_usage(command, "an empty file name");
    return false;
}

bool network_options_take(struct network_options *network, const struct command *command, int id,
                          const char *argument)
{
    switch (id) {
    case ID_TUN:
        return take_tun(network, command, argument);
    case ID_ADDRESS:
        return take_address(network->addresses, &network->address_count, command, "address", false,
                            argument);
    case ID_KERNEL_ADDRESS:
        return take_address(network->kernel_addresses, &network->kernel_address_count, command,
                            "kernel-address", true, argument);
    case ID_MTU:
        return take_mtu(network, command, argument);
    case ID_MTU_PROBING:
        return take_mtu_probing(network, command, argument);
    case ID_OFFLOAD:
        return take_offload(network, command, argument);
    case ID_BUSY_POLL:
        return take_busy_poll(network, command, argument);
    case ID_ECN:
        return take_ecn(network, command, argument);
    case ID_CONGESTION:
        return take_congestion(network, command, argument);
    case ID_LADDER:
        network->ladder = true;
        return true;
    case ID_FAST_OPEN:
        network->fast_open = true;
        return true;
    case ID_VERBOSE:
        network->verbose = true;
        return true;
    default:
        return take_value(network, command, id, argument);
    }
}

static bool any_ipv6(const struct hf_tun_address *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].address.family == HF_IPV6)
            return true;
    }
    return false;
}

static bool check_apart(const struct network_options *network, const struct command *command)
{
    for (size_t i = 0; i < network->address_count; i++) {
        for (size_t k = 0; k < network->kernel_address_count; k++) {
            char text[HF_ADDRESS_TEXT];

            if (!hf_address_equal(&network->addresses[i].address,
                                  &network->kernel_addresses[k].address))
                continue;
            fail_usage(command,
                       "%s is given both as --address and as --kernel-address; the two ends of "
                       "the device need different ones",
                       hf_address_format(&network->addresses[i].address, text));
            return false;
        }
    }
    return true;
}

bool network_options_finish(struct network_options *network, const struct command *command)
{
    if (network->address_count == 0) {
        network->addresses[network->address_count++] =
            (struct hf_tun_address){hf_address_ipv4(10, 66, 0, 2), 24};
        if (network->kernel_address_count == 0)
            network->kernel_addresses[network->kernel_address_count++] =
                (struct hf_tun_address){hf_address_ipv4(10, 66, 0, 1), 24};
    }
    if (network->mtu < MTU_LEAST_IPV6 &&
        (any_ipv6(network->addresses, network->address_count) ||
         any_ipv6(network->kernel_addresses, network->kernel_address_count))) {
        fail_usage(command, "--mtu: IPv6 needs at least %d bytes (RFC 8200 section 5), not %u",
                   (int)MTU_LEAST_IPV6, network->mtu);
        return false;
    }
    return check_apart(network, command);
}
