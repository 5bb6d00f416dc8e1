// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Stands in for kube/client.c in unit tests: calls are noted, the test answers them when it likes. Link it
 * before `kube`: the linker then leaves the real one out.
 */
#include "kube/client.h"

#define KUBE_FAKE_CALLS 4096

struct kube_call {
        struct kube_client *client;
        char method[16];
        char path[KUBE_PATH_MAX];
        char type[64];
        char *body; /* NULL: none */
        int64_t limit_ms;
        int64_t silence_ms;
        kube_data_fn *data;
        kube_answer_fn *done;
        void *arg;
        bool is_over; /* answered or cancelled */
        bool is_cancelled;
};

struct kube_client *kube_fake_new(struct loop *loop);
void kube_fake_free(struct kube_client *client);
/* Calls made since the beginning. */
size_t kube_fake_n(const struct kube_client *client);
struct kube_call *kube_fake_at(const struct kube_client *client, size_t i);
/* The last call that is not over, NULL: none. */
struct kube_call *kube_fake_open(const struct kube_client *client);
void kube_fake_data(struct kube_call *call, const char *text);
/* body may be NULL. */
void kube_fake_answer(struct kube_call *call, int status, const char *body);
void kube_fake_answer_later(struct kube_call *call, int status, int64_t retry_after_ms);
/* No answer. */
void kube_fake_break(struct kube_call *call, enum err_kind kind);
