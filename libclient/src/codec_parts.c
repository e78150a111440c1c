#include "codec_internal.h"

#include <string.h>

/* Parts that several requests have: texts, fences and ACLs. They live in the caller's arena. */

ProtobufCBinaryData *codec_make_texts(struct client_arena *arena, const char *const *texts,
                                      size_t count)
{
    ProtobufCBinaryData *to = client_arena_get_array(arena, count, sizeof(*to));
    for (size_t i = 0; to != NULL && i < count; i++) {
        to[i] = codec_binary(texts[i], strlen(texts[i]));
    }
    return to;
}

Coord__V1__Held *codec_make_held(struct client_arena *arena, const struct client_held *from)
{
    Coord__V1__Held *to = client_arena_get(arena, sizeof(*to));
    if (to == NULL) {
        return NULL;
    }
    *to = (Coord__V1__Held)COORD__V1__HELD__INIT;
    to->path = codec_binary(from->path, strlen(from->path));
    to->fence = from->fence;
    to->n = from->n;
    to->prefixes = codec_make_texts(arena, from->prefixes, from->prefixes_count);
    to->n_prefixes = from->prefixes_count;
    return to->prefixes != NULL ? to : NULL;
}

Coord__V1__Acl *codec_make_acl(struct client_arena *arena, const struct coord_acl *from)
{
    Coord__V1__Acl *to = client_arena_get(arena, sizeof(*to));
    Coord__V1__AclEntry **list =
        client_arena_get_array(arena, from->entries_count, sizeof(Coord__V1__AclEntry *));
    Coord__V1__AclEntry *entries =
        client_arena_get_array(arena, from->entries_count, sizeof(*entries));
    if (to == NULL || list == NULL || entries == NULL) {
        return NULL;
    }
    *to = (Coord__V1__Acl)COORD__V1__ACL__INIT;
    to->entries = list;
    for (const struct client_acl_node *node = from->entries; node != NULL; node = node->next) {
        Coord__V1__AclEntry *entry = &entries[to->n_entries];
        *entry = (Coord__V1__AclEntry)COORD__V1__ACL_ENTRY__INIT;
        entry->permissions = node->entry.permissions;
        entry->scheme = codec_binary(node->entry.scheme, strlen(node->entry.scheme));
        entry->id = codec_binary(node->entry.id, strlen(node->entry.id));
        list[to->n_entries++] = entry;
    }
    return to;
}
