#include "checkers/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_answered(const struct history_op *op)
{
    return op->outcome == HISTORY_ANSWERED;
}

/* ---- 1. The replay explains every answer ---- */

static const char *kind_name(const struct model_command *command)
{
    static const char *const names[] = {"?",   "create", "set",      "delete",
                                        "get", "exists", "children", "txn"};
    return command->is_txn ? "txn" : names[command->then_steps[0].kind];
}

static bool differ(const struct history_op *op, const char *what, uint64_t shown, uint64_t model,
                   struct verdict *verdict)
{
    return verdict_fail(verdict,
                        "history: %s %" PRIu64 " of client %u (%s) shows %s %" PRIu64
                        " at zxid %" PRIx64 "; by the log it is %" PRIu64,
                        kind_name(&op->command), op->number, op->client,
                        op->command.then_steps[0].path, what, shown, op->shown.zxid, model);
}

static enum model_kind last_kind(const struct history_op *op, bool succeeded)
{
    const struct model_command *command = &op->command;
    if (!succeeded) {
        return command->else_count > 0 ? command->else_steps[command->else_count - 1].kind : 0;
    }
    return command->then_count > 0 ? command->then_steps[command->then_count - 1].kind : 0;
}

static bool same_stat(const struct history_op *op, const struct model_result *model,
                      struct verdict *verdict)
{
    const struct model_result *shown = &op->shown;
    if (shown->czxid != model->czxid) {
        return differ(op, "czxid", shown->czxid, model->czxid, verdict);
    }
    if (shown->mzxid != model->mzxid) {
        return differ(op, "mzxid", shown->mzxid, model->mzxid, verdict);
    }
    if (shown->version != model->version) {
        return differ(op, "version", (uint64_t)shown->version, (uint64_t)model->version, verdict);
    }
    return true;
}

static bool same_result(const struct history_op *op, const struct model_result *model,
                        struct verdict *verdict)
{
    const struct model_result *shown = &op->shown;
    if (shown->code != model->code) {
        return differ(op, "code", (uint64_t)shown->code, (uint64_t)model->code, verdict);
    }
    if (op->command.is_txn && shown->succeeded != model->succeeded) {
        return differ(op, "succeeded", shown->succeeded, model->succeeded, verdict);
    }
    if (model->code != MODEL_OK) {
        return true;
    }
    switch (last_kind(op, model->succeeded)) {
    case MODEL_CREATE:
        return strcmp(shown->path, model->path) == 0
                   ? same_stat(op, model, verdict)
                   : verdict_fail(verdict,
                                  "history: create %" PRIu64 " shows %s; by the log it "
                                  "made %s",
                                  op->number, shown->path, model->path);
    case MODEL_GET:
    case MODEL_INCREMENT:
        return shown->value == model->value
                   ? same_stat(op, model, verdict)
                   : differ(op, "value", shown->value, model->value, verdict);
    case MODEL_SET:
        return same_stat(op, model, verdict);
    case MODEL_EXISTS:
        return shown->exists == model->exists
                   ? same_stat(op, model, verdict)
                   : differ(op, "exists", shown->exists, model->exists, verdict);
    case MODEL_CHILDREN:
    case MODEL_COUNT:
        return shown->children == model->children && shown->children_hash == model->children_hash
                   ? true
                   : differ(op, "children", shown->children, model->children, verdict);
    case MODEL_DELETE:
    case MODEL_TXN:
        break;
    }
    return true;
}

static bool same_command(const struct model_command *a, const struct model_command *b)
{
    if (a->is_txn != b->is_txn || a->then_count != b->then_count ||
        a->else_count != b->else_count || a->compare.target != b->compare.target) {
        return false;
    }
    for (size_t i = 0; i < a->then_count; i++) {
        const struct model_step *left = &a->then_steps[i];
        const struct model_step *right = &b->then_steps[i];
        if (left->kind != right->kind || left->value != right->value ||
            left->version != right->version || strcmp(left->path, right->path) != 0) {
            return false;
        }
    }
    return true;
}

struct replay {
    struct model *model;
    const struct history_log *log;
    size_t next;                /* command of the log to carry out */
    size_t last;                /* the one that took the present zxid */
    struct model_result result; /* its */
};

/* Carries out the log up to and with the command that takes `zxid`. False if none does. */
static bool replay_to(struct replay *replay, uint64_t zxid)
{
    while (model_zxid(replay->model) < zxid && replay->next < replay->log->count) {
        struct model_result result =
            model_apply(replay->model, &replay->log->commands[replay->next]);
        if (result.changed) {
            replay->last = replay->next;
            replay->result = result;
        }
        replay->next++;
    }
    return model_zxid(replay->model) == zxid;
}

static int by_zxid(const void *a, const void *b)
{
    const struct history_op *left = a;
    const struct history_op *right = b;
    if (left->shown.zxid != right->shown.zxid) {
        return left->shown.zxid < right->shown.zxid ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

static bool explain(struct replay *replay, const struct history_op *op,
                    const struct history_op **owner, struct verdict *verdict)
{
    if (!replay_to(replay, op->shown.zxid)) {
        return verdict_fail(verdict,
                            "history: %s %" PRIu64 " of client %u was answered with zxid %" PRIx64
                            "; the log ends at %" PRIx64 ": it was lost",
                            kind_name(&op->command), op->number, op->client, op->shown.zxid,
                            model_zxid(replay->model));
    }
    if (op->is_read || !op->shown.changed) {
        struct model_result result = model_try(replay->model, &op->command);
        if (result.changed) {
            return differ(op, "changed", 0, 1, verdict);
        }
        return same_result(op, &result, verdict);
    }
    if (*owner != NULL && (*owner)->shown.zxid == op->shown.zxid) {
        return verdict_fail(verdict,
                            "history: writes %" PRIu64 " and %" PRIu64 " both took zxid %" PRIx64,
                            (*owner)->number, op->number, op->shown.zxid);
    }
    *owner = op;
    if (!same_command(&op->command, &replay->log->commands[replay->last])) {
        return verdict_fail(verdict,
                            "history: %s %" PRIu64 " of client %u (%s) was answered with zxid "
                            "%" PRIx64 ", which the log gives to a %s of %s with value %" PRIu64,
                            kind_name(&op->command), op->number, op->client,
                            op->command.then_steps[0].path, op->shown.zxid,
                            kind_name(&replay->log->commands[replay->last]),
                            replay->log->commands[replay->last].then_steps[0].path,
                            replay->log->commands[replay->last].then_steps[0].value);
    }
    return same_result(op, &replay->result, verdict);
}

static bool check_replay(struct history_op *ops, size_t count, const struct history_log *log,
                         struct verdict *verdict)
{
    struct replay replay = {.model = model_create(log->generation), .log = log};
    const struct history_op *owner = NULL;
    qsort(ops, count, sizeof(*ops), by_zxid);
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++) {
        ok = !is_answered(&ops[i]) || explain(&replay, &ops[i], &owner, verdict);
    }
    model_free(replay.model);
    return ok;
}

/* ---- 2. Real time ---- */

static int by_invocation(const void *a, const void *b)
{
    const struct history_op *left = a;
    const struct history_op *right = b;
    if (left->invoked_us != right->invoked_us) {
        return left->invoked_us < right->invoked_us ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

struct ending {
    uint64_t returned_us;
    uint64_t zxid;
    uint64_t number;
};

static int by_return(const void *a, const void *b)
{
    const struct ending *left = a;
    const struct ending *right = b;
    if (left->returned_us != right->returned_us) {
        return left->returned_us < right->returned_us ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

static bool respects(const struct history_op *op, const struct ending *latest,
                     struct verdict *verdict)
{
    bool changed = !op->is_read && op->shown.changed;
    bool weak = op->is_read && op->level != HISTORY_LINEARIZABLE;
    if (weak || op->shown.zxid > latest->zxid || (!changed && op->shown.zxid == latest->zxid)) {
        return true;
    }
    return verdict_fail(
        verdict,
        "history: %s %" PRIu64 " of client %u (%s) began at %" PRIu64 " us and has zxid %" PRIx64
        "; operation %" PRIu64 " had ended at %" PRIu64 " us with zxid %" PRIx64,
        kind_name(&op->command), op->number, op->client, op->command.then_steps[0].path,
        op->invoked_us, op->shown.zxid, latest->number, latest->returned_us, latest->zxid);
}

static bool check_real_time(struct history_op *ops, size_t count, struct verdict *verdict)
{
    struct ending *endings = NULL;
    size_t endings_count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_answered(&ops[i])) {
            endings = checker_grow(endings, endings_count, &capacity, sizeof(*endings));
            endings[endings_count++] = (struct ending){.returned_us = ops[i].returned_us,
                                                       .zxid = ops[i].shown.zxid,
                                                       .number = ops[i].number};
        }
    }
    if (endings_count > 0) {
        qsort(endings, endings_count, sizeof(*endings), by_return);
    }
    qsort(ops, count, sizeof(*ops), by_invocation);
    struct ending latest = {0};
    size_t ended = 0;
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++) {
        while (ended < endings_count && endings[ended].returned_us < ops[i].invoked_us) {
            latest = endings[ended].zxid > latest.zxid ? endings[ended] : latest;
            ended++;
        }
        ok = !is_answered(&ops[i]) || respects(&ops[i], &latest, verdict);
    }
    free(endings);
    return ok;
}

/* ---- 3. The log holds what was sent, once ---- */

struct signature {
    uint64_t hash;
    uint64_t number; /* of an operation; 0: it stands in the log */
    bool possible;
};

static uint64_t sign(const struct model_command *command)
{
    uint64_t hash = command->is_txn ? 1 : 0;
    for (size_t i = 0; i < command->then_count; i++) {
        const struct model_step *step = &command->then_steps[i];
        uint64_t facts[3] = {(uint64_t)step->kind, step->value, (uint64_t)step->version};
        hash = model_hash_name(hash, step->path, strlen(step->path));
        hash = model_hash_name(hash, (const char *)facts, sizeof(facts));
    }
    return hash;
}

static int by_hash(const void *a, const void *b)
{
    const struct signature *left = a;
    const struct signature *right = b;
    if (left->hash != right->hash) {
        return left->hash < right->hash ? -1 : 1;
    }
    return left->number < right->number ? -1 : left->number > right->number;
}

static bool check_counts(const struct signature *signatures, size_t count, struct verdict *verdict)
{
    for (size_t first = 0; first < count;) {
        size_t in_log = 0;
        size_t possible = 0;
        uint64_t number = 0;
        size_t end = first;
        for (; end < count && signatures[end].hash == signatures[first].hash; end++) {
            in_log += signatures[end].number == 0 ? 1 : 0;
            possible += signatures[end].possible ? 1 : 0;
            number = signatures[end].number;
        }
        if (in_log > possible) {
            return verdict_fail(verdict,
                                number == 0 ? "history: a command is in the log that nobody sent"
                                            : "history: operation %" PRIu64
                                              " is %zu times in the log; %zu were possible",
                                number, in_log, possible);
        }
        first = end;
    }
    return true;
}

static bool check_log(const struct history_op *ops, size_t count, const struct history_log *log,
                      struct verdict *verdict)
{
    struct signature *signatures = NULL;
    size_t signed_count = 0;
    size_t capacity = 0;
    for (size_t i = 0; i < count + log->count; i++) {
        if (i < count && ops[i].is_read) {
            continue;
        }
        signatures = checker_grow(signatures, signed_count, &capacity, sizeof(*signatures));
        signatures[signed_count++] =
            i < count ? (struct signature){.hash = sign(&ops[i].command),
                                           .number = ops[i].number,
                                           .possible = ops[i].outcome != HISTORY_NOT_DONE}
                      : (struct signature){.hash = sign(&log->commands[i - count])};
    }
    if (signed_count > 0) {
        qsort(signatures, signed_count, sizeof(*signatures), by_hash);
    }
    bool ok = check_counts(signatures, signed_count, verdict);
    free(signatures);
    return ok;
}

/* ---- 4. Weak reads never go back ---- */

static int by_number(const void *a, const void *b)
{
    const struct history_op *left = a;
    const struct history_op *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

static bool shows(const struct history_op *op, uint64_t zxid, const char *what,
                  struct verdict *verdict)
{
    if (op->shown.zxid >= zxid) {
        return true;
    }
    return verdict_fail(
        verdict,
        "history: %s %" PRIu64 " of client %u shows zxid %" PRIx64 ", but %s %" PRIx64 " before",
        kind_name(&op->command), op->number, op->client, op->shown.zxid, what, zxid);
}

static bool check_sessions(struct history_op *ops, size_t count, struct verdict *verdict)
{
    qsort(ops, count, sizeof(*ops), by_number);
    for (size_t i = 0; i < count; i++) {
        const struct history_op *op = &ops[i];
        if (!is_answered(op)) {
            continue;
        }
        if (!shows(op, op->at_least, "the client had seen", verdict)) {
            return false;
        }
        struct history_op key = {.number = op->after};
        const struct history_op *write =
            op->after != 0 ? bsearch(&key, ops, count, sizeof(*ops), by_number) : NULL;
        if (write != NULL && is_answered(write) &&
            !shows(op, write->shown.zxid, "its stream had sent a write that took", verdict)) {
            return false;
        }
    }
    return true;
}

bool history_check(struct history_op *ops, size_t count, const struct history_log *log,
                   struct verdict *verdict)
{
    return check_sessions(ops, count, verdict) && check_log(ops, count, log, verdict) &&
           check_real_time(ops, count, verdict) && check_replay(ops, count, log, verdict);
}
