#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "server/config.h"

#include <stdio.h>
#include <string.h>

/*
 * Goal: what each kind of value takes and what it refuses, in which words. Method: tables of texts
 * through server_config_set, as the environment and flags give them.
 */

static const struct server_origin ORIGIN = {.text = "--here"};

static void assert_refused(const char *key, const char *text, const char *message)
{
    struct server_config config;
    struct cd_error error = {.message = ""};
    server_config_init(&config);
    assert_non_null(server_setting_find(key));
    assert_int_equal(server_config_set(&config, server_setting_find(key), text, &ORIGIN, &error),
                     CD_INVALID_ARGUMENT);
    assert_string_equal(error.message, message);
    server_config_release(&config);
}

static void set(struct server_config *config, const char *key, const char *text)
{
    struct cd_error error = {.message = ""};
    assert_non_null(server_setting_find(key));
    if (server_config_set(config, server_setting_find(key), text, &ORIGIN, &error) != CD_OK) {
        fail_msg("%s = \"%s\": %s", key, text, error.message);
    }
}

static void numbers(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    set(&config, "node", "1");
    assert_int_equal(config.node, 1);
    set(&config, "node", "4294967295");
    assert_true(config.node == UINT32_MAX);
    set(&config, "heartbeat_ms", "0050");
    assert_int_equal(config.heartbeat_ms, 50);
    server_config_release(&config);

    static const char *const NO_NUMBERS[] = {"",    "x",  "1x",   "-1",   "+1",
                                             "1.5", " 1", "0x10", "64KiB"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(NO_NUMBERS); i++) {
        char message[256];
        snprintf(message, sizeof(message),
                 "--here: node: \"%s\" is not a whole number; allowed: 1 to 4294967295",
                 NO_NUMBERS[i]);
        assert_refused("node", NO_NUMBERS[i], message);
    }
    static const char *const OUTSIDE[] = {"0", "4294967296", "18446744073709551617",
                                          "99999999999999999999999999"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(OUTSIDE); i++) {
        char message[256];
        snprintf(message, sizeof(message),
                 "--here: node: \"%s\" is out of range; allowed: 1 to 4294967295", OUTSIDE[i]);
        assert_refused("node", OUTSIDE[i], message);
    }
}

static void sizes_in_bytes(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    assert_int_equal(config.segment_bytes, 32 << 20);
    set(&config, "segment_bytes", "16777216");
    assert_int_equal(config.segment_bytes, 16 << 20);
    set(&config, "segment_bytes", "65536KiB");
    assert_int_equal(config.segment_bytes, 64 << 20);
    set(&config, "segment_bytes", "4GiB");
    assert_true(config.segment_bytes == UINT64_C(4) << 30);
    server_config_release(&config);
    assert_refused("segment_bytes", "16777215",
                   "--here: segment_bytes: \"16777215\" is out of range; allowed: 16MiB to 4GiB");
    assert_refused("segment_bytes", "18014398509481985KiB",
                   "--here: segment_bytes: \"18014398509481985KiB\" is out of range; allowed: "
                   "16MiB to 4GiB");
    /* 2^54 + 16384 KiB would be 16 MiB if it wrapped around. */
    assert_refused("segment_bytes", "18014398509498368KiB",
                   "--here: segment_bytes: \"18014398509498368KiB\" is out of range; allowed: "
                   "16MiB to 4GiB");
    assert_refused("segment_bytes", "64MB",
                   "--here: segment_bytes: \"64MB\" is not a number of bytes, like 65536 or "
                   "64KiB; allowed: 16MiB to 4GiB");
    assert_refused("segment_bytes", "64 MiB",
                   "--here: segment_bytes: \"64 MiB\" is not a number of bytes, like 65536 or "
                   "64KiB; allowed: 16MiB to 4GiB");
}

static void names_paths_and_choices(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    assert_string_equal(config.cluster, "coord");
    set(&config, "cluster", "prod-eu_1.a");
    assert_string_equal(config.cluster, "prod-eu_1.a");
    set(&config, "data_dir", "some where/else");
    assert_string_equal(config.data_dir, "some where/else");
    set(&config, "log.format", "json");
    assert_int_equal(config.log_format, 1);
    set(&config, "log.level", "error");
    assert_int_equal(config.log_level, 3);
    server_config_release(&config);
    assert_refused("cluster", "",
                   "--here: cluster: \"\" is empty; allowed: 1 to 64 of a-z A-Z 0-9 . _ -");
    assert_refused("cluster", "a b",
                   "--here: cluster: \"a b\" has a character that a name may not have; allowed: 1 "
                   "to 64 of a-z A-Z 0-9 . _ -");
    assert_refused("cluster", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                   "--here: cluster: "
                   "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" is too "
                   "long; allowed: 1 to 64 of a-z A-Z 0-9 . _ -");
    assert_refused("data_dir", "",
                   "--here: data_dir: \"\" is empty; allowed: a path of 1 to 4096 bytes");
    assert_refused("log.format", "JSON",
                   "--here: log.format: \"JSON\" is none of the choices; allowed: logfmt or json");
    assert_refused("log.level", "trace",
                   "--here: log.level: \"trace\" is none of the choices; allowed: debug, info, "
                   "warn or error");
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        const char *host;
        uint16_t port;
    } GOOD[] = {
        {"0.0.0.0:7420", "0.0.0.0", 7420},
        {"[::]:1", "::", 1},
        {"[fe80::1]:65535", "fe80::1", 65535},
        {"localhost:0", "localhost", 0},
        {"coordd-0.coordd.ns.svc:7421", "coordd-0.coordd.ns.svc", 7421},
    };
    static const char *const BAD[] = {
        "",
        ":",
        "host",
        "host:",
        ":7420",
        "host:65536",
        "host:x",
        "host:1x",
        "::1:80",
        "[]:80",
        "[::1]",
        "[::1:80",
        "a b:80",
        "http://h:80",
        "h:-1",
        "h:+1",
        "h=x:80",
        "a,b:80",
        "h:99999999999999999999",
    };
    char host[SERVER_HOST_BYTES];
    uint16_t port;
    for (size_t i = 0; i < CD_ARRAY_COUNT(GOOD); i++) {
        assert_true(server_address_split(GOOD[i].address, host, &port));
        assert_string_equal(host, GOOD[i].host);
        assert_int_equal(port, GOOD[i].port);
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(BAD); i++) {
        if (server_address_split(BAD[i], host, &port)) {
            fail_msg("\"%s\" passed as an address", BAD[i]);
        }
    }
    static char long_host[SERVER_HOST_BYTES + 8];
    memset(long_host, 'a', SERVER_HOST_BYTES);
    memcpy(long_host + SERVER_HOST_BYTES, ":80", 4);
    assert_false(server_address_split(long_host, host, &port));
    assert_refused("client_listen", "7420",
                   "--here: client_listen: \"7420\" is no address; allowed: HOST:PORT or "
                   "[IPV6]:PORT, port 0 to 65535");
}

static void lists_of_identities(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    set(&config, "admins", "one,spiffe://x/ns/y,CN with space");
    assert_int_equal(config.admins.count, 3);
    assert_string_equal(config.admins.items[1], "spiffe://x/ns/y");
    assert_string_equal(config.admins.items[2], "CN with space");
    set(&config, "admins", "other");
    assert_int_equal(config.admins.count, 1);
    assert_string_equal(config.admins.items[0], "other");
    set(&config, "admins", "");
    assert_int_equal(config.admins.count, 0);
    server_config_release(&config);
#define RULE                                                                                       \
    " is no identity; allowed: what a certificate has as SAN URI, SAN DNS or CN, printable ASCII"
    assert_refused("admins", "one,", "--here: admins: \"\"" RULE);
    assert_refused("admins", "gr\xc3\xbcn", "--here: admins: \"gr\xc3\xbcn\"" RULE);
    assert_refused("admins", "a\nb", "--here: admins: \"a?b\"" RULE);
    assert_refused("admins", "a,b,a", "--here: admins: \"a\" is given twice");
    char many[512] = "i0";
    for (int i = 1; i <= 64; i++) {
        char item[16];
        snprintf(item, sizeof(item), ",i%d", i);
        memcpy(many + strlen(many), item, strlen(item) + 1);
    }
    assert_refused("admins", many, "--here: admins: more than 64 entries");
}

static void lists_of_peers(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    set(&config, "peers", "1=a.example:7421=coordd-1,2=[::1]:80=spiffe://x/y?z=1");
    assert_int_equal(config.peers.count, 2);
    assert_int_equal(config.peers.items[0].id, 1);
    assert_string_equal(config.peers.items[0].address, "a.example:7421");
    assert_string_equal(config.peers.items[0].identity, "coordd-1");
    assert_int_equal(config.peers.items[1].id, 2);
    assert_string_equal(config.peers.items[1].address, "[::1]:80");
    assert_string_equal(config.peers.items[1].identity, "spiffe://x/y?z=1");
    set(&config, "peers", "");
    assert_int_equal(config.peers.count, 0);
    server_config_release(&config);
    static const char SHAPE[] = "--here: peers: \"%s\" is no peer; allowed: "
                                "ID=HOST:PORT=IDENTITY,... (at most 16)";
    char message[256];
    static const char *const SHAPES[] = {"x", "1=a:1", "1"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(SHAPES); i++) {
        snprintf(message, sizeof(message), SHAPE, SHAPES[i]);
        assert_refused("peers", SHAPES[i], message);
    }
    assert_refused("peers", "0=a:1=i",
                   "--here: peers: id \"0\" is no replica's number; allowed: 1 to 4294967295");
    assert_refused("peers", "x=a:1=i",
                   "--here: peers: id \"x\" is no replica's number; allowed: 1 to 4294967295");
    assert_refused("peers", "1=a:0=i",
                   "--here: peers: address \"a:0\" is no address; allowed: HOST:PORT or "
                   "[IPV6]:PORT, port 1 to 65535");
    assert_refused("peers", "1=a:1=", "--here: peers: identity \"\"" RULE);
    assert_refused("peers", "1=a:1=i,1=b:1=j", "--here: peers: id 1 is given twice");
    assert_refused("peers", "1=a:1=i,2=b:1=i",
                   "--here: peers: identity \"i\" is given for both 1 and 2; each replica needs "
                   "its own, or one could speak for the other");
    /* One certificate could have both of these, with and without the scheme. */
    assert_refused("peers", "1=a:1=i,2=b:1=dns:i",
                   "--here: peers: identity \"dns:i\" is given for both 1 and 2; each replica "
                   "needs its own, or one could speak for the other");
    char many[1024] = "1=a:1=i1";
    for (int i = 2; i <= 17; i++) {
        char item[32];
        snprintf(item, sizeof(item), ",%d=a:1=i%d", i, i);
        memcpy(many + strlen(many), item, strlen(item) + 1);
    }
    assert_refused("peers", many, "--here: peers: more than 16 entries");
}

static void a_refused_value_changes_nothing(void **state)
{
    (void)state;
    struct server_config config;
    struct cd_error error;
    server_config_init(&config);
    set(&config, "peers", "1=a:1=i");
    set(&config, "node", "5");
    const struct server_origin other = {.text = "--other"};
    assert_int_equal(
        server_config_set(&config, server_setting_find("peers"), "2=b:1=j,x", &other, &error),
        CD_INVALID_ARGUMENT);
    assert_int_equal(server_config_set(&config, server_setting_find("node"), "0", &other, &error),
                     CD_INVALID_ARGUMENT);
    assert_int_equal(config.peers.count, 1);
    assert_int_equal(config.peers.items[0].id, 1);
    assert_int_equal(config.node, 5);
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        assert_string_not_equal(config.origins[i].text, "--other");
    }
    server_config_release(&config);
    server_config_release(&config);
}

/* The words about one value stay one short line, whatever it is. */
static void long_values_are_shown_in_part(void **state)
{
    (void)state;
    static char value[100000];
    struct server_config config;
    struct cd_error error;
    server_config_init(&config);
    memset(value, 'v', sizeof(value) - 1);
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        error.message[0] = '\0';
        assert_int_equal(server_config_set(&config, &SERVER_SETTINGS[i], value, &ORIGIN, &error),
                         CD_INVALID_ARGUMENT);
        assert_true(strlen(error.message) < 300);
        assert_null(strchr(error.message, '\n'));
    }
    server_config_release(&config);
}

/* Every default of the table is a value of its setting: init asserts it, release frees it. */
static void defaults_are_values(void **state)
{
    (void)state;
    struct server_config config;
    server_config_init(&config);
    assert_int_equal(config.node, 0);
    assert_null(config.tls_key);
    assert_string_equal(config.client_listen, "0.0.0.0:7420");
    assert_string_equal(config.peer_listen, "0.0.0.0:7421");
    assert_string_equal(config.http_listen, "127.0.0.1:7422");
    assert_int_equal(config.heartbeat_ms, 50);
    assert_int_equal(config.election_ms, 400);
    assert_int_equal(config.alpha, 256);
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        assert_string_equal(config.origins[i].text, "");
        char range[SERVER_SETTING_RANGE_BYTES];
        server_setting_range(&SERVER_SETTINGS[i], range);
        assert_true(strlen(range) > 0 && strlen(range) < SERVER_SETTING_RANGE_BYTES - 1);
    }
    server_config_release(&config);
}

static void the_nearest_word(void **state)
{
    (void)state;
    static const char *const WORDS[] = {"node", "data_dir", "tls.ca", "tls.cert", "heartbeat_ms"};
    const size_t count = CD_ARRAY_COUNT(WORDS);
    assert_string_equal(server_nearest("nodes", WORDS, count), "node");
    assert_string_equal(server_nearest("data", WORDS, count), "data_dir");
    assert_string_equal(server_nearest("tls.cart", WORDS, count), "tls.cert");
    assert_string_equal(server_nearest("hartbeet_ms", WORDS, count), "heartbeat_ms");
    static char very_long[10000];
    memset(very_long, 'x', sizeof(very_long) - 1);
    assert_non_null(server_nearest(very_long, WORDS, count));
    assert_null(server_nearest("x", WORDS, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(sizes_in_bytes),
        cmocka_unit_test(names_paths_and_choices),
        cmocka_unit_test(addresses),
        cmocka_unit_test(lists_of_identities),
        cmocka_unit_test(lists_of_peers),
        cmocka_unit_test(a_refused_value_changes_nothing),
        cmocka_unit_test(long_values_are_shown_in_part),
        cmocka_unit_test(defaults_are_values),
        cmocka_unit_test(the_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
