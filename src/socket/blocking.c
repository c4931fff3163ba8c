/* SPDX-License-Identifier: MIT
 *
 * Blocking. Nothing sleeps here: a call that must wait asks its caller's world, through
 * config.wait, to let packets move and time pass, and looks again.
 */
#include "socket_state.h"

hf_time sockets_now(const struct hf_sockets *set)
{
    return set->config.now(set->config.context);
}

struct patience patience_for(const struct socket *socket, hf_time timeout_ns, int message_flags)
{
    struct patience patience = {.waits = true, .until = HF_TIME_NEVER};
    if (socket->file.nonblocking || (message_flags & MSG_DONTWAIT) || timeout_ns == 0 ||
        socket->file.set->config.wait == NULL) {
        patience.waits = false;
    } else if (timeout_ns != HF_TIME_NEVER) {
        patience.until = sockets_now(socket->file.set) + timeout_ns;
    }
    return patience;
}

int sockets_wait(struct hf_sockets *set, struct patience *patience)
{
    int error = set->config.wait(set->config.context, patience->until);
    sockets_take_events(set);
    if (error < 0) {
        return error;
    }
    if (patience->until != HF_TIME_NEVER && sockets_now(set) >= patience->until) {
        patience->waits = false;
    }
    return 0;
}
