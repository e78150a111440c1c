#include "replica/internal.h"

/* What chosen slots do to the tree, and who hears of it. The outcome is the same on every replica.
 */

static struct paxos_ballot leadership_in_force(const struct replica *r)
{
    struct fsm_leadership lead = fsm_leadership(r->fsm);
    return (struct paxos_ballot){
        .round = lead.round, .node = lead.node, .incarnation = lead.incarnation};
}

/*
 * What a command did, told in the order that R18 asks for: events first, then the reply that shows
 * their effect, then the reads that were sent behind the write (R24).
 */
static void tell(struct replica *r, const struct fsm_command *command,
                 const struct fsm_result *result)
{
    if (command->op.kind == FSM_OP_AGREE_DIGEST) {
        replica_digest_agreed(r, &command->op.agree_digest);
    }
    if (r->fence.on) {
        return; /* nobody hears anything of this state */
    }
    replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_COMMAND,
                                            .slot = fsm_slot(r->fsm) + 1,
                                            .command = command,
                                            .result = result});
    replica_tell_events(r, result);
    if (result->session_opened != 0) {
        replica_lease_opened(r, result->session_opened);
    }
    if (result->session_ended != 0) {
        replica_lease_ended(r, result->session_ended);
    }
    replica_write_applied(r, command, result);
    struct replica_stream *stream =
        result->session_ended != 0 ? replica_served_find(r, result->session_ended) : NULL;
    if (stream != NULL) {
        replica_stream_end_session(r, stream, CD_SESSION_EXPIRED);
    }
}

static enum cd_status apply_commands(struct replica *r, struct fsm *fsm,
                                     const struct wire_batch *batch, struct cd_error *error)
{
    for (size_t i = 0; i < batch->commands_count; i++) {
        struct fsm_command command;
        enum cd_status status = wire_command_decode(&r->command_arena, batch->commands[i].data,
                                                    batch->commands[i].bytes, &command, error);
        if (status != CD_OK) {
            return status;
        }
        fsm_apply(fsm, &command, &r->result);
        if (fsm == r->fsm) {
            r->counts.applied_commands++;
            tell(r, &command, &r->result);
        } else if (command.op.kind == FSM_OP_AGREE_DIGEST) {
            replica_fence_agreed(r, &command.op.agree_digest);
        }
        wire_arena_clear(
            &r->command_arena); /* decoded, a command may be far larger than its bytes */
    }
    return CD_OK;
}

static enum cd_status apply_batch(struct replica *r, struct fsm *fsm,
                                  const struct paxos_entry *entry, struct cd_error *error)
{
    struct wire_batch batch;
    enum cd_status status = wire_batch_decode(&r->apply_arena, entry->payload->data,
                                              entry->payload->bytes, &batch, error);
    if (status != CD_OK) {
        return status;
    }
    fsm_slot_begin(fsm, entry->slot, &batch.stamp);
    status = apply_commands(r, fsm, &batch, error);
    fsm_slot_end(fsm);
    return status;
}

static void apply_leadership(struct replica *r, struct fsm *fsm, const struct paxos_entry *entry)
{
    struct fsm_leadership lead = {.round = entry->lead.round,
                                  .node = entry->lead.node,
                                  .incarnation = entry->lead.incarnation};
    fsm_slot_begin(fsm, entry->slot, NULL);
    fsm_apply_leadership(fsm, &lead);
    fsm_slot_end(fsm);
    if (fsm == r->fsm) {
        replica_leadership_applied(r, entry->lead);
    }
}

enum cd_status replica_apply_to(struct replica *r, struct fsm *fsm, struct replica_digests *digests,
                                const struct paxos_entry *entry, struct cd_error *error)
{
    CD_ASSERT(entry->slot == fsm_slot(fsm) + 1); /* P6 */
    enum cd_status status = CD_OK;
    switch (entry->kind) {
    case PAXOS_COMMANDS:
        status = apply_batch(r, fsm, entry, error);
        wire_arena_clear(&r->apply_arena);
        break;
    case PAXOS_LEAD:
        apply_leadership(r, fsm, entry);
        break;
    case PAXOS_NOOP:
    case PAXOS_CONFIG:
        fsm_slot_begin(fsm, entry->slot, NULL);
        fsm_slot_end(fsm);
        break;
    }
    if (status == CD_OK) {
        replica_digest_note(digests, fsm);
    }
    return status;
}

enum cd_status replica_apply(struct replica *r, const struct paxos_entry *entry,
                             struct cd_error *error)
{
    uint64_t begin_us = env_now_us(&r->env);
    enum cd_status status = replica_apply_to(r, r->fsm, &r->digests, entry, error);
    if (status != CD_OK) {
        return status;
    }
    if (r->started) {
        cd_histogram_add(&r->counts.applies, env_now_us(&r->env) - begin_us);
    }
    paxos_base_follow(&r->base, entry);
    replica_snapshot_at_slot(r);
    replica_emit(r, &(struct replica_event){.kind = REPLICA_EV_APPLIED,
                                            .ballot = leadership_in_force(r),
                                            .slot = entry->slot,
                                            .entry = entry,
                                            .digest = fsm_digest(r->fsm)});
    return CD_OK;
}
