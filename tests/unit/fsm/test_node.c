#include "support.h"

#include "fsm/node.h"
#include "fsm/path.h"

/* Goal: whatever parts a version is packed into, it gives back what went in. */

static struct fsm_stat plain(uint32_t data_bytes)
{
    return (struct fsm_stat){.czxid = 5,
                             .mzxid = 5,
                             .pzxid = 5,
                             .ctime_ms = 100,
                             .mtime_ms = 100,
                             .data_bytes = data_bytes};
}

static void assert_stat(const struct fsm_stat *a, const struct fsm_stat *b)
{
    assert_int_equal(a->czxid, b->czxid);
    assert_int_equal(a->mzxid, b->mzxid);
    assert_int_equal(a->pzxid, b->pzxid);
    assert_int_equal(a->ctime_ms, b->ctime_ms);
    assert_int_equal(a->mtime_ms, b->mtime_ms);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->creates, b->creates);
    assert_int_equal(a->children_count, b->children_count);
    assert_int_equal(a->data_bytes, b->data_bytes);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->azxid, b->azxid);
    assert_int_equal(a->aversion, b->aversion);
    assert_int_equal(a->owner, b->owner);
    assert_int_equal(a->ttl_ms, b->ttl_ms);
    assert_int_equal(a->suffix_bytes, b->suffix_bytes);
    assert_int_equal(a->idle_elapsed_ms, b->idle_elapsed_ms);
    assert_ptr_equal(a->acl, b->acl);
}

static void check_round(const struct fsm_stat *stat)
{
    struct fsm_node *node = fsm_node_create(text("/some/key"), stat, text("data"));
    struct fsm_stat got;
    fsm_node_stat(node, &got);
    assert_stat(&got, stat);
    assert_text(fsm_node_key(node), "/some/key");
    assert_text(fsm_node_data(node), "data");
    fsm_node_unref(node);
}

static void test_round(void **state)
{
    (void)state;
    struct fsm_acl *acl = fsm_acl_create(&(struct fsm_acl_entries){0});
    for (unsigned shape = 0; shape < 64 * 128; shape++) {
        struct fsm_stat stat = plain(4);
        stat.owner = (shape & 64) != 0 ? 7 : 0;
        stat.ttl_ms = (shape & 128) != 0 ? 8 : 0;
        stat.idle_elapsed_ms = (shape & 256) != 0 ? 9 : 0;
        stat.azxid = (shape & 512) != 0 ? 6 : 0;
        stat.aversion = (shape & 1024) != 0 ? 1 : 0;
        stat.acl = (shape & 2048) != 0 ? acl : NULL;
        stat.suffix_bytes = (shape & 4096) != 0 ? 20 : 0;
        stat.kind = (shape & 4096) != 0 ? FSM_TTL : FSM_PERSISTENT;
        stat.pzxid += (shape & 1) != 0 ? 3 : 0;
        stat.creates = (shape & 2) != 0 ? UINT64_MAX : 0;
        stat.mzxid += (shape & 4) != 0 ? 2 : 0;
        stat.mtime_ms += (shape & 8) != 0 ? 1 : 0;
        stat.version = (shape & 16) != 0 ? 9 : 0;
        stat.children_count = (shape & 32) != 0 ? UINT32_MAX : 0;
        check_round(&stat);
    }
    fsm_acl_unref(acl); /* the last reference, as the sanitizer sees */
}

/* A node takes and gives references to its ACL when it changes in place. */
static void test_restat_acl(void **state)
{
    (void)state;
    struct fsm_acl_entry entry = {.permissions = FSM_READ, .scheme = FSM_SCHEME_ANYONE};
    struct fsm_acl *a = fsm_acl_create(&(struct fsm_acl_entries){&entry, 1});
    struct fsm_acl *b = fsm_acl_create(&(struct fsm_acl_entries){0});
    struct fsm_stat stat = plain(0);
    stat.azxid = 5;
    stat.acl = a;
    struct fsm_node *node = fsm_node_create(text("/k"), &stat, text(""));
    fsm_acl_unref(a);
    assert_int_equal(fsm_node_bytes(node), 2 + fsm_acl_bytes(a));
    uint64_t digest = fsm_node_digest(node);
    assert_true(fsm_node_restat(node, &stat)); /* its own again */
    assert_int_equal(fsm_acl_entries(fsm_node_acl(node)).count, 1);
    stat.acl = b;
    assert_true(fsm_node_restat(node, &stat));
    fsm_acl_unref(b);
    assert_ptr_equal(fsm_node_acl(node), b);
    assert_true(fsm_node_digest(node) != digest);
    fsm_node_unref(node);
}

static void test_empty(void **state)
{
    (void)state;
    struct fsm_stat stat = {0};
    struct fsm_node *root =
        fsm_node_create(fsm_bytes_make(NULL, 0), &stat, fsm_bytes_make(NULL, 0));
    assert_int_equal(fsm_node_key(root).bytes, 0);
    assert_int_equal(fsm_node_data(root).bytes, 0);
    fsm_node_unref(root);
    fsm_node_unref(NULL);
}

static void test_restat(void **state)
{
    (void)state;
    struct fsm_stat stat = plain(1);
    struct fsm_stat got;
    struct fsm_node *node = fsm_node_create(text("/a"), &stat, text("x"));
    stat.creates = 1;
    stat.children_count = 1;
    stat.pzxid = 6;
    assert_false(fsm_node_restat(node, &stat)); /* the family part is not there */
    fsm_node_stat(node, &got);
    assert_int_equal(got.pzxid, 5);
    fsm_node_unref(node);

    node = fsm_node_create(text("/a"), &stat, text("x"));
    stat.creates = 2;
    assert_true(fsm_node_restat(node, &stat));
    fsm_node_stat(node, &got);
    assert_stat(&got, &stat);
    assert_text(fsm_node_data(node), "x");
    fsm_node_unref(node);
}

static void test_last_zxid(void **state)
{
    (void)state;
    struct fsm_stat stat = plain(0);
    const struct {
        uint64_t mzxid;
        uint64_t pzxid;
        uint64_t last;
    } cases[] = {{5, 5, 5}, {9, 5, 9}, {5, 8, 8}, {7, 8, 8}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(cases); i++) {
        stat.mzxid = cases[i].mzxid;
        stat.pzxid = cases[i].pzxid;
        struct fsm_node *node = fsm_node_create(text("/a"), &stat, text(""));
        assert_int_equal(fsm_node_last_zxid(node), cases[i].last);
        fsm_node_unref(node);
    }
}

static uint64_t digest_of(const char *key, const struct fsm_stat *stat, const char *data)
{
    struct fsm_node *node = fsm_node_create(text(key), stat, text(data));
    uint64_t digest = fsm_node_digest(node);
    fsm_node_unref(node);
    return digest;
}

/* Every field counts, and nothing else: two versions with equal contents agree. */
static void test_digest(void **state)
{
    (void)state;
    const struct fsm_stat stat = plain(2);
    uint64_t digest = digest_of("/a", &stat, "xy");
    assert_true(digest == digest_of("/a", &stat, "xy"));
    assert_true(digest != digest_of("/b", &stat, "xy"));
    assert_true(digest != digest_of("/a", &stat, "xz"));

    struct fsm_stat other[8];
    for (size_t i = 0; i < CD_ARRAY_COUNT(other); i++) {
        other[i] = stat;
    }
    other[0].czxid++;
    other[1].mzxid++;
    other[2].pzxid++;
    other[3].ctime_ms++;
    other[4].mtime_ms++;
    other[5].version++;
    other[6].creates++;
    other[7].children_count++;
    for (size_t i = 0; i < CD_ARRAY_COUNT(other); i++) {
        assert_true(digest != digest_of("/a", &other[i], "xy"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),     cmocka_unit_test(test_restat_acl),
        cmocka_unit_test(test_empty),     cmocka_unit_test(test_restat),
        cmocka_unit_test(test_last_zxid), cmocka_unit_test(test_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
