#include "replica/internal.h"

#include "base/memory.h"

/*
 * What a read is answered, from the applied state. Lists of several pages show one version of the
 * tree: it is frozen when a first page does not hold everything, held for a bounded time, and named
 * in the cursor (R25).
 */

/* --- Versions that lists go on with --- */

static struct replica_version *find_version(const struct replica *r,
                                            const struct wire_cursor *cursor)
{
    struct replica_version *held;
    DL_FOREACH(r->versions, held)
    {
        if (cursor->boot == r->boot && held->number == cursor->version) {
            return held;
        }
    }
    return NULL;
}

/* The versions given up are given back in steps, since they may be large. */
static void give_up_version(struct replica *r, struct replica_version *held)
{
    DL_DELETE(r->versions, held);
    r->versions_count--;
    DL_APPEND(r->versions_given_up, held);
}

static struct replica_version *take_version(struct replica *r)
{
    if (r->versions_count == REPLICA_VERSIONS_MAX) {
        give_up_version(r, r->versions); /* the one that nobody asked for the longest time */
    }
    struct replica_version *held = cd_calloc(1, sizeof(*held));
    held->number = ++r->version_counter;
    held->version = fsm_version_take(r->fsm);
    held->taken_ms = env_now_ms(&r->env);
    held->used_ms = held->taken_ms;
    DL_APPEND(r->versions, held);
    r->versions_count++;
    return held;
}

void replica_release_versions(struct replica *r, uint64_t now_ms)
{
    struct replica_version *held;
    struct replica_version *next;
    DL_FOREACH_SAFE(r->versions, held, next)
    {
        if (now_ms - held->used_ms >= REPLICA_VERSION_IDLE_MS ||
            now_ms - held->taken_ms >= REPLICA_VERSION_MS_MAX) {
            give_up_version(r, held);
        }
    }
    held = r->versions_given_up;
    if (held != NULL && fsm_version_release(held->version, REPLICA_RELEASE_PAGES)) {
        DL_DELETE(r->versions_given_up, held);
        cd_free(held);
    }
}

static void free_all(struct replica_version **list)
{
    while (*list != NULL) {
        struct replica_version *held = *list;
        DL_DELETE(*list, held);
        while (!fsm_version_release(held->version, REPLICA_RELEASE_PAGES)) {
        }
        cd_free(held);
    }
}

void replica_give_up_versions(struct replica *r)
{
    while (r->versions != NULL) {
        give_up_version(r, r->versions);
    }
}

void replica_free_versions(struct replica *r)
{
    free_all(&r->versions);
    free_all(&r->versions_given_up);
}

/* --- Lists --- */

/* The list of a request, opened where it starts or goes on. `ret_held` NULL: the live state. */
static enum cd_status open_list(struct replica *r, const struct fsm_who *who,
                                const struct wire_list *wanted, struct fsm_list *ret_list,
                                struct replica_version **ret_held)
{
    struct replica_version *held = NULL;
    if (wanted->cursor.given && wanted->options.kind != FSM_LIST_EPHEMERALS) {
        held = find_version(r, &wanted->cursor);
        if (held == NULL) {
            return CD_CURSOR_EXPIRED;
        }
        held->used_ms = env_now_ms(&r->env);
        DL_DELETE(r->versions, held);
        DL_APPEND(r->versions, held);
    }
    *ret_held = held;
    return fsm_list_open(r->fsm, held != NULL ? held->version : NULL, who, &wanted->options,
                         ret_list);
}

/* The cursor behind what a page shows. The live state that it shows is frozen now. */
static void go_on(struct replica *r, enum fsm_list_kind kind, struct replica_version *held,
                  struct fsm_bytes position, struct wire_cursor *ret_next)
{
    *ret_next = (struct wire_cursor){.given = true, .position = position};
    if (kind != FSM_LIST_EPHEMERALS) {
        held = held != NULL ? held : take_version(r);
        ret_next->version = held->number;
        ret_next->boot = r->boot;
    }
}

enum cd_status replica_read_page(struct replica *r, const struct fsm_who *who,
                                 const struct wire_list *wanted, struct wire_page *ret_page)
{
    struct fsm_list list;
    struct replica_version *held = NULL;
    enum cd_status status = open_list(r, who, wanted, &list, &held);
    if (status != CD_OK) {
        return status;
    }
    *ret_page = (struct wire_page){.views = r->views,
                                   .with_stat = wanted->with_stat,
                                   .with_data = wanted->with_data,
                                   .top = list.top};
    size_t bytes = 0;
    struct fsm_view view;
    while (fsm_list_next(&list, &view)) {
        if (ret_page->views_count == wanted->limit || bytes >= WIRE_PAGE_BYTES_MAX) {
            go_on(r, wanted->options.kind, held, r->views[ret_page->views_count - 1].path,
                  &ret_page->next);
            break;
        }
        r->views[ret_page->views_count++] = view;
        bytes += view.path.bytes + (wanted->with_data ? view.data.bytes : 0);
    }
    return CD_OK;
}

/* --- What has changed --- */

/* One page of changed nodes under way. */
struct changed_page {
    struct replica *r;
    const struct fsm_who *who;
    const struct fsm_version *version;
    const struct wire_list *wanted;
    struct wire_changed_node *nodes;
    size_t nodes_count;
    struct fsm_bytes *names;
    size_t names_count;
    size_t bytes;
    bool full;
    bool cut; /* more names of the last node follow */
};

/* Adds the children's names behind `after`, as many as the page takes. */
static enum cd_status add_names(struct changed_page *page, struct wire_changed_node *node,
                                struct fsm_bytes after)
{
    struct fsm_list list;
    const struct fsm_list_options options = {
        .kind = FSM_LIST_CHILDREN, .path = node->path, .after = after};
    enum cd_status status = fsm_list_open(page->r->fsm, page->version, page->who, &options, &list);
    if (status != CD_OK) {
        return status;
    }
    node->children_changed = true;
    node->names = page->names + page->names_count;
    struct fsm_view child;
    while (fsm_list_next(&list, &child)) {
        if (page->names_count == WIRE_PAGE_NAMES_MAX || page->bytes >= WIRE_PAGE_BYTES_MAX) {
            node->names_follow = true;
            page->cut = true;
            page->full = true;
            return CD_OK;
        }
        page->names[page->names_count++] = child.path;
        node->names_count++;
        page->bytes += child.path.bytes;
    }
    return CD_OK;
}

static enum cd_status add_changed(struct changed_page *page, const struct fsm_view *view,
                                  struct fsm_bytes after)
{
    uint64_t since = page->wanted->options.since;
    struct wire_changed_node *node = &page->nodes[page->nodes_count++];
    *node = (struct wire_changed_node){.path = view->path, .stat = view->stat};
    page->bytes += view->path.bytes;
    if (page->wanted->with_data && view->stat.mzxid > since) {
        node->data = view->data;
        page->bytes += view->data.bytes;
    }
    enum cd_status status = CD_OK;
    if (view->stat.pzxid > since) {
        status = add_names(page, node, after);
    }
    page->full = page->full || page->nodes_count == page->wanted->limit ||
                 page->bytes >= WIRE_PAGE_BYTES_MAX;
    return status;
}

static enum cd_status fill_changed(struct changed_page *page, struct fsm_list *list, bool *ret_more)
{
    const struct wire_cursor *cursor = &page->wanted->cursor;
    enum cd_status status = CD_OK;
    struct fsm_view view;
    if (cursor->given && cursor->name.bytes != 0) {
        status = fsm_get(page->r->fsm, page->version, page->who, cursor->position, &view);
        if (status == CD_OK) {
            status = add_changed(page, &view, cursor->name);
        }
    }
    *ret_more = page->cut;
    while (status == CD_OK && !page->cut && fsm_list_next(list, &view)) {
        if (page->full) {
            *ret_more = true;
            break;
        }
        status = add_changed(page, &view, (struct fsm_bytes){NULL, 0});
        *ret_more = page->cut;
    }
    return status;
}

static enum cd_status read_changed(struct replica *r, const struct fsm_who *who,
                                   const struct wire_list *wanted, struct wire_changed *ret)
{
    struct fsm_list list;
    struct replica_version *held = NULL;
    enum cd_status status = open_list(r, who, wanted, &list, &held);
    if (status != CD_OK) {
        return status;
    }
    if (r->changed_nodes == NULL) {
        r->changed_nodes = cd_calloc(WIRE_PAGE_ENTRIES_MAX, sizeof(*r->changed_nodes));
        r->changed_names = cd_calloc(WIRE_PAGE_NAMES_MAX, sizeof(*r->changed_names));
    }
    struct changed_page page = {.r = r,
                                .who = who,
                                .version = held != NULL ? held->version : NULL,
                                .wanted = wanted,
                                .nodes = r->changed_nodes,
                                .names = r->changed_names};
    bool more = false;
    status = fill_changed(&page, &list, &more);
    *ret = (struct wire_changed){
        .nodes = page.nodes, .nodes_count = page.nodes_count, .zxid = list.zxid};
    if (status == CD_OK && more) {
        go_on(r, FSM_LIST_CHANGED, held, page.nodes[page.nodes_count - 1].path, &ret->next);
        ret->next.name = page.cut ? page.names[page.names_count - 1] : (struct fsm_bytes){NULL, 0};
    }
    return status;
}

/* --- Others --- */

/* R21. The kept reply of a live session's write is the session's own to ask for, too. */
static enum cd_status outcome_of(struct replica *r, const struct fsm_who *who,
                                 const struct wire_outcome_of *asked, struct fsm_result *result)
{
    if (asked->has_key) {
        return fsm_outcome_of_call(r->fsm, asked->key, who, result);
    }
    struct fsm_session_view view;
    if (!fsm_session_find(r->fsm, asked->session, &view) &&
        !fsm_session_find_ended(r->fsm, asked->session, &view)) {
        return CD_OUTCOME_UNKNOWN;
    }
    if (!replica_may_claim(&view, who, asked->secret)) {
        return CD_SESSION_REFUSED;
    }
    enum cd_status status = fsm_outcome_of(r->fsm, asked->session, asked->seq, result);
    /* As long as the session lives that write may still come. */
    return status == CD_NOT_APPLIED && !view.ended ? CD_BUSY : status;
}

static enum cd_status read_acl(struct replica *r, const struct fsm_who *who, struct fsm_bytes path,
                               struct wire_acl_result *ret_acl)
{
    return fsm_get_acl(r->fsm, NULL, who, path, &ret_acl->entries, &ret_acl->origin,
                       &ret_acl->stat);
}

static enum cd_status read_list(struct replica *r, const struct fsm_who *who,
                                const struct wire_request *request, struct wire_reply *reply)
{
    const struct wire_list *list = &request->read.list;
    switch (request->kind) {
    case WIRE_CHILDREN:
        reply->kind = WIRE_RESULT_CHILDREN;
        break;
    case WIRE_LIST:
        reply->kind = WIRE_RESULT_LIST;
        break;
    case WIRE_EPHEMERALS:
        reply->kind = WIRE_RESULT_EPHEMERALS;
        break;
    default:
        reply->kind = WIRE_RESULT_CHANGED;
        return read_changed(r, who, list, &reply->changed);
    }
    return replica_read_page(r, who, list, &reply->page);
}

enum cd_status replica_read_now(struct replica *r, const struct fsm_who *who, uint64_t session,
                                struct wire_request *request, struct wire_reply *reply)
{
    struct fsm_bytes path = request->read.path;
    enum cd_status status = CD_OK;
    switch (request->kind) {
    case WIRE_GET:
        reply->kind = WIRE_RESULT_GET;
        return fsm_get(r->fsm, NULL, who, path, &reply->view);
    case WIRE_EXISTS:
        reply->kind = WIRE_RESULT_EXISTS;
        status = fsm_exists(r->fsm, NULL, who, path, &reply->view.stat);
        reply->found = status == CD_OK;
        return status == CD_NO_NODE ? CD_OK : status;
    case WIRE_COUNT:
        reply->kind = WIRE_RESULT_COUNT;
        return fsm_count(r->fsm, NULL, who, path, &reply->count);
    case WIRE_GET_ACL:
        reply->kind = WIRE_RESULT_ACL;
        return read_acl(r, who, path, &reply->acl);
    case WIRE_EPHEMERALS:
        if (request->read.list.options.session == 0) {
            request->read.list.options.session = session;
        }
        return read_list(r, who, request, reply);
    case WIRE_CHILDREN:
    case WIRE_LIST:
    case WIRE_CHANGED_SINCE:
        return read_list(r, who, request, reply);
    case WIRE_SYNC:
        reply->kind = WIRE_RESULT_SYNC;
        return CD_OK;
    case WIRE_WHO_AM_I:
        reply->kind = WIRE_RESULT_WHO_AM_I;
        reply->who = (struct wire_who_result){.who = *who, .session = session};
        return CD_OK;
    case WIRE_OUTCOME_OF:
        reply->kind = WIRE_RESULT_OUTCOME;
        reply->result = &r->read_result;
        return outcome_of(r, who, &request->read.outcome_of, &r->read_result);
    case WIRE_READ_TXN:
        fsm_read_txn(r->fsm, who, &request->read.txn.txn, &r->read_result);
        wire_reply_from_result(reply, request->id, &r->read_result);
        return CD_OK;
    default:
        return CD_UNIMPLEMENTED;
    }
}

void replica_answer_read(struct replica *r, const struct replica_asker *asker,
                         struct replica_stream *stream, const struct fsm_who *who,
                         struct wire_request *request)
{
    struct wire_reply reply = {.id = asker->request};
    enum cd_status status;
    if (request->kind == WIRE_WATCH) {
        status = replica_watch(r, stream, who, &request->watch, &reply);
    } else if (request->kind == WIRE_UNWATCH) {
        status = replica_unwatch(r, stream, &request->watch, &reply);
    } else {
        uint64_t session = stream != NULL ? stream->session : 0;
        status = replica_read_now(r, who, session, request, &reply);
    }
    if (status != CD_OK) {
        wire_reply_refuse(&reply, asker->request, status, NULL);
    }
    reply.zxid = fsm_zxid(r->fsm);
    replica_answer(r, asker, &reply);
    fsm_result_clear(&r->read_result);
}
