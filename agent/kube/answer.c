// SPDX-License-Identifier: Apache-2.0
/*
 * What an answer of the API server means. Its own sentence (metav1.Status.message) is better than any of
 * ours.
 */
#include "base/json.h"
#include "kube/client.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX 240

static enum err_kind kind_of(int status)
{
        switch (status) {
        case 401:
                return ERR_AUTH;
        case 403:
                return ERR_PRIVILEGE;
        case 404:
                return ERR_MISSING;
        case 409:
        case 410:
                return ERR_CHANGED;
        case 429:
        case 503:
        case 504:
                return ERR_NOT_READY;
        default:
                break;
        }
        if (status >= 400 && status < 500)
                return ERR_REFUSED;
        return status >= 500 ? ERR_NETWORK : ERR_PROTOCOL;
}

/* One line, printable: a proxy may answer with a page of its own. */
static void sentence(const struct kube_answer *answer, char out[static SENTENCE_MAX])
{
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;
        const char *text = answer->body;

        if (json_parse(answer->body, answer->len, &tree, &err) == 0 && json_get_str(tree, "message") != NULL)
                text = json_get_str(tree, "message");
        (void)snprintf(out, SENTENCE_MAX, "%.*s", (int)strcspn(text, "\r\n"), text);
        for (char *p = out; *p != '\0'; p++)
                if (iscntrl((unsigned char)*p))
                        *p = '?';
}

int kube_answer_judge(const struct kube_answer *answer, const char *what, struct err *err)
{
        char text[SENTENCE_MAX];

        if (answer->status >= 200 && answer->status < 300 && answer->err.kind == ERR_NONE)
                return 0;
        if (answer->status < 300) {
                *err = answer->err;
                return err_wrap(err, "%.200s", what);
        }
        sentence(answer, text);
        return err_set(err, kind_of(answer->status), "%.200s: the API server answered %d%s%s", what,
                       answer->status, *text != '\0' ? ": " : "", text);
}

bool kube_answer_may_pass(const struct kube_answer *answer)
{
        static const int final[] = { 400, 404, 405, 409, 410, 413, 415, 422 };

        for (size_t i = 0; i < ARRAY_LEN(final); i++)
                if (answer->status == final[i])
                        return false;
        return true;
}
