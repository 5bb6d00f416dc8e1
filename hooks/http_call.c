// SPDX-License-Identifier: Apache-2.0
/*
 * libcurl's multi interface tells which sockets it waits for and until when; the sockets go into one epoll
 * descriptor, the time into want.until. Its callbacks only take notes: libcurl must not be entered again
 * from them.
 */
#include "hooks/http_call.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#define EVENTS_MAX     8
#define METHOD_MAX     16
#define SHOWN_BODY_MAX 120
#define UNIX_SCHEME    "unix:"

struct call {
        struct op op;
        struct http_request request;
        struct curl_library **library;
        CURLM *multi;
        CURL *easy;
        int epoll;
        struct mono timer; /* libcurl's */
        struct mono now;
        struct mono deadline;
        struct buf own_body;
        struct buf *body; /* own_body, or the caller's */
        size_t body_start;
        char message[CURL_ERROR_SIZE];
};

static bool is_method(const char *method)
{
        size_t len = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

        return len > 0 && len < METHOD_MAX && method[len] == '\0';
}

int http_call_check(const char *url, const char *method, struct err *err)
{
        for (const char *p = url; *p != '\0'; p++)
                if (iscntrl((unsigned char)*p) || *p == ' ')
                        return err_set(err, ERR_USAGE, "'%.200s' has a space or a control character in it",
                                       url);
        if (method != NULL && !is_method(method))
                return err_set(err, ERR_USAGE, "'%.60s' is no HTTP method", method);
        if (strncmp(url, UNIX_SCHEME "/", strlen(UNIX_SCHEME "/")) == 0 && strstr(url, ":/") != NULL &&
            strchr(url + strlen(UNIX_SCHEME), ':') != NULL)
                return 0;
        if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
                return 0;
        return err_set(err, ERR_USAGE, "'%.200s' is none of http://…, https://…, unix:/path/to.sock:/path",
                       url);
}

/* Strictly: whatever looks odd is not loopback, and is verified. */
static bool is_loopback(const char *url)
{
        static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]" };
        const char *host = strstr(url, "://");

        if (host == NULL || strpbrk(url, "@\\") != NULL)
                return false;
        host += 3;
        for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
                size_t len = strlen(hosts[i]);

                if (strncmp(host, hosts[i], len) == 0 && strchr(":/?#", host[len]) != NULL)
                        return true; /* strchr finds the final NUL too */
        }
        return false;
}

static int on_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *arg, void *known UNUSED)
{
        struct call *call = arg;
        struct epoll_event event = { .data.fd = fd };

        if (what == CURL_POLL_REMOVE) {
                (void)epoll_ctl(call->epoll, EPOLL_CTL_DEL, fd, NULL);
                return 0;
        }
        if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
                event.events |= EPOLLIN;
        if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
                event.events |= EPOLLOUT;
        if (epoll_ctl(call->epoll, EPOLL_CTL_MOD, fd, &event) == -1 && errno == ENOENT)
                (void)epoll_ctl(call->epoll, EPOLL_CTL_ADD, fd, &event);
        return 0;
}

static int on_timer(CURLM *multi UNUSED, long timeout_ms, void *arg)
{
        struct call *call = arg;

        call->timer = timeout_ms < 0 ? MONO_NEVER : clock_after(call->now, timeout_ms);
        return 0;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
        struct call *call = arg;

        buf_add(call->body, data, size * n);
        return call->body->overflow ? 0 : size * n;
}

static void set_target(const struct curl_library *curl, CURL *easy, const struct http_request *request)
{
        const char *path = strrchr(request->url, ':');

        if (strncmp(request->url, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0) {
                const char *socket = request->url + strlen(UNIX_SCHEME);
                AUTO(mem_free_p) char *name = mem_printf("%.*s", (int)(path - socket), socket);
                AUTO(mem_free_p) char *url = mem_printf("http://localhost%s", path + 1);

                (void)curl->easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, name);
                (void)curl->easy_setopt(easy, CURLOPT_URL, url);
                return;
        }
        (void)curl->easy_setopt(easy, CURLOPT_URL, request->url);
        if (is_loopback(request->url)) {
                (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
                (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        } else if (request->authorities != NULL) {
                (void)curl->easy_setopt(easy, CURLOPT_CAINFO, request->authorities);
                /* libcurl would trust those of the system as well. */
                (void)curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
        }
}

static void set_login(const struct curl_library *curl, CURL *easy, const struct http_request *request)
{
        const struct secret *password = request->password;

        if (request->user == NULL || (strncmp(request->url, "http://", 7) == 0 && !is_loopback(request->url)))
                return;
        (void)curl->easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        (void)curl->easy_setopt(easy, CURLOPT_USERNAME, request->user);
        (void)curl->easy_setopt(easy, CURLOPT_PASSWORD,
                                password != NULL && password->len > 0 ? (const char *)password->data : "");
}

static void set_options(struct call *call, const struct curl_library *curl)
{
        const char *method = call->request.method != NULL ? call->request.method : "POST";
        CURL *easy = call->easy;

        set_target(curl, easy, &call->request);
        set_login(curl, easy, &call->request);
        if (strcmp(method, "HEAD") == 0)
                (void)curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
        else if (strcmp(method, "GET") != 0) {
                (void)curl->easy_setopt(easy, CURLOPT_POSTFIELDS, "");
                (void)curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
        }
        (void)curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
        (void)curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl->easy_setopt(easy, CURLOPT_PROXY, "");
        (void)curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        (void)curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a resolver's thread */
        (void)curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        (void)curl->easy_setopt(easy, CURLOPT_USERAGENT, "certrotate/" CERTROTATE_VERSION);
        (void)curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, call->message);
        (void)curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl->easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

static int start(struct call *call, struct err *err)
{
        const struct curl_library *curl;

        if (*call->library == NULL && curl_library_open(call->library, err) == -1)
                return -1;
        curl = *call->library;
        call->epoll = epoll_create1(EPOLL_CLOEXEC);
        if (call->epoll == -1)
                return err_sys(err, errno, "epoll");
        call->multi = curl->multi_init();
        call->easy = curl->easy_init();
        if (call->multi == NULL || call->easy == NULL)
                return err_set(err, ERR_INTERNAL, "libcurl: no handle");
        (void)curl->multi_setopt(call->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        (void)curl->multi_setopt(call->multi, CURLMOPT_SOCKETDATA, call);
        (void)curl->multi_setopt(call->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        (void)curl->multi_setopt(call->multi, CURLMOPT_TIMERDATA, call);
        set_options(call, curl);
        if (curl->multi_add_handle(call->multi, call->easy) != CURLM_OK)
                return err_set(err, ERR_INTERNAL, "libcurl: cannot start");
        return 0;
}

static enum err_kind kind_of(CURLcode code, const struct call *call)
{
        if (code == CURLE_WRITE_ERROR && call->body->overflow)
                return ERR_LIMIT;
        if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
                return ERR_NOT_READY;
        if (code == CURLE_OPERATION_TIMEDOUT)
                return ERR_TIMEOUT;
        if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
                return ERR_UNTRUSTED;
        if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY)
                return ERR_PROTOCOL;
        if (code == CURLE_URL_MALFORMAT)
                return ERR_USAGE;
        return ERR_NETWORK;
}

static enum op_state judge_status(const struct call *call, long status, struct err *err)
{
        const struct http_request *request = &call->request;
        const char *text = buf_str(call->body) + call->body_start;
        char body[SHOWN_BODY_MAX + 1];

        if (request->status != 0 ? status == request->status : status >= 200 && status < 300)
                return OP_DONE;
        (void)snprintf(body, sizeof(body), "%.*s", (int)strcspn(text, "\r\n"), text);
        for (char *p = body; *p != '\0'; p++)
                if (iscntrl((unsigned char)*p))
                        *p = '?';
        (void)err_set(err, status == 401 || status == 403 ? ERR_AUTH : ERR_ENGINE,
                      "%s %.200s answered %ld%s%s", request->method != NULL ? request->method : "POST",
                      request->url, status, body[0] != '\0' ? ": " : "", body);
        return OP_FAILED;
}

static enum op_state finish(const struct call *call, CURLcode code, struct err *err)
{
        const struct curl_library *curl = *call->library;
        long status = 0;

        if (code != CURLE_OK) {
                (void)err_set(err, kind_of(code, call), "call %.200s: %.200s", call->request.url,
                              call->message[0] != '\0' ? call->message : curl->easy_strerror(code));
                return OP_FAILED;
        }
        (void)curl->easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        return judge_status(call, status, err);
}

static void drive(struct call *call, short ready)
{
        const struct curl_library *curl = *call->library;
        struct epoll_event events[EVENTS_MAX];
        int running;
        int n = ready != 0 ? epoll_wait(call->epoll, events, EVENTS_MAX, 0) : 0;

        for (int i = 0; i < n; i++) {
                int what = ((events[i].events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                           ((events[i].events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                           ((events[i].events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);

                (void)curl->multi_socket_action(call->multi, events[i].data.fd, what, &running);
        }
        if (call->now.ms >= call->timer.ms) {
                call->timer = MONO_NEVER;
                (void)curl->multi_socket_action(call->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
}

static enum op_state call_step(struct op *op, short ready, struct mono now, struct err *err)
{
        struct call *call = CONTAINER_OF(op, struct call, op);
        CURLMsg *message;
        int left;

        call->now = now;
        if (call->multi == NULL) {
                call->deadline = clock_after(now, call->request.limit_ms);
                if (start(call, err) == -1)
                        return OP_FAILED;
        }
        drive(call, ready);
        message = (*call->library)->multi_info_read(call->multi, &left);
        if (message != NULL && message->msg == CURLMSG_DONE)
                return finish(call, message->data.result, err);
        if (now.ms >= call->deadline.ms) {
                (void)err_set(err, ERR_TIMEOUT, "call %.200s: no answer within %lld ms", call->request.url,
                              (long long)call->request.limit_ms);
                return OP_FAILED;
        }
        call->op.want.fd = call->epoll;
        call->op.want.events = POLLIN;
        call->op.want.until = call->timer.ms < call->deadline.ms ? call->timer : call->deadline;
        return OP_WAIT;
}

static void call_free(struct op *op)
{
        struct call *call = CONTAINER_OF(op, struct call, op);
        const struct curl_library *curl = *call->library;

        if (call->multi != NULL && call->easy != NULL)
                (void)curl->multi_remove_handle(call->multi, call->easy);
        if (call->easy != NULL)
                curl->easy_cleanup(call->easy);
        if (call->multi != NULL)
                (void)curl->multi_cleanup(call->multi);
        close_fd_p(&call->epoll);
        buf_done(&call->own_body);
        mem_free(call);
}

static const struct op_type call_type = { .name = "HTTP call", .step = call_step, .free = call_free };

struct op *http_call_start(const struct http_request *request, struct curl_library **library)
{
        struct call *call = MEM_NEW(struct call);

        call->op.type = &call_type;
        call->request = *request;
        call->library = library;
        call->epoll = -1;
        call->timer = MONO_NEVER;
        call->own_body = (struct buf)BUF_INIT(HTTP_BODY_MAX_BYTES);
        call->body = request->body != NULL ? request->body : &call->own_body;
        call->body_start = call->body->len;
        return &call->op;
}
