#ifndef COORD_TESTS_SIMULATION_CHECKERS_MODEL_H
#define COORD_TESTS_SIMULATION_CHECKERS_MODEL_H

#include "checkers/verdict.h"

#include <stdint.h>

/*
 * What a tree of nodes does, in as few obvious lines as it takes: the twin against which histories
 * are judged. Codes are the contract's numbers (coord.v1.Code). Data is a number that tells writes
 * apart.
 */

enum {
    MODEL_PATH_BYTES = 80, /* with the NUL */
    MODEL_STEPS_MAX = 4,
    MODEL_PREFIXES_MAX = 2, /* of a queue */
    MODEL_PREFIX_BYTES = 8,
    MODEL_SUFFIX_DIGITS = 10,
    MODEL_GENERATION_SHIFT = 48,
};

enum model_code {
    MODEL_OK = 0,
    MODEL_NO_NODE = 2,
    MODEL_NODE_EXISTS = 3,
    MODEL_NO_PARENT = 4,
    MODEL_NOT_EMPTY = 5,
    MODEL_BAD_VERSION = 6,
    MODEL_NO_CHILDREN_FOR_EPHEMERALS = 7,
    MODEL_COMPARE_FAILED = 8,
    MODEL_NOT_HELD = 26,
    MODEL_NOT_A_NUMBER = 27,
};

enum model_kind {
    MODEL_CREATE = 1,
    MODEL_SET,
    MODEL_DELETE,
    MODEL_GET,
    MODEL_EXISTS,
    MODEL_CHILDREN,
    MODEL_TXN,
    MODEL_INCREMENT,
    MODEL_COUNT, /* of the nodes below */
};

/* The contract's numbers (coord.v1.NodeKind). */
enum model_node_kind {
    MODEL_PERSISTENT = 0,
    MODEL_EPHEMERAL,
    MODEL_CONTAINER,
    MODEL_TTL,
};

#define MODEL_ANY_VERSION (-1)

struct model_step {
    enum model_kind kind;
    char path[MODEL_PATH_BYTES];
    uint64_t value;  /* CREATE, SET */
    int64_t version; /* SET, DELETE: the one that must be met */
    bool sequential; /* CREATE */
    bool if_absent;  /* CREATE; INCREMENT: makes a node that is missing */
    bool if_present; /* DELETE */
    bool recursive;  /* DELETE */
    bool is_number; /* CREATE, SET: the data is the value in decimal, so that it can be increased */
    int64_t delta;  /* INCREMENT */
    enum model_node_kind node_kind; /* CREATE */
};

enum model_target {
    MODEL_COMPARE_EXISTS = 1,
    MODEL_COMPARE_VERSION,
    MODEL_COMPARE_VALUE,
    MODEL_COMPARE_OWNER, /* number: a session, 0 for none */
    MODEL_COMPARE_CZXID,
    MODEL_COMPARE_MZXID,
    MODEL_COMPARE_HELD,
};

/*
 * Which queue, and how many of its members are at its front (R15): the sequential children of the
 * path's parent whose names begin with one of the prefixes, by (czxid, suffix).
 */
struct model_queue {
    uint32_t n;                                            /* 0 means 1 */
    char prefixes[MODEL_PREFIXES_MAX][MODEL_PREFIX_BYTES]; /* none: the path's own */
};

struct model_compare {
    enum model_target target;
    char path[MODEL_PATH_BYTES];
    int64_t number;           /* EXISTS: 1 or 0; HELD: the fence */
    struct model_queue queue; /* HELD */
};

/* A TXN has its steps in then_steps and else_steps, everything else one then-step. */
struct model_command {
    bool is_txn;
    uint64_t session;             /* owner of the ephemeral nodes that it makes */
    struct model_compare if_held; /* target HELD, or 0 */
    struct model_compare compare; /* target 0: none */
    struct model_step then_steps[MODEL_STEPS_MAX];
    size_t then_count;
    struct model_step else_steps[MODEL_STEPS_MAX];
    size_t else_count;
};

/* What the command, or the last step of a transaction, shows. */
struct model_result {
    int code;
    bool changed;
    bool succeeded;              /* TXN: the compare held */
    bool exists;                 /* EXISTS */
    uint64_t zxid;               /* its own if changed, else that of the state it was judged by */
    char path[MODEL_PATH_BYTES]; /* CREATE */
    uint64_t value;              /* GET, INCREMENT */
    uint64_t czxid, mzxid;       /* CREATE, SET, GET, EXISTS */
    int64_t version;
    uint64_t children;      /* CHILDREN, COUNT: how many */
    uint64_t children_hash; /* of their names, as model_hash_name makes it */
};

/* It has no step that could write. */
bool model_is_read(const struct model_command *command);

/*
 * The first thing in which the answer to `command` differs from what the model says; NULL if none
 * does. Compared is what the kind of the last step shows. Static strings.
 */
const char *model_difference(const struct model_command *command, const struct model_result *shown,
                             const struct model_result *model);

/* Order matters; begin with 0. */
uint64_t model_hash_name(uint64_t hash, const char *name, size_t bytes);

/* The contract's numbers (coord.v1.EventKind). */
enum model_change_kind {
    MODEL_CREATED = 1,
    MODEL_DELETED,
    MODEL_CHANGED,
    MODEL_ACL_CHANGED,
};

/* One change of one node. The stat is that after it; of a deleted node that before it. */
struct model_change {
    enum model_change_kind kind;
    char path[MODEL_PATH_BYTES];
    uint64_t value, previous; /* data after and before; 0 where there is none */
    uint64_t czxid, mzxid;
    int64_t version;
    uint64_t owner;
    bool sequential;
    enum model_node_kind node_kind;
};

struct model;

struct model *model_create(uint64_t generation);
void model_free(struct model *model);
uint64_t model_zxid(const struct model *model);

/* Carries it out. */
struct model_result model_apply(struct model *model, const struct model_command *command);

/* What it would do, leaving the model as it is. */
struct model_result model_try(struct model *model, const struct model_command *command);

/* What the last model_apply or model_impose changed, in order. Lives until the next call. */
const struct model_change *model_changes(const struct model *model, size_t *ret_count);

/*
 * Goes on to `zxid` with `changes` as they come, whatever they were made by. False, and `why` gets
 * words, if they do not fit the tree: a node that is there is created, or one that is not, or that
 * has children, is deleted or set. The model is of no use after that.
 */
bool model_impose(struct model *model, uint64_t zxid, const struct model_change *changes,
                  size_t count, struct verdict *why);

/* The node as a change would show it; false if it does not exist. */
bool model_find(struct model *model, const char *path, struct model_change *ret_node);
bool model_has_children(struct model *model, const char *path);

/*
 * The nodes that a session owns, as their deletion would show them, into an array that grows (see
 * checker_grow). Returns how many. O(nodes).
 */
size_t model_list_owned(const struct model *model, uint64_t session, struct model_change **nodes,
                        size_t *capacity);

/* How many members of its queue precede the node at `path`; false if there is no such node. */
bool model_rank(struct model *model, const char *path, const struct model_queue *queue,
                size_t *ret_rank);

#endif
