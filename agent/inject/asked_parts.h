// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the files of asked.h share.
 */
#include "inject/asked.h"

/* Of certrotate.io/; NULL: it has none. */
const char *asked_annotation(const cJSON *pod, const char *name);
const cJSON *asked_containers(const cJSON *pod);
/* publish, mount, user and group, of the container that was found before. */
int asked_place(const cJSON *pod, struct asked *out, struct err *err) MUST_CHECK;
