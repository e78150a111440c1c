#include "simulation/story.h"

#include <stdlib.h>
#include <string.h>

/* Facts that `expect` and `await` state. A fact is a word and what it is about. */

uint32_t story_node(struct story *story, const char *word)
{
    char *rest = NULL;
    unsigned long number = strtoul(word, &rest, 10);
    if (rest == word || *rest != '\0' || number == 0 || number > story->group.options.nodes) {
        story_fail(story, "%s: no such replica", word);
        return 0;
    }
    return (uint32_t)number;
}

static struct group_node *up_node(struct story *story, const char *word)
{
    uint32_t id = story_node(story, word);
    if (id == 0) {
        return NULL;
    }
    struct group_node *node = group_node(&story->group, id);
    if (!node->up) {
        story_fail(story, "replica %u is down", id);
        return NULL;
    }
    return node;
}

/* The slot in which `value` was applied by anybody; 0: none. */
static paxos_slot slot_of(const struct story *story, const char *value)
{
    for (size_t i = 0; i < STORY_SLOTS_MAX; i++) {
        if (story->slots[i].kind == PAXOS_COMMANDS && strcmp(story->slots[i].value, value) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static size_t copies_of(const struct story *story, const char *value)
{
    size_t copies = 0;
    for (size_t i = 0; i < STORY_SLOTS_MAX; i++) {
        copies +=
            story->slots[i].kind == PAXOS_COMMANDS && strcmp(story->slots[i].value, value) == 0 ? 1
                                                                                                : 0;
    }
    return copies;
}

/* The newest leadership of `node` in the log; 0: none. */
static paxos_slot lead_of(const struct story *story, uint32_t node)
{
    paxos_slot found = 0;
    for (size_t i = 0; i < STORY_SLOTS_MAX; i++) {
        bool is_lead = story->slots[i].kind == PAXOS_LEAD && story->slots[i].lead == node;
        found = is_lead ? i + 1 : found;
    }
    return found;
}

typedef bool (*fact)(struct story *story, const struct story_words *words, size_t at);

/* leader N */
static bool leads(struct story *story, const struct story_words *words, size_t at)
{
    uint32_t id = story_node(story, words->word[at]);
    const struct group_node *leader = group_leader(&story->group);
    return leader != NULL && leader->id == id;
}

/* alone: nobody leads, established or not */
static bool is_leaderless(struct story *story, const struct story_words *words, size_t at)
{
    (void)words;
    (void)at;
    for (uint32_t id = 1; id <= story->group.options.nodes; id++) {
        struct group_node *node = group_node(&story->group, id);
        struct paxos_status status = {.role = PAXOS_ROLE_LEARNER};
        if (node->up) {
            group_status(node, &status);
        }
        if (status.role == PAXOS_ROLE_LEADER) {
            return false;
        }
    }
    return true;
}

/* role N WORD */
static bool has_role(struct story *story, const struct story_words *words, size_t at)
{
    struct group_node *node = up_node(story, words->word[at]);
    struct paxos_status status;
    if (node == NULL) {
        return false;
    }
    group_status(node, &status);
    return strcmp(paxos_role_name(status.role), words->word[at + 1]) == 0;
}

/* chosen "x" */
static bool is_chosen(struct story *story, const struct story_words *words, size_t at)
{
    return slot_of(story, words->word[at]) != 0;
}

/* applied "x" N */
static bool is_applied(struct story *story, const struct story_words *words, size_t at)
{
    struct group_node *node = up_node(story, words->word[at + 1]);
    paxos_slot slot = slot_of(story, words->word[at]);
    return node != NULL && slot != 0 && node->applied >= slot;
}

/* everywhere "x": every replica that is up has applied it, and it is in one slot */
static bool is_everywhere(struct story *story, const struct story_words *words, size_t at)
{
    paxos_slot slot = slot_of(story, words->word[at]);
    if (slot == 0 || copies_of(story, words->word[at]) != 1) {
        return false;
    }
    for (uint32_t id = 1; id <= story->group.options.nodes; id++) {
        const struct group_node *node = group_node(&story->group, id);
        if (node->up && node->applied < slot) {
            return false;
        }
    }
    return true;
}

/* order "x" "y" */
static bool is_ordered(struct story *story, const struct story_words *words, size_t at)
{
    paxos_slot first = slot_of(story, words->word[at]);
    paxos_slot second = slot_of(story, words->word[at + 1]);
    return first != 0 && first < second;
}

/* led N "x": the newest leadership of N stands before "x" in the log */
static bool is_led(struct story *story, const struct story_words *words, size_t at)
{
    paxos_slot lead = lead_of(story, story_node(story, words->word[at]));
    paxos_slot slot = slot_of(story, words->word[at + 1]);
    return lead != 0 && lead < slot;
}

/* voter N */
static bool votes(struct story *story, const struct story_words *words, size_t at)
{
    struct group_node *node = up_node(story, words->word[at]);
    struct paxos_status status;
    if (node == NULL) {
        return false;
    }
    group_status(node, &status);
    return status.voter && status.verified;
}

/* fresh N: it has another incarnation than when the story began */
static bool is_fresh(struct story *story, const struct story_words *words, size_t at)
{
    struct group_node *node = up_node(story, words->word[at]);
    return node != NULL && node->incarnation != story->incarnations[node->id];
}

/* noted N KIND */
static bool has_noted(struct story *story, const struct story_words *words, size_t at)
{
    uint32_t id = story_node(story, words->word[at]);
    for (int kind = 0; kind < PAXOS_NOTE_COUNT; kind++) {
        if (strcmp(paxos_note_name((enum paxos_note_kind)kind), words->word[at + 1]) == 0) {
            return (story->noted[id] >> kind & 1u) != 0;
        }
    }
    story_fail(story, "%s: no such note", words->word[at + 1]);
    return false;
}

/* answered N: its last read may run */
static bool is_answered(struct story *story, const struct story_words *words, size_t at)
{
    const struct story_read *read = &story->reads[story_node(story, words->word[at])];
    return read->asked && read->answered;
}

/* reads N "x": its last read sees x */
static bool sees(struct story *story, const struct story_words *words, size_t at)
{
    const struct story_read *read = &story->reads[story_node(story, words->word[at])];
    paxos_slot slot = slot_of(story, words->word[at + 1]);
    return read->answered && slot != 0 && read->index >= slot;
}

/* alpha N NUMBER */
static bool has_alpha(struct story *story, const struct story_words *words, size_t at)
{
    struct group_node *node = up_node(story, words->word[at]);
    const struct paxos_config *config = node != NULL ? paxos_config_newest(node->px, NULL) : NULL;
    return config != NULL && config->alpha == strtoul(words->word[at + 1], NULL, 10);
}

/* voters N LIST: as the newest configuration known to N has them, e.g. 1,2,3 */
static bool has_voters(struct story *story, const struct story_words *words, size_t at)
{
    struct group_node *node = up_node(story, words->word[at]);
    const struct paxos_config *config = node != NULL ? paxos_config_newest(node->px, NULL) : NULL;
    char list[64] = "";
    size_t used = 0;
    for (uint32_t id = 1; config != NULL && id <= story->group.options.nodes; id++) {
        for (size_t i = 0; i < config->members_count; i++) {
            if (config->members[i].node == id && config->members[i].role == PAXOS_VOTER) {
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%u",
                                         used > 0 ? "," : "", id);
            }
        }
    }
    return strcmp(list, words->word[at + 1]) == 0;
}

/* level: all replicas that are up have applied the same, under one leader that all follow */
static bool are_level(struct story *story, const struct story_words *words, size_t at)
{
    (void)words;
    (void)at;
    const struct group_node *leader = group_leader(&story->group);
    for (uint32_t id = 1; id <= story->group.options.nodes && leader != NULL; id++) {
        struct group_node *node = group_node(&story->group, id);
        struct paxos_status status;
        if (!node->up) {
            continue;
        }
        group_status(node, &status);
        if (status.leader != leader->id || node->applied != leader->applied ||
            node->ledger.durable < node->ledger.wanted) {
            return false;
        }
    }
    return leader != NULL;
}

static const struct {
    const char *word;
    size_t arguments;
    fact holds;
} facts[] = {
    {"leader", 1, leads},     {"alone", 0, is_leaderless}, {"role", 2, has_role},
    {"chosen", 1, is_chosen}, {"applied", 2, is_applied},  {"everywhere", 1, is_everywhere},
    {"order", 2, is_ordered}, {"led", 2, is_led},          {"voter", 1, votes},
    {"fresh", 1, is_fresh},   {"noted", 2, has_noted},     {"answered", 1, is_answered},
    {"reads", 2, sees},       {"alpha", 2, has_alpha},     {"voters", 2, has_voters},
    {"level", 0, are_level},
};

bool story_holds(struct story *story, const struct story_words *words, size_t first)
{
    if (story->whole != NULL && first < words->count) {
        return story_whole_holds(story, words, first);
    }
    bool negated = first < words->count && strcmp(words->word[first], "not") == 0;
    size_t at = first + (negated ? 1 : 0);
    for (size_t i = 0; at < words->count && i < CD_ARRAY_COUNT(facts); i++) {
        if (strcmp(words->word[at], facts[i].word) == 0) {
            if (words->count - at - 1 != facts[i].arguments) {
                story_fail(story, "%s takes %zu words", facts[i].word, facts[i].arguments);
                return false;
            }
            return facts[i].holds(story, words, at + 1) != negated;
        }
    }
    story_fail(story, "%s: no such fact", at < words->count ? words->word[at] : "nothing");
    return false;
}
