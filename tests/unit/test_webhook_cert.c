// SPDX-License-Identifier: Apache-2.0
/*
 * agent/inject/webhook_cert.c and webhook_trust.c over a client that answers what the test says: who writes
 * what, over which version, and what happens when it is refused. Whole lives: tests/e2e/test_webhook.py.
 */
#include "inject/webhook_cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "inject/webhook_trust.h"
#include "kube_fake.h"

#define SECRETS     "/api/v1/namespaces/demo/secrets"
#define HOOKS       "mutatingwebhookconfigurations"
#define PATIENCE_MS INT64_C(30000)

static const char *const names[] = { "hook.demo.svc" };
static const struct inject_settings inject = { .image = "certrotate:1" };

struct scene {
        struct loop *loop;
        struct kube_client *client;
        struct loop_timer *stop;
        struct webhook *webhook;
        struct webhook_cert *cert;
};

static void on_stop(void *arg)
{
        loop_stop(arg);
}

static void turn(struct scene *scene, int64_t ms)
{
        loop_timer_set(scene->stop, ms);
        loop_run(scene->loop);
}

static struct kube_call *find(const struct scene *scene, const char *method, const char *part)
{
        for (size_t i = kube_fake_n(scene->client); i-- > 0;) {
                struct kube_call *call = kube_fake_at(scene->client, i);

                if (!call->is_over && strcmp(call->method, method) == 0 && strstr(call->path, part) != NULL)
                        return call;
        }
        return NULL;
}

/* The call under way, waited for. */
static struct kube_call *call_of(struct scene *scene, const char *method, const char *part)
{
        const struct mono until = clock_after(clock_mono(), PATIENCE_MS);

        while (find(scene, method, part) == NULL) {
                if (clock_mono().ms > until.ms)
                        fail_msg("never: %s %s", method, part);
                turn(scene, 5);
        }
        return find(scene, method, part);
}

static void list(struct scene *scene, const char *part, const char *item)
{
        AUTO(mem_free_p)
        char *text = mem_printf(
                "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"10\"},\"items\":[%s]}", item);

        kube_fake_answer(call_of(scene, "GET", part), 200, text);
        turn(scene, 5);
}

/* What the server would answer: the body with a name and a version. */
static char *with_version(const char *body, const char *version)
{
        AUTO(json_free_p) cJSON *tree = NULL;
        struct err err = ERR_INIT;
        cJSON *meta;

        assert_int_equal(json_parse(body, strlen(body), &tree, &err), 0);
        meta = cJSON_GetObjectItemCaseSensitive(tree, "metadata");
        cJSON_DeleteItemFromObjectCaseSensitive(meta, "resourceVersion");
        json_add_str(meta, "resourceVersion", version);
        if (json_get(meta, "namespace") == NULL)
                json_add_str(meta, "namespace", "demo");
        return json_print(tree, false);
}

static struct webhook_cert_state state_of(const struct scene *scene)
{
        return webhook_cert_state(scene->cert, clock_wall());
}

static int setup(void **state)
{
        struct scene *scene = MEM_NEW(struct scene);
        const struct webhook_cert_spec spec = { .namespace = "demo",
                                                .secret = "hook",
                                                .configuration = "certrotate",
                                                .store = { .is_made = true,
                                                           .leaf = { names, ARRAY_LEN(names), 86400 } } };
        struct err err = ERR_INIT;

        scene->loop = loop_new();
        scene->client = kube_fake_new(scene->loop);
        scene->stop = loop_timer_new(scene->loop, on_stop, scene->loop);
        if (webhook_open(scene->loop, "127.0.0.1:0", &inject, &scene->webhook, &err) != 0)
                fail_msg("%s", err.text);
        scene->cert = webhook_cert_open(scene->client, &spec, scene->webhook);
        *state = scene;
        return 0;
}

static int teardown(void **state)
{
        struct scene *scene = *state;

        webhook_cert_close(scene->cert);
        webhook_close(scene->webhook);
        loop_timer_free(scene->stop);
        kube_fake_free(scene->client);
        loop_free(scene->loop);
        mem_free(scene);
        return 0;
}

#define HOOK(name, more) "{\"name\":\"" name "\",\"clientConfig\":{\"url\":\"https://x\"" more "}}"
#define CONFIGURATION(hooks)                                                                                 \
        "{\"metadata\":{\"name\":\"certrotate\",\"resourceVersion\":\"7\"},\"webhooks\":[" hooks "]}"

static void patches(void **state UNUSED)
{
        static const struct {
                const char *have;
                const char *patch; /* NULL: none */
        } cases[] = {
                { CONFIGURATION(""), NULL },
                { "{}", NULL },
                { "{\"webhooks\":7}", NULL },
                { "{\"webhooks\":[null,7,{},{\"name\":3}]}", NULL },
                { CONFIGURATION(HOOK("other.example.org", "")), NULL },
                { CONFIGURATION(HOOK(".certrotate.io", "")), NULL },
                { CONFIGURATION(HOOK("a.certrotate.io", ",\"caBundle\":\"Q0E=\"")), NULL },
                { CONFIGURATION(HOOK("other.example.org", "") "," HOOK(
                          "a.certrotate.io",
                          ",\"caBundle\":\"eA==\"") "," HOOK("b.certrotate.io",
                                                             ",\"caBundle\":\"Q0E=\"") "," HOOK("c."
                                                                                                "certrotate."
                                                                                                "io",
                                                                                                "")),
                  "{\"metadata\":{\"resourceVersion\":\"7\"},\"webhooks\":[{\"name\":\"a.certrotate.io\","
                  "\"clientConfig\":{"
                  "\"caBundle\":\"Q0E=\"}},{\"name\":\"c.certrotate.io\",\"clientConfig\":{\"caBundle\":"
                  "\"Q0E=\"}}]}" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                AUTO(json_free_p) cJSON *have = NULL;
                AUTO(mem_free_p) char *patch = NULL;
                struct err err = ERR_INIT;

                assert_int_equal(json_parse(cases[i].have, strlen(cases[i].have), &have, &err), 0);
                patch = webhook_trust_patch(have, "CA");
                if (cases[i].patch == NULL)
                        assert_null(patch);
                else
                        assert_string_equal(patch, cases[i].patch);
        }
}

/* Any replica makes the first; it is served at once, and its authority told by the one that leads. */
static void the_first(void **state)
{
        struct scene *scene = *state;
        AUTO(mem_free_p) char *made = NULL;
        struct kube_call *call;

        assert_null(find(scene, "POST", SECRETS)); /* nothing is known yet */
        list(scene, HOOKS, CONFIGURATION(HOOK("pods.certrotate.io", "")));
        list(scene, SECRETS, "");
        call = call_of(scene, "POST", SECRETS);
        assert_non_null(strstr(call->body, "\"name\":\"hook\""));
        assert_false(state_of(scene).is_served);
        made = with_version(call->body, "11");
        kube_fake_answer(call, 201, made);
        assert_true(state_of(scene).is_served);
        assert_string_equal(state_of(scene).trouble, "");
        turn(scene, 300);
        assert_null(find(scene, "PATCH", HOOKS));
        webhook_cert_lead(scene->cert, true);
        call = call_of(scene, "PATCH", HOOKS "/certrotate");
        assert_string_equal(call->type, "application/strategic-merge-patch+json");
        assert_non_null(strstr(call->body, "\"resourceVersion\":\"7\""));
        assert_null(find(scene, "PATCH", SECRETS));
}

/* Of two who make it one is told so, and takes the other's. */
static void the_second(void **state)
{
        struct scene *scene = *state;
        AUTO(mem_free_p) char *made = NULL;
        AUTO(mem_free_p) char *frame = NULL;
        struct kube_call *call;

        list(scene, SECRETS, "");
        call = call_of(scene, "POST", SECRETS);
        made = with_version(call->body, "12");
        kube_fake_answer(call, 409, "{\"kind\":\"Status\",\"message\":\"exists\"}");
        assert_string_equal(state_of(scene).trouble, "there is no such Secret");
        frame = mem_printf("{\"type\":\"ADDED\",\"object\":%s}\n", made);
        kube_fake_data(call_of(scene, "GET", SECRETS), frame);
        assert_true(state_of(scene).is_served);
        turn(scene, 1200); /* longer than the pause after a refusal */
        assert_null(find(scene, "POST", SECRETS));
        assert_null(find(scene, "PATCH", SECRETS));
}

/* A Secret whose leaf is due: by whoever leads alone, over the version that was read, and again after a
 * refusal. */
static void a_renewal(void **state)
{
        struct scene *scene = *state;
        const struct wall past = { clock_wall().s - 20 * 3600 };
        const struct webhook_store_spec spec = { .is_made = true,
                                                 .leaf = { names, ARRAY_LEN(names), 86400 } };
        AUTO(json_wipe_p) cJSON *old = NULL;
        AUTO(mem_free_p) char *bare = NULL;
        AUTO(mem_free_p) char *text = NULL;
        struct err err = ERR_INIT;
        struct kube_call *call;

        assert_int_equal(webhook_store_change(NULL, WEBHOOK_CREATE, &spec, past, &old, &err), 0);
        json_add_str(cJSON_GetObjectItemCaseSensitive(old, "metadata"), "name", "hook");
        bare = json_print(old, false);
        text = with_version(bare, "9");
        list(scene, SECRETS, text);
        assert_true(state_of(scene).is_served);
        turn(scene, 50);
        assert_null(find(scene, "PATCH", SECRETS));
        webhook_cert_lead(scene->cert, true);
        for (int i = 0; i < 2; i++) {
                call = call_of(scene, "PATCH", SECRETS "/hook");
                assert_string_equal(call->type, KUBE_MERGE_PATCH);
                assert_non_null(strstr(call->body, "\"resourceVersion\":\"9\""));
                assert_non_null(strstr(call->body, "tls.key"));
                assert_null(strstr(call->body, "ca.key"));
                if (i == 1)
                        break; /* cancelled in flight */
                kube_fake_answer(call, 403, "{\"kind\":\"Status\",\"message\":\"forbidden: no right\"}");
                assert_non_null(strstr(state_of(scene).trouble, "no right"));
                assert_true(state_of(scene).is_served);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(patches),
                cmocka_unit_test_setup_teardown(the_first, setup, teardown),
                cmocka_unit_test_setup_teardown(the_second, setup, teardown),
                cmocka_unit_test_setup_teardown(a_renewal, setup, teardown),
        };

        return cmocka_run_group_tests_name("webhook_cert", tests, NULL, NULL);
}
