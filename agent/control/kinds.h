// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What differs between the kinds of databases: one table. OpsRequests are of ops.kubedb.com/v1alpha1.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define KIND_ALIASES_MAX 8
#define KIND_OPS_GROUP   "ops.kubedb.com/v1alpha1"

struct kind {
        const char *request;   /* "PerconaXtraDBOpsRequest" */
        const char *requests;  /* "perconaxtradbopsrequests": resource, as the next two */
        const char *database;  /* "PerconaXtraDB" */
        const char *databases; /* "perconaxtradbs" */
        const char *group;     /* of the database: "kubedb.com/v1alpha2" */
        const char *driver;    /* that an agent of it reports: hook->name */
        const char *const
                *aliases; /* that a request may name, NULL-terminated; the first is what agents publish */
        const char *const *issued; /* that every database with TLS has, NULL-terminated: server, client */
        const char *const *config_roles; /* parts of spec.configuration, NULL-terminated: "node" of a
                                            standalone first, then "aggregator" "leaf"; NULL: it has none */
        const char *const
                *files; /* of its own configuration, NULL-terminated; NULL: any such as my-apply.cnf */
        bool mixes; /* a cluster goes from plain to TLS and back by way of TLS_MIXED, one walk over all pods
                       each */
        const char *alone; /* … but not where every pod reports this role; NULL: they are always one */
        const char *require_field; /* of spec.tls and the database's spec: "requireSSL"; NULL: none */
        const char *reconfigured;  /* condition at the end of a Reconfigure, as KubeDB has it */
        const char *switch_field;  /* of the database's spec, says that TLS is on at all: "enableSSL"; NULL:
                                      spec.tls does by being there */
};

/* All, terminated by one whose request is NULL. */
extern const struct kind kinds[];
/* By kind of the request, or of the database; NULL when unknown. */
const struct kind *kind_of_request(const char *request);
bool kind_has_alias(const struct kind *kind, const char *alias);
/* May a file of its own configuration have that name? */
bool kind_has_file(const struct kind *kind, const char *name);
/* Where a role stands in the order of restarts, which is the driver's (hook->roles): those without one and
 * those that are not in it come first, and the last of it is restarted last. */
size_t kind_rank(const struct kind *kind, const char *role);
/* Its engine takes what is new without a restart, as a rule. */
bool kind_reloads(const struct kind *kind);
