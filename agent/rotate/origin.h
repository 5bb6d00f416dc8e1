// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * One Secret that comes two ways: through the API at once, through the volume when the kubelet gets to it (up
 * to a minute and a half later). Content does not tell which of two is newer, so what counts is which way
 * brought something new last; the other one lags, and that is no failure. Pure.
 */
#include "certs/snapshot.h"

#define ORIGIN_PAST_MAX 16

enum origin_way { ORIGIN_VOLUME, ORIGIN_API };

struct origin {
        struct snapshot *api; /* newest of the API; NULL: unknown, no such Secret, or not to be used */
        struct fingerprint past[ORIGIN_PAST_MAX]; /* contents of the API, the newest at (n_past - 1) % max */
        size_t n_past;
        bool looked;               /* at the volume, once at least */
        struct fingerprint volume; /* content at the last look; none: unreadable */
        struct fingerprint base;   /* what the volume had when the API brought something new */
};

/* The API has brought this (taken over), or has nothing that can be used (NULL). */
void origin_set_api(struct origin *origin, struct snapshot *snapshot);
/* volume NULL: there is none, or it cannot be read. */
enum origin_way origin_choose(struct origin *origin, const struct fingerprint *volume);
/* The way that was not chosen has not brought it yet. */
bool origin_lags(const struct origin *origin);
void origin_done(struct origin *origin);
