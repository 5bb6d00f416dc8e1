// SPDX-License-Identifier: Apache-2.0
/*
 * Counts of pods by what they are in.
 */
#include "cli/pod_summary.h"

#include <string.h>

#include "base/mem.h"
#include "cli/pod_state.h"
#include "cli/terminal.h"

#define NAMES_SHOWN    2 /* of each kind of trouble */
#define LINE_MAX_BYTES 4096

struct counts {
        size_t pods[POD_KINDS];
        const char *names[POD_KINDS][NAMES_SHOWN];
        size_t severities[POD_BAD + 1];
        size_t databases;
        enum pod_severity worst;
};

/* How much is said: the next when the line would be too wide. */
enum detail { DETAIL_NAMES, DETAIL_KINDS, DETAIL_SEVERITIES };

static void count(const struct pod_list *list, struct wall now, struct counts *out)
{
        const struct pod *before = NULL;

        for (size_t i = 0; i < list->n; i++) {
                const struct pod *pod = list->pods[i];
                struct pod_state state;

                pod_state_judge(pod, now, &state);
                if (out->pods[state.kind] < NAMES_SHOWN)
                        out->names[state.kind][out->pods[state.kind]] = pod->name;
                out->pods[state.kind]++;
                out->severities[state.severity]++;
                if (state.severity > out->worst)
                        out->worst = state.severity;
                if (before == NULL || strcmp(before->database, pod->database) != 0 ||
                    strcmp(before->namespace, pod->namespace) != 0)
                        out->databases++;
                before = pod;
        }
}

static void add_names(const struct counts *counts, enum pod_kind kind, struct buf *out)
{
        for (size_t i = 0; i < NAMES_SHOWN && i < counts->pods[kind]; i++)
                buf_printf(out, "%s%s", i == 0 ? " (" : ", ", counts->names[kind][i]);
        buf_add_str(out, counts->pods[kind] > NAMES_SHOWN ? ", …)" : ")");
}

static void add_kinds(const struct counts *counts, bool names, struct buf *out)
{
        const char *glue = ": ";

        for (enum pod_kind kind = 0; kind < POD_IS_IDLE; kind++) {
                if (counts->pods[kind] == 0)
                        continue;
                buf_printf(out, "%s%zu %s", glue, counts->pods[kind], pod_state_name(kind));
                if (names && kind < POD_ROTATES)
                        add_names(counts, kind, out);
                glue = ", ";
        }
}

static void add_severities(const struct counts *counts, struct buf *out)
{
        static const char *const names[] = { [POD_GOOD] = "well",
                                             [POD_BUSY] = "rotating",
                                             [POD_WARNING] = "with warnings",
                                             [POD_BAD] = "in trouble" };
        const char *glue = ": ";

        for (size_t severity = POD_BAD + 1; severity-- > POD_GOOD;) {
                if (counts->severities[severity] == 0)
                        continue;
                buf_printf(out, "%s%zu %s", glue, counts->severities[severity], names[severity]);
                glue = ", ";
        }
}

static void add_line(const struct pod_list *list, const struct counts *counts, enum detail detail,
                     struct buf *out)
{
        if (list->n == 0) {
                buf_add_str(out, "no pods");
                return;
        }
        buf_printf(out, "%zu pod%s of %zu database%s", list->n, list->n == 1 ? "" : "s", counts->databases,
                   counts->databases == 1 ? "" : "s");
        if (counts->worst == POD_GOOD)
                buf_add_str(out, ": all well");
        else if (detail == DETAIL_SEVERITIES)
                add_severities(counts, out);
        else
                add_kinds(counts, detail == DETAIL_NAMES, out);
}

void pod_summary_line(const struct pod_list *list, struct wall now, bool color, size_t width, struct buf *out)
{
        static const enum terminal_style styles[] = { STYLE_GOOD, STYLE_BOLD, STYLE_WARN, STYLE_BAD };
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(color);
        AUTO(buf_done_p) struct buf line = BUF_INIT(LINE_MAX_BYTES);
        struct counts counts = { 0 };

        count(list, now, &counts);
        for (enum detail detail = DETAIL_NAMES; detail <= DETAIL_SEVERITIES; detail++) {
                AUTO(buf_done_p) struct buf clean = BUF_INIT(LINE_MAX_BYTES);

                buf_reset(&line);
                add_line(list, &counts, detail, &line);
                if (!line.overflow && terminal_clean(&clean, buf_str(&line)) <= width)
                        break;
        }
        terminal_table_row(
                table,
                &(struct terminal_cell){ buf_str(&line), list->n == 0 ? STYLE_PLAIN : styles[counts.worst] },
                1);
        terminal_table_print(table, out);
}

cJSON *pod_summary_json(const struct pod_list *list, struct wall now)
{
        cJSON *tree = json_object();
        cJSON *items = json_array();

        for (size_t i = 0; i < list->n; i++) {
                const struct pod *pod = list->pods[i];
                cJSON *item = json_object();
                struct pod_state state;

                pod_state_judge(pod, now, &state);
                json_add_str(item, "namespace", pod->namespace);
                json_add_str(item, "pod", pod->name);
                json_add_str(item, "database", pod->database[0] != '\0' ? pod->database : NULL);
                json_add_str(item, "state", state.word);
                json_add_bool(item, "well", state.well);
                json_add_str(item, "problem", pod->told == POD_GARBLED ? pod->problem : NULL);
                json_add(item, "report",
                         pod->tree != NULL ? cJSON_Duplicate(pod->tree, true) : cJSON_CreateNull());
                json_append(items, item);
        }
        json_add(tree, "items", items);
        return tree;
}

bool pod_summary_is_well(const struct pod_list *list, struct wall now)
{
        for (size_t i = 0; i < list->n; i++) {
                struct pod_state state;

                pod_state_judge(list->pods[i], now, &state);
                if (!state.well)
                        return false;
        }
        return list->n > 0;
}
