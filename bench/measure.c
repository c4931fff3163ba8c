/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "measure.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void measure_add(struct measure *measure, double value)
{
    if (measure->count < MEASURE_MAX_RUNS) {
        measure->values[measure->count++] = value;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct measure sorted(const struct measure *measure)
{
    struct measure copy = *measure;
    qsort(copy.values, copy.count, sizeof copy.values[0], compare);
    return copy;
}

double measure_median(const struct measure *measure)
{
    struct measure copy = sorted(measure);
    return copy.count > 0 ? copy.values[copy.count / 2] : 0;
}

double measure_least(const struct measure *measure)
{
    struct measure copy = sorted(measure);
    return copy.count > 0 ? copy.values[0] : 0;
}

double measure_most(const struct measure *measure)
{
    struct measure copy = sorted(measure);
    return copy.count > 0 ? copy.values[copy.count - 1] : 0;
}

void measure_keep(uint64_t value)
{
    __asm__ volatile("" : : "r"(value));
}

double measure_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
