/* SPDX-License-Identifier: MIT
 *
 * Options of a connection: one table of ranges, one switch to set, one to get.
 */
#include "tcp_internal.h"

static const struct option_range {
    int64_t low, high;
} option_ranges[] = {
    [HF_OPTION_NAGLE] = {0, 1},
    [HF_OPTION_CORK] = {0, 1},
    [HF_OPTION_KEEPALIVE] = {0, 1},
    [HF_OPTION_KEEPALIVE_IDLE_NS] = {HF_SECOND, 32767 * HF_SECOND},
    [HF_OPTION_KEEPALIVE_INTERVAL_NS] = {HF_SECOND, 32767 * HF_SECOND},
    [HF_OPTION_KEEPALIVE_PROBES] = {1, 127},
    [HF_OPTION_USER_TIMEOUT_NS] = {0, INT64_MAX / 4},
    [HF_OPTION_RETRIES_R2] = {0, 255},
    [HF_OPTION_SYN_RETRIES] = {0, 127},
    [HF_OPTION_RECEIVE_BUFFER] = {256, 1 << 30},
    [HF_OPTION_SEND_BUFFER] = {256, 1 << 30},
    [HF_OPTION_MAX_SEGMENT] = {0, 65495},
    [HF_OPTION_TTL] = {1, 255},
    [HF_OPTION_TRAFFIC_CLASS] = {0, 255},
    [HF_OPTION_QUICK_ACK] = {0, 1},
    [HF_OPTION_SOFT_ERRORS] = {0, 1},
    [HF_OPTION_FIN_WAIT_2_NS] = {-1, 24 * 3600 * HF_SECOND},
    [HF_OPTION_RECEIVE_SHUTDOWN] = {0, 1},
    [HF_OPTION_BACKLOG] = {1, 65535},
    [HF_OPTION_CONGESTION] = {0, INT32_MAX},
    [HF_OPTION_FAST_OPEN_QUEUE] = {0, 65535},
    [HF_OPTION_FAST_OPEN_CONNECT] = {0, 2},
    [HF_OPTION_FAST_OPEN_NO_COOKIE] = {0, 1},
    [HF_OPTION_DEFER_ACCEPT] = {0, 255},
    [HF_OPTION_SAVE_SYN] = {0, 1},
    [HF_OPTION_WINDOW_CLAMP] = {0, 1 << 30},
    [HF_OPTION_NOT_SENT_LOW_WATER] = {0, UINT32_MAX},
    [HF_OPTION_WANT_WRITABLE] = {0, 1},
    [HF_OPTION_PATH_MTU_DISCOVERY] = {HF_PATH_MTU_DONT, HF_PATH_MTU_OMIT},
    [HF_OPTION_RECEIVE_LEAST] = {0, 1 << 30},
    [HF_OPTION_MAX_PACING_RATE] = {0, INT64_MAX / 4},
};
#define OPTION_COUNT (sizeof option_ranges / sizeof option_ranges[0])

static int check_range(enum hf_option option, int64_t value)
{
    if ((unsigned)option >= OPTION_COUNT) {
        return HF_ENOPROTOOPT;
    }
    if (value < option_ranges[option].low || value > option_ranges[option].high ||
        (option == HF_OPTION_MAX_SEGMENT && value > 0 && value < 88) ||
        (option == HF_OPTION_WINDOW_CLAMP && value > 0 && value < 256)) {
        return HF_EINVAL;
    }
    return HF_OK;
}

/* A wider buffer may open the window. */
static void window_may_open(struct tcp_conn *conn)
{
    if (conn->state != HF_CLOSED && conn->state != HF_SYN_SENT && tcp_window_update_due(conn)) {
        tcp_ack_now(conn, HF_REASON_SEND_WINDOW_UPDATE);
    }
}

static void set_receive_buffer(struct tcp_conn *conn, uint32_t bytes)
{
    conn->receive_limit_bytes = bytes;
    conn->receive_tuned = false;
    window_may_open(conn);
}

/* As Linux has it: a smaller clamp limits what is offered from now on, a larger one lets it grow
 * from where the window stands. */
static void set_window_clamp(struct tcp_conn *conn, uint32_t bytes)
{
    uint32_t *ssthresh = &conn->tuning.ssthresh_bytes;
    if (bytes != 0 && *ssthresh != 0) {
        *ssthresh = bytes < conn->window_clamp_bytes || conn->window_clamp_bytes == 0
                        ? min_u32(*ssthresh, bytes)
                        : max_u32(*ssthresh, min_u32(conn->rcv.wnd, bytes));
    }
    conn->window_clamp_bytes = bytes;
    window_may_open(conn);
}

/* Somebody waits for so much before reading. */
static void set_receive_least(struct tcp_conn *conn, const struct tcp_host *host, uint32_t bytes)
{
    bytes = min_u32(bytes, host->config->receive_buffer_max_bytes);
    if (conn->receive_tuned && bytes > conn->receive_limit_bytes) {
        conn->receive_limit_bytes = bytes;
        if (conn->tuning.ssthresh_bytes != 0) {
            conn->tuning.ssthresh_bytes = max_u32(conn->tuning.ssthresh_bytes, bytes);
        }
        window_may_open(conn);
    }
}

static void want_writable(struct tcp_conn *conn, bool wanted)
{
    conn->send_blocked = wanted;
    switch (conn->state) {
    case HF_ESTABLISHED:
    case HF_CLOSE_WAIT:
        tcp_tell_writable(conn);
        break;
    case HF_CLOSED:
    case HF_LISTEN:
    case HF_SYN_SENT:
    case HF_SYN_RECEIVED:
    case HF_FIN_WAIT_1:
    case HF_FIN_WAIT_2:
    case HF_CLOSING:
    case HF_LAST_ACK:
    case HF_TIME_WAIT:
        break;
    }
}

static void set_send_buffer(struct tcp_conn *conn, uint32_t bytes)
{
    conn->send_limit_bytes = bytes;
    conn->send_tuned = false;
    if (conn->send_blocked && bytes > conn->send_bytes) {
        conn->send_blocked = false;
        tcp_tell(conn, HF_EVENT_WRITABLE);
    }
}

/* Those that are a field and nothing more. */
static void set_plain(struct tcp_conn *conn, enum hf_option option, int64_t value)
{
    if (option == HF_OPTION_QUICK_ACK) {
        conn->quick_ack = value != 0;
        conn->conversation = value == 0; /* until an answer fails to come in time, as in Linux */
    } else if (option == HF_OPTION_SOFT_ERRORS) {
        conn->soft_errors = value != 0;
    } else if (option == HF_OPTION_FIN_WAIT_2_NS) {
        conn->fin_wait_2_ns = value;
    } else if (option == HF_OPTION_RECEIVE_SHUTDOWN) {
        conn->receive_shutdown = value != 0;
    } else if (option == HF_OPTION_DEFER_ACCEPT) {
        conn->defer_accept = (uint8_t)value;
    } else if (option == HF_OPTION_SAVE_SYN) {
        conn->save_syn = value != 0;
    } else if (option == HF_OPTION_FAST_OPEN_NO_COOKIE) {
        conn->fast_open_no_cookie = value != 0;
    }
}

static int64_t get_plain(const struct tcp_conn *conn, enum hf_option option)
{
    if (option == HF_OPTION_QUICK_ACK) {
        return conn->quick_ack;
    }
    if (option == HF_OPTION_SOFT_ERRORS) {
        return conn->soft_errors;
    }
    if (option == HF_OPTION_FIN_WAIT_2_NS) {
        return conn->fin_wait_2_ns;
    }
    if (option == HF_OPTION_RECEIVE_SHUTDOWN) {
        return conn->receive_shutdown;
    }
    if (option == HF_OPTION_DEFER_ACCEPT) {
        return conn->defer_accept;
    }
    return option == HF_OPTION_SAVE_SYN ? conn->save_syn : conn->fast_open_no_cookie;
}

static void set_buffers(struct tcp_conn *conn, const struct tcp_host *host, enum hf_option option,
                        uint32_t value)
{
    if (option == HF_OPTION_RECEIVE_BUFFER) {
        set_receive_buffer(conn, value);
    } else if (option == HF_OPTION_SEND_BUFFER) {
        set_send_buffer(conn, value);
    } else if (option == HF_OPTION_WINDOW_CLAMP) {
        set_window_clamp(conn, value);
    } else if (option == HF_OPTION_NOT_SENT_LOW_WATER) {
        conn->not_sent_low_water_bytes =
            value != 0 ? value : host->config->not_sent_low_water_bytes;
        tcp_tell_writable(conn);
    } else if (option == HF_OPTION_WANT_WRITABLE) {
        want_writable(conn, value != 0);
    } else {
        set_receive_least(conn, host, value);
    }
}

static int64_t get_buffers(const struct tcp_conn *conn, enum hf_option option)
{
    if (option == HF_OPTION_RECEIVE_BUFFER) {
        return conn->receive_limit_bytes;
    }
    if (option == HF_OPTION_SEND_BUFFER) {
        return conn->send_limit_bytes;
    }
    if (option == HF_OPTION_WINDOW_CLAMP) {
        return conn->window_clamp_bytes;
    }
    if (option == HF_OPTION_NOT_SENT_LOW_WATER) {
        return conn->not_sent_low_water_bytes;
    }
    return option == HF_OPTION_WANT_WRITABLE && conn->send_blocked;
}

static void set_keepalive(struct tcp_conn *conn, enum hf_option option, int64_t value)
{
    if (option == HF_OPTION_KEEPALIVE) {
        conn->keepalive = value != 0;
    } else if (option == HF_OPTION_KEEPALIVE_IDLE_NS) {
        conn->keepalive_idle_ns = value;
    } else if (option == HF_OPTION_KEEPALIVE_INTERVAL_NS) {
        conn->keepalive_interval_ns = value;
        return; /* counts from the next probe on */
    } else {
        conn->keepalive_probes = (uint8_t)value;
        return;
    }
    tcp_restart_keepalive(conn);
}

static int64_t get_keepalive(const struct tcp_conn *conn, enum hf_option option)
{
    if (option == HF_OPTION_KEEPALIVE) {
        return conn->keepalive;
    }
    if (option == HF_OPTION_KEEPALIVE_IDLE_NS) {
        return conn->keepalive_idle_ns;
    }
    return option == HF_OPTION_KEEPALIVE_INTERVAL_NS ? conn->keepalive_interval_ns
                                                     : conn->keepalive_probes;
}

static void set_header(struct tcp_conn *conn, enum hf_option option, int64_t value)
{
    if (option == HF_OPTION_TTL) {
        conn->ttl = (uint8_t)value;
    } else if (option == HF_OPTION_TRAFFIC_CLASS) {
        conn->traffic_class = (uint8_t)(value & 0xfc);
    } else {
        conn->path_mtu_discovery = (uint8_t)value;
    }
}

int tcp_set_option(struct tcp_conn *conn, struct tcp_host *host, enum hf_option option,
                   int64_t value)
{
    int error = check_range(option, value);
    if (error != HF_OK) {
        return error;
    }
    switch (option) {
    case HF_OPTION_NAGLE:
        conn->nagle = value != 0;
        break;
    case HF_OPTION_CORK:
        conn->cork = value != 0;
        break;
    case HF_OPTION_USER_TIMEOUT_NS:
        conn->user_timeout_ns = value;
        break;
    case HF_OPTION_RETRIES_R2:
        conn->retries_r2 = (uint8_t)value;
        break;
    case HF_OPTION_SYN_RETRIES:
        conn->syn_retries = (uint8_t)value;
        conn->syn_retries_set = true;
        break;
    case HF_OPTION_MAX_SEGMENT:
        conn->max_segment = (uint16_t)value;
        break;
    case HF_OPTION_MAX_PACING_RATE:
        conn->max_pacing_rate = (uint64_t)value;
        conn->deadlines[TCP_TIMER_PACING] = HF_TIME_NEVER; /* looked at anew */
        break;
    case HF_OPTION_CONGESTION:
        return tcp_cc_choose(conn, host, (int)value);
    case HF_OPTION_TTL:
    case HF_OPTION_TRAFFIC_CLASS:
    case HF_OPTION_PATH_MTU_DISCOVERY:
        set_header(conn, option, value);
        break;
    case HF_OPTION_QUICK_ACK:
    case HF_OPTION_SOFT_ERRORS:
    case HF_OPTION_FIN_WAIT_2_NS:
    case HF_OPTION_RECEIVE_SHUTDOWN:
    case HF_OPTION_FAST_OPEN_NO_COOKIE:
    case HF_OPTION_DEFER_ACCEPT:
    case HF_OPTION_SAVE_SYN:
        set_plain(conn, option, value);
        break;
    case HF_OPTION_KEEPALIVE:
    case HF_OPTION_KEEPALIVE_IDLE_NS:
    case HF_OPTION_KEEPALIVE_INTERVAL_NS:
    case HF_OPTION_KEEPALIVE_PROBES:
        set_keepalive(conn, option, value);
        break;
    case HF_OPTION_RECEIVE_BUFFER:
    case HF_OPTION_SEND_BUFFER:
    case HF_OPTION_WINDOW_CLAMP:
    case HF_OPTION_NOT_SENT_LOW_WATER:
    case HF_OPTION_WANT_WRITABLE:
    case HF_OPTION_RECEIVE_LEAST:
        set_buffers(conn, host, option, (uint32_t)value);
        break;
    case HF_OPTION_FAST_OPEN_QUEUE:
    case HF_OPTION_FAST_OPEN_CONNECT:
    case HF_OPTION_BACKLOG:
        return HF_EOPNOTSUPP; /* the stack answers for those that may have them */
    }
    tcp_open_refresh(conn, host);
    return HF_OK;
}

int tcp_get_option(const struct tcp_conn *conn, const struct tcp_host *host, enum hf_option option,
                   int64_t *value)
{
    switch (option) {
    case HF_OPTION_NAGLE:
        *value = conn->nagle;
        return HF_OK;
    case HF_OPTION_CORK:
        *value = conn->cork;
        return HF_OK;
    case HF_OPTION_USER_TIMEOUT_NS:
        *value = conn->user_timeout_ns;
        return HF_OK;
    case HF_OPTION_RETRIES_R2:
        *value = conn->retries_r2;
        return HF_OK;
    case HF_OPTION_SYN_RETRIES:
        *value = conn->syn_retries;
        return HF_OK;
    case HF_OPTION_MAX_SEGMENT:
        *value = conn->max_segment;
        return HF_OK;
    case HF_OPTION_TTL:
        *value = conn->ttl;
        return HF_OK;
    case HF_OPTION_TRAFFIC_CLASS:
        *value = conn->traffic_class;
        return HF_OK;
    case HF_OPTION_MAX_PACING_RATE:
        *value = (int64_t)conn->max_pacing_rate;
        return HF_OK;
    case HF_OPTION_CONGESTION:
        *value = tcp_cc_index(host->config, conn->cc);
        return HF_OK;
    case HF_OPTION_PATH_MTU_DISCOVERY:
        *value = conn->path_mtu_discovery;
        return HF_OK;
    case HF_OPTION_KEEPALIVE:
    case HF_OPTION_KEEPALIVE_IDLE_NS:
    case HF_OPTION_KEEPALIVE_INTERVAL_NS:
    case HF_OPTION_KEEPALIVE_PROBES:
        *value = get_keepalive(conn, option);
        return HF_OK;
    case HF_OPTION_QUICK_ACK:
    case HF_OPTION_SOFT_ERRORS:
    case HF_OPTION_FIN_WAIT_2_NS:
    case HF_OPTION_RECEIVE_SHUTDOWN:
    case HF_OPTION_FAST_OPEN_NO_COOKIE:
    case HF_OPTION_DEFER_ACCEPT:
    case HF_OPTION_SAVE_SYN:
        *value = get_plain(conn, option);
        return HF_OK;
    case HF_OPTION_RECEIVE_BUFFER:
    case HF_OPTION_SEND_BUFFER:
    case HF_OPTION_WINDOW_CLAMP:
    case HF_OPTION_NOT_SENT_LOW_WATER:
    case HF_OPTION_WANT_WRITABLE:
    case HF_OPTION_RECEIVE_LEAST:
        *value = get_buffers(conn, option);
        return HF_OK;
    case HF_OPTION_FAST_OPEN_QUEUE:
    case HF_OPTION_FAST_OPEN_CONNECT:
    case HF_OPTION_BACKLOG:
        return HF_EOPNOTSUPP;
    }
    return HF_ENOPROTOOPT;
}
