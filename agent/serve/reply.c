// SPDX-License-Identifier: Apache-2.0
#include "serve/reply.h"

#include <string.h>

#include "base/mem.h"

void reply_json(cJSON *tree, struct http_reply *reply)
{
        AUTO(mem_free_p) char *text = json_print(tree, true);

        json_free(tree);
        reply->content_type = "application/json";
        buf_add_str(&reply->body, text);
        buf_add_char(&reply->body, '\n');
}

void reply_checks(const struct check_list *list, bool verbose, struct http_reply *reply)
{
        char reason[CHECKS_MESSAGE_MAX];
        const bool is_fine = checks_pass(list, reason);

        reply->status = is_fine ? 200 : 503;
        if (verbose)
                reply_json(checks_to_json(list), reply);
        else
                buf_printf(&reply->body, "%s\n", is_fine ? "ok" : reason);
}

bool reply_is_verbose(const char *query)
{
        static const char word[] = "verbose";

        for (const char *at = query; at != NULL; at = strchr(at, '&')) {
                at += *at == '&';
                if (strncmp(at, word, sizeof(word) - 1) == 0 && strchr("=&", at[sizeof(word) - 1]) != NULL)
                        return true; /* strchr finds the end of the string too */
        }
        return false;
}
