#ifndef COORD_TESTS_SIMULATION_STORY_H
#define COORD_TESTS_SIMULATION_STORY_H

#include "base/buf.h"
#include "checkers/agreement.h"
#include "simulation/group.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A story: commands that bring a group of consensus cores into a particular plight, and the trace
 * of what happened (the golden), in one text file. README.md describes the language.
 */

enum {
    STORY_RULES_MAX = 32,
    STORY_HELD_MAX = 1024,
    STORY_SLOTS_MAX = 4096,
    STORY_WORDS_MAX = 16,
    STORY_ERROR_BYTES = 512,
    STORY_VALUE_BYTES = 64,
    STORY_TEXT_BYTES_MAX = 4 << 20,
    STORY_PATIENCE_MS = 20000,
};

/* What becomes of messages of a kind on a link; the newest rule that fits counts. */
struct story_rule {
    bool any_kind;
    enum paxos_message_kind kind;
    uint32_t from, to; /* 0: any */
    enum group_verdict verdict;
};

struct story_slot {
    enum paxos_kind kind;          /* 0: nobody applied it yet */
    uint32_t lead;                 /* LEAD: its node */
    char value[STORY_VALUE_BYTES]; /* COMMANDS */
};

struct story_read {
    bool asked, answered;
    uint64_t token;
    paxos_slot index;
};

struct story {
    const char *path;
    size_t line; /* of the command */
    bool failed;
    char error[STORY_ERROR_BYTES];
    bool begun; /* there is a group */
    struct world world;
    struct trace trace;
    struct cd_buf text; /* the trace */
    struct group group;
    struct whole *whole; /* in a story of whole replicas; then there is no group */
    struct agreement agreement;
    struct verdict verdict;
    struct story_rule rules[STORY_RULES_MAX];
    size_t rules_count;
    struct group_letter *held[STORY_HELD_MAX];
    size_t held_count;
    struct story_slot slots[STORY_SLOTS_MAX]; /* [0] is slot 1 */
    struct story_read reads[GROUP_NODES_MAX];
    uint64_t incarnations[GROUP_NODES_MAX]; /* when the story began */
    uint32_t noted[GROUP_NODES_MAX];        /* bit sets of kinds of notes since then */
};

/* The words of a command; quoted text without its quotes. */
struct story_words {
    const char *word[STORY_WORDS_MAX];
    size_t count;
};

/* Says what is wrong with the present command; the first complaint stays. */
void story_fail(struct story *story, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* story_commands.c: carries out one command. */
void story_do(struct story *story, const struct story_words *words);

/*
 * story_facts.c: whether the fact that the words from `first` on state holds. Complains if they
 * state none.
 */
bool story_holds(struct story *story, const struct story_words *words, size_t first);

/*
 * story_whole.c: stories of whole replicas. `story_whole_do` is false for what is no command of
 * theirs alone.
 */
void story_whole_begin(struct story *story, uint32_t nodes, uint64_t seed, uint32_t alpha);
void story_whole_end(struct story *story);
bool story_whole_do(struct story *story, const struct story_words *words);
bool story_whole_holds(struct story *story, const struct story_words *words, size_t first);
struct network *story_whole_network(struct story *story);

/* Number of a node of the group; complains and gives 0 if the word names none. */
uint32_t story_node(struct story *story, const char *word);

/* Plays the files; with `rewrite` their goldens are replaced. Returns an exit code. */
int story_run_files(int count, char **paths, bool rewrite);

#endif
