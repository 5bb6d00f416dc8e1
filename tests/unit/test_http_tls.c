// SPDX-License-Identifier: Apache-2.0
/*
 * agent/loop/http_tls.c and POST of http_server.c: over TLS 1.3, with its limits on size, time and number,
 * and a certificate that is replaced while clients come and go. The server is a process of its own; SIGUSR1
 * makes it take the other certificate.
 */
#include "http_tls_client.h"

static void a_post_is_answered(void **state)
{
        AUTO(mem_free_p) char *reply = tls_post(*state, "/echo", "application/json", "{\"a\":1}", 7);

        assert_int_equal(status_of(reply), 200);
        assert_non_null(strstr(reply, "/echo application/json 7 {\"a\":1}"));
        assert_non_null(strstr(reply, "Connection: close"));
}

static void bodies(void **state)
{
        static const struct {
                size_t len;
                int status;
        } cases[] = { { 0, 200 },      { 1, 200 }, { 65536, 200 }, { BODY_MAX, 200 }, { BODY_MAX + 1, 413 },
                      { 3000000, 413 } };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(mem_free_p) char *body = mem_new(cases[i].len + 1);
                AUTO(mem_free_p) char *reply = NULL;
                AUTO(mem_free_p) char *says = mem_printf("/len text/plain %zu ", cases[i].len);

                memset(body, 'x', cases[i].len);
                reply = tls_post(*state, "/len", "text/plain", body, cases[i].len);
                assert_int_equal(status_of(reply), cases[i].status);
                assert_int_equal(strstr(reply, says) != NULL, cases[i].status == 200);
        }
}

static void chunks_are_a_body(void **state)
{
        static const char chunked[] = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        AUTO(mem_free_p) char *reply = tls_exchange(*state, chunked, sizeof(chunked) - 1);

        assert_int_equal(status_of(reply), 200);
        assert_non_null(strstr(reply, " 5 abcde"));
}

/* Also of chunks, whose length nobody has told. */
static void chunks_without_end(void **state)
{
        struct client client = { 0 };
        AUTO(mem_free_p) char *reply = mem_new(65536);
        static const char head[] = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        char chunk[5 + 4096 + 2 + 1] = "1000\r\n";

        memset(chunk + 6, 'x', 4096);
        memcpy(chunk + 6 + 4096 - 2, "\r\n", 2); /* one chunk that is two short: 0xffe */
        memcpy(chunk, "0ffe\r\n", 6);
        client_open(&client, *state, 0);
        assert_true(client_send(&client, head, sizeof(head) - 1));
        for (int i = 0; i < 2000 && client_send(&client, chunk, 6 + 4096); i++)
                if (client_is_cut(&client))
                        break;
        client_close(&client);
        mem_free(TAKE(reply));
        reply = tls_post(*state, "/after", "", "", 0);
        assert_int_equal(status_of(reply), 200);
}

static void other_methods(void **state)
{
        static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS" };

        for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
                AUTO(mem_free_p) char *request = mem_printf("%s / HTTP/1.1\r\nHost: a\r\n\r\n", methods[i]);
                AUTO(mem_free_p) char *reply = tls_exchange(*state, request, strlen(request));

                assert_int_equal(status_of(reply), 405);
                assert_non_null(strstr(reply, "Allow: POST\r\n"));
        }
}

static void nonsense(void **state)
{
        static const char *const texts[] = {
                "\r\n\r\n",
                "POST\r\n\r\n",
                "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "\x16\x03\x01",
                "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"
        };

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                struct client client = { 0 };
                char out[4096];

                client_open(&client, *state, 0);
                (void)client_send(&client, texts[i], strlen(texts[i]));
                client_shutdown(&client);
                assert_true(client_read(&client, out, sizeof(out)) >= 0);
                assert_int_not_equal(status_of(out), 200);
                client_close(&client);
        }
}

static void older_protocols_are_refused(void **state)
{
        struct client client = { 0 };

        assert_false(client_try(&client, *state, TLS1_2_VERSION, false));
        client_close(&client);
        assert_true(client_try(&client, *state, TLS1_3_VERSION, false));
        assert_string_equal(SSL_get_version(client.ssl), "TLSv1.3");
        client_close(&client);
}

static void plain_http_is_refused(void **state)
{
        static const char request[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
        AUTO(mem_free_p) char *reply = exchange(*state, request, strlen(request));

        assert_null(strstr(reply, "200"));
}

static void nothing_is_served_before_the_first(void **state UNUSED)
{
        struct scene bare = { 0 };
        struct client client = { 0 };

        tls_start(&bare, false);
        assert_false(client_try(&client, &bare, 0, false));
        client_close(&client);
        tls_swap(&bare);
        assert_true(client_try(&client, &bare, 0, false));
        client_close(&client);
        stop(&bare);
}

/* Those that have begun keep their connection, the next get the new one; and back. */
static void a_certificate_is_replaced(void **state)
{
        struct client old = { 0 };
        struct client new = { 0 };
        AUTO(mem_free_p) char *before = NULL;
        AUTO(mem_free_p) char *after = NULL;
        static const char request[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
        char out[4096];

        client_open(&old, *state, 0);
        before = client_subject(&old);
        tls_swap(*state);
        client_open(&new, *state, 0);
        after = client_subject(&new);
        assert_string_not_equal(before, after);
        assert_true(client_send(&old, request, sizeof(request) - 1));
        assert_true(client_read(&old, out, sizeof(out)) > 0);
        assert_int_equal(status_of(out), 200);
        client_close(&old);
        client_close(&new);
}

static void sessions_are_not_resumed(void **state)
{
        struct client client = { 0 };
        static const char request[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
        char out[4096];

        client_open(&client, *state, 0);
        assert_true(client_send(&client, request, sizeof(request) - 1));
        assert_true(client_read(&client, out, sizeof(out)) > 0);
        assert_int_equal(SSL_SESSION_is_resumable(SSL_get_session(client.ssl)), 0);
        client_close(&client);
}

/* A crowd that has connected and does not shake hands: whoever does is served behind it. */
static void silent_crowds_keep_nobody_waiting(void **state)
{
        int fds[2 * CONNECTIONS_MAX];
        AUTO(mem_free_p) char *reply = NULL;

        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                fds[i] = dial(*state);
        reply = tls_post(*state, "/x", "", "", 0);
        assert_int_equal(status_of(reply), 200);
        for (size_t i = 0; i < ARRAY_LEN(fds); i++)
                (void)close(fds[i]);
}

/* Never within the time allowed, each in its way: all are cut off although none ever stops. */
static void slow_ones_are_cut_off(void **state)
{
        struct client body = { 0 };
        struct client idle = { 0 };
        AUTO(close_fd_p) int hello = dial(*state);
        static const char head[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
        /* The head of a ClientHello of 512 bytes. */
        static const char record[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        bool cut[3] = { false, false, false };
        char c;

        client_open(&body, *state, 0);
        client_open(&idle, *state, 0);
        assert_true(client_send(&body, head, sizeof(head) - 1));
        for (size_t i = 0; i < 50 && !(cut[0] && cut[1] && cut[2]); i++) {
                c = i < sizeof(record) - 1 ? record[i] : 'x';
                cut[0] = cut[0] || send(hello, &c, 1, MSG_NOSIGNAL) == -1 ||
                         recv(hello, &c, 1, MSG_DONTWAIT) == 0;
                cut[1] = cut[1] || !client_send(&body, "y", 1) || client_is_cut(&body);
                cut[2] = cut[2] || client_is_cut(&idle);
                (void)usleep(500000);
        }
        client_close(&body);
        client_close(&idle);
        assert_true(cut[0]);
        assert_true(cut[1]);
        assert_true(cut[2]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_post_is_answered, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(bodies, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(chunks_are_a_body, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(chunks_without_end, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(other_methods, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(nonsense, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(older_protocols_are_refused, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(plain_http_is_refused, tls_setup, teardown),
                cmocka_unit_test(nothing_is_served_before_the_first),
                cmocka_unit_test_setup_teardown(a_certificate_is_replaced, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(sessions_are_not_resumed, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(silent_crowds_keep_nobody_waiting, tls_setup, teardown),
                cmocka_unit_test_setup_teardown(slow_ones_are_cut_off, tls_setup, teardown),
        };

        return cmocka_run_group_tests_name("http_tls", tests, NULL, NULL);
}
