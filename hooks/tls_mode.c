// SPDX-License-Identifier: Apache-2.0
/*
 * The words for whether an engine speaks TLS.
 */
#include "hooks/tls_mode.h"

#include <string.h>

static const char *const names[TLS_MODES] = {
        [TLS_UNMANAGED] = "", [TLS_OFF] = "off",           [TLS_MIXED] = "mixed",
        [TLS_ON] = "on",      [TLS_REQUIRED] = "required",
};

const char *tls_mode_name(enum tls_mode mode)
{
        return names[mode];
}

int tls_mode_parse(const char *text)
{
        for (int i = 0; i < TLS_MODES; i++)
                if (strcmp(names[i], text) == 0)
                        return i;
        return -1;
}
