#include "error.h"
#include "request.h"

#include <string.h>

/* The builder of ACLs. */

/* All texts; the cluster's own limits are far below. */
#define ACL_BYTES_MAX ((size_t)CLIENT_REQUEST_BYTES_MAX)

struct coord_acl *coord_acl_create(void)
{
    struct coord_acl *acl = client_calloc(1, sizeof(*acl));
    if (acl != NULL) {
        client_arena_init(&acl->arena, ACL_BYTES_MAX);
        acl->entries_end = &acl->entries;
    }
    return acl;
}

void coord_acl_free(struct coord_acl *acl)
{
    if (acl != NULL) {
        client_arena_release(&acl->arena);
        client_free(acl);
    }
}

/* Appends a copy whose memory is of `arena`. False: no memory. */
static bool append(struct coord_acl *acl, struct client_arena *arena,
                   const struct coord_acl_entry *entry)
{
    struct client_acl_node *node = client_arena_get(arena, sizeof(*node));
    const char *scheme = client_arena_copy(arena, entry->scheme, strlen(entry->scheme));
    const char *id = client_arena_copy(arena, entry->id, strlen(entry->id));
    if (node == NULL || scheme == NULL || id == NULL) {
        return false;
    }
    node->entry = (struct coord_acl_entry){entry->permissions, scheme, id};
    *acl->entries_end = node;
    acl->entries_end = &node->next;
    acl->entries_count++;
    return true;
}

void coord_acl_add(struct coord_acl *acl, uint32_t permissions, const char *scheme, const char *id)
{
    const struct coord_acl_entry entry = {permissions, scheme, id != NULL ? id : ""};
    const uint32_t all =
        COORD_MAY_READ | COORD_MAY_WRITE | COORD_MAY_CREATE | COORD_MAY_DELETE | COORD_MAY_ADMIN;
    if (acl->mistake.code != COORD_OK) {
        return;
    }
    if (scheme == NULL || permissions == 0 || (permissions & ~all) != 0) {
        (void)client_error_set(&acl->mistake, COORD_INVALID_ARGUMENT,
                               "an ACL entry: it needs a scheme, and permissions that are a sum of "
                               "enum coord_permission");
    } else if (acl->entries_count == CLIENT_ACL_ENTRIES_MAX) {
        (void)client_error_set(&acl->mistake, COORD_TOO_MANY, "an ACL of more than %d entries",
                               (int)CLIENT_ACL_ENTRIES_MAX);
    } else if (!append(acl, &acl->arena, &entry)) {
        (void)client_error_no_memory(&acl->mistake);
    }
}

struct coord_acl *client_acl_copy(struct client_arena *arena, const struct coord_acl *acl)
{
    struct coord_acl *copy = client_arena_get(arena, sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    copy->entries_end = &copy->entries;
    for (const struct client_acl_node *node = acl->entries; node != NULL; node = node->next) {
        if (!append(copy, arena, &node->entry)) {
            return NULL;
        }
    }
    return copy;
}
