/* SPDX-License-Identifier: MIT
 *
 * The shortest loop that there is around a host and a device.
 */
#define _GNU_SOURCE /* prctl's company */

#include "tun_answer.h"

#include "measure.h"

#include <handfast/handfast.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PORT = 5001, RESPONSE = 128, REQUEST = 64 };

struct answering {
    struct hf_stack *stack;
    struct hf_tun *tun;
    hf_handle listener;
    uint8_t packet[HF_PACKET_BYTES];
};

static hf_time now(void)
{
    return (hf_time)measure_wall_ns();
}

static bool begin(struct answering *answering)
{
    struct hf_config config = hf_config_default();
    struct hf_endpoint here = {hf_address_ipv4(10, 66, 0, 2), PORT};
    struct hf_tun_address kernel = {hf_address_ipv4(10, 66, 0, 1), 24};
    struct hf_tun_config device = {
        .name = "hfbench", .kernel_addresses = &kernel, .kernel_address_count = 1};
    char message[256];
    answering->tun = hf_tun_open(&device, message, sizeof message);
    answering->stack = hf_stack_new(&config);
    return answering->tun != NULL && answering->stack != NULL &&
           hf_stack_add_address(answering->stack, &here.address) == HF_OK &&
           hf_listen(answering->stack, &here, 16, &answering->listener) == HF_OK;
}

static void serve(struct answering *answering)
{
    uint8_t bytes[RESPONSE] = {0};
    struct hf_event event;
    hf_handle handle;
    while (hf_stack_next_event(answering->stack, &event)) {
        if (event.type == HF_EVENT_ACCEPTABLE) {
            while (hf_accept(answering->stack, answering->listener, &handle, NULL) == HF_OK) {
            }
        } else if (event.type == HF_EVENT_READABLE) {
            while (hf_recv(answering->stack, event.handle, bytes, REQUEST, 0, now()) == REQUEST) {
                hf_send(answering->stack, event.handle, bytes, RESPONSE, 0, now());
            }
        }
    }
}

static void turn(struct answering *answering)
{
    ptrdiff_t length;
    while ((length = hf_tun_read(answering->tun, answering->packet, sizeof answering->packet)) >
           0) {
        hf_stack_input(answering->stack, answering->packet, (size_t)length, now());
    }
    serve(answering);
    while ((length = hf_stack_output(answering->stack, answering->packet, sizeof answering->packet,
                                     now())) > 0) {
        hf_tun_write(answering->tun, answering->packet, (size_t)length);
    }
}

static void sleep_until_needed(const struct answering *answering)
{
    struct pollfd wait = {hf_tun_descriptor(answering->tun), POLLIN, 0};
    hf_time left = hf_stack_next_deadline(answering->stack) - now();
    int milliseconds = left > HF_SECOND ? 1000 : (int)(left / HF_MILLISECOND) + 1;
    poll(&wait, 1, left <= 0 ? 0 : milliseconds);
}

pid_t tun_answer_start(bool busy)
{
    pid_t child = fork();
    if (child == 0) {
        struct answering *answering = calloc(1, sizeof *answering);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(120);
        while (answering != NULL && begin(answering)) {
            for (;;) {
                turn(answering);
                if (!busy) {
                    sleep_until_needed(answering);
                }
            }
        }
        _exit(1);
    }
    return child;
}
