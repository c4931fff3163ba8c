/* SPDX-License-Identifier: MIT
 *
 * How packetdrill ends a script, what it calls past the table (these cases run with the plug-in
 * preloaded, too), the flags, and the sysctls of a namespace. What the plug-in says on stderr, and
 * the status of the process, is looked at from the process that started it.
 */
#include "driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { SKIPPED = 77, TCP_INFO_BYTES = 280 };

static bool is_preloaded(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, plugin_path) != NULL;
}

/* packetdrill's end: the C library's close, then one RST for each connection, then free. */
static void end_as_packetdrill(struct connection *connection)
{
    struct segment reset = connection->peer;
    SAME(close(connection->fd), 0); /* a real descriptor: EBADF would fail the script */
    SAME(close(connection->listener), 0);
    reset.flags = RST | ACK;
    inject(&reset);
    ifc.free(ifc.u);
}

static void end_clean(void)
{
    struct connection connection;
    load("strict");
    connection = passive_open(100, 8080);
    at(1000);
    end_as_packetdrill(&connection);
}

static void end_with_leftovers(void)
{
    struct connection connection;
    load("strict");
    connection = passive_open(100, 8080);
    at(1000);
    SAME(ifc.write(ifc.u, connection.fd, "unexpected", 10), 10);
    at(2000);
    end_as_packetdrill(&connection);
}

static void end_with_another_conversation(void)
{
    struct connection first, second;
    load("strict");
    first = passive_open(100, 8080);
    second = passive_open(5000, 8081);
    at(6000);
    SAME(ifc.write(ifc.u, first.fd, "x", 1), 1); /* while the script speaks in the second */
    (void)receive();
    SAME(close(first.fd), 0);
    SAME(close(first.listener), 0);
    first.peer.flags = RST | ACK;
    inject(&first.peer);
    end_as_packetdrill(&second);
}

static long long blocked_read(void *argument)
{
    char byte;
    return ifc.read(ifc.u, *(int *)argument, &byte, 1);
}

static void end_with_a_blocked_call(void)
{
    static struct job job;
    static struct connection connection;
    load("strict,idle=0");
    connection = passive_open(100, 8080);
    job = (struct job){.call = blocked_read, .argument = &connection.fd, .begin_us = now_us()};
    CHECK(start(&job));
    ifc.free(ifc.u);
    finish(&job);
    SAME(job.result, -1);
    SAME(job.error, EINTR);
}

/* Not strict: said, but no failure. */
static void end_leniently(void)
{
    struct connection connection;
    load(NULL);
    connection = passive_open(100, 8080);
    SAME(ifc.write(ifc.u, connection.fd, "unexpected", 10), 10);
    end_as_packetdrill(&connection);
}

static void with_unknown_flags(void)
{
    load("strict, colour=blue,mtu=12,local=192.168.7.7");
    ifc.free(ifc.u);
}

static void with_no_table(void)
{
    void *library = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
    void (*init)(const char *, struct ifc *);
    void *symbol = dlsym(library, "packetdrill_interface_init");
    CHECK(symbol != NULL);
    memcpy(&init, &symbol, sizeof init);
    init(NULL, NULL);
}

/* Runs it in a process of its own: its status, and what it says. */
static int run_apart(void (*run)(void), char *said, size_t room)
{
    int fds[2], status;
    size_t length = 0;
    ssize_t more;
    pid_t child;
    SAME(pipe(fds), 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        run();
        exit(EXIT_SUCCESS);
    }
    close(fds[1]);
    while ((more = read(fds[0], said + length, room - 1 - length)) > 0)
        length += (size_t)more;
    said[length] = '\0';
    close(fds[0]);
    SAME(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void expect_apart(void (*run)(void), int status, const char *text)
{
    char said[8192];
    int actual = run_apart(run, said, sizeof said);
    if (actual != status || (text != NULL ? strstr(said, text) == NULL : said[0] != '\0')) {
        fprintf(stderr, "status %d, expected %d; it says '%s', expected '%s'\n", actual, status,
                said, text != NULL ? text : "");
        exit(EXIT_FAILURE);
    }
}

void case_end(void)
{
    expect_apart(end_clean, EXIT_SUCCESS, NULL);
}

void case_end_problems(void)
{
    expect_apart(end_with_leftovers, EXIT_FAILURE, "the script ends, but this was sent, too");
    expect_apart(end_with_another_conversation, EXIT_FAILURE, "a packet of another conversation");
    expect_apart(end_with_a_blocked_call, EXIT_FAILURE, "a call is still blocked");
    expect_apart(end_leniently, EXIT_SUCCESS, "the script ends, but this was sent, too");
}

void case_flags(void)
{
    expect_apart(with_unknown_flags, EXIT_SUCCESS, "there is no flag 'colour'");
    expect_apart(with_unknown_flags, EXIT_SUCCESS, "mtu: '12' is no value for it");
    expect_apart(with_no_table, EXIT_SUCCESS, "there is no table to fill");
}

/* ---- preloaded */

static void info_by_the_c_library(int fd)
{
    struct {
        uint8_t state, others[7];
        uint32_t words[(TCP_INFO_BYTES - 8) / 4];
    } info;
    uint32_t memory[9];
    uint8_t congestion[20];
    socklen_t length = sizeof info;
    memset(&info, 0xff, sizeof info);
    SAME(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    SAME(length, TCP_INFO_BYTES);
    SAME(info.state, 1);                /* TCP_ESTABLISHED */
    SAME(info.words[(80 - 8) / 4], 10); /* tcpi_snd_cwnd at byte 80: RFC 6928's window */
    length = sizeof congestion;
    SAME(getsockopt(fd, IPPROTO_TCP, 26, congestion, &length), 0); /* TCP_CC_INFO */
    CHECK(length <= sizeof congestion);
    length = sizeof memory;
    memset(memory, 0xff, sizeof memory);
    SAME(getsockopt(fd, SOL_SOCKET, 55, memory, &length), 0); /* SO_MEMINFO */
    SAME(length, sizeof memory);
    CHECK(memory[SK_MEMINFO_RCVBUF] > 0 && memory[SK_MEMINFO_SNDBUF] > 0);
    SAME(memory[SK_MEMINFO_DROPS], 0);
}

static void sendfile_by_the_c_library(struct connection *connection)
{
    char name[] = "/tmp/handfast-driver-XXXXXX";
    int file = mkstemp(name);
    struct segment segment;
    off_t offset = 4;
    CHECK(file >= 0);
    unlink(name);
    SAME(write(file, "0123456789", 10), 10);
    at(10000);
    SAME(sendfile(connection->fd, file, &offset, 3), 3);
    SAME(offset, 7);
    segment = receive_at(ACK | PSH, 10000);
    CHECK(segment.payload_length == 3 && memcmp(segment.payload, "456", 3) == 0);
    connection->peer.ack += 3;
    at(11000);
    peer_says(connection, ACK, "");
    SAME(lseek(file, 8, SEEK_SET), 8);
    SAME(sendfile(connection->fd, file, NULL, 100), 2);
    SAME(lseek(file, 0, SEEK_CUR), 10);
    segment = receive_at(ACK | PSH, 11000);
    CHECK(segment.payload_length == 2 && memcmp(segment.payload, "89", 2) == 0);
    connection->peer.ack += 2;
    at(12000);
    peer_says(connection, ACK, "");
    SAME(sendfile(connection->fd, file, NULL, 100), 0);
    FAILS(sendfile(connection->fd, -1, NULL, 1), EBADF);
    SAME(close(file), 0);
}

/* Sockets of the kernel are the kernel's. */
static void others_pass(void)
{
    int fds[2], type = 0;
    socklen_t length = sizeof type;
    SAME(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    SAME(getsockopt(fds[0], SOL_SOCKET, SO_TYPE, &type, &length), 0);
    SAME(type, SOCK_STREAM);
    SAME(close(fds[0]), 0);
    SAME(close(fds[1]), 0);
    FAILS(close(fds[1]), EBADF);
}

static void preloaded_run(void)
{
    struct connection connection;
    int fd;
    others_pass(); /* before there is an instance */
    load("strict");
    connection = passive_open(100, 8080);
    info_by_the_c_library(connection.fd);
    sendfile_by_the_c_library(&connection);
    others_pass();
    fd = ifc.socket(ifc.u, family(), SOCK_STREAM, 0);
    SAME(close(fd), 0); /* the stack hears of it: */
    FAILS(ifc.listen(ifc.u, fd, 1), EBADF);
    end_as_packetdrill(&connection);
    others_pass();
}

void case_preload(void)
{
    CHECK(is_preloaded());
    expect_apart(preloaded_run, EXIT_SUCCESS, NULL);
    case_end();
    case_end_problems();
}

/* ---- sysctls */

static bool has_option(const struct segment *segment, unsigned kind)
{
    for (size_t i = 0; i < segment->options_length;) {
        if (segment->options[i] == kind)
            return true;
        i += segment->options[i] <= 1 ? 1 : segment->options[i + 1];
    }
    return false;
}

static void set_sysctl(const char *name, const char *value)
{
    char path[128];
    int fd;
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    SAME(write(fd, value, strlen(value)), strlen(value));
    SAME(close(fd), 0);
}

static struct segment syn_of_a_connect(uint16_t port)
{
    struct address remote = remote_address(port);
    int fd = ifc.socket(ifc.u, family(), SOCK_STREAM | SOCK_NONBLOCK, 0);
    FAILS(ifc.connect(ifc.u, fd, SOCKADDR(remote), remote.length), EINPROGRESS);
    return receive();
}

/* A script that asks for what there is not here is told so; the values of a usual kernel are not.
 */
static void set_unmapped(void)
{
    load(NULL);
    set_sysctl("tcp_thin_linear_timeouts", "1");
    (void)syn_of_a_connect(1003);
    ifc.free(ifc.u);
}

static void set_nothing(void)
{
    load(NULL);
    (void)syn_of_a_connect(1003);
    ifc.free(ifc.u);
}

void case_sysctl(void)
{
    enum { WINDOW_SCALE = 3, SACK_PERMITTED = 4, TIMESTAMPS = 8 };
    struct segment syn;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        fprintf(stderr, "skipped: no user and network namespace of its own: %s\n", strerror(errno));
        exit(SKIPPED);
    }
    expect_apart(set_unmapped, EXIT_SUCCESS, "tcp_thin_linear_timeouts=1");
    set_sysctl("tcp_thin_linear_timeouts", "0");
    expect_apart(set_nothing, EXIT_SUCCESS, NULL);
    load(NULL);
    /* After the plug-in is loaded, as a script's first command is. */
    set_sysctl("tcp_timestamps", "0");
    syn = syn_of_a_connect(1000);
    CHECK(has_option(&syn, SACK_PERMITTED) && has_option(&syn, WINDOW_SCALE));
    CHECK(!has_option(&syn, TIMESTAMPS));
    /* And between two sockets. */
    set_sysctl("tcp_timestamps", "1");
    set_sysctl("tcp_sack", "0");
    syn = syn_of_a_connect(1001);
    CHECK(!has_option(&syn, SACK_PERMITTED) && has_option(&syn, TIMESTAMPS));
    set_sysctl("tcp_window_scaling", "0");
    syn = syn_of_a_connect(1002);
    CHECK(!has_option(&syn, WINDOW_SCALE) && !has_option(&syn, SACK_PERMITTED));
    ifc.free(ifc.u);
}
