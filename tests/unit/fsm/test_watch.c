#include "support.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/watch.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Goal: watchers are told exactly what watch.h promises (W1 to W3), and what queue fronts answer is
 * what the tree says. Method: a naive twin that keeps every change ever made as text and every
 * watch in a flat array, and looks at all of them each time; random commands, watchers and replays.
 */

#define WATCHERS    5u
#define WATCHES_MAX 24u
#define TEXT_BYTES  256u
#define LOG_MAX     65536u
#define PATHS       14u

static const char *const paths[PATHS] = {"/",     "/a",  "/a/b",     "/a/b/c", "/a-",
                                         "/a/x",  "/ab", "/a/b/c/d", "/q",     "/q/x",
                                         "/q/a-", "/b",  "/b/a",     "/b/a/b"};

/* ---- The naive side ---- */

struct old_change {
    uint64_t zxid;
    enum fsm_change_kind kind;
    char path[64];
    char data[32], previous[32];
    bool readable[2]; /* by each identity, by the ACL in force then */
};

struct naive_watch {
    bool used;
    uint64_t id, from;
    char path[64];
    enum watch_scope scope;
    uint32_t kinds;
    bool with_data, with_previous, late;
    /* of a queue front */
    bool queue;
    uint32_t n;
    const char *prefixes[2];
    size_t prefixes_count;
    enum watch_queue_state told;
    uint64_t told_fence;
    bool hidden; /* it could not be read at some time since it was told */
};

struct naive_watcher {
    bool open, live;
    uint64_t told;
    struct naive_watch watches[WATCHES_MAX];
    char got[LOG_MAX];      /* what the product told, a line an event */
    char expected[LOG_MAX]; /* what the twin would have told */
};

/* Who may read what: paths with an ACL of their own. */
struct naive_acl {
    char path[64];
    bool readable[2];
};

struct world {
    struct cd_prng prng;
    struct rig rig;
    struct watches *watches;
    struct old_change *changes;
    size_t changes_count;
    struct naive_acl acls[64];
    size_t acls_count;
    struct naive_watcher watchers[WATCHERS];
    struct fsm_who who[2];
    uint64_t last_id;
    size_t events, queue_events, lagged, filtered; /* a run without them tests nothing */
};

static uint64_t below(struct world *world, uint64_t bound)
{
    return cd_prng_below(&world->prng, bound);
}

static bool chance(struct world *world, uint64_t in_100)
{
    return below(world, 100) < in_100;
}

static void to_string(char *to, size_t room, struct fsm_bytes bytes)
{
    (void)snprintf(to, room, "%.*s", (int)bytes.bytes, (const char *)bytes.data);
}

static bool is_at_or_below(const char *path, const char *top)
{
    size_t bytes = strcmp(top, "/") == 0 ? 0 : strlen(top);
    return strcmp(path, top) == 0 ||
           (strncmp(path, top, bytes) == 0 && path[bytes] == '/' && path[bytes + 1] != '\0');
}

static void parent_of(const char *path, char *to)
{
    memcpy(to, path, strlen(path) + 1);
    char *slash = strrchr(to, '/');
    slash[slash == to ? 1 : 0] = '\0';
}

static struct naive_acl *acl_at(struct world *world, const char *path)
{
    for (size_t i = 0; i < world->acls_count; i++) {
        if (strcmp(world->acls[i].path, path) == 0) {
            return &world->acls[i];
        }
    }
    return NULL;
}

static bool readable(struct world *world, const char *path, unsigned who)
{
    char at[64];
    memcpy(at, path, strlen(path) + 1);
    while (acl_at(world, at) == NULL && strcmp(at, "/") != 0) {
        char above[64];
        parent_of(at, above);
        memcpy(at, above, sizeof(at));
    }
    const struct naive_acl *acl = acl_at(world, at);
    return acl == NULL || acl->readable[who];
}

static void drop_acl(struct world *world, const char *path)
{
    struct naive_acl *acl = acl_at(world, path);
    if (acl != NULL) {
        world->acls_count--;
        *acl = world->acls[world->acls_count];
    }
}

static bool concerns(const struct naive_watch *watch, const struct old_change *change)
{
    char parent[64];
    parent_of(change->path, parent);
    bool in_scope = strcmp(watch->path, change->path) == 0 ||
                    (watch->scope == WATCH_CHILDREN && strcmp(change->path, "/") != 0 &&
                     strcmp(watch->path, parent) == 0) ||
                    (watch->scope == WATCH_SUBTREE && is_at_or_below(change->path, watch->path));
    return watch->used && !watch->queue && in_scope && change->zxid > watch->from &&
           (watch->kinds >> (unsigned)change->kind & 1) != 0;
}

static void append(char *log, const char *line)
{
    assert_true(strlen(log) + strlen(line) + 1 < LOG_MAX);
    memcpy(log + strlen(log), line, strlen(line) + 1);
}

/* One line if the change concerns the watcher, by ascending ids. */
static bool expect_change(struct world *world, unsigned number, const struct old_change *change)
{
    struct naive_watcher *watcher = &world->watchers[number];
    char ids[TEXT_BYTES] = "";
    bool with_data = false;
    bool with_previous = false;
    for (uint64_t id = 1; id <= world->last_id; id++) {
        for (size_t i = 0; i < WATCHES_MAX; i++) {
            const struct naive_watch *watch = &watcher->watches[i];
            if (watch->id == id && concerns(watch, change)) {
                (void)snprintf(ids + strlen(ids), TEXT_BYTES - strlen(ids), " %u", (unsigned)id);
                with_data = with_data || watch->with_data;
                with_previous = with_previous || watch->with_previous;
            }
        }
    }
    if (ids[0] == '\0') {
        return false;
    }
    if (!change->readable[number % 2] || !readable(world, change->path, number % 2)) {
        world->filtered++;
        return false;
    }
    char line[2 * TEXT_BYTES];
    (void)snprintf(line, sizeof(line), "%llx %d %s [%s] [%s] %d%d:%s\n",
                   (unsigned long long)change->zxid, (int)change->kind, change->path, change->data,
                   change->previous, with_data, with_previous, ids);
    append(watcher->expected, line);
    world->events++;
    return true;
}

static bool is_prefix(const struct naive_watch *watch, const char *own, const char *name,
                      size_t bytes)
{
    if (watch->prefixes_count == 0) {
        return strlen(own) == bytes && strncmp(own, name, bytes) == 0;
    }
    for (size_t i = 0; i < watch->prefixes_count; i++) {
        if (strlen(watch->prefixes[i]) == bytes && strncmp(watch->prefixes[i], name, bytes) == 0) {
            return true;
        }
    }
    return false;
}

/* Counts whoever precedes the node, over all children. */
static uint32_t count_ahead(struct world *world, const struct naive_watch *watch,
                            const struct fsm_view *node)
{
    char parent[64];
    char own[64] = "";
    uint32_t ahead = 0;
    const char *name = strrchr(watch->path, '/') + 1;
    parent_of(watch->path, parent);
    memcpy(own, name, strlen(name) - node->stat.suffix_bytes);
    uint64_t number = strtoull(name + strlen(name) - node->stat.suffix_bytes, NULL, 10);
    const struct fsm_list_options options = {.path = text(parent)};
    struct fsm_list list;
    struct fsm_view child;
    assert_int_equal(fsm_list_open(world->rig.fsm, NULL, NULL, &options, &list), CD_OK);
    while (fsm_list_next(&list, &child)) {
        char other[64];
        to_string(other, sizeof(other), child.path);
        size_t suffix = child.stat.suffix_bytes;
        if (suffix == 0 || !is_prefix(watch, own, other, strlen(other) - suffix)) {
            continue;
        }
        uint64_t of_other = strtoull(other + strlen(other) - suffix, NULL, 10);
        ahead += child.stat.czxid < node->stat.czxid ||
                 (child.stat.czxid == node->stat.czxid && of_other < number);
    }
    return ahead;
}

static void expect_queue(struct world *world, unsigned number, struct naive_watch *watch)
{
    struct fsm_view view;
    enum watch_queue_state state = WATCH_QUEUE_FRONT;
    uint64_t fence = 0;
    if (fsm_get(world->rig.fsm, NULL, NULL, text(watch->path), &view) != CD_OK ||
        !readable(world, watch->path, number % 2)) {
        state = WATCH_QUEUE_GONE;
    } else if (view.stat.suffix_bytes != 0 && count_ahead(world, watch, &view) >= watch->n) {
        state = WATCH_QUEUE_WAITING;
    } else {
        fence = view.stat.czxid;
    }
    if (state != watch->told || fence != watch->told_fence) {
        watch->told = state;
        watch->told_fence = fence;
    }
}

/* ---- The product's side ---- */

static void deliver(void *context, uint64_t number, const struct watch_event *event)
{
    struct world *world = context;
    char line[2 * TEXT_BYTES];
    char path[64];
    char data[32];
    char previous[32];
    to_string(path, sizeof(path), event->path);
    to_string(data, sizeof(data), event->data);
    to_string(previous, sizeof(previous), event->previous);
    int bytes =
        snprintf(line, sizeof(line), "%llx %d %s [%s] [%s] %d%d:", (unsigned long long)event->zxid,
                 (int)event->kind, path, data, previous, event->with_data, event->with_previous);
    for (size_t i = 0; i < event->ids_count; i++) {
        bytes +=
            snprintf(line + bytes, sizeof(line) - (size_t)bytes, " %u", (unsigned)event->ids[i]);
    }
    (void)snprintf(line + bytes, sizeof(line) - (size_t)bytes, "\n");
    append(world->watchers[number].got, line);
    assert_int_equal(event->stat.data_bytes, event->data.bytes);
}

static struct naive_watch *find_watch(struct naive_watcher *watcher, uint64_t id)
{
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        if (watcher->watches[i].used && watcher->watches[i].id == id) {
            return &watcher->watches[i];
        }
    }
    fail_msg("no watch %u", (unsigned)id);
    return NULL;
}

/* It is another answer than the one told last; check_queues says whether it is right. */
static void deliver_queue(void *context, uint64_t number, const struct watch_queue_event *event)
{
    struct world *world = context;
    struct naive_watch *watch = find_watch(&world->watchers[number], event->id);
    assert_true(watch->told != event->state || watch->told_fence != event->fence);
    assert_true(event->zxid == fsm_zxid(world->rig.fsm));
    assert_text(event->path, watch->path);
    watch->told = event->state;
    watch->told_fence = event->fence;
    watch->hidden = !readable(world, watch->path, (unsigned)number % 2);
    world->queue_events++;
}

/* What each live watcher's queue fronts were told last is what the tree says. */
static void check_queues(struct world *world)
{
    for (unsigned number = 0; number < WATCHERS; number++) {
        struct naive_watcher *watcher = &world->watchers[number];
        for (size_t i = 0; watcher->open && watcher->live && i < WATCHES_MAX; i++) {
            struct naive_watch *watch = &watcher->watches[i];
            if (watch->used && watch->queue) {
                enum watch_queue_state told = watch->told;
                uint64_t fence = watch->told_fence;
                watch->hidden = watch->hidden || !readable(world, watch->path, number % 2);
                if (watch->hidden) {
                    continue; /* an ACL's change alone tells nothing */
                }
                expect_queue(world, number, watch);
                if (watch->told != told || watch->told_fence != fence) {
                    fail_msg("%s: told %d, is %d", watch->path, (int)told, (int)watch->told);
                }
            }
        }
    }
}

static void check_logs(struct world *world)
{
    for (unsigned number = 0; number < WATCHERS; number++) {
        assert_string_equal(world->watchers[number].got, world->watchers[number].expected);
        world->watchers[number].got[0] = '\0';
        world->watchers[number].expected[0] = '\0';
    }
}

/* ---- Commands ---- */

static struct fsm_acl_entry entries[2] = {
    {.permissions = FSM_PERMISSIONS_ALL, .scheme = FSM_SCHEME_URI},
    {.permissions = FSM_PERMISSIONS_ALL, .scheme = FSM_SCHEME_URI}};

/* One of: nobody, a, b, both. */
static struct fsm_acl_entries make_acl(uint64_t choice)
{
    entries[0].id = text("a");
    entries[1].id = text("b");
    return (struct fsm_acl_entries){.entries = choice == 2 ? entries + 1 : entries,
                                    .count = choice == 0 ? 0 : (choice == 3 ? 2 : 1)};
}

static struct fsm_op make_write(struct world *world, uint64_t acl)
{
    static const char *const texts[] = {"", "1", "22", "three"};
    const char *path = paths[below(world, PATHS)];
    const char *data = texts[below(world, 4)];
    switch (below(world, 10)) {
    case 0:
    case 1:
    case 2: {
        struct fsm_op op = make_create(path, data);
        op.create.make_parents = true;
        op.create.if_absent = true;
        op.create.has_acl = acl < 4;
        op.create.acl = make_acl(acl);
        return op;
    }
    case 3:
        return make_set(path, data);
    case 4:
        return strcmp(path, "/") == 0 ? make_set(path, data) : make_recursive(path);
    case 5:
        return (struct fsm_op){.kind = FSM_OP_SET_ACL,
                               .set_acl = {.path = text(path),
                                           .acl = make_acl(acl),
                                           .has_acl = acl < 4,
                                           .aversion = FSM_ANY_VERSION}};
    case 6:
    case 7:
        return make_sequential(chance(world, 50) ? "/q/a-" : "/q/b-");
    default: {
        static char member[64];
        (void)snprintf(member, sizeof(member), "/q/%c-%010u", chance(world, 50) ? 'a' : 'b',
                       (unsigned)below(world, 20));
        struct fsm_op op = make_delete(member);
        op.remove.if_present = true;
        return op;
    }
    }
}

/* The ACL that an operation of the command gives the node of a change, if it is one that does. */
static void follow_acl(struct world *world, const struct fsm_op *ops, size_t count, uint64_t acl,
                       const struct old_change *change)
{
    for (size_t i = 0; i < count; i++) {
        const struct fsm_op *op = &ops[i];
        bool create = op->kind == FSM_OP_CREATE && change->kind == FSM_NODE_CREATED;
        bool set = op->kind == FSM_OP_SET_ACL && change->kind == FSM_NODE_ACL_SET;
        struct fsm_bytes path = create ? op->create.path : op->set_acl.path;
        if ((!create && !set) || (create && op->create.sequential) ||
            path.bytes != strlen(change->path) ||
            memcmp(path.data, change->path, path.bytes) != 0) {
            continue;
        }
        drop_acl(world, change->path);
        if (acl < 4) {
            struct naive_acl *made = &world->acls[world->acls_count++];
            memcpy(made->path, change->path, sizeof(made->path));
            made->readable[0] = (acl & 1) != 0;
            made->readable[1] = (acl & 2) != 0;
        }
    }
}

/* Takes the changes of the last command over, as text. */
static void remember(struct world *world, const struct fsm_op *ops, size_t count, uint64_t acl)
{
    const struct fsm_result *result = &world->rig.result;
    for (size_t i = 0; i < result->changes_count; i++) {
        const struct fsm_change *change = &result->changes[i];
        struct old_change *old = &world->changes[world->changes_count++];
        *old = (struct old_change){.zxid = result->zxid, .kind = change->kind};
        to_string(old->path, sizeof(old->path), change->path);
        if (change->kind != FSM_NODE_DELETED) {
            follow_acl(world, ops, count, acl, old);
        }
        for (unsigned who = 0; who < 2; who++) {
            old->readable[who] = readable(world, old->path, who);
        }
        if (change->kind == FSM_NODE_DELETED) {
            drop_acl(world, old->path);
        }
    }
}

/* The data before and after each change, from the tree as it was: kept by path. */
struct memory {
    char path[64];
    char data[32];
};

static struct memory known[512];
static size_t known_count;

static struct memory *recall(const char *path)
{
    for (size_t i = 0; i < known_count; i++) {
        if (strcmp(known[i].path, path) == 0) {
            return &known[i];
        }
    }
    return NULL;
}

/* What each change wrote, in order: an operation with data for that path not yet used. */
static void fill_data(struct world *world, const struct fsm_op *ops, size_t count, size_t first)
{
    bool used[8] = {false};
    for (size_t i = first; i < world->changes_count; i++) {
        struct old_change *change = &world->changes[i];
        struct memory *memory = recall(change->path);
        (void)snprintf(change->previous, sizeof(change->previous), "%s",
                       memory != NULL && change->kind != FSM_NODE_CREATED ? memory->data : "");
        (void)snprintf(change->data, sizeof(change->data), "%s", change->previous);
        for (size_t j = 0; j < count && change->kind <= FSM_NODE_SET; j++) {
            bool create = change->kind == FSM_NODE_CREATED;
            struct fsm_bytes path = create ? ops[j].create.path : ops[j].set.path;
            if (!used[j] && ops[j].kind == (create ? FSM_OP_CREATE : FSM_OP_SET) &&
                path.bytes == strlen(change->path) &&
                memcmp(path.data, change->path, path.bytes) == 0) {
                used[j] = true;
                to_string(change->data, sizeof(change->data),
                          create ? ops[j].create.data : ops[j].set.data);
                break;
            }
        }
        if (memory == NULL) {
            memory = &known[known_count++];
            memcpy(memory->path, change->path, sizeof(memory->path));
        }
        memcpy(memory->data, change->data, sizeof(memory->data));
        if (change->kind == FSM_NODE_DELETED) {
            *memory = known[--known_count];
        }
    }
}

static void command(struct world *world)
{
    struct fsm_op ops[3];
    uint64_t acl = below(world, 8); /* 4 and more: none */
    size_t count = chance(world, 25) ? 1 + (size_t)below(world, 3) : 1;
    for (size_t i = 0; i < count; i++) {
        ops[i] = make_write(world, acl);
        bool create = ops[i].kind == FSM_OP_CREATE && !ops[i].create.sequential;
        if (i > 0 && (create || ops[i].kind == FSM_OP_DELETE)) {
            ops[i] = make_set("/", "both"); /* it would be hard to follow what was there */
        }
    }
    struct fsm_op op = count > 1 ? make_txn(NULL, 0, ops, count, NULL, 0) : ops[0];
    struct fsm_command whole = {.who = {.administrator = true}, .op = op};
    size_t first = world->changes_count;
    (void)rig_judge(&world->rig, whole);
    remember(world, ops, count, acl);
    fill_data(world, ops, count, first);
    watch_feed(world->watches, world->rig.fsm, &world->rig.result, deliver, deliver_queue, world);
    for (size_t i = first; i < world->changes_count; i++) {
        for (unsigned number = 0; number < WATCHERS; number++) {
            if (world->watchers[number].open && world->watchers[number].live) {
                (void)expect_change(world, number, &world->changes[i]);
            }
        }
    }
    check_logs(world);
    check_queues(world);
}

/* ---- Watchers ---- */

static struct naive_watch *free_watch(struct naive_watcher *watcher)
{
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        if (!watcher->watches[i].used) {
            return &watcher->watches[i];
        }
    }
    return NULL;
}

static struct watch_history_view history(const struct world *world)
{
    struct watch_history_view view;
    watch_history_view(world->watches, &view);
    return view;
}

static void set_watch(struct world *world, unsigned number)
{
    struct naive_watch *watch = free_watch(&world->watchers[number]);
    struct watch_history_view view = history(world);
    if (watch == NULL) {
        return;
    }
    *watch = (struct naive_watch){.used = true, .id = ++world->last_id};
    (void)snprintf(watch->path, sizeof(watch->path), "%s", paths[below(world, PATHS)]);
    watch->scope = (enum watch_scope)below(world, 3);
    watch->kinds = (uint32_t)(2 * (1 + below(world, 15)));
    watch->with_data = chance(world, 50);
    watch->with_previous = chance(world, 50);
    struct watch_spec spec = {.path = text(watch->path),
                              .scope = watch->scope,
                              .kinds = watch->kinds,
                              .with_data = watch->with_data,
                              .with_previous = watch->with_previous};
    uint64_t after = chance(world, 50) ? 0 : view.hi - below(world, 30);
    bool resync = false;
    uint64_t from = 0;
    assert_int_equal(watch_set(world->watches, number, watch->id, &spec, after, &from, &resync),
                     CD_OK);
    assert_int_equal(resync, after != 0 && after < view.lo);
    assert_true(from == (after == 0 || resync ? view.hi : after));
    assert_int_equal(watch_set(world->watches, number, watch->id, &spec, 0, &from, &resync),
                     CD_INVALID_ARGUMENT);
    watch->from = after == 0 || resync ? view.hi : after;
    watch->late = watch->from < view.hi;
}

static void set_queue(struct world *world, unsigned number)
{
    static const char *const prefixes[] = {"a-", "b-"};
    struct naive_watcher *watcher = &world->watchers[number];
    struct naive_watch *watch = free_watch(watcher);
    if (watch == NULL) {
        return;
    }
    *watch = (struct naive_watch){.used = true, .queue = true, .id = ++world->last_id};
    if (chance(world, 10)) {
        (void)snprintf(watch->path, sizeof(watch->path), "%s", paths[below(world, PATHS)]);
    } else {
        (void)snprintf(watch->path, sizeof(watch->path), "/q/%c-%010u",
                       chance(world, 50) ? 'a' : 'b', (unsigned)below(world, 20));
    }
    watch->n = 1 + (uint32_t)below(world, 3);
    watch->prefixes_count = (size_t)below(world, 3);
    struct fsm_bytes given[2];
    for (size_t i = 0; i < watch->prefixes_count; i++) {
        watch->prefixes[i] = prefixes[(i + watch->id) % 2];
        given[i] = text(watch->prefixes[i]);
    }
    struct watch_queue_spec spec = {.path = text(watch->path),
                                    .n = watch->n,
                                    .prefixes = given,
                                    .prefixes_count = watch->prefixes_count};
    assert_int_equal(watch_set_queue(world->watches, world->rig.fsm, number, watch->id, &spec),
                     CD_OK);
    if (watcher->live) {
        watch_tell_queues(world->watches, world->rig.fsm, number, watch->id, deliver_queue, world);
        assert_true(watch->told != 0);
    }
}

static void drop_watches(struct world *world, unsigned number, bool all)
{
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct naive_watch *watch = &world->watchers[number].watches[i];
        if (watch->used && (all || chance(world, 30))) {
            assert_true(all || watch_unset(world->watches, number, watch->id));
            assert_true(all || !watch_unset(world->watches, number, watch->id));
            watch->used = false;
        }
    }
}

/* Told nothing for a while, from some zxid of the past on. */
static void fall_behind(struct world *world, unsigned number)
{
    struct naive_watcher *watcher = &world->watchers[number];
    struct watch_history_view view = history(world);
    uint64_t room = view.hi - fsm_zxid_make(FSM_GENERATION_FIRST, 0);
    uint64_t reached = watcher->live ? view.hi : watcher->told;
    watcher->told = view.hi - below(world, room < 40 ? room + 1 : 40);
    watcher->live = false;
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        struct naive_watch *watch = &watcher->watches[i];
        if (watch->used && !watch->late && watcher->told < reached && watch->from < reached) {
            watch->from = reached; /* it sees nothing twice */
        }
        watch->late = false;
    }
    watch_set_behind(world->watches, number, watcher->told);
}

static void replay(struct world *world, unsigned number)
{
    struct naive_watcher *watcher = &world->watchers[number];
    struct watch_history_view view = history(world);
    uint64_t zxid = 0;
    enum watch_progress progress = watch_replay(world->watches, world->rig.fsm, number,
                                                (size_t)below(world, 300), &zxid, deliver, world);
    if (watcher->told < view.lo) {
        assert_int_equal(progress, WATCH_LAGGED);
        world->lagged++;
        uint64_t ids[WATCHES_MAX];
        (void)watch_unset_all(world->watches, number, ids, WATCHES_MAX);
        drop_watches(world, number, true);
        watcher->live = true;
        return;
    }
    assert_true(progress != WATCH_LAGGED && zxid >= watcher->told && zxid <= view.hi);
    assert_true(progress == WATCH_MORE ? zxid > watcher->told : zxid == view.hi);
    for (size_t i = 0; i < world->changes_count; i++) {
        const struct old_change *change = &world->changes[i];
        if (change->zxid > watcher->told && change->zxid <= zxid) {
            (void)expect_change(world, number, change);
        }
    }
    check_logs(world);
    watcher->told = zxid;
    if (progress == WATCH_LIVE) {
        watcher->live = true;
        for (size_t i = 0; i < WATCHES_MAX; i++) {
            watcher->watches[i].late = false;
        }
        watch_tell_queues(world->watches, world->rig.fsm, number, 0, deliver_queue, world);
        check_queues(world);
    }
}

static void meddle(struct world *world)
{
    unsigned number = (unsigned)below(world, WATCHERS);
    struct naive_watcher *watcher = &world->watchers[number];
    if (!watcher->open) {
        watch_open(world->watches, number, &world->who[number % 2]);
        *watcher = (struct naive_watcher){.open = true, .live = true};
        return;
    }
    switch (below(world, 20)) {
    case 0:
        watch_close(world->watches, number);
        watch_close(world->watches, number); /* unknown by now */
        watcher->open = false;
        return;
    case 1:
    case 2:
        drop_watches(world, number, false);
        break;
    case 3:
    case 4:
    case 5:
        if (watcher->live) {
            fall_behind(world, number);
        }
        break;
    case 6:
    case 7:
    case 8:
    case 9:
        set_queue(world, number);
        break;
    default:
        set_watch(world, number);
        break;
    }
    size_t count = 0;
    for (size_t i = 0; i < WATCHES_MAX; i++) {
        count += watcher->watches[i].used;
    }
    assert_int_equal(watch_count_of(world->watches, number), count);
}

static void run(uint64_t seed, struct world *total)
{
    struct world *world = cd_calloc(1, sizeof(*world));
    const unsigned steps = 1500;
    const struct watch_limits limits = {.per_watcher = WATCHES_MAX,
                                        .total = WATCHERS * WATCHES_MAX,
                                        .history_bytes = seed % 2 == 0 ? 4000 : 1 << 20,
                                        .history_ms = seed % 3 == 0 ? 500 : 1 << 20};
    cd_prng_init(&world->prng, seed);
    rig_init(&world->rig, NULL);
    world->who[0] = make_who("a");
    world->who[1] = make_who("b");
    world->changes = cd_calloc((size_t)steps * 64, sizeof(*world->changes));
    world->watches = watches_create(&limits, fsm_zxid(world->rig.fsm));
    known_count = 0;
    for (unsigned step = 0; step < steps; step++) {
        command(world);
        meddle(world);
        for (unsigned number = 0; number < WATCHERS; number++) {
            if (world->watchers[number].open && !world->watchers[number].live &&
                chance(world, 60)) {
                replay(world, number);
            }
        }
    }
    total->events += world->events;
    total->queue_events += world->queue_events;
    total->lagged += world->lagged;
    total->filtered += world->filtered;
    watches_free(world->watches);
    rig_release(&world->rig);
    cd_free(world->changes);
    cd_free(world);
}

static void test_twin(void **state)
{
    (void)state;
    struct world *total = cd_calloc(1, sizeof(*total));
    for (uint64_t seed = 1; seed <= 12; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        run(seed, total);
    }
    print_message("%zu events, %zu answers of queues, %zu lagged, %zu filtered\n", total->events,
                  total->queue_events, total->lagged, total->filtered);
    assert_true(total->events > 5000 && total->queue_events > 500);
    assert_true(total->lagged > 20 && total->filtered > 100);
    cd_free(total);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_twin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
