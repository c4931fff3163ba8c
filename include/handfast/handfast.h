/* SPDX-License-Identifier: MIT
 *
 * Handfast: a TCP to hold in your own hands. Everything in one include.
 */
#ifndef HANDFAST_HANDFAST_H
#define HANDFAST_HANDFAST_H

#include "arena.h"
#include "offload.h"
#include "path.h"
#include "reasons.h"
#include "sim.h"
#include "stack.h"
#include "trace.h"
#include "types.h"
#include "zero_copy.h"

#ifdef __linux__
#include "cores.h"
#include "tun.h"
#endif

#define HF_VERSION_MAJOR 0
#define HF_VERSION_MINOR 1
#define HF_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0", of the library at run time. */
HF_API const char *hf_version(void);

#ifdef __cplusplus
}
#endif

#endif
