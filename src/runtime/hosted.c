/* SPDX-License-Identifier: MIT
 *
 * The one place where a stack meets a hosted program's world: malloc for memory and the system's
 * random numbers for the seed. The core itself knows neither; hf_config_bare gives it the rest.
 */
#include <errno.h>
#include <handfast/stack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void *heap_allocate(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void heap_release(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

/* ISNs and keys that can be guessed would let anyone forge segments (RFC 6528), so going on
 * without randomness is no choice: the program ends instead. */
static void fill_random(uint8_t *bytes, size_t length)
{
    size_t filled = 0;

    while (filled < length) {
        ssize_t n = getrandom(bytes + filled, length - filled, 0);
        if (n > 0) {
            filled += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            fprintf(stderr,
                    "handfast: getrandom: %s: no random seed for the stack's keys; "
                    "set the seed in hf_config_bare() by other means on this system\n",
                    strerror(errno));
            abort();
        }
    }
}

/* So that every test there is can be run with connections that are put to rest all the time: a
 * number of nanoseconds, for config.rest_after_ns. Anything else is as if it were not there. */
static void read_rest_after(struct hf_config *config)
{
    const char *text = getenv("HANDFAST_REST_AFTER_NS");
    char *end;
    long long value;

    if (text == NULL || *text == '\0')
        return;
    value = strtoll(text, &end, 10);
    if (*end == '\0' && value >= 0 && value <= 3600 * HF_SECOND)
        config->rest_after_ns = value;
}

struct hf_config hf_config_default(void)
{
    struct hf_config config = hf_config_bare();

    config.allocator = (struct hf_allocator){
        .allocate = heap_allocate,
        .release = heap_release,
    };
    read_rest_after(&config);
    fill_random(config.seed, sizeof config.seed);
    return config;
}
