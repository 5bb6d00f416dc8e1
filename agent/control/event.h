// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Events of the controller as objects of events.k8s.io/v1, which are POSTed once and never changed.
 */
#include "base/json.h"

/* What an Event is about: taken over by event_object(). */
cJSON *event_regarding(const char *api, const char *kind, const char *namespace, const char *name,
                       const char *uid);
/* In the namespace of `about`. reason and note are cut to what the API server takes; json_free. */
cJSON *event_object(const char *name, cJSON *about, bool is_normal, const char *reason, const char *note);
