// SPDX-License-Identifier: Apache-2.0
#include "rotate/custom_choice.h"

#include "base/buf.h"

#include <openssl/sha.h>

#define TARGET_MAX 512

void custom_choice_nothing(struct fingerprint *out)
{
        (void)SHA256((const unsigned char *)"", 0, out->sha256);
}

void custom_choice_target(const struct custom_view *view, const struct fingerprint *content,
                          struct fingerprint *out)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(TARGET_MAX);
        char hex[FINGERPRINT_TEXT_MAX];

        buf_add_str(&text, hex_fingerprint(content, hex));
        if (view->wanted != NULL)
                buf_printf(&text, " %lld %s", (long long)view->plan->generation, view->plan->request);
        (void)SHA256(text.data, text.len, out->sha256);
}

/* The content to be taken, if any is. */
static bool find_content(const struct custom_view *view, struct fingerprint *out)
{
        struct fingerprint nothing;

        custom_choice_nothing(&nothing);
        if (view->wanted != NULL && view->arrived) {
                *out = *view->wanted;
                return true;
        }
        /* What is there serves a database that starts now better than nothing. */
        if (view->plan->given && !view->fresh)
                return false;
        if (view->newest == NULL || hex_fingerprint_equal(view->newest, &nothing))
                return false;
        *out = *view->newest;
        return true;
}

static bool is_judged(const struct custom_view *view, const struct fingerprint *content)
{
        struct fingerprint target;

        custom_choice_target(view, content, &target);
        return hex_fingerprint_equal(&target, &view->judged);
}

static bool lacks_restart(const struct custom_view *view, const struct fingerprint *content)
{
        struct fingerprint target;

        if (view->wanted == NULL || view->restart == PLAN_RESTART_NEVER)
                return false;
        if (view->restart == PLAN_RESTART_AUTO)
                return view->pending;
        custom_choice_target(view, content, &target);
        return !hex_fingerprint_equal(&target, &view->answered);
}

enum custom_choice custom_choose(const struct custom_view *view, struct fingerprint *content)
{
        bool found = find_content(view, content);
        bool same = found && hex_fingerprint_equal(content, &view->current);

        if (view->rolling_back)
                return CUSTOM_UNDO;
        if (view->fresh && found && !same && !is_judged(view, content))
                return CUSTOM_FIRST;
        if (view->unproven && !view->degraded)
                return CUSTOM_PROVE;
        if (!found)
                return view->wanted != NULL ? CUSTOM_AWAIT_CONTENT : CUSTOM_REST;
        if ((same && !view->unproven && !view->degraded && !lacks_restart(view, content)) ||
            is_judged(view, content))
                return CUSTOM_REST;
        return view->plan->turn ? CUSTOM_CHANGE : CUSTOM_AWAIT_TURN;
}

bool custom_choice_is_done(const struct custom_view *view)
{
        if (view->wanted == NULL)
                return true;
        return !view->unproven && !view->rolling_back && !view->degraded &&
               hex_fingerprint_equal(view->wanted, &view->settled) && !lacks_restart(view, view->wanted);
}

bool custom_choice_has_failed(const struct custom_view *view)
{
        return view->wanted != NULL && !view->rolling_back && !custom_choice_is_done(view) &&
               is_judged(view, view->wanted);
}
