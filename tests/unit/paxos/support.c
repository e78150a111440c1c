#include "support.h"

#include "base/memory.h"

/* --- Values --- */

uint64_t incarnation_of(uint32_t node)
{
    return 1000 + node;
}

struct paxos_ballot ballot_of(uint64_t round, uint32_t node)
{
    return (struct paxos_ballot){.round = round, .node = node, .incarnation = incarnation_of(node)};
}

struct paxos_config config_of(size_t voters)
{
    struct paxos_config config;
    memset(&config, 0, sizeof(config)); /* padding too: payloads are compared as bytes */
    config.alpha = RIG_ALPHA;
    config.generation = 1;
    for (uint32_t node = 1; node <= voters; node++) {
        config_add(&config, node, PAXOS_VOTER);
    }
    return config;
}

void config_add(struct paxos_config *config, uint32_t node, enum paxos_role_of_member role)
{
    struct paxos_member *member = &config->members[config->members_count++];
    member->node = node;
    member->incarnation = incarnation_of(node);
    member->role = role;
}

void config_drop(struct paxos_config *config, uint32_t node)
{
    size_t kept = 0;
    for (size_t i = 0; i < config->members_count; i++) {
        if (config->members[i].node != node) {
            config->members[kept++] = config->members[i];
        }
    }
    memset(&config->members[kept], 0, (config->members_count - kept) * sizeof(config->members[0]));
    config->members_count = kept;
}

static struct cd_blob *keep(struct rig *rig, struct cd_blob *blob)
{
    assert_true(rig->blobs_count < sizeof(rig->blobs) / sizeof(rig->blobs[0]));
    rig->blobs[rig->blobs_count++] = blob;
    return blob;
}

struct cd_blob *rig_text(struct rig *rig, const char *text)
{
    return keep(rig, cd_blob_copy(text, strlen(text)));
}

struct paxos_entry entry_of(paxos_slot slot, enum paxos_kind kind)
{
    return (struct paxos_entry){.slot = slot, .kind = kind};
}

struct paxos_entry command_entry(struct rig *rig, paxos_slot slot, const char *text)
{
    struct paxos_entry entry = entry_of(slot, PAXOS_COMMANDS);
    entry.payload = rig_text(rig, text);
    return entry;
}

struct paxos_entry config_entry(struct rig *rig, paxos_slot slot, const struct paxos_config *config)
{
    struct paxos_entry entry = entry_of(slot, PAXOS_CONFIG);
    entry.payload = keep(rig, cd_blob_copy(config, sizeof(*config)));
    return entry;
}

bool entry_says(const struct paxos_entry *entry, const char *text)
{
    return entry->kind == PAXOS_COMMANDS && entry->payload->bytes == strlen(text) &&
           memcmp(entry->payload->data, text, strlen(text)) == 0;
}

/* --- What holds after every step --- */

static void check_sends(const struct rig *rig)
{
    for (size_t i = 0; i < rig->out.sends_count; i++) {
        const struct paxos_send *send = &rig->out.sends[i];
        const struct paxos_message *m = &send->message;
        bool speaks_of_records = m->kind == PAXOS_MSG_PREPARE || m->kind == PAXOS_MSG_PROMISE ||
                                 m->kind == PAXOS_MSG_ACCEPTED;
        assert_true(CD_IMPLIES(speaks_of_records, send->after_persist)); /* P2 */
        assert_int_equal(m->from, rig->node);
        assert_true(m->to != 0 && m->to != rig->node);
        assert_true(m->from_incarnation == rig->px->incarnation);
        if (m->kind == PAXOS_MSG_ACCEPT || m->kind == PAXOS_MSG_HEARTBEAT) {
            assert_int_equal(m->ballot.node, rig->node);
            assert_ballot(m->ballot, rig->px->promised);
            assert_int_equal(m->chosen, rig->px->chosen);
        }
        for (size_t k = 0; k < m->entries_count && m->kind == PAXOS_MSG_ACCEPT; k++) {
            assert_ballot(m->entries[k].ballot, m->ballot);
            assert_int_equal(m->entries[k].slot, m->entries[0].slot + k);
            assert_true(m->entries[k].slot <= rig->px->applied + paxos_alpha(rig->px)); /* R5 */
        }
    }
}

static void check_records(struct rig *rig)
{
    struct paxos_ballot promised = rig->promised;
    for (size_t i = 0; i < rig->out.persist_count; i++) {
        const struct paxos_persist *record = &rig->out.persist[i];
        bool lazy = record->kind == PAXOS_PERSIST_MARK || record->kind == PAXOS_PERSIST_PEERS;
        assert_int_equal(record->lazy, lazy);
        if (record->kind == PAXOS_PERSIST_PROMISE) {
            assert_true(paxos_ballot_compare(record->ballot, promised) > 0); /* P1 */
            promised = record->ballot;
        }
        if (record->kind == PAXOS_PERSIST_ACCEPTED) {
            assert_true(paxos_ballot_compare(record->entry.ballot, promised) >= 0); /* P1 */
            assert_int_equal(record->entry.slot, record->slot);
        }
    }
    assert_true(paxos_ballot_compare(rig->px->promised, promised) == 0);
    rig->promised = promised;
}

/* What a snapshot would say of the configurations is what the replica itself goes by. */
static void check_base(const struct rig *rig)
{
    const struct paxos *px = rig->px;
    assert_int_equal(rig->base.configs_count, px->configs_count);
    for (size_t i = 0; i < px->configs_count; i++) {
        assert_int_equal(rig->base.configs[i].chosen_at, px->configs[i].chosen_at);
        assert_memory_equal(&rig->base.configs[i].config, &px->configs[i].config,
                            sizeof(px->configs[i].config));
    }
    assert_true(px->configs_count == 0 || paxos_base_is_sound(&rig->base));
}

static void check_chosen(struct rig *rig)
{
    for (size_t i = 0; i < rig->out.chosen_count; i++) {
        assert_int_equal(rig->out.chosen[i].slot, rig->handed + 1); /* P6 */
        rig->handed = rig->out.chosen[i].slot;
        paxos_base_follow(&rig->base, &rig->out.chosen[i]);
    }
    assert_int_equal(rig->handed, rig->px->chosen);
    check_base(rig);
    assert_true(!rig->px->started || rig->px->marked == rig->px->chosen);
}

static void keep_records(struct rig *rig)
{
    for (size_t i = 0; i < rig->out.persist_count; i++) {
        if (rig->log_count == rig->log_capacity) {
            rig->log_capacity = rig->log_capacity != 0 ? 2 * rig->log_capacity : 64;
            rig->log = cd_realloc(rig->log, rig->log_capacity * sizeof(*rig->log));
        }
        struct rig_record *record = &rig->log[rig->log_count++];
        memset(record, 0, sizeof(*record));
        record->persist = rig->out.persist[i];
        cd_blob_ref(record->persist.entry.payload);
        record->incarnation = rig->px->incarnation;
        if (record->persist.kind == PAXOS_PERSIST_INSTALLED) {
            record->base = *record->persist.base;
            record->persist.base = NULL; /* it ends with the step */
        }
        struct rig_peer_record *peer = record->peers;
        while (paxos_remembered_at(rig->px, record->peers_count, &peer->node, &peer->incarnation,
                                   &peer->position)) {
            record->peers_count++;
            peer++;
        }
    }
    rig->asked += rig->out.persist_count;
    assert_int_equal(rig->px->position, rig->asked);
}

static void check_step(struct rig *rig)
{
    paxos_check(rig->px);
    check_records(rig);
    check_sends(rig);
    check_chosen(rig);
    keep_records(rig);
}

/* --- Making one --- */

static void make(struct rig *rig)
{
    struct paxos_options options = {
        .node = rig->node,
        .incarnation = rig->incarnation,
        .boot = rig->boot,
        .seed = rig->node,
        .heartbeat_ms = RIG_HEARTBEAT_MS,
        .election_ms = RIG_ELECTION_MS,
        .peers = rig->peers,
        .peers_count = rig->peers_count,
    };
    rig->px = paxos_create(&options);
    rig->handed = 0;
    memset(&rig->base, 0, sizeof(rig->base));
    rig->asked = 0;
    rig->promised = (struct paxos_ballot){0};
}

static void start(struct rig *rig, uint64_t position, enum paxos_memory memory)
{
    rig->position = position;
    rig->promised = rig->px->promised;
    paxos_effects_clear(&rig->out);
    paxos_start(rig->px, rig->now_ms, position, memory, &rig->out);
    check_step(rig);
}

static void prepare(struct rig *rig, uint32_t node)
{
    memset(rig, 0, sizeof(*rig));
    rig->node = node;
    rig->incarnation = incarnation_of(node);
    rig->boot = 0xb007000000u + node;
    rig->now_ms = RIG_START_MS;
    paxos_effects_init(&rig->out);
}

void rig_init_with_peers(struct rig *rig, uint32_t node, const uint32_t *peers, size_t count)
{
    prepare(rig, node);
    memcpy(rig->peers, peers, count * sizeof(*peers));
    rig->peers_count = count;
    make(rig);
    start(rig, 0, PAXOS_MEMORY_FRESH);
}

void rig_init(struct rig *rig, uint32_t node)
{
    rig_init_with_peers(rig, node, &node, 0);
}

void rig_restored(struct rig *rig, uint32_t node, const struct paxos_config *config)
{
    prepare(rig, node);
    rig->restored = true;
    make(rig);
    struct paxos_entry first = config_entry(rig, 1, config);
    assert_int_equal(paxos_restore_learned(rig->px, &first, &rig->out), CD_OK);
    rig->handed = 1;
    paxos_base_follow(&rig->base, &first);
    start(rig, RIG_START_POSITION, PAXOS_MEMORY_KEPT);
}

void rig_verify(struct rig *rig)
{
    rig_tick(rig, 0); /* the election deadline of a start is now; let it be set anew */
    const struct paxos_config *config = paxos_config_newest(rig->px, NULL);
    uint32_t nodes[PAXOS_MEMBERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < config->members_count; i++) {
        if (config->members[i].node != rig->node) {
            nodes[count++] = config->members[i].node;
        }
    }
    for (size_t i = 0; i < count; i++) {
        hear_probe_reply(rig, nodes[i], 0);
    }
    if (!rig->px->verified) { /* an incarnation that nobody is any more stays silent */
        rig_tick(rig, RIG_ELECTION_MS);
    }
    assert_true(rig->px->verified);
}

void rig_member_of(struct rig *rig, uint32_t node, const struct paxos_config *config)
{
    rig_restored(rig, node, config);
    rig_verify(rig);
}

void rig_member(struct rig *rig, uint32_t node, size_t count)
{
    struct paxos_config config = config_of(count);
    rig_member_of(rig, node, &config);
}

void rig_leader_of(struct rig *rig, uint32_t node, const struct paxos_config *config)
{
    rig_member_of(rig, node, config);
    become_candidate(rig);
    for (size_t i = 0; i < config->members_count; i++) {
        if (config->members[i].node != node && config->members[i].role == PAXOS_VOTER) {
            hear_promise(rig, config->members[i].node, rig->px->chosen, NULL, 0);
        }
    }
    assert_int_equal(rig->px->role, PAXOS_ROLE_LEADER);
    rig_persisted(rig);
    for (size_t i = 0; i < config->members_count; i++) {
        if (config->members[i].node != node && config->members[i].role == PAXOS_VOTER) {
            hear_accepted(rig, config->members[i].node, rig->px->lead_slot, rig->px->lead_slot);
        }
    }
    rig_persisted(rig);
    rig_applied(rig);
    assert_true(rig->px->established);
}

void rig_leader(struct rig *rig, uint32_t node, size_t count)
{
    struct paxos_config config = config_of(count);
    rig_leader_of(rig, node, &config);
}

void rig_release(struct rig *rig)
{
    paxos_check(rig->px);
    paxos_free(rig->px);
    paxos_effects_release(&rig->out);
    for (size_t i = 0; i < rig->log_count; i++) {
        cd_blob_unref(rig->log[i].persist.entry.payload);
    }
    cd_free(rig->log);
    for (size_t i = 0; i < rig->blobs_count; i++) {
        cd_blob_unref(rig->blobs[i]);
    }
}

/* --- Starting again --- */

static enum cd_status restore_record(struct rig *rig, const struct rig_record *record)
{
    const struct paxos_persist *persist = &record->persist;
    enum cd_status status = CD_OK;
    switch (persist->kind) {
    case PAXOS_PERSIST_PROMISE:
        return paxos_restore_promise(rig->px, persist->ballot);
    case PAXOS_PERSIST_ACCEPTED:
        return paxos_restore_accepted(rig->px, &persist->entry);
    case PAXOS_PERSIST_LEARNED:
        return paxos_restore_learned(rig->px, &persist->entry, &rig->out);
    case PAXOS_PERSIST_MARK:
        return paxos_restore_mark(rig->px, persist->slot, &rig->out);
    case PAXOS_PERSIST_IDENTITY:
        paxos_restore_identity(rig->px, record->incarnation);
        status = paxos_restore_promise(rig->px, persist->ballot);
        break;
    case PAXOS_PERSIST_INSTALLED:
        return paxos_restore_installed(rig->px, &record->base);
    case PAXOS_PERSIST_PEERS:
        break;
    }
    for (size_t i = 0; i < record->peers_count; i++) {
        paxos_restore_remembered(rig->px, record->peers[i].node, record->peers[i].incarnation,
                                 record->peers[i].position);
    }
    return status;
}

/* The last snapshot whose record is there; NULL: none. */
static const struct paxos_base *last_installed(const struct rig *rig, size_t records)
{
    for (size_t i = records; i > 0; i--) {
        if (rig->log[i - 1].persist.kind == PAXOS_PERSIST_INSTALLED) {
            return &rig->log[i - 1].base;
        }
    }
    return NULL;
}

enum cd_status rig_restore_from(struct rig *rig, const struct paxos_base *base, size_t records)
{
    paxos_slot before = base != NULL && base->slot > rig->handed ? base->slot : rig->handed;
    paxos_free(rig->px);
    rig->boot++;
    make(rig);
    paxos_effects_clear(&rig->out);
    enum cd_status status = CD_OK;
    if (base != NULL) {
        rig->handed = base->slot;
        rig->base = *base;
        status = paxos_restore_base(rig->px, base, 0);
    }
    if (status == CD_OK && rig->restored) { /* rig_restored's first configuration is no record */
        struct paxos_entry first = entry_of(1, PAXOS_CONFIG);
        first.payload = rig->blobs[0];
        status = paxos_restore_learned(rig->px, &first, &rig->out);
        check_chosen(rig);
    }
    for (size_t i = 0; status == CD_OK && i < records; i++) {
        paxos_effects_clear(&rig->out);
        status = restore_record(rig, &rig->log[i]);
        check_chosen(rig);
    }
    assert_true(rig->handed <= before);
    for (size_t i = records; i < rig->log_count; i++) {
        cd_blob_unref(rig->log[i].persist.entry.payload);
    }
    rig->log_count = records < rig->log_count ? records : rig->log_count;
    return status;
}

enum cd_status rig_restore(struct rig *rig, size_t records)
{
    const struct paxos_base *base = last_installed(rig, records);
    return rig_restore_from(rig, base, records);
}

void rig_begin(struct rig *rig, size_t records)
{
    start(rig, (rig->restored ? RIG_START_POSITION : 0) + records, PAXOS_MEMORY_KEPT);
}

void rig_restart(struct rig *rig, size_t records)
{
    assert_int_equal(rig_restore(rig, records), CD_OK);
    rig_begin(rig, records);
}

/* --- Events --- */

void rig_step(struct rig *rig, struct paxos_event event)
{
    event.now_ms = rig->now_ms;
    paxos_step(rig->px, &event, &rig->out);
    check_step(rig);
}

void rig_install(struct rig *rig, const struct paxos_base *base)
{
    assert_true(paxos_may_install(rig->px, base));
    rig->handed = base->slot;
    rig->base = *base;
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_INSTALLED, .base = base});
}

struct paxos_base base_at(const struct rig *rig, paxos_slot slot)
{
    struct paxos_base base = rig->base;
    while (base.slot < slot) {
        struct paxos_entry noop = entry_of(base.slot + 1, PAXOS_NOOP);
        paxos_base_follow(&base, &noop);
    }
    return base;
}

struct paxos_message message_of(const struct rig *rig, enum paxos_message_kind kind, uint32_t from)
{
    return (struct paxos_message){
        .kind = kind, .from = from, .from_incarnation = incarnation_of(from), .to = rig->node};
}

void rig_deliver(struct rig *rig, const struct paxos_message *message)
{
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_MESSAGE, .message = message});
}

void rig_tick(struct rig *rig, uint64_t after_ms)
{
    rig->now_ms += after_ms;
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_TICK});
}

void rig_wait(struct rig *rig, uint64_t ms)
{
    for (uint64_t waited = 0; waited < ms; waited += RIG_HEARTBEAT_MS) {
        rig_tick(rig, RIG_HEARTBEAT_MS);
    }
}

void rig_persisted_to(struct rig *rig, uint64_t records)
{
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_PERSISTED,
                                       .persisted = records,
                                       .position = rig->position + records});
}

void rig_persisted(struct rig *rig)
{
    rig_persisted_to(rig, rig->asked);
}

void rig_applied(struct rig *rig)
{
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_APPLIED, .slot = rig->handed});
}

void rig_propose(struct rig *rig, const char *text)
{
    assert_true(paxos_may_propose(rig->px));
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_PROPOSE, .payload = rig_text(rig, text)});
}

void rig_barrier(struct rig *rig, uint64_t token)
{
    rig_step(rig, (struct paxos_event){.kind = PAXOS_EV_BARRIER, .token = token});
}

void hear_leader(struct rig *rig, struct paxos_ballot ballot, paxos_slot chosen)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_HEARTBEAT, ballot.node);
    m.ballot = ballot;
    m.chosen = chosen;
    m.nonce = 1;
    rig_deliver(rig, &m);
}

void hear_accept(struct rig *rig, struct paxos_ballot ballot, paxos_slot chosen,
                 struct paxos_entry *entries, size_t count)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_ACCEPT, ballot.node);
    m.ballot = ballot;
    m.chosen = chosen;
    m.entries = entries;
    m.entries_count = count;
    rig_deliver(rig, &m);
}

void hear_chosen(struct rig *rig, uint32_t from, struct paxos_entry *entries, size_t count)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_CHOSEN, from);
    m.entries = entries;
    m.entries_count = count;
    m.chosen = count != 0 ? entries[count - 1].slot : 0;
    rig_deliver(rig, &m);
}

void hear_probe_reply(struct rig *rig, uint32_t from, uint64_t remembered)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PROBE_REPLY, from);
    m.nonce = rig->boot;
    m.remembered = remembered;
    rig_deliver(rig, &m);
}

void hear_promise(struct rig *rig, uint32_t from, paxos_slot chosen, struct paxos_entry *entries,
                  size_t count)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_PROMISE, from);
    m.granted = true;
    m.ballot = rig->px->leader_ballot;
    m.chosen = chosen;
    m.first = rig->px->chosen + 1;
    m.last = PAXOS_SLOT_MAX;
    m.entries = entries;
    m.entries_count = count;
    rig_deliver(rig, &m);
}

void hear_accepted(struct rig *rig, uint32_t from, paxos_slot first, paxos_slot last)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_ACCEPTED, from);
    m.granted = true;
    m.ballot = rig->px->leader_ballot;
    m.first = first;
    m.last = last;
    rig_deliver(rig, &m);
}

void hear_round(struct rig *rig, uint32_t from, uint64_t round, paxos_slot chosen)
{
    struct paxos_message m = message_of(rig, PAXOS_MSG_HEARTBEAT_REPLY, from);
    m.granted = true;
    m.ballot = rig->px->leader_ballot;
    m.nonce = round;
    m.chosen = chosen;
    rig_deliver(rig, &m);
}

void hear_refusal(struct rig *rig, enum paxos_message_kind kind, uint32_t from,
                  struct paxos_ballot promised)
{
    struct paxos_message m = message_of(rig, kind, from);
    m.ballot = promised;
    rig_deliver(rig, &m);
}

void become_candidate(struct rig *rig)
{
    for (int i = 0; i < 100 && rig->px->role == PAXOS_ROLE_FOLLOWER; i++) {
        rig_tick(rig, RIG_HEARTBEAT_MS);
    }
    const struct paxos_config *config = paxos_config_newest(rig->px, NULL);
    for (size_t i = 0; i < config->members_count; i++) {
        if (rig->px->role == PAXOS_ROLE_PRECANDIDATE && config->members[i].node != rig->node) {
            struct paxos_message m =
                message_of(rig, PAXOS_MSG_PREVOTE_REPLY, config->members[i].node);
            m.nonce = rig->px->prevote_nonce;
            m.granted = true;
            rig_deliver(rig, &m);
        }
    }
    assert_int_equal(rig->px->role, PAXOS_ROLE_CANDIDATE);
    rig_persisted(rig);
}

/* --- What a step asked for --- */

size_t sent_count(const struct rig *rig, enum paxos_message_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->out.sends_count; i++) {
        count += rig->out.sends[i].message.kind == kind ? 1 : 0;
    }
    return count;
}

const struct paxos_send *sent_as(const struct rig *rig, enum paxos_message_kind kind, uint32_t to)
{
    const struct paxos_send *found = NULL;
    for (size_t i = 0; i < rig->out.sends_count; i++) {
        const struct paxos_send *send = &rig->out.sends[i];
        if (send->message.kind == kind && send->message.to == to) {
            assert_null(found);
            found = send;
        }
    }
    assert_non_null(found);
    return found;
}

const struct paxos_message *sent(const struct rig *rig, enum paxos_message_kind kind, uint32_t to)
{
    return &sent_as(rig, kind, to)->message;
}

size_t persist_count(const struct rig *rig, enum paxos_persist_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->out.persist_count; i++) {
        count += rig->out.persist[i].kind == kind ? 1 : 0;
    }
    return count;
}

const struct paxos_persist *persisted(const struct rig *rig, enum paxos_persist_kind kind)
{
    const struct paxos_persist *found = NULL;
    for (size_t i = 0; i < rig->out.persist_count; i++) {
        if (rig->out.persist[i].kind == kind) {
            assert_null(found);
            found = &rig->out.persist[i];
        }
    }
    assert_non_null(found);
    return found;
}

size_t note_count(const struct rig *rig, enum paxos_note_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < rig->out.notes_count; i++) {
        count += rig->out.notes[i].kind == kind ? 1 : 0;
    }
    return count;
}
