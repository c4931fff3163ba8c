/* SPDX-License-Identifier: MIT
 *
 * The two bits are the lowest of IPv4's second byte; in IPv6 they are bits 4 and 5 of it, after the
 * version and the upper six of the traffic class.
 */
#include "ecn_mark.h"

#define ECN_CE 3u
#define IPV4_HEADER_MIN 20u
#define IPV6_HEADER 40u

/* RFC 1624 3, equation 3: HC' = ~(~HC + ~m + m'). */
static void update_checksum(uint8_t *checksum, uint16_t before, uint16_t after)
{
    uint32_t sum = (uint16_t) ~(checksum[0] << 8 | checksum[1]);

    sum += (uint16_t)~before;
    sum += after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    checksum[0] = (uint8_t)(~sum >> 8);
    checksum[1] = (uint8_t)~sum;
}

bool ecn_mark(uint8_t *packet, size_t length)
{
    uint8_t version = length > 0 ? packet[0] >> 4 : 0;

    if (version == 4 && length >= IPV4_HEADER_MIN) {
        uint16_t before = (uint16_t)(packet[0] << 8 | packet[1]);

        if ((before & ECN_CE) == 0)
            return false;
        packet[1] |= ECN_CE;
        update_checksum(packet + 10, before, (uint16_t)(before | ECN_CE));
        return true;
    }
    if (version == 6 && length >= IPV6_HEADER && (packet[1] >> 4 & ECN_CE) != 0) {
        packet[1] |= (uint8_t)(ECN_CE << 4);
        return true;
    }
    return false;
}
