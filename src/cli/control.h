/* SPDX-License-Identifier: MIT
 *
 * The Unix socket by which a running command answers `handfast ss'.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include "host.h"

enum { CONTROL_PATH_BYTES = 108 /* as in struct sockaddr_un */ };

struct control;

/* EXIT_CODE_OK with *control NULL when no socket is wanted, or when the default place cannot be
 * used (said only with --verbose: the command itself does without). */
int control_open(struct control **control, struct host *host, const char *command_name);
/* Takes the socket's file away. NULL is allowed. What the loop holds is freed once the loop has
 * run its closing callbacks. */
void control_close(struct control *control);

/* The directories where sockets are looked for, the preferred one first; or only the one that
 * HANDFAST_RUNTIME_DIR names. Each is a path of less
 * than CONTROL_PATH_BYTES; returns how many. */
enum { CONTROL_DIRECTORIES = 3 };
size_t control_directories(char directories[CONTROL_DIRECTORIES][CONTROL_PATH_BYTES]);

/* A host of several cores has a socket for each, named after the first one's: core 1's of x.sock is
 * x-1.sock. False: that is too long. */
bool control_core_path(char path[CONTROL_PATH_BYTES], const char *first, uint32_t core);

/* What a client asks for: one of these lines. */
#define CONTROL_REQUEST_TEXT "text\n"
#define CONTROL_REQUEST_JSON "json\n"
#define CONTROL_REQUEST_METRICS_TEXT "metrics-text\n"
#define CONTROL_REQUEST_METRICS_JSON "metrics-json\n"

#endif
