// SPDX-License-Identifier: Apache-2.0
/*
 * Two calls. Druid hides the values of properties that look like secrets; those asked for here do not.
 */
#include "hooks/druid_facts.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"
#include "hooks/druid_call.h"
#include "hooks/program.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX         ((size_t)1 << 20) /* the properties have the class path in them */
#define INTERVAL_DEFAULT_S 60                /* Druid's own */
#define INTERVAL_MAX_S     86400
#define EXTENSION          "simple-client-sslcontext"

enum phase { PHASE_STATUS, PHASE_PROPERTIES, PHASE_END };

struct ask {
        struct druid *druid;
        enum phase phase; /* under way */
        bool begun;
        struct buf answer;
};

static int parse(const char *what, const char *text, size_t len, cJSON **out, struct err *err)
{
        struct err why = ERR_INIT;

        if (json_parse(text, len, out, &why) != 0)
                return err_set(err, ERR_PROTOCOL, "the answer to %s is not Druid's: %s", what, why.text);
        if (cJSON_IsObject(*out))
                return 0;
        json_free(TAKE(*out));
        return err_set(err, ERR_PROTOCOL, "the answer to %s is not Druid's: no JSON object", what);
}

int druid_facts_take_status(const char *text, size_t len, struct druid *druid, struct err *err)
{
        struct hook_facts *facts = &druid->database.facts;
        AUTO(json_free_p) cJSON *tree = NULL;
        const char *version;

        if (parse("/status", text, len, &tree, err) != 0)
                return -1;
        version = json_get_str(tree, "version");
        if (version == NULL)
                return err_set(err, ERR_PROTOCOL, "the answer to /status is not Druid's: it has no version");
        (void)snprintf(facts->version, sizeof(facts->version), "%s", version);
        return 0;
}

/* Does it verify other nodes? Without a list every extension that is installed is loaded. */
static bool has_client(const cJSON *tree)
{
        const char *list = json_get_str(tree, "druid.extensions.loadList");

        return json_get_str(tree, "druid.client.https.trustStorePath") != NULL &&
               (list == NULL || strstr(list, "\"" EXTENSION "\"") != NULL);
}

int druid_facts_take_properties(const char *text, size_t len, struct druid *druid, struct err *err)
{
        AUTO(json_free_p) cJSON *tree = NULL;
        const char *reloads;
        const char *seconds;
        int64_t interval = INTERVAL_DEFAULT_S;
        struct err ignored;

        if (parse("/status/properties", text, len, &tree, err) != 0)
                return -1;
        reloads = json_get_str(tree, "druid.server.https.reloadSslContext");
        seconds = json_get_str(tree, "druid.server.https.reloadSslContextSeconds");
        if (seconds != NULL && num_parse(seconds, 1, INTERVAL_MAX_S, &interval, &ignored) != 0)
                interval = INTERVAL_DEFAULT_S;
        druid->cannot_reload = reloads == NULL || strcmp(reloads, "true") != 0;
        druid->interval_ms = interval * 1000;
        druid->database.facts.clustered = has_client(tree);
        return 0;
}

static int next_phase(struct ask *ask, struct err *err)
{
        const char *text = buf_str(&ask->answer);

        if (ask->phase == PHASE_STATUS) {
                ask->phase = PHASE_PROPERTIES;
                return druid_facts_take_status(text, ask->answer.len, ask->druid, err);
        }
        ask->phase = PHASE_END;
        ask->druid->database.facts.known = true;
        return druid_facts_take_properties(text, ask->answer.len, ask->druid, err);
}

static int ask_next(void *self, const struct err *failure, int64_t left_ms, struct op **out, struct err *err)
{
        static const char *const paths[] = {
                [PHASE_STATUS] = "/status", [PHASE_PROPERTIES] = "/status/properties"
        };
        struct ask *ask = self;

        /* A node that wants a login which we were not given keeps its facts to itself. */
        if (failure != NULL && failure->kind == ERR_AUTH && ask->druid->database.settings->admin.user == NULL)
                return 0;
        if (failure != NULL) {
                *err = *failure;
                return -1;
        }
        if (ask->begun && next_phase(ask, err) != 0)
                return -1;
        ask->begun = true;
        if (ask->phase == PHASE_END)
                return 0;
        buf_reset(&ask->answer);
        *out = druid_call_start(
                ask->druid,
                &(struct druid_call){ .method = "GET", .path = paths[ask->phase], .body = &ask->answer },
                left_ms);
        return 0;
}

static void ask_free(void *self)
{
        struct ask *ask = self;

        buf_done(&ask->answer);
        mem_free(ask);
}

struct op *druid_facts_start(struct druid *druid, int64_t limit_ms)
{
        static const struct program_type type = { .name = "status of Druid",
                                                  .next = ask_next,
                                                  .free = ask_free };
        struct ask *ask = MEM_NEW(struct ask);

        ask->druid = druid;
        ask->answer = (struct buf)BUF_INIT(ANSWER_MAX);
        return program_start(&type, ask, limit_ms);
}
