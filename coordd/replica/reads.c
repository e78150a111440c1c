#include "replica/internal.h"

#include "base/memory.h"

/*
 * Reads that wait: for the barrier round that makes them linearizable (R8), for a write of their
 * own stream that was sent before them (R24), for a zxid. All run against the applied state.
 */

/* --- Running one --- */

static enum cd_status read_children(struct replica *r, const struct replica_read *read,
                                    struct wire_reply *reply)
{
    struct fsm_bytes path = {(const uint8_t *)read->path, read->path_bytes};
    const struct wire_cursor *cursor = &read->list.cursor;
    const struct fsm_list_options options = {
        .kind = FSM_LIST_CHILDREN, .path = path, .after = read->list.options.after};
    struct fsm_list list;
    enum cd_status status = fsm_list_open(r->fsm, NULL, NULL, &options, &list);
    if (status != CD_OK) {
        return status;
    }
    /* The parent's zxids stand for the version that was shown. */
    if (cursor->given && (cursor->boot != list.top.czxid || cursor->version != list.top.pzxid)) {
        return CD_CURSOR_EXPIRED; /* R25: the pages before came from another version */
    }
    size_t count = 0;
    size_t bytes = 0;
    struct fsm_view view;
    bool more = false;
    while (fsm_list_next(&list, &view)) {
        if (count == read->list.limit || bytes >= WIRE_PAGE_BYTES_MAX) {
            more = true;
            break;
        }
        r->views[count++] = view;
        bytes += view.path.bytes + (read->list.with_data ? view.data.bytes : 0);
    }
    reply->kind = WIRE_RESULT_CHILDREN;
    reply->page = (struct wire_page){
        .views = r->views,
        .views_count = count,
        .with_stat = read->list.with_stat,
        .with_data = read->list.with_data,
        .top = list.top,
    };
    if (more) {
        reply->page.next = (struct wire_cursor){.given = true,
                                                .version = list.top.pzxid,
                                                .boot = list.top.czxid,
                                                .position = r->views[count - 1].path};
    }
    return CD_OK;
}

static enum cd_status read_now(struct replica *r, const struct replica_read *read,
                               struct wire_reply *reply)
{
    struct fsm_bytes path = {(const uint8_t *)read->path, read->path_bytes};
    enum cd_status status = CD_UNIMPLEMENTED;
    if (read->kind == WIRE_GET) {
        reply->kind = WIRE_RESULT_GET;
        status = fsm_get(r->fsm, NULL, NULL, path, &reply->view);
    } else if (read->kind == WIRE_EXISTS) {
        reply->kind = WIRE_RESULT_EXISTS;
        status = fsm_exists(r->fsm, NULL, NULL, path, &reply->view.stat);
        reply->found = status == CD_OK;
        status = status == CD_NO_NODE ? CD_OK : status;
    } else if (read->kind == WIRE_CHILDREN) {
        status = read_children(r, read, reply);
    }
    return status;
}

static void run(struct replica *r, const struct replica_read *read)
{
    struct wire_reply reply = {.id = read->asker.request};
    enum cd_status status = read_now(r, read, &reply);
    if (status != CD_OK) {
        wire_reply_refuse(&reply, read->asker.request, status, NULL);
    }
    reply.zxid = fsm_zxid(r->fsm);
    r->counts.reads++;
    replica_answer(r, &read->asker, &reply);
}

/* --- Taking one in --- */

static void forget_read(struct replica *r, struct replica_read *read)
{
    DL_DELETE(r->reads, read);
    r->reads_count--;
    if (!read->asker.is_call) {
        struct replica_stream *stream = replica_stream_find(r, read->asker.channel);
        if (stream != NULL) {
            stream->reads--;
        }
    }
    cd_free((void *)(uintptr_t)read->list.options.after.data);
    cd_free(read->path);
    cd_free(read);
}

static bool waits_for_write(const struct replica *r, const struct replica_read *read)
{
    struct replica_write *write = NULL;
    if (read->after_write != 0) {
        HASH_FIND(hh, r->writes, &read->after_write, sizeof(read->after_write), write);
    }
    return write != NULL;
}

static bool may_run(const struct replica *r, const struct replica_read *read)
{
    bool barrier =
        read->token == 0 || (read->token <= r->token_done && fsm_slot(r->fsm) >= r->token_index);
    return barrier && fsm_zxid(r->fsm) >= read->zxid && !waits_for_write(r, read);
}

static struct replica_read *make_read(const struct replica_asker *asker,
                                      const struct wire_request *request)
{
    struct replica_read *read = cd_calloc(1, sizeof(*read));
    read->asker = *asker;
    read->kind = request->kind;
    read->level = request->level;
    read->zxid = request->level == WIRE_AT_LEAST ? request->at_least_zxid : 0;
    read->path = cd_strndup((const char *)request->read.path.data, request->read.path.bytes);
    read->path_bytes = request->read.path.bytes;
    if (request->kind == WIRE_CHILDREN) {
        read->list = request->read.list;
        struct fsm_bytes *after = &read->list.options.after;
        after->data = after->bytes == 0
                          ? NULL
                          : (const uint8_t *)cd_strndup((const char *)after->data, after->bytes);
    }
    return read;
}

void replica_read(struct replica *r, const struct replica_asker *asker,
                  struct replica_stream *stream, const struct wire_request *request)
{
    struct cd_error error;
    enum cd_status status = fsm_path_check(&r->limits, request->read.path, &error);
    if (status != CD_OK) {
        replica_refuse(r, asker, status, error.message);
        return;
    }
    if (r->reads_count >= REPLICA_READS_MAX ||
        (stream != NULL && stream->reads >= REPLICA_STREAM_READS_MAX)) {
        replica_refuse(r, asker, CD_BUSY, "too many reads wait: let some be answered first");
        return;
    }
    struct replica_read *read = make_read(asker, request);
    uint64_t wait = request->wait_ms != 0 ? request->wait_ms : REPLICA_WAIT_MS_DEFAULT;
    wait = wait > REPLICA_WAIT_MS_MAX ? REPLICA_WAIT_MS_MAX : wait;
    read->deadline_ms = env_now_ms(&r->env) + wait;
    read->token = request->level == WIRE_LINEARIZABLE ? r->token_asked + 1 : 0;
    if (stream != NULL) {
        read->after_write = stream->last_write;
        read->zxid = stream->seen_zxid > read->zxid ? stream->seen_zxid : read->zxid;
        stream->reads++;
    }
    r->reads_count++;
    DL_APPEND(r->reads, read);
}

/* One barrier for all reads that came since the last one was asked for (R8). */
void replica_ask_barrier(struct replica *r)
{
    if (r->reads == NULL || r->reads->prev->token <= r->token_asked) {
        /* The newest read needs none, but an older one of this turn may. */
        bool wanted = false;
        struct replica_read *read;
        DL_FOREACH(r->reads, read)
        {
            wanted = wanted || read->token > r->token_asked;
        }
        if (!wanted) {
            return;
        }
    }
    r->token_asked++;
    struct paxos_event event = {.kind = PAXOS_EV_BARRIER, .token = r->token_asked};
    replica_step(r, &event);
}

void replica_run_reads(struct replica *r)
{
    struct replica_read *read;
    struct replica_read *next;
    DL_FOREACH_SAFE(r->reads, read, next)
    {
        if (may_run(r, read)) {
            run(r, read);
            forget_read(r, read);
        }
    }
}

void replica_run_reads_after(struct replica *r, uint64_t stream, uint64_t counter)
{
    const struct replica_stream *owner = replica_stream_find(r, stream);
    if (owner == NULL || owner->reads == 0) {
        return;
    }
    struct replica_read *read;
    struct replica_read *next;
    DL_FOREACH_SAFE(r->reads, read, next)
    {
        bool behind = !read->asker.is_call && read->asker.channel == stream &&
                      read->after_write == counter && read->level == WIRE_SESSION;
        if (behind && may_run(r, read)) {
            run(r, read);
            forget_read(r, read);
        }
    }
}

void replica_refuse_barrier_reads(struct replica *r)
{
    struct replica_read *read;
    struct replica_read *next;
    DL_FOREACH_SAFE(r->reads, read, next)
    {
        if (read->level == WIRE_LINEARIZABLE) {
            replica_refuse(r, &read->asker, CD_NO_LEADER, NULL);
            forget_read(r, read);
        }
    }
}

void replica_expire_reads(struct replica *r, uint64_t now_ms)
{
    struct replica_read *read;
    struct replica_read *next;
    DL_FOREACH_SAFE(r->reads, read, next)
    {
        if (read->deadline_ms > now_ms) {
            continue;
        }
        bool behind = fsm_zxid(r->fsm) < read->zxid;
        replica_refuse(r, &read->asker, behind ? CD_BEHIND : CD_LIMIT_TIME, NULL);
        forget_read(r, read);
    }
}

void replica_free_reads(struct replica *r)
{
    struct replica_read *read;
    struct replica_read *next;
    DL_FOREACH_SAFE(r->reads, read, next)
    {
        forget_read(r, read);
    }
}
