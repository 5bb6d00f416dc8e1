// SPDX-License-Identifier: Apache-2.0
/*
 * A contender for a Lease of a real API server, without the agent: it holds it for a while, gives it back,
 * and wants it again, until SIGTERM. One line of JSON a change, with the monotonic clock; while it is held
 * also a line every few milliseconds: an act of one who has the turn.
 *
 *   drive_lease KUBECONFIG NAMESPACE NAME HOLDER DURATION_S [HOLD_MAX_MS [watch]]
 */
#include "base/mem.h"
#include "base/num.h"
#include "kube/backoff.h"
#include "kube/lease.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ACT_MS  20
#define REST_MS 1500
#define PART_MS 3000

struct drive {
        struct loop *loop;
        struct kube_client *client;
        struct kube_lease *lease;
        struct loop_timer *act;
        struct loop_timer *turn; /* it gives it back, or wants it again */
        struct loop_timer *part;
        const char *holder;
        int64_t hold_max_ms;
        int64_t turns;
        bool wants;
        bool ends;
};

static void print(const struct drive *drive, const char *kind, int64_t ms, const char *text)
{
        (void)printf("{\"kind\":\"%s\",\"ms\":%" PRId64 ",\"holder\":\"%s\",\"turn\":%" PRId64
                     ",\"requests\":%" PRIu64 ",\"text\":\"%s\"}\n",
                     kind, ms, drive->holder, drive->turns, kube_client_requests(drive->client), text);
        (void)fflush(stdout);
}

static void on_act(void *arg)
{
        struct drive *drive = arg;
        const int64_t ms = clock_mono().ms; /* before it is asked: stopped in between, it acts in the past */

        if (!kube_lease_is_held(drive->lease))
                return;
        print(drive, "ACT", ms, "");
        loop_timer_set(drive->act, ACT_MS);
}

static void on_lease(const struct kube_lease_event *event, void *arg)
{
        static const char *const kinds[] = { "HELD", "LOST", "WAITS" };
        struct drive *drive = arg;

        if (event->kind == KUBE_LEASE_HELD) {
                drive->turns++;
                loop_timer_set(drive->act, 0);
                loop_timer_set(drive->turn, kube_random(0, drive->hold_max_ms));
        }
        print(drive, kinds[event->kind], clock_mono().ms,
              event->holder != NULL ? event->holder
              : event->err != NULL  ? err_reason(event->err->kind)
                                    : "");
}

static void on_turn(void *arg)
{
        struct drive *drive = arg;

        drive->wants = !drive->wants;
        if (!drive->wants)
                print(drive, "GIVES", clock_mono().ms, "");
        kube_lease_want(drive->lease, drive->wants);
        if (!drive->wants)
                loop_timer_set(drive->turn, kube_random(0, REST_MS));
}

static void on_part(void *arg)
{
        struct drive *drive = arg;

        if (kube_lease_is_idle(drive->lease) || drive->ends)
                loop_stop(drive->loop);
        drive->ends = true;
        loop_timer_set(drive->part, PART_MS);
}

static void on_signal(int signo UNUSED, void *arg)
{
        struct drive *drive = arg;

        loop_timer_clear(drive->turn);
        print(drive, "GIVES", clock_mono().ms, "");
        kube_lease_want(drive->lease, false);
        loop_timer_set(drive->part, kube_lease_is_idle(drive->lease) ? 0 : 500);
}

static int run(struct drive *drive, const char *kubeconfig, const struct kube_lease_spec *spec,
               struct err *err)
{
        static const int signos[] = { SIGTERM, SIGINT };
        struct kube_access *access = NULL;
        struct loop_signal *signals;

        if (kube_lease_check(spec, err) != 0 || kube_access_from_file(kubeconfig, NULL, &access, err) != 0)
                return -1;
        drive->loop = loop_new();
        signals = loop_signal_new(drive->loop, signos, ARRAY_LEN(signos), on_signal, drive);
        drive->act = loop_timer_new(drive->loop, on_act, drive);
        drive->turn = loop_timer_new(drive->loop, on_turn, drive);
        drive->part = loop_timer_new(drive->loop, on_part, drive);
        if (kube_client_open(drive->loop, access, &drive->client, err) == 0) {
                drive->lease = kube_lease_open(drive->client, spec, on_lease, drive);
                drive->wants = true;
                kube_lease_want(drive->lease, true);
                loop_run(drive->loop);
                print(drive, "ENDS", clock_mono().ms, "");
                kube_lease_close(drive->lease);
                kube_client_close(drive->client);
        }
        loop_timer_free(drive->part);
        loop_timer_free(drive->turn);
        loop_timer_free(drive->act);
        loop_signal_free(signals);
        loop_free(drive->loop);
        return drive->client == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
        struct drive drive = { .hold_max_ms = 4000 };
        struct kube_lease_spec spec = { .namespace = "" };
        struct err err = ERR_INIT;
        int64_t duration_s = 0;

        (void)signal(SIGPIPE, SIG_IGN);
        if (argc < 6 || num_parse(argv[5], 1, 86400, &duration_s, &err) != 0 ||
            (argc > 6 && num_parse(argv[6], 0, INT32_MAX, &drive.hold_max_ms, &err) != 0)) {
                (void)fprintf(
                        stderr,
                        "drive_lease KUBECONFIG NAMESPACE NAME HOLDER DURATION_S [HOLD_MAX_MS [watch]]\n");
                return 2;
        }
        spec = (struct kube_lease_spec){
                .namespace = argv[2], .name = argv[3], .holder = argv[4], .duration_ms = duration_s * 1000
        };
        spec.watched = argc > 7 && strcmp(argv[7], "watch") == 0;
        drive.holder = argv[4];
        if (run(&drive, argv[1], &spec, &err) != 0) {
                (void)fprintf(stderr, "drive_lease: %s\n", err.text);
                return 1;
        }
        return 0;
}
