/* SPDX-License-Identifier: MIT
 *
 * `handfast demo` by itself: a whole conversation over a bad link.
 */
#ifndef DEMO_CONVERSATION_H
#define DEMO_CONVERSATION_H

#include "demo_options.h"

/* An exit code. */
int demo_conversation_play(const struct demo_options *options);

#endif
