// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The Secret with the database's configuration files, by its volume, through the API, or both. An empty one
 * is content too, one that is not there is none.
 */
#include "base/json.h"
#include "rotate/origin.h"

struct custom_source {
        const char *directory; /* NULL: through the API alone */
        const char *secret;    /* NULL: by the volume alone */
        struct origin origin;
        struct snapshot *volume; /* at the last look; NULL: unreadable */
        struct err api_problem;
        struct err volume_problem;
};

/* SHA-256 over name, NUL, text, NUL of each file by name: the same as of the controller. Pure. */
void custom_source_fingerprint(const struct snapshot *files, struct fingerprint *out);
/* The API has this Secret; NULL: it has none. */
void custom_source_set(struct custom_source *source, const cJSON *object);
/* The API does not answer, or refuses. What it told before stays. */
void custom_source_lost(struct custom_source *source, const struct err *err);
/* Reads the volume. */
void custom_source_look(struct custom_source *source);
/* Whichever way brought exactly this; NULL: none has. */
const struct snapshot *custom_source_find(const struct custom_source *source,
                                          const struct fingerprint *content);
/* Whichever way brought something new last; NULL: there is nothing. */
const struct snapshot *custom_source_newest(struct custom_source *source);
/* Why there is nothing; kind ERR_NONE: there is. */
const struct err *custom_source_problem(const struct custom_source *source);
void custom_source_done(struct custom_source *source);
