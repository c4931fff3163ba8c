/* SPDX-License-Identifier: MIT
 *
 * Asking for memory before it is needed. It changes nothing but when things happen, and any address
 * is allowed.
 */
#ifndef PREFETCH_H
#define PREFETCH_H

#include <stddef.h>

#define PREFETCH_LINE_BYTES 64u

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address) ((void)(address))
#endif

static inline void prefetch_range(const void *memory, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += PREFETCH_LINE_BYTES)
        PREFETCH((const char *)memory + at);
}

#endif
