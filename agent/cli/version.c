// SPDX-License-Identifier: Apache-2.0
/*
 * certrotate version: what runs here, and on which libraries.
 */
#include "cli/options.h"

#include <openssl/crypto.h>
#include <stdio.h>

static int run(const struct command *command UNUSED, int argc UNUSED, char **argv UNUSED)
{
        (void)printf("certrotate %s (%s)\n", CERTROTATE_VERSION, OpenSSL_version(OPENSSL_VERSION));
        return 0;
}

const struct command version_command = {
        .name = "version",
        .summary = "print the version",
        .synopsis = "",
        .run = run,
};
