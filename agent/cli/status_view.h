// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The status page of an agent (agent/serve/README.md) as text for people. Pure.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

struct status_view {
        struct wall now;
        bool color;
        bool wide; /* full fingerprints, times of the steps, paths */
};

/* Members that are missing are shown as unknown: the agent may be another version. */
void status_view_render(const cJSON *tree, const struct status_view *view, struct buf *out);
/* Alive, ready and not degraded. */
bool status_view_is_well(const cJSON *tree);
