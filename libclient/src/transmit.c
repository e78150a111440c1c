#include "session_internal.h"

#include <string.h>

/* What goes to replicas: hellos, and frames of whatever waits. */

enum {
    /* What every replica takes, before one has announced its own limits. */
    FRAME_BYTES_DEFAULT = 4 << 20,
    FRAME_REQUESTS_DEFAULT = 1024,
    /* And what this library puts into one frame at most, whatever a replica announces. */
    FRAME_REQUESTS_MAX = 4096,
    FRAME_SPARE = 16, /* room for what a frame gets beside what waits now */
};

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

/* A frame leaves now. */
static void note_frame(struct client_session *session, struct stream *stream)
{
    stream->frames++;
    stream->sent_ms = session->now.ms;
    stream->beat_due = false;
    if (stream == session->active && stream->attach != 0) {
        client_lease_sent(&session->lease, stream->frames, session->now.lease_ms);
    }
}

/* ---- Hellos ---- */

static struct client_hello make_hello(const struct client_session *session)
{
    struct client_hello hello = {
        .has_cluster = session->has_cluster,
        .generation = session->generation,
        .last_seen_zxid = session->last_seen_zxid,
        .client = session->client_name,
    };
    memcpy(hello.cluster_id, session->cluster_id, sizeof(hello.cluster_id));
    return hello;
}

static bool take_hello(struct client_session *session, struct stream *stream,
                       struct client_bytes *ret_frame)
{
    struct client_hello hello = make_hello(session);
    if (session->id != 0) { /* S11 */
        stream->attach = ++session->attach;
        hello.session_id = session->id;
        hello.attach = stream->attach;
        hello.secret = session->secret;
    }
    const struct client_frame_out frame = {.number = stream->frames + 1, .hello = &hello};
    if (client_codec_frame_encode(&frame, ret_frame) != COORD_OK) {
        return false; /* given up in time, like an endpoint that does not answer */
    }
    stream->state = STREAM_GREETED;
    stream->hello_lease_ms = session->now.lease_ms;
    note_frame(session, stream);
    return true;
}

/* S8. Its answer comes within the time of an attempt, or the stream is given up. */
static bool take_open(struct client_session *session, struct stream *stream,
                      struct client_bytes *ret_frame)
{
    struct client_hello hello = make_hello(session);
    hello.secret_hash = session->secret_hash;
    hello.timeout_ms = session->timeout_wanted_ms;
    const struct client_frame_out frame = {.number = stream->frames + 1, .hello = &hello};
    if (client_codec_frame_encode(&frame, ret_frame) != COORD_OK) {
        session->hold_ms = session->now.ms + client_dial_pause_ms(&session->dial, 0);
        return false;
    }
    stream->open_sent = true;
    stream->open_lease_ms = session->now.lease_ms;
    stream->give_up_ms = session->now.ms + session->dial_timeout_ms;
    note_frame(session, stream);
    return true;
}

static bool wants_open(const struct client_session *session, const struct stream *stream)
{
    return session->open_wanted && session->has_secret && session->id == 0 &&
           stream->give_up_ms == 0 && session->told_state == session->state;
}

/* ---- A frame of requests ---- */

enum entry_kind { ENTRY_REQUEST, ENTRY_WRITE, ENTRY_WATCH, ENTRY_FAREWELL };

/* What each of the frame's requests is, to be marked once the frame stands. */
struct entry {
    enum entry_kind kind;
    void *what;
    uint64_t id;
};

struct batch {
    struct client_session *session;
    struct stream *stream;
    struct client_bytes *requests; /* [capacity] */
    struct entry *entries;         /* [capacity] */
    size_t count, capacity;
    size_t bytes, bytes_max;
    bool full, no_memory, has_write;
};

static bool batch_init(struct batch *batch, struct client_session *session, struct stream *stream)
{
    uint32_t count_max = or_default(stream->limits.frame_requests, FRAME_REQUESTS_DEFAULT);
    size_t waiting = session->waiting.count + session->writes_count + 2 * session->watches_count;
    *batch = (struct batch){.session = session, .stream = stream};
    batch->capacity = count_max < FRAME_REQUESTS_MAX ? count_max : FRAME_REQUESTS_MAX;
    if (batch->capacity > waiting + FRAME_SPARE) {
        batch->capacity = waiting + FRAME_SPARE;
    }
    batch->bytes = CLIENT_FRAME_HEAD_BYTES;
    batch->bytes_max = or_default(stream->limits.frame_bytes, FRAME_BYTES_DEFAULT);
    batch->requests = client_calloc(batch->capacity, sizeof(*batch->requests));
    batch->entries = client_calloc(batch->capacity, sizeof(*batch->entries));
    return batch->requests != NULL && batch->entries != NULL;
}

static void batch_release(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        enum entry_kind kind = batch->entries[i].kind;
        if (kind == ENTRY_WATCH || kind == ENTRY_FAREWELL) { /* encoded for this frame alone */
            client_free(batch->requests[i].data);
        }
    }
    client_free(batch->requests);
    client_free(batch->entries);
}

/* Whether that much fits; from the first that does not, nothing does. */
static bool batch_fits(struct batch *batch, size_t bytes)
{
    size_t more = CLIENT_FRAME_REQUEST_BYTES + bytes;
    batch->full =
        batch->full || batch->count == batch->capacity || batch->bytes + more > batch->bytes_max;
    return !batch->full;
}

static void batch_add(struct batch *batch, enum entry_kind kind, void *what, uint64_t id,
                      struct client_bytes bytes)
{
    batch->requests[batch->count] = bytes;
    batch->entries[batch->count] = (struct entry){kind, what, id};
    batch->count++;
    batch->bytes += CLIENT_FRAME_REQUEST_BYTES + bytes.count;
    batch->has_write = batch->has_write || kind == ENTRY_WRITE;
}

/* ---- Watches ---- */

static void add_farewells(struct batch *batch)
{
    struct client_session *session = batch->session;
    for (struct client_farewell *farewell = session->farewells;
         farewell != NULL && !batch->no_memory; farewell = farewell->next) {
        struct client_bytes bytes;
        const struct client_address address = {.id = ++session->last_request};
        if (client_codec_unwatch_encode(farewell->watch_id, &address, &bytes) != COORD_OK) {
            batch->no_memory = true;
        } else if (batch_fits(batch, bytes.count)) {
            batch_add(batch, ENTRY_FAREWELL, farewell, address.id, bytes);
        } else {
            client_free(bytes.data);
            return;
        }
    }
}

/* The one on a node that is known by its create alone is set once that was applied. */
static void add_watch(struct batch *batch, struct client_watch *watch)
{
    struct client_session *session = batch->session;
    const struct client_address address = {
        .id = watch_next_request(session, watch),
        .after_seq = watch->created_path == NULL ? watch->created_seq : 0,
    };
    struct client_bytes bytes;
    if (client_codec_watch_encode(watch, &address, &bytes) != COORD_OK) {
        batch->no_memory = true;
        return;
    }
    size_t alone = CLIENT_FRAME_HEAD_BYTES + CLIENT_FRAME_REQUEST_BYTES + bytes.count;
    if (alone > batch->bytes_max) {
        watch_end(session, watch, COORD_TOO_LARGE,
                  "the watch takes %zu bytes; the cluster's limit for a frame is %zu", alone,
                  batch->bytes_max);
    } else if (batch_fits(batch, bytes.count)) {
        batch_add(batch, ENTRY_WATCH, watch, address.id, bytes);
        return;
    }
    client_free(bytes.data);
}

/* Those on nodes that writes make go behind their writes. */
static void add_watches(struct batch *batch)
{
    struct client_watch *next = NULL;
    for (struct client_watch *watch = batch->session->watches[WATCH_UNSENT].first;
         watch != NULL && !batch->full && !batch->no_memory; watch = next) {
        bool by_seq = watch->created_seq != 0 && watch->created_path == NULL;
        next = watch->next;
        if (!by_seq) {
            add_watch(batch, watch);
        }
    }
}

/* ---- Writes of the session ---- */

static bool add_write(struct batch *batch, struct client_write *write)
{
    const struct client_address address = {.id = write->id, .seq = write->seq};
    size_t count = client_codec_address(write->bytes, write->tail_offset, &address);
    if (!batch_fits(batch, count)) {
        return false;
    }
    batch_add(batch, ENTRY_WRITE, write, write->id, (struct client_bytes){write->bytes, count});
    struct client_watch *watch = write->watch;
    if (watch != NULL && watch->state == WATCH_NEW) {
        watch_created(batch->session, watch, write->seq);
    }
    if (watch != NULL && watch->state == WATCH_UNSENT) {
        add_watch(batch, watch);
    }
    return true;
}

/* S9, S11: those that were sent before, in their order. */
static void add_unsent_writes(struct batch *batch)
{
    for (struct client_write *write = batch->session->writes; write != NULL && !batch->full;
         write = write->next) {
        if (write->stream == 0 && !add_write(batch, write)) {
            return;
        }
    }
}

static void add_forget(struct batch *batch)
{
    if (batch->has_write || batch->full || batch->session->id == 0 ||
        batch->session->waiting.count != 0) {
        return;
    }
    struct client_write *write = writes_forget(batch->session);
    if (write != NULL) {
        (void)add_write(batch, write);
    }
}

/* ---- What waits ---- */

/* A read tells how long its caller will wait for it. */
static uint32_t wait_of(const struct client_request *request, uint64_t now_ms)
{
    uint64_t left = request->deadline_ms > now_ms ? request->deadline_ms - now_ms : 1;
    if (request->is_write && !request->inquiry) {
        return 0;
    }
    return left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
}

/* The request gets its number and joins the writes of the session. */
static bool add_numbered(struct batch *batch, struct client_request *request, size_t bytes)
{
    if (!batch_fits(batch, bytes)) {
        return false;
    }
    struct client_write *write = write_begin(batch->session, request);
    if (write == NULL) {
        batch->no_memory = true;
        return false;
    }
    return add_write(batch, write);
}

/* No frame could take it. */
static bool is_too_large(struct batch *batch, struct client_request *request)
{
    size_t alone = CLIENT_FRAME_HEAD_BYTES + CLIENT_FRAME_REQUEST_BYTES + request->bytes_count;
    if (alone <= batch->bytes_max) {
        return false;
    }
    request_end(batch->session, request, COORD_TOO_LARGE,
                "the request takes %zu bytes; the cluster's limit for a frame is %zu", alone,
                batch->bytes_max);
    return true;
}

/*
 * Without a session a replica knows only what the hello told it, and an answer on a stream that is
 * left may have shown more since.
 */
static void set_level(const struct client_session *session, const struct client_request *request,
                      struct client_address *address)
{
    bool in_session = session->id != 0;
    address->level = request->level;
    address->at_least_zxid = request->at_least_zxid;
    if (request->level == COORD_SESSION && !in_session && session->last_seen_zxid != 0) {
        address->level = COORD_AT_LEAST;
        address->at_least_zxid = session->last_seen_zxid;
    }
}

/* With the longest number that it can get, so that what fits now still fits later. */
static size_t address_request(struct client_session *session, struct client_request *request)
{
    if (request->after_seq == 0 && !request->inquiry) {
        request->after_seq = request->is_write ? 0 : session->last_seq;
    }
    struct client_address address = {
        .id = request->id,
        .seq = session->sessions && request->is_write && !request->inquiry ? UINT64_MAX : 0,
        .after_seq = request->after_seq,
        .wait_ms = wait_of(request, session->now.ms),
    };
    set_level(session, request, &address);
    request->bytes_count = client_codec_address(request->bytes, request->tail_offset, &address);
    return request->bytes_count;
}

static void add_waiting(struct batch *batch)
{
    struct client_session *session = batch->session;
    struct stream *stream = batch->stream;
    size_t writes_left = or_default(stream->limits.unacked_writes, UINT32_MAX) - stream->writes;
    size_t reads_left = or_default(stream->limits.waiting_reads, UINT32_MAX) - stream->reads;
    struct client_request *next = NULL;
    session->open_wanted = false; /* what wanted it may be gone */
    for (struct client_request *request = session->waiting.first; request != NULL; request = next) {
        next = request->next;
        if (request_needs_open(session, request)) {
            session->open_wanted = true;
            return;
        }
        if (request->inquiry && session->now.ms < session->inquire_ms) {
            continue;
        }
        size_t bytes = address_request(session, request);
        bool is_write = request->is_write && !request->inquiry;
        if (is_too_large(batch, request)) {
            continue;
        }
        if (is_write && session->id != 0) {
            if (writes_room(session, stream) == 0 || !add_numbered(batch, request, bytes)) {
                return;
            }
            continue;
        }
        size_t *left = is_write ? &writes_left : &reads_left;
        if (*left == 0 || !batch_fits(batch, bytes)) {
            return;
        }
        batch_add(batch, ENTRY_REQUEST, request, request->id,
                  (struct client_bytes){request->bytes, bytes});
        (*left)--;
    }
}

/* ---- The frame ---- */

static void mark_sent(struct batch *batch)
{
    struct client_session *session = batch->session;
    struct stream *stream = batch->stream;
    for (size_t i = 0; i < batch->count; i++) {
        struct entry *entry = &batch->entries[i];
        struct client_watch *watch = entry->what;
        switch (entry->kind) {
        case ENTRY_REQUEST:
            request_mark_sent(session, stream, entry->what);
            break;
        case ENTRY_WRITE:
            ((struct client_write *)entry->what)->stream = stream->id;
            break;
        case ENTRY_WATCH:
            watch_move(session, watch, WATCH_SENT);
            watch->stream = stream->id;
            watch->request = entry->id;
            break;
        case ENTRY_FAREWELL:
            CD_ASSERT(session->farewells == entry->what); /* they were added in their order */
            watch_farewell_over(session);
            break;
        }
    }
}

static void fill(struct batch *batch, bool *ret_rearmed)
{
    struct client_session *session = batch->session;
    add_farewells(batch);
    add_watches(batch);
    add_unsent_writes(batch);
    bool all = !batch->full && !batch->no_memory;
    *ret_rearmed = batch->stream->rearm_owed && all;
    if (all) {
        add_waiting(batch);
    }
    if (!session->closed) {
        add_forget(batch);
    }
}

static bool send_batch(struct batch *batch, bool rearmed, struct client_bytes *ret_frame)
{
    struct client_session *session = batch->session;
    struct stream *stream = batch->stream;
    if (batch->count == 0 && !rearmed && !stream->beat_due) {
        return false;
    }
    const struct client_frame_out frame = {
        .number = stream->frames + 1,
        .requests = batch->requests,
        .requests_count = batch->count,
        .reply_mark = session->id != 0 ? writes_mark(session) : 0,
        .rearm_done = rearmed,
    };
    if (client_codec_frame_encode(&frame, ret_frame) != COORD_OK) {
        batch->no_memory = true;
        return false;
    }
    mark_sent(batch);
    stream->rearm_owed = stream->rearm_owed && !rearmed;
    session->kept_bytes = batch->has_write ? 0 : session->kept_bytes;
    note_frame(session, stream);
    return true;
}

static bool take_requests(struct client_session *session, struct stream *stream,
                          struct client_bytes *ret_frame)
{
    struct batch batch;
    bool rearmed = false;
    bool taken = false;
    if (batch_init(&batch, session, stream)) {
        fill(&batch, &rearmed);
        taken = send_batch(&batch, rearmed, ret_frame);
    } else {
        batch.no_memory = true;
    }
    if (batch.no_memory) {
        session->hold_ms = session->now.ms + client_dial_pause_ms(&session->dial, 0);
    }
    batch_release(&batch);
    return taken;
}

/* The last word on a stream whose session is over. */
static bool take_parting(struct client_session *session, struct stream *stream,
                         struct client_bytes *ret_frame)
{
    struct client_request request = {.bytes = NULL};
    const struct client_op op = {.kind = CLIENT_OP_CLOSE};
    if (client_codec_request_encode(&request, &op, NULL, NULL) != COORD_OK) {
        return false;
    }
    const struct client_address address = {.id = ++session->last_request,
                                           .seq = stream->parting_seq};
    struct client_bytes bytes = {
        request.bytes, client_codec_address(request.bytes, request.tail_offset, &address)};
    const struct client_frame_out frame = {.number = stream->frames + 1,
                                           .requests = &bytes,
                                           .requests_count = 1,
                                           .rearm_done = stream->rearm_owed};
    enum coord_code code = client_codec_frame_encode(&frame, ret_frame);
    client_free(request.bytes);
    if (code != COORD_OK) {
        return false;
    }
    stream->parting_request = address.id;
    stream->frames++;
    return true;
}

bool client_session_take_frame(struct client_session *session, struct client_time now, uint64_t id,
                               struct client_bytes *ret_frame)
{
    session->now = now;
    session_check_lease(session);
    struct stream *stream = stream_find(session, id);
    if (stream == NULL) {
        return false;
    }
    if (stream->state == STREAM_HELLO) {
        return take_hello(session, stream, ret_frame);
    }
    if (stream->state == STREAM_PARTING && stream->parting_request == 0) {
        return take_parting(session, stream, ret_frame);
    }
    if (stream->state != STREAM_ACTIVE) {
        return false;
    }
    if (now.ms < session->hold_ms) { /* but the lease runs on */
        struct batch beat = {.session = session, .stream = stream};
        return send_batch(&beat, false, ret_frame);
    }
    if (take_requests(session, stream, ret_frame)) {
        return true;
    }
    if (wants_open(session, stream)) {
        if (!stream->open_sent) {
            return take_open(session, stream, ret_frame);
        }
        stream_leave(session, now.ms, stream); /* one that refused it is not asked again */
    }
    return false;
}
