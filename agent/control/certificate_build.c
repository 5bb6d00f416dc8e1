// SPDX-License-Identifier: Apache-2.0
/*
 * What stands in a Certificate stays as it is written unless it is to say something else: cert-manager
 * compares texts, and "Issuer" that was left out before would be a reason to issue anew.
 */
#include "control/certificate.h"

#include "base/limits.h"
#include "base/mem.h"
#include "control/certificate_compare.h"

#include <arpa/inet.h>
#include <string.h>

#define MANAGED_BY "kubedb.com"
#define DOMAIN     "cluster.local"

static cJSON *member(cJSON *object, const char *key)
{
        return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* In the place of what is there. */
static void put(cJSON *object, const char *key, cJSON *value)
{
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        json_add(object, key, value);
}

/* Made when it is missing, or is something else. */
static cJSON *part_of(cJSON *object, const char *key)
{
        if (!cJSON_IsObject(member(object, key)))
                put(object, key, json_object());
        return member(object, key);
}

static void put_str(cJSON *object, const char *key, const char *value)
{
        cJSON_DeleteItemFromObjectCaseSensitive(object, key);
        json_add_str(object, key, value);
}

/* Go writes an address in one way, and old versions of cert-manager issue for ever when it is written in
 * another.
 */
static char *address(const char *text)
{
        struct in6_addr six;
        struct in_addr four;
        char out[INET6_ADDRSTRLEN];

        if (inet_pton(AF_INET, text, &four) == 1)
                return mem_strdup(inet_ntop(AF_INET, &four, out, sizeof(out)));
        if (inet_pton(AF_INET6, text, &six) != 1)
                return NULL;
        if (IN6_IS_ADDR_V4MAPPED(&six))
                return mem_strdup(inet_ntop(AF_INET, &six.s6_addr[12], out, sizeof(out)));
        return mem_strdup(inet_ntop(AF_INET6, &six, out, sizeof(out)));
}

struct names {
        char **items;
        size_t n;
        bool is_new; /* one was not there before */
};

static void names_done(struct names *names)
{
        for (size_t i = 0; i < names->n; i++)
                mem_free(names->items[i]);
        mem_free(names->items);
}

/* Takes the text over. */
static void names_add(struct names *names, char *text)
{
        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->items[i], text) == 0) {
                        mem_free(text);
                        return;
                }
        names->items = mem_grow(names->items, names->n + 1, sizeof(*names->items));
        names->items[names->n++] = text;
        names->is_new = true;
}

/* With a name that is none cert-manager makes no request, and says so in its log only. */
static char *name_of(const char *text, const char *key, struct err *err)
{
        char *made = NULL;

        for (const char *p = text; *p != '\0'; p++)
                if (*p <= ' ' || *p > '~') {
                        err_set_(err, ERR_USAGE, "%s: '%.60s' has a blank or a character beyond ASCII", key,
                                 text);
                        return NULL;
                }
        made = strcmp(key, "ipAddresses") == 0 ? address(text) : mem_strdup(text);
        if (made == NULL)
                err_set_(err, ERR_USAGE, "%s: '%.60s' is no IP address", key, text);
        return made;
}

static int names_add_all(struct names *names, const cJSON *list, const char *key, struct err *err)
{
        const cJSON *item;

        cJSON_ArrayForEach(item, list)
        {
                char *text;

                if (!cJSON_IsString(item) || *item->valuestring == '\0')
                        return err_set(err, ERR_USAGE, "%s: a name that is no text", key);
                if (names->n >= CERT_MAX_NAMES)
                        return err_set(err, ERR_LIMIT, "%s: more than %d names", key, CERT_MAX_NAMES);
                text = name_of(item->valuestring, key, err);
                if (text == NULL)
                        return -1;
                names_add(names, text);
        }
        return 0;
}

static int by_text(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Nothing new, nothing written: the list stays in its order, and an address as it is written. */
static int unite(cJSON *spec, const char *key, const cJSON *given, struct err *err)
{
        struct names names = { .n = 0 };
        cJSON *list;
        int result;

        if (!cJSON_IsArray(given) || given->child == NULL)
                return 0;
        result = names_add_all(&names, member(spec, key), key, err);
        names.is_new = false;
        if (result == 0)
                result = names_add_all(&names, given, key, err);
        if (result == 0 && names.is_new) {
                qsort(names.items, names.n, sizeof(*names.items), by_text);
                list = json_array();
                for (size_t i = 0; i < names.n; i++)
                        json_append_str(list, names.items[i]);
                put(spec, key, list);
        }
        names_done(&names);
        return result;
}

static int unite_names(cJSON *spec, const cJSON *given, struct err *err)
{
        static const char *const keys[] = { "dnsNames", "ipAddresses", "uris", "emailAddresses" };

        for (size_t i = 0; i < ARRAY_LEN(keys); i++)
                if (unite(spec, keys[i], json_get(given, keys[i]), err) != 0)
                        return -1;
        return 0;
}

static void set_subject(cJSON *spec, const cJSON *given)
{
        const cJSON *item;

        if (!cJSON_IsObject(given))
                return;
        cJSON_ArrayForEach(item, given)
        {
                cJSON *subject = part_of(spec, "subject");
                const cJSON *old = member(subject, item->string);

                if (cJSON_IsArray(item) && !(cJSON_IsArray(old) && certificate_compare_sets(old, item)))
                        put(subject, item->string, cJSON_Duplicate(item, true));
                else if (cJSON_IsString(item))
                        put_str(subject, item->string, item->valuestring);
        }
}

static void set_values(cJSON *spec, const cJSON *given)
{
        static const char *const durations[] = { "duration", "renewBefore" };
        const char *encoding = json_get_str(json_get(given, "privateKey"), "encoding");
        const char *secret = json_get_str(given, "secretName");

        for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
                const cJSON *value = json_get(given, durations[i]);

                if (cJSON_IsString(value) &&
                    !certificate_compare_durations(value, member(spec, durations[i])))
                        put_str(spec, durations[i], value->valuestring);
        }
        if (encoding != NULL && *encoding != '\0')
                put_str(part_of(spec, "privateKey"), "encoding", encoding);
        if (secret != NULL && *secret != '\0')
                put_str(spec, "secretName", secret);
}

static int set_issuer(const struct certificate_wish *wish, cJSON *spec, struct err *err)
{
        const cJSON *issuer = json_get(wish->given, "issuerRef");
        const cJSON *old = member(spec, "issuerRef");
        const char *name;
        const char *kind;
        const char *group;
        cJSON *made;

        if (issuer == NULL || cJSON_IsNull(issuer))
                issuer = wish->issuer;
        name = json_get_str(issuer, "name");
        kind = json_get_str(issuer, "kind");
        group = json_get_str(issuer, "apiGroup");
        if (name == NULL || *name == '\0') {
                if (json_get_str(old, "name") != NULL)
                        return 0;
                return err_set(err, ERR_USAGE, "certificate '%.63s' has no issuer: set issuerRef",
                               wish->alias);
        }
        if (old != NULL && certificate_compare_issuers(old, issuer))
                return 0;
        made = json_object();
        json_add_str(made, "group", group == NULL || *group == '\0' ? "cert-manager.io" : group);
        json_add_str(made, "kind", kind == NULL || *kind == '\0' ? "Issuer" : kind);
        json_add_str(made, "name", name);
        put(spec, "issuerRef", made);
        return 0;
}

/* What people look for in the subject; the names that count are the others. NULL: too long. */
static char *common_name(const struct certificate_wish *wish)
{
        const char *database = wish->kind->database;
        char *name;

        if (strcmp(database, "MSSQLServer") == 0)
                name = mem_strdup("mssql");
        else if (strcmp(database, "Singlestore") == 0)
                name = mem_strdup(wish->database);
        else if (strcmp(database, "Druid") == 0)
                name = mem_printf("%s-pods.%s.svc", wish->database, wish->namespace);
        else
                name = mem_printf("%s.%s.svc", wish->database, wish->namespace);
        if (strlen(name) > CERTIFICATE_MAX_CN) {
                mem_free(name);
                return NULL;
        }
        return name;
}

static void add_name(cJSON *list, char *name)
{
        json_append_str(list, name);
        mem_free(name);
}

/* Of the service of all pods, of each pod behind the governing one, and of this machine. */
static cJSON *own_names(const struct certificate_wish *wish)
{
        const char *db = wish->database;
        const char *ns = wish->namespace;
        cJSON *list = json_array();

        json_append_str(list, "localhost");
        json_append_str(list, db);
        add_name(list, mem_printf("%s.%s.svc", db, ns));
        add_name(list, mem_printf("*.%s.%s.svc", db, ns));
        add_name(list, mem_printf("*.%s-pods.%s.svc", db, ns));
        add_name(list, mem_printf("*.%s-pods.%s.svc." DOMAIN, db, ns));
        for (const char *const *at = wish->services; at != NULL && *at != NULL; at++) {
                json_append_str(list, *at);
                add_name(list, mem_printf("%s.%s.svc", *at, ns));
                add_name(list, mem_printf("*.%s.%s.svc", *at, ns));
                add_name(list, mem_printf("*.%s.%s.svc." DOMAIN, *at, ns));
        }
        return list;
}

static cJSON *labels_of(const struct certificate_wish *wish)
{
        AUTO(mem_free_p) char *name = mem_printf("%s.kubedb.com", wish->kind->databases);
        cJSON *labels = json_object();

        json_add_str(labels, "app.kubernetes.io/component", "database");
        json_add_str(labels, CERTIFICATE_INSTANCE, wish->database);
        json_add_str(labels, "app.kubernetes.io/managed-by", MANAGED_BY);
        json_add_str(labels, "app.kubernetes.io/name", name);
        json_add_str(labels, CERTIFICATE_ALIAS, wish->alias);
        return labels;
}

static cJSON *texts(const char *const *items, size_t n)
{
        cJSON *list = json_array();

        for (size_t i = 0; i < n; i++)
                json_append_str(list, items[i]);
        return list;
}

static int make_spec(const struct certificate_wish *wish, cJSON *spec, const char *name, struct err *err)
{
        static const char *const usages[] = { "digital signature", "key encipherment", "server auth",
                                              "client auth" };
        static const char *const here[] = { "127.0.0.1" };
        AUTO(mem_free_p) char *cn = common_name(wish);
        AUTO(json_free_p) cJSON *defaults = json_object();

        json_add_str(spec, "secretName", name);
        json_add(part_of(spec, "secretTemplate"), "labels", labels_of(wish));
        json_add_str(part_of(spec, "privateKey"), "rotationPolicy", "Always");
        json_add(spec, "usages", texts(usages, ARRAY_LEN(usages)));
        if (cn != NULL)
                json_add_str(spec, "commonName", cn);
        json_add(defaults, "dnsNames", own_names(wish));
        json_add(defaults, "ipAddresses", texts(here, ARRAY_LEN(here)));
        return unite_names(spec, defaults, err);
}

static int make(const struct certificate_wish *wish, cJSON **out, struct err *err)
{
        AUTO(mem_free_p) char *name = certificate_name(wish->database, wish->alias);
        AUTO(json_free_p) cJSON *made = json_object();
        cJSON *meta;

        json_add_str(made, "apiVersion", CERTIFICATE_GROUP);
        json_add_str(made, "kind", "Certificate");
        meta = part_of(made, "metadata");
        json_add_str(meta, "name", name);
        json_add_str(meta, "namespace", wish->namespace);
        json_add(meta, "labels", labels_of(wish));
        if (make_spec(wish, part_of(made, "spec"), name, err) != 0)
                return -1;
        *out = TAKE(made);
        return 0;
}

/* One that somebody else made under this name is found by its label from now on. */
static int take_over(const struct certificate_wish *wish, const cJSON *have, cJSON **out, struct err *err)
{
        AUTO(json_free_p) cJSON *made = cJSON_Duplicate(have, true);
        cJSON *meta = part_of(made, "metadata");
        cJSON *labels = part_of(meta, "labels");
        const char *whose = json_get_str(labels, CERTIFICATE_INSTANCE);

        if (whose != NULL && strcmp(whose, wish->database) != 0)
                return err_set(err, ERR_REFUSED, "Certificate %s-%s-cert belongs to '%.63s' (label %s)",
                               wish->database, wish->alias, whose, CERTIFICATE_INSTANCE);
        if (whose == NULL) {
                put_str(labels, CERTIFICATE_INSTANCE, wish->database);
                put_str(labels, CERTIFICATE_ALIAS, wish->alias);
        }
        cJSON_DeleteItemFromObjectCaseSensitive(made, "status");
        cJSON_DeleteItemFromObjectCaseSensitive(meta, "managedFields");
        (void)part_of(made, "spec");
        *out = TAKE(made);
        return 0;
}

/* So that it goes with its database. An owner that is there stays the only one. */
static void set_owner(const struct certificate_wish *wish, cJSON *meta)
{
        const cJSON *old = member(meta, "ownerReferences");
        cJSON *owner;
        cJSON *list;

        if (wish->owner_uid == NULL || (cJSON_IsArray(old) && old->child != NULL))
                return;
        owner = json_object();
        json_add_str(owner, "apiVersion", wish->kind->group);
        json_add_str(owner, "kind", wish->kind->database);
        json_add_str(owner, "name", wish->database);
        json_add_str(owner, "uid", wish->owner_uid);
        json_add_bool(owner, "controller", true);
        json_add_bool(owner, "blockOwnerDeletion", true);
        list = json_array();
        json_append(list, owner);
        put(meta, "ownerReferences", list);
}

int certificate_build(const struct certificate_wish *wish, const cJSON *have, cJSON **out, struct err *err)
{
        AUTO(json_free_p) cJSON *made = NULL;
        cJSON *spec;

        if ((cJSON_IsObject(have) ? take_over(wish, have, &made, err) : make(wish, &made, err)) != 0)
                return -1;
        spec = member(made, "spec");
        if (set_issuer(wish, spec, err) != 0 || unite_names(spec, wish->given, err) != 0)
                return -1;
        set_subject(spec, json_get(wish->given, "subject"));
        set_values(spec, wish->given);
        set_owner(wish, member(made, "metadata"));
        *out = TAKE(made);
        return 0;
}
