// SPDX-License-Identifier: Apache-2.0
/*
 * The record in a Lease: read strictly, written so that nothing of others is lost.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "kube/lease_record.h"
#include "kube/micro_time.h"
#include "kube/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "testgolden.h"

#define NOW_US INT64_C(1795600800000007)

static const struct kube_lease_claim claim = {
        .namespace = "demo", .name = "px-certrotate", .holder = "px-0", .duration_ms = 15000, .now_us = NOW_US
};

static const char held[] =
        "{\"apiVersion\":\"coordination.k8s.io/"
        "v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":\"px-certrotate\","
        "\"namespace\":\"demo\",\"uid\":\"u1\",\"resourceVersion\":\"41\",\"labels\":{\"team\":\"db\"},"
        "\"managedFields\":[{\"manager\":\"x\"}],\"ownerReferences\":[{\"name\":\"px\"}]},"
        "\"spec\":{\"holderIdentity\":\"px-1\",\"leaseDurationSeconds\":20,\"leaseTransitions\":4,"
        "\"acquireTime\":\"2026-11-25T08:00:00.000000Z\",\"renewTime\":\"2026-11-25T09:00:00.000000Z\","
        "\"strategy\":\"kept\"}}";

static void parse(const char *text, struct kube_lease_record *out)
{
        struct err err = ERR_INIT;

        assert_int_equal(kube_lease_record_parse(text, strlen(text), out, &err), 0);
}

static void it_is_read(void **state UNUSED)
{
        AUTO(kube_lease_record_done_p) struct kube_lease_record record = { .object = NULL };

        parse(held, &record);
        assert_string_equal(record.holder, "px-1");
        assert_string_equal(record.version, "41");
        assert_string_equal(record.uid, "u1");
        assert_int_equal(record.duration_ms, 20000);
        assert_int_equal(record.transitions, 4);
}

static void what_is_no_lease(void **state UNUSED)
{
        static const struct {
                const char *text;
                const char *says;
        } cases[] = {
                { "", "the Lease is not JSON" },
                { "{\"metadata\":{\"resourceVersion\":\"1\"", "the Lease is not JSON" },
                { "[]", "no metadata.resourceVersion" },
                { "{}", "no metadata.resourceVersion" },
                { "{\"metadata\":{\"resourceVersion\":7}}", "no metadata.resourceVersion" },
                { "{\"metadata\":{\"resourceVersion\":\"\"}}", "no metadata.resourceVersion" },
                { "<html>", "the Lease is not JSON" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct kube_lease_record record = { .transitions = -7 };
                struct err err = ERR_INIT;

                assert_int_equal(kube_lease_record_parse(cases[i].text, strlen(cases[i].text), &record, &err),
                                 -1);
                assert_int_equal(err.kind, ERR_PROTOCOL);
                if (strstr(err.text, cases[i].says) == NULL)
                        fail_msg("'%s' says '%s'", cases[i].text, err.text);
                assert_int_equal(record.transitions, -7);
        }
}

static void durations(void **state UNUSED)
{
        static const struct {
                const char *spec;
                int64_t ms;
        } cases[] = {
                { "{}", 0 },
                { "null", 0 },
                { "{\"leaseDurationSeconds\":0}", 0 },
                { "{\"leaseDurationSeconds\":-3}", 0 },
                { "{\"leaseDurationSeconds\":\"9\"}", 0 },
                { "{\"leaseDurationSeconds\":1}", 1000 },
                { "{\"leaseDurationSeconds\":2147483647}", 2147483647000 },
                { "{\"leaseDurationSeconds\":9007199254740992}", 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *text =
                        mem_printf("{\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":%s}", cases[i].spec);
                AUTO(kube_lease_record_done_p) struct kube_lease_record record = { .object = NULL };

                parse(text, &record);
                assert_int_equal(record.duration_ms, cases[i].ms);
                assert_string_equal(record.holder, "");
        }
}

/* Labels, versions and the like are no sign of a holder's life; each of the rest is. */
static void signs_of_life(void **state UNUSED)
{
        static const struct {
                const char *from;
                const char *to;
                bool is_unchanged;
        } cases[] = {
                { "\"41\"", "\"42\"", true },
                { "\"db\"", "\"dx\"", true },
                { "\"strategy\":\"kept\"", "\"strategy\":\"gone\"", true },
                { "px-1", "px-2", false },
                { "09:00:00.000000", "09:00:00.000001", false },
                { "\"u1\"", "\"u2\"", false },
                { "\"leaseTransitions\":4", "\"leaseTransitions\":5", false },
                { "\"leaseDurationSeconds\":20", "\"leaseDurationSeconds\":21", false },
        };
        AUTO(kube_lease_record_done_p) struct kube_lease_record before = { .object = NULL };
        const struct kube_lease_record none = { .object = NULL };

        parse(held, &before);
        assert_true(kube_lease_record_is_unchanged(&none, &none));
        assert_false(kube_lease_record_is_unchanged(&before, &none));
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const char *at = strstr(held, cases[i].from);
                AUTO(mem_free_p)
                char *text = mem_printf("%.*s%s%s", (int)(at - held), held, cases[i].to,
                                        at + strlen(cases[i].from));
                AUTO(kube_lease_record_done_p) struct kube_lease_record after = { .object = NULL };

                parse(text, &after);
                if (kube_lease_record_is_unchanged(&before, &after) != cases[i].is_unchanged)
                        fail_msg("%s to %s", cases[i].from, cases[i].to);
        }
}

/* One after the other: created, renewed in the same microsecond, given back, taken by another. */
static void what_is_written(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf all = BUF_INIT(16384);
        struct kube_lease_claim next = claim;
        AUTO(kube_lease_record_done_p) struct kube_lease_record none = { .object = NULL };
        AUTO(kube_lease_record_done_p) struct kube_lease_record seen = { .object = NULL };
        AUTO(kube_lease_record_done_p) struct kube_lease_record ours = { .object = NULL };
        AUTO(kube_lease_record_done_p) struct kube_lease_record given = { .object = NULL };
        AUTO(mem_free_p) char *created = NULL;
        AUTO(mem_free_p) char *taken = NULL;
        AUTO(mem_free_p) char *renewed = NULL;
        AUTO(mem_free_p) char *back = NULL;
        AUTO(mem_free_p) char *again = NULL;

        parse(held, &seen);
        taken = kube_lease_record_claim(&seen, &claim);
        parse(taken, &ours);
        renewed = kube_lease_record_claim(&ours, &claim);
        next.holder = "";
        created = kube_lease_record_claim(&none, &next);
        back = kube_lease_record_claim(&ours, &next);
        parse(back, &given);
        next.holder = "px-2";
        next.now_us += 1500000;
        again = kube_lease_record_claim(&given, &next);
        buf_printf(&all, "created %s\ntaken   %s\nrenewed %s\nback    %s\nagain   %s\n", created, taken,
                   renewed, back, again);
        testgolden_compare("kube-lease.txt", buf_str(&all));
}

static void no_spec_is_no_obstacle(void **state UNUSED)
{
        static const char *const texts[] = { "{\"metadata\":{\"resourceVersion\":\"1\"}}",
                                             "{\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":[]}" };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                AUTO(kube_lease_record_done_p) struct kube_lease_record seen = { .object = NULL };
                AUTO(kube_lease_record_done_p) struct kube_lease_record ours = { .object = NULL };
                AUTO(mem_free_p) char *body = NULL;

                parse(texts[i], &seen);
                body = kube_lease_record_claim(&seen, &claim);
                parse(body, &ours);
                assert_string_equal(ours.holder, "px-0");
                assert_int_equal(ours.duration_ms, 15000);
                assert_int_equal(ours.transitions, 1);
        }
}

static void times(void **state UNUSED)
{
        char out[KUBE_MICRO_TIME_MAX];

        assert_string_equal(kube_micro_time(NOW_US, out), "2026-11-25T10:00:00.000007Z");
        assert_string_equal(kube_micro_time(999999, out), "1970-01-01T00:00:00.999999Z");
}

static void names(void **state UNUSED)
{
        char longest[KUBE_SUBDOMAIN_MAX + 2];

        memset(longest, 'a', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        assert_false(kube_names_is_subdomain(longest));
        longest[KUBE_SUBDOMAIN_MAX] = '\0';
        assert_true(kube_names_is_subdomain(longest));
        longest[KUBE_LABEL_MAX + 1] = '\0';
        assert_false(kube_names_is_label(longest));
        longest[KUBE_LABEL_MAX] = '\0';
        assert_true(kube_names_is_label(longest));
        assert_true(kube_names_is_subdomain("px-0.demo"));
        assert_false(kube_names_is_label("px-0.demo"));
        for (size_t i = 0; i < 9; i++) {
                static const char *const bad[] = {
                        "", "-a", "a-", "a..b", ".a", "a.", "A", "a/../b", "a%2fb"
                };

                assert_false(kube_names_is_subdomain(bad[i]));
                assert_false(kube_names_is_label(bad[i]));
        }
        assert_true(kube_names_is_kind("MariaDBOpsRequest"));
        assert_false(kube_names_is_kind("") || kube_names_is_kind("3D") || kube_names_is_kind("a/b"));
        assert_false(kube_names_is_subdomain(NULL) || kube_names_is_label(NULL) || kube_names_is_kind(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_read),      cmocka_unit_test(what_is_no_lease),
                cmocka_unit_test(durations),       cmocka_unit_test(signs_of_life),
                cmocka_unit_test(what_is_written), cmocka_unit_test(no_spec_is_no_obstacle),
                cmocka_unit_test(times),           cmocka_unit_test(names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
