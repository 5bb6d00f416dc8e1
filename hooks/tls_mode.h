// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Whether the engine speaks TLS at all, as its own settings say. Switching takes a restart; taking a new
 * certificate in the same mode need not.
 */
enum tls_mode {
        TLS_UNMANAGED, /* the engine's settings are someone else's: never read or written */
        TLS_OFF,
        TLS_MIXED, /* with and without, also among members: the way from off to on, and back, of a cluster */
        TLS_ON,    /* among members only with TLS; clients as the engine's own default is */
        TLS_REQUIRED, /* clients only with TLS, too */
        TLS_MODES,
};

/* "" "off" "mixed" "on" "required" */
const char *tls_mode_name(enum tls_mode mode);
/* -1 when unknown. */
int tls_mode_parse(const char *text);
