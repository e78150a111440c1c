#include "story.h"

#include "base/memory.h"

/* --- A naive reading of the log --- */

enum { SLOTS_MAX = 4096 };

struct reading {
    struct paxos_ballot promised;
    paxos_slot chosen;
    uint64_t incarnation;
    const struct paxos_entry *accepted[SLOTS_MAX]; /* the last one in each slot */
    const struct paxos_entry *chosen_values[SLOTS_MAX];
};

static struct reading reading;

static void choose_to(paxos_slot mark)
{
    for (; reading.chosen < mark; reading.chosen++) {
        reading.chosen_values[reading.chosen + 1] = reading.accepted[reading.chosen + 1];
    }
}

static void read_log(const struct rig *rig, size_t records, const struct paxos_entry *first)
{
    memset(&reading, 0, sizeof(reading));
    reading.incarnation = rig->incarnation;
    reading.chosen = 1;
    reading.chosen_values[1] = first;
    for (size_t i = 0; i < records; i++) {
        const struct paxos_persist *persist = &rig->log[i].persist;
        if (paxos_ballot_compare(persist->ballot, reading.promised) > 0) {
            reading.promised = persist->ballot;
        }
        assert_true(persist->slot < SLOTS_MAX);
        if (persist->kind == PAXOS_PERSIST_ACCEPTED) {
            reading.accepted[persist->slot] = &persist->entry;
        } else if (persist->kind == PAXOS_PERSIST_LEARNED) {
            assert_int_equal(persist->slot, reading.chosen + 1);
            reading.chosen_values[persist->slot] = &persist->entry;
            reading.chosen = persist->slot;
        } else if (persist->kind == PAXOS_PERSIST_MARK) {
            choose_to(persist->slot);
        } else if (persist->kind == PAXOS_PERSIST_INSTALLED && persist->slot > reading.chosen) {
            reading.chosen = persist->slot;
        } else if (persist->kind == PAXOS_PERSIST_IDENTITY) {
            reading.incarnation = rig->log[i].incarnation;
        }
    }
}

static void compare_entries(const struct paxos_entry *a, const struct paxos_entry *b)
{
    assert_int_equal(a->slot, b->slot);
    assert_int_equal(a->kind, b->kind);
    assert_ballot(a->lead, b->lead);
    assert_int_equal(a->payload != NULL, b->payload != NULL);
    if (a->payload != NULL) {
        assert_int_equal(a->payload->bytes, b->payload->bytes);
        assert_memory_equal(a->payload->data, b->payload->data, a->payload->bytes);
    }
}

static void compare_with_reading(const struct paxos *px)
{
    assert_ballot(px->promised, reading.promised);
    assert_int_equal(px->chosen, reading.chosen);
    assert_true(px->incarnation == reading.incarnation);
    for (paxos_slot slot = px->chosen + 1; slot <= px->chosen + paxos_alpha(px); slot++) {
        const struct paxos_cell *cell = &px->cells[slot % PAXOS_ALPHA_MAX];
        const struct paxos_entry *accepted = reading.accepted[slot];
        bool holds = cell->slot == slot && cell->entry.kind != 0;
        assert_int_equal(holds, accepted != NULL);
        if (holds) {
            compare_entries(&cell->entry, accepted);
            assert_ballot(cell->entry.ballot, accepted->ballot);
        }
    }
}

/* --- Random lives --- */

/* The values that a life handed out, by slot; each has a reference. */
struct handed {
    struct paxos_entry entries[SLOTS_MAX];
    paxos_slot last;
};

static struct handed handed;

static void note_handed(const struct rig *rig)
{
    for (size_t i = 0; i < rig->out.chosen_count; i++) {
        const struct paxos_entry *entry = &rig->out.chosen[i];
        assert_true(entry->slot < SLOTS_MAX);
        if (handed.entries[entry->slot].kind == 0) { /* new, or a snapshot stood for it */
            paxos_entry_assign(&handed.entries[entry->slot], entry);
            handed.last = entry->slot > handed.last ? entry->slot : handed.last;
        } else {
            compare_entries(entry, &handed.entries[entry->slot]);
        }
    }
}

static void forget_handed(void)
{
    for (paxos_slot slot = 1; slot <= handed.last; slot++) {
        paxos_entry_drop(&handed.entries[slot]);
    }
    handed.last = 0;
}

static struct paxos_entry first_entry(const struct rig *rig)
{
    struct paxos_entry first = entry_of(1, PAXOS_CONFIG);
    first.payload = rig->blobs[0];
    return first;
}

static void live(struct rig *rig, uint64_t seed, int steps)
{
    struct paxos_config config = config_of(3);
    rig_member_of(rig, 1 + (uint32_t)(seed % 3), &config);
    struct story story;
    story_init(&story, rig, seed);
    for (int i = 0; i < steps; i++) {
        story_step(&story);
        note_handed(rig);
    }
}

/* After the last record the state is the one that was; acceptances of an earlier incarnation come
 * back with their records, which is harmless: they are true. */
static void test_the_whole_log_gives_the_state_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct rig rig;
        live(&rig, seed, 300);
        struct paxos *before = cd_calloc(1, sizeof(*before));
        memcpy(before, rig.px, sizeof(*before)); /* numbers only: its payloads go with the rig */
        struct paxos_entry first = first_entry(&rig);
        assert_int_equal(rig_restore(&rig, rig.log_count), CD_OK);
        read_log(&rig, rig.log_count, &first);
        compare_with_reading(rig.px);
        assert_ballot(rig.px->promised, before->promised);
        assert_int_equal(rig.px->chosen, before->chosen);
        assert_true(rig.px->incarnation == before->incarnation);
        assert_int_equal(rig.px->configs_count, before->configs_count);
        for (size_t i = 0; i < before->configs_count; i++) {
            assert_int_equal(rig.px->configs[i].chosen_at, before->configs[i].chosen_at);
            assert_int_equal(rig.px->configs[i].from, before->configs[i].from);
            assert_memory_equal(&rig.px->configs[i].config, &before->configs[i].config,
                                sizeof(before->configs[i].config));
        }
        for (paxos_slot slot = before->chosen + 1;
             slot <= before->chosen + RIG_ALPHA && before->start_position != UINT64_MAX; slot++) {
            const struct paxos_cell *was = &before->cells[slot % PAXOS_ALPHA_MAX];
            const struct paxos_cell *is = paxos_cell(rig.px, slot);
            bool held = was->slot == slot && was->entry.kind != 0;
            assert_int_equal(held, is->entry.kind != 0);
            assert_true(!held || paxos_ballot_compare(was->entry.ballot, is->entry.ballot) == 0);
        }
        cd_free(before);
        forget_handed();
        rig_release(&rig);
    }
}

/* A crash may cut the log after any record: it must still tell one story, the same one. */
static void test_every_beginning_of_the_log_makes_sense(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1020; seed++) {
        struct rig rig;
        live(&rig, seed, 250);
        struct paxos_entry first = first_entry(&rig);
        for (size_t records = rig.log_count + 1; records-- > 0;) {
            read_log(&rig, records, &first);
            assert_int_equal(rig_restore(&rig, records), CD_OK);
            compare_with_reading(rig.px);
            for (paxos_slot slot = 2; slot <= reading.chosen; slot++) {
                if (reading.chosen_values[slot] != NULL) { /* else a snapshot stands for it */
                    compare_entries(reading.chosen_values[slot], &handed.entries[slot]);
                }
            }
            paxos_check(rig.px);
        }
        forget_handed();
        rig_release(&rig);
    }
}

/* Life after life, cut anywhere above what was durable: what was handed out once is never another.
 */
static void test_lives_go_on_after_crashes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct rig rig;
        struct paxos_config config = config_of(3);
        rig_member_of(&rig, 1, &config);
        struct story story;
        story_init(&story, &rig, seed);
        story.crashes = 20;
        for (int i = 0; i < 400; i++) {
            story_step(&story);
        }
        assert_true(rig.px->chosen_durable <= rig.px->chosen);
        rig_release(&rig);
    }
}

/* --- What is corrupt --- */

static void restoring(struct rig *rig)
{
    rig_member(rig, 1, 3);
    assert_int_equal(rig_restore(rig, 0), CD_OK);
}

static enum cd_status learn(struct rig *rig, struct paxos_entry entry)
{
    paxos_effects_clear(&rig->out);
    enum cd_status status = paxos_restore_learned(rig->px, &entry, &rig->out);
    rig->handed = rig->px->chosen;
    return status;
}

static enum cd_status mark(struct rig *rig, paxos_slot slot)
{
    paxos_effects_clear(&rig->out);
    enum cd_status status = paxos_restore_mark(rig->px, slot, &rig->out);
    rig->handed = rig->px->chosen;
    return status;
}

static void test_a_mark_needs_its_slots(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    struct paxos_entry entry = command_entry(&rig, 2, "a");
    entry.ballot = ballot_of(2, 2);
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_OK);
    assert_int_equal(mark(&rig, 1), CD_OK); /* known already */
    assert_int_equal(mark(&rig, 2), CD_OK);
    assert_int_equal(rig.out.chosen_count, 1);
    assert_true(entry_says(&rig.out.chosen[0], "a"));
    assert_int_equal(mark(&rig, 3), CD_CORRUPT);
    assert_int_equal(mark(&rig, PAXOS_SLOT_MAX), CD_CORRUPT);
    rig_release(&rig);
    rig_init(&rig, 1);
    assert_int_equal(rig_restore(&rig, 0), CD_OK);
    assert_int_equal(mark(&rig, 1), CD_CORRUPT); /* before the first configuration */
    rig_release(&rig);
}

static void test_accepted_entries_lie_in_the_window(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    struct paxos_entry entry = entry_of(1, PAXOS_NOOP);
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_OK); /* chosen since: no matter */
    entry.slot = 1 + RIG_ALPHA;
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_OK);
    entry.slot = 2 + RIG_ALPHA;
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_CORRUPT);
    entry.slot = 0;
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_CORRUPT);
    entry.slot = PAXOS_SLOT_MAX;
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_CORRUPT);
    rig_release(&rig);
}

static void test_an_acceptance_is_a_promise(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    struct paxos_entry entry = entry_of(2, PAXOS_NOOP);
    entry.ballot = ballot_of(8, 3);
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_OK);
    assert_ballot(rig.px->promised, ballot_of(8, 3));
    assert_int_equal(paxos_restore_promise(rig.px, ballot_of(7, 3)), CD_OK);
    assert_ballot(rig.px->promised, ballot_of(8, 3)); /* P1 */
    assert_int_equal(rig.px->max_round_seen, 8);
    rig_release(&rig);
}

/* A base stands for everything up to its slot; records of that are passed over, others count. */
static void test_a_base_comes_first(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_base base = base_at(&rig, 20);
    rig_release(&rig);
    rig_init(&rig, 1);
    rig.incarnation = 4711; /* drawn in this start, not what the log says */
    assert_int_equal(rig_restore(&rig, 0), CD_OK);
    assert_int_equal(paxos_restore_base(rig.px, &base, 12), CD_OK);
    assert_int_equal(rig.px->chosen, 20);
    assert_false(rig.px->was_member);
    paxos_restore_identity(rig.px, incarnation_of(1));
    assert_true(rig.px->was_member);
    struct paxos_entry entry = command_entry(&rig, 13, "below");
    entry.ballot = ballot_of(4, 2);
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_OK);
    assert_int_equal(mark(&rig, 13), CD_OK);
    assert_int_equal(learn(&rig, entry_of(20, PAXOS_NOOP)), CD_OK);
    assert_int_equal(rig.out.chosen_count, 0);
    entry.slot = 22;
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_OK);
    assert_int_equal(paxos_restore_promise(rig.px, ballot_of(9, 2)), CD_OK);
    assert_int_equal(mark(&rig, 21), CD_CORRUPT);
    struct paxos_base older = base;
    older.slot = 15; /* an INSTALLED record of before: nothing changes but what the log lacks */
    assert_int_equal(paxos_restore_installed(rig.px, &older), CD_OK);
    assert_int_equal(rig.px->chosen, 20);
    assert_int_equal(rig.px->dropped, 15);
    assert_int_equal(paxos_restore_base(rig.px, &base, 17), CD_OK); /* told after the records */
    assert_int_equal(rig.px->dropped, 17);
    paxos_effects_clear(&rig.out);
    paxos_start(rig.px, rig.now_ms, 9, PAXOS_MEMORY_KEPT, &rig.out);
    assert_int_equal(rig.px->applied, 20);
    assert_int_equal(rig.px->chosen_durable, 20);
    assert_ballot(rig.px->promised, ballot_of(9, 2));
    assert_int_equal(paxos_cell(rig.px, 22)->entry.kind, PAXOS_COMMANDS);
    rig_release(&rig);
}

static void test_corrupt_bases(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_base base = base_at(&rig, 20);
    assert_int_equal(rig_restore(&rig, 0), CD_OK);
    assert_int_equal(paxos_restore_base(rig.px, &base, 21), CD_CORRUPT);
    struct paxos_base other = base;
    other.configs[0].config.alpha++;
    assert_int_equal(paxos_restore_base(rig.px, &other, 20), CD_CORRUPT);
    other = base;
    other.configs_count = 0;
    assert_int_equal(paxos_restore_base(rig.px, &other, 20), CD_CORRUPT);
    assert_int_equal(rig.px->chosen, 1);
    rig_release(&rig);
}

static void test_learned_entries_come_in_order(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    assert_int_equal(learn(&rig, entry_of(1, PAXOS_NOOP)), CD_OK); /* known already */
    assert_int_equal(learn(&rig, entry_of(3, PAXOS_NOOP)), CD_CORRUPT);
    assert_int_equal(learn(&rig, entry_of(0, PAXOS_NOOP)), CD_CORRUPT);
    assert_int_equal(learn(&rig, entry_of(2, PAXOS_NOOP)), CD_OK);
    assert_int_equal(rig.px->chosen, 2);
    assert_int_equal(learn(&rig, entry_of(3, PAXOS_COMMANDS)), CD_CORRUPT); /* no payload */
    assert_int_equal(learn(&rig, entry_of(3, (enum paxos_kind)9)), CD_CORRUPT);
    rig_release(&rig);
    rig_init(&rig, 1);
    assert_int_equal(rig_restore(&rig, 0), CD_OK);
    assert_int_equal(learn(&rig, entry_of(1, PAXOS_NOOP)), CD_CORRUPT); /* no configuration */
    rig_release(&rig);
}

static void test_configurations_that_break_a_limit(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    struct paxos_config config = config_of(3);
    config.based_on = 1;
    config.alpha = RIG_ALPHA + 1; /* the same for ever (R5) */
    struct paxos_entry entry = config_entry(&rig, 2, &config);
    assert_int_equal(learn(&rig, entry), CD_CORRUPT);
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_CORRUPT);
    config = config_of(0);
    config.based_on = 1;
    entry = config_entry(&rig, 2, &config);
    assert_int_equal(learn(&rig, entry), CD_CORRUPT);
    config = config_of(3); /* based on nothing, but not the first */
    entry = config_entry(&rig, 2, &config);
    assert_int_equal(learn(&rig, entry), CD_CORRUPT);
    entry = command_entry(&rig, 2, "not the size of a configuration");
    entry.kind = PAXOS_CONFIG;
    assert_int_equal(learn(&rig, entry), CD_CORRUPT);
    rig_release(&rig);
}

/* As long a chain of changes as anyone likes to write into a log. */
static void test_a_chain_of_configurations(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    for (paxos_slot slot = 2; slot < 20; slot++) {
        struct paxos_config config = config_of(3);
        config.based_on = slot - 1;
        enum cd_status status = learn(&rig, config_entry(&rig, slot, &config));
        assert_int_equal(status, CD_OK);
        assert_true(rig.px->configs_count <= PAXOS_CONFIGS_MAX);
    }
    rig_release(&rig);
}

static void test_rounds_out_of_the_world(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    assert_int_equal(paxos_restore_promise(rig.px, ballot_of(UINT64_MAX, 2)), CD_CORRUPT);
    assert_int_equal(paxos_restore_promise(rig.px, ballot_of(PAXOS_ROUND_MAX, 2)), CD_CORRUPT);
    assert_ballot(rig.px->promised, (struct paxos_ballot){0});
    struct paxos_entry entry = entry_of(2, PAXOS_NOOP);
    entry.ballot = ballot_of(PAXOS_ROUND_MAX, 2);
    assert_int_equal(paxos_restore_accepted(rig.px, &entry), CD_CORRUPT);
    rig_release(&rig);
}

static void test_positions_only_grow(void **state)
{
    (void)state;
    struct rig rig;
    restoring(&rig);
    paxos_restore_remembered(rig.px, 2, 8, 100);
    paxos_restore_remembered(rig.px, 2, 8, 90);
    paxos_restore_remembered(rig.px, 2, 9, 10);
    paxos_restore_remembered(rig.px, 1, 8, 500); /* of itself it remembers nothing */
    paxos_restore_remembered(rig.px, 0, 8, 500);
    assert_int_equal(paxos_peer_find(rig.px, 2, 8)->remembered, 100);
    assert_int_equal(paxos_peer_find(rig.px, 2, 9)->remembered, 10);
    uint32_t node = 0;
    uint64_t incarnation = 0;
    uint64_t position = 0;
    assert_true(paxos_remembered_at(rig.px, 1, &node, &incarnation, &position));
    assert_false(paxos_remembered_at(rig.px, 2, &node, &incarnation, &position));
    rig_release(&rig);
}

/* --- The start behind it --- */

static void test_everything_restored_counts_as_applied_and_durable(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_entry entries[] = {entry_of(2, PAXOS_NOOP), entry_of(3, PAXOS_NOOP)};
    hear_chosen(&rig, 2, entries, 2);
    rig_restart(&rig, rig.log_count);
    assert_int_equal(rig.px->applied, 3);
    assert_int_equal(rig.px->chosen_durable, 3);
    assert_int_equal(rig.px->marked, 3);
    assert_int_equal(rig.out.persist_count, 0);
    assert_int_equal(rig.out.chosen_count, 0);
    struct paxos_status status;
    paxos_status(rig.px, rig.now_ms, &status);
    assert_int_equal(status.known_chosen, 3);
    rig_release(&rig);
}

/* A ballot that was promised to itself, but never said, is not used again either. */
static void test_a_ballot_is_used_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    become_candidate(&rig);
    struct paxos_ballot first = rig.px->promised;
    rig_restart(&rig, rig.log_count);
    rig_verify(&rig);
    become_candidate(&rig);
    assert_true(rig.px->promised.round > first.round);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_log_gives_the_state_back),
        cmocka_unit_test(test_every_beginning_of_the_log_makes_sense),
        cmocka_unit_test(test_lives_go_on_after_crashes),
        cmocka_unit_test(test_a_mark_needs_its_slots),
        cmocka_unit_test(test_accepted_entries_lie_in_the_window),
        cmocka_unit_test(test_an_acceptance_is_a_promise),
        cmocka_unit_test(test_a_base_comes_first),
        cmocka_unit_test(test_corrupt_bases),
        cmocka_unit_test(test_learned_entries_come_in_order),
        cmocka_unit_test(test_configurations_that_break_a_limit),
        cmocka_unit_test(test_a_chain_of_configurations),
        cmocka_unit_test(test_rounds_out_of_the_world),
        cmocka_unit_test(test_positions_only_grow),
        cmocka_unit_test(test_everything_restored_counts_as_applied_and_durable),
        cmocka_unit_test(test_a_ballot_is_used_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
