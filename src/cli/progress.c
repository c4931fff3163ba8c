/* SPDX-License-Identifier: MIT
 *
 * The rate is an exponential average with a time constant of two seconds, weighted by how much
 * time each reading covers, so that it does not depend on how often it is read. What is left over
 * the rate gives the estimated time.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RATE_TIME_NS (2 * HF_SECOND)

enum { BAR_MOST = 40, BAR_LEAST = 8, QUANTITY_BYTES = 24 };

void progress_start(struct progress *progress, const char *label, uint64_t total_bytes, hf_time now)
{
    *progress = (struct progress){
        .label = label, .total_bytes = total_bytes, .started = now, .updated = now};
}

void progress_update(struct progress *progress, uint64_t bytes, hf_time now)
{
    hf_time passed = now - progress->updated, age = now - progress->started;
    hf_time span = age < RATE_TIME_NS ? age : RATE_TIME_NS;
    double latest, weight;

    if (passed <= 0)
        return;
    latest = (double)(bytes - progress->updated_bytes) * (double)HF_SECOND / (double)passed;
    weight = passed >= span ? 1.0 : (double)passed / (double)span;
    progress->rate += (latest - progress->rate) * weight;
    progress->updated = now;
    progress->updated_bytes = bytes;
}

static void format_bytes(char text[QUANTITY_BYTES], double bytes)
{
    const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;

    while (bytes >= 1000.0 && unit < 4) {
        bytes /= 1024.0;
        unit++;
    }
    snprintf(text, QUANTITY_BYTES, unit == 0 || bytes >= 99.95 ? "%.0f %s" : "%.1f %s", bytes,
             units[unit]);
}

static void format_time(char text[QUANTITY_BYTES], double seconds)
{
    uint64_t whole = seconds > 359999.0 ? 359999 : (uint64_t)(seconds + 0.5);

    if (whole >= 3600)
        snprintf(text, QUANTITY_BYTES, "%" PRIu64 ":%02u:%02u", whole / 3600,
                 (unsigned)(whole / 60 % 60), (unsigned)(whole % 60));
    else
        snprintf(text, QUANTITY_BYTES, "%u:%02u", (unsigned)(whole / 60), (unsigned)(whole % 60));
}

static void format_bar(char text[BAR_MOST + 4], int width, double share)
{
    int full = (int)(share * (double)width);

    text[0] = '[';
    for (int i = 0; i < width; i++)
        text[1 + i] = i < full ? '=' : (i == full ? '>' : ' ');
    memcpy(text + 1 + width, "] ", 3);
}

char *progress_format(const struct progress *progress, int columns, char text[PROGRESS_TEXT_BYTES])
{
    char done[QUANTITY_BYTES], total[QUANTITY_BYTES], rate[QUANTITY_BYTES], eta[QUANTITY_BYTES];
    char tail[128], bar[BAR_MOST + 4] = "", head[48];
    int room;
    double share = 0.0;

    if (columns > PROGRESS_COLUMNS_MOST)
        columns = PROGRESS_COLUMNS_MOST;
    format_bytes(done, (double)progress->updated_bytes);
    format_bytes(rate, progress->rate);
    if (progress->total_bytes == 0) {
        snprintf(text, PROGRESS_TEXT_BYTES, "%.16s %s  %s/s", progress->label, done, rate);
        return text;
    }
    share = (double)progress->updated_bytes / (double)progress->total_bytes;
    if (share > 1.0)
        share = 1.0;
    format_bytes(total, (double)progress->total_bytes);
    if (progress->updated_bytes >= progress->total_bytes)
        format_time(eta, 0);
    else if (progress->rate >= 1.0)
        format_time(eta,
                    (double)(progress->total_bytes - progress->updated_bytes) / progress->rate);
    else
        strcpy(eta, "-:--");
    snprintf(head, sizeof head, "%.16s %3d%% ", progress->label, (int)(share * 100.0));
    snprintf(tail, sizeof tail, "%s of %s  %s/s  ETA %s", done, total, rate, eta);
    room = columns - (int)strlen(head) - (int)strlen(tail) - 3;
    if (room > BAR_MOST)
        room = BAR_MOST;
    if (room >= BAR_LEAST)
        format_bar(bar, room, share);
    snprintf(text, PROGRESS_TEXT_BYTES, "%s%s%s", head, bar, tail);
    if (columns > 0 && strlen(text) > (size_t)columns)
        text[columns] = '\0';
    return text;
}

bool progress_wanted(void)
{
    return isatty(STDERR_FILENO) == 1;
}

void progress_draw(struct progress *progress)
{
    char text[PROGRESS_TEXT_BYTES];
    struct winsize size = {.ws_col = 0};
    int columns = 79;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        columns = size.ws_col - 1;
    fprintf(stderr, "\r%s\033[K", progress_format(progress, columns, text));
    fflush(stderr);
    progress->drawn = true;
}

void progress_finish(struct progress *progress, uint64_t bytes, hf_time now)
{
    hf_time passed = now - progress->started;

    if (!progress->drawn)
        return;
    progress->updated_bytes = bytes;
    if (passed > 0)
        progress->rate = (double)bytes * (double)HF_SECOND / (double)passed;
    progress_draw(progress);
    fputc('\n', stderr);
    fflush(stderr);
    progress->drawn = false;
}
