/* SPDX-License-Identifier: MIT
 *
 * pcapng files, read back twice: by a walker written from the format's description, and by the
 * Wireshark tools when they are installed (tshark, capinfos, mergecap).
 */
#include "trace_script.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATH_BYTES 64

struct capture {
    char path[PATH_BYTES];
    FILE *file;
    struct hf_pcapng *pcapng;
    struct hf_trace_sink sink;
};

static void open_capture(struct capture *capture, int64_t epoch_ns)
{
    int descriptor;

    strcpy(capture->path, "/tmp/handfast-pcapng-XXXXXX");
    descriptor = mkstemp(capture->path);
    assert_true(descriptor >= 0);
    capture->file = fdopen(descriptor, "w+");
    assert_non_null(capture->file);
    capture->pcapng = hf_pcapng_new(capture->file, epoch_ns);
    assert_non_null(capture->pcapng);
    capture->sink = hf_pcapng_sink(capture->pcapng);
}

static void finish_capture(struct capture *capture)
{
    hf_pcapng_free(capture->pcapng);
    rewind(capture->file);
}

static void remove_capture(struct capture *capture)
{
    fclose(capture->file);
    unlink(capture->path);
}

/* ---- The walker */

struct walk {
    unsigned interfaces, packets, comments;
    uint32_t last_interface, last_captured, last_original, last_flags;
    uint64_t last_time;
    char names[300][64];
    char last_comments[2048]; /* joined with '|' */
    uint8_t last_bytes[4];
};

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static unsigned u16(const uint8_t *at)
{
    return (unsigned)(at[0] | at[1] << 8);
}

static void walk_options(struct walk *walk, uint32_t type, const uint8_t *at, const uint8_t *end)
{
    bool ended = false;

    walk->last_comments[0] = '\0';
    walk->last_flags = 0;
    while (at < end) {
        unsigned code = u16(at), length = u16(at + 2), padded = (length + 3) / 4 * 4;

        assert_false(ended);
        assert_true(at + 4 + padded <= end);
        for (unsigned i = length; i < padded; i++)
            assert_int_equal(at[4 + i], 0);
        if (code == 0) {
            assert_int_equal(length, 0);
            ended = true;
        } else if (type == 1 && code == 2) {
            assert_true(length < sizeof(walk->names[0]));
            memcpy(walk->names[walk->interfaces], at + 4, length);
        } else if (type == 1) {
            assert_int_equal(code, 9);
            assert_int_equal(length, 1);
            assert_int_equal(at[4], 9);
        } else if (type == 6 && code == 1) {
            walk->comments++;
            snprintf(walk->last_comments + strlen(walk->last_comments),
                     sizeof(walk->last_comments) - strlen(walk->last_comments), "%s%.*s",
                     walk->last_comments[0] ? "|" : "", (int)length, (const char *)at + 4);
        } else if (type == 6) {
            assert_int_equal(code, 2);
            assert_int_equal(length, 4);
            walk->last_flags = u32(at + 4);
        }
        at += 4 + padded;
    }
    assert_true(ended);
}

static void walk_block(struct walk *walk, const uint8_t *block, uint32_t length)
{
    const uint8_t *end = block + length - 4;
    uint32_t padded;

    switch (u32(block)) {
    case 1:
        assert_int_equal(u16(block + 8), 101); /* LINKTYPE_RAW */
        walk_options(walk, 1, block + 16, end);
        walk->interfaces++;
        break;
    case 6:
        walk->last_interface = u32(block + 8);
        assert_true(walk->last_interface < walk->interfaces);
        walk->last_time = (uint64_t)u32(block + 12) << 32 | u32(block + 16);
        walk->last_captured = u32(block + 20);
        walk->last_original = u32(block + 24);
        assert_true(walk->last_captured <= walk->last_original);
        memcpy(walk->last_bytes, block + 28, 4);
        padded = (walk->last_captured + 3) / 4 * 4;
        assert_true(block + 28 + padded <= end);
        walk_options(walk, 6, block + 28 + padded, end);
        walk->packets++;
        break;
    default:
        fail_msg("block of type %u", u32(block));
    }
}

/* Checks every length on the way; leaves the last packet in `walk`. */
static void walk_file(FILE *file, struct walk *walk)
{
    size_t length, at;
    uint8_t *bytes;

    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    length = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, length, file), length);
    memset(walk, 0, sizeof(*walk));
    assert_int_equal(u32(bytes), 0x0a0d0d0a);
    assert_int_equal(u32(bytes + 8), 0x1a2b3c4d);
    assert_int_equal(u32(bytes + 12), 1);
    for (at = 0; at < length;) {
        uint32_t block = u32(bytes + at + 4);

        assert_int_equal(block % 4, 0);
        assert_true(block >= 12 && at + block <= length);
        assert_int_equal(u32(bytes + at + block - 4), block);
        if (at > 0)
            walk_block(walk, bytes + at, block);
        at += block;
    }
    free(bytes);
}

/* ---- Tests */

/* What the tools must find, from the script and the reason table alone. */
static void add_expected(char *expected, const struct script_event *event, const char *more)
{
    bool sent = event->event.kind == HF_TRACE_SENT;
    size_t used = strlen(expected);

    sprintf(expected + used, "%s\t0x%08x\t0x%04x\t%u\t%s: %s (%s)%s\n", event->event.host_name,
            sent ? 2 : 1, event->segment.flags, event->segment.length,
            hf_reason_name(event->event.reason), hf_reason_sentence(event->event.reason),
            hf_reason_source(event->event.reason), more);
}

static void expect_all(char *expected)
{
    struct script_event event, next;
    char more[512] = "";

    expected[0] = '\0';
    for (size_t i = 0; i < script_length(); i++) {
        script_make(i, &event);
        if (event.event.kind == HF_TRACE_STATE && event.event.remote.port)
            sprintf(more, ",%s -> %s: %s: %s (%s)", hf_state_name(event.event.state_before),
                    hf_state_name(event.event.state), hf_reason_name(event.event.reason),
                    hf_reason_sentence(event.event.reason), hf_reason_source(event.event.reason));
        if (event.event.kind != HF_TRACE_SENT && event.event.kind != HF_TRACE_RECEIVED)
            continue;
        if (i + 1 < script_length()) {
            script_make(i + 1, &next);
            if (next.event.kind == HF_TRACE_LINK)
                snprintf(more, sizeof(more), ",link-loss: The link lost it. (link)");
        }
        add_expected(expected, &event, more);
        more[0] = '\0';
    }
}

static void tshark_reads_back_what_was_written(void **state)
{
    static char expected[32768];
    struct capture capture;
    char *output;

    (void)state;
    open_capture(&capture, 0);
    script_play(capture.sink);
    finish_capture(&capture);
    output =
        script_run("tshark",
                   "tshark -r \"$FILE\" -T fields -e frame.interface_name -e frame.packet_flags "
                   "-e tcp.flags -e tcp.len -e frame.comment 2>/dev/null",
                   capture.path);
    if (output) {
        expect_all(expected);
        assert_true(strlen(expected) > 2000);
        assert_string_equal(output, expected);
    }
    free(output);
    output =
        script_run("tshark",
                   "tshark -r \"$FILE\" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y "
                   "'_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0' "
                   "2>/dev/null",
                   capture.path);
    if (output)
        assert_string_equal(output, "");
    free(output);
    remove_capture(&capture);
}

static void every_block_is_well_formed(void **state)
{
    struct capture capture;
    struct walk walk;

    (void)state;
    open_capture(&capture, INT64_C(1700000000000000000));
    script_play(capture.sink);
    finish_capture(&capture);
    walk_file(capture.file, &walk);
    assert_int_equal(walk.interfaces, 2);
    assert_string_equal(walk.names[0], "a");
    assert_string_equal(walk.names[1], "b");
    assert_int_equal(walk.packets, 27);
    /* The last packet: b takes the ACK of its FIN. */
    assert_int_equal(walk.last_interface, 1);
    assert_int_equal(walk.last_flags, 1);
    assert_int_equal(walk.last_time, UINT64_C(1700000000270000000));
    assert_string_equal(walk.last_comments,
                        "accepted: The segment was taken. (RFC 9293 3.10.7.4)|LAST-ACK -> CLOSED: "
                        "fin-acked: Our FIN is acknowledged. (RFC 9293 3.10.7.4 fifth)");
    remove_capture(&capture);
}

static void the_same_run_gives_the_same_bytes(void **state)
{
    struct capture one, two;
    int a, b;

    (void)state;
    open_capture(&one, 5);
    open_capture(&two, 5);
    script_play(one.sink);
    script_play(two.sink);
    finish_capture(&one);
    finish_capture(&two);
    do {
        a = getc(one.file);
        b = getc(two.file);
        assert_int_equal(a, b);
    } while (a != EOF);
    remove_capture(&one);
    remove_capture(&two);
}

static void other_tools_take_the_file(void **state)
{
    struct capture capture;
    char *output;

    (void)state;
    open_capture(&capture, INT64_C(1700000000000000000));
    script_play(capture.sink);
    finish_capture(&capture);
    output = script_run("capinfos", "capinfos -cuE \"$FILE\" 2>/dev/null", capture.path);
    if (output) {
        assert_non_null(strstr(output, "Number of packets:   27\n"));
        assert_non_null(strstr(output, "File encapsulation:  Raw IP\n"));
        assert_non_null(strstr(output, "Capture duration:    0.270000000 seconds\n"));
    }
    free(output);
    output = script_run(
        "mergecap",
        "mergecap -w - \"$FILE\" \"$FILE\" 2>/dev/null | tshark -r - 2>/dev/null | wc -l",
        capture.path);
    if (output)
        assert_int_equal(atoi(output), 54);
    free(output);
    remove_capture(&capture);
}

static void ipv6_is_raw_too(void **state)
{
    struct capture capture;
    struct script_event event;
    char *output;

    (void)state;
    open_capture(&capture, 0);
    script_blank(&event, 0, 1234567891, HF_TRACE_SENT, HF_REASON_SEND_RST);
    event.event.local = (struct hf_endpoint){{HF_IPV6, {0xfd, [15] = 1}}, 1000};
    event.event.remote = (struct hf_endpoint){{HF_IPV6, {0xfd, [15] = 2}}, 2000};
    event.segment.flags = HF_RST;
    event.segment.length = 5; /* padding needed */
    script_packet(&event);
    script_send(capture.sink, &event);
    finish_capture(&capture);
    output = script_run(
        "tshark",
        "tshark -r \"$FILE\" -o tcp.check_checksum:TRUE -T fields -e frame.time_epoch -e "
        "ipv6.src -e tcp.dstport -e tcp.checksum.status -e frame.comment 2>/dev/null",
        capture.path);
    if (output)
        assert_string_equal(output, "1.234567891\tfd00::1\t2000\t1\t"
                                    "send-rst: Resetting. (RFC 9293 3.5.2)\n");
    free(output);
    remove_capture(&capture);
}

static void what_the_link_does_alone_has_its_own_interface(void **state)
{
    struct capture capture;
    struct script_event event;
    struct walk walk;

    (void)state;
    open_capture(&capture, 0);
    script_make(4, &event); /* a's SYN */
    assert_int_equal(event.event.kind, HF_TRACE_SENT);
    script_send(capture.sink, &event);
    event.event.kind = HF_TRACE_LINK;
    event.event.reason = HF_REASON_LINK_DUPLICATE;
    script_send(capture.sink, &event);
    event.event.reason = HF_REASON_LINK_REORDER;
    script_send(capture.sink, &event);
    event.event.reason = HF_REASON_LINK_DELAYED_DUPLICATE;
    script_send(capture.sink, &event);
    finish_capture(&capture);
    walk_file(capture.file, &walk);
    assert_int_equal(walk.packets, 2);
    assert_int_equal(walk.comments, 4);
    assert_string_equal(walk.names[1], "link");
    assert_int_equal(walk.last_interface, 1);
    assert_int_equal(walk.last_flags, 0);
    assert_string_equal(walk.last_comments, "link-delayed-duplicate: An old copy that the network "
                                            "held back turns up. (link)");
    remove_capture(&capture);
}

static void fast_open_is_named(void **state)
{
    struct capture capture;
    struct script_event event;
    struct walk walk;

    (void)state;
    open_capture(&capture, 0);
    script_make(4, &event); /* a's SYN */
    event.segment.has_fast_open = 1;
    script_send(capture.sink, &event);
    event.event.kind = HF_TRACE_RECEIVED;
    event.segment.fast_open_experimental = 1;
    event.segment.fast_open_length = 2;
    memcpy(event.segment.fast_open_cookie, "\xab\x0c", 2);
    script_send(capture.sink, &event);
    finish_capture(&capture);
    walk_file(capture.file, &walk);
    assert_int_equal(walk.packets, 2);
    assert_int_equal(walk.comments, 4);
    assert_non_null(
        strstr(walk.last_comments, "TCP Fast Open, experimental option: cookie ab0c (RFC 7413 A)"));
    remove_capture(&capture);
}

static void a_state_without_its_packet_is_left_out(void **state)
{
    struct capture capture;
    struct script_event event;
    struct walk walk;

    (void)state;
    open_capture(&capture, 0);
    script_blank(&event, 0, 1, HF_TRACE_STATE, HF_REASON_TIME_WAIT_OVER);
    event.event.state_before = HF_TIME_WAIT;
    script_send(capture.sink, &event);
    for (unsigned i = 0; i < 2; i++) {
        script_blank(&event, 0, 2, HF_TRACE_SENT, HF_REASON_SEND_ACK);
        script_packet(&event);
        script_send(capture.sink, &event);
    }
    finish_capture(&capture);
    walk_file(capture.file, &walk);
    assert_int_equal(walk.packets, 2);
    assert_int_equal(walk.comments, 2);
    remove_capture(&capture);
}

static void many_hosts_share_the_last_interface(void **state)
{
    struct capture capture;
    struct script_event event;
    struct walk *walk = malloc(sizeof(*walk));

    (void)state;
    assert_non_null(walk);
    open_capture(&capture, 0);
    for (uint32_t host = 0; host < 300; host++) {
        script_blank(&event, host, host, HF_TRACE_RECEIVED, HF_REASON_ACCEPTED);
        event.event.host_name = "";
        script_packet(&event);
        script_send(capture.sink, &event);
    }
    finish_capture(&capture);
    walk_file(capture.file, walk);
    assert_int_equal(walk->packets, 300);
    assert_int_equal(walk->interfaces, 257);
    assert_string_equal(walk->names[255], "host 255");
    assert_string_equal(walk->names[256], "other hosts");
    assert_int_equal(walk->last_interface, 256);
    free(walk);
    remove_capture(&capture);
}

static void odd_packets_fit(void **state)
{
    static uint8_t huge[70000];
    static const size_t lengths[] = {0, 1, 2, 3, 4, 5, 65535, 65575, 65576, 70000};
    struct capture capture;
    struct script_event event;
    struct walk walk;

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            open_capture(&capture, 0);
            script_blank(&event, 0, -7, kind ? HF_TRACE_SENT : HF_TRACE_RECEIVED,
                         HF_REASON_IP_TOO_SHORT);
            event.event.packet = huge;
            event.event.packet_length = lengths[i];
            script_send(capture.sink, &event);
            finish_capture(&capture);
            walk_file(capture.file, &walk);
            assert_int_equal(walk.packets, 1);
            assert_int_equal(walk.last_original, lengths[i]);
            assert_int_equal(walk.last_captured, lengths[i] < 65575 ? lengths[i] : 65575);
            assert_int_equal(walk.last_time, 0);
            remove_capture(&capture);
        }
    }
}

static void errors_are_told_and_silence_the_sink(void **state)
{
    FILE *full = fopen("/dev/full", "w");
    struct hf_pcapng *pcapng;

    (void)state;
    assert_non_null(full);
    assert_null(hf_pcapng_new(NULL, 0));
    assert_int_equal(errno, EINVAL);
    assert_null(hf_pcapng_new(full, -1));
    assert_int_equal(errno, EINVAL);
    pcapng = hf_pcapng_new(full, 0); /* the header waits in the buffer */
    assert_non_null(pcapng);
    script_play(hf_pcapng_sink(pcapng));
    assert_true(ferror(full));
    clearerr(full);
    script_play(hf_pcapng_sink(pcapng));
    assert_false(ferror(full));
    hf_pcapng_free(pcapng);
    fclose(full);
    full = fopen("/dev/full", "w");
    setvbuf(full, NULL, _IONBF, 0);
    assert_null(hf_pcapng_new(full, 0));
    assert_int_equal(errno, ENOSPC);
    fclose(full);
    hf_pcapng_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tshark_reads_back_what_was_written),
        cmocka_unit_test(every_block_is_well_formed),
        cmocka_unit_test(the_same_run_gives_the_same_bytes),
        cmocka_unit_test(other_tools_take_the_file),
        cmocka_unit_test(ipv6_is_raw_too),
        cmocka_unit_test(what_the_link_does_alone_has_its_own_interface),
        cmocka_unit_test(fast_open_is_named),
        cmocka_unit_test(a_state_without_its_packet_is_left_out),
        cmocka_unit_test(many_hosts_share_the_last_interface),
        cmocka_unit_test(odd_packets_fit),
        cmocka_unit_test(errors_are_told_and_silence_the_sink),
    };

    return cmocka_run_group_tests_name("pcapng", tests, NULL, NULL);
}
