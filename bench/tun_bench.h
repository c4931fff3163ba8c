/* SPDX-License-Identifier: MIT
 *
 * Handfast and the kernel's TCP over a TUN device, and as the reference the kernel's TCP with
 * itself over veth. Each run has network namespaces of its own, which end with it, and processes of
 * its own for both ends. Needs root.
 */
#ifndef TUN_BENCH_H
#define TUN_BENCH_H

#include <stdbool.h>
#include <stdint.h>

/* Why it cannot be done here, as words; NULL: it can. */
const char *tun_bench_problem(void);

/* Times of so many exchanges of 64 and 128 bytes, in ns. False: it could not be measured. */
bool tun_latency(uint64_t *times, uint32_t count, bool busy);
bool veth_latency(uint64_t *times, uint32_t count);

/* Bits a second of one stream for this long; 0: it could not be measured. `program` is handfast;
 * `inwards`: the kernel sends. */
double tun_bulk(const char *program, double seconds, bool inwards, bool offload);
double veth_bulk(double seconds);
/* The same by iperf3, where that is installed. */
double veth_iperf3(double seconds);

#endif
