// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What is known of one database at one moment: the input of reconcile(). Small, because there may be ten
 * thousand.
 */
#include "base/hex.h"
#include "control/certificate.h"
#include "control/record.h"
#include "control/request.h"
#include "control/schedule.h"

struct observed_pod {
        char *name, *uid;
        char *version;    /* resourceVersion */
        char *kind_label; /* app.kubernetes.io/name: "perconaxtradbs.kubedb.com"; "" none */
        bool is_ready;
        bool is_leaving;    /* has a deletionTimestamp */
        bool is_missed;     /* it asks for injection and was made without */
        bool has_agent;     /* its annotation certrotate.io/report is there and can be read */
        char *trouble;      /* why it cannot be read, or the error that it tells; NULL: none */
        char *reason;       /* of that error; NULL */
        char *driver;       /* of the report; NULL */
        char *role;         /* of the engine, "" unknown */
        char *plan_request; /* NULL: it follows no plan */
        int64_t plan_generation;
        bool plan_done, plan_held;
        bool cannot_restart; /* its database has to be restarted for the plan, and not by its agent */
        bool is_busy;        /* a step is under way */
        bool is_rolling_back;
        bool is_degraded;
        char *failed; /* why its part of this generation of the plan has; NULL: it has not, or does not say so
                       */
        enum tls_mode mode;
        struct fingerprint source, served; /* leaves; all zero: none */
        struct wall served_until;          /* 0: unknown, or nothing */
};

struct observed_database { /* object of kubedb.com, where there is such a definition */
        char *uid, *version;
        char *phase; /* "Ready" … "" */
        bool is_paused;
        bool is_halted;
        bool is_leaving;
        char *issuer; /* "Issuer/px-issuer" of spec.tls; NULL: none */
        struct schedule_texts schedule;
};

struct observed_issuer {
        bool exists, is_ready;
        char *problem;
};

struct observed {
        const char *namespace, *name; /* of the database */
        struct request **requests;    /* all that name it, oldest first (created, then name) */
        size_t n_requests;
        struct observed_pod **pods; /* by name */
        size_t n_pods;
        struct certificate **certificates; /* by name */
        size_t n_certificates;
        const struct observed_database *database; /* NULL: there is none */
        bool database_known; /* its definition is there: without an object the database does not exist */
        const struct record *record;           /* NULL: there is no ConfigMap */
        char *record_problem;                  /* it is there and cannot be read */
        const struct schedule_texts *schedule; /* of the database's object, where there is none of the
                                                  ConfigMap; NULL: of neither */
        const char *record_version;            /* resourceVersion of the ConfigMap; NULL: there is none */
        const struct err *fault; /* with which the last list of actions ended; NULL: none. ERR_USAGE and
                                    ERR_REFUSED     will not pass, others may */
        /* issuer of a request: NULL when nothing is known of that name */
        const struct observed_issuer *(*issuer)(const void *world, const char *namespace, const char *kind,
                                                const char *name);
        const void *world;
        struct wall now;
};
