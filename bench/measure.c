/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include "measure.h"

#include <stdio.h>
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
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

uint64_t measure_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t measure_ticks(void)
{
#if defined __x86_64__
    return __builtin_ia32_rdtsc();
#else
    return 0;
#endif
}

static int compare_integers(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a;
    uint64_t second = *(const uint64_t *)b;
    return (first > second) - (first < second);
}

uint64_t measure_quantile(uint64_t *values, uint64_t count, double share)
{
    uint64_t at = (uint64_t)((double)count * share);
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof *values, compare_integers);
    return values[at < count ? at : count - 1];
}

uint64_t measure_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

void measure_fail(const char *what)
{
    fprintf(stderr, "handfast: bench: %s\n", what);
    exit(1);
}

void *measure_calloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        measure_fail("out of memory");
    }
    return memory;
}
