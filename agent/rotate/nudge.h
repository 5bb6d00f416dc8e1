// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Where the Secret may not be read, nothing tells that it was renewed until the kubelet gets to the volume. A
 * changed annotation on the pod makes the kubelet look at once. So from the time on at which a renewal is due
 * (two thirds of the lifetime) the annotation is changed again and again until a new certificate is there:
 * often at first, since by itself the kubelet looks every minute or so, and seldom when nothing has come for
 * long.
 */
#include "rotate/agent.h"

struct kube_reporter;
struct nudge;

struct nudge *nudge_new(struct agent *agent, struct kube_reporter *reporter);
void nudge_free(struct nudge *nudge);
/* The Secret cannot be read: from now on, until it can. */
void nudge_needed(struct nudge *nudge, bool needed);
/* What is published may be another one: then its time counts. */
void nudge_look(struct nudge *nudge);
/* Milliseconds until the next one; *due: nudge now. Pure. leaf may be unknown. */
int64_t nudge_pause(const struct status_leaf *leaf, struct wall now, bool *due);
