/* SPDX-License-Identifier: MIT
 *
 * JSON lines: literal lines, and Python's json module (when there is one) as the judge of syntax.
 */
#include "trace_script.h"
#include "trace_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char *trace_events(const struct script_event *events, size_t count)
{
    FILE *file = tmpfile();
    struct hf_json_trace *trace = hf_json_trace_new(file);
    char *text;

    assert_non_null(trace);
    if (events) {
        for (size_t i = 0; i < count; i++)
            script_send(hf_json_trace_sink(trace), &events[i]);
    } else {
        script_play(hf_json_trace_sink(trace));
    }
    hf_json_trace_free(trace);
    rewind(file);
    text = script_read_all(file);
    fclose(file);
    assert_non_null(text);
    return text;
}

/* Runs a Python program over the text; its output, or NULL when there is no Python. */
static char *judge(const char *text, const char *program)
{
    char path[] = "/tmp/handfast-json-XXXXXX", *output;
    int descriptor = mkstemp(path);
    FILE *file;

    assert_true(descriptor >= 0);
    file = fdopen(descriptor, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("SCRIPT", program, 1), 0);
    output = script_run("python3", "python3 -c \"$SCRIPT\" \"$FILE\" 2>&1", path);
    unlink(path);
    return output;
}

static void lines_read_as_documented(void **state)
{
    char *text = trace_events(NULL, 0);

    (void)state;
    assert_non_null(strstr(
        text,
        "{\"t\":0.000000,\"t_ns\":0,\"host\":\"a\",\"host_id\":0,\"event\":\"sent\",\"reason\":"
        "\"send-syn\",\"why\":\"Asking to open.\",\"rfc\":\"RFC 9293 3.5\",\"connection\":"
        "\"72057594037927937\",\"local\":\"10.0.0.1:49152\",\"remote\":\"10.0.0.2:80\","
        "\"state_before\":\"SYN-SENT\",\"state\":\"SYN-SENT\",\"value\":0,\"seq\":1000,\"ack\":0,"
        "\"len\":0,\"flags\":[\"SYN\"],\"win\":65535,\"urg\":0,\"options\":{\"mss\":1460,\"ws\":7,"
        "\"sack_ok\":true,\"ts\":{\"val\":0,\"ecr\":0}},\"packet_bytes\":64,\"numbers\":{\"iss\":"
        "1000,\"irs\":0,\"snd_una\":1000,\"snd_nxt\":1001,\"snd_wnd\":65536,\"rcv_nxt\":0,"
        "\"rcv_wnd\":65536,\"cwnd_bytes\":14600,\"ssthresh_bytes\":4294967295,\"flight_bytes\":0,"
        "\"srtt_ns\":20000000,\"rttvar_ns\":0,\"rto_ns\":200000000,\"snd_wind_shift\":0,"
        "\"rcv_wind_shift\":0}}\n"));
    assert_non_null(strstr(
        text, "{\"t\":0.000000,\"t_ns\":0,\"host\":\"b\",\"host_id\":1,\"event\":\"state\","
              "\"reason\":\"open-passive\",\"why\":\"The program listens.\",\"rfc\":\"RFC 9293 "
              "3.10.1\",\"connection\":null,\"local\":\"0.0.0.0:80\",\"remote\":null,"
              "\"state_before\":\"CLOSED\",\"state\":\"LISTEN\",\"value\":0}\n"));
    assert_non_null(strstr(text, "\"options\":{\"ts\":{\"val\":5030,\"ecr\":0},"
                                 "\"sack\":[[2461,4001]]}"));
    assert_int_equal(script_count(text, "\n"), script_length());
    assert_int_equal(script_count(text, "\"reason\":\"link-loss\""), 1);
    free(text);
}

static void the_same_run_gives_the_same_bytes(void **state)
{
    char *first = trace_events(NULL, 0), *second = trace_events(NULL, 0);

    (void)state;
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void python_reads_every_line(void **state)
{
    char *text = trace_events(NULL, 0), expected[64];
    char *output = judge(text, "import json,sys\n"
                               "rows=[json.loads(l) for l in open(sys.argv[1],encoding='utf-8')]\n"
                               "keys=list(rows[0])\n"
                               "assert all(list(r)[:len(keys)]==keys for r in rows)\n"
                               "assert all(round(r['t']*1e9)==r['t_ns'] for r in rows)\n"
                               "print(len(rows),sum(r.get('len',0) for r in rows))");

    (void)state;
    free(text);
    if (!output)
        skip();
    /* sent 4460 with one repeat, received 3000, and the one the link lost */
    snprintf(expected, sizeof(expected), "%zu %d\n", script_length(), 4460 + 3000 + 1460);
    assert_string_equal(output, expected);
    free(output);
}

static void fast_open_is_an_option(void **state)
{
    struct script_event event;
    char *text;

    (void)state;
    script_make(4, &event);
    event.segment.has_fast_open = 1;
    text = trace_events(&event, 1);
    assert_non_null(strstr(text, "\"ts\":{\"val\":0,\"ecr\":0},\"fo\":\"\"},"));
    free(text);
    event.segment.fast_open_experimental = 1;
    event.segment.fast_open_length = 16;
    memcpy(event.segment.fast_open_cookie,
           "\x01\x23\x45\x67\x89\xab\xcd\xef"
           "01234567",
           16);
    text = trace_events(&event, 1);
    assert_non_null(strstr(text, ",\"fo_exp\":\"0123456789abcdef3031323334353637\"},"));
    free(text);
}

static void nasty_host_names_are_escaped(void **state)
{
    struct script_event event;
    char *text, *output;

    (void)state;
    script_blank(&event, 7, 1, HF_TRACE_LIMIT, HF_REASON_MEMORY_LIMIT);
    event.event.host_name = "q\"b\\s/\x01\n\x1b\xff\xc3\xbc\xed\xa0\x80";
    text = trace_events(&event, 1);
    assert_non_null(strstr(text, "\"host\":\"q\\\"b\\\\s/\\u0001\\u000a\\u001b\\ufffd\xc3\xbc"
                                 "\\ufffd\\ufffd\\ufffd\","));
    output = judge(text, "import json,sys\nprint(ascii(json.loads(open(sys.argv[1],encoding="
                         "'utf-8').read())['host']))");
    if (output)
        assert_string_equal(output, "'q\"b\\\\s/\\x01\\n\\x1b\\ufffd\\xfc\\ufffd\\ufffd\\ufffd'\n");
    free(output);
    free(text);
}

static void the_longest_line_is_whole(void **state)
{
    struct script_event *event = malloc(sizeof(*event));
    char name[2000], *text, *output;

    (void)state;
    assert_non_null(event);
    memset(name, 1, sizeof(name));
    name[sizeof(name) - 1] = '\0';
    script_blank(event, UINT32_MAX, HF_TIME_NEVER, HF_TRACE_RECEIVED,
                 HF_REASON_TIME_WAIT_RESTARTED);
    event->event.host_name = name;
    event->event.connection = UINT64_MAX;
    event->event.value = INT64_MIN;
    memset(&event->event.numbers, 0xff, sizeof(event->event.numbers));
    event->event.numbers.srtt_ns = event->event.numbers.rttvar_ns = event->event.numbers.rto_ns =
        INT64_MIN;
    event->event.local.address.family = event->event.remote.address.family = HF_IPV6;
    memset(event->event.local.address.bytes, 0xff, 16);
    memset(event->event.remote.address.bytes, 0xff, 16);
    memset(&event->segment, 0xff, sizeof(event->segment));
    event->segment.window_scale = 127;
    event->event.segment = &event->segment;
    event->event.packet = event->packet;
    event->event.packet_length = SIZE_MAX;
    text = trace_events(event, 1);
    assert_true(strlen(text) > 2500 && strlen(text) < TRACE_TEXT_BYTES - 500);
    assert_non_null(strstr(text, "\"rcv_wind_shift\":255}}\n"));
    output = judge(text, "import json,sys\nr=json.loads(open(sys.argv[1]).read())\n"
                         "print(len(r['host']),len(r['flags']),len(r['options']['sack']))");
    if (output)
        assert_string_equal(output, "256 9 4\n");
    free(output);
    free(text);
    free(event);
}

static void errors_are_named(void **state)
{
    struct script_event events[2];
    char *text;

    (void)state;
    script_blank(&events[0], 0, 1, HF_TRACE_ERROR, HF_REASON_RST_REFUSED);
    events[0].event.value = HF_ECONNREFUSED;
    script_blank(&events[1], 0, 1, HF_TRACE_ERROR, HF_REASON_RST_REFUSED);
    events[1].event.value = INT64_MAX;
    text = trace_events(events, 2);
    assert_non_null(strstr(text, "\"value\":-111,\"error\":\"connection refused\"}\n"));
    assert_non_null(strstr(text, "\"error\":\"unknown error\"}\n"));
    free(text);
}

static void a_segment_without_flags_has_an_empty_list(void **state)
{
    struct script_event event;
    char *text;

    (void)state;
    script_blank(&event, 0, 1, HF_TRACE_RECEIVED, HF_REASON_NO_ACK_BIT);
    script_packet(&event);
    text = trace_events(&event, 1);
    assert_non_null(strstr(text, "\"flags\":[],\"win\":65535,\"urg\":0,\"options\":{},"));
    free(text);
}

static void a_full_disk_silences_the_trace(void **state)
{
    FILE *full = fopen("/dev/full", "w");
    struct hf_json_trace *trace = hf_json_trace_new(full);

    (void)state;
    assert_non_null(trace);
    setvbuf(full, NULL, _IONBF, 0);
    script_play(hf_json_trace_sink(trace));
    assert_true(ferror(full));
    clearerr(full);
    script_play(hf_json_trace_sink(trace));
    assert_false(ferror(full)); /* no further attempt */
    hf_json_trace_free(trace);
    fclose(full);
    hf_json_trace_free(NULL);
    assert_null(hf_json_trace_new(NULL));
    assert_int_equal(errno, EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_read_as_documented),
        cmocka_unit_test(the_same_run_gives_the_same_bytes),
        cmocka_unit_test(python_reads_every_line),
        cmocka_unit_test(fast_open_is_an_option),
        cmocka_unit_test(nasty_host_names_are_escaped),
        cmocka_unit_test(the_longest_line_is_whole),
        cmocka_unit_test(errors_are_named),
        cmocka_unit_test(a_segment_without_flags_has_an_empty_list),
        cmocka_unit_test(a_full_disk_silences_the_trace),
    };

    return cmocka_run_group_tests_name("json_trace", tests, NULL, NULL);
}
