#ifndef COORD_CLI_VALUES_H
#define COORD_CLI_VALUES_H

#include "base/assert.h"
#include "coord/client.h"

#include <stdbool.h>
#include <stdint.h>

/* The values of options and operands, from text. All return false where the text is none. */

/* Digits alone, in decimal, or behind "0x" in hexadecimal, as zxids are shown; at most `max`. */
CD_MUST_USE bool cli_number_parse(const char *text, uint64_t max, uint64_t *ret_value);

/* The same, and negative ones: "-5". */
CD_MUST_USE bool cli_signed_parse(const char *text, int64_t *ret_value);

/*
 * "500ms", "2s", "1.5s", "1m", "24h": a number with at most three decimals and its unit, from 1 ms
 * to `max_ms`, which is at most CLI_DURATION_MAX_MS.
 */
#define CLI_DURATION_MAX_MS (UINT64_C(1) << 40) /* so that no step of it overflows */
CD_MUST_USE bool cli_duration_parse(const char *text, uint64_t max_ms, uint64_t *ret_ms);

/*
 * One entry of an ACL: "anyone:r", "cn:client:rwcd", "uri:spiffe://example.org/job:rwcda". The
 * scheme stands before the first colon, the permissions behind the last. Scheme and identity are
 * not judged here.
 */
#define CLI_SCHEME_BYTES_MAX   15
#define CLI_IDENTITY_BYTES_MAX 2047
struct cli_acl_entry {
    uint32_t permissions;
    char scheme[CLI_SCHEME_BYTES_MAX + 1];
    char id[CLI_IDENTITY_BYTES_MAX + 1];
};
CD_MUST_USE bool cli_acl_entry_parse(const char *text, struct cli_acl_entry *ret_entry);

/* "rwcda", those that are in `permissions`. */
#define CLI_PERMISSIONS_BYTES 6
void cli_permissions_format(uint32_t permissions, char to[CLI_PERMISSIONS_BYTES]);

#endif
