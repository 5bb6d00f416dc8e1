// SPDX-License-Identifier: Apache-2.0
#include "cli/webhook_options.h"

#include "base/mem.h"
#include "kube/names.h"

#include <arpa/inet.h>
#include <string.h>

#define HOSTS_MAX       16
#define LIFETIME_MIN_MS INT64_C(5000)
#define LIFETIME_MAX_MS (INT64_C(90) * 86400000) /* well below a third of the authority's */

void webhook_options_done(struct webhook_names *names)
{
        for (size_t i = 0; i < names->n; i++)
                mem_free(names->items[i]);
        mem_free(names->items);
        *names = (struct webhook_names){ NULL, 0 };
}

static bool is_host(const char *text)
{
        unsigned char address[sizeof(struct in6_addr)];

        return kube_names_is_subdomain(text) || inet_pton(AF_INET, text, address) == 1 ||
               inet_pton(AF_INET6, text, address) == 1;
}

/* Given without --webhook they would be waited for in vain. */
static const char *stray(const struct webhook_options *given)
{
        if (given->image != NULL)
                return "--webhook-image";
        if (given->service != NULL)
                return "--webhook-service";
        if (given->secret != NULL)
                return "--webhook-secret";
        return given->hosts.n > 0 ? "--webhook-host" : NULL;
}

static int check(const struct webhook_options *given, struct err *err)
{
        if (given->image == NULL || *given->image == '\0')
                return err_set(err, ERR_USAGE,
                               "--webhook: the sidecar's image is missing, give --webhook-image");
        if (given->lifetime_ms < LIFETIME_MIN_MS || given->lifetime_ms > LIFETIME_MAX_MS)
                return err_set(err, ERR_USAGE, "--webhook-lifetime: 5s to 90 days");
        if (given->secret != NULL && !kube_names_is_subdomain(given->secret))
                return err_set(err, ERR_USAGE, "--webhook-secret: '%.80s' is no name of a Secret",
                               given->secret);
        if (given->secret == NULL && given->ca_bundle)
                return err_set(err, ERR_USAGE, "--webhook-ca-bundle goes with --webhook-secret alone");
        if (given->configuration != NULL && !kube_names_is_subdomain(given->configuration))
                return err_set(err, ERR_USAGE, "--webhook-configuration: '%.80s' is no name of one",
                               given->configuration);
        if (given->hosts.n > HOSTS_MAX)
                return err_set(err, ERR_USAGE, "--webhook-host: at most %d", HOSTS_MAX);
        for (size_t i = 0; i < given->hosts.n; i++)
                if (!is_host(given->hosts.items[i]))
                        return err_set(err, ERR_USAGE,
                                       "--webhook-host: '%.80s' is neither a name nor an address",
                                       given->hosts.items[i]);
        return 0;
}

static int find_names(const struct webhook_options *given, const char *home, struct webhook_names *names,
                      struct err *err)
{
        const char *service = given->service == NULL ? CONTROLLER_WEBHOOK_NAME : given->service;
        const char *slash = strchr(service, '/');
        AUTO(mem_free_p)
        char *namespace =
                slash == NULL ? mem_strdup(home) : mem_printf("%.*s", (int)(slash - service), service);

        service = slash == NULL ? service : slash + 1;
        if (!kube_names_is_label(namespace))
                return err_set(err, ERR_USAGE, "--webhook-service: '%.80s' is no name of a namespace",
                               namespace);
        if (!kube_names_is_label(service))
                return err_set(err, ERR_USAGE, "--webhook-service: '%.80s' is no name of a Service", service);
        names->items = mem_array(2 + given->hosts.n, sizeof(char *));
        names->items[names->n++] = mem_printf("%s.%s.svc", service, namespace);
        names->items[names->n++] = mem_printf("%s.%s.svc.cluster.local", service, namespace);
        for (size_t i = 0; i < given->hosts.n; i++)
                names->items[names->n++] = mem_strdup(given->hosts.items[i]);
        return 0;
}

int webhook_options_read(const struct webhook_options *given, const char *namespace,
                         struct webhook_names *names, struct controller_webhook_settings *out,
                         struct err *err)
{
        const bool is_made = given->secret == NULL;

        if (given->address == NULL || *given->address == '\0') {
                if (stray(given) == NULL)
                        return 0;
                return err_set(err, ERR_USAGE, "%s: there is no webhook without --webhook", stray(given));
        }
        if (check(given, err) != 0 || find_names(given, namespace, names, err) != 0)
                return -1;
        *out = (struct controller_webhook_settings){
                .address = given->address,
                .inject = { .image = given->image, .pull_policy = given->pull_policy },
                .names = (const char *const *)names->items,
                .n_names = names->n,
                .namespace = namespace,
                .secret = is_made ? CONTROLLER_WEBHOOK_NAME : given->secret,
                .is_made = is_made,
                .lifetime_s = given->lifetime_ms / 1000,
        };
        if (is_made || given->ca_bundle)
                out->configuration = given->configuration == NULL ? "certrotate" : given->configuration;
        return 0;
}
