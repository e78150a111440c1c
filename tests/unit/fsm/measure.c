#include "fsm/state.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/path.h"
#include "fsm/snapshot.h"
#include "fsm/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Prints what a node costs in memory and what operations cost in time; coordd/fsm/README.md quotes
 * it. Not a test: build target fsm_measure, run it on a quiet machine: as it is, with "random",
 * with "watches", and with "sessions" and how many.
 */

#define NODES      1000000u
#define DATA_BYTES 100u

/* Time on the processor, so that other work on the machine counts less. */
static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static double resident_mb(void)
{
    unsigned long total = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2) {
        exit(1);
    }
    fclose(file);
    return (double)resident * 4096.0 / 1e6;
}

static void print_time(const char *what, uint64_t start, uint64_t count)
{
    printf("%-52s %8.0f ns\n", what, (double)(now_ns() - start) / (double)count);
}

static void apply(struct fsm *fsm, struct fsm_op op, struct fsm_result *result)
{
    struct fsm_command command = {.op = op};
    fsm_slot_begin(fsm, fsm_slot(fsm) + 1, NULL);
    fsm_apply(fsm, &command, result);
    fsm_slot_end(fsm);
    if (result->status != CD_OK) {
        fprintf(stderr, "%s\n", cd_status_name(result->status));
        exit(1);
    }
}

enum { PATH_ROOM = 64 };

static struct fsm_bytes path_of(char *to, const char *form, uint64_t number)
{
    int bytes = snprintf(to, PATH_ROOM, "/bench/%s%010llu", form, (unsigned long long)number);
    return fsm_bytes_make(to, (size_t)bytes);
}

/* A permutation of [0, NODES). */
static uint64_t scatter(uint64_t i)
{
    return i * 618033u % NODES;
}

static void fill(struct fsm *fsm, struct fsm_result *result, const char *what, bool random)
{
    static const uint8_t data[DATA_BYTES] = {1};
    char path[PATH_ROOM];
    double before = resident_mb();
    apply(fsm,
          (struct fsm_op){.kind = FSM_OP_CREATE, .create = {.path = fsm_bytes_make("/bench", 6)}},
          result);
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < NODES; i++) {
        struct fsm_op op = {.kind = FSM_OP_CREATE,
                            .create = {.data = fsm_bytes_make(data, DATA_BYTES)}};
        op.create.path = path_of(path, "n-", random ? scatter(i) : i);
        apply(fsm, op, result);
    }
    print_time(what, start, NODES);
    printf("%-52s %8.1f MB, %.0f bytes a node\n", "  resident memory of a million",
           resident_mb() - before, (resident_mb() - before) * 1e6 / NODES);
}

static void set_random(struct fsm *fsm, struct fsm_result *result, const char *what)
{
    static const uint8_t data[DATA_BYTES] = {2};
    char path[PATH_ROOM];
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < NODES / 2; i++) {
        struct fsm_op op = {
            .kind = FSM_OP_SET,
            .set = {.data = fsm_bytes_make(data, DATA_BYTES), .version = FSM_ANY_VERSION}};
        op.set.path = path_of(path, "n-", scatter(i));
        apply(fsm, op, result);
    }
    print_time(what, start, NODES / 2);
}

static void delete_subtrees(struct fsm *fsm, struct fsm_result *result)
{
    uint64_t start = now_ns();
    for (unsigned i = 0; i < 10; i++) {
        struct fsm_op op = {
            .kind = FSM_OP_CREATE,
            .create = {.path = fsm_bytes_make("/other/dir", 10), .make_parents = true}};
        apply(fsm, op, result);
        op.create.path = fsm_bytes_make("/other/dir/n-", 13);
        op.create.sequential = true;
        for (unsigned child = 0; child < 9998; child++) {
            apply(fsm, op, result);
        }
        op = (struct fsm_op){.kind = FSM_OP_DELETE,
                             .remove = {.path = fsm_bytes_make("/other", 6),
                                        .version = FSM_ANY_VERSION,
                                        .recursive = true}};
        start = i == 9 ? now_ns() : start;
        apply(fsm, op, result);
    }
    print_time("recursive delete of 10000 nodes, each", start, 10000);
}

/* ---- Lists of what changed ---- */

static void walk(struct fsm *fsm, struct fsm_list_options options, uint64_t expected,
                 const char *what)
{
    struct fsm_list list;
    struct fsm_view view;
    uint64_t count = 0;
    uint64_t start = now_ns();
    if (fsm_list_open(fsm, NULL, NULL, &options, &list) != CD_OK) {
        exit(1);
    }
    while (count < expected && fsm_list_next(&list, &view)) {
        count++;
    }
    print_time(what, start, 1);
    if (count != expected) {
        exit(1);
    }
}

static void list_changed(struct fsm *fsm, struct fsm_result *result)
{
    char path[PATH_ROOM];
    uint64_t nodes = 0;
    uint64_t since = fsm_zxid(fsm);
    for (uint64_t i = 0; i < 10; i++) {
        struct fsm_op op = {.kind = FSM_OP_SET, .set = {.version = FSM_ANY_VERSION}};
        op.set.path = path_of(path, "n-", scatter(i * 99991));
        apply(fsm, op, result);
    }
    walk(fsm,
         (struct fsm_list_options){
             .kind = FSM_LIST_CHANGED, .path = fsm_bytes_make("/", 1), .since = since},
         10, "what changed: 10 of a million");
    walk(fsm, (struct fsm_list_options){.path = fsm_bytes_make("/bench", 6)}, 1000,
         "list of 1000 children, whole");
    uint64_t start = now_ns();
    if (fsm_count(fsm, NULL, NULL, fsm_bytes_make("/", 1), &nodes) != CD_OK) {
        exit(1);
    }
    print_time("count of a million", start, 1);
}

/* ---- Watches ---- */

static uint64_t delivered;

static void deliver(void *context, uint64_t watcher, const struct watch_event *event)
{
    (void)context;
    (void)watcher;
    delivered += event->ids_count;
}

static void deliver_queue(void *context, uint64_t watcher, const struct watch_queue_event *event)
{
    (void)context;
    (void)watcher;
    delivered += event->state == WATCH_QUEUE_FRONT;
}

/* Creates in a small tree with so many watches elsewhere, or of the node's parent. */
static void create_watched(uint64_t watches_count, uint64_t hits, const char *what)
{
    static const struct fsm_who who = {.scheme = FSM_SCHEME_URI};
    const struct watch_limits watch_limits = {
        .per_watcher = 1000, .total = 1000000, .history_bytes = 1 << 20, .history_ms = 1 << 20};
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct fsm *fsm = fsm_create(&limits, FSM_GENERATION_FIRST);
    struct watches *watches = watches_create(&watch_limits, fsm_zxid(fsm));
    struct fsm_result result;
    char path[PATH_ROOM];
    fsm_result_init(&result);
    apply(fsm,
          (struct fsm_op){.kind = FSM_OP_CREATE, .create = {.path = fsm_bytes_make("/bench", 6)}},
          &result);
    double before = resident_mb();
    for (uint64_t i = 0; i < watches_count; i++) {
        uint64_t from;
        bool resync;
        struct watch_spec spec = {.scope = WATCH_CHILDREN, .kinds = 30};
        spec.path = i < hits ? fsm_bytes_make("/bench", 6) : path_of(path, "w-", i);
        if (i % 100 == 0) {
            watch_open(watches, i / 100, &who);
        }
        if (watch_set(watches, i / 100, i, &spec, 0, &from, &resync) != CD_OK) {
            exit(1);
        }
    }
    double after = resident_mb();
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < 100000; i++) {
        struct fsm_op op = {.kind = FSM_OP_CREATE};
        op.create.path = path_of(path, "n-", i);
        apply(fsm, op, &result);
        watch_feed(watches, fsm, &result, deliver, deliver_queue, NULL);
    }
    print_time(what, start, 100000);
    if (watches_count > 1000) {
        printf("%-52s %8.0f bytes\n", "  resident memory of a watch, paths of 24 bytes",
               (after - before) * 1e6 / (double)watches_count);
    }
    if (delivered < hits * 100000) {
        exit(1);
    }
    watches_free(watches);
    fsm_result_release(&result);
    fsm_free(fsm);
}

/* 10,000 wait in one queue; each turn is one delete and tells one. */
static void pass_lock(void)
{
    static const struct fsm_who who = {.scheme = FSM_SCHEME_URI};
    const struct watch_limits watch_limits = {
        .per_watcher = 10000, .total = 1000000, .history_bytes = 1 << 20, .history_ms = 1 << 20};
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct fsm *fsm = fsm_create(&limits, FSM_GENERATION_FIRST);
    struct watches *watches = watches_create(&watch_limits, fsm_zxid(fsm));
    struct fsm_result result;
    char path[PATH_ROOM];
    fsm_result_init(&result);
    struct fsm_op op = {.kind = FSM_OP_CREATE, .create = {.path = fsm_bytes_make("/bench", 6)}};
    apply(fsm, op, &result);
    watch_open(watches, 1, &who);
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < 10000; i++) {
        op.create.path = fsm_bytes_make("/bench/n-", 9);
        op.create.sequential = true;
        apply(fsm, op, &result);
        watch_feed(watches, fsm, &result, deliver, deliver_queue, NULL);
        struct watch_queue_spec spec = {.path = path_of(path, "n-", i), .n = 1};
        if (watch_set_queue(watches, fsm, 1, i + 1, &spec) != CD_OK) {
            exit(1);
        }
        watch_tell_queues(watches, fsm, 1, i + 1, deliver_queue, NULL);
    }
    print_time("queue: create and watch its front, each of 10000", start, 10000);
    delivered = 0;
    start = now_ns();
    for (uint64_t i = 0; i < 10000; i++) {
        op = (struct fsm_op){.kind = FSM_OP_DELETE, .remove = {.version = FSM_ANY_VERSION}};
        op.remove.path = path_of(path, "n-", i);
        apply(fsm, op, &result);
        watch_feed(watches, fsm, &result, deliver, deliver_queue, NULL);
    }
    print_time("queue: delete at the front and tell the next", start, 10000);
    if (delivered != 9999) {
        exit(1);
    }
    watches_free(watches);
    fsm_result_release(&result);
    fsm_free(fsm);
}

static void measure(bool random)
{
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct fsm *fsm = fsm_create(&limits, FSM_GENERATION_FIRST);
    struct fsm_result result;
    struct fsm_view view;
    const struct fsm_list_options options = {.kind = FSM_LIST_CHILDREN,
                                             .path = fsm_bytes_make("/bench", 6)};
    struct fsm_list list;
    struct fsm_tree frozen;
    char path[PATH_ROOM];
    fsm_result_init(&result);
    fill(fsm, &result, random ? "create, random names" : "create, ascending names", random);

    uint64_t start = now_ns();
    for (uint64_t i = 0; i < NODES; i++) {
        if (fsm_get(fsm, NULL, NULL, path_of(path, "n-", scatter(i)), &view) != CD_OK) {
            exit(1);
        }
    }
    print_time("get, random", start, NODES);
    start = now_ns();
    for (uint64_t i = 0; i < NODES; i++) {
        if (fsm_get(fsm, NULL, NULL, path_of(path, "n-", i % 1000), &view) != CD_OK) {
            exit(1);
        }
    }
    print_time("get, among 1000", start, NODES);
    start = now_ns();
    for (uint64_t i = 0; i < NODES; i++) {
        path_of(path, "n-", scatter(i));
    }
    print_time("  of which making the path", start, NODES);
    set_random(fsm, &result, "set, random");

    start = now_ns();
    uint64_t count = 0;
    if (fsm_list_open(fsm, NULL, NULL, &options, &list) != CD_OK) {
        exit(1);
    }
    while (fsm_list_next(&list, &view)) {
        count++;
    }
    print_time("children, each", start, count);

    list_changed(fsm, &result);
    delete_subtrees(fsm, &result);

    double before = resident_mb();
    fsm_tree_share(&frozen, &fsm->tree);
    set_random(fsm, &result, "set, random, while a version is frozen");
    printf("%-52s %8.1f MB\n", "  memory it holds then", resident_mb() - before);
    start = now_ns();
    fsm_tree_release(&frozen);
    print_time("release of the frozen version, whole", start, 1);
    start = now_ns();
    fsm_free(fsm);
    print_time("free, each", start, NODES);
    fsm_result_release(&result);
}

/* ---- Sessions and snapshots ---- */

#define KEPT_REPLIES 8u

static void apply_command(struct fsm *fsm, const struct fsm_command *command,
                          struct fsm_result *result)
{
    fsm_slot_begin(fsm, fsm_slot(fsm) + 1, NULL);
    fsm_apply(fsm, command, result);
    fsm_slot_end(fsm);
    if (result->verdict != FSM_TAKEN || result->status != CD_OK) {
        fprintf(stderr, "%d %s\n", (int)result->verdict, cd_status_name(result->status));
        exit(1);
    }
}

static uint64_t *open_sessions(struct fsm *fsm, uint64_t count, struct fsm_result *result)
{
    uint64_t *sessions = cd_malloc(count * sizeof(*sessions));
    struct fsm_command open = {.who = {.scheme = FSM_SCHEME_URI,
                                       .id = fsm_bytes_make("spiffe://cluster/ns/default/sa", 30)},
                               .op = {.kind = FSM_OP_OPEN_SESSION}};
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        apply_command(fsm, &open, result);
        sessions[i] = result->session_opened;
    }
    print_time("open a session", start, count);
    return sessions;
}

/* Each session sets a node, and the last KEPT_REPLIES replies are not yet acknowledged. */
static void write_all(struct fsm *fsm, const uint64_t *sessions, uint64_t count, uint64_t *seq,
                      uint64_t rounds, const char *what, struct fsm_result *result)
{
    static const uint8_t data[DATA_BYTES] = {3};
    char path[PATH_ROOM];
    uint64_t start = now_ns();
    for (uint64_t round = 0; round < rounds; round++) {
        ++*seq;
        for (uint64_t i = 0; i < count; i++) {
            struct fsm_command command = {.session = sessions[i],
                                          .seq = *seq,
                                          .attach = 1,
                                          .reply_mark =
                                              *seq > KEPT_REPLIES ? *seq - KEPT_REPLIES : 0,
                                          .op = {.kind = FSM_OP_SET,
                                                 .set = {.path = path_of(path, "n-", scatter(i)),
                                                         .data = fsm_bytes_make(data, DATA_BYTES),
                                                         .version = FSM_ANY_VERSION}}};
            apply_command(fsm, &command, result);
        }
    }
    print_time(what, start, rounds * count);
}

/* Freezing, walking and restoring, each item. */
static void measure_snapshot(struct fsm *fsm, const uint64_t *sessions, uint64_t count,
                             uint64_t *seq, struct fsm_result *result)
{
    struct fsm_item item;
    struct fsm *copy = NULL;
    uint64_t items = 0;
    uint64_t start = now_ns();
    struct fsm_snapshot *snapshot = fsm_snapshot_take(fsm);
    print_time("freeze all of it, whole", start, 1);
    write_all(fsm, sessions, count, seq, 1, "set by sessions, the first after it", result);
    start = now_ns();
    while (fsm_snapshot_next(snapshot, &item)) {
        items++;
    }
    print_time("walk its items, each", start, items);
    uint64_t slowest = 0;
    for (bool done = false; !done;) {
        start = now_ns();
        done = fsm_snapshot_release(snapshot, 64);
        slowest = now_ns() - start > slowest ? now_ns() - start : slowest;
    }
    printf("%-52s %8llu ns\n", "give it back, the slowest step of 64 pages",
           (unsigned long long)slowest);
    snapshot = fsm_snapshot_take(fsm);
    struct fsm_restore *restore = fsm_restore_begin();
    start = now_ns();
    while (fsm_snapshot_next(snapshot, &item)) {
        if (fsm_restore_put(restore, &item, NULL) != CD_OK) {
            exit(1);
        }
    }
    if (fsm_restore_finish(restore, &copy, NULL) != CD_OK) {
        exit(1);
    }
    print_time("restore, each item", start, items);
    while (!fsm_snapshot_release(snapshot, 1024)) {
    }
    fsm_free(copy);
}

static void measure_sessions(uint64_t count)
{
    struct fsm_limits limits = FSM_LIMITS_DEFAULT;
    struct fsm *fsm = fsm_create(&limits, FSM_GENERATION_FIRST);
    struct fsm_result result;
    uint64_t seq = 0;
    fsm_result_init(&result);
    fill(fsm, &result, "create, ascending names", false);
    double before = resident_mb();
    uint64_t *sessions = open_sessions(fsm, count, &result);
    printf("%-52s %8.0f bytes\n", "  resident memory of each",
           (resident_mb() - before) * 1e6 / (double)count);
    write_all(fsm, sessions, count, &seq, KEPT_REPLIES, "set by sessions, replies kept", &result);
    printf("%-52s %8.0f bytes\n", "  resident memory of each session with 8 replies",
           (resident_mb() - before) * 1e6 / (double)count);
    write_all(fsm, sessions, count, &seq, KEPT_REPLIES, "set by sessions, one forgotten for each",
              &result);
    measure_snapshot(fsm, sessions, count, &seq, &result);
    cd_free(sessions);
    fsm_result_release(&result);
    fsm_free(fsm);
}

int main(int argc, char **argv)
{
    /* Memory that was used and given back is not seen to grow, so a run measures one thing. */
    if (argc > 1 && strcmp(argv[1], "watches") == 0) {
        create_watched(100000, 0, "create and feed, 100,000 watches elsewhere");
        create_watched(0, 0, "create and feed, no watch");
        create_watched(1, 1, "create and feed, one watch that it concerns");
        pass_lock();
    } else if (argc > 1 && strcmp(argv[1], "sessions") == 0) {
        measure_sessions(argc > 2 ? strtoull(argv[2], NULL, 10) : 5000);
    } else {
        measure(argc > 1);
    }
    return 0;
}
