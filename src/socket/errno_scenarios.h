/* SPDX-License-Identifier: MIT
 *
 * The scenarios of errno_test, by theme.
 */
#ifndef ERRNO_SCENARIOS_H
#define ERRNO_SCENARIOS_H

#include "errno_world.h"

extern const struct named_scenario argument_scenarios[];
extern const size_t argument_scenario_count;
extern const struct named_scenario state_scenarios[];
extern const size_t state_scenario_count;
extern const struct named_scenario option_scenarios[];
extern const size_t option_scenario_count;
extern const struct named_scenario readiness_scenarios[];
extern const size_t readiness_scenario_count;
extern const struct named_scenario bind_scenarios[];
extern const size_t bind_scenario_count;
extern const struct named_scenario difference_scenarios[];
extern const size_t difference_scenario_count;

#endif
