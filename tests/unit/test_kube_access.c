// SPDX-License-Identifier: Apache-2.0
/*
 * kube/access.c and kube/kubeconfig.c: what is taken, and the sentences about what is not.
 */
#include "kube/access.h"
#include "kube/kubeconfig.h"

#include "base/limits.h"
#include "base/mem.h"
#include "testca.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* "-----BEGIN X-----" */
#define PEM_BASE64 "LS0tLS1CRUdJTiBYLS0tLS0="
#define PEM_TEXT   "-----BEGIN X-----"

#define CONTEXT    "current-context: c\ncontexts:\n- name: c\n  context: {cluster: k, user: u}\n"
#define CLUSTER    "clusters:\n- name: k\n  cluster: {server: \"https://k:1\"}\n"
#define USER       "users:\n- name: u\n  user: {token: t}\n"

static int parse(const char *text, const char *context, struct kubeconfig *out, struct err *err)
{
        *err = (struct err)ERR_INIT;
        return kubeconfig_parse("/d/f", text, strlen(text), context, out, err);
}

static void same(const char *what, const char *is, const char *wanted)
{
        if ((is == NULL) != (wanted == NULL) || (is != NULL && strcmp(is, wanted) != 0))
                fail_msg("%s: '%s', not '%s'", what, is == NULL ? "-" : is, wanted == NULL ? "-" : wanted);
}

static void same_secret(const char *what, const struct secret *is, const char *wanted)
{
        same(what, is->len == 0 ? NULL : (const char *)is->data, wanted);
}

static const char whole[] =
        "apiVersion: v1\n"
        "kind: Config\n"
        "preferences: {colors: true}\n"
        "current-context: a\n"
        "contexts:\n"
        "- {name: a, context: {cluster: one, user: bearer, namespace: demo}}\n"
        "- {name: b, context: {cluster: two, user: files, extensions: [{name: x}]}}\n"
        "- {name: c, context: {cluster: three, user: data, namespace: \"\"}}\n"
        "- {name: d, context: {cluster: three, user: both}}\n"
        "clusters:\n"
        "- name: one\n"
        "  cluster:\n"
        "    server: https://10.0.0.1:6443/\n"
        "    certificate-authority-data: LS0tLS1CRUdJ\n      TiBYLS0tLS0=\n"
        "    certificate-authority: ignored.crt\n"
        "    tls-server-name: kubernetes.default\n"
        "    disable-compression: true\n"
        "- name: two\n"
        "  cluster: {server: \"https://[fd00::1]:6443/k8s/c//\", certificate-authority: pki/ca.crt, "
        "proxy-url: "
        "\"\"}\n"
        "- name: three\n"
        "  cluster: {server: \"https://k\", insecure-skip-tls-verify: true, certificate-authority-data: "
        "null}\n"
        "users:\n"
        "- {name: bearer, user: {token: abc, exec: null, as: \"\", as-groups: []}}\n"
        "- {name: files, user: {client-certificate: /pki/c.crt, client-key: c.key}}\n"
        "- {name: data, user: {client-certificate-data: " PEM_BASE64 ", client-key-data: " PEM_BASE64 ",\n"
        "                      client-certificate: x, client-key: x}}\n"
        "- {name: both, user: {token: abc, tokenFile: ../token}}\n";

static void takes_contexts(void **state UNUSED)
{
        static const struct {
                const char *context;
                const char *server;
                const char *authorities;
                const char *authorities_file;
                const char *server_name;
                bool insecure;
                const char *token_file;
                const char *token;
                const char *certificate;
                const char *certificate_file;
                const char *key_file;
                const char *namespace;
        } cases[] = {
                { NULL, "https://10.0.0.1:6443", PEM_TEXT, NULL, "kubernetes.default", false, NULL, "abc",
                  NULL, NULL, NULL, "demo" },
                { "b", "https://[fd00::1]:6443/k8s/c", NULL, "/d/pki/ca.crt", NULL, false, NULL, NULL, NULL,
                  "/pki/c.crt", "/d/c.key", "default" },
                { "c", "https://k", NULL, NULL, NULL, true, NULL, NULL, PEM_TEXT, NULL, NULL, "default" },
                { "d", "https://k", NULL, NULL, NULL, true, "/d/../token", NULL, NULL, NULL, NULL,
                  "default" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(kubeconfig_done_p) struct kubeconfig config = KUBECONFIG_INIT;
                struct err err;

                if (parse(whole, cases[i].context, &config, &err) != 0)
                        fail_msg("%zu: %s", i, err.text);
                same("server", config.access->server, cases[i].server);
                same("authorities", config.access->authorities, cases[i].authorities);
                same("authorities_file", config.access->authorities_file, cases[i].authorities_file);
                same("server_name", config.access->server_name, cases[i].server_name);
                assert_int_equal(config.access->insecure, cases[i].insecure);
                same("token_file", config.access->token_file, cases[i].token_file);
                same_secret("token", &config.access->token, cases[i].token);
                same_secret("certificate", &config.access->certificate, cases[i].certificate);
                same_secret("key", &config.access->key, cases[i].certificate);
                same("certificate_file", config.certificate_file, cases[i].certificate_file);
                same("key_file", config.key_file, cases[i].key_file);
                same("namespace", config.access->namespace, cases[i].namespace);
        }
}

#define WITH_CLUSTER(text) CONTEXT "clusters:\n- name: k\n  cluster:\n    " text "\n" USER
#define WITH_USER(text)    CONTEXT CLUSTER "users:\n- name: u\n  user:\n    " text "\n"
#define NOT_DONE                                                                                             \
        ", which certrotate does not do: give it a token ('kubectl create token' makes one) or a client "    \
        "certificate"
#define NO_ADDRESS "' is no address: give it as https://host:port"

struct refusal {
        const char *text;
        const char *sentence;
};

static void check_refusals(const struct refusal *cases, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                AUTO(kubeconfig_done_p) struct kubeconfig config = KUBECONFIG_INIT;
                struct err err;

                assert_int_equal(parse(cases[i].text, NULL, &config, &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                assert_string_equal(err.text, cases[i].sentence);
                assert_null(config.access);
        }
}

static void refuses_contexts(void **state UNUSED)
{
        static const struct refusal cases[] = {
                { "", "/d/f:1:1: this is no kubeconfig: it has no contexts" },
                { "[]", "/d/f:1:1: this is no kubeconfig: it has no contexts" },
                { "a: [",
                  "/d/f:2:1: not YAML: did not find expected node content while parsing a flow node" },
                { "{}", "/d/f:1:1: there is no current-context: choose one with 'kubectl config "
                        "use-context'" },
                { "current-context: 7", "/d/f:1:1: 'current-context' wants text: put it in quotes" },
                { "current-context: x", "/d/f:1:1: there is no context 'x'" },
                { "current-context: prdo\ncontexts: [{name: prod, context: {}}]",
                  "/d/f:1:1: there is no context 'prdo', did you mean 'prod'?" },
                { "current-context: x\ncontexts: {}\n", "/d/f:1:1: there is no context 'x'" },
                { "current-context: x\ncontexts: {name: x}\n", "/d/f:2:1: 'contexts' wants a list" },
                { "current-context: x\ncontexts: [7, {name: x}]\n", "/d/f:2:15: context 'x' is empty" },
                { "current-context: x\ncontexts:\n- name: x\n  context: {cluster: k}\n",
                  "/d/f:4:3: context 'x' names no user" },
                { "current-context: x\ncontexts:\n- name: x\n  context: {user: [1]}\n",
                  "/d/f:4:13: 'user' wants text: put it in quotes" },
                { CONTEXT USER, "/d/f:4:13: there is no cluster 'k'" },
                { CONTEXT CLUSTER, "/d/f:4:25: there is no user 'u'" },
        };

        check_refusals(cases, ARRAY_LEN(cases));
}

static void refuses_clusters(void **state UNUSED)
{
        static const struct refusal cases[] = {
                { WITH_CLUSTER("x: y"), "/d/f:7:3: the cluster has no server: give its address, https://…" },
                { WITH_CLUSTER("server: http://k:8080"),
                  "/d/f:8:5: server 'http://k:8080' is not encrypted: give it an address that begins with "
                  "https://" },
                { WITH_CLUSTER("server: k:6443"), "/d/f:8:5: server 'k:6443" NO_ADDRESS },
                { WITH_CLUSTER("server: https://"), "/d/f:8:5: server 'https://" NO_ADDRESS },
                { WITH_CLUSTER("server: https://u:p@k"), "/d/f:8:5: server 'https://u:p@k" NO_ADDRESS },
                { WITH_CLUSTER("server: \"https://k?a=b\""), "/d/f:8:5: server 'https://k?a=b" NO_ADDRESS },
                { WITH_CLUSTER("server: \"https://a b\""), "/d/f:8:5: server 'https://a b" NO_ADDRESS },
                { WITH_CLUSTER("server: https://k\n    tls-server-name: a/b"),
                  "/d/f:9:5: tls-server-name 'a/b' is no host name" },
                { WITH_CLUSTER("server: https://k\n    proxy-url: http://p:3128"),
                  "/d/f:9:5: the cluster is behind a proxy (proxy-url), which certrotate does not use: give "
                  "an "
                  "address that is reached directly" },
                { WITH_CLUSTER("server: https://k\n    insecure-skip-tls-verify: yes"),
                  "/d/f:9:5: insecure-skip-tls-verify wants true or false" },
                { WITH_CLUSTER("server: https://k\n    insecure-skip-tls-verify: true\n    "
                               "certificate-authority: a"),
                  "/d/f:9:5: insecure-skip-tls-verify with an authority given: leave out one of them" },
                { WITH_CLUSTER("server: https://k\n    certificate-authority-data: '%%%%'"),
                  "/d/f:9:5: 'certificate-authority-data' is no base64" },
                { WITH_CLUSTER("server: https://k\n    certificate-authority-data: 'LS0='"),
                  "/d/f:9:5: 'certificate-authority-data' is no base64 of a PEM text" },
        };

        check_refusals(cases, ARRAY_LEN(cases));
}

static void refuses_users(void **state UNUSED)
{
        static const struct refusal cases[] = {
                { WITH_USER("exec: {command: aws}"),
                  "/d/f:11:5: user 'u' runs a program for its credentials (exec)" NOT_DONE },
                { WITH_USER("auth-provider: {name: oidc}"),
                  "/d/f:11:5: user 'u' fetches its credentials from an auth provider "
                  "(auth-provider)" NOT_DONE },
                { WITH_USER("username: admin"),
                  "/d/f:11:5: user 'u' logs in with a password (username)" NOT_DONE },
                { WITH_USER("password: admin"),
                  "/d/f:11:5: user 'u' logs in with a password (password)" NOT_DONE },
                { WITH_USER("as: root"), "/d/f:11:5: user 'u' acts as somebody else (as)" NOT_DONE },
                { WITH_USER("as-groups: [g]"),
                  "/d/f:11:5: user 'u' acts as somebody else (as-groups)" NOT_DONE },
                { WITH_USER("token: 12345"), "/d/f:11:5: 'token' wants text: put it in quotes" },
                { WITH_USER("token: \"\""), "/d/f:10:3: user 'u' has no credentials: give it a token "
                                            "('kubectl create token' makes one) "
                                            "or a client certificate" },
                { WITH_USER("client-certificate: a"),
                  "/d/f:10:3: user 'u' has a client certificate, but no client key" },
                { WITH_USER("client-key: a"),
                  "/d/f:10:3: user 'u' has a client key, but no client certificate" },
        };

        check_refusals(cases, ARRAY_LEN(cases));
}

static void decodes_base64(void **state UNUSED)
{
        static const struct {
                const char *data;
                bool is_fine;
        } cases[] = {
                { PEM_BASE64, true },
                { "LS0tLS1CRUdJTiBYLS0tLS0", false },      /* cut */
                { "LS0tLS1CRUdJTiBYLS0tLS0=====", false }, /* as if there were more */
                { "LS0tLS1CRUdJTiBYLS0tLS==LS0t", false }, /* '=' in the middle */
                { "LS0tLS1CRUdJTiBYAC0tLS0=", false },     /* a NUL in it */
                { "LS0tLS1CRUdJTiBY_S0tLS0=", false },     /* the alphabet of URLs */
                { "====", false },
                { "=", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p)
                char *text = mem_printf(CONTEXT USER "clusters: [{name: k, cluster: {server: 'https://k', "
                                                     "certificate-authority-data: '%s'}}]",
                                        cases[i].data);
                AUTO(kubeconfig_done_p) struct kubeconfig config = KUBECONFIG_INIT;
                struct err err;

                if ((parse(text, NULL, &config, &err) == 0) != cases[i].is_fine)
                        fail_msg("'%s'", cases[i].data);
        }
}

static void reads_files(void **state UNUSED)
{
        static const char text[] = CONTEXT "clusters: [{name: k, cluster: {server: 'https://k', "
                                           "certificate-authority: ca.crt}}]\n"
                                           "users: [{name: u, user: {client-certificate: c.crt, "
                                           "client-key: c.key, tokenFile: token}}]\n";
        static const char *const files[] = { "ca.crt", "c.crt", "c.key", "token" };
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *path = mem_printf("%s/config", dir);
        AUTO(mem_free_p) char *list = mem_printf("::%s:/nonexistent", path);
        AUTO(kube_access_free_p) struct kube_access *access = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(setenv("KUBECONFIG", list, 1), 0);
        assert_int_equal(kube_access_from_file(NULL, NULL, &access, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_non_null(strstr(err.text, "kubeconfig: open '"));
        testca_write(dir, "config", text, strlen(text));
        for (size_t i = 0; i < ARRAY_LEN(files); i++) {
                assert_int_equal(kube_access_from_file(NULL, NULL, &access, &err), -1);
                assert_int_equal(err.kind, ERR_USAGE);
                assert_memory_equal(err.text, path, strlen(path));
                testca_write(dir, files[i], files[i], strlen(files[i]));
        }
        if (kube_access_from_file(NULL, NULL, &access, &err) != 0)
                fail_msg("%s", err.text);
        same_secret("certificate", &access->certificate, "c.crt");
        same_secret("key", &access->key, "c.key");
        assert_int_equal(unsetenv("KUBECONFIG"), 0);
}

static void finds_the_users_own(void **state UNUSED)
{
        static const char text[] = CONTEXT CLUSTER USER;
        AUTO(testca_remove_dir_p) char *home = testca_temp_dir();
        AUTO(mem_free_p) char *dir = mem_printf("%s/.kube", home);
        AUTO(mem_free_p) char *big = mem_new(CONFIG_MAX_BYTES + 2);
        AUTO(kube_access_free_p) struct kube_access *access = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(setenv("KUBECONFIG", ":", 1), 0);
        assert_int_equal(setenv("HOME", home, 1), 0);
        assert_int_equal(kube_access_from_file(NULL, NULL, &access, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_int_equal(mkdir(dir, 0700), 0);
        memset(big, '#', CONFIG_MAX_BYTES + 1);
        testca_write(dir, "config", big, CONFIG_MAX_BYTES + 1);
        assert_int_equal(kube_access_from_file(NULL, NULL, &access, &err), -1);
        assert_int_equal(err.kind, ERR_USAGE);
        testca_write(dir, "config", text, strlen(text));
        assert_int_equal(kube_access_from_file(NULL, NULL, &access, &err), 0);
        same("server", access->server, "https://k:1");
        assert_int_equal(unsetenv("HOME"), 0);
        assert_int_equal(unsetenv("KUBECONFIG"), 0);
        assert_int_equal(kube_access_from_file(NULL, NULL, &access, &err), -1);
        assert_string_equal(err.text, "no kubeconfig: neither KUBECONFIG nor HOME is set");
}

static void stands_in_a_pod(void **state UNUSED)
{
        static const struct {
                const char *host;
                const char *port;
                const char *server; /* NULL: refused */
                const char *text;
        } cases[] = {
                { "10.96.0.1", "443", "https://10.96.0.1:443", NULL },
                { "fd00::1", "6443", "https://[fd00::1]:6443", NULL },
                { "api.example", "443", "https://api.example:443", NULL },
                { "", "443", NULL, "KUBERNETES_SERVICE_HOST is not set: this is no pod of a cluster" },
                { "10.96.0.1", "", NULL, "KUBERNETES_SERVICE_PORT is not set: this is no pod of a cluster" },
                { "a/b", "443", NULL, "KUBERNETES_SERVICE_HOST is no host: 'a/b'" },
                { "10.96.0.1", "tcp", NULL, "KUBERNETES_SERVICE_PORT is no port: 'tcp'" },
                { "10.96.0.1", "65536", NULL, "KUBERNETES_SERVICE_PORT is no port: '65536'" },
        };
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(mem_free_p) char *token = mem_printf("%s/token", dir);
        AUTO(mem_free_p) char *authorities = mem_printf("%s/ca.crt", dir);
        struct err err = ERR_INIT;

        testca_write(dir, "ca.crt", "x", 1);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(kube_access_free_p) struct kube_access *access = NULL;
                int result;

                if (i == 1)
                        testca_write(dir, "namespace", "demo\n", 5);
                assert_int_equal(setenv("KUBERNETES_SERVICE_HOST", cases[i].host, 1), 0);
                assert_int_equal(setenv("KUBERNETES_SERVICE_PORT", cases[i].port, 1), 0);
                result = kube_access_in_pod(dir, &access, &err);
                assert_int_equal(result, cases[i].server != NULL ? 0 : -1);
                if (result != 0) {
                        assert_int_equal(err.kind, ERR_MISSING);
                        assert_string_equal(err.text, cases[i].text);
                        continue;
                }
                same("server", access->server, cases[i].server);
                same("token", access->token_file, token);
                same("authorities", access->authorities_file, authorities);
                same("namespace", access->namespace, i == 0 ? "default" : "demo");
        }
}

static void stands_in_a_pod_without_account(void **state UNUSED)
{
        struct kube_access *access = NULL;
        struct err err = ERR_INIT;

        assert_int_equal(setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1), 0);
        assert_int_equal(setenv("KUBERNETES_SERVICE_PORT", "443", 1), 0);
        assert_int_equal(kube_access_in_pod("/nonexistent", &access, &err), -1);
        assert_int_equal(err.kind, ERR_MISSING);
        assert_string_equal(err.text,
                            "'/nonexistent/ca.crt' is not there: this pod has no service account mounted");
        assert_null(access);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(takes_contexts),
                cmocka_unit_test(refuses_contexts),
                cmocka_unit_test(refuses_clusters),
                cmocka_unit_test(refuses_users),
                cmocka_unit_test(decodes_base64),
                cmocka_unit_test(reads_files),
                cmocka_unit_test(finds_the_users_own),
                cmocka_unit_test(stands_in_a_pod),
                cmocka_unit_test(stands_in_a_pod_without_account),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
