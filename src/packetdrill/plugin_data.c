/* SPDX-License-Identifier: MIT
 *
 * The calls that move data. See plugin_calls.c about descriptors that are none of the stack's.
 */
#include "packetdrill_interface.h"
#include "plugin.h"

#include <unistd.h>

static ssize_t call_read(void *userdata, int fd, void *data, size_t length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return plugin_kernel_did(plugin, read(fd, data, length));
    return plugin_end(plugin, thread, hf_socket_read(plugin->sockets, fd, data, length));
}

static ssize_t call_readv(void *userdata, int fd, const struct iovec *vector, int count)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return plugin_kernel_did(plugin, readv(fd, vector, count));
    return plugin_end(plugin, thread, hf_socket_readv(plugin->sockets, fd, vector, count));
}

static ssize_t call_recv(void *userdata, int fd, void *data, size_t length, int flags)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return recv(fd, data, length, flags);
    return plugin_end(plugin, thread, hf_socket_recv(plugin->sockets, fd, data, length, flags));
}

static ssize_t call_recvfrom(void *userdata, int fd, void *data, size_t length, int flags,
                             struct sockaddr *address, socklen_t *address_length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return recvfrom(fd, data, length, flags, address, address_length);
    return plugin_end(
        plugin, thread,
        hf_socket_recvfrom(plugin->sockets, fd, data, length, flags, address, address_length));
}

static ssize_t call_recvmsg(void *userdata, int fd, struct msghdr *message, int flags)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return recvmsg(fd, message, flags);
    return plugin_end(plugin, thread, hf_socket_recvmsg(plugin->sockets, fd, message, flags));
}

static ssize_t call_write(void *userdata, int fd, const void *data, size_t length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread != NULL)
        return plugin_end(plugin, thread, hf_socket_write(plugin->sockets, fd, data, length));
    return plugin_kernel_did(plugin, write(fd, data, length));
}

static ssize_t call_writev(void *userdata, int fd, const struct iovec *vector, int count)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread != NULL)
        return plugin_end(plugin, thread, hf_socket_writev(plugin->sockets, fd, vector, count));
    return plugin_kernel_did(plugin, writev(fd, vector, count));
}

static ssize_t call_send(void *userdata, int fd, const void *data, size_t length, int flags)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return send(fd, data, length, flags);
    return plugin_end(plugin, thread, hf_socket_send(plugin->sockets, fd, data, length, flags));
}

static ssize_t call_sendto(void *userdata, int fd, const void *data, size_t length, int flags,
                           const struct sockaddr *address, socklen_t address_length)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return sendto(fd, data, length, flags, address, address_length);
    if (address != NULL && flags & MSG_FASTOPEN) { /* it connects, too */
        plugin_need_address(plugin, address, address_length);
        plugin_judge_connect(plugin);
    }
    return plugin_end(
        plugin, thread,
        hf_socket_sendto(plugin->sockets, fd, data, length, flags, address, address_length));
}

static ssize_t call_sendmsg(void *userdata, int fd, const struct msghdr *message, int flags)
{
    struct plugin *plugin = userdata;
    struct plugin_thread *thread = plugin_begin(plugin, fd);
    if (thread == NULL)
        return sendmsg(fd, message, flags);
    if (message != NULL && message->msg_name != NULL && flags & MSG_FASTOPEN) {
        plugin_need_address(plugin, message->msg_name, message->msg_namelen);
        plugin_judge_connect(plugin);
    }
    return plugin_end(plugin, thread, hf_socket_sendmsg(plugin->sockets, fd, message, flags));
}

void plugin_fill_data(struct packetdrill_interface *table)
{
    table->read = call_read;
    table->readv = call_readv;
    table->recv = call_recv;
    table->recvfrom = call_recvfrom;
    table->recvmsg = call_recvmsg;
    table->write = call_write;
    table->writev = call_writev;
    table->send = call_send;
    table->sendto = call_sendto;
    table->sendmsg = call_sendmsg;
}
