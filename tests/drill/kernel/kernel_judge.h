/* SPDX-License-Identifier: MIT
 *
 * The kernel's own TCP in the place of the stack, for the scripts of tests/drill/kernel-style.
 *
 * Those scripts say what Linux does. That they say it rightly is proved by playing them on Linux:
 * this program is the runner of `handfast drill` - its parser, its clock, its judge of packets and
 * answers - linked not with Handfast's sockets and stack but with the functions of the same names
 * in this folder. hf_socket_* make system calls, hf_stack_input writes a packet into a TUN device
 * and hf_stack_output reads one from it. So a script has one meaning, whoever is judged by it.
 *
 * The runner's clock is virtual: it asks the stack when it next has something to do, and says what
 * time it is. Here the stack always answers "in a moment", and whoever lets it be some time waits
 * until it is. Each script runs in a process and a network namespace of its own, so nothing of the
 * machine's own network is touched, and many can wait side by side.
 */
#ifndef KERNEL_JUDGE_H
#define KERNEL_JUDGE_H

#include <handfast/socket.h>
#include <stdbool.h>

struct hf_stack {
    hf_time last; /* when a packet last went either way */
    bool over;    /* the program is gone: what the kernel still sends is not the script's */
    struct hf_config config;
};

/* A namespace for this process, with a TUN device in it; once. False: it cannot be had, and why
 * stands on the standard error. */
bool kernel_enter(void);
/* The TUN device. */
int kernel_device(void);
/* Waits until the runner's time is `now`, or a packet is there to be read. */
void kernel_wait_until(hf_time now);
/* What the runner's clock must not fall behind. */
hf_time kernel_time(void);
/* A namespace may only set the machine's "allowed" ones as its default, and which those are is not
 * for a test to change; so every socket is given the one that the script asks for. */
const char *kernel_congestion_control(void);

#endif
