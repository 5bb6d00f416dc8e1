// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What a node says of itself: its version, whether and how often it looks at its key store, whether it speaks
 * TLS with other nodes.
 */
#include "hooks/druid.h"

/*
 * Into druid and its facts. Without a login configured a node that wants one stays unknown: that is fine.
 * Otherwise as druid_call_start; ERR_PROTOCOL when the answers are not Druid's.
 */
struct op *druid_facts_start(struct druid *druid, int64_t limit_ms);

/* The answers to /status and /status/properties. ERR_PROTOCOL. Pure. */
int druid_facts_take_status(const char *text, size_t len, struct druid *druid, struct err *err) MUST_CHECK;
int druid_facts_take_properties(const char *text, size_t len, struct druid *druid,
                                struct err *err) MUST_CHECK;
