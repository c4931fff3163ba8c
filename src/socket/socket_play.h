/* SPDX-License-Identifier: MIT
 *
 * Two hosts with sockets on a simulated link, for unit tests. `script` is called before each step
 * that a blocked call lets the world take: it is what the other side does meanwhile.
 */
#ifndef SOCKET_PLAY_H
#define SOCKET_PLAY_H

#include <handfast/socket.h>

#include <handfast/handfast.h>
#include <netinet/in.h>

struct play {
    struct hf_stack *stacks[2];
    struct hf_sim *sim;
    struct hf_sockets *sets[2]; /* 0: client, 1: server */
    void (*script)(struct play *play, unsigned step);
    unsigned steps;
    int wait_error; /* what the next wait answers, if not 0 */
    int fds[8];     /* for scripts */
    void *notes;
};

/* Ends the process when something is refused. `edit` may change both configurations. */
void play_open(struct play *play, uint32_t loss_ppm,
               void (*edit)(struct hf_sockets_config *config, int side));
void play_close(struct play *play);
/* The server's address. */
struct sockaddr_in play_address(uint16_t port);
/* A listener of the server on a port; non-blocking. */
int play_listen(struct play *play, uint16_t port);
/* A connected pair; blocking. */
void play_connect(struct play *play, int listener, uint16_t port, int *client, int *server);
/* Lets time pass. */
void play_run(struct play *play, hf_time time);

#endif
