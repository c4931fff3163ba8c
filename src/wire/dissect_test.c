/* SPDX-License-Identifier: MIT
 *
 * A second opinion: packets of every sort this layer writes go into a capture file, and tshark must
 * read back what was meant, find every checksum good and nothing malformed. Skipped where there is
 * no tshark.
 */
#define _POSIX_C_SOURCE 200809L

#include "checksum.h"
#include "icmp_message.h"
#include "ip_header.h"
#include "tcp_segment.h"

#include "wire_test.h"

#include <stdio.h>
#include <unistd.h>

#define PACKETS_MAX 64u
#define LINE_BYTES 1024u

static const char *const fields =
    "-e _ws.malformed -e ip.checksum.status -e tcp.checksum.status "
    "-e icmp.checksum.status -e icmpv6.checksum.status -e ip.src -e ip.dst -e ip.ttl "
    "-e ip.dsfield.ecn -e ip.id -e ip.len -e ip.flags.df -e ipv6.src -e ipv6.dst -e ipv6.hlim "
    "-e ipv6.tclass.ecn -e ipv6.flow -e ipv6.plen -e tcp.srcport -e tcp.dstport -e tcp.seq_raw "
    "-e tcp.ack_raw -e tcp.flags -e tcp.window_size_value -e tcp.urgent_pointer -e tcp.hdr_len "
    "-e tcp.len -e tcp.options -e tcp.options.mss_val -e tcp.options.wscale.shift "
    "-e tcp.options.timestamp.tsval -e tcp.options.timestamp.tsecr -e tcp.options.sack.count "
    "-e tcp.options.sack_le -e tcp.options.sack_re -e tcp.options.user_to_val -e icmp.type "
    "-e icmp.code -e icmp.mtu -e icmp.ident -e icmp.seq -e icmpv6.type -e icmpv6.code "
    "-e icmpv6.mtu -e icmpv6.echo.identifier -e icmpv6.echo.sequence_number";

/* A capture being written, and the lines that tshark must give for it. */
struct capture {
    FILE *file;
    char path[64];
    unsigned count;
    char expected[PACKETS_MAX][LINE_BYTES];
};

static const struct hf_address ipv4_ends[2] = {{HF_IPV4, {10, 1, 2, 3}}, {HF_IPV4, {10, 4, 5, 6}}};
static const struct hf_address ipv6_ends[2] = {
    {HF_IPV6, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {HF_IPV6, {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}};

/* The classic format in host order, which readers recognise; 101: raw IP. */
static void capture_open(struct capture *capture)
{
    memset(capture, 0, sizeof *capture);
    strcpy(capture->path, "/tmp/handfast-dissect-XXXXXX");
    int descriptor = mkstemp(capture->path);
    assert_int_not_equal(descriptor, -1);
    capture->file = fdopen(descriptor, "wb");
    assert_non_null(capture->file);
    const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 101};
    assert_int_equal(fwrite(header, sizeof header, 1, capture->file), 1);
}

static void capture_packet(struct capture *capture, const uint8_t *packet, size_t length)
{
    assert_in_range(capture->count, 0, PACKETS_MAX - 1);
    const uint32_t header[4] = {capture->count, 0, (uint32_t)length, (uint32_t)length};
    assert_int_equal(fwrite(header, sizeof header, 1, capture->file), 1);
    assert_int_equal(fwrite(packet, length, 1, capture->file), 1);
    capture->count++;
}

static struct ip_header ip_header_of(bool ipv6, uint8_t protocol, size_t payload_length)
{
    return (struct ip_header){.source = ipv6 ? ipv6_ends[0] : ipv4_ends[0],
                              .destination = ipv6 ? ipv6_ends[1] : ipv4_ends[1],
                              .protocol = protocol,
                              .ttl = 61,
                              .traffic_class = 2,
                              .dont_fragment = true,
                              .identification = 0x1234,
                              .flow_label = 0xabcde,
                              .payload_length = (uint32_t)payload_length};
}

/* The fields that every packet has; "1" is tshark's word for a good checksum. */
static int expect_ip(char *line, bool ipv6, const char *protocol_checksums, size_t length)
{
    if (ipv6) {
        return snprintf(line, LINE_BYTES,
                        "\t\t%s\t\t\t\t\t\t\t\tfd00::1\tfd00::2\t61\t2\t"
                        "0x0abcde\t%zu\t",
                        protocol_checksums, length - 40);
    }
    return snprintf(line, LINE_BYTES,
                    "\t1\t%s\t10.1.2.3\t10.4.5.6\t61\t2\t0x1234\t%zu\t1\t\t\t\t\t\t\t",
                    protocol_checksums, length);
}

/* Adds a TCP packet; the options are given as tshark prints them. */
static size_t add_segment(struct capture *capture, bool ipv6, const struct tcp_segment *segment,
                          size_t data_length, const char *options, uint8_t packet[2048])
{
    size_t tcp_length = TCP_HEADER_BYTES + tcp_options_length(&segment->options) + data_length;
    struct ip_header ip = ip_header_of(ipv6, IP_PROTOCOL_TCP, tcp_length);
    uint8_t data[1460];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 31);
    }
    size_t at = ip_emit(&ip, packet);
    size_t header_length = tcp_emit(segment, packet + at);
    assert_int_equal(header_length + data_length, tcp_length);
    checksum_sum sum =
        ip_pseudo_sum(&ip.source, &ip.destination, IP_PROTOCOL_TCP, (uint32_t)tcp_length);
    sum = checksum_add(sum, packet + at, header_length);
    sum = checksum_add_copy(sum, packet + at + header_length, data, data_length);
    uint16_t checksum = checksum_finish(sum);
    memcpy(packet + at + 16, &checksum, 2);

    char *line = capture->expected[capture->count];
    int used = expect_ip(line, ipv6, "1\t\t", at + tcp_length);
    snprintf(line + used, LINE_BYTES - (size_t)used,
             "%u\t%u\t%u\t%u\t0x%04x\t%u\t%u\t%zu\t%zu\t%s\t\t\t\t\t\t\t\t\t\t",
             segment->source_port, segment->destination_port, segment->seq.value,
             segment->ack.value, segment->flags, segment->window, segment->urgent_pointer,
             header_length, data_length, options);
    capture_packet(capture, packet, at + tcp_length);
    return at + tcp_length;
}

static void add_segments(struct capture *capture, bool ipv6)
{
    uint8_t packet[2048];
    struct tcp_segment segment = {.source_port = 40000,
                                  .destination_port = 443,
                                  .seq = {0xfffffff0},
                                  .flags = HF_SYN | HF_ECE | HF_CWR,
                                  .window = 64240,
                                  .options = {.has_mss = true,
                                              .mss = 1460,
                                              .has_sack_permitted = true,
                                              .has_timestamps = true,
                                              .ts_value = 4000000000u,
                                              .has_window_scale = true,
                                              .window_scale = 7}};
    add_segment(capture, ipv6, &segment, 0,
                "020405b40402080aee6b28000000000001030307\t1460\t7\t4000000000\t0\t\t\t\t", packet);
    segment.ack = (seq32){7};
    segment.flags = HF_SYN | HF_ACK;
    segment.options.has_sack_permitted = false;
    segment.options.ts_echo = 5;
    add_segment(capture, ipv6, &segment, 0,
                "020405b40101080aee6b28000000000501030307\t1460\t7\t4000000000\t5\t\t\t\t", packet);
    segment.options.has_timestamps = false;
    segment.options.has_sack_permitted = true;
    add_segment(capture, ipv6, &segment, 0, "020405b40101040201030307\t1460\t7\t\t\t\t\t\t",
                packet);

    segment.flags = HF_ACK | HF_PSH | HF_URG | HF_AE;
    segment.urgent_pointer = 3;
    segment.options = (struct tcp_options){.has_timestamps = true, .ts_value = 1, .ts_echo = 2};
    add_segment(capture, ipv6, &segment, 101, "0101080a0000000100000002\t\t\t1\t2\t\t\t\t", packet);
    segment.flags = HF_ACK | HF_FIN;
    segment.urgent_pointer = 0;
    add_segment(capture, ipv6, &segment, 1448, "0101080a0000000100000002\t\t\t1\t2\t\t\t\t",
                packet);

    segment.flags = HF_ACK;
    segment.options.sack_count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        segment.options.sack[i] =
            (struct tcp_sack_block){seq_make(1000 + 200 * i), seq_make(1100 + 200 * i)};
    }
    add_segment(capture, ipv6, &segment, 0,
                "0101080a00000001000000020101051a"
                "000003e80000044c000004b000000514" /* 1000-1100, 1200-1300 */
                "00000578000005dc\t\t\t1\t2\t3\t1000\t1100\t",
                packet);
    segment.options = (struct tcp_options){.has_user_timeout = true, .user_timeout = 0x8005};
    add_segment(capture, ipv6, &segment, 1, "1c048005\t\t\t\t\t\t\t\t5", packet);
    segment.flags = HF_RST;
    segment.ack = (seq32){0};
    segment.options = (struct tcp_options){0};
    add_segment(capture, ipv6, &segment, 0, "\t\t\t\t\t\t\t\t", packet);
}

static void add_icmp(struct capture *capture, bool ipv6, const uint8_t *bytes, size_t length,
                     const char *expected)
{
    uint8_t packet[2048];
    struct ip_header ip = ip_header_of(ipv6, ipv6 ? IP_PROTOCOL_ICMPV6 : IP_PROTOCOL_ICMP, length);
    size_t at = ip_emit(&ip, packet);
    memcpy(packet + at, bytes, length);
    char *line = capture->expected[capture->count];
    int used = expect_ip(line, ipv6, ipv6 ? "\t\t1" : "\t1\t", at + length);
    snprintf(line + used, LINE_BYTES - (size_t)used, "%s", expected);
    capture_packet(capture, packet, at + length);
}

#define NO_TCP "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t"

static void add_messages(struct capture *capture, bool ipv6)
{
    const struct hf_address *ends = ipv6 ? ipv6_ends : ipv4_ends;
    uint8_t out[2048];
    uint8_t data[301];
    memset(data, 'e', sizeof data);
    struct icmp_message request = {.kind = ICMP_KIND_ECHO_REQUEST,
                                   .identifier = 0x0102,
                                   .number = 772,
                                   .payload = data,
                                   .payload_length = sizeof data};
    size_t length = icmp_emit_echo_reply(&request, &ends[0], &ends[1], out, sizeof out);
    add_icmp(capture, ipv6, out, length,
             ipv6 ? NO_TCP "\t\t\t\t\t129\t0\t\t0x0102\t772" : NO_TCP "0\t0\t\t258\t772\t\t\t\t\t");

    /* Errors that quote a packet of another protocol, to keep its fields out of the line. */
    uint8_t quoted[1500] = {0};
    struct ip_header inner =
        ip_header_of(ipv6, 253, sizeof quoted - ip_header_bytes(ends[0].family));
    ip_emit(&inner, quoted);
    length = icmp_emit_error(ipv6 ? 2 : 3, ipv6 ? 0 : 4, 1400, &ends[0], &ends[1], quoted,
                             sizeof quoted, out, sizeof out);
    add_icmp(capture, ipv6, out, length,
             ipv6 ? NO_TCP "\t\t\t\t\t2\t0\t1400\t\t" : NO_TCP "3\t4\t1400\t\t\t\t\t\t\t");
    length = icmp_emit_error(ipv6 ? 1 : 3, ipv6 ? 4 : 3, 0, &ends[0], &ends[1], quoted,
                             sizeof quoted, out, sizeof out);
    add_icmp(capture, ipv6, out, length,
             ipv6 ? NO_TCP "\t\t\t\t\t1\t4\t\t\t" : NO_TCP "3\t3\t\t\t\t\t\t\t\t");
}

/* Runs tshark on the capture; returns how many lines it printed. */
static unsigned run_tshark(const struct capture *capture, const char *arguments,
                           char lines[PACKETS_MAX][LINE_BYTES])
{
    char command[4096];
    snprintf(command, sizeof command,
             "tshark -n -r %s -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE %s 2>/dev/null",
             capture->path, arguments);
    /* NOLINTNEXTLINE(cert-env33-c): the command is all of this file's making */
    FILE *output = popen(command, "r");
    assert_non_null(output);
    unsigned count = 0;
    while (count < PACKETS_MAX && fgets(lines[count], LINE_BYTES, output) != NULL) {
        lines[count][strcspn(lines[count], "\n")] = '\0';
        count++;
    }
    assert_int_equal(pclose(output), 0);
    return count;
}

static void read_by_tshark(void **state)
{
    (void)state;
    /* NOLINTNEXTLINE(cert-env33-c): the shell is asked whether there is such a program */
    if (system("tshark --version >/dev/null 2>&1") != 0) {
        skip();
    }
    static struct capture capture;
    capture_open(&capture);
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
        add_segments(&capture, ipv6);
        add_messages(&capture, ipv6);
    }
    assert_int_equal(fclose(capture.file), 0);

    static char lines[PACKETS_MAX][LINE_BYTES];
    static char complaints[PACKETS_MAX][LINE_BYTES];
    char arguments[3072];
    snprintf(arguments, sizeof arguments,
             "-o tcp.relative_sequence_numbers:FALSE -T fields -E occurrence=f %s", fields);
    unsigned count = run_tshark(&capture, arguments, lines);
    unsigned complained = run_tshark(&capture,
                                     "-Y '_ws.malformed || _ws.expert.group == \"Malformed\" || "
                                     "_ws.expert.group == \"Checksum\" || "
                                     "_ws.expert.group == \"Protocol\"'",
                                     complaints);
    assert_int_equal(unlink(capture.path), 0);
    assert_int_equal(count, capture.count);
    for (unsigned i = 0; i < count; i++) {
        assert_string_equal(lines[i], capture.expected[i]);
    }
    if (complained > 0) {
        fail_msg("%u packets are wrong to tshark, the first: %s", complained, complaints[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_by_tshark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
