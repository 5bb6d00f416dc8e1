// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Certificate and private key as CREATE CERTIFICATE takes them: DER and PVK, which is RSA only, as
 * hexadecimal literals. PFX is taken by 2022 only. Pure.
 */
#include "base/buf.h"
#include "certs/bundle.h"
#include "hooks/mssql_mirroring.h"

struct mssql_material {
        char name[MSSQL_OBJECT_MAX]; /* certrotate_<first digits of the SHA-256> */
        char thumbprint[MSSQL_THUMBPRINT_MAX];
        struct buf certificate; /* "0x…" */
        struct buf key;         /* "0x…", wiped; empty: not at hand */
};

/* ERR_ENGINE a key that it does not take. Without a key in the bundle there is none in the material. */
int mssql_material_make(const struct bundle *bundle, struct mssql_material *out, struct err *err) MUST_CHECK;
void mssql_material_done(struct mssql_material *material);
/* SHA-1 as sys.certificates shows it. */
void mssql_material_thumbprint(const struct cert *leaf, char out[static MSSQL_THUMBPRINT_MAX]);
/* [name], with what is in it quoted */
void mssql_material_add_name(struct buf *sql, const char *name);
/* CREATE CERTIFICATE; owner "" is the login's own user. It holds the key: the buffer is to be wiped. */
void mssql_material_create(const struct mssql_material *material, const char *owner, struct buf *sql);
