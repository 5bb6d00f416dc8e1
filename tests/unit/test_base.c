// SPDX-License-Identifier: Apache-2.0
/*
 * base/: strict JSON, numbers, durations, times, buffers.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/num.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void json_refuses_what_cjson_takes(void **state UNUSED)
{
        static const char *const bad[] = {
                "{\"a\":1,\"a\":2}", "\"x\\u0000y\"", "9007199254740993000", "1e999", "{} {}", "", "[1,]",
                "{\"a\"}",
        };
        struct err err;
        cJSON *tree;

        for (size_t i = 0; i < ARRAY_LEN(bad); i++)
                assert_int_equal(json_parse(bad[i], strlen(bad[i]), &tree, &err), -1);
        assert_int_equal(json_parse(" {\"a\": [1, true]} \n", 19, &tree, &err), 0);
        assert_int_equal(json_get_int(tree, "A", -7), -7);
        json_free(tree);
}

static void durations(void **state UNUSED)
{
        static const struct {
                const char *text;
                int64_t ms;
        } cases[] = { { "300ms", 300 },    { "1m30s", 90000 }, { "24h", 86400000 }, { "0", 0 },
                      { "7d", 604800000 }, { "", -1 },         { "5", -1 },         { "1x", -1 },
                      { "-1s", -1 },       { "9999d", -1 },    { "1s ", -1 } };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct err err;
                int64_t ms = -1;

                assert_int_equal(num_parse_duration(cases[i].text, &ms, &err), cases[i].ms < 0 ? -1 : 0);
                assert_int_equal(ms, cases[i].ms);
        }
}

static void times(void **state UNUSED)
{
        struct wall at;
        struct err err;
        char text[CLOCK_TEXT_MAX];

        assert_int_equal(clock_parse("2026-11-22T10:00:00Z", &at, &err), 0);
        assert_string_equal(clock_format(at, text), "2026-11-22T10:00:00Z");
        assert_int_equal(clock_parse("2026-11-22T12:00:00.5+02:00", &at, &err), 0);
        assert_string_equal(clock_format(at, text), "2026-11-22T10:00:00Z");
        assert_int_equal(clock_parse("2026-11-22", &at, &err), -1);
        assert_int_equal(clock_parse("2026-11-22T10:00:00", &at, &err), -1);
}

static void buffers_stop_at_their_maximum(void **state UNUSED)
{
        struct buf buf = BUF_INIT(8);

        buf_add_str(&buf, "12345678");
        assert_false(buf.overflow);
        buf_add_str(&buf, "9");
        assert_true(buf.overflow);
        assert_string_equal(buf_str(&buf), "12345678");
        buf_done(&buf);
        buf = (struct buf)BUF_INIT(64);
        buf_add_json(&buf, "a\"\n\xff\xc3\xa4\x01");
        assert_string_equal(buf_str(&buf), "\"a\\\"\\n\\ufffd\xc3\xa4\\u0001\"");
        buf_done(&buf);
}

/* The temporary file may hold a private key. */
static void failed_rename_leaves_no_file(void **state UNUSED)
{
        static const struct fs_attr attr = { 0600, FS_KEEP, (gid_t)FS_KEEP };
        char dir[] = "/tmp/certrotate-base-XXXXXX";
        AUTO(close_fd_p) int fd = -1;
        struct err err;

        assert_non_null(mkdtemp(dir));
        assert_int_equal(fs_open_dir(dir, &fd, &err), 0);
        assert_int_equal(mkdirat(fd, "taken", 0700), 0);
        assert_int_equal(fs_replace_at(fd, "taken", "key", 3, &attr, &err), -1);
        assert_int_equal(err.kind, ERR_IO);
        assert_int_equal(unlinkat(fd, "taken", AT_REMOVEDIR), 0);
        assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(json_refuses_what_cjson_takes), cmocka_unit_test(durations),
                cmocka_unit_test(failed_rename_leaves_no_file),  cmocka_unit_test(times),
                cmocka_unit_test(buffers_stop_at_their_maximum),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
