// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A node's configuration as KubeDB's Reconfigure changes it: files of a Secret, and texts given inline over
 * them. Which of them a node, an aggregator or a leaf has, is for whoever holds one of these for each. Pure
 * but for the proof.
 */
#include "base/buf.h"
#include "hooks/mariadb_session.h"

#define SINGLESTORE_CONFIG_FILES_MAX 64

struct singlestore_file {
        char *name; /* "sdb-apply.cnf" */
        char *text;
};

struct singlestore_files {
        struct singlestore_file *items;
        size_t n;
};

/* What was asked for up to now. Start with zeroes. */
struct singlestore_config {
        struct singlestore_files secret;
        struct singlestore_files given; /* inline */
};

/* One request, its parts in the order in which they count. */
struct singlestore_config_change {
        bool remove; /* removeCustomConfig: everything from before goes first */
        const struct singlestore_files
                *secret; /* configSecret: in the place of the one before; NULL: keep it */
        const struct singlestore_files *apply; /* applyConfig: file by file, key by key over what was given
                                                  before; NULL: nothing */
};

/* A variable of the server and the value it is to have. */
struct singlestore_value {
        char *name;
        char *wanted; /* NULL: whatever it has, for a key that is gone */
        char *found;  /* by the proof; NULL: no such variable */
};

struct singlestore_values {
        struct singlestore_value *items;
        size_t n;
};

/* Copies. A name that is there is replaced. */
void singlestore_config_add(struct singlestore_files *files, const char *name, const char *text);
void singlestore_config_free_files(struct singlestore_files *files);
void singlestore_config_done(struct singlestore_config *config);
void singlestore_config_free_values(struct singlestore_values *values);

/*
 * ERR_USAGE  a name that is no plain `*.cnf`, or too many files
 * ERR_PARSE  a text that is no settings file, with name and line
 * ERR_LIMIT  too large. Nothing is changed then.
 */
int singlestore_config_apply(struct singlestore_config *config,
                             const struct singlestore_config_change *change, struct err *err) MUST_CHECK;
/*
 * The files for conf.d, in the order in which they are read: the Secret's under their names, then the inline
 * ones with "zz-inline-" before them.
 */
void singlestore_config_render(const struct singlestore_config *config, struct singlestore_files *out);
/*
 * What the server must say once it has read these files: the last value of each key in [server]. before (may
 * be NULL) are the files it had: keys that are gone are listed with wanted NULL.
 */
void singlestore_config_wanted(const struct singlestore_files *files, const struct singlestore_files *before,
                               struct singlestore_values *out);
/*
 * Asks for all of them and fills found. ON, TRUE and 1 are the same value, as are OFF, FALSE and 0, and
 * dash and underscore in a name.
 *
 * values is borrowed until the operation is freed.
 * ERR_UNHEALTHY naming the first that is not as wanted
 */
struct op *singlestore_config_prove(struct mariadb_session *session, struct singlestore_values *values,
                                    int64_t limit_ms);
