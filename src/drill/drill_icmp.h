/* SPDX-License-Identifier: MIT
 *
 * ICMP's messages by the names that scripts give them, for both versions of IP.
 */
#ifndef DRILL_ICMP_H
#define DRILL_ICMP_H

#include <stdbool.h>
#include <stdint.h>

/* code NULL: the type alone. */
bool drill_icmp_known(const char *type, const char *code);
/* False: this version of IP has no such message. family is 4 or 6. */
bool drill_icmp_find(int family, const char *type, const char *code, uint8_t *wire_type,
                     uint8_t *wire_code);

#endif
