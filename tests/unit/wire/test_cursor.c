#include "support.h"

#include "wire/internal.h"

/* Goal: a cursor comes back as it was given, and no bytes that a client makes up pass as one. */

static enum cd_status take(struct rig *rig, const void *bytes, size_t count,
                           struct wire_cursor *ret_cursor)
{
    return wire_cursor_take(ret_cursor, binary_bytes(bytes, count), &rig->error);
}

static void round_trip(struct rig *rig, const struct wire_cursor *cursor)
{
    ProtobufCBinaryData bytes;
    struct wire_cursor seen;
    assert_int_equal(wire_cursor_fill(&rig->arena, &bytes, cursor), CD_OK);
    assert_int_equal(take(rig, bytes.data, bytes.len, &seen), CD_OK);
    assert_true(seen.given);
    assert_int_equal(seen.version, cursor->version);
    assert_int_equal(seen.boot, cursor->boot);
    assert_int_equal(seen.position.bytes, cursor->position.bytes);
    assert_memory_equal(seen.position.data, cursor->position.data, cursor->position.bytes);
    assert_int_equal(seen.name.bytes, cursor->name.bytes);
    if (seen.name.bytes > 0) {
        assert_memory_equal(seen.name.data, cursor->name.data, cursor->name.bytes);
    }
}

static void test_round_trip(void **state)
{
    struct rig *rig = *state;
    struct wire_cursor cursor = {true, UINT64_MAX - 1, 0x0102030405060708, text("/a"), text("b")};
    round_trip(rig, &cursor);
    cursor = (struct wire_cursor){true, 0, 0, text("x"), text("")};
    round_trip(rig, &cursor);
    char *longest = cd_malloc(FSM_PATH_BYTES_CEILING);
    memset(longest, 'p', FSM_PATH_BYTES_CEILING);
    cursor.position = (struct fsm_bytes){(uint8_t *)longest, FSM_PATH_BYTES_CEILING};
    cursor.name = cursor.position;
    round_trip(rig, &cursor);
    cd_free(longest);
}

static void test_none(void **state)
{
    struct rig *rig = *state;
    struct wire_cursor cursor = {0};
    ProtobufCBinaryData bytes = binary("x");
    assert_int_equal(wire_cursor_fill(&rig->arena, &bytes, &cursor), CD_OK);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(take(rig, "", 0, &cursor), CD_OK);
    assert_false(cursor.given);
}

static void test_hostile(void **state)
{
    struct rig *rig = *state;
    struct wire_cursor cursor = {true, 1, 2, text("/abc"), text("def")};
    struct wire_cursor seen;
    ProtobufCBinaryData good;
    assert_int_equal(wire_cursor_fill(&rig->arena, &good, &cursor), CD_OK);
    for (size_t count = 1; count < good.len; count++) { /* the name alone may be shorter */
        enum cd_status expected = count >= good.len - 3 ? CD_OK : CD_INVALID_ARGUMENT;
        uint8_t *copy = cd_malloc(count);
        memcpy(copy, good.data, count);
        assert_int_equal(take(rig, copy, count, &seen), expected);
        if (expected != CD_OK) {
            assert_says(&rig->error, "not one of this server"); /* told by its lengths alone */
        }
        cd_free(copy);
    }
    for (unsigned form = 0; form < 256; form++) {
        good.data[0] = (uint8_t)form;
        assert_int_equal(take(rig, good.data, good.len, &seen),
                         form == 2 ? CD_OK : CD_INVALID_ARGUMENT);
    }
    good.data[0] = 2;
    static const uint32_t lengths[] = {0, 8, UINT32_MAX, UINT32_MAX - 20};
    for (size_t i = 0; i < CD_ARRAY_COUNT(lengths); i++) {
        cd_put_u32(good.data + 17, lengths[i]);
        assert_int_equal(take(rig, good.data, good.len, &seen), CD_INVALID_ARGUMENT);
    }
    cd_put_u32(good.data + 17, 4);
    good.data[21] = 0xff;
    assert_int_equal(take(rig, good.data, good.len, &seen), CD_INVALID_ARGUMENT);
    assert_says(&rig->error, "cursor: no valid UTF-8");
    good.data[21] = '/';
    good.data[25] = 0;
    assert_int_equal(take(rig, good.data, good.len, &seen), CD_INVALID_ARGUMENT);
    assert_says(&rig->error, "cursor: a NUL");

    size_t large = WIRE_CURSOR_BYTES_MAX + 1;
    uint8_t *bytes = cd_calloc(1, large);
    memset(bytes, 'x', large);
    bytes[0] = 2;
    cd_put_u32(bytes + 17, 4);
    assert_int_equal(take(rig, bytes, large - 1, &seen), CD_OK);
    assert_int_equal(take(rig, bytes, large, &seen), CD_INVALID_ARGUMENT);
    cd_free(bytes);
}

/* Through requests: where a cursor stands beside other fields, and in a list of another kind. */
static void test_in_requests(void **state)
{
    struct rig *rig = *state;
    struct wire_cursor cursor = {true, 1, 2, text("m"), text("")};
    Coord__V1__ChildrenRequest children = COORD__V1__CHILDREN_REQUEST__INIT;
    Coord__V1__ChangedSinceRequest changed = COORD__V1__CHANGED_SINCE_REQUEST__INIT;
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    request.id = 1;
    request.op_case = COORD__V1__REQUEST__OP_CHILDREN;
    request.children = &children;
    children.path = binary("/a");
    children.start_after = binary("k");
    assert_text(through(rig, &request)->read.list.options.after, "k");
    assert_int_equal(wire_cursor_fill(&rig->arena, &children.cursor, &cursor), CD_OK);
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "start_after: only with an empty cursor");
    children.start_after = binary("");
    assert_text(through(rig, &request)->read.list.options.after, "m");
    children.start_after = binary("k\xff");
    children.cursor = binary("");
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "start_after: no valid UTF-8");
    children.start_after = binary("");
    cursor.name = text("child");
    assert_int_equal(wire_cursor_fill(&rig->arena, &children.cursor, &cursor), CD_OK);
    must_refuse(rig, &request, CD_INVALID_ARGUMENT, "list of another kind");
    changed.path = binary("/a");
    changed.cursor = children.cursor;
    request.op_case = COORD__V1__REQUEST__OP_CHANGED_SINCE;
    request.changed_since = &changed;
    const struct wire_list *seen = &through(rig, &request)->read.list;
    assert_text(seen->cursor.name, "child");
    assert_text(seen->options.after, "m");
}

static void test_page_limits(void **state)
{
    (void)state;
    assert_int_equal(wire_page_limit(0), WIRE_PAGE_ENTRIES_MAX);
    assert_int_equal(wire_page_limit(1), 1);
    assert_int_equal(wire_page_limit(WIRE_PAGE_ENTRIES_MAX), WIRE_PAGE_ENTRIES_MAX);
    assert_int_equal(wire_page_limit(WIRE_PAGE_ENTRIES_MAX + 1), WIRE_PAGE_ENTRIES_MAX);
    assert_int_equal(wire_page_limit(UINT32_MAX), WIRE_PAGE_ENTRIES_MAX);
}

int main(void)
{
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_round_trip),  WITH_RIG(test_none),        WITH_RIG(test_hostile),
        WITH_RIG(test_in_requests), WITH_RIG(test_page_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
