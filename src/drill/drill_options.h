/* SPDX-License-Identifier: MIT
 *
 * TCP options between the script's words and bytes.
 */
#ifndef DRILL_OPTIONS_H
#define DRILL_OPTIONS_H

#include "drill_syntax.h"

/* The bytes of a list, as it stands, padded with zeros to a word. False: more than 40 bytes.
 * `sequence_offset` is added to the edges of SACK blocks. */
bool drill_options_encode(const struct drill_option *list, uint32_t sequence_offset,
                          uint8_t bytes[DRILL_OPTIONS_BYTES], uint8_t *length);

/* The position of the value of the first option of that kind, or NULL; *size: its bytes. */
const uint8_t *drill_options_find(const uint8_t *bytes, size_t length, uint8_t kind, size_t *size);

/* Are they well formed: kinds that are known and lengths that fit? */
bool drill_options_valid(const uint8_t *bytes, size_t length);

/* The script's words for bytes: "mss 1460,nop,wscale 7". `sequence_offset` is taken from SACK's
 * edges. */
void drill_options_print(const uint8_t *bytes, size_t length, uint32_t sequence_offset, char *text,
                         size_t room);

enum {
    DRILL_KIND_EOL = 0,
    DRILL_KIND_NOP = 1,
    DRILL_KIND_MSS = 2,
    DRILL_KIND_WSCALE = 3,
    DRILL_KIND_SACK_OK = 4,
    DRILL_KIND_SACK = 5,
    DRILL_KIND_TIMESTAMP = 8,
    DRILL_KIND_MD5 = 19,
    DRILL_KIND_FAST_OPEN = 34,
    DRILL_KIND_ACCURATE_ECN_0 = 172,
    DRILL_KIND_ACCURATE_ECN_1 = 174,
    DRILL_KIND_EXPERIMENT = 254
};

#define DRILL_EXPERIMENT_FAST_OPEN 0xf989u

#endif
