#include "support.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/path.h"
#include "fsm/tree.h"

#include <stdio.h>

/*
 * Goal: the tree is an ordered map, and shared versions never change. Method: a sorted array of
 * strings as its twin, random work of several shapes, several shared versions at a time.
 */

#define KEY_BYTES    24
#define VERSIONS_MAX 4

struct naive {
    char (*keys)[KEY_BYTES];
    uint64_t *marks; /* kept as the node's version */
    size_t count;
};

static char low(char c)
{
    return (char)(c == '/' ? '\x01' : c);
}

static int naive_order(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (int)(unsigned char)low(*a) - (int)(unsigned char)low(*b);
}

static size_t naive_find(const struct naive *naive, const char *key)
{
    size_t at = 0;
    while (at < naive->count && naive_order(naive->keys[at], key) < 0) {
        at++;
    }
    return at;
}

static bool naive_has(const struct naive *naive, size_t at, const char *key)
{
    return at < naive->count && strcmp(naive->keys[at], key) == 0;
}

static void naive_insert(struct naive *naive, size_t at, const char *key, uint64_t mark)
{
    naive->keys = cd_realloc(naive->keys, (naive->count + 1) * sizeof(*naive->keys));
    naive->marks = cd_realloc(naive->marks, (naive->count + 1) * sizeof(*naive->marks));
    memmove(naive->keys + at + 1, naive->keys + at, (naive->count - at) * sizeof(*naive->keys));
    memmove(naive->marks + at + 1, naive->marks + at, (naive->count - at) * sizeof(*naive->marks));
    (void)snprintf(naive->keys[at], sizeof(naive->keys[at]), "%s", key);
    naive->marks[at] = mark;
    naive->count++;
}

static void naive_remove(struct naive *naive, size_t at)
{
    naive->count--;
    memmove(naive->keys + at, naive->keys + at + 1, (naive->count - at) * sizeof(*naive->keys));
    memmove(naive->marks + at, naive->marks + at + 1, (naive->count - at) * sizeof(*naive->marks));
}

static struct naive naive_copy(const struct naive *from)
{
    struct naive copy = {.count = from->count};
    copy.keys = cd_malloc(from->count * sizeof(*copy.keys));
    copy.marks = cd_malloc(from->count * sizeof(*copy.marks));
    if (from->count != 0) {
        memcpy(copy.keys, from->keys, from->count * sizeof(*copy.keys));
        memcpy(copy.marks, from->marks, from->count * sizeof(*copy.marks));
    }
    return copy;
}

static void naive_release(struct naive *naive)
{
    cd_free(naive->keys);
    cd_free(naive->marks);
    *naive = (struct naive){0};
}

static struct fsm_node *make_node(const char *key, uint64_t mark)
{
    struct fsm_stat stat = {.version = mark};
    return fsm_node_create(text(key), &stat, fsm_bytes_make(NULL, 0));
}

static uint64_t mark_of(const struct fsm_node *node)
{
    struct fsm_stat stat;
    fsm_node_stat(node, &stat);
    return stat.version;
}

static void compare(const struct fsm_tree *tree, const struct naive *naive)
{
    struct fsm_cursor cursor;
    fsm_tree_check(tree);
    assert_int_equal(tree->count, naive->count);
    fsm_tree_seek(tree, text(""), &cursor);
    for (size_t i = 0; i < naive->count; i++) {
        const struct fsm_node *node = fsm_cursor_get(&cursor);
        assert_non_null(node);
        assert_text(fsm_node_key(node), naive->keys[i]);
        assert_int_equal(mark_of(node), naive->marks[i]);
        fsm_cursor_next(&cursor);
    }
    assert_null(fsm_cursor_get(&cursor));
}

enum shape {
    SHAPE_RANDOM,
    SHAPE_ASCENDING,
    SHAPE_DESCENDING,
    SHAPE_COUNT,
};

static void make_key(struct cd_prng *prng, enum shape shape, unsigned step, char *key)
{
    static const char *const names[] = {"a", "b", "a-", "aa", "c\x7f", "longer-name", "\xc3\xa9"};
    switch (shape) {
    case SHAPE_ASCENDING:
        snprintf(key, KEY_BYTES, "/q/n-%08u", step);
        return;
    case SHAPE_DESCENDING:
        snprintf(key, KEY_BYTES, "/q/n-%08u", 10000000u - step);
        return;
    case SHAPE_RANDOM:
    case SHAPE_COUNT:
        break;
    }
    size_t bytes = 0;
    key[0] = '\0';
    for (size_t depth = cd_prng_below(prng, 4); depth > 0; depth--) {
        const char *name = names[cd_prng_below(prng, CD_ARRAY_COUNT(names))];
        if (bytes + strlen(name) + 4 < KEY_BYTES) {
            bytes += (size_t)snprintf(key + bytes, KEY_BYTES - bytes, "/%s%u", name,
                                      (unsigned)cd_prng_below(prng, 10));
        }
    }
}

/* One random change of the tree and its twin. `growing` in 10 of 10 changes are not removals. */
static void change(struct cd_prng *prng, struct fsm_tree *tree, struct naive *naive,
                   enum shape shape, unsigned step, unsigned growing)
{
    char key[KEY_BYTES];
    make_key(prng, shape, step, key);
    bool removing = cd_prng_below(prng, 10) >= growing;
    if (removing && naive->count > 0) {
        (void)snprintf(key, sizeof(key), "%s", naive->keys[cd_prng_below(prng, naive->count)]);
    }
    size_t at = naive_find(naive, key);
    bool present = naive_has(naive, at, key);
    struct fsm_node *node = fsm_tree_find(tree, text(key));
    assert_int_equal(node != NULL, present);
    if (!present) {
        naive_insert(naive, at, key, step);
        fsm_tree_insert(tree, make_node(key, step));
    } else if (removing) {
        naive_remove(naive, at);
        fsm_tree_remove(tree, fsm_node_key(node));
    } else if (step % 2 == 0) {
        naive->marks[at] = step;
        fsm_tree_replace(tree, make_node(key, step));
    } else {
        struct fsm_stat stat = {.version = step};
        naive->marks[at] = step;
        fsm_tree_restat(tree, fsm_node_key(node), &stat);
    }
}

static void check_seeks(struct cd_prng *prng, const struct fsm_tree *tree,
                        const struct naive *naive)
{
    char key[KEY_BYTES];
    struct fsm_cursor cursor;
    make_key(prng, SHAPE_RANDOM, 0, key);
    size_t at = naive_find(naive, key);
    fsm_tree_seek(tree, text(key), &cursor);
    const struct fsm_node *node = fsm_cursor_get(&cursor);
    assert_int_equal(node == NULL, at == naive->count);
    if (node != NULL) {
        assert_text(fsm_node_key(node), naive->keys[at]);
    }
    size_t bytes = strlen(key);
    while (at < naive->count && strncmp(naive->keys[at], key, bytes) == 0 &&
           (naive->keys[at][bytes] == '\0' || naive->keys[at][bytes] == '/')) {
        at++;
    }
    fsm_tree_seek_past(tree, text(key), &cursor);
    node = fsm_cursor_get(&cursor);
    assert_int_equal(node == NULL, at == naive->count);
    if (node != NULL) {
        assert_text(fsm_node_key(node), naive->keys[at]);
    }
}

static void run(uint64_t seed, enum shape shape, unsigned steps)
{
    struct cd_prng prng;
    struct fsm_tree tree;
    struct naive naive = {0};
    struct fsm_tree versions[VERSIONS_MAX] = {{0}};
    struct naive copies[VERSIONS_MAX] = {{0}};
    cd_prng_init(&prng, seed);
    fsm_tree_init(&tree);
    unsigned growing = 9;
    for (unsigned step = 1; step <= steps; step++) {
        if (step % 500 == 0) {
            growing = growing == 9 ? 3 : 9;
        }
        change(&prng, &tree, &naive, shape, step, growing);
        if (cd_prng_below(&prng, 50) == 0) {
            size_t i = cd_prng_below(&prng, VERSIONS_MAX);
            if (versions[i].root != NULL) {
                compare(&versions[i], &copies[i]);
                fsm_tree_release(&versions[i]);
                naive_release(&copies[i]);
            } else {
                fsm_tree_share(&versions[i], &tree);
                copies[i] = naive_copy(&naive);
            }
        }
        check_seeks(&prng, &tree, &naive);
        if (step % 64 == 0) {
            compare(&tree, &naive);
        }
    }
    for (size_t i = 0; i < VERSIONS_MAX; i++) {
        if (versions[i].root != NULL) {
            compare(&versions[i], &copies[i]);
        }
        fsm_tree_release(&versions[i]);
        naive_release(&copies[i]);
    }
    compare(&tree, &naive);
    while (naive.count > 0) {
        size_t at = cd_prng_below(&prng, naive.count);
        fsm_tree_remove(&tree, text(naive.keys[at]));
        naive_remove(&naive, at);
    }
    compare(&tree, &naive);
    fsm_tree_release(&tree);
    naive_release(&naive);
}

static void test_twin(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        for (enum shape shape = SHAPE_RANDOM; shape < SHAPE_COUNT; shape++) {
            run(seed, shape, 3000);
        }
    }
}

/* A version in use is copied once; a tree of its own is written in place. */
static void test_in_place(void **state)
{
    (void)state;
    struct fsm_tree tree;
    struct fsm_tree version;
    struct fsm_stat stat = {.version = 1};
    fsm_tree_init(&tree);
    fsm_tree_insert(&tree, make_node("/a", 1));
    struct fsm_node *node = fsm_tree_find(&tree, text("/a"));
    stat.version = 2;
    assert_ptr_equal(fsm_tree_restat(&tree, text("/a"), &stat), node);

    fsm_tree_share(&version, &tree);
    stat.version = 3;
    struct fsm_node *copy = fsm_tree_restat(&tree, text("/a"), &stat);
    assert_ptr_not_equal(copy, node);
    assert_ptr_equal(fsm_tree_find(&version, text("/a")), node);
    assert_int_equal(mark_of(node), 2);
    stat.version = 4;
    assert_ptr_equal(fsm_tree_restat(&tree, text("/a"), &stat), copy);
    fsm_tree_release(&tree);
    assert_int_equal(mark_of(fsm_tree_find(&version, text("/a"))), 2);
    fsm_tree_release(&version);
    fsm_tree_release(&version); /* released already: nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twin),
        cmocka_unit_test(test_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
