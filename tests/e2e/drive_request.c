// SPDX-License-Identifier: Apache-2.0
/*
 * OpsRequests as the controller reads them, without a server: one object a line, one answer a line, in JSON.
 *
 *   {"operation": "rotate", "wrong": null}
 */
#include "base/mem.h"
#include "control/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int answer(const char *line, size_t len, struct err *err)
{
        AUTO(json_free_p) cJSON *object = NULL, *said = json_object();
        AUTO(request_free_p) struct request *request = NULL;
        AUTO(mem_free_p) char *text = NULL;

        if (json_parse(line, len, &object, err) != 0 || request_read(object, &request, err) != 0)
                return -1;
        json_add_str(said, "operation", request_operation(request));
        json_add_str(said, "wrong", request->wrong);
        text = json_print(said, false);
        (void)printf("%s\n", text);
        return fflush(stdout);
}

int main(void)
{
        AUTO(mem_free_p) char *line = NULL;
        struct err err = ERR_INIT;
        size_t room = 0;
        ssize_t len;

        while ((len = getline(&line, &room, stdin)) >= 0) {
                if (answer(line, (size_t)len, &err) != 0) {
                        (void)fprintf(stderr, "%s\n", err.text);
                        return EXIT_FAILURE;
                }
        }
        return EXIT_SUCCESS;
}
