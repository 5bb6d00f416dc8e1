// SPDX-License-Identifier: Apache-2.0
#include "kube/names.h"

#include <string.h>

#include "config/text.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

bool kube_names_is_label(const char *name)
{
        return name != NULL && strlen(name) <= KUBE_LABEL_MAX && strchr(name, '.') == NULL &&
               text_is_object_name(name);
}

bool kube_names_is_subdomain(const char *name)
{
        return name != NULL && strlen(name) <= KUBE_SUBDOMAIN_MAX && text_is_object_name(name);
}

bool kube_names_is_kind(const char *name)
{
        const size_t len = name == NULL ? 0 : strspn(name, LOWER UPPER DIGITS);

        return len > 0 && len <= KUBE_LABEL_MAX && name[len] == '\0' && strspn(name, DIGITS) == 0;
}
