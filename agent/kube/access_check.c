// SPDX-License-Identifier: Apache-2.0
/*
 * libcurl would say "error 58" at the first call; here the file and the reason have a name.
 */
#include "kube/access.h"

#include <string.h>

#include "base/fs.h"
#include "base/limits.h"
#include "certs/chain.h"
#include "certs/key.h"

static int read_certificates(const char *what, const void *text, size_t len, struct chain *out,
                             struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;

        if (pem_parse(what, text, len, &pem, err) != 0 ||
            chain_from_pem(&pem, AUTHORITIES_MAX_CERTS, NULL, out, err) != 0)
                return -1;
        return out->n > 0 ? 0 : err_set(err, ERR_PARSE, "%.300s: no certificate in it", what);
}

static int check_authorities(const struct kube_access *access, struct err *err)
{
        AUTO(chain_done_p) struct chain authorities = CHAIN_INIT;
        AUTO(buf_done_p) struct buf text = BUF_INIT(PEM_FILE_MAX_BYTES);
        const char *what = "certificate-authority-data";

        if (access->authorities != NULL) {
                buf_add_str(&text, access->authorities);
        } else if (access->authorities_file != NULL) {
                what = access->authorities_file;
                if (fs_read(what, PEM_FILE_MAX_BYTES, &text, err) != 0)
                        return -1;
        } else {
                return 0;
        }
        return read_certificates(what, text.data, text.len, &authorities, err);
}

static int read_key(const struct secret *text, struct key **out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;

        if (pem_parse("client key", text->data, text->len, &pem, err) != 0)
                return -1;
        for (size_t i = 0; i < pem.n; i++) {
                const struct pem_block *block = &pem.blocks[i];

                if (block->label == PEM_KEY_PKCS8_CRYPTED || block->dek_info != NULL)
                        return err_set(err, ERR_PARSE,
                                       "client key: it is encrypted: store it without a password");
                if (block->label != PEM_CERTIFICATE && block->label != PEM_OTHER)
                        return key_parse("client key", block, NULL, out, err);
        }
        return err_set(err, ERR_PARSE, "client key: no key in it");
}

static int check_client(const struct kube_access *access, struct err *err)
{
        AUTO(chain_done_p) struct chain chain = CHAIN_INIT;
        AUTO(key_free_p) struct key *key = NULL;

        if (access->certificate.len == 0)
                return 0;
        if (read_certificates("client certificate", access->certificate.data, access->certificate.len, &chain,
                              err) != 0 ||
            read_key(&access->key, &key, err) != 0)
                return -1;
        if (memcmp(&key->spki, &chain.certs[0]->spki, sizeof(key->spki)) != 0)
                return err_set(err, ERR_UNTRUSTED,
                               "the client key does not belong to the client certificate");
        return 0;
}

int kube_access_check(const struct kube_access *access, struct err *err)
{
        if (check_authorities(access, err) == 0 && check_client(access, err) == 0)
                return 0;
        err->kind = ERR_UNTRUSTED;
        return -1;
}
