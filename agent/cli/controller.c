// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate controller: OpsRequests, carried out through cert-manager and the agents in the pods.
 */
#include "control/controller.h"

#include "base/mem.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/terminal.h"
#include "cli/webhook_options.h"
#include "kube/names.h"

#include <string.h>

#define WORKERS_MAX  1000
#define HISTORY_MAX  1000
#define IDENTITY_MAX 256

struct controller_options {
        const char *kubeconfig;
        const char *namespace;
        const char *identity;
        const char *lease;
        int64_t lease_ms;
        const char *listen;
        int64_t step_timeout_ms;
        int64_t history;
        bool no_renewals;
        int64_t workers;
        struct webhook_options webhook;
        const char *log_format;
        const char *log_level;
};

static const char *const formats[] = { "auto", "json", "text", NULL };
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };

static const char *const pull_policies[] = { "Always", "IfNotPresent", "Never", NULL };

#define AT(member) offsetof(struct controller_options, member)

static const struct option_spec options[] = {
        { .name = "kubeconfig",
          .arg = "FILE",
          .kind = OPTION_STRING,
          .offset = AT(kubeconfig),
          .help = "how to reach the API server; without it, the pod's service account" },
        { .name = "namespace",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = AT(namespace),
          .help = "databases of this namespace only; without it, of all" },
        { .name = "identity",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = AT(identity),
          .help = "of this replica, in the Lease; the host name, which is the pod's" },
        { .name = "lease",
          .arg = "[NAMESPACE/]NAME",
          .kind = OPTION_STRING,
          .offset = AT(lease),
          .help = "whoever holds it acts; " CONTROLLER_LEASE " in the account's namespace" },
        { .name = "lease-duration",
          .arg = "DURATION",
          .kind = OPTION_DURATION,
          .offset = AT(lease_ms),
          .help = "after which a dead replica is taken over, 15s" },
        { .name = "listen",
          .arg = "ADDR",
          .kind = OPTION_STRING,
          .offset = AT(listen),
          .help = "health, metrics and status, :9534; '' turns them off" },
        { .name = "step-timeout",
          .arg = "DURATION",
          .kind = OPTION_DURATION,
          .offset = AT(step_timeout_ms),
          .help = "for each step of requests that say none, 10m" },
        { .name = "history",
          .arg = "N",
          .kind = OPTION_INT,
          .offset = AT(history),
          .help = "automatic requests of a database that are kept after their end, 5" },
        { .name = "no-renewals",
          .kind = OPTION_FLAG,
          .offset = AT(no_renewals),
          .help = "leave what cert-manager renews by itself to others" },
        { .name = "workers",
          .arg = "N",
          .kind = OPTION_INT,
          .offset = AT(workers),
          .help = "databases that are worked on at one time, 16" },
        { .name = "webhook",
          .arg = "ADDR",
          .kind = OPTION_STRING,
          .offset = AT(webhook.address),
          .help = "inject sidecars into pods: answer the API server there, :9443; off without it" },
        { .name = "webhook-image",
          .arg = "IMAGE",
          .kind = OPTION_STRING,
          .offset = AT(webhook.image),
          .help = "of the sidecar" },
        { .name = "webhook-pull-policy",
          .kind = OPTION_STRING,
          .offset = AT(webhook.pull_policy),
          .values = pull_policies,
          .help = "of the sidecar's image; without it, the cluster's default" },
        { .name = "webhook-service",
          .arg = "[NAMESPACE/]NAME",
          .kind = OPTION_STRING,
          .offset = AT(webhook.service),
          .help = "by which it is reached; " CONTROLLER_WEBHOOK_NAME " in the account's namespace" },
        { .name = "webhook-host",
          .arg = "HOST",
          .kind = OPTION_LIST,
          .offset = AT(webhook.hosts),
          .help = "another name or address by which it is reached, in a URL; may be given again" },
        { .name = "webhook-secret",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = AT(webhook.secret),
          .help = "its certificate, made by cert-manager; without it, made and renewed by the controller" },
        { .name = "webhook-ca-bundle",
          .kind = OPTION_FLAG,
          .offset = AT(webhook.ca_bundle),
          .help = "with --webhook-secret: write its ca.crt into the configuration all the same" },
        { .name = "webhook-configuration",
          .arg = "NAME",
          .kind = OPTION_STRING,
          .offset = AT(webhook.configuration),
          .help = "the MutatingWebhookConfiguration that is given the authority, certrotate" },
        { .name = "webhook-lifetime",
          .arg = "DURATION",
          .kind = OPTION_DURATION,
          .offset = AT(webhook.lifetime_ms),
          .help = "of each certificate that the controller makes, 24h; renewed at two thirds" },
        { .name = "log-format",
          .arg = "FORMAT",
          .kind = OPTION_STRING,
          .offset = AT(log_format),
          .values = formats,
          .help = "json or text; text on a terminal by default" },
        { .name = "log-level",
          .arg = "LEVEL",
          .kind = OPTION_STRING,
          .offset = AT(log_level),
          .values = levels,
          .help = "debug, info, warn or error" },
};

static int check(const struct controller_options *given, struct err *err)
{
        if (given->namespace != NULL && !kube_names_is_label(given->namespace))
                return err_set(err, ERR_USAGE, "--namespace: '%.80s' is no name of a namespace",
                               given->namespace);
        if (given->step_timeout_ms < 1000)
                return err_set(err, ERR_USAGE, "--step-timeout: at least 1s");
        if (given->workers < 1 || given->workers > WORKERS_MAX)
                return err_set(err, ERR_USAGE, "--workers: 1 to %d", WORKERS_MAX);
        if (given->history > HISTORY_MAX)
                return err_set(err, ERR_USAGE, "--history: at most %d", HISTORY_MAX);
        return 0;
}

/* Nobody to ask is nothing to wait for, and a file that was named is there or it is a mistake. */
static int find_access(const char *kubeconfig, struct kube_access **out, struct err *err)
{
        if (kubeconfig != NULL ? kube_access_from_file(kubeconfig, NULL, out, err) == 0
                               : kube_access_in_pod(NULL, out, err) == 0)
                return 0;
        err->kind = ERR_USAGE;
        return kubeconfig != NULL ? -1 : err_wrap(err, "no API server, give --kubeconfig");
}

/* The rest of the settings is filled in. namespace: room for one of the Lease. */
static int name_lease(const struct controller_options *given, const char *account,
                      char identity[IDENTITY_MAX], char **namespace, struct controller_settings *settings,
                      struct err *err)
{
        const char *lease = given->lease == NULL ? CONTROLLER_LEASE : given->lease;
        const char *slash = strchr(lease, '/');

        if (given->identity == NULL && gethostname(identity, IDENTITY_MAX - 1) != 0)
                return err_set(err, ERR_USAGE, "this host has no name of its own, give --identity");
        *namespace = slash == NULL ? mem_strdup(account) : mem_printf("%.*s", (int)(slash - lease), lease);
        settings->lease = (struct kube_lease_spec){
                .namespace = *namespace,
                .name = slash == NULL ? lease : slash + 1,
                .holder = given->identity == NULL ? identity : given->identity,
                .duration_ms = given->lease_ms,
        };
        return 0;
}

static int start(const struct command *command, const struct controller_options *given)
{
        AUTO(webhook_options_done_p) struct webhook_names names = { 0 };
        struct controller_settings settings = {
                .namespace = given->namespace,
                .listen = given->listen,
                .workers = (size_t)given->workers,
                .reconcile = { .step_timeout_ms = given->step_timeout_ms,
                               .history = (int)given->history,
                               .renewals = !given->no_renewals },
        };
        AUTO(loop_free_p) struct loop *loop = NULL;
        AUTO(kube_client_close_p) struct kube_client *client = NULL;
        AUTO(controller_close_p) struct controller *controller = NULL;
        AUTO(mem_free_p) char *namespace = NULL;
        struct kube_access *access = NULL;
        char identity[IDENTITY_MAX] = "";
        struct err err = ERR_INIT;

        if (check(given, &err) != 0 || find_access(given->kubeconfig, &access, &err) != 0)
                return options_fail(command, &err);
        log_init(process_log_format(given->log_format), (enum log_level)log_parse_level(given->log_level),
                 terminal_has_color(2));
        process_guard_memory();
        process_ignore_pipes();
        loop = loop_new();
        if (kube_client_open(loop, access, &client, &err) != 0 ||
            webhook_options_read(&given->webhook, kube_client_access(client)->namespace, &names,
                                 &settings.webhook, &err) != 0 ||
            name_lease(given, kube_client_access(client)->namespace, identity, &namespace, &settings, &err) !=
                    0 ||
            controller_open(client, &settings, &controller, &err) != 0)
                return options_fail(command, &err);
        return controller_run(controller);
}

static int run(const struct command *command, int argc, char **argv)
{
        struct controller_options given = {
                .lease_ms = 15000,
                .listen = ":9534",
                .step_timeout_ms = 600000,
                .history = 5,
                .workers = 16,
                .webhook = { .lifetime_ms = INT64_C(86400000) },
                .log_level = "info",
        };
        int code;
        int first = options_parse(command, argc, argv, &given, &code);
        struct err err;

        if (first < 0)
                return code;
        if (first == argc) {
                code = start(command, &given);
        } else {
                (void)err_set(&err, ERR_USAGE, "'%.60s' is not expected: controller takes options only",
                              argv[first]);
                code = options_fail(command, &err);
        }
        options_list_done(&given.webhook.hosts);
        return code;
}

const struct command controller_command = {
        .name = "controller",
        .summary = "carry out OpsRequests, through cert-manager and the agents in the pods",
        .synopsis = "[OPTION]…",
        .details =
                "Run two replicas: the one that holds the Lease acts, the other knows all that it knows and "
                "takes\n"
                "over. All that is to be remembered is in the API server.\n\n"
                "Signals: SIGTERM ends what is in flight, at most two seconds, and gives the Lease back, so "
                "that the\n"
                "other goes on at once; a second one ends it there and then. SIGHUP looks at every database "
                "now.\n\n"
                "Exit codes: 0 told to end, 1 failed, 2 usage or configuration.",
        .options = options,
        .n_options = ARRAY_LEN(options),
        .run = run,
};
