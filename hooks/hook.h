// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * How a database engine takes new certificates: one const struct per engine, one table (registry.c), no
 * registration magic. A new database is one file and one line.
 */
#include "base/op.h"
#include "certs/change.h"
#include "hooks/endpoint.h"
#include "hooks/hook_settings.h"

enum hook_caps {
        HOOK_RELOADS = 1u << 0,       /* takes a new leaf without a restart */
        HOOK_TRUST_GROWS = 1u << 1,   /* a dropped authority stays trusted until a restart */
        HOOK_CLUSTERED = 1u << 2,     /* may be a member of a cluster that speaks TLS among its members */
        HOOK_SIGNS_ITSELF = 1u << 3,  /* without a certificate it serves one that it makes for itself */
        HOOK_PROVES_ITSELF = 1u << 4, /* no listener to shake hands with: its health() compares what is served
                                         with database->published (ERR_MISMATCH) and is the proof */
        HOOK_PINS_LEAVES = 1u << 5,   /* members know each other by leaf, not by authority: its reload is told
                                         of every phase, also when the files stay the same */
        HOOK_READS_NO_CA = 1u << 6,   /* authorities are there for its clients: when only they change it needs
                                         neither reload nor restart */
};

/* What the engine's settings file is to say. */
struct settings_wish {
        enum tls_mode mode;     /* never TLS_UNMANAGED */
        const char *generation; /* directory of the generation that is being published; files of a later one
                                   have other paths, so an engine that reads by path reads no torn pair */
};

/* What the driver knows of the engine, refreshed by health(). */
struct hook_facts {
        bool known; /* false until the engine answered once */
        char version[96];
        char role[32];  /* one of hook->roles, "standalone", or a passing one such as "donor"; "" unknown */
        bool clustered; /* speaks TLS with other members */
        struct wall started; /* of the process; 0 unknown */
        int members;         /* of the cluster as it sees it; 0 when not clustered */
};

/* One database process. Drivers embed it first. */
struct database {
        const struct hook *hook;
        const struct hook_settings *settings;
        struct hook_facts facts;
        const struct bundle
                *published; /* set by the agent: what peers' probes present and trust; NULL before */
        const struct bundle *upcoming; /* set by the agent: bundle of an authority that every member is to
                                          accept by now, though nobody shows a leaf of it yet; NULL: none */
        bool settled; /* set by the agent: phase prune, every member shows what is published: nobody needs
                         what was before */
        enum tls_mode mode; /* set by the agent: of what is published. Until its restart is over the engine
                               may still be in the one before: who connects copes with both */
};

/* Before the name of a file that was given inline: where an engine reads files of certain names, it goes
 * over the file of the rest of the name. */
#define CUSTOM_INLINE "zz-inline-"

/* One of the database's own configuration files. */
struct custom_text {
        const char *name;
        const char *text;
};

struct hook {
        const char *name;    /* "mariadb": value of `database` */
        const char *summary; /* one line for help and man page */
        unsigned caps;
        const char *const *sections;  /* of the configuration that mean something to it, NULL-terminated */
        const char *const *endpoints; /* defaults, NULL-terminated; NULL: must be configured */
        /* Pure: the default endpoint where it follows from settings, NULL when it does not. NULL:
         * `endpoints`. */
        const char *(*endpoint)(const struct hook_settings *settings);
        const struct output *outputs; /* default files */
        size_t n_outputs;
        const char *const *roles;  /* of a cluster's members, NULL-terminated, in the order in which they are
                                      safely restarted; NULL: no order */
        const char *settings_file; /* default path; NULL: must be configured */
        const char *not_reloaded;  /* one sentence for people: what a reload does not reach; NULL: nothing */
        /* Checks the settings (ERR_USAGE names the key) and makes the object. Does not connect. Mandatory. */
        int (*open)(const struct hook_settings *settings, struct database **out, struct err *err);
        void (*close)(struct database *database);
        /*
         * Findings of this engine for a bundle, published may be NULL. Decided from these and from what is in
         * the published directory; asks nobody. NULL: none of its own.
         */
        void (*check)(const struct database *database, const struct bundle *fresh,
                      const struct bundle *published, struct findings *out);
        /*
         * Pure: the engine's settings file with TLS as wished, appended to out; whatever else stands in
         * `present` ("" when there is no such file) is kept byte for byte. NULL: cannot be switched by us.
         * The same wish over its own result changes nothing.
         *
         * ERR_PARSE `present` is no such file, with its line; ERR_USAGE a mode that this engine has not.
         */
        int (*settings)(const struct database *database, const struct settings_wish *wish,
                        const char *present, struct buf *out, struct err *err);
        /* Pure: does taking this change need a restart, although the engine reloads? NULL: never. */
        bool (*needs_restart)(const struct database *database, enum change_class change);
        /*
         * Make the engine read the published files again. NULL: cannot, restart is used. Fails with
         * ERR_NOT_READY (not running), ERR_AUTH, ERR_PRIVILEGE, ERR_ENGINE (refused the files), ERR_TIMEOUT.
         * limit_ms follows the remaining lifetime of what is served: a reload may wait for handshakes.
         */
        struct op *(*reload)(struct database *database, int64_t limit_ms);
        /* Ask the process to end gracefully; its supervisor starts it again. NULL: cannot. */
        struct op *(*restart)(struct database *database, int64_t limit_ms);
        /*
         * Engine health after the served leaf was proven, and facts: Galera state, every peer's group link by
         * a fresh mutual handshake. ERR_UNHEALTHY says which. NULL: nothing to ask.
         */
        struct op *(*health)(struct database *database, int64_t limit_ms);
        /*
         * Pure: a configuration file that the engine could not read, or would silently leave out, is
         * ERR_REFUSED with its line. NULL: taken as it is.
         */
        int (*custom_check)(const char *name, const char *text, struct err *err);
        /*
         * Pure, of an engine that reads a few files of its own and no directory: the i-th of those that
         * configuration is laid into, of which one may be the settings file. mem_free; NULL: no more. NULL
         * itself: it reads the directory that the files are published in.
         */
        char *(*custom_place)(const struct database *database, const char *settings_file, size_t i);
        /*
         * Pure: `present`, what that file says ("" when it is not there), with what `files` have for it laid
         * in, in place of what was laid in before; appended to out. Without files it is as if nothing had
         * ever been. Over its own result it changes nothing.
         *
         * ERR_REFUSED a setting that is not for users to make; ERR_PARSE
         */
        int (*custom_lay)(const struct database *database, size_t i, const struct custom_text *files,
                          size_t n, const char *present, struct buf *out, struct err *err);
        /*
         * After a restart: are the values in force those that these files ask for, as the engine writes them?
         * The files are in the order in which it reads them, and need not stay. ERR_MISMATCH names the key,
         * what is asked for and what is in force. NULL: that it is healthy is the proof.
         */
        struct op *(*custom_prove)(struct database *database, const struct custom_text *files, size_t n,
                                   int64_t limit_ms);
};

/* NULL when unknown. */
const struct hook *hook_find(const char *name);
/* All, NULL-terminated. */
const struct hook *const *hook_all(void);
