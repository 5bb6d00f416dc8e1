// SPDX-License-Identifier: Apache-2.0
/*
 * One set of files for every engine that takes plain PEM; others name their own.
 */
#include "hooks/pem_outputs.h"

const struct output pem_outputs[PEM_OUTPUTS_N] = {
        { .name = "ca.crt", .content = OUTPUT_CA, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "tls.crt", .content = OUTPUT_CHAIN, .attr = { 0644, FS_KEEP, (gid_t)FS_KEEP } },
        { .name = "tls.key", .content = OUTPUT_KEY, .attr = { 0640, FS_KEEP, (gid_t)FS_KEEP } },
};
