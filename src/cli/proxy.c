/* SPDX-License-Identifier: MIT
 *
 * `handfast proxy': programs that know only the kernel's TCP, put on Handfast's.
 *
 * A forward rule listens in the stack and connects in the kernel; a reverse rule listens in the
 * kernel and connects in the stack. Each connection is a relay of its own; here are only the
 * listeners, the accounts, and what to do when descriptors run out: nothing is accepted any more
 * (the clients wait in the listeners' queues) until a relay ends.
 *
 * With --cores there are several of these in one process, each with a host, a loop and a thread of
 * its own (cores.h): forward rules listen on every core and each takes what is its own; reverse
 * rules share the kernel's listening socket, and whoever wakes first takes the connection. What
 * they have in common is how many relays there are, and the end.
 */
#define _GNU_SOURCE /* <uv.h> needs more than C17 has */

#include "kernel_socket.h"
#include "message.h"
#include "options.h"
#include "proxy_rule.h"
#include "relay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    ID_FORWARD = 1,
    ID_REVERSE,
    ID_CORES,
    MOST_RULES = 64,
    STACK_BACKLOG = 1024,
    ACCEPTS_PER_WAKEUP = 64,
    RETRY_MILLISECONDS = 1000,
    COMPLAINTS_APART_NS = 1000000000,
    ABORTS_BETWEEN_FLUSHES = 64
};

struct proxy;

/* Of all cores. */
struct proxy_count {
    atomic_uint relays, most;
};

struct rule {
    struct host_owner owner;
    struct proxy *proxy;
    const char *text;
    bool reverse;
    struct hf_endpoint listen, target;
    hf_handle listener; /* forward */
    int descriptor;     /* reverse; -1: none */
    uv_poll_t poll;
    uint64_t connections, not_connected, reset;
};

struct proxy {
    struct host host;
    struct network_options *network;
    struct proxy_count *count;
    struct proxy **all; /* one for each core, this one among them */
    struct host **hosts;
    uint32_t core;
    uv_thread_t thread;
    bool has_thread;
    int code;
    struct rule rules[MOST_RULES];
    size_t rule_count;
    struct relay *relays; /* a list, newest first */
    uint32_t relay_count;
    uint64_t to_kernel_bytes, to_stack_bytes;
    uv_timer_t retry;
    bool retry_open, paused, exhaustion_said;
    hf_time last_complaint;
    uint64_t complaints_kept_back;
};

static const struct option_row rows[] = {
    {ID_FORWARD, "forward", "[ADDRESS:]PORT=ADDRESS:PORT",
     "Listen on Handfast's PORT, at all its addresses or at one, and relay each connection to a "
     "kernel socket connected to the address behind '='. Repeatable."},
    {ID_REVERSE, "reverse", "ADDRESS:PORT=ADDRESS:PORT",
     "Listen on a kernel socket, and relay each connection through one that Handfast opens to the "
     "address behind '='. Repeatable."},
    {ID_CORES, "cores", "COUNT",
     "Run a stack and a thread for each of so many cores, 1 to 64, over a queue each of the "
     "device. "
     "Not with --pcap, --trace or --ladder. Default: 1."},
};

static int run(int argc, char **argv);

const struct command command_proxy = {
    .name = "proxy",
    .operands = "",
    .summary = "put Handfast's TCP between programs that use the kernel's",
    .description =
        "Relays connections between Handfast's TCP and the kernel's: bytes, half-closes, resets "
        "and back-pressure are carried across both ways. Needs at least one --forward or "
        "--reverse. Prints \"ready\" on standard error when all of them listen. Ends by SIGINT or "
        "SIGTERM with a summary. Write IPv6 endpoints in brackets, as in [fd66::2]:80.",
    .options = rows,
    .option_count = sizeof rows / sizeof rows[0],
    .network = true,
    .run = run,
};

static bool take(void *context, int id, const char *argument)
{
    struct proxy *proxy = context;
    bool reverse = id == ID_REVERSE;
    struct rule *rule;
    unsigned long cores;

    if (id == ID_CORES) {
        if (!parse_number(argument, 1, HF_CORES_MAX, &cores)) {
            fail_usage(&command_proxy, "--cores: '%s' is not a number from 1 to %d", argument,
                       HF_CORES_MAX);
            return false;
        }
        proxy->network->cores = (uint32_t)cores;
        return true;
    }
    if (proxy->rule_count == MOST_RULES) {
        fail_usage(&command_proxy, "at most %d rules", (int)MOST_RULES);
        return false;
    }
    rule = &proxy->rules[proxy->rule_count];
    *rule = (struct rule){.proxy = proxy, .text = argument, .reverse = reverse, .descriptor = -1};
    if (!proxy_rule_parse(argument, !reverse, &rule->listen, &rule->target)) {
        fail_usage(&command_proxy, "--%s: '%s' is not of the form %s",
                   reverse ? "reverse" : "forward", argument,
                   reverse ? "127.0.0.1:9090=10.66.0.1:80 or [::1]:9090=[fd66::1]:80"
                           : "80=127.0.0.1:8080 or 80=[::1]:8080");
        return false;
    }
    proxy->rule_count++;
    return true;
}

/* A broken target and a thousand clients are not a thousand lines. */
static void complain(struct proxy *proxy, const struct rule *rule, const char *doing, int error)
{
    char target[HF_ENDPOINT_TEXT];
    hf_time now = host_now(&proxy->host);

    if (proxy->last_complaint != 0 && now - proxy->last_complaint < COMPLAINTS_APART_NS) {
        proxy->complaints_kept_back++;
        return;
    }
    proxy->last_complaint = now;
    fail_connection(error, "%s %s (--%s %s)", doing, hf_endpoint_format(&rule->target, target),
                    rule->reverse ? "reverse" : "forward", rule->text);
}

static void pause_accepting(struct proxy *proxy, int error);
static void accept_forward(struct rule *rule);
static void accept_reverse(uv_poll_t *poll, int status, int events);

static void resume_accepting(uv_timer_t *timer)
{
    struct proxy *proxy = timer->data;

    proxy->paused = false;
    for (size_t i = 0; i < proxy->rule_count; i++) {
        struct rule *rule = &proxy->rules[i];

        if (rule->reverse)
            uv_poll_start(&rule->poll, UV_READABLE, accept_reverse);
        else
            accept_forward(rule);
    }
}

static void pause_accepting(struct proxy *proxy, int error)
{
    if (!proxy->exhaustion_said)
        say("no more connections for now (%s, %u open): new ones wait until others end%s",
            strerror(-error), proxy->relay_count,
            error == -EMFILE ? "; raise the limit with 'ulimit -n'" : "");
    proxy->exhaustion_said = true;
    proxy->paused = true;
    for (size_t i = 0; i < proxy->rule_count; i++) {
        if (proxy->rules[i].reverse)
            uv_poll_stop(&proxy->rules[i].poll);
    }
    uv_timer_start(&proxy->retry, resume_accepting, RETRY_MILLISECONDS, 0);
}

static void relay_forget(struct proxy *proxy, struct relay *relay)
{
    if (relay->previous != NULL)
        relay->previous->next = relay->next;
    else
        proxy->relays = relay->next;
    if (relay->next != NULL)
        relay->next->previous = relay->previous;
    proxy->relay_count--;
    atomic_fetch_sub(&proxy->count->relays, 1);
    proxy->to_kernel_bytes += relay->to_kernel_bytes;
    proxy->to_stack_bytes += relay->to_stack_bytes;
}

static void relay_ended(struct relay *relay, enum relay_end how, int error)
{
    struct rule *rule = relay->context;
    struct proxy *proxy = rule->proxy;

    relay_forget(proxy, relay);
    switch (how) {
    case RELAY_RESET:
        rule->reset++;
        host_tell(&proxy->host,
                  "--%s %s: %s after %" PRIu64 " bytes to the kernel and %" PRIu64 " from it",
                  rule->reverse ? "reverse" : "forward", rule->text, error_words(error),
                  relay->to_kernel_bytes, relay->to_stack_bytes);
        break;
    case RELAY_NOT_CONNECTED:
        rule->not_connected++;
        complain(proxy, rule, "cannot connect to", error);
        break;
    case RELAY_CLOSED:
        break;
    }
    /* A descriptor is free; not from within this one's callbacks. */
    if (proxy->paused)
        uv_timer_start(&proxy->retry, resume_accepting, 0, 0);
}

static void count_relay(struct proxy_count *count)
{
    unsigned now = atomic_fetch_add(&count->relays, 1) + 1, most = atomic_load(&count->most);

    while (now > most && !atomic_compare_exchange_weak(&count->most, &most, now))
        ;
}

static void relay_add(struct rule *rule, hf_handle handle, int descriptor, bool kernel_open)
{
    struct proxy *proxy = rule->proxy;
    struct relay *relay = relay_new(&proxy->host, handle, !rule->reverse, descriptor, kernel_open);

    rule->connections++;
    if (relay == NULL) {
        rule->not_connected++;
        hf_abort(proxy->host.stack, handle, host_now(&proxy->host));
        kernel_socket_reset(descriptor);
        complain(proxy, rule, "relaying to", HF_ENOMEM);
        return;
    }
    relay->context = rule;
    relay->ended = relay_ended;
    relay->next = proxy->relays;
    if (proxy->relays != NULL)
        proxy->relays->previous = relay;
    proxy->relays = relay;
    proxy->relay_count++;
    count_relay(proxy->count);
    relay_start(relay);
}

static void connect_kernel(struct rule *rule, hf_handle handle, int descriptor)
{
    struct proxy *proxy = rule->proxy;
    int error = kernel_socket_connect(descriptor, &rule->target);

    if (error == 0 || error == -EINPROGRESS) {
        relay_add(rule, handle, descriptor, error == 0);
        return;
    }
    close(descriptor);
    hf_abort(proxy->host.stack, handle, host_now(&proxy->host));
    rule->connections++;
    rule->not_connected++;
    complain(proxy, rule, "cannot connect to", error);
}

/* Edges: accepts until there is none left, or no descriptor. */
static void accept_forward(struct rule *rule)
{
    struct proxy *proxy = rule->proxy;
    struct hf_status status;

    while (!proxy->paused && !proxy->host.stopping &&
           hf_status(proxy->host.stack, rule->listener, &status) == HF_OK &&
           status.accept_queue > 0) {
        hf_handle handle;
        int descriptor = kernel_socket_new(&rule->target);

        if (descriptor < 0) {
            pause_accepting(proxy, descriptor);
            return;
        }
        if (hf_accept(proxy->host.stack, rule->listener, &handle, NULL) != HF_OK) {
            close(descriptor);
            return;
        }
        connect_kernel(rule, handle, descriptor);
    }
}

static void take_listener_event(struct host_owner *owner, const struct hf_event *event)
{
    if (event->type == HF_EVENT_ACCEPTABLE)
        accept_forward((struct rule *)owner);
}

static void accept_reverse(uv_poll_t *poll, int status, int events)
{
    struct rule *rule = poll->data;
    struct proxy *proxy = rule->proxy;
    struct host *host = &proxy->host;

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_WAKEUP && !proxy->paused; i++) {
        int descriptor = kernel_socket_accept(rule->descriptor), error;
        hf_handle handle;

        if (descriptor == -EAGAIN)
            return;
        if (descriptor < 0) {
            if (kernel_socket_exhausted(descriptor))
                pause_accepting(proxy, descriptor);
            continue;
        }
        error = host_connect(host, &rule->target, &handle);
        if (error == HF_OK) {
            relay_add(rule, handle, descriptor, true);
            continue;
        }
        kernel_socket_reset(descriptor);
        rule->connections++;
        rule->not_connected++;
        complain(proxy, rule, "cannot connect to", error);
    }
}

static int start_forward(struct rule *rule)
{
    struct host *host = &rule->proxy->host;
    int error = host_listen(host, &rule->listen, STACK_BACKLOG, &rule->listener);

    if (error != HF_OK)
        return fail(error, "--forward %s: Handfast cannot listen there", rule->text);
    rule->owner.event = take_listener_event;
    if (!host_own(host, rule->listener, &rule->owner))
        return fail(HF_ENOMEM, "--forward %s", rule->text);
    return EXIT_CODE_OK;
}

static int start_reverse(struct rule *rule)
{
    struct host *host = &rule->proxy->host;
    struct proxy *first = rule->proxy->all[0];
    int descriptor = rule->proxy == first
                         ? kernel_socket_listen(&rule->listen)
                         : kernel_socket_share(first->rules[rule - rule->proxy->rules].descriptor);
    int error;

    if (descriptor < 0)
        return fail(descriptor, "--reverse %s: the kernel cannot listen there", rule->text);
    error = uv_poll_init(&host->loop, &rule->poll, descriptor);
    if (error != 0) {
        close(descriptor);
        return fail(error, "--reverse %s", rule->text);
    }
    rule->descriptor = descriptor;
    rule->poll.data = rule;
    error = uv_poll_start(&rule->poll, UV_READABLE, accept_reverse);
    return error != 0 ? fail(error, "--reverse %s", rule->text) : EXIT_CODE_OK;
}

static int start(struct proxy *proxy)
{
    int code = EXIT_CODE_OK;

    uv_timer_init(&proxy->host.loop, &proxy->retry);
    proxy->retry.data = proxy;
    proxy->retry_open = true;
    for (size_t i = 0; i < proxy->rule_count && code == EXIT_CODE_OK; i++)
        code = proxy->rules[i].reverse ? start_reverse(&proxy->rules[i])
                                       : start_forward(&proxy->rules[i]);
    return code;
}

/* Returns how many relays it had to end. */
static uint32_t finish(struct proxy *proxy)
{
    uint32_t aborted = 0;

    for (size_t i = 0; i < proxy->rule_count; i++) {
        struct rule *rule = &proxy->rules[i];

        if (rule->descriptor >= 0) {
            uv_close((uv_handle_t *)&rule->poll, NULL);
            close(rule->descriptor);
        }
        if (rule->listener != HF_NO_HANDLE)
            hf_close(proxy->host.stack, rule->listener, host_now(&proxy->host));
    }
    while (proxy->relays != NULL) {
        struct relay *relay = proxy->relays;

        relay_forget(proxy, relay);
        relay_abort(relay);
        if (++aborted % ABORTS_BETWEEN_FLUSHES == 0)
            host_flush(&proxy->host);
    }
    if (proxy->retry_open)
        uv_close((uv_handle_t *)&proxy->retry, NULL);
    return aborted;
}

/* The first core's account is everybody's. */
static void add_up(struct proxy *proxy)
{
    for (uint32_t core = 1; core < proxy->network->cores; core++) {
        const struct proxy *other = proxy->all[core];

        for (size_t i = 0; i < proxy->rule_count; i++) {
            proxy->rules[i].connections += other->rules[i].connections;
            proxy->rules[i].not_connected += other->rules[i].not_connected;
            proxy->rules[i].reset += other->rules[i].reset;
        }
        proxy->to_kernel_bytes += other->to_kernel_bytes;
        proxy->to_stack_bytes += other->to_stack_bytes;
        proxy->complaints_kept_back += other->complaints_kept_back;
    }
}

static void summarize(const struct proxy *proxy)
{
    uint64_t connections = 0, not_connected = 0, reset = 0;

    for (size_t i = 0; i < proxy->rule_count; i++) {
        const struct rule *rule = &proxy->rules[i];

        connections += rule->connections;
        not_connected += rule->not_connected;
        reset += rule->reset;
        say("--%s %s: %" PRIu64 " connections, %" PRIu64 " not connected, %" PRIu64 " reset",
            rule->reverse ? "reverse" : "forward", rule->text, rule->connections,
            rule->not_connected, rule->reset);
    }
    say("in all: %" PRIu64 " connections (at most %u at once), %" PRIu64 " not connected, %" PRIu64
        " reset; %" PRIu64 " bytes from Handfast to the kernel, %" PRIu64 " back",
        connections, atomic_load(&proxy->count->most), not_connected, reset, proxy->to_kernel_bytes,
        proxy->to_stack_bytes);
    if (proxy->complaints_kept_back > 0)
        say("%" PRIu64 " further complaints like those above were kept back",
            proxy->complaints_kept_back);
}

static void take_signal(struct host *host, int number)
{
    (void)number;
    host_stop(host, EXIT_CODE_OK);
}

/* Each relay needs a descriptor: as many as may be. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_core(struct proxy *proxy)
{
    int code =
        host_open_core(&proxy->host, proxy->hosts, proxy->core, proxy->network, command_proxy.name);

    if (code == EXIT_CODE_OK) {
        proxy->host.command = proxy;
        proxy->host.on_signal = take_signal;
        code = start(proxy);
    }
    return code;
}

/* One core's end is everybody's. */
static void run_core(void *argument)
{
    struct proxy *proxy = argument;

    proxy->code = host_run(&proxy->host);
    for (uint32_t core = 0; core < proxy->network->cores; core++) {
        if (core != proxy->core)
            host_ask_stop(proxy->hosts[core]);
    }
}

static int run_cores(struct proxy *first)
{
    int error = 0, code;

    for (uint32_t core = 1; core < first->network->cores && error == 0; core++) {
        error = uv_thread_create(&first->all[core]->thread, run_core, first->all[core]);
        first->all[core]->has_thread = error == 0;
    }
    if (error != 0)
        host_stop(&first->host, fail(error, "cannot start a thread for each core"));
    run_core(first);
    code = first->code;
    for (uint32_t core = 1; core < first->network->cores; core++) {
        if (first->all[core]->has_thread)
            uv_thread_join(&first->all[core]->thread);
        if (code == EXIT_CODE_OK)
            code = first->all[core]->code;
    }
    return code;
}

static int serve(struct proxy *first)
{
    uint32_t cores = first->network->cores, opened = 0, aborted = 0;
    int code = EXIT_CODE_OK;

    raise_descriptor_limit();
    while (opened < cores && code == EXIT_CODE_OK)
        code = open_core(first->all[opened++]);
    if (code == EXIT_CODE_OK) {
        dprintf(STDERR_FILENO, "ready\n");
        code = run_cores(first);
        add_up(first);
        summarize(first);
    }
    for (uint32_t core = opened; core-- > 0;) {
        if (first->all[core]->host.loop_open)
            aborted += finish(first->all[core]);
        code = host_close(&first->all[core]->host, code);
    }
    if (aborted > 0)
        say("%u open connections were reset", aborted);
    return code;
}

/* Each core has the same rules. */
static struct proxy *copy_proxy(const struct proxy *first, uint32_t core)
{
    struct proxy *proxy = calloc(1, sizeof *proxy);

    if (proxy == NULL)
        return NULL;
    *proxy = *first;
    proxy->core = core;
    for (size_t i = 0; i < proxy->rule_count; i++)
        proxy->rules[i].proxy = proxy;
    return proxy;
}

static int serve_on_cores(struct proxy *first)
{
    struct proxy *all[HF_CORES_MAX] = {first};
    struct host *hosts[HF_CORES_MAX] = {&first->host};
    struct proxy_count count;
    bool complete = true;
    int code;

    if (first->network->cores > 1 && (first->network->pcap_path != NULL ||
                                      first->network->trace_path != NULL || first->network->ladder))
        return fail_usage(&command_proxy,
                          "--cores: --pcap, --trace and --ladder follow one core; leave them out");
    atomic_init(&count.relays, 0);
    atomic_init(&count.most, 0);
    first->count = &count;
    first->all = all;
    first->hosts = hosts;
    for (uint32_t core = 1; core < first->network->cores && complete; core++) {
        all[core] = copy_proxy(first, core);
        complete = all[core] != NULL;
        hosts[core] = complete ? &all[core]->host : NULL;
    }
    code = complete ? serve(first) : fail(-ENOMEM, "proxy");
    for (uint32_t core = 1; core < first->network->cores; core++)
        free(all[core]);
    return code;
}

static int run(int argc, char **argv)
{
    struct network_options network;
    struct proxy *proxy = calloc(1, sizeof *proxy);
    int operand, code;

    if (proxy == NULL)
        return fail(-ENOMEM, "proxy");
    proxy->network = &network;
    network_options_init(&network);
    if (options_scan(&command_proxy, argc, argv, &network, take, proxy, &operand, &code)) {
        code = EXIT_CODE_USAGE;
        if (operand != argc)
            fail_usage(&command_proxy, "proxy takes no operands, but was given '%s'",
                       argv[operand]);
        else if (proxy->rule_count == 0)
            fail_usage(&command_proxy, "proxy needs at least one --forward or --reverse");
        else if (network_options_finish(&network, &command_proxy))
            code = serve_on_cores(proxy);
    }
    free(proxy);
    return code;
}
