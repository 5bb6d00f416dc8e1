// SPDX-License-Identifier: Apache-2.0
/*
 * kube/client.c: whom it believes, and how it says who asks.
 */
#include "kube/call.h"
#include "kube_ask.h"

#include <openssl/ssl.h>

static void serve_again(struct scene *scene, const struct kubepeer_options *options)
{
        struct kubepeer_options same_port = *options;

        same_port.port = scene->peer.port;
        kubepeer_stop(&scene->peer);
        scene->peer = kubepeer_start(&same_port);
}

static void reopen(struct scene *scene, struct kube_access *access)
{
        kube_client_close(TAKE(scene->client));
        open_client(scene, access);
}

static void believes_its_authorities(void **state)
{
        struct scene *scene = *state;
        AUTO(testca_free_p) struct testca *twin = testca_twin(scene->root, false);
        struct kube_access *access = access_to(scene);

        mem_free(access->authorities);
        access->authorities = testca_cert_pem(twin);
        open_client(scene, access);
        fails_with(scene, ERR_UNTRUSTED, "certificate");
        /* Without any, those of the system. */
        access = access_to(scene);
        mem_free(TAKE(access->authorities));
        reopen(scene, access);
        fails_with(scene, ERR_UNTRUSTED, "certificate");
        access = access_to(scene);
        mem_free(TAKE(access->authorities));
        access->insecure = true;
        reopen(scene, access);
        mem_free(ask_for(scene, "/echo"));
        reopen(scene, access_to(scene));
        mem_free(ask_for(scene, "/echo"));
}

static void believes_the_name(void **state)
{
        static const struct {
                const char *names; /* in the server's certificate */
                const char *server_name;
                const char *host; /* as the server sees it; NULL: refused */
        } cases[] = {
                { "IP:127.0.0.1", NULL, "127.0.0.1" },
                { "DNS:kubernetes", NULL, NULL },
                { "IP:10.96.0.1", NULL, NULL },
                { "DNS:kubernetes", "kubernetes", "kubernetes" },
                { "IP:127.0.0.1", "kubernetes", NULL },
                { "DNS:kubernetes.default", "kubernetes", NULL },
                { "IP:10.96.0.1", "10.96.0.1", "10.96.0.1" },
                { "IP:fd00::1", "fd00::1", "[fd00::1]" },
        };
        struct scene *scene = *state;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(testca_free_p) struct testca *leaf = testca_leaf(scene->root, cases[i].names);
                struct kube_access *access;

                serve_again(scene, &(struct kubepeer_options){ .leaf = leaf });
                access = access_to(scene);
                access->server_name = mem_strdup(cases[i].server_name);
                reopen(scene, access);
                if (cases[i].host == NULL) {
                        fails_with(scene, ERR_UNTRUSTED, "SSL: ");
                } else {
                        AUTO(mem_free_p)
                        char *line = mem_printf("\r\nHost: %s:%d\r\n", cases[i].host, scene->peer.port);
                        AUTO(mem_free_p) char *request = ask_for(scene, "/echo");

                        assert_non_null(strstr(request, line));
                }
        }
}

/* The file is read for each connection: an authority that is replaced needs no restart. */
static void follows_the_authorities_file(void **state)
{
        struct scene *scene = *state;
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        AUTO(testca_free_p) struct testca *root = testca_twin(scene->root, false);
        AUTO(testca_free_p) struct testca *leaf = testca_leaf(root, "IP:127.0.0.1");
        AUTO(mem_free_p) char *old_pem = testca_cert_pem(scene->root);
        AUTO(mem_free_p) char *new_pem = testca_cert_pem(root);
        struct kube_access *access = access_to(scene);

        testca_write(dir, "ca.crt", old_pem, strlen(old_pem));
        mem_free(TAKE(access->authorities));
        access->authorities_file = mem_printf("%s/ca.crt", dir);
        open_client(scene, access);
        mem_free(ask_for(scene, "/echo"));
        serve_again(scene, &(struct kubepeer_options){ .leaf = leaf });
        fails_with(scene, ERR_UNTRUSTED, "certificate");
        testca_write(dir, "ca.crt", new_pem, strlen(new_pem));
        mem_free(ask_for(scene, "/echo"));
        /* Broken, it costs no connection that is there already. */
        testca_write(dir, "ca.crt", "no", 2);
        mem_free(ask_for(scene, "/echo"));
        serve_again(scene, &(struct kubepeer_options){ .leaf = leaf });
        fails_with(scene, ERR_UNTRUSTED, "ca.crt");
}

static void wants_tls_12(void **state)
{
        struct scene *scene = *state;

        serve_again(scene, &(struct kubepeer_options){ .leaf = scene->leaf, .max_version = TLS1_1_VERSION });
        open_client(scene, access_to(scene));
        fails_with(scene, ERR_NETWORK, "SSL");
        serve_again(scene, &(struct kubepeer_options){ .leaf = scene->leaf, .max_version = TLS1_2_VERSION });
        mem_free(ask_for(scene, "/echo"));
}

static struct kube_access *access_with_certificate(const struct scene *scene, const struct testca *client,
                                                   const struct testca *key_of)
{
        struct kube_access *access = access_to(scene);
        AUTO(mem_free_p) char *certificate = testca_cert_pem(client);
        AUTO(mem_free_p) char *key = testca_key_pem(key_of, TESTCA_PKCS8, NULL);

        secret_set(&access->certificate, certificate, strlen(certificate));
        secret_set(&access->key, key, strlen(key));
        return access;
}

static void shows_its_certificate(void **state)
{
        struct scene *scene = *state;
        AUTO(testca_free_p) struct testca *clients = testca_root("clients");
        AUTO(testca_free_p) struct testca *good = testca_leaf(clients, "DNS:agent");
        AUTO(testca_free_p) struct testca *other = testca_leaf(scene->root, "DNS:agent");

        serve_again(scene, &(struct kubepeer_options){ .leaf = scene->leaf, .clients = clients });
        open_client(scene, access_with_certificate(scene, good, good));
        mem_free(ask_for(scene, "/echo"));
        reopen(scene, access_with_certificate(scene, other, other));
        fails_with(scene, ERR_NETWORK, "");
        reopen(scene, access_to(scene));
        fails_with(scene, ERR_NETWORK, "");
}

static void opens_with_what_can_be_read(void **state)
{
        struct scene *scene = *state;
        AUTO(testca_free_p) struct testca *other = testca_leaf(scene->root, "DNS:agent");
        const struct {
                const char *authorities;
                const char *authorities_file;
                const struct testca *client;
                const struct testca *key;
                const char *text;
        } cases[] = {
                { "", NULL, NULL, NULL, "certificate-authority-data: no certificate in it" },
                { "-----BEGIN CERTIFICATE-----\n", NULL, NULL, NULL, "certificate-authority-data: " },
                { NULL, "/nonexistent", NULL, NULL, "open '/nonexistent': No such file or directory" },
                { NULL, "/dev/null", NULL, NULL, "'/dev/null' is not a regular file" },
                { NULL, NULL, scene->leaf, other,
                  "the client key does not belong to the client certificate" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct kube_access *access =
                        cases[i].client != NULL
                                ? access_with_certificate(scene, cases[i].client, cases[i].key)
                                : access_to(scene);
                struct err err = ERR_INIT;

                if (cases[i].client == NULL) {
                        mem_free(access->authorities);
                        access->authorities = mem_strdup(cases[i].authorities);
                        access->authorities_file = mem_strdup(cases[i].authorities_file);
                }
                assert_int_equal(kube_client_open(scene->loop, access, &scene->client, &err), -1);
                assert_null(scene->client);
                if (err.kind != ERR_UNTRUSTED || strstr(err.text, cases[i].text) != err.text)
                        fail_msg("%zu: %s '%s'", i, err_reason(err.kind), err.text);
        }
}

static void reads_its_token_anew(void **state)
{
        static const struct {
                const char *token; /* NULL: no file */
                const char *line;  /* of the request; NULL: refused */
                const char *text;
        } cases[] = {
                { "first\n", "\r\nAuthorization: Bearer first\r\n", NULL },
                { "second", "\r\nAuthorization: Bearer second\r\n", NULL },
                { "", NULL, "/token: the token is empty" },
                { " \r\n", NULL, "/token: the token is empty" },
                { "a\r\nX: y", NULL, "/token: this is no token: byte 2 is no letter or digit" },
                { "t\xc3\xb6ken", NULL, "/token: this is no token: byte 2 is no letter or digit" },
                { NULL, NULL, "the token cannot be read: open '" },
                { "third", "\r\nAuthorization: Bearer third\r\n", NULL },
        };
        struct scene *scene = *state;
        AUTO(testca_remove_dir_p) char *dir = testca_temp_dir();
        struct kube_access *access = access_to(scene);

        access->token_file = mem_printf("%s/token", dir);
        secret_set(&access->token, "of the kubeconfig", 17); /* the file goes before */
        open_client(scene, access);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                (void)remove(kube_client_access(scene->client)->token_file);
                if (cases[i].token != NULL)
                        testca_write(dir, "token", cases[i].token, strlen(cases[i].token));
                if (cases[i].line == NULL) {
                        fails_with(scene, ERR_AUTH, cases[i].text);
                } else {
                        AUTO(mem_free_p) char *request = ask_for(scene, "/echo");

                        assert_non_null(strstr(request, cases[i].line));
                }
        }
        assert_int_equal(kube_client_requests(scene->client), 3);
}

static void knows_its_token(void **state)
{
        struct scene *scene = *state;
        struct kube_access *access = access_to(scene);
        AUTO(mem_free_p) char *request = NULL;

        secret_set(&access->token, "fixed", 5);
        open_client(scene, access);
        request = ask_for(scene, "/echo");
        assert_non_null(strstr(request, "\r\nAuthorization: Bearer fixed\r\n"));
}

static void encrypted_keys(void **state)
{
        static const enum testca_form forms[] = { TESTCA_PKCS8_PBES2, TESTCA_LEGACY_CRYPTED };
        struct scene *scene = *state;

        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
                struct kube_access *access = access_with_certificate(scene, scene->leaf, scene->leaf);
                AUTO(mem_free_p) char *key = testca_key_pem(scene->leaf, forms[i], "password");
                struct err err = ERR_INIT;

                secret_set(&access->key, key, strlen(key));
                assert_int_equal(kube_client_open(scene->loop, access, &scene->client, &err), -1);
                assert_int_equal(err.kind, ERR_UNTRUSTED);
                assert_string_equal(err.text, "client key: it is encrypted: store it without a password");
        }
}

/* What libcurl is told when another name than the host's is to be verified. */
static void targets(void **state UNUSED)
{
        static const struct {
                const char *server;
                const char *name;
                const char *url;
                const char *connect_to;
        } cases[] = {
                { "https://k", NULL, "https://k", NULL },
                { "https://k", "n", "https://n", "::k:443" },
                { "https://k:1/a:b/c", "n", "https://n:1/a:b/c", "::k:1" },
                { "https://k/a:b", "n", "https://n/a:b", "::k:443" },
                { "https://[fd00::1]", "n", "https://n", "::[fd00::1]:443" },
                { "https://[fd00::1]:1/a", "fd00::2", "https://[fd00::2]:1/a", "::[fd00::1]:1" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct kube_access access = { .server = (char *)(uintptr_t)cases[i].server,
                                                    .server_name = (char *)(uintptr_t)cases[i].name };
                struct kube_target target = kube_call_target(&access);

                assert_string_equal(target.url, cases[i].url);
                if (cases[i].connect_to == NULL)
                        assert_null(target.connect_to);
                else
                        assert_string_equal(target.connect_to, cases[i].connect_to);
                kube_call_target_done(&target);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(believes_its_authorities, setup, teardown),
                cmocka_unit_test_setup_teardown(believes_the_name, setup, teardown),
                cmocka_unit_test_setup_teardown(follows_the_authorities_file, setup, teardown),
                cmocka_unit_test_setup_teardown(wants_tls_12, setup, teardown),
                cmocka_unit_test_setup_teardown(shows_its_certificate, setup, teardown),
                cmocka_unit_test_setup_teardown(opens_with_what_can_be_read, setup, teardown),
                cmocka_unit_test_setup_teardown(reads_its_token_anew, setup, teardown),
                cmocka_unit_test_setup_teardown(knows_its_token, setup, teardown),
                cmocka_unit_test_setup_teardown(encrypted_keys, setup, teardown),
                cmocka_unit_test(targets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
