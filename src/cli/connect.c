/* SPDX-License-Identifier: MIT
 *
 * `handfast connect': opens a connection, and is nc from then on.
 */
#define _GNU_SOURCE /* <uv.h> needs more than C17 has */

#include "message.h"
#include "options.h"
#include "session.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { ID_TIMEOUT = SESSION_ID_OWN };

struct connecting {
    struct session *session;
    hf_time timeout_ns; /* 0: as long as the stack tries */
    uv_timer_t timer;
    bool timer_open;
};

static const struct option_row rows[] = {
    SESSION_OPTION_ROWS,
    {ID_TIMEOUT, "timeout", "SECONDS",
     "Give up if the connection is not open by then. Default: when SYN was sent 8 times, which "
     "takes about four minutes."},
};

static int run(int argc, char **argv);

const struct command command_connect = {
    .name = "connect",
    .operands = "HOST PORT",
    .summary = "open a connection; standard input goes to the peer",
    .description =
        "Opens a connection to PORT of HOST, an address or a name. Sends standard input to the "
        "peer and writes what the peer sends to standard output. The end of standard input "
        "closes that direction only; the command ends when both are closed.",
    .options = rows,
    .option_count = sizeof rows / sizeof rows[0],
    .network = true,
    .run = run,
};

static bool take(void *context, int id, const char *argument)
{
    struct connecting *connecting = context;

    if (id != ID_TIMEOUT)
        return session_take_option(connecting->session, id, argument);
    if (parse_seconds(argument, HF_SECOND / 100, 86400 * HF_SECOND, &connecting->timeout_ns))
        return true;
    fail_usage(&command_connect, "--timeout: '%s' is not a number of seconds from 0.01 to 86400",
               argument);
    return false;
}

static bool family_usable(const struct network_options *network, unsigned family)
{
    for (size_t i = 0; i < network->address_count; i++) {
        if (network->addresses[i].address.family == family)
            return true;
    }
    return false;
}

static bool take_found(const struct addrinfo *found, struct hf_address *address)
{
    if (found->ai_family == AF_INET) {
        struct sockaddr_in socket_address;
        uint8_t bytes[4];

        memcpy(&socket_address, found->ai_addr, sizeof socket_address);
        memcpy(bytes, &socket_address.sin_addr, 4);
        *address = hf_address_ipv4(bytes[0], bytes[1], bytes[2], bytes[3]);
        return true;
    }
    if (found->ai_family == AF_INET6) {
        struct sockaddr_in6 socket_address;

        memcpy(&socket_address, found->ai_addr, sizeof socket_address);
        *address = hf_address_ipv6(socket_address.sin6_addr.s6_addr);
        return true;
    }
    return false;
}

/* Names are looked up with the system's resolver; the first address of a family that Handfast has
 * too is taken. */
static int find_host(const char *name, const struct network_options *network,
                     struct hf_address *address)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int error;
    bool taken = false;

    if (hf_address_parse(name, address) == HF_OK)
        return EXIT_CODE_OK;
    error = getaddrinfo(name, NULL, &hints, &list);
    if (error != 0) {
        say("no address is known for '%s': %s; check the name, or give an address", name,
            gai_strerror(error));
        return EXIT_CODE_FAILURE;
    }
    for (const struct addrinfo *at = list; at != NULL && !taken; at = at->ai_next)
        taken = take_found(at, address) && family_usable(network, address->family);
    freeaddrinfo(list);
    if (!taken) {
        say("'%s' has no address of a family that Handfast has; give one with --address", name);
        return EXIT_CODE_UNREACHABLE;
    }
    return EXIT_CODE_OK;
}

static void timed_out(uv_timer_t *timer)
{
    struct connecting *connecting = timer->data;
    struct session *session = connecting->session;
    struct stream *stream = &session->stream;
    char text[HF_ENDPOINT_TEXT];
    int error = stream->soft_error != HF_OK ? stream->soft_error : HF_ETIMEDOUT;

    if (stream->open || session->host.stopping)
        return;
    stream_abort(stream);
    host_stop(&session->host,
              fail_connection(error, "connecting to %s", hf_endpoint_format(&session->peer, text)));
}

static int start(struct connecting *connecting, const struct hf_endpoint *remote)
{
    struct session *session = connecting->session;
    struct host *host = &session->host;
    char text[HF_ENDPOINT_TEXT];
    hf_handle connection;
    int error;

    error = host_connect(host, remote, &connection);
    if (error != HF_OK)
        return fail_connection(error, "connecting to %s", hf_endpoint_format(remote, text));
    if (connecting->timeout_ns > 0) {
        uv_timer_init(&host->loop, &connecting->timer);
        connecting->timer_open = true;
        connecting->timer.data = connecting;
        uv_timer_start(&connecting->timer, timed_out,
                       (uint64_t)(connecting->timeout_ns / HF_MILLISECOND), 0);
    }
    session_begin(session, connection, remote, false);
    return EXIT_CODE_OK;
}

static int open_all(struct connecting *connecting, const char *name, struct hf_endpoint *remote)
{
    struct session *session = connecting->session;
    int code;

    if (!network_options_finish(&session->network, session->command))
        return EXIT_CODE_USAGE;
    code = find_host(name, &session->network, &remote->address);
    if (code == EXIT_CODE_OK && hf_address_is_any(&remote->address))
        return fail_usage(&command_connect, "'%s' names no host", name);
    if (code == EXIT_CODE_OK)
        code = session_open(session);
    return code;
}

static int run(int argc, char **argv)
{
    struct session *session = session_new(&command_connect);
    struct connecting connecting = {.session = session};
    struct hf_endpoint remote = {.port = 0};
    unsigned long port;
    int operand, code;

    if (session == NULL)
        return EXIT_CODE_FAILURE;
    if (!options_scan(&command_connect, argc, argv, &session->network, take, &connecting, &operand,
                      &code))
        return session_close(session, code);
    code = EXIT_CODE_USAGE;
    if (argc - operand != 2) {
        fail_usage(&command_connect, "connect needs a host and a port, as two words: "
                                     "connect 10.66.0.1 80");
    } else if (!parse_number(argv[operand + 1], 1, 65535, &port)) {
        fail_usage(&command_connect, "'%s' is not a port from 1 to 65535", argv[operand + 1]);
    } else {
        remote.port = (uint16_t)port;
        code = open_all(&connecting, argv[operand], &remote);
    }
    if (code == EXIT_CODE_OK)
        code = start(&connecting, &remote);
    if (code == EXIT_CODE_OK)
        code = host_run(&session->host);
    if (connecting.timer_open)
        uv_close((uv_handle_t *)&connecting.timer, NULL);
    return session_close(session, code);
}
