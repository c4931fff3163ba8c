/* SPDX-License-Identifier: MIT */
#ifndef STACK_CONFIG_H
#define STACK_CONFIG_H

#include "stack_state.h"

/* Every value within the range that stack.h gives. */
bool stack_config_valid(const struct hf_config *config);

#endif
