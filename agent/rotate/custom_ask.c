// SPDX-License-Identifier: Apache-2.0
/*
 * Is the database there? What is due depends on it, when nothing was ever published, and when it is not known
 * how far an earlier process came.
 */
#include "base/mem.h"
#include "rotate/custom.h"
#include "rotate/custom_layout.h"
#include "rotate/flow.h"
#include "rotate/scan.h"

#include <stdio.h>
#include <string.h>

#define ASK_LIMIT_MS 5000
#define DOWN_MAX_MS  INT64_C(15000)

/* The content that is published. */
static void read_files(struct custom *custom)
{
        struct fingerprint content;
        struct err err = ERR_INIT;

        snapshot_free(custom->files);
        custom->files = NULL;
        if (custom_layout_read(custom, custom->current, &custom->files, &content, &err) != 0)
                log_warn("configuration_unreadable", LOG_I("generation", custom->current), LOG_ERR(&err));
}

static void resume(struct custom *custom, const char *step)
{
        struct err failure = { custom->state.reason, 0, "" };
        bool back = custom->choice == CUSTOM_UNDO;

        (void)snprintf(failure.text, sizeof(failure.text), "%s", custom->state.text);
        if (failure.kind == ERR_NONE)
                failure.kind = ERR_INTERNAL;
        custom->first = false;
        read_files(custom);
        log_info("configuration_resumed", LOG_I("generation", custom->state.generation), LOG_S("step", step));
        (void)rotation_resume(&custom->rotation, back ? &failure : NULL, step);
}

/* It is looked again when it may have come. */
static void await_database(struct custom *custom, const struct err *err)
{
        const struct config *config = custom->agent->config;

        custom->wait = *err;
        err_wrap_(&custom->wait, "the configuration is published and waits for its database");
        custom->down_ms = agent_next_pause(custom->down_ms, config->retry_min_ms, DOWN_MAX_MS);
        loop_timer_set(custom->look, custom->down_ms);
        custom_note(custom);
}

/* Of a process that says so, to the second and with one of doubt. */
bool custom_started_since(const struct custom *custom)
{
        int64_t started = custom->agent->database->facts.started.s;

        return started != 0 && started > custom->state.published.s + 1;
}

static bool started_before(const struct custom *custom)
{
        int64_t started = custom->agent->database->facts.started.s;

        return started != 0 && started + 1 < custom->state.published.s;
}

/* It runs without the files: from now on they are a change like any other. */
static void seen_without(struct custom *custom)
{
        custom->state.fresh = false;
        custom_save(custom);
        loop_timer_set(custom->look, 0);
}

/* Was it killed behind the restart? */
static bool was_restarted(const struct custom *custom)
{
        const char *step = custom->state.step;

        return strcmp(step, "files-prove") == 0 || strcmp(step, "files-report") == 0;
}

/* Published and not proven: with a restart in between, unless it has started with the files. */
static void go_on(struct custom *custom, const struct err *err, bool down)
{
        custom->restarted = true;
        if (down && custom->state.down)
                await_database(custom, err);
        else if (custom->state.down || was_restarted(custom) || (!down && custom_started_since(custom)))
                resume(custom, "files-prove");
        else if (custom->agent->plan.turn)
                resume(custom, "files-restart");
        else
                custom_await_turn(custom);
}

/* Begins again; but when all is back only the outcome is left to tell. */
static void go_back(struct custom *custom, bool down)
{
        bool is_over =
                custom->current == custom->state.good && strcmp(custom->state.step, "files-report") == 0;

        custom->restarted = down || !started_before(custom);
        resume(custom, is_over ? "files-report" : "files-unpublish");
}

/* It is known whether the database is there: NULL, or err says why not. */
static void asked(struct custom *custom, const struct err *err)
{
        bool down = err != NULL && err->kind == ERR_NOT_READY;
        struct agent *agent = custom->agent;
        loop_fn *then = custom->then;

        custom->asking = false;
        custom->then = NULL;
        if (agent->stopping) {
                agent_end(agent);
                return;
        }
        if (custom->choice == CUSTOM_PROVE) {
                go_on(custom, err, down);
        } else if (custom->choice == CUSTOM_UNDO) {
                go_back(custom, down);
        } else if (down) {
                custom_begin_change(custom, true);
        } else {
                seen_without(custom);
        }
        if (then != NULL)
                then(agent);
        else if (agent->once && !custom_is_busy(agent) &&
                 !(custom->choice == CUSTOM_FIRST && custom_start(agent)))
                flow_custom_over(agent);
        else if (custom->missed && agent->begun && !agent->once && !custom_is_busy(agent))
                scan_now(agent, false);
}

static void health_known(enum op_state state, const struct err *err, void *arg)
{
        struct custom *custom = arg;

        custom->op = NULL;
        agent_note_facts(custom->agent);
        asked(custom, state == OP_DONE ? NULL : err);
}

static void listeners_known(struct agent *agent, const struct err *err)
{
        agent->custom->proving = false;
        asked(agent->custom, err);
}

void custom_ask(struct custom *custom)
{
        struct agent *agent = custom->agent;
        const struct hook *hook = agent->database->hook;

        custom->asking = true;
        custom->missed = false;
        if (hook->health != NULL) {
                custom->op = loop_op_start(agent->loop, hook->health(agent->database, ASK_LIMIT_MS),
                                           ASK_LIMIT_MS, health_known, custom);
                return;
        }
        custom->proving = true;
        (void)proof_start(agent, NULL, NULL, listeners_known);
}
