/* SPDX-License-Identifier: MIT
 *
 * A connection between two local descriptors: what one gives goes to the peer, what the peer sends
 * goes to the other.
 */
#ifndef STREAM_H
#define STREAM_H

#include "descriptor.h"
#include "host.h"
#include "mapped_file.h"

enum { STREAM_BUFFER_BYTES = 65536 };

struct stream_buffer {
    size_t start, length;
    uint8_t bytes[STREAM_BUFFER_BYTES];
};

/* Why a stream ended. */
enum stream_end {
    STREAM_DONE,       /* both directions ended in order */
    STREAM_CONNECTION, /* `error` is the connection's */
    STREAM_SOURCE,     /* `error` is an errno of the source, negated; the connection was aborted */
    STREAM_SINK        /* the same of the sink */
};

struct stream {
    struct host_owner owner;
    struct host *host;
    hf_handle handle;
    struct descriptor *source; /* NULL: nothing to send */
    /* What of the source lies in memory and is sent from there; the rest is read from it. */
    const struct mapped_file *mapped;
    struct descriptor *sink;
    bool keep_sink; /* open after the peer's FIN */
    void (*ended)(struct stream *stream, enum stream_end end, int error);
    void (*connected)(struct stream *stream);
    void *context;

    uint64_t sent_bytes;     /* taken by the stack */
    uint64_t received_bytes; /* taken by the sink */
    bool open, source_ended, peer_ended;
    int soft_error; /* the last one, or HF_OK */

    /* The rest is stream.c's. */
    bool shut_down, closed, over;
    int error;
    bool mapped_is_over;
    uint64_t mapped_bytes;   /* of `mapped`, taken by the stack for this connection */
    uint64_t referred_bytes; /* of these and of connections before: not come back yet */
    struct stream_buffer outgoing, incoming;
};

/* Takes charge of a connection that was accepted or is being opened (`open` false). The fields
 * down to `context` must be set, the descriptors be attached with stream_source_ready and
 * stream_sink_ready and the stream as context. False: out of memory. */
bool stream_start(struct stream *stream);
void stream_source_ready(void *stream);
void stream_sink_ready(void *stream);
/* A reference of a stream's came back: it is the context. */
void stream_returned(const struct hf_returned *returned);
/* Has what it refers to been cut short? Then it has ended: STREAM_SOURCE, -ENODATA. */
bool stream_source_is_whole(struct stream *stream);
/* What the peer has acknowledged. */
uint64_t stream_acknowledged(const struct stream *stream);
/* Resets the connection; `ended` is not called. */
void stream_abort(struct stream *stream);

#endif
