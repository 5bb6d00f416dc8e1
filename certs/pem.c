// SPDX-License-Identifier: Apache-2.0
/*
 * The PEM reader. Bodies are decoded through a table, four characters at a time; whatever stands outside the
 * blocks is skipped, but never a damaged BEGIN or END line: a block that got lost without a word would be
 * the leaf or an authority.
 */
#include "certs/pem.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

#define BEGIN        "-----BEGIN "
#define END          "-----END "
#define TAIL         "-----"
#define DEK_INFO     "DEK-Info:"
#define LABEL_MAX    64
#define LEN(literal) (sizeof(literal) - 1)

/* Table values: the digit + 1, or one of these; 0 is no base64 at all. */
#define SKIP    65
#define PADDING 66

static const uint8_t digits[256] = {
        0,  0,  0,  0,  0,  0,  0,  0,  0,  65, 65, 0,  0,  65, 0,  0,  0,  0,  0,  0,  0,  0,
        0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  65, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  63,
        0,  0,  0,  64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0,  0,  0,  66, 0,  0,  0,  1,
        2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
        24, 25, 26, 0,  0,  0,  0,  0,  0,  27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
        40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 0,  0,  0,  0,  0,
};

static const struct {
        const char *name;
        enum pem_label label;
} labels[] = {
        { "CERTIFICATE", PEM_CERTIFICATE },
        { "X509 CERTIFICATE", PEM_CERTIFICATE },
        { "TRUSTED CERTIFICATE", PEM_CERTIFICATE },
        { "PRIVATE KEY", PEM_KEY_PKCS8 },
        { "ENCRYPTED PRIVATE KEY", PEM_KEY_PKCS8_CRYPTED },
        { "RSA PRIVATE KEY", PEM_KEY_RSA },
        { "EC PRIVATE KEY", PEM_KEY_EC },
};

struct reader {
        const char *what;
        const uint8_t *p;
        const uint8_t *end;
        int line; /* of the line that begins at p, from 1 */
};

/* A line without its end and without trailing blanks. */
struct line {
        const char *text;
        size_t len;
};

static bool next_line(struct reader *reader, struct line *line)
{
        const uint8_t *newline;
        size_t left = (size_t)(reader->end - reader->p);

        if (left == 0)
                return false;
        newline = memchr(reader->p, '\n', left);
        line->text = (const char *)reader->p;
        line->len = newline == NULL ? left : (size_t)(newline - reader->p);
        reader->p = newline == NULL ? reader->end : newline + 1;
        reader->line++;
        while (line->len > 0 && (unsigned char)line->text[line->len - 1] <= ' ')
                line->len--;
        return true;
}

static bool starts_with(const struct line *line, const char *prefix, size_t len)
{
        return line->len >= len && memcmp(line->text, prefix, len) == 0;
}

static void count_lines(struct reader *reader, const uint8_t *to)
{
        const uint8_t *p = reader->p;

        while ((p = memchr(p, '\n', (size_t)(to - p))) != NULL) {
                reader->line++;
                p++;
        }
        reader->p = to;
}

/* Returns the bytes decoded, or -1 when it is no base64. */
static ssize_t decode(const uint8_t *p, const uint8_t *end, uint8_t *out)
{
        const uint8_t *start = out;
        uint32_t bits = 0;
        unsigned n = 0;
        unsigned padding = 0;

        while (p < end) {
                uint8_t digit = digits[*p++];

                if (digit >= 1 && digit <= 64 && padding == 0) {
                        bits = bits << 6 | (digit - 1U);
                        if (++n < 4)
                                continue;
                        *out++ = (uint8_t)(bits >> 16);
                        *out++ = (uint8_t)(bits >> 8);
                        *out++ = (uint8_t)bits;
                        n = 0;
                } else if (digit == PADDING && n >= 2 && n + padding < 4) {
                        padding++;
                } else if (digit != SKIP) {
                        return -1;
                }
        }
        if (padding == 0)
                return n == 0 ? out - start : -1;
        if (n + padding != 4)
                return -1;
        bits <<= 6 * padding;
        *out++ = (uint8_t)(bits >> 16);
        if (padding == 1)
                *out++ = (uint8_t)(bits >> 8);
        return out - start;
}

/* "TRUSTED CERTIFICATE" has OpenSSL's own data behind the certificate: keeps the first DER element. */
static void drop_trust(struct secret *der)
{
        size_t header = 2;
        size_t len = der->len < 2 ? 0 : der->data[1];

        if (len >= 0x80) {
                header += len & 0x7f;
                if (header > 5 || header > der->len)
                        return;
                len = 0;
                for (size_t i = 2; i < header; i++)
                        len = len << 8 | der->data[i];
        }
        if (header + len < der->len)
                der->len = header + len;
}

/*
 * RFC 1421 headers stand between the BEGIN line and an empty line; there are some when the first line has a
 * colon, which base64 has not. Only DEK-Info is of interest.
 */
static void read_headers(struct reader *reader, struct pem_block *block)
{
        struct reader at = *reader;
        struct line line;

        if (!next_line(&at, &line) || memchr(line.text, ':', line.len) == NULL)
                return;
        do {
                if (starts_with(&line, DEK_INFO, LEN(DEK_INFO)) && block->dek_info == NULL) {
                        size_t skip = LEN(DEK_INFO);

                        while (skip < line.len && line.text[skip] == ' ')
                                skip++;
                        block->dek_info = mem_new(line.len - skip + 1);
                        memcpy(block->dek_info, line.text + skip, line.len - skip);
                }
        } while (line.len > 0 && next_line(&at, &line));
        *reader = at;
}

static int read_body(struct reader *reader, const char *name, struct pem_block *block, struct err *err)
{
        size_t left;
        const uint8_t *end;

        read_headers(reader, block);
        left = (size_t)(reader->end - reader->p);
        end = memmem(reader->p, left, END, LEN(END));
        if (end == NULL)
                return err_set(err, ERR_PARSE,
                               "%s: line %d: BEGIN %s without its END line: the file is cut off",
                               reader->what, block->line, name);
        /* Others are of no use to us, and not always base64 alone (PGP adds a checksum). */
        if (block->label != PEM_OTHER) {
                ssize_t len;

                block->der.len = (size_t)(end - reader->p) / 4 * 3 + 3;
                block->der.data = mem_new(block->der.len + 1);
                len = decode(reader->p, end, block->der.data);
                if (len <= 0)
                        return err_set(err, ERR_PARSE, "%s: line %d: the body of %s is %s", reader->what,
                                       block->line, name,
                                       len == 0 ? "empty" : "not valid base64: it is damaged or cut off");
                block->der.len = (size_t)len;
        }
        if (end > reader->p && end[-1] != '\n')
                return err_set(err, ERR_PARSE, "%s: line %d: the END line of %s does not begin its line",
                               reader->what, block->line, name);
        count_lines(reader, end);
        return 0;
}

static int read_end(struct reader *reader, const char *name, struct err *err)
{
        size_t len = LEN(END) + strlen(name) + LEN(TAIL);
        struct line line = { "", 0 };

        (void)next_line(reader, &line);
        if (line.len < len || memcmp(line.text + LEN(END), name, strlen(name)) != 0 ||
            memcmp(line.text + len - LEN(TAIL), TAIL, LEN(TAIL)) != 0)
                return err_set(err, ERR_PARSE, "%s: line %d: the END line does not fit BEGIN %s",
                               reader->what, reader->line - 1, name);
        if (line.len == len)
                return 0;
        line.text += len;
        line.len -= len;
        if (!starts_with(&line, BEGIN, LEN(BEGIN)))
                return err_set(err, ERR_PARSE, "%s: line %d: text behind the END line", reader->what,
                               reader->line - 1);
        /* Two files joined, the first without a last newline. */
        reader->p = (const uint8_t *)line.text;
        reader->line--;
        return 0;
}

/* Copies the label; false when the line is none that OpenSSL's writers or anybody's could have meant. */
static bool read_label(const struct line *line, char name[static LABEL_MAX])
{
        size_t len;

        if (line->len < LEN(BEGIN) + LEN(TAIL) ||
            memcmp(line->text + line->len - LEN(TAIL), TAIL, LEN(TAIL)) != 0)
                return false;
        len = line->len - LEN(BEGIN) - LEN(TAIL);
        if (len >= LABEL_MAX)
                return false;
        for (size_t i = 0; i < len; i++) {
                name[i] = line->text[LEN(BEGIN) + i];
                if (name[i] < ' ' || name[i] > '~')
                        return false;
        }
        name[len] = '\0';
        return strstr(name, TAIL) == NULL;
}

static enum pem_label known_label(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(labels); i++)
                if (strcmp(labels[i].name, name) == 0)
                        return labels[i].label;
        return PEM_OTHER;
}

static int read_block(struct reader *reader, const struct line *begin, struct pem *pem, struct err *err)
{
        char name[LABEL_MAX];
        struct pem_block *block;

        if (!read_label(begin, name))
                return err_set(err, ERR_PARSE,
                               "%s: line %d: the BEGIN line is damaged: it must end in ----- and a real line "
                               "break, not a space or \\n",
                               reader->what, reader->line - 1);
        if (pem->n == PEM_MAX_BLOCKS)
                return err_set(err, ERR_LIMIT, "%s: more than %d PEM blocks", reader->what, PEM_MAX_BLOCKS);
        pem->blocks = mem_grow(pem->blocks, pem->n + 1, sizeof(*pem->blocks));
        block = &pem->blocks[pem->n++];
        *block = (struct pem_block){ known_label(name), SECRET_INIT, NULL, reader->line - 1 };
        if (read_body(reader, name, block, err) != 0 || read_end(reader, name, err) != 0)
                return -1;
        if (strcmp(name, "TRUSTED CERTIFICATE") == 0)
                drop_trust(&block->der);
        return 0;
}

static void hand_out(struct pem *from, struct pem *to)
{
        *to = *from;
        *from = (struct pem)PEM_INIT;
}

int pem_parse(const char *what, const uint8_t *text, size_t len, struct pem *out, struct err *err)
{
        AUTO(pem_done_p) struct pem pem = PEM_INIT;
        struct reader reader = { what, text, text + len, 1 };
        struct line line;

        if (len > PEM_FILE_MAX_BYTES)
                return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", what, PEM_FILE_MAX_BYTES);
        if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
                reader.p += 3;
        while (next_line(&reader, &line)) {
                if (starts_with(&line, END, LEN(END)))
                        return err_set(err, ERR_PARSE,
                                       "%s: line %d: END without BEGIN: the block above it is damaged", what,
                                       reader.line - 1);
                if (starts_with(&line, BEGIN, LEN(BEGIN)) && read_block(&reader, &line, &pem, err) != 0)
                        return -1;
        }
        hand_out(&pem, out);
        return 0;
}

void pem_done(struct pem *pem)
{
        for (size_t i = 0; i < pem->n; i++) {
                secret_done(&pem->blocks[i].der);
                mem_free(pem->blocks[i].dek_info);
        }
        mem_free(pem->blocks);
        *pem = (struct pem)PEM_INIT;
}
