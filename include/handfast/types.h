/* SPDX-License-Identifier: MIT
 *
 * The small types every other Handfast header stands on: time, addresses, handles, errors, states.
 */
#ifndef HANDFAST_TYPES_H
#define HANDFAST_TYPES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HF_API __attribute__((visibility("default")))
#else
#define HF_API
#endif

/* Nanoseconds on a monotonic clock of the caller's choosing, passed in with every call that may
 * act on it. Never negative. Successive calls on one stack never pass a smaller time; if one does,
 * the stack goes on with the larger. Past HF_TIME_NEVER / 2 (146 years) a stack's clock stands
 * still. */
typedef int64_t hf_time;
#define HF_TIME_NEVER INT64_MAX
#define HF_MICROSECOND INT64_C(1000)
#define HF_MILLISECOND INT64_C(1000000)
#define HF_SECOND INT64_C(1000000000)

enum hf_family { HF_FAMILY_ANY = 0, HF_IPV4 = 4, HF_IPV6 = 6 };

/* An IP address. IPv4 uses bytes[0..3] in network order; the other twelve are zero.
 * All bytes zero is the wildcard ("any") of its family; family HF_FAMILY_ANY is the wildcard of
 * both. Compare with hf_address_equal. */
struct hf_address {
    uint8_t family; /* enum hf_family */
    uint8_t bytes[16];
};

/* An address and a port (host byte order). */
struct hf_endpoint {
    struct hf_address address;
    uint16_t port;
};

HF_API struct hf_address hf_address_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
HF_API struct hf_address hf_address_ipv6(const uint8_t bytes[16]);
HF_API int hf_address_equal(const struct hf_address *a, const struct hf_address *b);
HF_API int hf_address_is_any(const struct hf_address *address);

/* Text forms (hosted builds only). Parse takes "10.0.0.1" or "fd00::1"; 0 or HF_EINVAL.
 * Format writes at most HF_ADDRESS_TEXT bytes with the terminating zero and returns `text`.
 * Endpoints read and print as "10.0.0.1:80" and "[fd00::1]:80". */
#define HF_ADDRESS_TEXT 48
#define HF_ENDPOINT_TEXT 56
HF_API int hf_address_parse(const char *text, struct hf_address *address);
HF_API char *hf_address_format(const struct hf_address *address, char text[HF_ADDRESS_TEXT]);
HF_API int hf_endpoint_parse(const char *text, struct hf_endpoint *endpoint);
HF_API char *hf_endpoint_format(const struct hf_endpoint *endpoint, char text[HF_ENDPOINT_TEXT]);

/* A connection or a listener, by kind, index and generation; never a pointer. 0 names nothing.
 * A handle whose owner is gone answers HF_EBADF for ever. */
typedef uint64_t hf_handle;
#define HF_NO_HANDLE UINT64_C(0)

/* Errors are Linux's errno numbers, negated, on every platform. */
enum hf_error {
    HF_OK = 0,
    HF_ENOENT = -2,         /* nothing of that name */
    HF_EBADF = -9,          /* stale or foreign handle */
    HF_EAGAIN = -11,        /* nothing to read, or no room to write, now */
    HF_ENOMEM = -12,        /* the allocator or config.memory_bytes said no */
    HF_EACCES = -13,        /* connection prohibited (ICMP administratively prohibited) */
    HF_EINVAL = -22,        /* an argument is out of its range */
    HF_EPIPE = -32,         /* sending after shutdown, or after the connection ended */
    HF_EPROTO = -71,        /* the peer broke the protocol */
    HF_EMSGSIZE = -90,      /* the buffer is smaller than the MTU */
    HF_ENOPROTOOPT = -92,   /* no such option */
    HF_EOPNOTSUPP = -95,    /* not on this kind of handle */
    HF_EAFNOSUPPORT = -97,  /* address family */
    HF_EADDRINUSE = -98,    /* this local endpoint, or this pair of endpoints, is in use */
    HF_EADDRNOTAVAIL = -99, /* not an address of this stack, or no port left */
    HF_ENETUNREACH = -101,  /* no local address can reach it, or ICMP net unreachable */
    HF_ECONNABORTED = -103, /* the connection was aborted before it could be accepted */
    HF_ECONNRESET = -104,   /* the peer reset the connection */
    HF_ENOBUFS = -105,      /* a table or queue stands at its limit in hf_config */
    HF_EISCONN = -106,      /* already connected */
    HF_ENOTCONN = -107,     /* not connected yet */
    HF_ETIMEDOUT = -110,    /* retransmissions, probes or keep-alives went unanswered */
    HF_ECONNREFUSED = -111, /* the peer answered our SYN with RST */
    HF_EHOSTUNREACH = -113  /* ICMP host unreachable */
};

/* One plain English phrase for an error, e.g. "connection refused". Never NULL. */
HF_API const char *hf_error_text(int error);

/* The eleven states of RFC 9293 3.3.2. HF_CLOSED is the absence of a connection. */
enum hf_state {
    HF_CLOSED,
    HF_LISTEN,
    HF_SYN_SENT,
    HF_SYN_RECEIVED,
    HF_ESTABLISHED,
    HF_FIN_WAIT_1,
    HF_FIN_WAIT_2,
    HF_CLOSE_WAIT,
    HF_CLOSING,
    HF_LAST_ACK,
    HF_TIME_WAIT
};

/* The RFC's spelling: "SYN-RECEIVED". Never NULL. */
HF_API const char *hf_state_name(enum hf_state state);

#ifdef __cplusplus
}
#endif

#endif
