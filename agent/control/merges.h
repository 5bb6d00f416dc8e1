// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Reconfigure requests of one database that wait together become one, as KubeDB does it:
 * `<database>-rcfg-merged-<ms>` with the condition MergedFromOps, and the others end Skipped. Which they are
 * stands in its annotation certrotate.io/merged-from from the beginning, so that whoever dies in between
 * leaves nothing that is done twice, or not at all.
 */
#include "control/actions.h"

/* True: something is to be done about it first. */
bool merges_look(const struct observed *seen, struct actions *out);
/* It begins: of a merged one it is told what it was made of. */
void merges_begin(const struct request *request, struct actions *out);
