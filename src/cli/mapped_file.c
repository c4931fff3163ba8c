/* SPDX-License-Identifier: MIT
 *
 * Whoever may write to a file may cut it short while we send it, and then a look at what is no
 * longer there is a SIGBUS, in the midst of making a segment. The handler puts a page of zeros
 * there and takes a note; the segment is finished with them, and before it leaves the note is
 * looked at (host.c), so no byte that the file never had is sent.
 *
 * A system call that is handed such memory answers EFAULT instead. Then, too, the file is shorter
 * than it was, which anybody can see: mapped_file_was_cut asks.
 */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include "mapped_file.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A signal handler finds nothing but what is global. Set before the handler is there, and not
 * changed while it is. */
static struct {
    uintptr_t start, end, page;
    int descriptor;
    volatile sig_atomic_t cut;
} now_mapped;

static void bus_error(int number, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;
    union {
        uintptr_t number;
        void *pointer;
    } page = {.number = at & ~(now_mapped.page - 1)};

    (void)context;
    if (at >= now_mapped.start && at < now_mapped.end &&
        mmap(page.pointer, now_mapped.page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) != MAP_FAILED) {
        now_mapped.cut = 1;
        return;
    }
    /* It is none of ours: as if there were no handler. */
    signal(number, SIG_DFL);
}

static bool handle_bus_errors(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = bus_error;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGBUS, &action, NULL) == 0;
}

bool mapped_file_open(struct mapped_file *mapped, int descriptor)
{
    struct stat found;
    long page = sysconf(_SC_PAGESIZE);
    void *bytes;

    *mapped = (struct mapped_file){.bytes = NULL};
    if (page <= 0 || fstat(descriptor, &found) != 0 || !S_ISREG(found.st_mode) ||
        found.st_size <= 0 || (uint64_t)found.st_size > SIZE_MAX || now_mapped.end != 0)
        return false;
    bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (bytes == MAP_FAILED)
        return false;
    now_mapped.start = (uintptr_t)bytes;
    now_mapped.end = now_mapped.start + (uintptr_t)found.st_size;
    now_mapped.page = (uintptr_t)page;
    now_mapped.descriptor = descriptor;
    now_mapped.cut = 0;
    *mapped = (struct mapped_file){.bytes = bytes, .length = (uint64_t)found.st_size};
    if (!handle_bus_errors()) {
        mapped_file_close(mapped);
        return false;
    }
    madvise(bytes, (size_t)found.st_size, MADV_SEQUENTIAL);
    return true;
}

bool mapped_file_was_cut(const struct mapped_file *mapped)
{
    struct stat found;

    return mapped->bytes != NULL && (now_mapped.cut || fstat(now_mapped.descriptor, &found) != 0 ||
                                     (uint64_t)found.st_size < mapped->length);
}

void mapped_file_close(struct mapped_file *mapped)
{
    union {
        const uint8_t *in;
        void *out;
    } bytes = {.in = mapped->bytes};

    if (mapped->bytes == NULL)
        return;
    munmap(bytes.out, (size_t)mapped->length);
    now_mapped.start = now_mapped.end = 0;
    signal(SIGBUS, SIG_DFL);
    *mapped = (struct mapped_file){.bytes = NULL};
}
