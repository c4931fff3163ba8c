/* SPDX-License-Identifier: MIT
 *
 * Rows, and the two ways of writing them down.
 */
#include "bench_report.h"

#include "machine.h"

#include <handfast/handfast.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const who_names[] = {"handfast", "floor", "kernel", "peer"};

struct bench_report *report_new(const struct bench_plan *plan)
{
    struct bench_report *report = calloc(1, sizeof *report);
    if (report != NULL) {
        report->plan = plan;
        report->curve_x = "connections";
    }
    return report;
}

static struct report_figure *find_figure(struct bench_report *report, const char *name)
{
    for (uint32_t i = 0; i < report->figure_count; i++) {
        if (strcmp(report->figures[i].name, name) == 0) {
            return &report->figures[i];
        }
    }
    return NULL;
}

void report_add(struct bench_report *report, enum report_who who, const char *name,
                const char *what, const char *unit, double value)
{
    struct report_figure *figure = find_figure(report, name);
    if (figure == NULL) {
        if (report->figure_count == REPORT_FIGURES) {
            measure_fail("a report has too many figures");
        }
        figure = &report->figures[report->figure_count++];
        figure->name = name;
        figure->what = what;
        figure->unit = unit;
        figure->who = who;
    }
    measure_add(&figure->runs, value);
}

void report_bar(struct bench_report *report, const char *name, enum report_bar bar, double value)
{
    struct report_figure *figure = find_figure(report, name);
    if (figure != NULL) {
        figure->bar = bar;
        figure->bar_value = value;
    }
}

double report_latest(const struct bench_report *report, const char *name)
{
    for (uint32_t i = 0; i < report->figure_count; i++) {
        const struct report_figure *figure = &report->figures[i];
        if (strcmp(figure->name, name) == 0 && figure->runs.count > 0) {
            return figure->runs.values[figure->runs.count - 1];
        }
    }
    return 0;
}

static struct report_curve *curve_of(struct bench_report *report, const char *name)
{
    for (uint32_t i = 0; i < report->curve_count; i++) {
        if (strcmp(report->curves[i].name, name) == 0) {
            return &report->curves[i];
        }
    }
    if (report->curve_count == REPORT_CURVES) {
        measure_fail("a report has too many curves");
    }
    return &report->curves[report->curve_count++];
}

void report_point(struct bench_report *report, enum report_who who, const char *name,
                  const char *what, const char *unit, double x, double value)
{
    struct report_curve *curve = curve_of(report, name);
    uint32_t at = 0;
    curve->name = name;
    curve->what = what;
    curve->unit = unit;
    curve->who = who;
    while (at < curve->point_count && (curve->points[at].x < x || curve->points[at].x > x)) {
        at++;
    }
    if (at == REPORT_POINTS) {
        measure_fail("a curve has too many points");
    }
    if (at == curve->point_count) {
        curve->points[curve->point_count++].x = x;
    }
    measure_add(&curve->points[at].runs, value);
}

static double point_median(const struct bench_report *report, const char *name, bool last)
{
    for (uint32_t i = 0; i < report->curve_count; i++) {
        const struct report_curve *curve = &report->curves[i];
        if (strcmp(curve->name, name) == 0) {
            return measure_median(&curve->points[last ? curve->point_count - 1 : 0].runs);
        }
    }
    return 0;
}

double report_first_point(const struct bench_report *report, const char *name)
{
    return point_median(report, name, false);
}

double report_last_point(const struct bench_report *report, const char *name)
{
    return point_median(report, name, true);
}

void report_note(struct bench_report *report, const char *format, ...)
{
    va_list arguments;
    if (report->note_count < REPORT_NOTES) {
        va_start(arguments, format);
        vsnprintf(report->notes[report->note_count++], sizeof report->notes[0], format, arguments);
        va_end(arguments);
    }
}

/* ---- for people */

static int places(double value)
{
    return value >= 1000 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : value > 0 ? 4 : 0;
}

static bool reached(const struct report_figure *figure)
{
    double median = measure_median(&figure->runs);
    return figure->bar == REPORT_AT_LEAST ? median >= figure->bar_value
                                          : median <= figure->bar_value;
}

static void print_figure(const struct report_figure *figure, FILE *out)
{
    double median = measure_median(&figure->runs);
    fprintf(out, "%-8s  %-58s %10.*f %s", who_names[figure->who], figure->what, places(median),
            median, figure->unit);
    if (figure->runs.count > 1) {
        double least = measure_least(&figure->runs);
        double most = measure_most(&figure->runs);
        fprintf(out, " (%.*f to %.*f)", places(least), least, places(most), most);
    }
    if (figure->bar != REPORT_NO_BAR) {
        fprintf(out, "; bar: at %s %.*f: %s", figure->bar == REPORT_AT_LEAST ? "least" : "most",
                places(figure->bar_value), figure->bar_value,
                reached(figure) ? "reached" : "NOT REACHED");
    }
    fputc('\n', out);
}

static const struct report_point *point_at(const struct report_curve *curve, double x)
{
    for (uint32_t i = 0; i < curve->point_count; i++) {
        if (!(curve->points[i].x < x) && !(curve->points[i].x > x)) {
            return &curve->points[i];
        }
    }
    return NULL;
}

/* Lettered columns, with what they are below. All curves of a report share the points of the first.
 */
static void print_curves(const struct bench_report *report, FILE *out)
{
    const struct report_curve *first = &report->curves[0];
    fprintf(out, "\n%12s", report->curve_x);
    for (uint32_t i = 0; i < report->curve_count; i++) {
        fprintf(out, " %9c", (char)('A' + i));
    }
    fputc('\n', out);
    for (uint32_t row = 0; row < first->point_count; row++) {
        fprintf(out, "%12.0f", first->points[row].x);
        for (uint32_t i = 0; i < report->curve_count; i++) {
            const struct report_point *point = point_at(&report->curves[i], first->points[row].x);
            double median = point != NULL ? measure_median(&point->runs) : 0;
            if (point != NULL) {
                fprintf(out, " %9.*f", places(median), median);
            } else {
                fprintf(out, " %9s", "-");
            }
        }
        fputc('\n', out);
    }
    for (uint32_t i = 0; i < report->curve_count; i++) {
        fprintf(out, "  %c: %s: %s, %s\n", (char)('A' + i), who_names[report->curves[i].who],
                report->curves[i].what, report->curves[i].unit);
    }
}

void report_print(const struct bench_report *report, FILE *out)
{
    struct machine machine;
    machine_look(&machine);
    fprintf(out, "%s: %s\n", report->plan->kind, bench_kind_summary(report->plan->kind));
    fprintf(out, "%s, %u cores, %s; %s, %s; %u interleaved runs, median (least to most)\n\n",
            machine.processor, machine.cores, machine.kernel, machine.compiler, machine.flags,
            report->plan->rounds);
    for (uint32_t i = 0; i < report->figure_count; i++) {
        print_figure(&report->figures[i], out);
    }
    if (report->curve_count > 0) {
        print_curves(report, out);
    }
    for (uint32_t i = 0; i < report->note_count; i++) {
        fprintf(out, "%snote: %s\n", i == 0 ? "\n" : "", report->notes[i]);
    }
    fputc('\n', out);
}

/* ---- for programs */

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            fprintf(out, "\\%c", *text);
        } else if ((unsigned char)*text < 0x20) {
            fprintf(out, "\\u%04x", (unsigned)*text);
        } else {
            fputc(*text, out);
        }
    }
    fputc('"', out);
}

static void write_pair(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\": ", key);
    write_text(out, text);
}

static void write_runs(FILE *out, const struct measure *runs)
{
    fprintf(out, "\"median\": %.9g, \"least\": %.9g, \"most\": %.9g, \"runs\": [",
            measure_median(runs), measure_least(runs), measure_most(runs));
    for (unsigned i = 0; i < runs->count; i++) {
        fprintf(out, "%s%.9g", i > 0 ? ", " : "", runs->values[i]);
    }
    fputc(']', out);
}

static void write_head(FILE *out, const char *name, enum report_who who, const char *what,
                       const char *unit)
{
    fprintf(out, "    {");
    write_pair(out, "name", name);
    fprintf(out, ", \"who\": \"%s\", ", who_names[who]);
    write_pair(out, "what", what);
    fprintf(out, ", ");
    write_pair(out, "unit", unit);
}

static void write_figure(FILE *out, const struct report_figure *figure)
{
    write_head(out, figure->name, figure->who, figure->what, figure->unit);
    fprintf(out, ", ");
    write_runs(out, &figure->runs);
    if (figure->bar != REPORT_NO_BAR) {
        fprintf(out, ", \"%s\": %.9g, \"reached\": %s",
                figure->bar == REPORT_AT_LEAST ? "at_least" : "at_most", figure->bar_value,
                reached(figure) ? "true" : "false");
    }
    fputc('}', out);
}

static void write_curve(FILE *out, const struct report_curve *curve, const char *x)
{
    write_head(out, curve->name, curve->who, curve->what, curve->unit);
    fprintf(out, ", \"x\": \"%s\", \"points\": [", x);
    for (uint32_t i = 0; i < curve->point_count; i++) {
        fprintf(out, "%s\n      {\"x\": %.9g, ", i > 0 ? "," : "", curve->points[i].x);
        write_runs(out, &curve->points[i].runs);
        fputc('}', out);
    }
    fprintf(out, "]}");
}

static void write_machine(FILE *out)
{
    struct machine machine;
    machine_look(&machine);
    fprintf(out, "  \"machine\": {");
    write_pair(out, "processor", machine.processor);
    fprintf(out, ", \"cores\": %u, \"memory_bytes\": %llu, \"load\": %.2f, ", machine.cores,
            (unsigned long long)machine.memory_bytes, machine.load);
    write_pair(out, "kernel", machine.kernel);
    fprintf(out, "},\n  \"build\": {");
    write_pair(out, "version", hf_version());
    fprintf(out, ", ");
    write_pair(out, "compiler", machine.compiler);
    fprintf(out, ", ");
    write_pair(out, "flags", machine.flags);
    fprintf(out, "},\n");
}

static void write_report(const struct bench_report *report, FILE *out)
{
    fprintf(out, "{\n  \"handfast_bench\": 1,\n  \"kind\": \"%s\",\n", report->plan->kind);
    write_machine(out);
    fprintf(out, "  \"rounds\": %u,\n  \"quick\": %s,\n  \"figures\": [", report->plan->rounds,
            report->plan->quick ? "true" : "false");
    for (uint32_t i = 0; i < report->figure_count; i++) {
        fprintf(out, "%s\n", i > 0 ? "," : "");
        write_figure(out, &report->figures[i]);
    }
    fprintf(out, "\n  ],\n  \"curves\": [");
    for (uint32_t i = 0; i < report->curve_count; i++) {
        fprintf(out, "%s\n", i > 0 ? "," : "");
        write_curve(out, &report->curves[i], report->curve_x);
    }
    fprintf(out, "\n  ],\n  \"notes\": [");
    for (uint32_t i = 0; i < report->note_count; i++) {
        fprintf(out, "%s\n    ", i > 0 ? "," : "");
        write_text(out, report->notes[i]);
    }
    fprintf(out, "\n  ]\n}\n");
}

bool report_write_json(const struct bench_report *report, const char *path)
{
    FILE *file = fopen(path, "w");
    bool fine = file != NULL;
    if (fine) {
        write_report(report, file);
        fine = ferror(file) == 0;
        fine = fclose(file) == 0 && fine;
    }
    return fine;
}
