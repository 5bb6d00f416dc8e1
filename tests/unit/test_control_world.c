// SPDX-License-Identifier: Apache-2.0
/*
 * The world: what was listed and watched is what is observed, whoever told it and in which order.
 */
#include "world_scene.h"

#define REPORT                                                                                               \
        "{\"agent\":\"1\",\"instance\":\"px-0\",\"database\":\"perconaxtradb\",\"tls\":\"on\",\"bundles\":"  \
        "[{\"alias\":\"server\",\"source\":{\"fingerprint\":\"" FP "\"},\"served\":{\"fingerprint\":\"" FP   \
        "\",\"notAfter\":\"2027-02-20T10:00:00Z\"}}],\"plan\":{\"request\":\"px-rotate\",\"generation\":4,"  \
        "\"failed\":\"refused\","                                                                            \
        "\"phase\":\"leaf\",\"turn\":true,\"held\":%s,\"done\":true,\"cannotRestart\":true},\"step\":\"%"    \
        "s\",\"rollingBack\":"                                                                               \
        "false,\"degraded\":false,\"error\":%s,\"engine\":{\"role\":\"primary\"},\"lastRotation\":"          \
        "{\"result\":\"rolledBack\",\"at\":\"2026-11-22T10:00:00Z\"}}"
#define FP "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void list_object(struct world_scene *scene, const char *resource, const char *version, char *object)
{
        world_scene_list(scene, resource, version, object);
        mem_free(object);
}

static void frame(struct world_scene *scene, const char *resource, const char *type, char *object)
{
        world_scene_frame(scene, resource, type, object);
        mem_free(object);
}

static char *report(const char *step, bool held, const char *error)
{
        return mem_printf(REPORT, held ? "true" : "false", step, error);
}

static void nothing_is_told_before_all_was_listed(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        list_object(scene, PX_REQUESTS, "5", world_scene_request("px-rotate", "px", 4, "Pending"));
        list_object(scene, "pods", "5", world_scene_pod("px-0", "px", 3, NULL));
        assert_false(world_is_whole(scene->world));
        assert_non_null(strstr(world_trouble(scene->world), "were not listed yet"));
        world_scene_status(scene, "certificates", 403);
        world_scene_list_rest(scene);
        assert_false(world_is_whole(scene->world));
        assert_non_null(strstr(world_trouble(scene->world), "certificates"));
        world_scene_expect(scene, "");
        world_scene_list(scene, "certificates", "5", "");
        assert_true(world_is_whole(scene->world));
        assert_null(world_trouble(scene->world));
        world_scene_expect(scene, "demo/px ");
        world_scene_finish(scene);
}

static void where_it_looks(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin("demo");

        assert_int_equal(strncmp(world_scene_call(scene, PX_REQUESTS)->path,
                                 "/apis/ops.kubedb.com/v1alpha1/namespaces/demo/" PX_REQUESTS "?", 47),
                         0);
        assert_non_null(strstr(world_scene_call(scene, "pods")->path, "/api/v1/namespaces/demo/pods?"));
        assert_non_null(
                strstr(world_scene_call(scene, "pods")->path, "labelSelector=app.kubernetes.io%2Finstance"));
        assert_non_null(strstr(world_scene_call(scene, "configmaps")->path,
                               "labelSelector=app.kubernetes.io%2Fmanaged-by%3Dcertrotate"));
        assert_int_equal(strncmp(world_scene_call(scene, "clusterissuers")->path,
                                 "/apis/cert-manager.io/v1/clusterissuers?", 40),
                         0);
        world_scene_finish(scene);
}

static void assert_pods(const struct observed *seen)
{
        const struct observed_pod *first = seen->pods[0], *second = seen->pods[1];

        assert_int_equal(seen->n_pods, 2);
        assert_string_equal(first->name, "px-0");
        assert_string_equal(first->version, "3");
        assert_string_equal(first->uid, "u-px-0-3");
        assert_string_equal(first->kind_label, "perconaxtradbs.kubedb.com");
        assert_true(first->is_ready && first->has_agent && !second->has_agent);
        assert_string_equal(first->trouble, "it is down");
        assert_string_equal(first->reason, "Engine");
        assert_string_equal(first->driver, "perconaxtradb");
        assert_string_equal(first->role, "primary");
        assert_string_equal(second->role, "");
        assert_string_equal(first->plan_request, "px-rotate");
        assert_int_equal(first->plan_generation, 4);
        assert_true(first->plan_done && first->plan_held && !first->is_busy);
        assert_true(first->cannot_restart && !second->cannot_restart);
        assert_null(second->plan_request);
        assert_string_equal(first->failed, "refused");
        assert_null(second->failed);
        assert_int_equal(first->mode, TLS_ON);
        assert_int_equal(first->served_until.s, 1803117600);
        assert_int_equal(first->served.sha256[1], 0x11);
}

static void all_that_is_observed(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);
        AUTO(mem_free_p)
        char *told = report("apply", true, "{\"reason\":\"Engine\",\"message\":\"it is down\"}");
        struct observed seen;

        list_object(scene, PX, "9", world_scene_database("px", 2));
        list_object(scene, "issuers", "9", world_scene_issuer("demo", "i", 2, "False"));
        list_object(scene, "clusterissuers", "9", world_scene_issuer("", "i", 2, "True"));
        list_object(scene, "configmaps", "9",
                    world_scene_record("px", 7, "{\"mode\":\"on\",\"generation\":4}"));
        list_object(scene, "certificates", "9", world_scene_certificate("px-server-cert", "px", 5));
        list_object(scene, "pods", "9", world_scene_pod("px-0", "px", 3, told));
        world_scene_list_rest(scene);
        frame(scene, PX_REQUESTS, "ADDED", world_scene_request("b", "px", 12, "Pending"));
        frame(scene, PX_REQUESTS, "ADDED", world_scene_request("a", "px", 13, "Successful"));
        frame(scene, "pods", "ADDED", world_scene_pod("px-1", "px", 14, NULL));
        world_scene_expect(scene, "demo/px demo/px demo/px demo/px ");
        seen = world_scene_observe(scene, "demo/px");
        assert_string_equal(seen.namespace, "demo");
        assert_string_equal(seen.name, "px");
        assert_int_equal(seen.now.s, 1800000000);
        assert_int_equal(seen.n_requests, 2);
        assert_string_equal(seen.requests[0]->name, "a");
        assert_null(seen.requests[0]->spec);
        assert_non_null(seen.requests[1]->spec);
        assert_pods(&seen);
        assert_int_equal(seen.n_certificates, 1);
        assert_int_equal(seen.certificates[0]->revision, 3);
        assert_true(seen.database_known && seen.database->is_paused && !seen.database->is_halted);
        assert_string_equal(seen.database->phase, "Ready");
        assert_string_equal(seen.database->issuer, "Issuer/i");
        assert_string_equal(seen.database->schedule.window, "02:00-04:00");
        assert_ptr_equal(seen.schedule, &seen.database->schedule);
        assert_int_equal(seen.record->generation, 4);
        assert_string_equal(seen.record_version, "7");
        assert_null(seen.record_problem);
        assert_false(seen.issuer(seen.world, "demo", "Issuer", "i")->is_ready);
        assert_string_equal(seen.issuer(seen.world, "demo", "Issuer", "i")->problem, "no key");
        assert_true(seen.issuer(seen.world, "demo", "ClusterIssuer", "i")->is_ready);
        assert_false(seen.issuer(seen.world, "other", "Issuer", "i")->exists);
        assert_null(seen.issuer(seen.world, "demo", "StepIssuer", "i"));
        world_observed_done(&seen);
        assert_int_equal(world_counts(scene->world).databases, 1);
        assert_int_equal(world_counts(scene->world).requests[REQUEST_PENDING], 1);
        world_scene_finish(scene);
}

static void what_a_report_says(void **state UNUSED)
{
        static const struct {
                const char *step;
                bool held, is_busy;
        } cases[] = { { "idle", false, false },
                      { "waiting", false, false },
                      { "verify", false, true },
                      { "apply", true, false },
                      { "starting", false, true } };
        struct world_scene *scene = world_scene_begin(NULL);
        struct observed seen;
        int version = 10;

        world_scene_list_rest(scene);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *told = report(cases[i].step, cases[i].held, "null");

                frame(scene, "pods", "ADDED", world_scene_pod("px-0", "px", version++, told));
                seen = world_scene_observe(scene, "demo/px");
                assert_int_equal(seen.pods[0]->is_busy, cases[i].is_busy);
                assert_null(seen.pods[0]->trouble);
                world_observed_done(&seen);
        }
        frame(scene, "pods", "MODIFIED", world_scene_pod("px-0", "px", version, "{\"step\":"));
        seen = world_scene_observe(scene, "demo/px");
        assert_false(seen.pods[0]->has_agent);
        assert_non_null(strstr(seen.pods[0]->trouble, "unreadable"));
        world_observed_done(&seen);
        world_scene_finish(scene);
}

/* Half the pods of a cluster are labelled with an instance. */
static void other_peoples_pods(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        world_scene_list_rest(scene);
        frame(scene, "pods", "ADDED", world_scene_pod("web-0", "web", 2, NULL));
        frame(scene, "pods", "ADDED", world_scene_pod("bad", "../x", 2, NULL));
        world_scene_expect(scene, "");
        assert_int_equal(world_counts(scene->world).databases, 0);
        assert_int_equal(scene->world->n, 1);
        frame(scene, "pods", "ADDED", world_scene_pod("web-1", "web", 3, "{}"));
        world_scene_expect(scene, "demo/web ");
        assert_int_equal(world_counts(scene->world).pods, 2);
        world_scene_finish(scene);
}

static void it_moves_and_goes(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);
        struct observed seen;

        world_scene_list_rest(scene);
        frame(scene, "certificates", "ADDED", world_scene_certificate("c", "px", 2));
        frame(scene, "certificates", "MODIFIED", world_scene_certificate("c", "py", 3));
        world_scene_expect(scene, "demo/px demo/px demo/py ");
        assert_false(world_observe(scene->world, "demo/px", (struct wall){ 1 }, &seen));
        assert_int_equal(scene->world->n, 1);
        frame(scene, "certificates", "DELETED", world_scene_certificate("c", "px", 4));
        world_scene_expect(scene, "demo/py ");
        assert_int_equal(scene->world->n, 0);
        world_scene_finish(scene);
}

static void issuers_are_told_to_those_who_ask(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        world_scene_list_rest(scene);
        frame(scene, PX_REQUESTS, "ADDED", world_scene_request("a", "px", 2, "Pending"));
        frame(scene, PX_REQUESTS, "ADDED", world_scene_request("b", "py", 3, "Failed"));
        buf_reset(&scene->changed);
        frame(scene, "issuers", "ADDED", world_scene_issuer("demo", "i", 2, "False"));
        world_scene_expect(scene, "demo/px ");
        frame(scene, "issuers", "DELETED", world_scene_issuer("demo", "i", 3, "False"));
        world_scene_expect(scene, "demo/px ");
        world_scene_finish(scene);
}

static void a_record_that_cannot_be_read(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);
        struct observed seen;

        world_scene_list_rest(scene);
        frame(scene, "configmaps", "ADDED", world_scene_record("px", 2, "{\"mode\":3}"));
        seen = world_scene_observe(scene, "demo/px");
        assert_null(seen.record);
        assert_null(seen.database);
        assert_string_equal(seen.schedule->spread, "30m");
        assert_non_null(strstr(seen.record_problem, "mode"));
        assert_string_equal(seen.record_version, "2");
        world_observed_done(&seen);
        world_scene_finish(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_told_before_all_was_listed),
                cmocka_unit_test(where_it_looks),
                cmocka_unit_test(all_that_is_observed),
                cmocka_unit_test(what_a_report_says),
                cmocka_unit_test(other_peoples_pods),
                cmocka_unit_test(it_moves_and_goes),
                cmocka_unit_test(issuers_are_told_to_those_who_ask),
                cmocka_unit_test(a_record_that_cannot_be_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
