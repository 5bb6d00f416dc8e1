// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate check: judges a bundle as the agent would, for people, CI and init containers. Reads, prints,
 * touches nothing.
 */
#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"
#include "certs/change.h"
#include "certs/describe.h"
#include "cli/input.h"
#include "cli/options.h"
#include "cli/terminal.h"

#include <stdio.h>
#include <string.h>

#define REPORT_MAX ((size_t)1 << 20)

struct options {
        struct option_list names;
        struct option_list policies;
        const char *now;
        const char *served;
        const char *key_password_file;
        const char *output;
};

struct report {
        const struct bundle *bundle;
        const struct bundle *served; /* NULL: nothing to compare with */
        const struct findings *findings;
        struct wall now;
        bool color;
};

static const char *const outputs[] = { "text", "json", NULL };

static const struct option_spec specs[] = {
        { .name = "name",
          .arg = "DNS|IP",
          .kind = OPTION_LIST,
          .offset = offsetof(struct options, names),
          .help = "a name that clients use and the certificate must cover; may be repeated" },
        { .name = "now",
          .arg = "RFC3339",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, now),
          .help = "judge as of this time, e.g. 2026-11-22T10:00:00Z" },
        { .name = "served",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, served),
          .help = "PEM of the certificate served now, to compare with" },
        { .name = "policy",
          .arg = "CODE=SEVERITY",
          .kind = OPTION_LIST,
          .offset = offsetof(struct options, policies),
          .help = "severity of a finding: ignore, warn or refuse; may be repeated" },
        { .name = "key-password-file",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, key_password_file),
          .help = "password of an encrypted private key" },
        { .name = "output",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, output),
          .help = "form of the result; text by default",
          .values = outputs },
};

static int parse_policy(const struct option_list *list, struct policy *out, struct err *err)
{
        policy_init(out);
        for (size_t i = 0; i < list->n; i++) {
                const char *equals = strchr(list->items[i], '=');
                AUTO(mem_free_p) char *name = NULL;
                int code;
                int severity;

                if (equals == NULL)
                        return err_set(err, ERR_USAGE,
                                       "--policy '%s': write CODE=SEVERITY, e.g. ends-earlier=refuse",
                                       list->items[i]);
                name = mem_printf("%.*s", (int)(equals - list->items[i]), list->items[i]);
                code = policy_parse_code(name);
                severity = policy_parse_severity(equals + 1);
                if (code == -1)
                        return err_set(err, ERR_USAGE, "--policy: there is no finding '%s'", name);
                if (severity == -1)
                        return err_set(err, ERR_USAGE, "--policy %s: '%s' is not ignore, warn or refuse",
                                       name, equals + 1);
                out->severity[code] = (enum finding_severity)severity;
        }
        return 0;
}

static int parse_now(const char *text, struct wall *out, struct err *err)
{
        *out = clock_wall();
        if (text == NULL || clock_parse(text, out, err) == 0)
                return 0;
        err->kind = ERR_USAGE;
        return err_wrap(err, "--now");
}

static int load_served(const char *path, struct bundle **out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(2 * PEM_FILE_MAX_BYTES);

        if (fs_read(path, PEM_FILE_MAX_BYTES, &text, err) != 0 ||
            bundle_from_pem(buf_str(&text), "", out, err) != 0)
                return err_wrap(err, "--served '%s'", path);
        return 0;
}

static void add_fact(struct terminal_table *table, const char *name, const char *text)
{
        const struct terminal_cell cells[] = { { name, STYLE_DIM }, { text, STYLE_PLAIN } };

        terminal_table_row(table, cells, ARRAY_LEN(cells));
}

static const char *or_none(const char *text)
{
        return text[0] == '\0' ? "(none)" : text;
}

static void add_others(struct terminal_table *table, const char *name, const struct chain *list, size_t from,
                       struct wall now)
{
        if (list->n <= from)
                add_fact(table, name, "(none)");
        for (size_t i = from; i < list->n; i++) {
                char left[40];
                AUTO(mem_free_p)
                char *text = mem_printf("%s (%s)", or_none(list->certs[i]->subject),
                                        terminal_until(list->certs[i]->not_after, now, left));

                add_fact(table, i == from ? name : "", text);
        }
}

static void add_dates(struct terminal_table *table, const struct cert *leaf, struct wall now)
{
        char from[CLOCK_TEXT_MAX];
        char until[CLOCK_TEXT_MAX];
        char left[40];
        AUTO(mem_free_p)
        char *text = mem_printf(
                "%s to %s (%s%s)", clock_format(leaf->not_before, from), clock_format(leaf->not_after, until),
                terminal_until(leaf->not_after, now, left), leaf->not_after.s < now.s ? "" : " left");

        add_fact(table, "valid", text);
}

static void add_key(struct terminal_table *table, const struct bundle *bundle)
{
        const struct cert *leaf = bundle_leaf(bundle);
        AUTO(json_free_p) cJSON *facts = describe_cert(leaf);
        AUTO(mem_free_p)
        char *text = mem_printf("%s %d%s", json_get_str(facts, "keyType"), leaf->key_bits,
                                bundle->key == NULL || hex_fingerprint_equal(&bundle->key->spki, &leaf->spki)
                                        ? ""
                                        : ", but the private key is another one");

        add_fact(table, "key", text);
}

static void print_facts(const struct report *report, struct buf *out)
{
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(report->color);
        const struct bundle *bundle = report->bundle;
        const struct cert *leaf = bundle_leaf(bundle);
        AUTO(buf_done_p) struct buf names = BUF_INIT(REPORT_MAX);
        char fingerprint[FINGERPRINT_TEXT_MAX];

        for (size_t i = 0; i < leaf->n_names; i++)
                buf_printf(&names, "%s%s", i == 0 ? "" : ", ", leaf->names[i]);
        add_fact(table, "subject", or_none(leaf->subject));
        add_fact(table, "names", or_none(buf_str(&names)));
        add_fact(table, "issuer", or_none(leaf->issuer));
        add_dates(table, leaf, report->now);
        add_key(table, bundle);
        add_fact(table, "fingerprint", hex_fingerprint(&leaf->fp, fingerprint));
        add_others(table, "intermediates", &bundle->chain, 1, report->now);
        add_others(table, "authorities", &bundle->authorities, 0, report->now);
        if (report->served != NULL)
                add_fact(table, "change", change_name(change_classify(report->served, bundle)));
        terminal_table_print(table, out);
}

/* A sentence is as long as it is: no column of a table, so that nothing is cut. */
static void print_findings(const struct report *report, struct buf *out)
{
        for (size_t i = 0; i < report->findings->n; i++) {
                const struct finding *one = &report->findings->items[i];
                AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(report->color);
                const struct terminal_cell cells[] = {
                        { policy_severity_name(one->severity),
                          one->severity == SEVERITY_REFUSE ? STYLE_BAD : STYLE_WARN },
                        { policy_code_name(one->code), STYLE_BOLD },
                        { one->text, STYLE_PLAIN },
                };

                if (i == 0)
                        buf_add_char(out, '\n');
                terminal_table_row(table, cells, ARRAY_LEN(cells));
                terminal_table_print(table, out);
        }
}

static void print_text(const struct report *report)
{
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(report->color);
        AUTO(buf_done_p) struct buf out = BUF_INIT(REPORT_MAX);
        const bool refused = policy_refusal(report->findings) != NULL;
        const struct terminal_cell verdict = {
                refused ? "refused: the agent would not publish this bundle"
                        : "fine: the agent would publish this bundle",
                refused ? STYLE_BAD : STYLE_GOOD,
        };

        print_facts(report, &out);
        print_findings(report, &out);
        terminal_table_row(table, &verdict, 1);
        buf_add_char(&out, '\n');
        terminal_table_print(table, &out);
        (void)fputs(buf_str(&out), stdout);
}

static void print_json(const struct report *report)
{
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;

        json_add_bool(tree, "ok", policy_refusal(report->findings) == NULL);
        json_add(tree, "bundle", describe_bundle(report->bundle));
        json_add(tree, "findings", describe_findings(report->findings));
        if (report->served != NULL)
                json_add_str(tree, "change", change_name(change_classify(report->served, report->bundle)));
        text = json_print(tree, true);
        (void)puts(text);
}

static int fail(const struct command *command, bool as_json, const struct err *err)
{
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;

        if (as_json && err->kind != ERR_USAGE) {
                json_add_bool(tree, "ok", false);
                json_add_str(tree, "reason", err_reason(err->kind));
                json_add_str(tree, "error", err->text);
                text = json_print(tree, true);
                (void)puts(text);
        }
        return options_fail(command, err);
}

static int check(const struct options *options, char *const *paths, size_t n, bool as_json, struct err *err)
{
        AUTO(input_done_p) struct input input = { NULL, NULL, { NULL, NULL, NULL, NULL } };
        AUTO(bundle_free_p) struct bundle *served = NULL;
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;
        struct policy policy;
        struct policy_context context = { .policy = &policy,
                                          .names = options->names.items,
                                          .n_names = options->names.n,
                                          .files = &input.names };
        struct report report = { .findings = &findings, .color = terminal_has_color(STDOUT_FILENO) };

        if (parse_policy(&options->policies, &policy, err) != 0 ||
            parse_now(options->now, &context.now, err) != 0 ||
            (options->served != NULL && load_served(options->served, &served, err) != 0) ||
            input_load(paths, n, options->key_password_file, &input, err) != 0)
                return -1;
        context.served = served == NULL ? NULL : bundle_leaf(served);
        policy_check(input.bundle, &context, &findings);
        report.bundle = input.bundle;
        report.served = served;
        report.now = context.now;
        if (as_json)
                print_json(&report);
        else
                print_text(&report);
        return policy_refusal(&findings) == NULL ? 0 : 1;
}

static int run(const struct command *command, int argc, char **argv)
{
        struct options options = { .output = "text" };
        struct err err = ERR_INIT;
        int code = 0;
        int first = options_parse(command, argc, argv, &options, &code);
        bool as_json;

        if (first == -1)
                return code;
        as_json = strcmp(options.output, "json") == 0;
        code = check(&options, argv + first, (size_t)(argc - first), as_json, &err);
        options_list_done(&options.names);
        options_list_done(&options.policies);
        return code == -1 ? fail(command, as_json, &err) : code;
}

const struct command check_command = {
        .name = "check",
        .summary = "judge a bundle: a directory, or files in any order",
        .synopsis = "[OPTION]… DIR | FILE…",
        .details = "Exit code: 0 fine (warnings allowed), 1 refused or unreadable, 2 usage.\n",
        .options = specs,
        .n_options = ARRAY_LEN(specs),
        .run = run,
};
