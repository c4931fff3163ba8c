/* SPDX-License-Identifier: MIT
 *
 * What a measurement found: figures, each of several runs, some with a bar to be reached; and
 * curves, figures by the number of connections. Written as a table and as JSON from the same rows,
 * so that neither says what the other does not.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench_play.h"
#include "measure.h"

#include <stdio.h>

enum { REPORT_FIGURES = 64, REPORT_CURVES = 16, REPORT_POINTS = 16, REPORT_NOTES = 16 };

/* Whose figure it is. */
enum report_who {
    REPORT_HANDFAST,
    REPORT_FLOOR,  /* what the work costs when nothing but it is done */
    REPORT_KERNEL, /* the kernel's TCP */
    REPORT_PEER    /* the program that plan.peer_path names */
};
enum report_bar { REPORT_NO_BAR, REPORT_AT_LEAST, REPORT_AT_MOST };

struct report_figure {
    const char *name; /* one word, for programs; what and unit are for people */
    const char *what, *unit;
    enum report_who who;
    struct measure runs;
    enum report_bar bar;
    double bar_value;
};

struct report_point {
    double x;
    struct measure runs;
};

struct report_curve {
    const char *name, *what, *unit;
    enum report_who who;
    uint32_t point_count;
    struct report_point points[REPORT_POINTS];
};

struct bench_report {
    const struct bench_plan *plan;
    const char *curve_x; /* what the curves are by */
    uint32_t figure_count, curve_count, note_count;
    struct report_figure figures[REPORT_FIGURES];
    struct report_curve curves[REPORT_CURVES];
    char notes[REPORT_NOTES][256]; /* what was left out, and why; how to read it */
};

/* NULL: no memory. free() ends it. */
struct bench_report *report_new(const struct bench_plan *plan);
/* A run of the figure of this name, which the first one makes. Texts are not copied. */
void report_add(struct bench_report *report, enum report_who who, const char *name,
                const char *what, const char *unit, double value);
/* The bar that its median is held against. */
void report_bar(struct bench_report *report, const char *name, enum report_bar bar, double value);
/* The latest run of a figure, for ratios; 0: none. */
double report_latest(const struct bench_report *report, const char *name);
/* A run of one point of a curve. */
void report_point(struct bench_report *report, enum report_who who, const char *name,
                  const char *what, const char *unit, double x, double value);
/* The median of a curve's first point, of its last; 0: there is none. */
double report_first_point(const struct bench_report *report, const char *name);
double report_last_point(const struct bench_report *report, const char *name);
__attribute__((format(printf, 2, 3))) void report_note(struct bench_report *report,
                                                       const char *format, ...);

void report_print(const struct bench_report *report, FILE *out);
/* False: the file could not be written; errno says why. */
bool report_write_json(const struct bench_report *report, const char *path);

#endif
