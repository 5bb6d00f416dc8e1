// SPDX-License-Identifier: Apache-2.0
/*
 * SingleStore's configuration against a node, without the agent: reads commands from standard input, one a
 * line, and answers each with one line of JSON.
 *
 *   drive_config SOCKET CONF_D
 *   secret DIR      the files of DIR are the Secret of the next request
 *   inline DIR      they are its inline texts
 *   remove          it removes what was there before
 *   write           the request is applied, and the result written into CONF_D
 *   prove           are the values in force? With what the node says
 */
#include "base/fs.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "hooks/singlestore_config.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

struct drive {
        const char *conf_d;
        struct mariadb_session *session;
        struct singlestore_config config;
        struct singlestore_files secret;
        struct singlestore_files given;
        bool has_secret, has_given, removes;
        struct singlestore_values values;
};

static int read_files(const char *dir, struct singlestore_files *out, struct err *err)
{
        DIR *handle = opendir(dir);

        singlestore_config_free_files(out);
        if (handle == NULL)
                return err_set(err, ERR_IO, "open '%s'", dir);
        for (struct dirent *entry = readdir(handle); entry != NULL; entry = readdir(handle)) {
                AUTO(mem_free_p) char *path = mem_printf("%s/%s", dir, entry->d_name);
                AUTO(buf_done_p) struct buf text = BUF_INIT(2 * CONFIG_MAX_BYTES);

                if (entry->d_name[0] == '.')
                        continue;
                if (fs_read(path, CONFIG_MAX_BYTES, &text, err) == -1) {
                        (void)closedir(handle);
                        return -1;
                }
                singlestore_config_add(out, entry->d_name, buf_str(&text));
        }
        (void)closedir(handle);
        return 0;
}

static int write_files(struct drive *drive, struct err *err)
{
        static const struct fs_attr attr = { 0644, FS_KEEP, (gid_t)FS_KEEP };
        const struct singlestore_config_change change = {
                .remove = drive->removes,
                .secret = drive->has_secret ? &drive->secret : NULL,
                .apply = drive->has_given ? &drive->given : NULL,
        };
        struct singlestore_files before = { NULL, 0 };
        struct singlestore_files after = { NULL, 0 };
        int result;

        singlestore_config_render(&drive->config, &before);
        drive->has_secret = drive->has_given = drive->removes = false;
        result = singlestore_config_apply(&drive->config, &change, err);
        singlestore_config_render(&drive->config, &after);
        for (size_t i = 0; result == 0 && i < before.n; i++) {
                AUTO(mem_free_p) char *path = mem_printf("%s/%s", drive->conf_d, before.items[i].name);

                (void)unlink(path);
        }
        for (size_t i = 0; result == 0 && i < after.n; i++) {
                AUTO(mem_free_p) char *path = mem_printf("%s/%s", drive->conf_d, after.items[i].name);
                const char *text = after.items[i].text;

                result = fs_replace(path, text, strlen(text), &attr, err);
        }
        singlestore_config_free_values(&drive->values);
        singlestore_config_wanted(&after, &before, &drive->values);
        singlestore_config_free_files(&before);
        singlestore_config_free_files(&after);
        return result;
}

static int prove(struct drive *drive, struct err *err)
{
        AUTO(op_free_p) struct op *op = singlestore_config_prove(drive->session, &drive->values, 5000);

        return op_run(op, 6000, err);
}

static int run_line(struct drive *drive, const char *line, struct err *err)
{
        if (strncmp(line, "secret ", 7) == 0) {
                drive->has_secret = true;
                return read_files(line + 7, &drive->secret, err);
        }
        if (strncmp(line, "inline ", 7) == 0) {
                drive->has_given = true;
                return read_files(line + 7, &drive->given, err);
        }
        if (strcmp(line, "remove") == 0) {
                drive->removes = true;
                return 0;
        }
        return strcmp(line, "write") == 0 ? write_files(drive, err) : prove(drive, err);
}

static void answer(const struct drive *drive, int result, const struct err *err)
{
        AUTO(json_free_p) cJSON *tree = json_object();
        AUTO(mem_free_p) char *text = NULL;

        json_add_bool(tree, "ok", result == 0);
        if (result != 0) {
                json_add_str(tree, "reason", err_reason(err->kind));
                json_add_str(tree, "error", err->text);
        }
        for (size_t i = 0; i < drive->values.n; i++)
                json_add_str(tree, drive->values.items[i].name,
                             drive->values.items[i].found == NULL ? "" : drive->values.items[i].found);
        text = json_print(tree, false);
        (void)printf("%s\n", text);
        (void)fflush(stdout);
}

int main(int argc, char **argv)
{
        struct admin_settings admin = { .user = "root" };
        struct drive drive = { .conf_d = argc == 3 ? argv[2] : "" };
        struct err err = ERR_INIT;
        char line[LINE_MAX_BYTES];

        (void)signal(SIGPIPE, SIG_IGN);
        admin.socket = argc == 3 ? argv[1] : NULL;
        if (argc != 3 || mariadb_session_new(&admin, NULL, "SUPER", &drive.session, &err) == -1) {
                (void)fprintf(stderr, "drive_config SOCKET CONF_D: %s\n", err.text);
                return 2;
        }
        while (fgets(line, sizeof(line), stdin) != NULL) {
                struct err why = ERR_INIT;
                int result;

                line[strcspn(line, "\n")] = '\0';
                result = run_line(&drive, line, &why);
                answer(&drive, result, &why);
        }
        mariadb_session_free(drive.session);
        singlestore_config_done(&drive.config);
        singlestore_config_free_files(&drive.secret);
        singlestore_config_free_files(&drive.given);
        singlestore_config_free_values(&drive.values);
        return 0;
}
