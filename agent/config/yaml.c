// SPDX-License-Identifier: Apache-2.0
/*
 * libyaml's events to a JSON tree. What makes YAML surprising is refused or stays a string: `yes`, `0o17`,
 * `1e3`, `1_000` and dates are strings here, and the schema says what it wanted instead.
 *
 * The trap: libyaml reads ahead and recurses nowhere, but cJSON_Delete does: depth is capped while building.
 */
#include "config/yaml.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/num.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define INT_EXACT_MAX (INT64_C(1) << 53)

struct level {
        cJSON *node;
        char *key; /* of the member whose value comes next; NULL: a key comes next */
        yaml_mark_t key_mark;
        int n;
};

struct builder {
        const char *what;
        struct yaml_doc doc;
        struct level levels[JSON_MAX_DEPTH];
        int depth;
        int n_documents;
        struct err *err;
};

static void builder_done_p(struct builder *builder)
{
        for (int i = 0; i < builder->depth; i++)
                mem_free(builder->levels[i].key);
        yaml_done(&builder->doc);
}

static void parser_done_p(yaml_parser_t *parser)
{
        yaml_parser_delete(parser);
}

static void event_done_p(yaml_event_t *event)
{
        yaml_event_delete(event);
}

#define refuse(builder, kind, mark, ...) (refuse_((builder), (kind), (mark), __VA_ARGS__), -1)

static FORMAT(4, 5) void refuse_(const struct builder *builder, enum err_kind kind, const yaml_mark_t *mark,
                                 const char *fmt, ...)
{
        char text[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        err_set_(builder->err, kind, "%.200s:%zu:%zu: %.280s", builder->what, mark->line + 1,
                 mark->column + 1, text);
}

/* Only the plain decimal form: no sign but '-', no leading zero (0640 is a file mode, thus a string). */
static cJSON *plain_int(const char *text)
{
        const char *digits = text + (*text == '-');
        struct err ignored;
        int64_t value;

        if (*digits < '0' || *digits > '9' || (*digits == '0' && digits[1] != '\0') ||
            num_parse(text, -INT_EXACT_MAX, INT_EXACT_MAX, &value, &ignored) != 0)
                return NULL;
        return cJSON_CreateNumber((double)value);
}

static cJSON *scalar_node(const char *text, bool is_plain)
{
        cJSON *node = NULL;

        if (is_plain && (*text == '\0' || strcmp(text, "null") == 0 || strcmp(text, "~") == 0))
                node = cJSON_CreateNull();
        else if (is_plain && strcmp(text, "true") == 0)
                node = cJSON_CreateTrue();
        else if (is_plain && strcmp(text, "false") == 0)
                node = cJSON_CreateFalse();
        else if (is_plain)
                node = plain_int(text);
        if (node == NULL)
                node = cJSON_CreateString(text);
        if (node == NULL)
                abort();
        return node;
}

static void remember(struct builder *builder, const cJSON *node, const yaml_mark_t *mark,
                     const yaml_mark_t *key)
{
        struct yaml_doc *doc = &builder->doc;

        /* Grows by doubling: a power of two is full. */
        if ((doc->n_places & (doc->n_places - 1)) == 0)
                doc->places = mem_grow(doc->places, doc->n_places == 0 ? 1 : 2 * doc->n_places,
                                       sizeof(*doc->places));
        doc->places[doc->n_places++] = (struct yaml_place){ node, (int)mark->line + 1, (int)mark->column + 1,
                                                            (int)key->line + 1, (int)key->column + 1 };
}

/* Takes the node. */
static void attach(struct builder *builder, cJSON *node, const yaml_mark_t *mark)
{
        struct level *level = builder->depth == 0 ? NULL : &builder->levels[builder->depth - 1];

        if (level == NULL) {
                builder->doc.root = node;
                remember(builder, node, mark, mark);
        } else if (cJSON_IsArray(level->node)) {
                json_append(level->node, node);
                remember(builder, node, mark, mark);
        } else {
                json_add(level->node, level->key, node);
                remember(builder, node, mark, &level->key_mark);
                mem_free(TAKE(level->key));
        }
}

static bool wants_key(const struct builder *builder)
{
        const struct level *level;

        if (builder->depth == 0)
                return false;
        level = &builder->levels[builder->depth - 1];
        return cJSON_IsObject(level->node) && level->key == NULL;
}

static int take_key(struct builder *builder, const char *key, const yaml_mark_t *mark)
{
        struct level *level = &builder->levels[builder->depth - 1];

        if (strcmp(key, "<<") == 0)
                return refuse(builder, ERR_PARSE, mark,
                              "merge keys ('<<') are not supported: write the keys out");
        if (json_get(level->node, key) != NULL)
                return refuse(builder, ERR_PARSE, mark, "key '%.60s' appears twice", key);
        if (++level->n > CONFIG_MAX_KEYS)
                return refuse(builder, ERR_LIMIT, mark, "more than %d keys in one mapping", CONFIG_MAX_KEYS);
        level->key = mem_strdup(key);
        level->key_mark = *mark;
        return 0;
}

static int take_scalar(struct builder *builder, const yaml_event_t *event)
{
        const char *text = (const char *)event->data.scalar.value;
        const yaml_mark_t *mark = &event->start_mark;

        if (event->data.scalar.anchor != NULL)
                return refuse(builder, ERR_PARSE, mark, "anchors ('&') are not supported");
        if (event->data.scalar.tag != NULL)
                return refuse(builder, ERR_PARSE, mark, "tags ('!') are not supported");
        if (strlen(text) != event->data.scalar.length)
                return refuse(builder, ERR_PARSE, mark, "a NUL character in a string");
        if (wants_key(builder))
                return take_key(builder, text, mark);
        attach(builder, scalar_node(text, event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE), mark);
        return 0;
}

/* Takes the node. */
static int open_level(struct builder *builder, cJSON *node, const yaml_mark_t *mark)
{
        attach(builder, node, mark);
        builder->levels[builder->depth++] = (struct level){ .node = node };
        return 0;
}

static int start_collection(struct builder *builder, const yaml_event_t *event)
{
        bool is_mapping = event->type == YAML_MAPPING_START_EVENT;
        const yaml_mark_t *mark = &event->start_mark;

        if ((is_mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor) != NULL)
                return refuse(builder, ERR_PARSE, mark, "anchors ('&') are not supported");
        if ((is_mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag) != NULL)
                return refuse(builder, ERR_PARSE, mark, "tags ('!') are not supported");
        if (wants_key(builder))
                return refuse(builder, ERR_PARSE, mark, "a key must be a plain word");
        if (builder->depth == JSON_MAX_DEPTH)
                return refuse(builder, ERR_LIMIT, mark, "nested deeper than %d levels", JSON_MAX_DEPTH);
        return open_level(builder, is_mapping ? json_object() : json_array(), mark);
}

static int start_document(struct builder *builder, const yaml_event_t *event)
{
        if (++builder->n_documents > 1)
                return refuse(builder, ERR_PARSE, &event->start_mark,
                              "a second document: one file holds one");
        if (event->data.document_start.version_directive != NULL ||
            event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end)
                return refuse(builder, ERR_PARSE, &event->start_mark, "directives ('%%') are not supported");
        return 0;
}

static int take_event(struct builder *builder, const yaml_event_t *event)
{
        switch (event->type) {
        case YAML_DOCUMENT_START_EVENT:
                return start_document(builder, event);
        case YAML_ALIAS_EVENT:
                return refuse(builder, ERR_PARSE, &event->start_mark, "aliases ('*') are not supported");
        case YAML_SCALAR_EVENT:
                return take_scalar(builder, event);
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
                return start_collection(builder, event);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                builder->depth--;
                return 0;
        case YAML_NO_EVENT:
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_END_EVENT:
                return 0;
        }
        return 0;
}

/* Where byte `offset` is; text before it may be anything. */
static yaml_mark_t mark_at(const char *text, size_t offset)
{
        yaml_mark_t mark = { offset, 0, 0 };

        for (size_t i = 0; i < offset; i++) {
                if (text[i] == '\n') {
                        mark.line++;
                        mark.column = 0;
                } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
                        mark.column++;
                }
        }
        return mark;
}

/* Does a tab stand at the mark? The one mistake that libyaml's own words do not explain. */
static bool tab_at(const char *text, size_t len, const yaml_mark_t *mark)
{
        const char *p = text;
        const char *end = text + len;

        for (size_t line = 0; line < mark->line && p != NULL; line++) {
                p = memchr(p, '\n', (size_t)(end - p));
                p = p == NULL ? NULL : p + 1;
        }
        return p != NULL && mark->column < (size_t)(end - p) && p[mark->column] == '\t';
}

static int explain(const struct builder *builder, const yaml_parser_t *parser, const char *text, size_t len)
{
        const char *problem = parser->problem == NULL ? "unreadable" : parser->problem;
        yaml_mark_t mark;

        if (parser->error == YAML_READER_ERROR) {
                mark = mark_at(text, parser->problem_offset < len ? parser->problem_offset : len);
                return refuse(builder, ERR_PARSE, &mark, "not YAML: %s", problem);
        }
        if (tab_at(text, len, &parser->problem_mark))
                return refuse(builder, ERR_PARSE, &parser->problem_mark,
                              "not YAML: a tab, indent with spaces instead");
        return refuse(builder, ERR_PARSE, &parser->problem_mark, "not YAML: %s%s%s", problem,
                      parser->context == NULL ? "" : " ", parser->context == NULL ? "" : parser->context);
}

static int build(struct builder *builder, yaml_parser_t *parser, const char *text, size_t len)
{
        bool is_done = false;

        while (!is_done) {
                AUTO(event_done_p) yaml_event_t event = { .type = YAML_NO_EVENT };

                if (!yaml_parser_parse(parser, &event))
                        return explain(builder, parser, text, len);
                if (take_event(builder, &event) != 0)
                        return -1;
                is_done = event.type == YAML_STREAM_END_EVENT;
        }
        if (builder->doc.root == NULL)
                attach(builder, scalar_node("", true), &(yaml_mark_t){ 0 });
        return 0;
}

int yaml_parse(const char *what, const char *text, size_t len, struct yaml_doc *out, struct err *err)
{
        AUTO(builder_done_p) struct builder builder = { .what = what, .err = err };
        AUTO(parser_done_p) yaml_parser_t parser = { .error = YAML_NO_ERROR };

        if (len > CONFIG_MAX_BYTES)
                return err_set(err, ERR_LIMIT, "%.200s: larger than %zu bytes", what, CONFIG_MAX_BYTES);
        if (!yaml_parser_initialize(&parser))
                return err_set(err, ERR_INTERNAL, "%.200s: libyaml does not start", what);
        /* Otherwise a byte order mark would switch to UTF-16. */
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
        if (build(&builder, &parser, text, len) != 0)
                return -1;
        *out = builder.doc;
        builder.doc = (struct yaml_doc){ NULL, NULL, 0 };
        return 0;
}

void yaml_done(struct yaml_doc *doc)
{
        json_free(doc->root);
        mem_free(doc->places);
        *doc = (struct yaml_doc){ NULL, NULL, 0 };
}

const struct yaml_place *yaml_place(const struct yaml_doc *doc, const cJSON *node)
{
        for (size_t i = 0; i < doc->n_places; i++)
                if (doc->places[i].node == node)
                        return &doc->places[i];
        return NULL;
}
