// SPDX-License-Identifier: Apache-2.0
/*
 * The three forms of a probe's result. All text from the wire goes through the table, which takes control
 * characters out: a server's version must not move anybody's cursor.
 */
#include "cli/probe_report.h"

#include "base/mem.h"
#include "certs/describe.h"
#include "cli/terminal.h"

#include <stdio.h>

#define CELLS       5
#define SHORT_PRINT 16 /* hex digits of a fingerprint in the table of the chain */

static bool is_expected(const struct probe_report *report)
{
        const struct chain *chain = &report->result->chain;

        return chain->n > 0 && hex_fingerprint_equal(&chain->certs[0]->fp, &report->expected->fp);
}

/* A server that asks for a certificate when none was given has served its own all the same. */
static bool was_let_in(const struct probe_report *report)
{
        const struct handshake_result *result = report->result;

        return result->completed || (result->asked_identity && !report->has_identity);
}

bool probe_report_is_good(const struct probe_report *report)
{
        if (report->err->kind != ERR_NONE || !was_let_in(report))
                return false;
        if (report->has_authorities && !report->result->trusted)
                return false;
        return report->expected == NULL || is_expected(report);
}

void probe_report_fault(const struct probe_report *report, struct err *err)
{
        char wanted[FINGERPRINT_TEXT_MAX];

        if (report->err->kind != ERR_NONE)
                *err = *report->err;
        else if (!was_let_in(report))
                err_set_(err, ERR_AUTH, "%s: %s", report->url, report->result->refusal);
        else if (report->has_authorities && !report->result->trusted)
                err_set_(err, ERR_UNTRUSTED, "%s: %s", report->url, report->result->verify_text);
        else
                err_set_(err, ERR_MISMATCH, "%s serves another leaf than the expected %s", report->url,
                         hex_fingerprint(&report->expected->fp, wanted));
}

static void add_fact(struct terminal_table *table, const char *name, enum terminal_style style,
                     const char *value)
{
        const struct terminal_cell cells[] = { { name, STYLE_DIM }, { value, style } };

        if (value[0] != '\0')
                terminal_table_row(table, cells, ARRAY_LEN(cells));
}

static void add_served(const struct probe_report *report, struct terminal_table *table)
{
        const struct handshake_result *result = report->result;
        AUTO(mem_free_p) char *tls = NULL;
        AUTO(mem_free_p) char *time = mem_printf("%lld ms", (long long)result->elapsed_ms);

        if (result->tls_version[0] != '\0')
                tls = mem_printf("%s, %s", result->tls_version, result->cipher);
        add_fact(table, "endpoint", STYLE_BOLD, report->url);
        add_fact(table, "server", STYLE_PLAIN, result->server);
        add_fact(table, "address", STYLE_PLAIN, result->address);
        add_fact(table, "protocol", STYLE_PLAIN, tls == NULL ? "" : tls);
        add_fact(table, "time", STYLE_PLAIN, time);
}

static void add_names(const struct cert *leaf, struct terminal_table *table)
{
        AUTO(buf_done_p) struct buf names = BUF_INIT((size_t)64 << 10);

        for (size_t i = 0; i < leaf->n_names; i++)
                buf_printf(&names, "%s%s", i > 0 ? " " : "", leaf->names[i]);
        add_fact(table, "names", STYLE_PLAIN, buf_str(&names));
}

static void add_verdict(const struct probe_report *report, struct terminal_table *table)
{
        const struct handshake_result *result = report->result;
        char served[FINGERPRINT_TEXT_MAX];
        char wanted[FINGERPRINT_TEXT_MAX];
        AUTO(mem_free_p) char *distrust = mem_printf("no: %s", result->verify_text);
        AUTO(mem_free_p) char *other = NULL;

        (void)hex_fingerprint(&result->chain.certs[0]->fp, served);
        add_fact(table, "fingerprint", STYLE_PLAIN, served);
        add_names(result->chain.certs[0], table);
        if (report->has_authorities)
                add_fact(table, "trusted", result->trusted ? STYLE_GOOD : STYLE_BAD,
                         result->trusted ? "yes" : distrust);
        if (report->expected != NULL) {
                other = mem_printf("no: %s is expected", hex_fingerprint(&report->expected->fp, wanted));
                add_fact(table, "expected", is_expected(report) ? STYLE_GOOD : STYLE_BAD,
                         is_expected(report) ? "yes" : other);
        }
        add_fact(table, "refusal", was_let_in(report) ? STYLE_WARN : STYLE_BAD, result->refusal);
        if (result->completed && result->asked_identity && !report->has_identity)
                add_fact(table, "note", STYLE_PLAIN,
                         "the server asks for a client certificate: give one by --cert and --key");
}

static enum terminal_style style_of(const struct cert *cert, struct wall now)
{
        if (cert->not_after.s <= now.s || cert->not_before.s > now.s)
                return STYLE_BAD;
        /* The last tenth of the lifetime: whoever renews should have done so. */
        return (cert->not_after.s - now.s) < (cert->not_after.s - cert->not_before.s) / 10 ? STYLE_WARN
                                                                                           : STYLE_GOOD;
}

static void add_cert(const struct cert *cert, struct wall now, struct terminal_table *table)
{
        char fp[FINGERPRINT_TEXT_MAX];
        char at[CLOCK_TEXT_MAX];
        char left[40];
        const struct terminal_cell cells[CELLS] = {
                { cert->subject, STYLE_PLAIN },
                { cert->issuer, STYLE_PLAIN },
                { clock_format(cert->not_after, at), STYLE_PLAIN },
                { cert->not_before.s > now.s ? "not yet valid" : terminal_until(cert->not_after, now, left),
                  style_of(cert, now) },
                { fp, STYLE_DIM },
        };

        (void)hex_fingerprint(&cert->fp, fp);
        fp[SHORT_PRINT] = '\0';
        terminal_table_row(table, cells, CELLS);
}

void probe_report_text(const struct probe_report *report, bool color, struct buf *out)
{
        static const struct terminal_cell heads[CELLS] = { { "SUBJECT", STYLE_DIM },
                                                           { "ISSUER", STYLE_DIM },
                                                           { "NOT AFTER", STYLE_DIM },
                                                           { "LEFT", STYLE_DIM },
                                                           { "FINGERPRINT", STYLE_DIM } };
        AUTO(terminal_table_free_p) struct terminal_table *facts = terminal_table_new(color);
        AUTO(terminal_table_free_p) struct terminal_table *chain = terminal_table_new(color);
        const struct chain *served = &report->result->chain;

        if (report->err->kind != ERR_NONE || served->n == 0)
                return;
        add_served(report, facts);
        add_verdict(report, facts);
        terminal_table_print(facts, out);
        buf_add_char(out, '\n');
        terminal_table_row(chain, heads, CELLS);
        for (size_t i = 0; i < served->n; i++)
                add_cert(served->certs[i], report->now, chain);
        terminal_table_print(chain, out);
}

static void add_text(cJSON *object, const char *key, const char *text)
{
        if (text[0] != '\0')
                json_add_str(object, key, text);
}

static void describe_result(const struct probe_report *report, cJSON *out)
{
        const struct handshake_result *result = report->result;
        cJSON *chain = json_array();

        add_text(out, "server", result->server);
        add_text(out, "address", result->address);
        add_text(out, "protocol", result->tls_version);
        add_text(out, "cipher", result->cipher);
        json_add_int(out, "elapsedMs", result->elapsed_ms);
        json_add_bool(out, "completed", result->completed);
        add_text(out, "refusal", result->refusal);
        json_add_bool(out, "clientCertificateAsked", result->asked_identity);
        if (report->has_authorities) {
                json_add_bool(out, "trusted", result->trusted);
                add_text(out, "distrust", result->verify_text);
        }
        if (report->expected != NULL) {
                json_add(out, "expected", describe_cert(report->expected));
                json_add_bool(out, "isExpected", is_expected(report));
        }
        for (size_t i = 0; i < result->chain.n; i++)
                json_append(chain, describe_cert(result->chain.certs[i]));
        json_add(out, "chain", chain);
}

void probe_report_json(const struct probe_report *report, struct buf *out)
{
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;

        json_add_str(tree, "endpoint", report->url);
        json_add_bool(tree, "ok", probe_report_is_good(report));
        if (report->err->kind != ERR_NONE) {
                json_add_str(tree, "reason", err_reason(report->err->kind));
                json_add_str(tree, "error", report->err->text);
        } else {
                describe_result(report, tree);
        }
        text = json_print(tree, true);
        buf_add_str(out, text);
        buf_add_char(out, '\n');
}

void probe_report_pem(const struct probe_report *report, struct buf *out)
{
        if (report->err->kind == ERR_NONE)
                chain_to_pem(&report->result->chain, out);
}
