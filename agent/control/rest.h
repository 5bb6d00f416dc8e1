// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is done for a database of which nothing is asked: a pod that a request has left behind gets a turn
 * when it can serve what the others do, and what all of them trust is learned.
 */
#include "control/reconcile.h"

void rest_look(const struct observed *seen, struct actions *out);
