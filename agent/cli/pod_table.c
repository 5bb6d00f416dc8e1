// SPDX-License-Identifier: Apache-2.0
/*
 * First whether all is well, and if not, what is wrong where; then a line a pod.
 */
#include "cli/pod_table.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/pod_state.h"
#include "cli/pod_summary.h"
#include "cli/terminal.h"

#define COLUMNS_MAX       13
#define CELL_MAX          320
#define SHORT_FINGERPRINT 16

struct row {
        const struct pod *pod;
        struct pod_state state;
        const struct pod_table *view;
};

struct column {
        const char *title;
        bool is_wide; /* only in the wide form */
        struct terminal_column limit;
        enum terminal_style (*text)(const struct row *row, char out[static CELL_MAX]);
};

static const char *or_none(const char *text)
{
        return text[0] != '\0' ? text : "-";
}

static void put(char out[static CELL_MAX], const char *text)
{
        (void)snprintf(out, CELL_MAX, "%s", text);
}

static enum terminal_style style_of(enum pod_severity severity)
{
        static const enum terminal_style styles[] = { [POD_GOOD] = STYLE_GOOD,
                                                      [POD_BUSY] = STYLE_BOLD,
                                                      [POD_WARNING] = STYLE_WARN,
                                                      [POD_BAD] = STYLE_BAD };

        return styles[severity];
}

static enum terminal_style show_namespace(const struct row *row, char out[static CELL_MAX])
{
        put(out, row->pod->namespace);
        return STYLE_PLAIN;
}

static enum terminal_style show_database(const struct row *row, char out[static CELL_MAX])
{
        put(out, or_none(row->pod->database));
        return STYLE_PLAIN;
}

static enum terminal_style show_pod(const struct row *row, char out[static CELL_MAX])
{
        put(out, row->pod->name);
        return STYLE_BOLD;
}

static enum terminal_style show_role(const struct row *row, char out[static CELL_MAX])
{
        put(out, or_none(row->pod->report.engine.role));
        return STYLE_PLAIN;
}

/* "12 d", "5 h", "40 min" */
static const char *distance(int64_t s, char out[static 32])
{
        static const struct {
                int64_t s;
                const char *unit;
        } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
        size_t i = 0;

        while (i < ARRAY_LEN(units) - 1 && s < units[i].s)
                i++;
        (void)snprintf(out, 32, "%lld %s", (long long)(s / units[i].s), units[i].unit);
        return out;
}

static enum terminal_style show_until(const struct row *row, char out[static CELL_MAX])
{
        const struct pod_state *state = &row->state;
        const int64_t left = state->until.s - row->view->now.s;
        char at[CLOCK_TEXT_MAX];
        char how_far[32];
        int len = 0;

        if (state->until.s == 0) {
                put(out, "-");
                return STYLE_PLAIN;
        }
        if (row->view->wide)
                len = snprintf(out, CELL_MAX, "%s, ", clock_format(state->until, at));
        if (left > 0)
                (void)snprintf(out + len, CELL_MAX - (size_t)len, "in %s", distance(left, how_far));
        else
                (void)snprintf(out + len, CELL_MAX - (size_t)len, "%s ago", distance(-left, how_far));
        if (left <= 0)
                return STYLE_BAD;
        return state->ends ? STYLE_WARN : STYLE_PLAIN;
}

static enum terminal_style show_agree(const struct row *row, char out[static CELL_MAX])
{
        const enum pod_agreement agreement = row->state.agreement;

        put(out, row->pod->told == POD_TOLD ? pod_state_agreement(agreement) : "-");
        if (row->pod->told != POD_TOLD || agreement == POD_PLAIN)
                return STYLE_PLAIN;
        if (agreement == POD_AGREES)
                return STYLE_GOOD;
        return agreement == POD_NOT_SERVED ? STYLE_BAD : STYLE_WARN;
}

static enum terminal_style show_phase(const struct row *row, char out[static CELL_MAX])
{
        const struct pod_report *report = &row->pod->report;
        const char *how_far = report->plan.done   ? "done"
                              : report->plan.held ? "held"
                              : report->plan.turn ? "turn"
                                                  : "waits";

        if (!report->plan.given) {
                put(out, "-");
                return STYLE_PLAIN;
        }
        (void)snprintf(out, CELL_MAX, "%s%s%s", report->plan.phase, report->plan.phase[0] != '\0' ? " " : "",
                       how_far);
        return report->plan.done ? STYLE_GOOD : STYLE_PLAIN;
}

static enum terminal_style show_state(const struct row *row, char out[static CELL_MAX])
{
        put(out, row->state.word);
        return style_of(row->state.severity);
}

static enum terminal_style show_fingerprint(const struct row *row, char out[static CELL_MAX])
{
        const struct pod_report *report = &row->pod->report;
        char text[FINGERPRINT_TEXT_MAX];

        put(out, "-");
        if (report->n_bundles > 0 && report->bundles[0].stages[STAGE_SERVED].known)
                (void)snprintf(out, CELL_MAX, "%.*s", SHORT_FINGERPRINT,
                               hex_fingerprint(&report->bundles[0].stages[STAGE_SERVED].fp, text));
        return STYLE_PLAIN;
}

static enum terminal_style show_engine(const struct row *row, char out[static CELL_MAX])
{
        const struct pod_report *report = &row->pod->report;

        (void)snprintf(out, CELL_MAX, "%s%s%s", or_none(report->database),
                       report->engine.version[0] != '\0' ? " " : "", report->engine.version);
        return STYLE_PLAIN;
}

static enum terminal_style show_agent(const struct row *row, char out[static CELL_MAX])
{
        put(out, or_none(row->pod->report.agent));
        return STYLE_PLAIN;
}

static enum terminal_style show_via(const struct row *row, char out[static CELL_MAX])
{
        const struct pod_report *report = &row->pod->report;

        (void)snprintf(out, CELL_MAX, "%s%s", or_none(report->via), report->lag ? ", the other lags" : "");
        return report->lag ? STYLE_WARN : STYLE_PLAIN;
}

static enum terminal_style show_error(const struct row *row, char out[static CELL_MAX])
{
        const struct pod_report *report = &row->pod->report;

        out[0] = '\0';
        if (row->pod->told == POD_GARBLED)
                put(out, row->pod->problem);
        else if (report->reason[0] != '\0' && row->view->wide)
                (void)snprintf(out, CELL_MAX, "%s: %s", report->reason, report->message);
        else if (report->reason[0] != '\0')
                put(out, report->message[0] != '\0' ? report->message : report->reason);
        else if (report->plan.text[0] != '\0')
                (void)snprintf(out, CELL_MAX, "plan: %s", report->plan.text);
        return STYLE_BAD;
}

static const struct column columns[] = {
        { "NAMESPACE", false, { 8, 6, true }, show_namespace }, /* left out unless there are several */
        { "DATABASE", false, { 8, 6, true }, show_database },
        { "POD", false, { 10, 7, true }, show_pod },
        { "ROLE", false, { 7, 4, false }, show_role },
        { "SERVED UNTIL", false, { 12, 7, false }, show_until },
        { "AGREE", false, { 11, 5, false }, show_agree },
        { "PHASE", false, { 10, 5, false }, show_phase },
        { "STATE", false, { 12, 8, false }, show_state },
        { "FINGERPRINT", true, { 0, 0, false }, show_fingerprint },
        { "ENGINE", true, { 0, 0, false }, show_engine },
        { "AGENT", true, { 0, 0, false }, show_agent },
        { "VIA", true, { 0, 0, false }, show_via },
        { "LAST ERROR", false, { 16, 8, false }, show_error },
};

/* The columns shown; returns their number. */
static size_t choose(const struct pod_table *view, const struct column *chosen[static COLUMNS_MAX])
{
        size_t n = 0;

        for (size_t i = view->namespaces ? 0 : 1; i < ARRAY_LEN(columns); i++)
                if (view->wide || !columns[i].is_wide)
                        chosen[n++] = &columns[i];
        return n;
}

static void add_head(struct terminal_table *table, const struct column *const *chosen, size_t n)
{
        struct terminal_cell cells[COLUMNS_MAX];

        for (size_t i = 0; i < n; i++)
                cells[i] = (struct terminal_cell){ chosen[i]->title, STYLE_DIM };
        terminal_table_row(table, cells, n);
}

static void add_pod(struct terminal_table *table, const struct column *const *chosen, size_t n,
                    const struct row *row)
{
        struct terminal_cell cells[COLUMNS_MAX];
        char texts[COLUMNS_MAX][CELL_MAX];

        for (size_t i = 0; i < n; i++) {
                cells[i].style = chosen[i]->text(row, texts[i]);
                cells[i].text = texts[i];
        }
        terminal_table_row(table, cells, n);
}

void pod_table_render(const struct pod_list *list, const struct pod_table *view, struct buf *out)
{
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(view->color);
        const size_t width = view->width != 0 ? view->width : POD_TABLE_WIDTH;
        struct terminal_column limits[COLUMNS_MAX];
        const struct column *chosen[COLUMNS_MAX];
        const size_t n = choose(view, chosen);

        pod_summary_line(list, view->now, view->color, width, out);
        if (list->n == 0)
                return;
        buf_add_char(out, '\n');
        add_head(table, chosen, n);
        for (size_t i = 0; i < list->n; i++) {
                struct row row = { .pod = list->pods[i], .view = view };

                pod_state_judge(row.pod, view->now, &row.state);
                add_pod(table, chosen, n, &row);
        }
        for (size_t i = 0; i < n; i++)
                limits[i] = chosen[i]->limit;
        if (!view->wide)
                terminal_table_fit(table, width, limits, n);
        terminal_table_print(table, out);
}
