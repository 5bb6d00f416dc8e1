// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Where the API server is, and who asks: from the pod's service account or from a kubeconfig.
 */
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>

#define KUBE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

/* Strings are the struct's own, NULL where not given. */
struct kube_access {
        char *server;           /* "https://10.96.0.1:443", no slash at its end */
        char *authorities;      /* PEM; NULL with authorities_file, or: the system's */
        char *authorities_file; /* PEM, read anew for each connection: the cluster's authority may change */
        char *server_name;      /* to verify instead of the host of `server` */
        bool insecure;          /* the server is not verified: a kubeconfig may say so, nothing else does */
        char *token_file;       /* read anew for each request: projected tokens change every few minutes */
        struct secret token;
        struct secret certificate; /* PEM of a client certificate and its key */
        struct secret key;
        char *namespace; /* of the pod, or of the context; "default" */
};

/*
 * The pod's own: KUBERNETES_SERVICE_HOST and _PORT, and the files of `dir` (NULL: KUBE_ACCOUNT_DIR). The
 * token may still be missing: it is read when it is needed.
 *
 * ERR_MISSING  this is no pod: names the variable or file
 */
int kube_access_in_pod(const char *dir, struct kube_access **out, struct err *err) MUST_CHECK;
/*
 * A kubeconfig: path NULL is $KUBECONFIG (its first file), else ~/.kube/config; context NULL is the current
 * one. Files are relative to the kubeconfig's folder.
 *
 * ERR_MISSING  there is no such file
 * ERR_USAGE    unreadable, incomplete, or it asks for what we do not do (exec plugins, auth providers, http,
 *              proxies): one sentence that names the file, the place and a way out
 */
int kube_access_from_file(const char *path, const char *context, struct kube_access **out,
                          struct err *err) MUST_CHECK;
/* ERR_UNTRUSTED: authorities, or a client certificate and its key, that are none. */
int kube_access_check(const struct kube_access *access, struct err *err) MUST_CHECK;
void kube_access_free(struct kube_access *access);
AUTO_DEFINE(struct kube_access, kube_access_free)
