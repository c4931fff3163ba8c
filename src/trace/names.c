/* SPDX-License-Identifier: MIT
 *
 * The words for what Handfast's enums say: reasons, states, errors.
 *
 * A value outside its enum gets a word too, never NULL: names are printed by programs that may be
 * older than the library that gave them the number, and an error path is the last place to crash.
 */
#include <handfast/reasons.h>
#include <handfast/trace.h>
#include <handfast/types.h>

struct reason_text {
    const char *name, *sentence, *source;
};

static const struct reason_text reason_texts[] = {
#define REASON_TEXT(constant, name, sentence, source) {name, sentence, source},
    HF_REASON_TABLE(REASON_TEXT)
#undef REASON_TEXT
};

static const struct reason_text *reason_text(enum hf_reason reason)
{
    static const struct reason_text unknown = {"unknown", "A reason this version has no words for.",
                                               "handfast/reasons.h"};

    if ((unsigned)reason >= (unsigned)HF_REASON_COUNT)
        return &unknown;
    return &reason_texts[reason];
}

const char *hf_reason_name(enum hf_reason reason)
{
    return reason_text(reason)->name;
}

const char *hf_reason_sentence(enum hf_reason reason)
{
    return reason_text(reason)->sentence;
}

const char *hf_reason_source(enum hf_reason reason)
{
    return reason_text(reason)->source;
}

const char *hf_state_name(enum hf_state state)
{
    switch (state) {
    case HF_CLOSED:
        return "CLOSED";
    case HF_LISTEN:
        return "LISTEN";
    case HF_SYN_SENT:
        return "SYN-SENT";
    case HF_SYN_RECEIVED:
        return "SYN-RECEIVED";
    case HF_ESTABLISHED:
        return "ESTABLISHED";
    case HF_FIN_WAIT_1:
        return "FIN-WAIT-1";
    case HF_FIN_WAIT_2:
        return "FIN-WAIT-2";
    case HF_CLOSE_WAIT:
        return "CLOSE-WAIT";
    case HF_CLOSING:
        return "CLOSING";
    case HF_LAST_ACK:
        return "LAST-ACK";
    case HF_TIME_WAIT:
        return "TIME-WAIT";
    }
    return "UNKNOWN";
}

static const char *known_error_text(enum hf_error error)
{
    switch (error) {
    case HF_OK:
        return "success";
    case HF_ENOENT:
        return "nothing of that name";
    case HF_EBADF:
        return "no such connection or listener";
    case HF_EAGAIN:
        return "nothing to do now, try again later";
    case HF_ENOMEM:
        return "out of memory";
    case HF_EACCES:
        return "connection administratively prohibited";
    case HF_EINVAL:
        return "invalid argument";
    case HF_EPIPE:
        return "sending is over on this connection";
    case HF_EPROTO:
        return "the peer broke the protocol";
    case HF_EMSGSIZE:
        return "the buffer is smaller than the MTU";
    case HF_ENOPROTOOPT:
        return "no such option";
    case HF_EOPNOTSUPP:
        return "not supported on this kind of handle";
    case HF_EAFNOSUPPORT:
        return "address family not supported";
    case HF_EADDRINUSE:
        return "address already in use";
    case HF_EADDRNOTAVAIL:
        return "address not available";
    case HF_ENETUNREACH:
        return "network unreachable";
    case HF_ECONNABORTED:
        return "connection aborted";
    case HF_ECONNRESET:
        return "connection reset by peer";
    case HF_ENOBUFS:
        return "a configured limit is reached";
    case HF_EISCONN:
        return "already connected";
    case HF_ENOTCONN:
        return "not connected";
    case HF_ETIMEDOUT:
        return "connection timed out";
    case HF_ECONNREFUSED:
        return "connection refused";
    case HF_EHOSTUNREACH:
        return "host unreachable";
    }
    return "unknown error";
}

const char *hf_error_text(int error)
{
    return known_error_text((enum hf_error)error);
}

const char *hf_trace_kind_name(enum hf_trace_kind kind)
{
    switch (kind) {
    case HF_TRACE_SENT:
        return "sent";
    case HF_TRACE_RECEIVED:
        return "received";
    case HF_TRACE_STATE:
        return "state";
    case HF_TRACE_TIMER:
        return "timer";
    case HF_TRACE_RTT:
        return "rtt";
    case HF_TRACE_CWND:
        return "cwnd";
    case HF_TRACE_WINDOW:
        return "window";
    case HF_TRACE_CALL:
        return "call";
    case HF_TRACE_ERROR:
        return "error";
    case HF_TRACE_LOSS:
        return "loss";
    case HF_TRACE_RECOVERY:
        return "recovery";
    case HF_TRACE_LIMIT:
        return "limit";
    case HF_TRACE_LINK:
        return "link";
    case HF_TRACE_REST:
        return "rest";
    }
    return "unknown";
}
