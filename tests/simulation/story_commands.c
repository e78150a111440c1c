#include "simulation/story.h"

#include <stdlib.h>
#include <string.h>

/* What a story may tell to happen. */

static struct group_node *node_at(struct story *story, const struct story_words *words, size_t at,
                                  bool up)
{
    uint32_t id = at < words->count ? story_node(story, words->word[at]) : 0;
    if (id == 0) {
        story_fail(story, "a replica is needed");
        return NULL;
    }
    struct group_node *node = group_node(&story->group, id);
    if (node->up != up) {
        story_fail(story, "replica %u is %s", id, up ? "down" : "up");
        return NULL;
    }
    return node;
}

static void run_for(struct story *story, uint64_t ms)
{
    world_run_until(&story->world, story->world.now_us + ms * 1000);
}

/* Runs until the fact holds. */
static bool run_until(struct story *story, const struct story_words *words, size_t first)
{
    uint64_t stop_us = story->world.now_us + (uint64_t)STORY_PATIENCE_MS * 1000;
    while (!story->failed && !story_holds(story, words, first)) {
        if (story->world.now_us >= stop_us || !world_step(&story->world)) {
            return false;
        }
    }
    return !story->failed;
}

/* ---- The cluster ---- */

/* The number behind `name=`, or `fallback`. */
static uint64_t option(const struct story_words *words, const char *name, uint64_t fallback)
{
    size_t bytes = strlen(name);
    for (size_t i = 1; i < words->count; i++) {
        if (strncmp(words->word[i], name, bytes) == 0 && words->word[i][bytes] == '=') {
            return strtoull(words->word[i] + bytes + 1, NULL, 10);
        }
    }
    return fallback;
}

static bool flag(const struct story_words *words, const char *name)
{
    for (size_t i = 1; i < words->count; i++) {
        if (strcmp(words->word[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool all_vote(struct story *story, uint32_t nodes)
{
    struct group_node *leader = group_leader(&story->group);
    for (uint32_t id = 1; id <= nodes && leader != NULL; id++) {
        struct group_node *node = group_node(&story->group, id);
        struct paxos_status status;
        group_status(node, &status);
        if (!status.voter || !status.verified || node->applied != leader->applied) {
            return false;
        }
    }
    return leader != NULL;
}

static void note_incarnations(struct story *story)
{
    for (uint32_t id = 1; id <= story->group.options.nodes; id++) {
        story->incarnations[id] = group_node(&story->group, id)->incarnation;
        story->noted[id] = 0;
    }
}

/* Birth on replica 1; the others join and are promoted, which no trace shows. */
static void raise_cluster(struct story *story, uint32_t nodes)
{
    group_birth(group_node(&story->group, 1));
    uint64_t stop_us = (uint64_t)STORY_PATIENCE_MS * 1000;
    while (!all_vote(story, nodes) && story->world.now_us < stop_us) {
        run_for(story, 10);
    }
    run_for(story, 1000); /* the last change of members becomes active */
    if (!all_vote(story, nodes)) {
        story_fail(story, "the replicas did not become a cluster");
    }
}

static void do_cluster(struct story *story, const struct story_words *words)
{
    uint32_t nodes = words->count > 1 ? (uint32_t)strtoul(words->word[1], NULL, 10) : 0;
    uint32_t spares = (uint32_t)option(words, "spares", 0);
    if (story->begun || nodes == 0 || nodes + spares >= GROUP_NODES_MAX) {
        story_fail(story, "one cluster of 1 to %d replicas in a story", GROUP_NODES_MAX - 1);
        return;
    }
    struct group_watcher watcher = story->group.watcher;
    world_init(&story->world, option(words, "seed", 1));
    trace_init(&story->trace, &story->world);
    const struct group_options options = {
        .nodes = nodes + spares,
        .alpha = (uint32_t)option(words, "alpha", 8),
        .heartbeat_ms = 100,
        .election_ms = 500,
        .sync_us_min = 1000,
        .hide_cuts = true,
        .hidden = 1u << PAXOS_MSG_HEARTBEAT | 1u << PAXOS_MSG_HEARTBEAT_REPLY |
                  1u << PAXOS_MSG_PROBE | 1u << PAXOS_MSG_PROBE_REPLY | 1u << PAXOS_MSG_JOIN,
    };
    group_init(&story->group, &story->world, &story->trace, &options);
    story->group.watcher = watcher;
    story->group.network.weather.delay_us_min = 1000 * option(words, "delay", 5);
    story->begun = true;
    for (uint32_t id = 1; id <= nodes; id++) {
        group_start(group_node(&story->group, id), false);
    }
    if (!flag(words, "unborn")) {
        raise_cluster(story, nodes);
    }
    note_incarnations(story);
    story->trace.text = &story->text;
}

static void do_replicas(struct story *story, const struct story_words *words)
{
    uint32_t nodes = words->count > 1 ? (uint32_t)strtoul(words->word[1], NULL, 10) : 0;
    if (story->begun || nodes == 0 || nodes >= GROUP_NODES_MAX) {
        story_fail(story, "one cluster of 1 to %d replicas in a story", GROUP_NODES_MAX - 1);
        return;
    }
    story->group.options.nodes = nodes;
    story_whole_begin(story, nodes, option(words, "seed", 1), (uint32_t)option(words, "alpha", 8));
}

/* ---- Life and disks ---- */

static void do_start(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, false);
    if (node != NULL) {
        group_start(node, flag(words, "damaged"));
    }
}

static void do_crash(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        group_crash(node, flag(words, "keep") ? SIZE_MAX : 0);
    }
}

static void do_wipe(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, false);
    if (node != NULL) {
        group_wipe(node);
    }
}

static void do_copy(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        group_copy_disk(node);
    }
}

static void do_restore(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, false);
    if (node != NULL && node->has_yesterday) {
        group_restore_disk(node);
    } else {
        story_fail(story, "there is no copy of that disk");
    }
}

static void do_pause(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        group_pause(node);
    }
}

static void do_resume(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        group_resume(node);
    }
}

static void do_stall(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        group_stall_disk(node, strcmp(words->word[0], "stall") == 0);
    }
}

static void do_hold_apply(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        group_hold_apply(node, strcmp(words->word[0], "hold-apply") == 0);
    }
}

/* snapshot N [drop]: of what N has applied; its log goes behind it */
static void do_snapshot(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL && !group_take_snapshot(node, flag(words, "drop"))) {
        story_fail(story, "its log does not durably hold all that it applied");
    }
}

/* silence N...: until `wake` these replicas do nothing by themselves, they only answer */
static void do_silence(struct story *story, const struct story_words *words)
{
    for (size_t i = 1; i < words->count; i++) {
        struct group_node *node = node_at(story, words, i, true);
        if (node != NULL) {
            group_hold_timer(node, true);
        }
    }
}

static void wake_all(struct story *story)
{
    for (uint32_t id = 1; id <= story->group.options.nodes; id++) {
        group_hold_timer(group_node(&story->group, id), false);
    }
}

static void do_wake(struct story *story, const struct story_words *words)
{
    (void)words;
    wake_all(story);
}

/* ---- Consensus ---- */

static void do_birth(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node == NULL) {
        return;
    }
    if (paxos_is_empty(node->px)) {
        group_birth(node);
    } else {
        trace_line(&story->trace, "%u refuses: it holds a cluster already", node->id);
    }
}

/* The others only answer until the one that is to lead does. */
static void do_elect(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node == NULL) {
        return;
    }
    bool silent[GROUP_NODES_MAX] = {false};
    for (uint32_t id = 1; id <= story->group.options.nodes; id++) {
        silent[id] = group_node(&story->group, id)->timer_held;
        group_hold_timer(group_node(&story->group, id), id != node->id);
    }
    struct story_words wanted = {.word = {"leader", words->word[1]}, .count = 2};
    if (!run_until(story, &wanted, 0)) {
        story_fail(story, "replica %u was not elected within %d ms", node->id, STORY_PATIENCE_MS);
    }
    for (uint32_t id = 1; id <= story->group.options.nodes; id++) {
        group_hold_timer(group_node(&story->group, id), silent[id]);
    }
}

static void do_propose(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    for (size_t i = 2; node != NULL && i < words->count; i++) {
        size_t bytes = strlen(words->word[i]);
        if (bytes >= STORY_VALUE_BYTES) {
            story_fail(story, "a value of at most %d bytes", STORY_VALUE_BYTES - 1);
        } else if (paxos_may_propose(node->px)) {
            group_propose(node, cd_blob_copy(words->word[i], bytes));
        } else {
            trace_line(&story->trace, "%u may not propose", node->id);
        }
    }
}

static void do_read(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        story->reads[node->id] = (struct story_read){.asked = true, .token = node->read_token + 1};
        (void)group_read(node);
    }
}

static void do_hand_over(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    if (node != NULL) {
        group_hand_over(node, words->count > 2 ? story_node(story, words->word[2]) : 0);
    }
}

/* remove L N: L, which leads, is asked to remove N */
static void do_remove(struct story *story, const struct story_words *words)
{
    struct group_node *node = node_at(story, words, 1, true);
    uint32_t removed = words->count > 2 ? story_node(story, words->word[2]) : 0;
    if (node != NULL && removed != 0) {
        group_remove(node, removed);
    }
}

/* ---- Messages ---- */

/* "A->B", where either may be "*". */
static bool parse_link(struct story *story, const char *word, uint32_t *from, uint32_t *to)
{
    const char *arrow = strstr(word, "->");
    if (arrow == NULL) {
        story_fail(story, "%s: a link is written 1->2", word);
        return false;
    }
    char left[8] = "";
    size_t bytes = (size_t)(arrow - word);
    memcpy(left, word, bytes < sizeof(left) ? bytes : sizeof(left) - 1);
    *from = strcmp(left, "*") == 0 ? 0 : story_node(story, left);
    *to = strcmp(arrow + 2, "*") == 0 ? 0 : story_node(story, arrow + 2);
    return !story->failed;
}

static bool parse_kind(struct story *story, const char *word, bool *any,
                       enum paxos_message_kind *kind)
{
    *any = strcmp(word, "*") == 0;
    for (int i = PAXOS_MSG_PROBE; !*any && i <= PAXOS_MSG_TAKE_OVER; i++) {
        if (strcmp(word, paxos_message_name((enum paxos_message_kind)i)) == 0) {
            *kind = (enum paxos_message_kind)i;
            return true;
        }
    }
    if (!*any) {
        story_fail(story, "%s: no such message", word);
    }
    return *any;
}

/* drop KIND LINK, hold KIND LINK, pass KIND LINK */
static void do_rule(struct story *story, const struct story_words *words)
{
    struct story_rule rule = {.verdict = GROUP_PASS};
    if (words->count != 3 || story->rules_count == STORY_RULES_MAX) {
        story_fail(story, "%s takes a message and a link", words->word[0]);
        return;
    }
    if (strcmp(words->word[0], "drop") == 0) {
        rule.verdict = GROUP_DROP;
    } else if (strcmp(words->word[0], "hold") == 0) {
        rule.verdict = GROUP_TAKE;
    }
    if (parse_kind(story, words->word[1], &rule.any_kind, &rule.kind) &&
        parse_link(story, words->word[2], &rule.from, &rule.to)) {
        story->rules[story->rules_count++] = rule;
    }
}

static void do_pass(struct story *story, const struct story_words *words)
{
    if (words->count == 1) {
        story->rules_count = 0;
    } else {
        do_rule(story, words);
    }
}

/* release [KIND [LINK]]: what is held and fits goes on its way, in the order in which it was sent
 */
static void do_release(struct story *story, const struct story_words *words)
{
    struct story_rule rule = {.any_kind = true};
    if (words->count > 1 && !parse_kind(story, words->word[1], &rule.any_kind, &rule.kind)) {
        return;
    }
    if (words->count > 2 && !parse_link(story, words->word[2], &rule.from, &rule.to)) {
        return;
    }
    size_t left = 0;
    for (size_t i = 0; i < story->held_count; i++) {
        struct group_letter *letter = story->held[i];
        const struct paxos_message *m = &letter->message;
        bool fits = (rule.any_kind || rule.kind == m->kind) &&
                    (rule.from == 0 || rule.from == m->from) && (rule.to == 0 || rule.to == m->to);
        if (fits) {
            group_letter_post(&story->group, letter);
        } else {
            story->held[left++] = letter;
        }
    }
    story->held_count = left;
}

static struct network *links(struct story *story)
{
    return story->whole != NULL ? story_whole_network(story) : &story->group.network;
}

/* cut LINK: in that direction */
static void do_cut(struct story *story, const struct story_words *words)
{
    uint32_t from = 0;
    uint32_t to = 0;
    if (words->count != 2 || !parse_link(story, words->word[1], &from, &to)) {
        story_fail(story, "cut takes a link");
        return;
    }
    for (uint32_t a = 1; a <= story->group.options.nodes; a++) {
        for (uint32_t b = 1; b <= story->group.options.nodes; b++) {
            if (a != b && (from == 0 || from == a) && (to == 0 || to == b)) {
                network_cut(links(story), a, b);
            }
        }
    }
}

/* partition 1|2,3|4: no side hears another */
static void do_partition(struct story *story, const struct story_words *words)
{
    uint32_t sides[GROUP_NODES_MAX] = {0};
    size_t count = 1;
    for (const char *at = words->count > 1 ? words->word[1] : ""; *at != '\0'; at++) {
        if (*at == '|') {
            count++;
        } else if (*at >= '1' && *at <= '9') {
            sides[count - 1] |= 1u << (*at - '0');
        }
    }
    for (size_t a = 0; a < count; a++) {
        for (size_t b = a + 1; b < count; b++) {
            network_part(links(story), sides[a], sides[b]);
        }
    }
}

static void do_join(struct story *story, const struct story_words *words)
{
    (void)words;
    network_join_all(links(story));
}

/* show KIND, hide KIND: in the trace */
static void do_show(struct story *story, const struct story_words *words)
{
    bool any = false;
    enum paxos_message_kind kind = PAXOS_MSG_PROBE;
    if (words->count != 2 || !parse_kind(story, words->word[1], &any, &kind) || any) {
        story_fail(story, "%s takes a message", words->word[0]);
        return;
    }
    uint32_t bit = 1u << kind;
    if (strcmp(words->word[0], "hide") == 0) {
        story->group.options.hidden |= bit;
    } else {
        story->group.options.hidden &= ~bit;
    }
}

/* ---- Time and facts ---- */

static void do_tick(struct story *story, const struct story_words *words)
{
    run_for(story, words->count > 1 ? strtoull(words->word[1], NULL, 10) : 0);
}

static void do_expect(struct story *story, const struct story_words *words)
{
    if (!story_holds(story, words, 1)) {
        story_fail(story, "this is not so");
    }
}

static void do_await(struct story *story, const struct story_words *words)
{
    if (!run_until(story, words, 1)) {
        story_fail(story, "this did not come about within %d ms", STORY_PATIENCE_MS);
    }
}

static void do_stabilize(struct story *story, const struct story_words *words)
{
    (void)words;
    struct story_words wanted = {.word = {"level"}, .count = 1};
    if (!run_until(story, &wanted, 0)) {
        story_fail(story, "the replicas did not become level within %d ms", STORY_PATIENCE_MS);
    }
}

static const struct {
    const char *word;
    void (*carry_out)(struct story *story, const struct story_words *words);
    bool whole; /* also in a story of whole replicas */
} commands[] = {
    {"start", do_start, false},
    {"restart", do_start, false},
    {"crash", do_crash, false},
    {"wipe", do_wipe, false},
    {"copy", do_copy, false},
    {"restore", do_restore, false},
    {"pause", do_pause, false},
    {"resume", do_resume, false},
    {"stall", do_stall, false},
    {"unstall", do_stall, false},
    {"hold-apply", do_hold_apply, false},
    {"apply", do_hold_apply, false},
    {"snapshot", do_snapshot, false},
    {"silence", do_silence, false},
    {"wake", do_wake, false},
    {"birth", do_birth, false},
    {"elect", do_elect, false},
    {"propose", do_propose, false},
    {"read", do_read, false},
    {"hand-over", do_hand_over, false},
    {"remove", do_remove, false},
    {"drop", do_rule, false},
    {"hold", do_rule, false},
    {"pass", do_pass, false},
    {"release", do_release, false},
    {"cut", do_cut, true},
    {"partition", do_partition, true},
    {"join", do_join, true},
    {"show", do_show, false},
    {"hide", do_show, false},
    {"tick", do_tick, true},
    {"expect", do_expect, true},
    {"await", do_await, true},
    {"stabilize", do_stabilize, true},
};

void story_do(struct story *story, const struct story_words *words)
{
    if (strcmp(words->word[0], "cluster") == 0) {
        do_cluster(story, words);
        return;
    }
    if (strcmp(words->word[0], "replicas") == 0) {
        do_replicas(story, words);
        return;
    }
    if (story->whole != NULL && story_whole_do(story, words)) {
        return;
    }
    for (size_t i = 0; story->begun && i < CD_ARRAY_COUNT(commands); i++) {
        if (strcmp(words->word[0], commands[i].word) == 0 &&
            (story->whole == NULL || commands[i].whole)) {
            commands[i].carry_out(story, words);
            return;
        }
    }
    story_fail(story, "%s: no such command%s", words->word[0],
               story->begun ? "" : "; the first one is cluster or replicas");
}
