// SPDX-License-Identifier: Apache-2.0
/*
 * Which request begins, which is skipped, refused or waits; and who signs what is new.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "choose_scene.h"

static void test_oldest_of_other_types(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        add(&scene, "a", REQUEST_OTHER);
        add(&scene, "b", REQUEST_CONFIG);
        add(&scene, "c", REQUEST_TLS);
        assert_begins(&scene, "b");
        close_scene(&scene);
}

static void test_newest_of_one_type(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        add(&scene, "a", REQUEST_TLS);
        add(&scene, "b", REQUEST_TLS);
        add(&scene, "c", REQUEST_TLS);
        assert_ends(&scene, "a", REQUEST_SKIPPED, "c is newer");
        scene.requests[0].phase = REQUEST_SKIPPED;
        assert_ends(&scene, "b", REQUEST_SKIPPED, "c is newer");
        scene.requests[1].phase = REQUEST_SKIPPED;
        assert_begins(&scene, "c");
        close_scene(&scene);
}

static void test_hopeless(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        add(&scene, "a", REQUEST_TLS)->wrong = text("spec.tls: something is wrong");
        assert_ends(&scene, "a", REQUEST_FAILED, "spec.tls: something is wrong");
        scene.requests[0].wrong = NULL;
        scene.seen.database = NULL;
        assert_ends(&scene, "a", REQUEST_FAILED, "there is no PerconaXtraDB px in namespace demo");
        scene.seen.database_known = false;
        assert_begins(&scene, "a");
        scene.seen.n_pods = 0;
        assert_ends(&scene, "a", REQUEST_FAILED, "labelled app.kubernetes.io/instance=px");
        scene.seen.n_pods = 1;
        scene.seen.record_problem = text("no JSON");
        assert_ends(&scene, "a", REQUEST_FAILED, "px-certrotate cannot be read: no JSON");
        close_scene(&scene);
}

static void test_waits_for_the_database(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        at_rest(&scene);
        add(&scene, "a", REQUEST_TLS);
        scene.database.phase = text("Critical");
        assert_null(first(&scene));
        scene.requests[0].apply_always = true;
        assert_begins(&scene, "a");
        close_scene(&scene);
}

/* Between two tries: until the pause is over, and for no longer than nobody else waits. */
static void test_waits_for_the_next_try(void **state)
{
        struct scene scene;

        (void)state;
        open_scene(&scene);
        at_rest(&scene);
        add(&scene, "a", REQUEST_TLS)->phase = REQUEST_PROGRESSING;
        add(&scene, "b", REQUEST_CONFIG);
        scene.record.request = mem_strdup("a");
        scene.record.uid = mem_strdup("a");
        scene.record.kind = mem_strdup("PerconaXtraDBOpsRequest");
        scene.record.is_tls = true;
        scene.record.step = RECORD_WAIT;
        scene.record.tries = 2;
        scene.record.since.s = 1000;
        assert_null(first(&scene));
        assert_int_equal(scene.actions.wake.s, 1020);
        scene.seen.now.s = 1020;
        assert_int_equal(first(&scene)->kind,
                         ACTION_PAUSE); /* its phase does not say any more that it has to be */
        assert_int_equal(scene.actions.items[1].record.step, RECORD_HOLD);
        assert_int_equal(scene.actions.items[1].record.tries, 2);
        scene.seen.now.s = 1000;
        add(&scene, "c", REQUEST_TLS);
        assert_int_equal(first(&scene)->record.step, RECORD_RESUME);
        assert_non_null(strstr(first(&scene)->record.failure, "c is newer"));
        scene.seen.n_requests = 2;
        scene.list[0] = scene.list[1]; /* deleted */
        scene.seen.n_requests = 1;
        assert_int_equal(first(&scene)->record.step, RECORD_RESUME);
        close_scene(&scene);
}

/* In the walk of a rotation, with the only pod at it. */
static struct request *walk(struct scene *scene)
{
        struct request *request = add(scene, "a", REQUEST_TLS);

        at_rest(scene);
        request->tls = REQUEST_ROTATE;
        request->phase = REQUEST_PROGRESSING;
        scene->record.request = mem_strdup("a");
        scene->record.kind = mem_strdup("PerconaXtraDBOpsRequest");
        scene->record.uid = mem_strdup("a");
        scene->record.is_tls = true;
        scene->record.step = RECORD_WALK;
        scene->record.since = scene->seen.now;
        scene->record.generation = 2;
        scene->record.stages[0] = (struct record_stage){ PLAN_NO_PHASE, TLS_ON };
        scene->record.n_stages = 1;
        scene->record.turn = mem_strdup("px-0");
        scene->pod.plan_request = text("a");
        scene->pod.plan_generation = 2;
        return request;
}

/* Killed between the last phase and the last record, and then a pod is away: that changes nothing. */
static void test_success_that_was_told_stays(void **state)
{
        struct scene scene;
        struct request *request;

        (void)state;
        open_scene(&scene);
        request = walk(&scene);
        request->phase = REQUEST_SUCCESSFUL;
        assert_null(first(&scene));
        scene.pod.plan_done = true;
        assert_int_equal(first(&scene)->kind, ACTION_RESUME);
        scene.pod.plan_done = false;
        request->phase = REQUEST_FAILED; /* by somebody else */
        assert_non_null(first(&scene)->record.failure);
        close_scene(&scene);
}

/* What is refused then is tried again: there is nothing to go back for. */
static void test_behind_the_last_pod(void **state)
{
        struct scene scene;
        struct err fault = ERR_INIT;

        (void)state;
        open_scene(&scene);
        (void)walk(&scene);
        err_set_(&fault, ERR_REFUSED, "no");
        scene.seen.fault = &fault;
        assert_non_null(strstr(first(&scene)->record.failure, "no"));
        scene.pod.plan_done = true;
        assert_int_equal(first(&scene)->kind, ACTION_RESUME);
        scene.seen.n_requests = 0; /* deleted, but done */
        assert_int_equal(first(&scene)->kind, ACTION_RESUME);
        close_scene(&scene);
}

/* One that cannot be marked as begun is not kept paused for ever. */
static void test_never_begun(void **state)
{
        struct scene scene;
        struct request *request;

        (void)state;
        open_scene(&scene);
        request = walk(&scene);
        request->phase = REQUEST_PENDING;
        scene.record.step = RECORD_HOLD;
        assert_int_equal(first(&scene)->kind, ACTION_PAUSE);
        scene.seen.now.s += 100000;
        assert_non_null(strstr(first(&scene)->record.failure, "Timeout"));
        assert_int_equal(scene.actions.items[0].record.step, RECORD_RESUME);
        close_scene(&scene);
}

static const struct action *find_certificate(struct scene *scene)
{
        (void)first(scene);
        for (size_t i = 0; i < scene->actions.n; i++)
                if (scene->actions.items[i].kind == ACTION_CERTIFICATE)
                        return &scene->actions.items[i];
        return NULL;
}

/* metrics-exporter is asked for the first time, and the request does not say who signs. */
static void test_new_alias_has_the_issuer_of_the_first(void **state)
{
        static const char unsaid[] = "{\"certificates\":[{\"alias\":\"metrics-exporter\"}]}";
        static const char said[] =
                "{\"certificates\":[{\"alias\":\"metrics-exporter\",\"issuerRef\":{\"name\":\"y\"}}]}";
        struct scene scene;
        struct request *request;
        struct record *record = &scene.record;

        (void)state;
        open_scene(&scene);
        at_rest(&scene);
        scene.certificate.issuer = text("ClusterIssuer/px-issuer");
        request = add(&scene, "a", REQUEST_TLS);
        request->phase = REQUEST_PROGRESSING;
        request->tls = REQUEST_CHANGE;
        record->request = mem_strdup("a");
        record->kind = mem_strdup("PerconaXtraDBOpsRequest");
        record->uid = mem_strdup("a");
        record->is_tls = true;
        record->paused = true;
        record->saved = true;
        record->step = RECORD_ISSUE;
        record->since = scene.seen.now;
        record->before = record->wanted = TLS_ON;
        record->certificates[record->n_certificates++] = (struct record_certificate){
                .name = mem_strdup("px-metrics-exporter-cert"), .uid = mem_strdup(""), .asked = true
        };
        for (int i = 0; i < 2; i++) {
                AUTO(json_free_p) cJSON *spec = cJSON_Parse(i == 0 ? unsaid : said);
                const struct action *action;

                request->spec = spec;
                action = find_certificate(&scene);
                assert_non_null(action);
                assert_string_equal(action->name, "metrics-exporter");
                if (i == 0)
                        assert_string_equal(action->text, "ClusterIssuer/px-issuer");
                else
                        assert_null(action->text);
        }
        close_scene(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_oldest_of_other_types),
                cmocka_unit_test(test_newest_of_one_type),
                cmocka_unit_test(test_hopeless),
                cmocka_unit_test(test_waits_for_the_next_try),
                cmocka_unit_test(test_waits_for_the_database),
                cmocka_unit_test(test_success_that_was_told_stays),
                cmocka_unit_test(test_behind_the_last_pod),
                cmocka_unit_test(test_never_begun),
                cmocka_unit_test(test_new_alias_has_the_issuer_of_the_first),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
