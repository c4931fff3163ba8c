/* SPDX-License-Identifier: MIT
 *
 * A fixed piece of work for bench/instructions to count the instructions of:
 *
 *   instructions-load bulk N    N full segments' worth of data from program to program
 *   instructions-load received N  the same, read by hf_recv after it came
 *   instructions-load single N  that, too, one packet a call instead of batches
 *   instructions-load rst N     N connections, a byte each way, ended by RST
 *   instructions-load fin N     the same with FIN and TIME-WAIT
 *   instructions-load floor N   N times the copies and sums alone
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_BYTES 1448u

int main(int argc, char **argv)
{
    const char *kind = argc == 3 ? argv[1] : "";
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    if (count > 0 && strcmp(kind, "bulk") == 0) {
        bulk_run(count * SEGMENT_BYTES, BULK_POSTED);
    } else if (count > 0 && strcmp(kind, "received") == 0) {
        bulk_run(count * SEGMENT_BYTES, BULK_RECEIVED);
    } else if (count > 0 && strcmp(kind, "single") == 0) {
        bulk_run(count * SEGMENT_BYTES, BULK_SINGLE);
    } else if (count > 0 && strcmp(kind, "rst") == 0) {
        connections_run(count, 1);
    } else if (count > 0 && strcmp(kind, "fin") == 0) {
        connections_run(count, 0);
    } else if (count > 0 && strcmp(kind, "floor") == 0) {
        floor_segment_ns(count);
    } else {
        fprintf(stderr, "usage: instructions-load bulk|received|single|rst|fin|floor COUNT\n");
        return 2;
    }
    return 0;
}
