// SPDX-License-Identifier: Apache-2.0
/*
 * Of a pod only what is shown is kept: a list of them is large.
 */
#include "cli/pod_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kube/reporter.h"

#define INJECT   "certrotate.io/inject"
#define DATABASE "app.kubernetes.io/instance"

static const char *text_of(const cJSON *object, const char *key)
{
        const char *text = json_get_str(object, key);

        return text == NULL ? "" : text;
}

static void pod_free(struct pod *pod)
{
        mem_free(pod->namespace);
        mem_free(pod->name);
        mem_free(pod->database);
        json_free(pod->tree);
        mem_free(pod);
}

static void read_report(const char *text, struct pod *pod)
{
        struct err err = ERR_INIT;

        if (text == NULL)
                return;
        if (pod_report_parse(text, strlen(text), &pod->report, &err) != 0 ||
            json_parse(text, strlen(text), &pod->tree, &err) != 0) {
                pod->told = POD_GARBLED;
                (void)snprintf(pod->problem, sizeof(pod->problem), "%.*s", (int)sizeof(pod->problem) - 1,
                               err.text);
                return;
        }
        pod->told = POD_TOLD;
}

static struct pod *read_pod(const cJSON *object)
{
        const cJSON *meta = json_get(object, "metadata");
        const cJSON *annotations = json_get(meta, "annotations");
        const char *database = json_get_str(json_get(meta, "labels"), DATABASE);
        struct pod *pod = MEM_NEW(struct pod);

        pod->namespace = mem_strdup(text_of(meta, "namespace"));
        pod->name = mem_strdup(text_of(meta, "name"));
        pod->terminating = json_get_str(meta, "deletionTimestamp") != NULL;
        (void)snprintf(pod->phase, sizeof(pod->phase), "%s", text_of(json_get(object, "status"), "phase"));
        read_report(json_get_str(annotations, KUBE_REPORT_ANNOTATION), pod);
        pod->database = mem_strdup(database != NULL ? database : pod->report.instance);
        return pod;
}

static bool is_ours(const cJSON *object)
{
        const cJSON *annotations = json_get(json_get(object, "metadata"), "annotations");

        return (json_get_str(annotations, KUBE_REPORT_ANNOTATION) != NULL ||
                strcmp(text_of(annotations, INJECT), "true") == 0) &&
               strcmp(text_of(json_get(object, "status"), "phase"), "Succeeded") != 0;
}

static bool is_called(const struct pod *pod, const char *name)
{
        return strcmp(pod->database, name) == 0 || strcmp(pod->name, name) == 0;
}

static bool is_wanted(const struct pod_list *list, const struct pod *pod)
{
        for (size_t i = 0; i < list->n_names; i++)
                if (is_called(pod, list->names[i]))
                        return true;
        return list->n_names == 0;
}

void pod_list_remove(struct pod_list *list, const char *namespace, const char *name)
{
        size_t i = 0;

        while (i < list->n &&
               (strcmp(list->pods[i]->name, name) != 0 || strcmp(list->pods[i]->namespace, namespace) != 0))
                i++;
        if (i == list->n)
                return;
        pod_free(list->pods[i]);
        memmove(&list->pods[i], &list->pods[i + 1], (list->n - i - 1) * sizeof(*list->pods));
        list->n--;
}

void pod_list_put(struct pod_list *list, const cJSON *object)
{
        const cJSON *meta = json_get(object, "metadata");
        struct pod *pod;

        pod_list_remove(list, text_of(meta, "namespace"), text_of(meta, "name"));
        if (!is_ours(object))
                return;
        pod = read_pod(object);
        if (!is_wanted(list, pod)) {
                pod_free(pod);
                return;
        }
        list->pods = mem_grow(list->pods, list->n + 1, sizeof(*list->pods));
        list->pods[list->n++] = pod;
}

static int compare(const void *one, const void *other)
{
        const struct pod *a = *(const struct pod *const *)one;
        const struct pod *b = *(const struct pod *const *)other;
        int order = strcmp(a->namespace, b->namespace);

        if (order == 0)
                order = strverscmp(a->database, b->database);
        if (order == 0)
                order = strverscmp(a->name, b->name);
        return order;
}

void pod_list_sort(struct pod_list *list)
{
        if (list->n > 1)
                qsort(list->pods, list->n, sizeof(struct pod *), compare);
}

const char *pod_list_missing(const struct pod_list *list)
{
        for (size_t i = 0; i < list->n_names; i++) {
                bool found = false;

                for (size_t j = 0; j < list->n && !found; j++)
                        found = is_called(list->pods[j], list->names[i]);
                if (!found)
                        return list->names[i];
        }
        return NULL;
}

void pod_list_done(struct pod_list *list)
{
        for (size_t i = 0; i < list->n; i++)
                pod_free(list->pods[i]);
        mem_free(list->pods);
        list->pods = NULL;
        list->n = 0;
}
