#include "recipes/copy.h"

#include "base/prng.h"
#include "src/client_internal.h"
#include "src/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: the copy of a cache equals the tree, whatever is applied to it and in whichever way, and
 * what others hold of it never changes. Method: a tree as an array of nodes, which is changed at
 * random and says in the words of a replica what happened; the copy is told so, is read anew, or is
 * brought up to date from an old state, while each allocation may fail. All is compared.
 */

enum {
    NAMES = 5,
    DEPTH_MAX = 3,
    NODES_MAX = 1 + NAMES + NAMES * NAMES + NAMES * NAMES * NAMES,
    PATH_MAX_BYTES = 64,
    EVENTS_MAX = 2 * NODES_MAX,
    STEPS = 20000,
    PAGE = 7, /* nodes, or names, of a page */
    HELD = 50,
};

/* In byte order as they are: of "a" and "a-" the paths below them would be the other way round. */
static const char *const names[NAMES] = {"a", "a-", "aa", "b", "z"};

/* ---- Allocations that fail ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

static size_t countdown; /* the allocation that fails is this many further; 0: none */
static bool has_failed;

static bool is_refused(void)
{
    bool refused = countdown == 1;
    has_failed = has_failed || refused;
    countdown -= countdown != 0 ? 1 : 0;
    return refused;
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : __real_calloc(count, bytes);
}

/* ---- The tree ---- */

struct model_node {
    char path[PATH_MAX_BYTES];
    struct coord_node_stat stat;
    char data[16];
};

struct model {
    struct model_node nodes[NODES_MAX]; /* in no order */
    size_t count;
    uint64_t zxid;
};

static struct world {
    struct model model;
    struct cd_prng prng;
    struct coord_event events[EVENTS_MAX]; /* of the change under way */
    const struct coord_event *event_list[EVENTS_MAX];
    struct coord_node_stat stats[EVENTS_MAX];
    char paths[EVENTS_MAX][PATH_MAX_BYTES];
    char data[EVENTS_MAX][16];
    size_t events_count;
} world;

static size_t below(size_t bound)
{
    return (size_t)cd_prng_below(&world.prng, bound);
}

static struct model_node *find(const char *path)
{
    for (size_t i = 0; i < world.model.count; i++) {
        if (strcmp(world.model.nodes[i].path, path) == 0) {
            return &world.model.nodes[i];
        }
    }
    return NULL;
}

static struct model_node *parent_of(const char *path)
{
    char parent[PATH_MAX_BYTES];
    (void)snprintf(parent, sizeof(parent), "%s", path);
    *strrchr(parent, '/') = '\0';
    return find(parent);
}

static bool is_below(const char *path, const char *top)
{
    size_t bytes = strlen(top);
    return strncmp(path, top, bytes) == 0 && (path[bytes] == '/' || path[bytes] == '\0');
}

static void tell(enum coord_event_kind kind, const struct model_node *node)
{
    size_t i = world.events_count++;
    assert_true(i < EVENTS_MAX);
    world.stats[i] = node->stat;
    (void)snprintf(world.paths[i], PATH_MAX_BYTES, "%s", node->path);
    (void)snprintf(world.data[i], sizeof(world.data[i]), "%s", node->data);
    world.events[i] = (struct coord_event){.zxid = world.model.zxid,
                                           .kind = kind,
                                           .path = world.paths[i],
                                           .stat = &world.stats[i],
                                           .data = world.data[i],
                                           .data_bytes = strlen(world.data[i])};
    world.event_list[i] = &world.events[i];
}

static void count_child(const char *path, int64_t more)
{
    struct model_node *parent = parent_of(path);
    if (parent != NULL) {
        parent->stat.pzxid = world.model.zxid;
        parent->stat.cversion++;
        parent->stat.num_children += more;
    }
}

static void create(const char *path)
{
    bool is_top = strcmp(path, "/top") == 0;
    if (find(path) != NULL || (!is_top && parent_of(path) == NULL)) {
        return;
    }
    struct model_node *node = &world.model.nodes[world.model.count++];
    *node = (struct model_node){
        .stat = {.czxid = world.model.zxid, .mzxid = world.model.zxid, .pzxid = world.model.zxid}};
    (void)snprintf(node->path, sizeof(node->path), "%s", path);
    (void)snprintf(node->data, sizeof(node->data), "%zu", below(1000));
    tell(COORD_EVENT_CREATED, node);
    count_child(path, 1);
}

/* With all below it, the deepest first, as a replica does. */
static void delete (const char *path)
{
    bool was_there = find(path) != NULL;
    for (size_t depth = DEPTH_MAX + 1; depth > 0; depth--) {
        for (size_t i = world.model.count; i > 0; i--) {
            struct model_node *node = &world.model.nodes[i - 1];
            size_t slashes = 0;
            for (const char *at = node->path; *at != '\0'; at++) {
                slashes += *at == '/';
            }
            if (is_below(node->path, path) && slashes == depth) {
                tell(COORD_EVENT_DELETED, node);
                *node = world.model.nodes[--world.model.count];
            }
        }
    }
    if (was_there) {
        count_child(path, -1);
    }
}

static void set(const char *path)
{
    struct model_node *node = find(path);
    if (node != NULL) {
        node->stat.mzxid = world.model.zxid;
        node->stat.version++;
        (void)snprintf(node->data, sizeof(node->data), "%zu", below(1000));
        tell(COORD_EVENT_CHANGED, node);
    }
}

static void random_path(char path[PATH_MAX_BYTES])
{
    size_t depth = below(40) == 0 ? 0 : 1 + below(DEPTH_MAX);
    (void)snprintf(path, PATH_MAX_BYTES, "/top");
    for (size_t i = 0; i < depth; i++) {
        size_t bytes = strlen(path);
        (void)snprintf(path + bytes, PATH_MAX_BYTES - bytes, "/%s", names[below(NAMES)]);
    }
}

/* One zxid's changes: a few of them at random. */
static void change_tree(void)
{
    world.model.zxid++;
    world.events_count = 0;
    size_t count = 1 + below(4);
    for (size_t i = 0; i < count; i++) {
        char path[PATH_MAX_BYTES];
        random_path(path);
        size_t what = below(10);
        if (world.events_count + NODES_MAX + 1 >= EVENTS_MAX) {
            return;
        }
        if (what < 6) {
            create(path);
        } else if (what < 8) {
            set(path);
        } else {
            delete (path);
        }
    }
}

/* ---- The copy ---- */

static void assert_same(const struct copied_node *node, const struct model_node *model)
{
    assert_non_null(node);
    assert_string_equal(node->shown.path, model->path);
    assert_int_equal(node->shown.data_bytes, strlen(model->data));
    assert_string_equal(node->shown.data, model->data);
    assert_ptr_equal(node->shown.stat, &node->stat);
    assert_memory_equal(&node->stat, &model->stat, sizeof(model->stat));
}

static int by_name(const void *left, const void *right)
{
    const struct model_node *const *first = left;
    const struct model_node *const *second = right;
    return strcmp(strrchr((*first)->path, '/'), strrchr((*second)->path, '/'));
}

static void assert_children(const struct copy *copy, const char *path)
{
    const struct model_node *expected[NAMES];
    struct copied_node *found[NAMES];
    size_t count = 0;
    for (size_t i = 0; i < world.model.count; i++) {
        const struct model_node *node = &world.model.nodes[i];
        if (strcmp(node->path, "/top") != 0 && parent_of(node->path) == find(path)) {
            expected[count++] = node;
        }
    }
    qsort(expected, count, sizeof(*expected), by_name);
    assert_int_equal(copy_children(copy, path, NULL), count);
    assert_int_equal(copy_children(copy, path, found), count);
    for (size_t i = 0; i < count; i++) {
        assert_same(found[i], expected[i]);
    }
}

static void assert_shows_the_tree(const struct copy *copy)
{
    char path[PATH_MAX_BYTES];
    for (size_t i = 0; i < world.model.count; i++) {
        assert_same(copy_find(copy, world.model.nodes[i].path), &world.model.nodes[i]);
        assert_children(copy, world.model.nodes[i].path);
    }
    for (int i = 0; i < 10; i++) {
        random_path(path);
        assert_true((copy_find(copy, path) != NULL) == (find(path) != NULL));
    }
    assert_null(copy_find(copy, "/"));
    assert_null(copy_find(copy, "/topmost"));
    assert_null(copy_find(copy, "/top/"));
}

/* Nodes with their children in the order of names, parents first: as coord_list has them. */
static void order_below(const char *path, const struct model_node **ret_nodes, size_t *ret_count)
{
    const struct model_node *node = find(path);
    if (node == NULL) {
        return;
    }
    ret_nodes[(*ret_count)++] = node;
    for (size_t i = 0; i < NAMES && strlen(path) + 4 < PATH_MAX_BYTES; i++) {
        char child[2 * PATH_MAX_BYTES];
        (void)snprintf(child, sizeof(child), "%s/%s", path, names[i]);
        order_below(child, ret_nodes, ret_count);
    }
}

static enum coord_code read_anew(struct copy *copy)
{
    const struct model_node *nodes[NODES_MAX];
    struct client_child entries[PAGE];
    size_t count = 0;
    enum coord_code code = copy_init(copy, "/top") ? COORD_OK : COORD_NO_MEMORY;
    order_below("/top", nodes, &count);
    for (size_t i = 0; i < count && code == COORD_OK; i += PAGE) {
        struct coord_result page = {.kind = CLIENT_OP_LIST, .nodes = entries};
        for (size_t j = i; j < count && j < i + PAGE; j++) {
            entries[page.nodes_count++] =
                (struct client_child){.name = nodes[j]->path,
                                      .stat = &nodes[j]->stat,
                                      .data = nodes[j]->data,
                                      .data_bytes = strlen(nodes[j]->data)};
        }
        code = copy_add_page(copy, &page);
    }
    return code;
}

static enum coord_code apply_events(struct copy *copy)
{
    struct copy_batch batch;
    enum coord_code code = COORD_OK;
    copy_batch_init(&batch, copy);
    for (size_t i = 0; i < world.events_count && code == COORD_OK; i++) {
        code = copy_batch_add_event(&batch, world.event_list[i]);
    }
    if (code == COORD_OK) {
        copy_batch_apply(&batch);
        assert_true(batch.changed || world.events_count == 0);
    }
    copy_batch_release(&batch);
    return code;
}

/* ---- What changed since ---- */

struct changes {
    struct coord_changed_node nodes[NODES_MAX * (NAMES + 1)];
    const char *child_names[NODES_MAX * NAMES];
    struct coord_result pages[NODES_MAX * (NAMES + 1)];
    size_t count, names_count, pages_count;
};

static struct changes changes;

/* The names of its children, some of them in further entries. */
static void add_names(const struct model_node *node, struct coord_changed_node entry)
{
    entry.children_changed = true;
    entry.child_names = &changes.child_names[changes.names_count];
    for (size_t i = 0; i < NAMES; i++) {
        char child[2 * PATH_MAX_BYTES];
        (void)snprintf(child, sizeof(child), "%s/%s", node->path, names[i]);
        if (find(child) == NULL) {
            continue;
        }
        if (entry.child_names_count > 0 && below(3) == 0) {
            entry.child_names_follow = true;
            changes.nodes[changes.count++] = entry;
            entry.child_names_follow = false;
            entry.child_names = &changes.child_names[changes.names_count];
            entry.child_names_count = 0;
        }
        changes.child_names[changes.names_count++] = names[i];
        entry.child_names_count++;
    }
    changes.nodes[changes.count++] = entry;
}

static void find_changes(uint64_t since)
{
    const struct model_node *nodes[NODES_MAX];
    size_t count = 0;
    changes.count = changes.names_count = changes.pages_count = 0;
    order_below("/top", nodes, &count);
    for (size_t i = 0; i < count; i++) {
        const struct coord_node_stat *stat = &nodes[i]->stat;
        struct coord_changed_node entry = {.path = nodes[i]->path, .stat = stat, .data = ""};
        if (stat->mzxid > since) {
            entry.data = nodes[i]->data;
            entry.data_bytes = strlen(nodes[i]->data);
        }
        if (stat->pzxid > since) {
            add_names(nodes[i], entry);
        } else if (stat->mzxid > since) {
            changes.nodes[changes.count++] = entry;
        }
    }
    for (size_t i = 0; i < changes.count;) {
        size_t entries = 1 + below(PAGE);
        entries = entries < changes.count - i ? entries : changes.count - i;
        changes.pages[changes.pages_count++] =
            (struct coord_result){.kind = CLIENT_OP_CHANGED_SINCE,
                                  .changes = &changes.nodes[i],
                                  .changes_count = entries};
        i += entries;
    }
}

static enum coord_code apply_changes(struct copy *copy, uint64_t since)
{
    struct copy_batch batch;
    enum coord_code code = COORD_OK;
    copy_batch_init(&batch, copy);
    batch.since = since;
    for (size_t i = 0; i < changes.pages_count && code == COORD_OK; i++) {
        code = copy_batch_add_changes(&batch, &changes.pages[i]);
    }
    if (code == COORD_OK) {
        copy_batch_apply(&batch);
        assert_true(batch.changed == (changes.count != 0));
    }
    copy_batch_release(&batch);
    return code;
}

/* ---- The tests ---- */

/* Nodes that somebody has, as they were when he got them. */
static struct {
    struct copied_node *node;
    struct model_node before;
} held[HELD];

static void hold_some(const struct copy *copy)
{
    for (size_t i = 0; i < 3 && world.model.count != 0; i++) {
        const struct model_node *model = &world.model.nodes[below(world.model.count)];
        size_t place = below(HELD);
        if (held[place].node != NULL) {
            assert_same(held[place].node, &held[place].before);
            copied_node_unref(held[place].node);
        }
        held[place].node = copied_node_ref(copy_find(copy, model->path));
        held[place].before = *model;
    }
}

static void let_all_go(void)
{
    for (size_t i = 0; i < HELD; i++) {
        if (held[i].node != NULL) {
            assert_same(held[i].node, &held[i].before);
            copied_node_unref(held[i].node);
            held[i].node = NULL;
        }
    }
}

static void begin(uint64_t seed)
{
    world.model.count = 0;
    world.model.zxid = 100;
    cd_prng_init(&world.prng, seed);
}

/* Runs `apply`, first with an allocation that fails: then nothing has changed (C1). */
#define RUN_WITH_FAILURE(apply, copy, before)                                                      \
    do {                                                                                           \
        countdown = 1 + below(12);                                                                 \
        has_failed = false;                                                                        \
        enum coord_code ran = (apply);                                                             \
        bool failed = has_failed;                                                                  \
        countdown = 0;                                                                             \
        assert_int_equal(ran, failed ? COORD_NO_MEMORY : COORD_OK);                                \
        if (failed) {                                                                              \
            assert_true(copy_equals(copy, before));                                                \
            assert_int_equal((copy)->bytes, (before)->bytes);                                      \
            assert_int_equal((apply), COORD_OK);                                                   \
        }                                                                                          \
    } while (0)

static void test_events(void **state)
{
    struct copy copy;
    struct copy before;
    size_t deletes = 0;
    (void)state;
    begin(1);
    assert_true(copy_init(&copy, "/top"));
    for (size_t i = 0; i < STEPS; i++) {
        assert_int_equal(read_anew(&before), COORD_OK);
        change_tree();
        if (i % 3 == 0) {
            RUN_WITH_FAILURE(apply_events(&copy), &copy, &before);
        } else {
            assert_int_equal(apply_events(&copy), COORD_OK);
        }
        copy_release(&before);
        assert_shows_the_tree(&copy);
        hold_some(&copy);
        deletes += world.model.count == 0 ? 1 : 0;
    }
    assert_in_range(deletes, 10, STEPS); /* the top itself, too */
    copy_release(&copy);
    let_all_go();
}

/* The same from an older state, after any number of changes. */
static void test_changes(void **state)
{
    struct copy copy;
    struct copy before;
    size_t rounds = 0;
    (void)state;
    begin(2);
    assert_true(copy_init(&copy, "/top"));
    for (size_t i = 0; i < STEPS; i++) {
        uint64_t since = world.model.zxid;
        assert_int_equal(read_anew(&before), COORD_OK);
        for (size_t j = 1 + below(8); j > 0; j--) {
            change_tree();
        }
        if (find("/top") == NULL) { /* NO_NODE: the cache does without it */
            copy_release(&copy);
            assert_true(copy_init(&copy, "/top"));
        } else {
            find_changes(since);
            RUN_WITH_FAILURE(apply_changes(&copy, since), &copy, &before);
            rounds++;
        }
        copy_release(&before);
        assert_shows_the_tree(&copy);
        hold_some(&copy);
    }
    assert_in_range(rounds, STEPS / 2, STEPS);
    copy_release(&copy);
    let_all_go();
}

/* Bytes go back to what an empty copy has; equal means equal. */
static void test_sizes_and_equality(void **state)
{
    struct copy copy;
    struct copy other;
    size_t unequal = 0;
    (void)state;
    begin(3);
    assert_true(copy_init(&copy, "/top"));
    size_t empty = copy.bytes;
    for (size_t i = 0; i < STEPS / 10; i++) {
        assert_int_equal(read_anew(&other), COORD_OK);
        assert_true(copy_equals(&copy, &other));
        assert_int_equal(copy.bytes, other.bytes);
        change_tree();
        assert_int_equal(apply_events(&copy), COORD_OK);
        assert_true(copy_equals(&copy, &other) == (world.events_count == 0) ||
                    world.events_count > 1); /* several may come to nothing */
        unequal += copy_equals(&copy, &other) ? 0 : 1;
        copy_release(&other);
    }
    assert_in_range(unequal, STEPS / 40, STEPS);
    world.model.zxid++;
    world.events_count = 0;
    delete ("/top");
    assert_int_equal(apply_events(&copy), COORD_OK);
    assert_int_equal(copy.bytes, empty);
    copy_release(&copy);
}

/* What no replica says is refused, and changes nothing. */
static void test_malformed(void **state)
{
    const struct coord_node_stat stat = {.czxid = 1, .mzxid = 1};
    const struct coord_event events[] = {
        {.kind = COORD_EVENT_CREATED, .path = "/elsewhere", .stat = &stat, .data = ""},
        {.kind = COORD_EVENT_CREATED, .path = "/topmost", .stat = &stat, .data = ""},
        {.kind = COORD_EVENT_CHANGED, .path = "/top/a", .data = ""},
        {.kind = COORD_EVENT_DELETED, .path = NULL},
    };
    struct copy copy;
    struct copy_batch batch;
    (void)state;
    assert_true(copy_init(&copy, "/top"));
    size_t empty = copy.bytes;
    for (size_t i = 0; i < CD_ARRAY_COUNT(events); i++) {
        copy_batch_init(&batch, &copy);
        assert_int_equal(copy_batch_add_event(&batch, &events[i]), COORD_MALFORMED);
        copy_batch_release(&batch);
    }
    assert_int_equal(copy_add(&copy, "/elsewhere", &stat, "", 0), COORD_MALFORMED);
    assert_int_equal(copy_add(&copy, "/top", NULL, "", 0), COORD_MALFORMED);
    const struct coord_changed_node change = {.path = "/top/a", .stat = &stat, .data = ""};
    const struct coord_result page = {.changes = &change, .changes_count = 1};
    copy_batch_init(&batch, &copy);
    batch.since = 1; /* its data did not change since, and the copy has none */
    assert_int_equal(copy_batch_add_changes(&batch, &page), COORD_NO_NODE);
    copy_batch_release(&batch);
    assert_int_equal(copy.bytes, empty);
    copy_release(&copy);
}

/* The same names again and again, and names of what is not there: nothing is freed twice. */
static void test_changes_that_contradict(void **state)
{
    struct copy copy;
    (void)state;
    begin(4);
    assert_true(copy_init(&copy, "/top"));
    for (size_t i = 0; i < STEPS / 10; i++) {
        uint64_t since = world.model.zxid;
        change_tree();
        find_changes(0);
        for (size_t j = 0; j < changes.count; j++) {
            struct coord_changed_node *node = &changes.nodes[below(changes.count)];
            node->child_names_count = below(node->child_names_count + 1);
            node->child_names_follow = below(2) == 0;
            node->path = changes.nodes[below(changes.count)].path;
        }
        enum coord_code code = apply_changes(&copy, below(2) == 0 ? 0 : since);
        assert_true(code == COORD_OK || code == COORD_NO_NODE);
    }
    copy_release(&copy);
}

/* The top may be the root. */
static void test_root(void **state)
{
    const struct coord_node_stat stat = {.czxid = 1, .mzxid = 1};
    struct copied_node *found[2];
    struct copy copy;
    (void)state;
    assert_true(copy_init(&copy, "/"));
    assert_int_equal(copy_add(&copy, "/", &stat, "r", 1), COORD_OK);
    assert_int_equal(copy_add(&copy, "/b/c", &stat, NULL, 0),
                     COORD_OK); /* "/b" is not to be seen */
    assert_int_equal(copy_add(&copy, "/a", &stat, "x\0y", 3), COORD_OK);
    assert_int_equal(copy_children(&copy, "/", NULL), 1);
    assert_int_equal(copy_children(&copy, "/", found), 1);
    assert_string_equal(found[0]->shown.path, "/a");
    assert_memory_equal(found[0]->shown.data, "x\0y", 4);
    assert_int_equal(copy_children(&copy, "/b", found), 1);
    assert_string_equal(found[0]->shown.path, "/b/c");
    assert_string_equal(found[0]->shown.data, "");
    assert_null(copy_find(&copy, "/b"));
    assert_string_equal(copy_find(&copy, "/")->shown.data, "r");
    copy_release(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_sizes_and_equality),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_changes_that_contradict),
        cmocka_unit_test(test_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
