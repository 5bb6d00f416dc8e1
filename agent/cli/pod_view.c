// SPDX-License-Identifier: Apache-2.0
/*
 * A watch of the API server, and a page whenever it has told something. Without --watch the same, ended by
 * the first whole list.
 */
#include "cli/pod_view.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "cli/pod_summary.h"
#include "cli/pod_table.h"
#include "cli/terminal.h"
#include "kube/watch.h"

#define PAGE_MAX_BYTES    ((size_t)64 << 20)
#define LABEL_MAX         63
#define SELECTOR_MAX      768
#define SCREEN_REFRESH_MS INT64_C(60000) /* "in 40 min" is not so for ever */
#define TO_THE_TOP        "\033[H\033[2J"

struct shown {
        const struct pod_view *view;
        const char *namespace; /* NULL: all */
        struct loop *loop;
        struct loop_timer *timer; /* draws */
        struct kube_watch *watch;
        struct pod_list list;
        char *page; /* the last one */
        struct mono drawn;
        bool soon; /* the timer is set for a change */
        bool listed;
        struct err lost; /* of a watch that is not live; ERR_NONE: it is */
        struct err *err;
        int result;
};

static void end(struct shown *shown, int result)
{
        shown->result = result;
        loop_stop(shown->loop);
}

static void add_lost(const struct shown *shown, struct buf *page)
{
        AUTO(terminal_table_free_p) struct terminal_table *table = terminal_table_new(shown->view->color);
        AUTO(mem_free_p) char *text = mem_printf("not live: %s", shown->lost.text);

        terminal_table_row(table, &(struct terminal_cell){ text, STYLE_WARN }, 1);
        terminal_table_print(table, page);
}

static void render(const struct shown *shown, struct buf *page)
{
        const struct pod_view *view = shown->view;
        const struct wall now = clock_wall();
        const size_t width =
                view->width == 0 && view->screen ? terminal_width(fileno(view->out)) : view->width;

        if (view->form == POD_VIEW_JSON) {
                AUTO(json_free_p) cJSON *tree = pod_summary_json(&shown->list, now);
                AUTO(mem_free_p) char *text = NULL;

                if (shown->lost.kind != ERR_NONE)
                        json_add_str(tree, "lost", shown->lost.text);
                text = json_print(tree, true);
                buf_printf(page, "%s\n", text);
                return;
        }
        if (shown->lost.kind != ERR_NONE)
                add_lost(shown, page);
        pod_table_render(&shown->list,
                         &(struct pod_table){ .now = now,
                                              .color = view->color,
                                              .wide = view->form == POD_VIEW_WIDE,
                                              .namespaces = shown->namespace == NULL,
                                              .width = width },
                         page);
}

static void draw(struct shown *shown)
{
        AUTO(buf_done_p) struct buf page = BUF_INIT(PAGE_MAX_BYTES);
        const struct pod_view *view = shown->view;

        pod_list_sort(&shown->list);
        render(shown, &page);
        shown->drawn = clock_mono();
        shown->soon = false;
        if (view->watch && view->screen)
                loop_timer_set(shown->timer, SCREEN_REFRESH_MS);
        if (page.overflow)
                end(shown, err_set(shown->err, ERR_LIMIT,
                                   "the page is larger than %zu bytes: ask for fewer pods", PAGE_MAX_BYTES));
        if (page.overflow || (shown->page != NULL && strcmp(shown->page, buf_str(&page)) == 0))
                return;
        mem_free(shown->page);
        shown->page = buf_take(&page);
        if (fprintf(view->out, "%s%s", view->watch && view->screen ? TO_THE_TOP : "", shown->page) < 0 ||
            fflush(view->out) == EOF)
                end(shown, 1);
}

static void draw_now(void *arg)
{
        draw(arg);
}

static void draw_soon(struct shown *shown)
{
        const int64_t since = clock_mono().ms - shown->drawn.ms;

        if (shown->soon || !shown->listed)
                return;
        shown->soon = true;
        loop_timer_set(shown->timer, shown->page == NULL || since >= shown->view->pause_ms
                                             ? 0
                                             : shown->view->pause_ms - since);
}

static int nobody(const struct shown *shown, const char *name)
{
        const bool all = shown->namespace == NULL;

        return err_set(shown->err, ERR_MISSING, "no %s%.100s%s in %s%.63s%s",
                       name == NULL ? "pod with certrotate" : "database or pod '", name == NULL ? "" : name,
                       name == NULL ? "" : "'", all ? "any namespace" : "namespace '",
                       all ? "" : shown->namespace, all ? "" : "'");
}

static void listed(struct shown *shown)
{
        const char *missing = pod_list_missing(&shown->list);

        shown->listed = true;
        if (shown->view->watch) {
                draw_soon(shown);
                return;
        }
        end(shown, pod_summary_is_well(&shown->list, clock_wall()) ? 0 : 1);
        if (shown->list.n > 0 || shown->view->form == POD_VIEW_JSON)
                draw(shown);
        if (missing != NULL || shown->list.n == 0)
                end(shown, nobody(shown, missing));
}

/* The server's own sentence says who asked; ours says what an administrator has to grant. */
static void explain(const struct shown *shown, const struct err *why, struct err *out)
{
        const char *verb = shown->listed ? "watch" : "list";

        *out = *why;
        if (why->kind != ERR_PRIVILEGE)
                return;
        if (shown->namespace == NULL)
                (void)err_wrap(out, "the right to %s pods in all namespaces is missing", verb);
        else
                (void)err_wrap(out, "the right to %s pods in namespace '%s' is missing", verb,
                               shown->namespace);
}

static void lost(struct shown *shown, const struct err *why)
{
        if (!shown->listed || why->kind == ERR_USAGE) {
                explain(shown, why, shown->err);
                end(shown, -1);
                return;
        }
        explain(shown, why, &shown->lost);
        draw_soon(shown);
}

static void told(const struct kube_watch_event *event, void *arg)
{
        struct shown *shown = arg;

        if (event->kind == KUBE_LOST) {
                lost(shown, event->err);
                return;
        }
        shown->lost.kind = ERR_NONE;
        switch (event->kind) {
        case KUBE_OBJECT:
                pod_list_put(&shown->list, event->object);
                draw_soon(shown);
                break;
        case KUBE_GONE:
                pod_list_remove(&shown->list, event->namespace, event->name);
                draw_soon(shown);
                break;
        case KUBE_LISTED:
                listed(shown);
                break;
        case KUBE_LOST:
                break;
        }
}

static bool is_label(const char *text)
{
        const size_t n = strlen(text);

        return n > 0 && n <= LABEL_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
               text[0] != '-' && text[n - 1] != '-';
}

static int escape_selector(const char *selector, struct buf *out, struct err *err)
{
        for (; *selector != '\0'; selector++) {
                if (isalnum((unsigned char)*selector) || strchr("-._~", *selector) != NULL)
                        buf_add_char(out, *selector);
                else
                        buf_printf(out, "%%%02X", (unsigned)(unsigned char)*selector);
        }
        if (out->overflow)
                return err_set(err, ERR_USAGE, "--selector is longer than %d bytes", SELECTOR_MAX);
        return 0;
}

static void show(struct shown *shown, struct kube_client *client, const struct kube_watch_spec *spec)
{
        shown->timer = loop_timer_new(shown->loop, draw_now, shown);
        shown->watch = kube_watch_open(client, spec, told, shown);
        loop_run(shown->loop);
        kube_watch_close(shown->watch);
        loop_timer_free(shown->timer);
        pod_list_done(&shown->list);
        mem_free(shown->page);
}

int pod_view_run(struct kube_client *client, const struct pod_view *view, struct err *err)
{
        AUTO(buf_done_p) struct buf selector = BUF_INIT(SELECTOR_MAX);
        AUTO(mem_free_p) char *collection = NULL;
        struct shown shown = {
                .view = view,
                .namespace = view->namespace,
                .loop = kube_client_loop(client),
                .list = { .names = view->names, .n_names = view->n_names },
                .lost = ERR_INIT,
                .err = err,
        };

        if (view->all_namespaces)
                shown.namespace = NULL;
        else if (shown.namespace == NULL)
                shown.namespace = kube_client_access(client)->namespace;
        if (shown.namespace != NULL && !is_label(shown.namespace))
                return err_set(err, ERR_USAGE, "'%.100s' is no name of a namespace", shown.namespace);
        if (view->selector != NULL && escape_selector(view->selector, &selector, err))
                return -1;
        collection = shown.namespace == NULL ? mem_strdup("/api/v1/pods")
                                             : mem_printf("/api/v1/namespaces/%s/pods", shown.namespace);
        show(&shown, client,
             &(struct kube_watch_spec){ .collection = collection,
                                        .labels = selector.len > 0 ? buf_str(&selector) : NULL });
        return shown.result;
}
