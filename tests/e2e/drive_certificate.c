// SPDX-License-Identifier: Apache-2.0
/*
 * What the controller makes of cert-manager's objects, without the controller: reads one question a line, in
 * JSON, and answers each with one line of JSON.
 *
 *   {"ask": "read", "have": …}                           what it keeps of the Certificate
 *   {"ask": "build", "have": …, "wish": {…}}             the Certificate as it is to be (of PerconaXtraDB)
 *   {"ask": "compare", "have": …, "want": …}             same, reissued
 *   {"ask": "patch", "have": …, "request": …}            for the subresource status
 *   {"ask": "renewed", "have": …}
 */
#include "base/limits.h"
#include "base/mem.h"
#include "control/certificate.h"

#include <stdio.h>
#include <string.h>

static const struct kind kind = { .database = "PerconaXtraDB",
                                  .databases = "perconaxtradbs",
                                  .group = "kubedb.com/v1" };

static int read_one(const cJSON *question, cJSON *answer, struct err *err)
{
        AUTO(certificate_free_p) struct certificate *seen = NULL;

        if (certificate_read(json_get(question, "have"), &seen, err) != 0)
                return -1;
        json_add_str(answer, "alias", seen->alias);
        json_add_str(answer, "database", seen->database);
        json_add_str(answer, "issuer", seen->issuer);
        json_add_int(answer, "revision", seen->revision);
        json_add_bool(answer, "ready", seen->is_ready);
        json_add_bool(answer, "issuing", seen->is_issuing);
        json_add_bool(answer, "denied", seen->is_denied);
        json_add_str(answer, "problem", seen->problem);
        return 0;
}

static int build(const cJSON *question, cJSON *answer, struct err *err)
{
        const cJSON *have = json_get(question, "have");
        const cJSON *wish = json_get(question, "wish");
        const struct certificate_wish made = {
                .kind = &kind,
                .namespace = json_get_str(wish, "namespace"),
                .database = json_get_str(wish, "database"),
                .alias = json_get_str(wish, "alias"),
                .given = json_get(wish, "given"),
                .issuer = json_get(wish, "issuerRef"),
        };
        cJSON *out;

        if (certificate_build(&made, have, &out, err) != 0)
                return -1;
        json_add(answer, "want", out);
        return 0;
}

static int patch(const cJSON *question, cJSON *answer)
{
        const char *request = json_get_str(question, "request");
        AUTO(mem_free_p)
        char *text = certificate_issuing_patch(json_get(question, "have"), request == NULL ? "" : request,
                                               clock_wall());

        json_add_str(answer, "patch", text);
        return 0;
}

static int run(const cJSON *question, cJSON *answer, struct err *err)
{
        const char *ask = json_get_str(question, "ask");
        const cJSON *have = json_get(question, "have");
        const cJSON *want = json_get(question, "want");

        if (ask == NULL)
                return err_set(err, ERR_USAGE, "no question");
        if (strcmp(ask, "read") == 0)
                return read_one(question, answer, err);
        if (strcmp(ask, "build") == 0)
                return build(question, answer, err);
        if (strcmp(ask, "patch") == 0)
                return patch(question, answer);
        if (strcmp(ask, "renewed") == 0) {
                json_add(answer, "want", certificate_renewed(have));
                return 0;
        }
        json_add_bool(answer, "same", certificate_is_same(have, want));
        json_add_bool(answer, "reissued", certificate_is_reissued(have, want));
        return 0;
}

int main(void)
{
        char *line = mem_new(JSON_MAX_BYTES);

        while (fgets(line, (int)JSON_MAX_BYTES, stdin) != NULL) {
                AUTO(json_free_p) cJSON *question = NULL;
                AUTO(json_free_p) cJSON *answer = json_object();
                AUTO(mem_free_p) char *text = NULL;
                struct err err = ERR_INIT;

                if (json_parse(line, strlen(line), &question, &err) != 0 ||
                    run(question, answer, &err) != 0) {
                        json_add_str(answer, "reason", err_reason(err.kind));
                        json_add_str(answer, "error", err.text);
                }
                text = json_print(answer, false);
                (void)printf("%s\n", text);
                (void)fflush(stdout);
        }
        mem_free(line);
        return 0;
}
