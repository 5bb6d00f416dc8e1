// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Events of the controller as objects of events.k8s.io/v1, which are POSTed once and never changed.
 */
#include "base/json.h"

/* In the namespace of `about` (kube_event_json_about), which is taken over. reason and note are cut to what
 * the API server takes; json_free. */
cJSON *event_object(const char *name, cJSON *about, bool is_normal, const char *reason, const char *note);
