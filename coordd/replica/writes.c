#include "replica/internal.h"

#include "base/memory.h"

/*
 * A write from its request to its slot. The replica that serves the client makes a command of it
 * and keeps it in `writes` until it sees it applied; the leader keeps commands in a queue and puts
 * all of a turn into one batch. A command names the leadership it is meant for and is proposed
 * under no other, so that one that was never proposed is known never to be.
 */

static void forget_write(struct replica *r, struct replica_write *write)
{
    HASH_DEL(r->writes, write);
    r->writes_count--;
    if (!write->asker.is_call) {
        struct replica_stream *stream = replica_stream_find(r, write->asker.channel);
        if (stream != NULL) {
            stream->writes--;
        }
    }
    cd_free(write);
}

/* Answers a write that will not be waited for any longer, and lets reads behind it go on. */
static void give_up(struct replica *r, struct replica_write *write, enum cd_status status,
                    const char *message)
{
    struct replica_asker asker = write->asker;
    uint64_t counter = write->counter;
    forget_write(r, write);
    replica_refuse(r, &asker, status, message);
    if (!asker.is_call) {
        replica_run_reads_after(r, asker.channel, counter);
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

/* CD_OK: on its way. Otherwise nothing was done. */
static enum cd_status submit(struct replica *r, struct wire_request *request,
                             struct paxos_ballot *ret_leader)
{
    struct paxos_status status;
    replica_get_status(r, &status);
    bool here = replica_leads(r);
    if (!here && (status.leader == 0 || status.leader == r->node)) {
        return CD_NO_LEADER;
    }
    if (r->queue_bytes > REPLICA_QUEUE_BYTES_MAX || r->writes_count >= REPLICA_WRITES_MAX) {
        return CD_BUSY;
    }
    request->command.origin =
        (struct fsm_origin){.node = r->node, .boot = r->boot, .counter = r->write_counter + 1};
    cd_buf_clear(&r->encode);
    enum cd_status encoded = wire_command_encode(&r->encode, &request->command);
    if (encoded != CD_OK) {
        return CD_TOO_LARGE;
    }
    *ret_leader = status.ballot;
    if (!here) {
        /* forward copies the bytes into a frame and may use r->encode: hand over our own. */
        struct cd_buf bytes = r->encode;
        cd_buf_init(&r->encode, bytes.limit);
        bool sent = replica_forward(r, status.leader, status.ballot,
                                    (struct fsm_bytes){bytes.data, bytes.bytes});
        cd_buf_release(&r->encode);
        r->encode = bytes;
        return sent ? CD_OK : CD_NO_LEADER;
    }
    queue_command(r, status.ballot, (struct fsm_bytes){r->encode.data, r->encode.bytes}, r->node,
                  r->boot, r->write_counter + 1);
    return CD_OK;
}

void replica_write(struct replica *r, const struct replica_asker *asker,
                   struct replica_stream *stream, struct wire_request *request)
{
    struct cd_error error;
    enum cd_status status = fsm_command_check(&r->limits, &request->command, &error);
    if (status != CD_OK) {
        replica_refuse(r, asker, status, error.message);
        return;
    }
    if (stream != NULL && stream->writes >= REPLICA_STREAM_WRITES_MAX) {
        replica_refuse(r, asker, CD_BUSY,
                       "too many unanswered writes on this stream: wait for "
                       "answers before sending more");
        return;
    }
    struct paxos_ballot leader = {0};
    status = submit(r, request, &leader);
    if (status != CD_OK) {
        replica_refuse(r, asker, status, NULL);
        return;
    }
    struct replica_write *write = cd_calloc(1, sizeof(*write));
    write->counter = ++r->write_counter;
    write->asker = *asker;
    write->leader = leader;
    write->deadline_ms = write_deadline(r, request);
    write->begin_us = env_now_us(&r->env);
    HASH_ADD(hh, r->writes, counter, sizeof(write->counter), write);
    r->writes_count++;
    if (stream != NULL) {
        stream->last_write = write->counter;
        stream->writes++;
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
    } else if (r->queue_bytes > REPLICA_QUEUE_BYTES_MAX) {
        replica_refuse_forwarded(r, &refused, CD_BUSY);
    } else {
        queue_command(r, status.ballot, forward->command, from, boot, command.origin.counter);
    }
}

void replica_on_forward_refused(struct replica *r, const struct wire_forward_refused *refused)
{
    struct replica_write *write = NULL;
    if (refused->boot == r->boot) {
        HASH_FIND(hh, r->writes, &refused->counter, sizeof(refused->counter), write);
    }
    if (write != NULL) {
        give_up(r, write, refused->status, NULL);
    }
}

/* Commands that were never proposed, because the leadership they were meant for is over. */
static void refuse_queue(struct replica *r)
{
    while (r->queue_first != NULL) {
        struct replica_command *command = take_command(r);
        if (command->node == r->node) {
            struct replica_write *write = NULL;
            HASH_FIND(hh, r->writes, &command->counter, sizeof(command->counter), write);
            if (write != NULL) {
                give_up(r, write, CD_NO_LEADER, NULL);
            }
        } else {
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
    while (r->queue_first != NULL && paxos_may_propose(r->px) &&
           stats.pending_bytes <= REPLICA_DISK_BYTES_HIGH) {
        struct cd_blob *payload = make_batch(r);
        struct paxos_event event = {.kind = PAXOS_EV_PROPOSE, .payload = payload};
        replica_step(r, &event);
        cd_blob_unref(payload);
        storage_log_stats(r->log, &stats);
    }
}

/* --- Back at the serving replica --- */

void replica_write_applied(struct replica *r, const struct fsm_command *command,
                           const struct fsm_result *result)
{
    struct replica_write *write = NULL;
    HASH_FIND(hh, r->writes, &command->origin.counter, sizeof(command->origin.counter), write);
    if (write == NULL) {
        return; /* given up already: its client was told that the outcome is unknown */
    }
    struct replica_asker asker = write->asker;
    cd_histogram_add(&r->counts.commits, env_now_us(&r->env) - write->begin_us);
    forget_write(r, write);
    struct wire_reply reply;
    wire_reply_from_result(&reply, asker.request, result);
    replica_answer(r, &asker, &reply);
    if (!asker.is_call) {
        replica_run_reads_after(r, asker.channel, command->origin.counter);
    }
}

void replica_leadership_applied(struct replica *r, struct paxos_ballot lead)
{
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        if (paxos_ballot_compare(write->leader, lead) < 0) {
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
        if (write->deadline_ms <= now_ms) {
            give_up(r, write, CD_OUTCOME_UNKNOWN,
                    "the leader did not answer in time; it may or may not have been done");
        }
    }
}

void replica_free_writes(struct replica *r)
{
    struct replica_write *write;
    struct replica_write *next;
    HASH_ITER(hh, r->writes, write, next)
    {
        HASH_DEL(r->writes, write);
        cd_free(write);
    }
    while (r->queue_first != NULL) {
        free_command(take_command(r));
    }
}
