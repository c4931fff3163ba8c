/* SPDX-License-Identifier: MIT
 *
 * TCP_INFO in Linux's layout. The struct is part of the kernel's ABI and grows at its end, so it is
 * written down here: the C library's own header stops years ago. A field that cannot be known is 0,
 * as it is in Linux before the first measurement.
 */
#include "tcp_info.h"

#include <errno.h>
#include <string.h>

#define OPTION_TIMESTAMPS 1
#define OPTION_SACK 2
#define OPTION_WINDOW_SCALE 4
#define OPTION_ECN 8
#define OPTION_ECN_SEEN 16
#define OPTION_SYN_DATA 32
#define NO_THRESHOLD INT32_MAX
#define DEFAULT_MSS 536
#define DEFAULT_REORDERING 3 /* Linux's tcp_reordering */
/* Linux's tcp_ca_state. */
#define CA_OPEN 0
#define CA_DISORDER 1
#define CA_CWR 2
#define CA_RECOVERY 3
#define CA_LOSS 4

/* Linux's numbers for RFC 9293's states. */
static uint8_t state_number(enum hf_state state)
{
    switch (state) {
    case HF_ESTABLISHED:
        return 1;
    case HF_SYN_SENT:
        return 2;
    case HF_SYN_RECEIVED:
        return 3;
    case HF_FIN_WAIT_1:
        return 4;
    case HF_FIN_WAIT_2:
        return 5;
    case HF_CLOSE_WAIT:
        return 8;
    case HF_LAST_ACK:
        return 9;
    case HF_LISTEN:
        return 10;
    case HF_CLOSING:
        return 11;
    case HF_TIME_WAIT: /* the socket itself has nothing to do with it any more */
    case HF_CLOSED:
        break;
    }
    return 7;
}

static uint32_t microseconds(hf_time time)
{
    return (uint32_t)(time / HF_MICROSECOND);
}

static uint32_t milliseconds_ago(hf_time then, hf_time now)
{
    return (uint32_t)((now - then) / HF_MILLISECOND);
}

static uint8_t recovery_number(uint8_t recovery)
{
    switch ((enum hf_recovery)recovery) {
    case HF_RECOVERY_FAST:
        return CA_RECOVERY;
    case HF_RECOVERY_TIMEOUT:
        return CA_LOSS;
    case HF_RECOVERY_MARKED:
        return CA_CWR;
    case HF_RECOVERY_OPEN:
        break;
    }
    return CA_OPEN;
}

/* Linux counts congestion windows in segments. */
static uint32_t in_segments(uint32_t bytes, uint32_t mss)
{
    return bytes >= (uint32_t)INT32_MAX ? (uint32_t)NO_THRESHOLD : bytes / (mss > 0 ? mss : 1);
}

static void fill_unopened(const struct socket *socket, struct tcp_info_linux *info)
{
    const struct hf_config *config = hf_stack_config(socket->file.set->config.stack);
    info->tcpi_state = state_number(HF_CLOSED);
    info->tcpi_rto = microseconds(config->initial_rto_ns);
    info->tcpi_snd_mss = DEFAULT_MSS;
    info->tcpi_snd_cwnd = config->initial_window_segments;
    info->tcpi_snd_ssthresh = NO_THRESHOLD;
    info->tcpi_reordering = DEFAULT_REORDERING;
    info->tcpi_max_pacing_rate = UINT64_MAX;
}

static void fill_listener(const struct socket *socket, struct tcp_info_linux *info)
{
    info->tcpi_unacked = socket_waiting(socket);
    info->tcpi_sacked = socket->backlog - 1; /* as it was given to listen */
}

/* What Linux calls bytes are sequence numbers: an active opener's SYN counts, and so does a FIN. */
static uint64_t numbers_acknowledged(const struct hf_status *status, bool opened_actively)
{
    const struct hf_trace_numbers *numbers = &status->numbers;
    uint32_t after_syn = numbers->snd_una - numbers->iss - 1;
    bool syn = numbers->snd_una != numbers->iss;
    bool fin = syn && after_syn != (uint32_t)status->bytes_acked;
    return status->bytes_acked + (syn && opened_actively) + fin;
}

static uint64_t numbers_received(const struct hf_status *status)
{
    const struct hf_trace_numbers *numbers = &status->numbers;
    bool fin = status->bytes_received + 1 != numbers->rcv_nxt - numbers->irs &&
               (uint32_t)(status->bytes_received + 2) == numbers->rcv_nxt - numbers->irs;
    return status->bytes_received + fin;
}

static void fill_losses(const struct hf_status *status, struct tcp_info_linux *info)
{
    /* Linux counts among the lost those that were sent again, too. */
    info->tcpi_retrans = status->retransmitted_segments;
    info->tcpi_lost = status->lost_segments;
    info->tcpi_total_retrans = status->retransmits;
    info->tcpi_bytes_retrans = status->bytes_retransmitted;
    info->tcpi_total_rto = (uint16_t)status->timeouts;
    info->tcpi_total_rto_recoveries = (uint16_t)status->timeout_recoveries;
    info->tcpi_total_rto_time = (uint32_t)(status->timeout_recovery_ns / HF_MILLISECOND);
    info->tcpi_reordering = status->duplicate_threshold;
    info->tcpi_dsack_dups = status->dsacks_received;
    info->tcpi_reord_seen = status->reorderings;
}

/* Before anything came or went, the time since the connection was synchronized. */
static void fill_times(const struct hf_status *status, hf_time now, struct tcp_info_linux *info)
{
    hf_time begun = status->established_ns;
    hf_time sent = status->last_sent_ns > begun ? status->last_sent_ns : begun;
    hf_time received =
        status->last_data_received_ns > begun ? status->last_data_received_ns : begun;
    info->tcpi_last_data_sent = milliseconds_ago(sent, now);
    info->tcpi_last_data_recv = milliseconds_ago(received, now);
    info->tcpi_last_ack_recv = milliseconds_ago(status->last_received_ns, now);
}

/* Busy is whenever there is something to send, whatever held it back. */
static void fill_limits(const struct hf_status *status, hf_time now, struct tcp_info_linux *info)
{
    hf_time held[HF_LIMITED_COUNT];
    memcpy(held, status->limited_ns, sizeof held);
    if (status->limited < HF_LIMITED_COUNT && now > status->limited_since_ns) {
        held[status->limited] += now - status->limited_since_ns;
    }
    info->tcpi_rwnd_limited = (uint64_t)(held[HF_LIMITED_RECEIVER] / HF_MICROSECOND);
    info->tcpi_sndbuf_limited = (uint64_t)(held[HF_LIMITED_SEND_BUFFER] / HF_MICROSECOND);
    info->tcpi_busy_time = (uint64_t)((held[HF_LIMITED_NETWORK] + held[HF_LIMITED_RECEIVER] +
                                       held[HF_LIMITED_SEND_BUFFER]) /
                                      HF_MICROSECOND);
}

static void fill_counts(const struct hf_status *status, struct tcp_info_linux *info)
{
    info->tcpi_segs_out = (uint32_t)status->segments_sent;
    info->tcpi_segs_in = (uint32_t)status->segments_received;
    info->tcpi_data_segs_out = status->data_segments_sent;
    info->tcpi_data_segs_in = status->data_segments_received;
    info->tcpi_rcv_ooopack = status->out_of_order_segments;
    info->tcpi_delivered = status->delivered_segments;
    info->tcpi_delivered_ce = status->delivered_ce_segments;
    info->tcpi_delivery_rate = status->delivery_rate;
    info->tcpi_delivery_rate_app_limited = status->delivery_app_limited & 1u;
    info->tcpi_pacing_rate = status->pacing_rate != 0 ? status->pacing_rate : UINT64_MAX;
    if (status->max_pacing_rate != 0) {
        info->tcpi_max_pacing_rate = status->max_pacing_rate;
    }
    info->tcpi_received_ce = status->received_ce_segments;
    info->tcpi_ecn_mode = status->ecn & 3u;
    info->tcpi_received_e0_bytes = status->ecn_received_bytes[0];
    info->tcpi_received_ce_bytes = status->ecn_received_bytes[1];
    info->tcpi_received_e1_bytes = status->ecn_received_bytes[2];
    info->tcpi_delivered_e0_bytes = status->ecn_delivered_bytes[0];
    info->tcpi_delivered_ce_bytes = status->ecn_delivered_bytes[1];
    info->tcpi_delivered_e1_bytes = status->ecn_delivered_bytes[2];
    info->tcpi_accecn_opt_seen = status->ecn_option_seen & 3u;
}

static void fill_receiver(const struct hf_status *status, const struct hf_config *config,
                          struct tcp_info_linux *info)
{
    info->tcpi_ato = status->last_data_received_ns != 0 ? microseconds(config->delayed_ack_ns) : 0;
    info->tcpi_rcv_rtt = microseconds(status->receive_rtt_ns);
    info->tcpi_rcv_space = status->receive_space_bytes;
    info->tcpi_rcv_ssthresh = status->receive_ssthresh_bytes;
}

static void fill_connection(const struct hf_status *status, hf_time now, bool opened_actively,
                            struct tcp_info_linux *info)
{
    const struct hf_trace_numbers *numbers = &status->numbers;
    info->tcpi_options =
        (uint8_t)((status->timestamps ? OPTION_TIMESTAMPS : 0) | (status->sack ? OPTION_SACK : 0) |
                  (status->window_scaling ? OPTION_WINDOW_SCALE : 0) |
                  (status->ecn ? OPTION_ECN : 0) | (status->ecn_seen ? OPTION_ECN_SEEN : 0) |
                  (status->syn_data_acked ? OPTION_SYN_DATA : 0));
    info->tcpi_fastopen_client_fail = status->fast_open_failure & 3u;
    info->tcpi_ca_state = recovery_number(status->recovery);
    info->tcpi_probes = status->probes_out;
    info->tcpi_backoff = (uint8_t)(status->backoff < UINT8_MAX ? status->backoff : UINT8_MAX);
    info->tcpi_retransmits = info->tcpi_backoff;
    info->tcpi_snd_wscale = numbers->snd_wind_shift & 15u;
    info->tcpi_rcv_wscale = numbers->rcv_wind_shift & 15u;
    info->tcpi_rto = microseconds(numbers->rto_ns);
    info->tcpi_snd_mss = status->mss_bytes;
    info->tcpi_rcv_mss = status->received_mss_bytes;
    info->tcpi_unacked = status->segments_in_flight;
    info->tcpi_sacked = status->sack ? status->sacked_segments : status->duplicate_acks;
    /* Something came after a hole: lost or only late, Linux does not know yet. */
    if (info->tcpi_ca_state == CA_OPEN && info->tcpi_sacked > 0)
        info->tcpi_ca_state = CA_DISORDER;
    info->tcpi_pmtu = status->path_mtu_bytes;
    info->tcpi_advmss = status->announced_mss_bytes;
    info->tcpi_min_rtt = microseconds(status->min_rtt_ns);
    info->tcpi_rtt = microseconds(numbers->srtt_ns);
    info->tcpi_rttvar = microseconds(numbers->rttvar_ns);
    info->tcpi_snd_ssthresh = in_segments(numbers->ssthresh_bytes, status->mss_bytes);
    info->tcpi_snd_cwnd = in_segments(numbers->cwnd_bytes, status->mss_bytes);
    info->tcpi_bytes_acked = numbers_acknowledged(status, opened_actively);
    info->tcpi_bytes_received = numbers_received(status);
    info->tcpi_notsent_bytes = status->send_unsent_bytes;
    info->tcpi_bytes_sent = status->bytes_sent;
    info->tcpi_snd_wnd = numbers->snd_wnd;
    info->tcpi_rcv_wnd = numbers->rcv_wnd;
    info->tcpi_max_pacing_rate = UINT64_MAX; /* no limit */
    fill_losses(status, info);
    fill_times(status, now, info);
    fill_limits(status, now, info);
    fill_counts(status, info);
}

static void fill(struct socket *socket, struct tcp_info_linux *info)
{
    struct hf_sockets *set = socket->file.set;
    struct hf_status status;
    memset(info, 0, sizeof *info);
    if (socket->handle == HF_NO_HANDLE ||
        hf_status(set->config.stack, socket->handle, &status) != HF_OK) {
        fill_unopened(socket, info);
        return;
    }
    info->tcpi_state = state_number(status.state);
    if (status.state == HF_LISTEN) {
        fill_listener(socket, info);
    } else {
        fill_connection(&status, sockets_now(set), socket->opened_actively, info);
        fill_receiver(&status, hf_stack_config(set->config.stack), info);
    }
}

int tcp_info_get(struct socket *socket, void *value, socklen_t *length)
{
    struct tcp_info_linux info;
    fill(socket, &info);
    *length = *length < sizeof info ? *length : (socklen_t)sizeof info;
    if (*length > 0 && value == NULL) {
        return -EFAULT;
    }
    if (*length > 0) {
        memcpy(value, &info, *length);
    }
    return 0;
}
