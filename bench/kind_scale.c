/* SPDX-License-Identifier: MIT
 *
 * All cores at once beside one alone, on the wall: one host of several stacks (hf_cores), and
 * processes that know nothing of each other. What is lost is what the machine shares: caches,
 * memory, and other programs. The last is left out where the threads' own time is compared.
 */
#define _GNU_SOURCE /* sched_setaffinity, pipe2 */

#include "bench_kinds.h"
#include "cores_bulk.h"
#include "machine.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_CORES = 64 };

/* A piece of work, a unit's worth of which is counted. */
struct scale_work {
    uint64_t bytes, connections; /* one of them is 0 */
};

static void work_on(unsigned core, const struct scale_work *work, int gate)
{
    cpu_set_t cores;
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    sched_setaffinity(0, sizeof cores, &cores);
    /* The gate opens for all when its other end is closed. */
    if (read(gate, &byte, 1) == 0) {
        if (work->bytes > 0) {
            bulk_run(work->bytes, BULK_POSTED);
        } else {
            connections_run(work->connections, 1);
        }
        _exit(0);
    }
    _exit(1);
}

/* Seconds until all are done; 0: it could not be measured. */
static double run_on(unsigned cores, const struct scale_work *work)
{
    pid_t children[MOST_CORES];
    int gate[2];
    uint64_t start;
    bool fine = pipe2(gate, O_CLOEXEC) == 0;
    for (unsigned i = 0; i < cores; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            close(gate[1]);
            work_on(i, work, gate[0]);
        }
        fine = fine && children[i] > 0;
    }
    start = measure_wall_ns();
    close(gate[1]);
    for (unsigned i = 0; i < cores; i++) {
        int status = -1;
        fine = waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0 && fine;
    }
    close(gate[0]);
    return fine ? (double)(measure_wall_ns() - start) / 1e9 : 0;
}

static void measure_bulk(struct bench_report *report, unsigned cores, uint64_t bytes)
{
    struct scale_work work = {bytes, 0};
    double one = run_on(1, &work);
    double all = run_on(cores, &work);
    if (one <= 0 || all <= 0) {
        measure_fail("a process could not be started on a core");
    }
    report_add(report, REPORT_HANDFAST, "bulk_one", "bytes from program to program, one core",
               "Gbit/s", 8e-9 * (double)bytes / one);
    report_add(report, REPORT_HANDFAST, "bulk_all", "the same on all cores at once", "Gbit/s",
               8e-9 * (double)bytes * cores / all);
    report_add(report, REPORT_HANDFAST, "bulk_scaling", "all cores over one, bytes", "times",
               cores * one / all);
}

static void measure_connections(struct bench_report *report, unsigned cores, uint64_t connections)
{
    struct scale_work work = {0, connections};
    double one = run_on(1, &work);
    double all = run_on(cores, &work);
    if (one <= 0 || all <= 0) {
        measure_fail("a process could not be started on a core");
    }
    report_add(report, REPORT_HANDFAST, "connections_one", "connections with RST, one core",
               "thousand/s", (double)connections / one / 1e3);
    report_add(report, REPORT_HANDFAST, "connections_all", "the same on all cores at once",
               "thousand/s", (double)connections * cores / all / 1e3);
    report_add(report, REPORT_HANDFAST, "connections_scaling", "all cores over one, connections",
               "times", cores * one / all);
}

/* The same host on one core and on all: hf_cores, a thread for each. */
static void measure_host(struct bench_report *report, unsigned cores, uint64_t bytes)
{
    struct cores_bulk_result one = cores_bulk_run(1, bytes, false);
    struct cores_bulk_result all = cores_bulk_run(cores, bytes, false);
    struct cores_bulk_result astray = cores_bulk_run(cores, bytes, true);
    report_add(report, REPORT_HANDFAST, "host_one", "bytes between two hosts of one core each",
               "Gbit/s", 8e-9 * (double)bytes / one.seconds);
    report_add(report, REPORT_HANDFAST, "host_all", "the same of all cores, a stream on each",
               "Gbit/s", 8e-9 * (double)bytes * cores / all.seconds);
    report_add(report, REPORT_HANDFAST, "host_scaling", "all cores over one, one host", "times",
               cores * one.seconds / all.seconds);
    report_add(report, REPORT_HANDFAST, "host_work_scaling",
               "the same by the processors' time, whatever else runs", "times",
               cores * cores * one.worked / all.worked);
    report_add(report, REPORT_HANDFAST, "host_passed", "packets that went by way of another core",
               "packets", (double)all.passed);
    report_add(report, REPORT_HANDFAST, "host_astray",
               "the same of all cores, packets arriving at any core", "Gbit/s",
               8e-9 * (double)bytes * cores / astray.seconds);
    report_add(report, REPORT_HANDFAST, "host_astray_passed",
               "packets that went by way of another core then", "packets", (double)astray.passed);
}

void bench_scale(struct bench_report *report)
{
    struct machine machine;
    unsigned cores;
    bool quick = report->plan->quick;
    machine_look(&machine);
    cores = machine.cores < MOST_CORES ? machine.cores : MOST_CORES;
    bulk_run(UINT64_C(1) << 24, BULK_POSTED);
    for (unsigned round = 0; round < report->plan->rounds; round++) {
        measure_host(report, cores, quick ? UINT64_C(1) << 26 : UINT64_C(1) << 30);
        measure_bulk(report, cores, quick ? UINT64_C(1) << 26 : UINT64_C(1) << 30);
        measure_connections(report, cores, quick ? 5000 : 100000);
    }
    report_note(report,
                "%u cores, each with two hosts of its own; times are on the wall, so what "
                "else the machine does counts",
                cores);
}
