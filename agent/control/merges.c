// SPDX-License-Identifier: Apache-2.0
#include "control/merges.h"

#include "base/mem.h"
#include "control/request_merge.h"

#include <string.h>

#define AT_ONCE 24 /* requests in one: each is an action */

static struct action *add(struct actions *out, enum action_kind kind, const struct request *request)
{
        struct action *action = &out->items[out->n < ACTIONS_MAX ? out->n++ : ACTIONS_MAX - 1];

        action->kind = kind;
        action->request = request;
        action->database = request->kind;
        return action;
}

static bool is_waiting(const struct request *request)
{
        return request->type == REQUEST_CONFIG && request->phase == REQUEST_PENDING && request->wrong == NULL;
}

/* Does the list "a, b" name it? */
static bool is_named(const char *list, const char *name)
{
        const size_t len = strlen(name);

        for (const char *at = list; at != NULL; at = strchr(at, ',')) {
                at += strspn(at, ", ");
                if (strncmp(at, name, len) == 0 && (at[len] == '\0' || at[len] == ','))
                        return true;
        }
        return false;
}

static void tell_sources(const struct request *merged, struct actions *out)
{
        struct action *action = add(out, ACTION_CONDITION, merged);

        action->type = "MergedFromOps";
        action->reason = "ConfigurationMerged";
        action->text = mem_strdup(merged->merged);
        action->is_true = true;
}

static void skip(const struct request *request, const struct request *merged, struct actions *out)
{
        struct action *action = add(out, ACTION_PHASE, request);

        action->phase = REQUEST_SKIPPED;
        action->type = "Skipped";
        action->reason = "ConfigurationMerged";
        action->text = mem_printf("Configuration merged into newly created ops request %s/%s",
                                  merged->namespace, merged->name);
}

/* Those that are in `merged` are not to run a second time. */
static bool skip_sources(const struct observed *seen, const struct request *merged, struct actions *out)
{
        const size_t before = out->n;

        for (size_t i = 0; i < seen->n_requests && out->n < AT_ONCE; i++) {
                const struct request *request = seen->requests[i];

                if (!is_waiting(request) || request == merged || request->kind != merged->kind ||
                    !is_named(merged->merged, request->name))
                        continue;
                if (out->n == before)
                        tell_sources(merged, out);
                skip(request, merged, out);
        }
        return out->n > before;
}

/* By when the last of them was made: whoever merges these makes a request of the same name. */
static char *name_of(const struct observed *seen, struct request *const *list, size_t n)
{
        int64_t ms = list[n - 1]->created.s * 1000;

        for (;; ms++) {
                AUTO(mem_free_p) char *name = mem_printf("%s-rcfg-merged-%lld", seen->name, (long long)ms);

                if (!request_is_among(seen->requests, seen->n_requests, name))
                        return TAKE(name);
        }
}

static char *names_of(struct request *const *list, size_t n)
{
        char *names = mem_strdup(list[0]->name);

        for (size_t i = 1; i < n; i++) {
                char *more = mem_printf("%s, %s", names, list[i]->name);

                mem_free(names);
                names = more;
        }
        return names;
}

static bool merge(const struct observed *seen, struct request *const *list, size_t n, struct actions *out)
{
        struct err err = ERR_INIT;
        struct action *action;
        cJSON *spec = NULL;

        if (n < 2 || request_merge(list, n, &spec, &err) != 0)
                return false; /* one after the other, then */
        action = add(out, ACTION_MERGE, list[0]);
        action->request = NULL;
        action->spec = spec;
        action->name = name_of(seen, list, n);
        action->text = names_of(list, n);
        return true;
}

bool merges_look(const struct observed *seen, struct actions *out)
{
        struct request *list[AT_ONCE];
        size_t n = 0;

        for (size_t i = 0; i < seen->n_requests; i++) {
                struct request *request = seen->requests[i];

                if (!is_waiting(request))
                        continue;
                if (request->merged != NULL && skip_sources(seen, request, out))
                        return true;
                if (n < AT_ONCE && (n == 0 || (request->kind == list[0]->kind &&
                                               request->apply_always == list[0]->apply_always)))
                        list[n++] = request;
        }
        return merge(seen, list, n, out);
}

void merges_begin(const struct request *request, struct actions *out)
{
        struct action *action;

        if (request->type != REQUEST_CONFIG || request->merged == NULL)
                return;
        tell_sources(request, out);
        action = add(out, ACTION_CONDITION, request);
        action->type = action->reason = "OriginalOpsSkipped";
        action->text = mem_strdup("All original ops requests have been marked as Skipped");
        action->is_true = true;
}
