#include "replica/internal.h"

#include "base/memory.h"

#include <string.h>

/*
 * A write from its request to its slot. The replica that serves the client makes a command of it
 * and keeps it in `writes` until it sees it applied; the leader keeps commands in a queue and puts
 * all of a turn into one batch.
 *
 * A command names the leadership it is meant for and is proposed under no other. A write without a
 * session, or a call without a key, is proposed once: what was never proposed is known never to be,
 * and the rest may end in OUTCOME_UNKNOWN. A write of a session, or a call with a key, is proposed
 * again until it is applied, since the state knows it by its seq or key (blueprint 9); writes of a
 * session always from the lowest unanswered one on.
 */

/* The command, for proposing it again; NULL: none any more. The reference is moved. */
static void keep_bytes(struct replica *r, struct replica_write *write, struct cd_blob *bytes)
{
    struct replica_stream *stream =
        write->seq != 0 ? replica_stream_find(r, write->asker.channel) : NULL;
    size_t before = write->bytes != NULL ? write->bytes->bytes : 0;
    size_t after = bytes != NULL ? bytes->bytes : 0;
    r->writes_bytes += after - before;
    if (stream != NULL) {
        stream->writes_bytes += after - before;
    }
    if (write->bytes != NULL) {
        cd_blob_unref(write->bytes);
    }
    write->bytes = bytes;
}

/* In the order in which they came: with a seq, and without one. */
static struct replica_write **list_of(struct replica_stream *stream, uint64_t seq)
{
    return seq != 0 ? &stream->writes : &stream->plain_writes;
}

static void forget_write(struct replica *r, struct replica_write *write)
{
    HASH_DEL(r->writes, write);
    r->writes_count--;
    if (!write->asker.is_call) {
        struct replica_stream *stream = replica_stream_find(r, write->asker.channel);
        if (stream != NULL) {
            stream->writes_count--;
            struct replica_write **list = list_of(stream, write->seq);
            DL_DELETE(*list, write);
        }
    }
    keep_bytes(r, write, NULL);
    cd_free(write);
}

static bool may_repeat(const struct replica_write *write)
{
    return write->bytes != NULL;
}

/* Answers a write that will not be waited for any longer, and lets reads behind it go on. */
static void give_up(struct replica *r, struct replica_write *write, enum cd_status status,
                    const char *message)
{
    struct replica_asker asker = write->asker;
    uint64_t counter = write->counter;
    uint64_t seq = write->seq;
    forget_write(r, write);
    replica_refuse(r, &asker, status, message);
    if (!asker.is_call) {
        replica_run_reads_after(r, asker.channel, counter, seq);
    }
}

static void refuse_queue(struct replica *r);

static void queue_command(struct replica *r, struct paxos_ballot leader, struct fsm_bytes bytes,
                          uint32_t node, uint64_t boot, uint64_t counter)
{
    if (paxos_ballot_compare(r->queue_ballot, leader) != 0) {
        refuse_queue(r); /* a leadership of ours that ended without a turn in between */
        r->queue_ballot = leader;
    }
    struct replica_command *command = cd_calloc(1, sizeof(*command));
    command->bytes = cd_blob_copy(bytes.data, bytes.bytes);
    command->node = node;
    command->boot = boot;
    command->counter = counter;
    if (r->queue_last != NULL) {
        r->queue_last->next = command;
    } else {
        r->queue_first = command;
    }
    r->queue_last = command;
    r->queue_bytes += bytes.bytes;
}

static struct replica_command *take_command(struct replica *r)
{
    struct replica_command *command = r->queue_first;
    r->queue_first = command->next;
    if (r->queue_first == NULL) {
        r->queue_last = NULL;
    }
    r->queue_bytes -= command->bytes->bytes;
    return command;
}

static void free_command(struct replica_command *command)
{
    cd_blob_unref(command->bytes);
    cd_free(command);
}

static uint64_t write_deadline(const struct replica *r, const struct wire_request *request)
{
    uint64_t wait = request->wait_ms != 0 ? request->wait_ms : REPLICA_WAIT_MS_DEFAULT;
    wait = wait > REPLICA_WAIT_MS_MAX ? REPLICA_WAIT_MS_MAX : wait;
    return env_now_ms(&r->env) + wait;
}

/* R6: without a majority nobody knows which state is the right one. */
static const char stopped_text[] =
    "the replicas' states differ and no majority agrees on one: writes stop until an operator has "
    "looked at the leader's alarms in `coordctl status`";

/* NULL: writes go on. */
static const char *why_busy(const struct replica *r)
{
    return r->undecided_slot != 0 && replica_leads(r) ? stopped_text : NULL;
}

/* Gives encoded commands to the leader. CD_OK: on its way. Otherwise nothing was done. */
static enum cd_status submit(struct replica *r, const struct cd_blob *bytes, uint64_t counter,
                             struct paxos_ballot *ret_leader)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    bool here = replica_leads(r);
    if (here && r->undecided_slot != 0) {
        return CD_BUSY;
    }
    if (!here && (status.leader == 0 || status.leader == r->node)) {
        return CD_NO_LEADER;
    }
    if (r->queue_bytes > REPLICA_QUEUE_BYTES_MAX) {
        return CD_BUSY;
    }
    struct fsm_bytes command = {bytes->data, bytes->bytes};
    if (here) {
        queue_command(r, status.ballot, command, r->node, r->boot, counter);
    } else if (!replica_forward(r, status.leader, status.ballot, command)) {
        return CD_NO_LEADER;
    }
    *ret_leader = status.ballot;
    return CD_OK;
}

/* NULL: too large. The command's origin gets the next counter, which the caller takes if it goes
 * on. */
static struct cd_blob *encode(struct replica *r, struct fsm_command *command, uint64_t counter)
{
    command->origin = (struct fsm_origin){.node = r->node, .boot = r->boot, .counter = counter};
    cd_buf_clear(&r->encode);
    if (wire_command_encode(&r->encode, command) != CD_OK) {
        return NULL;
    }
    return cd_blob_copy(r->encode.data, r->encode.bytes);
}

bool replica_submit_own(struct replica *r, struct fsm_command *command)
{
    struct cd_blob *bytes = encode(r, command, 0); /* nobody waits for it */
    bool may = r->undecided_slot == 0 || command->op.kind == FSM_OP_AGREE_DIGEST;
    bool sent =
        bytes != NULL && may && replica_leads(r) && r->queue_bytes <= REPLICA_QUEUE_BYTES_MAX;
    if (sent) {
        struct paxos_status status;
        replica_get_status(r, &status);
        queue_command(r, status.ballot, (struct fsm_bytes){bytes->data, bytes->bytes}, r->node,
                      r->boot, 0);
    }
    if (bytes != NULL) {
        cd_blob_unref(bytes);
    }
    return sent;
}

static struct replica_write *add_write(struct replica *r, const struct replica_asker *asker,
                                       struct replica_stream *stream, uint64_t counter,
                                       uint64_t seq)
{
    struct replica_write *write = cd_calloc(1, sizeof(*write));
    r->write_counter = counter;
    write->counter = counter;
    write->seq = seq;
    write->asker = *asker;
    write->deadline_ms = UINT64_MAX;
    write->proposed_ms = env_now_ms(&r->env);
    write->begin_us = env_now_us(&r->env);
    HASH_ADD(hh, r->writes, counter, sizeof(write->counter), write);
    r->writes_count++;
    if (stream != NULL) {
        stream->last_write = write->counter;
        stream->writes_count++;
        struct replica_write **list = list_of(stream, seq);
        DL_APPEND(*list, write);
    }
    return write;
}

/* A write without a session, or a call. */
static void write_once(struct replica *r, const struct replica_asker *asker,
                       struct replica_stream *stream, const struct fsm_who *who,
                       struct wire_request *request)
{
    struct cd_error error;
    request->command.who = *who;
    enum cd_status status = fsm_command_check(&r->limits, &request->command, &error);
    if (status != CD_OK) {
        replica_refuse(r, asker, status, error.message);
        return;
    }
    if (r->writes_count >= REPLICA_WRITES_MAX ||
        (stream != NULL && stream->writes_count >= r->limits.unacked_writes)) {
        replica_refuse(r, asker, CD_BUSY,
                       "too many unanswered writes: wait for answers before sending more");
        return;
    }
    struct paxos_ballot leader = {0};
    uint64_t counter = r->write_counter + 1;
    struct cd_blob *bytes = encode(r, &request->command, counter);
    status = bytes != NULL ? submit(r, bytes, counter, &leader) : CD_TOO_LARGE;
    if (status != CD_OK) {
        if (bytes != NULL) {
            cd_blob_unref(bytes);
        }
        replica_refuse(r, asker, status, why_busy(r));
        return;
    }
    struct replica_write *write = add_write(r, asker, stream, counter, 0);
    write->leader = leader;
    write->deadline_ms = write_deadline(r, request);
    if (request->command.has_key) {
        keep_bytes(r, write, bytes);
    } else {
        cd_blob_unref(bytes);
    }
}

/* R11: BUSY consumes nothing; that seq and all later ones are dropped until it comes again. */
static void refuse_from(struct replica *r, const struct replica_asker *asker,
                        struct replica_stream *stream, uint64_t seq)
{
    stream->busy_from = seq;
    stream->next_seq = seq;
    const char *message = why_busy(r);
    replica_refuse(r, asker, CD_BUSY,
                   message != NULL ? message
                                   : "too many unanswered writes: send this one and all later ones "
                                     "again when some were answered");
}

/* The leader takes no writes, so this one and all later ones are the client's again (R11). */
static void refuse_again(struct replica *r, struct replica_stream *stream,
                         struct replica_write *write)
{
    uint64_t seq = write->seq;
    while (write != NULL) {
        struct replica_write *next = write->next;
        give_up(r, write, CD_BUSY, stopped_text);
        write = next;
    }
    stream->busy_from = seq;
    stream->next_seq = seq;
}

/* What is finally refused at the door takes its place in the log (R11). */
static void refuse_in_log(struct fsm_command *command, const struct cd_error *error)
{
    command->if_held = NULL;
    command->op = (struct fsm_op){.kind = FSM_OP_REFUSE};
    command->op.refuse.status = error->status;
    command->op.refuse.message =
        (struct fsm_bytes){(const uint8_t *)error->message, strlen(error->message)};
}

/*
 * R10: may one more write of the session come in? The window counts from what its client has
 * acknowledged of what was applied.
 */
static bool has_room(const struct replica *r, const struct replica_stream *stream, uint64_t seq)
{
    struct fsm_session_view view;
    if (r->writes_count >= REPLICA_WRITES_MAX || r->writes_bytes >= REPLICA_WRITES_BYTES_MAX ||
        stream->writes_bytes >= REPLICA_STREAM_WRITES_BYTES_MAX) {
        return false;
    }
    if (!fsm_session_find(r->fsm, stream->session, &view)) {
        return true; /* the log says what is left to say */
    }
    uint64_t mark = stream->reply_mark < view.last_seq ? stream->reply_mark : view.last_seq;
    mark = mark > view.reply_mark ? mark : view.reply_mark;
    return seq <= mark + r->limits.unacked_writes;
}

static void write_in_session(struct replica *r, const struct replica_asker *asker,
                             struct replica_stream *stream, struct wire_request *request)
{
    struct fsm_command refused = {.request_hash = 0};
    struct fsm_command *command = request->kind == WIRE_REFUSED ? &refused : &request->command;
    uint64_t seq = request->seq;
    if (stream->next_seq != 0 && seq > stream->next_seq && stream->busy_from != 0) {
        return; /* behind one that was answered BUSY */
    }
    if (stream->next_seq != 0 && seq != stream->next_seq) {
        replica_close_stream(r, stream, REPLICA_RPC_INVALID_ARGUMENT,
                             "the seqs of a session's writes go up by one");
        return;
    }
    if (!has_room(r, stream, seq) || why_busy(r) != NULL) {
        refuse_from(r, asker, stream, seq);
        return;
    }
    command->session = stream->session;
    command->attach = stream->attach;
    command->seq = seq;
    command->who = stream->who;
    command->reply_mark =
        stream->reply_mark > command->reply_mark ? stream->reply_mark : command->reply_mark;
    struct cd_error error;
    if (request->kind == WIRE_REFUSED) {
        refuse_in_log(command, request->refusal);
    } else if (fsm_command_check(&r->limits, command, &error) != CD_OK) {
        refuse_in_log(command, &error);
    }
    uint64_t counter = r->write_counter + 1;
    struct cd_blob *bytes = encode(r, command, counter);
    if (bytes == NULL) {
        (void)cd_error_set(&error, CD_TOO_LARGE, "the command has more than %d bytes",
                           WIRE_COMMAND_BYTES_MAX);
        refuse_in_log(command, &error);
        bytes = encode(r, command, counter);
        CD_ASSERT(bytes != NULL);
    }
    struct replica_write *write = add_write(r, asker, stream, counter, seq);
    keep_bytes(r, write, bytes);
    write->request_hash = command->request_hash;
    write->reply_mark = command->reply_mark;
    stream->next_seq = seq + 1;
    stream->busy_from = 0;
    (void)submit(r, bytes, counter, &write->leader); /* without a leader: when there is one */
}

void replica_write(struct replica *r, const struct replica_asker *asker,
                   struct replica_stream *stream, const char *identity,
                   struct wire_request *request)
{
    if (stream != NULL && request->seq != 0) {
        write_in_session(r, asker, stream, request);
    } else {
        struct fsm_who who;
        replica_who_of(r, identity, &who);
        write_once(r, asker, stream, &who, request);
    }
}

void replica_open_session(struct replica *r, struct replica_stream *stream)
{
    struct fsm_command command = {.op = {.kind = FSM_OP_OPEN_SESSION}};
    command.op.open_session = stream->opening;
    command.who = stream->who;
    uint64_t counter = r->write_counter + 1;
    struct cd_blob *bytes = encode(r, &command, counter);
    CD_ASSERT(bytes != NULL);
    struct replica_asker asker = {.channel = stream->stream};
    struct replica_write *write = add_write(r, &asker, stream, counter, 0);
    write->opens = true;
    keep_bytes(r, write, bytes); /* a repeat leaves an orphan to expire (R7) */
    write->deadline_ms = env_now_ms(&r->env) + REPLICA_HELLO_MS;
    (void)submit(r, bytes, counter, &write->leader);
}

/* --- Proposing again --- */

/*
 * What the client has acknowledged since then goes along: a write that waits for room among the
 * kept replies may be the only one that can tell (R10).
 */
static void renew_mark(struct replica *r, const struct replica_stream *stream,
                       struct replica_write *write)
{
    if (stream->reply_mark <= write->reply_mark) {
        return;
    }
    struct fsm_command command;
    struct cd_error error;
    enum cd_status status = wire_command_decode(&r->command_arena, write->bytes->data,
                                                write->bytes->bytes, &command, &error);
    CD_ASSERT(status == CD_OK); /* it was encoded here */
    command.reply_mark = stream->reply_mark;
    struct cd_blob *bytes = encode(r, &command, write->counter);
    wire_arena_clear(&r->command_arena);
    if (bytes != NULL) { /* one that has just fitted goes on as it is */
        keep_bytes(r, write, bytes);
        write->reply_mark = stream->reply_mark;
    }
}

static void propose_again(struct replica *r, struct replica_write *write, uint64_t now_ms)
{
    write->leader = (struct paxos_ballot){0};
    write->proposed_ms = now_ms;
    (void)submit(r, write->bytes, write->counter, &write->leader);
}

/*
 * From the lowest one on; but that one alone while it waits for room among the kept replies (R10),
 * since the others cannot be applied before it.
 */
static void propose_all_again(struct replica *r, struct replica_stream *stream, uint64_t now_ms)
{
    struct replica_write *write;
    DL_FOREACH(stream->writes, write)
    {
        renew_mark(r, stream, write);
        if (write == stream->writes || !stream->window_full) {
            propose_again(r, write, now_ms);
        } else {
            write->proposed_ms = now_ms;
        }
    }
}

/*
 * After a resume the first write may come from a client that left a seq out. Nothing here can tell
 * that from a write whose forerunners were refused at another replica and are still under way: it
 * is proposed again and again, and must not fill the log.
 */
static uint64_t longer_pause(uint64_t pause_ms)
{
    if (pause_ms < REPLICA_AGAIN_MS) {
        return REPLICA_AGAIN_MS;
    }
    return pause_ms > REPLICA_AGAIN_MS_MAX / 2 ? REPLICA_AGAIN_MS_MAX : 2 * pause_ms;
}

void replica_propose_again(struct replica *r, uint64_t now_ms)
{
    /* The first write is the oldest, so if that one is not late none is. */
    bool late_any = r->writes != NULL && now_ms - r->writes->proposed_ms >= r->election_ms;
    if (!late_any && !r->again) {
        return;
    }
    r->again = false;
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        bool late = now_ms - write->proposed_ms >= r->election_ms;
        if (write->seq == 0) {
            if (may_repeat(write) && (late || write->again)) {
                write->again = false;
                propose_again(r, write, now_ms);
            }
            continue;
        }
        struct replica_stream *stream = replica_stream_find(r, write->asker.channel);
        if (stream->writes != write || (!late && !stream->again)) {
            continue;
        }
        if (now_ms - stream->again_ms < stream->again_pause_ms) {
            r->again = true; /* soon */
        } else {
            stream->again = false;
            stream->again_ms = now_ms;
            stream->again_pause_ms = longer_pause(stream->again_pause_ms);
            propose_all_again(r, stream, now_ms);
        }
    }
}

/* --- At the leader --- */

void replica_on_forward(struct replica *r, uint32_t from, uint64_t boot,
                        const struct wire_forward *forward)
{
    struct fsm_command command;
    struct cd_error error;
    enum cd_status decoded = wire_command_decode(&r->command_arena, forward->command.data,
                                                 forward->command.bytes, &command, &error);
    wire_arena_clear(&r->command_arena);
    bool honest = decoded == CD_OK && command.origin.node == from && command.origin.boot == boot;
    if (!honest) {
        replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_FRAME_BAD,
                                                .node = from,
                                                .text = "forwarded what is no command of its own"});
        return;
    }
    struct paxos_status status;
    replica_get_status(r, &status);
    struct replica_command refused = {
        .node = from, .boot = boot, .counter = command.origin.counter};
    if (!replica_leads(r) || r->stopping ||
        paxos_ballot_compare(status.ballot, forward->leader) != 0) {
        replica_refuse_forwarded(r, &refused, CD_NO_LEADER);
    } else if (r->queue_bytes > REPLICA_QUEUE_BYTES_MAX || r->undecided_slot != 0) {
        replica_refuse_forwarded(r, &refused, CD_BUSY);
    } else {
        queue_command(r, status.ballot, forward->command, from, boot, command.origin.counter);
    }
}

/* It was never proposed under that leadership, and never will be. */
static void not_proposed(struct replica *r, struct replica_write *write, enum cd_status status)
{
    struct replica_stream *stream = replica_stream_find(r, write->asker.channel);
    if (!may_repeat(write)) {
        give_up(r, write, status, NULL);
    } else if (write->seq != 0 && stream != NULL) {
        stream->again = true;
        r->again = true;
    } else {
        write->again = true;
        r->again = true;
    }
}

static struct replica_write *find_write(const struct replica *r, uint64_t counter)
{
    struct replica_write *write = NULL;
    HASH_FIND(hh, r->writes, &counter, sizeof(counter), write);
    return write;
}

void replica_on_forward_refused(struct replica *r, const struct wire_forward_refused *refused)
{
    struct replica_write *write = refused->boot == r->boot ? find_write(r, refused->counter) : NULL;
    struct replica_stream *stream =
        write != NULL && write->seq != 0 ? replica_stream_find(r, write->asker.channel) : NULL;
    if (stream != NULL && refused->stopped) {
        refuse_again(r, stream, write);
    } else if (write != NULL) {
        not_proposed(r, write, refused->status);
    }
}

/* Commands that were never proposed, because the leadership they were meant for is over. */
static void refuse_queue(struct replica *r)
{
    while (r->queue_first != NULL) {
        struct replica_command *command = take_command(r);
        struct replica_write *write =
            command->node == r->node ? find_write(r, command->counter) : NULL;
        if (write != NULL) {
            not_proposed(r, write, CD_NO_LEADER);
        } else if (command->node != r->node) {
            replica_refuse_forwarded(r, command, CD_NO_LEADER);
        }
        free_command(command);
    }
}

/* As many commands as one batch takes, stamped with the two times of R13. */
static struct cd_blob *make_batch(struct replica *r)
{
    uint64_t now = env_now_ms(&r->env);
    struct fsm_batch_stamp stamp = {
        .wall_ms = env_wall_ms(&r->env),
        .elapsed_ms = r->office_elapsed_ms + (now - r->office_ms),
    };
    struct cd_buf batch;
    cd_buf_init(&batch, WIRE_BATCH_BYTES_MAX);
    enum cd_status put = wire_batch_put_stamp(&batch, &stamp);
    CD_ASSERT(put == CD_OK);
    size_t count = 0;
    while (r->queue_first != NULL && batch.bytes < WIRE_BATCH_BYTES_SOFT &&
           count < WIRE_BATCH_COMMANDS_MAX) {
        struct replica_command *command = take_command(r);
        put = wire_batch_put_command(
            &batch, (struct fsm_bytes){command->bytes->data, command->bytes->bytes});
        CD_ASSERT(put == CD_OK);
        free_command(command);
        count++;
    }
    r->counts.proposed_commands += count;
    r->counts.batches++;
    struct cd_blob *payload = cd_blob_copy(batch.data, batch.bytes);
    cd_buf_release(&batch);
    return payload;
}

void replica_propose(struct replica *r)
{
    if (r->queue_first == NULL) {
        return;
    }
    struct paxos_status status;
    replica_get_status(r, &status);
    if (!replica_leads(r) || paxos_ballot_compare(status.ballot, r->queue_ballot) != 0) {
        refuse_queue(r);
        return;
    }
    struct storage_stats stats;
    storage_log_stats(r->log, &stats);
    uint64_t open_bytes = paxos_open_bytes(r->px);
    while (r->queue_first != NULL && paxos_may_propose(r->px) &&
           open_bytes <= REPLICA_OPEN_BYTES_HIGH &&
           stats.pending_bytes <= REPLICA_DISK_BYTES_HIGH) {
        struct cd_blob *payload = make_batch(r);
        open_bytes += payload->bytes;
        struct paxos_event event = {.kind = PAXOS_EV_PROPOSE, .payload = payload};
        replica_step(r, &event);
        cd_blob_unref(payload);
        storage_log_stats(r->log, &stats);
    }
}

/* --- Back at the serving replica --- */

static void answer(struct replica *r, struct replica_write *write, const struct fsm_result *result)
{
    struct replica_asker asker = write->asker;
    uint64_t counter = write->counter;
    uint64_t seq = write->seq;
    cd_histogram_add(&r->counts.commits, env_now_us(&r->env) - write->begin_us);
    forget_write(r, write);
    struct wire_reply reply;
    wire_reply_from_result(&reply, asker.request, result);
    replica_answer(r, &asker, &reply);
    if (!asker.is_call) {
        replica_run_reads_after(r, asker.channel, counter, seq);
    }
}

static struct replica_write *find_seq(const struct replica_stream *stream, uint64_t seq)
{
    struct replica_write *write;
    DL_FOREACH(stream->writes, write)
    {
        if (write->seq >= seq) {
            return write->seq == seq ? write : NULL;
        }
    }
    return NULL;
}

/*
 * A command of a session that is served here, whoever proposed it: a write sent again here may be
 * applied by the copy that another replica proposed earlier.
 */
static void session_applied(struct replica *r, struct replica_stream *stream,
                            const struct fsm_command *command, const struct fsm_result *result)
{
    bool own = command->origin.node == r->node && command->origin.boot == r->boot;
    struct replica_write *write = find_seq(stream, command->seq);
    bool same = write != NULL && write->request_hash == command->request_hash;
    switch (result->verdict) {
    case FSM_TAKEN:
    case FSM_REPLAYED:
        stream->again = stream->again || stream->window_full; /* the others may follow */
        r->again = r->again || stream->again;
        stream->window_full = false;
        stream->again_pause_ms = REPLICA_AGAIN_MS;
        if (command->attach > stream->attach) {
            replica_stream_end_session(r, stream, CD_SESSION_MOVED); /* R9 */
        } else if (same) {
            answer(r, write, result);
        }
        return;
    case FSM_CONFLICT:
        if (own && write != NULL && write->counter == command->origin.counter) {
            answer(r, write, result);
        }
        return;
    case FSM_WINDOW:
        stream->window_full =
            true; /* proposed again when it is late, or replies are acknowledged */
        return;
    case FSM_EARLY:
        stream->again = stream->again || (own && !stream->window_full);
        r->again = r->again || stream->again;
        return;
    case FSM_FORGOTTEN:
        if (own && write != NULL && write->counter == command->origin.counter) {
            forget_write(r, write); /* its client has said that it knows the answer */
        }
        return;
    case FSM_MOVED:
        if (own && command->attach == stream->attach) {
            replica_stream_end_session(r, stream, CD_SESSION_MOVED);
        }
        return;
    case FSM_NO_SESSION:
        replica_stream_end_session(r, stream, CD_SESSION_EXPIRED);
        return;
    }
}

void replica_write_applied(struct replica *r, const struct fsm_command *command,
                           const struct fsm_result *result)
{
    if (command->session != 0) {
        struct replica_stream *stream = replica_served_find(r, command->session);
        if (stream != NULL) {
            session_applied(r, stream, command, result);
        }
        return;
    }
    if (command->origin.node != r->node || command->origin.boot != r->boot) {
        return;
    }
    struct replica_write *write = find_write(r, command->origin.counter);
    if (write == NULL) {
        return; /* given up already: its client was told that the outcome is unknown */
    }
    if (write->opens) {
        struct replica_stream *stream = replica_stream_find(r, write->asker.channel);
        forget_write(r, write);
        replica_session_opened(r, stream, result);
    } else if (result->verdict == FSM_WINDOW) {
        give_up(r, write, CD_BUSY,
                "as many replies are kept as the limit state_reply_bytes allows: try again later");
    } else {
        answer(r, write, result);
    }
}

void replica_leadership_applied(struct replica *r, struct paxos_ballot lead)
{
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        if (paxos_ballot_compare(write->leader, lead) >= 0) {
            continue;
        }
        if (may_repeat(write)) {
            not_proposed(r, write, CD_OK); /* perhaps it was, but that does not matter */
        } else {
            /* What the new leader adopted came before this slot. The rest may still be adopted by
             * a later one (R13), so nobody can promise that it will not happen. */
            give_up(r, write, CD_OUTCOME_UNKNOWN, NULL);
        }
    }
}

void replica_expire_writes(struct replica *r, uint64_t now_ms)
{
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        if (write->deadline_ms > now_ms) {
            continue;
        }
        if (write->opens) {
            struct replica_stream *stream = replica_stream_find(r, write->asker.channel);
            forget_write(r, write);
            replica_session_refused(r, stream, CD_NO_LEADER);
            return; /* the stream took its other writes along; the rest has its turn next time */
        }
        give_up(r, write, CD_OUTCOME_UNKNOWN,
                "the leader did not answer in time; it may or may not have been done");
    }
}

void replica_settle_writes(struct replica *r)
{
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        struct replica_stream *stream = replica_stream_find(r, write->asker.channel);
        if (!may_repeat(write)) {
            give_up(r, write, CD_OUTCOME_UNKNOWN, NULL);
        } else if (write->seq != 0 && !stream->closing &&
                   fsm_outcome_of(r->fsm, stream->session, write->seq, &r->read_result) == CD_OK) {
            answer(r, write, &r->read_result);
            fsm_result_clear(&r->read_result);
        }
    }
}

void replica_drop_writes(struct replica *r, struct replica_stream *stream)
{
    struct replica_write *write;
    struct replica_write *next;
    DL_FOREACH_SAFE(stream->writes, write, next)
    {
        forget_write(r, write);
    }
    DL_FOREACH_SAFE(stream->plain_writes, write, next)
    {
        forget_write(r, write);
    }
}

void replica_abandon_calls(struct replica *r)
{
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        if (write->asker.is_call) {
            give_up(r, write, CD_OUTCOME_UNKNOWN, NULL);
        }
    }
}

void replica_free_writes(struct replica *r)
{
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        forget_write(r, write);
    }
    while (r->queue_first != NULL) {
        free_command(take_command(r));
    }
}
