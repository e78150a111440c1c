#include "support.h"

#include "base/memory.h"
#include "base/prng.h"
#include "fsm/read.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Goal: lists, counts and versions show what they promise, of the state and of versions that the
 * state has left behind. Method: a naive twin that keeps all paths in an array and sorts them.
 */

#define NODES_MAX 12000u
#define PATH_ROOM 64u

struct naive {
    char path[PATH_ROOM];
    uint64_t zxid; /* that last changed anything in it */
};

struct twin {
    struct cd_prng prng;
    struct rig rig;
    struct naive nodes[NODES_MAX];
    size_t count;
};

static uint64_t below(struct twin *twin, uint64_t bound)
{
    return cd_prng_below(&twin->prng, bound);
}

static bool is_below(const char *path, const char *top)
{
    size_t bytes = strcmp(top, "/") == 0 ? 0 : strlen(top);
    return strncmp(path, top, bytes) == 0 && path[bytes] == '/' && path[bytes + 1] != '\0';
}

static int order(const void *a, const void *b)
{
    const char *x = ((const struct naive *)a)->path;
    const char *y = ((const struct naive *)b)->path;
    while (*x != '\0' && *x == *y) {
        x++;
        y++;
    }
    return (*x == '/' ? 1 : (int)(unsigned char)*x) - (*y == '/' ? 1 : (int)(unsigned char)*y);
}

static struct naive *find(struct twin *twin, const char *path)
{
    for (size_t i = 0; i < twin->count; i++) {
        if (strcmp(twin->nodes[i].path, path) == 0) {
            return &twin->nodes[i];
        }
    }
    return NULL;
}

static void touch(struct twin *twin, const char *path)
{
    struct naive *node = find(twin, path);
    if (node == NULL) {
        node = &twin->nodes[twin->count++];
        (void)snprintf(node->path, PATH_ROOM, "%s", path);
    }
    node->zxid = twin->rig.result.zxid;
}

static void touch_parent(struct twin *twin, const char *path)
{
    char parent[PATH_ROOM];
    (void)snprintf(parent, PATH_ROOM, "%s", path);
    char *slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = '\0';
    touch(twin, parent);
}

static void make_path(struct twin *twin, char *path)
{
    static const char *const names[] = {"a", "b", "a-", "ab", "c", "d", "zz"};
    size_t bytes = 0;
    uint64_t depth = 1 + below(twin, 4);
    for (uint64_t i = 0; i < depth; i++) {
        bytes += (size_t)snprintf(path + bytes, PATH_ROOM - bytes, "/%s%u", names[below(twin, 7)],
                                  (unsigned)below(twin, 4));
    }
}

static void step(struct twin *twin)
{
    char path[PATH_ROOM];
    make_path(twin, path);
    struct fsm_op op = make_create(path, "x");
    op.create.make_parents = true;
    uint64_t what = below(twin, 20);
    if (what == 0) {
        op = make_recursive(path);
    } else if (what < 5) {
        op = make_set(path, "y");
    } else if (what == 5) {
        op = (struct fsm_op){.kind = FSM_OP_SET_ACL,
                             .set_acl = {.path = text(path), .aversion = FSM_ANY_VERSION}};
    }
    struct fsm_command command = {.who = {.administrator = true}, .op = op};
    (void)rig_judge(&twin->rig, command);
    for (size_t i = 0; i < twin->rig.result.changes_count; i++) {
        const struct fsm_change *change = &twin->rig.result.changes[i];
        char changed[PATH_ROOM];
        (void)snprintf(changed, PATH_ROOM, "%.*s", (int)change->path.bytes,
                       (const char *)change->path.data);
        if (change->kind == FSM_NODE_DELETED) {
            struct naive *gone = find(twin, changed);
            twin->count--;
            *gone = twin->nodes[twin->count];
        } else {
            touch(twin, changed);
        }
        bool top = change->kind == FSM_NODE_DELETED && i + 1 == twin->rig.result.changes_count;
        if (change->kind == FSM_NODE_CREATED || top) {
            touch_parent(twin, changed);
        }
    }
}

static uint32_t depth_below(const char *path, const char *top)
{
    uint32_t depth = 0;
    for (const char *at = path + (strcmp(top, "/") == 0 ? 0 : strlen(top)); *at != '\0'; at++) {
        depth += *at == '/' && at[1] != '\0';
    }
    return depth;
}

static bool wanted(const struct naive *node, const struct fsm_list_options *options,
                   const char *top)
{
    if (strcmp(node->path, top) != 0 && !is_below(node->path, top)) {
        return false;
    }
    uint32_t depth = depth_below(node->path, top);
    switch (options->kind) {
    case FSM_LIST_CHILDREN:
        return depth == 1;
    case FSM_LIST_SUBTREE:
        return options->depth == 0 || depth <= options->depth;
    case FSM_LIST_CHANGED:
        return node->zxid > options->since;
    case FSM_LIST_EPHEMERALS:
        break;
    }
    abort();
}

/* In pages of random size, each opened anew behind the last one shown. */
static void check_list(struct twin *twin, const struct fsm *fsm, const struct fsm_version *version,
                       const struct naive *nodes, size_t count, struct fsm_list_options options,
                       const char *top)
{
    size_t at = 0;
    char after[PATH_ROOM] = "";
    bool more = true;
    options.path = text(top);
    while (more) {
        struct fsm_list list;
        struct fsm_view view;
        uint64_t page = 1 + below(twin, 30);
        options.after = text(after);
        assert_int_equal(fsm_list_open(fsm, version, NULL, &options, &list), CD_OK);
        while (page > 0 && (more = fsm_list_next(&list, &view))) {
            while (at < count && !wanted(&nodes[at], &options, top)) {
                at++;
            }
            assert_true(at < count);
            const char *shown = options.kind == FSM_LIST_CHILDREN ? strrchr(nodes[at].path, '/') + 1
                                                                  : nodes[at].path;
            assert_text(view.path, shown);
            (void)snprintf(after, PATH_ROOM, "%s", shown);
            at++;
            page--;
        }
    }
    while (at < count && !wanted(&nodes[at], &options, top)) {
        at++;
    }
    assert_int_equal(at, count);
}

static void check_all(struct twin *twin, const struct fsm_version *version,
                      const struct naive *unsorted, size_t count)
{
    const struct fsm *fsm = twin->rig.fsm;
    struct naive *nodes = cd_malloc(count * sizeof(*nodes));
    memcpy(nodes, unsorted, count * sizeof(*nodes));
    qsort(nodes, count, sizeof(*nodes), order);
    uint64_t newest = version != NULL ? fsm_version_zxid(version) : fsm_zxid(fsm);
    for (unsigned i = 0; i < 8; i++) {
        const char *top = i == 0 ? "/" : nodes[below(twin, count)].path;
        struct fsm_list_options options = {.kind = FSM_LIST_CHILDREN};
        check_list(twin, fsm, version, nodes, count, options, top);
        options.kind = FSM_LIST_SUBTREE;
        options.depth = (uint32_t)below(twin, 4);
        check_list(twin, fsm, version, nodes, count, options, top);
        options = (struct fsm_list_options){.kind = FSM_LIST_CHANGED};
        options.since = i == 1 ? 0 : newest - below(twin, 40);
        check_list(twin, fsm, version, nodes, count, options, top);
        uint64_t expected = 0;
        uint64_t got = 0;
        for (size_t j = 0; j < count; j++) {
            expected += is_below(nodes[j].path, top);
        }
        assert_int_equal(fsm_count(fsm, version, NULL, text(top), &got), CD_OK);
        assert_int_equal(got, expected);
    }
    cd_free(nodes);
}

static void test_twin(void **state)
{
    (void)state;
    struct twin *twin = cd_calloc(1, sizeof(*twin));
    struct naive *frozen = cd_calloc(NODES_MAX, sizeof(*frozen));
    for (uint64_t seed = 1; seed <= 4; seed++) {
        cd_prng_init(&twin->prng, seed);
        rig_init(&twin->rig, NULL);
        twin->nodes[0] = (struct naive){.path = "/"};
        twin->count = 1;
        struct fsm_version *version = NULL;
        size_t frozen_count = 0;
        size_t most = 0;
        for (unsigned i = 1; i <= 2500; i++) {
            step(twin);
            most = twin->count > most ? twin->count : most;
            if (i % 250 == 0) {
                version = fsm_version_take(twin->rig.fsm);
                assert_true(fsm_version_zxid(version) == fsm_zxid(twin->rig.fsm));
                memcpy(frozen, twin->nodes, sizeof(twin->nodes));
                frozen_count = twin->count;
            }
            if (i % 50 == 0) {
                check_all(twin, NULL, twin->nodes, twin->count);
            }
            if (i % 250 == 200 && version != NULL) {
                check_all(twin, version, frozen, frozen_count);
                size_t steps = 1;
                while (!fsm_version_release(version, 3)) {
                    steps++;
                }
                version = NULL;
                assert_true(steps > 3);
            }
        }
        assert_true(most > 300);
        while (version != NULL && !fsm_version_release(version, 100)) {
        }
        rig_release(&twin->rig);
    }
    cd_free(frozen);
    cd_free(twin);
}

static enum cd_status open_list(const struct rig *rig, struct fsm_list_options options)
{
    struct fsm_list list;
    return fsm_list_open(rig->fsm, NULL, NULL, &options, &list);
}

static void test_refusals(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/a", ""));
    struct fsm_list_options options = {.kind = FSM_LIST_SUBTREE, .path = text("/none")};
    assert_int_equal(open_list(&rig, options), CD_NO_NODE);
    options.path = text("none");
    assert_int_equal(open_list(&rig, options), CD_INVALID_ARGUMENT);
    options.path = text("/a");
    options.after = text("/b"); /* not below it */
    assert_int_equal(open_list(&rig, options), CD_INVALID_ARGUMENT);
    options.after = text("/a/none");
    assert_int_equal(open_list(&rig, options), CD_OK);
    options.kind = FSM_LIST_CHILDREN;
    assert_int_equal(open_list(&rig, options), CD_INVALID_ARGUMENT);
    rig_release(&rig);
}

static struct fsm_bytes names_of(struct fsm_list *list, char *to)
{
    struct fsm_view view;
    size_t bytes = 0;
    while (fsm_list_next(list, &view)) {
        memcpy(to + bytes, view.path.data, view.path.bytes);
        bytes += view.path.bytes;
    }
    return (struct fsm_bytes){(const uint8_t *)to, bytes};
}

static void test_ephemerals(void **state)
{
    (void)state;
    struct rig rig;
    char names[128];
    struct fsm_list list;
    rig_init(&rig, NULL);
    uint64_t session = rig_open(&rig);
    rig_must(&rig, make_create("/a", ""));
    rig_must(&rig, make_create("/b", ""));
    rig_write(&rig, session, 1, make_ephemeral("/b/2", ""));
    rig_write(&rig, session, 2, make_ephemeral("/a/1", ""));
    rig_write(&rig, session, 3, make_ephemeral("/b/1", ""));
    rig_write(&rig, rig_open(&rig), 1, make_ephemeral("/b/3", ""));
    struct fsm_list_options options = {
        .kind = FSM_LIST_EPHEMERALS, .path = text("/"), .session = session};
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_OK);
    assert_text(names_of(&list, names), "/a/1/b/1/b/2");
    options.path = text("/b");
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_OK);
    assert_text(names_of(&list, names), "/b/1/b/2");
    options.after = text("/b/1");
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_OK);
    assert_text(names_of(&list, names), "/b/2");
    options.session = 77;
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_OK);
    assert_text(names_of(&list, names), "");
    options.path = text("b");
    assert_int_equal(fsm_list_open(rig.fsm, NULL, NULL, &options, &list), CD_INVALID_ARGUMENT);
    rig_release(&rig);
}

/* What may not be read is left out, but a child's name is shown. */
static void test_rights(void **state)
{
    (void)state;
    struct rig rig;
    char names[128];
    struct fsm_list list;
    struct fsm_view view;
    struct fsm_who who = make_who("x");
    rig_init(&rig, NULL);
    rig_must(&rig, make_create("/a", "1"));
    rig_must(&rig, make_create("/a/b", "2"));
    rig_must(&rig, make_create("/a/b/c", "3"));
    rig_must(&rig, make_create("/a/d", "4"));
    struct fsm_command hide = {
        .who = {.administrator = true},
        .op = {.kind = FSM_OP_SET_ACL,
               .set_acl = {.path = text("/a/b"), .has_acl = true, .aversion = FSM_ANY_VERSION}}};
    struct fsm_version *before = fsm_version_take(rig.fsm);
    assert_int_equal(rig_judge(&rig, hide), FSM_TAKEN);
    struct fsm_list_options options = {.kind = FSM_LIST_SUBTREE, .path = text("/a")};
    assert_int_equal(fsm_list_open(rig.fsm, NULL, &who, &options, &list), CD_OK);
    assert_text(names_of(&list, names), "/a/a/d");
    assert_int_equal(fsm_list_open(rig.fsm, before, &who, &options, &list), CD_OK);
    assert_text(names_of(&list, names), "/a/a/b/a/b/c/a/d");
    options.kind = FSM_LIST_CHANGED;
    assert_int_equal(fsm_list_open(rig.fsm, NULL, &who, &options, &list), CD_OK);
    assert_text(names_of(&list, names), "/a/a/d");
    options.kind = FSM_LIST_CHILDREN;
    assert_int_equal(fsm_list_open(rig.fsm, NULL, &who, &options, &list), CD_OK);
    assert_true(fsm_list_next(&list, &view));
    assert_text(view.path, "b");
    assert_int_equal(view.data.bytes, 0);
    assert_int_equal(view.stat.czxid, 0);
    assert_true(fsm_list_next(&list, &view));
    assert_text(view.path, "d");
    assert_text(view.data, "4");
    options.path = text("/a/b");
    assert_int_equal(fsm_list_open(rig.fsm, NULL, &who, &options, &list), CD_PERMISSION_DENIED);
    assert_true(fsm_version_release(before, 100));
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_twin), cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_ephemerals),
                                       cmocka_unit_test(test_rights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
