/* SPDX-License-Identifier: MIT
 *
 * Control data beside a message that is received, laid out as Linux's put_cmsg does: what does not
 * fit is cut off, and MSG_CTRUNC says so.
 */
#ifndef ANCILLARY_H
#define ANCILLARY_H

#include <sys/socket.h>

struct ancillary {
    struct msghdr *message;
    size_t room; /* what the caller gave */
    size_t used;
};

/* From here on msg_controllen is what was written. */
struct ancillary ancillary_begin(struct msghdr *message);
void ancillary_put(struct ancillary *ancillary, int level, int type, const void *data,
                   size_t length);

#endif
