// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * libcurl, loaded when it is first needed: it brings some 27 libraries and 4 MiB of memory, which an agent
 * that never makes an HTTP call should not carry. Once loaded it stays in the process.
 */
#include "base/err.h"

#include <curl/curl.h>

struct curl_library {
        CURLcode (*global_init)(long flags);
        void (*global_cleanup)(void);
        CURL *(*easy_init)(void);
        void (*easy_cleanup)(CURL *easy);
        CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
        CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
        const char *(*easy_strerror)(CURLcode code);
        CURLM *(*multi_init)(void);
        CURLMcode (*multi_cleanup)(CURLM *multi);
        CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
        CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
        CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
        CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int events, int *running);
        CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
};

/* ERR_INTERNAL naming the Debian package when it is not installed. */
int curl_library_open(struct curl_library **out, struct err *err) MUST_CHECK;
void curl_library_close(struct curl_library *library);
AUTO_DEFINE(struct curl_library, curl_library_close)
