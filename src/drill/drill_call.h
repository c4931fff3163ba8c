/* SPDX-License-Identifier: MIT
 *
 * The system calls of scripts: one row each, one function each. A function makes the call on the
 * socket layer and returns what it returned (a negative errno for an error); what else the line
 * says about the outcome (addresses, options, events) it compares itself.
 */
#ifndef DRILL_CALL_H
#define DRILL_CALL_H

#include "drill_run.h"

struct drill_arguments {
    const struct drill_event *event;
    const struct drill_expression *at[8]; /* NULL beyond the last */
};

typedef int64_t drill_call_function(struct drill_run *run, const struct drill_arguments *arguments);

enum drill_result_kind {
    DRILL_RESULT_NUMBER,
    DRILL_RESULT_DESCRIPTOR /* the script's name for what the stack numbers */
};

struct drill_call_kind {
    const char *name;
    unsigned least, most; /* arguments */
    enum drill_result_kind result;
    drill_call_function *function;
};

/* NULL: no such call. */
const struct drill_call_kind *drill_call_find(const char *name);

/* ---- values; false and 0 after a failure */

/* Fails when it is no number. */
bool call_integer(struct drill_run *run, const struct drill_expression *expression, int64_t *value);
/* The same for what [N] holds. */
bool call_listed_integer(struct drill_run *run, const struct drill_expression *expression,
                         int64_t *value);
/* The child of a structure by name, or NULL. */
const struct drill_expression *call_field(const struct drill_expression *structure,
                                          const char *name);
bool call_is_null(const struct drill_expression *expression);
/* The socket layer's descriptor for the script's; one that is not open has no meaning there
 * either. */
bool call_descriptor(struct drill_run *run, const struct drill_expression *expression, int *live);
struct drill_descriptor *call_state(struct drill_run *run,
                                    const struct drill_expression *expression);
/* An address: ... is `usual`. */
struct call_address {
    struct sockaddr_storage storage;
    socklen_t length;
    bool null;
};
bool call_address(struct drill_run *run, const struct drill_expression *expression,
                  const struct hf_endpoint *usual, struct call_address *address);
/* The length argument of an address: ... is the address's own. */
bool call_address_length(struct drill_run *run, const struct drill_expression *expression,
                         struct call_address *address);
/* As the socket layer would give it in this run. */
void call_socket_address(const struct drill_run *run, const struct hf_endpoint *endpoint,
                         struct call_address *address);
bool call_same_address(const struct call_address *a, const struct call_address *b);
void call_address_text(const struct call_address *address, char text[80]);
struct hf_endpoint call_endpoint_of(const struct call_address *address);

/* The pipe, or the file, that a descriptor is the reading or the writing end of; or NULL. */
struct drill_pipe *call_pipe(struct drill_run *run, const struct drill_expression *expression,
                             bool writer);
void call_drop_pipe(struct drill_descriptor *state);
/* What read and write make of one. */
int64_t call_pipe_read(struct drill_run *run, struct drill_pipe *pipe, uint8_t *bytes,
                       size_t length);
int64_t call_pipe_write(struct drill_run *run, struct drill_pipe *pipe, const uint8_t *bytes,
                        size_t length);

/* connect and its kin: the flow that the SYN will belong to becomes the current one. */
void call_begin_flow(struct drill_run *run, const struct drill_expression *descriptor,
                     const struct call_address *address);

/* ---- the functions, by file */

drill_call_function call_read, call_recv, call_recvfrom, call_recvmsg, call_readv; /* data */
drill_call_function call_write, call_send, call_sendto, call_sendmsg, call_writev;
drill_call_function call_make_pipe, call_open, call_splice, call_sendfile; /* files */
drill_call_function call_getsockopt, call_setsockopt;                      /* options */
drill_call_function call_poll, call_epoll_create, call_epoll_create1;      /* ready */
drill_call_function call_epoll_ctl, call_epoll_wait;

#endif
