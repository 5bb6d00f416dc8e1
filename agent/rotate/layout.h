// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A generation as the agent makes it: the files the database wants, and generation.json beside them, from
 * which a later agent knows what was published without reading a key.
 */
#include "rotate/agent.h"

/* The candidate's files, rendered, as generation `number`. ERR_IO, ERR_REFUSED, ERR_INTERNAL. */
int layout_stage(struct agent *agent, int64_t number, struct err *err) MUST_CHECK;
/*
 * The bundle of a generation from its generation.json; its key too where a file of it holds one that can be
 * read (peers' probes present it). mode may be NULL.
 */
int layout_read(struct agent *agent, int64_t number, struct bundle **out, enum tls_mode *mode,
                struct err *err) MUST_CHECK;
/* Were the published files made by the configuration of now (names, contents, modes)? */
bool layout_is_current(const struct agent *agent);
