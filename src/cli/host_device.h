/* SPDX-License-Identifier: MIT
 *
 * A host's wire (host_device.c); of the host's own files only.
 */
#ifndef HOST_DEVICE_H
#define HOST_DEVICE_H

#include "host.h"

enum { HOST_PACKETS_AT_ONCE = 64 };

/* EXIT_CODE_OK, or another after complaining. */
int host_open_device(struct host *host);
/* How many packets came, or a negated errno: the device is gone. HOST_PACKETS_AT_ONCE or more:
 * there may be others. */
int host_read_packets(struct host *host);
/* The same; and if the device is gone the host says so and stops. */
int host_take_from_device(struct host *host);
/* What other cores had for this one; how many. */
int host_take_passed(struct host *host);
/* How many packets left, `most` or a few more; a full device leaves some of them held. */
int host_write_packets(struct host *host, int most, hf_time now);
bool host_holds_packets(const struct host *host);

#endif
