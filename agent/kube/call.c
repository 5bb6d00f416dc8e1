// SPDX-License-Identifier: Apache-2.0
/*
 * The host in the URL is what libcurl verifies and names in the handshake; with a name to verify it is put
 * there, and CONNECT_TO says where that is.
 *
 * The callbacks run inside of libcurl: they hand bytes to whoever started the call, who may start and cancel
 * calls in there; that is only noted (client.c).
 */
#include "kube/call.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/mem.h"

#define HEAD_MAX_BYTES  ((size_t)64 << 10)
#define TOKEN_MAX_BYTES ((size_t)16 << 10)
#define SCHEME          "https://"
#define DEFAULT_PORT    ":443"

/* A peer that has vanished is found out within a minute, by the kernel: no wake-up of ours. */
#define KEEPALIVE_IDLE_S     20
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES     3
#define UNACKNOWLEDGED_MS    30000

struct kube_target kube_call_target(const struct kube_access *access)
{
        struct kube_target target = { .url = mem_strdup(access->server) };
        const char *host = access->server + strlen(SCHEME);
        size_t len = strcspn(host, "/");
        const char *port = memchr(host, ']', len);
        const char *name = access->server_name;
        bool is_ipv6;

        if (name == NULL)
                return target;
        port = memchr(port != NULL ? port : host, ':', len - (port != NULL ? (size_t)(port - host) : 0));
        is_ipv6 = strchr(name, ':') != NULL;
        mem_free(target.url);
        target.url = mem_printf(SCHEME "%s%s%s%s", is_ipv6 ? "[" : "", name, is_ipv6 ? "]" : "",
                                port != NULL ? port : host + len);
        /* No host and no port in front: whatever the URL says. */
        target.connect_to = mem_printf("::%.*s%s", (int)len, host, port != NULL ? "" : DEFAULT_PORT);
        return target;
}

void kube_call_target_done(struct kube_target *target)
{
        mem_free(target->url);
        mem_free(target->connect_to);
}

struct kube_call *kube_call_new(const struct kube_request *request)
{
        struct kube_call *call = MEM_NEW(struct kube_call);

        call->method = mem_strdup(request->method);
        call->path = mem_strdup(request->path);
        call->type = mem_strdup(request->type != NULL ? request->type : KUBE_JSON);
        call->body = mem_strdup(request->body);
        call->limit_ms = request->limit_ms > 0 ? request->limit_ms : KUBE_CALL_LIMIT_MS;
        call->silence_ms = request->silence_ms;
        call->answer = (struct buf)BUF_INIT(KUBE_ANSWER_MAX_BYTES);
        return call;
}

void kube_call_free(struct kube_call *call)
{
        if (call->easy != NULL)
                call->curl->easy_cleanup(call->easy);
        loop_timer_free(call->timer);
        secret_done(&call->authorization);
        buf_done(&call->answer);
        for (size_t i = 0; i < KUBE_CALL_LINES; i++)
                mem_free(call->lines[i]);
        mem_free(call->method);
        mem_free(call->path);
        mem_free(call->type);
        mem_free(call->body);
        mem_free(call);
}

bool kube_call_is_streaming(const struct kube_call *call)
{
        return call->silence_ms > 0 && call->status == 200;
}

static int set_authorization(struct kube_call *call, const uint8_t *token, size_t len, const char *where,
                             struct err *err)
{
        AUTO(buf_done_p) struct buf header = BUF_INIT(2 * TOKEN_MAX_BYTES);

        while (len > 0 && strchr(" \t\r\n", token[len - 1]) != NULL)
                len--;
        if (len == 0)
                return err_set(err, ERR_AUTH, "%.300s: the token is empty", where);
        for (size_t i = 0; i < len; i++)
                if (token[i] <= ' ' || token[i] > '~')
                        return err_set(err, ERR_AUTH,
                                       "%.300s: this is no token: byte %zu is no letter or digit", where,
                                       i + 1);
        buf_add_str(&header, "Authorization: Bearer ");
        buf_add(&header, token, len);
        secret_set(&call->authorization, header.data, header.len);
        return 0;
}

/* Read for each request: kubelet renews the file minutes before the token in it expires. */
static int authorize(struct kube_call *call, const struct kube_access *access, struct err *err)
{
        AUTO(buf_done_p) struct buf token = BUF_INIT(TOKEN_MAX_BYTES);

        if (access->token_file == NULL && access->token.len == 0)
                return 0;
        if (access->token_file == NULL)
                return set_authorization(call, access->token.data, access->token.len, "kubeconfig", err);
        if (fs_read(access->token_file, TOKEN_MAX_BYTES, &token, err) != 0) {
                err->kind = ERR_AUTH;
                return err_wrap(err, "the token cannot be read");
        }
        return set_authorization(call, token.data, token.len, access->token_file, err);
}

static size_t on_head(char *line, size_t size, size_t n, void *arg)
{
        struct kube_call *call = arg;
        long status = 0;

        *call->heard = clock_mono();
        call->head_len += size * n;
        if (call->head_len > HEAD_MAX_BYTES) {
                err_set_(&call->err, ERR_LIMIT, "the head of the answer is larger than %zu bytes",
                         HEAD_MAX_BYTES);
                return 0;
        }
        if (call->status != 0 || (line[0] != '\r' && line[0] != '\n'))
                return size * n;
        (void)call->curl->easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status < 200) /* an interim answer */
                return size * n;
        call->status = (int)status;
        if (kube_call_is_streaming(call))
                loop_timer_set(call->timer, call->silence_ms);
        return size * n;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
        struct kube_call *call = arg;

        *call->heard = clock_mono();
        if (call->state != KUBE_CALL_RUNS)
                return 0;
        if (kube_call_is_streaming(call)) {
                loop_timer_set(call->timer, call->silence_ms);
                call->data(data, size * n, call->arg);
                return call->state == KUBE_CALL_RUNS ? size * n : 0;
        }
        buf_add(&call->answer, data, size * n);
        if (!call->answer.overflow)
                return size * n;
        err_set_(&call->err, ERR_LIMIT, "the answer is larger than %zu bytes", call->answer.max);
        return 0;
}

static int on_open(void *arg, curl_socket_t fd, curlsocktype purpose UNUSED)
{
        struct kube_call *call = arg;
        const struct {
                int level;
                int name;
                int value;
        } options[] = {
                { SOL_SOCKET, SO_KEEPALIVE, 1 },
                { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
                { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
                { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
                { IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS },
        };

        for (size_t i = 0; i < ARRAY_LEN(options); i++)
                (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                                 sizeof(options[i].value));
        /* A connection that was kept had died: what libcurl wrote of that one, and never overwrites. */
        call->message[0] = '\0';
        return CURL_SOCKOPT_OK;
}

static void set_trust(const struct kube_call *call, const struct kube_access *access)
{
        const struct curl_library *curl = call->curl;
        CURL *easy = call->easy;
        struct curl_blob blob = { .flags = CURL_BLOB_NOCOPY };

        (void)curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
        /* Every handshake is a whole one, against the authorities of that moment. */
        (void)curl->easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
        (void)curl->easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
        (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, access->insecure ? 0L : 1L);
        (void)curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, access->insecure ? 0L : 2L);
        if (access->authorities != NULL || access->authorities_file != NULL)
                /* Otherwise those of the system are trusted as well. */
                (void)curl->easy_setopt(easy, CURLOPT_CAPATH, NULL);
        if (access->authorities != NULL) {
                blob.data = access->authorities;
                blob.len = strlen(access->authorities);
                (void)curl->easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
        } else if (access->authorities_file != NULL) {
                (void)curl->easy_setopt(easy, CURLOPT_CAINFO, access->authorities_file);
        }
        if (access->certificate.len == 0)
                return;
        blob.data = access->certificate.data;
        blob.len = access->certificate.len;
        (void)curl->easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &blob);
        blob.data = access->key.data;
        blob.len = access->key.len;
        (void)curl->easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &blob);
}

static void set_request(struct kube_call *call, const struct kube_target *target)
{
        const struct curl_library *curl = call->curl;
        AUTO(mem_free_p) char *url = mem_printf("%s%s", target->url, call->path);
        struct curl_slist *first = NULL;
        struct curl_slist **tail = &first;

        call->lines[0] = mem_strdup("Accept: " KUBE_JSON);
        call->lines[1] = mem_strdup("Expect:"); /* no waiting for a leave to send */
        call->lines[2] = call->body != NULL ? mem_printf("Content-Type: %s", call->type) : NULL;
        for (size_t i = 0; i < KUBE_CALL_HEADERS; i++) {
                char *line = i < KUBE_CALL_LINES ? call->lines[i] : (char *)call->authorization.data;

                if (line == NULL)
                        continue;
                call->headers[i] = (struct curl_slist){ line, NULL };
                *tail = &call->headers[i];
                tail = &call->headers[i].next;
        }
        (void)curl->easy_setopt(call->easy, CURLOPT_URL, url);
        (void)curl->easy_setopt(call->easy, CURLOPT_HTTPHEADER, first);
        if (call->body != NULL) {
                (void)curl->easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body);
                (void)curl->easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t)strlen(call->body));
        }
        (void)curl->easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, call->method);
        if (target->connect_to == NULL)
                return;
        call->connect_to = (struct curl_slist){ target->connect_to, NULL };
        (void)curl->easy_setopt(call->easy, CURLOPT_CONNECT_TO, &call->connect_to);
}

static void set_manners(struct kube_call *call)
{
        const struct curl_library *curl = call->curl;
        CURL *easy = call->easy;

        (void)curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
        (void)curl->easy_setopt(easy, CURLOPT_PROXY, "");
        (void)curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        (void)curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a resolver's thread */
        (void)curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        (void)curl->easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
        (void)curl->easy_setopt(easy, CURLOPT_USERAGENT, "certrotate/" CERTROTATE_VERSION);
        (void)curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, call->message);
        (void)curl->easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_open);
        (void)curl->easy_setopt(easy, CURLOPT_SOCKOPTDATA, call);
        (void)curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
        (void)curl->easy_setopt(easy, CURLOPT_HEADERDATA, call);
        (void)curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
        (void)curl->easy_setopt(easy, CURLOPT_WRITEDATA, call);
        (void)curl->easy_setopt(easy, CURLOPT_PRIVATE, call);
}

int kube_call_prepare(struct kube_call *call, const struct curl_library *curl,
                      const struct kube_access *access, const struct kube_target *target, struct err *err)
{
        if (strlen(call->path) > KUBE_PATH_MAX)
                return err_set(err, ERR_LIMIT, "a path longer than %d bytes", KUBE_PATH_MAX);
        if (authorize(call, access, err) != 0)
                return -1;
        call->curl = curl;
        call->easy = curl->easy_init();
        if (call->easy == NULL)
                return err_set(err, ERR_INTERNAL, "libcurl: no handle");
        set_manners(call);
        set_trust(call, access);
        set_request(call, target);
        return 0;
}

static enum err_kind kind_of(CURLcode code)
{
        static const struct {
                CURLcode code;
                enum err_kind kind;
        } kinds[] = {
                { CURLE_COULDNT_CONNECT, ERR_NOT_READY },
                { CURLE_COULDNT_RESOLVE_HOST, ERR_NOT_READY },
                { CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT },
                { CURLE_PEER_FAILED_VERIFICATION, ERR_UNTRUSTED },
                { CURLE_SSL_CACERT_BADFILE, ERR_UNTRUSTED },
                { CURLE_SSL_CERTPROBLEM, ERR_UNTRUSTED },
                { CURLE_UNSUPPORTED_PROTOCOL, ERR_PROTOCOL },
                { CURLE_WEIRD_SERVER_REPLY, ERR_PROTOCOL },
        };

        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                if (kinds[i].code == code)
                        return kinds[i].kind;
        return ERR_NETWORK;
}

static const char *reason_of(const struct kube_call *call, CURLcode code)
{
        long verified = X509_V_OK;

        if (call->message[0] != '\0')
                return call->message;
        if (code == CURLE_PEER_FAILED_VERIFICATION)
                (void)call->curl->easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
        return verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                     : call->curl->easy_strerror(code);
}

void kube_call_settle(struct kube_call *call, const struct kube_access *access, CURLcode code)
{
        /* libcurl's own word for it does not name the file. */
        const char *where = code == CURLE_SSL_CACERT_BADFILE && access->authorities_file != NULL
                                    ? access->authorities_file
                                    : access->server;
        curl_off_t retry_after_s = 0;

        if (call->err.kind == ERR_NONE && code != CURLE_OK)
                err_set_(&call->err, kind_of(code), "%.200s: %.200s", where, reason_of(call, code));
        if (call->err.kind == ERR_NONE && call->status == 0) /* which libcurl calls an end */
                err_set_(&call->err, ERR_NETWORK, "%.200s: the answer broke off in its head", where);
        (void)call->curl->easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
        if (retry_after_s > 0 && retry_after_s < INT64_MAX / 1000)
                call->retry_after_ms = (int64_t)retry_after_s * 1000;
}
