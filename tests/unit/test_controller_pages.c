// SPDX-License-Identifier: Apache-2.0
/*
 * agent/control/controller_pages.c: golden texts of metrics and status, the probes, the paths.
 * UPDATE_GOLDEN=1 writes the golden files anew.
 */
#include "control/controller_pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "loop/http_server.h"
#include "testgolden.h"

static void fill(struct controller_status *status)
{
        *status = (struct controller_status){
                .version = "1.2.3",
                .identity = "certrotate-controller-7c9-x2x",
                .namespace = "shop",
                .lease = "certrotate/certrotate-controller",
                .started = { 1795000000 },
                .last_tick = { 5000 },
                .is_leader = true,
                .is_whole = true,
                .has_started = true,
                .queued = 3,
                .working = 2,
                .remembered = 5,
                .results = { 900, 40, 3, 2, 1, 6, 4 },
                .times_leader = 1,
                .api_requests = 1234,
                .world = { .databases = 10,
                           .pods = 30,
                           .left = 2,
                           .certificates = 20,
                           .requests = { 1, 2, 3, 4, 5, 6 },
                           .expires_within_days = { 1, 2, 3, 4 },
                           .events = 77 },
        };
        histogram_add(&status->times, 30000);
        histogram_add(&status->times, 700000);
}

static void test_metrics(void **state)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
        struct controller_status status;

        (void)state;
        fill(&status);
        controller_pages_metrics(&status, &text);
        assert_false(text.overflow);
        testgolden_compare("controller-metrics.txt", buf_str(&text));
}

/* What is there with a webhook alone. */
static void fill_webhook(struct controller_status *status)
{
        fill(status);
        status->world.missed = 2;
        status->webhook = (struct controller_webhook_status){
                .is_on = true,
                .counts = { .reviews = { 5, 7, 1 }, .bad = 4 },
                .cert = { .is_served = true, .until = { 1795086400 }, .trouble = "an old one is served" },
        };
        memset(status->webhook.cert.fp.sha256, 0xab, sizeof(status->webhook.cert.fp.sha256));
}

static void test_webhook(void **state)
{
        AUTO(buf_done_p) struct buf text = BUF_INIT(1 << 20);
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(mem_free_p) char *said = NULL;
        struct controller_status status;

        (void)state;
        fill_webhook(&status);
        controller_pages_metrics(&status, &text);
        tree = controller_pages_status(&status);
        said = json_print(json_get(tree, "webhook"), true);
        buf_printf(&text, "%s\n", said);
        testgolden_compare("controller-webhook.txt",
                           strstr(buf_str(&text), "# HELP certrotate_controller_webhook"));
}

static void test_status(void **state)
{
        AUTO(json_free_p) cJSON *tree = NULL;
        AUTO(mem_free_p) char *text = NULL;
        struct controller_status status;

        (void)state;
        fill(&status);
        tree = controller_pages_status(&status);
        text = json_print(tree, true);
        testgolden_compare("controller-status.json", text);
}

static const char *probe(const struct controller_status *status, enum health_probe which, int64_t ms,
                         char reason[static CHECKS_MESSAGE_MAX])
{
        struct check_list list;

        controller_pages_checks(status, which, (struct mono){ ms }, &list);
        return checks_pass(&list, reason) ? "ok" : reason;
}

static void test_probes(void **state)
{
        char reason[CHECKS_MESSAGE_MAX];
        struct controller_status status;

        (void)state;
        fill(&status);
        for (enum health_probe which = HEALTH_LIVE; which <= HEALTH_STARTUP; which++)
                assert_string_equal(probe(&status, which, 6000, reason), "ok");
        assert_string_equal(probe(&status, HEALTH_LIVE, 66000, reason), "the loop has not turned for 61 s");
        /* One that does not lead could take over at once. */
        status.is_leader = false;
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason), "ok");
        status.is_ending = true;
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason), "it was told to end");
        assert_string_equal(probe(&status, HEALTH_LIVE, 6000, reason), "ok");
}

static void test_probes_in_trouble(void **state)
{
        static const char forbidden[] = "pods is forbidden: User \"x\" cannot list resource \"pods\"";
        char reason[CHECKS_MESSAGE_MAX];
        struct controller_status status;

        (void)state;
        fill(&status);
        (void)snprintf(status.lease_trouble, sizeof(status.lease_trouble), "no answer");
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason), "no answer");
        (void)snprintf(status.world_trouble, sizeof(status.world_trouble), "%s", forbidden);
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason), forbidden);
        assert_string_equal(probe(&status, HEALTH_LIVE, 6000, reason), "ok");
        /* Once it has started it has. */
        assert_string_equal(probe(&status, HEALTH_STARTUP, 6000, reason), "ok");
        status.is_whole = false;
        assert_string_equal(probe(&status, HEALTH_STARTUP, 6000, reason), "ok");
        status.has_started = false;
        assert_string_equal(probe(&status, HEALTH_STARTUP, 6000, reason), forbidden);
        status.world_trouble[0] = '\0';
        assert_string_equal(probe(&status, HEALTH_STARTUP, 6000, reason), "not everything was listed yet");
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason), "not everything was listed yet");
}

static void test_probes_of_the_webhook(void **state)
{
        char reason[CHECKS_MESSAGE_MAX];
        struct controller_status status;

        (void)state;
        fill_webhook(&status);
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason), "ok");
        status.webhook.cert.is_served = false;
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason),
                            "the webhook serves no valid certificate: an old one is served");
        assert_string_equal(probe(&status, HEALTH_LIVE, 6000, reason), "ok");
        assert_string_equal(probe(&status, HEALTH_STARTUP, 6000, reason), "ok");
        status.webhook.is_on = false;
        assert_string_equal(probe(&status, HEALTH_READY, 6000, reason), "ok");
}

static void check_page(const char *path, const char *query, int code, const char *has)
{
        struct http_reply reply = { .status = 200, .body = BUF_INIT(1 << 20) };
        struct controller_status status;

        fill(&status);
        controller_pages_answer(&status, (struct mono){ 6000 }, path, query, &reply);
        assert_int_equal(reply.status, code);
        assert_non_null(strstr(buf_str(&reply.body), has));
        buf_done(&reply.body);
}

static void test_paths(void **state)
{
        (void)state;
        check_page("/livez", "", 200, "ok\n");
        check_page("/healthz", "", 200, "ok\n");
        check_page("/startupz", "", 200, "ok\n");
        check_page("/readyz", "", 200, "ok\n");
        check_page("/readyz", "verbose", 200, "\"world\"");
        check_page("/metrics", "", 200, "certrotate_controller_leader 1\n");
        check_page("/status", "", 200, "\"certrotate-controller-7c9-x2x\"");
        check_page("/", "", 404, "/readyz");
}

static void test_every_result_has_a_name(void **state)
{
        (void)state;
        for (enum controller_result result = CONTROLLER_IDLE; result < CONTROLLER_RESULTS; result++)
                assert_non_null(controller_pages_result_name(result));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_webhook), cmocka_unit_test(test_probes_of_the_webhook),
                cmocka_unit_test(test_metrics), cmocka_unit_test(test_status),
                cmocka_unit_test(test_probes),  cmocka_unit_test(test_probes_in_trouble),
                cmocka_unit_test(test_paths),   cmocka_unit_test(test_every_result_has_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
