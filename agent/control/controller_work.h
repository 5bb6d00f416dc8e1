// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Databases are looked at, one list of actions each at a time: queue -> observe -> reconcile -> act, and
 * again. Does nothing unless told to go on, and asks before each list whether it still may. What is
 * remembered of a database is for as long as there is something to be done for it.
 */
#include "control/controller_pages.h"
#include "control/reconcile.h"

struct controller_work;

struct controller_work_spec {
        struct kube_client *client;
        struct reconcile_settings reconcile;
        size_t workers;
        int64_t act_limit_ms;             /* a list that takes longer hangs */
        struct controller_status *status; /* results and times are counted in there */
        bool (*may_act)(void *arg);
        void *arg;
};

struct controller_work *controller_work_new(const struct controller_work_spec *spec);
/* Cancels what is under way. Before the world is closed. */
void controller_work_free(struct controller_work *work);
AUTO_DEFINE(struct controller_work, controller_work_free)
/* Begins: every database is looked at. */
void controller_work_go(struct controller_work *work, struct world *world);
/* Takes up nothing more; what is under way goes on. */
void controller_work_rest(struct controller_work *work);
/* Ends what is under way, at once. */
void controller_work_cancel(struct controller_work *work);
/* Something has changed; ignored unless it goes. */
void controller_work_add(struct controller_work *work, const char *key);
void controller_work_add_all(struct controller_work *work);
/* From time to time: lists of actions that hang are ended, what is over is forgotten. */
void controller_work_tick(struct controller_work *work);
size_t controller_work_running(const struct controller_work *work);
/* queued, working, remembered */
void controller_work_count(const struct controller_work *work, struct controller_status *out);
