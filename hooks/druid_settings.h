// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * TLS in common.runtime.properties.
 */
#include "hooks/hook.h"

/*
 * As hook->settings. The keys are those that KubeDB writes, and reloadSslContext. The extension that verifies
 * other nodes goes into druid.extensions.loadList; a file without that list is left without one, because
 * Druid then loads every extension that is installed.
 */
int druid_settings_render(const struct hook_settings *settings, const struct settings_wish *wish,
                          const char *present, struct buf *out, struct err *err) MUST_CHECK;
/* One of the keys that it writes, which are nobody else's. */
bool druid_settings_owns(const char *key);
/* Where TLS is on in `present`, the list of extensions gets ours; one that is no list is Druid's to refuse.
 */
int druid_settings_keep(const struct hook_settings *settings, const char *present, struct buf *out,
                        struct err *err) MUST_CHECK;
/* Are these lists of extensions the same but for ours? What is no list is compared as it is. */
bool druid_settings_is_list(const char *key);
bool druid_settings_same_list(const char *a, const char *b);
