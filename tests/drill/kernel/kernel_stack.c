/* SPDX-License-Identifier: MIT
 *
 * What the runner calls of <handfast/stack.h>, with the kernel beneath: see kernel_judge.h.
 */
#include "kernel_judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How long the kernel is left alone at most; and after how long without a packet it is taken to
 * have nothing to say by itself, so that nobody waits long for what does not come. */
#define LOOK_NS HF_MILLISECOND
#define QUIET_NS (6 * HF_SECOND)

struct hf_stack *hf_stack_new(const struct hf_config *config)
{
    struct hf_stack *stack = kernel_enter() ? calloc(1, sizeof *stack) : NULL;
    char command[64];
    if (stack == NULL)
        return NULL;
    stack->config = *config;
    snprintf(command, sizeof command, "ip link set drill mtu %u", config->mtu);
    /* NOLINTNEXTLINE(cert-env33-c): a setting of the namespace. */
    if (system(command) != 0) {
        free(stack);
        return NULL;
    }
    return stack;
}

void hf_stack_free(struct hf_stack *stack)
{
    free(stack);
}

int hf_stack_reconfigure(struct hf_stack *stack, const struct hf_config *config)
{
    stack->config = *config;
    return 0;
}

int hf_stack_add_address(struct hf_stack *stack, const struct hf_address *address)
{
    (void)stack;
    (void)address; /* the device has it */
    return 0;
}

enum hf_reason hf_stack_input(struct hf_stack *stack, const void *packet, size_t length,
                              hf_time now)
{
    kernel_wait_until(now);
    stack->last = now;
    if (write(kernel_device(), packet, length) != (ssize_t)length)
        perror("kernel_judge: the device does not take a packet");
    return HF_REASON_ACCEPTED;
}

/* Neighbour discovery, router solicitations and reports of multicast groups. */
static bool of_the_machine(const uint8_t *packet, ptrdiff_t length)
{
    if (length < 41 || packet[0] >> 4 != 6)
        return length >= 20 && packet[0] >> 4 == 4 && packet[9] == 2;
    return packet[6] == 0 || (packet[6] == 58 && packet[40] >= 130);
}

ptrdiff_t hf_stack_output(struct hf_stack *stack, void *packet, size_t capacity, hf_time now)
{
    ptrdiff_t length;
    if (stack->over)
        return 0;
    do {
        kernel_wait_until(now);
        length = read(kernel_device(), packet, capacity);
    } while (length > 0 && of_the_machine(packet, length));
    if (length > 0)
        stack->last = now;
    return length > 0 ? length : 0;
}

hf_time hf_stack_next_deadline(const struct hf_stack *stack)
{
    hf_time now = kernel_time();
    return stack->over || (stack->last > 0 && now - stack->last > QUIET_NS) ? HF_TIME_NEVER
                                                                            : now + LOOK_NS;
}

void hf_stack_counters(const struct hf_stack *stack, struct hf_counters *counters)
{
    (void)stack; /* what the kernel keeps is not counted */
    memset(counters, 0, sizeof *counters);
}

/* ---- of <handfast/socket.h> what is about the whole */

struct hf_sockets_config hf_sockets_config_default(void)
{
    return (struct hf_sockets_config){.first_descriptor = 3};
}
