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
};
#define OPTION_COUNT (sizeof option_ranges / sizeof option_ranges[0])

static int check_range(enum hf_option option, int64_t value)
{
    if ((unsigned)option >= OPTION_COUNT) {
        return HF_ENOPROTOOPT;
    }
    if (value < option_ranges[option].low || value > option_ranges[option].high ||
        (option == HF_OPTION_MAX_SEGMENT && value > 0 && value < 88)) {
        return HF_EINVAL;
    }
    return HF_OK;
}

/* A wider buffer may open the window. */
static void set_receive_buffer(struct tcp_conn *conn, uint32_t bytes)
{
    conn->receive_limit_bytes = bytes;
    if (conn->state != HF_CLOSED && conn->state != HF_SYN_SENT && tcp_window_update_due(conn)) {
        tcp_ack_now(conn, HF_REASON_SEND_WINDOW_UPDATE);
    }
}

static void set_send_buffer(struct tcp_conn *conn, uint32_t bytes)
{
    conn->send_limit_bytes = bytes;
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
    case HF_OPTION_KEEPALIVE:
        conn->keepalive = value != 0;
        tcp_restart_keepalive(conn);
        break;
    case HF_OPTION_KEEPALIVE_IDLE_NS:
        conn->keepalive_idle_ns = value;
        tcp_restart_keepalive(conn);
        break;
    case HF_OPTION_KEEPALIVE_INTERVAL_NS:
        conn->keepalive_interval_ns = value;
        break;
    case HF_OPTION_KEEPALIVE_PROBES:
        conn->keepalive_probes = (uint8_t)value;
        break;
    case HF_OPTION_USER_TIMEOUT_NS:
        conn->user_timeout_ns = value;
        break;
    case HF_OPTION_RETRIES_R2:
        conn->retries_r2 = (uint8_t)value;
        break;
    case HF_OPTION_SYN_RETRIES:
        conn->syn_retries = (uint8_t)value;
        break;
    case HF_OPTION_RECEIVE_BUFFER:
        set_receive_buffer(conn, (uint32_t)value);
        break;
    case HF_OPTION_SEND_BUFFER:
        set_send_buffer(conn, (uint32_t)value);
        break;
    case HF_OPTION_MAX_SEGMENT:
        conn->max_segment = (uint16_t)value;
        break;
    case HF_OPTION_TTL:
        conn->ttl = (uint8_t)value;
        break;
    case HF_OPTION_TRAFFIC_CLASS:
        conn->traffic_class = (uint8_t)(value & 0xfc);
        break;
    case HF_OPTION_CONGESTION:
        return tcp_cc_choose(conn, host, (int)value);
    case HF_OPTION_QUICK_ACK:
    case HF_OPTION_SOFT_ERRORS:
    case HF_OPTION_FIN_WAIT_2_NS:
    case HF_OPTION_RECEIVE_SHUTDOWN:
    case HF_OPTION_FAST_OPEN_NO_COOKIE:
    case HF_OPTION_DEFER_ACCEPT:
    case HF_OPTION_SAVE_SYN:
        set_plain(conn, option, value);
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
    case HF_OPTION_KEEPALIVE:
        *value = conn->keepalive;
        return HF_OK;
    case HF_OPTION_KEEPALIVE_IDLE_NS:
        *value = conn->keepalive_idle_ns;
        return HF_OK;
    case HF_OPTION_KEEPALIVE_INTERVAL_NS:
        *value = conn->keepalive_interval_ns;
        return HF_OK;
    case HF_OPTION_KEEPALIVE_PROBES:
        *value = conn->keepalive_probes;
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
    case HF_OPTION_RECEIVE_BUFFER:
        *value = conn->receive_limit_bytes;
        return HF_OK;
    case HF_OPTION_SEND_BUFFER:
        *value = conn->send_limit_bytes;
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
    case HF_OPTION_CONGESTION:
        *value = tcp_cc_index(host->config, conn->cc);
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
    case HF_OPTION_FAST_OPEN_QUEUE:
    case HF_OPTION_FAST_OPEN_CONNECT:
    case HF_OPTION_BACKLOG:
        return HF_EOPNOTSUPP;
    }
    return HF_ENOPROTOOPT;
}
