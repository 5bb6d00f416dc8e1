// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The database's settings file, in which TLS is switched: written with the generation it belongs to, and put
 * back with it.
 *
 *   .<file>.certrotate-next     the new text, whole and synced; one rename makes it the settings
 *   .<file>.certrotate-before   the last proven one, by a second name; one rename puts it back, byte for byte
 *   .<file>.certrotate-previous the one before the last proven one: a switch may be taken back after its
 * proof
 *   .<file>.certrotate-none     there was no such file before
 *
 * They stand beside the file, so that neither way needs space, and say all that a later process must know.
 * Every call may be repeated after a kill; several changes before one is proven go back together.
 */
#include "base/fs.h"
#include "hooks/hook.h"

/*
 * Makes the next text from what the file says now, unless it says it already. What stood there before the
 * switch to database->mode, and says it too, comes back as it was. Links on the way to the file are followed.
 *
 * ERR_IO      the file cannot be read, or nothing can be written beside it
 * ERR_REFUSED it is not such a file, or the driver has no such mode: the driver's own sentence
 */
int settings_stage(const struct database *database, const char *file, const struct settings_wish *wish,
                   struct err *err) MUST_CHECK;
/* The next text, if there is one, becomes the settings. */
int settings_publish(const char *file, struct err *err) MUST_CHECK;
/*
 * What a file says, appended; nothing when there is none. Its mode and owner, or those for a new one.
 * ERR_IO; ERR_REFUSED no text.
 */
int settings_read(const char *path, struct buf *text, struct fs_attr *attr, struct err *err) MUST_CHECK;
/* The file behind links, and the one that would come back, which is another while something is published and
 * not settled; NULL: none would. mem_free. */
char *settings_real(const char *file);
char *settings_before(const char *file);
/* Was something published that is not settled yet? */
bool settings_is_pending(const char *file);
/*
 * The last proven text again; wish is that of what was published. Somebody's edits in between are not lost:
 * their file is kept beside it as .<file>.certrotate-rejected, and *edited tells.
 */
int settings_undo(const struct database *database, const char *file, const struct settings_wish *wish,
                  bool *edited, struct err *err) MUST_CHECK;
/* The next text goes. */
void settings_unstage(const char *file);
/*
 * What was published is proven: nothing goes back by itself any more. was: the mode of before, and its
 * generation. Its text is kept where the driver could not make it again.
 */
void settings_settle(const struct database *database, const char *file, const struct settings_wish *was);
