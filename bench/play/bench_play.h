/* SPDX-License-Identifier: MIT
 *
 * Measures what the stack costs on this machine, beside what the same work costs at the least and
 * beside the peers that are there. Who starts a measurement sees this header alone.
 *
 * The exit status of a measurement: 0 all was measured; 1 something could not be, 9 all was
 * and the file could not be written.
 */
#ifndef BENCH_PLAY_H
#define BENCH_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_DONE = 0, BENCH_FAILED = 1, BENCH_UNWRITTEN = 9 };
enum { BENCH_MOST_ROUNDS = 64 };
#define BENCH_MOST_CONNECTIONS UINT32_C(10000000)

struct bench_plan {
    const char *kind;      /* of bench_kinds */
    unsigned rounds;       /* 1..BENCH_MOST_ROUNDS */
    bool quick;            /* less work a round, fewer connections */
    uint32_t connections;  /* curves end here; 0: what quick says */
    const char *json_path; /* written at the end; NULL: nowhere */
    const char *peer_path; /* a program to measure beside (bench/lwip_peer.c); NULL: none */
    const char *program;   /* `handfast` itself, for what needs other processes of it */
};

/* "bulk", ...; NULL at the end. */
extern const char *const bench_kinds[];
/* What it measures, in a line; NULL: there is no such kind. */
const char *bench_kind_summary(const char *kind);

/* A table on stdout, and the file. What is wrong is told on stderr, a line. */
int bench_play(const struct bench_plan *plan);

#endif
