// SPDX-License-Identifier: Apache-2.0
/*
 * One PRELOGIN there, one back. A packet's header is type, status, length with header (big-endian), process
 * id, packet number, window. PRELOGIN is a list of (token, offset, length) that 0xff ends, then the values.
 */
#include "hooks/wire/tds.h"

#include "certs/framing.h"

#include <stdio.h>
#include <string.h>

#define HEADER_LEN     8
#define TYPE_REPLY     0x04
#define TYPE_PRELOGIN  0x12
#define TYPE_TLS_ALERT 0x15
#define STATUS_LAST    0x01
#define TOKEN_VERSION  0x00
#define TOKEN_ENCRYPT  0x01
#define TOKEN_INSTANCE 0x02
#define TOKEN_THREAD   0x03
#define TOKEN_MARS     0x04
#define TOKEN_END      0xff
#define OPTION_LEN     5
#define ENCRYPT_ON     1
#define ENCRYPT_REQ    3
/* Every server takes packets of this length before another one was agreed upon. */
#define PACKET_LEN 4096

/* The options that FreeTDS and Microsoft's drivers send. */
/* clang-format off */
static const uint8_t prelogin[] = {
        TYPE_PRELOGIN, STATUS_LAST, 0, 47, 0, 0, 1, 0,
        /* token, offset, length */
        TOKEN_VERSION, 0, 26, 0, 6,
        TOKEN_ENCRYPT, 0, 32, 0, 1,
        TOKEN_INSTANCE, 0, 33, 0, 1,
        TOKEN_THREAD, 0, 34, 0, 4,
        TOKEN_MARS, 0, 38, 0, 1,
        TOKEN_END,
        11, 0, 0, 0, 0, 0, /* version of the client */
        ENCRYPT_ON,
        0,                 /* the instance is not checked */
        0, 0, 0, 0,
        0,
};
/* clang-format on */

_Static_assert(sizeof(prelogin) == 47 && sizeof(prelogin) <= PREAMBLE_OUT_MAX, "one packet");

static size_t be16(const uint8_t *p)
{
        return (size_t)p[0] << 8 | p[1];
}

/* The value of a token, NULL when it is not there, too short, or points outside. */
static const uint8_t *value_of(const uint8_t *payload, size_t len, uint8_t token, size_t wanted)
{
        for (size_t at = 0; at + OPTION_LEN <= len && payload[at] != TOKEN_END; at += OPTION_LEN) {
                size_t offset = be16(payload + at + 1);
                size_t size = be16(payload + at + 3);

                if (payload[at] == token)
                        return size >= wanted && offset <= len && size <= len - offset ? payload + offset
                                                                                       : NULL;
        }
        return NULL;
}

static int judge_header(const uint8_t *header, size_t *payload_len, struct err *err)
{
        size_t len = be16(header + 2);

        if (header[0] == TYPE_TLS_ALERT)
                return err_set(err, ERR_PROTOCOL,
                               "the server speaks TLS from the first byte (TDS 8.0, strict): use tds8://");
        if (header[0] != TYPE_REPLY || (header[1] & STATUS_LAST) == 0 || len <= HEADER_LEN)
                return err_set(err, ERR_PROTOCOL,
                               "no answer to PRELOGIN (0x%02x): is this a SQL Server port?", header[0]);
        *payload_len = len - HEADER_LEN;
        return 0;
}

static int judge_payload(struct preamble_io *io, struct err *err)
{
        const uint8_t *version = value_of(io->in, io->in_len, TOKEN_VERSION, 6);
        const uint8_t *encryption = value_of(io->in, io->in_len, TOKEN_ENCRYPT, 1);

        if (version != NULL)
                (void)snprintf(io->server, sizeof(io->server), "%u.%u.%zu", version[0], version[1],
                               be16(version + 2));
        if (encryption == NULL)
                return err_set(
                        err, ERR_PROTOCOL,
                        "the answer to PRELOGIN says nothing of encryption: is this a SQL Server port?");
        if (*encryption != ENCRYPT_ON && *encryption != ENCRYPT_REQ)
                return err_set(err, ERR_PROTOCOL,
                               "the SQL Server does not offer TLS (encryption %u): set tlscert and tlskey in "
                               "mssql.conf there",
                               *encryption);
        return 0;
}

static enum preamble_state step(struct preamble_io *io, struct err *err)
{
        size_t payload_len = 0;

        switch (io->stage++) {
        case 0:
                memcpy(io->out, prelogin, sizeof(prelogin));
                io->out_len = sizeof(prelogin);
                io->need = HEADER_LEN;
                return PREAMBLE_MORE;
        case 1:
                if (judge_header(io->in, &payload_len, err) != 0)
                        return PREAMBLE_FAILED;
                io->need = payload_len;
                return PREAMBLE_MORE;
        default:
                return judge_payload(io, err) == 0 ? PREAMBLE_TLS : PREAMBLE_FAILED;
        }
}

static void wrap(uint8_t *header, size_t payload_len)
{
        size_t len = payload_len + HEADER_LEN;

        memset(header, 0, HEADER_LEN);
        header[0] = TYPE_PRELOGIN;
        header[1] = STATUS_LAST;
        header[2] = (uint8_t)(len >> 8);
        header[3] = (uint8_t)len;
}

/* Some servers answer in packets of the one type, some of the other. */
static int unwrap(const uint8_t *header, size_t *payload_len, struct err *err)
{
        size_t len = be16(header + 2);

        if ((header[0] != TYPE_PRELOGIN && header[0] != TYPE_REPLY) || len < HEADER_LEN)
                return err_set(err, ERR_PROTOCOL, "a packet (0x%02x, %zu bytes) that is no part of TLS",
                               header[0], len);
        *payload_len = len - HEADER_LEN;
        return 0;
}

static const struct framing framing = { HEADER_LEN, PACKET_LEN - HEADER_LEN, wrap, unwrap };

const struct preamble tds_preamble = { "tds", step, &framing };
