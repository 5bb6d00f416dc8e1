// SPDX-License-Identifier: Apache-2.0
/*
 * Reconfigure requests that wait together: what the one says that they become, and that whoever dies in
 * between leaves each to run once.
 */
#include "request_scene.h"

#include "control/reconcile.h"

#define MAX  6
#define TIME 1795608000 /* 2026-11-25T12:00:00Z */

static const struct reconcile_settings settings = { .step_timeout_ms = 60000, .renewals = true };

struct scene {
        struct request *list[MAX];
        struct observed_pod pod;
        struct observed_pod *pods[1];
        struct observed_database database;
        struct record record;
        struct observed seen;
        struct actions actions;
        char text[6][32];
};

static char *word(struct scene *scene, int i, const char *text)
{
        strncpy(scene->text[i], text, sizeof(scene->text[i]) - 1);
        return scene->text[i];
}

static void open_scene(struct scene *scene)
{
        *scene = (struct scene){ .seen = { .namespace = "demo", .name = "db", .now = { TIME + 60 } } };
        scene->pod = (struct observed_pod){ .name = word(scene, 0, "db-0"),
                                            .uid = word(scene, 1, "p"),
                                            .role = word(scene, 2, ""),
                                            .kind_label = word(scene, 3, "mariadbs.kubedb.com"),
                                            .has_agent = true };
        scene->database =
                (struct observed_database){ .uid = word(scene, 4, "d"), .phase = word(scene, 5, "Ready") };
        scene->pods[0] = &scene->pod;
        record_init(&scene->record);
        scene->seen.pods = scene->pods;
        scene->seen.n_pods = 1;
        scene->seen.requests = scene->list;
        scene->seen.database = &scene->database;
        scene->seen.database_known = true;
        scene->seen.record = &scene->record;
        actions_init(&scene->actions);
}

static void close_scene(struct scene *scene)
{
        for (size_t i = 0; i < scene->seen.n_requests; i++)
                request_free(scene->list[i]);
        actions_done(&scene->actions);
        record_done(&scene->record);
}

/* more: of spec, with a ',' in front. Each a second after the one before. */
static struct request *add_kind(struct scene *scene, const char *kind, const char *name,
                                const char *configuration, const char *more)
{
        AUTO(mem_free_p)
        char *spec = mem_printf("'type':'Reconfigure','configuration':%s%s", configuration, more);
        struct request *request = scene_spec(kind, spec);

        mem_free(request->name);
        request->name = mem_strdup(name);
        request->created.s = TIME + (int64_t)scene->seen.n_requests;
        scene->list[scene->seen.n_requests++] = request;
        return request;
}

static struct request *add(struct scene *scene, const char *name, const char *configuration)
{
        return add_kind(scene, "MariaDB", name, configuration, "");
}

static const struct action *look(struct scene *scene)
{
        actions_done(&scene->actions);
        reconcile(&settings, &scene->seen, &scene->actions);
        return scene->actions.n == 0 ? NULL : &scene->actions.items[0];
}

static void assert_merged(struct scene *scene, const char *name, const char *from, const char *spec)
{
        const struct action *action = look(scene);
        AUTO(json_free_p) cJSON *want = scene_json(spec);

        assert_non_null(action);
        assert_int_equal(action->kind, ACTION_MERGE);
        assert_int_equal(scene->actions.n, 1);
        assert_string_equal(action->name, name);
        assert_string_equal(action->text, from);
        if (!cJSON_Compare(action->spec, want, true)) {
                AUTO(mem_free_p) char *have = json_print(action->spec, false);

                fail_msg("%s", have);
        }
}

static void assert_begins(struct scene *scene, const char *name)
{
        const struct action *action = look(scene);

        assert_non_null(action);
        action = &scene->actions.items[scene->actions.n - 1];
        assert_int_equal(action->kind, ACTION_RECORD);
        assert_string_equal(action->record.request, name);
}

#define SPEC(configuration)                                                                                  \
        "{'type':'Reconfigure','databaseRef':{'name':'db'},'configuration':" configuration                   \
        ",'apply':'IfReady','maxRetries':1}"

static void what_they_say_together(void **state UNUSED)
{
        static const struct {
                const char *kind, *first, *second, *together;
        } cases[] = {
                { "MariaDB", "{'applyConfig':{'a.cnf':'[mysqld]\\nx=1\\ny=1\\n'}}",
                  "{'applyConfig':{'a.cnf':'x=2\\nz=2\\n','b.cnf':'w=2\\n'}}",
                  "{'applyConfig':{'a.cnf':'[mysqld]\\nx=2\\ny=1\\nz=2\\n','b.cnf':'w=2\\n'},'restart':'auto'"
                  "}" },
                { "MariaDB", "{'applyConfig':{'a.cnf':'x=1\\n'}}",
                  "{'applyConfig':{'a.cnf':'[mysqld]\\nx=2\\n'}}",
                  "{'applyConfig':{'a.cnf':'[mysqld]\\nx=2\\n'},'restart':'auto'}" },
                /* A Secret takes the place of a Secret, and of nothing else. */
                { "MariaDB", "{'configSecret':{'name':'s1'},'applyConfig':{'a.cnf':'x=1\\n'}}",
                  "{'configSecret':{'name':'s2'}}",
                  "{'configSecret':{'name':'s2'},'applyConfig':{'a.cnf':'x=1\\n'},'restart':'auto'}" },
                /* Removing drops what came before it, in the requests too. */
                { "MariaDB", "{'configSecret':{'name':'s1'},'applyConfig':{'a.cnf':'x=1\\n'}}",
                  "{'removeCustomConfig':true}", "{'removeCustomConfig':true,'restart':'auto'}" },
                { "MariaDB", "{'configSecret':{'name':'s1'}}",
                  "{'removeCustomConfig':true,'applyConfig':{'a.cnf':'x=2\\n'}}",
                  "{'removeCustomConfig':true,'applyConfig':{'a.cnf':'x=2\\n'},'restart':'auto'}" },
                { "MariaDB", "{'removeCustomConfig':true}", "{'configSecret':{'name':'s2'}}",
                  "{'removeCustomConfig':true,'configSecret':{'name':'s2'},'restart':'auto'}" },
                /* Whoever has to be restarted is. */
                { "MariaDB", "{'removeCustomConfig':true,'restart':'true'}", "{'configSecret':{'name':'s2'}}",
                  "{'removeCustomConfig':true,'configSecret':{'name':'s2'},'restart':'true'}" },
                { "MariaDB", "{'removeCustomConfig':true,'restart':'false'}",
                  "{'configSecret':{'name':'s2'}}",
                  "{'removeCustomConfig':true,'configSecret':{'name':'s2'},'restart':'auto'}" },
                { "MariaDB", "{'removeCustomConfig':true}",
                  "{'configSecret':{'name':'s2'},'restart':'false'}",
                  "{'removeCustomConfig':true,'configSecret':{'name':'s2'},'restart':'false'}" },
                /* Part by part. */
                { "Singlestore", "{'aggregator':{'configSecret':{'name':'s1'}}}",
                  "{'aggregator':{'configSecret':{'name':'s2'}},'leaf':{'removeCustomConfig':true}}",
                  "{'aggregator':{'configSecret':{'name':'s2'},'restart':'auto'},"
                  "'leaf':{'removeCustomConfig':true,'restart':'auto'}}" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *spec = mem_printf(SPEC("%s"), cases[i].together);
                struct scene scene;

                open_scene(&scene);
                add_kind(&scene, cases[i].kind, "a", cases[i].first, "");
                add_kind(&scene, cases[i].kind, "b", cases[i].second, "");
                assert_merged(&scene, "db-rcfg-merged-1795608001000", "a, b", spec);
                close_scene(&scene);
        }
}

static void how_long_and_how_often(void **state UNUSED)
{
        struct scene scene;

        open_scene(&scene);
        add_kind(&scene, "MariaDB", "a", "{'removeCustomConfig':true}", ",'timeout':'1m30s','maxRetries':4");
        add_kind(&scene, "MariaDB", "b", "{'removeCustomConfig':true}", ",'timeout':'10s','maxRetries':0");
        assert_merged(&scene, "db-rcfg-merged-1795608001000", "a, b",
                      "{'type':'Reconfigure','databaseRef':{'name':'db'},'configuration':{'"
                      "removeCustomConfig':true,"
                      "'restart':'auto'},'timeout':'90s','apply':'IfReady','maxRetries':4}");
        close_scene(&scene);
}

/* Those that wait, are sound, and wait for the same. */
static void which_are_merged(void **state UNUSED)
{
        struct scene scene;

        open_scene(&scene);
        add(&scene, "a", "{'removeCustomConfig':true}");
        assert_begins(&scene, "a");
        add(&scene, "wrong", "{}");
        assert_int_equal(look(&scene)->phase, REQUEST_FAILED);
        scene.list[1]->phase = REQUEST_FAILED;
        assert_begins(&scene, "a");
        add_kind(&scene, "MariaDB", "always", "{'removeCustomConfig':true}", ",'apply':'Always'");
        assert_begins(&scene, "a");
        add_kind(&scene, "MariaDB", "tls", "{'removeCustomConfig':true}", "")->type = REQUEST_TLS;
        assert_begins(&scene, "a");
        add(&scene, "b", "{'removeCustomConfig':true}");
        assert_int_equal(look(&scene)->kind, ACTION_MERGE);
        assert_string_equal(look(&scene)->text, "a, b");
        scene.list[4]->phase = REQUEST_PROGRESSING;
        assert_begins(&scene, "a");
        close_scene(&scene);
}

/* From the first look to the last, killed behind each action. */
static void one_runs_once(void **state UNUSED)
{
        struct scene scene;
        const struct action *action;
        struct request *merged;

        open_scene(&scene);
        add(&scene, "aa", "{'configSecret':{'name':'s1'}}");
        add(&scene, "b", "{'configSecret':{'name':'s2'}}");
        add(&scene, "a", "{'configSecret':{'name':'s3'}}")->phase = REQUEST_WAITING;
        look(&scene);
        merged = add(&scene, scene.actions.items[0].name, "{'configSecret':{'name':'s2'}}");
        merged->merged = mem_strdup(scene.actions.items[0].text);
        scene.list[2]->phase = REQUEST_PENDING; /* came meanwhile, and is in none so far */

        action = look(&scene);
        assert_int_equal(scene.actions.n, 3);
        assert_string_equal(action[0].type, "MergedFromOps");
        assert_string_equal(action[0].reason, "ConfigurationMerged");
        assert_string_equal(action[0].text, "aa, b");
        assert_ptr_equal(action[0].request, merged);
        for (int i = 1; i < 3; i++) {
                assert_int_equal(action[i].kind, ACTION_PHASE);
                assert_int_equal(action[i].phase, REQUEST_SKIPPED);
                assert_ptr_equal(action[i].request, scene.list[i - 1]);
                assert_string_equal(action[i].reason, "ConfigurationMerged");
                assert_non_null(strstr(action[i].text, "demo/db-rcfg-merged-1795608001000"));
        }
        scene.list[0]->phase = REQUEST_SKIPPED; /* it was killed behind the first */
        look(&scene);
        assert_int_equal(scene.actions.n, 2);
        assert_ptr_equal(scene.actions.items[1].request, scene.list[1]);
        scene.list[1]->phase = REQUEST_SKIPPED;

        action = look(&scene);
        assert_int_equal(action->kind, ACTION_MERGE);
        assert_string_equal(action->text, "a, db-rcfg-merged-1795608001000");
        scene.list[2]->phase = REQUEST_SKIPPED;
        assert_begins(&scene, merged->name);
        assert_int_equal(scene.actions.n, 3);
        assert_string_equal(scene.actions.items[0].type, "MergedFromOps");
        assert_string_equal(scene.actions.items[1].type, "OriginalOpsSkipped");
        close_scene(&scene);
}

/* A name that is there already is another's. */
static void names_are_free(void **state UNUSED)
{
        struct scene scene;

        open_scene(&scene);
        add(&scene, "a", "{'removeCustomConfig':true}");
        add(&scene, "b", "{'removeCustomConfig':true}");
        add(&scene, "db-rcfg-merged-1795608001000", "{'removeCustomConfig':true}")->phase = REQUEST_FAILED;
        assert_string_equal(look(&scene)->name, "db-rcfg-merged-1795608001001");
        close_scene(&scene);
}

/* More than one request may say: one after the other. */
static void too_much_for_one(void **state UNUSED)
{
        struct scene scene;
        cJSON *files;

        open_scene(&scene);
        add(&scene, "a", "{'applyConfig':{'x.cnf':'a=1\\n'}}");
        add(&scene, "b", "{'applyConfig':{'y.cnf':'a=1\\n'}}");
        files = cJSON_GetObjectItemCaseSensitive(scene.list[1]->spec, "applyConfig");
        for (int i = 0; i < 15; i++) {
                AUTO(mem_free_p) char *name = mem_printf("f%d.cnf", i);

                json_add_str(files, name, "a=1\n");
        }
        assert_begins(&scene, "a");
        close_scene(&scene);
}

/* Whoever goes before they are merged is in none; and when the merged one goes nothing is left. */
static void deleted_meanwhile(void **state UNUSED)
{
        struct scene scene;

        open_scene(&scene);
        add(&scene, "a", "{'removeCustomConfig':true}");
        add(&scene, "b", "{'removeCustomConfig':true}");
        look(&scene);
        scene.seen.n_requests = 1;
        assert_begins(&scene, "a");
        scene.list[0]->phase = scene.list[1]->phase = REQUEST_SKIPPED;
        scene.seen.n_requests = 2;
        assert_null(look(&scene));
        close_scene(&scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_they_say_together), cmocka_unit_test(how_long_and_how_often),
                cmocka_unit_test(which_are_merged),       cmocka_unit_test(one_runs_once),
                cmocka_unit_test(names_are_free),         cmocka_unit_test(too_much_for_one),
                cmocka_unit_test(deleted_meanwhile),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
