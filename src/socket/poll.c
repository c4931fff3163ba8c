/* SPDX-License-Identifier: MIT
 *
 * poll.
 */
#include "socket_state.h"

#include <errno.h>

/* Linux allows RLIMIT_NOFILE entries. */
#define DESCRIPTOR_LIMIT (UINT32_C(1) << 20)

static int look(struct hf_sockets *set, struct pollfd *descriptors, nfds_t count)
{
    int ready = 0;
    for (nfds_t i = 0; i < count; i++) {
        struct pollfd *entry = &descriptors[i];
        struct open_file *file = entry->fd < 0 ? NULL : file_get(set, entry->fd);
        unsigned found = POLLNVAL;
        if (entry->fd < 0) {
            found = 0;
        } else if (file != NULL) {
            found = file_readiness(file) & ((unsigned short)entry->events | POLLERR | POLLHUP);
            file_put(file);
        }
        entry->revents = (short)found;
        ready += found != 0;
    }
    return ready;
}

int hf_socket_poll(struct hf_sockets *set, struct pollfd *descriptors, nfds_t count, int timeout_ms)
{
    struct patience patience = {.waits = timeout_ms != 0 && set->config.wait != NULL,
                                .until = HF_TIME_NEVER};
    if (count > DESCRIPTOR_LIMIT) {
        return -EINVAL;
    }
    if (count > 0 && descriptors == NULL) {
        return -EFAULT;
    }
    if (timeout_ms > 0) {
        patience.until = sockets_now(set) + timeout_ms * HF_MILLISECOND;
    }
    sockets_take_events(set);
    for (;;) {
        int ready = look(set, descriptors, count);
        int error;
        if (ready > 0 || !patience.waits) {
            return ready;
        }
        error = sockets_wait(set, &patience);
        if (error != 0) {
            return error;
        }
    }
}
