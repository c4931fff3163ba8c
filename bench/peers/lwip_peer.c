/* SPDX-License-Identifier: MIT
 *
 * lwIP doing what Handfast is measured at, as peer_program.h has it: two interfaces of one lwIP,
 * joined by hand, one thread. Built where Debian's liblwip-dev is found, against its library as it
 * is, with its own settings.
 *
 * An lwIP has one routing table, and would keep what is for its other interface's address to
 * itself. So each side knows the other by an address that is nobody's, and the wire between them
 * puts the right ones in. Both pairs of addresses have the same sum, so no checksum changes:
 *
 *     10.1.0.1 -> 10.1.0.2  |  10.0.0.2 -> 10.0.0.3
 */
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PORT = 80, MTU = 1500, MOST_QUEUED = 65536, SOURCE_AT = 12, ADDRESSES_BYTES = 8 };
enum { REQUEST_BYTES = 64, RESPONSE_BYTES = 128, CONNECTIONS_A_TICK = 25 };
#define WRITE_BYTES (44 * TCP_MSS)

struct side {
    struct netif netif;
    uint8_t arrive_as[ADDRESSES_BYTES]; /* source and destination, where this side's packets go */
    struct pbuf *queue[MOST_QUEUED];    /* on their way to the other side */
    unsigned count;
};

struct peer {
    struct side client, server;
    struct tcp_pcb *listener, *accepted;
    uint64_t received; /* by the server */
    uint64_t answered; /* by the client */
    unsigned answer_bytes;
    int ended;
};

static void fail(const char *what)
{
    fprintf(stderr, "lwip-peer: %s\n", what);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- the wire */

static err_t leave(struct netif *netif, struct pbuf *packet, const ip4_addr_t *to)
{
    struct side *side = netif->state;
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, packet->tot_len, PBUF_RAM);
    (void)to;
    if (copy == NULL || side->count == MOST_QUEUED ||
        pbuf_copy_partial(packet, copy->payload, packet->tot_len, 0) != packet->tot_len) {
        fail("a packet does not fit the wire");
    }
    pbuf_take_at(copy, side->arrive_as, ADDRESSES_BYTES, SOURCE_AT);
    side->queue[side->count++] = copy;
    return ERR_OK;
}

static int carry(struct side *from, struct side *to)
{
    unsigned count = from->count;
    for (unsigned i = 0; i < count; i++) {
        struct pbuf *packet = from->queue[i];
        if (to->netif.input(packet, &to->netif) != ERR_OK) {
            pbuf_free(packet);
        }
    }
    /* Nothing is added meanwhile: what it makes leave goes the other way. */
    from->count = 0;
    return count > 0;
}

static void settle(struct peer *peer)
{
    while (carry(&peer->client, &peer->server) | carry(&peer->server, &peer->client)) {
    }
}

static err_t begin_netif(struct netif *netif)
{
    netif->mtu = MTU;
    netif->output = leave;
    netif->name[0] = 'h';
    netif->name[1] = 'f';
    return ERR_OK;
}

static void begin_side(struct side *side, uint8_t network, uint8_t host,
                       const uint8_t arrive_as[ADDRESSES_BYTES])
{
    ip4_addr_t address;
    ip4_addr_t mask;
    ip4_addr_t gateway;
    IP4_ADDR(&address, 10, network, 0, host);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 0, 0, 0, 0);
    memcpy(side->arrive_as, arrive_as, ADDRESSES_BYTES);
    if (netif_add(&side->netif, &address, &mask, &gateway, side, begin_netif, ip_input) == NULL) {
        fail("cannot add an interface");
    }
    netif_set_up(&side->netif);
    netif_set_link_up(&side->netif);
}

/* ---- the programs at either end */

static err_t server_received(void *context, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    static uint8_t buffer[65536];
    struct peer *peer = context;
    (void)error;
    if (packet == NULL) {
        peer->accepted = NULL;
        return tcp_close(pcb);
    }
    peer->received += pbuf_copy_partial(packet, buffer, packet->tot_len, 0);
    tcp_recved(pcb, packet->tot_len);
    pbuf_free(packet);
    if (peer->answer_bytes > 0) {
        tcp_write(pcb, buffer, (u16_t)peer->answer_bytes, TCP_WRITE_FLAG_COPY);
        tcp_output(pcb);
    }
    return ERR_OK;
}

static err_t client_received(void *context, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    static uint8_t buffer[65536];
    struct peer *peer = context;
    (void)error;
    if (packet != NULL) {
        peer->answered += pbuf_copy_partial(packet, buffer, packet->tot_len, 0);
        tcp_recved(pcb, packet->tot_len);
        pbuf_free(packet);
    }
    return ERR_OK;
}

static void ended(void *context, err_t error)
{
    struct peer *peer = context;
    (void)error;
    peer->ended = 1;
    peer->accepted = NULL;
}

static err_t accepted(void *context, struct tcp_pcb *pcb, err_t error)
{
    struct peer *peer = context;
    (void)error;
    peer->accepted = pcb;
    tcp_arg(pcb, peer);
    tcp_recv(pcb, server_received);
    tcp_err(pcb, ended);
    return ERR_OK;
}

static err_t connected(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    (void)pcb;
    return error;
}

static void begin(struct peer *peer)
{
    static const uint8_t from_client[ADDRESSES_BYTES] = {10, 0, 0, 2, 10, 0, 0, 3};
    static const uint8_t from_server[ADDRESSES_BYTES] = {10, 1, 0, 2, 10, 1, 0, 1};
    struct tcp_pcb *pcb;
    memset(peer, 0, sizeof *peer);
    lwip_init();
    begin_side(&peer->client, 1, 1, from_client);
    begin_side(&peer->server, 0, 3, from_server);
    pcb = tcp_new();
    if (pcb == NULL || tcp_bind(pcb, IP_ADDR_ANY, PORT) != ERR_OK) {
        fail("cannot bind");
    }
    peer->listener = tcp_listen_with_backlog(pcb, 255);
    tcp_arg(peer->listener, peer);
    tcp_accept(peer->listener, accepted);
}

static struct tcp_pcb *open_one(struct peer *peer)
{
    struct tcp_pcb *pcb = tcp_new();
    ip_addr_t to;
    IP_ADDR4(&to, 10, 1, 0, 2);
    peer->accepted = NULL;
    if (pcb == NULL) {
        fail("out of memory");
    }
    tcp_arg(pcb, peer);
    tcp_recv(pcb, client_received);
    if (tcp_connect(pcb, &to, PORT, connected) != ERR_OK) {
        fail("cannot connect");
    }
    settle(peer);
    if (peer->accepted == NULL) {
        fail("cannot accept");
    }
    return pcb;
}

static void exchange(struct peer *peer, struct tcp_pcb *pcb, unsigned request, unsigned response)
{
    static const uint8_t bytes[RESPONSE_BYTES];
    uint64_t before = peer->answered;
    peer->answer_bytes = response;
    tcp_write(pcb, bytes, (u16_t)request, TCP_WRITE_FLAG_COPY);
    tcp_output(pcb);
    settle(peer);
    if (peer->answered != before + response) {
        fail("an answer is missing");
    }
}

/* ---- the works */

static void bulk(struct peer *peer, uint64_t bytes)
{
    static const uint8_t buffer[WRITE_BYTES];
    struct tcp_pcb *pcb = open_one(peer);
    double start = seconds(CLOCK_THREAD_CPUTIME_ID);
    uint64_t turns = 0;
    while (peer->received < bytes) {
        u16_t room = tcp_sndbuf(pcb);
        if (room > WRITE_BYTES) {
            room = (u16_t)WRITE_BYTES;
        }
        while (room > 0 && tcp_write(pcb, buffer, room, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            room /= 2; /* its queue of segments is full */
        }
        tcp_output(pcb);
        carry(&peer->client, &peer->server);
        carry(&peer->server, &peer->client);
        if (++turns % 4096 == 0) {
            tcp_tmr();
        }
    }
    printf("%.2f\n",
           (seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / ((double)peer->received / TCP_MSS));
}

static void open_idle(struct peer *peer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        exchange(peer, open_one(peer), REQUEST_BYTES, RESPONSE_BYTES);
    }
    /* Delayed acknowledgements. */
    tcp_tmr();
    settle(peer);
}

static void connections(struct peer *peer, uint64_t count, uint64_t idle, int reset)
{
    double start;
    open_idle(peer, idle);
    start = seconds(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t i = 0; i < count; i++) {
        struct tcp_pcb *pcb = open_one(peer);
        exchange(peer, pcb, 1, 1);
        if (reset) {
            tcp_abort(pcb);
        } else if (tcp_close(pcb) != ERR_OK) {
            fail("cannot close");
        }
        settle(peer);
        /* 250 ms a tick: so that TIME-WAIT ends before there are no ports left. */
        if (i % CONNECTIONS_A_TICK == 0) {
            tcp_tmr();
            settle(peer);
        }
    }
    printf("%.1f\n", (double)count / (seconds(CLOCK_THREAD_CPUTIME_ID) - start));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void latency(struct peer *peer, uint64_t count)
{
    struct tcp_pcb *pcb = open_one(peer);
    double *times = calloc(count, sizeof *times);
    if (times == NULL || count == 0) {
        fail("no memory for the times");
    }
    for (uint64_t i = 0; i < count; i++) {
        double start = seconds(CLOCK_MONOTONIC);
        exchange(peer, pcb, REQUEST_BYTES, RESPONSE_BYTES);
        times[i] = seconds(CLOCK_MONOTONIC) - start;
    }
    qsort(times, count, sizeof *times, compare);
    printf("%.1f\n", times[count / 2] * 1e9);
    free(times);
}

static void idle(struct peer *peer, uint64_t count)
{
    size_t before = mallinfo2().uordblks;
    open_idle(peer, count);
    printf("%.1f\n", (double)(mallinfo2().uordblks - before) / (double)count / 2);
}

int main(int argc, char **argv)
{
    static struct peer peer;
    const char *work = argc >= 2 ? argv[1] : "";
    uint64_t count = argc >= 3 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t beside = argc >= 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (strcmp(work, "name") == 0) {
        printf("lwIP %s, the system's library\n", LWIP_VERSION_STRING);
        return 0;
    }
    if (count == 0) {
        fprintf(stderr, "usage: lwip-peer bulk|rst|fin|latency|idle COUNT [IDLE]\n");
        return 2;
    }
    begin(&peer);
    if (strcmp(work, "bulk") == 0) {
        bulk(&peer, count);
    } else if (strcmp(work, "rst") == 0 || strcmp(work, "fin") == 0) {
        connections(&peer, count, beside, work[0] == 'r');
    } else if (strcmp(work, "latency") == 0) {
        latency(&peer, count);
    } else if (strcmp(work, "idle") == 0) {
        idle(&peer, count);
    } else {
        fail("no such work");
    }
    return 0;
}
