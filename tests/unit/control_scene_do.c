// SPDX-License-Identifier: Apache-2.0
/*
 * What the API server makes of the controller's actions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control_scene.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void leaf_print(int leaf, char out[static FINGERPRINT_TEXT_MAX])
{
        struct fingerprint fp = { { 0 } };

        fp.sha256[0] = (uint8_t)leaf;
        (void)hex_fingerprint(&fp, out);
}

static void write_record(struct scene *scene, const struct record *record)
{
        struct record copy;

        assert_true(!scene->has_record || record->generation >= scene->record.generation);
        record_copy(&copy, record);
        record_done(&scene->record);
        scene->record = copy;
        scene->has_record = true;
        scene->tries = record->tries > scene->tries ? record->tries : scene->tries;
}

static void judge(struct scene *scene, const struct record *from)
{
        AUTO(record_done_p) struct record record;
        char hex[FINGERPRINT_TEXT_MAX];

        record_copy(&record, from);
        record.n_stages = 0;
        if (scene->new_authority && scene->leaf != scene->saved_leaf) {
                mem_free(record.authorities);
                record.authorities = mem_strdup("PEM");
                record.stages[record.n_stages++] = (struct record_stage){ PLAN_TRUST, record.wanted };
                record.stages[record.n_stages++] = (struct record_stage){ PLAN_LEAF, record.wanted };
                record.stages[record.n_stages++] = (struct record_stage){ PLAN_PRUNE, record.wanted };
        } else {
                if (record.before != record.wanted)
                        record.stages[record.n_stages++] = (struct record_stage){ PLAN_NO_PHASE, TLS_MIXED };
                record.stages[record.n_stages++] = (struct record_stage){ PLAN_NO_PHASE, record.wanted };
        }
        mem_free(record.leaf);
        mem_free(record.leaf_before);
        leaf_print(scene->leaf, hex);
        record.leaf = scene->leaf == 0 ? NULL : mem_strdup(hex);
        leaf_print(scene->saved_leaf, hex);
        record.leaf_before = scene->saved_leaf == 0 ? NULL : mem_strdup(hex);
        write_record(scene, &record);
}

static void restore(struct scene *scene)
{
        if (scene->saved_leaf == 0 || !scene->record.issued)
                return;
        scene->leaf = scene->saved_leaf;
        for (int i = 0; i < scene->certificates; i++) {
                char uid[16];

                (void)snprintf(uid, sizeof(uid), "uid-%lld", (long long)scene->uid[i]);
                scene->written[i] = false;
                if (scene->record.certificates[i].asked &&
                    strcmp(scene->record.certificates[i].uid, uid) == 0) {
                        scene->uid[i] += 1000;
                        scene->revision[i] = 0;
                        scene->issuing[i] = scene->denied[i] = false;
                }
        }
}

static void discard(struct scene *scene, const struct action *action)
{
        bool made = scene->record.n_certificates > 0 && *scene->record.certificates[0].uid == '\0';

        if (action->all || made) {
                scene->certificates = 0;
                scene->leaf = 0;
                scene->uid[0] = scene->uid[1] = 0;
                scene->written[0] = scene->written[1] = false;
        }
}

static void start_issuing(struct scene *scene, int i)
{
        if (scene->issuing[i])
                return;
        scene->issuing[i] = true;
        scene->issue_left[i] = 1 + (int)scene_random(scene, 4);
        scene->denied[i] = false;
        scene->issues[i]++;
}

static void write_certificate(struct scene *scene, const char *alias)
{
        int i = strcmp(alias, "server") == 0 ? 0 : 1;

        if (scene->written[i])
                return; /* as it is to be */
        scene->written[i] = true;
        if (scene->uid[i] == 0)
                scene->uid[i] = 500 + i;
        scene->certificates = 2;
        start_issuing(scene, i);
}

/* --- each false: the server has refused it */

static bool put_phase(struct scene *scene, const struct action *action)
{
        assert_false(scene->request_gone);
        if (scene->phase != REQUEST_SUCCESSFUL && scene->phase != REQUEST_FAILED) {
                scene->phase = action->phase;
                (void)snprintf(scene->last_text, sizeof(scene->last_text), "%s", action->text);
                buf_printf(&scene->told, "%s ", action->type);
        }
        return true;
}

/* What is said of a pod is so. */
static bool put_condition(struct scene *scene, const struct action *action)
{
        assert_false(scene->request_gone);
        if (strcmp(action->type, "CheckPodReady") == 0) {
                const struct scene_pod *pod = &scene->pods[atoi(strchr(action->name, '-') + 1)];

                assert_true(pod->done && pod->away == 0 && pod->starting == 0);
        }
        if (scene->phase != REQUEST_SUCCESSFUL && scene->phase != REQUEST_FAILED)
                buf_printf(&scene->told, "%s ", action->type);
        return true;
}

static bool put_pause(struct scene *scene, const struct action *action)
{
        scene->paused = action->kind == ACTION_PAUSE;
        return true;
}

static bool put_record(struct scene *scene, const struct action *action)
{
        if (action->kind == ACTION_JUDGE)
                judge(scene, &action->record);
        else
                write_record(scene, &action->record);
        return true;
}

static bool save(struct scene *scene, const struct action *action)
{
        (void)action;
        if (scene->trouble == SCENE_FORBIDDEN) {
                err_set_(&scene->fault, ERR_PRIVILEGE, "it is forbidden");
                return false;
        }
        if (!scene->saved) /* one of the same request stays */
                scene->saved_leaf = scene->leaf;
        scene->saved = true;
        return true;
}

static bool forget(struct scene *scene, const struct action *action)
{
        (void)action;
        scene->saved = false;
        return true;
}

static bool put_certificate(struct scene *scene, const struct action *action)
{
        if (scene->trouble == SCENE_FAULT) {
                err_set_(&scene->fault, ERR_REFUSED, "the server says no");
                return false;
        }
        if (action->kind == ACTION_CERTIFICATE)
                write_certificate(scene, action->name);
        for (int i = 0; action->kind == ACTION_ISSUE && i < 2; i++)
                if (strcmp(scene_name(i), action->name) == 0 && scene->revision[i] == action->number)
                        start_issuing(scene, i);
        return true;
}

static bool put_back(struct scene *scene, const struct action *action)
{
        if (action->kind == ACTION_RESTORE)
                restore(scene);
        else
                discard(scene, action);
        return true;
}

/* The agent could not, and nobody else is out. */
static bool evict(struct scene *scene, const struct action *action)
{
        struct scene_pod *pod = &scene->pods[atoi(strchr(action->name, '-') + 1)];

        if (scene->trouble == SCENE_BUDGET) {
                err_set_(&scene->fault, ERR_NOT_READY, "PodDisruptionBudget does not allow it");
                return false;
        }
        if (pod->away > 0 || pod->uid != atoi(strrchr(action->uid, '-') + 1))
                return true;
        assert_true(pod->stuck);
        for (int i = 0; i < SCENE_PODS; i++)
                assert_true(scene->record.failure != NULL || &scene->pods[i] == pod ||
                            (scene->pods[i].away == 0 && scene->pods[i].starting == 0));
        pod->away = 2 + (int)scene_random(scene, 3);
        pod->uid++;
        scene->evictions++;
        return true;
}

bool scene_perform(struct scene *scene, const struct action *action)
{
        static bool (*const doers[])(struct scene *, const struct action *) = {
                [ACTION_CONDITION] = put_condition,
                [ACTION_PHASE] = put_phase,
                [ACTION_PAUSE] = put_pause,
                [ACTION_RESUME] = put_pause,
                [ACTION_RECORD] = put_record,
                [ACTION_JUDGE] = put_record,
                [ACTION_SAVE] = save,
                [ACTION_FORGET] = forget,
                [ACTION_CERTIFICATE] = put_certificate,
                [ACTION_ISSUE] = put_certificate,
                [ACTION_RESTORE] = put_back,
                [ACTION_DISCARD] = put_back,
                [ACTION_DELETE] = NULL,
                [ACTION_EVICT] = evict,
        };

        return doers[action->kind] == NULL || doers[action->kind](scene, action);
}
