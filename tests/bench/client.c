// SPDX-License-Identifier: Apache-2.0
/*
 * The measuring client of the benchmark: one thread makes fresh TLS handshakes back to back, the other swaps
 * bundles into a volume as kubelet does. The time of a swap runs from just before its rename to the end of
 * the first handshake that shows the new leaf. The two threads know nothing of each other's phase, so a
 * handshake under way at the rename costs every variant alike.
 *
 *   client PORT VOLUME BUNDLES N_BUNDLES FIRST SWAPS MIN_MS MAX_MS DEADLINE_MS
 *
 * BUNDLES/0000 … hold the bundles, used in turn from FIRST on. One JSON line a swap (at_ns: the monotonic
 * time of the rename), one at the end.
 */
#include "shake.h"
#include "volume.h"

#include "base/mem.h"
#include "base/num.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)
#define PAUSE_NS  (2 * NS_PER_MS) /* after a failed handshake */

enum argument { PORT, VOLUME, BUNDLES, N_BUNDLES, FIRST, SWAPS, MIN_MS, MAX_MS, DEADLINE_MS, N_ARGUMENTS };

struct client {
        int64_t value[N_ARGUMENTS]; /* of the numeric ones */
        const char *volume_path;
        const char *bundles;
        struct volume volume;
        struct shake shake;
        unsigned short random[3];
        /* shared by the two threads, under the lock */
        pthread_mutex_t lock;
        pthread_cond_t changed;
        const struct buf *want; /* leaf not seen yet; NULL when none is awaited */
        int64_t seen_ns;
        bool stop;
        int64_t handshakes;
        int64_t failures;
        struct err failure; /* the last one */
};

static int64_t now_ns(void)
{
        struct timespec at;

        (void)clock_gettime(CLOCK_MONOTONIC, &at);
        return (int64_t)at.tv_sec * NS_PER_S + at.tv_nsec;
}

static struct timespec to_timespec(int64_t ns)
{
        return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) };
}

static void pause_ns(int64_t ns)
{
        struct timespec left = to_timespec(ns);

        while (nanosleep(&left, &left) == -1 && errno == EINTR)
                continue;
}

/* Takes the result of one handshake; false when it was the last one wanted. */
static bool take(struct client *client, bool shaken, const struct err *err)
{
        int64_t now = now_ns();
        bool more;

        (void)pthread_mutex_lock(&client->lock);
        client->handshakes++;
        if (!shaken) {
                client->failures++;
                client->failure = *err;
        } else if (client->want != NULL && client->want->len == client->shake.leaf_len &&
                   memcmp(client->want->data, client->shake.leaf, client->shake.leaf_len) == 0) {
                client->want = NULL;
                client->seen_ns = now;
                (void)pthread_cond_signal(&client->changed);
        }
        more = !client->stop;
        (void)pthread_mutex_unlock(&client->lock);
        return more;
}

static void *watch(void *arg)
{
        struct client *client = arg;
        struct err err = ERR_INIT;
        bool shaken;

        do {
                shaken = shake_once(&client->shake, &err) == 0;
                if (!shaken)
                        pause_ns(PAUSE_NS);
        } while (take(client, shaken, &err));
        return NULL;
}

/* Waits until the watching thread saw the leaf; 0 when the deadline passed first. */
static int64_t await(struct client *client, int64_t deadline_ns)
{
        struct timespec until = to_timespec(deadline_ns);
        int64_t seen = 0;

        (void)pthread_mutex_lock(&client->lock);
        while (client->want != NULL &&
               pthread_cond_timedwait(&client->changed, &client->lock, &until) != ETIMEDOUT)
                continue;
        if (client->want == NULL)
                seen = client->seen_ns;
        client->want = NULL;
        (void)pthread_mutex_unlock(&client->lock);
        return seen;
}

static int swap(struct client *client, const struct volume_bundle *bundle, struct err *err)
{
        int64_t start;
        int64_t seen;

        if (volume_prepare(&client->volume, bundle, err) != 0)
                return -1;
        (void)pthread_mutex_lock(&client->lock);
        client->want = &bundle->leaf;
        (void)pthread_mutex_unlock(&client->lock);
        start = now_ns();
        if (volume_swap(&client->volume, err) != 0 || volume_clean(&client->volume, err) != 0)
                return -1;
        seen = await(client, start + client->value[DEADLINE_MS] * NS_PER_MS);
        if (seen == 0)
                (void)printf("{\"missed\":true}\n");
        else
                (void)printf("{\"us\":%.1f,\"at_ns\":%lld}\n", (double)(seen - start) / 1000,
                             (long long)start);
        return 0;
}

static int one_swap(struct client *client, int64_t index, struct err *err)
{
        AUTO(mem_free_p)
        char *path = mem_printf("%s/%04lld", client->bundles, (long long)(index % client->value[N_BUNDLES]));
        int64_t span = client->value[MAX_MS] - client->value[MIN_MS] + 1;
        struct volume_bundle bundle;
        int r = volume_load(path, &bundle, err);

        if (r == 0) {
                pause_ns((client->value[MIN_MS] + nrand48(client->random) % span) * NS_PER_MS);
                r = swap(client, &bundle, err);
        }
        volume_unload(&bundle);
        return r;
}

static int all_swaps(struct client *client, struct err *err)
{
        for (int64_t i = 0; i < client->value[SWAPS]; i++)
                if (one_swap(client, client->value[FIRST] + i, err) != 0)
                        return -1;
        return 0;
}

static int run(struct client *client, struct err *err)
{
        pthread_condattr_t attr;
        pthread_t watcher;
        int64_t start = now_ns();
        int r;

        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_mutex_init(&client->lock, NULL);
        (void)pthread_cond_init(&client->changed, &attr);
        (void)pthread_condattr_destroy(&attr);
        r = pthread_create(&watcher, NULL, watch, client);
        if (r != 0)
                return err_sys(err, r, "start a thread");
        r = all_swaps(client, err);
        (void)pthread_mutex_lock(&client->lock);
        client->stop = true;
        (void)pthread_mutex_unlock(&client->lock);
        (void)pthread_join(watcher, NULL);
        (void)printf("{\"handshakes\":%lld,\"failures\":%lld,\"mean_us\":%.1f}\n",
                     (long long)client->handshakes, (long long)client->failures,
                     (double)(now_ns() - start) / 1000 / (double)client->handshakes);
        if (client->failures > 0)
                (void)fprintf(stderr, "client: last failed handshake: %s\n", client->failure.text);
        return r;
}

static int parse(struct client *client, char **argv, struct err *err)
{
        for (int i = 0; i < N_ARGUMENTS; i++)
                if (i != VOLUME && i != BUNDLES &&
                    num_parse(argv[i], 0, i == PORT ? UINT16_MAX : INT32_MAX, &client->value[i], err) != 0)
                        return -1;
        client->volume_path = argv[VOLUME];
        client->bundles = argv[BUNDLES];
        if (client->value[N_BUNDLES] == 0 || client->value[MAX_MS] < client->value[MIN_MS])
                return err_set(err, ERR_USAGE, "no bundles, or an interval that ends before it starts");
        return 0;
}

int main(int argc, char **argv)
{
        struct client client = { .volume = { .dir = -1 }, .random = { 7, 11, 13 } };
        struct err err = ERR_INIT;
        int r = 1;

        if (argc != N_ARGUMENTS + 1) {
                (void)fprintf(stderr, "usage: client PORT VOLUME BUNDLES N_BUNDLES FIRST SWAPS MIN_MS MAX_MS "
                                      "DEADLINE_MS\n");
                return 2;
        }
        (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
        client.random[0] = (unsigned short)now_ns();
        if (parse(&client, argv + 1, &err) == 0 &&
            shake_init(&client.shake, (uint16_t)client.value[PORT], &err) == 0 &&
            volume_open(client.volume_path, &client.volume, &err) == 0 && run(&client, &err) == 0)
                r = 0;
        if (r != 0)
                (void)fprintf(stderr, "client: %s\n", err.text);
        volume_done(&client.volume);
        shake_done(&client.shake);
        return r;
}
