/* SPDX-License-Identifier: MIT
 *
 * One end of a measured transfer, on the kernel's TCP or on Handfast's. The sender sends bytes and
 * shuts down; the receiver reads to the end and answers with how many bytes came. Of a transfer of
 * so many bytes the time until that answer is there counts; of one of so many seconds what was
 * acknowledged by then: were it the time until all has come, whoever's send buffer takes more would
 * seem faster. Both stacks play the same program.
 */
#ifndef PEER_H
#define PEER_H

#include <handfast/handfast.h>

enum { PEER_CHUNK_BYTES = 65536, PEER_ANSWER_BYTES = 8 };

struct peer_job {
    bool handfast;
    const char *congestion;    /* sender: the algorithm */
    struct hf_endpoint remote; /* sender: where to */
    uint16_t port;             /* receiver: where at */
    uint64_t bytes;            /* sender: of each transfer; 0: as many as go in `seconds` */
    double seconds;
    unsigned repeat; /* transfers, one after the other */
    const char *tun; /* Handfast: its device, and the addresses of both its ends */
    struct hf_tun_address own, kernels;
    const char *trace; /* Handfast: a file for its trace in JSON, NULL: none */
};

struct peer_result {
    double seconds;         /* from connect to the answer; those of the job, where it has some */
    uint64_t bytes;         /* that the receiver says it got, in the end */
    uint64_t acknowledged;  /* bytes, in this time; so are those below */
    uint64_t retransmitted; /* bytes */
    uint64_t spurious;      /* segments that the receiver said came twice */
    uint64_t segments;      /* data segments sent, repeats too */
};

double peer_seconds(void);
void peer_print(const struct peer_result *result);

/* Each 0, or 1 after saying what failed. Receivers serve `repeat` transfers and end. */
int peer_kernel_send(const struct peer_job *job);
int peer_kernel_serve(const struct peer_job *job);
int peer_handfast_send(const struct peer_job *job);
int peer_handfast_serve(const struct peer_job *job);

#endif
