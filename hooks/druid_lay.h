// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Configuration of a node's own, laid into the three files that it reads: common.runtime.properties,
 * runtime.properties of its role and jvm.config. It stands there as a block between two marks behind the
 * rest, where it wins, and is taken out again byte for byte.
 *
 * Of the files "X" and "zz-inline-X" the second is laid over the first. Those of other roles are left out.
 */
#include "hooks/druid.h"

/* As hook->custom_place and hook->custom_lay. */
char *druid_lay_place(const struct druid *druid, const char *settings_file, size_t i);
/* Keys of TLS are refused, and druid.extensions.loadList of a role: they are certrotate's to keep. */
int druid_lay_render(const struct druid *druid, size_t i, const struct custom_text *files, size_t n,
                     const char *present, struct buf *out, struct err *err) MUST_CHECK;
/* The rank of a file for that place: 1 of a Secret's, 2 of an inline one, 0 it is another's. */
int druid_lay_rank(const char *role, size_t i, const char *name);
/* "…/runtime.properties"; NULL: the role is not told. mem_free. */
char *druid_lay_own_file(const struct druid *druid);

#define DRUID_LAY_COMMON 0
#define DRUID_LAY_OWN    1
#define DRUID_LAY_JVM    2
