// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control_scene.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define OLD_LEAF 1
#define START    1000000

static const struct reconcile_settings settings = { .step_timeout_ms = 60000,
                                                    .history = 2,
                                                    .renewals = true };
static char names[2][16] = { "px-server-cert", "px-client-cert" };
static char aliases[2][8] = { "server", "client" };
static char kind_label[] = "perconaxtradbs.kubedb.com", empty[] = "", plan_request[] = "px-ops";
static char refused[] = "it was refused", denied[] = "denied";

const char *scene_name(int i)
{
        return names[i];
}

unsigned scene_random(struct scene *scene, unsigned below)
{
        scene->seed = scene->seed * 1103515245U + 12345U;
        return (scene->seed >> 16) % below;
}

void scene_open(struct scene *scene, unsigned seed, enum request_tls operation, enum scene_trouble trouble)
{
        bool plain = operation == REQUEST_CHANGE && seed % 2 == 0;

        *scene = (struct scene){ .seed = seed, .trouble = trouble, .now = START, .phase = REQUEST_PENDING };
        scene->request = (struct request){ .kind = kind_of_request("PerconaXtraDBOpsRequest"),
                                           .namespace = mem_strdup("demo"),
                                           .name = mem_strdup("px-ops"),
                                           .uid = mem_strdup("uid-1"),
                                           .database = mem_strdup("px"),
                                           .type = REQUEST_TLS,
                                           .tls = operation,
                                           .spec = json_object() };
        if (operation == REQUEST_ROTATE)
                json_add_bool(scene->request.spec, "rotateCertificates", true);
        if (operation == REQUEST_CHANGE) {
                cJSON *issuer = json_object();

                json_add_str(issuer, "kind", "Issuer");
                json_add_str(issuer, "name", "new");
                json_add(scene->request.spec, "issuerRef", issuer);
                scene->new_authority = !plain;
        }
        scene->request.max_retries = trouble >= SCENE_REFUSES_ONCE ? 1 : 0;
        record_init(&scene->record);
        scene->told = (struct buf)BUF_INIT(4096);
        buf_add_char(&scene->told, ' ');
        scene->leaf = plain ? 0 : OLD_LEAF;
        scene->newest = scene->leaf;
        scene->certificates = plain ? 0 : 2;
        for (int i = 0; i < scene->certificates; i++) {
                scene->uid[i] = 10 + i;
                scene->revision[i] = 3;
        }
        scene->denied[1] = trouble == SCENE_WAS_DENIED && !plain;
        for (int i = 0; i < SCENE_PODS; i++)
                scene->pods[i] = (struct scene_pod){ .leaf = scene->leaf,
                                                     .mode = plain ? TLS_OFF : TLS_ON,
                                                     .trusts_old = true };
}

void scene_done(struct scene *scene)
{
        mem_free(scene->request.namespace);
        mem_free(scene->request.name);
        mem_free(scene->request.uid);
        mem_free(scene->request.database);
        json_free(scene->request.spec);
        buf_done(&scene->told);
        record_done(&scene->record);
}

/* --- the agents */

static bool is_new(int leaf)
{
        return leaf > OLD_LEAF;
}

static bool is_hurt(const struct scene *scene, const struct scene_pod *pod)
{
        return pod == &scene->pods[1] && is_new(scene->leaf) && pod->stage.phase != PLAN_TRUST &&
               pod->stage.mode != TLS_OFF;
}

static void adopt(struct scene *scene, struct scene_pod *pod)
{
        const struct record *record = &scene->record;
        const struct record_stage rest = { PLAN_NO_PHASE, record->mode };
        const char *who = record->reload != NULL ? record->reload : record->turn;
        bool had_turn = pod->turn && pod->adopted == record->generation;

        if (pod->adopted != record->generation) {
                pod->done = pod->failed = false;
                pod->busy = pod->busy && !pod->stuck;
                pod->stuck = false;
        }
        pod->adopted = (int)record->generation;
        pod->request = record->request != NULL;
        pod->stage = record->n_stages > 0 && record->request != NULL ? record->stages[record->stage] : rest;
        if (!pod->request)
                pod->done =
                        pod->mode == record->mode && pod->leaf == (record->mode == TLS_OFF ? 0 : scene->leaf);
        pod->turn = who != NULL && atoi(strchr(who, '-') + 1) == (int)(pod - scene->pods);
        if (scene->trouble == SCENE_WILL_REFUSE && is_hurt(scene, pod))
                pod->failed = true;
        if (pod->turn && !had_turn && !pod->done && !pod->failed) {
                for (int i = 0; i < SCENE_PODS && record->failure != NULL && record->reload == NULL; i++)
                        assert_true(&scene->pods[i] == pod || scene->pods[i].starting == 0);
                pod->busy = true;
                pod->busy_left = 1 + (int)scene_random(scene, 3);
        }
}

static bool refuses(const struct scene *scene)
{
        return scene->trouble == SCENE_REFUSES || scene->trouble == SCENE_REFUSES_EVER ||
               scene->trouble == SCENE_DELETED_LATER || scene->trouble == SCENE_NEEDS_OTHERS ||
               (scene->trouble == SCENE_REFUSES_ONCE && scene->refusals == 0);
}

static bool cannot_restart(const struct scene *scene, const struct scene_pod *pod)
{
        return scene->trouble >= SCENE_STUCK && scene->trouble <= SCENE_LOST && pod == &scene->pods[1] &&
               pod->stage.mode != TLS_UNMANAGED && pod->stage.mode != pod->mode && pod->starting == 0;
}

static void act(struct scene *scene, struct scene_pod *pod)
{
        if (cannot_restart(scene, pod)) {
                pod->stuck = true;
                return;
        }
        /* The others hold what the plan says, and have let go of it when that says what was before. */
        pod->busy = scene->trouble == SCENE_NEEDS_OTHERS && is_hurt(scene, pod) &&
                    scene->record.stages[scene->record.stage].mode != pod->mode;
        if (refuses(scene) && is_hurt(scene, pod)) {
                scene->refusals += !pod->failed;
                pod->failed = true;
                return;
        }
        if (scene->trouble == SCENE_NEVER_BACK && is_hurt(scene, pod)) {
                pod->gone = true;
                return;
        }
        if (pod->stage.phase == PLAN_TRUST) {
                pod->trusts_new = pod->trusts_old = true;
        } else {
                enum tls_mode mode = pod->stage.mode == TLS_UNMANAGED ? pod->mode : pod->stage.mode;

                pod->leaf = pod->stage.mode == TLS_OFF ? 0 : scene->leaf;
                if (scene->record.failure != NULL && pod->mode != mode)
                        pod->starting = (int)scene_random(scene, 3); /* done, and not ready yet */
                pod->mode = mode;
        }
        if (pod->stage.phase == PLAN_PRUNE) {
                pod->trusts_old = !is_new(scene->leaf);
                pod->trusts_new = is_new(scene->leaf);
        }
        pod->done = true;
}

/* Of another authority, a leaf is shown only when everybody trusts it. */
static void check_members(const struct scene *scene)
{
        int busy = 0;

        for (int i = 0; i < SCENE_PODS; i++) {
                busy += scene->pods[i].busy || scene->pods[i].gone || scene->pods[i].away > 0 ||
                        scene->pods[i].starting > 0;
                for (int k = 0; scene->new_authority && k < SCENE_PODS; k++)
                        assert_true(is_new(scene->pods[i].leaf) ? scene->pods[k].trusts_new
                                                                : scene->pods[k].trusts_old);
        }
        assert_true(busy <= 1 || scene->record.failure != NULL);
        assert_true(busy == 0 || scene->record.step != RECORD_WALK || scene->paused);
}

/* One of the same name: it starts with what the plan says, whosever turn it is. */
static void come_again(struct scene *scene, struct scene_pod *pod)
{
        const int uid = pod->uid;

        if (pod->away > 0) {
                if (scene->trouble == SCENE_LOST || --pod->away > 0)
                        return;
                *pod = (struct scene_pod){ .uid = uid,
                                           .trusts_old = true,
                                           .trusts_new = true,
                                           .starting = 2 + (int)scene_random(scene, 3) };
                adopt(scene, pod);
                pod->busy = false;
                pod->leaf = pod->stage.mode == TLS_OFF ? 0 : scene->leaf;
                pod->mode = pod->stage.mode;
                return;
        }
        pod->done = --pod->starting <= 1; /* and not ready yet */
}

static bool is_denied(const struct scene *scene)
{
        return scene->trouble == SCENE_DENIED || scene->trouble == SCENE_DENIED_READY;
}

void scene_turn(struct scene *scene)
{
        scene->now += 1;
        for (int i = 0; i < 2; i++) {
                bool stuck = i == 1 && scene->trouble == SCENE_NEVER_ISSUED;

                if (!scene->issuing[i] || stuck || --scene->issue_left[i] > 0)
                        continue;
                scene->issuing[i] = false;
                scene->denied[i] = i == 1 && is_denied(scene);
                if (scene->denied[i])
                        continue;
                scene->revision[i]++;
                if (i == 0)
                        scene->leaf = ++scene->newest;
                if (i == 0 && scene->newest == OLD_LEAF)
                        scene->leaf = ++scene->newest;
        }
        for (int i = 0; i < SCENE_PODS; i++) {
                struct scene_pod *pod = &scene->pods[i];

                if (pod->gone)
                        continue;
                if (pod->away > 0 || pod->starting > 0) {
                        come_again(scene, pod);
                        continue;
                }
                if (scene->has_record && (!pod->busy || pod->stuck) && scene_random(scene, 3) > 0)
                        adopt(scene, pod);
                if (pod->busy && --pod->busy_left <= 0)
                        act(scene, pod);
        }
        if (scene->trouble == SCENE_DELETED && scene->pods[1].busy)
                scene->request_gone = true;
        scene->request_gone |= scene->trouble == SCENE_DELETED_LATER && scene->record.step == RECORD_WAIT;
        check_members(scene);
}

/* --- what the controller sees */

static const struct observed_issuer *issuer(const void *world, const char *namespace UNUSED,
                                            const char *kind UNUSED, const char *name UNUSED)
{
        static const struct observed_issuer ready = { true, true, NULL };
        const struct scene *scene = world;

        return scene->trouble == SCENE_NO_ISSUER ? NULL : &ready;
}

struct view {
        struct observed seen;
        struct observed_pod pods[SCENE_PODS];
        struct observed_pod *pod_list[SCENE_PODS];
        struct certificate certificates[2];
        struct certificate *certificate_list[2];
        struct request *requests[1];
        char text[SCENE_PODS][2][16];
        char uids[2][16];
};

static char *reason_of(const struct scene *scene)
{
        static char passes[] = "ConnectionLost", never[] = "ServedMismatch";

        return scene->trouble == SCENE_REFUSES ? NULL : scene->trouble == SCENE_REFUSES_EVER ? never : passes;
}

static void view_pod(struct scene *scene, struct view *view, int i)
{
        const struct scene_pod *pod = &scene->pods[i];
        struct observed_pod *out = &view->pods[i];

        (void)snprintf(view->text[i][0], sizeof(view->text[i][0]), "px-%d", i % 9);
        (void)snprintf(view->text[i][1], sizeof(view->text[i][1]), "uid-%d-%d", i % 9, pod->uid % 9);
        *out = (struct observed_pod){ .name = view->text[i][0],
                                      .uid = view->text[i][1],
                                      .kind_label = kind_label,
                                      .role = empty,
                                      .is_ready = !pod->gone && pod->starting == 0,
                                      .has_agent = !(scene->trouble == SCENE_NO_AGENT && i == 1),
                                      .plan_request = pod->request ? plan_request : NULL,
                                      .plan_generation = pod->adopted,
                                      .plan_done = pod->done,
                                      .cannot_restart = pod->stuck,
                                      .is_busy = pod->busy && !pod->gone,
                                      .is_rolling_back = pod->busy && pod->failed,
                                      .failed = pod->failed ? refused : NULL,
                                      .reason = pod->failed ? reason_of(scene) : NULL,
                                      .mode = pod->mode };
        out->source.sha256[0] = (uint8_t)scene->leaf;
        out->served.sha256[0] = (uint8_t)pod->leaf;
        if (pod->away == 0)
                view->pod_list[view->seen.n_pods++] = out;
}

static void look(struct scene *scene, struct view *view)
{
        *view = (struct view){ .seen = { .namespace = "demo", .name = "px" } };
        for (int i = 0; i < SCENE_PODS; i++)
                view_pod(scene, view, i);
        for (int i = 0; i < scene->certificates; i++) {
                bool bad = scene->denied[i];
                bool differs = bad && scene->written[i] && scene->trouble != SCENE_DENIED_READY;

                (void)snprintf(view->uids[i], sizeof(view->uids[i]), "uid-%lld", (long long)scene->uid[i]);
                view->certificates[i] = (struct certificate){ .name = names[i],
                                                              .alias = aliases[i],
                                                              .uid = view->uids[i],
                                                              .revision = scene->revision[i],
                                                              .is_ready = !scene->issuing[i] && !differs,
                                                              .is_issuing = scene->issuing[i],
                                                              .problem = bad ? denied : NULL,
                                                              .is_denied = bad };
                view->certificate_list[i] = &view->certificates[i];
        }
        scene->request.phase = scene->phase;
        view->requests[0] = &scene->request;
        view->seen.requests = view->requests;
        view->seen.n_requests = scene->request_gone ? 0 : 1;
        view->seen.pods = view->pod_list;
        view->seen.certificates = view->certificate_list;
        view->seen.n_certificates = (size_t)scene->certificates;
        view->seen.record = scene->has_record ? &scene->record : NULL;
        view->seen.fault = scene->fault.kind == ERR_NONE ? NULL : &scene->fault;
        view->seen.issuer = issuer;
        view->seen.world = scene;
        view->seen.now.s = scene->now;
}

/* Conditions and phase that follow each other are one: there is no dying before the next of them. */
static bool is_told(const struct action *action)
{
        return action->kind == ACTION_CONDITION || action->kind == ACTION_PHASE;
}

static bool is_one_write(const struct actions *actions, size_t i)
{
        return i > 0 && is_told(&actions->items[i - 1]) && is_told(&actions->items[i]);
}

void scene_reconcile(struct scene *scene, bool deadly)
{
        size_t dies = SIZE_MAX;
        AUTO(actions_done_p) struct actions actions;
        struct view view;

        look(scene, &view);
        actions_init(&actions);
        reconcile(&settings, &view.seen, &actions);
        if (scene->log != NULL && actions.n > 0) {
                buf_printf(scene->log, "--- after %lld s\n", (long long)(scene->now - START));
                actions_print(&actions, scene->log);
        }
        scene->fault.kind = ERR_NONE;
        if (deadly && scene_random(scene, 2) == 1)
                dies = scene_random(scene, (unsigned)actions.n + 1);
        for (size_t i = 0; i < actions.n && (i < dies || is_one_write(&actions, i)); i++)
                if (!scene_perform(scene, &actions.items[i]))
                        return;
}

void scene_play(struct scene *scene, bool deadly)
{
        int64_t end = scene->now + 2000;

        while (scene->now < end) {
                bool ended = scene->request_gone || scene->phase == REQUEST_SUCCESSFUL ||
                             scene->phase == REQUEST_FAILED;

                if (ended && scene->has_record && scene->record.request == NULL)
                        return;
                scene_reconcile(scene, deadly);
                if (scene_random(scene, 3) == 0)
                        scene_turn(scene);
        }
        fail_msg("it never ends: step %s, turn %s, %s", record_step_name(scene->record.step),
                 scene->record.turn == NULL ? "-" : scene->record.turn,
                 scene->record.failure == NULL ? "" : scene->record.failure);
}
