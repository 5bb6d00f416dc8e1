// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * metav1.MicroTime: the times of Leases and Events.
 */
#include <stdint.h>

#define KUBE_MICRO_TIME_MAX 40
/* Microseconds of Unix time as "2026-11-22T10:00:00.000001Z". */
const char *kube_micro_time(int64_t us, char out[static KUBE_MICRO_TIME_MAX]);
