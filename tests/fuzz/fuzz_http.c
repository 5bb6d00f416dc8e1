// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as HTTP requests, through a real socket into the server in this process: it must answer or
 * close, and be there for the next one. The bytes come in one or two pieces, split by the first byte.
 */
#include "base/mem.h"
#include "loop/http_server.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct world {
        struct loop *loop;
        struct http_server *server;
        struct loop_timer *timer;
        struct sockaddr_un at;
        int fd;
        const uint8_t *data;
        size_t len;
        size_t first;
        bool is_sent;
        int turns;
};

static void answer(const char *path, const char *query, struct http_reply *reply, void *arg)
{
        (void)arg;
        buf_printf(&reply->body, "%zu %zu", strlen(path), strlen(query));
}

/* One turn of the client: sends what is left, then reads until the server has closed. */
static void on_turn(void *arg)
{
        struct world *world = arg;
        char reply[4096];
        ssize_t n;

        if (world->first > 0) {
                (void)send(world->fd, world->data, world->first, MSG_NOSIGNAL | MSG_DONTWAIT);
                world->data += world->first;
                world->len -= world->first;
                world->first = 0;
        } else if (!world->is_sent) {
                (void)send(world->fd, world->data, world->len, MSG_NOSIGNAL | MSG_DONTWAIT);
                world->is_sent = true;
                (void)shutdown(world->fd, SHUT_WR);
        }
        do
                n = recv(world->fd, reply, sizeof(reply), MSG_DONTWAIT);
        while (n > 0);
        if (n == 0 || (n == -1 && errno != EAGAIN)) {
                loop_stop(world->loop);
                return;
        }
        if (++world->turns > 100000)
                abort(); /* neither answered nor closed */
        loop_timer_set(world->timer, 0);
}

static struct world the_world;

static void world_free(void)
{
        http_server_close(the_world.server);
        loop_timer_free(the_world.timer);
        loop_free(the_world.loop);
}

static struct world *world_get(void)
{
        struct err err;

        if (the_world.loop != NULL)
                return &the_world;
        the_world.loop = loop_new();
        the_world.timer = loop_timer_new(the_world.loop, on_turn, &the_world);
        /* A unix socket: TCP would fill the machine with 28,000 ports in TIME_WAIT within seconds. */
        the_world.at.sun_family = AF_UNIX;
        (void)snprintf(the_world.at.sun_path, sizeof(the_world.at.sun_path), "/tmp/fuzz_http.%d",
                       (int)getpid());
        if (http_server_open(the_world.loop, the_world.at.sun_path, answer, NULL, &the_world.server, &err) ||
            atexit(world_free) != 0)
                abort();
        return &the_world;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct world *world = world_get();

        if (size < 2)
                return 0;
        world->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (world->fd == -1 ||
            connect(world->fd, (const struct sockaddr *)&world->at, sizeof(world->at)) == -1)
                abort();
        world->first = data[0] % size;
        world->data = data + 1;
        world->len = size - 1;
        if (world->first > world->len)
                world->first = world->len;
        world->is_sent = false;
        world->turns = 0;
        loop_timer_set(world->timer, 0);
        loop_run(world->loop);
        (void)close(world->fd);
        return 0;
}
