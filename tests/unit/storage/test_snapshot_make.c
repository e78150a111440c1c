/* Writing and receiving: what is taken when, how it ends, and that nothing is left behind. */

#include "base/memory.h"
#include "snapshot_fixture.h"
#include "storage/snapshot_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum cd_status begin(struct snaps *s, uint64_t slot)
{
    struct storage_snapshot_meta meta = snaps_meta(slot);
    return storage_snapshot_begin(s->set, &meta, snaps_on_done, s);
}

static enum cd_status receive(struct snaps *s, uint64_t slot, uint64_t file_bytes)
{
    struct storage_snapshot_meta meta = snaps_meta(slot);
    return storage_snapshot_receive(s->set, &meta, file_bytes, snaps_on_done, s);
}

static struct storage_snapshots_stats stats_of(struct snaps *s)
{
    struct storage_snapshots_stats stats;
    assert_int_equal(storage_snapshots_stats(s->set, &stats), CD_OK);
    return stats;
}

/* Nothing but what `names` says is in the directory, and one can be begun again. */
static void expect_ended(struct snaps *s, const char *names, uint64_t next_slot)
{
    (void)fault_disk_pump(s->disk);
    assert_string_equal(snaps_names(s), names);
    assert_int_equal(stats_of(s).pending_bytes, 0);
    snaps_make(s, next_slot);
    snaps_check(s, next_slot);
}

/* --- writing --- */

static void test_sizes(void **state)
{
    (void)state;
    const uint64_t frame = STORAGE_SNAPSHOT_PUT_BYTES_MAX;
    const uint64_t sizes[] = {0, 1, 1000, frame - 1, frame, frame + 1, 3 * frame, 5000000};
    const uint64_t puts[] = {777, 100000, frame};
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    uint64_t slot = 0;
    for (size_t i = 0; i < CD_ARRAY_COUNT(sizes); i++) {
        for (size_t j = 0; j < CD_ARRAY_COUNT(puts); j++) {
            s.content_bytes = sizes[i];
            s.put_bytes = puts[j];
            slot++;
            snaps_make(&s, slot);
            snaps_check(&s, slot);
            uint64_t bytes = 0;
            assert_non_null(fault_disk_peek(s.disk, snaps_name(slot), &bytes));
            struct storage_snapshot_info info;
            assert_true(storage_snapshots_at(s.set, 0, &info));
            assert_int_equal(info.file_bytes, bytes);
            assert_int_equal(info.meta.zxid, slot * 3);
            assert_int_equal(info.meta.digest, ~slot);
            assert_int_equal(info.meta.digest_version, 7);
        }
    }
    snaps_reopen(&s);
    snaps_check(&s, slot);
    snaps_release(&s);
}

/* How the content was cut into puts does not show: the file is the same on every replica. */
static void test_same_file_everywhere(void **state)
{
    (void)state;
    uint8_t *first = NULL;
    uint64_t first_bytes = 0;
    for (uint64_t put = 50000; put < 260000; put += 60000) {
        struct snaps s;
        struct fault_disk_options disk = {.seed = put};
        snaps_init(&s, &disk);
        s.put_bytes = put;
        snaps_reopen(&s);
        snaps_make(&s, 9);
        uint64_t bytes = 0;
        const uint8_t *data = fault_disk_peek(s.disk, snaps_name(9), &bytes);
        if (first == NULL) {
            first = cd_malloc(bytes);
            first_bytes = bytes;
            memcpy(first, data, bytes);
        }
        assert_int_equal(bytes, first_bytes);
        assert_memory_equal(data, first, bytes);
        snaps_release(&s);
    }
    cd_free(first);
}

/* A disk that does not keep up holds the content back, and no more than the limit waits. */
static void test_busy(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    assert_int_equal(begin(&s, 5), CD_OK);
    uint8_t *content = cd_malloc(STORAGE_SNAPSHOT_PUT_BYTES_MAX);
    struct cd_prng prng;
    cd_prng_init(&prng, 1);
    for (size_t i = 0; i < STORAGE_SNAPSHOT_PUT_BYTES_MAX; i++) {
        content[i] = (uint8_t)cd_prng_next(&prng); /* grows a little in zstd */
    }
    uint64_t puts = 0;
    uint64_t busy = 0;
    while (busy < 20) {
        enum cd_status status =
            storage_snapshot_put(s.set, content, STORAGE_SNAPSHOT_PUT_BYTES_MAX);
        assert_true(stats_of(&s).pending_bytes <= STORAGE_SNAPSHOT_PENDING_BYTES_MAX);
        if (status == CD_OK) {
            puts++;
            continue;
        }
        assert_int_equal(status, CD_BUSY);
        assert_true(stats_of(&s).pending_bytes >
                    STORAGE_SNAPSHOT_PENDING_BYTES_MAX - SNAPSHOT_FRAME_BYTES_MAX);
        busy++;
        assert_true(fault_disk_step_any(s.disk));
    }
    assert_int_equal(storage_snapshot_finish(s.set), CD_OK); /* never busy */
    (void)fault_disk_pump(s.disk);
    assert_int_equal(s.done_status, CD_OK);
    struct storage_snapshot_reader *reader = NULL;
    assert_int_equal(storage_snapshot_reader_open(s.set, 5, &reader, NULL), CD_OK);
    const uint8_t *data;
    size_t bytes;
    for (uint64_t i = 0; i < puts; i++) {
        assert_int_equal(storage_snapshot_read(reader, &data, &bytes, NULL), CD_OK);
        assert_int_equal(bytes, STORAGE_SNAPSHOT_PUT_BYTES_MAX);
        assert_memory_equal(data, content, bytes);
    }
    assert_int_equal(storage_snapshot_read(reader, &data, &bytes, NULL), CD_OK);
    assert_int_equal(bytes, 0);
    storage_snapshot_reader_free(reader);
    cd_free(content);
    snaps_release(&s);
}

static void test_begin_is_refused(void **state)
{
    (void)state;
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    assert_int_equal(begin(&s, 10), CD_OK);
    assert_int_equal(begin(&s, 20), CD_BUSY); /* one at a time */
    assert_int_equal(receive(&s, 20, 1000), CD_BUSY);
    storage_snapshot_abort(s.set);
    assert_int_equal(begin(&s, 20), CD_BUSY); /* its file is not gone yet */
    (void)fault_disk_pump(s.disk);
    assert_int_equal(s.dones, 0);
    snaps_make(&s, 20);
    assert_int_equal(begin(&s, 20), CD_INVALID_ARGUMENT); /* no newer */
    assert_int_equal(begin(&s, 19), CD_INVALID_ARGUMENT);
    assert_int_equal(receive(&s, 20, 1000), CD_INVALID_ARGUMENT);
    assert_int_equal(receive(&s, 21, SNAPSHOT_FILE_BYTES_MIN - 1), CD_CORRUPT);
    assert_int_equal(receive(&s, 21, s.options.file_bytes_max + 1), CD_TOO_LARGE);
    snaps_make(&s, 21);
    assert_int_equal(storage_snapshot_put(s.set, "x", 1), CD_CLOSED); /* nothing is being made */
    assert_int_equal(storage_snapshot_finish(s.set), CD_CLOSED);
    storage_snapshot_abort(s.set);
    snaps_release(&s);
}

/* Aborted after any number of the disk's steps, with content or without. */
static void test_abort(void **state)
{
    (void)state;
    uint64_t named = 0;
    for (uint64_t steps = 0; steps < 8; steps++) {
        for (int finished = 0; finished < 2; finished++) {
            struct fault_disk_options disk = {.seed = steps};
            struct snaps s;
            snaps_init(&s, &disk);
            s.content_bytes = 5000000;
            snaps_reopen(&s);
            if (finished == 1) {
                assert_int_equal(snaps_write(&s, 5), CD_OK);
            } else {
                uint8_t content[1000] = {1};
                assert_int_equal(begin(&s, 5), CD_OK);
                assert_int_equal(storage_snapshot_put(s.set, content, sizeof(content)), CD_OK);
            }
            uint64_t done = 0;
            while (done < steps && s.dones == 0 && fault_disk_step_any(s.disk)) {
                done++;
            }
            bool published = s.dones != 0;
            storage_snapshot_abort(s.set);
            storage_snapshot_abort(s.set);
            (void)fault_disk_pump(s.disk);
            assert_int_equal(s.dones, published ? 1 : 0);
            named += published ? 1 : 0;
            s.content_bytes = 3000;
            if (published) {
                assert_string_equal(snaps_list(&s), "5 ");
            } else {
                expect_ended(&s, "", 5);
            }
            snaps_release(&s);
        }
    }
    assert_in_range(named, 1, 7);
}

/* The set may go at any moment; its next opening finds a clean directory. */
static void test_free_in_the_middle(void **state)
{
    (void)state;
    for (uint64_t steps = 0; steps < 10; steps++) {
        struct fault_disk_options disk = {.seed = steps * 7};
        struct snaps s;
        snaps_init(&s, &disk);
        snaps_reopen(&s);
        snaps_make(&s, 1);
        snaps_make(&s, 2);
        assert_int_equal(snaps_write(&s, 3), CD_OK);
        for (uint64_t i = 0; i < steps; i++) {
            (void)fault_disk_step_any(s.disk);
        }
        snaps_reopen(&s);
        assert_null(strstr(snaps_names(&s), ".tmp"));
        snaps_check(&s, 2);
        snaps_release(&s);
    }
}

/* --- a disk that fails --- */

/* Every operation of a writing fails once. The two that are kept stay; the third is gone. */
static void fail_each(enum cd_status fault)
{
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 1);
    snaps_make(&s, 2);
    uint64_t before = fault_disk_operations(s.disk);
    snaps_make(&s, 3);
    uint64_t total = fault_disk_operations(s.disk) - before;
    snaps_release(&s);
    assert_true(total >= 10);
    uint64_t fulls = 0;
    uint64_t errors = 0;
    for (uint64_t nth = 1; nth <= total; nth++) {
        snaps_init(&s, NULL);
        snaps_reopen(&s);
        snaps_make(&s, 1);
        snaps_make(&s, 2);
        uint64_t dones = s.dones;
        fault_disk_fail_at(s.disk, nth, fault);
        enum cd_status status = snaps_write(&s, 3);
        assert_true(status == CD_OK || status == CD_CLOSED);
        (void)fault_disk_pump(s.disk);
        fault_disk_fail_at(s.disk, 0, CD_OK);
        assert_int_equal(s.dones, dones + 1); /* told once */
        assert_int_equal(s.done_slot, 3);
        if (s.done_status == CD_OK) { /* only the removal of the first one failed */
            assert_string_equal(snaps_list(&s), "3 2 ");
            assert_int_equal(stats_of(&s).removals_failed, 1);
            snaps_check(&s, 3);
        } else {
            fulls += s.done_status == CD_FULL ? 1 : 0;
            errors += s.done_status == CD_IO ? 1 : 0;
            assert_string_equal(snaps_list(&s), "2 1 ");
            assert_int_equal(storage_snapshots_floor(s.set), 1);
            snaps_check(&s, 1);
            assert_null(strstr(snaps_names(&s), ".tmp"));
            assert_null(strstr(snaps_names(&s), snaps_name(3)));
        }
        snaps_check(&s, 2);
        snaps_make(&s, 4); /* and it goes on */
        snaps_reopen(&s);
        snaps_check(&s, 4);
        snaps_check(&s, 2 + (strchr(snaps_list(&s), '3') != NULL ? 1 : 0));
        snaps_release(&s);
    }
    assert_int_equal(fulls != 0, fault == CD_FULL);
    assert_true(errors >= 2);
}

static void test_each_operation_fails(void **state)
{
    (void)state;
    fail_each(CD_IO);
}

static void test_each_operation_finds_no_room(void **state)
{
    (void)state;
    fail_each(CD_FULL);
}

/* R22: a disk that has no room for a third one ends the third one. */
static void test_full_disk(void **state)
{
    (void)state;
    struct snaps s;
    struct fault_disk_options disk = {.capacity_bytes = 1};
    snaps_init(&s, &disk);
    s.content_bytes = 3000000;
    snaps_reopen(&s);
    fault_disk_set_capacity(s.disk, 0);
    snaps_make(&s, 1);
    snaps_make(&s, 2);
    uint64_t used = stats_of(&s).bytes;
    for (uint64_t room = 0; room < used / 2; room += used / 9) {
        fault_disk_set_capacity(s.disk, used + room + 1);
        assert_int_equal(stats_of(&s).free_bytes, room + 1);
        enum cd_status status = snaps_write(&s, 3);
        assert_true(status == CD_OK || status == CD_CLOSED);
        (void)fault_disk_pump(s.disk);
        assert_int_equal(s.done_status, CD_FULL);
        assert_string_equal(snaps_list(&s), "2 1 ");
        assert_int_equal(stats_of(&s).free_bytes, room + 1); /* nothing is left of it */
        snaps_check(&s, 2);
    }
    fault_disk_set_capacity(s.disk, 0);
    snaps_make(&s, 3);
    snaps_check(&s, 3);
    snaps_release(&s);
}

/* --- receiving --- */

/* A snapshot's file, as a peer has it. */
struct peer {
    struct snaps s;
    const uint8_t *file;
    uint64_t bytes;
};

static void peer_init(struct peer *peer, uint64_t slot, uint64_t content_bytes)
{
    snaps_init(&peer->s, NULL);
    peer->s.content_bytes = content_bytes;
    snaps_reopen(&peer->s);
    snaps_make(&peer->s, slot);
    peer->file = fault_disk_peek(peer->s.disk, snaps_name(slot), &peer->bytes);
}

/* Gives [offset, bytes) of `file` in chunks, stepping the disk on CD_BUSY. */
static enum cd_status give(struct snaps *s, const uint8_t *file, uint64_t offset, uint64_t bytes,
                           uint64_t chunk)
{
    enum cd_status status = CD_OK;
    while (status == CD_OK && offset < bytes) {
        uint64_t next = UINT64_MAX;
        size_t part = (size_t)(bytes - offset < chunk ? bytes - offset : chunk);
        status =
            storage_snapshot_receive_put(s->set, offset, file + offset, part, &next, &s->error);
        if (status == CD_BUSY) {
            assert_int_equal(next, offset); /* nothing was taken */
            assert_true(fault_disk_step_any(s->disk));
            status = CD_OK;
        } else if (status == CD_OK) {
            assert_int_equal(next, offset + part);
            offset = next;
        } else {
            assert_int_equal(s->error.status, status);
        }
    }
    return status;
}

static void test_receive(void **state)
{
    (void)state;
    const uint64_t chunks[] = {1, 47, 300, 5000, STORAGE_SNAPSHOT_CHUNK_BYTES_MAX};
    for (size_t i = 0; i < CD_ARRAY_COUNT(chunks); i++) {
        struct peer peer;
        peer_init(&peer, 40, chunks[i] < 100 ? 20000 : 9000000);
        struct snaps s;
        snaps_init(&s, NULL);
        s.content_bytes = peer.s.content_bytes;
        snaps_reopen(&s);
        assert_int_equal(receive(&s, 40, peer.bytes), CD_OK);
        assert_int_equal(give(&s, peer.file, 0, peer.bytes, chunks[i]), CD_OK);
        assert_int_equal(s.dones, 0);
        assert_int_equal(storage_snapshot_finish(s.set), CD_OK);
        (void)fault_disk_pump(s.disk);
        assert_int_equal(s.done_status, CD_OK);
        assert_int_equal(s.done_slot, 40);
        assert_string_equal(snaps_list(&s), "40 "); /* verified on the way */
        uint64_t bytes = 0;
        const uint8_t *file = fault_disk_peek(s.disk, snaps_name(40), &bytes);
        assert_int_equal(bytes, peer.bytes);
        assert_memory_equal(file, peer.file, bytes);
        snaps_check(&s, 40);
        snaps_release(&s);
        snaps_release(&peer.s);
    }
}

/* Chunks that come again, overlap, or come too early: the next wanted offset is told. */
static void test_chunks_in_disorder(void **state)
{
    (void)state;
    struct peer peer;
    peer_init(&peer, 40, SNAPS_CONTENT_BYTES);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct cd_prng prng;
        cd_prng_init(&prng, seed);
        struct snaps s;
        snaps_init(&s, NULL);
        snaps_reopen(&s);
        assert_int_equal(receive(&s, 40, peer.bytes), CD_OK);
        uint64_t wanted = 0;
        uint64_t holes = 0;
        while (wanted < peer.bytes) {
            uint64_t from = wanted > 20000 ? wanted - 20000 : 0;
            uint64_t offset = from + cd_prng_below(&prng, 30000);
            offset = offset < peer.bytes ? offset : peer.bytes - 1;
            uint64_t bytes = cd_prng_below(&prng, 20000) + 1;
            bytes = bytes < peer.bytes - offset ? bytes : peer.bytes - offset;
            uint64_t next = UINT64_MAX;
            assert_int_equal(storage_snapshot_receive_put(s.set, offset, peer.file + offset, bytes,
                                                          &next, &s.error),
                             CD_OK);
            uint64_t expected = wanted;
            if (offset <= wanted && offset + bytes > wanted) {
                expected = offset + bytes;
            }
            holes += offset > wanted ? 1 : 0;
            assert_int_equal(next, expected);
            wanted = expected;
            (void)fault_disk_step_any(s.disk);
        }
        assert_true(holes > 3);
        assert_int_equal(storage_snapshot_finish(s.set), CD_OK);
        (void)fault_disk_pump(s.disk);
        assert_int_equal(s.done_status, CD_OK);
        snaps_check(&s, 40);
        snaps_release(&s);
    }
    snaps_release(&peer.s);
}

/* A flipped bit anywhere in the file, or a file that stops early, never becomes a snapshot. */
static void test_damaged_file_is_refused(void **state)
{
    (void)state;
    struct peer peer;
    peer_init(&peer, 40, 300000);
    uint8_t *file = cd_malloc(peer.bytes);
    memcpy(file, peer.file, peer.bytes);
    struct snaps s;
    snaps_init(&s, NULL);
    s.content_bytes = 3000;
    snaps_reopen(&s);
    snaps_make(&s, 1);
    uint64_t refused = 0;
    for (uint64_t bit = 0; bit < peer.bytes * 8;) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(receive(&s, 40, peer.bytes), CD_OK);
        assert_int_equal(give(&s, file, 0, peer.bytes, 100000), CD_CORRUPT);
        assert_non_null(strstr(s.error.message, snaps_name(40)));
        refused++;
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(storage_snapshot_finish(s.set), CD_CLOSED);
        (void)fault_disk_pump(s.disk);
        assert_string_equal(snaps_list(&s), "1 ");
        assert_null(strstr(snaps_names(&s), ".tmp"));
        bool mark = bit / 8 < 400 || bit / 8 + 60 > peer.bytes;
        bit += mark ? 11 : 20011;
    }
    assert_true(refused > 300);
    assert_int_equal(s.dones, 1); /* of the first; an error is answered and not told */
    for (uint64_t bytes = 0; bytes < peer.bytes; bytes += bytes < 400 ? 13 : 5003) {
        assert_int_equal(receive(&s, 40, peer.bytes), CD_OK);
        assert_int_equal(give(&s, file, 0, bytes, 100000), CD_OK);
        assert_int_equal(storage_snapshot_finish(s.set), CD_CORRUPT);
        (void)fault_disk_pump(s.disk);
        assert_string_equal(snaps_list(&s), "1 ");
    }
    cd_free(file);
    snaps_release(&s);
    snaps_release(&peer.s);
}

static void test_other_than_announced(void **state)
{
    (void)state;
    struct peer peer;
    peer_init(&peer, 40, 3000);
    struct snaps s;
    snaps_init(&s, NULL);
    s.content_bytes = 3000;
    snaps_reopen(&s);
    for (int i = 0; i < 6; i++) {
        struct storage_snapshot_meta meta = snaps_meta(40);
        uint64_t bytes = peer.bytes;
        meta.slot += i == 0 ? 1 : 0;
        meta.zxid += i == 1 ? 1 : 0;
        meta.digest += i == 2 ? 1 : 0;
        meta.digest_version += i == 3 ? 1 : 0;
        bytes -= i == 4 ? 1 : 0; /* it announced less, */
        bytes += i == 5 ? 1 : 0; /* or more than comes */
        assert_int_equal(storage_snapshot_receive(s.set, &meta, bytes, snaps_on_done, &s), CD_OK);
        enum cd_status status = give(&s, peer.file, 0, peer.bytes, 1000);
        assert_int_equal(status, i == 5 ? CD_OK : CD_CORRUPT);
        if (i == 5) {
            assert_int_equal(storage_snapshot_finish(s.set), CD_CORRUPT);
        }
        (void)fault_disk_pump(s.disk);
        assert_string_equal(snaps_names(&s), "");
    }
    /* Something behind the trailer, which was announced too. */
    uint8_t *longer = cd_calloc(1, peer.bytes + 5);
    memcpy(longer, peer.file, peer.bytes);
    assert_int_equal(receive(&s, 40, peer.bytes + 5), CD_OK);
    assert_int_equal(give(&s, longer, 0, peer.bytes + 5, 1000), CD_CORRUPT);
    assert_non_null(strstr(s.error.message, "behind the trailer"));
    cd_free(longer);
    assert_int_equal(s.dones, 0);
    expect_ended(&s, "", 40);
    snaps_release(&s);
    snaps_release(&peer.s);
}

static void test_foreign_and_newer(void **state)
{
    (void)state;
    struct peer peer;
    peer_init(&peer, 40, 3000);
    struct snaps s;
    snaps_init(&s, NULL);
    s.content_bytes = 3000;
    s.options.cluster_name = "berlin";
    snaps_reopen(&s);
    assert_int_equal(receive(&s, 40, peer.bytes), CD_OK);
    assert_int_equal(give(&s, peer.file, 0, peer.bytes, 1000), CD_FOREIGN);
    assert_non_null(strstr(s.error.message, "\"unit-test\", not to \"berlin\""));
    uint8_t block[SNAPSHOT_HEADER_BYTES];
    struct snapshot_check check;
    snapshot_check_init(&check);
    struct snapshot_header newer = {
        .format_version = STORAGE_SNAPSHOT_FORMAT_VERSION + 1,
        .meta = snaps_meta(40),
        .cluster_name = "berlin",
    };
    snapshot_put_header(&check, &newer, block);
    (void)fault_disk_pump(s.disk);
    assert_int_equal(receive(&s, 40, peer.bytes), CD_OK);
    assert_int_equal(give(&s, block, 0, sizeof(block), 1000), CD_NEWER_FORMAT);
    assert_non_null(strstr(s.error.message, "format 2"));
    expect_ended(&s, "", 40);
    snaps_release(&s);
    snaps_release(&peer.s);
}

/* A damaged one of the same slot is replaced. */
static void test_replaces_a_damaged_one(void **state)
{
    (void)state;
    struct peer peer;
    peer_init(&peer, 40, SNAPS_CONTENT_BYTES);
    struct snaps s;
    snaps_init(&s, NULL);
    snaps_reopen(&s);
    snaps_make(&s, 30);
    snaps_make(&s, 40);
    fault_disk_flip(s.disk, snaps_name(40), 40000);
    assert_int_equal(snaps_read(&s, 40), CD_CORRUPT);
    assert_string_equal(snaps_list(&s), "40!30 ");
    assert_int_equal(storage_snapshots_floor(s.set), 0);
    assert_int_equal(receive(&s, 40, peer.bytes), CD_OK);
    assert_int_equal(give(&s, peer.file, 0, peer.bytes, 100000), CD_OK);
    assert_int_equal(storage_snapshot_finish(s.set), CD_OK);
    (void)fault_disk_pump(s.disk);
    assert_string_equal(snaps_list(&s), "40 30 ");
    snaps_check(&s, 40);
    assert_int_equal(storage_snapshots_floor(s.set), 30);
    snaps_release(&s);
    snaps_release(&peer.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_same_file_everywhere),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_begin_is_refused),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_free_in_the_middle),
        cmocka_unit_test(test_each_operation_fails),
        cmocka_unit_test(test_each_operation_finds_no_room),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_chunks_in_disorder),
        cmocka_unit_test(test_damaged_file_is_refused),
        cmocka_unit_test(test_other_than_announced),
        cmocka_unit_test(test_foreign_and_newer),
        cmocka_unit_test(test_replaces_a_damaged_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
