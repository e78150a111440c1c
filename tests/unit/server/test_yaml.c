#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Goal: what the file may say, and the exact sentence for what it may not. Method: small files in a
 * temporary directory, whose messages begin with FILE:LINE; and the shipped example.
 */

static char folder[] = "/tmp/coord-yaml-XXXXXX";
static char path[sizeof(folder) + 16];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/c.yaml", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_bytes(const char *text, size_t bytes)
{
    FILE *file = fopen(path, "wbe");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void read_into(struct server_config *config, const char *text)
{
    struct cd_error error = {.message = ""};
    write_bytes(text, strlen(text));
    server_config_init(config);
    if (server_config_read_file(config, path, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
}

/* `message` is what stands behind "PATH:". */
static void assert_refused(const char *text, const char *message)
{
    struct server_config config;
    struct cd_error error = {.message = ""};
    char expected[512];
    write_bytes(text, strlen(text));
    server_config_init(&config);
    assert_int_equal(server_config_read_file(&config, path, &error), CD_INVALID_ARGUMENT);
    snprintf(expected, sizeof(expected), "%s:%s", path, message);
    assert_string_equal(error.message, expected);
    server_config_release(&config);
}

static void every_kind_of_setting(void **state)
{
    (void)state;
    struct server_config config;
    read_into(&config, "# a comment\n"
                       "node: 3\n"
                       "cluster: \"east\"\n"
                       "data_dir: /data dir\n"
                       "tls:\n"
                       "  ca: ca.pem\n"
                       "  cert: 'c.pem'\n"
                       "  key: k.pem\n"
                       "log: {format: json, level: warn}\n"
                       "segment_bytes: 128MiB\n"
                       "admins: [root, \"spiffe://x/admin\"]\n"
                       "peers:\n"
                       "  - {id: 1, address: 'a:7421', identity: coordd-1}\n"
                       "  - id: 2\n"
                       "    address: b:7421\n"
                       "    identity: coordd-2\n");
    assert_int_equal(config.node, 3);
    assert_string_equal(config.cluster, "east");
    assert_string_equal(config.data_dir, "/data dir");
    assert_string_equal(config.tls_ca, "ca.pem");
    assert_string_equal(config.tls_cert, "c.pem");
    assert_string_equal(config.tls_key, "k.pem");
    assert_int_equal(config.log_format, 1);
    assert_int_equal(config.log_level, 2);
    assert_int_equal(config.segment_bytes, 128 << 20);
    assert_int_equal(config.admins.count, 2);
    assert_string_equal(config.admins.items[1], "spiffe://x/admin");
    assert_int_equal(config.peers.count, 2);
    assert_int_equal(config.peers.items[1].id, 2);
    assert_string_equal(config.peers.items[1].identity, "coordd-2");
    const struct server_setting *node = server_setting_find("node");
    assert_int_equal(config.origins[node - SERVER_SETTINGS].line, 2);
    server_config_release(&config);
}

static void empty_files_set_nothing(void **state)
{
    (void)state;
    static const char *const EMPTY[] = {"", "\n\n", "# only a comment\n", "---\n", "--- ~\n...\n"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(EMPTY); i++) {
        struct server_config config;
        read_into(&config, EMPTY[i]);
        assert_int_equal(config.node, 0);
        server_config_release(&config);
    }
}

static void anchors_are_followed(void **state)
{
    (void)state;
    struct server_config config;
    read_into(&config, "cluster: &name east\ndata_dir: *name\n");
    assert_string_equal(config.data_dir, "east");
    server_config_release(&config);
}

static void unknown_keys(void **state)
{
    (void)state;
    assert_refused("node: 1\nheartbeet_ms: 5\n",
                   "2: unknown key \"heartbeet_ms\"; the nearest known key is \"heartbeat_ms\"");
    assert_refused("data: /x\n", "1: unknown key \"data\"; the nearest known key is \"data_dir\"");
    assert_refused("node: 1\ntls:\n  ca: x\n  cart: y\n",
                   "4: unknown key \"tls.cart\"; the nearest known key is \"tls.cert\"");
    assert_refused("lags:\n  format: json\n",
                   "1: unknown key \"lags\"; the nearest known key is \"log\"");
    assert_refused("peers:\n  - {id: 1, adress: 'a:1', identity: i}\n",
                   "2: unknown key \"peers: adress\"; the nearest known key is \"peers: address\"");
    assert_refused("tsl: {ca: x}\n", "1: unknown key \"tsl\"; the nearest known key is \"tls\"");
    assert_refused("<<: {node: 1}\n", "1: unknown key \"<<\"; the nearest known key is \"tls\"");
}

/* The sections that the reader knows are those of the table. */
static void every_section_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        const char *dot = strchr(SERVER_SETTINGS[i].key, '.');
        if (dot != NULL) {
            struct server_config config;
            char text[64];
            snprintf(text, sizeof(text), "%.*s: {}\n", (int)(dot - SERVER_SETTINGS[i].key),
                     SERVER_SETTINGS[i].key);
            read_into(&config, text);
            server_config_release(&config);
        }
    }
}

static void wrong_shapes(void **state)
{
    (void)state;
    assert_refused("- 1\n", "1: the file must be a mapping of settings, like \"node: 1\"");
    assert_refused("word\n", "1: the file must be a mapping of settings, like \"node: 1\"");
    assert_refused("node: [1]\n", "1: node: must be one value, not a list");
    assert_refused("\nnode: {a: 1}\n", "2: node: must be one value, not a mapping");
    assert_refused("node:\n", "1: node: has no value; leave the key out for its default");
    assert_refused("cluster: ~\n", "1: cluster: has no value; leave the key out for its default");
    assert_refused("tls: x\n", "1: tls: must be a mapping");
    assert_refused("tls:\n  [1]: x\n", "2: tls: a key must be a word");
    assert_refused("[1]: x\n", "1: a key must be a word");
    assert_refused("peers: x\n", "1: peers: must be a list");
    assert_refused("peers:\n  - x\n", "2: peers: an entry must be {id: , address: , identity: }");
    assert_refused("peers:\n  - {id: 1, address: 'a:1'}\n",
                   "2: peers: an entry lacks its identity");
    assert_refused("peers:\n  - id: 1\n    address: [a]\n    identity: i\n",
                   "3: peers: address: must be one value, not a list");
    assert_refused("peers:\n  - {id: 1, id: 2, address: 'a:1', identity: i}\n",
                   "2: peers: id: is given twice in one entry");
    assert_refused("admins: {a: b}\n", "1: admins: must be a list");
    assert_refused("admins:\n  - [a]\n", "2: admins: must be one value, not a list");
    assert_refused("cluster: \"a\\0b\"\n", "1: cluster: has a NUL character in it");
}

static void wrong_values_name_their_line(void **state)
{
    (void)state;
    assert_refused("cluster: east\nnode: one\n",
                   "2: node: \"one\" is not a whole number; allowed: 1 to 4294967295");
    assert_refused("node: 1\n\nheartbeat_ms: 99999\n",
                   "3: heartbeat_ms: \"99999\" is out of range; allowed: 5 to 10000");
    assert_refused("log:\n  level: loud\n", "2: log.level: \"loud\" is none of the choices; "
                                            "allowed: debug, info, warn or error");
    assert_refused("peers:\n  - {id: 1, address: 'a:1', identity: i}\n"
                   "  - {id: 1, address: 'b:1', identity: j}\n",
                   "3: peers: id 1 is given twice");
    assert_refused("admins:\n  - a\n  - a\n", "3: admins: \"a\" is given twice");
}

static void a_key_given_twice(void **state)
{
    (void)state;
    assert_refused("node: 1\ncluster: c\nnode: 2\n",
                   "3: node: is given twice, the first time in line 1");
    assert_refused("log:\n  level: info\nlog:\n  level: warn\n",
                   "4: log.level: is given twice, the first time in line 2");
}

static void what_is_no_yaml(void **state)
{
    (void)state;
    assert_refused("node: 1\n\tcluster: c\n",
                   "2: not valid YAML: found a tab character that violates indentation");
    assert_refused("peers: [\n", "2: not valid YAML: did not find expected node content");
    assert_refused("node: 1\n---\nnode: 2\n",
                   "3: a second document begins; the file must hold one");
    assert_refused("node: \xff\n", "1: not valid YAML: invalid leading UTF-8 octet");
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    struct server_config config;
    struct cd_error error;
    char expected[512];
    server_config_init(&config);
    assert_int_equal(server_config_read_file(&config, "/no/such/file", &error), CD_NOT_FOUND);
    assert_string_equal(error.message, "the configuration file /no/such/file cannot be read: No "
                                       "such file or directory");
    assert_int_equal(server_config_read_file(&config, folder, &error), CD_IO);
    snprintf(expected, sizeof(expected), "the configuration file %s cannot be read: Is a directory",
             folder);
    assert_string_equal(error.message, expected);
    char *large = cd_malloc(SERVER_FILE_BYTES_MAX + 1);
    memset(large, '#', SERVER_FILE_BYTES_MAX + 1);
    write_bytes(large, SERVER_FILE_BYTES_MAX + 1);
    assert_int_equal(server_config_read_file(&config, path, &error), CD_INVALID_ARGUMENT);
    snprintf(expected, sizeof(expected), "the configuration file %s has more than 262144 bytes",
             path);
    assert_string_equal(error.message, expected);
    write_bytes(large, SERVER_FILE_BYTES_MAX);
    assert_int_equal(server_config_read_file(&config, path, &error), CD_OK);
    cd_free(large);
    server_config_release(&config);
}

/* Deep nesting of what is refused anyway must not cost a stack. */
static void deep_nesting_is_refused(void **state)
{
    (void)state;
    struct server_config config;
    struct cd_error error;
    static char text[20000];
    memset(text, '[', sizeof(text) - 1);
    memcpy(text, "node: ", 6);
    write_bytes(text, sizeof(text) - 1);
    server_config_init(&config);
    assert_int_equal(server_config_read_file(&config, path, &error), CD_INVALID_ARGUMENT);
    server_config_release(&config);
}

static char *read_text(const char *name)
{
    static char text[65536];
    FILE *file = fopen(name, "rbe");
    assert_non_null(file);
    size_t bytes = fread(text, 1, sizeof(text) - 1, file);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

static void the_example_is_valid_and_complete(void **state)
{
    (void)state;
    struct server_config config;
    struct cd_error error = {.message = ""};
    server_config_init(&config);
    if (server_config_read_file(&config, EXAMPLE_FILE, &error) != CD_OK ||
        server_config_check(&config, &error) != CD_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(config.peers.count, 3);
    server_config_release(&config);
    const char *text = read_text(EXAMPLE_FILE);
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        const char *dot = strchr(SERVER_SETTINGS[i].key, '.');
        const char *name = dot != NULL ? dot + 1 : SERVER_SETTINGS[i].key;
        char line[SERVER_SETTING_NAME_BYTES + 4];
        snprintf(line, sizeof(line), "%s:", name);
        if (strstr(text, line) == NULL) {
            fail_msg("the example does not show %s", SERVER_SETTINGS[i].key);
        }
    }
}

/* What --check-config prints is a file that says the same. */
static void the_printed_configuration_reads_back(void **state)
{
    (void)state;
    struct server_config config;
    struct server_config again;
    struct cd_buf first;
    struct cd_buf second;
    struct cd_error error;
    read_into(&config, "node: 7\n"
                       "data_dir: \"we\\\\ird \\\"dir\\\" #1: x\"\n"
                       "tls: {ca: a, cert: b, key: c}\n"
                       "log: {format: json}\n"
                       "admins: [\"x \\\"y\\\"\"]\n"
                       "peers:\n  - {id: 1, address: 'a:7421', identity: 'spiffe://a/b'}\n");
    cd_buf_init(&first, 65536);
    cd_buf_init(&second, 65536);
    server_config_print(&config, &first);
    assert_false(first.overflowed);
    write_bytes((const char *)first.data, first.bytes);
    server_config_init(&again);
    assert_int_equal(server_config_read_file(&again, path, &error), CD_OK);
    assert_string_equal(again.data_dir, config.data_dir);
    assert_string_equal(again.admins.items[0], "x \"y\"");
    assert_int_equal(again.node, 7);
    memcpy(again.origins, config.origins, sizeof(again.origins));
    server_config_print(&again, &second);
    assert_int_equal(first.bytes, second.bytes);
    assert_memory_equal(first.data, second.data, first.bytes);
    cd_buf_release(&first);
    cd_buf_release(&second);
    server_config_release(&config);
    server_config_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_setting),
        cmocka_unit_test(empty_files_set_nothing),
        cmocka_unit_test(anchors_are_followed),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(every_section_is_known),
        cmocka_unit_test(wrong_shapes),
        cmocka_unit_test(wrong_values_name_their_line),
        cmocka_unit_test(a_key_given_twice),
        cmocka_unit_test(what_is_no_yaml),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(the_example_is_valid_and_complete),
        cmocka_unit_test(the_printed_configuration_reads_back),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
