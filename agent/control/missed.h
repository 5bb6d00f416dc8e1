// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Pods that ask for injection and were made without: an Event on each, once. The name of the Event is made of
 * the pod's, so that no other replica, and no later life of this one, tells it again while it is there.
 */
#include "control/world.h"

struct missed;
struct missed *missed_new(struct kube_client *client);
void missed_free(struct missed *missed);
AUTO_DEFINE(struct missed, missed_free)
/* From time to time, by whoever leads: tells of those that were not told of, one after the other. */
void missed_look(struct missed *missed, const struct world *world);
