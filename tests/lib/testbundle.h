// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Bundles from PEM texts, through the door that the agent uses (bundle_load), without a directory.
 */
#include "base/mem.h"
#include "certs/bundle.h"

#include <stdio.h>
#include <string.h>

static inline UNUSED void testbundle_add(struct snapshot *snapshot, const char *name, const char *text)
{
        struct snapshot_file *file = &snapshot->files[snapshot->n];

        if (text == NULL)
                return;
        file->name = mem_strdup(name);
        secret_set(&file->data, text, strlen(text));
        snapshot->n++;
}

/* Any text may be NULL: the file is not there. Aborts when the bundle cannot be read. */
static inline UNUSED struct bundle *testbundle_load(const char *certificate, const char *key,
                                                    const char *authorities)
{
        AUTO(snapshot_free_p) struct snapshot *snapshot = MEM_NEW(struct snapshot);
        const struct bundle_names names = { NULL, NULL, NULL, NULL };
        struct bundle *bundle = NULL;
        struct err err;

        snapshot->files = mem_array(3, sizeof(*snapshot->files));
        testbundle_add(snapshot, "ca.crt", authorities);
        testbundle_add(snapshot, "tls.crt", certificate);
        testbundle_add(snapshot, "tls.key", key);
        if (bundle_load(snapshot, &names, NULL, NULL, &bundle, &err) != 0) {
                (void)fprintf(stderr, "testbundle: %s\n", err.text);
                abort();
        }
        return bundle;
}
