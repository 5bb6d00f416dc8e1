// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate probe: what does this listener serve? One handshake in the listener's own protocol; nothing
 * logs in.
 */
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/options.h"
#include "cli/probe_report.h"
#include "cli/terminal.h"
#include "hooks/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define TIMEOUT_MS     10000
#define SETTLE_MS      300 /* a refusal under TLS 1.3 comes one round trip after the handshake */
#define TEXT_MAX_BYTES ((size_t)4 << 20)

struct probe_options {
        const char *ca;
        const char *expect;
        const char *server_name;
        bool check_name;
        const char *cert;
        const char *key;
        const char *key_password_file;
        int64_t timeout_ms;
        const char *output;
};

/* Everything the command line names, loaded. */
struct probe {
        struct probe_options options;
        struct endpoint endpoint;
        struct chain authorities;
        struct chain expected;  /* leaf first */
        struct bundle identity; /* empty chain: none */
};

static void probe_done(struct probe *probe)
{
        endpoint_done(&probe->endpoint);
        chain_done(&probe->authorities);
        chain_done(&probe->expected);
        chain_done(&probe->identity.chain);
        if (probe->identity.key != NULL)
                key_free(probe->identity.key);
}

/* ---- files ---- */

static int read_pem(const char *path, struct pem *out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(2 * PEM_FILE_MAX_BYTES); /* fs_read reads in chunks */

        if (fs_read(path, PEM_FILE_MAX_BYTES, &text, err) != 0)
                return -1;
        return pem_parse(path, text.data, text.len, out, err);
}

static int read_chain(const char *path, size_t max, struct chain *out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;

        if (read_pem(path, &pem, err) != 0)
                return -1;
        if (chain_from_pem(&pem, max, NULL, out, err) != 0)
                return err_wrap(err, "%s", path);
        if (out->n == 0)
                return err_set(err, ERR_MISSING, "%s: there is no certificate in it", path);
        return 0;
}

static bool is_key(enum pem_label label)
{
        switch (label) {
        case PEM_KEY_PKCS8:
        case PEM_KEY_PKCS8_CRYPTED:
        case PEM_KEY_RSA:
        case PEM_KEY_EC:
                return true;
        case PEM_CERTIFICATE:
        case PEM_OTHER:
                break;
        }
        return false;
}

static int read_key(const struct probe_options *options, struct key **out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        const char *file = options->key_password_file;

        if (file != NULL && secret_read(file, &password, err) != 0)
                return -1;
        if (read_pem(options->key, &pem, err) != 0)
                return -1;
        for (size_t i = 0; i < pem.n; i++)
                if (is_key(pem.blocks[i].label))
                        return key_parse(options->key, &pem.blocks[i], file == NULL ? NULL : &password, out,
                                         err);
        return err_set(err, ERR_MISSING, "%s: there is no private key in it", options->key);
}

/* A directory is a Secret volume or what an agent published: only the certificate is of interest. */
static int read_expected(const char *path, struct chain *out, struct err *err)
{
        static const char *const names[] = { "tls.crt", "fullchain.pem", "cert.pem", "tls-combined.pem" };
        struct stat st;

        if (stat(path, &st) == -1)
                return err_sys(err, errno, "--expect '%s'", path);
        if (!S_ISDIR(st.st_mode))
                return read_chain(path, CHAIN_MAX_CERTS, out, err);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                AUTO(mem_free_p) char *file = mem_printf("%s/%s", path, names[i]);

                if (access(file, F_OK) == 0)
                        return read_chain(file, CHAIN_MAX_CERTS, out, err);
        }
        return err_set(err, ERR_MISSING, "--expect '%s': no tls.crt, fullchain.pem or cert.pem there", path);
}

/* ---- command line ---- */

static int check_options(const struct probe_options *options, struct err *err)
{
        if ((options->cert == NULL) != (options->key == NULL))
                return err_set(err, ERR_USAGE, "--cert and --key belong together");
        if (options->key_password_file != NULL && options->key == NULL)
                return err_set(err, ERR_USAGE, "--key-password-file needs --key");
        if (options->check_name && options->ca == NULL)
                return err_set(err, ERR_USAGE,
                               "--check-name needs --ca: without authorities nothing is judged");
        if (options->timeout_ms <= 0)
                return err_set(err, ERR_USAGE, "--timeout: a limit above zero");
        return 0;
}

static int load(struct probe *probe, const char *url, struct err *err)
{
        const struct probe_options *options = &probe->options;

        if (check_options(options, err) != 0 || endpoint_parse(url, &probe->endpoint, err) != 0)
                return -1;
        if (options->ca != NULL &&
            read_chain(options->ca, AUTHORITIES_MAX_CERTS, &probe->authorities, err) != 0)
                return -1;
        if (options->expect != NULL) {
                if (read_expected(options->expect, &probe->expected, err) != 0)
                        return -1;
                chain_sort(&probe->expected, NULL, NULL);
        }
        if (options->cert == NULL)
                return 0;
        if (read_chain(options->cert, CHAIN_MAX_CERTS, &probe->identity.chain, err) != 0 ||
            read_key(options, &probe->identity.key, err) != 0)
                return -1;
        chain_sort(&probe->identity.chain, &probe->identity.key->spki, NULL);
        return 0;
}

/* ---- run ---- */

/* Leaves err alone when a chain came. */
static void shake_hands(const struct probe *probe, struct handshake_result *result, struct err *err)
{
        struct err failed = ERR_INIT;
        struct handshake_request request = endpoint_request(&probe->endpoint);
        AUTO(op_free_p) struct op *op = NULL;

        request.server_name = probe->options.server_name;
        request.check_name = probe->options.check_name;
        request.authorities = probe->options.ca != NULL ? &probe->authorities : NULL;
        request.identity = probe->options.cert != NULL ? &probe->identity : NULL;
        request.settle_ms = SETTLE_MS;
        op = handshake_start(&request, probe->options.timeout_ms, result);
        if (op_run(op, probe->options.timeout_ms + 1000, &failed) != 0)
                *err = failed;
}

static int print(const struct probe *probe, const struct probe_report *report, struct err *err)
{
        AUTO(buf_done_p) struct buf out = BUF_INIT(TEXT_MAX_BYTES);
        const char *form = probe->options.output;

        if (strcmp(form, "json") == 0)
                probe_report_json(report, &out);
        else if (strcmp(form, "pem") == 0)
                probe_report_pem(report, &out);
        else
                probe_report_text(report, terminal_has_color(STDOUT_FILENO), &out);
        return fs_replace("-", out.data, out.len, NULL, err);
}

static int run_probe(const struct command *command, const struct probe *probe)
{
        AUTO(handshake_done_p) struct handshake_result result = { .chain = CHAIN_INIT };
        struct err shaken = ERR_INIT;
        struct err failed = ERR_INIT;
        const struct probe_report report = {
                .url = probe->endpoint.url,
                .result = &result,
                .err = &shaken,
                .expected = probe->expected.n > 0 ? probe->expected.certs[0] : NULL,
                .has_authorities = probe->options.ca != NULL,
                .has_identity = probe->options.cert != NULL,
                .now = clock_wall(),
        };

        shake_hands(probe, &result, &shaken);
        if (print(probe, &report, &failed) != 0)
                return options_fail(command, &failed);
        if (probe_report_is_good(&report))
                return 0;
        probe_report_fault(&report, &failed);
        return options_fail(command, &failed);
}

static int run(const struct command *command, int argc, char **argv)
{
        struct probe probe = { .options = { .timeout_ms = TIMEOUT_MS, .output = "text" } };
        struct err err = ERR_INIT;
        int code = 0;
        int first = options_parse(command, argc, argv, &probe.options, &code);

        if (first < 0)
                return code;
        if (first != argc - 1)
                err_set_(&err, ERR_USAGE, "%s",
                         first == argc ? "which endpoint? e.g. mysql://127.0.0.1:3306"
                                       : "one endpoint at a time");
        if (err.kind == ERR_NONE && load(&probe, argv[first], &err) == 0)
                code = run_probe(command, &probe);
        else
                code = options_fail(command, &err);
        probe_done(&probe);
        return code;
}

#define FIELD(name) offsetof(struct probe_options, name)

static const char *const outputs[] = { "text", "json", "pem", NULL };

static const struct option_spec specs[] = {
        { "ca", 0, "FILE", OPTION_STRING, FIELD(ca), "authorities a client would trust: judge the chain",
          NULL },
        { "expect", 0, "DIR|FILE", OPTION_STRING, FIELD(expect),
          "the leaf that should be served: a volume, a published directory or a PEM file", NULL },
        { "server-name", 0, "NAME", OPTION_STRING, FIELD(server_name),
          "name to ask for (SNI), if not the endpoint's host", NULL },
        { "check-name", 0, NULL, OPTION_FLAG, FIELD(check_name), "the leaf must cover that name, too", NULL },
        { "cert", 0, "FILE", OPTION_STRING, FIELD(cert), "client certificate, with its chain", NULL },
        { "key", 0, "FILE", OPTION_STRING, FIELD(key), "its private key", NULL },
        { "key-password-file", 0, "FILE", OPTION_STRING, FIELD(key_password_file), "the key's password",
          NULL },
        { "timeout", 0, "DURATION", OPTION_DURATION, FIELD(timeout_ms), "limit for all of it (10s)", NULL },
        { "output", 0, NULL, OPTION_STRING, FIELD(output), "form of the result; pem is the chain served",
          outputs },
};

const struct command probe_command = {
        .name = "probe",
        .summary = "shake hands with a database and show what it serves",
        .synopsis = "[OPTION]… URL",
        .details =
                "URL is SCHEME://HOST[:PORT] or SCHEME:///path/of/a/socket. Schemes: mysql (also mariadb),\n"
                "postgres (also postgresql), tls, https, rediss, mongodb, galera,\n"
                "tds (SQL Server), tds8 (SQL Server in strict mode).\n\n"
                "Nothing logs in. A MySQL server counts that as an aborted connection and blocks a host "
                "after\n"
                "max_connect_errors of them; loopback and unix sockets are exempt.\n\n"
                "Exit codes: 0 a chain is served, and it is trusted (--ca) and the expected one (--expect);\n"
                "1 not so; 2 usage.\n",
        .options = specs,
        .n_options = ARRAY_LEN(specs),
        .run = run,
};
