// SPDX-License-Identifier: Apache-2.0
/*
 * URLs of listeners. Stricter than RFC 3986: what would be ignored (user, query, fragment, a path behind a
 * port) is refused, so that nobody believes it was heeded.
 */
#include "hooks/endpoint.h"

#include "base/mem.h"
#include "base/num.h"
#include "hooks/wire/mysql_greeting.h"
#include "hooks/wire/postgres.h"
#include "hooks/wire/tds.h"

#include <string.h>

#define HOST_MAX 253
#define PORT_MAX 65535

struct scheme {
        const char *name;
        int port; /* 0: must be given */
        const struct preamble *preamble;
        const char *alpn;
};

/* endpoint_schemes repeats the names; a test compares. */
static const struct scheme schemes[] = {
        { "mysql", 3306, &mysql_greeting_preamble, NULL },
        { "mariadb", 3306, &mysql_greeting_preamble, NULL },
        { "postgres", 5432, &postgres_preamble, NULL },
        { "postgresql", 5432, &postgres_preamble, NULL },
        { "tls", 0, NULL, NULL },
        { "https", 443, NULL, NULL },
        { "rediss", 6379, NULL, NULL },
        { "mongodb", 27017, NULL, NULL },
        { "tds", 1433, &tds_preamble, NULL },
        { "tds8", 1433, NULL, TDS_STRICT_ALPN },
        { "galera", 4567, NULL, NULL },
};

const char *endpoint_schemes(void)
{
        return "mysql mariadb postgres postgresql tls https rediss mongodb tds tds8 galera";
}

static const struct scheme *find_scheme(const char *name, size_t len)
{
        for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
                if (strlen(schemes[i].name) == len && strncasecmp(schemes[i].name, name, len) == 0)
                        return &schemes[i];
        return NULL;
}

/* What an authority of ours cannot have, with its sentence. */
static int refuse_parts(const char *url, const char *rest, struct err *err)
{
        for (const char *p = rest; *p != '\0'; p++)
                if ((unsigned char)*p <= 0x20 || *p == 0x7f)
                        return err_set(err, ERR_USAGE,
                                       "'%.80s': blanks and control characters have no place "
                                       "in an endpoint",
                                       url);
        if (rest[0] == '/')
                return 0;
        if (strchr(rest, '@') != NULL)
                return err_set(err, ERR_USAGE,
                               "an endpoint takes no user or password: nothing logs in (take them out, and "
                               "give the host alone)");
        if (strpbrk(rest, "?#") != NULL)
                return err_set(err, ERR_USAGE, "'%.80s': an endpoint takes no query and no fragment", url);
        return 0;
}

/* Splits "host", "host:port", "[v6]", "[v6]:port". *port is NULL when there is none. */
static int split(const char *url, char *rest, char **host, char **port, struct err *err)
{
        char *colon;
        char *slash = strchr(rest, '/');

        if (slash != NULL && slash[1] != '\0')
                return err_set(err, ERR_USAGE,
                               "'%.80s': an endpoint ends after the port (a unix socket has three slashes: "
                               "mysql:///run/mysqld/mysqld.sock)",
                               url);
        if (slash != NULL)
                *slash = '\0';
        *host = rest;
        colon = strchr(rest, ':');
        if (rest[0] == '[') {
                char *bracket = strchr(rest, ']');

                if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
                        return err_set(err, ERR_USAGE, "'%.80s': '[' wants an IPv6 address and ']'", url);
                *bracket = '\0';
                *host = rest + 1;
                colon = bracket[1] == ':' ? bracket + 1 : NULL;
                if (strchr(*host, ':') == NULL)
                        return err_set(err, ERR_USAGE, "'%.80s': only IPv6 addresses stand in brackets", url);
        }
        *port = colon == NULL ? NULL : colon + 1;
        if (colon != NULL)
                *colon = '\0';
        if (*port != NULL && strchr(*port, ':') != NULL)
                return err_set(err, ERR_USAGE, "'%.80s': an IPv6 address stands in brackets: [::1]:3306",
                               url);
        return 0;
}

static int parse_port(const char *url, const struct scheme *scheme, const char *text, int *out,
                      struct err *err)
{
        struct err why = ERR_INIT;
        int64_t port = scheme->port;

        if (text == NULL && port == 0)
                return err_set(err, ERR_USAGE, "'%.80s': %s:// needs a port", url, scheme->name);
        if (text != NULL && num_parse(text, 1, PORT_MAX, &port, &why) != 0)
                return err_set(err, ERR_USAGE, "'%.80s': a port is a number from 1 to %d", url, PORT_MAX);
        *out = (int)port;
        return 0;
}

static int parse_authority(const char *url, const struct scheme *scheme, const char *rest,
                           struct endpoint *out, struct err *err)
{
        AUTO(mem_free_p) char *copy = mem_strdup(rest);
        char *host = NULL;
        char *port_text = NULL;
        int port = 0;

        if (split(url, copy, &host, &port_text, err) != 0 ||
            parse_port(url, scheme, port_text, &port, err) != 0)
                return -1;
        if (host[0] == '\0' || strlen(host) > HOST_MAX)
                return err_set(err, ERR_USAGE, "'%.80s': the host is %s", url,
                               host[0] == '\0' ? "missing" : "too long");
        out->host = mem_strdup(host);
        out->port = port;
        return 0;
}

int endpoint_parse(const char *url, struct endpoint *out, struct err *err)
{
        struct endpoint parsed = { .url = NULL };
        const char *mark = strstr(url, "://");
        const struct scheme *scheme = mark == NULL ? NULL : find_scheme(url, (size_t)(mark - url));
        const char *rest;

        if (scheme == NULL)
                return err_set(err, ERR_USAGE, "'%.80s' is no endpoint: it begins with one of %s, then ://",
                               strchr(url, '@') != NULL ? "…" : url, endpoint_schemes());
        rest = mark + 3;
        if (refuse_parts(url, rest, err) != 0)
                return -1;
        parsed.preamble = scheme->preamble;
        parsed.alpn = scheme->alpn;
        if (rest[0] == '/' && rest[1] == '\0')
                return err_set(err, ERR_USAGE, "'%.80s': neither host nor socket", url);
        if (rest[0] == '/')
                parsed.host = mem_strdup(rest);
        else if (parse_authority(url, scheme, rest, &parsed, err) != 0)
                return -1;
        parsed.url = mem_strdup(url);
        *out = parsed;
        return 0;
}

void endpoint_done(struct endpoint *endpoint)
{
        mem_free(endpoint->url);
        mem_free(endpoint->host);
        *endpoint = (struct endpoint){ .url = NULL };
}

struct handshake_request endpoint_request(const struct endpoint *endpoint)
{
        return (struct handshake_request){
                .host = endpoint->host,
                .port = endpoint->port,
                .preamble = endpoint->preamble,
                .alpn = endpoint->alpn,
        };
}
