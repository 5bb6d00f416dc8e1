// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A database with one pod and one Certificate, and what reconcile() does first about its requests. Include
 * after cmocka.h.
 */
#include "control/reconcile.h"

#include "base/mem.h"

#include <string.h>

#define MAX      4
#define NOON     1795608000 /* 2026-11-25T12:00:00Z, a Wednesday */
#define SATURDAY 1795831200 /* 2026-11-28T02:00:00Z */
#define DAY      INT64_C(86400)

static const struct reconcile_settings settings = { .step_timeout_ms = 60000,
                                                    .history = 1,
                                                    .renewals = true };

struct scene {
        struct request requests[MAX];
        struct request *list[MAX];
        struct observed_pod pod;
        struct observed_pod *pods[1];
        struct certificate certificate;
        struct certificate *certificates[1];
        struct observed_database database;
        struct record record;
        struct observed seen;
        struct actions actions;
};

/* Strings of an observed world are never written to: one copy for all. */
static inline UNUSED char *text(const char *literal)
{
        static char pool[64][64];
        static size_t n;

        for (size_t i = 0; i < n; i++)
                if (strcmp(pool[i], literal) == 0)
                        return pool[i];
        assert_true(n < 64 && strlen(literal) < 64);
        return strcpy(pool[n++], literal);
}

static inline UNUSED void open_scene(struct scene *scene)
{
        *scene = (struct scene){
                .pod = { .name = text("px-0"),
                         .uid = text("p"),
                         .kind_label = text("perconaxtradbs.kubedb.com"),
                         .role = text(""),
                         .has_agent = true,
                         .is_ready = true,
                         .mode = TLS_ON },
                .certificate = { .name = text("px-server-cert"),
                                 .uid = text("c"),
                                 .alias = text("server"),
                                 .revision = 3,
                                 .is_ready = true,
                                 .not_after = { 1800000000 } },
                .database = { .uid = text("d"), .phase = text("Ready") },
                .seen = { .namespace = "demo",
                          .name = "px",
                          .n_pods = 1,
                          .n_certificates = 1,
                          .now = { 1000 } },
        };
        scene->pods[0] = &scene->pod;
        scene->certificates[0] = &scene->certificate;
        scene->seen.pods = scene->pods;
        scene->seen.certificates = scene->certificates;
        scene->seen.requests = scene->list;
        scene->seen.database = &scene->database;
        scene->seen.database_known = true;
        record_init(&scene->record);
        actions_init(&scene->actions);
}

static inline UNUSED void close_scene(struct scene *scene)
{
        actions_done(&scene->actions);
        record_done(&scene->record);
}

static inline UNUSED struct request *add(struct scene *scene, const char *name, enum request_type type)
{
        size_t i = scene->seen.n_requests++;

        scene->requests[i] = (struct request){ .kind = kind_of_request("PerconaXtraDBOpsRequest"),
                                               .namespace = text("demo"),
                                               .name = text(name),
                                               .uid = text(name),
                                               .database = text("px"),
                                               .type = type };
        scene->list[i] = &scene->requests[i];
        return scene->list[i];
}

static const struct action *first(struct scene *scene)
{
        actions_done(&scene->actions);
        reconcile(&settings, &scene->seen, &scene->actions);
        return scene->actions.n == 0 ? NULL : &scene->actions.items[0];
}

static inline UNUSED void assert_begins(struct scene *scene, const char *name)
{
        const struct action *action = first(scene);

        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_RECORD);
        assert_string_equal(action->record.request, name);
        assert_int_equal(action->record.step, RECORD_HOLD);
        assert_true(action->record.paused);
}

static inline UNUSED void assert_ends(struct scene *scene, const char *name, enum request_phase phase,
                                      const char *says)
{
        const struct action *action = first(scene);

        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_PHASE);
        assert_string_equal(action->request->name, name);
        assert_int_equal(action->phase, phase);
        assert_non_null(strstr(action->text, says));
}

static inline UNUSED void at_rest(struct scene *scene)
{
        struct certificate *served[] = { &scene->certificate };

        record_set_served(&scene->record, served, 1);
        mem_free(scene->record.trusted);
        scene->record.trusted = mem_strdup("");
        scene->seen.record = &scene->record;
}
