/* SPDX-License-Identifier: MIT
 *
 * Time stamps, as Linux gives them of TCP.
 *
 * Of data received (SO_TIMESTAMP, SO_TIMESTAMPNS, SOF_TIMESTAMPING_RX_SOFTWARE) a read tells when
 * the last of what could be read had arrived: Linux joins segments that wait in the queue and keeps
 * the last one's stamp.
 *
 * Of data sent the error queue tells when the last byte of a send was handed to the link layer
 * (SCHED), left it (TX_SOFTWARE), and was acknowledged (TX_ACK). The first two are one instant
 * here, for there is no queue between the stack and the link. With OPT_ID each carries the number
 * of that byte, counted from where the option was set.
 *
 * The stack's clock begins anywhere; hf_sockets_config.real_time_offset_ns leads to Unix time.
 *
 * DEVIATION: Linux gives the packet along, unless OPT_TSONLY is set. Here none of it is given, and
 * MSG_TRUNC tells that there was more. There is no hardware, so its stamps, which may be asked for,
 * never come. OPT_STATS and BIND_PHC are refused.
 */
#include "stamping.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/time.h>

#ifndef SOF_TIMESTAMPING_BIND_PHC
#define SOF_TIMESTAMPING_BIND_PHC (1 << 15)
#endif
/* In newer headers only. */
#define STAMPING_OPT_ID_TCP (1u << 16)
#define STAMPING_OPT_RX_FILTER (1u << 17)

#define SENDS                                                                 \
    ((uint32_t)(SOF_TIMESTAMPING_TX_HARDWARE | SOF_TIMESTAMPING_TX_SOFTWARE | \
                SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK))
#define KNOWN                                                                 \
    (SENDS | STAMPING_OPT_ID_TCP | STAMPING_OPT_RX_FILTER |                   \
     (uint32_t)(SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RX_SOFTWARE | \
                SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_SYS_HARDWARE |   \
                SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_OPT_ID |     \
                SOF_TIMESTAMPING_OPT_CMSG | SOF_TIMESTAMPING_OPT_TSONLY |     \
                SOF_TIMESTAMPING_OPT_PKTINFO | SOF_TIMESTAMPING_OPT_TX_SWHW))

uint32_t stamping_of_sends(const struct socket *socket)
{
    return socket->options.stamping & SENDS;
}

int stamping_of_message(const struct cmsghdr *control, uint32_t *kinds)
{
    uint32_t asked;
    if (control->cmsg_len != CMSG_LEN(sizeof asked)) {
        return -EINVAL;
    }
    memcpy(&asked, CMSG_DATA(control), sizeof asked);
    if (asked & ~SENDS) {
        return -EINVAL;
    }
    *kinds = asked;
    return 0;
}

/* ---- giving them */

static struct timespec time_of(hf_time stamp_ns)
{
    struct timespec time = {.tv_sec = stamp_ns / HF_SECOND, .tv_nsec = stamp_ns % HF_SECOND};
    return time;
}

static void put_plain(struct ancillary *ancillary, bool nanoseconds, hf_time stamp_ns)
{
    struct timespec time = time_of(stamp_ns);
    struct timeval coarse = {.tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000};
    if (nanoseconds) {
        ancillary_put(ancillary, SOL_SOCKET, SCM_TIMESTAMPNS, &time, sizeof time);
    } else {
        ancillary_put(ancillary, SOL_SOCKET, SCM_TIMESTAMP, &coarse, sizeof coarse);
    }
}

static void put_three(struct ancillary *ancillary, hf_time stamp_ns)
{
    struct timespec times[3];
    memset(times, 0, sizeof times);
    times[0] = time_of(stamp_ns); /* the others are of hardware */
    ancillary_put(ancillary, SOL_SOCKET, SCM_TIMESTAMPING, times, sizeof times);
}

/* Whoever wants plain times gets one with every message: now, if it has none. */
void stamping_put(const struct socket *socket, struct ancillary *ancillary, hf_time stamp_ns)
{
    const struct hf_sockets *set = socket->file.set;
    hf_time stamp = stamp_ns != 0 ? stamp_ns : sockets_now(set) + set->config.real_time_offset_ns;
    if (socket->options.stamp_times) {
        put_plain(ancillary, socket->options.stamp_times_ns, stamp);
    }
    if (stamp_ns != 0 && (socket->options.stamping & SOF_TIMESTAMPING_SOFTWARE)) {
        put_three(ancillary, stamp_ns);
    }
}

void stamping_received(const struct socket *socket, struct ancillary *ancillary)
{
    const struct hf_sockets *set = socket->file.set;
    uint32_t asked = socket->options.stamping;
    bool three = (asked & SOF_TIMESTAMPING_SOFTWARE) &&
                 ((asked & SOF_TIMESTAMPING_RX_SOFTWARE) || !(asked & STAMPING_OPT_RX_FILTER));
    bool taken = socket->options.stamp_times || (asked & SOF_TIMESTAMPING_RX_SOFTWARE);
    struct hf_status status;
    hf_time stamp;
    if (!taken || hf_status(set->config.stack, socket->handle, &status) != HF_OK ||
        status.last_data_received_ns == 0) {
        return;
    }
    stamp = status.last_data_received_ns + set->config.real_time_offset_ns;
    if (socket->options.stamp_times) {
        put_plain(ancillary, socket->options.stamp_times_ns, stamp);
    }
    if (three) {
        put_three(ancillary, stamp);
    }
}

/* ---- options */

uint32_t stamping_write_number(const struct socket *socket)
{
    struct hf_status status;
    uint32_t first;
    if (socket->handle == HF_NO_HANDLE ||
        hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
        return 0;
    }
    first = status.numbers.snd_una;
    if (first == status.numbers.iss) {
        first++; /* the SYN is still in front of it */
    }
    return first + status.send_queue_bytes;
}

/* Linux's sock_set_timestamping. */
int set_stamping(struct socket *socket, const void *value, socklen_t length)
{
    uint32_t asked;
    struct hf_status status;
    if (length < sizeof asked) {
        return -EINVAL;
    }
    if (value == NULL) {
        return -EFAULT;
    }
    memcpy(&asked, value, sizeof asked);
    if ((asked & ~KNOWN) || ((asked & STAMPING_OPT_ID_TCP) && !(asked & SOF_TIMESTAMPING_OPT_ID))) {
        return -EINVAL;
    }
    if ((asked & SOF_TIMESTAMPING_OPT_ID) &&
        !(socket->options.stamping & SOF_TIMESTAMPING_OPT_ID)) {
        if (socket->progress == PROGRESS_CLOSED || socket->progress == PROGRESS_LISTENING ||
            hf_status(socket->file.set->config.stack, socket->handle, &status) != HF_OK) {
            return -EINVAL;
        }
        socket->options.stamping_base =
            asked & STAMPING_OPT_ID_TCP ? stamping_write_number(socket) : status.numbers.snd_una;
    }
    socket->options.stamping = asked;
    return 0;
}

/* Linux's struct so_timestamping: the bits, and which clock of the hardware. */
int get_stamping(struct socket *socket, void *value, socklen_t *length)
{
    uint32_t words[2] = {socket->options.stamping, 0};
    *length = *length < sizeof words ? *length : (socklen_t)sizeof words;
    if (*length > 0 && value == NULL) {
        return -EFAULT;
    }
    if (*length > 0) {
        memcpy(value, words, *length);
    }
    return 0;
}

/* SO_TIMESTAMP and SO_TIMESTAMPNS are one switch with two units. */
int set_stamp_times(struct socket *socket, const struct option_row *row, int value)
{
    socket->options.stamp_times = value != 0;
    socket->options.stamp_times_ns = value != 0 && row->name == SO_TIMESTAMPNS;
    return 0;
}

int get_stamp_times(struct socket *socket, const struct option_row *row, int *value)
{
    *value = socket->options.stamp_times &&
             socket->options.stamp_times_ns == (row->name == SO_TIMESTAMPNS);
    return 0;
}
