/* SPDX-License-Identifier: MIT
 *
 * From /proc and uname; where that is not to be had, it says so.
 */
#define _DEFAULT_SOURCE /* getloadavg */

#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* What follows the colon of the first line that begins with `key`. */
static void read_line(const char *path, const char *key, char *text, size_t size)
{
    char line[256];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, strlen(key)) == 0 && colon != NULL) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(text, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

static uint64_t read_kibibytes(const char *key)
{
    char text[64] = "0";
    read_line("/proc/meminfo", key, text, sizeof text);
    return strtoull(text, NULL, 10) * 1024;
}

void machine_look(struct machine *machine)
{
    struct utsname name;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    memset(machine, 0, sizeof *machine);
    snprintf(machine->processor, sizeof machine->processor, "unknown processor");
    read_line("/proc/cpuinfo", "model name", machine->processor, sizeof machine->processor);
    snprintf(machine->kernel, sizeof machine->kernel, "unknown");
    if (uname(&name) == 0) {
        snprintf(machine->kernel, sizeof machine->kernel, "%.60s %.60s", name.sysname,
                 name.release);
    }
    machine->cores = cores > 0 ? (unsigned)cores : 1;
    machine->memory_bytes = read_kibibytes("MemTotal");
    machine->available_bytes = read_kibibytes("MemAvailable");
    if (getloadavg(&machine->load, 1) != 1) {
        machine->load = -1;
    }
    machine->compiler = COMPILER;
    machine->flags = BENCH_FLAGS;
}

uint64_t machine_resident_bytes(void)
{
    unsigned long total = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%lu %lu", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
