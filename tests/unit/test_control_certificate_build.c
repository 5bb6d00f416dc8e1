// SPDX-License-Identifier: Apache-2.0
/*
 * What a Certificate is to say, and when it need not be written. Which changes cert-manager acts upon by
 * itself is held against the real one by test_cert_manager.py.
 */
#include "base/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "certificate_scene.h"

static const struct kind percona = { .database = "PerconaXtraDB",
                                     .databases = "perconaxtradbs",
                                     .group = "kubedb.com/v1" };
static const struct kind singlestore = { .database = "Singlestore", .databases = "singlestores" };
static const struct kind mssqlserver = { .database = "MSSQLServer", .databases = "mssqlservers" };
static const struct kind druid = { .database = "Druid", .databases = "druids" };

struct asked {
        const struct kind *kind;
        const char *database, *alias, *uid;
        const char *given, *issuer, *have;
        const char *const *services;
};

/* The Certificate, or NULL with err. */
static cJSON *build(const struct asked *asked, struct err *err)
{
        AUTO(json_free_p) cJSON *given = parse(asked->given);
        AUTO(json_free_p) cJSON *issuer = parse(asked->issuer);
        AUTO(json_free_p) cJSON *have = parse(asked->have);
        const struct certificate_wish wish = { .kind = asked->kind,
                                               .namespace = "demo",
                                               .database = asked->database,
                                               .alias = asked->alias,
                                               .owner_uid = asked->uid,
                                               .given = given,
                                               .issuer = issuer,
                                               .services = asked->services };
        cJSON *out = NULL;

        return certificate_build(&wish, have, &out, err) == 0 ? out : NULL;
}

#define ISSUER "{'apiGroup':'cert-manager.io','kind':'Issuer','name':'i'}"

static void a_new_one(void **state UNUSED)
{
        static const char *const services[] = { "galera", NULL };
        AUTO(json_free_p) cJSON *made = NULL;
        struct err err;

        made = build(
                &(struct asked){ .kind = &percona,
                                 .database = "px",
                                 .alias = "server",
                                 .uid = "u-1",
                                 .issuer = ISSUER,
                                 .services = services,
                                 .given = "{'alias':'server','secretName':'mine','duration':'2160h',"
                                          "'renewBefore':'360h','subject':{'organizations':['kubedb:server'],"
                                          "'serialNumber':'9'},'dnsNames':['px','a.test'],"
                                          "'ipAddresses':['127.0.0.1','2001:DB8:0::1'],"
                                          "'emailAddresses':['x@y.z'],'uris':['spiffe://a'],"
                                          "'privateKey':{'encoding':'PKCS8'}}" },
                &err);
        assert_json(made, "{'apiVersion':'cert-manager.io/v1','kind':'Certificate','metadata':{"
                          "'name':'px-server-cert','namespace':'demo','labels':{"
                          "'app.kubernetes.io/component':'database','app.kubernetes.io/instance':'px',"
                          "'app.kubernetes.io/managed-by':'kubedb.com',"
                          "'app.kubernetes.io/name':'perconaxtradbs.kubedb.com','certrotate.io/"
                          "alias':'server'},"
                          "'ownerReferences':[{'apiVersion':'kubedb.com/"
                          "v1','kind':'PerconaXtraDB','name':'px',"
                          "'uid':'u-1','controller':true,'blockOwnerDeletion':true}]},'spec':{"
                          "'secretTemplate':{'labels':{"
                          "'app.kubernetes.io/component':'database','app.kubernetes.io/instance':'px',"
                          "'app.kubernetes.io/managed-by':'kubedb.com',"
                          "'app.kubernetes.io/name':'perconaxtradbs.kubedb.com','certrotate.io/"
                          "alias':'server'}},"
                          "'privateKey':{'rotationPolicy':'Always','encoding':'PKCS8'},"
                          "'usages':['digital signature','key encipherment','server auth','client auth'],"
                          "'commonName':'px.demo.svc',"
                          "'issuerRef':{'group':'cert-manager.io','kind':'Issuer','name':'i'},"
                          "'dnsNames':['*.galera.demo.svc','*.galera.demo.svc.cluster.local','*.px-pods."
                          "demo.svc',"
                          "'*.px-pods.demo.svc.cluster.local','*.px.demo.svc','a.test','galera','galera."
                          "demo.svc',"
                          "'localhost','px','px.demo.svc'],"
                          "'ipAddresses':['127.0.0.1','2001:db8::1'],'uris':['spiffe://a'],"
                          "'emailAddresses':['x@y.z'],"
                          "'subject':{'organizations':['kubedb:server'],'serialNumber':'9'},"
                          "'duration':'2160h','renewBefore':'360h','secretName':'mine'}}");
}

static void common_names(void **state UNUSED)
{
        static const char longest[] = "a123456789-123456789-123456789-123456789-123456789-1234"; /* 55 + 9 */
        AUTO(mem_free_p) char *just = mem_printf("%s.demo.svc", longest);
        AUTO(mem_free_p) char *over = mem_printf("%sx", longest);
        const struct {
                const struct kind *kind;
                const char *database, *want;
        } cases[] = {
                { &percona, "px", "px.demo.svc" }, { &singlestore, "sdb", "sdb" },
                { &mssqlserver, "ms", "mssql" },   { &druid, "dr", "dr-pods.demo.svc" },
                { &percona, longest, just },       { &percona, over, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(json_free_p) cJSON *made = NULL;
                struct err err;
                const char *cn;

                made = build(&(struct asked){ .kind = cases[i].kind,
                                              .database = cases[i].database,
                                              .alias = "client",
                                              .issuer = ISSUER },
                             &err);
                assert_non_null(made);
                assert_null(json_get(json_get(made, "metadata"), "ownerReferences"));
                cn = json_get_str(json_get(made, "spec"), "commonName");
                if (cases[i].want == NULL)
                        assert_null(cn);
                else
                        assert_string_equal(cn, cases[i].want);
        }
}

#define HAVE(spec)                                                                                           \
        "{'metadata':{'name':'px-server-cert','resourceVersion':'7','uid':'u',"                              \
        "'managedFields':[1],"                                                                               \
        "'labels':{'app.kubernetes.io/"                                                                      \
        "instance':'px'}},'spec':{'secretName':'s','issuerRef':{'name':'i'}" spec                            \
        "},'status':{'revision':2}}"

/* What is written over one that is there, as its spec. */
static const struct {
        const char *about, *have, *given, *issuer, *want;
        bool is_same, is_reissued;
} overs[] = {
        { "nothing", HAVE(",'dnsNames':['b','a'],'x':1"), NULL, NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'dnsNames':['b','a'],'x':1}", true, false },
        { "its issuer in other words", HAVE(""), NULL, ISSUER, "{'secretName':'s','issuerRef':{'name':'i'}}",
          true, false },
        { "another issuer", HAVE(""), NULL, "{'kind':'ClusterIssuer','name':'i'}",
          "{'secretName':'s','issuerRef':{'group':'cert-manager.io','kind':"
          "'ClusterIssuer','name':'i'}}",
          false, true },
        { "the certificate's own issuer goes first", HAVE(""), "{'issuerRef':{'name':'mine'}}", ISSUER,
          "{'secretName':'s','issuerRef':{'group':'cert-manager.io','kind':'Issuer',"
          "'name':'mine'}}",
          false, true },
        { "names that are there", HAVE(",'dnsNames':['b','a']"), "{'dnsNames':['a','a']}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'dnsNames':['b','a']}", true, false },
        { "names united", HAVE(",'dnsNames':['b','a']"), "{'dnsNames':['aa','b']}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'dnsNames':['a','aa','b']}", false, true },
        { "an address in other words", HAVE(",'ipAddresses':['::1','10.0.0.1']"),
          "{'ipAddresses':['0:0::0001','::ffff:10.0.0.1']}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'ipAddresses':['::1','10.0.0."
          "1']}",
          true, false },
        { "time in other words", HAVE(",'duration':'2160h'"), "{'duration':'2160h0m0s'}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'duration':'2160h'}", true, false },
        { "time", HAVE(",'duration':'2160h'"), "{'duration':'1h','renewBefore':'5m'}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'duration':'1h','renewBefore':"
          "'5m'}",
          false, true },
        { "when it is renewed", HAVE(""), "{'renewBefore':'5m'}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'renewBefore':'5m'}", false, false },
        { "the subject, list by list", HAVE(",'subject':{'organizations':['a'],'countries':['X']}"),
          "{'subject':{'organizations':['b']}}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'subject':{'countries':['X'],"
          "'organizations':['b']}}",
          false, true },
        { "the subject in another order", HAVE(",'subject':{'organizations':['a','b']}"),
          "{'subject':{'organizations':['b','a']}}", NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'subject':{'organizations':["
          "'a','b']}}",
          true, false },
        { "the form of the key", HAVE(",'privateKey':{'size':4096}"), "{'privateKey':{'encoding':'PKCS8'}}",
          NULL,
          "{'secretName':'s','issuerRef':{'name':'i'},'privateKey':{'size':4096,"
          "'encoding':'PKCS8'}}",
          false, false },
        { "another Secret", HAVE(""), "{'secretName':'t'}", NULL,
          "{'issuerRef':{'name':'i'},'secretName':'t'}", false, true },
};

static void over_one_that_is_there(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(overs); i++) {
                AUTO(json_free_p) cJSON *have = parse(overs[i].have);
                AUTO(json_free_p) cJSON *made = NULL;
                AUTO(mem_free_p) char *spec = NULL;
                struct err err;

                made = build(&(struct asked){ .kind = &percona,
                                              .database = "px",
                                              .alias = "server",
                                              .given = overs[i].given,
                                              .issuer = overs[i].issuer,
                                              .have = overs[i].have },
                             &err);
                assert_non_null(made);
                spec = print(json_get(made, "spec"));
                if (strcmp(spec, overs[i].want) != 0 || certificate_is_same(have, made) != overs[i].is_same ||
                    certificate_is_reissued(have, made) != overs[i].is_reissued)
                        fail_msg("%s: %s %d %d", overs[i].about, spec, certificate_is_same(have, made),
                                 certificate_is_reissued(have, made));
                assert_json(json_get(made, "metadata"),
                            "{'name':'px-server-cert','resourceVersion':'7','uid':'u',"
                            "'labels':{'app.kubernetes.io/instance':'px'}}");
                assert_null(json_get(made, "status"));
        }
}

static void whose_it_is(void **state UNUSED)
{
        AUTO(json_free_p) cJSON *taken = NULL;
        AUTO(json_free_p)
        cJSON *have = parse("{'metadata':{'ownerReferences':[{'uid':'o'}]},'spec':{'issuerRef':{"
                            "'name':'i'}}}");
        struct asked asked = { .kind = &percona, .database = "px", .alias = "server", .uid = "u-1" };
        struct err err;

        asked.have = "{'metadata':{'ownerReferences':[{'uid':'o'}]},'spec':{'issuerRef':{"
                     "'name':'i'}}}";
        taken = build(&asked, &err);
        assert_json(taken, "{'metadata':{'ownerReferences':[{'uid':'o'}],'labels':{'app."
                           "kubernetes.io/instance':'px',"
                           "'certrotate.io/alias':'server'}},'spec':{'issuerRef':{'name':'i'}}}");
        assert_false(certificate_is_same(have, taken));
        assert_false(certificate_is_reissued(have, taken));
        asked.have = "{'metadata':{'labels':{'app.kubernetes.io/"
                     "instance':'release'}},'spec':{'issuerRef':{'name':'i'}}}";
        assert_null(build(&asked, &err));
        assert_int_equal(err.kind, ERR_REFUSED);
        assert_string_equal(
                err.text,
                "Certificate px-server-cert belongs to 'release' (label app.kubernetes.io/instance)");
}

static void what_cannot_be(void **state UNUSED)
{
        AUTO(buf_done_p) struct buf many = BUF_INIT(1 << 20);
        static const struct {
                const char *given, *issuer, *says;
        } cases[] = {
                { NULL, NULL, "certificate 'server' has no issuer: set issuerRef" },
                { "{'issuerRef':{}}", NULL, "certificate 'server' has no issuer: set issuerRef" },
                { "{'ipAddresses':['nonsense']}", ISSUER, "ipAddresses: 'nonsense' is no IP address" },
                { "{'ipAddresses':['10.0.0.1/8']}", ISSUER, "ipAddresses: '10.0.0.1/8' is no IP address" },
                { "{'ipAddresses':['fe80::1%eth0']}", ISSUER,
                  "ipAddresses: 'fe80::1%eth0' is no IP address" },
                { "{'emailAddresses':['\xc3\xa4@x']}", ISSUER,
                  "emailAddresses: '\xc3\xa4@x' has a blank or a character beyond ASCII" },
                { "{'dnsNames':['a b']}", ISSUER, "dnsNames: 'a b' has a blank or a character beyond ASCII" },
                { "{'dnsNames':['']}", ISSUER, "dnsNames: a name that is no text" },
                { "{'uris':[5]}", ISSUER, "uris: a name that is no text" },
        };
        struct asked asked = { .kind = &percona, .database = "px", .alias = "server", .issuer = ISSUER };
        struct err err;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                asked.given = cases[i].given;
                asked.issuer = cases[i].issuer;
                assert_null(build(&asked, &err));
                assert_int_equal(err.kind, ERR_USAGE);
                assert_string_equal(err.text, cases[i].says);
        }
        for (int i = 0; i <= CERT_MAX_NAMES; i++)
                buf_printf(&many, "%s'n%d'", i == 0 ? "{'dnsNames':[" : ",", i);
        buf_add_str(&many, "]}");
        asked.given = buf_str(&many);
        assert_null(build(&asked, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
}

/* Without a CertificateRequest cert-manager looks at the certificate in the Secret only. */
static void after_a_roll_back(void **state UNUSED)
{
        static const char have[] = "{'spec':{'secretName':'s','commonName':'z','dnsNames':['a',"
                                   "'b'],'issuerRef':{'name':'i'}}}";
        static const struct {
                const char *spec;
                bool is_reissued;
        } cases[] = {
                { "'commonName':'b','dnsNames':['a','z']", false },
                { "'dnsNames':['a','b','z']", false },
                { "'dnsNames':['a','b']", true },
                { "'dnsNames':['a','b','c','z']", true },
                { "'commonName':'c','dnsNames':['a','b']", true },
                { "'commonName':'z','dnsNames':['a','b'],'usages':['any'],'subject':{"
                  "'serialNumber':'1'}",
                  false },
                { "'commonName':'z','dnsNames':['a','b'],'privateKey':{'algorithm':'RSA',"
                  "'size':2048}",
                  false },
                { "'commonName':'z','dnsNames':['a','b'],'privateKey':{'size':4096}", true },
                { "'commonName':'z','dnsNames':['a','b'],'privateKey':{'algorithm':"
                  "'Ed25519'}",
                  true },
        };
        AUTO(json_free_p) cJSON *old = parse(have);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *text =
                        mem_printf("{'spec':{'secretName':'s','issuerRef':{'name':'i'},%s}}", cases[i].spec);
                AUTO(json_free_p) cJSON *new = parse(text);

                if (certificate_is_reissued(old, new) != cases[i].is_reissued)
                        fail_msg("%s", cases[i].spec);
        }
}

/* As the server gives it back: with defaults, without what is empty. */
static void what_is_empty_says_nothing(void **state UNUSED)
{
        static const struct {
                const char *have, *want;
                bool is_same;
        } cases[] = {
                { "{'spec':{'isCA':false,'uris':[],'x':{'y':''},'keystores':null}}", "{'spec':{}}", true },
                { "{'spec':{}}", "{'spec':{'isCA':false,'x':{'y':[]}}}", true },
                { "{'spec':{'x':{'y':1}}}", "{'spec':{'x':{'y':1,'z':{}}}}", true },
                { "{'spec':{'x':{'y':1}}}", "{'spec':{'x':{'y':1,'z':2}}}", false },
                { "{'spec':{'x':{'y':1,'z':2}}}", "{'spec':{'x':{'y':1}}}", false },
                { "{'spec':{'usages':['a','b','a']}}", "{'spec':{'usages':['b','a']}}", true },
                { "{'spec':{'y':['a','b']}}", "{'spec':{'y':['b','a']}}", false },
                { "{'metadata':{'labels':{'a':'b'}}}", "{'metadata':{'labels':{'a':'c'}}}", false },
                { "{'metadata':{'uid':'1','labels':{}}}", "{'metadata':{'uid':'2'}}", true },
                { "{}", "{'spec':[1]}", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(json_free_p) cJSON *have = parse(cases[i].have);
                AUTO(json_free_p) cJSON *want = parse(cases[i].want);

                if (certificate_is_same(have, want) != cases[i].is_same)
                        fail_msg("%s %s", cases[i].have, cases[i].want);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_new_one),
                cmocka_unit_test(common_names),
                cmocka_unit_test(over_one_that_is_there),
                cmocka_unit_test(whose_it_is),
                cmocka_unit_test(what_cannot_be),
                cmocka_unit_test(after_a_roll_back),
                cmocka_unit_test(what_is_empty_says_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
