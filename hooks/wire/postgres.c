// SPDX-License-Identifier: Apache-2.0
/*
 * SSLRequest. Exactly one byte of the answer is read: bytes behind it, before TLS, are an injection
 * (CVE-2021-23222).
 */
#include "hooks/wire/postgres.h"

#include <string.h>

/* Length 8, then 1234 and 5679, big-endian. */
static const uint8_t request[] = { 0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f };

static int judge(uint8_t answer, struct err *err)
{
        switch (answer) {
        case 'S':
                return 0;
        case 'N':
                return err_set(err, ERR_PROTOCOL,
                               "the PostgreSQL server does not offer TLS: set ssl = on there");
        case 'E':
                return err_set(err, ERR_PROTOCOL,
                               "the PostgreSQL server answered the request for TLS with an error: it is too "
                               "old, or cannot start a session now");
        default:
                return err_set(err, ERR_PROTOCOL, "no PostgreSQL answer (0x%02x): is this a PostgreSQL port?",
                               answer);
        }
}

static enum preamble_state step(struct preamble_io *io, struct err *err)
{
        if (io->stage == 0) {
                io->stage = 1;
                memcpy(io->out, request, sizeof(request));
                io->out_len = sizeof(request);
                io->need = 1;
                return PREAMBLE_MORE;
        }
        return judge(io->in[0], err) == 0 ? PREAMBLE_TLS : PREAMBLE_FAILED;
}

const struct preamble postgres_preamble = { "postgres", step, NULL };
