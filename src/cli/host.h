/* SPDX-License-Identifier: MIT
 *
 * One Handfast host in a process: a stack, the TUN device that is its wire, and the libuv loop that
 * carries packets, time and events between them.
 */
#ifndef HOST_H
#define HOST_H

#include "handle_map.h"
#include "network_options.h"
#include "tracing.h"

#include <handfast/handfast.h>
#include <signal.h>
#include <stdatomic.h>
#include <uv.h>

enum {
    HOST_SCRATCH_BYTES = 65536,
    HOST_HANDLES = 8,            /* of libuv, opened by host_open */
    HOST_BATCH_PACKETS = 16,     /* taken from the stack at once */
    HOST_ARRIVING_BYTES = 327680 /* read at once: many packets, or four super-segments */
};

/* Whoever looks after a handle starts with one of these. */
struct host_owner {
    void (*event)(struct host_owner *owner, const struct hf_event *event);
};

struct host {
    uv_loop_t loop;
    struct hf_stack *stack;
    struct hf_tun *tun;
    const struct network_options *network;

    /* For the commands. */
    void (*on_signal)(struct host *host, int number); /* SIGINT, SIGTERM; NULL: stop at once */
    void *command;
    /* For who sends by reference (zero_copy.h); NULL: nobody does. What came back; and, when
     * packets are made and have not left yet: is what they were made of still right? If not, they
     * never leave, and the connection has been aborted. */
    void (*on_returned)(struct host *host, const struct hf_returned *returned);
    bool (*source_is_whole)(struct host *host);
    int exit_code;                       /* what host_run returns */
    uint8_t scratch[HOST_SCRATCH_BYTES]; /* for use within one callback */

    /* Where a program has several of them, one for each core (proxy --cores), each with a loop and
     * a thread of its own: which this is, and all of them; the first opens what is theirs in
     * common. */
    uint32_t core;
    struct host **all;

    /* The rest is host.c's and host_device.c's. */
    struct hf_cores *cores; /* NULL: it is the only one */
    uv_async_t bell;        /* another core has something for this one */
    uv_check_t check;
    atomic_bool stop_asked;
    struct handle_map owners;
    struct tracing tracing;
    struct control *control;
    uv_poll_t tun_poll;
    uv_timer_t deadline_timer, flush_timer;
    uv_prepare_t prepare;
    uv_signal_t signals[2];
    bool loop_open, handles_open, stopping, write_failed;
    int64_t start_ns;
    uint64_t packets_lost; /* not taken by the device */
    hf_time busy_since;    /* when a packet last came or went */
    /* What leaves, and of it packets[held_first..held_end) that the device could not take yet. */
    struct hf_packet packets[HOST_BATCH_PACKETS];
    uint8_t *packet_bytes;
    int held_first, held_end;
    uint8_t arriving[HOST_ARRIVING_BYTES];
};

/* EXIT_CODE_OK, or another after complaining; host_close is needed in either case. `network` is
 * borrowed until then. `command_name` is shown by `handfast ss'. */
int host_open(struct host *host, const struct network_options *network, const char *command_name);
/* The same for core `core` of network->cores, of which all[0] is the first to be opened; they are
 * closed in the opposite order, when none of them runs any more. */
int host_open_core(struct host *host, struct host **all, uint32_t core,
                   const struct network_options *network, const char *command_name);
/* Runs until host_stop. Returns host->exit_code. */
int host_run(struct host *host);
/* Ends host_run. The first caller's code counts. */
void host_stop(struct host *host, int exit_code);
/* The same by another thread, with EXIT_CODE_OK. Only of one that was opened as a core. */
void host_ask_stop(struct host *host);
/* Sends at once what is to be sent, where a turn of the loop is too late. */
void host_flush(struct host *host);
/* Sends what is still to be sent, then frees everything. Returns `exit_code`, or another if that
 * was EXIT_CODE_OK and a trace could not be written. */
int host_close(struct host *host, int exit_code);

/* The stack's clock. */
hf_time host_now(const struct host *host);
/* hf_listen and hf_connect, with Fast Open if it was asked for. What is sent until output is
 * drained may then ride on the SYN: hf_status.fast_open_room_bytes. */
int host_listen(struct host *host, const struct hf_endpoint *local, uint32_t backlog,
                hf_handle *listener);
int host_connect(struct host *host, const struct hf_endpoint *remote, hf_handle *connection);

/* Events of the handle go to the owner from now on; false: out of memory. */
bool host_own(struct host *host, hf_handle handle, struct host_owner *owner);
void host_disown(struct host *host, hf_handle handle);

/* Says something if --verbose was given. */
__attribute__((format(printf, 2, 3))) void host_tell(const struct host *host, const char *format,
                                                     ...);

#endif
