/* SPDX-License-Identifier: MIT
 *
 * Linux's put_cmsg.
 */
#include "ancillary.h"

#include <string.h>

struct ancillary ancillary_begin(struct msghdr *message)
{
    struct ancillary made = {.message = message,
                             .room = message->msg_control != NULL ? message->msg_controllen : 0};
    message->msg_controllen = 0;
    return made;
}

void ancillary_put(struct ancillary *ancillary, int level, int type, const void *data,
                   size_t length)
{
    struct cmsghdr header;
    size_t left = ancillary->room - ancillary->used;
    size_t whole = CMSG_LEN(length);
    size_t space = CMSG_SPACE(length);
    char *at;
    if (left < sizeof header) {
        ancillary->message->msg_flags |= MSG_CTRUNC;
        return;
    }
    if (left < whole) {
        ancillary->message->msg_flags |= MSG_CTRUNC;
        whole = left;
    }
    at = (char *)ancillary->message->msg_control + ancillary->used;
    memset(&header, 0, sizeof header);
    header.cmsg_len = whole;
    header.cmsg_level = level;
    header.cmsg_type = type;
    memcpy(at, &header, sizeof header);
    if (whole > CMSG_LEN(0)) {
        memcpy(at + CMSG_LEN(0), data, whole - CMSG_LEN(0));
    }
    ancillary->used += space < left ? space : left;
    ancillary->message->msg_controllen = ancillary->used;
}
