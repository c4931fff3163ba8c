/* SPDX-License-Identifier: MIT
 *
 * Assertions of our own invariants, never of the peer's bytes. The hook is one of the few symbols
 * the core may leave undefined: hosted builds print and abort, a device may reset itself.
 */
#ifndef HF_ASSERT_H
#define HF_ASSERT_H

_Noreturn void hf_assert_failed(const char *condition, const char *file, int line);

#define HF_ASSERT(condition) \
    ((condition) ? (void)0 : hf_assert_failed(#condition, __FILE__, __LINE__))

#endif
