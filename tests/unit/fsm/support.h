#ifndef TESTS_UNIT_FSM_SUPPORT_H
#define TESTS_UNIT_FSM_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fsm/fsm.h"

#include <string.h>

/* Short ways to write commands, and a machine that gives each command a slot of its own. */

static inline struct fsm_bytes text(const char *string)
{
    return (struct fsm_bytes){.data = (const uint8_t *)string, .bytes = strlen(string)};
}

#define assert_text(bytes_, string)                                                                \
    do {                                                                                           \
        assert_int_equal((bytes_).bytes, strlen(string));                                          \
        assert_memory_equal((bytes_).data, string, strlen(string));                                \
    } while (0)

struct fsm_op make_create(const char *path, const char *data);
struct fsm_op make_sequential(const char *path);
struct fsm_op make_delete(const char *path);
struct fsm_op make_recursive(const char *path);
struct fsm_op make_set(const char *path, const char *data);
struct fsm_op make_check(const char *path, int64_t version);
struct fsm_op make_get(const char *path);
struct fsm_op make_exists(const char *path);
struct fsm_op make_txn(const struct fsm_compare *compares, size_t compares_count,
                       const struct fsm_op *then_ops, size_t then_count,
                       const struct fsm_op *else_ops, size_t else_count);

struct rig {
    struct fsm *fsm;
    struct fsm_result result;
    uint64_t wall_ms; /* stamped on the next slot, then 10 more */
};

/* Default limits if NULL. */
void rig_init(struct rig *rig, const struct fsm_limits *limits);
void rig_release(struct rig *rig); /* checks the machine's invariants first */

/* Applies in a slot of its own; the details are in rig->result. */
enum cd_status rig_apply(struct rig *rig, struct fsm_op op);
void rig_must(struct rig *rig, struct fsm_op op); /* it must be CD_OK */

/* ---- Sessions ---- */

struct fsm_op make_ephemeral(const char *path, const char *data);
struct fsm_op make_op(enum fsm_op_kind kind); /* one that needs nothing else */
struct fsm_who make_who(const char *id);      /* uri:id */

/* Write `seq` of a session, its hash made of the seq, nothing acknowledged. */
struct fsm_command session_write(uint64_t session, uint64_t seq, struct fsm_op op);

uint64_t rig_open(struct rig *rig); /* of make_who("me"), 10 s; returns its id */
/* Applies a whole command in a slot of its own. */
enum fsm_verdict rig_judge(struct rig *rig, struct fsm_command command);
/* The same; it must be taken and CD_OK. */
void rig_write(struct rig *rig, uint64_t session, uint64_t seq, struct fsm_op op);
struct fsm_session_view rig_session(const struct rig *rig, uint64_t session); /* live */
/* A machine made of a snapshot of another one, which it must equal. */
struct fsm *restore_copy(struct fsm *fsm);
struct fsm_snapshot;
struct fsm *restore_all(struct fsm_snapshot *snapshot); /* gives it back as well */
/* Lets so much time pass in an empty slot. */
void rig_wait(struct rig *rig, uint64_t ms);

struct fsm_stat rig_stat(const struct rig *rig, const char *path); /* it must exist */

#endif
