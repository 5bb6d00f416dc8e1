// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL's reasons and the peer's alerts as sentences that say what to do.
 */
#include "certs/handshake_text.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define TOO_OLD "offers only TLS 1.0/1.1: turn TLS 1.2 or later on there"

void handshake_text_late(const struct handshake_facts *facts, int64_t limit_ms, char *out)
{
        static const char *const missed[HANDSHAKE_PHASES] = {
                [HANDSHAKE_DIAL] = "accepted no connection",
                [HANDSHAKE_PREAMBLE] = "said nothing that leads to TLS",
                [HANDSHAKE_TLS] = "did not finish the TLS handshake",
                [HANDSHAKE_SETTLE] = "did not settle",
        };
        bool silent = facts->phase == HANDSHAKE_PREAMBLE;

        (void)snprintf(out, HANDSHAKE_TEXT_MAX, "%s within %lld ms%s", missed[facts->phase],
                       (long long)limit_ms, silent ? ": is this the right protocol for that port?" : "");
}

void handshake_text_closed(const struct handshake_facts *facts, int sys, char *out)
{
        static const char *const during[HANDSHAKE_PHASES] = {
                [HANDSHAKE_DIAL] = "while connecting",
                [HANDSHAKE_PREAMBLE] = "before TLS began",
                [HANDSHAKE_TLS] = "in the middle of the handshake",
                [HANDSHAKE_SETTLE] = "right after the handshake",
        };

        (void)snprintf(out, HANDSHAKE_TEXT_MAX, "closed the connection %s%s%s", during[facts->phase],
                       sys != 0 ? ": " : "", sys != 0 ? strerror(sys) : "");
}

/* OpenSSL 3.0 sends and receives this one without a name for it. */
static const char *alert_name(int alert)
{
        return alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required"
                                                    : SSL_alert_desc_string_long(alert);
}

static void alert_text(const struct handshake_facts *facts, int alert, char *out)
{
        const char *what = "broke the handshake off: ";
        const char *text = alert_name(alert);

        if (alert == SSL_AD_PROTOCOL_VERSION) {
                what = "";
                text = facts->prove_mutual ? "does not offer TLS 1.2, which proving both sides needs"
                                           : TOO_OLD;
        } else if (facts->asked_identity) {
                what = facts->had_identity ? "refused our certificate: "
                                           : "wants a client certificate and was given none: ";
        }
        (void)snprintf(out, HANDSHAKE_TEXT_MAX, "%s%s (alert %d)", what, text, alert);
}

void handshake_text_tls(const struct handshake_facts *facts, unsigned long code, char *out)
{
        const char *text = ERR_reason_error_string(code);
        bool is_ssl = ERR_GET_LIB(code) == ERR_LIB_SSL;
        int reason = ERR_GET_REASON(code);

        if (is_ssl && reason >= SSL_AD_REASON_OFFSET)
                alert_text(facts, reason - SSL_AD_REASON_OFFSET, out);
        else if (is_ssl && reason == SSL_R_UNSUPPORTED_PROTOCOL)
                (void)snprintf(out, HANDSHAKE_TEXT_MAX, TOO_OLD);
        else
                (void)snprintf(out, HANDSHAKE_TEXT_MAX, "does not speak TLS as it should: %s%s",
                               text != NULL ? text : "no reason given",
                               facts->has_chain ? "" : ": is this a TLS port?");
}
