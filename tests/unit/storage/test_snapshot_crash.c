/*
 * Log and snapshots on one disk, with crashes at every moment of writing, receiving, naming and
 * dropping: a restart always finds two snapshots that were called durable, if there ever were two,
 * and with either of them a log that reaches the last acknowledged position (the fixture compares
 * the log with its model).
 */

#include "base/memory.h"
#include "fixture.h"
#include "snapshot_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
    SEEDS = 1000,
    SEGMENT = 8 << 10,
};

struct outcomes {
    uint64_t lives;
    uint64_t loaded;      /* restarts that had a snapshot */
    uint64_t untold;      /* and one that had become durable without anybody being told */
    uint64_t unfinished;  /* that found a temporary file */
    uint64_t received;    /* received to the end */
    uint64_t failed;      /* makings that were told CD_IO or CD_FULL */
    uint64_t aborted;     /* makings */
    uint64_t drops;       /* that had something to give up */
    uint64_t begun;       /* logs that began behind position 1 */
    uint64_t interrupted; /* openings */
};

/* A file as a peer sends it; NULL while none is being received. */
struct incoming {
    uint8_t *file; /* owned */
    uint64_t bytes;
    uint64_t slot;
    uint64_t next;
    bool finished;
};

struct world {
    struct fixture f; /* owns the disk */
    struct snaps s;
    struct cd_prng prng;
    struct outcomes *outcomes;
    struct incoming incoming;
    uint64_t slot;       /* of the last entry, or the snapshot installed */
    uint64_t making;     /* slot of what this replica writes; 0 for none */
    uint64_t put;        /* bytes of it that were given */
    uint64_t told[2];    /* slots that `done` called durable, newest first; 0 for none */
    uint64_t told_dones; /* how many of s.dones were seen */
};

static uint64_t content_bytes(uint64_t slot)
{
    return slot % 23 == 0 ? 1300000 : slot * 37 % 5000;
}

static void forget_incoming(struct world *w)
{
    cd_free(w->incoming.file);
    w->incoming = (struct incoming){0};
}

/* A peer's snapshot of a slot that this replica may not have yet. */
static void fetch_from_peer(struct world *w, uint64_t slot)
{
    struct snaps peer;
    snaps_init(&peer, NULL);
    peer.content_bytes = content_bytes(slot);
    snaps_reopen(&peer);
    snaps_make(&peer, slot);
    uint64_t bytes = 0;
    const uint8_t *file = fault_disk_peek(peer.disk, snaps_name(slot), &bytes);
    w->incoming = (struct incoming){.file = cd_malloc(bytes), .bytes = bytes, .slot = slot};
    memcpy(w->incoming.file, file, bytes);
    snaps_release(&peer);
}

/* --- what happens in a life --- */

/* The highest slot whose entry is durable: a replica takes snapshots of what it applied. */
static uint64_t durable_slot(const struct world *w)
{
    uint64_t highest = w->told[0];
    for (uint64_t i = 1; i <= w->f.durable && i <= w->f.last; i++) {
        const struct model_record *record = &w->f.records[i];
        if (record->kind == STORAGE_ENTRY && record->slot > highest) {
            highest = record->slot;
        }
    }
    return highest;
}

static void begin(struct world *w)
{
    struct storage_snapshot_meta meta = snaps_meta(durable_slot(w));
    if (meta.slot > w->told[0] && w->making == 0 && w->incoming.file == NULL &&
        storage_snapshot_begin(w->s.set, &meta, snaps_on_done, &w->s) == CD_OK) {
        w->making = meta.slot;
        w->put = 0;
    }
}

static void begin_receiving(struct world *w)
{
    if (w->making != 0 || w->incoming.file != NULL) {
        return;
    }
    uint64_t least = w->told[0] > w->slot ? w->told[0] : w->slot;
    fetch_from_peer(w, least + cd_prng_below(&w->prng, 9) + 1);
    struct storage_snapshot_meta meta = snaps_meta(w->incoming.slot);
    if (storage_snapshot_receive(w->s.set, &meta, w->incoming.bytes, snaps_on_done, &w->s) !=
        CD_OK) {
        forget_incoming(w);
    }
}

static void finish(struct world *w)
{
    enum cd_status status = storage_snapshot_finish(w->s.set);
    assert_true(status == CD_OK || status == CD_CLOSED);
}

/* The next piece of what is being made, or its end. */
static void go_on_writing(struct world *w)
{
    static uint8_t piece[200000];
    uint64_t bytes = content_bytes(w->making);
    if (w->making == 0 || w->put > bytes) {
        return;
    }
    if (w->put == bytes) {
        finish(w);
        w->put++;
        return;
    }
    uint64_t part = cd_prng_below(&w->prng, sizeof(piece)) + 1;
    part = part < bytes - w->put ? part : bytes - w->put;
    snaps_content(w->making, w->put, piece, part);
    if (storage_snapshot_put(w->s.set, piece, part) == CD_OK) {
        w->put += part;
    }
}

static void go_on_receiving(struct world *w)
{
    struct incoming *incoming = &w->incoming;
    if (incoming->file == NULL || incoming->finished) {
        return;
    }
    if (incoming->next == incoming->bytes) {
        incoming->finished = true;
        finish(w);
        return;
    }
    uint64_t left = incoming->bytes - incoming->next;
    uint64_t part = cd_prng_below(&w->prng, 100000) + 1;
    part = part < left ? part : left;
    struct cd_error error;
    enum cd_status status = storage_snapshot_receive_put(
        w->s.set, incoming->next, incoming->file + incoming->next, part, &incoming->next, &error);
    assert_true(status == CD_OK || status == CD_BUSY || status == CD_CLOSED);
}

static void abort_making(struct world *w)
{
    w->outcomes->aborted += w->making != 0 || w->incoming.file != NULL ? 1 : 0;
    storage_snapshot_abort(w->s.set);
    w->making = 0;
    forget_incoming(w);
}

/* What `done` told since the last look. */
static void look(struct world *w)
{
    if (w->s.dones == w->told_dones) {
        return;
    }
    assert_int_equal(w->s.dones, w->told_dones + 1);
    w->told_dones = w->s.dones;
    if (w->s.done_status == CD_OK) {
        w->told[1] = w->told[0];
        w->told[0] = w->s.done_slot;
        w->outcomes->received += w->incoming.file != NULL ? 1 : 0;
        if (w->incoming.file != NULL && w->s.done_slot > w->slot) { /* the install */
            w->slot = w->s.done_slot;
            (void)fixture_append(&w->f, STORAGE_STATE, 0, 10, false);
        }
    } else {
        assert_true(w->s.done_status == CD_IO || w->s.done_status == CD_FULL);
        w->outcomes->failed++;
    }
    w->making = 0;
    forget_incoming(w);
}

static void drop(struct world *w)
{
    uint64_t floor = storage_snapshots_floor(w->s.set);
    uint64_t before = storage_log_last(w->f.log);
    if (floor != 0 && fixture_drop(&w->f, floor) == CD_OK) {
        w->outcomes->drops += storage_log_last(w->f.log) != before ? 1 : 0;
    }
}

static void act(struct world *w)
{
    switch (cd_prng_below(&w->prng, 16)) {
    case 0:
    case 1:
    case 2: {
        size_t bytes = (size_t)cd_prng_below(&w->prng, 900);
        if (fixture_append(&w->f, STORAGE_ENTRY, w->slot + 1, bytes, false) == CD_OK) {
            w->slot++;
        }
        break;
    }
    case 3:
        (void)fixture_append(&w->f, STORAGE_PROMISE, 0, 0, false);
        break;
    case 4:
    case 5:
        storage_log_flush(w->f.log);
        break;
    case 6:
        begin(w);
        break;
    case 7:
        if (cd_prng_below(&w->prng, 6) == 0) {
            begin_receiving(w);
        }
        break;
    case 8:
    case 9:
        go_on_writing(w);
        go_on_receiving(w);
        break;
    case 10:
        drop(w);
        break;
    case 11:
        if (cd_prng_below(&w->prng, 12) == 0) {
            abort_making(w);
        }
        break;
    default:
        (void)fault_disk_step_any(w->f.disk);
        break;
    }
    look(w);
}

static void end_life(struct world *w)
{
    switch (cd_prng_below(&w->prng, 4)) {
    case 0:
    case 1:
        fault_disk_crash(w->f.disk);
        break;
    case 2:
        fault_disk_kill(w->f.disk);
        break;
    default:
        break;
    }
    snaps_close(&w->s);
    fixture_close(&w->f);
    w->making = 0;
    forget_incoming(w);
}

/* --- the restart --- */

static void interrupted_openings(struct world *w)
{
    while (cd_prng_below(&w->prng, 4) == 0) {
        fault_disk_fail_from(w->f.disk, cd_prng_below(&w->prng, 50) + 1, CD_IO);
        enum cd_status status = snaps_open(&w->s);
        if (status == CD_OK) {
            status = fixture_open(&w->f);
        }
        fault_disk_fail_at(w->f.disk, 0, CD_OK);
        w->outcomes->interrupted += status != CD_OK ? 1 : 0;
        end_life(w);
    }
}

static bool is_kept(const struct world *w, uint64_t slot)
{
    struct storage_snapshot_info info;
    bool kept = false;
    for (size_t i = 0; storage_snapshots_at(w->s.set, i, &info); i++) {
        kept = kept || info.meta.slot == slot;
    }
    return kept || slot == 0;
}

/* As a replica starts: snapshots, the newest of them loaded, then the log. */
static void restart(struct world *w)
{
    w->outcomes->unfinished += strstr(snaps_names(&w->s), ".zst.tmp") != NULL ? 1 : 0;
    snaps_reopen(&w->s);
    assert_null(strstr(snaps_names(&w->s), ".zst.tmp"));
    assert_true(is_kept(w, w->told[0]));
    assert_true(is_kept(w, w->told[1]));
    uint64_t newest = 0;
    struct storage_snapshot_info info;
    for (size_t i = 0; storage_snapshots_at(w->s.set, i, &info); i++) {
        /* N1: what has its name is whole. */
        assert_int_not_equal(info.state, STORAGE_SNAPSHOT_DAMAGED);
        if (i == 0 || cd_prng_below(&w->prng, 3) == 0) {
            w->s.content_bytes = content_bytes(info.meta.slot);
            snaps_check(&w->s, info.meta.slot);
        }
        newest = i == 0 ? info.meta.slot : newest;
    }
    assert_true(newest >= w->told[0]);
    w->outcomes->loaded += newest != 0 ? 1 : 0;
    w->outcomes->untold += newest != w->told[0] ? 1 : 0;
    fixture_reopen(&w->f);
    /* Either of the two will do: the log was dropped behind the older one at most. */
    assert_true(w->f.recovery.dropped_slot <= w->told[1]);
    fixture_check_entries(&w->f);
    w->outcomes->begun += w->f.recovery.first_position > 1 ? 1 : 0;
    if (newest > w->told[0]) {
        w->told[1] = w->told[0];
        w->told[0] = newest;
    }
    w->slot = durable_slot(w);
}

static void live(uint64_t seed, struct outcomes *outcomes)
{
    struct world w = {.outcomes = outcomes};
    cd_prng_init(&w.prng, seed);
    struct fault_disk_options disk = {.seed = seed * 3 + 1};
    fixture_init(&w.f, &disk, SEGMENT);
    w.s = (struct snaps){
        .disk = w.f.disk,
        .options = {.cluster_name = "unit-test", .file_bytes_max = 64 << 20},
    };
    uint64_t lives = cd_prng_below(&w.prng, 5) + 2;
    for (uint64_t life = 0; life < lives; life++) {
        interrupted_openings(&w);
        restart(&w);
        outcomes->lives++;
        if (cd_prng_below(&w.prng, 5) == 0) {
            uint64_t nth = cd_prng_below(&w.prng, 60) + 1;
            fault_disk_fail_at(w.f.disk, nth, cd_prng_below(&w.prng, 2) == 0 ? CD_IO : CD_FULL);
        }
        if (cd_prng_below(&w.prng, 5) == 0) {
            fault_disk_set_capacity(w.f.disk, (cd_prng_below(&w.prng, 400) + 20) << 10);
        }
        for (uint64_t i = cd_prng_below(&w.prng, 300); i > 0; i--) {
            act(&w);
        }
        fault_disk_fail_at(w.f.disk, 0, CD_OK);
        fault_disk_set_capacity(w.f.disk, 0);
        end_life(&w);
    }
    restart(&w);
    end_life(&w);
    fixture_release(&w.f);
}

static void test_lives(void **state)
{
    (void)state;
    struct outcomes o = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        live(seed, &o);
    }
    print_message("%d seeds: %lu lives, %lu with a snapshot, %lu with an untold one, %lu with an "
                  "unfinished one, %lu received, %lu failed, %lu aborted, %lu drops, %lu logs that "
                  "began late, %lu openings interrupted\n",
                  SEEDS, (unsigned long)o.lives, (unsigned long)o.loaded, (unsigned long)o.untold,
                  (unsigned long)o.unfinished, (unsigned long)o.received, (unsigned long)o.failed,
                  (unsigned long)o.aborted, (unsigned long)o.drops, (unsigned long)o.begun,
                  (unsigned long)o.interrupted);
    /* A test of crashes in which nothing happens proves nothing. */
    assert_true(o.loaded > SEEDS);
    assert_true(o.untold > SEEDS / 100);
    assert_true(o.unfinished > SEEDS / 20);
    assert_true(o.received > SEEDS / 20);
    assert_true(o.failed > SEEDS / 50);
    assert_true(o.aborted > SEEDS / 50);
    assert_true(o.drops > SEEDS / 10);
    assert_true(o.begun > SEEDS / 10);
    assert_true(o.interrupted > SEEDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
