/* SPDX-License-Identifier: MIT
 *
 * The C library's functions that packetdrill calls past its table of functions, though they concern
 * sockets of the stack: getsockopt for what assertions see of a connection, sendfile, and, when a
 * script ends, close. Preloaded (LD_PRELOAD), this file answers them; what is not the stack's goes
 * on to the kernel. Until packetdrill has loaded the plug-in there is no instance, and every call
 * goes there.
 */
/* Both names are defined below; this would make one of the other. */
#undef _FILE_OFFSET_BITS
#include "plugin.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sockios.h>

enum { TCP_INFO_BYTES = 280 };

#define VISIBLE __attribute__((visibility("default")))

/* packetdrill's assertions end the process where these two fail. Of the first, zero bytes say that
 * the algorithm has nothing to tell; the second is made from what the sockets do tell. */
static int cc_info(socklen_t *length)
{
    *length = 0;
    return 0;
}

static uint32_t asked(struct plugin *plugin, int fd, int name)
{
    int value = 0;
    socklen_t length = sizeof value;
    return hf_socket_getsockopt(plugin->sockets, fd, SOL_SOCKET, name, &value, &length) == 0
               ? (uint32_t)value
               : 0;
}

static uint32_t queued(struct plugin *plugin, int fd, unsigned long request)
{
    int value = 0;
    return hf_socket_ioctl(plugin->sockets, fd, request, &value) == 0 ? (uint32_t)value : 0;
}

static int memory_info(struct plugin *plugin, int fd, void *value, socklen_t *length)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    info[SK_MEMINFO_RMEM_ALLOC] = queued(plugin, fd, SIOCINQ);
    info[SK_MEMINFO_RCVBUF] = asked(plugin, fd, SO_RCVBUF);
    info[SK_MEMINFO_WMEM_QUEUED] = queued(plugin, fd, SIOCOUTQ);
    info[SK_MEMINFO_SNDBUF] = asked(plugin, fd, SO_SNDBUF);
    *length = *length < sizeof info ? *length : (socklen_t)sizeof info;
    memcpy(value, info, *length);
    return 0;
}

/* packetdrill takes no less than the struct of the newest kernel; what it counts that Handfast does
 * not have (AccECN's bytes) is zero. */
static int tcp_info(struct plugin *plugin, int fd, void *value, socklen_t *length)
{
    const socklen_t room = *length < TCP_INFO_BYTES ? *length : TCP_INFO_BYTES;
    int result = hf_socket_getsockopt(plugin->sockets, fd, IPPROTO_TCP, TCP_INFO, value, length);
    if (result == 0 && *length < room) {
        memset((char *)value + *length, 0, room - *length);
        *length = room;
    }
    return result;
}

static int answer(struct plugin *plugin, int fd, int level, int name, void *value,
                  socklen_t *length)
{
    int result;
    if (level == IPPROTO_TCP && name == TCP_INFO && value != NULL && length != NULL)
        return tcp_info(plugin, fd, value, length);
    result = hf_socket_getsockopt(plugin->sockets, fd, level, name, value, length);
    if (result != -ENOPROTOOPT || value == NULL || length == NULL)
        return result;
    if (level == IPPROTO_TCP && name == TCP_CC_INFO)
        return cc_info(length);
    if (level == SOL_SOCKET && name == SO_MEMINFO)
        return memory_info(plugin, fd, value, length);
    return result;
}

VISIBLE int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    struct plugin *plugin = plugin_instance();
    struct plugin_thread *thread = plugin != NULL ? plugin_begin(plugin, fd) : NULL;
    if (thread == NULL)
        return (int)syscall(SYS_getsockopt, fd, level, name, value, length);
    return (int)plugin_end(plugin, thread, answer(plugin, fd, level, name, value, length));
}

VISIBLE ssize_t sendfile(int out, int in, off_t *offset, size_t count)
{
    struct plugin *plugin = plugin_instance();
    struct plugin_thread *thread = plugin != NULL ? plugin_begin(plugin, out) : NULL;
    if (thread == NULL)
        return syscall(SYS_sendfile, out, in, offset, count);
    return plugin_end(plugin, thread, plugin_sendfile(plugin, out, in, offset, count));
}

/* One and the same where off_t has 64 bits. */
VISIBLE ssize_t sendfile64(int out, int in, off64_t *offset, size_t count)
{
    _Static_assert(sizeof(off64_t) == sizeof(off_t), "off_t has 64 bits");
    return sendfile(out, in, offset, count);
}

static int close_ours(struct plugin *plugin, int fd, bool *ours)
{
    struct plugin_thread *thread = plugin_enter(plugin);
    int result = 0;
    *ours = plugin_owns(plugin, fd);
    if (*ours) {
        plugin_judge_closed(plugin);
        result = hf_socket_close(plugin->sockets, fd);
    }
    return (int)plugin_end(plugin, thread, result);
}

VISIBLE int close(int fd)
{
    struct plugin *plugin = plugin_instance();
    bool ours = false;
    int result = plugin != NULL ? close_ours(plugin, fd, &ours) : 0;
    return ours ? result : (int)syscall(SYS_close, fd);
}
