// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Shapes of text: names, addresses, paths. Pure.
 */
#include <stdbool.h>

/* Control characters, or bytes that are not UTF-8. */
bool text_has_control(const char *text);
/* A name or address that a certificate can cover; "*." may stand in front. */
bool text_is_dns_name(const char *text);
/* "[v6]:port", "v4:port" or "name:port"; `any` lets the host be empty, `literal` wants an address. */
bool text_is_host_port(const char *text, bool any, bool literal);
/* No slash, and none of the names that the publisher keeps for itself ("..data"). */
bool text_is_file_name(const char *text);
/* Of a Kubernetes object, as a DNS subdomain: it goes into paths of the API. */
bool text_is_object_name(const char *text);
/* http or https, with a host, without user and password. */
bool text_is_url(const char *text);
/* Takes "//", "/./" and the last "/" out, so that two spellings of one directory compare equal. */
void text_normalize_path(char *path);
/* Has it a component ".."? */
bool text_has_parent_step(const char *path);
/* Is `path` the directory itself or below it? Both normalized. */
bool text_is_inside(const char *path, const char *directory);
