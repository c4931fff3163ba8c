/* SPDX-License-Identifier: MIT
 *
 * A progress bar with rate and estimated time, in one line of a terminal.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <handfast/types.h>
#include <stdbool.h>

enum { PROGRESS_TEXT_BYTES = 256, PROGRESS_COLUMNS_MOST = 200 };

struct progress {
    const char *label;    /* "sent" */
    uint64_t total_bytes; /* 0: unknown */
    hf_time started, updated;
    uint64_t updated_bytes;
    double rate; /* bytes per second, smoothed */
    bool drawn;
};

void progress_start(struct progress *progress, const char *label, uint64_t total_bytes,
                    hf_time now);
/* Takes a new reading into the rate. */
void progress_update(struct progress *progress, uint64_t bytes, hf_time now);
/* The line as of the last update, at most `columns` wide; returns `text`. */
char *progress_format(const struct progress *progress, int columns, char text[PROGRESS_TEXT_BYTES]);

/* True when stderr is a terminal. */
bool progress_wanted(void);
/* Draws the line on stderr, over the one before. */
void progress_draw(struct progress *progress);
/* Draws it once more with the average over all the time, and ends the line; nothing if it was
 * never drawn. */
void progress_finish(struct progress *progress, uint64_t bytes, hf_time now);

#endif
