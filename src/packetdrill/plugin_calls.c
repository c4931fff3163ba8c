/* SPDX-License-Identifier: MIT
 *
 * The calls of sockets, but for those that move data or wait for readiness. A descriptor that is
 * none of the stack's belongs to the kernel, which answers for it: files and pipes of the script,
 * and numbers that nobody opened.
 */
#include "packetdrill_interface.h"
#include "plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t plugin_result(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

void plugin_close_kernel(int fd)
{
    (void)syscall(SYS_close, fd);
}

bool plugin_owns(struct plugin *plugin, int fd)
{
    return plugin->sockets != NULL && hf_sockets_owns(plugin->sockets, fd);
}

struct plugin_thread *plugin_begin(struct plugin *plugin, int fd)
{
    struct plugin_thread *thread = plugin_enter(plugin);
    thread->stamped = false;
    if (plugin_owns(plugin, fd)) {
        plugin_judge_goes_on(plugin);
        return thread;
    }
    plugin_leave(plugin, thread);
    return NULL;
}

ssize_t plugin_end(struct plugin *plugin, struct plugin_thread *thread, ssize_t result)
{
    plugin_leave(plugin, thread);
    return plugin_result(result);
}

ssize_t plugin_kernel_did(struct plugin *plugin, ssize_t result)
{
    int error = errno;
    struct plugin_thread *thread = plugin_enter(plugin);
    plugin_leave(plugin, thread);
    errno = error;
    return result;
}

/* ---- opening and closing */

/* What the kernel takes from a sysctl when it makes a socket. */
static void apply_defaults(struct plugin *plugin, int fd, int domain)
{
    const int one = 1;
    if (fd >= 0 && domain == AF_INET6 && plugin->flags.sysctl && plugin_sysctl_v6_only())
        (void)hf_socket_setsockopt(plugin->sockets, fd, IPPROTO_IPV6, IPV6_V6ONLY, &one,
                                   sizeof one);
}

static int call_socket(void *userdata, int domain, int type, int protocol)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_enter(plugin);
    int fd = -ENOMEM;
    plugin_judge_goes_on(plugin);
    if (plugin_ready(plugin)) {
        plugin_refresh(plugin);
        fd = hf_socket(plugin->sockets, domain, type, protocol);
        apply_defaults(plugin, fd, domain);
    }
    return (int)plugin_end(plugin, thread, fd);
}

static int call_bind(void *userdata, int fd, const struct sockaddr *address, socklen_t length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return bind(fd, address, length);
    plugin_learn_sockaddr(plugin, address, length);
    return (int)plugin_end(plugin, thread, hf_socket_bind(plugin->sockets, fd, address, length));
}

static int call_listen(void *userdata, int fd, int backlog)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return listen(fd, backlog);
    return (int)plugin_end(plugin, thread, hf_socket_listen(plugin->sockets, fd, backlog));
}

static int call_accept(void *userdata, int fd, struct sockaddr *address, socklen_t *length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return accept(fd, address, length);
    return (int)plugin_end(plugin, thread,
                           hf_socket_accept4(plugin->sockets, fd, address, length, 0));
}

static int call_connect(void *userdata, int fd, const struct sockaddr *address, socklen_t length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return connect(fd, address, length);
    plugin_need_address(plugin, address, length);
    plugin_judge_connect(plugin);
    return (int)plugin_end(plugin, thread, hf_socket_connect(plugin->sockets, fd, address, length));
}

static int call_shutdown(void *userdata, int fd, int how)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return shutdown(fd, how);
    return (int)plugin_end(plugin, thread, hf_socket_shutdown(plugin->sockets, fd, how));
}

int plugin_close(void *userdata, int fd)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return (int)syscall(SYS_close, fd);
    return (int)plugin_end(plugin, thread, hf_socket_close(plugin->sockets, fd));
}

/* ---- options */

static int call_setsockopt(void *userdata, int fd, int level, int name, const void *value,
                           socklen_t length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return setsockopt(fd, level, name, value, length);
    return (int)plugin_end(plugin, thread,
                           hf_socket_setsockopt(plugin->sockets, fd, level, name, value, length));
}

int plugin_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return (int)syscall(SYS_getsockopt, fd, level, name, value, length);
    return (int)plugin_end(plugin, thread,
                           hf_socket_getsockopt(plugin->sockets, fd, level, name, value, length));
}

/* packetdrill passes an int. */
static int call_fcntl(void *userdata, int fd, int command, ...)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    va_list arguments;
    int argument;
    va_start(arguments, command);
    argument = va_arg(arguments, int);
    va_end(arguments);
    if (thread == NULL)
        return fcntl(fd, command, argument);
    return (int)plugin_end(plugin, thread, hf_socket_fcntl(plugin->sockets, fd, command, argument));
}

/* packetdrill passes the place of an int. */
static int call_ioctl(void *userdata, int fd, unsigned long request, ...)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    va_list arguments;
    int *argument;
    va_start(arguments, request);
    argument = va_arg(arguments, int *);
    va_end(arguments);
    if (thread == NULL)
        return ioctl(fd, request, argument);
    return (int)plugin_end(plugin, thread, hf_socket_ioctl(plugin->sockets, fd, request, argument));
}

void plugin_fill_calls(struct packetdrill_interface *table)
{
    table->socket = call_socket;
    table->bind = call_bind;
    table->listen = call_listen;
    table->accept = call_accept;
    table->connect = call_connect;
    table->shutdown = call_shutdown;
    table->close = plugin_close;
    table->getsockopt = plugin_getsockopt;
    table->setsockopt = call_setsockopt;
    table->fcntl = call_fcntl;
    table->ioctl = call_ioctl;
}
