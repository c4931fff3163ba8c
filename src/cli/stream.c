/* SPDX-License-Identifier: MIT
 *
 * Theory of operation.
 *
 * Each direction has one buffer and one rule. Outgoing: the source is watched while the buffer is
 * empty; what it gave is handed to hf_send, and if that has no room (HF_EAGAIN) the source is left
 * alone until HF_EVENT_WRITABLE. Incoming: hf_recv is called while the buffer is empty; what it
 * gave is written to the sink, and if that has no room, hf_recv is not called until it has. So the
 * receive window closes, and the peer waits: back-pressure all the way from one program to the
 * other.
 *
 * A file that could be mapped goes another way out: it is handed to the stack as it lies in memory,
 * as much at a time as has room in the send buffer, and what its end may have grown by since is
 * read after that. What the stack has taken and not given back must not be cut off; if it is, the
 * connection is reset, for the bytes that were announced are no more.
 *
 * The end: when the source ends, hf_shutdown sends FIN after the data; when hf_recv gives 0, the
 * sink is closed. When both have happened and HF_EVENT_CLOSED says that our FIN is acknowledged,
 * the stream is done.
 */
#define _GNU_SOURCE /* <uv.h> needs more than C17 has */

#include "stream.h"

#include <errno.h>

enum { SOURCE_PIECES = 4 };
/* One reference; the stack takes as much as has room in its send buffer. */
#define MAPPED_PIECE_BYTES UINT64_C(0x1000000)

static void end(struct stream *stream, enum stream_end how, int error)
{
    if (stream->over)
        return;
    stream->over = true;
    if (stream->source != NULL)
        descriptor_watch(stream->source, false);
    descriptor_watch(stream->sink, false);
    host_disown(stream->host, stream->handle);
    if (how == STREAM_DONE || how == STREAM_CONNECTION)
        hf_close(stream->host->stack, stream->handle, host_now(stream->host));
    else
        hf_abort(stream->host->stack, stream->handle, host_now(stream->host));
    stream->handle = HF_NO_HANDLE;
    stream->ended(stream, how, error);
}

static void end_if_over(struct stream *stream)
{
    if (stream->over || !stream->peer_ended)
        return;
    if (stream->error != HF_OK)
        end(stream, STREAM_CONNECTION, stream->error);
    else if (stream->closed)
        end(stream, STREAM_DONE, HF_OK);
}

/* False: there is no room for more. Where the stack has no memory for references, what is left is
 * read as any file is. */
static bool pump_mapped(struct stream *stream)
{
    uint64_t length = stream->mapped == NULL ? 0 : stream->mapped->length;

    while (stream->mapped_bytes < length) {
        uint64_t left = length - stream->mapped_bytes;
        ptrdiff_t taken = hf_send_ref(
            stream->host->stack, stream->handle, stream->mapped->bytes + stream->mapped_bytes,
            (size_t)(left < MAPPED_PIECE_BYTES ? left : MAPPED_PIECE_BYTES), stream, 0,
            host_now(stream->host));

        if (taken == HF_ENOBUFS || taken == HF_ENOMEM)
            break;
        if (taken < 0)
            return false;
        stream->mapped_bytes += (uint64_t)taken;
        stream->referred_bytes += (uint64_t)taken;
        stream->sent_bytes += (uint64_t)taken;
    }
    if (length > 0 && !stream->mapped_is_over) {
        stream->mapped_is_over = true;
        descriptor_skip(stream->source, stream->mapped_bytes);
    }
    return true;
}

void stream_returned(const struct hf_returned *returned)
{
    struct stream *stream = returned->context;

    stream->referred_bytes -= returned->length;
}

bool stream_source_is_whole(struct stream *stream)
{
    if (stream->over || stream->referred_bytes == 0 || !mapped_file_was_cut(stream->mapped))
        return true;
    end(stream, STREAM_SOURCE, -ENODATA);
    return false;
}

static void pump_outgoing(struct stream *stream)
{
    struct stream_buffer *buffer = &stream->outgoing;
    hf_time now = host_now(stream->host);

    if (!pump_mapped(stream)) {
        descriptor_watch(stream->source, false);
        return;
    }
    while (buffer->length > 0) {
        ptrdiff_t taken = hf_send(stream->host->stack, stream->handle,
                                  buffer->bytes + buffer->start, buffer->length, 0, now);

        if (taken < 0) {
            /* HF_EAGAIN: HF_EVENT_WRITABLE follows. An error is an event too, with its cause. */
            if (stream->source != NULL)
                descriptor_watch(stream->source, false);
            return;
        }
        buffer->start += (size_t)taken;
        buffer->length -= (size_t)taken;
        stream->sent_bytes += (uint64_t)taken;
    }
    if (stream->source != NULL && !stream->source_ended) {
        descriptor_watch(stream->source, true);
    } else if (!stream->shut_down) {
        stream->shut_down = hf_shutdown(stream->host->stack, stream->handle, now) == HF_OK;
    }
}

/* True when there may be more at once. */
static bool read_source(struct stream *stream)
{
    struct stream_buffer *buffer = &stream->outgoing;
    ssize_t length;

    if (stream->over || stream->source_ended || buffer->length > 0)
        return false;
    if (stream->mapped != NULL && !stream->mapped_is_over) {
        pump_outgoing(stream);
        return false;
    }
    length = descriptor_read(stream->source, buffer->bytes, sizeof buffer->bytes);
    if (length == -EAGAIN)
        return false;
    /* A terminal whose other side has gone says EIO: that is an end too. */
    if (length < 0 && length != -EIO) {
        end(stream, STREAM_SOURCE, (int)length);
        return false;
    }
    buffer->start = 0;
    buffer->length = length > 0 ? (size_t)length : 0;
    if (length <= 0) {
        stream->source_ended = true;
        descriptor_watch(stream->source, false);
    }
    pump_outgoing(stream);
    return length == (ssize_t)sizeof buffer->bytes;
}

/* A fast source fills more than one super-segment each time round the loop. */
void stream_source_ready(void *context)
{
    int pieces = 0;

    while (read_source(context) && ++pieces < SOURCE_PIECES)
        ;
}

/* True when the buffer is empty now. */
static bool write_out(struct stream *stream)
{
    struct stream_buffer *buffer = &stream->incoming;

    while (buffer->length > 0) {
        ssize_t written =
            descriptor_write(stream->sink, buffer->bytes + buffer->start, buffer->length);

        if (written == -EAGAIN) {
            descriptor_watch(stream->sink, true);
            return false;
        }
        if (written < 0) {
            end(stream, STREAM_SINK, (int)written);
            return false;
        }
        buffer->start += (size_t)written;
        buffer->length -= (size_t)written;
        stream->received_bytes += (uint64_t)written;
    }
    descriptor_watch(stream->sink, false);
    return true;
}

static void peer_ended(struct stream *stream)
{
    int error;

    stream->peer_ended = true;
    if (stream->keep_sink)
        return;
    error = descriptor_close(stream->sink);
    if (error != 0)
        end(stream, STREAM_SINK, error);
}

static void pump_incoming(struct stream *stream)
{
    while (!stream->over && !stream->peer_ended && write_out(stream)) {
        ptrdiff_t length = hf_recv(stream->host->stack, stream->handle, stream->incoming.bytes,
                                   sizeof stream->incoming.bytes, 0, host_now(stream->host));

        if (length == HF_EAGAIN || length == HF_ENOTCONN)
            break;
        if (length == 0) {
            peer_ended(stream);
        } else if (length < 0) {
            end(stream, STREAM_CONNECTION, stream->error != HF_OK ? stream->error : (int)length);
        } else {
            stream->incoming.start = 0;
            stream->incoming.length = (size_t)length;
        }
    }
    end_if_over(stream);
}

void stream_sink_ready(void *context)
{
    struct stream *stream = context;

    if (!stream->over)
        pump_incoming(stream);
}

static void take_event(struct host_owner *owner, const struct hf_event *event)
{
    struct stream *stream = (struct stream *)owner;

    switch (event->type) {
    case HF_EVENT_CONNECTED:
        stream->open = true;
        if (stream->connected != NULL)
            stream->connected(stream);
        break;
    case HF_EVENT_ERROR:
        stream->error = event->error;
        if (!stream->open) {
            end(stream, STREAM_CONNECTION, event->error);
            return;
        }
        break;
    case HF_EVENT_CLOSED:
        stream->closed = true;
        break;
    case HF_EVENT_NOTED: /* nothing is marked */
        return;
    case HF_EVENT_SOFT_ERROR:
        stream->soft_error = event->error;
        host_tell(stream->host, "%s; still trying", hf_error_text(event->error));
        return;
    case HF_EVENT_ACCEPTABLE:
    case HF_EVENT_READABLE:
    case HF_EVENT_WRITABLE:
    case HF_EVENT_PEER_CLOSED:
    case HF_EVENT_URGENT:
        break;
    }
    if (stream->open) {
        pump_outgoing(stream);
        pump_incoming(stream);
    }
}

bool stream_start(struct stream *stream)
{
    stream->owner.event = take_event;
    stream->sent_bytes = stream->received_bytes = 0;
    stream->peer_ended = stream->shut_down = stream->closed = stream->over = false;
    stream->error = stream->soft_error = HF_OK;
    stream->mapped_is_over = false;
    stream->mapped_bytes = 0;
    stream->outgoing.length = stream->incoming.length = 0;
    if (!host_own(stream->host, stream->handle, &stream->owner))
        return false;
    /* What happened before (data with the handshake's last ACK) was an event of no owner. */
    if (stream->open) {
        pump_outgoing(stream);
        pump_incoming(stream);
    }
    return true;
}

uint64_t stream_acknowledged(const struct stream *stream)
{
    struct hf_status status;

    if (stream->handle == HF_NO_HANDLE ||
        hf_status(stream->host->stack, stream->handle, &status) != HF_OK)
        return stream->sent_bytes;
    return stream->sent_bytes - status.send_queue_bytes;
}

void stream_abort(struct stream *stream)
{
    if (stream->over || stream->handle == HF_NO_HANDLE)
        return;
    stream->over = true;
    host_disown(stream->host, stream->handle);
    hf_abort(stream->host->stack, stream->handle, host_now(stream->host));
    stream->handle = HF_NO_HANDLE;
}
