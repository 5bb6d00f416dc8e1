// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Nobody can tell Druid to read its key store again: a scanner in it looks every reloadSslContextSeconds, and
 * takes what two looks in a row found the same. So a reload is waiting for that.
 */
#include "hooks/druid.h"

/*
 * Done when the published leaf is served, and also when the scanner had its time: what is served then is for
 * the proof to judge. Done at once when Druid is not to speak TLS.
 *
 * ERR_NOT_READY, ERR_AUTH  as druid_call_start
 * ERR_ENGINE               the node says that it never looks
 */
struct op *druid_reload_start(struct druid *druid, int64_t limit_ms);
