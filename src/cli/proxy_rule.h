/* SPDX-License-Identifier: MIT
 *
 * What follows --forward and --reverse.
 */
#ifndef PROXY_RULE_H
#define PROXY_RULE_H

#include <handfast/types.h>
#include <stdbool.h>

/* "[ADDRESS:]PORT=ADDRESS:PORT". Without an address, `listen` has the wildcard of both families;
 * that is allowed only if `bare_port` is. False when it is not of that form, or has port 0, or a
 * target without an address. */
bool proxy_rule_parse(const char *text, bool bare_port, struct hf_endpoint *listen,
                      struct hf_endpoint *target);

#endif
