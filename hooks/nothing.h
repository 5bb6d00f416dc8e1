// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * An operation that is done at its first step, for a slot in which there is nothing to do.
 */
#include "base/op.h"

struct op *nothing_start(void);
