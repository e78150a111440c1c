/*
 * log_reader DIRECTORY CLUSTER NODE: prints every change that the log in a replica's data directory
 * has applied, in order, one JSON object a line: zxid, kind and path. A judge of what clients were
 * told: it takes its own way from records to chosen commands, without paxos and replica, and shares
 * with them the storage, the bytes and the state machine.
 *
 * The directory is opened as by a replica, which may write to it: give a copy. A log whose
 * beginning was dropped behind a snapshot is refused.
 *
 * What is chosen in a log: a slot's newest entry once a mark covers the slot, or once the entry was
 * learned as chosen (P7: a replica notes a mark only over entries that it knows to be the chosen
 * ones).
 */

#include "base/memory.h"
#include "env/env_posix.h"
#include "fsm/fsm.h"
#include "storage/log.h"
#include "wire/record.h"
#include "wire/wire.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT_BYTES = 32 << 20,
    IDLE_MS = 1000,
    SLOTS_MAX = 10000000, /* more than a test makes */
};

struct slot {
    struct paxos_entry entry; /* owns its payload; kind 0: none seen */
    bool learned;
};

struct reader {
    struct slot *slots; /* by number; [0] is not used */
    size_t slots_count;
    uint64_t mark;    /* every slot up to here is chosen */
    uint64_t applied; /* slots */
    struct fsm *fsm;
    struct fsm_result result;
    struct wire_arena arena, batch_arena, command_arena;
};

/* ---- Changes ---- */

static const char *kind_name(enum fsm_change_kind kind)
{
    switch (kind) {
    case FSM_NODE_CREATED:
        return "CREATED";
    case FSM_NODE_SET:
        return "CHANGED";
    case FSM_NODE_DELETED:
        return "DELETED";
    case FSM_NODE_ACL_SET:
        return "ACL_CHANGED";
    }
    return "?";
}

static void print_change(uint64_t zxid, const struct fsm_change *change)
{
    json_t *line =
        json_pack("{s:I, s:s, s:s%}", "zxid", (json_int_t)zxid, "kind", kind_name(change->kind),
                  "path", (const char *)change->path.data, change->path.bytes);
    CD_ASSERT(line != NULL);
    (void)json_dumpf(line, stdout, JSON_COMPACT);
    (void)putchar('\n');
    json_decref(line);
}

static enum cd_status apply_commands(struct reader *reader, const struct wire_batch *batch,
                                     struct cd_error *error)
{
    for (size_t i = 0; i < batch->commands_count; i++) {
        struct fsm_command command;
        wire_arena_clear(&reader->command_arena);
        enum cd_status status = wire_command_decode(&reader->command_arena, batch->commands[i].data,
                                                    batch->commands[i].bytes, &command, error);
        if (status != CD_OK) {
            return status;
        }
        fsm_apply(reader->fsm, &command, &reader->result);
        for (size_t j = 0; j < reader->result.changes_count; j++) {
            print_change(reader->result.zxid, &reader->result.changes[j]);
        }
    }
    return CD_OK;
}

static enum cd_status apply(struct reader *reader, const struct paxos_entry *entry,
                            struct cd_error *error)
{
    struct wire_batch batch;
    enum cd_status status = CD_OK;
    switch (entry->kind) {
    case PAXOS_COMMANDS:
        wire_arena_clear(&reader->batch_arena);
        status = wire_batch_decode(&reader->batch_arena, entry->payload->data,
                                   entry->payload->bytes, &batch, error);
        if (status != CD_OK) {
            return status;
        }
        fsm_slot_begin(reader->fsm, entry->slot, &batch.stamp);
        status = apply_commands(reader, &batch, error);
        break;
    case PAXOS_LEAD:
        fsm_slot_begin(reader->fsm, entry->slot, NULL);
        fsm_apply_leadership(reader->fsm,
                             &(struct fsm_leadership){.round = entry->lead.round,
                                                      .node = entry->lead.node,
                                                      .incarnation = entry->lead.incarnation});
        break;
    case PAXOS_NOOP:
    case PAXOS_CONFIG:
        fsm_slot_begin(reader->fsm, entry->slot, NULL);
        break;
    }
    fsm_slot_end(reader->fsm);
    return status;
}

/* What is now known to be chosen, in the order of slots. */
static enum cd_status apply_chosen(struct reader *reader, struct cd_error *error)
{
    for (;;) {
        uint64_t next = reader->applied + 1;
        struct slot *slot = next < reader->slots_count ? &reader->slots[next] : NULL;
        bool known = slot != NULL && slot->entry.kind != 0;
        if (!known && next <= reader->mark) {
            return cd_error_set(error, CD_CORRUPT, "a mark covers slot %llu, which is not there",
                                (unsigned long long)next);
        }
        if (!known || (next > reader->mark && !slot->learned)) {
            return CD_OK;
        }
        enum cd_status status = apply(reader, &slot->entry, error);
        if (status != CD_OK) {
            return status;
        }
        reader->applied = next;
    }
}

/* ---- Records ---- */

static enum cd_status take_entry(struct reader *reader, const struct storage_record *record,
                                 struct cd_error *error)
{
    struct paxos_entry entry = {0};
    bool learned = false;
    wire_arena_clear(&reader->arena);
    enum cd_status status = wire_entry_decode(&reader->arena, record->body, record->body_bytes,
                                              &entry, &learned, error);
    if (status != CD_OK) {
        return status;
    }
    if (entry.slot == 0 || entry.slot > SLOTS_MAX) {
        cd_blob_unref(entry.payload);
        return cd_error_set(error, CD_TOO_MANY, "slot %llu", (unsigned long long)entry.slot);
    }
    if (entry.slot >= reader->slots_count) {
        size_t count = (size_t)entry.slot * 2;
        reader->slots = cd_realloc(reader->slots, count * sizeof(*reader->slots));
        memset(reader->slots + reader->slots_count, 0,
               (count - reader->slots_count) * sizeof(*reader->slots));
        reader->slots_count = count;
    }
    struct slot *slot = &reader->slots[entry.slot];
    if (entry.slot <= reader->applied || (slot->learned && !learned)) {
        cd_blob_unref(entry.payload);
        return CD_OK;
    }
    cd_blob_unref(slot->entry.payload);
    *slot = (struct slot){.entry = entry, .learned = learned};
    return CD_OK;
}

static enum cd_status visit(void *context, uint64_t position, const struct storage_record *record,
                            struct cd_error *error)
{
    struct reader *reader = context;
    enum cd_status status = CD_OK;
    paxos_slot mark = 0;
    (void)position;
    if (record->kind == STORAGE_ENTRY) {
        status = take_entry(reader, record, error);
    } else if (record->kind == STORAGE_MARK) {
        wire_arena_clear(&reader->arena);
        status = wire_mark_decode(&reader->arena, record->body, record->body_bytes, &mark, error);
        reader->mark = mark > reader->mark ? mark : reader->mark;
    }
    return status == CD_OK ? apply_chosen(reader, error) : status;
}

static void done(void *context, enum cd_status status, uint64_t upto)
{
    (void)context;
    (void)status;
    (void)upto;
}

/* ---- The whole ---- */

static void reader_init(struct reader *reader)
{
    const struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    *reader = (struct reader){.fsm = fsm_create(&limits, FSM_GENERATION_FIRST)};
    fsm_result_init(&reader->result);
    wire_arena_init(&reader->arena, WIRE_ARENA_BYTES_MAX);
    wire_arena_init(&reader->batch_arena, WIRE_ARENA_BYTES_MAX);
    wire_arena_init(&reader->command_arena, WIRE_ARENA_BYTES_MAX);
}

static void reader_release(struct reader *reader)
{
    for (size_t i = 0; i < reader->slots_count; i++) {
        cd_blob_unref(reader->slots[i].entry.payload);
    }
    cd_free(reader->slots);
    fsm_result_release(&reader->result);
    fsm_free(reader->fsm);
    wire_arena_release(&reader->arena);
    wire_arena_release(&reader->batch_arena);
    wire_arena_release(&reader->command_arena);
}

static enum cd_status read_log(struct reader *reader, struct env_posix *env, char **arguments,
                               struct cd_error *error)
{
    struct storage_log *log = NULL;
    struct storage_recovery recovery = {0};
    struct storage_options options = {.cluster_name = arguments[2],
                                      .node = (uint32_t)strtoul(arguments[3], NULL, 10),
                                      .segment_bytes = SEGMENT_BYTES,
                                      .idle_ms = IDLE_MS,
                                      .done = done};
    enum cd_status status =
        storage_log_open(env_posix_as_env(env), &options, visit, reader, &log, &recovery, error);
    storage_log_free(log);
    if (status == CD_OK && recovery.dropped_slot != 0) {
        status = cd_error_set(error, CD_CORRUPT, "entries up to slot %llu were dropped",
                              (unsigned long long)recovery.dropped_slot);
    }
    return status;
}

int main(int argc, char **argv)
{
    struct reader reader;
    struct env_posix *env = NULL;
    struct cd_error error = {.status = CD_OK};
    if (argc != 4) {
        (void)fprintf(stderr, "usage: log_reader DIRECTORY CLUSTER NODE\n");
        return 2;
    }
    reader_init(&reader);
    enum cd_status status = env_posix_create(argv[1], &env, &error);
    if (status == CD_OK) {
        status = read_log(&reader, env, argv, &error);
    }
    if (status != CD_OK) {
        (void)fprintf(stderr, "log_reader %s: %s\n", argv[1], error.message);
    }
    env_posix_free(env);
    reader_release(&reader);
    return status == CD_OK && fflush(stdout) == 0 ? 0 : 1;
}
