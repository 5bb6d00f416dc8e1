// SPDX-License-Identifier: Apache-2.0
#include "kube/names.h"

#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_part(const char *part, size_t len, size_t max)
{
        return len > 0 && len <= max && strspn(part, LOWER DIGITS "-") >= len && part[0] != '-' &&
               part[len - 1] != '-';
}

bool kube_names_is_label(const char *name)
{
        return name != NULL && is_part(name, strlen(name), KUBE_LABEL_MAX);
}

bool kube_names_is_subdomain(const char *name)
{
        if (name == NULL || strlen(name) > KUBE_SUBDOMAIN_MAX)
                return false;
        for (;;) {
                const size_t len = strcspn(name, ".");

                if (!is_part(name, len, KUBE_SUBDOMAIN_MAX))
                        return false;
                if (name[len] == '\0')
                        return true;
                name += len + 1;
        }
}

bool kube_names_is_kind(const char *name)
{
        const size_t len = name == NULL ? 0 : strspn(name, LOWER UPPER DIGITS);

        return len > 0 && len <= KUBE_LABEL_MAX && name[len] == '\0' && strspn(name, DIGITS) == 0;
}
