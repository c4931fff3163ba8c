/* SPDX-License-Identifier: MIT
 *
 * The values are the platform's own, taken from its headers by their names; those that its headers
 * do not have yet are given by number.
 */
#include "drill_symbols.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

/* Not in every C library's headers. */
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef TCP_INQ
#define TCP_INQ 36
#endif
#ifndef TCP_TX_DELAY
#define TCP_TX_DELAY 37
#endif
#ifndef TCP_CM_INQ
#define TCP_CM_INQ TCP_INQ
#endif
#ifndef SO_INCOMING_NAPI_ID
#define SO_INCOMING_NAPI_ID 56
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef IPV6_MTU_DISCOVER
#define IPV6_MTU_DISCOVER 23
#endif
#ifndef SOL_TCP
#define SOL_TCP 6
#endif
#ifndef SOL_IPV6
#define SOL_IPV6 41
#endif
#ifndef SOL_IP
#define SOL_IP 0
#endif

struct symbol {
    const char *name;
    int64_t value;
};

#define SYMBOL(name)           \
    {                          \
#name, (int64_t)(name) \
    }

static const struct symbol errors[] = {
    SYMBOL(EPERM),        SYMBOL(ENOENT),          SYMBOL(EINTR),           SYMBOL(EIO),
    SYMBOL(EBADF),        SYMBOL(EAGAIN),          {"EWOULDBLOCK", EAGAIN}, SYMBOL(ENOMEM),
    SYMBOL(EACCES),       SYMBOL(EFAULT),          SYMBOL(EBUSY),           SYMBOL(EEXIST),
    SYMBOL(ENODEV),       SYMBOL(EINVAL),          SYMBOL(ENFILE),          SYMBOL(EMFILE),
    SYMBOL(ENOTTY),       SYMBOL(ESPIPE),          SYMBOL(EPIPE),           SYMBOL(EDOM),
    SYMBOL(ERANGE),       SYMBOL(ELOOP),           SYMBOL(ENOSYS),          SYMBOL(EPROTO),
    SYMBOL(EOVERFLOW),    SYMBOL(ENOTSOCK),        SYMBOL(EDESTADDRREQ),    SYMBOL(EMSGSIZE),
    SYMBOL(EPROTOTYPE),   SYMBOL(ENOPROTOOPT),     SYMBOL(EPROTONOSUPPORT), SYMBOL(ESOCKTNOSUPPORT),
    SYMBOL(EOPNOTSUPP),   {"ENOTSUP", EOPNOTSUPP}, SYMBOL(EPFNOSUPPORT),    SYMBOL(EAFNOSUPPORT),
    SYMBOL(EADDRINUSE),   SYMBOL(EADDRNOTAVAIL),   SYMBOL(ENETDOWN),        SYMBOL(ENETUNREACH),
    SYMBOL(ENETRESET),    SYMBOL(ECONNABORTED),    SYMBOL(ECONNRESET),      SYMBOL(ENOBUFS),
    SYMBOL(EISCONN),      SYMBOL(ENOTCONN),        SYMBOL(ESHUTDOWN),       SYMBOL(ETIMEDOUT),
    SYMBOL(ECONNREFUSED), SYMBOL(EHOSTDOWN),       SYMBOL(EHOSTUNREACH),    SYMBOL(EALREADY),
    SYMBOL(EINPROGRESS),  SYMBOL(ECANCELED),
};

static const struct symbol constants[] = {
    /* domains, types, protocols, levels */
    SYMBOL(AF_UNSPEC),
    SYMBOL(AF_UNIX),
    SYMBOL(AF_INET),
    SYMBOL(AF_INET6),
    SYMBOL(PF_INET),
    SYMBOL(PF_INET6),
    SYMBOL(SOCK_STREAM),
    SYMBOL(SOCK_DGRAM),
    SYMBOL(SOCK_RAW),
    SYMBOL(SOCK_NONBLOCK),
    SYMBOL(SOCK_CLOEXEC),
    SYMBOL(IPPROTO_IP),
    SYMBOL(IPPROTO_TCP),
    SYMBOL(IPPROTO_UDP),
    SYMBOL(IPPROTO_IPV6),
    SYMBOL(IPPROTO_ICMP),
    SYMBOL(SOL_SOCKET),
    SYMBOL(SOL_TCP),
    SYMBOL(SOL_IP),
    SYMBOL(SOL_IPV6),
    SYMBOL(INADDR_ANY),
    SYMBOL(SOMAXCONN),
    {"NULL", 0},
    /* SOL_SOCKET */
    SYMBOL(SO_REUSEADDR),
    SYMBOL(SO_REUSEPORT),
    SYMBOL(SO_TYPE),
    SYMBOL(SO_ERROR),
    SYMBOL(SO_DONTROUTE),
    SYMBOL(SO_BROADCAST),
    SYMBOL(SO_SNDBUF),
    SYMBOL(SO_RCVBUF),
    SYMBOL(SO_SNDBUFFORCE),
    SYMBOL(SO_RCVBUFFORCE),
    SYMBOL(SO_KEEPALIVE),
    SYMBOL(SO_OOBINLINE),
    SYMBOL(SO_NO_CHECK),
    SYMBOL(SO_PRIORITY),
    SYMBOL(SO_LINGER),
    SYMBOL(SO_RCVLOWAT),
    SYMBOL(SO_SNDLOWAT),
    SYMBOL(SO_RCVTIMEO),
    SYMBOL(SO_SNDTIMEO),
    SYMBOL(SO_TIMESTAMP),
    SYMBOL(SO_ACCEPTCONN),
    SYMBOL(SO_MARK),
    SYMBOL(SO_PROTOCOL),
    SYMBOL(SO_DOMAIN),
    SYMBOL(SO_BUSY_POLL),
    SYMBOL(SO_MAX_PACING_RATE),
    SYMBOL(SO_INCOMING_CPU),
    SYMBOL(SO_MEMINFO),
    SYMBOL(SO_INCOMING_NAPI_ID),
    SYMBOL(SO_COOKIE),
    SYMBOL(SO_ZEROCOPY),
    SYMBOL(SO_TIMESTAMPING),
    SYMBOL(SO_PEERNAME),
    SYMBOL(SO_BINDTODEVICE),
    /* IPPROTO_TCP */
    SYMBOL(TCP_NODELAY),
    SYMBOL(TCP_MAXSEG),
    SYMBOL(TCP_CORK),
    SYMBOL(TCP_KEEPIDLE),
    SYMBOL(TCP_KEEPINTVL),
    SYMBOL(TCP_KEEPCNT),
    SYMBOL(TCP_SYNCNT),
    SYMBOL(TCP_LINGER2),
    SYMBOL(TCP_DEFER_ACCEPT),
    SYMBOL(TCP_WINDOW_CLAMP),
    SYMBOL(TCP_INFO),
    SYMBOL(TCP_QUICKACK),
    SYMBOL(TCP_CONGESTION),
    SYMBOL(TCP_MD5SIG),
    SYMBOL(TCP_THIN_LINEAR_TIMEOUTS),
    SYMBOL(TCP_THIN_DUPACK),
    SYMBOL(TCP_USER_TIMEOUT),
    SYMBOL(TCP_REPAIR),
    SYMBOL(TCP_FASTOPEN),
    SYMBOL(TCP_TIMESTAMP),
    SYMBOL(TCP_NOTSENT_LOWAT),
    SYMBOL(TCP_CC_INFO),
    SYMBOL(TCP_SAVE_SYN),
    SYMBOL(TCP_SAVED_SYN),
    SYMBOL(TCP_FASTOPEN_CONNECT),
    SYMBOL(TCP_ULP),
    SYMBOL(TCP_MD5SIG_EXT),
    SYMBOL(TCP_FASTOPEN_KEY),
    SYMBOL(TCP_FASTOPEN_NO_COOKIE),
    SYMBOL(TCP_ZEROCOPY_RECEIVE),
    SYMBOL(TCP_INQ),
    SYMBOL(TCP_CM_INQ),
    SYMBOL(TCP_TX_DELAY),
    /* IPPROTO_IP, IPPROTO_IPV6 */
    SYMBOL(IP_TOS),
    SYMBOL(IP_TTL),
    SYMBOL(IP_MTU_DISCOVER),
    SYMBOL(IP_RECVERR),
    SYMBOL(IP_MTU),
    SYMBOL(IP_FREEBIND),
    SYMBOL(IP_TRANSPARENT),
    SYMBOL(IP_MINTTL),
    SYMBOL(IP_PMTUDISC_DONT),
    SYMBOL(IP_BIND_ADDRESS_NO_PORT),
    SYMBOL(IP_PMTUDISC_WANT),
    SYMBOL(IP_PMTUDISC_DO),
    SYMBOL(IP_PMTUDISC_PROBE),
    SYMBOL(IP_RECVTOS),
    SYMBOL(IP_RECVTTL),
    SYMBOL(IPV6_TCLASS),
    SYMBOL(IPV6_UNICAST_HOPS),
    SYMBOL(IPV6_V6ONLY),
    SYMBOL(IPV6_MTU_DISCOVER),
    SYMBOL(IPV6_RECVERR),
    SYMBOL(IPV6_MTU),
    SYMBOL(IPV6_RECVTCLASS),
    /* messages */
    SYMBOL(MSG_OOB),
    SYMBOL(MSG_PEEK),
    SYMBOL(MSG_DONTROUTE),
    SYMBOL(MSG_CTRUNC),
    SYMBOL(MSG_TRUNC),
    SYMBOL(MSG_DONTWAIT),
    SYMBOL(MSG_EOR),
    SYMBOL(MSG_WAITALL),
    SYMBOL(MSG_NOSIGNAL),
    SYMBOL(MSG_MORE),
    SYMBOL(MSG_FASTOPEN),
    SYMBOL(MSG_ERRQUEUE),
    SYMBOL(MSG_CMSG_CLOEXEC),
    SYMBOL(MSG_ZEROCOPY),
    SYMBOL(MSG_CONFIRM),
    SYMBOL(SCM_RIGHTS),
    SYMBOL(SCM_TIMESTAMPING),
    SYMBOL(SCM_TIMESTAMPING_OPT_STATS),
    SYMBOL(SCM_TSTAMP_SND),
    SYMBOL(SCM_TSTAMP_SCHED),
    SYMBOL(SCM_TSTAMP_ACK),
    SYMBOL(SOF_TIMESTAMPING_TX_HARDWARE),
    SYMBOL(SOF_TIMESTAMPING_TX_SOFTWARE),
    SYMBOL(SOF_TIMESTAMPING_RX_HARDWARE),
    SYMBOL(SOF_TIMESTAMPING_RX_SOFTWARE),
    SYMBOL(SOF_TIMESTAMPING_SOFTWARE),
    SYMBOL(SOF_TIMESTAMPING_RAW_HARDWARE),
    SYMBOL(SOF_TIMESTAMPING_OPT_ID),
    SYMBOL(SOF_TIMESTAMPING_TX_SCHED),
    SYMBOL(SOF_TIMESTAMPING_TX_ACK),
    SYMBOL(SOF_TIMESTAMPING_OPT_CMSG),
    SYMBOL(SOF_TIMESTAMPING_OPT_TSONLY),
    SYMBOL(SOF_TIMESTAMPING_OPT_STATS),
    SYMBOL(SO_EE_ORIGIN_NONE),
    SYMBOL(SO_EE_ORIGIN_LOCAL),
    SYMBOL(SO_EE_ORIGIN_ICMP),
    SYMBOL(SO_EE_ORIGIN_ICMP6),
    SYMBOL(SO_EE_ORIGIN_TXSTATUS),
    SYMBOL(SO_EE_ORIGIN_TIMESTAMPING),
    SYMBOL(SO_EE_ORIGIN_ZEROCOPY),
    SYMBOL(SO_EE_CODE_ZEROCOPY_COPIED),
    {"CMSG_LEVEL_IP", SOL_IP}, /* of this run's version of IP */
    {"CMSG_TYPE_RECVERR", IP_RECVERR},
    SYMBOL(SPLICE_F_MOVE),
    SYMBOL(SPLICE_F_NONBLOCK),
    SYMBOL(SPLICE_F_MORE),
    SYMBOL(SPLICE_F_GIFT),
    SYMBOL(SHUT_RD),
    SYMBOL(SHUT_WR),
    SYMBOL(SHUT_RDWR),
    /* files */
    SYMBOL(F_GETFL),
    SYMBOL(F_SETFL),
    SYMBOL(F_GETFD),
    SYMBOL(F_SETFD),
    SYMBOL(F_DUPFD),
    SYMBOL(FD_CLOEXEC),
    SYMBOL(O_RDONLY),
    SYMBOL(O_WRONLY),
    SYMBOL(O_RDWR),
    SYMBOL(O_NONBLOCK),
    SYMBOL(O_CLOEXEC),
    SYMBOL(FIONREAD),
    SYMBOL(FIONBIO),
    {"SIOCINQ", FIONREAD},
    {"SIOCOUTQ", TIOCOUTQ},
    SYMBOL(SIOCOUTQNSD),
    {"SIOCATMARK", 0x8905},
    SYMBOL(TIOCOUTQ),
    /* readiness */
    SYMBOL(POLLIN),
    SYMBOL(POLLPRI),
    SYMBOL(POLLOUT),
    SYMBOL(POLLERR),
    SYMBOL(POLLHUP),
    SYMBOL(POLLNVAL),
    SYMBOL(POLLRDNORM),
    SYMBOL(POLLRDBAND),
    SYMBOL(POLLWRNORM),
    SYMBOL(POLLWRBAND),
    SYMBOL(POLLRDHUP),
    SYMBOL(EPOLLIN),
    SYMBOL(EPOLLPRI),
    SYMBOL(EPOLLOUT),
    SYMBOL(EPOLLRDNORM),
    SYMBOL(EPOLLRDBAND),
    SYMBOL(EPOLLWRNORM),
    SYMBOL(EPOLLWRBAND),
    SYMBOL(EPOLLERR),
    SYMBOL(EPOLLHUP),
    SYMBOL(EPOLLRDHUP),
    SYMBOL(EPOLLET),
    SYMBOL(EPOLLONESHOT),
    SYMBOL(EPOLLEXCLUSIVE),
    SYMBOL(EPOLLWAKEUP),
    SYMBOL(EPOLL_CTL_ADD),
    SYMBOL(EPOLL_CTL_MOD),
    SYMBOL(EPOLL_CTL_DEL),
    SYMBOL(EPOLL_CLOEXEC),
    /* states, as TCP_INFO gives them */
    SYMBOL(TCP_ESTABLISHED),
    SYMBOL(TCP_SYN_SENT),
    SYMBOL(TCP_SYN_RECV),
    SYMBOL(TCP_FIN_WAIT1),
    SYMBOL(TCP_FIN_WAIT2),
    SYMBOL(TCP_TIME_WAIT),
    SYMBOL(TCP_CLOSE),
    SYMBOL(TCP_CLOSE_WAIT),
    SYMBOL(TCP_LAST_ACK),
    SYMBOL(TCP_LISTEN),
    SYMBOL(TCP_CLOSING),
};

static const struct symbol *find(const struct symbol *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    }
    return NULL;
}

bool drill_symbol_find(const char *name, int64_t *value)
{
    const struct symbol *found = find(constants, sizeof constants / sizeof constants[0], name);
    if (found == NULL)
        found = find(errors, sizeof errors / sizeof errors[0], name);
    if (found != NULL)
        *value = found->value;
    return found != NULL;
}

int drill_errno_find(const char *name)
{
    const struct symbol *found = find(errors, sizeof errors / sizeof errors[0], name);
    return found != NULL ? (int)found->value : 0;
}

const char *drill_errno_name(int error, char spare[24])
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        if (errors[i].value == error)
            return errors[i].name;
    }
    snprintf(spare, 24, "errno %d", error);
    return spare;
}
