// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * libcurl's multi handle on the event loop: all its sockets in one epoll descriptor, its time in one timer.
 * With HTTP/2 that is one connection for all that is done over it, more only where the server speaks nothing
 * but HTTP/1.1 or allows no further stream on the first.
 */
#include "hooks/curl_library.h"
#include "loop/loop.h"

struct kube_link;

/*
 * `turned` is called from the loop, outside of libcurl, whenever transfers may have ended; it may close the
 * link. The library is borrowed.
 */
int kube_link_open(struct loop *loop, const struct curl_library *curl, loop_fn *turned, void *arg,
                   struct kube_link **out, struct err *err) MUST_CHECK;
/* No transfer is left in it. Its connections end. NULL is fine. */
void kube_link_close(struct kube_link *link);
AUTO_DEFINE(struct kube_link, kube_link_close)
/* libcurl is running, thus this is one of its callbacks: it must not be entered again. */
bool kube_link_is_busy(const struct kube_link *link);
int kube_link_add(struct kube_link *link, CURL *easy, struct err *err) MUST_CHECK;
void kube_link_remove(struct kube_link *link, CURL *easy);
/* The next transfer that has ended, NULL: none. */
CURL *kube_link_next(struct kube_link *link, CURLcode *code);
