// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate convert: one bundle in, one file out, in the same forms the agent publishes. The file appears
 * whole or not at all. Half of a pair is never written: a key that does not belong to the certificate is
 * refused, whatever is asked for.
 */
#include "base/fs.h"
#include "base/limits.h"
#include "base/num.h"
#include "certs/output.h"
#include "certs/policy.h"
#include "cli/input.h"
#include "cli/options.h"

#include <string.h>
#include <sys/stat.h>

#define OUTPUT_MAX ((size_t)4 << 20)

struct options {
        const char *to;
        const char *alias;
        const char *password_file;
        const char *key_password_file;
        const char *mode;
        const char *output;
};

static const char *const targets[] = { "pkcs12", "truststore", "combined", "pkcs8", "chain", "ca", NULL };

static const struct option_spec specs[] = {
        { .name = "to",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, to),
          .help = "what to write",
          .values = targets },
        { .name = "output",
          .short_name = 'o',
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, output),
          .help = "file to write; - for standard output" },
        { .name = "alias",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, alias),
          .help = "name of the entry in a PKCS#12 key store; certrotate by default" },
        { .name = "password-file",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, password_file),
          .help = "password of the PKCS#12 store to write; none by default" },
        { .name = "key-password-file",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, key_password_file),
          .help = "password of the private key to read" },
        { .name = "mode",
          .arg = "OCTAL",
          .kind = OPTION_STRING,
          .offset = offsetof(struct options, mode),
          .help = "mode of the file; 0600 by default" },
};

static enum output_content content_of(const char *target)
{
        if (strcmp(target, "pkcs8") == 0)
                return OUTPUT_KEY;
        return (enum output_content)output_parse_content(target); /* the other words are output's own */
}

/* Rename would put a file in the place of a device, a pipe or a link. */
static int check_target(const char *path, struct err *err)
{
        struct stat st;

        if (strcmp(path, "-") != 0 && lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return err_set(err, ERR_USAGE, "'%s' is there and no regular file; '-' is standard output",
                               path);
        return 0;
}

static int check_options(const struct options *options, struct output *output, struct err *err)
{
        unsigned mode;

        if (options->to == NULL)
                return err_set(err, ERR_USAGE, "--to is missing");
        if (options->output == NULL)
                return err_set(err, ERR_USAGE, "-o FILE is missing");
        if (num_parse_mode(options->mode, &mode, err) != 0) {
                err->kind = ERR_USAGE;
                return err_wrap(err, "--mode");
        }
        output->name = options->output;
        output->alias = options->alias;
        output->attr.mode = (mode_t)mode;
        output->content = content_of(options->to);
        if (options->alias != NULL && output->content != OUTPUT_PKCS12)
                return err_set(err, ERR_USAGE, "--alias is for --to pkcs12 only");
        if (options->password_file != NULL && output->content != OUTPUT_PKCS12 &&
            output->content != OUTPUT_TRUSTSTORE)
                return err_set(err, ERR_USAGE, "--password-file is for --to pkcs12 and --to truststore only");
        return check_target(options->output, err);
}

static int refuse_mismatch(const struct input *input, struct err *err)
{
        AUTO(findings_done_p) struct findings findings = FINDINGS_INIT;
        struct policy policy = { { SEVERITY_IGNORE } };
        const struct policy_context context = { .policy = &policy,
                                                .now = clock_wall(),
                                                .files = &input->names };
        const struct finding *refusal;

        policy.severity[FINDING_KEY_MISMATCH] = SEVERITY_REFUSE;
        policy_check(input->bundle, &context, &findings);
        refusal = policy_refusal(&findings);
        return refusal == NULL ? 0 : err_set(err, ERR_REFUSED, "%s", refusal->text);
}

/* A file of authorities needs no key beside it. */
static int load_authorities(const char *path, struct chain *out, struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(2 * PEM_FILE_MAX_BYTES);
        AUTO(pem_done_p) struct pem pem = PEM_INIT;

        if (fs_read(path, PEM_FILE_MAX_BYTES, &text, err) != 0 ||
            pem_parse(path, (const uint8_t *)buf_str(&text), text.len, &pem, err) != 0)
                return -1;
        return chain_from_pem(&pem, AUTHORITIES_MAX_CERTS, NULL, out, err);
}

static int render_authorities(const struct output *output, const char *path, struct buf *out, struct err *err)
{
        AUTO(chain_done_p) struct chain authorities = CHAIN_INIT;
        const struct bundle none = { 0 };

        if (load_authorities(path, &authorities, err) != 0)
                return -1;
        if (authorities.n == 0)
                return err_set(err, ERR_REFUSED, "'%s' holds no certificate", path);
        return output_render(output, &none, &authorities, out, err);
}

static int render(const struct options *options, const struct output *output, char *const *paths, size_t n,
                  struct buf *out, struct err *err)
{
        const bool only_authorities = output->content == OUTPUT_CA || output->content == OUTPUT_TRUSTSTORE;
        AUTO(input_done_p) struct input input = { NULL, NULL, { NULL, NULL, NULL, NULL } };

        if (only_authorities && n == 1 && !input_is_dir(paths[0]))
                return render_authorities(output, paths[0], out, err);
        if (input_load(paths, n, options->key_password_file, &input, err) != 0 ||
            refuse_mismatch(&input, err) != 0)
                return -1;
        if (only_authorities && input.bundle->authorities.n == 0)
                return err_set(err, ERR_REFUSED,
                               "there is no authority to write: ca.crt is missing or empty");
        return output_render(output, input.bundle, &input.bundle->authorities, out, err);
}

static int convert(const struct options *options, char *const *paths, size_t n, struct err *err)
{
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        AUTO(buf_done_p) struct buf out = BUF_INIT(OUTPUT_MAX);
        struct output output = { .attr = { 0600, FS_KEEP, (gid_t)FS_KEEP }, .password = &password };

        if (check_options(options, &output, err) != 0)
                return -1;
        if (options->password_file != NULL && secret_read(options->password_file, &password, err) != 0)
                return -1;
        if (render(options, &output, paths, n, &out, err) != 0)
                return -1;
        return fs_replace(options->output, out.data, out.len, &output.attr, err);
}

static int run(const struct command *command, int argc, char **argv)
{
        struct options options = { .mode = "0600" };
        struct err err = ERR_INIT;
        int code = 0;
        int first = options_parse(command, argc, argv, &options, &code);

        if (first == -1)
                return code;
        if (convert(&options, argv + first, (size_t)(argc - first), &err) != 0)
                return options_fail(command, &err);
        return 0;
}

const struct command convert_command = {
        .name = "convert",
        .summary = "write a bundle as PKCS#12, Java trust store, combined PEM, …",
        .synopsis = "--to FORM -o FILE [OPTION]… DIR | FILE…",
        .details = "The private key must belong to the certificate. truststore and ca also take one file of\n"
                   "authorities alone. Exit code: 0 written, 1 refused or failed, 2 usage.\n",
        .options = specs,
        .n_options = ARRAY_LEN(specs),
        .run = run,
};
