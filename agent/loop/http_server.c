// SPDX-License-Identifier: Apache-2.0
/*
 * evhttp with what it lacks: a cap on connections, and a limit on time that a client cannot stretch.
 *
 * evhttp counts its timeout from the last byte, so one byte every nine seconds holds a connection for ever.
 * Here a connection has REQUEST_LIMIT_MS from its start, or from the last answer, to the end of the next one;
 * when all places are taken, CROWDED_LIMIT_MS: whoever fills them cannot keep a probe waiting long.
 *
 * The trap: evhttp tells of a new connection only by asking for its bufferevent, before the connection
 * exists. It is found as the argument of the callbacks that evhttp then put there, in an event of the same
 * turn, and checked through the official accessor. The reference on the bufferevent keeps it valid until
 * then.
 */
#include "loop/http_server.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/http_answer.h"
#include "loop/http_tls.h"
#include "loop/listen.h"

#define REQUEST_LIMIT_MS 10000
#define CROWDED_LIMIT_MS 500
#define PAUSE_MS         1000 /* after accept(2) failed: no descriptors left */
#define REQUEST_BODY_MAX 1024 /* of a request that is refused anyway */

struct connection {
        TAILQ_ENTRY(connection) link;
        struct http_server *server;
        struct bufferevent *bev; /* referenced until the connection is known */
        struct evhttp_connection *evcon;
        struct mono since; /* start, or last answer */
};

TAILQ_HEAD(connections, connection);

struct http_server {
        struct evhttp *http;
        struct evconnlistener *listener;
        struct listen_socket listening;
        struct http_server_spec spec;
        struct connections known; /* oldest `since` first */
        struct connections fresh; /* evhttp has not made them yet */
        struct event *adopt;
        struct event *bell;       /* accept(2) failed */
        struct loop_timer *timer; /* next limit to pass */
        size_t n;
        bool is_paused;
        struct mono quiet_until; /* no second line in the log before */
};

static void arm(struct http_server *server)
{
        const struct connection *oldest = TAILQ_FIRST(&server->known);
        const int64_t limit_ms =
                server->n < server->spec.connections_max ? REQUEST_LIMIT_MS : CROWDED_LIMIT_MS;

        if (server->is_paused)
                loop_timer_set(server->timer, PAUSE_MS);
        else if (oldest == NULL)
                loop_timer_clear(server->timer);
        else
                loop_timer_set(server->timer, oldest->since.ms + limit_ms - clock_mono().ms);
}

static void accept_if_room(struct http_server *server)
{
        if (server->listener == NULL) /* closing */
                return;
        if (server->n < server->spec.connections_max && !server->is_paused)
                (void)evconnlistener_enable(server->listener);
        else
                (void)evconnlistener_disable(server->listener);
}

static void forget(struct connection *connection)
{
        struct http_server *server = connection->server;

        server->n--;
        server->is_paused = false; /* a descriptor came free */
        mem_free(connection);
        accept_if_room(server);
        arm(server);
}

static void on_close(struct evhttp_connection *evcon, void *arg)
{
        struct connection *connection = arg;

        evhttp_connection_set_closecb(evcon, NULL, NULL);
        TAILQ_REMOVE(&connection->server->known, connection, link);
        forget(connection);
}

static void on_adopt(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
        struct http_server *server = arg;
        struct connection *connection;

        while ((connection = TAILQ_FIRST(&server->fresh)) != NULL) {
                struct bufferevent *bev = TAKE(connection->bev);
                bufferevent_data_cb on_read = NULL;
                void *evcon = NULL;

                TAILQ_REMOVE(&server->fresh, connection, link);
                bufferevent_getcb(bev, &on_read, NULL, NULL, &evcon);
                if (on_read != NULL && evhttp_connection_get_bufferevent(evcon) == bev) {
                        connection->evcon = evcon;
                        evhttp_connection_set_closecb(evcon, on_close, connection);
                        TAILQ_INSERT_TAIL(&server->known, connection, link);
                } else {
                        forget(connection); /* evhttp gave up on it at once */
                }
                (void)bufferevent_decref(bev);
        }
        arm(server);
}

static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
        struct http_server *server = arg;
        struct http_tls *tls = server->spec.tls;
        struct bufferevent *bev =
                tls == NULL ? bufferevent_socket_new(base, -1, 0) : http_tls_accept(tls, base);
        struct connection *connection;

        loop_need(bev != NULL, "connection");
        connection = MEM_NEW(struct connection);
        connection->server = server;
        connection->bev = bev;
        connection->since = clock_mono();
        bufferevent_incref(bev);
        TAILQ_INSERT_TAIL(&server->fresh, connection, link);
        server->n++;
        accept_if_room(server);
        event_active(server->adopt, 0, 0);
        return bev;
}

/* cppcheck-suppress constParameter ; libevent's type */
static void ring(struct evhttp_bound_socket *bound, void *failing)
{
        const int sys = EVUTIL_SOCKET_ERROR();

        if (evhttp_bound_socket_get_listener(bound) != failing)
                (void)eventfd_write(evhttp_bound_socket_get_fd(bound), (eventfd_t)sys);
}

/*
 * The kernel would call again at once, for ever: most likely no descriptors are left. We are not told whose
 * listener it is, only which evhttp's; so that one has a second socket, an eventfd, to ring us through.
 */
static void on_accept_error(struct evconnlistener *listener, void *http)
{
        (void)evconnlistener_disable(listener);
        evhttp_foreach_bound_socket(http, ring, listener);
}

static void on_ring(evutil_socket_t fd, short what UNUSED, void *arg)
{
        struct http_server *server = arg;
        const struct mono now = clock_mono();
        eventfd_t sys = 0;

        (void)eventfd_read(fd, &sys);
        server->is_paused = true;
        if (now.ms >= server->quiet_until.ms) {
                log_warn("accept_failed", LOG_S("error", strerror((int)sys)), LOG_I("pause_ms", PAUSE_MS));
                server->quiet_until = clock_after(now, INT64_C(60) * PAUSE_MS);
        }
        arm(server);
}

static void on_limit(void *arg)
{
        struct http_server *server = arg;
        const int64_t limit_ms =
                server->n < server->spec.connections_max ? REQUEST_LIMIT_MS : CROWDED_LIMIT_MS;
        const struct mono now = clock_mono();
        struct connection *oldest;

        server->is_paused = false;
        while ((oldest = TAILQ_FIRST(&server->known)) != NULL && now.ms - oldest->since.ms >= limit_ms)
                evhttp_connection_free(oldest->evcon); /* ends in on_close */
        accept_if_room(server);
        arm(server);
}

/* An answer went out: the connection starts its time anew, at the end of the line. */
static void on_answered(struct evhttp_request *request, void *arg)
{
        struct http_server *server = arg;
        const struct evhttp_connection *evcon = evhttp_request_get_connection(request);
        struct connection *connection = TAILQ_FIRST(&server->known);

        while (connection != NULL && connection->evcon != evcon)
                connection = TAILQ_NEXT(connection, link);
        if (connection == NULL)
                return;
        connection->since = clock_mono();
        TAILQ_REMOVE(&server->known, connection, link);
        TAILQ_INSERT_TAIL(&server->known, connection, link);
        arm(server);
}

static void on_request(struct evhttp_request *request, void *arg)
{
        struct http_server *server = arg;

        http_answer(request, &server->spec, on_answered, server);
}

static void set_limits(struct http_server *server)
{
        evhttp_set_max_headers_size(server->http, HTTP_HEADERS_MAX_BYTES);
        evhttp_set_max_body_size(server->http, server->spec.post == NULL ? REQUEST_BODY_MAX
                                                                         : (ev_ssize_t)server->spec.body_max);
        /* What is too large is read to its end and thrown away: the 413 would be lost in the reset that
         * answers bytes nobody has read. */
        if (server->spec.post != NULL)
                (void)evhttp_set_flags(server->http, EVHTTP_SERVER_LINGERING_CLOSE);
        evhttp_set_timeout(server->http, REQUEST_LIMIT_MS / 1000);
        /* All that evhttp knows: refused here with 405, where it would say 501. */
        evhttp_set_allowed_methods(server->http, UINT16_MAX);
        evhttp_set_gencb(server->http, on_request, server);
        evhttp_set_bevcb(server->http, on_accept, server);
}

/* Both belong to evhttp from here on. */
static void bind_listeners(struct loop *loop, struct http_server *server)
{
        const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
        const int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        struct evconnlistener *mute;

        server->listener =
                evconnlistener_new(loop_base(loop), NULL, NULL, flags, 0, take_fd(&server->listening.fd));
        mute = evconnlistener_new(loop_base(loop), NULL, NULL, flags | LEV_OPT_DISABLED, 0, bell);
        loop_need(server->listener != NULL && mute != NULL, "listener");
        loop_need(evhttp_bind_listener(server->http, server->listener) != NULL &&
                          evhttp_bind_listener(server->http, mute) != NULL,
                  "HTTP listener");
        (void)evconnlistener_disable(mute); /* evhttp enabled it */
        evconnlistener_set_error_cb(server->listener, on_accept_error);
        server->bell = event_new(loop_base(loop), bell, EV_READ | EV_PERSIST, on_ring, server);
        loop_need(server->bell != NULL && event_add(server->bell, NULL) == 0, "HTTP bell");
}

int http_server_start(struct loop *loop, const struct http_server_spec *spec, struct http_server **out,
                      struct err *err)
{
        struct listen_socket listening;
        struct http_server *server;

        if (listen_open(spec->address, &listening, err))
                return -1;
        server = MEM_NEW(struct http_server);
        server->listening = listening;
        server->spec = *spec;
        if (spec->connections_max == 0)
                server->spec.connections_max = HTTP_CONNECTIONS_MAX;
        TAILQ_INIT(&server->known);
        TAILQ_INIT(&server->fresh);
        server->timer = loop_timer_new(loop, on_limit, server);
        server->adopt = event_new(loop_base(loop), -1, 0, on_adopt, server);
        server->http = evhttp_new(loop_base(loop));
        loop_need(server->adopt != NULL && server->http != NULL, "HTTP server");
        set_limits(server);
        bind_listeners(loop, server);
        *out = server;
        return 0;
}

int http_server_open(struct loop *loop, const char *address, http_handler_fn *fn, void *arg,
                     struct http_server **out, struct err *err)
{
        const struct http_server_spec spec = { .address = address, .get = fn, .arg = arg };

        return http_server_start(loop, &spec, out, err);
}

int http_server_port(const struct http_server *server)
{
        return server->listening.port;
}

void http_server_close(struct http_server *server)
{
        if (server == NULL)
                return;
        on_adopt(-1, 0, server);
        event_free(server->bell);
        server->listener = NULL; /* evhttp frees it before the connections */
        evhttp_free(server->http);
        event_free(server->adopt);
        loop_timer_free(server->timer);
        listen_close(&server->listening);
        mem_free(server);
}
