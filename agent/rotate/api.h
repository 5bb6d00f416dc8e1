// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The agent's side of the API server: the Secret, the plan and the turn come from there, reports and Events
 * go there. While it does not answer the agent goes on with what it knows: with the volume, and with the turn
 * that it has; it takes none that it was not given.
 */
#include "kube/reporter.h"
#include "rotate/agent.h"

struct api;

/* Nothing to do without a section `kubernetes`. ERR_USAGE, ERR_MISSING: not to be reached as configured. */
int api_open(struct agent *agent, struct err *err) MUST_CHECK;
void api_close(struct api *api);
AUTO_DEFINE(struct api, api_close)
/* Calls back once, when it is known what there is, or plain that the server does not answer now. */
void api_begin(struct api *api, loop_fn *then);

/* Gives the turn back and stops the loop, when that and the reports have arrived, or after two seconds. */
void api_end(struct api *api);

/* The plan, in the place of the file's; turn false while it is not known. ERR_PARSE naming the ConfigMap. */
bool api_has_plan(const struct agent *agent);
int api_plan(const struct agent *agent, struct plan *out, struct err *err) MUST_CHECK;
/* Why the API has no Secret to offer; returns -1. */
int api_secret_problem(const struct agent *agent, struct err *err);
/* May this instance act, when no plan says anything? True without a Lease. */
bool api_has_turn(const struct agent *agent);
/* Is it a Lease that gives the turn, now that no plan says anything? */
bool api_turn_is_leased(const struct agent *agent);
/* Something is to be done (get the Lease), or nothing any more (give it back). */
void api_want_turn(struct agent *agent, bool wanted);

/* What the client counts, into the status. */
void api_note(struct agent *agent);
/* Where reports go; NULL: nowhere. */
struct kube_reporter *api_reporter(const struct agent *agent);
/* The status has changed: the pod's report follows shortly. */
void api_report(struct agent *agent);
