// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * OpsRequests for tests, written with ' for ".
 */
#include "base/mem.h"
#include "control/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static inline UNUSED cJSON *scene_json(const char *text)
{
        AUTO(mem_free_p) char *json = mem_strdup(text);
        struct err err = ERR_INIT;
        cJSON *tree = NULL;

        for (char *p = json; *p != '\0'; p++)
                if (*p == '\'')
                        *p = '"';
        if (json_parse(json, strlen(json), &tree, &err) != 0)
                fail_msg("%s: %s", err.text, json);
        return tree;
}

static inline UNUSED struct request *scene_read(const char *text)
{
        AUTO(json_free_p) cJSON *tree = scene_json(text);
        struct request *request = NULL;
        struct err err = ERR_INIT;

        if (request_read(tree, &request, &err) != 0)
                fail_msg("%s", err.text);
        return request;
}

/* kind of the database; members of spec beside databaseRef, more members of metadata ("" or ",…"), status */
static inline UNUSED struct request *scene_whole(const char *kind, const char *spec, const char *meta,
                                                 const char *status)
{
        AUTO(mem_free_p)
        char *text = mem_printf("{'apiVersion':'ops.kubedb.com/v1alpha1','kind':'%sOpsRequest','metadata':{"
                                "'name':'it','namespace':'demo'%s},'spec':{'databaseRef':{'name':'db'},%s},"
                                "'status':%s}",
                                kind, meta, spec, status);

        return scene_read(text);
}

static inline UNUSED struct request *scene_spec(const char *kind, const char *spec)
{
        return scene_whole(kind, spec, "", "{}");
}
