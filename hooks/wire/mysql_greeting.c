// SPDX-License-Identifier: Apache-2.0
/*
 * The handshake packet of protocol 10 and the SSLRequest that answers it. Only what leads to TLS is read:
 * the version, and whether the server has TLS; salt and authentication are none of our business.
 */
#include "hooks/wire/mysql_greeting.h"

#include <stdio.h>
#include <string.h>

#define HEADER_BYTES             4
#define PROTOCOL_VERSION         10
#define ERR_PACKET               0xff
#define SSL_REQUEST              0x20 /* bytes of its payload */

#define CLIENT_LONG_PASSWORD     0x00000001u
#define CLIENT_PROTOCOL_41       0x00000200u
#define CLIENT_SSL               0x00000800u
#define CLIENT_SECURE_CONNECTION 0x00008000u
#define CLIENT_PLUGIN_AUTH       0x00080000u

/* protocol, version NUL, 4 connection id, 8 salt, 0, 2 capabilities low; the rest is not needed. */
#define BEFORE_CAPABILITIES ((size_t)4 + 8 + 1)

#define CHARSET_UTF8        33 /* known to every server since 4.1 */
#define PACKET_MAX          0x01000000u

/* MariaDB before 11 pretends to be this in front of its real version, for old replicas. */
#define MARIADB_DISGUISE "5.5.5-"

enum stage { STAGE_START, STAGE_HEADER, STAGE_PAYLOAD };

struct refusal {
        unsigned code;
        enum err_kind kind;
        const char *meaning; /* what, and what to do */
};

static const struct refusal refusals[] = {
        { 1040, ERR_NETWORK, "the server has too many connections: try again, or raise max_connections" },
        { 1053, ERR_NOT_READY, "the server is shutting down" },
        { 1129, ERR_NETWORK,
          "the server blocked this host after many interrupted connections: run FLUSH HOSTS there, or raise "
          "max_connect_errors" },
        { 1130, ERR_AUTH,
          "the server lets no user in from this host: add an account for it, or probe over loopback" },
};

static uint32_t get_le(const uint8_t *p, size_t n)
{
        uint32_t value = 0;

        for (size_t i = n; i > 0; i--)
                value = value << 8 | p[i - 1];
        return value;
}

static void put_le(uint8_t *p, uint32_t value, size_t n)
{
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t)(value >> (8 * i));
}

static int parse_refusal(const struct preamble_io *io, struct err *err)
{
        const uint8_t *text = io->in + 3;
        size_t len = io->in_len < 3 ? 0 : io->in_len - 3;
        char said[160];
        unsigned code;

        if (io->in_len < 3)
                return err_set(err, ERR_PROTOCOL, "the MySQL server sent an error packet that is cut off");
        code = get_le(io->in + 1, 2);
        if (len >= 6 && text[0] == '#') { /* SQL state */
                text += 6;
                len -= 6;
        }
        preamble_text(said, sizeof(said), text, len);
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
                if (refusals[i].code == code)
                        return err_set(err, refusals[i].kind, "%s (error %u: %s)", refusals[i].meaning, code,
                                       said);
        return err_set(err, ERR_PROTOCOL, "the server answered with error %u: %s", code, said);
}

static int parse_header(struct preamble_io *io, struct err *err)
{
        uint32_t len = get_le(io->in, 3);

        if (io->in[3] != 0 || len == 0 || len > WIRE_PACKET_MAX_BYTES)
                return err_set(
                        err, ERR_PROTOCOL,
                        "no MySQL greeting (it begins with %02x %02x %02x %02x): is this a MySQL port?",
                        io->in[0], io->in[1], io->in[2], io->in[3]);
        io->need = len;
        return 0;
}

static void keep_version(struct preamble_io *io, const uint8_t *version, size_t len)
{
        size_t disguise = sizeof(MARIADB_DISGUISE) - 1;

        if (len > disguise && memcmp(version, MARIADB_DISGUISE, disguise) == 0) {
                version += disguise;
                len -= disguise;
        }
        preamble_text(io->server, sizeof(io->server), version, len);
}

static int parse_greeting(struct preamble_io *io, struct err *err)
{
        const uint8_t *version = io->in + 1;
        const uint8_t *end;
        size_t left;

        if (io->in[0] != PROTOCOL_VERSION)
                return err_set(err, ERR_PROTOCOL, "the server greets with protocol %u; MySQL's is 10",
                               io->in[0]);
        end = memchr(version, 0, io->in_len - 1);
        if (end == NULL)
                return err_set(err, ERR_PROTOCOL, "the MySQL greeting has a version without an end");
        left = io->in_len - 1 - (size_t)(end - version) - 1;
        if (left < BEFORE_CAPABILITIES + 2)
                return err_set(err, ERR_PROTOCOL, "the MySQL greeting is cut off after %zu bytes",
                               io->in_len);
        keep_version(io, version, (size_t)(end - version));
        if ((get_le(end + 1 + BEFORE_CAPABILITIES, 2) & CLIENT_SSL) == 0)
                return err_set(err, ERR_PROTOCOL,
                               "the server (%s) does not offer TLS: set ssl_cert, ssl_key and ssl_ca there "
                               "(have_ssl must be YES)",
                               io->server);
        return 0;
}

/* Bit 0 set tells MariaDB that the filler holds no capabilities of its own. */
static void ask_for_tls(struct preamble_io *io)
{
        memset(io->out, 0, HEADER_BYTES + SSL_REQUEST);
        put_le(io->out, SSL_REQUEST, 3);
        io->out[3] = 1; /* sequence: the greeting was 0 */
        put_le(io->out + 4,
               CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION |
                       CLIENT_PLUGIN_AUTH,
               4);
        put_le(io->out + 8, PACKET_MAX, 4);
        io->out[12] = CHARSET_UTF8;
        io->out_len = HEADER_BYTES + SSL_REQUEST;
}

static enum preamble_state step(struct preamble_io *io, struct err *err)
{
        switch ((enum stage)io->stage) {
        case STAGE_START:
                io->stage = STAGE_HEADER;
                io->need = HEADER_BYTES;
                return PREAMBLE_MORE;
        case STAGE_HEADER:
                io->stage = STAGE_PAYLOAD;
                return parse_header(io, err) == 0 ? PREAMBLE_MORE : PREAMBLE_FAILED;
        case STAGE_PAYLOAD:
                break;
        }
        if (io->in[0] == ERR_PACKET) {
                (void)parse_refusal(io, err);
                return PREAMBLE_FAILED;
        }
        if (parse_greeting(io, err) != 0)
                return PREAMBLE_FAILED;
        ask_for_tls(io);
        return PREAMBLE_TLS;
}

const struct preamble mysql_greeting_preamble = { "mysql", step, NULL };

bool mysql_greeting_lacks_tls(const uint8_t *data, size_t len)
{
        const uint8_t *version = data + HEADER_BYTES + 1;
        const uint8_t *end;

        if (len <= HEADER_BYTES + 1 || data[3] != 0 || data[HEADER_BYTES] != PROTOCOL_VERSION)
                return false;
        end = memchr(version, 0, len - HEADER_BYTES - 1);
        if (end == NULL || (size_t)(data + len - end) < 1 + BEFORE_CAPABILITIES + 2)
                return false;
        return (get_le(end + 1 + BEFORE_CAPABILITIES, 2) & CLIENT_SSL) == 0;
}
