// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the configuration tells the drivers: one struct a section. Strings are borrowed from it for the life
 * of the agent; 0 and NULL mean "not given".
 */
#include "certs/output.h"
#include "certs/policy.h"
#include "hooks/tls_mode.h"

/*
 * How to log in at the engine, for every driver that does.
 */
struct admin_settings {
        const char *socket;        /* unix socket; preferred when set */
        const char *host;          /* else TCP with TLS, "127.0.0.1" by default */
        int port;                  /* 0: that of the engine (3306, 1433) */
        const char *user;          /* NULL: that of the engine ("root", "sa") */
        const char *password_file; /* NULL: none (unix_socket authentication) */
};

/* mariadb, perconaxtradb */
struct galera_settings {
        const char *group_address; /* own host:port of the group link, to prove it too; NULL: from wsrep
                                      variables */
        const char *const *peers;  /* host:port of group links to prove; empty: from wsrep variables */
        size_t n_peers;
        bool encrypt;                 /* `tls` switches the group link, too */
        const char *provider_options; /* the user's own: the server has one setting for all of them, so theirs
                                         and ours are written together; NULL: none */
};

struct generic_settings {
        const char *const *reload_command; /* argument vector, NULL-terminated; NULL: unset */
        const char *const *restart_command;
        int reload_signal;         /* 0: unset */
        int restart_signal;        /* 0: unset */
        const char *pid_file;      /* of the process to signal; NULL: the one that is that program */
        const char *executable;    /* its /proc/<pid>/exe must be this path (or end in "/" + this name) */
        const char *reload_url;    /* HTTP call; NULL: unset */
        const char *reload_method; /* "POST" by default */
        int reload_status;         /* expected status, 0: any 2xx */
        int64_t command_limit_ms;  /* whole process group is killed after it; 60 s by default */
};

struct druid_settings {
        const char *role;              /* one of druid_role_names; NULL: not told */
        const char *directory;         /* of the role's own files; NULL: the role's */
        int plain_port;                /* 0: the role's */
        const char *password_variable; /* of Druid's environment */
        bool client_extension;         /* simple-client-sslcontext goes into the list of extensions */
        int64_t reload_interval_ms;    /* what its settings are to say */
        int64_t drain_limit_ms;        /* for the tasks of a middleManager */
};

/* How to end the process that its supervisor starts again, where no statement of the engine does. */
struct process_settings {
        const char *const *command; /* argument vector, NULL-terminated; NULL: unset */
        const char *pid_file;       /* of the process to signal; NULL: the one that is that program */
        const char *executable; /* its /proc/<pid>/exe must be this path (or end in "/" + this name); NULL: no
                                   signal */
        int signal;             /* 0: SIGTERM */
        int64_t limit_ms;       /* within which it has ended; 0: none of its own */
};

struct singlestore_settings {
        const char *const *leaves; /* host:port of leaves to prove; empty: from SHOW LEAVES */
        size_t n_leaves;
        const char *aggregator; /* host:port of one to ask before a leaf is restarted; NULL: none */
        const char *node;       /* host:port that SHOW LEAVES names this leaf by; NULL: found by its own */
        bool may_go_offline;    /* restart a leaf although its data has no other copy */
};

enum mssql_failover {
        MSSQL_FAILOVER_REFUSE,   /* the primary of an availability group is not restarted by us */
        MSSQL_FAILOVER_AUTO,     /* hands over to a synchronized secondary first */
        MSSQL_FAILOVER_EXTERNAL, /* the same in a group of cluster type EXTERNAL, in the place of its manager
                                  */
};

/* mssqlserver */
struct mssql_settings {
        enum mssql_failover failover;
        const char *tls_protocols; /* for mssql.conf; NULL: what stands there, else what KubeDB writes */
};

struct hook_settings {
        const char *publish;          /* directory the outputs are in: links through ..data */
        const struct output *outputs; /* what is published, under which names (output_find) */
        size_t n_outputs;
        const char *const *password_files; /* of each output, NULL members: none */
        const char *const *endpoints;      /* URLs of the listeners to prove, NULL-terminated */
        const struct policy *policy;
        struct admin_settings admin;
        struct galera_settings galera;
        struct generic_settings generic;
        struct druid_settings druid;
        struct process_settings process;
        struct singlestore_settings singlestore;
        struct mssql_settings mssql;
};
