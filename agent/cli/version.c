// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate version: what runs here, and on which libraries.
 */
#include "cli/options.h"

#include <openssl/crypto.h>
#include <stdio.h>

static int run(const struct command *command, int argc, char **argv)
{
        struct {
                bool unused;
        } options = { false };
        struct err err = ERR_INIT;
        int code = 0;
        int at = options_parse(command, argc, argv, &options, &code);

        if (at < 0)
                return code;
        if (at < argc) {
                err_set_(&err, ERR_USAGE, "takes no operand '%.60s'", argv[at]);
                return options_fail(command, &err);
        }
        (void)printf("certrotate %s (%s)\n", CERTROTATE_VERSION, OpenSSL_version(OPENSSL_VERSION));
        return 0;
}

const struct command version_command = {
        .name = "version",
        .summary = "print the version",
        .synopsis = "",
        .run = run,
};
