// SPDX-License-Identifier: Apache-2.0
/*
 * The record's members, and the two texts that follow from it. What is empty is left out: a database at rest
 * costs a line. Reading is record_parse.c.
 */
#include "control/record.h"

#include <string.h>

#include "base/mem.h"
#include "control/certificate.h"

/* SHA-256 of nothing: files_fingerprint of a Secret that is there and empty. */
#define NO_FILES "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char *const step_names[RECORD_STEPS] = {
        [RECORD_IDLE] = "idle",       [RECORD_WAIT] = "wait",       [RECORD_HOLD] = "hold",
        [RECORD_ISSUE] = "issue",     [RECORD_READY] = "ready",     [RECORD_WALK] = "walk",
        [RECORD_CLEAN] = "clean",     [RECORD_RESTORE] = "restore", [RECORD_RETURN] = "return",
        [RECORD_DISCARD] = "discard", [RECORD_RESUME] = "resume",
};

const char *record_step_name(enum record_step step)
{
        return step_names[step];
}

void record_init(struct record *out)
{
        *out = (struct record){ .step = RECORD_IDLE };
}

static void free_certificates(struct record_certificate *list, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                mem_free(list[i].name);
                mem_free(list[i].uid);
        }
}

static void free_files(struct record *record)
{
        for (size_t i = 0; i < record->n_files; i++) {
                mem_free(record->files[i].secret);
                mem_free(record->files[i].hash);
                mem_free(record->files[i].before);
        }
        record->n_files = 0;
}

void record_done(struct record *record)
{
        mem_free(TAKE(record->left)); /* whose files go with it */
        record_clear(record);
        free_certificates(record->served, record->n_served);
        mem_free(record->trusted);
        record_init(record);
}

void record_drop_turn(struct record *record)
{
        mem_free(TAKE(record->turn));
        mem_free(TAKE(record->turn_uid));
        mem_free(TAKE(record->reload));
}

void record_clear(struct record *record)
{
        struct record kept = { .mode = record->mode,
                               .generation = record->generation,
                               .n_served = record->n_served,
                               .trusted = record->trusted,
                               .left = record->left };

        memcpy(kept.served, record->served, sizeof(kept.served));
        mem_free(record->request);
        mem_free(record->kind);
        mem_free(record->uid);
        mem_free(record->failure);
        mem_free(record->reason);
        record_drop_turn(record);
        mem_free(record->authorities);
        mem_free(record->leaf);
        mem_free(record->leaf_before);
        mem_free(record->lost);
        mem_free(record->trusts);
        free_certificates(record->certificates, record->n_certificates);
        if (record->left != NULL) {
                memcpy(kept.files, record->files, sizeof(kept.files));
                kept.n_files = record->n_files;
        } else {
                free_files(record);
        }
        *record = kept;
}

static void copy_certificates(struct record_certificate *out, const struct record_certificate *from, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                out[i].name = mem_strdup(from[i].name);
                out[i].uid = mem_strdup(from[i].uid);
        }
}

void record_copy(struct record *out, const struct record *from)
{
        *out = *from;
        out->request = mem_strdup(from->request);
        out->kind = mem_strdup(from->kind);
        out->uid = mem_strdup(from->uid);
        out->failure = mem_strdup(from->failure);
        out->reason = mem_strdup(from->reason);
        out->turn = mem_strdup(from->turn);
        out->turn_uid = mem_strdup(from->turn_uid);
        out->reload = mem_strdup(from->reload);
        out->authorities = mem_strdup(from->authorities);
        out->leaf = mem_strdup(from->leaf);
        out->leaf_before = mem_strdup(from->leaf_before);
        out->lost = mem_strdup(from->lost);
        out->trusts = mem_strdup(from->trusts);
        out->trusted = mem_strdup(from->trusted);
        out->left = mem_strdup(from->left);
        copy_certificates(out->certificates, from->certificates, from->n_certificates);
        copy_certificates(out->served, from->served, from->n_served);
        for (size_t i = 0; i < from->n_files; i++) {
                out->files[i].secret = mem_strdup(from->files[i].secret);
                out->files[i].hash = mem_strdup(from->files[i].hash);
                out->files[i].before = mem_strdup(from->files[i].before);
        }
}

void record_settle(struct record *record)
{
        if (record->failure != NULL && record->lost == NULL)
                return; /* it may have ended before it came to the pods */
        mem_free(record->left);
        record->left = TAKE(record->lost);
}

void record_set_trusted(struct record *record)
{
        if (!record->is_tls || (record->trusts == NULL && record->wanted != TLS_OFF))
                return;
        mem_free(record->trusted);
        record->trusted = TAKE(record->trusts);
}

struct record_certificate *record_certificate(struct record *record, const char *name)
{
        for (size_t i = 0; i < record->n_certificates; i++)
                if (strcmp(record->certificates[i].name, name) == 0)
                        return &record->certificates[i];
        return NULL;
}

void record_restore_files(struct record *record)
{
        for (size_t i = 0; i < record->n_files; i++) {
                struct record_files *files = &record->files[i];
                bool had = files->before != NULL && *files->before != '\0';

                mem_free(files->hash);
                files->hash = mem_strdup(had ? files->before : NO_FILES);
                if (files->restart == PLAN_RESTART_ALWAYS)
                        files->restart = PLAN_RESTART_AUTO;
        }
}

void record_set_served(struct record *record, struct certificate *const *certificates, size_t n)
{
        free_certificates(record->served, record->n_served);
        record->n_served = 0;
        for (size_t i = 0; i < n && record->n_served < RECORD_CERTIFICATES_MAX; i++) {
                if (certificates[i]->revision == 0)
                        continue;
                record->served[record->n_served++] =
                        (struct record_certificate){ .name = mem_strdup(certificates[i]->name),
                                                     .uid = mem_strdup(certificates[i]->uid),
                                                     .revision = certificates[i]->revision };
        }
}

static void add_text(cJSON *object, const char *key, const char *text)
{
        if (text != NULL)
                json_add_str(object, key, text);
}

static void add_true(cJSON *object, const char *key, bool value)
{
        if (value)
                json_add_bool(object, key, true);
}

static void add_number(cJSON *object, const char *key, int64_t value)
{
        if (value != 0)
                json_add_int(object, key, value);
}

static void add_mode(cJSON *object, const char *key, enum tls_mode mode)
{
        if (mode != TLS_UNMANAGED)
                json_add_str(object, key, tls_mode_name(mode));
}

static void add_certificates(cJSON *object, const char *key, const struct record_certificate *list, size_t n)
{
        cJSON *array;

        if (n == 0)
                return;
        array = json_array();
        for (size_t i = 0; i < n; i++) {
                cJSON *one = json_object();

                json_add_str(one, "name", list[i].name);
                if (list[i].uid != NULL && *list[i].uid != '\0')
                        json_add_str(one, "uid", list[i].uid);
                add_number(one, "revision", list[i].revision);
                add_true(one, "asked", list[i].asked);
                json_append(array, one);
        }
        json_add(object, key, array);
}

static void add_stages(cJSON *object, const struct record *record)
{
        cJSON *array;

        if (record->n_stages == 0)
                return;
        array = json_array();
        for (size_t i = 0; i < record->n_stages; i++) {
                cJSON *one = json_object();

                if (record->stages[i].phase != PLAN_NO_PHASE)
                        json_add_str(one, "phase", plan_phase_name(record->stages[i].phase));
                add_mode(one, "mode", record->stages[i].mode);
                json_append(array, one);
        }
        json_add(object, "stages", array);
        add_number(object, "stage", (int64_t)record->stage);
}

static void add_files(cJSON *object, const struct record *record)
{
        cJSON *array;

        if (record->n_files == 0)
                return;
        array = json_array();
        for (size_t i = 0; i < record->n_files; i++) {
                cJSON *one = json_object();

                json_add_str(one, "secret", record->files[i].secret);
                add_text(one, "hash", record->files[i].hash);
                add_text(one, "before", record->files[i].before);
                if (record->files[i].restart != PLAN_RESTART_AUTO)
                        json_add_str(one, "restart", plan_restart_name(record->files[i].restart));
                json_append(array, one);
        }
        json_add(object, "files", array);
}

static void add_plan_files(cJSON *object, const struct record *record)
{
        cJSON *files, *restart;

        if (record->n_files == 0)
                return;
        files = json_object();
        restart = json_object();
        for (size_t i = 0; i < record->n_files; i++) {
                const struct record_files *one = &record->files[i];

                add_text(files, one->secret, one->hash);
                if (one->restart != PLAN_RESTART_AUTO)
                        json_add_str(restart, one->secret, plan_restart_name(one->restart));
        }
        json_add(object, "files", files);
        if (restart->child != NULL)
                json_add(object, "restart", restart);
        else
                json_free(restart);
}

static cJSON *request_to_json(const struct record *record)
{
        cJSON *tree = json_object();
        char since[CLOCK_TEXT_MAX];

        json_add_str(tree, "name", record->request);
        add_text(tree, "kind", record->kind);
        add_text(tree, "uid", record->uid);
        add_true(tree, "isTls", record->is_tls);
        json_add_str(tree, "step", record_step_name(record->step));
        if (record->since.s != 0)
                json_add_str(tree, "since", clock_format(record->since, since));
        add_text(tree, "failure", record->failure);
        add_text(tree, "reason", record->reason);
        add_true(tree, "paused", record->paused);
        add_true(tree, "saved", record->saved);
        add_true(tree, "issued", record->issued);
        add_number(tree, "pods", record->pods);
        add_mode(tree, "before", record->before);
        add_mode(tree, "wanted", record->wanted);
        add_certificates(tree, "certificates", record->certificates, record->n_certificates);
        add_stages(tree, record);
        add_text(tree, "turn", record->turn);
        add_text(tree, "turnUid", record->turn_uid);
        add_text(tree, "reload", record->reload);
        add_text(tree, "authorities", record->authorities);
        add_text(tree, "trusts", record->trusts);
        add_text(tree, "leaf", record->leaf);
        add_text(tree, "leafBefore", record->leaf_before);
        add_text(tree, "lost", record->lost);
        add_files(tree, record);
        add_number(tree, "tries", record->tries);
        return tree;
}

cJSON *record_to_json(const struct record *record)
{
        cJSON *tree = json_object();

        add_mode(tree, "mode", record->mode);
        json_add_int(tree, "generation", record->generation);
        if (record->request != NULL)
                json_add(tree, "request", request_to_json(record));
        add_certificates(tree, "served", record->served, record->n_served);
        add_text(tree, "trusted", record->trusted);
        add_text(tree, "left", record->left);
        if (record->request == NULL) {
                add_text(tree, "turn", record->turn);
                add_text(tree, "turnUid", record->turn_uid);
                add_files(tree, record);
        }
        return tree;
}

cJSON *record_plan(const struct record *record)
{
        const bool is_staged = record->request != NULL && record->stage < record->n_stages;
        const struct record_stage rest = { PLAN_NO_PHASE, record->mode };
        const struct record_stage *stage = is_staged ? &record->stages[record->stage] : &rest;
        cJSON *tree = json_object();
        cJSON *turn = json_array();

        add_text(tree, "request", record->request);
        add_text(tree, "kind", record->request == NULL ? NULL : record->kind);
        json_add_int(tree, "generation", record->generation);
        if (stage->phase != PLAN_NO_PHASE)
                json_add_str(tree, "phase", plan_phase_name(stage->phase));
        add_mode(tree, "tls", stage->mode);
        if (record->turn != NULL)
                json_append_str(turn, record->turn);
        json_add(tree, "turn", turn);
        if (record->reload != NULL && stage->phase == PLAN_TRUST) {
                cJSON *reload = json_array();

                json_append_str(reload, record->reload);
                json_add(tree, "reload", reload);
        }
        if (record->request != NULL)
                add_text(tree, "authorities", record->authorities);
        add_plan_files(tree, record);
        return tree;
}
