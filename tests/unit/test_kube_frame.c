// SPDX-License-Identifier: Apache-2.0
/*
 * agent/kube/frame.c and told.c: documents found whatever the pieces, refused whole when they are not as
 * documented, no memory kept after a large one; and the set of what was told against a naive one.
 */
#include "kube/told.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* All documents found, each followed by '|'. */
static void drain(struct kube_frames *frames, struct buf *found)
{
        struct err err = ERR_INIT;
        const char *text;
        size_t len;
        int result;

        while ((result = kube_frames_next(frames, &text, &len, &err)) == 1) {
                buf_add(found, text, len);
                buf_add_char(found, '|');
        }
        assert_int_equal(result, 0);
}

static void pieces(void **state UNUSED)
{
        static const struct {
                const char *stream;
                const char *documents;
                bool is_cut;
        } cases[] = {
                { "", "", false },
                { "\n\n \r\n", "", false },
                { "{}\n", "{}|", false },
                { "{}\r\n[1]\n\nx\n", "{}\r|[1]|x|", false },
                { "{\"a\":\"b\"}\n{\"c\":1}\n", "{\"a\":\"b\"}|{\"c\":1}|", false },
                { "{\"a\":1}\n{\"b\"", "{\"a\":1}|", true },
                { "{\"a\"", "", true },
                { "{}\n ", "{}|", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const size_t len = strlen(cases[i].stream);

                /* In pieces of each size; the last round is the whole in one. */
                for (size_t step = 1; step <= len + 1; step++) {
                        struct kube_frames frames = KUBE_FRAMES_INIT;
                        AUTO(buf_done_p) struct buf found = BUF_INIT(1024);

                        for (size_t at = 0; at < len; at += step) {
                                /* A copy of its own, so that reading behind it is seen. */
                                const size_t n = len - at < step ? len - at : step;
                                AUTO(mem_free_p) char *piece = mem_dup(cases[i].stream + at, n);

                                kube_frames_feed(&frames, piece, n);
                                drain(&frames, &found);
                        }
                        assert_string_equal(buf_str(&found), cases[i].documents);
                        assert_int_equal(kube_frames_is_cut(&frames), cases[i].is_cut);
                        kube_frames_done(&frames);
                }
        }
}

static int feed_long(struct kube_frames *frames, size_t len, size_t step, size_t *found)
{
        AUTO(mem_free_p) char *piece = mem_new(step);
        struct err err = ERR_INIT;
        const char *text;
        int result;

        memset(piece, 'x', step);
        for (size_t at = 0; at < len; at += step) {
                kube_frames_feed(frames, piece, len - at < step ? len - at : step);
                if (kube_frames_next(frames, &text, found, &err) == -1)
                        return err.kind == ERR_LIMIT ? -1 : -2;
        }
        kube_frames_feed(frames, "\n", 1);
        result = kube_frames_next(frames, &text, found, &err);
        if (result == -1)
                return err.kind == ERR_LIMIT ? -1 : -2;
        assert_int_equal(result, 1);
        assert_int_equal(text[*found - 1], 'x');
        return kube_frames_next(frames, &text, &len, &err);
}

static void memory(void **state UNUSED)
{
        static const size_t steps[] = { 10000, 65536, KUBE_FRAME_MAX_BYTES + 8 };
        struct kube_frames frames = KUBE_FRAMES_INIT;
        struct err err = ERR_INIT;
        const char *text;
        size_t len = 0;

        for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
                assert_int_equal(feed_long(&frames, KUBE_FRAME_MAX_BYTES, steps[i], &len), 0);
                assert_int_equal(len, KUBE_FRAME_MAX_BYTES);
                assert_true(frames.rest.room <= 16384);
                assert_int_equal(feed_long(&frames, KUBE_FRAME_MAX_BYTES + 1, steps[i], &len), -1);
                kube_frames_done(&frames);
                assert_int_equal(frames.rest.room, 0);
        }
        /* The same with its end in the same piece. */
        for (size_t n = KUBE_FRAME_MAX_BYTES; n <= KUBE_FRAME_MAX_BYTES + 1; n++) {
                AUTO(mem_free_p) char *piece = mem_new(n + 1);

                memset(piece, 'x', n);
                piece[n] = '\n';
                kube_frames_feed(&frames, piece, n + 1);
                assert_int_equal(kube_frames_next(&frames, &text, &len, &err),
                                 n == KUBE_FRAME_MAX_BYTES ? 1 : -1);
                kube_frames_done(&frames);
        }
        /* One that comes whole is not copied. */
        kube_frames_feed(&frames, "{\"a\":1}\n{}\n", 11);
        assert_int_equal(kube_frames_next(&frames, &text, &len, &err), 1);
        assert_int_equal(frames.rest.room, 0);
        kube_frames_done(&frames);
}

#define META(name, version) "\"metadata\":{\"name\":" name ",\"resourceVersion\":" version "}"
#define NAMES_63            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
        const char *text;
        int type; /* -1: refused */
        const char *name;
        const char *version;
} frame_cases[] = {
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"5\"") "}}", KUBE_FRAME_ADDED, "a", "5" },
        { "{\"object\":{" META("\"a.b\"", "\"5\"") "},\"type\":\"MODIFIED\",\"x\":1}", KUBE_FRAME_MODIFIED,
          "a.b", "5" },
        { "{\"type\":\"DELETED\",\"object\":{" META("\"a\"", "\"x-1_2.~Z\"") "}}", KUBE_FRAME_DELETED, "a",
          "x-1_2.~Z" },
        { "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Secret\",\"metadata\":{\"resourceVersion\":"
          "\"77\",\"creationTimestamp\":null}}}",
          KUBE_FRAME_BOOKMARK, NULL, "77" },
        { "{\"type\":\"ERROR\",\"object\":{\"code\":410}}", KUBE_FRAME_ERROR, NULL, NULL },
        { "{\"type\":\"ERROR\",\"object\":{}}", KUBE_FRAME_ERROR, NULL, NULL },
        { "", -1, NULL, NULL },
        { "null", -1, NULL, NULL },
        { "[]", -1, NULL, NULL },
        { "{}", -1, NULL, NULL },
        { "<html>", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"5\"") "}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"5\"") "}}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"5\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"added\",\"object\":{" META("\"a\"", "\"5\"") "}}", -1, NULL, NULL },
        { "{\"type\":7,\"object\":{" META("\"a\"", "\"5\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"NEWS\",\"object\":{" META("\"a\"", "\"5\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\"}", -1, NULL, NULL },
        { "{\"type\":\"ERROR\"}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":null}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{\"metadata\":[]}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"\"", "\"5\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("1", "\"5\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "5") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"5&x=1\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"5 \"") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"a\"", "\"" NAMES_63 "1\"") "}}", -1, NULL, NULL },
        { "{\"type\":\"ADDED\",\"object\":{" META("\"" NAMES_63 NAMES_63 NAMES_63 NAMES_63 "aa\"",
                                                  "\"5\"") "}}",
          -1, NULL, NULL },
        { "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{}}}", -1, NULL, NULL },
};

static void frames_parsed(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(frame_cases); i++) {
                struct kube_frame frame = { .tree = NULL };
                struct err err = ERR_INIT;

                if (kube_frame_parse(frame_cases[i].text, strlen(frame_cases[i].text), &frame, &err) != 0) {
                        if (frame_cases[i].type != -1)
                                fail_msg("'%s': %s", frame_cases[i].text, err.text);
                        assert_int_equal(err.kind, ERR_PARSE);
                        assert_null(frame.tree);
                        continue;
                }
                if (frame_cases[i].type != (int)frame.type)
                        fail_msg("'%s' was taken", frame_cases[i].text);
                if (frame_cases[i].name != NULL)
                        assert_string_equal(frame.id.name, frame_cases[i].name);
                if (frame_cases[i].version != NULL)
                        assert_string_equal(frame.id.version, frame_cases[i].version);
                kube_frame_done(&frame);
        }
}

static void statuses(void **state UNUSED)
{
        static const struct {
                const char *status;
                int code;
                int64_t retry_after_ms;
        } cases[] = {
                { "{\"code\":410,\"message\":\"too old\"}", 410, 0 },
                { "{\"code\":429,\"details\":{\"retryAfterSeconds\":7}}", 429, 7000 },
                { "{\"code\":429,\"details\":{\"retryAfterSeconds\":-7}}", 429, 0 },
                { "{\"code\":500,\"details\":{\"retryAfterSeconds\":99999999999}}", 500, 0 },
                { "{}", 500, 0 },
                { "{\"code\":200}", 500, 0 },
                { "{\"code\":9999}", 500, 0 },
                { "{\"code\":\"410\",\"details\":[]}", 500, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *text = mem_printf("{\"type\":\"ERROR\",\"object\":%s}", cases[i].status);
                AUTO(mem_free_p) char *body = NULL;
                struct kube_frame frame;
                struct kube_answer answer;
                struct err err = ERR_INIT;

                assert_int_equal(kube_frame_parse(text, strlen(text), &frame, &err), 0);
                kube_frame_status(&frame, &answer, &body);
                kube_frame_done(&frame);
                assert_int_equal(answer.status, cases[i].code);
                assert_int_equal(answer.retry_after_ms, cases[i].retry_after_ms);
                assert_string_equal(answer.body, cases[i].status);
                assert_int_equal(answer.len, strlen(cases[i].status));
        }
}

static void pages(void **state UNUSED)
{
        static const struct {
                const char *text;
                int n; /* -1: refused */
                const char *more;
        } cases[] = {
                { "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[]}", 0, NULL },
                { "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":null}", 0, NULL },
                { "{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"\"},\"items\":[{" META(
                          "\"a\"", "\"1\"") "}]}",
                  1, NULL },
                { "{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"e==\"},\"items\":[{" META(
                          "\"a\"", "\"1\"") "},{" META("\"b\"", "\"2\"") "}]}",
                  2, "e==" },
                { "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[{" META("\"a\"",
                                                                                "\"1\"") "},{\"x\":1}]}",
                  -1, NULL },
                { "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[7]}", -1, NULL },
                { "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":{}}", -1, NULL },
                { "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":[", -1, NULL },
                { "{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"9\"}}", -1, NULL },
                { "{\"metadata\":{},\"items\":[]}", -1, NULL },
                { "{\"items\":[]}", -1, NULL },
                { "[]", -1, NULL },
                { "", -1, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct kube_page page = { .tree = NULL };
                struct err err = ERR_INIT;
                const int result = kube_page_parse(cases[i].text, strlen(cases[i].text), &page, &err);

                if ((result == 0) != (cases[i].n >= 0))
                        fail_msg("'%s': %d %s", cases[i].text, result, err.text);
                if (result != 0)
                        continue;
                assert_int_equal(cJSON_GetArraySize(page.items), cases[i].n);
                assert_string_equal(page.version, "9");
                assert_int_equal(page.more == NULL, cases[i].more == NULL);
                if (page.more != NULL)
                        assert_string_equal(page.more, cases[i].more);
                kube_page_done(&page);
        }
}

#define MODEL 64

/* Random notes and drops over 8 namespaces of 8 names, compared with an array of versions. */
static void told_against_a_model(void **state UNUSED)
{
        AUTO(kube_told_done_p) struct kube_told told = KUBE_TOLD_INIT;
        int versions[MODEL] = { 0 };
        unsigned seed = 12345;
        struct err err = ERR_INIT;
        size_t n = 0;

        for (int i = 0; i < 20000; i++) {
                char namespace[16], name[8], version[16];
                const struct kube_id id = { namespace, name, version };
                int at, wanted;
                bool is_news = false;

                seed = seed * 1103515245U + 12345U;
                at = (int)(seed >> 16) % MODEL;
                wanted = (int)(seed >> 8) % 4;
                (void)snprintf(namespace, sizeof(namespace), "n%.*s", at / 8, "aaaaaaa");
                (void)snprintf(name, sizeof(name), "%c", 'a' + at % 8);
                (void)snprintf(version, sizeof(version), "%d", wanted * 37);
                if (wanted == 0) {
                        assert_int_equal(kube_told_drop(&told, &id), versions[at] != 0);
                        n -= versions[at] != 0;
                } else {
                        assert_int_equal(kube_told_put(&told, &id, &is_news, &err), 0);
                        assert_int_equal(is_news, versions[at] != wanted);
                        n += versions[at] == 0;
                }
                versions[at] = wanted;
                assert_int_equal(told.n, n);
        }
}

static void told_sweeps(void **state UNUSED)
{
        AUTO(kube_told_done_p) struct kube_told told = KUBE_TOLD_INIT;
        AUTO(kube_told_done_p) struct kube_told gone = KUBE_TOLD_INIT;
        struct err err = ERR_INIT;
        char name[16];
        struct kube_id id = { "", name, "1" };
        bool is_news;

        /* Backwards, the worst order. */
        for (int i = KUBE_TOLD_MAX; i > 0; i--) {
                (void)snprintf(name, sizeof(name), "%08d", i);
                assert_int_equal(kube_told_put(&told, &id, &is_news, &err), 0);
        }
        (void)snprintf(name, sizeof(name), "zz");
        assert_int_equal(kube_told_put(&told, &id, &is_news, &err), -1);
        assert_int_equal(err.kind, ERR_LIMIT);
        kube_told_unmark(&told);
        for (int i = 2; i <= KUBE_TOLD_MAX; i += 2) {
                (void)snprintf(name, sizeof(name), "%08d", i);
                assert_int_equal(kube_told_put(&told, &id, &is_news, &err), 0);
                assert_false(is_news);
        }
        kube_told_sweep(&told, &gone);
        assert_int_equal(told.n, KUBE_TOLD_MAX / 2);
        assert_int_equal(gone.n, KUBE_TOLD_MAX / 2);
        assert_string_equal(kube_told_at(&gone, 1).name, "00000003");
        assert_string_equal(kube_told_at(&told, 1).name, "00000004");
        assert_string_equal(kube_told_at(&told, 1).version, "1");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(pieces),        cmocka_unit_test(memory),
                cmocka_unit_test(frames_parsed), cmocka_unit_test(statuses),
                cmocka_unit_test(pages),         cmocka_unit_test(told_against_a_model),
                cmocka_unit_test(told_sweeps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
