// SPDX-License-Identifier: Apache-2.0
/*
 * MySQL's and PostgreSQL's way into TLS, byte by byte and through the pump.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hooks/wire/mysql_greeting.h"
#include "hooks/wire/postgres.h"

/* connection id, salt, 0 */
#define FIXED                                                                                                \
        "\x07\x00\x00\x00"                                                                                   \
        "abcdefgh"                                                                                           \
        "\x00"
/* charset, status, capabilities high, length of authentication data, reserved, more salt */
#define TAIL                                                                                                 \
        "\x21\x02\x00\xff\x81\x15"                                                                           \
        "\0\0\0\0\0\0\0\0\0\0"                                                                               \
        "ijklmnopqrst"                                                                                       \
        "\x00"
#define WITH    "\xff\xff"
#define WITHOUT "\xff\xf7"
/* A payload, which holds NULs, with its length. */
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

struct greeting_case {
        const char *name;
        const uint8_t *payload;
        size_t len;
        enum preamble_state want;
        enum err_kind kind;
        const char *says; /* in server when it leads to TLS, else in the error's text */
};

static const struct greeting_case greetings[] = {
        { "mysql",
          BYTES("\x0a"
                "8.0.36\0" FIXED WITH TAIL),
          PREAMBLE_TLS, ERR_NONE, "8.0.36" },
        { "mariadb 10",
          BYTES("\x0a"
                "5.5.5-10.11.19-MariaDB-0+deb12u1\0" FIXED WITH TAIL),
          PREAMBLE_TLS, ERR_NONE, "10.11.19-MariaDB-0+deb12u1" },
        { "mariadb 11",
          BYTES("\x0a"
                "11.4.2-MariaDB\0" FIXED WITH TAIL),
          PREAMBLE_TLS, ERR_NONE, "11.4.2-MariaDB" },
        { "nothing behind the disguise",
          BYTES("\x0a"
                "5.5.5-\0" FIXED WITH),
          PREAMBLE_TLS, ERR_NONE, "5.5.5-" },
        { "short, as 4.1 may send",
          BYTES("\x0a"
                "4.1.22\0" FIXED WITH),
          PREAMBLE_TLS, ERR_NONE, "4.1.22" },
        { "empty version",
          BYTES("\x0a"
                "\0" FIXED WITH),
          PREAMBLE_TLS, ERR_NONE, "" },
        { "control characters",
          BYTES("\x0a"
                "8.0\x1b[31m\xff\0" FIXED WITH),
          PREAMBLE_TLS, ERR_NONE, "8.0?[31m?" },
        { "no TLS",
          BYTES("\x0a"
                "8.0.36\0" FIXED WITHOUT TAIL),
          PREAMBLE_FAILED, ERR_PROTOCOL, "the server (8.0.36) does not offer TLS" },
        { "protocol 9",
          BYTES("\x09"
                "3.20\0" FIXED WITH),
          PREAMBLE_FAILED, ERR_PROTOCOL, "protocol 9" },
        { "version without end",
          BYTES("\x0a"
                "8.0.36"),
          PREAMBLE_FAILED, ERR_PROTOCOL, "without an end" },
        { "protocol alone", BYTES("\x0a"), PREAMBLE_FAILED, ERR_PROTOCOL, "without an end" },
        { "cut in the salt",
          BYTES("\x0a"
                "8.0\0"
                "\x07\0\0\0abc"),
          PREAMBLE_FAILED, ERR_PROTOCOL, "cut off" },
        { "one byte of capabilities",
          BYTES("\x0a"
                "8.0\0" FIXED "\xff"),
          PREAMBLE_FAILED, ERR_PROTOCOL, "cut off" },
        { "host blocked", BYTES("\xff\x69\x04Host '10.0.0.7' is blocked"), PREAMBLE_FAILED, ERR_NETWORK,
          "FLUSH HOSTS" },
        { "host blocked, its own words", BYTES("\xff\x69\x04Host '10.0.0.7' is blocked"), PREAMBLE_FAILED,
          ERR_NETWORK, "(error 1129: Host '10.0.0.7' is blocked)" },
        { "too many connections", BYTES("\xff\x10\x04#08004Too many connections"), PREAMBLE_FAILED,
          ERR_NETWORK, "error 1040: Too many connections" },
        { "host not allowed", BYTES("\xff\x6a\x04Host 'x' is not allowed"), PREAMBLE_FAILED, ERR_AUTH,
          "error 1130" },
        { "shutting down", BYTES("\xff\x1d\x04Server shutdown in progress"), PREAMBLE_FAILED, ERR_NOT_READY,
          "shutting down" },
        { "another error",
          BYTES("\xff\x15\x04"
                "Access\n denied"),
          PREAMBLE_FAILED, ERR_PROTOCOL, "error 1045: Access? denied" },
        { "error without text", BYTES("\xff\x15\x04"), PREAMBLE_FAILED, ERR_PROTOCOL, "error 1045: " },
        { "error cut off", BYTES("\xff\x15"), PREAMBLE_FAILED, ERR_PROTOCOL, "cut off" },
};

/* Feeds a stream in pieces of `piece` bytes; *used are those the preamble took. */
static enum preamble_state feed(struct preamble_pump *pump, const uint8_t *data, size_t len, size_t piece,
                                size_t *used, struct err *err)
{
        enum preamble_state state = preamble_begin(pump, &mysql_greeting_preamble, err);

        *used = 0;
        while (state == PREAMBLE_MORE && *used < len) {
                size_t n = pump->want < piece ? pump->want : piece;

                if (n > len - *used)
                        n = len - *used;
                state = preamble_feed(pump, data + *used, n, err);
                *used += n;
        }
        return state;
}

static size_t packet(uint8_t *out, const uint8_t *payload, size_t len)
{
        out[0] = (uint8_t)(len & 0xff);
        out[1] = (uint8_t)(len >> 8);
        out[2] = 0;
        out[3] = 0;
        memcpy(out + 4, payload, len);
        return len + 4;
}

static void test_greetings(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
                const struct greeting_case *c = &greetings[i];
                uint8_t wire[512];
                size_t len = packet(wire, c->payload, c->len);

                print_message("%s\n", c->name);
                memcpy(wire + len, "TLS", 3); /* must stay unread */
                for (size_t piece = 1; piece <= len + 3; piece++) {
                        struct preamble_pump pump;
                        struct err err = ERR_INIT;
                        size_t used;

                        assert_int_equal(feed(&pump, wire, len + 3, piece, &used, &err), c->want);
                        assert_int_equal(used, len);
                        assert_int_equal(err.kind, c->kind);
                        if (c->want == PREAMBLE_TLS)
                                assert_string_equal(pump.io.server, c->says);
                        else
                                assert_non_null(strstr(err.text, c->says));
                        preamble_done(&pump);
                }
        }
}

static void test_every_truncation_waits(void **state)
{
        static const uint8_t payload[] = "\x0a"
                                         "8.0.36\0" FIXED WITH TAIL;
        uint8_t wire[512];
        size_t len = packet(wire, payload, sizeof(payload) - 1);

        (void)state;
        for (size_t cut = 0; cut < len; cut++) {
                struct preamble_pump pump;
                struct err err = ERR_INIT;
                size_t used;

                assert_int_equal(feed(&pump, wire, cut, 7, &used, &err), PREAMBLE_MORE);
                assert_int_equal(pump.want, cut < 4 ? 4 - cut : len - cut);
                preamble_done(&pump);
        }
}

static void test_long_version_is_cut(void **state)
{
        uint8_t payload[256];
        uint8_t wire[300];
        struct preamble_pump pump;
        struct err err = ERR_INIT;
        size_t used;

        (void)state;
        memset(payload, 'v', sizeof(payload));
        payload[0] = 10;
        payload[200] = 0;
        memset(payload + 201, 0xff, 40);
        assert_int_equal(feed(&pump, wire, packet(wire, payload, 241), 300, &used, &err), PREAMBLE_TLS);
        assert_int_equal(strlen(pump.io.server), PREAMBLE_SERVER_MAX - 1);
        preamble_done(&pump);
}

static void test_garbage_headers(void **state)
{
        static const struct {
                const char *name;
                const char *bytes;
        } cases[] = {
                { "HTTP", "HTTP" },
                { "SSH", "SSH-" },
                { "SMTP", "220 " },
                { "TLS alert", "\x15\x03\x01\x00" },
                { "zero length", "\x00\x00\x00\x00" },
                { "16 MiB", "\xff\xff\xff\x00" },
                { "65537 bytes", "\x01\x00\x01\x00" },
                { "second packet", "\x20\x00\x00\x01" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct preamble_pump pump;
                struct err err = ERR_INIT;
                size_t used;

                print_message("%s\n", cases[i].name);
                assert_int_equal(feed(&pump, (const uint8_t *)cases[i].bytes, 4, 4, &used, &err),
                                 PREAMBLE_FAILED);
                assert_int_equal(err.kind, ERR_PROTOCOL);
                assert_non_null(strstr(err.text, "is this a MySQL port?"));
                preamble_done(&pump);
        }
}

static void test_ssl_request(void **state)
{
        /* LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH; 16 MiB; utf8; 23 zeros */
        static const uint8_t want[36] = { 0x20, 0, 0, 1, 0x01, 0x8a, 0x08, 0, 0, 0, 0, 1, 33 };
        static const uint8_t payload[] = "\x0a"
                                         "8.0.36\0" FIXED WITH TAIL;
        struct preamble_pump pump;
        struct err err = ERR_INIT;
        uint8_t wire[512];
        size_t used;

        (void)state;
        assert_int_equal(feed(&pump, wire, packet(wire, payload, sizeof(payload) - 1), 512, &used, &err),
                         PREAMBLE_TLS);
        assert_int_equal(pump.io.out_len, sizeof(want));
        assert_memory_equal(pump.io.out, want, sizeof(want));
        preamble_done(&pump);
}

static enum preamble_state greedy(struct preamble_io *io, struct err *err UNUSED)
{
        io->need = io->stage++ == 0 ? WIRE_PACKET_MAX_BYTES : WIRE_PACKET_MAX_BYTES + 1;
        return PREAMBLE_MORE;
}

static void test_pump_bounds(void **state)
{
        static const struct preamble preamble = { "greedy", greedy, NULL };
        static uint8_t bytes[WIRE_PACKET_MAX_BYTES];
        struct preamble_pump pump;
        struct err err = ERR_INIT;

        (void)state;
        assert_int_equal(preamble_begin(&pump, &preamble, &err), PREAMBLE_MORE);
        assert_int_equal(pump.want, WIRE_PACKET_MAX_BYTES);
        assert_int_equal(preamble_feed(&pump, bytes, sizeof(bytes), &err), PREAMBLE_FAILED);
        assert_int_equal(err.kind, ERR_LIMIT);
        preamble_done(&pump);
}

static enum preamble_state speaks_first(struct preamble_io *io, struct err *err UNUSED)
{
        if (io->stage++ > 0)
                return PREAMBLE_TLS;
        io->out[0] = '?';
        io->out_len = 1;
        io->need = 2;
        return PREAMBLE_MORE;
}

/* An answer that comes in pieces must not make the question go out again. */
static void test_pump_asks_once(void **state)
{
        static const struct preamble preamble = { "speaks first", speaks_first, NULL };
        struct preamble_pump pump;
        struct err err = ERR_INIT;

        (void)state;
        assert_int_equal(preamble_begin(&pump, &preamble, &err), PREAMBLE_MORE);
        assert_int_equal(pump.io.out_len, 1);
        assert_int_equal(preamble_feed(&pump, (const uint8_t *)"a", 1, &err), PREAMBLE_MORE);
        assert_int_equal(pump.io.out_len, 0);
        assert_int_equal(preamble_feed(&pump, (const uint8_t *)"b", 1, &err), PREAMBLE_TLS);
        assert_int_equal(pump.io.out_len, 0);
        preamble_done(&pump);
}

static void test_postgres(void **state)
{
        static const uint8_t request[] = { 0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f };
        static const struct {
                uint8_t answer;
                enum preamble_state want;
                const char *says;
        } cases[] = {
                { 'S', PREAMBLE_TLS, "" },           { 'N', PREAMBLE_FAILED, "ssl = on" },
                { 'E', PREAMBLE_FAILED, "too old" }, { 'G', PREAMBLE_FAILED, "0x47" },
                { 0, PREAMBLE_FAILED, "0x00" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct preamble_pump pump;
                struct err err = ERR_INIT;

                assert_int_equal(preamble_begin(&pump, &postgres_preamble, &err), PREAMBLE_MORE);
                assert_int_equal(pump.io.out_len, sizeof(request));
                assert_memory_equal(pump.io.out, request, sizeof(request));
                assert_int_equal(pump.want, 1);
                assert_int_equal(preamble_feed(&pump, &cases[i].answer, 1, &err), cases[i].want);
                assert_non_null(strstr(err.text, cases[i].says));
                assert_int_equal(pump.io.out_len, 0);
                preamble_done(&pump);
        }
}

/* Only a greeting that says so lacks TLS; what is cut off, or something else, does not. */
static void test_lacks_tls(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(greetings); i++) {
                uint8_t packet[256] = { (uint8_t)greetings[i].len, 0, 0, 0 };
                bool lacks = strcmp(greetings[i].name, "no TLS") == 0;

                memcpy(packet + 4, greetings[i].payload, greetings[i].len);
                assert_int_equal(mysql_greeting_lacks_tls(packet, 4 + greetings[i].len), lacks);
                for (size_t len = 0; len < 4 + 1 + sizeof("8.0.36") + sizeof(FIXED) - 1 + 2; len++)
                        assert_false(len <= 4 + greetings[i].len && mysql_greeting_lacks_tls(packet, len));
                packet[3] = 1;
                assert_false(mysql_greeting_lacks_tls(packet, 4 + greetings[i].len));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_greetings),       cmocka_unit_test(test_every_truncation_waits),
                cmocka_unit_test(test_garbage_headers), cmocka_unit_test(test_long_version_is_cut),
                cmocka_unit_test(test_ssl_request),     cmocka_unit_test(test_pump_bounds),
                cmocka_unit_test(test_pump_asks_once),  cmocka_unit_test(test_postgres),
                cmocka_unit_test(test_lacks_tls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
