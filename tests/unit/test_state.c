// SPDX-License-Identifier: Apache-2.0
/*
 * The state file: what was written is read again, and nothing but that.
 */
#include "rotate/state.h"

#include "base/fs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct place {
        char dir[64];
        char path[96];
};

static int make(void **state)
{
        struct place *place = test_calloc(1, sizeof(*place));

        (void)snprintf(place->dir, sizeof(place->dir), "/tmp/certrotate-state-XXXXXX");
        if (mkdtemp(place->dir) == NULL)
                return -1;
        (void)snprintf(place->path, sizeof(place->path), "%s/..state.json", place->dir);
        *state = place;
        return 0;
}

static int drop(void **state)
{
        struct place *place = *state;
        struct err err;
        int r = fs_remove_dir_at(AT_FDCWD, place->dir, &err);

        test_free(place);
        return r;
}

static void read_as_written(void **state)
{
        const struct place *place = *state;
        char fresh[ERR_TEXT_MAX];
        struct state written;
        struct state got;
        struct err err;

        state_load(place->path, &written, fresh);
        assert_string_equal(fresh, "");
        assert_int_equal(written.good, 0);
        (void)snprintf(written.step, sizeof(written.step), "verify");
        (void)snprintf(written.text, sizeof(written.text), "line one\nwith \"quotes\" and \x01");
        written.rolling_back = true;
        written.generation = 8;
        written.good = 7;
        written.reason = ERR_MISMATCH;
        written.judged_until.s = 1234567890;
        written.degraded = true;
        memset(written.judged.sha256, 0xab, sizeof(written.judged.sha256));
        assert_int_equal(state_save(&written, &err), 0);
        state_load(place->path, &got, fresh);
        assert_string_equal(fresh, "");
        assert_string_equal(got.step, "verify");
        assert_string_equal(got.text, written.text);
        assert_true(got.rolling_back && got.degraded);
        assert_int_equal(got.generation, 8);
        assert_int_equal(got.good, 7);
        assert_int_equal(got.reason, ERR_MISMATCH);
        assert_int_equal(got.judged_until.s, 1234567890);
        assert_true(hex_fingerprint_equal(&got.judged, &written.judged));
        assert_true(hex_fingerprint_is_none(&got.settled));
        state_done(&written);
        state_done(&got);
}

/* Torn, foreign, empty, too large: a first start, with the reason. */
static void anything_else_is_a_first_start(void **state)
{
        static const char *const bad[] = { "",
                                           "{",
                                           "[]",
                                           "null",
                                           "{\"version\":2,\"good\":9}",
                                           "{\"good\":9}",
                                           "{\"version\":1,\"good\":9} trailing" };
        const struct place *place = *state;
        const struct fs_attr attr = { .mode = 0600, .uid = FS_KEEP, .gid = (gid_t)FS_KEEP };
        char fresh[ERR_TEXT_MAX];
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                struct state got;

                assert_int_equal(fs_replace(place->path, bad[i], strlen(bad[i]), &attr, &err), 0);
                state_load(place->path, &got, fresh);
                assert_string_not_equal(fresh, "");
                assert_int_equal(got.good, 0);
                state_done(&got);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(read_as_written, make, drop),
                cmocka_unit_test_setup_teardown(anything_else_is_a_first_start, make, drop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
