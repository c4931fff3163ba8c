/* SPDX-License-Identifier: MIT
 *
 * Time stamps: SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING. See stamping.c.
 */
#ifndef STAMPING_H
#define STAMPING_H

#include "ancillary.h"
#include "option_table.h"

/* The bits of SO_TIMESTAMPING that ask for stamps of what is sent. */
uint32_t stamping_of_sends(const struct socket *socket);
/* What a control message of sendmsg asks for instead; -EINVAL. */
int stamping_of_message(const struct cmsghdr *control, uint32_t *kinds);
/* The stamp (Unix time, 0: none) of an entry of the error queue, or of data. */
void stamping_put(const struct socket *socket, struct ancillary *ancillary, hf_time stamp_ns);
/* The stamp of data just read. */
void stamping_received(const struct socket *socket, struct ancillary *ancillary);
/* The sequence number of the next byte that a send will take. */
uint32_t stamping_write_number(const struct socket *socket);

int set_stamping(struct socket *socket, const void *value, socklen_t length);
int get_stamping(struct socket *socket, void *value, socklen_t *length);
int set_stamp_times(struct socket *socket, const struct option_row *row, int value);
int get_stamp_times(struct socket *socket, const struct option_row *row, int *value);

#endif
