// SPDX-License-Identifier: Apache-2.0
/*
 * The four keys, in the order in which KubeDB writes them.
 */
#include "hooks/mssql_conf.h"

#include "base/mem.h"
#include "hooks/ini.h"

#include <string.h>

#define KUBEDB_PROTOCOLS "1.2,1.1,1.0"

/* NULL when no such file is published. */
static char *path_of(const struct hook_settings *settings, enum output_content content)
{
        const struct output *output = output_find(settings->outputs, settings->n_outputs, content);

        return output == NULL ? NULL : mem_printf("%s/%s", settings->publish, output->name);
}

int mssql_conf_edit(const struct database *database, const struct settings_wish *wish, const char *present,
                    struct buf *out, struct err *err)
{
        const struct hook_settings *settings = database->settings;
        const char *protocols = settings->mssql.tls_protocols;
        AUTO(mem_free_p) char *cert = path_of(settings, OUTPUT_CHAIN);
        AUTO(mem_free_p) char *key = path_of(settings, OUTPUT_KEY);
        bool on = wish->mode != TLS_OFF;
        const struct ini_wish wishes[] = {
                { .key = "forceencryption",
                  .value = !on                          ? NULL
                           : wish->mode == TLS_REQUIRED ? "1"
                                                        : "0" },
                { .key = "tlscert", .value = on ? cert : NULL },
                { .key = "tlskey", .value = on ? key : NULL },
                { .key = "tlsprotocols",
                  .value = !on                 ? NULL
                           : protocols == NULL ? KUBEDB_PROTOCOLS
                                               : protocols,
                  .keep = protocols == NULL },
        };

        if (on && (cert == NULL || key == NULL))
                return err_set(err, ERR_USAGE,
                               "files: mssql.conf needs one with content 'chain' and one with content 'key'");
        return ini_edit(present, "network", wishes, ARRAY_LEN(wishes), out, err);
}
