/* SPDX-License-Identifier: MIT
 *
 * The begin and the end of an instance.
 *
 * packetdrill calls packetdrill_interface_init before the script's first command, so the stack is
 * not made here but when the first socket (or packet) asks for it, with the sysctls of that moment;
 * later sockets give it the sysctls of theirs.
 *
 * There is one instance at a time, known by a variable of its own, because packetdrill makes some
 * calls (getsockopt for its assertions, sendfile, close at its end) past the table and without the
 * userdata in it.
 */
#include "packetdrill_interface.h"
#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nothing may depend on the clock beginning at 0. */
#define CLOCK_START (1000 * HF_SECOND)

enum { PACKET_BYTES = 65536, USUAL_MTU = 1500 };

static _Atomic(struct plugin *) the_instance;

struct plugin *plugin_instance(void)
{
    return atomic_load(&the_instance);
}

/* ---- descriptors: real ones, because packetdrill closes what is left with the C library's close
 */

static int open_real(struct plugin *plugin)
{
    if (plugin->kernel_epoll)
        return (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC);
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int open_descriptor(void *context)
{
    struct plugin *plugin = context;
    int fd = open_real(plugin);
    /* One that was closed behind the table's back is still known here, and not to be mixed up. */
    while (fd >= 0 && hf_sockets_owns(plugin->sockets, fd)) {
        int other = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
        plugin_close_kernel(fd);
        fd = other;
    }
    return fd >= 0 ? fd : -errno;
}

/* Unless it was closed already, and the number is somebody else's by now. */
static void close_descriptor(void *context, int fd)
{
    char path[48], name[48];
    ssize_t length;
    (void)context;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    length = readlink(path, name, sizeof name - 1);
    name[length > 0 ? length : 0] = '\0';
    if (strcmp(name, "/dev/null") == 0 || strcmp(name, "anon_inode:[eventpoll]") == 0)
        plugin_close_kernel(fd);
}

/* ---- the stack */

static struct hf_config usual_config(struct plugin *plugin)
{
    struct hf_config config = hf_config_default();
    memcpy(config.seed, plugin->flags.seed, sizeof config.seed);
    config.receive_buffer_bytes = 6291456; /* as the runner has it, where no sysctl says */
    config.mtu = plugin->flags.mtu != 0 ? plugin->flags.mtu : USUAL_MTU;
    config.host_name = "stack";
    return config;
}

static struct hf_trace_sink trace_sink(struct plugin *plugin)
{
    struct hf_ladder_options options;
    memset(&options, 0, sizeof options);
    plugin->ladder = hf_ladder_new(stderr, &options);
    return plugin->ladder != NULL ? hf_ladder_sink(plugin->ladder)
                                  : (struct hf_trace_sink){NULL, NULL};
}

static bool make_sockets(struct plugin *plugin)
{
    struct hf_sockets_config config = hf_sockets_config_default();
    config.stack = plugin->stack;
    config.now = plugin_now;
    config.wait = plugin_wait;
    config.context = plugin;
    config.open_descriptor = open_descriptor;
    config.close_descriptor = close_descriptor;
    config.zero_copy_bytes = 0; /* Linux copies what goes to the TUN device of the scripts */
    plugin->sockets = hf_sockets_new(&config);
    return plugin->sockets != NULL;
}

static void add_named_addresses(struct plugin *plugin)
{
    for (unsigned family = 0; family < 2; family++) {
        if (plugin->flags.has_local[family] &&
            hf_stack_add_address(plugin->stack, &plugin->flags.local[family]) != HF_OK)
            plugin_problem(plugin, "--so_flags: local: this address cannot be a host's");
    }
}

static bool make_stack(struct plugin *plugin)
{
    plugin->config = usual_config(plugin);
    (void)plugin_sysctl_read(plugin);
    if (plugin->flags.ladder)
        plugin->config.trace = trace_sink(plugin);
    plugin->buffer = malloc(PACKET_BYTES);
    plugin->stack = plugin->buffer != NULL ? hf_stack_new(&plugin->config) : NULL;
    if (plugin->stack == NULL || !make_sockets(plugin)) {
        plugin_problem(plugin, "no stack could be made: out of memory, or an MTU that cannot be");
        hf_stack_free(plugin->stack);
        free(plugin->buffer);
        plugin->stack = NULL;
        plugin->buffer = NULL;
        return false;
    }
    add_named_addresses(plugin);
    return true;
}

bool plugin_ready(struct plugin *plugin)
{
    if (plugin->over)
        return false;
    return plugin->stack != NULL || make_stack(plugin);
}

void plugin_refresh(struct plugin *plugin)
{
    if (plugin_sysctl_read(plugin))
        (void)hf_stack_reconfigure(plugin->stack, &plugin->config);
}

/* ---- the end */

static void end_blocked_calls(struct plugin *plugin)
{
    plugin->over = true;
    plugin->news = true;
    plugin_settle(plugin);
}

static void free_threads(struct plugin *plugin)
{
    while (plugin->threads != NULL) {
        struct plugin_thread *next = plugin->threads->next;
        pthread_cond_destroy(&plugin->threads->wake);
        free(plugin->threads);
        plugin->threads = next;
    }
}

static void plugin_free(void *userdata)
{
    struct plugin *plugin = userdata;
    struct plugin *self = plugin;
    bool blocked = false;
    if (plugin == NULL)
        return;
    (void)plugin_enter(plugin);
    for (struct plugin_thread *thread = plugin->threads; thread != NULL; thread = thread->next)
        blocked |= thread->blocked;
    if (blocked)
        plugin_problem(plugin, "the script ends, but a call is still blocked");
    end_blocked_calls(plugin);
    hf_sockets_free(plugin->sockets);
    plugin->sockets = NULL;
    if (plugin->stack != NULL)
        plugin_judge_end(plugin);
    hf_stack_free(plugin->stack);
    plugin->stack = NULL;
    hf_ladder_free(plugin->ladder);
    plugin_packets_free(plugin);
    free(plugin->buffer);
    plugin->buffer = NULL;
    atomic_compare_exchange_strong(&the_instance, &self, NULL);
    pthread_mutex_unlock(&plugin->lock);
    if (blocked)
        return; /* its thread is about to look at this memory again */
    free_threads(plugin);
    pthread_cond_destroy(&plugin->settled);
    pthread_mutex_destroy(&plugin->lock);
    free(plugin);
}

/* ---- the begin */

static struct plugin *plugin_new(const char *flags)
{
    struct plugin *plugin = calloc(1, sizeof *plugin);
    struct plugin_thread *thread;
    if (plugin == NULL)
        return NULL;
    pthread_mutex_init(&plugin->lock, NULL);
    pthread_cond_init(&plugin->settled, NULL);
    plugin->now = CLOCK_START;
    plugin->sent_end = &plugin->sent;
    plugin_flags_read(&plugin->flags, flags);
    plugin_sysctl_begin(plugin);
    thread = plugin_enter(plugin);
    plugin->main = thread;
    pthread_mutex_unlock(&plugin->lock);
    return plugin;
}

static void register_exit(void)
{
    if (atexit(plugin_judge_exit) != 0)
        plugin_say("the exit status cannot tell what is found wrong");
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *table)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct plugin *plugin;
    if (table == NULL) {
        plugin_say("packetdrill_interface_init: there is no table to fill");
        return;
    }
    plugin = plugin_new(flags);
    if (plugin == NULL) {
        plugin_say("out of memory");
        exit(EXIT_FAILURE);
    }
    pthread_once(&once, register_exit);
    *table = (struct packetdrill_interface){
        .userdata = plugin,
        .free = plugin_free,
        .netdev_send = plugin_netdev_send,
        .netdev_receive = plugin_netdev_receive,
        .usleep = plugin_usleep,
        .gettimeofday = plugin_gettimeofday,
    };
    plugin_fill_calls(table);
    plugin_fill_data(table);
    plugin_fill_ready(table);
    plugin_fill_splice(table);
    atomic_store(&the_instance, plugin);
}
