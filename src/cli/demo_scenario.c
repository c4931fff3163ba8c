/* SPDX-License-Identifier: MIT
 *
 * Plays a scenario: the question, the steps with the ladder that comes of them, the checks, the
 * answer. A check that fails is said at once and makes the whole demo fail: a demo that shows
 * something else than it explains is worse than none.
 */
#include "demo_scenario.h"

#include "message.h"

#include <stdlib.h>
#include <string.h>

#define PASS_BEFORE_THIRD 2u

static const struct demo_scenario *const scenarios[] = {
    &demo_handshake,          &demo_old_duplicate, &demo_simultaneous_open,
    &demo_transfer,           &demo_close,         &demo_lost_last_ack,
    &demo_simultaneous_close, &demo_half_open,     &demo_reset,
};

const struct demo_scenario *demo_scenario_at(size_t index)
{
    return index < sizeof scenarios / sizeof scenarios[0] ? scenarios[index] : NULL;
}

const struct demo_scenario *demo_scenario_find(const char *name)
{
    for (size_t i = 0; demo_scenario_at(i) != NULL; i++)
        if (strcmp(scenarios[i]->name, name) == 0)
            return scenarios[i];
    return NULL;
}

struct play {
    struct demo_stage *stage;
    const struct demo_scenario *scenario;
    unsigned act;
    struct demo_watch_host before[DEMO_HOSTS]; /* as it was when the act began */
    unsigned checks, failures;
};

static const char *host_name(const struct play *play, unsigned host)
{
    return play->scenario->casting.host_names[host];
}

static void check(struct play *play, bool right, const char *what, unsigned host,
                  const char *wanted, const char *found)
{
    play->checks++;
    if (right)
        return;
    play->failures++;
    fflush(stdout);
    say("%s of the %s: %s expected, %s found", what, host_name(play, host), wanted, found);
}

static void check_path(struct play *play, const struct demo_step *step)
{
    char path[DEMO_PATH_TEXT];

    demo_watch_path(&play->stage->watch, step->host, path);
    check(play, strcmp(path, step->text) == 0, "states", step->host, step->text, path);
}

static void check_number(struct play *play, const struct demo_step *step, const char *what,
                         uint64_t found, bool right)
{
    char wanted_text[32], found_text[32];

    snprintf(wanted_text, sizeof wanted_text, "%lu", (unsigned long)step->value);
    snprintf(found_text, sizeof found_text, "%lu", (unsigned long)found);
    check(play, right, what, step->host, wanted_text, found_text);
}

static void take_check(struct play *play, const struct demo_step *step)
{
    const struct demo_role *role = &play->stage->roles[step->host];
    enum hf_state state;
    int error;
    enum hf_reason reason;

    if (step->action == DEMO_STATE) {
        state = demo_stage_state(play->stage, step->host);
        check(play, state == (enum hf_state)step->value, "state", step->host,
              hf_state_name((enum hf_state)step->value), hf_state_name(state));
    } else if (step->action == DEMO_RECEIVED) {
        check_number(play, step, "received bytes", role->received_bytes,
                     role->received_bytes == step->value && !role->received_wrong);
    } else if (step->action == DEMO_ERROR) {
        error = -(int)step->value;
        check(play, role->error == error, "error", step->host, hf_error_text(error),
              hf_error_text(role->error));
    } else {
        reason = (enum hf_reason)step->value;
        check(play,
              play->stage->watch.hosts[step->host].reasons[reason] >
                  play->before[step->host].reasons[reason],
              "events", step->host, hf_reason_name(reason), "none");
    }
}

static int begin_act(struct play *play, const struct demo_step *step)
{
    struct demo_stage *stage = play->stage;
    int error;

    stage->msl_ns = step->value * HF_MILLISECOND;
    error = demo_stage_reset(stage, ++play->act);
    memcpy(play->before, stage->watch.hosts, sizeof play->before);
    if (step->text != NULL)
        demo_text_heading(&stage->text, step->text);
    return error;
}

static int take_link_step(struct demo_stage *stage, const struct demo_step *step)
{
    struct demo_role *role = &stage->roles[step->host];

    if (step->action == DEMO_HOLD)
        return demo_stage_hold(stage, step->host, step->value * HF_MILLISECOND);
    role->loss.packet = (enum demo_packet)step->value;
    role->loss.skip = step->action == DEMO_LOSE_THIRD ? PASS_BEFORE_THIRD : 0;
    return HF_OK;
}

static int take_step(struct play *play, const struct demo_step *step)
{
    struct demo_stage *stage = play->stage;

    switch (step->action) {
    case DEMO_ACT:
        return begin_act(play, step);
    case DEMO_SAY:
        demo_text_note(&stage->text, step->text);
        return HF_OK;
    case DEMO_LISTEN:
        return demo_stage_listen(stage, step->host);
    case DEMO_CONNECT:
        return demo_stage_connect(stage, step->host);
    case DEMO_SEND:
        return demo_stage_send(stage, step->host, step->value);
    case DEMO_CLOSE:
        return demo_stage_shutdown(stage, step->host);
    case DEMO_ABORT:
        return demo_stage_abort(stage, step->host);
    case DEMO_READING:
        return demo_stage_set_reading(stage, step->host, step->value != 0);
    case DEMO_LOSE:
    case DEMO_LOSE_THIRD:
    case DEMO_HOLD:
        return take_link_step(stage, step);
    case DEMO_CRASH:
        return demo_stage_restart(stage, step->host);
    case DEMO_REPLAY:
        return demo_stage_replay(stage, step->host, (enum demo_packet)step->value);
    case DEMO_RUN:
        demo_stage_run(stage, hf_sim_now(stage->sim) + step->value * HF_MILLISECOND);
        return HF_OK;
    case DEMO_RUN_OUT:
        demo_stage_run_out(stage);
        return HF_OK;
    case DEMO_PATH:
        check_path(play, step);
        return HF_OK;
    case DEMO_STATE:
    case DEMO_RECEIVED:
    case DEMO_ERROR:
    case DEMO_GAVE:
        take_check(play, step);
        return HF_OK;
    }
    return HF_EINVAL;
}

static void take_steps(struct play *play)
{
    for (size_t i = 0; i < play->scenario->step_count; i++) {
        int error = take_step(play, &play->scenario->steps[i]);

        if (error != HF_OK) {
            fflush(stdout);
            say("step %lu of %s: %s", (unsigned long)i + 1, play->scenario->name,
                hf_error_text(error));
            play->failures++;
            return;
        }
    }
}

static void print_question(const struct demo_text *text, const struct demo_scenario *scenario)
{
    demo_text_heading(text, scenario->question);
    demo_text_print(text, "\n");
    demo_text_paragraph(text, 2, scenario->before);
    demo_text_print(text, "\n");
}

static void print_answer(const struct demo_text *text, const struct demo_scenario *scenario)
{
    demo_text_heading(text, "Answer");
    demo_text_print(text, "\n");
    demo_text_paragraph(text, 2, scenario->answer);
    demo_text_print(text, "\n");
    demo_text_paragraph(text, 2, scenario->sections);
}

int demo_scenario_play(const struct demo_scenario *scenario, const struct demo_options *options)
{
    struct play play = {.scenario = scenario};
    struct demo_text text;
    int code = demo_stage_new(options, &scenario->casting, &play.stage);

    if (code != EXIT_CODE_OK)
        return code;
    text = play.stage->text;
    print_question(&text, scenario);
    demo_stage_introduce(play.stage);
    take_steps(&play);
    code = demo_stage_free(play.stage);
    print_answer(&text, scenario);
    if (play.failures > 0) {
        fflush(stdout);
        say("%u of %u checks failed: what is shown above is not what should happen", play.failures,
            play.checks);
        return EXIT_CODE_FAILURE;
    }
    demo_text_print(&text, "\n");
    demo_text_print(
        &text, "  Checked while it ran: %u states, paths and results, all as they should be.\n",
        play.checks);
    return code;
}
