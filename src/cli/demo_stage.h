/* SPDX-License-Identifier: MIT
 *
 * The stage that every demo plays on: two hosts, a simulated link between them, the sinks that
 * show what happens (ladder or JSON, and a capture), and a watcher that remembers it, so that the
 * demo can check itself. Nothing here is acted: what is shown is what the stacks did.
 */
#ifndef DEMO_STAGE_H
#define DEMO_STAGE_H

#include "demo_options.h"
#include "demo_text.h"
#include "demo_watch.h"

#include <handfast/handfast.h>
#include <stdbool.h>
#include <stdio.h>

enum { DEMO_A, DEMO_B, DEMO_HOSTS };

/* What a scenario asks of its hosts and its link. */
struct demo_casting {
    const char *host_names[DEMO_HOSTS];
    struct hf_sim_direction link[DEMO_HOSTS]; /* what each host's packets go through */
    uint32_t receive_buffer_bytes;            /* 0: the stack's default */
    uint32_t max_segment_bytes;               /* 0: what the MTU allows */
    bool timestamps, sack;                    /* offered in SYN */
    bool absolute;                            /* sequence numbers are shown as on the wire */
};

/* The link loses the next packet of this kind that the host sends. */
struct demo_loss {
    enum demo_packet packet; /* DEMO_PACKET_NONE: nothing is to be lost */
    uint32_t skip;           /* let so many of them pass first */
};

struct demo_role {
    struct hf_stack *stack;
    struct hf_address address;
    uint16_t port;
    hf_handle listener, connection;
    uint64_t to_send_bytes;  /* what its program wants to send in all */
    uint64_t sent_bytes;     /* taken by hf_send */
    uint64_t received_bytes; /* and found to be what the other sent */
    bool received_wrong;     /* a byte was not what the other sent */
    bool reading;            /* its program reads at once what arrives */
    bool closing;            /* its program closes its direction when all is sent */
    bool connected;
    bool peer_closed; /* and all that came before was read */
    int error;        /* what its program was told; HF_OK: nothing */
    struct demo_loss loss;
    unsigned restarts;
};

struct demo_stage {
    const struct demo_options *options;
    struct demo_casting casting;
    struct demo_text text;
    struct demo_role roles[DEMO_HOSTS];
    struct hf_sim *sim;
    hf_time msl_ns; /* of stacks made from now on; 0: the default */
    struct hf_trace_tee tee;
    struct demo_watch watch;
    uint64_t events_paused_at; /* --step: what had been shown at the last pause */
    bool stepping;
    struct hf_ladder *ladder;
    struct hf_json_trace *json;
    struct hf_pcapng *pcapng;
    FILE *pcap_file;
};

/* EXIT_CODE_OK, or another after complaining. The stage points into itself: it stays where it is.
 */
int demo_stage_new(const struct demo_options *options, const struct demo_casting *casting,
                   struct demo_stage **made);
/* Closes the capture: EXIT_CODE_OK, or another after complaining that it is incomplete. NULL is
 * allowed. */
int demo_stage_free(struct demo_stage *stage);
/* The ladder heads its columns with the names of both hosts, though one of them may not do anything
 * for a while: an event about nothing tells it that they are there. */
void demo_stage_introduce(const struct demo_stage *stage);

/* Both hosts anew, with nothing open, on another pair of ports. What went on before has ended. */
int demo_stage_reset(struct demo_stage *stage, unsigned act);
/* The host loses its memory: a new stack with the same address takes its place. */
int demo_stage_restart(struct demo_stage *stage, unsigned host);

/* User calls of the program at this host. All give HF_OK or an error. */
int demo_stage_listen(struct demo_stage *stage, unsigned host);
int demo_stage_connect(struct demo_stage *stage, unsigned host);
/* So many more bytes of the host's pattern, as fast as its stack takes them. */
int demo_stage_send(struct demo_stage *stage, unsigned host, uint64_t length);
/* CLOSE in the RFC's sense, once everything is sent. */
int demo_stage_shutdown(struct demo_stage *stage, unsigned host);
int demo_stage_abort(struct demo_stage *stage, unsigned host);
/* Whether the program reads what arrives. */
int demo_stage_set_reading(struct demo_stage *stage, unsigned host, bool reading);

/* Everything that the host sends from now on is held back this much longer; 0: no more. */
int demo_stage_hold(struct demo_stage *stage, unsigned host, hf_time held_ns);
/* A copy of the last packet of this kind that the host sent reaches the other in a moment. */
int demo_stage_replay(struct demo_stage *stage, unsigned host, enum demo_packet packet);

/* Lets time pass, and the programs at both ends do their part (accept, read, write); with --step,
 * Enter by Enter. The clock then reads `until`. */
void demo_stage_run(struct demo_stage *stage, hf_time until);
/* The same until nothing is left to happen; the clock then reads when the last thing happened. A
 * day is the most. */
void demo_stage_run_out(struct demo_stage *stage);
/* One event of the above; false when nothing happens before `until`. */
bool demo_stage_step(struct demo_stage *stage, hf_time until);

/* The state of the host's connection, asked from the stack itself (not from the trace): LISTEN
 * when there is only a listener, CLOSED when there is nothing. */
enum hf_state demo_stage_state(const struct demo_stage *stage, unsigned host);

/* The byte at this offset of what a host sends. */
uint8_t demo_stage_pattern(uint64_t seed, unsigned host, uint64_t offset);

#endif
