// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The table of configuration keys: parsing, defaults, messages, `--print-config` and the man page test read
 * it, so a new setting is one row (and its paragraph in certrotate.conf(5)).
 */
#include "config/config.h"

enum schema_type {
        /* const char * */
        SCHEMA_STRING,
        SCHEMA_PATH,    /* absolute */
        SCHEMA_NAME,    /* of a file, without a slash */
        SCHEMA_OBJECT,  /* name of a Kubernetes object */
        SCHEMA_ADDRESS, /* to listen on */
        SCHEMA_HOST,    /* host:port to connect to */
        SCHEMA_URL,     /* http or https */
        SCHEMA_CHOICE,  /* one of words */
        /* const char ** with NULL at its end, size_t at count_offset */
        SCHEMA_STRINGS,
        SCHEMA_HOSTS,
        SCHEMA_DNS_NAMES, /* or addresses */
        SCHEMA_ENDPOINTS,
        /* others */
        SCHEMA_BOOL,     /* bool; with words: the first is false, the second true */
        SCHEMA_WORD,     /* int: the value of a word */
        SCHEMA_INT,      /* int */
        SCHEMA_MODE,     /* mode_t */
        SCHEMA_DURATION, /* int64_t, ms */
        SCHEMA_FILES,
        SCHEMA_POLICY,
};

struct schema_word {
        const char *name;
        int value;
};

struct schema_key {
        const char *path; /* "admin.password-file" */
        enum schema_type type;
        size_t offset;       /* into struct config (of a file's keys: into struct files_entry) */
        size_t count_offset; /* of a list; 0: not kept */
        int64_t min;         /* characters of text, items of a list, or the number itself */
        int64_t max;
        const struct schema_word *words; /* NULL at its end */
        const char *fallback;            /* value when not given; NULL: none */
        const char *unset;               /* what happens without it, when fallback is NULL */
        const char *flag;                /* option of `certrotate run` that wins over the file; NULL: none */
        const char *help;
};

struct schema {
        const struct schema_key *keys;
        size_t n;
};

/* Of the file, and of one entry of its `files`. */
const struct schema *schema_top(void);
const struct schema *schema_file(void);
/* NULL when unknown. */
const struct schema_key *schema_find(const struct schema *schema, const char *path);
/* Is there a key below "path."? */
bool schema_has_section(const struct schema *schema, const char *path);
/* The known key nearest to an unknown one of the same section, its last component; NULL: none is near. */
const char *schema_nearest(const struct schema *schema, const char *path, char out[static 64]);
/* Does the key, or section, mean anything to this database? */
bool schema_applies(const char *path, const char *database);
/* The value of a word, -1 when unknown. */
int schema_word(const struct schema_word *words, const char *text);
const char *schema_word_name(const struct schema_word *words, int value);
/* "text, a path, …" for messages and the man page. */
const char *schema_type_text(enum schema_type type);
/* The node at a path of a tree, NULL when there is none. */
cJSON *schema_node(cJSON *tree, const char *path);
