// SPDX-License-Identifier: Apache-2.0
/*
 * Java's rule that the last definition of a key counts does the work: nothing of the file is touched, so that
 * nothing has to be remembered to take the block out. The JVM has the same rule for its words, and its file
 * no comments: there the marks are properties that say nothing.
 *
 * The trap is a line that ends in a backslash: an empty line ends what was to be continued.
 */
#include "hooks/druid_lay.h"

#include "base/mem.h"
#include "hooks/druid_settings.h"
#include "hooks/properties_entry.h"

#include <string.h>

#define CLUSTER "/opt/druid/conf/druid/cluster"
#define COMMON  "common.runtime.properties"
#define CLOSED  "\n\n"

struct marks {
        const char *begin, *end;
};

static const struct marks properties_marks = {
        CLOSED "# certrotate lays this over what stands above; what is written here is lost\n",
        "# certrotate ends here\n"
};
static const struct marks jvm_marks = { CLOSED "-Dcertrotate.configuration=begin\n",
                                        "-Dcertrotate.configuration=end\n" };

static const struct marks *marks_of(size_t i)
{
        return i == DRUID_LAY_JVM ? &jvm_marks : &properties_marks;
}

static char *own_file(const struct druid *druid, const char *name)
{
        const char *directory = druid->database.settings->druid.directory;

        if (directory != NULL)
                return mem_printf("%s/%s", directory, name);
        return druid->role == NULL ? NULL : mem_printf(CLUSTER "/%s/%s", druid->role->directory, name);
}

char *druid_lay_own_file(const struct druid *druid)
{
        return own_file(druid, "runtime.properties");
}

char *druid_lay_place(const struct druid *druid, const char *settings_file, size_t i)
{
        switch (i) {
        case DRUID_LAY_COMMON:
                return mem_strdup(settings_file);
        case DRUID_LAY_OWN:
                return druid_lay_own_file(druid);
        case DRUID_LAY_JVM:
                return own_file(druid, "jvm.config");
        default:
                return NULL;
        }
}

int druid_lay_rank(const char *role, size_t i, const char *name)
{
        const size_t len = strlen(CUSTOM_INLINE);
        const bool is_inline = strncmp(name, CUSTOM_INLINE, len) == 0;
        const char *bare = is_inline ? name + len : name;
        const int rank = is_inline ? 2 : 1;

        if (i == DRUID_LAY_COMMON)
                return strcmp(bare, COMMON) == 0 ? rank : 0;
        if (role == NULL || strncmp(bare, role, strlen(role)) != 0)
                return 0;
        return strcmp(bare + strlen(role), i == DRUID_LAY_OWN ? ".properties" : ".jvm.config") == 0 ? rank
                                                                                                    : 0;
}

/* Only the keys of TLS would be looked for in vain where we put them. */
static int check_text(size_t i, const struct custom_text *file, struct err *err)
{
        AUTO(properties_entry_done_p) struct properties_entry entry = properties_entry_before(file->text);
        const char *at = file->text;

        if (i == DRUID_LAY_JVM)
                return 0;
        for (;;) {
                if (properties_entry_next(file->text, &at, &entry, err) != 0)
                        return -1;
                if (entry.start == NULL)
                        return 0;
                if (druid_settings_owns(buf_str(&entry.key)))
                        return err_set(err, ERR_REFUSED,
                                       "%.100s: %.100s is certrotate's, which switches TLS: leave it out",
                                       file->name, buf_str(&entry.key));
                if (i == DRUID_LAY_OWN && druid_settings_is_list(buf_str(&entry.key)))
                        return err_set(err, ERR_REFUSED,
                                       "%.100s: %.100s belongs into " COMMON
                                       ": an extension that TLS needs is kept there",
                                       file->name, buf_str(&entry.key));
        }
}

static const char *find_last(const char *text, const char *word)
{
        const char *last = NULL;

        for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
                last = at;
        return last;
}

static int add_block(size_t i, const char *role, const struct custom_text *files, size_t n, struct buf *out,
                     struct err *err)
{
        bool is_open = false;

        for (int rank = 1; rank <= 2; rank++)
                for (size_t k = 0; k < n; k++) {
                        if (druid_lay_rank(role, i, files[k].name) != rank)
                                continue;
                        if (check_text(i, &files[k], err) != 0)
                                return -1;
                        if (!is_open)
                                buf_add_str(out, marks_of(i)->begin);
                        is_open = true;
                        buf_add_str(out, files[k].text);
                        buf_add_str(out, CLOSED);
                }
        if (is_open)
                buf_add_str(out, marks_of(i)->end);
        return 0;
}

/* In place of the block of before, or behind all. */
static int lay(const struct druid *druid, size_t i, const struct custom_text *files, size_t n,
               const char *present, struct buf *out, struct err *err)
{
        const char *role = druid->role == NULL ? NULL : druid->role->name;
        const char *begin = strstr(present, marks_of(i)->begin);
        const char *end = begin == NULL ? present + strlen(present) : find_last(begin, marks_of(i)->end);

        if (end == NULL)
                return err_set(err, ERR_PARSE, "the line '%.*s' is missing, with which our part ends",
                               (int)strlen(marks_of(i)->end) - 1, marks_of(i)->end);
        buf_add(out, present, (size_t)((begin == NULL ? end : begin) - present));
        if (add_block(i, role, files, n, out, err) != 0)
                return -1;
        buf_add_str(out, begin == NULL ? "" : end + strlen(marks_of(i)->end));
        return out->overflow ? err_set(err, ERR_LIMIT, "it would be larger than %zu bytes", out->max) : 0;
}

int druid_lay_render(const struct druid *druid, size_t i, const struct custom_text *files, size_t n,
                     const char *present, struct buf *out, struct err *err)
{
        AUTO(buf_done_p) struct buf laid = BUF_INIT(out->max);

        if (i != DRUID_LAY_COMMON)
                return lay(druid, i, files, n, present, out, err);
        if (lay(druid, i, files, n, present, &laid, err) != 0)
                return -1;
        if (strcmp(buf_str(&laid), present) == 0) {
                buf_add_str(out, present);
                return 0;
        }
        return druid_settings_keep(druid->database.settings, buf_str(&laid), out, err);
}
