// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The agent's configuration: a YAML (or JSON) file, then command-line options over it. One schema table
 * (schema.c) gives defaults, checks, the man page's list and `--print-config`.
 *
 * Durations are milliseconds. Strings live as long as the config.
 */
#include "base/json.h"
#include "base/log.h"
#include "certs/bundle.h"
#include "hooks/hook.h"

enum config_apply {
        CONFIG_APPLY_AUTO, /* reload where the driver can, else restart */
        CONFIG_APPLY_RELOAD,
        CONFIG_APPLY_RESTART,
};

enum config_log { CONFIG_LOG_AUTO, CONFIG_LOG_JSON, CONFIG_LOG_TEXT };

/* What a published file needs from the machine when it is written; one per output, in the same order. */
struct config_file {
        const char *owner;         /* name or number; NULL: as the process creates it. config_load resolves */
        const char *group;         /* both into output.attr */
        const char *password_file; /* of a PKCS#12 file; NULL: none. Never read here */
};

/* The API server's part: each name that is given switches on what it is for. */
struct kube_settings {
        const char *kubeconfig; /* NULL: the pod's service account */
        const char *namespace;  /* NULL: that of the account or context */
        const char *pod;        /* own: reports and Events go there; NULL: none are written */
        const char *pod_uid;    /* its uid; NULL: whichever pod has that name */
        const char *secret;     /* watched beside the source directory, or in its place */
        const char *plan;       /* ConfigMap with the controller's plan */
        const char *lease;      /* that gives the turn where there is no plan */
        const char *files; /* Secret with the database's configuration: custom.secret, where it is watched */
        int64_t lease_ms;  /* its duration: 30 s */
        bool nudge; /* change an annotation of the pod when the kubelet is to bring a new Secret: where the
                       agent may not read it */
};

static inline UNUSED bool kube_is_used(const struct kube_settings *kube)
{
        return kube->pod != NULL || kube->secret != NULL || kube->plan != NULL || kube->lease != NULL ||
               kube->files != NULL;
}

/* The database's own configuration files. */
struct custom_settings {
        const char *secret;  /* that they come from, as plans name it; NULL: none does */
        const char *source;  /* a mounted volume of it; NULL: through the API alone */
        const char *publish; /* directory that the database includes; NULL: there are no such files */
        mode_t mode;
};

struct config {
        cJSON *tree; /* owns every string */
        /* what */
        const char *database;          /* driver name; mandatory */
        const char *instance;          /* name in logs, metrics and status; default: the driver's name */
        const char *alias;             /* of the bundle: "server" */
        const char *source;            /* directory watched; NULL: only the Secret through the API */
        const char *publish;           /* directory written; mandatory */
        const char *plan;              /* file of the controller's plan; NULL: the agent is on its own */
        const char *state;             /* state file; default: <publish>/..state.json */
        struct bundle_names names;     /* file names in the source; NULL members: defaults */
        const char *key_password_file; /* of an encrypted key; NULL: none */
        struct output *outputs;        /* files to publish; default: the driver's */
        struct config_file *files;     /* beside each output */
        size_t n_outputs;
        const char **password_files;     /* the same as in `files`, for drivers */
        const char *store_password_file; /* of stores without one of their own; NULL: none */
        const char **endpoints;          /* URLs to prove; default: the driver's */
        size_t n_endpoints;
        const char **server_names; /* names that clients use: `names` in the file */
        size_t n_server_names;
        bool keep_authorities; /* publish old authorities too until they expire: `authorities: keep|replace`
                                */
        enum config_apply apply;
        enum tls_mode tls;         /* TLS_UNMANAGED: not given */
        const char *settings_file; /* where it is switched; default: the driver's. NULL with TLS_UNMANAGED */
        /* when */
        int64_t rescan_ms;        /* 60 s */
        int64_t settle_ms;        /* plain directories only: 100 ms */
        int64_t reverify_ms;      /* probe what is served although nothing changed: 10 m, 0 never */
        int64_t verify_limit_ms;  /* until the new leaf must be seen: 30 s */
        int64_t restart_limit_ms; /* the same after a restart: 5 m */
        int64_t retry_min_ms;     /* first pause after a failure that may pass: 2 s */
        int64_t retry_max_ms;     /* 5 m */
        int64_t grace_ms;         /* after SIGTERM: 20 s */
        /* where it can be asked */
        const char *listen; /* "127.0.0.1:9533"; "" or NULL: off */
        const char
                *control; /* unix socket for `certrotate status`; default <publish>/..control.sock; "": off */
        enum config_log log;        /* as configured */
        enum log_format log_format; /* auto: text on a terminal, JSON otherwise */
        enum log_level log_level;
        struct policy policy;
        struct kube_settings kube;
        struct custom_settings custom;
        struct hook_settings hook;
};

/* Values from the command line, NULL where not given: they win over the file. */
struct config_overrides {
        const char *source;
        const char *publish;
        const char *database;
        const char *const *endpoints;
        size_t n_endpoints;
        const char *listen;
        const char *pod;
        const char *pod_uid;
        const char *log_format;
        const char *log_level;
};

/*
 * The same from text; `what` names it in messages. text may be NULL: overrides and defaults only. Pure: paths
 * in overrides must be absolute, names of owners and groups are kept as they are, log format auto is JSON.
 * Fuzzed.
 */
int config_parse(const char *what, const char *text, size_t len, const struct config_overrides *overrides,
                 struct config **out, struct err *err) MUST_CHECK;
/*
 * Relative paths in overrides count from the working directory; in the file they are refused. Owners and
 * groups are looked up. A file that cannot be read is ERR_USAGE too.
 *
 * path may be NULL: overrides and defaults only. ERR_USAGE with "<file>:<line>:<column>: …": unknown or
 * duplicate key (the nearest known one is named), wrong type, out of range, missing, contradictory.
 */
int config_load(const char *path, const struct config_overrides *overrides, struct config **out,
                struct err *err) MUST_CHECK;
void config_free(struct config *config);
AUTO_DEFINE(struct config, config_free)
/* The configuration in force as YAML with every default written out; never a secret. */
void config_print(const struct config *config, struct buf *out);
