#include "client_internal.h"

#include "result.h"

/* Blocking calls: each makes a request, hands it to the driver and waits for its outcome. */

static enum coord_code carry_out(struct coord_client *client, const struct client_op *op,
                                 const struct coord_call_options *call,
                                 struct coord_result **ret_result, struct coord_error *error)
{
    return client_carry_out(client, op, false, call, ret_result, error);
}

enum coord_code coord_create(struct coord_client *client, const char *path, const void *data,
                             size_t data_bytes, uint32_t flags,
                             const struct coord_call_options *call,
                             struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_CREATE,
                                 .path = path,
                                 .data = data,
                                 .data_bytes = data_bytes,
                                 .flags = flags};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_create_with(struct coord_client *client, const char *path, const void *data,
                                  size_t data_bytes, uint32_t flags, uint64_t ttl_ms,
                                  const struct coord_acl *acl,
                                  const struct coord_call_options *call,
                                  struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_CREATE,
                                 .path = path,
                                 .data = data,
                                 .data_bytes = data_bytes,
                                 .flags = flags,
                                 .ttl_ms = ttl_ms,
                                 .acl = acl};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_set(struct coord_client *client, const char *path, const void *data,
                          size_t data_bytes, int64_t version, const struct coord_call_options *call,
                          struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_SET,
                                 .path = path,
                                 .data = data,
                                 .data_bytes = data_bytes,
                                 .version = version};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_delete(struct coord_client *client, const char *path, int64_t version,
                             uint32_t flags, const struct coord_call_options *call,
                             struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {
        .kind = CLIENT_OP_DELETE, .path = path, .version = version, .flags = flags};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_get(struct coord_client *client, const char *path,
                          const struct coord_call_options *call, struct coord_result **ret_result,
                          struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_GET, .path = path};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_exists(struct coord_client *client, const char *path,
                             const struct coord_call_options *call,
                             struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_EXISTS, .path = path};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_stat(struct coord_client *client, const char *path,
                           const struct coord_call_options *call, struct coord_result **ret_result,
                           struct coord_error *reterr)
{
    struct coord_result *result = NULL;
    enum coord_code code = coord_exists(client, path, call, &result, reterr);
    if (code != COORD_OK) {
        return code;
    }
    if (!result->exists) {
        coord_result_free(result);
        return client_error_set(reterr, COORD_NO_NODE, "%s", coord_code_text(COORD_NO_NODE));
    }
    if (ret_result != NULL) {
        *ret_result = result;
    } else {
        coord_result_free(result);
    }
    return COORD_OK;
}

/* A page of a list, behind `previous` if that is not NULL. */
static enum coord_code next_page(struct coord_client *client, const struct client_op *op,
                                 const struct coord_result *previous,
                                 const struct coord_call_options *call,
                                 struct coord_result **ret_result, struct coord_error *reterr)
{
    struct client_op page = *op;
    if (previous != NULL) {
        if (!coord_result_more(previous)) {
            return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                    "previous: that was the last page; see coord_result_more");
        }
        page.cursor = previous->cursor;
        page.cursor_bytes = previous->cursor_bytes;
    }
    return carry_out(client, &page, call, ret_result, reterr);
}

enum coord_code coord_children(struct coord_client *client, const char *path, uint32_t flags,
                               uint32_t limit, const struct coord_result *previous,
                               const struct coord_call_options *call,
                               struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {
        .kind = CLIENT_OP_CHILDREN, .path = path, .flags = flags, .limit = limit};
    return next_page(client, &op, previous, call, ret_result, reterr);
}

enum coord_code coord_txn_run(struct coord_client *client, const struct coord_txn *txn,
                              const struct coord_call_options *call,
                              struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_TXN, .txn = txn};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_increment(struct coord_client *client, const char *path, int64_t delta,
                                int64_t version, uint32_t flags,
                                const struct coord_call_options *call,
                                struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_INCREMENT,
                                 .path = path,
                                 .delta = delta,
                                 .version = version,
                                 .flags = flags};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_set_acl(struct coord_client *client, const char *path,
                              const struct coord_acl *acl, int64_t version,
                              const struct coord_call_options *call,
                              struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {
        .kind = CLIENT_OP_SET_ACL, .path = path, .acl = acl, .version = version};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_get_acl(struct coord_client *client, const char *path,
                              const struct coord_call_options *call,
                              struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_GET_ACL, .path = path};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_list(struct coord_client *client, const char *path, uint32_t flags,
                           uint32_t depth, uint32_t limit, const struct coord_result *previous,
                           const struct coord_call_options *call, struct coord_result **ret_result,
                           struct coord_error *reterr)
{
    const struct client_op op = {
        .kind = CLIENT_OP_LIST, .path = path, .flags = flags, .depth = depth, .limit = limit};
    return next_page(client, &op, previous, call, ret_result, reterr);
}

enum coord_code coord_count(struct coord_client *client, const char *path,
                            const struct coord_call_options *call, struct coord_result **ret_result,
                            struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_COUNT, .path = path};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_ephemerals(struct coord_client *client, uint64_t session, const char *path,
                                 uint32_t limit, const struct coord_result *previous,
                                 const struct coord_call_options *call,
                                 struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_EPHEMERALS,
                                 .path = path != NULL ? path : "",
                                 .session = session,
                                 .limit = limit};
    return next_page(client, &op, previous, call, ret_result, reterr);
}

enum coord_code coord_changed_since(struct coord_client *client, const char *path, uint64_t zxid,
                                    uint32_t flags, uint32_t limit,
                                    const struct coord_result *previous,
                                    const struct coord_call_options *call,
                                    struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_CHANGED_SINCE,
                                 .path = path,
                                 .zxid = zxid,
                                 .flags = flags,
                                 .limit = limit};
    return next_page(client, &op, previous, call, ret_result, reterr);
}

enum coord_code coord_sync(struct coord_client *client, const struct coord_call_options *call,
                           struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_SYNC};
    return carry_out(client, &op, call, ret_result, reterr);
}

enum coord_code coord_who_am_i(struct coord_client *client, const struct coord_call_options *call,
                               struct coord_result **ret_result, struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_WHO_AM_I};
    return carry_out(client, &op, call, ret_result, reterr);
}
