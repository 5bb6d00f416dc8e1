// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The steps of a change of the configuration files; `work` is struct custom. Each may be run again after a
 * kill at any point.
 */
#include "rotate/rotation.h"

step_fn custom_check_step;   /* sound files become a whole generation that nobody sees yet */
step_fn custom_publish_step; /* one rename */
step_fn custom_publish_undo;
step_fn custom_restart_step; /* the same in both directions */
step_fn custom_prove_step;   /* health, the served certificate, the values in force; likewise */
step_fn custom_report_step;
