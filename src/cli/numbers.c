/* SPDX-License-Identifier: MIT
 *
 * strtoul alone takes signs, spaces and nothing at all; here the whole text is a number or is not.
 */
#include "numbers.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool parse_number(const char *text, unsigned long low, unsigned long high, unsigned long *value)
{
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *value = strtoul(text, &end, 10);
    return errno == 0 && *end == '\0' && *value >= low && *value <= high;
}

bool parse_seconds(const char *text, int64_t low_ns, int64_t high_ns, int64_t *value_ns)
{
    int64_t whole = 0, fraction = 0, place = INT64_C(1000000000);
    const char *at = text;

    for (; isdigit((unsigned char)*at); at++) {
        whole = whole * 10 + (*at - '0');
        if (whole > 1000000)
            return false;
    }
    if (at == text)
        return false;
    if (*at == '.') {
        for (at++; isdigit((unsigned char)*at); at++) {
            place /= 10;
            fraction += (*at - '0') * place;
        }
    }
    *value_ns = whole * INT64_C(1000000000) + fraction;
    return *at == '\0' && *value_ns >= low_ns && *value_ns <= high_ns;
}

bool parse_bytes(const char *text, uint64_t *value)
{
    const char *suffixes = "KMG";
    const char *suffix;
    char *end;
    unsigned shift = 0;
    unsigned long long number;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (*end != '\0') {
        suffix = strchr(suffixes, toupper((unsigned char)*end));
        if (suffix == NULL || end[1] != '\0')
            return false;
        shift = 10u * (unsigned)(suffix - suffixes + 1);
    }
    *value = (uint64_t)number << shift;
    return errno == 0 && (*value >> shift) == number;
}
