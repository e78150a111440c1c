#include "support.h"

/*
 * Goal: what a replica wrote it reads again, and it does not read past what it does not know. The
 * entries are test_peer's, the commands test_command's.
 */

static struct paxos_config some_config(uint32_t node)
{
    struct paxos_config config = {.alpha = 8, .generation = 2, .based_on = 4, .members_count = 1};
    memset(config.cluster_id, 7, sizeof(config.cluster_id));
    config.members[0] = (struct paxos_member){70, node, PAXOS_VOTER};
    return config;
}

static void test_entry(void **state)
{
    struct rig *rig = *state;
    struct paxos_config config = some_config(3);
    struct paxos_entry entry = {.slot = 9, .ballot = {5, 6, 7}, .kind = PAXOS_CONFIG};
    entry.payload = cd_blob_copy(&config, sizeof(config));
    assert_int_equal(wire_entry_encode(&rig->buf, &entry, true), CD_OK);
    struct paxos_entry seen;
    bool learned = false;
    assert_int_equal(
        wire_entry_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &learned, &rig->error),
        CD_OK);
    assert_true(learned);
    assert_int_equal(seen.slot, 9);
    assert_int_equal(paxos_ballot_compare(seen.ballot, entry.ballot), 0);
    struct paxos_config value;
    assert_int_equal(seen.payload->bytes, sizeof(value));
    memcpy(&value, seen.payload->data, sizeof(value));
    assert_int_equal(value.members_count, 1);
    assert_int_equal(value.members[0].node, 3);
    cd_blob_unref(entry.payload);
    cd_blob_unref(seen.payload);

    cd_buf_clear(&rig->buf);
    entry = (struct paxos_entry){.slot = 9, .kind = PAXOS_NOOP};
    assert_int_equal(wire_entry_encode(&rig->buf, &entry, false), CD_OK);
    assert_int_equal(
        wire_entry_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &learned, &rig->error),
        CD_OK);
    assert_false(learned);
    assert_null(seen.payload);
    assert_int_equal(wire_entry_decode(&rig->arena, "", 0, &seen, &learned, &rig->error),
                     CD_MALFORMED);
}

static void test_promise_and_mark(void **state)
{
    struct rig *rig = *state;
    struct paxos_ballot ballot = {5, UINT64_MAX, 7};
    struct paxos_ballot seen;
    assert_int_equal(wire_promise_encode(&rig->buf, ballot), CD_OK);
    assert_int_equal(
        wire_promise_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &rig->error), CD_OK);
    assert_int_equal(paxos_ballot_compare(seen, ballot), 0);
    assert_int_equal(wire_promise_decode(&rig->arena, "", 0, &seen, &rig->error), CD_MALFORMED);

    cd_buf_clear(&rig->buf);
    paxos_slot slot = 0;
    assert_int_equal(wire_mark_encode(&rig->buf, 1234567), CD_OK);
    assert_int_equal(
        wire_mark_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &slot, &rig->error), CD_OK);
    assert_int_equal(slot, 1234567);
}

static void test_state(void **state)
{
    struct rig *rig = *state;
    struct wire_config_at *configs = cd_calloc(WIRE_CONFIGS_MAX, sizeof(*configs));
    struct wire_position positions[WIRE_POSITIONS_MAX];
    for (uint32_t i = 0; i < WIRE_CONFIGS_MAX; i++) {
        configs[i].slot = 100 + i;
        configs[i].config = some_config(1 + i);
    }
    for (uint32_t i = 0; i < WIRE_POSITIONS_MAX; i++) {
        positions[i] = (struct wire_position){i + 1, 1000 + i, 2000 + i};
    }
    struct wire_state given = {.incarnation = 55,
                               .promised = {9, 8, 7},
                               .chosen = 99,
                               .configs = configs,
                               .configs_count = WIRE_CONFIGS_MAX,
                               .positions = positions,
                               .positions_count = WIRE_POSITIONS_MAX};
    struct wire_state seen;
    assert_int_equal(wire_state_encode(&rig->buf, &given), CD_OK);
    assert_int_equal(
        wire_state_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &rig->error), CD_OK);
    assert_int_equal(seen.incarnation, 55);
    assert_int_equal(paxos_ballot_compare(seen.promised, given.promised), 0);
    assert_int_equal(seen.chosen, 99);
    assert_int_equal(seen.configs_count, WIRE_CONFIGS_MAX);
    assert_int_equal(seen.configs[63].slot, 163);
    assert_int_equal(seen.configs[63].config.members[0].node, 64);
    assert_int_equal(seen.configs[63].config.cluster_id[0], 7);
    assert_int_equal(seen.positions_count, WIRE_POSITIONS_MAX);
    assert_int_equal(seen.positions[63].node, 64);
    assert_int_equal(seen.positions[63].incarnation, 1063);
    assert_int_equal(seen.positions[63].position, 2063);

    cd_buf_clear(&rig->buf);
    assert_int_equal(wire_peers_encode(&rig->buf, positions, 3), CD_OK);
    assert_int_equal(
        wire_peers_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &seen, &rig->error), CD_OK);
    assert_int_equal(seen.positions_count, 3);
    assert_int_equal(seen.configs_count, 0);
    assert_int_equal(seen.positions[2].position, 2002);
    cd_free(configs);
}

static void test_too_many(void **state)
{
    struct rig *rig = *state;
    Coord__Storage__V1__PeersRecord record = COORD__STORAGE__V1__PEERS_RECORD__INIT;
    Coord__Storage__V1__PeerPosition position = COORD__STORAGE__V1__PEER_POSITION__INIT;
    Coord__Storage__V1__PeerPosition *positions[WIRE_POSITIONS_MAX + 1];
    for (size_t i = 0; i < CD_ARRAY_COUNT(positions); i++) {
        positions[i] = &position;
    }
    record.positions = positions;
    record.n_positions = CD_ARRAY_COUNT(positions);
    struct cd_blob *bytes = pack(&record.base);
    struct wire_state seen;
    assert_int_equal(wire_peers_decode(&rig->arena, bytes->data, bytes->bytes, &seen, &rig->error),
                     CD_MALFORMED);
    cd_blob_unref(bytes);

    Coord__Storage__V1__StateRecord whole = COORD__STORAGE__V1__STATE_RECORD__INIT;
    Coord__Storage__V1__ConfigAt at = COORD__STORAGE__V1__CONFIG_AT__INIT;
    Coord__Storage__V1__ConfigAt *configs[WIRE_CONFIGS_MAX + 1];
    for (size_t i = 0; i < CD_ARRAY_COUNT(configs); i++) {
        configs[i] = &at;
    }
    whole.configs = configs;
    whole.n_configs = CD_ARRAY_COUNT(configs);
    bytes = pack(&whole.base);
    assert_int_equal(wire_state_decode(&rig->arena, bytes->data, bytes->bytes, &seen, &rig->error),
                     CD_MALFORMED);
    assert_says(&rig->error, "65 configurations");
    cd_blob_unref(bytes);
}

/* ---- Batches ---- */

static void test_batch(void **state)
{
    struct rig *rig = *state;
    struct fsm_batch_stamp stamp = {1700000000000, 12345};
    assert_int_equal(wire_batch_put_stamp(&rig->buf, &stamp), CD_OK);
    char name[20];
    for (unsigned i = 0; i < 100; i++) {
        memset(name, (int)('a' + i % 26), sizeof(name));
        struct fsm_bytes command = {(const uint8_t *)name, i % 20 + 1};
        assert_int_equal(wire_batch_put_command(&rig->buf, command), CD_OK);
    }
    struct wire_batch batch;
    assert_int_equal(
        wire_batch_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &batch, &rig->error), CD_OK);
    memset(rig->buf.data, 0xee, rig->buf.bytes);
    assert_int_equal(batch.stamp.wall_ms, stamp.wall_ms);
    assert_int_equal(batch.stamp.elapsed_ms, stamp.elapsed_ms);
    assert_int_equal(batch.commands_count, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(batch.commands[i].bytes, i % 20 + 1);
        assert_int_equal(batch.commands[i].data[0], 'a' + i % 26);
    }
}

static void test_batch_limits(void **state)
{
    struct rig *rig = *state;
    struct wire_batch batch;
    for (unsigned i = 0; i < WIRE_BATCH_COMMANDS_MAX; i++) {
        assert_int_equal(wire_batch_put_command(&rig->buf, text("c")), CD_OK);
    }
    assert_int_equal(
        wire_batch_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &batch, &rig->error), CD_OK);
    assert_int_equal(wire_batch_put_command(&rig->buf, text("c")), CD_OK);
    assert_int_equal(
        wire_batch_decode(&rig->arena, rig->buf.data, rig->buf.bytes, &batch, &rig->error),
        CD_MALFORMED);

    /* A batch below its soft limit takes the largest command there is. */
    cd_buf_clear(&rig->buf);
    uint8_t *data = cd_calloc(1, WIRE_COMMAND_BYTES_MAX);
    struct fsm_bytes command = {data, WIRE_BATCH_BYTES_SOFT - 100};
    assert_int_equal(wire_batch_put_command(&rig->buf, command), CD_OK);
    command.bytes = WIRE_COMMAND_BYTES_MAX;
    assert_int_equal(wire_batch_put_command(&rig->buf, command), CD_OK);
    assert_int_equal(wire_batch_put_command(&rig->buf, command), CD_TOO_LARGE);

    /* ... and it fits a record and a peer's frame. */
    struct paxos_entry entry = {.slot = 1, .ballot = {1, 1, 1}, .kind = PAXOS_COMMANDS};
    entry.payload = cd_blob_create(WIRE_BATCH_BYTES_MAX);
    memset(entry.payload->data, 1, entry.payload->bytes);
    cd_buf_clear(&rig->buf);
    assert_int_equal(wire_entry_encode(&rig->buf, &entry, false), CD_OK);
    cd_blob_unref(entry.payload);
    cd_free(data);
}

/* ---- What a newer version wrote ---- */

static void test_unknown_fields_of_records(void **state)
{
    struct rig *rig = *state;
    struct paxos_entry entry;
    struct paxos_ballot ballot;
    struct wire_state seen;
    struct wire_batch batch;
    paxos_slot slot = 0;
    bool learned = false;
    static const uint8_t field[] = {0xa0, 0x1f, 0x01};
    assert_int_equal(
        wire_entry_decode(&rig->arena, field, sizeof(field), &entry, &learned, &rig->error),
        CD_NEWER_FORMAT);
    assert_int_equal(wire_promise_decode(&rig->arena, field, sizeof(field), &ballot, &rig->error),
                     CD_NEWER_FORMAT);
    assert_int_equal(wire_mark_decode(&rig->arena, field, sizeof(field), &slot, &rig->error),
                     CD_NEWER_FORMAT);
    assert_int_equal(wire_state_decode(&rig->arena, field, sizeof(field), &seen, &rig->error),
                     CD_NEWER_FORMAT);
    assert_int_equal(wire_peers_decode(&rig->arena, field, sizeof(field), &seen, &rig->error),
                     CD_NEWER_FORMAT);
    assert_int_equal(wire_batch_decode(&rig->arena, field, sizeof(field), &batch, &rig->error),
                     CD_NEWER_FORMAT);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_entry),
        WITH_RIG(test_promise_and_mark),
        WITH_RIG(test_state),
        WITH_RIG(test_too_many),
        WITH_RIG(test_batch),
        WITH_RIG(test_batch_limits),
        WITH_RIG(test_unknown_fields_of_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
