// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * How a database engine takes new certificates: one const struct per engine, one table (registry.c), no
 * registration magic. A new database is one file and one line.
 */
#include "base/op.h"
#include "certs/change.h"
#include "certs/output.h"
#include "certs/policy.h"
#include "hooks/endpoint.h"

enum hook_caps {
        HOOK_RELOADS = 1u << 0,     /* takes a new leaf without a restart */
        HOOK_TRUST_GROWS = 1u << 1, /* a dropped authority stays trusted until a restart */
        HOOK_CLUSTERED = 1u << 2,   /* may be a member of a cluster that speaks TLS among its members */
};

/*
 * How to log in at the engine, for every driver that does. Strings of all settings are borrowed from the
 * configuration for the life of the agent.
 */
struct admin_settings {
        const char *socket;        /* unix socket; preferred when set */
        const char *host;          /* else TCP with TLS, "127.0.0.1" by default */
        int port;                  /* 0: 3306 */
        const char *user;          /* NULL: "root" */
        const char *password_file; /* NULL: none (unix_socket authentication) */
};

/* mariadb, perconaxtradb */
struct galera_settings {
        const char *group_address; /* own host:port of the group link, to prove it too; NULL: from wsrep
                                      variables */
        const char *const *peers;  /* host:port of group links to prove; empty: from wsrep variables */
        size_t n_peers;
};

struct generic_settings {
        const char *const *reload_command; /* argument vector, NULL-terminated; NULL: unset */
        const char *const *restart_command;
        int reload_signal;         /* 0: unset */
        int restart_signal;        /* 0: unset */
        const char *pid_file;      /* of the process to signal */
        const char *executable;    /* its /proc/<pid>/exe must be this path (or end in "/" + this name) */
        const char *reload_url;    /* HTTP call; NULL: unset */
        const char *reload_method; /* "POST" by default */
        int reload_status;         /* expected status, 0: any 2xx */
        int64_t command_limit_ms;  /* whole process group is killed after it; 60 s by default */
};

struct hook_settings {
        const char *publish; /* directory the outputs are in */
        const struct policy *policy;
        struct admin_settings admin;
        struct galera_settings galera;
        struct generic_settings generic;
};

/* What the driver knows of the engine, refreshed by health(). */
struct hook_facts {
        bool known; /* false until the engine answered once */
        char version[96];
        char role[32];  /* "standalone", "member", "donor", …; "" unknown */
        bool clustered; /* speaks TLS with other members */
        int members;    /* of the cluster as it sees it; 0 when not clustered */
};

/* One database process. Drivers embed it first. */
struct database {
        const struct hook *hook;
        const struct hook_settings *settings;
        struct hook_facts facts;
        const struct bundle
                *published; /* set by the agent: what peers' probes present and trust; NULL before */
};

struct hook {
        const char *name;    /* "mariadb": value of `database` */
        const char *summary; /* one line for help and man page */
        unsigned caps;
        const char *const *sections;  /* of the configuration that mean something to it, NULL-terminated */
        const char *const *endpoints; /* defaults, NULL-terminated; NULL: must be configured */
        const struct output *outputs; /* default files */
        size_t n_outputs;
        /* Checks the settings (ERR_USAGE names the key) and makes the object. Does not connect. Mandatory. */
        int (*open)(const struct hook_settings *settings, struct database **out, struct err *err);
        void (*close)(struct database *database);
        /* Pure: findings of this engine for a bundle, published may be NULL. NULL: none of its own. */
        void (*check)(const struct database *database, const struct bundle *fresh,
                      const struct bundle *published, struct findings *out);
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
};

/* NULL when unknown. */
const struct hook *hook_find(const char *name);
/* All, NULL-terminated. */
const struct hook *const *hook_all(void);
