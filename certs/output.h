// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is written for the database: one output is one file, rendered from a bundle.
 */
#include "base/fs.h"
#include "certs/bundle.h"

enum output_content {
        OUTPUT_KEY,        /* key          private key, PKCS#8 PEM, unencrypted */
        OUTPUT_KEY_LEGACY, /* key-legacy   PKCS#1 or SEC1 PEM, for old readers */
        OUTPUT_LEAF,       /* leaf         the leaf alone */
        OUTPUT_CHAIN,      /* chain        leaf, then intermediates */
        OUTPUT_CA,         /* ca           authorities */
        OUTPUT_COMBINED,   /* combined     key, leaf, intermediates in one PEM */
        OUTPUT_PKCS12,     /* pkcs12       key store: key and chain under an alias */
        OUTPUT_TRUSTSTORE, /* truststore   authorities as PKCS#12 with the attribute Java asks for */
};

struct output {
        const char *name; /* file name, no slash */
        enum output_content content;
        struct fs_attr attr;
        const char *alias;             /* PKCS#12 friendly name; NULL: "certrotate" */
        const struct secret *password; /* PKCS#12; NULL or empty: no password */
        bool plain;                    /* also needed as a real file at its place: renamed over, not linked */
};

/* -1 when unknown. */
int output_parse_content(const char *text);
const char *output_content_name(enum output_content content);
/* A PKCS#12 file, which may have a password. */
bool output_is_store(enum output_content content);
/* The first output of this content, NULL when there is none. */
const struct output *output_find(const struct output *outputs, size_t n, enum output_content content);
/*
 * authorities may be more than the bundle's own (old ∪ new during a change of authority).
 * ERR_INTERNAL when OpenSSL fails; ERR_REFUSED when the content cannot be made from this bundle (no
 * authorities for a trust store).
 */
int output_render(const struct output *output, const struct bundle *bundle, const struct chain *authorities,
                  struct buf *out, struct err *err) MUST_CHECK;
