// SPDX-License-Identifier: Apache-2.0
/*
 * Shapes of text: what can be said about a value without asking anybody.
 */
#include "config/text.h"

#include "base/num.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <string.h>

#define PORT_MAX 65535

bool text_has_control(const char *text)
{
        const uint8_t *p = (const uint8_t *)text;

        for (size_t len; *p != 0; p += len) {
                len = utf8_len(p);
                if (len == 0 || utf8_is_control(utf8_decode(p, len)))
                        return true;
        }
        return false;
}

static int check_port(const char *text)
{
        struct err ignored;
        int64_t port;

        return num_parse(text, 0, PORT_MAX, &port, &ignored);
}

bool text_is_dns_name(const char *text)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
        uint8_t address[sizeof(struct in6_addr)];
        const char *rest = strncmp(text, "*.", 2) == 0 ? text + 2 : text;

        if (inet_pton(AF_INET6, text, address) == 1)
                return true;
        return *rest != '\0' && strlen(text) <= 253 && strspn(rest, allowed) == strlen(rest) &&
               *rest != '.' && strstr(rest, "..") == NULL;
}

bool text_is_host_port(const char *text, bool any, bool literal)
{
        const char *colon = strrchr(text, ':');
        uint8_t address[sizeof(struct in6_addr)];
        char host[256];
        size_t len;

        if (colon == NULL || check_port(colon + 1) != 0 || (size_t)(colon - text) >= sizeof(host))
                return false;
        len = (size_t)(colon - text);
        memcpy(host, text, len);
        host[len] = '\0';
        if (len == 0)
                return any;
        if (host[0] == '[') {
                if (host[len - 1] != ']')
                        return false;
                host[len - 1] = '\0';
                return inet_pton(AF_INET6, host + 1, address) == 1;
        }
        return literal ? inet_pton(AF_INET, host, address) == 1
                       : text_is_dns_name(host) && strchr(host, ':') == NULL;
}

bool text_is_file_name(const char *text)
{
        return *text != '\0' && strlen(text) <= 200 && strchr(text, '/') == NULL && strcmp(text, ".") != 0 &&
               strncmp(text, "..", 2) != 0;
}

bool text_is_object_name(const char *text)
{
        static const char inner[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

        for (;;) {
                const size_t len = strspn(text, inner);

                if (len == 0 || text[0] == '-' || text[len - 1] == '-' ||
                    (text[len] != '.' && text[len] != '\0'))
                        return false;
                if (text[len] == '\0')
                        return true;
                text += len + 1;
        }
}

bool text_is_url(const char *text)
{
        const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
                           : strncmp(text, "https://", 8) == 0 ? text + 8
                                                               : NULL;

        return host != NULL && strcspn(host, "/?#") > 0 && strchr(text, ' ') == NULL &&
               memchr(host, '@', strcspn(host, "/?#")) == NULL;
}

void text_normalize_path(char *path)
{
        char *to = path;

        for (const char *from = path; *from != '\0';) {
                if (from[0] == '/' && from[1] == '/')
                        from++;
                else if (from[0] == '/' && from[1] == '.' && (from[2] == '/' || from[2] == '\0'))
                        from += 2;
                else
                        *to++ = *from++;
        }
        if (to > path + 1 && to[-1] == '/')
                to--;
        if (to == path)
                *to++ = '/';
        *to = '\0';
}

bool text_has_parent_step(const char *path)
{
        for (const char *p = strstr(path, "/.."); p != NULL; p = strstr(p + 1, "/.."))
                if (p[3] == '/' || p[3] == '\0')
                        return true;
        return false;
}

bool text_is_inside(const char *path, const char *directory)
{
        size_t len = strlen(directory);

        return strcmp(directory, "/") == 0 ||
               (strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/'));
}
