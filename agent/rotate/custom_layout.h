// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Configuration files as a generation of their published directory (certs/generation.h).
 */
#include "certs/generation.h"
#include "rotate/custom.h"

/* Lent by the files, in their order; NULL: none. mem_free. */
struct custom_text *custom_layout_texts(const struct snapshot *files);
/* Names and texts that can be published, and that the engine can read. ERR_REFUSED with the file's name. */
int custom_layout_check(const struct custom *custom, const struct snapshot *files,
                        struct err *err) MUST_CHECK;
/* Nobody sees it yet. ERR_IO, ERR_USAGE. */
int custom_layout_stage(struct custom *custom, int64_t number, const struct snapshot *files,
                        struct err *err) MUST_CHECK;
/* The files of a generation, and what they are; files may be NULL. */
int custom_layout_read(const struct custom *custom, int64_t number, struct snapshot **files,
                       struct fingerprint *content, struct err *err) MUST_CHECK;
