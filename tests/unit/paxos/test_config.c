#include "support.h"

#include "base/prng.h"

/* --- What a configuration may be --- */

static void test_sound_configurations(void **state)
{
    (void)state;
    struct paxos_config config = config_of(1);
    assert_true(paxos_config_is_sound(&config));
    config = config_of(PAXOS_VOTERS_MAX);
    assert_true(paxos_config_is_sound(&config));
    for (uint32_t node = PAXOS_VOTERS_MAX + 1; node <= PAXOS_MEMBERS_MAX; node++) {
        config_add(&config, node, node % 2 == 0 ? PAXOS_LEARNER : PAXOS_OBSERVER);
    }
    assert_int_equal(config.members_count, PAXOS_MEMBERS_MAX);
    assert_true(paxos_config_is_sound(&config));
    config.alpha = PAXOS_ALPHA_MIN;
    assert_true(paxos_config_is_sound(&config));
    config.alpha = PAXOS_ALPHA_MAX;
    assert_true(paxos_config_is_sound(&config));
    /* One node with two incarnations: the earlier one votes until its successor takes its place. */
    config = config_of(3);
    config_add(&config, 3, PAXOS_LEARNER);
    config.members[3].incarnation = 77;
    assert_true(paxos_config_is_sound(&config));
}

static void test_unsound_configurations(void **state)
{
    (void)state;
    struct paxos_config config = config_of(3);
    config.alpha = PAXOS_ALPHA_MIN - 1;
    assert_false(paxos_config_is_sound(&config));
    config.alpha = PAXOS_ALPHA_MAX + 1;
    assert_false(paxos_config_is_sound(&config));
    config = config_of(0);
    assert_false(paxos_config_is_sound(&config));
    config = config_of(PAXOS_VOTERS_MAX + 1);
    assert_false(paxos_config_is_sound(&config));
    config = config_of(3);
    config.members_count = PAXOS_MEMBERS_MAX + 1;
    assert_false(paxos_config_is_sound(&config));
    config = config_of(3);
    config.members[1].node = 0;
    assert_false(paxos_config_is_sound(&config));
    config = config_of(3);
    config_add(&config, 2, PAXOS_LEARNER);
    assert_false(paxos_config_is_sound(&config)); /* one incarnation twice */
    config = config_of(3);
    config.members[1].role = (enum paxos_role_of_member)0;
    assert_false(paxos_config_is_sound(&config));
    config.members[1].role = (enum paxos_role_of_member)4;
    assert_false(paxos_config_is_sound(&config));
    config = config_of(0);
    config_add(&config, 1, PAXOS_LEARNER);
    assert_false(paxos_config_is_sound(&config)); /* nobody votes */
}

/* --- Against a naive twin --- */

enum { TWIN_NODES = 9, TWIN_SLOTS = 40 };

struct twin {
    struct paxos px; /* only chosen, configs and peers are looked at */
    bool votes[TWIN_NODES + 1];
};

static struct twin twin;

static bool has_vote(const struct paxos *px, const struct paxos_peer *peer, paxos_slot slot)
{
    (void)px;
    (void)slot;
    return peer->prevote_granted;
}

static struct paxos_config random_config(struct cd_prng *prng, uint32_t alpha)
{
    struct paxos_config config = config_of(0);
    config.alpha = alpha;
    size_t voters = 0;
    for (uint32_t node = 1; node <= TWIN_NODES; node++) {
        uint64_t draw = cd_prng_below(prng, 5);
        if (draw < 2 && voters < PAXOS_VOTERS_MAX) {
            config_add(&config, node, PAXOS_VOTER);
            voters++;
        } else if (draw == 2) {
            config_add(&config, node, cd_prng_below(prng, 2) ? PAXOS_LEARNER : PAXOS_OBSERVER);
        }
    }
    if (voters == 0) {
        config_drop(&config, 1);
        config_add(&config, 1, PAXOS_VOTER);
    }
    return config;
}

static void random_twin(struct cd_prng *prng)
{
    memset(&twin, 0, sizeof(twin));
    struct paxos *px = &twin.px;
    uint32_t alpha = 2 + (uint32_t)cd_prng_below(prng, 6);
    px->node = 1;
    px->incarnation = incarnation_of(1);
    px->peers[0].node = 1;
    px->peers[0].incarnation = px->incarnation;
    px->configs_count = 1 + (size_t)cd_prng_below(prng, PAXOS_CONFIGS_MAX);
    paxos_slot at = 1;
    for (size_t i = 0; i < px->configs_count; i++) {
        px->configs[i].chosen_at = at;
        px->configs[i].from = at == 1 ? 1 : at + alpha;
        px->configs[i].config = random_config(prng, alpha);
        at = px->configs[i].from + cd_prng_below(prng, 5);
    }
    px->chosen = px->configs[0].from - 1 + cd_prng_below(prng, 12);
    for (uint32_t node = 1; node <= TWIN_NODES; node++) {
        twin.votes[node] = cd_prng_below(prng, 2) != 0;
        if (node != 1 && cd_prng_below(prng, 4) == 0) {
            twin.votes[node] = false; /* nobody ever heard of it */
            continue;
        }
        paxos_peer_get(px, node, incarnation_of(node))->prevote_granted = twin.votes[node];
    }
}

/* The last configuration that begins at or before the slot. */
static const struct paxos_governing *naive_governing(paxos_slot slot)
{
    const struct paxos_governing *found = NULL;
    for (size_t i = 0; i < twin.px.configs_count; i++) {
        if (twin.px.configs[i].from <= slot) {
            found = &twin.px.configs[i];
        }
    }
    return found;
}

static bool naive_votes(const struct paxos_config *config, uint32_t node)
{
    for (size_t i = 0; i < config->members_count; i++) {
        if (config->members[i].node == node && config->members[i].role == PAXOS_VOTER) {
            return true;
        }
    }
    return false;
}

static bool naive_majority(const struct paxos_config *config)
{
    int yes = 0;
    int no = 0;
    for (uint32_t node = 1; node <= TWIN_NODES; node++) {
        if (naive_votes(config, node)) {
            yes += twin.votes[node] ? 1 : 0;
            no += twin.votes[node] ? 0 : 1;
        }
    }
    return yes > no;
}

static void compare_twins(void)
{
    const struct paxos *px = &twin.px;
    for (paxos_slot slot = 1; slot < TWIN_SLOTS; slot++) {
        assert_ptr_equal(paxos_governing(px, slot), naive_governing(slot));
    }
    for (size_t i = 0; i < px->configs_count; i++) {
        assert_int_equal(paxos_has_majority(px, &px->configs[i].config, has_vote, 1),
                         naive_majority(&px->configs[i].config));
    }
    bool window = true;
    bool in_window[TWIN_NODES + 1] = {false};
    for (paxos_slot slot = px->chosen + 1; slot <= px->chosen + paxos_alpha(px); slot++) {
        const struct paxos_config *config = &naive_governing(slot)->config;
        window = window && naive_majority(config);
        for (uint32_t node = 1; node <= TWIN_NODES; node++) {
            in_window[node] = in_window[node] || naive_votes(config, node);
        }
    }
    assert_int_equal(paxos_has_window_majority(px, has_vote), window);
    for (uint32_t node = 1; node <= TWIN_NODES; node++) {
        assert_int_equal(paxos_votes_in_window(px, node, incarnation_of(node)), in_window[node]);
        assert_false(paxos_votes_in_window(px, node, 5)); /* R2: of another incarnation */
    }
}

static void test_who_governs_and_who_is_a_quorum(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 4);
    for (int i = 0; i < 30000; i++) {
        random_twin(&prng);
        compare_twins();
    }
}

/* --- Visiting members --- */

static uint32_t visited[TWIN_NODES + 1];

static void visit(struct paxos *px, const struct paxos_member *member, struct paxos_effects *out)
{
    (void)px;
    (void)out;
    visited[member->node]++;
}

static void test_each_member_is_visited_once(void **state)
{
    (void)state;
    struct cd_prng prng;
    cd_prng_init(&prng, 5);
    for (int i = 0; i < 20000; i++) {
        random_twin(&prng);
        struct paxos *px = &twin.px;
        uint32_t voters[TWIN_NODES + 1] = {0};
        uint32_t members[TWIN_NODES + 1] = {0};
        for (uint32_t node = 2; node <= TWIN_NODES; node++) { /* never ourselves */
            for (paxos_slot slot = px->chosen + 1; slot <= px->chosen + paxos_alpha(px); slot++) {
                voters[node] |= naive_votes(&naive_governing(slot)->config, node) ? 1 : 0;
            }
            for (size_t k = 0; k < px->configs_count; k++) {
                members[node] |=
                    paxos_member_find(&px->configs[k].config, node, incarnation_of(node)) != NULL
                        ? 1
                        : 0;
            }
        }
        memset(visited, 0, sizeof(visited));
        paxos_for_each_voter(px, visit, NULL);
        assert_memory_equal(visited, voters, sizeof(visited));
        memset(visited, 0, sizeof(visited));
        paxos_for_each_member(px, visit, NULL);
        assert_memory_equal(visited, members, sizeof(visited));
    }
}

/* --- Taking note of chosen configurations --- */

static struct paxos_config grown(struct rig *rig, uint32_t node)
{
    paxos_slot slot = 0;
    struct paxos_config config = *paxos_config_newest(rig->px, &slot);
    config.based_on = slot;
    config_add(&config, node, PAXOS_LEARNER);
    return config;
}

static void test_a_configuration_governs_from_alpha_on(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_config config = grown(&rig, 4);
    struct paxos_entry entries[] = {entry_of(2, PAXOS_NOOP), config_entry(&rig, 3, &config)};
    hear_chosen(&rig, 2, entries, 2);
    assert_int_equal(note_count(&rig, PAXOS_NOTE_CONFIG_CHOSEN), 1);
    assert_int_equal(paxos_governing(rig.px, 3 + RIG_ALPHA - 1)->chosen_at, 1);
    assert_int_equal(paxos_governing(rig.px, 3 + RIG_ALPHA)->chosen_at, 3);
    paxos_slot slot = 0;
    assert_int_equal(paxos_config_newest(rig.px, &slot)->members_count, 4);
    assert_int_equal(slot, 3);
    rig_release(&rig);
}

/* The first one is in force for the slots right behind it (R5). */
static void test_the_first_configuration_governs_at_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 2);
    assert_null(paxos_governing(rig.px, 1));
    assert_null(paxos_config_newest(rig.px, NULL));
    assert_int_equal(paxos_alpha(rig.px), 0);
    struct paxos_config config = config_of(3);
    struct paxos_entry entry = config_entry(&rig, 1, &config);
    hear_chosen(&rig, 1, &entry, 1);
    assert_int_equal(paxos_governing(rig.px, 1)->chosen_at, 1);
    assert_int_equal(paxos_governing(rig.px, 2)->chosen_at, 1);
    assert_int_equal(paxos_alpha(rig.px), RIG_ALPHA);
    rig_release(&rig);
}

static void test_a_superseded_change_has_no_effect(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_config first = grown(&rig, 4);
    struct paxos_config second = grown(&rig, 5); /* knows nothing of the first */
    struct paxos_entry entries[] = {config_entry(&rig, 2, &first), config_entry(&rig, 3, &second)};
    hear_chosen(&rig, 2, entries, 2);
    assert_int_equal(rig.px->chosen, 3); /* chosen it is, in its place */
    assert_int_equal(rig.out.chosen_count, 2);
    paxos_slot slot = 0;
    const struct paxos_config *newest = paxos_config_newest(rig.px, &slot);
    assert_int_equal(slot, 2);
    assert_non_null(paxos_member_find(newest, 4, incarnation_of(4)));
    assert_null(paxos_member_find(newest, 5, incarnation_of(5)));
    rig_release(&rig);
}

/* R5: one change in flight; the log alone decides, so that every replica decides alike. */
static void test_a_change_of_one_that_does_not_govern_yet_has_no_effect(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_config first = grown(&rig, 4);
    struct paxos_entry entry = config_entry(&rig, 2, &first);
    hear_chosen(&rig, 2, &entry, 1);
    struct paxos_config second = grown(&rig, 5); /* based on slot 2, which governs from 6 */
    struct paxos_entry early = config_entry(&rig, 3, &second);
    hear_chosen(&rig, 2, &early, 1);
    paxos_slot slot = 0;
    (void)paxos_config_newest(rig.px, &slot);
    assert_int_equal(slot, 2);
    struct paxos_entry rest[] = {entry_of(4, PAXOS_NOOP), entry_of(5, PAXOS_NOOP),
                                 config_entry(&rig, 6, &second)};
    hear_chosen(&rig, 2, rest, 3);
    (void)paxos_config_newest(rig.px, &slot);
    assert_int_equal(slot, 6);
    rig_release(&rig);
}

/* Nobody who takes part in choosing it would be left to carry the word to those it names. */
static void test_a_change_to_strangers_has_no_effect(void **state)
{
    (void)state;
    struct rig rig;
    struct paxos_config before = config_of(2);
    config_add(&before, 4, PAXOS_LEARNER);
    rig_member_of(&rig, 1, &before);
    struct paxos_config strangers = config_of(0);
    strangers.based_on = 1;
    config_add(&strangers, 4, PAXOS_VOTER); /* it learned, but it was no voter */
    config_add(&strangers, 5, PAXOS_VOTER);
    config_add(&strangers, 2, PAXOS_OBSERVER);
    struct paxos_config kept = strangers;
    kept.members[2].role = PAXOS_VOTER;
    struct paxos_entry entries[] = {config_entry(&rig, 2, &strangers),
                                    config_entry(&rig, 3, &kept)};
    paxos_slot slot = 0;
    hear_chosen(&rig, 2, entries, 1);
    assert_int_equal(rig.px->chosen, 2);
    (void)paxos_config_newest(rig.px, &slot);
    assert_int_equal(slot, 1);
    hear_chosen(&rig, 2, entries, 2);
    (void)paxos_config_newest(rig.px, &slot);
    assert_int_equal(slot, 3);
    rig_release(&rig);
}

static void test_configurations_of_the_past_are_forgotten(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_config config = grown(&rig, 4);
    struct paxos_entry entry = config_entry(&rig, 2, &config);
    hear_chosen(&rig, 2, &entry, 1);
    assert_int_equal(rig.px->configs_count, 2);
    for (paxos_slot slot = 3; slot < 2 + RIG_ALPHA; slot++) {
        assert_int_equal(rig.px->configs_count, 2);
        entry = entry_of(slot, PAXOS_NOOP);
        hear_chosen(&rig, 2, &entry, 1);
    }
    assert_int_equal(rig.px->configs_count, 1); /* the first open slot is the new one's */
    assert_int_equal(rig.px->configs[0].chosen_at, 2);
    rig_release(&rig);
}

static void test_being_named_is_remembered(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 4);
    assert_false(rig.px->was_member);
    struct paxos_config config = config_of(3);
    struct paxos_entry entry = config_entry(&rig, 1, &config);
    hear_chosen(&rig, 1, &entry, 1);
    assert_false(rig.px->was_member);
    assert_false(paxos_is_member(rig.px, 4, incarnation_of(4)));
    config = grown(&rig, 4);
    entry = config_entry(&rig, 2, &config);
    hear_chosen(&rig, 1, &entry, 1);
    assert_true(rig.px->was_member);
    assert_true(paxos_is_member(rig.px, 4, incarnation_of(4)));
    assert_false(paxos_is_member(rig.px, 4, 5));
    rig_release(&rig);
}

/* --- The table of peers --- */

static void test_peers_are_found_by_incarnation(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos_peer *first = paxos_peer_get(rig.px, 9, 1);
    struct paxos_peer *second = paxos_peer_get(rig.px, 9, 2);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(paxos_peer_find(rig.px, 9, 1), first);
    assert_ptr_equal(paxos_peer_get(rig.px, 9, 2), second);
    assert_null(paxos_peer_find(rig.px, 9, 3));
    assert_ptr_equal(paxos_peer_find(rig.px, 1, incarnation_of(1)), &rig.px->peers[0]);
    assert_int_equal(paxos_peer_index(rig.px, &rig.px->peers[0]), 0);
    assert_int_equal(paxos_peer_index(rig.px, second), second - rig.px->peers);
    rig_release(&rig);
}

static void test_the_stranger_heard_longest_ago_makes_room(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    for (uint32_t node = 100; node < 100 + 2 * PAXOS_PEERS_MAX; node++) {
        struct paxos_message m = message_of(&rig, PAXOS_MSG_PROBE, node);
        rig.now_ms++;
        rig_deliver(&rig, &m);
        assert_non_null(paxos_peer_find(rig.px, node, incarnation_of(node)));
    }
    /* Of the members none is gone, however long ago it was heard. */
    assert_non_null(paxos_peer_find(rig.px, 2, incarnation_of(2)));
    assert_non_null(paxos_peer_find(rig.px, 3, incarnation_of(3)));
    uint32_t oldest = 100 + 2 * PAXOS_PEERS_MAX - (PAXOS_PEERS_MAX - 3);
    assert_null(paxos_peer_find(rig.px, oldest - 1, incarnation_of(oldest - 1)));
    assert_non_null(paxos_peer_find(rig.px, oldest, incarnation_of(oldest)));
    rig_release(&rig);
}

/* Votes hang on places in the table: who takes one over must not inherit them. */
static void test_a_place_is_given_on_without_its_votes(void **state)
{
    (void)state;
    struct rig rig;
    rig_leader(&rig, 1, 3);
    rig_propose(&rig, "value");
    struct paxos_cell *cell = paxos_cell(rig.px, rig.px->chosen + 1);
    struct paxos_peer *stranger = paxos_peer_get(rig.px, 50, 1);
    uint32_t bit = 1u << paxos_peer_index(rig.px, stranger);
    cell->acks |= bit;
    stranger->promised_to = PAXOS_SLOT_MAX;
    for (uint32_t node = 51; node < 51 + PAXOS_PEERS_MAX; node++) {
        struct paxos_peer *peer = paxos_peer_get(rig.px, node, 1);
        peer->heard_ms = rig.now_ms + node;
        assert_int_equal(peer->promised_to, 0);
    }
    assert_null(paxos_peer_find(rig.px, 50, 1));
    assert_int_equal(cell->acks & bit, 0);
    rig_release(&rig);
}

static void test_a_table_full_of_members_takes_no_more(void **state)
{
    (void)state;
    struct rig rig;
    rig_member(&rig, 1, 3);
    struct paxos *px = rig.px;
    px->configs_count = 2;
    px->configs[1] = px->configs[0];
    for (size_t c = 0; c < 2; c++) {
        px->configs[c].config.members_count = PAXOS_MEMBERS_MAX;
        for (size_t i = 0; i < PAXOS_MEMBERS_MAX; i++) {
            uint32_t node = 200 + (uint32_t)(c * PAXOS_MEMBERS_MAX + i);
            px->configs[c].config.members[i] =
                (struct paxos_member){.node = node, .incarnation = 1, .role = PAXOS_LEARNER};
            struct paxos_peer *peer = paxos_peer_get(px, node, 1);
            assert_true(peer != NULL || node == 200 + PAXOS_PEERS_MAX - 1);
        }
    }
    assert_null(paxos_peer_get(px, 300, 1));
    px->configs_count = 1;
    px->configs[0].config = config_of(3);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_configurations),
        cmocka_unit_test(test_unsound_configurations),
        cmocka_unit_test(test_who_governs_and_who_is_a_quorum),
        cmocka_unit_test(test_each_member_is_visited_once),
        cmocka_unit_test(test_a_configuration_governs_from_alpha_on),
        cmocka_unit_test(test_the_first_configuration_governs_at_once),
        cmocka_unit_test(test_a_superseded_change_has_no_effect),
        cmocka_unit_test(test_a_change_of_one_that_does_not_govern_yet_has_no_effect),
        cmocka_unit_test(test_a_change_to_strangers_has_no_effect),
        cmocka_unit_test(test_configurations_of_the_past_are_forgotten),
        cmocka_unit_test(test_being_named_is_remembered),
        cmocka_unit_test(test_peers_are_found_by_incarnation),
        cmocka_unit_test(test_the_stranger_heard_longest_ago_makes_room),
        cmocka_unit_test(test_a_place_is_given_on_without_its_votes),
        cmocka_unit_test(test_a_table_full_of_members_takes_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
