// SPDX-License-Identifier: Apache-2.0
#include "control/request_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#define DNS_MAX   253
#define LABEL_MAX 63
#define URI_MAX   512
#define EMAIL_MAX 254

static bool is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_label(const char *label, size_t len)
{
        if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_letter(label[i]) && !is_digit(label[i]) && label[i] != '-' && label[i] != '_')
                        return false;
        return true;
}

bool request_names_is_dns(const char *name)
{
        if (strlen(name) > DNS_MAX || strspn(name, "0123456789.") == strlen(name))
                return false;
        for (const char *label = strncmp(name, "*.", 2) == 0 ? name + 2 : name;;) {
                const size_t len = strcspn(label, ".");

                if (!is_label(label, len))
                        return false;
                if (label[len] == '\0')
                        return true;
                label += len + 1;
        }
}

bool request_names_is_address(const char *name)
{
        unsigned char bytes[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static bool is_printable(const char *text)
{
        for (; *text != '\0'; text++)
                if (*text < '!' || *text > '~')
                        return false;
        return true;
}

bool request_names_is_uri(const char *name)
{
        const char *p = name;

        if (strlen(name) > URI_MAX || !is_letter(*p))
                return false;
        while (is_letter(*p) || is_digit(*p) || *p == '+' || *p == '-' || *p == '.')
                p++;
        return p[0] == ':' && p[1] != '\0' && is_printable(p);
}

bool request_names_is_email(const char *name)
{
        const char *at = strchr(name, '@');

        return strlen(name) <= EMAIL_MAX && at != NULL && at != name && at[1] != '\0' &&
               strchr(at + 1, '@') == NULL && is_printable(name);
}
