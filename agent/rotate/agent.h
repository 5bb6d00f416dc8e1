// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * The agent: one source, one published directory, one database. Owns everything; the steps and the scan work
 * on it. One rotation at a time; what changes meanwhile is remembered and looked at afterwards.
 */
#include "certs/change.h"
#include "certs/generation.h"
#include "config/config.h"
#include "loop/http_server.h"
#include "loop/watch_dir.h"
#include "rotate/origin.h"
#include "rotate/plan.h"
#include "rotate/proof.h"
#include "rotate/rotation.h"
#include "rotate/settings_file.h"
#include "rotate/state.h"
#include "serve/status.h"

struct api;
struct custom;

struct agent {
        const struct config *config;
        struct loop *loop;
        struct watch_dir *watch; /* NULL: inotify is not to be had, the rescan alone finds changes */
        bool watching;           /* it watches the source directory now */
        struct loop_signal *signals;
        struct http_server *listener;
        struct http_server *control;
        struct store *store;
        struct database *database;
        struct handshake_context *tls;
        struct endpoint *endpoints;
        size_t n_endpoints;
        struct api *api;       /* NULL: no API server in use */
        struct custom *custom; /* NULL: configuration files are not ours */
        struct origin origin;
        struct state state;
        struct status status;

        struct rotation rotation;
        struct snapshot *snapshot; /* that the rotation works on, or the last one settled */
        struct bundle *good; /* last good: proven served; its authorities are those published; NULL: none */
        struct bundle *candidate; /* of the rotation under way */
        struct bundle
                *upcoming; /* phase trust: the source's own, whose leaf is published in the next phase */
        enum change_class change;
        struct plan plan;        /* that is followed */
        enum tls_mode mode;      /* wished; while a rotation is under way, its own */
        enum tls_mode good_mode; /* of the last good generation; TLS_UNMANAGED: nobody knows */
        int64_t rotation_began_us;
        int64_t step_began_us;
        int step_index; /* into status.step_names, -1: none */

        struct err refusal;   /* of `apply`, while it is looked whether the database is there at all */
        bool refusal_doubted; /* … which it may not have been: it is tried once more */
        struct loop_op *op;   /* reload, restart or health check under way */
        struct proof *proof;  /* handshakes under way */
        struct mono verify_until;
        int64_t pause_ms;     /* last pause inside a step, for doubling */
        bool waiting;         /* in `apply`, for a database that is not there, or refuses us */
        bool settings_undone; /* the rollback put other settings back */
        bool was_down;        /* … it was not there: when it comes it has started with what is published */
        bool restarted;       /* `apply` was a restart: verify gives it time to come back */
        bool unchanged;       /* validate found nothing to do */
        bool rescan_wanted;
        bool bundle_done;   /* what the plan asks of certificates and TLS is */
        bool bundle_failed; /* … has failed, and is not tried again by itself */
        bool tried_again;   /* what failed last is, by itself */
        bool answers;       /* mode off: the database did, since this plan came */
        bool role_known; /* of the engine, as it was asked for the plan that is looked at (rotate/role.h) */
        bool yielded;    /* a rotation that waited made way for configuration files */
        struct fingerprint held; /* target that waits for its turn, told once */
        bool held_forced;        /* … although it was judged or settled before */
        int failures;            /* in a row, for the back-off between rotations */
        struct mono torn_since;  /* plain directory: since when key and certificate do not fit; 0: they do */

        struct loop_timer *rescan; /* the slow, certain scan */
        struct loop_timer *soon;   /* a plain directory settles */
        struct loop_timer *retry;  /* after a failure that may pass; judged content is tried again */
        struct loop_timer *pause;  /* inside a step */
        struct loop_timer *reverify;
        struct loop_timer *plain; /* mode off: the database is asked, until it answers */
        bool plain_waits;         /* … for the timer */
        int64_t plain_pause_ms;
        struct loop_timer *grace;

        bool begun; /* what was before is known: from now on the source counts */
        bool once;  /* end when idle */
        bool stopping;
        int exit_code;
};

/* Everything is opened; ERR_USAGE, ERR_IO. config is borrowed. */
int agent_new(const struct config *config, bool once, struct agent **out, struct err *err) MUST_CHECK;
void agent_free(struct agent *agent);
AUTO_DEFINE(struct agent, agent_free)
/* Until SIGTERM, or with `once` until idle. Returns the exit code. */
int agent_run(struct agent *agent);

/* Nothing is left to do: ends the loop, once the API server has what it is to be told. */
void agent_end(struct agent *agent);

/* For the steps: */

/* The directory, or the Secret where there is none: for messages. */
const char *agent_source(const struct agent *agent);
/* Names the error of now in the status; NULL: none any more. Logged by the caller. */
void agent_set_error(struct agent *agent, const struct err *err);
void agent_set_stage(struct agent *agent, enum status_stage stage, const struct cert *leaf);
/* The bundle whose files ..data points to (candidate or good) was published: peers' probes use it. */
void agent_set_published(struct agent *agent, const struct bundle *bundle, int64_t generation);
/* The candidate is no more; peers' probes go back to the last good bundle when they used it. */
void agent_drop_candidate(struct agent *agent);
/* The candidate, which may be NULL, is one that was published before and is gone on with. */
void agent_note_resumed(struct agent *agent);
/* Nor is there a certificate to come any more. */
void agent_drop_upcoming(struct agent *agent);
/* What the driver learned of the engine, into the status. */
void agent_note_facts(struct agent *agent);
/* Next pause of a doubling series between min and max. */
int64_t agent_next_pause(int64_t last_ms, int64_t min_ms, int64_t max_ms);
