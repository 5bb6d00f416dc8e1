// SPDX-License-Identifier: Apache-2.0
/*
 * Lists of findings, worst first.
 */
#include "base/mem.h"
#include "certs/policy.h"

/* Subjects and names come from outside: a sentence stays one line whatever they hold. */
static void flatten(char *text)
{
        for (; *text != '\0'; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        *text = '?';
}

/* Worst first; within a severity by code, then as they came. */
static bool comes_before(const struct finding *a, const struct finding *b)
{
        return a->severity != b->severity ? a->severity > b->severity : a->code < b->code;
}

void findings_add(struct findings *findings, enum finding_code code, enum finding_severity severity,
                  const char *text)
{
        const struct finding found = { code, severity, mem_strdup(text) };
        size_t at = findings->n;

        flatten(found.text);
        findings->items = mem_grow(findings->items, findings->n + 1, sizeof(*findings->items));
        for (; at > 0 && comes_before(&found, &findings->items[at - 1]); at--)
                findings->items[at] = findings->items[at - 1];
        findings->items[at] = found;
        findings->n++;
}

void findings_done(struct findings *findings)
{
        for (size_t i = 0; i < findings->n; i++)
                mem_free(findings->items[i].text);
        mem_free(findings->items);
        *findings = (struct findings)FINDINGS_INIT;
}
