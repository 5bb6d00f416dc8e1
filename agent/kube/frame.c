// SPDX-License-Identifier: Apache-2.0
/*
 * Frames and pages. The API server ends each frame with a newline and has none inside of it (JSON without
 * indentation), so frames are found without understanding them. What is not exactly as documented is refused
 * whole: the caller lists again rather than guessing.
 */
#include "kube/frame.h"

#include "base/mem.h"

#include <string.h>

#define KEPT_BYTES  ((size_t)16 << 10) /* of memory, from one document to the next */
#define BLANK       " \t\r"
#define CODE_LOWEST 300

void kube_frames_feed(struct kube_frames *frames, const char *data, size_t len)
{
        frames->data = data;
        frames->len = len;
}

void kube_frames_done(struct kube_frames *frames)
{
        buf_done(&frames->rest);
        *frames = (struct kube_frames)KUBE_FRAMES_INIT;
}

static void drop_taken(struct kube_frames *frames)
{
        if (!frames->is_taken)
                return;
        frames->is_taken = false;
        if (frames->rest.room > KEPT_BYTES)
                buf_done(&frames->rest);
        else
                buf_reset(&frames->rest);
}

static bool is_blank(const char *text, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (memchr(BLANK, text[i], sizeof(BLANK) - 1) == NULL)
                        return false;
        return true;
}

bool kube_frames_is_cut(const struct kube_frames *frames)
{
        return !frames->is_taken && !is_blank(buf_str(&frames->rest), frames->rest.len);
}

/* Up to the newline, or up to the end of the piece; true: a line is complete. */
static bool take_line(struct kube_frames *frames, const char **text, size_t *len)
{
        const char *end = memchr(frames->data, '\n', frames->len);
        const size_t n = end == NULL ? frames->len : (size_t)(end - frames->data);

        *text = frames->data;
        *len = n;
        if (end == NULL || frames->rest.len > 0) {
                buf_add(&frames->rest, frames->data, n);
                *text = buf_str(&frames->rest);
                *len = frames->rest.len;
                frames->is_taken = end != NULL;
        }
        frames->data += n;
        frames->len -= n;
        if (end == NULL)
                return false;
        frames->data++;
        frames->len--;
        return true;
}

int kube_frames_next(struct kube_frames *frames, const char **text, size_t *len, struct err *err)
{
        while (frames->len > 0) {
                const char *line;
                size_t n;
                bool is_whole;

                drop_taken(frames);
                is_whole = take_line(frames, &line, &n);
                if (frames->rest.overflow || n > KUBE_FRAME_MAX_BYTES)
                        return err_set(err, ERR_LIMIT, "a frame is larger than %zu bytes",
                                       KUBE_FRAME_MAX_BYTES);
                if (is_whole && !is_blank(line, n)) {
                        *text = line;
                        *len = n;
                        return 1;
                }
        }
        drop_taken(frames);
        return 0;
}

/* It goes into a query of the next request as it is. */
static bool is_version(const char *text)
{
        static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~";

        return text != NULL && *text != '\0' && strlen(text) < KUBE_VERSION_MAX &&
               text[strspn(text, allowed)] == '\0';
}

static bool is_name(const char *text)
{
        return text != NULL && *text != '\0' && strlen(text) <= KUBE_NAME_MAX;
}

int kube_id_read(const cJSON *object, struct kube_id *out, struct err *err)
{
        const cJSON *metadata = json_get(object, "metadata");
        const char *namespace = json_get_str(metadata, "namespace");
        const struct kube_id id = {
                .namespace = namespace == NULL ? "" : namespace,
                .name = json_get_str(metadata, "name"),
                .version = json_get_str(metadata, "resourceVersion"),
        };

        if (!is_name(id.name) || strlen(id.namespace) > KUBE_NAME_MAX)
                return err_set(err, ERR_PARSE, "an object without a name");
        if (!is_version(id.version))
                return err_set(err, ERR_PARSE, "object '%s' has no resourceVersion", id.name);
        *out = id;
        return 0;
}

static int read_object(struct kube_frame *frame, struct err *err)
{
        const cJSON *metadata = json_get(frame->object, "metadata");

        if (!cJSON_IsObject(frame->object))
                return err_set(err, ERR_PARSE, "a frame without an object");
        if (frame->type == KUBE_FRAME_ERROR)
                return 0;
        if (frame->type != KUBE_FRAME_BOOKMARK)
                return kube_id_read(frame->object, &frame->id, err);
        frame->id.version = json_get_str(metadata, "resourceVersion");
        return is_version(frame->id.version)
                       ? 0
                       : err_set(err, ERR_PARSE, "a bookmark without a resourceVersion");
}

int kube_frame_parse(const char *text, size_t len, struct kube_frame *out, struct err *err)
{
        static const char *const types[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR" };
        struct kube_frame frame = { .tree = NULL };
        const char *type;
        size_t i = 0;

        if (json_parse(text, len, &frame.tree, err) != 0)
                return err_wrap(err, "a frame");
        type = json_get_str(frame.tree, "type");
        while (i < ARRAY_LEN(types) && (type == NULL || strcmp(type, types[i]) != 0))
                i++;
        frame.type = (enum kube_frame_type)i;
        frame.object = json_get(frame.tree, "object");
        if (i == ARRAY_LEN(types)
                    ? err_set(err, ERR_PARSE, "a frame of type '%.40s'", type == NULL ? "" : type)
                    : read_object(&frame, err)) {
                json_wipe(frame.tree);
                return -1;
        }
        *out = frame;
        return 0;
}

/* It may have been a Secret. */
void kube_frame_done(struct kube_frame *frame)
{
        json_wipe(frame->tree);
        *frame = (struct kube_frame){ .tree = NULL };
}

void kube_frame_status(const struct kube_frame *frame, struct kube_answer *answer, char **body)
{
        const int64_t code = json_get_int(frame->object, "code", 0);
        const int64_t seconds = json_get_int(json_get(frame->object, "details"), "retryAfterSeconds", 0);

        *body = json_print(frame->object, false);
        *answer = (struct kube_answer){
                .status = code < CODE_LOWEST || code > 599 ? 500 : (int)code,
                .retry_after_ms = seconds < 0 || seconds > INT32_MAX ? 0 : seconds * 1000,
                .body = *body,
                .len = strlen(*body),
                .err = ERR_INIT,
        };
}

static int check_items(const cJSON *items, struct err *err)
{
        struct kube_id id;

        if (!cJSON_IsArray(items) && !cJSON_IsNull(items))
                return err_set(err, ERR_PARSE, "a list without items");
        for (const cJSON *item = items->child; item != NULL; item = item->next)
                if (kube_id_read(item, &id, err) != 0)
                        return -1;
        return 0;
}

int kube_page_parse(const char *text, size_t len, struct kube_page *out, struct err *err)
{
        AUTO(json_wipe_p) cJSON *tree = NULL;
        struct kube_page page = { .tree = NULL };
        const cJSON *metadata;

        if (json_parse(text, len, &tree, err) != 0)
                return err_wrap(err, "a list");
        metadata = json_get(tree, "metadata");
        page.items = json_get(tree, "items");
        page.version = json_get_str(metadata, "resourceVersion");
        page.more = json_get_str(metadata, "continue");
        if (page.more != NULL && *page.more == '\0')
                page.more = NULL;
        if (!is_version(page.version))
                return err_set(err, ERR_PARSE, "a list without a resourceVersion");
        if (check_items(page.items, err) != 0)
                return -1;
        page.tree = TAKE(tree);
        *out = page;
        return 0;
}

void kube_page_done(struct kube_page *page)
{
        json_wipe(page->tree);
        *page = (struct kube_page){ .tree = NULL };
}
