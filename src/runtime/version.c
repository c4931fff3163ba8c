/* SPDX-License-Identifier: MIT
 *
 * The version of the library at run time, which may differ from that of the headers a program was
 * compiled with.
 */
#include <handfast/handfast.h>

#define TEXT_OF(number) #number
#define DOTTED(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *hf_version(void)
{
    return DOTTED(HF_VERSION_MAJOR, HF_VERSION_MINOR, HF_VERSION_PATCH);
}
