// SPDX-License-Identifier: Apache-2.0
#include "rotate/custom_layout.h"

#include "base/limits.h"
#include "base/mem.h"
#include "rotate/custom_place.h"

#include <string.h>

#define META_VERSION 1
#define READ_SLACK   ((size_t)64 << 10)

struct custom_text *custom_layout_texts(const struct snapshot *files)
{
        const size_t n = files == NULL ? 0 : files->n;
        struct custom_text *texts = mem_array(n + 1, sizeof(*texts));

        for (size_t i = 0; i < n; i++) {
                const struct secret *text = &files->files[i].data;

                texts[i] = (struct custom_text){ files->files[i].name,
                                                 text->len == 0 ? "" : (const char *)text->data };
        }
        return texts;
}

/* The file in which TLS is switched may lie beside them: nobody else may write it. */
static bool is_settings_file(const struct config *config, const char *name)
{
        size_t len = strlen(config->custom.publish);

        return config->settings_file != NULL &&
               strncmp(config->settings_file, config->custom.publish, len) == 0 &&
               config->settings_file[len] == '/' && strcmp(config->settings_file + len + 1, name) == 0;
}

static int check_file(const struct custom *custom, const struct snapshot_file *file, struct err *err)
{
        const struct hook *hook = custom->agent->database->hook;
        const char *text = file->data.len == 0 ? "" : (const char *)file->data.data;

        if (is_settings_file(custom->agent->config, file->name))
                return err_set(err, ERR_REFUSED,
                               "it is the file in which certrotate switches TLS: give it "
                               "another name");
        if (file->data.len > SETTINGS_MAX_BYTES)
                return err_set(err, ERR_REFUSED, "it is larger than %zu bytes", SETTINGS_MAX_BYTES);
        if (strlen(text) != file->data.len)
                return err_set(err, ERR_REFUSED, "it is no text: it holds a byte 0");
        return hook->custom_check == NULL ? 0 : hook->custom_check(file->name, text, err);
}

int custom_layout_check(const struct custom *custom, const struct snapshot *files, struct err *err)
{
        for (size_t i = 0; i < files->n; i++) {
                if (check_file(custom, &files->files[i], err) == 0)
                        continue;
                err->kind = ERR_REFUSED;
                return err_wrap(err, "%.120s", files->files[i].name);
        }
        return custom_place_check(custom, files, err);
}

static cJSON *describe(const struct custom *custom, const struct snapshot *files)
{
        cJSON *tree = json_object();
        cJSON *names = json_array();
        struct fingerprint content;
        char hex[FINGERPRINT_TEXT_MAX];

        custom_source_fingerprint(files, &content);
        json_add_int(tree, "version", META_VERSION);
        json_add_str(tree, "secret", custom->agent->config->custom.secret);
        json_add_str(tree, "content", hex_fingerprint(&content, hex));
        for (size_t i = 0; i < files->n; i++)
                json_append_str(names, files->files[i].name);
        json_add(tree, "files", names);
        return tree;
}

int custom_layout_stage(struct custom *custom, int64_t number, const struct snapshot *files, struct err *err)
{
        AUTO(mem_free_p) struct generation_file *list = mem_array(files->n + 1, sizeof(*list));
        AUTO(mem_free_p) struct output *outputs = mem_array(files->n + 1, sizeof(*outputs));
        AUTO(json_free_p) cJSON *meta = describe(custom, files);

        for (size_t i = 0; i < files->n; i++) {
                const struct secret *text = &files->files[i].data;

                outputs[i].name = files->files[i].name;
                outputs[i].attr =
                        (struct fs_attr){ custom->agent->config->custom.mode, FS_KEEP, (gid_t)FS_KEEP };
                list[i].output = &outputs[i];
                /* Lent: it is only read. */
                list[i].data = (struct buf){ text->data, text->len, text->len, text->len, false };
        }
        return generation_stage(custom->store, number, list, files->n, meta, err);
}

static int read_file(const struct custom *custom, int64_t number, const cJSON *name, struct snapshot *to,
                     struct err *err)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(SETTINGS_MAX_BYTES + READ_SLACK);

        if (!cJSON_IsString(name) || to->n == SNAPSHOT_MAX_FILES)
                return err_set(err, ERR_PARSE, "its list of files is none of ours");
        if (generation_read(custom->store, number, name->valuestring, SETTINGS_MAX_BYTES, &text, err) != 0)
                return -1;
        to->files = mem_grow(to->files, to->n + 1, sizeof(*to->files));
        to->files[to->n] = (struct snapshot_file){ mem_strdup(name->valuestring), SECRET_INIT };
        secret_set(&to->files[to->n].data, text.data, text.len);
        to->n++;
        return 0;
}

int custom_layout_read(const struct custom *custom, int64_t number, struct snapshot **files,
                       struct fingerprint *content, struct err *err)
{
        AUTO(json_free_p) cJSON *meta = NULL;
        AUTO(snapshot_free_p) struct snapshot *all = MEM_NEW(struct snapshot);
        const char *hex;
        const cJSON *name;

        if (generation_meta(custom->store, number, &meta, err) != 0)
                return -1;
        hex = json_get_str(meta, "content");
        if (hex == NULL || !hex_parse_fingerprint(hex, content))
                return err_set(err, ERR_PARSE, "generation %lld is none of configuration files",
                               (long long)number);
        if (files == NULL)
                return 0;
        cJSON_ArrayForEach(name, json_get(meta, "files")) if (read_file(custom, number, name, all, err) !=
                                                              0) return -1;
        if (snapshot_seal(all, err) != 0)
                return -1;
        *files = TAKE(all);
        return 0;
}
