// SPDX-License-Identifier: Apache-2.0
/*
 * libcurl's callbacks only take notes. The trap: the link may be closed from inside of its own operation's
 * step; the operation owns the memory, and ends after the step.
 */
#include "kube/link.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/mem.h"

#define EVENTS_MAX 8
/* Of one connection; the server's own limit (100, 250) is below. libcurl's default is 100. */
#define STREAMS_MAX 1000L
/* Against a server that speaks HTTP/1.1 only each watch holds one. */
#define CONNECTIONS_MAX 16L

struct kube_link {
        struct op op;
        struct loop_op *driver;
        struct loop_timer *timer;
        const struct curl_library *curl;
        CURLM *multi;
        int epoll;
        bool is_busy;
        bool is_closed;
        loop_fn *turned;
        void *arg;
};

static int on_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *arg, void *known UNUSED)
{
        const struct kube_link *link = arg;
        struct epoll_event event = { .data.fd = fd };

        if (what == CURL_POLL_REMOVE) {
                (void)epoll_ctl(link->epoll, EPOLL_CTL_DEL, fd, NULL);
                return 0;
        }
        if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
                event.events |= EPOLLIN;
        if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
                event.events |= EPOLLOUT;
        if (epoll_ctl(link->epoll, EPOLL_CTL_MOD, fd, &event) == -1 && errno == ENOENT)
                (void)epoll_ctl(link->epoll, EPOLL_CTL_ADD, fd, &event);
        return 0;
}

static int on_timer(CURLM *multi UNUSED, long timeout_ms, void *arg)
{
        const struct kube_link *link = arg;

        if (timeout_ms < 0)
                loop_timer_clear(link->timer);
        else
                loop_timer_set(link->timer, timeout_ms);
        return 0;
}

static void enter(struct kube_link *link, curl_socket_t fd, int what)
{
        int running;

        link->is_busy = true;
        (void)link->curl->multi_socket_action(link->multi, fd, what, &running);
        link->is_busy = false;
}

static void on_time(void *arg)
{
        struct kube_link *link = arg;

        enter(link, CURL_SOCKET_TIMEOUT, 0);
        link->turned(link->arg);
}

static enum op_state link_step(struct op *op, short ready, struct mono now UNUSED, struct err *err UNUSED)
{
        struct kube_link *link = CONTAINER_OF(op, struct kube_link, op);
        struct epoll_event events[EVENTS_MAX];
        int n = ready != 0 ? epoll_wait(link->epoll, events, EVENTS_MAX, 0) : 0;

        op->want.fd = link->epoll;
        op->want.events = POLLIN;
        op->want.until = MONO_NEVER;
        for (int i = 0; i < n; i++) {
                int what = ((events[i].events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                           ((events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                           ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);

                enter(link, events[i].data.fd, what);
        }
        if (n > 0)
                link->turned(link->arg); /* may close it: nothing is done behind this */
        return OP_WAIT;
}

static void link_free(struct op *op)
{
        struct kube_link *link = CONTAINER_OF(op, struct kube_link, op);

        link->driver = NULL;
        if (link->is_closed)
                mem_free(link);
}

static const struct op_type link_type = { .name = "link", .step = link_step, .free = link_free };

/* Only when the loop cannot wait for the descriptor at all: the calls' own limits end them. */
static void on_end(enum op_state state UNUSED, const struct err *err UNUSED, void *arg UNUSED)
{
}

int kube_link_open(struct loop *loop, const struct curl_library *curl, loop_fn *turned, void *arg,
                   struct kube_link **out, struct err *err)
{
        AUTO(close_fd_p) int epoll = epoll_create1(EPOLL_CLOEXEC);
        CURLM *multi = epoll == -1 ? NULL : curl->multi_init();
        struct kube_link *link;

        if (epoll == -1)
                return err_sys(err, errno, "epoll");
        if (multi == NULL)
                return err_set(err, ERR_INTERNAL, "libcurl: no handle");
        link = MEM_NEW(struct kube_link);
        link->op.type = &link_type;
        link->curl = curl;
        link->multi = multi;
        link->epoll = take_fd(&epoll);
        link->turned = turned;
        link->arg = arg;
        link->timer = loop_timer_new(loop, on_time, link);
        (void)curl->multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl->multi_setopt(multi, CURLMOPT_SOCKETDATA, link);
        (void)curl->multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
        (void)curl->multi_setopt(multi, CURLMOPT_TIMERDATA, link);
        (void)curl->multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
        (void)curl->multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
        (void)curl->multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS_MAX);
        link->driver = loop_op_start(loop, &link->op, -1, on_end, link);
        *out = link;
        return 0;
}

void kube_link_close(struct kube_link *link)
{
        int epoll;

        if (link == NULL)
                return;
        epoll = link->epoll;
        link->is_busy = true;
        (void)link->curl->multi_cleanup(link->multi);
        loop_timer_free(link->timer);
        link->is_closed = true;
        if (link->driver != NULL)
                loop_op_cancel(link->driver);
        else
                mem_free(link);
        close_fd_p(&epoll); /* last: the loop may have waited for it */
}

bool kube_link_is_busy(const struct kube_link *link)
{
        return link->is_busy;
}

int kube_link_add(struct kube_link *link, CURL *easy, struct err *err)
{
        if (link->curl->multi_add_handle(link->multi, easy) != CURLM_OK)
                return err_set(err, ERR_INTERNAL, "libcurl: cannot start");
        return 0;
}

void kube_link_remove(struct kube_link *link, CURL *easy)
{
        /* It ends streams, and may hand out what is left: callbacks may come from here too. */
        link->is_busy = true;
        (void)link->curl->multi_remove_handle(link->multi, easy);
        link->is_busy = false;
}

CURL *kube_link_next(struct kube_link *link, CURLcode *code)
{
        CURLMsg *message;
        int left;

        while ((message = link->curl->multi_info_read(link->multi, &left)) != NULL) {
                if (message->msg != CURLMSG_DONE)
                        continue;
                *code = message->data.result;
                return message->easy_handle;
        }
        return NULL;
}
