// SPDX-License-Identifier: Apache-2.0
/*
 * The world when words come late: writes of ours before the watch, definitions that are not there, lists
 * after a gap. In the end it is what the server has.
 */
#include "world_scene.h"

#include <malloc.h>

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void frame(struct world_scene *scene, const char *resource, const char *type, char *object)
{
        world_scene_frame(scene, resource, type, object);
        mem_free(object);
}

static void list_object(struct world_scene *scene, const char *resource, const char *version, char *object)
{
        world_scene_list(scene, resource, version, object);
        mem_free(object);
}

static void note(struct world_scene *scene, void (*fn)(struct world *, const cJSON *), char *object)
{
        AUTO(json_free_p) cJSON *tree = cJSON_Parse(object);

        fn(scene->world, tree);
        mem_free(object);
}

static int64_t generation(struct world_scene *scene)
{
        struct observed seen = world_scene_observe(scene, "demo/px");
        const int64_t is = seen.record == NULL ? -1 : seen.record->generation;

        world_observed_done(&seen);
        return is;
}

static void older_words_do_not_count(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        world_scene_list_rest(scene);
        frame(scene, "configmaps", "ADDED", world_scene_record("px", 9, "{\"generation\":1}"));
        note(scene, world_note_record, world_scene_record("px", 12, "{\"generation\":3}"));
        world_scene_expect(scene, "demo/px demo/px ");
        assert_int_equal(generation(scene), 3);
        frame(scene, "configmaps", "MODIFIED", world_scene_record("px", 10, "{\"generation\":2}"));
        frame(scene, "configmaps", "MODIFIED", world_scene_record("px", 12, "{\"generation\":3}"));
        world_scene_expect(scene, "");
        assert_int_equal(generation(scene), 3);
        note(scene, world_note_record, world_scene_record("px", 11, "{\"generation\":2}"));
        assert_int_equal(generation(scene), 3);
        frame(scene, "configmaps", "DELETED", world_scene_record("px", 11, "{\"generation\":2}"));
        assert_int_equal(generation(scene), 3);
        frame(scene, "configmaps", "ADDED", world_scene_record("px", 100, "{\"generation\":4}"));
        assert_int_equal(generation(scene), 4);
        frame(scene, "configmaps", "DELETED", world_scene_record("px", 101, "{\"generation\":4}"));
        assert_int_equal(scene->world->n, 0);
        world_scene_finish(scene);
}

/* Who knows what a version is: then the last word counts. */
static void versions_that_are_no_numbers(void **state UNUSED)
{
        static const char *const versions[] = { "b9", "a7", "12", "c" };
        struct world_scene *scene = world_scene_begin(NULL);

        world_scene_list_rest(scene);
        for (int i = 0; i < 4; i++) {
                AUTO(mem_free_p)
                char *object = mem_printf("{\"metadata\":{\"namespace\":\"demo\",\"name\":\"px-certrotate\","
                                          "\"resourceVersion\":\"%s\"},\"data\":{\"record.json\":"
                                          "\"{\\\"generation\\\":%d}\"}}",
                                          versions[i], i);

                world_scene_frame(scene, "configmaps", "MODIFIED", object);
                assert_int_equal(generation(scene), i);
        }
        world_scene_finish(scene);
}

static void requests_and_certificates_too(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);
        struct observed seen;

        world_scene_list_rest(scene);
        note(scene, world_note_request, world_scene_request("a", "px", 7, "Progressing"));
        frame(scene, PX_REQUESTS, "ADDED", world_scene_request("a", "px", 6, "Pending"));
        note(scene, world_note_certificate, world_scene_certificate("px-server-cert", "px", 7));
        note(scene, world_note_request, mem_strdup("{\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"}}"));
        note(scene, world_note_record, mem_strdup("{\"metadata\":{\"name\":\"px-certrotate\"}}"));
        seen = world_scene_observe(scene, "demo/px");
        assert_int_equal(seen.requests[0]->phase, REQUEST_PROGRESSING);
        assert_int_equal(seen.n_certificates, 1);
        assert_null(seen.record_version);
        world_observed_done(&seen);
        world_scene_finish(scene);
}

/* Lists anew, after the server has forgotten what it told. */
static void lose(struct world_scene *scene, const char *resource)
{
        world_scene_frame(scene, resource, "ERROR", "{\"kind\":\"Status\",\"code\":410}");
}

static void what_a_list_does_not_have(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        world_scene_list_rest(scene);
        frame(scene, "configmaps", "ADDED", world_scene_record("told", 5, "{}"));
        note(scene, world_note_record, world_scene_record("deleted", 6, "{}"));
        note(scene, world_note_record, world_scene_record("fresh", 30, "{}"));
        buf_reset(&scene->changed);
        lose(scene, "configmaps");
        world_scene_list(scene, "configmaps", "20", "");
        assert_int_equal(scene->world->n, 1);
        assert_non_null(world_entry_find(scene->world, "demo", "fresh"));
        assert_non_null(strstr(buf_str(&scene->changed), "demo/told "));
        assert_non_null(strstr(buf_str(&scene->changed), "demo/deleted "));
        world_scene_finish(scene);
}

static void a_list_that_says_the_same_tells_nothing(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        list_object(scene, "configmaps", "9", world_scene_record("px", 5, "{}"));
        world_scene_list_rest(scene);
        buf_reset(&scene->changed);
        lose(scene, "configmaps");
        list_object(scene, "configmaps", "19", world_scene_record("px", 5, "{}"));
        world_scene_expect(scene, "");
        world_scene_finish(scene);
}

static bool is_known(struct world_scene *scene)
{
        struct observed seen = world_scene_observe(scene, "demo/px");
        const bool known = seen.database_known;

        world_observed_done(&seen);
        return known;
}

static void a_definition_that_comes_later(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        world_scene_status(scene, PX, 404);
        list_object(scene, PX_REQUESTS, "5", world_scene_request("a", "px", 4, "Pending"));
        world_scene_list_rest(scene);
        assert_true(world_is_whole(scene->world));
        assert_null(world_trouble(scene->world));
        assert_false(is_known(scene));
        buf_reset(&scene->changed);
        world_scene_status(scene, PX, 404);
        world_scene_expect(scene, "");
        assert_true(world_is_whole(scene->world));
        world_scene_status(scene, PX, 503);
        assert_true(world_is_whole(scene->world));
        list_object(scene, PX, "7", world_scene_database("px", 6));
        assert_true(is_known(scene));
        world_scene_expect(scene, "demo/px demo/px ");
        world_scene_finish(scene);
}

static void pods_without_a_definition_are_trouble(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);

        world_scene_list_rest(scene);
        lose(scene, "pods");
        world_scene_status(scene, "pods", 404);
        assert_non_null(strstr(world_trouble(scene->world), "pods"));
        world_scene_status(scene, "pods", 404);
        assert_non_null(strstr(world_trouble(scene->world), "pods"));
        world_scene_list(scene, "pods", "9", "");
        assert_null(world_trouble(scene->world));
        world_scene_finish(scene);
}

static void one_404_ends_no_request(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);
        struct observed seen;

        list_object(scene, PX_REQUESTS, "5", world_scene_request("a", "px", 4, "Pending"));
        world_scene_list_rest(scene);
        world_scene_status(scene, PX_REQUESTS, 404);
        assert_false(world_is_whole(scene->world));
        assert_non_null(strstr(world_trouble(scene->world), PX_REQUESTS));
        seen = world_scene_observe(scene, "demo/px");
        assert_int_equal(seen.n_requests, 1);
        world_observed_done(&seen);
        buf_reset(&scene->changed);
        list_object(scene, PX_REQUESTS, "8", world_scene_request("b", "px", 7, "Pending"));
        assert_true(world_is_whole(scene->world));
        seen = world_scene_observe(scene, "demo/px");
        assert_int_equal(seen.n_requests, 1);
        assert_string_equal(seen.requests[0]->name, "b");
        world_observed_done(&seen);
        world_scene_expect(scene, "demo/px ");
        world_scene_status(scene, PX_REQUESTS, 404);
        world_scene_status(scene, PX_REQUESTS, 404);
        assert_true(world_is_whole(scene->world));
        assert_null(world_trouble(scene->world));
        assert_int_equal(scene->world->n, 0);
        world_scene_finish(scene);
}

/* Anything in any order; the model is a table of what is there. */

#define NAMES     12
#define DATABASES 4

static unsigned next_random(unsigned *seed)
{
        *seed = *seed * 1103515245U + 12345U;
        return *seed >> 16;
}

static char *object_of(int kind, int name, int database, int version)
{
        char of[16], called[16];

        (void)snprintf(of, sizeof(of), "db%d", database);
        (void)snprintf(called, sizeof(called), "n%d", name);
        switch (kind) {
        case 0:
                return world_scene_pod(called, of, version, "{}");
        case 1:
                return world_scene_certificate(called, of, version);
        default:
                return world_scene_request(called, of, version, version % 2 == 0 ? "Pending" : "Failed");
        }
}

static void assert_model(struct world_scene *scene, int model[3][NAMES])
{
        for (int database = 0; database < DATABASES; database++) {
                size_t n[3] = { 0 };
                struct observed seen = { .n_pods = 0 };
                char key[24];

                (void)snprintf(key, sizeof(key), "demo/db%d", database);
                for (int i = 0; i < 3 * NAMES; i++)
                        n[i / NAMES] += model[i / NAMES][i % NAMES] == database;
                assert_int_equal(world_observe(scene->world, key, (struct wall){ 1 }, &seen),
                                 n[0] + n[1] + n[2] > 0);
                assert_int_equal(seen.n_pods, n[0]);
                assert_int_equal(seen.n_certificates, n[1]);
                assert_int_equal(seen.n_requests, n[2]);
                for (size_t i = 1; i < seen.n_pods; i++)
                        assert_true(strcmp(seen.pods[i - 1]->name, seen.pods[i]->name) < 0);
                world_observed_done(&seen);
        }
}

static void whatever_is_told(void **state UNUSED)
{
        static const char *const resources[] = { "pods", "certificates", PX_REQUESTS };
        struct world_scene *scene = world_scene_begin(NULL);
        unsigned seed = 9;
        int model[3][NAMES];

        memset(model, -1, sizeof(model));
        world_scene_list_rest(scene);
        for (int version = 2; version < 1500; version++) {
                const int kind = (int)(next_random(&seed) % 3), name = (int)(next_random(&seed) % NAMES);
                const int database = (int)(next_random(&seed) % DATABASES);
                const bool goes = model[kind][name] >= 0 && next_random(&seed) % 2 == 0;

                frame(scene, resources[kind], goes ? "DELETED" : "MODIFIED",
                      object_of(kind, name, goes ? model[kind][name] : database, version));
                model[kind][name] = goes ? -1 : database;
                assert_model(scene, model);
        }
        world_scene_finish(scene);
}

/* What an idle database costs. */

#define DATABASES_MEASURED 1000
#define BYTES_MAX          8192

static size_t allocated(void)
{
        return __sanitizer_get_current_allocated_bytes != NULL ? __sanitizer_get_current_allocated_bytes()
                                                               : mallinfo2().uordblks;
}

static void add_database(struct world_scene *scene, int i)
{
        static const char report[] =
                "{\"agent\":\"0.1.0\",\"instance\":\"px\",\"database\":\"perconaxtradb\",\"tls\":\"on\","
                "\"plan\":{\"request\":\"\",\"generation\":4,\"done\":true},\"step\":\"idle\","
                "\"engine\":{\"version\":\"8.4.3\",\"role\":\"primary\",\"members\":3},"
                "\"lastRotation\":{\"result\":\"success\",\"at\":\"2026-11-22T10:00:00Z\"}}";
        AUTO(mem_free_p) char *database = mem_printf("customer-%05d-database", i);
        AUTO(mem_free_p) char *server = mem_printf("%s-server-cert", database);
        AUTO(mem_free_p) char *client = mem_printf("%s-client-cert", database);
        AUTO(mem_free_p) char *request = mem_printf("%s-20261122-rotate-tls-auto", database);
        AUTO(mem_free_p)
        char *record = mem_printf("{\"mode\":\"on\",\"generation\":4,\"served\":[{\"name\":\"%s\",\"uid\":"
                                  "\"c35f1a1e-3c40-4a3f-8f0e-0f5d7c1b2a39\",\"revision\":2},{\"name\":\"%s\","
                                  "\"uid\":\"c35f1a1e-3c40-4a3f-8f0e-0f5d7c1b2a40\",\"revision\":2}]}",
                                  server, client);

        for (int k = 0; k < 3; k++) {
                AUTO(mem_free_p) char *pod = mem_printf("%s-%d", database, k);

                frame(scene, "pods", "ADDED", world_scene_pod(pod, database, 10000000 + i, report));
        }
        frame(scene, "certificates", "ADDED", world_scene_certificate(server, database, 10000000 + i));
        frame(scene, "certificates", "ADDED", world_scene_certificate(client, database, 10000000 + i));
        frame(scene, "configmaps", "ADDED", world_scene_record(database, 10000000 + i, record));
        frame(scene, PX_REQUESTS, "ADDED",
              world_scene_request(request, database, 10000001 + 2 * i, "Successful"));
}

static void an_idle_database_is_small(void **state UNUSED)
{
        struct world_scene *scene = world_scene_begin(NULL);
        size_t before, each;

        world_scene_list_rest(scene);
        before = allocated();
        for (int i = 0; i < DATABASES_MEASURED; i++) {
                add_database(scene, i);
                buf_reset(&scene->changed);
        }
        each = (allocated() - before) / DATABASES_MEASURED;
        print_message("an idle database: %zu bytes%s\n", each,
                      __sanitizer_get_current_allocated_bytes != NULL ? ", without malloc's own" : "");
        assert_int_equal(world_counts(scene->world).pods, 3 * DATABASES_MEASURED);
        assert_int_equal(world_counts(scene->world).requests[REQUEST_SUCCESSFUL], DATABASES_MEASURED);
        assert_in_range(each, 1, BYTES_MAX);
        world_scene_finish(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(older_words_do_not_count),
                cmocka_unit_test(versions_that_are_no_numbers),
                cmocka_unit_test(requests_and_certificates_too),
                cmocka_unit_test(what_a_list_does_not_have),
                cmocka_unit_test(a_list_that_says_the_same_tells_nothing),
                cmocka_unit_test(a_definition_that_comes_later),
                cmocka_unit_test(pods_without_a_definition_are_trouble),
                cmocka_unit_test(one_404_ends_no_request),
                cmocka_unit_test(whatever_is_told),
                cmocka_unit_test(an_idle_database_is_small),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
