/* SPDX-License-Identifier: MIT
 *
 * Sequences: every call in every state of a connection, and the ways from one to the next.
 */
#include "errno_scenarios.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

/* Everything that can be asked of a socket without changing it for good. */
static void look(struct world *world, int fd)
{
    struct sockaddr_storage out;
    socklen_t length = sizeof out;
    int number = 0;
    w_poll(world, fd, POLLIN | POLLPRI | POLLOUT | POLLRDHUP);
    w_getpeername(world, fd, &out, &length);
    w_ioctl(world, fd, FIONREAD, &number);
    w_ioctl(world, fd, SIOCATMARK, &number);
    w_get(world, fd, SOL_SOCKET, SO_ACCEPTCONN);
    w_accept(world, fd, 0);
}

/* Everything that moves bytes; nothing waits. */
static void use(struct world *world, int fd)
{
    struct iovec none = {NULL, 0};
    w_recv(world, fd, 10, MSG_DONTWAIT);
    w_recv(world, fd, 10, MSG_DONTWAIT);
    w_recv(world, fd, 0, MSG_DONTWAIT);
    w_recv(world, fd, 10, MSG_DONTWAIT | MSG_PEEK);
    w_recv(world, fd, 10, MSG_DONTWAIT | MSG_OOB);
    w_send(world, fd, "x", 1, MSG_DONTWAIT);
    w_settle(world);
    w_send(world, fd, "x", 1, MSG_DONTWAIT);
    w_settle(world);
    w_send(world, fd, NULL, 0, MSG_DONTWAIT);
    w_writev(world, fd, &none, 1);
    w_error(world, fd);
    w_poll(world, fd, POLLIN | POLLOUT | POLLRDHUP);
}

static void fresh(struct world *world)
{
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    look(world, fd);
    use(world, fd);
    w_shutdown(world, fd, SHUT_RD);
    w_poll(world, fd, POLLIN | POLLOUT | POLLRDHUP);
    w_recv(world, fd, 1, MSG_DONTWAIT);
    w_shutdown(world, fd, SHUT_WR);
    w_poll(world, fd, POLLIN | POLLOUT | POLLRDHUP);
    use(world, fd);
    w_close(world, fd);
    w_close(world, fd);
}

static void listening(struct world *world)
{
    uint16_t port;
    int fd = w_listener(world, AF_INET, &port);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    look(world, fd);
    use(world, fd);
    w_listen(world, fd, 0);
    w_listen(world, fd, -1);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_bind(world, fd, &address, w_length(world, AF_INET));
    w_shutdown(world, fd, SHUT_WR);
    look(world, fd);
    w_shutdown(world, fd, SHUT_RD);
    look(world, fd);
    w_listen(world, fd, 5);
    look(world, fd);
    w_shutdown(world, fd, SHUT_RDWR);
    use(world, fd);
    address.ss_family = AF_UNSPEC;
    w_listen(world, fd, 5);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    look(world, fd);
    use(world, fd);
}

static void refused_later(struct world *world)
{
    uint16_t port = w_free_port(world, SERVER);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_await(world, fd, POLLOUT);
    w_poll(world, fd, POLLIN | POLLOUT | POLLRDHUP);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    look(world, fd);
    w_error(world, fd);
    use(world, fd);
    /* Again, and the error is taken by SO_ERROR, recv, send in turn. */
    for (int taker = 0; taker < 4; taker++) {
        w_connect(world, fd, &address, w_length(world, AF_INET));
        w_await(world, fd, POLLOUT);
        if (taker == 0) {
            w_error(world, fd);
        } else if (taker == 1) {
            w_recv(world, fd, 1, 0);
        } else if (taker == 2) {
            w_send(world, fd, "x", 1, 0);
        } else {
            w_listen(world, fd, 1);
        }
        w_poll(world, fd, POLLIN | POLLOUT | POLLRDHUP);
        w_connect(world, fd, &address, w_length(world, AF_INET));
        w_poll(world, fd, POLLIN | POLLOUT | POLLRDHUP);
    }
    w_listen(world, fd, 1);
    look(world, fd);
}

static void refused_at_once(struct world *world)
{
    uint16_t port = w_free_port(world, SERVER);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_error(world, fd);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    look(world, fd);
    use(world, fd);
}

static void connecting_twice(struct world *world)
{
    uint16_t port;
    int listener = w_listener(world, AF_INET, &port);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    struct sockaddr_storage any = w_any(world, AF_INET, port);
    int fd = w_socket(world, CLIENT, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_await(world, fd, POLLOUT);
    w_listen(world, fd, 1);
    w_bind(world, fd, &any, w_length(world, AF_INET));
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_connect(world, fd, &address, w_length(world, AF_INET));
    w_connect(world, fd, &address, 2);
    w_connect(world, fd, &address, 1);
    w_listen(world, fd, 1);
    look(world, fd);
    w_await(world, listener, POLLIN);
    w_accept(world, listener, 0);
    w_accept(world, listener, 0);
    w_close(world, listener);
    w_settle(world);
    look(world, fd);
}

static void connected(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    int number;
    look(world, pair.client);
    w_send(world, pair.client, "hello", 5, 0);
    w_await_bytes(world, pair.server, 5);
    look(world, pair.server);
    w_recv(world, pair.server, 2, MSG_PEEK);
    w_recv(world, pair.server, 2, 0);
    w_recv(world, pair.server, 10, MSG_PEEK | MSG_WAITALL);
    w_recv(world, pair.server, 2, MSG_TRUNC);
    w_recv(world, pair.server, 10, MSG_WAITALL);
    use(world, pair.server);
    w_await_bytes(world, pair.client, 2);
    w_ioctl(world, pair.client, FIONREAD, &number);
    w_ioctl(world, pair.server, SIOCOUTQNSD, &number);
    use(world, pair.client);
    w_bind(world, pair.client, &(struct sockaddr_in){.sin_family = AF_INET},
           sizeof(struct sockaddr_in));
    w_listen(world, pair.server, 1);
}

static void fin(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    w_send(world, pair.client, "bye", 3, 0);
    w_shutdown(world, pair.client, SHUT_WR);
    w_await(world, pair.server, POLLRDHUP);
    look(world, pair.server);
    use(world, pair.server);
    use(world, pair.server);
    w_await_bytes(world, pair.client, 2);
    look(world, pair.client);
    use(world, pair.client);
    w_shutdown(world, pair.server, SHUT_WR);
    w_await(world, pair.client, POLLHUP);
    look(world, pair.client);
    use(world, pair.client);
    w_settle(world);
    look(world, pair.server);
    use(world, pair.server);
    w_shutdown(world, pair.client, SHUT_RDWR);
    w_shutdown(world, pair.server, SHUT_RDWR);
    w_connect(world, pair.client, &(struct sockaddr){.sa_family = AF_INET}, 16);
}

static void shutdown_orders(struct world *world)
{
    static const int orders[][3] = {
        {SHUT_RD, SHUT_WR, SHUT_RDWR}, {SHUT_WR, SHUT_RD, SHUT_RDWR},
        {SHUT_RDWR, SHUT_RD, SHUT_WR}, {SHUT_WR, SHUT_WR, SHUT_WR},
        {SHUT_RD, SHUT_RD, SHUT_RD},   {SHUT_RDWR, SHUT_RDWR, SHUT_RDWR},
    };
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct pair pair = w_pair(world, AF_INET);
        w_note(world, "order %d", (int)i);
        for (int step = 0; step < 3; step++) {
            w_shutdown(world, pair.client, orders[i][step]);
            w_settle(world);
            look(world, pair.client);
            use(world, pair.client);
            look(world, pair.server);
        }
        w_close(world, pair.server);
        w_settle(world);
        look(world, pair.client);
        use(world, pair.client);
    }
}

/* Reading is shut, and data comes. */
static void data_after_shutdown(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    w_shutdown(world, pair.client, SHUT_RD);
    w_send(world, pair.server, "abc", 3, 0);
    w_await_bytes(world, pair.client, 3);
    look(world, pair.client);
    w_recv(world, pair.client, 2, 0);
    use(world, pair.client);
    look(world, pair.server);
}

static void data_after_both(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    w_shutdown(world, pair.client, SHUT_RDWR);
    w_await(world, pair.server, POLLRDHUP);
    w_send(world, pair.server, "abc", 3, 0);
    w_await(world, pair.server, POLLHUP);
    look(world, pair.client);
    use(world, pair.client);
    look(world, pair.server);
    use(world, pair.server);
}

static void reset_by_linger(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    struct linger linger = {1, 0};
    w_setsockopt(world, pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    w_send(world, pair.client, "abc", 3, 0);
    w_await_bytes(world, pair.server, 3);
    w_close(world, pair.client);
    w_await(world, pair.server, POLLHUP);
    look(world, pair.server);
    use(world, pair.server);
    use(world, pair.server);
    w_connect(world, pair.server, &(struct sockaddr){.sa_family = AF_INET}, 16);
    w_shutdown(world, pair.server, SHUT_RDWR);
}

/* The first call after the reset hears of it; which call that is makes no difference to the rest.
 */
static void reset_heard_by(struct world *world)
{
    for (int taker = 0; taker < 5; taker++) {
        struct pair pair = w_pair(world, AF_INET);
        struct linger linger = {1, 0};
        w_setsockopt(world, pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        w_close(world, pair.client);
        w_await(world, pair.server, POLLHUP);
        switch (taker) {
        case 0:
            w_recv(world, pair.server, 1, 0);
            break;
        case 1:
            w_send(world, pair.server, "x", 1, 0);
            break;
        case 2:
            w_error(world, pair.server);
            break;
        case 3:
            w_recv(world, pair.server, 1, MSG_PEEK);
            break;
        default:
            w_shutdown(world, pair.server, SHUT_WR);
            break;
        }
        look(world, pair.server);
        use(world, pair.server);
        w_close(world, pair.server);
    }
}

/* Closing with unread data resets. */
static void reset_by_unread(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    w_send(world, pair.server, "abc", 3, 0);
    w_await_bytes(world, pair.client, 3);
    w_close(world, pair.client);
    w_await(world, pair.server, POLLHUP);
    look(world, pair.server);
    use(world, pair.server);
}

/* The peer closed, we write: its answer is a reset. */
static void write_after_close(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    w_close(world, pair.client);
    w_await(world, pair.server, POLLRDHUP);
    look(world, pair.server);
    w_recv(world, pair.server, 1, 0);
    w_send(world, pair.server, "x", 1, 0);
    w_await(world, pair.server, POLLHUP);
    look(world, pair.server);
    w_send(world, pair.server, "x", 1, 0);
    w_send(world, pair.server, "x", 1, 0);
    w_recv(world, pair.server, 1, 0);
    w_error(world, pair.server);
    look(world, pair.server);
}

/* The same, and the error is taken by SO_ERROR. */
static void pipe_error(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    w_close(world, pair.client);
    w_await(world, pair.server, POLLRDHUP);
    w_send(world, pair.server, "x", 1, 0);
    w_await(world, pair.server, POLLHUP);
    w_error(world, pair.server);
    w_error(world, pair.server);
    use(world, pair.server);
}

static void disconnect(struct world *world)
{
    struct sockaddr_storage unset = {.ss_family = AF_UNSPEC};
    struct pair pair = w_pair(world, AF_INET);
    struct sockaddr_storage address = w_address(world, AF_INET, false, pair.port);
    w_send(world, pair.server, "abc", 3, 0);
    w_await_bytes(world, pair.client, 3);
    w_connect(world, pair.client, &unset, 16);
    look(world, pair.client);
    use(world, pair.client);
    w_await(world, pair.server, POLLHUP);
    look(world, pair.server);
    use(world, pair.server);
    w_note(world, "port %d", w_port_of(world, pair.client) != 0);
    w_connect(world, pair.client, &unset, 16);
    use(world, pair.client);
    /* And once more. */
    w_connect(world, pair.client, &address, w_length(world, AF_INET));
    w_await(world, pair.client, POLLOUT);
    w_connect(world, pair.client, &address, w_length(world, AF_INET));
    w_await(world, pair.listener, POLLIN);
    pair.server = w_accept(world, pair.listener, SOCK_NONBLOCK);
    look(world, pair.client);
    w_send(world, pair.client, "again", 5, 0);
    w_await_bytes(world, pair.server, 5);
    w_recv(world, pair.server, 10, 0);
    w_connect(world, pair.client, &unset, 16);
    w_listen(world, pair.client, 3);
    look(world, pair.client);
    w_connect(world, pair.client, &unset, 16);
    look(world, pair.client);
}

/* A connection that is reset before it is accepted is accepted all the same. */
static void accept_after_reset(struct world *world)
{
    uint16_t port;
    struct linger linger = {1, 0};
    int listener = w_listener(world, AF_INET, &port);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    for (int with_data = 0; with_data < 2; with_data++) {
        int accepted;
        int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
        w_connect(world, client, &address, w_length(world, AF_INET));
        if (with_data) {
            w_send(world, client, "abc", 3, 0);
        }
        w_settle(world);
        w_setsockopt(world, client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        w_close(world, client);
        w_settle(world);
        w_poll(world, listener, POLLIN);
        accepted = w_accept(world, listener, SOCK_NONBLOCK);
        look(world, accepted);
        use(world, accepted);
    }
}

static void accept_after_fin(struct world *world)
{
    uint16_t port;
    int listener = w_listener(world, AF_INET, &port);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM, 0);
    int accepted;
    w_connect(world, client, &address, w_length(world, AF_INET));
    w_send(world, client, "abc", 3, 0);
    w_close(world, client);
    w_settle(world);
    accepted = w_accept(world, listener, SOCK_NONBLOCK);
    look(world, accepted);
    use(world, accepted);
}

/* Closing a listener resets who waits there. */
static void listener_closes(struct world *world)
{
    uint16_t port;
    int listener = w_listener(world, AF_INET, &port);
    struct sockaddr_storage address = w_address(world, AF_INET, false, port);
    int client = w_socket(world, CLIENT, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    w_connect(world, client, &address, w_length(world, AF_INET));
    w_await(world, client, POLLOUT);
    w_settle(world);
    w_close(world, listener);
    w_await(world, client, POLLHUP);
    look(world, client);
    w_connect(world, client, &address, w_length(world, AF_INET));
    use(world, client);
}

/* Blocking calls whose time is over. */
static void timeouts(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    struct timeval time = {0, 20000};
    int fresh_listener = w_socket(world, SERVER, AF_INET, SOCK_STREAM, 0);
    w_fcntl(world, pair.client, F_SETFL, 0);
    w_setsockopt(world, pair.client, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    w_recv(world, pair.client, 10, 0);
    w_send(world, pair.server, "abc", 3, 0);
    w_await_bytes(world, pair.client, 3);
    w_recv(world, pair.client, 10, MSG_WAITALL);
    w_recv(world, pair.client, 10, MSG_WAITALL);
    w_listen(world, fresh_listener, 1);
    w_setsockopt(world, fresh_listener, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    w_accept(world, fresh_listener, 0);
    w_shutdown(world, pair.server, SHUT_WR);
    w_recv(world, pair.client, 10, MSG_WAITALL);
    w_recv(world, pair.client, 10, 0);
}

static void lingering(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    struct linger linger = {1, 5};
    w_setsockopt(world, pair.client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    w_send(world, pair.client, "abc", 3, 0);
    w_close(world, pair.client);
    w_await(world, pair.server, POLLRDHUP);
    look(world, pair.server);
    use(world, pair.server);
}

static void urgent(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    int number;
    int mask = POLLIN | POLLPRI;
    w_recv(world, pair.server, 5, MSG_OOB);
    w_send(world, pair.client, "abcd", 4, 0);
    w_send(world, pair.client, "U", 1, MSG_OOB);
    w_send(world, pair.client, "efg", 3, 0);
    w_await(world, pair.server, POLLPRI);
    w_settle(world);
    w_poll(world, pair.server, mask);
    w_ioctl(world, pair.server, FIONREAD, &number);
    w_ioctl(world, pair.server, SIOCATMARK, &number);
    w_recv(world, pair.server, 5, MSG_OOB | MSG_PEEK);
    w_recv(world, pair.server, 20, MSG_PEEK);
    w_recv(world, pair.server, 2, 0);
    w_recv(world, pair.server, 5, MSG_OOB);
    w_poll(world, pair.server, mask);
    w_recv(world, pair.server, 5, MSG_OOB);
    w_recv(world, pair.server, 20, 0);
    w_ioctl(world, pair.server, SIOCATMARK, &number);
    w_ioctl(world, pair.server, FIONREAD, &number);
    w_poll(world, pair.server, mask);
    w_recv(world, pair.server, 20, MSG_PEEK);
    w_recv(world, pair.server, 20, 0);
    w_ioctl(world, pair.server, SIOCATMARK, &number);
    w_recv(world, pair.server, 5, MSG_OOB);
    w_poll(world, pair.server, mask);
    w_recv(world, pair.server, 20, 0);
}

/* Nothing but the urgent byte. */
static void urgent_alone(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    int number;
    w_send(world, pair.client, "U", 1, MSG_OOB);
    w_await(world, pair.server, POLLPRI);
    w_poll(world, pair.server, POLLIN | POLLPRI);
    w_ioctl(world, pair.server, FIONREAD, &number);
    w_ioctl(world, pair.server, SIOCATMARK, &number);
    w_recv(world, pair.server, 20, MSG_DONTWAIT);
    w_recv(world, pair.server, 20, MSG_OOB);
    w_poll(world, pair.server, POLLIN | POLLPRI);
    w_recv(world, pair.server, 20, MSG_DONTWAIT);
    w_send(world, pair.client, "xyzV", 4, MSG_OOB);
    w_await(world, pair.server, POLLPRI);
    w_settle(world);
    w_recv(world, pair.server, 20, 0);
    w_recv(world, pair.server, 20, MSG_OOB);
    w_recv(world, pair.server, 20, 0);
}

static void urgent_in_line(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    int number;
    w_set(world, pair.server, SOL_SOCKET, SO_OOBINLINE, 1);
    w_send(world, pair.client, "abU", 3, MSG_OOB);
    w_send(world, pair.client, "cd", 2, 0);
    w_await(world, pair.server, POLLPRI);
    w_settle(world);
    w_poll(world, pair.server, POLLIN | POLLPRI);
    w_recv(world, pair.server, 5, MSG_OOB);
    w_ioctl(world, pair.server, FIONREAD, &number);
    w_recv(world, pair.server, 20, 0);
    w_ioctl(world, pair.server, SIOCATMARK, &number);
    w_poll(world, pair.server, POLLIN | POLLPRI);
    w_recv(world, pair.server, 20, 0);
    w_ioctl(world, pair.server, SIOCATMARK, &number);
    w_poll(world, pair.server, POLLIN | POLLPRI);
}

static void urgent_and_end(struct world *world)
{
    struct pair pair = w_pair(world, AF_INET);
    w_send(world, pair.client, "abU", 3, MSG_OOB);
    w_close(world, pair.client);
    w_await(world, pair.server, POLLRDHUP);
    w_poll(world, pair.server, POLLIN | POLLPRI | POLLRDHUP);
    w_recv(world, pair.server, 20, 0);
    w_recv(world, pair.server, 20, MSG_OOB);
    w_recv(world, pair.server, 20, 0);
    w_recv(world, pair.server, 20, 0);
    w_recv(world, pair.server, 20, MSG_OOB);
    w_poll(world, pair.server, POLLIN | POLLPRI | POLLRDHUP);
}

const struct named_scenario state_scenarios[] = {
    {"fresh", fresh, false},
    {"listening", listening, false},
    {"refused later", refused_later, false},
    {"refused at once", refused_at_once, false},
    {"connecting twice", connecting_twice, false},
    {"connected", connected, false},
    {"FIN", fin, false},
    {"shutdown orders", shutdown_orders, false},
    {"data after shutdown", data_after_shutdown, false},
    {"data after both are shut", data_after_both, false},
    {"reset by linger", reset_by_linger, false},
    {"reset heard by", reset_heard_by, false},
    {"reset by unread data", reset_by_unread, false},
    {"write after close", write_after_close, false},
    {"pipe error", pipe_error, false},
    {"disconnect", disconnect, false},
    {"accept after reset", accept_after_reset, false},
    {"accept after FIN", accept_after_fin, false},
    {"listener closes", listener_closes, false},
    {"timeouts", timeouts, false},
    {"lingering", lingering, false},
    {"urgent", urgent, false},
    {"urgent alone", urgent_alone, false},
    {"urgent in line", urgent_in_line, false},
    {"urgent and the end", urgent_and_end, false},
};
const size_t state_scenario_count = sizeof state_scenarios / sizeof state_scenarios[0];
