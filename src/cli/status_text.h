/* SPDX-License-Identifier: MIT
 *
 * A connection's status, or what is remembered of a path, in a line of text or a JSON object.
 */
#ifndef STATUS_TEXT_H
#define STATUS_TEXT_H

#include <handfast/handfast.h>

enum { STATUS_TEXT_BYTES = 2048, STATUS_TEXT_COLUMNS = 12, STATUS_METRICS_COLUMNS = 8 };

/* The names of the columns, then one row; fields are parted by tabs, lines end with '\n'. Both
 * return the length. `now` is the stack's. */
size_t status_text_header(char text[STATUS_TEXT_BYTES]);
size_t status_text_row(char text[STATUS_TEXT_BYTES], const struct hf_status *status, hf_time now);
/* One object, without a line end. */
size_t status_text_json(char text[STATUS_TEXT_BYTES], const struct hf_status *status, hf_time now);
/* What is remembered of a path (RFC 9040), likewise. */
size_t status_text_metrics_header(char text[STATUS_TEXT_BYTES]);
size_t status_text_metrics_row(char text[STATUS_TEXT_BYTES], const struct hf_metrics *metrics,
                               hf_time now);
size_t status_text_metrics_json(char text[STATUS_TEXT_BYTES], const struct hf_metrics *metrics,
                                hf_time now);
/* What the stack has counted, as one object; of the packets it did not simply accept, only the
 * reasons that occurred. */
enum { STATUS_COUNTERS_BYTES = 16384 };
size_t status_text_counters(char text[STATUS_COUNTERS_BYTES], const struct hf_counters *counters);

#endif
