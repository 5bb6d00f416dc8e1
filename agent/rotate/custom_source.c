// SPDX-License-Identifier: Apache-2.0
#include "rotate/custom_source.h"

#include "base/mem.h"
#include "certs/ossl.h"
#include "certs/secret_object.h"

#include <string.h>
#include <unistd.h>

void custom_source_fingerprint(const struct snapshot *files, struct fingerprint *out)
{
        AUTO(EVP_MD_CTX_free_p) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

        for (size_t i = 0; ok && i < files->n; i++) {
                const struct snapshot_file *file = &files->files[i];

                ok = EVP_DigestUpdate(ctx, file->name, strlen(file->name) + 1) == 1 &&
                     EVP_DigestUpdate(ctx, file->data.data, file->data.len) == 1 &&
                     EVP_DigestUpdate(ctx, "", 1) == 1;
        }
        if (!ok || EVP_DigestFinal_ex(ctx, out->sha256, NULL) != 1)
                abort();
}

static struct snapshot *empty_one(void)
{
        struct snapshot *empty = MEM_NEW(struct snapshot);
        struct err ignored;

        empty->atomic = true;
        if (snapshot_seal(empty, &ignored) != 0)
                abort();
        return empty;
}

void custom_source_set(struct custom_source *source, const cJSON *object)
{
        struct snapshot *fresh = NULL;
        struct err err = ERR_INIT;

        source->api_problem = (struct err)ERR_INIT;
        if (object == NULL)
                (void)err_set(&err, ERR_MISSING, "it is not there");
        else if (secret_object_read(object, &fresh, &err) != 0 && err.kind == ERR_MISSING)
                fresh = empty_one();
        origin_set_api(&source->origin, fresh);
        if (fresh != NULL)
                return;
        source->api_problem = err;
        err_wrap_(&source->api_problem, "Secret '%.120s'", source->secret);
}

void custom_source_lost(struct custom_source *source, const struct err *err)
{
        if (source->origin.api == NULL)
                source->api_problem = *err;
}

/* Kubelet's layout with nothing in it is an empty Secret; a plain directory is one that nothing came to yet.
 */
static bool is_empty_volume(const char *directory)
{
        AUTO(mem_free_p) char *data = mem_printf("%s/..data", directory);

        return access(data, X_OK) == 0;
}

void custom_source_look(struct custom_source *source)
{
        if (source->directory == NULL)
                return;
        snapshot_free(source->volume);
        source->volume = NULL;
        source->volume_problem = (struct err)ERR_INIT;
        if (snapshot_read(source->directory, &source->volume, &source->volume_problem) != 0 &&
            source->volume_problem.kind == ERR_MISSING && is_empty_volume(source->directory))
                source->volume = empty_one();
}

static const struct snapshot *if_it_is(const struct snapshot *files, const struct fingerprint *content)
{
        struct fingerprint own;

        if (files == NULL)
                return NULL;
        custom_source_fingerprint(files, &own);
        return hex_fingerprint_equal(&own, content) ? files : NULL;
}

const struct snapshot *custom_source_find(const struct custom_source *source,
                                          const struct fingerprint *content)
{
        const struct snapshot *files = if_it_is(source->origin.api, content);

        return files != NULL ? files : if_it_is(source->volume, content);
}

const struct snapshot *custom_source_newest(struct custom_source *source)
{
        const struct fingerprint *volume = source->volume == NULL ? NULL : &source->volume->content;

        return origin_choose(&source->origin, volume) == ORIGIN_API ? source->origin.api : source->volume;
}

const struct err *custom_source_problem(const struct custom_source *source)
{
        static const struct err fine = ERR_INIT;

        if (source->origin.api != NULL || source->volume != NULL)
                return &fine;
        return source->directory != NULL ? &source->volume_problem : &source->api_problem;
}

void custom_source_done(struct custom_source *source)
{
        origin_done(&source->origin);
        snapshot_free(source->volume);
        source->volume = NULL;
}
