#include "support.h"

#include "base/prng.h"

/* Goal: what a replica says arrives as it was said, and nonsense from a peer is refused whole. */

static const struct paxos_ballot some_ballot = {.round = 5, .incarnation = 77, .node = 2};

static struct paxos_config some_config(void)
{
    struct paxos_config config = {.alpha = 16, .generation = 1, .based_on = 1, .members_count = 2};
    memcpy(config.cluster_id, "0123456789abcdef", PAXOS_CLUSTER_ID_BYTES);
    config.members[0] = (struct paxos_member){70, 1, PAXOS_VOTER};
    config.members[1] = (struct paxos_member){77, 2, PAXOS_LEARNER};
    return config;
}

static const struct wire_peer_head some_head = {
    .features = 3,
    .has_cluster = true,
    .cluster_id = "0123456789abcde",
    .generation = 1,
    .from = 2,
    .incarnation = 77,
    .boot = 99,
    .log_position = 4711,
};

static enum cd_status decode(struct rig *rig, struct wire_peer_frame *ret_frame)
{
    wire_arena_clear(&rig->arena);
    return wire_peer_frame_decode(&rig->arena, 1, rig->buf.data, rig->buf.bytes, ret_frame,
                                  &rig->error);
}

/*
 * Written by protoc from the contract:
 *   messages { consensus { kind: CONSENSUS_KIND_ACCEPT ballot { round: 5 node: 2 incarnation: 77 }
 *     chosen_slot: 9
 *     entries { slot: 10 ballot { round: 5 node: 2 incarnation: 77 } kind: ENTRY_KIND_COMMANDS
 *       payload: "batch" }
 *     entries { slot: 11 ballot { round: 5 node: 2 incarnation: 77 } kind: ENTRY_KIND_CONFIG
 *       config { cluster_id: "0123456789abcdef" alpha: 16 generation: 1 based_on_slot: 1
 *         members { node: 1 incarnation: 70 role: ROLE_VOTER }
 *         members { node: 2 incarnation: 77 role: ROLE_LEARNER } } } } }
 */
static const char golden[] =
    "427e0a7c0808120d08051002194d0000000000000028094a1a080a120d08051002194d0000000000000018043205"
    "62617463684a4b080b120d08051002194d0000000000000018032a360a1030313233343536373839616263646566"
    "1010180120012a0d080111460000000000000018012a0d0802114d000000000000001802";

static void fill_some_entries(struct paxos_entry *entries, struct cd_blob *batch,
                              struct cd_blob *config)
{
    entries[0] = (struct paxos_entry){10, some_ballot, PAXOS_COMMANDS, {0}, batch};
    entries[1] = (struct paxos_entry){11, some_ballot, PAXOS_CONFIG, {0}, config};
}

static void test_golden(void **state)
{
    struct rig *rig = *state;
    struct paxos_config config = some_config();
    struct cd_blob *batch = cd_blob_copy("batch", 5);
    struct cd_blob *value = cd_blob_copy(&config, sizeof(config));
    struct paxos_entry entries[2];
    fill_some_entries(entries, batch, value);
    struct paxos_message message = {.kind = PAXOS_MSG_ACCEPT,
                                    .ballot = some_ballot,
                                    .chosen = 9,
                                    .entries = entries,
                                    .entries_count = 2};
    assert_int_equal(wire_peer_put_consensus(&rig->buf, &message), CD_OK);
    struct cd_blob *expected = from_hex(golden);
    assert_int_equal(rig->buf.bytes, expected->bytes);
    assert_memory_equal(rig->buf.data, expected->data, expected->bytes);
    cd_blob_unref(expected);
    cd_blob_unref(batch);
    cd_blob_unref(value);
}

/* ---- Round trips ---- */

static void same_ballot(struct paxos_ballot a, struct paxos_ballot b)
{
    assert_int_equal(a.round, b.round);
    assert_int_equal(a.node, b.node);
    assert_int_equal(a.incarnation, b.incarnation);
}

static void same_config(const struct cd_blob *a, const struct cd_blob *b)
{
    struct paxos_config one;
    struct paxos_config two;
    assert_int_equal(a->bytes, sizeof(one));
    assert_int_equal(b->bytes, sizeof(two));
    memcpy(&one, a->data, sizeof(one));
    memcpy(&two, b->data, sizeof(two));
    assert_memory_equal(one.cluster_id, two.cluster_id, sizeof(one.cluster_id));
    assert_int_equal(one.alpha, two.alpha);
    assert_int_equal(one.generation, two.generation);
    assert_int_equal(one.based_on, two.based_on);
    assert_int_equal(one.members_count, two.members_count);
    for (size_t i = 0; i < one.members_count; i++) {
        assert_int_equal(one.members[i].node, two.members[i].node);
        assert_int_equal(one.members[i].incarnation, two.members[i].incarnation);
        assert_int_equal(one.members[i].role, two.members[i].role);
    }
}

static void same_entry(const struct paxos_entry *a, const struct paxos_entry *b)
{
    assert_int_equal(a->slot, b->slot);
    same_ballot(a->ballot, b->ballot);
    assert_int_equal(a->kind, b->kind);
    same_ballot(a->lead, b->lead);
    assert_int_equal(a->payload == NULL, b->payload == NULL);
    if (a->kind == PAXOS_CONFIG) {
        same_config(a->payload, b->payload);
    } else if (a->payload != NULL) {
        assert_int_equal(a->payload->bytes, b->payload->bytes);
        assert_memory_equal(a->payload->data, b->payload->data, a->payload->bytes);
    }
}

static void same_message(const struct paxos_message *sent, const struct paxos_message *seen)
{
    assert_int_equal(seen->kind, sent->kind);
    assert_int_equal(seen->from, some_head.from);
    assert_int_equal(seen->from_incarnation, some_head.incarnation);
    assert_int_equal(seen->to, 1);
    same_ballot(seen->ballot, sent->ballot);
    assert_int_equal(seen->first, sent->first);
    assert_int_equal(seen->last, sent->last);
    assert_int_equal(seen->chosen, sent->chosen);
    assert_int_equal(seen->nonce, sent->nonce);
    assert_int_equal(seen->remembered, sent->remembered);
    assert_int_equal(seen->granted, sent->granted);
    assert_int_equal(seen->entries_count, sent->entries_count);
    for (size_t i = 0; i < sent->entries_count; i++) {
        same_entry(&sent->entries[i], &seen->entries[i]);
    }
}

static uint64_t any_number(struct cd_prng *prng)
{
    return cd_prng_next(prng) >> cd_prng_below(prng, 64);
}

static struct paxos_ballot any_ballot(struct cd_prng *prng)
{
    if (cd_prng_below(prng, 4) == 0) {
        return (struct paxos_ballot){0};
    }
    return (struct paxos_ballot){any_number(prng), any_number(prng),
                                 (uint32_t)cd_prng_below(prng, 9)};
}

static struct paxos_entry any_entry(struct cd_prng *prng)
{
    struct paxos_entry entry = {.slot = 1 + cd_prng_below(prng, 1000), .ballot = any_ballot(prng)};
    entry.kind = (enum paxos_kind)(1 + cd_prng_below(prng, 4));
    if (entry.kind == PAXOS_LEAD) {
        entry.lead = any_ballot(prng);
    } else if (entry.kind == PAXOS_CONFIG) {
        struct paxos_config config = some_config();
        config.based_on = any_number(prng);
        entry.payload = cd_blob_copy(&config, sizeof(config));
    } else if (entry.kind == PAXOS_COMMANDS) {
        entry.payload = cd_blob_create(1 + (size_t)cd_prng_below(prng, 100));
        memset(entry.payload->data, 0, entry.payload->bytes);
    }
    return entry;
}

static void any_message(struct cd_prng *prng, struct paxos_message *ret_message,
                        struct paxos_entry *entries, size_t entries_max)
{
    *ret_message = (struct paxos_message){
        .kind = (enum paxos_message_kind)(1 + cd_prng_below(prng, 16)),
        .ballot = any_ballot(prng),
        .first = any_number(prng),
        .last = any_number(prng),
        .chosen = any_number(prng),
        .nonce = any_number(prng),
        .remembered = any_number(prng),
        .granted = cd_prng_below(prng, 2) == 1,
        .entries = entries,
        .entries_count = (size_t)cd_prng_below(prng, entries_max + 1),
    };
    for (size_t i = 0; i < ret_message->entries_count; i++) {
        entries[i] = any_entry(prng);
    }
}

static void test_round_trip(void **state)
{
    enum { MESSAGES = 4, ENTRIES = 5 };
    struct rig *rig = *state;
    struct cd_prng prng;
    cd_prng_init(&prng, 3);
    for (unsigned round = 0; round < 1000; round++) {
        struct paxos_message sent[MESSAGES];
        struct paxos_entry entries[MESSAGES][ENTRIES];
        cd_buf_clear(&rig->buf);
        for (size_t i = 0; i < MESSAGES; i++) {
            any_message(&prng, &sent[i], entries[i], ENTRIES);
            if (i == round % MESSAGES) { /* the head may come at any place */
                assert_int_equal(wire_peer_put_head(&rig->buf, &some_head), CD_OK);
            }
            assert_int_equal(wire_peer_put_consensus(&rig->buf, &sent[i]), CD_OK);
        }
        struct wire_peer_frame frame;
        assert_int_equal(decode(rig, &frame), CD_OK);
        memset(rig->buf.data, 0xee, rig->buf.bytes);
        assert_int_equal(frame.messages_count, MESSAGES);
        for (size_t i = 0; i < MESSAGES; i++) {
            assert_int_equal(frame.messages[i].kind, WIRE_PEER_CONSENSUS);
            same_message(&sent[i], &frame.messages[i].consensus);
            for (size_t k = 0; k < sent[i].entries_count; k++) {
                cd_blob_unref(entries[i][k].payload);
            }
        }
        wire_peer_frame_release(&frame);
    }
}

static void test_head_and_forwards(void **state)
{
    struct rig *rig = *state;
    struct wire_forward forward = {text("a command"), some_ballot};
    struct wire_forward_refused refused = {99, 8, CD_BUSY, true};
    assert_int_equal(wire_peer_put_head(&rig->buf, &some_head), CD_OK);
    assert_int_equal(wire_peer_put_forward(&rig->buf, &forward), CD_OK);
    assert_int_equal(wire_peer_put_refused(&rig->buf, &refused), CD_OK);
    struct wire_snapshot_ask ask = {.at_least = 640};
    assert_int_equal(wire_peer_put_snapshot_ask(&rig->buf, &ask), CD_OK);
    struct wire_peer_frame frame;
    assert_int_equal(decode(rig, &frame), CD_OK);
    assert_int_equal(frame.head.features, 3);
    assert_true(frame.head.has_cluster);
    assert_memory_equal(frame.head.cluster_id, some_head.cluster_id, PAXOS_CLUSTER_ID_BYTES);
    assert_int_equal(frame.head.generation, 1);
    assert_int_equal(frame.head.from, 2);
    assert_int_equal(frame.head.incarnation, 77);
    assert_int_equal(frame.head.boot, 99);
    assert_int_equal(frame.head.log_position, 4711);
    assert_int_equal(frame.messages_count, 3);
    assert_int_equal(frame.messages[2].ask.slot, 0);
    assert_int_equal(frame.messages[2].ask.at_least, 640);
    assert_int_equal(frame.messages[0].kind, WIRE_PEER_FORWARD);
    assert_text(frame.messages[0].forward.command, "a command");
    same_ballot(frame.messages[0].forward.leader, some_ballot);
    assert_int_equal(frame.messages[1].kind, WIRE_PEER_REFUSED);
    assert_int_equal(frame.messages[1].refused.boot, 99);
    assert_int_equal(frame.messages[1].refused.counter, 8);
    assert_int_equal(frame.messages[1].refused.status, CD_BUSY);
    assert_true(frame.messages[1].refused.stopped);
    wire_peer_frame_release(&frame);
}

/* ---- Sessions, snapshots, digests ---- */

/*
 * Written by protoc from the contract:
 *   version: 1 features: 7 generation: 1 from_node: 2 incarnation: 3 boot: 4
 *   messages { renew { nonce: 6 sessions { session_id: 281474976710657 attach: 2 }
 *     sessions { session_id: 281474976710658 attach: 1 } } }
 *   messages { renewed { nonce: 6 refused { session_id: 281474976710658 code: 18 } } }
 *   messages { snapshot_offer { slot: 1000 zxid: 281474976710999 file_bytes: 70000 digest: 12345
 *     digest_version: 1 } }
 *   messages { snapshot_ask { slot: 1000 offset: 4096 } }
 *   messages { snapshot_chunk { slot: 1000 offset: 4096 data: "chunk" } }
 *   messages { snapshot_gone { slot: 1000 } }
 *   messages { digest_report { slot: 1024 digest_version: 1 digest: 999 } }
 */
static const char golden_later[] =
    "0801100720012802310300000000000000390400000000000000421c221a0806120a08818080808080401002"
    "120a0882808080808040100142102a0e0806120a08828080808080401012421c321a08e80710d78280808080"
    "4018f0a204213930000000000000280142083a0608e807108020420f420d08e8071080201a056368756e6b42"
    "054a0308e8074210520e088008100119e703000000000000";

static void put_later(struct cd_buf *buf)
{
    static const struct wire_peer_head head = {
        .features = WIRE_PEER_FEATURES, .generation = 1, .from = 2, .incarnation = 3, .boot = 4};
    static const struct wire_renewal renewals[] = {{281474976710657, 2}, {281474976710658, 1}};
    static const struct wire_not_renewed refused[] = {{281474976710658, CD_SESSION_MOVED}};
    static const struct wire_renew renew = {6, renewals, 2};
    static const struct wire_renewed renewed = {6, refused, 1};
    static const struct wire_snapshot_offer offer = {1000, 281474976710999, 70000, 12345, 1};
    static const struct wire_snapshot_ask ask = {1000, 4096, 0};
    static const struct wire_digest digest = {1024, 999, 1};
    struct wire_snapshot_chunk chunk = {1000, 4096, text("chunk")};
    assert_int_equal(wire_peer_put_head(buf, &head), CD_OK);
    assert_int_equal(wire_peer_put_renew(buf, &renew), CD_OK);
    assert_int_equal(wire_peer_put_renewed(buf, &renewed), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_offer(buf, &offer), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_ask(buf, &ask), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_chunk(buf, &chunk), CD_OK);
    assert_int_equal(wire_peer_put_snapshot_gone(buf, 1000), CD_OK);
    assert_int_equal(wire_peer_put_digest(buf, &digest), CD_OK);
}

static void check_sessions(const struct wire_peer_message *messages)
{
    assert_int_equal(messages[0].kind, WIRE_PEER_RENEW);
    assert_int_equal(messages[0].renew.nonce, 6);
    assert_int_equal(messages[0].renew.count, 2);
    assert_int_equal(messages[0].renew.sessions[0].session, 281474976710657);
    assert_int_equal(messages[0].renew.sessions[0].attach, 2);
    assert_int_equal(messages[0].renew.sessions[1].session, 281474976710658);
    assert_int_equal(messages[1].kind, WIRE_PEER_RENEWED);
    assert_int_equal(messages[1].renewed.nonce, 6);
    assert_int_equal(messages[1].renewed.count, 1);
    assert_int_equal(messages[1].renewed.refused[0].session, 281474976710658);
    assert_int_equal(messages[1].renewed.refused[0].status, CD_SESSION_MOVED);
}

static void check_snapshots(const struct wire_peer_message *messages)
{
    assert_int_equal(messages[2].kind, WIRE_PEER_SNAPSHOT_OFFER);
    assert_int_equal(messages[2].offer.slot, 1000);
    assert_int_equal(messages[2].offer.zxid, 281474976710999);
    assert_int_equal(messages[2].offer.file_bytes, 70000);
    assert_int_equal(messages[2].offer.digest, 12345);
    assert_int_equal(messages[2].offer.digest_version, 1);
    assert_int_equal(messages[3].kind, WIRE_PEER_SNAPSHOT_ASK);
    assert_int_equal(messages[3].ask.slot, 1000);
    assert_int_equal(messages[3].ask.offset, 4096);
    assert_int_equal(messages[4].kind, WIRE_PEER_SNAPSHOT_CHUNK);
    assert_int_equal(messages[4].chunk.slot, 1000);
    assert_int_equal(messages[4].chunk.offset, 4096);
    assert_text(messages[4].chunk.data, "chunk");
    assert_int_equal(messages[5].kind, WIRE_PEER_SNAPSHOT_GONE);
    assert_int_equal(messages[5].gone_slot, 1000);
    assert_int_equal(messages[6].kind, WIRE_PEER_DIGEST);
    assert_int_equal(messages[6].digest.slot, 1024);
    assert_int_equal(messages[6].digest.version, 1);
    assert_int_equal(messages[6].digest.digest, 999);
}

static void test_later_messages(void **state)
{
    struct rig *rig = *state;
    put_later(&rig->buf);
    struct cd_blob *expected = from_hex(golden_later);
    assert_int_equal(rig->buf.bytes, expected->bytes);
    assert_memory_equal(rig->buf.data, expected->data, expected->bytes);
    cd_blob_unref(expected);
    struct wire_peer_frame frame;
    assert_int_equal(decode(rig, &frame), CD_OK);
    memset(rig->buf.data, 0xee, rig->buf.bytes); /* nothing may point into it */
    assert_int_equal(frame.head.features, 7);
    assert_int_equal(frame.messages_count, 7);
    check_sessions(frame.messages);
    check_snapshots(frame.messages);
    wire_peer_frame_release(&frame);
}

/* Payloads of the one kind that has some are given back, whatever stands beside them. */
static void test_release_among_others(void **state)
{
    struct rig *rig = *state;
    struct cd_blob *batch = cd_blob_copy("batch", 5);
    struct paxos_entry entry = {10, some_ballot, PAXOS_COMMANDS, {0}, batch};
    struct paxos_message message = {
        .kind = PAXOS_MSG_ACCEPT, .entries = &entry, .entries_count = 1};
    put_later(&rig->buf);
    assert_int_equal(wire_peer_put_consensus(&rig->buf, &message), CD_OK);
    put_later(&rig->buf);
    struct wire_peer_frame frame;
    assert_int_equal(decode(rig, &frame), CD_OK);
    assert_int_equal(frame.messages_count, 15);
    wire_peer_frame_release(&frame);
    cd_blob_unref(batch);
}

/* ---- What is refused ---- */

/* Puts a head and one message, both as they are given, and decodes. */
static enum cd_status refused_as(struct rig *rig, Coord__Peer__V1__PeerMessage *message)
{
    Coord__Peer__V1__PeerFrame frame = COORD__PEER__V1__PEER_FRAME__INIT;
    frame.version = WIRE_PEER_VERSION;
    frame.from_node = 2;
    frame.messages = &message;
    frame.n_messages = 1;
    struct cd_blob *packed = pack(&frame.base);
    cd_buf_clear(&rig->buf);
    cd_buf_put(&rig->buf, packed->data, packed->bytes);
    cd_blob_unref(packed);
    struct wire_peer_frame seen;
    enum cd_status status = decode(rig, &seen);
    if (status == CD_OK) {
        wire_peer_frame_release(&seen);
    }
    return status;
}

static enum cd_status head_refused_as(struct rig *rig, Coord__Peer__V1__PeerFrame *frame)
{
    struct cd_blob *packed = pack(&frame->base);
    struct wire_peer_frame seen;
    enum cd_status status =
        wire_peer_frame_decode(&rig->arena, 1, packed->data, packed->bytes, &seen, &rig->error);
    cd_blob_unref(packed);
    return status;
}

static void test_heads(void **state)
{
    struct rig *rig = *state;
    Coord__Peer__V1__PeerFrame frame = COORD__PEER__V1__PEER_FRAME__INIT;
    frame.version = WIRE_PEER_VERSION;
    frame.from_node = 1;
    assert_int_equal(head_refused_as(rig, &frame), CD_OK);
    frame.cluster_id = binary("short");
    assert_int_equal(head_refused_as(rig, &frame), CD_MALFORMED);
    frame.cluster_id = binary("");
    frame.from_node = 0;
    assert_int_equal(head_refused_as(rig, &frame), CD_MALFORMED);
    frame.from_node = 1;
    frame.version = 0;
    assert_int_equal(head_refused_as(rig, &frame), CD_MALFORMED);
    frame.version = WIRE_PEER_VERSION + 1;
    assert_int_equal(head_refused_as(rig, &frame), CD_NEWER_FORMAT);
    assert_says(&rig->error, "version 2");
}

static void test_unknown_kinds_are_left_out(void **state)
{
    struct rig *rig = *state;
    Coord__Peer__V1__Consensus consensus = COORD__PEER__V1__CONSENSUS__INIT;
    Coord__Peer__V1__PeerMessage message = COORD__PEER__V1__PEER_MESSAGE__INIT;
    message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_CONSENSUS;
    message.consensus = &consensus;
    Coord__Peer__V1__PeerMessage nothing = COORD__PEER__V1__PEER_MESSAGE__INIT;
    Coord__Peer__V1__PeerMessage *list[] = {&message, &nothing};
    static const int kinds[] = {0, 17, 1000, -1};
    for (size_t i = 0; i < CD_ARRAY_COUNT(kinds); i++) {
        consensus.kind = (Coord__Peer__V1__ConsensusKind)kinds[i];
        Coord__Peer__V1__PeerFrame frame = COORD__PEER__V1__PEER_FRAME__INIT;
        frame.version = WIRE_PEER_VERSION;
        frame.from_node = 2;
        frame.messages = list;
        frame.n_messages = 2;
        struct cd_blob *packed = pack(&frame.base);
        struct wire_peer_frame seen;
        assert_int_equal(
            wire_peer_frame_decode(&rig->arena, 1, packed->data, packed->bytes, &seen, &rig->error),
            CD_OK);
        assert_int_equal(seen.messages_count, 0);
        cd_blob_unref(packed);
    }
}

/* One good entry of each kind, to be spoilt. */
struct entry_case {
    Coord__Peer__V1__Entry entry, good;
    Coord__Peer__V1__Entry *entries[2];
    Coord__Peer__V1__Ballot lead;
    Coord__Peer__V1__Config config;
    Coord__Peer__V1__ConfigMember members[PAXOS_MEMBERS_MAX + 1];
    Coord__Peer__V1__ConfigMember *pointers[PAXOS_MEMBERS_MAX + 1];
    Coord__Peer__V1__Consensus consensus;
    Coord__Peer__V1__PeerMessage message;
};

static void entry_init(struct entry_case *each, Coord__Peer__V1__EntryKind kind)
{
    coord__peer__v1__entry__init(&each->entry);
    coord__peer__v1__entry__init(&each->good);
    coord__peer__v1__ballot__init(&each->lead);
    coord__peer__v1__config__init(&each->config);
    coord__peer__v1__consensus__init(&each->consensus);
    coord__peer__v1__peer_message__init(&each->message);
    for (size_t i = 0; i < CD_ARRAY_COUNT(each->members); i++) {
        coord__peer__v1__config_member__init(&each->members[i]);
        each->members[i].node = (uint32_t)i + 1;
        each->members[i].role = COORD__PEER__V1__ROLE__ROLE_LEARNER;
        each->pointers[i] = &each->members[i];
    }
    each->members[0].role = COORD__PEER__V1__ROLE__ROLE_VOTER;
    each->config.cluster_id = binary("0123456789abcdef");
    each->config.alpha = 16;
    each->config.generation = 1;
    each->config.members = each->pointers;
    each->config.n_members = PAXOS_MEMBERS_MAX;
    each->entry.slot = 2;
    each->entry.kind = kind;
    each->entry.lead = kind == COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_LEAD ? &each->lead : NULL;
    if (kind == COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_CONFIG) {
        each->entry.config = &each->config;
    }
    if (kind == COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_COMMANDS) {
        each->entry.payload = binary("batch");
    }
    /* An entry with a payload before it, which must not be lost when this one is refused. */
    each->good.slot = 1;
    each->good.kind = COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_COMMANDS;
    each->good.payload = binary("batch");
    each->entries[0] = &each->good;
    each->entries[1] = &each->entry;
    each->consensus.kind = COORD__PEER__V1__CONSENSUS_KIND__CONSENSUS_KIND_ACCEPT;
    each->consensus.entries = each->entries;
    each->consensus.n_entries = 2;
    each->message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_CONSENSUS;
    each->message.consensus = &each->consensus;
}

static void test_entries(void **state)
{
    struct rig *rig = *state;
    struct entry_case each;
    for (int kind = 1; kind <= 4; kind++) {
        entry_init(&each, (Coord__Peer__V1__EntryKind)kind);
        assert_int_equal(refused_as(rig, &each.message), CD_OK);
        each.entry.slot = 0;
        assert_int_equal(refused_as(rig, &each.message), CD_MALFORMED);
        for (int other = 1; other <= 4; other++) { /* content of one kind under another */
            entry_init(&each, (Coord__Peer__V1__EntryKind)kind);
            each.entry.kind = (Coord__Peer__V1__EntryKind)other;
            assert_int_equal(refused_as(rig, &each.message), other == kind ? CD_OK : CD_MALFORMED);
        }
    }
    entry_init(&each, COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_NOOP);
    each.entry.kind = (Coord__Peer__V1__EntryKind)5;
    assert_int_equal(refused_as(rig, &each.message), CD_NEWER_FORMAT);
    each.entry.kind = COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_UNSPECIFIED;
    assert_int_equal(refused_as(rig, &each.message), CD_NEWER_FORMAT);

    entry_init(&each, COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_COMMANDS);
    uint8_t *large = cd_calloc(1, WIRE_BATCH_BYTES_MAX + 1);
    each.entry.payload = binary_bytes(large, WIRE_BATCH_BYTES_MAX);
    assert_int_equal(refused_as(rig, &each.message), CD_OK);
    each.entry.payload.len++;
    assert_int_equal(refused_as(rig, &each.message), CD_MALFORMED);
    cd_free(large);
}

static void test_configs(void **state)
{
    struct rig *rig = *state;
    struct entry_case each;
#define REFUSED(change, status)                                                                    \
    do {                                                                                           \
        entry_init(&each, COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_CONFIG);                         \
        change;                                                                                    \
        assert_int_equal(refused_as(rig, &each.message), status);                                  \
    } while (0)
    REFUSED((void)0, CD_OK);
    REFUSED(each.config.alpha = PAXOS_ALPHA_MIN, CD_OK);
    REFUSED(each.config.alpha = PAXOS_ALPHA_MIN - 1, CD_MALFORMED);
    REFUSED(each.config.alpha = PAXOS_ALPHA_MAX, CD_OK);
    REFUSED(each.config.alpha = PAXOS_ALPHA_MAX + 1, CD_MALFORMED);
    REFUSED(each.config.generation = 0, CD_MALFORMED);
    REFUSED(each.config.generation = 65535, CD_OK);
    REFUSED(each.config.generation = 65536, CD_MALFORMED);
    REFUSED(each.config.cluster_id.len = 15, CD_MALFORMED);
    REFUSED(each.config.n_members = PAXOS_MEMBERS_MAX + 1, CD_MALFORMED);
    REFUSED(each.config.n_members = 0, CD_MALFORMED);
    REFUSED(each.members[0].role = COORD__PEER__V1__ROLE__ROLE_OBSERVER, CD_MALFORMED);
    REFUSED(each.members[1].role = COORD__PEER__V1__ROLE__ROLE_UNSPECIFIED, CD_NEWER_FORMAT);
    REFUSED(each.members[1].role = (Coord__Peer__V1__Role)4, CD_NEWER_FORMAT);
    REFUSED(each.members[1].node = 0, CD_MALFORMED);
    REFUSED(each.members[1].node = 1, CD_MALFORMED);
    entry_init(&each, COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_CONFIG);
    for (size_t i = 0; i < PAXOS_VOTERS_MAX; i++) {
        each.members[i].role = COORD__PEER__V1__ROLE__ROLE_VOTER;
    }
    assert_int_equal(refused_as(rig, &each.message), CD_OK);
    each.members[PAXOS_VOTERS_MAX].role = COORD__PEER__V1__ROLE__ROLE_VOTER;
    assert_int_equal(refused_as(rig, &each.message), CD_MALFORMED);
}

static void test_forwards_refused(void **state)
{
    struct rig *rig = *state;
    Coord__Peer__V1__Forward forward = COORD__PEER__V1__FORWARD__INIT;
    Coord__Peer__V1__PeerMessage message = COORD__PEER__V1__PEER_MESSAGE__INIT;
    message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD;
    message.forward = &forward;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED); /* empty */
    uint8_t *large = cd_calloc(1, WIRE_COMMAND_BYTES_MAX + 1);
    forward.command = binary_bytes(large, WIRE_COMMAND_BYTES_MAX);
    assert_int_equal(refused_as(rig, &message), CD_OK);
    forward.command.len++;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
    cd_free(large);

    Coord__Peer__V1__ForwardRefused refused = COORD__PEER__V1__FORWARD_REFUSED__INIT;
    message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_FORWARD_REFUSED;
    message.forward_refused = &refused;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
    refused.code = CD_STATUS_CLIENT_MAX + 1;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
    refused.code = CD_BUSY;
    assert_int_equal(refused_as(rig, &message), CD_OK);
}

static void test_sessions_refused(void **state)
{
    struct rig *rig = *state;
    Coord__Peer__V1__Renewal renewal = COORD__PEER__V1__RENEWAL__INIT;
    Coord__Peer__V1__NotRenewed refused = COORD__PEER__V1__NOT_RENEWED__INIT;
    Coord__Peer__V1__Renew renew = COORD__PEER__V1__RENEW__INIT;
    Coord__Peer__V1__Renewed renewed = COORD__PEER__V1__RENEWED__INIT;
    Coord__Peer__V1__PeerMessage message = COORD__PEER__V1__PEER_MESSAGE__INIT;
    Coord__Peer__V1__Renewal *renewals[WIRE_PEER_SESSIONS_MAX + 1];
    Coord__Peer__V1__NotRenewed *refusals[WIRE_PEER_SESSIONS_MAX + 1];
    for (size_t i = 0; i < CD_ARRAY_COUNT(renewals); i++) {
        renewals[i] = &renewal;
        refusals[i] = &refused;
    }
    renewal.session_id = 1;
    refused.code = CD_SESSION_EXPIRED;
    renew.sessions = renewals;
    renewed.refused = refusals;
    message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_RENEW;
    message.renew = &renew;
    renew.n_sessions = WIRE_PEER_SESSIONS_MAX;
    assert_int_equal(refused_as(rig, &message), CD_OK);
    renew.n_sessions++;
    assert_int_equal(refused_as(rig, &message), CD_TOO_MANY);
    message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_RENEWED;
    message.renewed = &renewed;
    renewed.n_refused = WIRE_PEER_SESSIONS_MAX;
    assert_int_equal(refused_as(rig, &message), CD_OK);
    renewed.n_refused++;
    assert_int_equal(refused_as(rig, &message), CD_TOO_MANY);
    renewed.n_refused = 1;
    refused.code = CD_STATUS_CLIENT_MAX + 1;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
    refused.code = 0;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
}

static void test_snapshots_refused(void **state)
{
    struct rig *rig = *state;
    Coord__Peer__V1__SnapshotOffer offer = COORD__PEER__V1__SNAPSHOT_OFFER__INIT;
    Coord__Peer__V1__SnapshotChunk chunk = COORD__PEER__V1__SNAPSHOT_CHUNK__INIT;
    Coord__Peer__V1__PeerMessage message = COORD__PEER__V1__PEER_MESSAGE__INIT;
    message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_OFFER;
    message.snapshot_offer = &offer;
    offer.file_bytes = 1;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED); /* no slot */
    offer.slot = 1;
    assert_int_equal(refused_as(rig, &message), CD_OK);
    offer.file_bytes = 0;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
    message.message_case = COORD__PEER__V1__PEER_MESSAGE__MESSAGE_SNAPSHOT_CHUNK;
    message.snapshot_chunk = &chunk;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED); /* empty */
    uint8_t *large = cd_calloc(1, WIRE_SNAPSHOT_CHUNK_BYTES_MAX + 1);
    chunk.data = binary_bytes(large, WIRE_SNAPSHOT_CHUNK_BYTES_MAX);
    assert_int_equal(refused_as(rig, &message), CD_OK);
    chunk.offset = UINT64_MAX - WIRE_SNAPSHOT_CHUNK_BYTES_MAX;
    assert_int_equal(refused_as(rig, &message), CD_OK);
    chunk.offset++; /* it would end beyond what can be counted */
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
    chunk.offset = 0;
    chunk.data.len++;
    assert_int_equal(refused_as(rig, &message), CD_MALFORMED);
    cd_free(large);
}

static void test_limits(void **state)
{
    struct rig *rig = *state;
    struct paxos_message message = {.kind = PAXOS_MSG_HEARTBEAT, .nonce = 1};
    struct wire_peer_frame frame;
    assert_int_equal(wire_peer_put_head(&rig->buf, &some_head), CD_OK);
    for (size_t i = 0; i < WIRE_PEER_FRAME_MESSAGES_MAX; i++) {
        assert_int_equal(wire_peer_put_consensus(&rig->buf, &message), CD_OK);
    }
    assert_int_equal(decode(rig, &frame), CD_OK);
    wire_peer_frame_release(&frame);
    assert_int_equal(wire_peer_put_consensus(&rig->buf, &message), CD_OK);
    assert_int_equal(decode(rig, &frame), CD_TOO_MANY);

    struct entry_case each;
    entry_init(&each, COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_NOOP);
    Coord__Peer__V1__Entry *list[PAXOS_MESSAGE_ENTRIES_MAX + 1];
    for (size_t i = 0; i < CD_ARRAY_COUNT(list); i++) {
        list[i] = &each.entry;
    }
    each.consensus.entries = list;
    each.consensus.n_entries = PAXOS_MESSAGE_ENTRIES_MAX;
    assert_int_equal(refused_as(rig, &each.message), CD_OK);
    each.consensus.n_entries++;
    assert_int_equal(refused_as(rig, &each.message), CD_TOO_MANY);
}

/* The largest message that paxos makes fits a frame; a second one does not, and costs nothing. */
static void test_largest_message(void **state)
{
    struct rig *rig = *state;
    struct cd_blob *small = cd_blob_create(PAXOS_MESSAGE_BYTES_SOFT - 1);
    struct cd_blob *large = cd_blob_create(WIRE_BATCH_BYTES_MAX);
    memset(small->data, 1, small->bytes);
    memset(large->data, 2, large->bytes);
    struct paxos_entry entries[2] = {{1, some_ballot, PAXOS_COMMANDS, {0}, small},
                                     {2, some_ballot, PAXOS_COMMANDS, {0}, large}};
    struct paxos_message message = {
        .kind = PAXOS_MSG_CHOSEN, .entries = entries, .entries_count = 2};
    assert_int_equal(wire_peer_put_head(&rig->buf, &some_head), CD_OK);
    assert_int_equal(wire_peer_put_consensus(&rig->buf, &message), CD_OK);
    size_t before = rig->buf.bytes;
    assert_int_equal(wire_peer_put_consensus(&rig->buf, &message), CD_TOO_LARGE);
    assert_int_equal(rig->buf.bytes, before);
    struct wire_peer_frame frame;
    assert_int_equal(decode(rig, &frame), CD_OK);
    assert_int_equal(frame.messages[0].consensus.entries[1].payload->bytes, large->bytes);
    wire_peer_frame_release(&frame);
    cd_blob_unref(small);
    cd_blob_unref(large);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_golden),
        WITH_RIG(test_round_trip),
        WITH_RIG(test_head_and_forwards),
        WITH_RIG(test_later_messages),
        WITH_RIG(test_release_among_others),
        WITH_RIG(test_heads),
        WITH_RIG(test_unknown_kinds_are_left_out),
        WITH_RIG(test_entries),
        WITH_RIG(test_configs),
        WITH_RIG(test_forwards_refused),
        WITH_RIG(test_sessions_refused),
        WITH_RIG(test_snapshots_refused),
        WITH_RIG(test_limits),
        WITH_RIG(test_largest_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
