/* SPDX-License-Identifier: MIT
 *
 * Work in a network namespace of its own, in a process of its own, whose end is the namespace's.
 */
#ifndef NAMESPACE_H
#define NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Fills `result`; false: it could not be done. */
typedef bool namespace_work(void *context, void *result, size_t size);

/* Runs `work` there and brings its result back. False: no namespace, or the work failed, or took
 * more than `seconds` and was ended. */
bool namespace_run(namespace_work *work, void *context, void *result, size_t size,
                   unsigned seconds);

/* In a namespace: a program, its words ended by NULL, with nothing to read and nowhere to write.
 * The caller is answerable for its end. -1: it could not be started. */
pid_t namespace_start(const char *program, const char *const words[]);
/* The same, waited for: true if it ended with 0. */
bool namespace_command(const char *const words[]);
void namespace_stop(pid_t child);

/* In a namespace: another, joined with it by veth: this end is 10.67.0.1, the other 10.67.0.2.
 * `work` runs there in a child; -1: it could not be. */
pid_t namespace_far(void (*work)(void *context), void *context);

#endif
