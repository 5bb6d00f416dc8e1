// SPDX-License-Identifier: Apache-2.0
/*
 * Configuration files, rendered over those that were there when the request began: done twice it comes to the
 * same.
 */
#include "control/act_parts.h"

#include "base/mem.h"
#include "control/files.h"

#include <string.h>

static void next_part(struct act *act);

char *act_render_secret(const struct act *act, const char *part)
{
        return mem_printf("%s" ACT_FILES_SUFFIX "%s%s", act->database, part == NULL ? "" : "-",
                          part == NULL ? "" : part);
}

static const char *const *parts_of(const struct act *act)
{
        return act_action(act)->request->kind->config_roles;
}

static const char *part_of(const struct act *act)
{
        return parts_of(act) == NULL ? NULL : parts_of(act)[act->i];
}

/* The ReconfigurationSpec of this part; NULL: the request does not touch it. */
static const cJSON *section_of(const struct act *act)
{
        const cJSON *spec = act_action(act)->request->spec;

        return part_of(act) == NULL ? spec : json_get(spec, part_of(act));
}

static void note(struct act *act, const char *secret, const cJSON *files, const cJSON *before)
{
        struct record *record = &act->next;
        struct fingerprint fp;
        char text[FINGERPRINT_TEXT_MAX];
        struct record_files *entry = NULL;
        const char *restart = json_get_str(section_of(act), "restart");
        const int how = restart == NULL ? -1 : plan_restart_parse(restart);

        for (size_t i = 0; i < record->n_files; i++)
                if (strcmp(record->files[i].secret, secret) == 0)
                        entry = &record->files[i];
        if (entry == NULL && record->n_files == RECORD_FILES_MAX)
                return;
        if (entry == NULL) {
                entry = &record->files[record->n_files++];
                *entry = (struct record_files){ .secret = mem_strdup(secret) };
        }
        mem_free(entry->hash);
        mem_free(entry->before);
        files_fingerprint(files, &fp);
        entry->hash = mem_strdup(hex_fingerprint(&fp, text));
        if (before != NULL)
                files_fingerprint(before, &fp);
        entry->restart = how < 0 ? PLAN_RESTART_AUTO : (enum plan_restart)how;
        entry->before = mem_strdup(before == NULL ? "" : hex_fingerprint(&fp, text));
}

static void part_done(struct act *act)
{
        json_wipe(TAKE(act->made));
        act->i++;
        next_part(act);
}

/* What the request asks for cannot be had of these texts, whatever is wrong with them. */
static void refuse(struct act *act, struct err *err, const char *what)
{
        err->kind = ERR_USAGE;
        (void)err_wrap(err, "%.300s", what);
        act_fail(act, err);
}

static int render(struct act *act, const cJSON *before, const char *secret, cJSON **out, struct err *err)
{
        const struct kind *kind = act_action(act)->request->kind;

        if (files_render(kind, before, act->made, section_of(act), out, err) != 0)
                return -1;
        note(act, secret, *out, before);
        return 0;
}

static void write_files(struct act *act, const char *name, cJSON *files)
{
        AUTO(json_wipe_p) cJSON *secret = act_object(act, "v1", "Secret", name);

        act_own(act, secret);
        json_add_str(secret, "type", "Opaque");
        json_add(secret, "stringData", files);
        act_secret_put(act, secret, part_done);
}

static void on_present(struct act *act, int status UNUSED, const cJSON *object)
{
        AUTO(mem_free_p) char *name = act_render_secret(act, part_of(act));
        const cJSON *saved = json_get(json_get(act->found, "files"), name);
        AUTO(json_wipe_p) cJSON *present = NULL;
        AUTO(json_wipe_p) cJSON *before = NULL;
        AUTO(json_wipe_p) cJSON *out = NULL;
        struct err err = ERR_INIT;

        if (saved == NULL)
                saved = object;
        if ((object != NULL && act_secret_texts(object, &present, &err) != 0) ||
            (saved != NULL && !cJSON_IsNull(saved) && act_secret_texts(saved, &before, &err) != 0) ||
            render(act, before, name, &out, &err) != 0) {
                refuse(act, &err, name);
                return;
        }
        if (present != NULL && cJSON_Compare(present, out, true))
                part_done(act);
        else
                write_files(act, name, TAKE(out));
}

static void get_present(struct act *act)
{
        AUTO(mem_free_p) char *name = act_render_secret(act, part_of(act));
        const struct act_place place = { .group = "v1", .resource = "secrets", .name = name };

        act_get(act, &place, ACT_MISSING, on_present);
}

static void on_named(struct act *act, int status UNUSED, const cJSON *object)
{
        const char *name = json_get_str(json_get(section_of(act), "configSecret"), "name");
        AUTO(mem_free_p) char *what = mem_printf("configSecret: Secret %s", name);
        struct err err = ERR_INIT;

        if (object == NULL)
                err_set_(&err, ERR_USAGE, "it does not exist in namespace %s", act->namespace);
        if (object == NULL || act_secret_texts(object, &act->made, &err) != 0)
                refuse(act, &err, what);
        else
                get_present(act);
}

static void next_part(struct act *act)
{
        struct act_place place = { .group = "v1", .resource = "secrets" };

        while (part_of(act) != NULL && !cJSON_IsObject(section_of(act)))
                act->i++;
        if (parts_of(act) == NULL ? act->i == 1 : part_of(act) == NULL) {
                act_record_write(act, &act->next);
                return;
        }
        place.name = json_get_str(json_get(section_of(act), "configSecret"), "name");
        if (place.name != NULL)
                act_get(act, &place, ACT_MISSING, on_named);
        else
                get_present(act);
}

void act_render_start(struct act *act)
{
        if (act_action(act)->request == NULL) {
                act_next(act);
                return;
        }
        record_copy(&act->next, &act_action(act)->record);
        act_saved_load(act, next_part);
}
