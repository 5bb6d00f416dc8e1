// SPDX-License-Identifier: Apache-2.0
#include "rotate/origin.h"

static bool is_past(const struct origin *origin, const struct fingerprint *content)
{
        for (size_t i = 0; i < origin->n_past && i < ORIGIN_PAST_MAX; i++)
                if (hex_fingerprint_equal(&origin->past[i], content))
                        return true;
        return false;
}

void origin_set_api(struct origin *origin, struct snapshot *snapshot)
{
        bool same = origin->api != NULL && snapshot != NULL &&
                    hex_fingerprint_equal(&origin->api->content, &snapshot->content);

        snapshot_free(origin->api);
        origin->api = snapshot;
        if (snapshot == NULL || same)
                return;
        origin->past[origin->n_past++ % ORIGIN_PAST_MAX] = snapshot->content;
        origin->base = origin->volume;
}

enum origin_way origin_choose(struct origin *origin, const struct fingerprint *volume)
{
        const struct fingerprint none = { { 0 } };

        origin->volume = volume == NULL ? none : *volume;
        /* The first look comes when the API may have spoken already: what is there is from before. */
        if (!origin->looked)
                origin->base = origin->volume;
        origin->looked = true;
        if (origin->api == NULL)
                return ORIGIN_VOLUME;
        if (volume == NULL || is_past(origin, volume) || hex_fingerprint_equal(volume, &origin->base))
                return ORIGIN_API;
        return ORIGIN_VOLUME;
}

bool origin_lags(const struct origin *origin)
{
        return origin->api != NULL && !hex_fingerprint_is_none(&origin->volume) &&
               !hex_fingerprint_equal(&origin->api->content, &origin->volume);
}

void origin_done(struct origin *origin)
{
        snapshot_free(origin->api);
        origin->api = NULL;
}
