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
