/* SPDX-License-Identifier: MIT
 *
 * Whole plays: scripts from files, on the stack as it is. Every kind of difference must fail with
 * its reason, or the scripts of this tree would prove nothing.
 */
#include "drill_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LISTEN                                      \
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n" \
    "+0 bind(3, ..., ...) = 0\n"                    \
    "+0 listen(3, 5) = 0\n"                         \
    "+0 < S 0:0(0) win 65535 <mss 1000>\n"          \
    "+0 > S. 0:0(0) ack 1 <mss 1460>\n"             \
    "+.1 < . 1:1(0) ack 1 win 65535\n"              \
    "+0 accept(3, ..., ...) = 4\n"

struct bench {
    char directory[64];
    char path[128];
    char *said; /* what the play printed */
    size_t length;
};

static int begin(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    strcpy(bench->directory, "/tmp/drill-test-XXXXXX");
    if (mkdtemp(bench->directory) == NULL) {
        free(bench);
        return -1;
    }
    snprintf(bench->path, sizeof bench->path, "%s/s.pkt", bench->directory);
    *state = bench;
    return 0;
}

static int end(void **state)
{
    struct bench *bench = *state;
    unlink(bench->path);
    rmdir(bench->directory);
    free(bench->said);
    free(bench);
    return 0;
}

static int play_with(struct bench *bench, const char *text, const char *setting, const char *junit)
{
    const char *paths[] = {bench->directory}, *settings[] = {setting};
    struct drill_plan plan = {
        .paths = paths,
        .path_count = 1,
        .settings = settings,
        .setting_count = setting != NULL,
        .junit_path = junit,
    };
    FILE *file = fopen(bench->path, "we");
    int status;
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(bench->said);
    bench->said = NULL;
    plan.out = open_memstream(&bench->said, &bench->length);
    status = drill_play(&plan);
    fclose(plan.out);
    return status;
}

static void passes(struct bench *bench, const char *text)
{
    if (play_with(bench, text, NULL, NULL) != DRILL_PASSED)
        fail_msg("%s", bench->said);
}

/* The first line ends with `reason`. */
static void fails(struct bench *bench, const char *text, const char *reason)
{
    char *first_end;
    assert_int_equal(play_with(bench, text, NULL, NULL), DRILL_FAILED);
    first_end = strchr(bench->said, '\n');
    assert_non_null(first_end);
    assert_non_null(strstr(bench->said, "0 passed, 1 failed\n"));
    *first_end = '\0';
    if (strstr(bench->said, reason) == NULL)
        fail_msg("'%s' lacks '%s'", bench->said, reason);
}

static void test_passes(void **state)
{
    passes(*state, LISTEN "+0 write(4, ..., 1000) = 1000\n"
                          "+0 > P. 1:1001(1000) ack 1\n"
                          "+0...0.2 read(4, ..., 50) = 10\n"
                          "+.2 < P. 1:11(10) ack 1001 win 65535\n"
                          "+0 > . 1001:1001(0) ack 11\n"
                          "+0 %{ assert tcpi_snd_cwnd >= 10 }%\n");
}

static void test_packet_differs(void **state)
{
    fails(*state, LISTEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 2\n",
          "s.pkt:9:4: not the packet that was expected: ack is 1, expected 2");
    fails(*state, LISTEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:91(90) ack 1\n",
          "100 bytes of payload, expected 90");
    fails(*state, LISTEN "+0 write(4, ..., 100) = 100\n+.5 > P. 1:101(100) ack 1\n",
          "it left at 0.100000, expected at 0.600000");
    fails(*state,
          LISTEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n"
                 "+.29 > P. 1:101(100) ack 1\n",
          "s.pkt:10:6: no packet was sent until 0.390000");
}

static void test_packet_unexpected(void **state)
{
    fails(*state, LISTEN "+0 write(4, ..., 100) = 100\n",
          "the script ends, but the stack sent more");
    fails(*state,
          LISTEN "+0 write(4, ..., 100) = 100\n"
                 "+0 < P. 1:11(10) ack 1 win 65535\n+0 > . 101:101(0) ack 11\n",
          "100 bytes of payload, expected 0");
}

static void test_tolerance(void **state)
{
    static const char text[] = LISTEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n"
                                      "+.299 > P. 1:101(100) ack 1\n";
    struct bench *bench = *state;
    fails(bench, text, "no packet was sent until");
    assert_int_equal(play_with(bench, text, "tolerance_usecs=999", NULL), DRILL_FAILED);
    assert_int_equal(play_with(bench, text, "tolerance_usecs=1000", NULL), DRILL_PASSED);
    passes(bench, LISTEN "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n"
                         "~+.299 > P. 1:101(100) ack 1\n"
                         "* > P. 1:101(100) ack 1\n"
                         "+1...1.3 > P. 1:101(100) ack 1\n");
}

static void test_non_fatal(void **state)
{
    static const char text[] = LISTEN "+0 write(4, ..., 100) = 90\n+0 > P. 1:91(90) ack 1\n"
                                      "+.1 < . 1:1(0) ack 101 win 100\n+.1 > . 1:1(0) ack 9\n";
    struct bench *bench = *state;
    assert_int_equal(play_with(bench, text, "non_fatal=packet", NULL), DRILL_FAILED);
    assert_int_equal(play_with(bench, text, "non_fatal=syscall", NULL), DRILL_FAILED);
    assert_int_equal(play_with(bench, text, "non_fatal=packet,syscall", NULL), DRILL_PASSED);
    assert_non_null(strstr(bench->said, "s.pkt:8:4: warning: write returned 100, expected 90\n"));
    assert_non_null(strstr(bench->said, "s.pkt:9:4: warning: not the packet that was expected"));
    assert_non_null(strstr(bench->said, "warning: no packet was sent until 0."));
}

static void test_call_differs(void **state)
{
    fails(*state, LISTEN "+0 write(4, ..., 100) = 90\n",
          "s.pkt:8:4: write returned 100, expected 90");
    fails(*state, LISTEN "+0 close(9) = 0\n",
          "close returned -1 EBADF (Bad file descriptor), expected 0");
    fails(*state, LISTEN "+0 connect(4, ..., ...) = -1 EALREADY\n",
          "connect returned -1 EISCONN (Transport endpoint is already connected), expected -1 "
          "EALREADY");
    fails(*state, LISTEN "+0 read(4, ..., 100) = 0\n",
          "read would block; a call that waits needs a "
          "time range, as +0...1");
    fails(*state, LISTEN "+0...1 read(4, ..., 100) = 0\n", "read has not returned until");
    fails(*state,
          LISTEN "+0...0.2 read(4, ..., 100) = 10\n+.1 < P. 1:11(10) ack 1 win 5\n"
                 "+0 > . 1:1(0) ack 11\n",
          "read returned at 0.200000, expected at 0.300000");
    fails(*state, LISTEN "+0...0.2 read(4, ..., 100) = 10\n+0...0.2 read(4, ..., 100) = 10\n",
          "one call waits already; two cannot");
    fails(*state, LISTEN "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n",
          "getsockopt gives [0], expected [104]");
    fails(*state, LISTEN "+0 poll([{fd=4, events=POLLOUT, revents=POLLIN}], 1, 0) = 1\n",
          "revents of entry 0 is 0x4, expected 0x1");
}

static void test_assertion_fails(void **state)
{
    fails(*state, LISTEN "+0 %{\nx = tcpi_snd_cwnd\nassert x == 3, x }%\n",
          "s.pkt:10:1: AssertionError: 10");
    fails(*state, LISTEN "+0 %{ assert ( }%\n", "SyntaxError");
}

static void test_versions(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(play_with(bench, LISTEN, "ip_version=all", NULL), DRILL_PASSED);
    assert_non_null(strstr(bench->said, "s.pkt [ipv4-mapped-ipv6]\n"));
    assert_non_null(strstr(bench->said, "3 passed, 0 failed\n"));
}

static void test_not_understood(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(play_with(bench, "0 fork() = 0\n", NULL, NULL), DRILL_NOT_UNDERSTOOD);
    assert_non_null(strstr(bench->said, "/s.pkt:1:3: there is no system call 'fork'\n"));
    assert_int_equal(play_with(bench, "--colour=red\n0 close(3) = 0\n", NULL, NULL),
                     DRILL_NOT_UNDERSTOOD);
    assert_non_null(strstr(bench->said, "/s.pkt:1:1: there is no option --colour\n"));
    assert_int_equal(play_with(bench, "`reboot`\n0 close(3) = 0\n", NULL, NULL),
                     DRILL_NOT_UNDERSTOOD);
    assert_non_null(strstr(bench->said, "/s.pkt:1:1: the command 'reboot' is refused"));
}

static void test_junit(void **state)
{
    struct bench *bench = *state;
    char junit[128], text[4096];
    FILE *file;
    size_t length;
    snprintf(junit, sizeof junit, "%s.xml", bench->directory);
    play_with(bench, LISTEN "+0 write(4, ..., 100) = 90\n", NULL, junit);
    file = fopen(junit, "re");
    assert_non_null(file);
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    unlink(junit);
    assert_non_null(strstr(text, "<testsuite name=\"drill\" tests=\"1\" failures=\"1\">"));
    assert_non_null(strstr(text, "write returned 100, expected 90"));
    assert_null(strstr(text, "CLOSED -> LISTEN")); /* > is escaped */
    assert_non_null(strstr(text, "CLOSED -&gt; LISTEN"));
}

static void test_missing_files(void **state)
{
    const char *paths[] = {"/nowhere/at/all"};
    struct drill_plan plan = {.paths = paths, .path_count = 1};
    char *said = NULL;
    size_t length;
    (void)state;
    plan.out = tmpfile();
    plan.err = open_memstream(&said, &length);
    assert_int_equal(drill_play(&plan), DRILL_NOT_UNDERSTOOD);
    assert_int_equal(ftell(plan.out), 0);
    fclose(plan.out);
    fclose(plan.err);
    assert_string_equal(said, "handfast: drill: /nowhere/at/all: No such file or directory\n");
    free(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_passes, begin, end),
        cmocka_unit_test_setup_teardown(test_packet_differs, begin, end),
        cmocka_unit_test_setup_teardown(test_packet_unexpected, begin, end),
        cmocka_unit_test_setup_teardown(test_tolerance, begin, end),
        cmocka_unit_test_setup_teardown(test_non_fatal, begin, end),
        cmocka_unit_test_setup_teardown(test_call_differs, begin, end),
        cmocka_unit_test_setup_teardown(test_assertion_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_versions, begin, end),
        cmocka_unit_test_setup_teardown(test_not_understood, begin, end),
        cmocka_unit_test_setup_teardown(test_junit, begin, end),
        cmocka_unit_test(test_missing_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
