// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Stands in for the controller's neighbours in unit tests: the world, what is to be done, the doing, and the
 * Lease. Link it, and kubefake, before `control`: the linker then leaves the real ones out.
 */
#include "control/act.h"
#include "control/reconcile.h"
#include "kube/lease.h"

#define CONTROL_FAKE_DATABASES 8
#define CONTROL_FAKE_ACTS      256

struct control_fake_database {
        const char *key; /* "demo/px" */
        bool is_there;
        const char *list; /* what is to be done, as one action; NULL: nothing */
        struct wall wake;
        const struct record *record; /* NULL: none */
        const struct action *action; /* in the place of `list`; its texts are copied */
        int looks;
        enum err_kind fault; /* that the last look was given */
};

struct act {
        char key[64];
        char list[128];
        act_done_fn *done;
        void *arg;
        bool is_over;
        bool is_cancelled;
};

struct control_fake {
        bool is_whole;
        const char *trouble;
        bool is_open;
        world_changed_fn *changed;
        void *changed_arg;
        struct control_fake_database databases[CONTROL_FAKE_DATABASES];
        size_t n_databases;
        struct act acts[CONTROL_FAKE_ACTS];
        size_t n_acts;
        kube_lease_fn *lease_fn;
        void *lease_arg;
        bool lease_is_wanted, lease_is_held;
        bool lease_is_slow;    /* it does not get idle */
        size_t acts_at_return; /* lists that were under way when the Lease was given back */
};

/* Anew, for each test. */
struct control_fake *control_fake_new(void);
struct control_fake_database *control_fake_add(struct control_fake *fake, const char *key);
/* The watch tells of it. */
void control_fake_change(struct control_fake *fake, const char *key);
size_t control_fake_running(const struct control_fake *fake);
/* The last list of that database that is not over; NULL: none. */
struct act *control_fake_act(struct control_fake *fake, const char *key);
void control_fake_end(struct act *act, enum err_kind kind);
void control_fake_lease(struct control_fake *fake, enum kube_lease_kind kind, const char *holder,
                        const struct err *err);
