// SPDX-License-Identifier: Apache-2.0
/*
 * Step `files-report`, and what the outside is told of a change of the configuration files.
 */
#include "base/mem.h"
#include "rotate/api.h"
#include "rotate/custom.h"
#include "rotate/custom_steps.h"
#include "rotate/tell.h"

#include <stdio.h>
#include <string.h>

#define NOTE_MAX 1024

static enum status_result result_of(const struct rotation *rotation)
{
        if (rotation->failure.kind == ERR_NONE)
                return RESULT_SUCCESS;
        if (rotation->degraded)
                return RESULT_DEGRADED;
        if (rotation->undone)
                return RESULT_ROLLED_BACK;
        return rotation->failure.kind == ERR_REFUSED ? RESULT_REFUSED : RESULT_FAILED;
}

static void succeeded(struct custom *custom)
{
        struct custom_state *state = &custom->state;
        int64_t before = state->good;
        struct err err = ERR_INIT;

        state->good = state->generation;
        state->settled = state->trying;
        state->judged = (struct fingerprint){ { 0 } };
        state->reason = ERR_NONE;
        state->text[0] = '\0';
        state->degraded = false;
        state->pending = custom->pending;
        state->answered = custom->target;
        state->fresh = false;
        state->down = false;
        if (generation_prune(custom->store, before, &err) != 0)
                log_warn("prune_failed", LOG_ERR(&err));
}

static void failed(struct custom *custom, enum status_result result)
{
        const struct err *why = &custom->rotation.failure;
        struct custom_state *state = &custom->state;

        state->reason = why->kind;
        (void)snprintf(state->text, sizeof(state->text), "%s", why->text);
        state->degraded = result == RESULT_DEGRADED;
        state->judged = custom->target;
        if (custom->current == state->good)
                state->down = false;
}

static void log_outcome(const struct custom *custom, enum status_result result)
{
        const struct err *why = &custom->rotation.failure;
        const struct log_field secret = LOG_S("secret", custom->agent->config->custom.secret);

        switch (result) {
        case RESULT_SUCCESS:
                log_info("configuration_applied", secret, LOG_I("generation", custom->state.good),
                         LOG_FP("content", &custom->state.settled));
                break;
        case RESULT_REFUSED:
                log_warn("configuration_refused", secret, LOG_ERR(why));
                break;
        case RESULT_FAILED:
                log_error("configuration_failed", secret, LOG_ERR(why));
                break;
        case RESULT_ROLLED_BACK:
                log_error("configuration_rolled_back", secret, LOG_I("generation", custom->state.good),
                          LOG_ERR(why));
                break;
        case RESULT_DEGRADED:
                log_error("configuration_degraded", secret, LOG_ERR(why));
                break;
        case RESULTS:
                break;
        }
}

enum step_result custom_report_step(void *work, struct err *err UNUSED)
{
        struct custom *custom = work;
        struct agent *agent = custom->agent;
        enum status_result result = result_of(&custom->rotation);

        /* Published for a database that is not there yet: nothing is proven. */
        if (result == RESULT_SUCCESS && custom->first)
                return STEP_DONE;
        if (result == RESULT_SUCCESS)
                succeeded(custom);
        else
                failed(custom, result);
        agent->status.files.changes[result]++;
        if (result != RESULT_SUCCESS)
                agent->exit_code = result == RESULT_DEGRADED ? 5 : result == RESULT_ROLLED_BACK ? 4 : 1;
        else if (agent->exit_code == 0)
                agent->exit_code = 3;
        log_outcome(custom, result);
        custom_tell_outcome(custom, result);
        return STEP_DONE;
}

void custom_tell_step(struct custom *custom, const struct step *step, bool rolling_back)
{
        struct agent *agent = custom->agent;

        api_report(agent);
        /* A database that was not there started with the files by itself. */
        if (!rolling_back && !custom->state.down && !custom_spares(custom) &&
            strcmp(step->name, "files-prove") == 0)
                tell_condition(agent, "RestartDatabase", true, NULL);
}

/* The condition that stands for the step. */
static const char *name_of(const char *step)
{
        if (step != NULL && strcmp(step, "files-restart") == 0)
                return "RestartDatabase";
        return step != NULL && strcmp(step, "files-publish") == 0 ? "PublishConfiguration"
                                                                  : "CheckConfiguration";
}

static void tell_change(struct custom *custom, enum status_result result)
{
        static const char *const reasons[RESULTS] = {
                [RESULT_SUCCESS] = "ConfigurationApplied",   [RESULT_REFUSED] = "ConfigurationRefused",
                [RESULT_FAILED] = "ConfigurationFailed",     [RESULT_ROLLED_BACK] = "ConfigurationRolledBack",
                [RESULT_DEGRADED] = "ConfigurationDegraded",
        };
        const struct agent *agent = custom->agent;
        const struct config *config = agent->config;
        char note[NOTE_MAX];
        char hex[FINGERPRINT_TEXT_MAX];

        if (result == RESULT_SUCCESS)
                (void)snprintf(note, sizeof(note),
                               "%s runs with configuration %.16s (%zu files, generation %lld)",
                               config->database, hex_fingerprint(&custom->state.settled, hex),
                               custom->files == NULL ? 0 : custom->files->n, (long long)custom->state.good);
        else
                (void)snprintf(note, sizeof(note), "configuration of %s: %s%s", config->database,
                               custom->rotation.failure.text,
                               result == RESULT_ROLLED_BACK ? "; it runs with the one of before" : "");
        tell_event(custom->agent, result == RESULT_SUCCESS, reasons[result], "Configure", note);
}

void custom_tell_outcome(struct custom *custom, enum status_result result)
{
        struct agent *agent = custom->agent;
        const struct err *why = &custom->rotation.failure;

        if (api_reporter(agent) == NULL)
                return;
        if (result == RESULT_SUCCESS && custom->pending)
                tell_condition(agent, "RestartPending", true, custom->pending_text);
        if (result == RESULT_SUCCESS)
                tell_condition(agent, "CheckConfiguration", true, NULL);
        else
                tell_condition(agent, name_of(custom->rotation.failed_at), false, why->text);
        if (result == RESULT_ROLLED_BACK || result == RESULT_DEGRADED)
                tell_condition(agent, "RollBackConfiguration", result == RESULT_ROLLED_BACK, why->text);
        tell_change(custom, result);
        api_report(agent);
}

void custom_note(struct custom *custom)
{
        struct status_files *files = &custom->agent->status.files;
        const struct custom_state *state = &custom->state;
        bool waits = custom->wait.kind != ERR_NONE;

        files->generation = custom->current;
        files->pending = custom->current != state->good;
        files->degraded = state->degraded;
        files->published = files->pending ? state->trying : state->settled;
        files->reason = waits ? custom->wait.kind : state->reason;
        (void)snprintf(files->text, sizeof(files->text), "%s", waits ? custom->wait.text : state->text);
        api_report(custom->agent);
}
