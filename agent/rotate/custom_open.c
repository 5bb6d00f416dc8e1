// SPDX-License-Identifier: Apache-2.0
/*
 * Opening and closing, and what an earlier process left.
 */
#include "base/mem.h"
#include "rotate/api.h"
#include "rotate/custom.h"
#include "rotate/custom_layout.h"
#include "rotate/custom_place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define STATE_NAME "..state.json"

/* Two agents over one directory would undo each other's work. The lock goes with the descriptor. */
static int open_store(struct custom *custom, const char *path, struct err *err)
{
        if (generation_open(path, &custom->store, err) != 0)
                return -1;
        if (flock(custom->store->dir, LOCK_EX | LOCK_NB) == -1)
                return errno == EWOULDBLOCK
                               ? err_set(err, ERR_IO, "another certrotate works on '%s': end it first", path)
                               : err_sys(err, errno, "lock '%s'", path);
        return generation_current(custom->store, &custom->current, err);
}

static void open_state(struct custom *custom, const char *publish)
{
        AUTO(mem_free_p) char *path = mem_printf("%s/" STATE_NAME, publish);
        char why[ERR_TEXT_MAX];

        custom_state_load(path, &custom->state, why);
        if (why[0] != '\0')
                log_warn("state_unreadable", LOG_S("path", path), LOG_S("error", why));
}

/* A directory that nothing was published to begins with no files at all. */
static int begin_empty(struct custom *custom, struct err *err)
{
        const struct snapshot none = { .files = NULL };
        int64_t first = custom->store->last + 1;

        if (custom_layout_stage(custom, first, &none, err) != 0 ||
            generation_publish(custom->store, first, err) != 0)
                return -1;
        custom->current = first;
        custom->state.fresh = true;
        custom->state.step[0] = '\0';
        custom->state.rolling_back = false;
        custom->state.good = 0;
        return 0;
}

/* What stands there without a state is what serves. */
static int trust_current(struct custom *custom, struct err *err)
{
        struct custom_state *state = &custom->state;
        struct fingerprint nothing;

        if (custom_layout_read(custom, custom->current, NULL, &state->settled, err) != 0)
                return -1;
        custom_choice_nothing(&nothing);
        state->fresh = state->fresh && hex_fingerprint_equal(&state->settled, &nothing);
        state->good = custom->current;
        state->generation = custom->current;
        state->trying = state->settled;
        state->step[0] = '\0';
        state->rolling_back = false;
        custom_save(custom);
        return 0;
}

static int open_state_of(struct custom *custom, struct err *err)
{
        struct custom_state *state = &custom->state;
        struct err ignored;

        if (custom->current == 0 && begin_empty(custom, err) != 0)
                return -1;
        if ((state->good == 0 || !generation_exists(custom->store, state->good)) &&
            trust_current(custom, err) != 0)
                return -1;
        /* Killed before the rename: nothing has happened. */
        if (custom->current == state->good && !state->rolling_back)
                state->step[0] = '\0';
        if (custom->current != state->good &&
            custom_layout_read(custom, custom->current, NULL, &state->trying, err) != 0)
                return -1;
        if (generation_prune(custom->store, state->good, &ignored) != 0)
                log_warn("prune_failed", LOG_ERR(&ignored));
        return 0;
}

static void pause_over(void *arg)
{
        struct custom *custom = arg;
        struct err err = ERR_INIT;
        enum step_result result;

        if (rotation_is_idle(&custom->rotation))
                return;
        result = custom->rotation.at->run(custom, &err);
        if (result != STEP_WAIT)
                rotation_step_ended(&custom->rotation, result, &err);
}

static void note_names(const struct config *config, struct status_files *files)
{
        files->used = true;
        (void)snprintf(files->secret, sizeof(files->secret), "%.253s",
                       config->custom.secret == NULL ? "" : config->custom.secret);
        (void)snprintf(files->publish_dir, sizeof(files->publish_dir), "%.255s", config->custom.publish);
}

/* A kill between the two, or a pod whose files were made anew: what is published is what is read. */
static void lay_again(struct custom *custom)
{
        struct err err = ERR_INIT;

        if (custom_place_lay(custom, custom->current, &err) != 0)
                log_warn("configuration_not_laid", LOG_I("generation", custom->current), LOG_ERR(&err));
}

int custom_open(struct agent *agent, struct err *err)
{
        const struct custom_settings *settings = &agent->config->custom;
        AUTO(custom_close_p) struct custom *custom = NULL;

        if (settings->publish == NULL)
                return 0;
        custom = MEM_NEW(struct custom);
        custom->agent = agent;
        custom->source.directory = settings->source;
        custom->source.secret = settings->secret;
        custom->look = loop_timer_new(agent->loop, custom_look, agent);
        custom->pause = loop_timer_new(agent->loop, pause_over, custom);
        rotation_init(&custom->rotation, &custom_plan, custom);
        custom->rotation.entered = custom_entered;
        custom->rotation.ended = custom_ended;
        if (open_store(custom, settings->publish, err) != 0)
                return err_wrap(err, "custom.publish");
        open_state(custom, settings->publish);
        if (open_state_of(custom, err) != 0)
                return err_wrap(err, "custom.publish '%.200s'", settings->publish);
        lay_again(custom);
        note_names(agent->config, &agent->status.files);
        agent->custom = TAKE(custom);
        custom_note(agent->custom);
        return 0;
}

void custom_close(struct custom *custom)
{
        if (custom == NULL)
                return;
        loop_op_cancel(custom->op);
        loop_timer_free(custom->look);
        loop_timer_free(custom->pause);
        snapshot_free(custom->files);
        custom_source_done(&custom->source);
        custom_state_done(&custom->state);
        generation_close(custom->store);
        mem_free(custom);
}

void custom_told(struct agent *agent, const struct kube_watch_event *event)
{
        struct custom_source *source = &agent->custom->source;

        switch (event->kind) {
        case KUBE_OBJECT:
                custom_source_set(source, event->object);
                if (source->api_problem.kind != ERR_NONE)
                        log_warn("secret_unusable", LOG_S("secret", source->secret),
                                 LOG_ERR(&source->api_problem));
                break;
        case KUBE_GONE:
                log_warn("secret_gone", LOG_S("secret", source->secret));
                custom_source_set(source, NULL);
                break;
        case KUBE_LOST:
                custom_source_lost(source, event->err);
                break;
        case KUBE_LISTED:
                break;
        }
}
