/* SPDX-License-Identifier: MIT
 *
 * `handfast demo` by itself: the client connects, sends what it has and closes its direction; the
 * server reads to the end, sends a short answer and closes too. The link between them loses and
 * reorders. Both programs compare every byte that they read with what the other one sent.
 */
#include "demo_conversation.h"

#include "demo_stage.h"
#include "message.h"

#include <string.h>

#define ANSWER_BYTES 1000u
#define LONGEST_NS (24 * 3600 * HF_SECOND)

struct conversation {
    struct demo_stage *stage;
    bool asked, closed, answered;
    hf_time finished_ns; /* when the client had read the whole answer */
};

static void print_opening(const struct demo_text *text, const struct demo_options *options)
{
    char words[512];

    snprintf(words, sizeof words,
             "Two hosts and a link between them, all in this process. The client sends %lu bytes "
             "and closes its direction; the server answers with %u and closes too. The link loses "
             "%g %% of the packets and lets others overtake %g %% of them. Numbers are counted "
             "from where each side began%s.",
             (unsigned long)options->length_bytes, ANSWER_BYTES, options->loss_ppm / 10000.0,
             options->reorder_ppm / 10000.0,
             options->absolute ? " only in your head: you asked for those on the wire" : "");
    demo_text_heading(text, "Handfast: a conversation over a bad link");
    demo_text_print(text, "\n");
    demo_text_paragraph(text, 2, words);
    demo_text_print(text, "\n");
}

/* The client closes when it knows that all has arrived: so the ladder shows first the data, then
 * the closing. */
static bool all_acknowledged(const struct demo_role *role, uint64_t length_bytes)
{
    struct hf_status status;

    return role->sent_bytes == length_bytes && role->connection != HF_NO_HANDLE &&
           hf_status(role->stack, role->connection, &status) == HF_OK &&
           status.send_queue_bytes == 0;
}

/* What the two programs decide to do, from what they have seen so far. */
static int act(struct conversation *conversation)
{
    struct demo_stage *stage = conversation->stage;
    struct demo_role *client = &stage->roles[DEMO_A], *server = &stage->roles[DEMO_B];
    int error = HF_OK;

    if (client->connected && !conversation->asked) {
        conversation->asked = true;
        error = demo_stage_send(stage, DEMO_A, stage->options->length_bytes);
    } else if (conversation->asked && !conversation->closed &&
               all_acknowledged(client, stage->options->length_bytes)) {
        conversation->closed = true;
        error = demo_stage_shutdown(stage, DEMO_A);
    }
    if (error == HF_OK && server->peer_closed && !conversation->answered) {
        conversation->answered = true;
        error = demo_stage_send(stage, DEMO_B, ANSWER_BYTES);
        if (error == HF_OK)
            error = demo_stage_shutdown(stage, DEMO_B);
    }
    if (client->peer_closed && conversation->finished_ns == 0)
        conversation->finished_ns = hf_sim_now(stage->sim);
    return error;
}

static int converse(struct conversation *conversation)
{
    struct demo_stage *stage = conversation->stage;
    int error = demo_stage_listen(stage, DEMO_B);

    if (error == HF_OK)
        error = demo_stage_connect(stage, DEMO_A);
    while (error == HF_OK && hf_sim_now(stage->sim) < LONGEST_NS &&
           demo_stage_step(stage, HF_TIME_NEVER))
        error = act(conversation);
    return error;
}

/* Says what is wrong, if anything is. */
static bool is_right(const struct demo_stage *stage, unsigned host, uint64_t wanted_bytes,
                     enum hf_state wanted_state)
{
    const struct demo_role *role = &stage->roles[host];
    const char *name = stage->casting.host_names[host];
    enum hf_state state = demo_stage_state(stage, host);
    bool right = true;

    if (role->error != HF_OK) {
        say("the %s was told: %s", name, hf_error_text(role->error));
        right = false;
    }
    if (role->received_wrong) {
        say("the %s read bytes that were not sent like that", name);
        right = false;
    }
    if (role->received_bytes != wanted_bytes) {
        say("the %s read %lu bytes of %lu", name, (unsigned long)role->received_bytes,
            (unsigned long)wanted_bytes);
        right = false;
    }
    if (state != wanted_state) {
        say("the %s ended in %s, not in %s", name, hf_state_name(state),
            hf_state_name(wanted_state));
        right = false;
    }
    return right;
}

/* Sent again because of what ACKs told (or a probe that asks for them), and because a timer ran
 * out. */
static void count_repeats(const uint64_t *reasons, uint64_t *fast, uint64_t *late)
{
    *fast = reasons[HF_REASON_RETRANSMIT_RACK] + reasons[HF_REASON_SEND_LOSS_PROBE] +
            reasons[HF_REASON_RETRANSMIT_FAST] + reasons[HF_REASON_RETRANSMIT_PARTIAL];
    *late = reasons[HF_REASON_RETRANSMIT_TIMEOUT] + reasons[HF_REASON_RETRANSMIT_AFTER_TIMEOUT] +
            reasons[HF_REASON_RETRANSMIT_SYN] + reasons[HF_REASON_RETRANSMIT_SYN_ACK] +
            reasons[HF_REASON_RETRANSMIT_FIN];
}

static void print_host(const struct demo_stage *stage, unsigned host)
{
    struct hf_sim_statistics link = hf_sim_statistics(stage->sim, (int)host);
    char path[DEMO_PATH_TEXT], words[DEMO_PATH_TEXT + 256];
    uint64_t fast, late;

    count_repeats(stage->watch.hosts[host].reasons, &fast, &late);
    snprintf(words, sizeof words,
             "The %s sent %lu packets. The link lost %lu of them and held back %lu. Segments sent "
             "again because of what ACKs told: %lu; because no answer came in time: %lu. Its "
             "states: %s.",
             stage->casting.host_names[host], (unsigned long)link.sent, (unsigned long)link.lost,
             (unsigned long)link.reordered, (unsigned long)fast, (unsigned long)late,
             demo_watch_path(&stage->watch, host, path));
    demo_text_print(&stage->text, "\n");
    demo_text_paragraph(&stage->text, 2, words);
}

static void print_summary(const struct conversation *conversation)
{
    const struct demo_stage *stage = conversation->stage;
    char words[256];

    snprintf(words, sizeof words,
             "%lu bytes there and %u back, every one as it was sent, in %.3f s; TIME-WAIT ended "
             "after %.3f s.",
             (unsigned long)stage->options->length_bytes, ANSWER_BYTES,
             (double)conversation->finished_ns / (double)HF_SECOND,
             (double)hf_sim_now(stage->sim) / (double)HF_SECOND);
    demo_text_heading(&stage->text, "Summary");
    demo_text_print(&stage->text, "\n");
    demo_text_paragraph(&stage->text, 2, words);
    print_host(stage, DEMO_A);
    print_host(stage, DEMO_B);
}

int demo_conversation_play(const struct demo_options *options)
{
    struct hf_sim_direction link = {
        .rate_bits_per_second = options->rate_bits_per_second,
        .delay_ns = options->delay_ns,
        .loss_ppm = options->loss_ppm,
        .reorder_ppm = options->reorder_ppm,
    };
    struct demo_casting casting = {
        .host_names = {"client", "server"},
        .link = {link, link},
        .timestamps = true,
        .sack = true,
    };
    struct conversation conversation = {.stage = NULL};
    int code = demo_stage_new(options, &casting, &conversation.stage);
    bool right;
    int error;

    if (code != EXIT_CODE_OK)
        return code;
    print_opening(&conversation.stage->text, options);
    demo_stage_introduce(conversation.stage);
    error = converse(&conversation);
    fflush(stdout);
    if (error != HF_OK)
        say("a call of the demo's programs failed: %s", hf_error_text(error));
    right = is_right(conversation.stage, DEMO_A, ANSWER_BYTES, HF_CLOSED);
    right = is_right(conversation.stage, DEMO_B, options->length_bytes, HF_LISTEN) && right;
    if (right && error == HF_OK)
        print_summary(&conversation);
    code = demo_stage_free(conversation.stage);
    return right && error == HF_OK ? code : EXIT_CODE_FAILURE;
}
