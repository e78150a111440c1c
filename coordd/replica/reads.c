#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/*
 * Reads and watches that wait: for the barrier round that makes them linearizable (R8), for a write
 * of their own stream or session that was sent before them (R24), for a zxid. What they are is kept
 * as its bytes. All run against the applied state: answers.c.
 */

static void forget_read(struct replica *r, struct replica_read *read)
{
    DL_DELETE(r->reads, read);
    r->reads_count--;
    if (!read->asker.is_call) {
        struct replica_stream *stream = replica_stream_find(r, read->asker.channel);
        if (stream != NULL) {
            stream->reads--;
            stream->watch_waits -= read->sets_watch;
        }
    }
    cd_free(read->identity);
    cd_blob_unref(read->packed);
    cd_free(read);
}

static bool waits_for_write(const struct replica *r, const struct replica_read *read)
{
    if (read->after_seq != 0) {
        struct fsm_session_view view;
        return fsm_session_find(r->fsm, read->session, &view) && view.last_seq < read->after_seq;
    }
    if (read->after_write == 0) {
        return false;
    }
    const struct replica_stream *stream = replica_stream_find(r, read->asker.channel);
    return stream != NULL && stream->plain_writes != NULL &&
           stream->plain_writes->counter <= read->after_write; /* the oldest */
}

static bool may_run(const struct replica *r, const struct replica_read *read)
{
    bool barrier =
        read->token == 0 || (read->token <= r->token_done && fsm_slot(r->fsm) >= r->token_index);
    return barrier && fsm_zxid(r->fsm) >= read->zxid && !waits_for_write(r, read);
}

static void run(struct replica *r, struct replica_read *read)
{
    struct wire_request request;
    struct fsm_who who;
    struct replica_stream *stream = NULL;
    if (read->asker.is_call) {
        replica_who_of(r, read->identity, &who);
    } else {
        stream = replica_stream_find(r, read->asker.channel);
        if (stream == NULL || stream->closing) {
            return;
        }
        who = stream->who;
    }
    struct cd_error error;
    struct fsm_bytes packed = {read->packed->data, read->packed->bytes};
    enum cd_status status = wire_request_decode(&r->read_arena, packed, &request, &error);
    CD_ASSERT(status == CD_OK); /* it did when it came */
    r->counts.reads++;
    replica_answer_read(r, &read->asker, stream, &who, &request);
    wire_arena_clear(&r->read_arena);
}

/* The path whose form is judged when a read comes; empty: it has none, or need not name one. */
static struct fsm_bytes path_of(const struct wire_request *request)
{
    switch (request->kind) {
    case WIRE_GET:
    case WIRE_EXISTS:
    case WIRE_COUNT:
    case WIRE_GET_ACL:
    case WIRE_CHILDREN:
    case WIRE_LIST:
    case WIRE_CHANGED_SINCE:
        return request->read.path;
    case WIRE_WATCH:
        return request->watch.path;
    default:
        return (struct fsm_bytes){NULL, 0};
    }
}

static bool must_have_path(const struct wire_request *request)
{
    return (request->kind >= WIRE_GET && request->kind <= WIRE_LIST) ||
           request->kind == WIRE_CHANGED_SINCE ||
           (request->kind == WIRE_WATCH && !request->watch.queue_front);
}

static struct replica_read *make_read(struct replica *r, const struct replica_asker *asker,
                                      const struct wire_request *request, const char *identity)
{
    struct replica_read *read = cd_calloc(1, sizeof(*read));
    read->asker = *asker;
    read->level = request->level;
    read->zxid = request->level == WIRE_AT_LEAST ? request->at_least_zxid : 0;
    read->packed = cd_blob_copy(request->packed.data, request->packed.bytes);
    read->identity = asker->is_call ? cd_strdup(identity) : NULL;
    uint64_t wait = request->wait_ms != 0 ? request->wait_ms : REPLICA_WAIT_MS_DEFAULT;
    wait = wait > REPLICA_WAIT_MS_MAX ? REPLICA_WAIT_MS_MAX : wait;
    read->deadline_ms = env_now_ms(&r->env) + wait;
    read->token = request->level == WIRE_LINEARIZABLE ? r->token_asked + 1 : 0;
    return read;
}

void replica_read(struct replica *r, const struct replica_asker *asker,
                  struct replica_stream *stream, const char *identity,
                  const struct wire_request *request)
{
    if (r->reads_count >= REPLICA_READS_MAX ||
        (stream != NULL && stream->reads >= REPLICA_STREAM_READS_MAX)) {
        replica_refuse(r, asker, CD_BUSY, "too many reads wait: let some be answered first");
        return;
    }
    if (request->after_seq != 0 && (stream == NULL || stream->session == 0)) {
        replica_refuse(r, asker, CD_INVALID_ARGUMENT,
                       "after_seq: only a session has seqs, and this is none");
        return;
    }
    struct cd_error error;
    struct fsm_bytes path = path_of(request);
    if ((path.bytes != 0 || must_have_path(request)) &&
        fsm_path_check(&r->limits, path, &error) != CD_OK) {
        replica_refuse(r, asker, CD_INVALID_ARGUMENT, error.message);
        return;
    }
    struct replica_read *read = make_read(r, asker, request, identity);
    if (stream != NULL) {
        read->session = stream->session;
        read->after_seq = request->after_seq;
        read->after_write = stream->session == 0 ? stream->last_write : 0;
        read->zxid = stream->seen_zxid > read->zxid ? stream->seen_zxid : read->zxid;
        read->sets_watch = request->kind == WIRE_WATCH;
        stream->watch_waits += read->sets_watch;
        stream->reads++;
    }
    r->reads_count++;
    DL_APPEND(r->reads, read);
}

bool replica_reads_want_round(const struct replica *r)
{
    /* Tokens do not fall along the list, but for reads that need none. */
    for (const struct replica_read *read = r->reads != NULL ? r->reads->prev : NULL; read != NULL;
         read = read == r->reads ? NULL : read->prev) {
        if (read->token != 0) {
            return read->token > r->token_asked;
        }
    }
    return false;
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

void replica_run_reads_after(struct replica *r, uint64_t stream, uint64_t counter, uint64_t seq)
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
                      (seq != 0 ? read->after_seq == seq : read->after_write >= counter) &&
                      read->level == WIRE_SESSION;
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

void replica_refuse_all_reads(struct replica *r, enum cd_status status, const char *message)
{
    struct replica_read *read;
    struct replica_read *next;
    DL_FOREACH_SAFE(r->reads, read, next)
    {
        replica_refuse(r, &read->asker, status, message);
        forget_read(r, read);
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
