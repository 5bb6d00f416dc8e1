// SPDX-License-Identifier: Apache-2.0
/*
 * certs/policy.c and certs/rules.c: every finding, as the text that people read.
 *
 * Each case is one bundle with one thing wrong (or two, where one must not hide or imply the other); all
 * findings of all cases are compared with tests/golden/policy.txt. UPDATE_GOLDEN=1 writes it anew.
 */
#include "base/buf.h"
#include "base/fs.h"
#include "certs/policy.h"
#include "testbundle.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "testgolden.h"

#define NOW ((int64_t)1795341600) /* 2026-11-22T10:00:00Z */
#define DAY ((int64_t)86400)

enum authorities {
        AUTHORITIES_ROOT,
        AUTHORITIES_NONE,
        AUTHORITIES_EMPTY,
        AUTHORITIES_STRANGER,
        AUTHORITIES_AND_EXPIRED, /* the root and an expired one beside it */
        AUTHORITIES_EXPIRED,     /* the root, but expired */
        AUTHORITIES_EXPIRED_AND_STRANGER,
        AUTHORITIES_AND_LEAF,
        AUTHORITIES_TWINS,
};

struct test_case {
        const char *name;
        struct testca_options leaf;
        struct testca_options intermediate;
        struct testca_options served; /* used when has_served */
        enum authorities authorities;
        bool has_intermediate;
        bool has_served;
        bool foreign_key;
        bool reversed; /* intermediate first */
        bool extra;    /* a stranger in tls.crt */
        const char *wanted[3];
};

#define GOOD                                                                                                 \
        .subject = "db", .names = "DNS:db.example,IP:10.0.0.1", .not_before = NOW - DAY,                     \
        .not_after = NOW + 89 * DAY
#define INTER .subject = "inter", .is_ca = true, .not_before = NOW - DAY, .not_after = NOW + 900 * DAY

static const struct test_case cases[] = {
        { .name = "fine", .leaf = { GOOD } },
        { .name = "fine with an intermediate",
          .leaf = { GOOD },
          .intermediate = { INTER },
          .has_intermediate = true },
        { .name = "fine, wanted names covered", .leaf = { GOOD }, .wanted = { "db.example", "10.0.0.1" } },
        { .name = "fine, Ed25519", .leaf = { GOOD, .key = TESTCA_ED25519 } },
        { .name = "key of another certificate", .leaf = { GOOD }, .foreign_key = true },
        { .name = "foreign authority", .leaf = { GOOD }, .authorities = AUTHORITIES_STRANGER },
        { .name = "expired and foreign",
          .leaf = { .subject = "db",
                    .names = "DNS:db.example",
                    .not_before = NOW - 90 * DAY,
                    .not_after = NOW - 2 * DAY - 3600 * 3 },
          .authorities = AUTHORITIES_STRANGER },
        { .name = "expired",
          .leaf = { .subject = "db",
                    .names = "DNS:db.example",
                    .not_before = NOW - 90 * DAY,
                    .not_after = NOW - 2 * DAY - 3600 * 3 } },
        { .name = "expired a second ago",
          .leaf = { .subject = "db",
                    .names = "DNS:db.example",
                    .not_before = NOW - 90 * DAY,
                    .not_after = NOW - 1 } },
        { .name = "in its last second",
          .leaf = { .subject = "db",
                    .names = "DNS:db.example",
                    .not_before = NOW - 90 * DAY,
                    .not_after = NOW } },
        { .name = "not yet valid",
          .leaf = { .subject = "db",
                    .names = "DNS:db.example",
                    .not_before = NOW + 90,
                    .not_after = NOW + 90 * DAY } },
        { .name = "expired intermediate",
          .leaf = { GOOD },
          .intermediate = { .subject = "inter",
                            .is_ca = true,
                            .not_before = NOW - 90 * DAY,
                            .not_after = NOW - DAY },
          .has_intermediate = true },
        { .name = "older than the served one",
          .leaf = { GOOD },
          .has_served = true,
          .served = { .subject = "db",
                      .names = "DNS:db.example",
                      .not_before = NOW - 3600,
                      .not_after = NOW + 90 * DAY } },
        { .name = "newer than the served one",
          .leaf = { GOOD },
          .has_served = true,
          .served = { .subject = "db",
                      .names = "DNS:db.example",
                      .not_before = NOW - 9 * DAY,
                      .not_after = NOW + DAY } },
        { .name = "names missing",
          .leaf = { GOOD },
          .wanted = { "other.example", "10.0.0.2", "db.example" } },
        { .name = "names dropped",
          .leaf = { GOOD },
          .has_served = true,
          .served = { .names = "DNS:db.example,DNS:old.example,IP:10.0.0.9,URI:spiffe://x/db",
                      .not_before = NOW - 9 * DAY,
                      .not_after = NOW + DAY } },
        { .name = "covered by a wildcard now",
          .has_served = true,
          .leaf = { .subject = "db",
                    .names = "DNS:*.db.example",
                    .not_before = NOW - DAY,
                    .not_after = NOW + 89 * DAY },
          .served = { .names = "DNS:a.db.example", .not_before = NOW - 9 * DAY, .not_after = NOW + DAY } },
        { .name = "for clients only", .leaf = { GOOD, .ext_usage = "clientAuth" } },
        { .name = "key usage of no server", .leaf = { GOOD, .key_usage = "cRLSign" } },
        { .name = "authority as leaf", .leaf = { GOOD, .is_ca = true } },
        { .name = "weak key", .leaf = { GOOD, .key = TESTCA_RSA1024 } },
        { .name = "weak signature", .leaf = { GOOD, .digest = "SHA1" } },
        { .name = "no ca.crt", .leaf = { GOOD }, .authorities = AUTHORITIES_NONE },
        { .name = "empty ca.crt", .leaf = { GOOD }, .authorities = AUTHORITIES_EMPTY },
        { .name = "an expired authority beside the good one",
          .leaf = { GOOD },
          .authorities = AUTHORITIES_AND_EXPIRED },
        { .name = "only expired authorities", .leaf = { GOOD }, .authorities = AUTHORITIES_EXPIRED },
        { .name = "the issuer expired, another not",
          .leaf = { GOOD },
          .authorities = AUTHORITIES_EXPIRED_AND_STRANGER },
        { .name = "leaf among the authorities", .leaf = { GOOD }, .authorities = AUTHORITIES_AND_LEAF },
        { .name = "twin authorities",
          .leaf = { GOOD, .no_key_ids = true },
          .authorities = AUTHORITIES_TWINS },
        { .name = "chain reversed",
          .leaf = { GOOD },
          .intermediate = { INTER },
          .has_intermediate = true,
          .reversed = true },
        { .name = "a stranger in the chain", .leaf = { GOOD }, .extra = true },
        { .name = "hostile subject",
          .leaf = { .subject = "a\nb\033[31m", .not_before = NOW - DAY, .not_after = NOW + 89 * DAY },
          .authorities = AUTHORITIES_STRANGER },
};

static char *authorities_pem(enum authorities which, const struct testca *root, const struct testca *leaf)
{
        const struct testca_options old = { .subject = "old root",
                                            .is_ca = true,
                                            .not_before = NOW - 400 * DAY,
                                            .not_after = NOW - 35 * DAY };
        struct testca_options same = { .subject = "root",
                                       .is_ca = true,
                                       .reuse_key = root->key,
                                       .not_before = NOW - 400 * DAY,
                                       .not_after = NOW - 35 * DAY };
        AUTO(testca_free_p)
        struct testca *stranger =
                testca_make(NULL, &(struct testca_options){ .subject = "stranger",
                                                            .is_ca = true,
                                                            .not_before = NOW - DAY,
                                                            .not_after = NOW + 3650 * DAY });
        AUTO(testca_free_p) struct testca *expired = testca_make(NULL, &old);
        AUTO(testca_free_p) struct testca *aged = testca_make(NULL, &same);
        AUTO(testca_free_p) struct testca *twin = testca_twin(root, true);
        const struct testca *list[2] = { root, NULL };

        switch (which) {
        case AUTHORITIES_NONE:
                return NULL;
        case AUTHORITIES_EMPTY:
                return mem_strdup("");
        case AUTHORITIES_ROOT:
                break;
        case AUTHORITIES_STRANGER:
                list[0] = stranger;
                break;
        case AUTHORITIES_AND_EXPIRED:
                list[1] = expired;
                break;
        case AUTHORITIES_EXPIRED:
                list[0] = aged;
                break;
        case AUTHORITIES_EXPIRED_AND_STRANGER:
                list[0] = aged;
                list[1] = stranger;
                break;
        case AUTHORITIES_AND_LEAF:
                list[1] = leaf;
                break;
        case AUTHORITIES_TWINS:
                list[1] = twin;
                break;
        }
        return testca_chain_pem(list, list[1] == NULL ? 1 : 2);
}

static struct bundle *make_bundle(const struct test_case *one, const struct testca *root)
{
        AUTO(testca_free_p)
        struct testca *inter = one->has_intermediate ? testca_make(root, &one->intermediate) : NULL;
        AUTO(testca_free_p) struct testca *leaf = testca_make(inter == NULL ? root : inter, &one->leaf);
        AUTO(testca_free_p)
        struct testca *other = testca_make(NULL, &(struct testca_options){ .subject = "other" });
        const struct testca *list[3] = { leaf, NULL, NULL };
        size_t n = 1;
        AUTO(mem_free_p) char *certificate = NULL;
        AUTO(mem_free_p) char *key = testca_key_pem(one->foreign_key ? other : leaf, TESTCA_PKCS8, NULL);
        AUTO(mem_free_p) char *authorities = authorities_pem(one->authorities, root, leaf);

        if (inter != NULL)
                list[n++] = inter;
        if (one->extra)
                list[n++] = other;
        if (one->reversed) {
                list[0] = inter;
                list[1] = leaf;
        }
        certificate = testca_chain_pem(list, n);
        return testbundle_load(certificate, key, authorities);
}

/* Keys are new in every run: sixteen or more hex digits in a row become <key>. */
static void add_normal(struct buf *out, const char *text)
{
        while (*text != '\0') {
                size_t n = strspn(text, "0123456789abcdef");

                if (n >= 16)
                        buf_add_str(out, "<key>");
                else
                        buf_add(out, text, n == 0 ? 1 : n);
                text += n == 0 ? 1 : n;
        }
}

static void judge(const struct test_case *one, const struct testca *root, const struct policy *policy,
                  struct findings *out)
{
        AUTO(bundle_free_p) struct bundle *bundle = make_bundle(one, root);
        AUTO(testca_free_p)
        struct testca *served_ca = one->has_served ? testca_make(root, &one->served) : NULL;
        AUTO(cert_free_p) struct cert *served = NULL;
        struct policy_context context = { .policy = policy, .now = { NOW }, .names = one->wanted };
        struct err err;

        if (served_ca != NULL)
                assert_int_equal(cert_from_x509(served_ca->x509, &served, &err), 0);
        context.served = served;
        while (context.n_names < ARRAY_LEN(one->wanted) && one->wanted[context.n_names] != NULL)
                context.n_names++;
        policy_check(bundle, &context, out);
}

static struct testca *make_root(void)
{
        return testca_make(NULL, &(struct testca_options){ .subject = "root",
                                                           .is_ca = true,
                                                           .not_before = NOW - 800 * DAY,
                                                           .not_after = NOW + 2800 * DAY });
}

static void render(struct buf *out)
{
        AUTO(testca_free_p) struct testca *root = make_root();
        struct policy policy;

        policy_init(&policy);
        /* What is ignored by default is shown here too. */
        policy.severity[FINDING_CHAIN_ORDER] = SEVERITY_WARN;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;

                judge(&cases[i], root, &policy, &findings);
                buf_printf(out, "== %s\n", cases[i].name);
                for (size_t j = 0; j < findings.n; j++) {
                        buf_printf(out, "%s %s: ", policy_severity_name(findings.items[j].severity),
                                   policy_code_name(findings.items[j].code));
                        add_normal(out, findings.items[j].text);
                        buf_add_char(out, '\n');
                }
        }
}

static void findings_read_as_recorded(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf is = BUF_INIT(GOLDEN_MAX_BYTES);

        render(&is);
        testgolden_compare("policy.txt", buf_str(&is));
        /* The drivers' own codes apart, every code occurs. */
        for (int code = 0; code < FINDING_CODES; code++) {
                AUTO(mem_free_p) char *word = mem_printf(" %s: ", policy_code_name((enum finding_code)code));

                if (code != FINDING_AUTHORITY_CHANGED && code != FINDING_ENGINE &&
                    strstr(buf_str(&is), word) == NULL)
                        fail_msg("no case shows %s", policy_code_name((enum finding_code)code));
        }
}

static void table_is_complete(void **state UNUSED)
{
        for (int i = 0; i < FINDING_CODES; i++) {
                const enum finding_code code = (enum finding_code)i;

                assert_non_null(policy_code_name(code));
                assert_int_equal(policy_parse_code(policy_code_name(code)), i);
                assert_true(strlen(policy_code_help(code)) > 10);
        }
        assert_int_equal(policy_parse_code("key"), -1);
        assert_int_equal(policy_parse_code(""), -1);
        assert_int_equal(policy_parse_severity("refuse"), SEVERITY_REFUSE);
        assert_int_equal(policy_parse_severity("REFUSE"), -1);
}

static void defaults_refuse_what_breaks(void **state UNUSED)
{
        static const enum finding_code warn[] = { FINDING_ENDS_EARLIER,        FINDING_GOING_BACK,
                                                  FINDING_NAME_DROPPED,        FINDING_AUTHORITIES_MISSING,
                                                  FINDING_AUTHORITY_EXPIRED,   FINDING_AUTHORITY_NOT_CA,
                                                  FINDING_AUTHORITY_AMBIGUOUS, FINDING_CHAIN_EXTRA };

        for (int i = 0; i < FINDING_CODES; i++) {
                enum finding_severity want = i == FINDING_CHAIN_ORDER ? SEVERITY_IGNORE : SEVERITY_REFUSE;

                for (size_t j = 0; j < ARRAY_LEN(warn); j++)
                        want = (int)warn[j] == i ? SEVERITY_WARN : want;
                assert_int_equal(policy_default((enum finding_code)i), want);
        }
}

static void severity_follows_the_policy(void **state UNUSED)
{
        static const struct test_case one = { .leaf = { .not_before = NOW - 9 * DAY, .not_after = NOW - DAY },
                                              .foreign_key = true };
        AUTO(testca_free_p) struct testca *root = make_root();
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;
        struct policy policy;

        policy_init(&policy);
        policy.severity[FINDING_EXPIRED] = SEVERITY_WARN;
        judge(&one, root, &policy, &findings);
        policy_add(&findings, &policy, FINDING_CHAIN_ORDER, "ignored");
        policy_add(&findings, &policy, FINDING_ENGINE, "a rule of %s", "the engine");
        assert_int_equal(findings.n, 3);
        assert_int_equal(findings.items[0].code, FINDING_KEY_MISMATCH);
        assert_int_equal(findings.items[1].code, FINDING_ENGINE);
        assert_int_equal(findings.items[2].code, FINDING_EXPIRED);
        assert_ptr_equal(policy_refusal(&findings), &findings.items[0]);
        findings_done(&findings);
        assert_null(policy_refusal(&findings));
}

static void sentences_are_bounded_lines(void **state UNUSED)
{
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;
        AUTO(mem_free_p) char *huge = mem_array(100001, 1);
        struct policy policy;

        memset(huge, 'x', 100000);
        policy_init(&policy);
        policy_add(&findings, &policy, FINDING_ENGINE, "%s", huge);
        policy_add(&findings, &policy, FINDING_ENGINE, "a\nb\x1b");
        assert_true(strlen(findings.items[0].text) < 2000);
        assert_string_equal(findings.items[1].text, "a?b?");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(table_is_complete),           cmocka_unit_test(defaults_refuse_what_breaks),
                cmocka_unit_test(findings_read_as_recorded),   cmocka_unit_test(severity_follows_the_policy),
                cmocka_unit_test(sentences_are_bounded_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
