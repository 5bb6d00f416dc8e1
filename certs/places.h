// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The names that the database opens, in the published directory: links through ..data, or plain files for
 * engines that follow none. Prepared under temporary names before a generation becomes current, renamed after
 * it: a rename needs no space, so what may fail fails while nothing has changed.
 */
#include "base/err.h"

#include <limits.h>
#include <stdbool.h>

#define PLACES_DATA "..data"
#define PLACES_TMP  "..tmp-" /* a name about to be renamed */
/*
 * Inside a generation: second name of a file to be published as a plain one, "..plain-03-keystore.jks". The
 * number is its turn among the renames: an engine that looks when one file of several changes (Jetty, when
 * its key store does) must find the others in place.
 */
#define PLACES_PLAIN "..plain-"
#define PLACES_META  "generation.json"

struct place {
        char *name;
        bool plain;
        int turn;      /* of a plain one; links have 0 and come first */
        bool prepared; /* under its temporary name */
};

struct places {
        struct place *items; /* in the order in which they are renamed */
        size_t n;
};

#define PLACES_INIT                                                                                          \
        {                                                                                                    \
                NULL, 0                                                                                      \
        }

/* The second name of the plain file whose turn it is, 0 to 99. */
struct place_name {
        char text[NAME_MAX + 1];
};
struct place_name places_plain_name(size_t turn, const char *name);
/* The files of one generation directory below dir. */
int places_read(int dir, const char *generation, struct places *out, struct err *err) MUST_CHECK;
/*
 * Makes what is missing, under temporary names. ERR_IO when the place of a file is taken by a directory, or
 * when there is no room; nothing is left then.
 */
int places_prepare(struct places *places, int dir, const char *generation, struct err *err) MUST_CHECK;
/* Gives the prepared ones their names. */
int places_commit(struct places *places, int dir, struct err *err) MUST_CHECK;
/* Takes the temporary names away again. */
void places_undo(struct places *places, int dir);
bool places_have(const struct places *places, const char *name);
/* Is this name a link through ..data, made by us? */
bool places_is_ours(int dir, const char *name);
void places_done(struct places *places);
static inline UNUSED void places_done_p(struct places *places)
{
        places_done(places);
}

/* One call an entry of a directory, "." and ".." left out; -1 from visit ends the walk. */
int places_each(int parent, const char *name, int (*visit)(void *arg, const char *entry, struct err *err),
                void *arg, struct err *err) MUST_CHECK;
/* Target of a link in out, "" when there is no such name; -1 with errno EINVAL when it is no link. */
int places_read_link(int dir, const char *name, char out[static PATH_MAX]) MUST_CHECK;
