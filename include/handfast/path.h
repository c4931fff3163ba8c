/* SPDX-License-Identifier: MIT
 *
 * One direction of an emulated link for packets that really travel: the rules of sim.h between two
 * devices, processes or hosts, at the times that the caller passes in. `handfast wire' is two of
 * these and two TUN devices.
 *
 *     hf_path_send(path, packet, length, now);               as packets come
 *     while ((length = hf_path_take(path, out, sizeof out, now)) > 0)
 *         pass_on(out, length);
 *     sleep_until(hf_path_next_time(path));
 */
#ifndef HANDFAST_PATH_H
#define HANDFAST_PATH_H

#include "sim.h"

#ifdef __cplusplus
extern "C" {
#endif

struct hf_path;

/* A path by these rules. The same seed and packets meet the same fate in each run. NULL: out of
 * memory or a value out of range (hf_sim_direction). */
HF_API struct hf_path *hf_path_new(const struct hf_sim_direction *rules, uint64_t seed);
HF_API void hf_path_free(struct hf_path *path);
/* `back` leads the other way: ICMP messages about packets of `path` that are too big go there. It
 * must outlive `path`, or be NULL. */
HF_API void hf_path_set_back(struct hf_path *path, struct hf_path *back);
/* Other rules from now on; packets under way stay. HF_EINVAL: a value out of range. */
HF_API int hf_path_set_rules(struct hf_path *path, const struct hf_sim_direction *rules);
/* Puts a copy of an IP packet of 1..65535 bytes onto the path. HF_OK also when it is lost there;
 * HF_EINVAL for another length. `now`, here and below, must not be negative nor go backwards. */
HF_API int hf_path_send(struct hf_path *path, const void *packet, size_t length, hf_time now);
/* When something happens next: there may be a packet to take then, but need not be. HF_TIME_NEVER:
 * nothing is under way. */
HF_API hf_time hf_path_next_time(const struct hf_path *path);
/* The next packet that has arrived by `now`: its length, 0: none, HF_EMSGSIZE: `capacity` is too
 * small, the packet stays. */
HF_API ptrdiff_t hf_path_take(struct hf_path *path, void *packet, size_t capacity, hf_time now);
HF_API struct hf_sim_statistics hf_path_statistics(const struct hf_path *path);

#ifdef __cplusplus
}
#endif

#endif
