#include "paxos/internal.h"

#include "base/memory.h"

#include <string.h>

/* One step's effects are bounded by a message's entries and the window; these only catch a bug. */
enum {
    PERSIST_MAX = 4 * PAXOS_MESSAGE_ENTRIES_MAX,
    /* A new leader may adopt a window of big values, each a message of its own to each voter. */
    SENDS_MAX = PAXOS_ALPHA_MAX * PAXOS_MEMBERS_MAX + 1024,
    NOTES_MAX = 8192,
};

void paxos_effects_init(struct paxos_effects *effects)
{
    memset(effects, 0, sizeof(*effects));
}

void paxos_effects_clear(struct paxos_effects *effects)
{
    for (size_t i = 0; i < effects->persist_count; i++) {
        cd_blob_unref(effects->persist[i].entry.payload);
    }
    for (size_t i = 0; i < effects->sends_count; i++) {
        struct paxos_message *m = &effects->sends[i].message;
        for (size_t k = 0; k < m->entries_count; k++) {
            cd_blob_unref(m->entries[k].payload);
        }
        cd_free(m->entries);
    }
    for (size_t i = 0; i < effects->chosen_count; i++) {
        cd_blob_unref(effects->chosen[i].payload);
    }
    effects->persist_count = 0;
    effects->sends_count = 0;
    effects->chosen_count = 0;
    effects->notes_count = 0;
    effects->fetch_to = 0;
    effects->snapshot_to = 0;
    effects->barrier_token = 0;
    effects->forgot = false;
}

void paxos_effects_release(struct paxos_effects *effects)
{
    paxos_effects_clear(effects);
    cd_free(effects->persist);
    cd_free(effects->sends);
    cd_free(effects->chosen);
    cd_free(effects->notes);
    paxos_effects_init(effects);
}

static void *grow(void *items, size_t count, size_t *capacity, size_t item_bytes, size_t max)
{
    CD_ASSERT(count < max);
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity != 0 ? *capacity * 2 : 16;
    return cd_realloc(items, *capacity * item_bytes);
}

static struct paxos_persist *add_persist(struct paxos *px, struct paxos_effects *out,
                                         enum paxos_persist_kind kind, bool lazy)
{
    out->persist = grow(out->persist, out->persist_count, &out->persist_capacity,
                        sizeof(*out->persist), PERSIST_MAX);
    struct paxos_persist *record = &out->persist[out->persist_count++];
    memset(record, 0, sizeof(*record));
    record->kind = kind;
    record->lazy = lazy;
    px->position++;
    return record;
}

void paxos_persist_promise(struct paxos *px, struct paxos_effects *out)
{
    add_persist(px, out, PAXOS_PERSIST_PROMISE, false)->ballot = px->promised;
}

void paxos_persist_accepted(struct paxos *px, const struct paxos_entry *entry,
                            struct paxos_effects *out)
{
    struct paxos_persist *record = add_persist(px, out, PAXOS_PERSIST_ACCEPTED, false);
    record->slot = entry->slot;
    record->ballot = entry->ballot;
    paxos_entry_assign(&record->entry, entry);
}

void paxos_persist_learned(struct paxos *px, const struct paxos_entry *entry,
                           struct paxos_effects *out)
{
    struct paxos_persist *record = add_persist(px, out, PAXOS_PERSIST_LEARNED, false);
    record->slot = entry->slot;
    paxos_entry_assign(&record->entry, entry);
    record->entry.ballot = (struct paxos_ballot){0};
    px->marked = entry->slot;
    px->marked_position = px->position;
}

void paxos_persist_mark(struct paxos *px, struct paxos_effects *out)
{
    add_persist(px, out, PAXOS_PERSIST_MARK, true)->slot = px->chosen;
    px->marked = px->chosen;
    px->marked_position = px->position;
}

void paxos_persist_peers(struct paxos *px, struct paxos_effects *out)
{
    (void)add_persist(px, out, PAXOS_PERSIST_PEERS, true);
}

void paxos_persist_identity(struct paxos *px, struct paxos_effects *out)
{
    add_persist(px, out, PAXOS_PERSIST_IDENTITY, false)->ballot = px->promised;
    px->identity_position = px->position;
}

void paxos_persist_installed(struct paxos *px, struct paxos_effects *out)
{
    struct paxos_persist *record = add_persist(px, out, PAXOS_PERSIST_INSTALLED, false);
    record->slot = px->installed.slot;
    record->base = &px->installed;
    px->marked = px->installed.slot;
    px->marked_position = px->position;
}

/*
 * Until it is known that nothing was forgotten, peers are told no position above the one they are
 * asked about: otherwise their memory of this very life would look like one that the log lacks.
 */
uint64_t paxos_told_position(const struct paxos *px)
{
    return px->verified ? px->log_durable : px->start_position;
}

struct paxos_message *paxos_send_now(struct paxos *px, struct paxos_effects *out,
                                     enum paxos_message_kind kind, uint32_t to)
{
    CD_ASSERT(to != 0 && to != px->node);
    out->sends =
        grow(out->sends, out->sends_count, &out->sends_capacity, sizeof(*out->sends), SENDS_MAX);
    struct paxos_send *send = &out->sends[out->sends_count++];
    memset(send, 0, sizeof(*send));
    send->after_persist = px->identity_position > px->persisted; /* R2 */
    send->message.kind = kind;
    send->message.from = px->node;
    send->message.from_incarnation = px->incarnation;
    send->message.to = to;
    send->message.durable = paxos_told_position(px);
    return &send->message;
}

struct paxos_message *paxos_send_after_persist(struct paxos *px, struct paxos_effects *out,
                                               enum paxos_message_kind kind, uint32_t to)
{
    struct paxos_message *message = paxos_send_now(px, out, kind, to);
    out->sends[out->sends_count - 1].after_persist = true;
    return message;
}

void paxos_message_add_entry(struct paxos_message *message, const struct paxos_entry *entry)
{
    CD_ASSERT(message->entries_count < PAXOS_MESSAGE_ENTRIES_MAX);
    size_t count = message->entries_count;
    if ((count & (count - 1)) == 0) {
        message->entries =
            cd_realloc(message->entries, (count == 0 ? 1 : 2 * count) * sizeof(*entry));
    }
    message->entries[count] = (struct paxos_entry){0};
    paxos_entry_assign(&message->entries[count], entry);
    message->entries_count++;
}

void paxos_emit_chosen(struct paxos_effects *out, const struct paxos_entry *entry)
{
    out->chosen = grow(out->chosen, out->chosen_count, &out->chosen_capacity, sizeof(*out->chosen),
                       PERSIST_MAX);
    struct paxos_entry *chosen = &out->chosen[out->chosen_count++];
    *chosen = (struct paxos_entry){0};
    paxos_entry_assign(chosen, entry);
}

void paxos_emit_note(struct paxos_effects *out, enum paxos_note_kind kind,
                     struct paxos_ballot ballot, paxos_slot slot, uint32_t node)
{
    out->notes =
        grow(out->notes, out->notes_count, &out->notes_capacity, sizeof(*out->notes), NOTES_MAX);
    out->notes[out->notes_count++] =
        (struct paxos_note){.kind = kind, .ballot = ballot, .slot = slot, .node = node};
}
