/* SPDX-License-Identifier: MIT
 *
 * What a link can tell about a packet for a trace: who sent it to whom, and, when it is a whole TCP
 * segment, its header. The link knows nothing of the layers that parse in earnest (wire), so this
 * is a reading of its own, of the fixed header alone; options stay unread.
 */
#ifndef PACKET_GLANCE_H
#define PACKET_GLANCE_H

#include <handfast/trace.h>
#include <stdbool.h>
#include <stddef.h>

struct packet_glance {
    struct hf_endpoint source, destination; /* family HF_FAMILY_ANY when it is no IP packet;
                                               port 0 when it is no TCP segment */
    bool has_segment;
    struct hf_trace_segment segment; /* if has_segment; options as if absent */
};

/* Any bytes are allowed; nothing past `length` is read. */
void packet_glance(const uint8_t *packet, size_t length, struct packet_glance *glance);

#endif
