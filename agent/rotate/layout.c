// SPDX-License-Identifier: Apache-2.0
/*
 * Rendering a bundle into the files of a generation.
 */
#include "rotate/layout.h"

#include "base/limits.h"
#include "base/mem.h"
#include "certs/describe.h"

#include <string.h>

#define FILE_MAX_BYTES   (2 * SNAPSHOT_MAX_BYTES)
#define LAYOUT_MAX_BYTES ((size_t)64 << 10)

/* What tells one set of files from another; compared as text. */
static char *layout_of(const struct config *config)
{
        struct buf text = BUF_INIT(LAYOUT_MAX_BYTES);

        for (size_t i = 0; i < config->n_outputs; i++) {
                const struct output *output = &config->outputs[i];

                buf_printf(&text, "%s %s %04o %d:%d %s%s\n", output->name,
                           output_content_name(output->content), (unsigned)output->attr.mode,
                           (int)output->attr.uid, (int)output->attr.gid,
                           output->alias == NULL ? "-" : output->alias, output->plain ? " plain" : "");
        }
        return buf_take(&text);
}

static cJSON *describe(const struct agent *agent)
{
        AUTO(mem_free_p) char *layout = layout_of(agent->config);
        AUTO(buf_done_p) struct buf chain = BUF_INIT(FILE_MAX_BYTES);
        AUTO(buf_done_p) struct buf authorities = BUF_INIT(FILE_MAX_BYTES);
        char content[FINGERPRINT_TEXT_MAX];
        cJSON *meta = json_object();

        json_add_str(meta, "tls", tls_mode_name(agent->mode));

        chain_to_pem(&agent->candidate->chain, &chain);
        chain_to_pem(&agent->candidate->authorities, &authorities);
        json_add_str(meta, "content", hex_fingerprint(&agent->candidate->content, content));
        json_add_str(meta, "layout", layout);
        json_add(meta, "leaf", describe_cert(bundle_leaf(agent->candidate)));
        json_add_str(meta, "chain", buf_str(&chain));
        json_add_str(meta, "authorities", buf_str(&authorities));
        return meta;
}

static void files_done(struct generation_file *files, size_t n)
{
        for (size_t i = 0; i < n; i++)
                buf_done(&files[i].data);
        mem_free(files);
}

static int render_one(const struct agent *agent, size_t i, struct buf *out, struct err *err)
{
        AUTO(secret_done_p) struct secret password = SECRET_INIT;
        struct output output = agent->config->outputs[i];
        const char *file = agent->config->files[i].password_file;

        if (file != NULL) {
                if (secret_read(file, &password, err) != 0)
                        return -1;
                output.password = &password;
        }
        return output_render(&output, agent->candidate, &agent->candidate->authorities, out, err);
}

/* A server refuses an empty file of authorities, and does without one that is not there. */
static bool has_content(const struct agent *agent, const struct output *output)
{
        return output->content != OUTPUT_CA || agent->candidate->authorities.n > 0;
}

/*
 * In phase trust whatever holds the leaf or its key stays as it is, byte for byte: its key may not be at
 * hand, and a key store that is made anew is another file to a server that watches it.
 */
static bool is_carried(const struct agent *agent, const struct output *output)
{
        return agent->plan.phase == PLAN_TRUST && agent->good != NULL && output->content != OUTPUT_CA &&
               output->content != OUTPUT_TRUSTSTORE;
}

static int carry(const struct agent *agent, const struct output *output, struct buf *out, struct err *err)
{
        if (generation_read(agent->store, agent->state.good, output->name, FILE_MAX_BYTES, out, err) == 0)
                return 0;
        return err_wrap(err, "phase trust keeps the files of the certificate that is published");
}

static int render(const struct agent *agent, struct generation_file *files, size_t *n, struct err *err)
{
        for (size_t i = 0; i < agent->config->n_outputs; i++) {
                struct generation_file *file = &files[*n];

                if (!has_content(agent, &agent->config->outputs[i]))
                        continue;
                file->output = &agent->config->outputs[i];
                file->data = (struct buf)BUF_INIT(FILE_MAX_BYTES);
                (*n)++;
                if (is_carried(agent, file->output) ? carry(agent, file->output, &file->data, err) != 0
                                                    : render_one(agent, i, &file->data, err) != 0)
                        return err_wrap(err, "make '%s'", file->output->name);
        }
        return 0;
}

int layout_stage(struct agent *agent, int64_t number, struct err *err)
{
        struct generation_file *files = mem_array(agent->config->n_outputs, sizeof(*files));
        AUTO(json_free_p) cJSON *meta = describe(agent);
        size_t n = 0;
        int failed = render(agent, files, &n, err) != 0 ||
                     generation_stage(agent->store, number, files, n, meta, err) != 0;

        files_done(files, n);
        return failed ? -1 : 0;
}

/* Of a generation of ours; one that fits no more than the leaf beside it is worth nothing. */
static struct key *find_key(const struct agent *agent, int64_t number, const struct output *output,
                            const struct cert *leaf)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(FILE_MAX_BYTES);
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        struct err ignored;

        if (generation_read(agent->store, number, output->name, FILE_MAX_BYTES, &text, &ignored) != 0 ||
            pem_parse(output->name, text.data, text.len, &pem, &ignored) != 0)
                return NULL;
        for (size_t i = 0; i < pem.n; i++) {
                AUTO(key_free_p) struct key *key = NULL;

                if (pem.blocks[i].label != PEM_CERTIFICATE &&
                    key_parse(output->name, &pem.blocks[i], NULL, &key, &ignored) == 0 &&
                    hex_fingerprint_equal(&key->spki, &leaf->spki))
                        return TAKE(key);
        }
        return NULL;
}

static void read_key(const struct agent *agent, int64_t number, struct bundle *bundle)
{
        const struct config *config = agent->config;

        for (size_t i = 0; i < config->n_outputs && bundle->key == NULL; i++)
                if (config->outputs[i].content == OUTPUT_KEY ||
                    config->outputs[i].content == OUTPUT_KEY_LEGACY ||
                    config->outputs[i].content == OUTPUT_COMBINED)
                        bundle->key = find_key(agent, number, &config->outputs[i], bundle_leaf(bundle));
}

static enum tls_mode read_mode(const cJSON *meta)
{
        const char *text = json_get_str(meta, "tls");
        int mode = text == NULL ? TLS_UNMANAGED : tls_mode_parse(text);

        return mode < 0 ? TLS_UNMANAGED : (enum tls_mode)mode;
}

int layout_read(struct agent *agent, int64_t number, struct bundle **out, enum tls_mode *mode,
                struct err *err)
{
        AUTO(json_free_p) cJSON *meta = NULL;
        const char *chain;
        const char *authorities;
        const char *content;
        struct bundle *bundle;

        if (generation_meta(agent->store, number, &meta, err) != 0)
                return -1;
        chain = json_get_str(meta, "chain");
        authorities = json_get_str(meta, "authorities");
        content = json_get_str(meta, "content");
        if (chain == NULL || authorities == NULL || content == NULL)
                return err_set(err, ERR_PARSE, "%s of generation %lld is not whole", GENERATION_META,
                               (long long)number);
        if (bundle_from_pem(chain, authorities, &bundle, err) != 0)
                return -1;
        (void)hex_parse_fingerprint(content, &bundle->content);
        read_key(agent, number, bundle);
        if (mode != NULL)
                *mode = read_mode(meta);
        *out = bundle;
        return 0;
}

bool layout_is_current(const struct agent *agent)
{
        AUTO(mem_free_p) char *wanted = layout_of(agent->config);
        AUTO(json_free_p) cJSON *meta = NULL;
        struct err err = ERR_INIT;
        const char *layout;

        if (agent->state.good == 0 || generation_meta(agent->store, agent->state.good, &meta, &err) != 0)
                return false;
        layout = json_get_str(meta, "layout");
        return layout != NULL && strcmp(layout, wanted) == 0;
}
