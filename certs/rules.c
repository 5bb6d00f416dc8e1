// SPDX-License-Identifier: Apache-2.0
/*
 * What is looked at in a bundle, one function a subject, and the sentences: what, where, what to do.
 *
 * Dates never hide behind trust: the chain is verified without them, so that an expired leaf is called
 * expired and not untrusted. An authority that has expired counts as absent.
 */
#include "certs/rules.h"

#include "certs/wording.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define BITS_MIN   112
#define KEY_DIGITS 16

struct check {
        const struct bundle *bundle;
        const struct policy_context *ctx;
        struct findings *out;
        const char *certificate_file;
        const char *key_file;
        const char *authorities_file;
};

#define FOUND(check, code, ...) policy_add((check)->out, (check)->ctx->policy, (code), __VA_ARGS__)

static const char *subject(const struct cert *cert)
{
        return cert->subject[0] == '\0' ? "(no subject)" : cert->subject;
}

static void check_key(const struct check *check)
{
        const struct cert *leaf = bundle_leaf(check->bundle);
        char key[FINGERPRINT_TEXT_MAX];
        char certificate[FINGERPRINT_TEXT_MAX];

        if (check->bundle->key == NULL || hex_fingerprint_equal(&check->bundle->key->spki, &leaf->spki))
                return;
        FOUND(check, FINDING_KEY_MISMATCH,
              "%s does not belong to the certificate in %s (key %.*s…, certificate %.*s…): the files are "
              "from two "
              "different issues; wait for the issuer or renew the certificate",
              check->key_file, check->certificate_file, KEY_DIGITS,
              hex_fingerprint(&check->bundle->key->spki, key), KEY_DIGITS,
              hex_fingerprint(&leaf->spki, certificate));
}

static bool is_valid_at(const struct cert *cert, struct wall now)
{
        return cert->not_before.s <= now.s && now.s <= cert->not_after.s;
}

/* Of the signatures alone. */
static bool is_signed(const struct chain *chain, const struct chain *authorities)
{
        for (size_t i = 0; i < chain->n; i++)
                for (size_t j = 0; j < authorities->n; j++)
                        if (hex_fingerprint_equal(&chain->certs[i]->fp, &authorities->certs[j]->fp) ||
                            cert_is_signed_by(chain->certs[i], authorities->certs[j]))
                                return true;
        return false;
}

/* A leaf that is not for servers never verifies as one: that is `usage`, and says nothing of its issuer. */
static int verify(const struct check *check, const struct chain *authorities, struct err *err)
{
        const struct chain *chain = &check->bundle->chain;
        const struct cert *leaf = chain->certs[0];

        if (chain_verify(chain, authorities, false, false, check->ctx->now, err) == 0)
                return 0;
        return (!leaf->server_auth || !leaf->key_usage_ok) && is_signed(chain, authorities) ? 0 : -1;
}

static void check_trust(const struct check *check)
{
        const struct chain *all = &check->bundle->authorities;
        AUTO(chain_done_p) struct chain valid = CHAIN_INIT;
        struct err err;

        if (all->n == 0)
                return;
        if (verify(check, all, &err) != 0) {
                FOUND(check, FINDING_UNTRUSTED,
                      "the chain in %s does not build to the authorities in %s: %s; put the issuer into %s, "
                      "or the "
                      "missing intermediate into %s",
                      check->certificate_file, check->authorities_file, err.text, check->authorities_file,
                      check->certificate_file);
                return;
        }
        for (size_t i = 0; i < all->n; i++)
                if (is_valid_at(all->certs[i], check->ctx->now))
                        chain_add(&valid, all->certs[i]);
        if (valid.n == all->n)
                return;
        if (valid.n == 0)
                FOUND(check, FINDING_UNTRUSTED,
                      "none of the authorities in %s is valid now: no client would accept the certificate; "
                      "renew the "
                      "authority",
                      check->authorities_file);
        else if (verify(check, &valid, &err) != 0)
                FOUND(check, FINDING_UNTRUSTED,
                      "the certificate in %s builds only to an authority in %s that is not valid now: no "
                      "client would "
                      "accept it; issue it from a valid authority",
                      check->certificate_file, check->authorities_file);
}

static void check_dates(const struct check *check)
{
        const struct chain *chain = &check->bundle->chain;
        const struct wall now = check->ctx->now;
        char today[CLOCK_TEXT_MAX];
        char date[CLOCK_TEXT_MAX];

        for (size_t i = 0; i < chain->n; i++) {
                const struct cert *cert = chain->certs[i];
                const char *what = i == 0 ? "certificate" : "intermediate";

                if (now.s > cert->not_after.s)
                        FOUND(check, FINDING_EXPIRED,
                              "the %s of '%.120s' in %s expired at %s, %s ago (it is %s): renew it", what,
                              subject(cert), check->certificate_file, clock_format(cert->not_after, date),
                              wording_span(now.s - cert->not_after.s).s, clock_format(now, today));
                if (now.s < cert->not_before.s)
                        FOUND(check, FINDING_NOT_YET_VALID,
                              "the %s of '%.120s' in %s is valid from %s, in %s (it is %s): wait, or set the "
                              "clocks of "
                              "the issuer and of this machine",
                              what, subject(cert), check->certificate_file,
                              clock_format(cert->not_before, date),
                              wording_span(cert->not_before.s - now.s).s, clock_format(now, today));
        }
}

static void check_against_served(const struct check *check)
{
        const struct cert *served = check->ctx->served;
        const struct cert *leaf = bundle_leaf(check->bundle);
        char is[CLOCK_TEXT_MAX];
        char was[CLOCK_TEXT_MAX];

        if (served == NULL)
                return;
        if (leaf->not_after.s < served->not_after.s)
                FOUND(check, FINDING_ENDS_EARLIER,
                      "the certificate in %s ends at %s, %s before the one served now (%s): check that the "
                      "issuer "
                      "means it",
                      check->certificate_file, clock_format(leaf->not_after, is),
                      wording_span(served->not_after.s - leaf->not_after.s).s,
                      clock_format(served->not_after, was));
        if (leaf->not_before.s < served->not_before.s)
                FOUND(check, FINDING_GOING_BACK,
                      "the certificate in %s was issued at %s, %s before the one served now (%s): an older "
                      "one came "
                      "back; check who writes it",
                      check->certificate_file, clock_format(leaf->not_before, is),
                      wording_span(served->not_before.s - leaf->not_before.s).s,
                      clock_format(served->not_before, was));
}

static struct wording names_of(const struct cert *cert)
{
        AUTO(buf_done_p) struct buf list = BUF_INIT((size_t)2 * WORDING_MAX);
        struct wording text;
        size_t count = 0;

        for (size_t i = 0; i < cert->n_names; i++)
                wording_add(&list, &count, cert->names[i]);
        wording_end(&list, count);
        (void)snprintf(text.s, sizeof(text.s), "%s", count == 0 ? "no names" : buf_str(&list));
        return text;
}

static void check_names(const struct check *check)
{
        const struct cert *leaf = bundle_leaf(check->bundle);

        for (size_t i = 0; i < check->ctx->n_names; i++)
                if (!cert_covers(leaf, check->ctx->names[i]))
                        FOUND(check, FINDING_NAME_MISSING,
                              "the certificate in %s does not cover '%.253s', which clients use (it has %s): "
                              "add the "
                              "name to the request",
                              check->certificate_file, check->ctx->names[i], names_of(leaf).s);
}

/* `name` is "DNS:…", "IP:…", "URI:…" or "EMAIL:…"; only the first two can be covered by another one. */
static bool still_has(const struct cert *leaf, const char *name)
{
        for (size_t i = 0; i < leaf->n_names; i++)
                if (strcmp(leaf->names[i], name) == 0)
                        return true;
        if (strncmp(name, "DNS:", 4) == 0)
                return cert_covers(leaf, name + 4);
        return strncmp(name, "IP:", 3) == 0 && cert_covers(leaf, name + 3);
}

static void check_dropped(const struct check *check)
{
        const struct cert *served = check->ctx->served;
        AUTO(buf_done_p) struct buf list = BUF_INIT((size_t)2 * WORDING_MAX);
        size_t count = 0;

        for (size_t i = 0; served != NULL && i < served->n_names; i++)
                if (!still_has(bundle_leaf(check->bundle), served->names[i]))
                        wording_add(&list, &count, served->names[i]);
        wording_end(&list, count);
        if (count > 0)
                FOUND(check, FINDING_NAME_DROPPED,
                      "the certificate in %s no longer covers %s, which the one served now does: add it to "
                      "the "
                      "request if clients still use it",
                      check->certificate_file, buf_str(&list));
}

static void check_leaf(const struct check *check)
{
        const struct cert *leaf = bundle_leaf(check->bundle);

        if (!leaf->server_auth)
                FOUND(check, FINDING_USAGE,
                      "the certificate of '%.120s' in %s is not for servers: its extended key usage lacks "
                      "serverAuth; "
                      "add 'server auth' to the request",
                      subject(leaf), check->certificate_file);
        if (!leaf->key_usage_ok)
                FOUND(check, FINDING_USAGE,
                      "the key usage of the certificate of '%.120s' in %s forbids what a TLS server does "
                      "with "
                      "its key: "
                      "add 'digital signature' to the request",
                      subject(leaf), check->certificate_file);
        if (leaf->is_ca)
                FOUND(check, FINDING_CA_AS_LEAF,
                      "the certificate of '%.120s' in %s is an authority: many clients refuse it as a "
                      "server's; "
                      "issue a "
                      "certificate for the server",
                      subject(leaf), check->certificate_file);
}

static void check_strength(const struct check *check)
{
        const struct chain *chain = &check->bundle->chain;

        for (size_t i = 0; i < chain->n; i++) {
                const struct cert *cert = chain->certs[i];
                EVP_PKEY *key = X509_get0_pubkey(cert->x509);
                const int bits = key == NULL ? 0 : EVP_PKEY_get_security_bits(key);

                if (bits < BITS_MIN)
                        FOUND(check, FINDING_WEAK_KEY,
                              "the key of '%.120s' in %s is weak (%d bits, worth %d): clients refuse less "
                              "than "
                              "2048 bits "
                              "of RSA or 224 of EC; renew it with a larger key",
                              subject(cert), check->certificate_file, cert->key_bits, bits);
                if (cert->signature_bits > 0 && cert->signature_bits < BITS_MIN)
                        FOUND(check, FINDING_WEAK_SIGNATURE,
                              "the certificate of '%.120s' in %s is signed with a broken digest (SHA-1 or "
                              "MD5): "
                              "clients "
                              "refuse it; let the issuer sign with SHA-256",
                              subject(cert), check->certificate_file);
        }
}

static bool is_ambiguous(const struct check *check, const struct cert *a, const struct cert *b)
{
        const struct chain *chain = &check->bundle->chain;

        if (strcmp(a->subject, b->subject) != 0 || hex_fingerprint_equal(&a->spki, &b->spki))
                return false;
        for (size_t i = 0; i < chain->n; i++)
                if (strcmp(chain->certs[i]->issuer, a->subject) == 0 &&
                    (!chain->certs[i]->has_authority_key_id || !a->has_key_id || !b->has_key_id))
                        return true;
        return false;
}

static void check_ambiguity(const struct check *check)
{
        const struct chain *all = &check->bundle->authorities;

        for (size_t i = 0; i < all->n; i++)
                for (size_t j = i + 1; j < all->n; j++) {
                        if (!is_ambiguous(check, all->certs[i], all->certs[j]))
                                continue;
                        FOUND(check, FINDING_AUTHORITY_AMBIGUOUS,
                              "%s has two authorities named '%.120s' with different keys and no key "
                              "identifier "
                              "to tell "
                              "them apart: some clients try only the first; issue with key identifiers or "
                              "remove one",
                              check->authorities_file, subject(all->certs[i]));
                        return;
                }
}

static void check_authorities(const struct check *check)
{
        const struct chain *all = &check->bundle->authorities;
        char date[CLOCK_TEXT_MAX];

        if (!check->bundle->has_authorities_file)
                FOUND(check, FINDING_AUTHORITIES_MISSING,
                      "there is no %s: neither can the chain be checked nor do clients get the authority "
                      "from here; "
                      "add the issuer's certificate",
                      check->authorities_file);
        else if (all->n == 0)
                FOUND(check, FINDING_AUTHORITIES_EMPTY,
                      "%s holds no certificate: a server that loads it trusts nobody; add the issuer's "
                      "certificate",
                      check->authorities_file);
        for (size_t i = 0; i < all->n; i++) {
                const struct cert *cert = all->certs[i];

                if (check->ctx->now.s > cert->not_after.s)
                        FOUND(check, FINDING_AUTHORITY_EXPIRED,
                              "the authority '%.120s' in %s expired at %s, %s ago: remove it or renew it",
                              subject(cert), check->authorities_file, clock_format(cert->not_after, date),
                              wording_span(check->ctx->now.s - cert->not_after.s).s);
                if (!cert->is_ca)
                        FOUND(check, FINDING_AUTHORITY_NOT_CA,
                              "'%.120s' in %s is no authority (CA:FALSE): clients build no chain on it; put "
                              "its "
                              "issuer "
                              "there",
                              subject(cert), check->authorities_file);
        }
        check_ambiguity(check);
}

static void check_chain(const struct check *check)
{
        const struct chain *extra = &check->bundle->extra;
        AUTO(buf_done_p) struct buf list = BUF_INIT((size_t)2 * WORDING_MAX);
        size_t count = 0;

        if (check->bundle->was_reordered)
                FOUND(check, FINDING_CHAIN_ORDER,
                      "the certificates in %s were not leaf first: they are published in order; nothing to "
                      "do",
                      check->certificate_file);
        for (size_t i = 0; i < extra->n; i++)
                wording_add(&list, &count, subject(extra->certs[i]));
        wording_end(&list, count);
        if (count > 0)
                FOUND(check, FINDING_CHAIN_EXTRA,
                      "%s holds certificates that are no part of the chain (%s): they are not published; "
                      "remove them",
                      check->certificate_file, buf_str(&list));
}

void rules_run(const struct bundle *bundle, const struct policy_context *context, struct findings *out)
{
        static const struct bundle_names none = { NULL, NULL, NULL, NULL };
        const struct bundle_names *files = context->files == NULL ? &none : context->files;
        const struct check check = {
                .bundle = bundle,
                .ctx = context,
                .out = out,
                .certificate_file = files->certificate == NULL ? "tls.crt" : files->certificate,
                .key_file = files->key == NULL ? "tls.key" : files->key,
                .authorities_file = files->authorities == NULL ? "ca.crt" : files->authorities,
        };

        check_key(&check);
        check_trust(&check);
        check_dates(&check);
        check_against_served(&check);
        check_names(&check);
        check_dropped(&check);
        check_leaf(&check);
        check_strength(&check);
        check_authorities(&check);
        check_chain(&check);
}
