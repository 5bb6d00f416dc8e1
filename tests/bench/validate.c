// SPDX-License-Identifier: Apache-2.0
/*
 * What does it cost to look at a bundle? Loads a folder N times and prints medians in microseconds as JSON.
 *
 *   bench_validate DIR [N]
 *   bench_validate --make DIR ec|rsa     writes a leaf, an intermediate and a root as a Secret volume
 */
#include "certs/bundle.h"
#include "testca.h"

#include "base/mem.h"
#include "base/num.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUNDS     1000
#define ROUNDS_MAX 1000000

enum { READ, LOAD_FRESH, LOAD_AGAIN, VERIFY, ALL_AGAIN, PAIR, PHASES };

static const char *const names[PHASES] = {
        [READ] = "snapshot_read",
        [LOAD_FRESH] = "bundle_load",
        [LOAD_AGAIN] = "bundle_load_with_previous",
        [VERIFY] = "chain_verify",
        [ALL_AGAIN] = "read_load_verify_with_previous",
        [PAIR] = "leaf_key_match",
};

static double now_us(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
        double x = *(const double *)a;
        double y = *(const double *)b;

        return (x > y) - (x < y);
}

static int make(const char *dir, const char *type)
{
        enum testca_key key = strcmp(type, "rsa") == 0 ? TESTCA_RSA2048 : TESTCA_P256;
        const struct testca_options authority = { .is_ca = true, .key = key };
        const struct testca_options end = { .key = key, .names = "DNS:db.example,IP:127.0.0.1" };
        AUTO(testca_free_p) struct testca *root = testca_make(NULL, &authority);
        AUTO(testca_free_p) struct testca *middle = NULL;
        AUTO(testca_free_p) struct testca *leaf = NULL;
        struct testca_options between = authority;

        between.subject = "intermediate";
        middle = testca_make(root, &between);
        leaf = testca_make(middle, &end);
        testca_volume_bundle(dir, leaf, middle, root);
        return 0;
}

/* What a server does at least: leaf and key from their bytes, and do they fit? */
static int pair(const struct snapshot *snapshot, struct err *err)
{
        const struct snapshot_file *crt = snapshot_find(snapshot, "tls.crt");
        const struct snapshot_file *key_file = snapshot_find(snapshot, "tls.key");
        AUTO(pem_done_p) struct pem crt_pem = PEM_INIT;
        AUTO(pem_done_p) struct pem key_pem = PEM_INIT;
        AUTO(cert_free_p) struct cert *leaf = NULL;
        AUTO(key_free_p) struct key *key = NULL;

        if (crt == NULL || key_file == NULL)
                return err_set(err, ERR_MISSING, "no tls.crt or tls.key");
        if (pem_parse("tls.crt", crt->data.data, crt->data.len, &crt_pem, err) != 0 ||
            pem_parse("tls.key", key_file->data.data, key_file->data.len, &key_pem, err) != 0 ||
            cert_parse(crt_pem.blocks[0].der.data, crt_pem.blocks[0].der.len, &leaf, err) != 0 ||
            key_parse("tls.key", &key_pem.blocks[0], NULL, &key, err) != 0)
                return -1;
        if (!hex_fingerprint_equal(&leaf->spki, &key->spki))
                return err_set(err, ERR_MISMATCH, "key and leaf do not fit");
        return 0;
}

/* previous lends everything but its leaf, as after a renewal. */
static int round_once(const char *dir, const struct bundle *previous, double *us, struct err *err)
{
        const struct bundle_names defaults = { NULL, NULL, NULL, NULL };
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        AUTO(bundle_free_p) struct bundle *fresh = NULL;
        AUTO(bundle_free_p) struct bundle *again = NULL;
        double at[5];

        at[0] = now_us();
        if (snapshot_read(dir, &snapshot, err) != 0)
                return -1;
        at[1] = now_us();
        if (bundle_load(snapshot, &defaults, NULL, previous, &again, err) != 0)
                return -1;
        at[2] = now_us();
        if (chain_verify(&again->chain, &again->authorities, false, true, clock_wall(), err) != 0)
                return -1;
        at[3] = now_us();
        if (bundle_load(snapshot, &defaults, NULL, NULL, &fresh, err) != 0)
                return -1;
        at[4] = now_us();
        if (pair(snapshot, err) != 0)
                return -1;
        us[READ] = at[1] - at[0];
        us[LOAD_AGAIN] = at[2] - at[1];
        us[VERIFY] = at[3] - at[2];
        us[ALL_AGAIN] = at[3] - at[0];
        us[LOAD_FRESH] = at[4] - at[3];
        us[PAIR] = now_us() - at[4];
        return 0;
}

/* The bundle as published before a renewal: the same intermediate and authorities, another leaf. */
static int load_previous(const char *dir, struct bundle **out, struct err *err)
{
        const struct bundle_names defaults = { NULL, NULL, NULL, NULL };
        AUTO(snapshot_free_p) struct snapshot *snapshot = NULL;
        AUTO(bundle_free_p) struct bundle *bundle = NULL;

        if (snapshot_read(dir, &snapshot, err) != 0 ||
            bundle_load(snapshot, &defaults, NULL, NULL, &bundle, err) != 0)
                return -1;
        cert_free(bundle->chain.certs[0]);
        bundle->chain.n--;
        memmove(bundle->chain.certs, bundle->chain.certs + 1, bundle->chain.n * sizeof(struct cert *));
        *out = TAKE(bundle);
        return 0;
}

static int measure(const char *dir, size_t rounds, struct err *err)
{
        AUTO(mem_free_p) double *values = mem_array(PHASES * rounds, sizeof(double));
        AUTO(bundle_free_p) struct bundle *previous = NULL;
        double us[PHASES] = { 0 };

        if (load_previous(dir, &previous, err) != 0)
                return -1;
        for (size_t i = 0; i < rounds; i++) {
                if (round_once(dir, previous, us, err) != 0)
                        return -1;
                for (size_t phase = 0; phase < PHASES; phase++)
                        values[phase * rounds + i] = us[phase];
        }
        (void)printf("{\"rounds\":%zu", rounds);
        for (size_t phase = 0; phase < PHASES; phase++) {
                qsort(values + phase * rounds, rounds, sizeof(double), by_value);
                (void)printf(",\"%s_us\":%.1f", names[phase], values[phase * rounds + rounds / 2]);
        }
        (void)printf("}\n");
        return 0;
}

int main(int argc, char **argv)
{
        struct err err = ERR_INIT;
        int64_t rounds = ROUNDS;

        if (argc == 4 && strcmp(argv[1], "--make") == 0)
                return make(argv[2], argv[3]);
        if (argc < 2 || argc > 3) {
                (void)fprintf(stderr, "usage: bench_validate DIR [N] | --make DIR ec|rsa\n");
                return 2;
        }
        if ((argc == 3 && num_parse(argv[2], 1, ROUNDS_MAX, &rounds, &err) != 0) ||
            measure(argv[1], (size_t)rounds, &err) != 0) {
                (void)fprintf(stderr, "bench_validate: %s\n", err.text);
                return 1;
        }
        return 0;
}
