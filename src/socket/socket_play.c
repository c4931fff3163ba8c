/* SPDX-License-Identifier: MIT
 *
 * See socket_play.h.
 */
#include "socket_play.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A script is asked every millisecond for so long; then the world goes on by itself. */
#define SCRIPT_STEPS 5000u

static void need(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "socket_play: %s\n", what);
        abort();
    }
}

static hf_time play_now(void *context)
{
    return hf_sim_now(((struct play *)context)->sim);
}

static int play_wait(void *context, hf_time until)
{
    struct play *play = context;
    int error = play->wait_error;
    if (error != 0) {
        play->wait_error = 0;
        return error;
    }
    if (play->script != NULL && play->steps < SCRIPT_STEPS) {
        hf_time soon = hf_sim_now(play->sim) + HF_MILLISECOND;
        play->script(play, play->steps++);
        until = until < soon ? until : soon;
    }
    if (!hf_sim_step(play->sim, until) && until == HF_TIME_NEVER) {
        return -EDEADLK; /* nothing will ever happen */
    }
    return 0;
}

static struct hf_stack *make_stack(uint8_t number)
{
    struct hf_config config = hf_config_default();
    struct hf_address address = hf_address_ipv4(10, 0, 0, number);
    struct hf_stack *stack;
    memset(config.seed, number, sizeof config.seed);
    config.send_buffer_bytes = 64 * 1024;
    config.receive_buffer_bytes = 64 * 1024;
    config.send_buffer_max_bytes = config.receive_buffer_max_bytes = 0;
    stack = hf_stack_new(&config);
    need(stack != NULL && hf_stack_add_address(stack, &address) == HF_OK, "no stack");
    return stack;
}

void play_open(struct play *play, uint32_t loss_ppm,
               void (*edit)(struct hf_sockets_config *config, int side))
{
    struct hf_sim_config link = hf_sim_config_default();
    memset(play, 0, sizeof *play);
    link.seed = 11;
    link.forward.loss_ppm = link.backward.loss_ppm = loss_ppm;
    play->stacks[0] = make_stack(1);
    play->stacks[1] = make_stack(2);
    play->sim = hf_sim_new(&link, play->stacks[0], play->stacks[1]);
    need(play->sim != NULL, "no simulation");
    for (int side = 0; side < 2; side++) {
        struct hf_sockets_config config = hf_sockets_config_default();
        config.stack = play->stacks[side];
        config.now = play_now;
        config.wait = play_wait;
        config.context = play;
        if (edit != NULL) {
            edit(&config, side);
        }
        play->sets[side] = hf_sockets_new(&config);
        need(play->sets[side] != NULL, "no sockets");
    }
}

void play_close(struct play *play)
{
    hf_sockets_free(play->sets[0]);
    hf_sockets_free(play->sets[1]);
    hf_sim_free(play->sim);
    hf_stack_free(play->stacks[0]);
    hf_stack_free(play->stacks[1]);
}

struct sockaddr_in play_address(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x0a000002);
    return address;
}

int play_listen(struct play *play, uint16_t port)
{
    struct sockaddr_in address = play_address(port);
    int fd = hf_socket(play->sets[1], AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    need(hf_socket_bind(play->sets[1], fd, (struct sockaddr *)&address, sizeof address) == 0 &&
             hf_socket_listen(play->sets[1], fd, 16) == 0,
         "no listener");
    return fd;
}

void play_connect(struct play *play, int listener, uint16_t port, int *client, int *server)
{
    struct sockaddr_in address = play_address(port);
    struct pollfd entry = {.fd = listener, .events = POLLIN};
    *client = hf_socket(play->sets[0], AF_INET, SOCK_STREAM, 0);
    need(hf_socket_connect(play->sets[0], *client, (struct sockaddr *)&address, sizeof address) ==
             0,
         "not connected");
    need(hf_socket_poll(play->sets[1], &entry, 1, 60000) == 1, "nobody to accept");
    *server = hf_socket_accept4(play->sets[1], listener, NULL, NULL, 0);
    need(*server >= 0, "not accepted");
}

void play_run(struct play *play, hf_time time)
{
    (void)hf_sim_run(play->sim, hf_sim_now(play->sim) + time);
    (void)hf_sockets_update(play->sets[0]);
    (void)hf_sockets_update(play->sets[1]);
}
