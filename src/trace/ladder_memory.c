/* SPDX-License-Identifier: MIT
 *
 * What the ladder remembers between events: hosts and their columns, connections and what each end
 * last said of them, listeners, and which segments were sent.
 *
 * All of it is in tables of fixed size; when one is full the oldest entry makes room and the ladder
 * says a little less, nothing worse.
 *
 * Columns: the host with the lower id stands left. Of two hosts the listening one usually speaks
 * first, and its row must not wait for the other; so the first host is placed by a guess (id 0
 * left, any other right), and if the second host proves it wrong the two change places under a
 * new heading.
 */
#include "ladder_internal.h"

#include <inttypes.h>
#include <string.h>

static bool endpoints_equal(const struct hf_endpoint *a, const struct hf_endpoint *b)
{
    return a->port == b->port && a->address.family == b->address.family &&
           memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes)) == 0;
}

static bool address_is_any(const struct hf_address *address)
{
    static const uint8_t zero[16];

    return address->family == HF_FAMILY_ANY || memcmp(address->bytes, zero, sizeof(zero)) == 0;
}

static void change_places(struct hf_ladder *ladder)
{
    int right = ladder->placed[LADDER_LEFT];

    ladder->placed[LADDER_LEFT] = ladder->placed[LADDER_RIGHT];
    ladder->placed[LADDER_RIGHT] = right;
    for (unsigned i = 0; i < ladder->host_count; i++) {
        if (ladder->hosts[i].side != LADDER_NO_SIDE)
            ladder->hosts[i].side = !ladder->hosts[i].side;
    }
    for (unsigned i = 0; i < LADDER_LISTENERS; i++)
        ladder->listeners[i].side = !ladder->listeners[i].side;
    for (unsigned i = 0; i < LADDER_CONVERSATIONS; i++) {
        struct ladder_conversation *conversation = &ladder->conversations[i];
        struct hf_endpoint end = conversation->ends[0];
        struct ladder_view view = conversation->views[0];

        conversation->ends[0] = conversation->ends[1];
        conversation->ends[1] = end;
        conversation->views[0] = conversation->views[1];
        conversation->views[1] = view;
    }
    ladder->shown = NULL;
}

static void place_host(struct hf_ladder *ladder, unsigned index)
{
    struct ladder_host *host = &ladder->hosts[index];

    if (ladder->placed[LADDER_LEFT] < 0 && ladder->placed[LADDER_RIGHT] < 0) {
        host->side = host->id == 0 ? LADDER_LEFT : LADDER_RIGHT;
        ladder->placed[host->side] = (int)index;
    } else if (ladder->placed[LADDER_LEFT] < 0 || ladder->placed[LADDER_RIGHT] < 0) {
        host->side = ladder->placed[LADDER_LEFT] < 0 ? LADDER_LEFT : LADDER_RIGHT;
        ladder->placed[host->side] = (int)index;
        if (ladder->hosts[ladder->placed[LADDER_LEFT]].id >
            ladder->hosts[ladder->placed[LADDER_RIGHT]].id)
            change_places(ladder);
    } else {
        host->side = LADDER_NO_SIDE;
        return;
    }
    ladder->names_due = true;
}

static void learn_address(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    /* Only what a host says of itself: a packet may arrive that was meant for another. */
    if (event->kind == HF_TRACE_RECEIVED || event->kind == HF_TRACE_LINK ||
        address_is_any(&event->local.address) || ladder->address_count == LADDER_ADDRESSES ||
        ladder_host_at(ladder, &event->local.address))
        return;
    ladder->addresses[ladder->address_count].address = event->local.address;
    ladder->addresses[ladder->address_count].host = event->host;
    ladder->address_count++;
}

static struct ladder_host *add_host(struct hf_ladder *ladder, uint32_t id)
{
    struct ladder_host *host = &ladder->stranger;

    if (ladder->host_count < LADDER_HOSTS) {
        host = &ladder->hosts[ladder->host_count];
        host->id = id;
        host->name[0] = '\0';
        ladder->host_count++;
        place_host(ladder, ladder->host_count - 1);
    } else {
        host->id = id;
        host->name[0] = '\0';
        host->side = LADDER_NO_SIDE;
    }
    return host;
}

static struct ladder_host *find_host(struct hf_ladder *ladder, uint32_t id)
{
    for (unsigned i = 0; i < ladder->host_count; i++) {
        if (ladder->hosts[i].id == id)
            return &ladder->hosts[i];
    }
    return NULL;
}

struct ladder_host *ladder_learn_host(struct hf_ladder *ladder, const struct hf_trace_event *event)
{
    struct ladder_host *host = find_host(ladder, event->host);

    if (!host)
        host = add_host(ladder, event->host);
    if (host->name[0] == '\0' && event->host_name[0] != '\0') {
        trace_clean_name(host->name, sizeof(host->name), event->host_name,
                         ladder->options.plain_ascii != 0);
        if (host->side != LADDER_NO_SIDE)
            ladder->names_due = true;
    }
    learn_address(ladder, event);
    return host;
}

void ladder_host_name(const struct ladder_host *host, char text[LADDER_NAME_BYTES])
{
    if (host->name[0])
        memcpy(text, host->name, LADDER_NAME_BYTES);
    else
        snprintf(text, LADDER_NAME_BYTES, "host %" PRIu32, host->id);
}

const struct ladder_host *ladder_host_at(const struct hf_ladder *ladder,
                                         const struct hf_address *address)
{
    for (unsigned i = 0; i < ladder->address_count; i++) {
        if (ladder->addresses[i].address.family != address->family ||
            memcmp(ladder->addresses[i].address.bytes, address->bytes, 16) != 0)
            continue;
        for (unsigned j = 0; j < ladder->host_count; j++) {
            if (ladder->hosts[j].id == ladder->addresses[i].host)
                return &ladder->hosts[j];
        }
    }
    return NULL;
}

bool ladder_has_column(const struct hf_ladder *ladder, int side, const struct hf_trace_event *event)
{
    const struct ladder_host *other;

    if (side == LADDER_NO_SIDE)
        return false;
    other = event->remote.port ? ladder_host_at(ladder, &event->remote.address) : NULL;
    return !other || other->side != LADDER_NO_SIDE;
}

struct ladder_conversation *ladder_find(struct hf_ladder *ladder, int side,
                                        const struct hf_trace_event *event, bool may_add)
{
    struct ladder_conversation *oldest = &ladder->conversations[0];

    if (side == LADDER_NO_SIDE || event->local.port == 0 || event->remote.port == 0)
        return NULL;
    for (unsigned i = 0; i < LADDER_CONVERSATIONS; i++) {
        struct ladder_conversation *conversation = &ladder->conversations[i];

        if (conversation->used && endpoints_equal(&conversation->ends[side], &event->local) &&
            endpoints_equal(&conversation->ends[!side], &event->remote)) {
            conversation->last_used = ++ladder->clock;
            return conversation;
        }
        if (conversation->last_used < oldest->last_used)
            oldest = conversation;
    }
    if (!may_add)
        return NULL;
    if (ladder->shown == oldest)
        ladder->shown = NULL;
    memset(oldest, 0, sizeof(*oldest));
    oldest->used = true;
    oldest->last_used = ++ladder->clock;
    oldest->ends[side] = event->local;
    oldest->ends[!side] = event->remote;
    return oldest;
}

/* Scaling is agreed in the handshake and stays (RFC 7323 2.2); what is left of a connection, a
 * TIME-WAIT record say, may no longer know it. */
static void learn_scaling(struct ladder_view *view, const struct hf_trace_event *event)
{
    const struct hf_trace_numbers *numbers = &event->numbers;

    if (event->state == HF_SYN_SENT || event->state == HF_SYN_RECEIVED || numbers->snd_wind_shift ||
        numbers->rcv_wind_shift) {
        view->snd_wind_shift = numbers->snd_wind_shift;
        view->rcv_wind_shift = numbers->rcv_wind_shift;
    }
}

void ladder_update_view(struct ladder_view *view, const struct hf_trace_event *event)
{
    const struct hf_trace_numbers *numbers = &event->numbers;
    const struct hf_trace_segment *segment = event->segment;

    view->traced = true;
    view->state = event->state;
    if (numbers->iss || numbers->snd_nxt) {
        view->own = (struct ladder_count){true, numbers->iss, numbers->snd_nxt};
        learn_scaling(view, event);
    } else if (event->kind == HF_TRACE_SENT && segment && (segment->flags & HF_SYN)) {
        view->own = (struct ladder_count){true, segment->seq, segment->seq + 1};
    }
    if (numbers->irs || numbers->rcv_nxt)
        view->peer = (struct ladder_count){true, numbers->irs, numbers->rcv_nxt};
    else if (event->kind == HF_TRACE_RECEIVED && segment && (segment->flags & HF_SYN) &&
             !ladder_has_reason(event))
        view->peer = (struct ladder_count){true, segment->seq, segment->seq + 1};
}

void ladder_learn_listener(struct hf_ladder *ladder, int side, const struct hf_trace_event *event)
{
    struct ladder_listener *found = NULL;

    if (event->remote.port != 0 || event->local.port == 0 || event->kind == HF_TRACE_RECEIVED)
        return;
    for (unsigned i = 0; i < LADDER_LISTENERS && !found; i++) {
        if (ladder->listeners[i].used && ladder->listeners[i].side == side &&
            endpoints_equal(&ladder->listeners[i].local, &event->local))
            found = &ladder->listeners[i];
    }
    if (event->state != HF_LISTEN) {
        if (found && event->kind == HF_TRACE_STATE)
            found->used = false;
        return;
    }
    if (found)
        return;
    found = &ladder->listeners[ladder->next_listener];
    ladder->next_listener = (ladder->next_listener + 1) % LADDER_LISTENERS;
    *found = (struct ladder_listener){true, side, event->local};
}

static bool listens(const struct hf_ladder *ladder, int side, const struct hf_endpoint *end)
{
    for (unsigned i = 0; i < LADDER_LISTENERS; i++) {
        const struct ladder_listener *listener = &ladder->listeners[i];

        if (listener->used && listener->side == side && listener->local.port == end->port &&
            (address_is_any(&listener->local.address) || endpoints_equal(&listener->local, end)))
            return true;
    }
    return false;
}

const char *ladder_state_text(const struct hf_ladder *ladder,
                              const struct ladder_conversation *conversation, int side)
{
    const struct ladder_view *view;

    if (!conversation)
        return "";
    view = &conversation->views[side];
    if (view->traced)
        return hf_state_name(view->state);
    if (listens(ladder, side, &conversation->ends[side]))
        return hf_state_name(HF_LISTEN);
    return ladder->placed[side] >= 0 ? hf_state_name(HF_CLOSED) : "?";
}

bool ladder_sees_both(const struct hf_ladder *ladder,
                      const struct ladder_conversation *conversation)
{
    return ladder->placed[LADDER_LEFT] >= 0 && ladder->placed[LADDER_RIGHT] >= 0 && conversation;
}

static uint64_t fold(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *byte = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

uint64_t ladder_fingerprint(const struct hf_trace_event *event, bool departing)
{
    const struct hf_trace_segment *segment = event->segment;
    const struct hf_endpoint *from = departing ? &event->local : &event->remote;
    const struct hf_endpoint *to = departing ? &event->remote : &event->local;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    hash = fold(hash, from->address.bytes, 16);
    hash = fold(hash, to->address.bytes, 16);
    hash = fold(hash, &from->port, 2);
    hash = fold(hash, &to->port, 2);
    hash = fold(hash, &segment->seq, 4);
    hash = fold(hash, &segment->ack, 4);
    hash = fold(hash, &segment->length, 4);
    hash = fold(hash, &segment->flags, 2);
    hash = fold(hash, &segment->window, 2);
    hash = fold(hash, &segment->urgent_pointer, 2);
    return hash > LADDER_UNKNOWN_PACKET ? hash : 2;
}

void ladder_remember_sent(struct hf_ladder *ladder, uint64_t fingerprint)
{
    uint64_t *set = ladder->sent[fingerprint % LADDER_SENT_SETS];

    if (ladder_was_sent(ladder, fingerprint))
        return;
    memmove(set + 1, set, (LADDER_SENT_WAYS - 1) * sizeof(*set));
    set[0] = fingerprint;
}

bool ladder_was_sent(const struct hf_ladder *ladder, uint64_t fingerprint)
{
    const uint64_t *set = ladder->sent[fingerprint % LADDER_SENT_SETS];

    for (unsigned i = 0; i < LADDER_SENT_WAYS; i++) {
        if (set[i] == fingerprint)
            return true;
    }
    return false;
}
