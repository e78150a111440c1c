/*
 * Goal: the scheme of an identity is never lost or guessed, and what a person wrote matches what
 * was meant and nothing else. Method: tables.
 */
#include "base/assert.h"
#include "base/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void parsing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum cd_identity_scheme scheme;
        const char *name;
    } table[] = {
        {"uri:spiffe://example/web", CD_IDENTITY_URI, "spiffe://example/web"},
        {"dns:web.example", CD_IDENTITY_DNS, "web.example"},
        {"cn:Jane Doe", CD_IDENTITY_CN, "Jane Doe"},
        {"uri:dns:x", CD_IDENTITY_URI, "dns:x"},
        {"cn:c", CD_IDENTITY_CN, "c"},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        struct cd_identity identity;
        assert_true(cd_identity_parse(table[i].text, strlen(table[i].text), &identity));
        assert_int_equal(identity.scheme, table[i].scheme);
        assert_int_equal(identity.name_bytes, strlen(table[i].name));
        assert_memory_equal(identity.name, table[i].name, identity.name_bytes);
        const char *name = cd_identity_scheme_name(identity.scheme);
        assert_memory_equal(table[i].text, name, strlen(name));
    }
}

static void what_is_none(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",       "uri", "uri:",  "cn:",  "URI:x",  "web", "spiffe://x/y",
        "role:x", ":x",  "uri x", "dn:x", "anyone:"};
    struct cd_identity identity = {.name_bytes = 77};
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        assert_false(cd_identity_parse(table[i], strlen(table[i]), &identity));
    }
    char text[CD_IDENTITY_BYTES_MAX + 1];
    memset(text, 'x', sizeof(text));
    memcpy(text, "uri:", 4);
    assert_false(cd_identity_parse(text, sizeof(text), &identity));
    assert_int_equal(identity.name_bytes, 77);
    assert_true(cd_identity_parse(text, CD_IDENTITY_BYTES_MAX, &identity));
    assert_int_equal(identity.name_bytes, CD_IDENTITY_NAME_BYTES_MAX);
    /* The bytes given count, not a NUL behind them. */
    assert_false(cd_identity_parse("cn:x", 3, &identity));
}

static void matching(void **state)
{
    (void)state;
    static const struct {
        const char *written, *whole;
        bool matches;
    } table[] = {
        {"web", "cn:web", true},
        {"web", "dns:web", true},
        {"cn:web", "cn:web", true},
        {"cn:web", "dns:web", false},
        {"web", "cn:webs", false},
        {"webs", "cn:web", false},
        {"", "cn:web", false},
        {"spiffe://x/y", "uri:spiffe://x/y", true},
        {"dns:x", "uri:dns:x", false},
        {"uri:dns:x", "uri:dns:x", true},
        {"web", "web", false},
        {"cn:", "cn:", false},
        {"uri:spiffe://x/y", "uri:spiffe://x/z", false},
    };
    for (size_t i = 0; i < CD_ARRAY_COUNT(table); i++) {
        assert_int_equal(cd_identity_matches(table[i].written, table[i].whole), table[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(matching),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
