#include "simulation/ledger.h"

#include "base/memory.h"

#include <string.h>

void ledger_init(struct ledger *ledger)
{
    *ledger = (struct ledger){0};
}

static void drop_record(struct ledger_record *record)
{
    cd_blob_unref(record->persist.entry.payload);
    cd_free(record->peers);
    cd_free(record->base);
    *record = (struct ledger_record){0};
}

void ledger_release(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        drop_record(&ledger->records[i]);
    }
    cd_free(ledger->records);
    ledger_init(ledger);
}

static struct ledger_record *add_record(struct ledger *ledger)
{
    if (ledger->count == ledger->capacity) {
        ledger->capacity = ledger->capacity == 0 ? 64 : 2 * ledger->capacity;
        ledger->records = cd_realloc(ledger->records, ledger->capacity * sizeof(*ledger->records));
    }
    struct ledger_record *record = &ledger->records[ledger->count++];
    *record = (struct ledger_record){0};
    return record;
}

static void note_peers(struct ledger_record *record, const struct paxos *px)
{
    struct ledger_peer peer;
    for (size_t i = 0; paxos_remembered_at(px, i, &peer.node, &peer.incarnation, &peer.position);
         i++) {
        record->peers =
            cd_realloc(record->peers, (record->peers_count + 1) * sizeof(*record->peers));
        record->peers[record->peers_count++] = peer;
    }
}

void ledger_append(struct ledger *ledger, const struct paxos *px, uint64_t incarnation,
                   const struct paxos_persist *persist, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct ledger_record *record = add_record(ledger);
        record->persist = persist[i];
        cd_blob_ref(record->persist.entry.payload);
        if (persist[i].kind == PAXOS_PERSIST_INSTALLED) {
            record->base = cd_malloc(sizeof(*record->base));
            *record->base = *persist[i].base;
        }
        record->persist.base = NULL;
        if (persist[i].kind == PAXOS_PERSIST_IDENTITY) {
            record->incarnation = incarnation;
        }
        if (persist[i].kind == PAXOS_PERSIST_IDENTITY || persist[i].kind == PAXOS_PERSIST_PEERS) {
            note_peers(record, px);
        }
        if (!persist[i].lazy) {
            ledger->wanted = ledger->count;
        }
    }
}

void ledger_crash(struct ledger *ledger, size_t keep)
{
    CD_ASSERT(ledger->durable + keep <= ledger->count);
    size_t left = ledger->durable + keep;
    for (size_t i = left; i < ledger->count; i++) {
        drop_record(&ledger->records[i]);
    }
    ledger->count = left;
    ledger->durable = left;
    ledger->wanted = left;
}

void ledger_copy(struct ledger *to, const struct ledger *from)
{
    ledger_release(to);
    to->incarnation = from->incarnation;
    to->dropped = from->dropped;
    for (size_t i = 0; i < from->durable; i++) {
        const struct ledger_record *old = &from->records[i];
        struct ledger_record *record = add_record(to);
        *record = *old;
        cd_blob_ref(record->persist.entry.payload);
        record->peers = NULL;
        if (old->peers_count > 0) {
            record->peers = cd_malloc(old->peers_count * sizeof(*old->peers));
            memcpy(record->peers, old->peers, old->peers_count * sizeof(*old->peers));
        }
        if (old->base != NULL) {
            record->base = cd_malloc(sizeof(*record->base));
            *record->base = *old->base;
        }
    }
    to->durable = to->count;
    to->wanted = to->count;
}

static enum cd_status replay_record(const struct ledger_record *record, struct paxos *px,
                                    struct paxos_effects *effects)
{
    enum cd_status status = CD_OK;
    if (record->gone) {
        return CD_OK;
    }
    switch (record->persist.kind) {
    case PAXOS_PERSIST_PROMISE:
        status = paxos_restore_promise(px, record->persist.ballot);
        break;
    case PAXOS_PERSIST_ACCEPTED:
        status = paxos_restore_accepted(px, &record->persist.entry);
        break;
    case PAXOS_PERSIST_LEARNED:
        status = paxos_restore_learned(px, &record->persist.entry, effects);
        break;
    case PAXOS_PERSIST_MARK:
        status = paxos_restore_mark(px, record->persist.slot, effects);
        break;
    case PAXOS_PERSIST_IDENTITY:
        paxos_restore_identity(px, record->incarnation);
        status = paxos_restore_promise(px, record->persist.ballot);
        break;
    case PAXOS_PERSIST_INSTALLED:
        status = paxos_restore_installed(px, record->base);
        break;
    case PAXOS_PERSIST_PEERS:
        break;
    }
    for (size_t i = 0; i < record->peers_count; i++) {
        const struct ledger_peer *peer = &record->peers[i];
        paxos_restore_remembered(px, peer->node, peer->incarnation, peer->position);
    }
    return status;
}

enum cd_status ledger_replay(const struct ledger *ledger, struct paxos *px, ledger_chosen chosen,
                             void *context)
{
    struct paxos_effects effects;
    paxos_effects_init(&effects);
    enum cd_status status = CD_OK;
    for (size_t i = 0; i < ledger->count && status == CD_OK; i++) {
        status = replay_record(&ledger->records[i], px, &effects);
        for (size_t k = 0; k < effects.chosen_count; k++) {
            chosen(context, &effects.chosen[k]);
        }
        paxos_effects_clear(&effects);
    }
    paxos_effects_release(&effects);
    return status;
}

void ledger_drop(struct ledger *ledger, paxos_slot slot)
{
    for (size_t i = 0; i < ledger->count; i++) {
        struct ledger_record *record = &ledger->records[i];
        const struct paxos_persist *persist = &record->persist;
        bool of_a_slot =
            persist->kind == PAXOS_PERSIST_ACCEPTED || persist->kind == PAXOS_PERSIST_LEARNED ||
            persist->kind == PAXOS_PERSIST_MARK || persist->kind == PAXOS_PERSIST_INSTALLED;
        if (of_a_slot && persist->slot <= slot) {
            drop_record(record);
            record->gone = true;
        }
    }
    ledger->dropped = slot > ledger->dropped ? slot : ledger->dropped;
}

void ledger_forget(struct ledger *ledger, uint64_t incarnation, paxos_slot slot)
{
    for (size_t i = 0; i < ledger->count; i++) {
        drop_record(&ledger->records[i]);
        ledger->records[i].gone = true;
    }
    ledger->incarnation = incarnation;
    ledger->identity = 0;
    ledger->promise = (struct paxos_ballot){0};
    ledger->dropped = slot;
}

bool ledger_has_installed(const struct ledger *ledger, paxos_slot slot)
{
    for (size_t i = ledger->count; i > 0; i--) {
        const struct paxos_persist *persist = &ledger->records[i - 1].persist;
        if (persist->kind == PAXOS_PERSIST_INSTALLED && persist->slot == slot) {
            return true;
        }
    }
    return false;
}

static void read_durable(struct ledger *ledger)
{
    for (; ledger->read_to < ledger->durable; ledger->read_to++) {
        const struct ledger_record *record = &ledger->records[ledger->read_to];
        const struct paxos_persist *persist = &record->persist;
        bool promises = persist->kind == PAXOS_PERSIST_PROMISE ||
                        persist->kind == PAXOS_PERSIST_ACCEPTED ||
                        persist->kind == PAXOS_PERSIST_IDENTITY;
        if (promises && paxos_ballot_compare(persist->ballot, ledger->promise) > 0) {
            ledger->promise = persist->ballot;
        }
        if (persist->kind == PAXOS_PERSIST_IDENTITY) {
            ledger->identity = record->incarnation;
        }
    }
}

struct paxos_ballot ledger_durable_promise(struct ledger *ledger)
{
    read_durable(ledger);
    return ledger->promise;
}

uint64_t ledger_durable_incarnation(struct ledger *ledger)
{
    read_durable(ledger);
    return ledger->identity != 0 ? ledger->identity : ledger->incarnation;
}

bool ledger_durably_accepted(const struct ledger *ledger, paxos_slot slot,
                             struct paxos_ballot ballot)
{
    for (size_t i = slot > ledger->dropped ? ledger->durable : 0; i > 0; i--) {
        const struct paxos_persist *persist = &ledger->records[i - 1].persist;
        if (persist->kind == PAXOS_PERSIST_LEARNED && persist->slot == slot) {
            return true;
        }
        if (persist->kind == PAXOS_PERSIST_ACCEPTED && persist->slot == slot &&
            paxos_ballot_compare(persist->ballot, ballot) == 0) {
            return true;
        }
    }
    return slot <= ledger->dropped; /* a snapshot stands for it */
}

size_t ledger_entries(const struct ledger *ledger, paxos_slot first, paxos_slot last,
                      struct paxos_entry *to)
{
    size_t wanted = (size_t)(last - first + 1);
    size_t filled = 0;
    memset(to, 0, wanted * sizeof(*to));
    for (size_t i = ledger->count; i > 0 && filled < wanted; i--) {
        const struct paxos_persist *persist = &ledger->records[i - 1].persist;
        bool is_entry =
            persist->kind == PAXOS_PERSIST_ACCEPTED || persist->kind == PAXOS_PERSIST_LEARNED;
        if (is_entry && persist->entry.slot >= first && persist->entry.slot <= last &&
            to[persist->entry.slot - first].kind == 0) {
            to[persist->entry.slot - first] = persist->entry;
            filled++;
        }
    }
    size_t found = 0;
    while (found < wanted && to[found].kind != 0) {
        found++;
    }
    return found;
}
