#ifndef COORD_CLI_ACL_H
#define COORD_CLI_ACL_H

#include "base/assert.h"
#include "coord/client.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * `count` words, at least one: entries (see cli_acl_entry_parse), or "none" alone for an ACL that
 * lets in administrators only, or "inherit" alone for the parent's, which gives NULL. Freed with
 * coord_acl_free. On false `message` says what was wrong.
 */
CD_MUST_USE bool cli_acl_build(char *const *words, int count, struct coord_acl **ret_acl,
                               char *message, size_t message_bytes);

#endif
