#include "result.h"

void coord_result_free(struct coord_result *result)
{
    if (result != NULL) {
        client_arena_release(&result->arena);
        client_free(result);
    }
}

uint64_t coord_result_zxid(const struct coord_result *result)
{
    return result->zxid;
}

const struct coord_node_stat *coord_result_stat(const struct coord_result *result)
{
    return result->stat;
}

const char *coord_result_path(const struct coord_result *result)
{
    return result->path;
}

bool coord_result_created(const struct coord_result *result)
{
    return result->created;
}

bool coord_result_exists(const struct coord_result *result)
{
    return result->exists;
}

const void *coord_result_data(const struct coord_result *result, size_t *ret_bytes)
{
    *ret_bytes = result->data_bytes;
    return result->data;
}

int64_t coord_result_deleted(const struct coord_result *result)
{
    return result->deleted;
}

size_t coord_result_children_count(const struct coord_result *result)
{
    return result->children_count;
}

const char *coord_result_child_name(const struct coord_result *result, size_t index)
{
    return index < result->children_count ? result->children[index].name : NULL;
}

const struct coord_node_stat *coord_result_child_stat(const struct coord_result *result,
                                                      size_t index)
{
    return index < result->children_count ? result->children[index].stat : NULL;
}

const void *coord_result_child_data(const struct coord_result *result, size_t index,
                                    size_t *ret_bytes)
{
    if (index >= result->children_count) {
        *ret_bytes = 0;
        return NULL;
    }
    *ret_bytes = result->children[index].data_bytes;
    return result->children[index].data;
}

bool coord_result_more(const struct coord_result *result)
{
    return result->cursor_bytes != 0;
}

int64_t coord_result_value(const struct coord_result *result)
{
    return result->kind == CLIENT_OP_INCREMENT ? result->number : 0;
}

int64_t coord_result_count(const struct coord_result *result)
{
    return result->kind == CLIENT_OP_COUNT ? result->number : 0;
}

size_t coord_result_nodes_count(const struct coord_result *result)
{
    return result->nodes_count;
}

const char *coord_result_node_path(const struct coord_result *result, size_t index)
{
    return index < result->nodes_count ? result->nodes[index].name : NULL;
}

const struct coord_node_stat *coord_result_node_stat(const struct coord_result *result,
                                                     size_t index)
{
    return index < result->nodes_count ? result->nodes[index].stat : NULL;
}

const void *coord_result_node_data(const struct coord_result *result, size_t index,
                                   size_t *ret_bytes)
{
    if (index >= result->nodes_count) {
        *ret_bytes = 0;
        return NULL;
    }
    *ret_bytes = result->nodes[index].data_bytes;
    return result->nodes[index].data;
}

size_t coord_result_acl_count(const struct coord_result *result)
{
    return result->acl_count;
}

const struct coord_acl_entry *coord_result_acl_entry(const struct coord_result *result,
                                                     size_t index)
{
    return index < result->acl_count ? &result->acl[index] : NULL;
}

const char *coord_result_acl_origin(const struct coord_result *result)
{
    return result->origin;
}

size_t coord_result_changes_count(const struct coord_result *result)
{
    return result->changes_count;
}

const struct coord_changed_node *coord_result_change(const struct coord_result *result,
                                                     size_t index)
{
    return index < result->changes_count ? &result->changes[index] : NULL;
}

const char *coord_result_scheme(const struct coord_result *result)
{
    return result->scheme;
}

const char *coord_result_identity(const struct coord_result *result)
{
    return result->identity;
}

size_t coord_result_roles_count(const struct coord_result *result)
{
    return result->roles_count;
}

const char *coord_result_role(const struct coord_result *result, size_t index)
{
    return index < result->roles_count ? result->roles[index] : NULL;
}

uint64_t coord_result_session(const struct coord_result *result)
{
    return result->session;
}

bool coord_result_succeeded(const struct coord_result *result)
{
    return result->succeeded;
}

size_t coord_result_results_count(const struct coord_result *result)
{
    return result->results_count;
}

const struct coord_result *coord_result_at(const struct coord_result *result, size_t index)
{
    return index < result->results_count ? result->results[index] : NULL;
}
