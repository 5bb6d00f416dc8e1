// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Subject alternative names as a request gives them, by the rules of deploy/crds. Pure.
 */
#include <stdbool.h>

bool request_names_is_dns(const char *name);     /* "db.example.com" "*.example.com"; no addresses */
bool request_names_is_address(const char *name); /* "10.0.0.7" "fd00::7" */
bool request_names_is_uri(const char *name);     /* with a scheme, printable ASCII */
bool request_names_is_email(const char *name);   /* "db@example.com" */
