// SPDX-License-Identifier: Apache-2.0
/*
 * Two tries at most, one a port. What a port that answers has to say is the answer; that the other one is
 * closed is none.
 */
#include "hooks/druid_call.h"

#include "base/mem.h"
#include "hooks/http_call.h"

#define PORTS 2

struct call {
        struct op op;
        struct druid *druid;
        struct druid_call request;
        int64_t limit_ms;
        struct mono deadline;
        struct secret password;
        char *urls[PORTS];
        size_t n;
        size_t at;
        size_t body_start;
        struct op *http;
        struct err first; /* why the first port did not answer */
};

static const struct admin_settings *admin_of(const struct call *call)
{
        return &call->druid->database.settings->admin;
}

static int begin(struct call *call, struct mono now, struct err *err)
{
        const struct druid *druid = call->druid;
        const bool plain_first = druid->database.mode == TLS_OFF && druid->plain_base != NULL;
        const char *bases[PORTS] = { plain_first ? druid->plain_base : druid->tls_base,
                                     plain_first ? druid->tls_base : druid->plain_base };

        call->deadline = clock_after(now, call->limit_ms);
        if (admin_of(call)->password_file != NULL &&
            secret_read(admin_of(call)->password_file, &call->password, err) != 0)
                return err_wrap(err, "admin.password-file");
        for (size_t i = 0; i < PORTS && bases[i] != NULL; i++)
                call->urls[call->n++] = mem_printf("%s%s", bases[i], call->request.path);
        return 0;
}

static void start_http(struct call *call, struct mono now)
{
        const int64_t left = call->deadline.ms - now.ms;

        call->http = http_call_start(
                &(struct http_request){
                        .url = call->urls[call->at],
                        .method = call->request.method,
                        .authorities = call->druid->authorities,
                        .user = admin_of(call)->user,
                        .password = &call->password,
                        .body = call->request.body,
                        .limit_ms = left / (int64_t)(call->n - call->at),
                },
                &call->druid->curl);
}

static bool is_silent(enum err_kind kind)
{
        return kind == ERR_NOT_READY || kind == ERR_NETWORK || kind == ERR_TIMEOUT || kind == ERR_PROTOCOL;
}

/* A try failed: is there another one? */
static bool try_other(struct call *call, struct err *err)
{
        struct buf *body = call->request.body;

        if (is_silent(err->kind) && call->at + 1 < call->n) {
                call->first = *err;
                *err = (struct err)ERR_INIT;
                call->at++;
                while (body != NULL && body->len > call->body_start)
                        body->data[--body->len] = '\0';
                return true;
        }
        if (call->at > 0 && err->kind == ERR_NOT_READY)
                *err = call->first;
        if (err->kind == ERR_AUTH && admin_of(call)->user == NULL)
                (void)err_wrap(err, "Druid wants a login, set admin.user and admin.password-file");
        else if (err->kind == ERR_AUTH)
                (void)err_wrap(err, "Druid refuses admin.user with the password of admin.password-file");
        return false;
}

static enum op_state call_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct call *call = CONTAINER_OF(op, struct call, op);

        if (call->n == 0 && begin(call, now, err) != 0)
                return OP_FAILED;
        for (;;) {
                enum op_state state;

                if (call->http == NULL)
                        start_http(call, now);
                state = call->http->type->step(call->http, ready, now, err);
                if (state == OP_WAIT) {
                        call->op.want = call->http->want;
                        return OP_WAIT;
                }
                op_free(TAKE(call->http));
                if (state == OP_DONE)
                        return OP_DONE;
                if (!try_other(call, err))
                        return OP_FAILED;
                ready = 0;
        }
}

static void call_free(struct op *op)
{
        struct call *call = CONTAINER_OF(op, struct call, op);

        op_free(call->http);
        for (size_t i = 0; i < call->n; i++)
                mem_free(call->urls[i]);
        secret_done(&call->password);
        mem_free(call);
}

struct op *druid_call_start(struct druid *druid, const struct druid_call *request, int64_t limit_ms)
{
        static const struct op_type type = { .name = "call of Druid", .step = call_step, .free = call_free };
        struct call *call = MEM_NEW(struct call);

        call->op.type = &type;
        call->druid = druid;
        call->request = *request;
        call->limit_ms = limit_ms;
        call->body_start = request->body == NULL ? 0 : request->body->len;
        return &call->op;
}
