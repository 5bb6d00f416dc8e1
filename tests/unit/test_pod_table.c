// SPDX-License-Identifier: Apache-2.0
/*
 * agent/cli/pod_*: many pods in all states as tables for people (golden), the words and exit codes one by
 * one, and lists that change. tests/golden/pods.json holds the pods in short. UPDATE_GOLDEN=1 writes the
 * golden files anew.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/pod_state.h"
#include "cli/pod_summary.h"
#include "cli/pod_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

#define NOW      ((struct wall){ 1795341600 }) /* 2026-11-22T10:00:00Z */
#define PAGE_MAX ((size_t)1 << 20)

static cJSON *load(void)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(PAGE_MAX);
        cJSON *tree = NULL;
        struct err err;

        assert_int_equal(fs_read(GOLDEN_DIR "/pods.json", PAGE_MAX / 2, &text, &err), 0);
        assert_int_equal(json_parse(buf_str(&text), text.len, &tree, &err), 0);
        return tree;
}

static void add(cJSON *object, const char *key, const char *value)
{
        if (value != NULL)
                json_add_str(object, key, value);
}

/* As the API server tells it. */
static cJSON *pod_of(const cJSON *brief)
{
        cJSON *pod = json_object();
        cJSON *meta = json_object();
        cJSON *labels = json_object();
        cJSON *annotations = json_object();
        cJSON *status = json_object();
        const cJSON *report = json_get(brief, "report");

        add(meta, "namespace", json_get_str(brief, "namespace"));
        add(meta, "name", json_get_str(brief, "pod"));
        add(meta, "deletionTimestamp", json_get_str(brief, "deleted"));
        add(labels, "app.kubernetes.io/instance", json_get_str(brief, "database"));
        add(annotations, "certrotate.io/inject", json_get_str(brief, "inject"));
        add(annotations, "certrotate.io/report", json_get_str(brief, "text"));
        if (report != NULL) {
                AUTO(mem_free_p) char *text = json_print(report, false);

                json_add_str(annotations, "certrotate.io/report", text);
        }
        add(status, "phase", json_get_str(brief, "phase"));
        json_add(meta, "labels", labels);
        json_add(meta, "annotations", annotations);
        json_add(pod, "metadata", meta);
        json_add(pod, "status", status);
        return pod;
}

static void put(struct pod_list *list, const cJSON *brief)
{
        AUTO(json_free_p) cJSON *pod = pod_of(brief);

        pod_list_put(list, pod);
}

static void put_all(struct pod_list *list)
{
        AUTO(json_free_p) cJSON *pods = load();
        const cJSON *one;

        cJSON_ArrayForEach(one, pods)
        {
                put(list, one);
        }
        pod_list_sort(list);
}

static size_t characters(const char *line, size_t bytes)
{
        size_t n = 0;

        for (size_t i = 0; i < bytes; i++)
                n += ((unsigned char)line[i] & 0xc0) != 0x80;
        return n;
}

static void check_width(const char *text, size_t width)
{
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
                if (characters(line, strcspn(line, "\n")) > width)
                        fail_msg("wider than %zu: %.*s", width, (int)strcspn(line, "\n"), line);
}

static void tables_for_people(void **state UNUSED)
{
        static const struct {
                const char *golden;
                struct pod_table view;
        } cases[] = {
                { "pods.txt", { .now = NOW } },
                { "pods-narrow.txt", { .now = NOW, .width = 76 } },
                { "pods-wide.txt", { .now = NOW, .width = 72, .wide = true } },
                { "pods-all.txt", { .now = NOW, .width = 120, .namespaces = true } },
        };
        AUTO(pod_list_done_p) struct pod_list list = { 0 };

        put_all(&list);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(buf_done_p) struct buf out = BUF_INIT(PAGE_MAX);

                pod_table_render(&list, &cases[i].view, &out);
                testgolden_compare(cases[i].golden, buf_str(&out));
                assert_null(strchr(buf_str(&out), '\033')); /* nothing from outside gets through raw */
                if (!cases[i].view.wide)
                        check_width(buf_str(&out),
                                    cases[i].view.width == 0 ? POD_TABLE_WIDTH : cases[i].view.width);
        }
}

static void colours_only_when_asked(void **state UNUSED)
{
        AUTO(pod_list_done_p) struct pod_list list = { 0 };
        AUTO(buf_done_p) struct buf out = BUF_INIT(PAGE_MAX);

        put_all(&list);
        pod_table_render(&list, &(struct pod_table){ .now = NOW, .color = true }, &out);
        assert_int_equal(strncmp(buf_str(&out), "\033[31m", 5), 0); /* the first line is bad news */
        assert_non_null(strstr(buf_str(&out), "\033[32myes\033[0m"));
        assert_non_null(strstr(buf_str(&out), "\033[31mdegraded\033[0m"));
}

static void empty_namespace(void **state UNUSED)
{
        AUTO(pod_list_done_p) struct pod_list list = { 0 };
        AUTO(buf_done_p) struct buf out = BUF_INIT(PAGE_MAX);
        AUTO(json_free_p) cJSON *tree = pod_summary_json(&list, NOW);
        AUTO(mem_free_p) char *text = json_print(tree, false);

        pod_table_render(&list, &(struct pod_table){ .now = NOW }, &out);
        assert_string_equal(buf_str(&out), "no pods\n");
        assert_string_equal(text, "{\"items\":[]}");
        assert_false(pod_summary_is_well(&list, NOW));
}

static void words_and_wellness(void **state UNUSED)
{
        static const struct {
                const char *pod;
                const char *word;
                bool well;
        } cases[] = {
                { "orders-10", "idle", true },
                { "orders-2", "refused", true }, /* as the agent's own readiness: the old one is served */
                { "orders-1", "ends soon", true },
                { "px-0", "idle", true },
                { "px-1", "apply", false },
                { "px-3", "waiting", true },
                { "sdb-0", "degraded", false },
                { "sdb-1", "rolling back", false },
                { "sdb-2", "rolled back", true },
                { "sdb-3", "failed", true },
                { "old-0", "expired", false },
                { "old-1", "differs", false },
                { "old-2", "not served", false },
                { "old-3", "restart due", true },
                { "plain-0", "idle", true },
                { "plain-1", "differs", false }, /* TLS should be off */
                { "plain-2", "idle", true },
                { "plain-3", "error", true },
                { "new-0", "no report", false },
                { "new-1", "pending", false },
                { "new-2", "bad report", false },
                { "new-4", "terminating", false },
                { "new-5", "not running", false },
        };
        AUTO(json_free_p) cJSON *pods = load();
        const cJSON *one;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(pod_list_done_p) struct pod_list list = { 0 };
                struct pod_state judged;

                cJSON_ArrayForEach(one, pods)
                {
                        if (strcmp(json_get_str(one, "pod"), cases[i].pod) == 0)
                                put(&list, one);
                }
                assert_int_equal(list.n, 1);
                pod_state_judge(list.pods[0], NOW, &judged);
                if (strcmp(judged.word, cases[i].word) != 0 || judged.well != cases[i].well)
                        fail_msg("%s: %s, %s", cases[i].pod, judged.word, judged.well ? "well" : "not well");
                assert_int_equal(pod_summary_is_well(&list, NOW), cases[i].well);
        }
}

/* Before the certificate is valid, and when it has ended meanwhile. */
static void time_passes(void **state UNUSED)
{
        static const struct {
                const char *now;
                const char *word;
                bool well;
        } cases[] = {
                { "2026-11-12T09:59:59Z", "not served", false },
                { "2026-11-12T10:00:00Z", "idle", true },
                { "2027-01-26T10:00:00Z", "idle", true }, /* a sixth of 90 days exactly */
                { "2027-01-26T10:00:01Z", "ends soon", true },
                { "2027-02-10T09:59:59Z", "ends soon", true },
                { "2027-02-10T10:00:00Z", "expired", false },
        };
        AUTO(pod_list_done_p) struct pod_list list = { 0 };
        AUTO(json_free_p) cJSON *pods = load();

        put(&list, cJSON_GetArrayItem(pods, 0));
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct pod_state judged;
                struct wall now;
                struct err err;

                assert_int_equal(clock_parse(cases[i].now, &now, &err), 0);
                pod_state_judge(list.pods[0], now, &judged);
                if (strcmp(judged.word, cases[i].word) != 0 || judged.well != cases[i].well)
                        fail_msg("%s: %s, %s", cases[i].now, judged.word, judged.well ? "well" : "not well");
        }
}

static void for_programs(void **state UNUSED)
{
        AUTO(pod_list_done_p) struct pod_list list = { 0 };
        AUTO(json_free_p) cJSON *tree = NULL;
        const cJSON *items;
        const cJSON *one;
        size_t reports = 0;

        put_all(&list);
        tree = pod_summary_json(&list, NOW);
        items = json_get(tree, "items");
        assert_int_equal(cJSON_GetArraySize(items), list.n);
        cJSON_ArrayForEach(one, items)
        {
                const char *pod = json_get_str(one, "pod");

                assert_non_null(json_get_str(one, "namespace"));
                reports += json_get_str(json_get(one, "report"), "instance") != NULL;
                if (strcmp(pod, "new-2") == 0)
                        assert_string_equal(json_get_str(one, "problem"), "'step' is no text");
                if (strcmp(pod, "px-1") == 0) {
                        assert_string_equal(json_get_str(one, "state"), "apply");
                        assert_string_equal(json_get_str(one, "database"), "px");
                        assert_true(json_get_bool(json_get(one, "report"), "lag"));
                }
        }
        assert_int_equal(reports, list.n - 4); /* two silent, two garbled */
}

static void wanted_ones(void **state UNUSED)
{
        static char px[] = "px";
        static char pod[] = "sdb-1";
        static char none[] = "nobody";
        char *names[] = { px, pod, none };
        AUTO(pod_list_done_p) struct pod_list list = { .names = names, .n_names = 3 };

        put_all(&list);
        assert_int_equal(list.n, 5);
        assert_string_equal(list.pods[3]->name, "px-3");
        assert_string_equal(list.pods[4]->name, "sdb-1");
        assert_string_equal(pod_list_missing(&list), "nobody");
        list.n_names = 2;
        assert_null(pod_list_missing(&list));
}

/* A pod comes, changes, loses its report, goes; another of that name in another namespace stays. */
static void lists_change(void **state UNUSED)
{
        AUTO(pod_list_done_p) struct pod_list list = { 0 };
        AUTO(json_free_p) cJSON *pods = load();
        cJSON *brief = cJSON_GetArrayItem(pods, 0);

        put(&list, brief);
        cJSON_ReplaceItemInObjectCaseSensitive(brief, "namespace", cJSON_CreateString("other"));
        put(&list, brief);
        assert_int_equal(list.n, 2);
        json_add_str(cJSON_GetObjectItemCaseSensitive(brief, "report"), "new", "member");
        put(&list, brief);
        assert_int_equal(list.n, 2);
        assert_string_equal(json_get_str(list.pods[1]->tree, "new"), "member");
        cJSON_DeleteItemFromObjectCaseSensitive(brief, "report");
        put(&list, brief);
        assert_int_equal(list.n, 1);
        assert_string_equal(list.pods[0]->namespace, "demo");
        pod_list_remove(&list, "other", "orders-10"); /* not in */
        assert_int_equal(list.n, 1);
        pod_list_remove(&list, "demo", "orders-10");
        assert_int_equal(list.n, 0);
}

/* Whatever the server calls a pod. */
static void foreign_objects(void **state UNUSED)
{
        static const char *const texts[] = {
                "null",
                "1",
                "[]",
                "{}",
                "{\"metadata\":[]}",
                "{\"metadata\":{\"annotations\":7,\"labels\":\"x\"}}",
                "{\"metadata\":{\"annotations\":{\"certrotate.io/report\":{}}}}",
                "{\"metadata\":{\"annotations\":{\"certrotate.io/report\":\"\"}},\"status\":3}",
        };
        AUTO(pod_list_done_p) struct pod_list list = { 0 };
        AUTO(buf_done_p) struct buf out = BUF_INIT(PAGE_MAX);

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                AUTO(json_free_p) cJSON *tree = NULL;
                struct err err;

                assert_int_equal(json_parse(texts[i], strlen(texts[i]), &tree, &err), 0);
                pod_list_put(&list, tree);
                pod_list_remove(&list, "", "nobody");
        }
        pod_table_render(&list, &(struct pod_table){ .now = NOW }, &out);
        assert_false(pod_summary_is_well(&list, NOW));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tables_for_people), cmocka_unit_test(colours_only_when_asked),
                cmocka_unit_test(empty_namespace),   cmocka_unit_test(words_and_wellness),
                cmocka_unit_test(time_passes),       cmocka_unit_test(for_programs),
                cmocka_unit_test(wanted_ones),       cmocka_unit_test(lists_change),
                cmocka_unit_test(foreign_objects),
        };

        return cmocka_run_group_tests_name("pod_table", tests, NULL, NULL);
}
