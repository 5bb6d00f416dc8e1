// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Every bound on what comes from outside, in one place.
 */

#define PEM_FILE_MAX_BYTES     ((size_t)1 << 20) /* one file of a bundle; a Secret is at most 1 MiB in all */
#define SNAPSHOT_MAX_BYTES     ((size_t)2 << 20) /* all files of one generation */
#define SNAPSHOT_MAX_FILES     64
#define PEM_MAX_BLOCKS         512
#define CHAIN_MAX_CERTS        16 /* leaf and intermediates */
#define AUTHORITIES_MAX_CERTS  256
#define CERT_MAX_NAMES         1024
#define PASSWORD_MAX_BYTES     1024
#define KEY_MAX_ITERATIONS     2000000 /* of the password of an encrypted key: two seconds at most */
#define CONFIG_MAX_BYTES       ((size_t)256 << 10)
#define CONFIG_MAX_KEYS        256                 /* in one mapping of the file */
#define SETTINGS_MAX_BYTES     ((size_t)256 << 10) /* of a database */
#define JSON_MAX_BYTES         ((size_t)4 << 20)
#define JSON_MAX_DEPTH         64
#define HTTP_BODY_MAX_BYTES    ((size_t)64 << 10)
#define HTTP_HEADERS_MAX_BYTES ((size_t)16 << 10)
#define HTTP_CONNECTIONS_MAX   64
#define CHILD_OUTPUT_MAX_BYTES ((size_t)16 << 10)
#define WIRE_PACKET_MAX_BYTES  ((size_t)64 << 10) /* a greeting or error packet of a database */
#define ENDPOINTS_MAX          32
#define PEERS_MAX              64
