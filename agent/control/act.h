// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Does a list of actions, one after the other, over the API: read, change, write that version. Nothing is
 * written that is there already.
 */
#include "control/actions.h"
#include "control/world.h"

struct act;
/* err->kind ERR_NONE: all were done. ERR_CHANGED: what was observed is old; look again. ERR_USAGE,
 * ERR_REFUSED: what the request asks for cannot be (text says why): the request fails by it. Others may pass.
 */
typedef void act_done_fn(const struct err *err, void *arg);

/* Copies what it needs of `seen`; takes the actions over. `done` comes once, from the loop. */
struct act *act_start(struct kube_client *client, struct world *world, const struct observed *seen,
                      struct actions *actions, act_done_fn *done, void *arg);
/* Ends it without a callback; what is in flight may still be done. NULL is fine. */
void act_cancel(struct act *act);
AUTO_DEFINE(struct act, act_cancel)
