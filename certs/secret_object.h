// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A Secret as the Kubernetes API gives it, as if it were the directory that a kubelet makes of it: the same
 * content has the same fingerprint, whichever way it came.
 */
#include "base/json.h"
#include "certs/snapshot.h"

/*
 * Of the members `data` (base64) all, of anything else nothing. The type of the Secret does not matter:
 * whether the keys that are needed are there is judged when the bundle is loaded.
 *
 * ERR_MISSING  no data, or nothing in it
 * ERR_PARSE    a value that is no base64, or a key that is no file name
 * ERR_LIMIT    SNAPSHOT_MAX_FILES, SNAPSHOT_MAX_BYTES
 */
int secret_object_read(const cJSON *object, struct snapshot **out, struct err *err) MUST_CHECK;
