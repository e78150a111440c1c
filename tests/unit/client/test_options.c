#include "coord/client.h"

#include "base/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Goal: what can be wrong before any replica is asked, and that each says so at once. */

static void test_endpoints(void **state)
{
    static const char *const good[] = {"a:1", "coord-1.example:7420,b_c:65535", "[::1]:7420",
                                       "127.0.0.1:7420"};
    static const char *const bad[] = {"",         "a",        ":1",     "a:",         "a:0",
                                      "a:65536",  "a:1,",     ",a:1",   "a:1,,b:2",   "a:1 ,b:2",
                                      "a b:1",    "::1:7420", "[::1]:", "[]:1",       "a:1x",
                                      "http://a", "a/b:1",    "a:-1",   "a:00000001", "[a:1"};
    struct coord_error error;
    struct coord_options *options = coord_options_create();
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(coord_options_set_endpoints(options, good[i], NULL), COORD_OK);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(coord_options_set_endpoints(options, bad[i], &error),
                         COORD_INVALID_ARGUMENT);
        assert_int_equal(error.code, COORD_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "host:port"));
    }
    coord_options_free(options);
    coord_options_free(NULL);
}

static void test_too_many_endpoints(void **state)
{
    char list[COORD_ENDPOINTS_MAX * 4 + 8] = "a:1";
    struct coord_options *options = coord_options_create();
    size_t used = 3;
    (void)state;
    for (int i = 1; i < COORD_ENDPOINTS_MAX; i++) {
        memcpy(list + used, ",a:1", 5);
        used += 4;
    }
    assert_int_equal(coord_options_set_endpoints(options, list, NULL), COORD_OK);
    memcpy(list + used, ",a:1", 5);
    assert_int_equal(coord_options_set_endpoints(options, list, NULL), COORD_TOO_MANY);
    coord_options_free(options);
}

static void test_times_and_names(void **state)
{
    char name[COORD_CLIENT_NAME_BYTES_MAX + 2];
    struct coord_options *options = coord_options_create();
    (void)state;
    assert_int_equal(coord_options_set_timeout_ms(options, 1, NULL), COORD_OK);
    assert_int_equal(coord_options_set_timeout_ms(options, 0, NULL), COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_options_set_timeout_ms(options, COORD_TIMEOUT_MAX_MS, NULL), COORD_OK);
    assert_int_equal(coord_options_set_timeout_ms(options, COORD_TIMEOUT_MAX_MS + 1, NULL),
                     COORD_INVALID_ARGUMENT);
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(coord_options_set_client_name(options, name, NULL), COORD_INVALID_ARGUMENT);
    name[sizeof(name) - 2] = '\0';
    assert_int_equal(coord_options_set_client_name(options, name, NULL), COORD_OK);
    assert_int_equal(coord_options_set_client_name(options, "", NULL), COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_options_set_client_name(options, "a\nb", NULL), COORD_INVALID_ARGUMENT);
    coord_options_free(options);
}

static void test_a_client_needs_endpoints_and_files(void **state)
{
    struct coord_client *client = NULL;
    struct coord_error error;
    struct coord_options *options = coord_options_create();
    (void)state;
    assert_int_equal(coord_client_create(options, &client, &error), COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "endpoints"));
    assert_int_equal(coord_options_set_endpoints(options, "a:1", NULL), COORD_OK);
    assert_int_equal(coord_client_create(options, &client, &error), COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "certificates"));
    assert_int_equal(coord_options_set_tls_files(options, "/x", "", "/y", &error),
                     COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_options_set_tls_files(options, "/no/such/ca", "/x", "/y", &error),
                     COORD_OK);
    assert_int_equal(coord_client_create(options, &client, &error), COORD_IO);
    assert_non_null(strstr(error.message, "/no/such/ca"));
    assert_int_equal(coord_options_set_tls_files(options, "/dev/null", "/x", "/y", &error),
                     COORD_OK);
    assert_int_equal(coord_client_create(options, &client, &error), COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "no PEM file"));
    assert_null(client);
    coord_options_free(options);
    coord_client_close(NULL);
}

/*
 * A client whose certificates are nonsense: it starts, and learns at the first call. `file` is
 * mkstemp's template, and the caller's to remove.
 */
static struct coord_client *make_client(char *file)
{
    struct coord_client *client = NULL;
    struct coord_options *options = coord_options_create();
    int handle = mkstemp(file);
    FILE *pem = handle >= 0 ? fdopen(handle, "w") : NULL;
    assert_non_null(pem);
    assert_true(fputs("-----BEGIN NONSENSE-----\n", pem) >= 0);
    assert_int_equal(fclose(pem), 0);
    assert_int_equal(coord_options_set_endpoints(options, "127.0.0.1:1", NULL), COORD_OK);
    assert_int_equal(coord_options_set_tls_files(options, file, file, file, NULL), COORD_OK);
    assert_int_equal(coord_options_set_timeout_ms(options, 200, NULL), COORD_OK);
    assert_int_equal(coord_client_create(options, &client, NULL), COORD_OK);
    coord_options_free(options);
    return client;
}

static void test_arguments_of_calls(void **state)
{
    char file[] = "/tmp/coord-test-XXXXXX";
    struct coord_error error;
    (void)state;
    struct coord_client *client = make_client(file);
    assert_int_equal(coord_client_endpoints_count(client), 1);
    assert_string_equal(coord_client_endpoint(client, 0), "127.0.0.1:1");
    assert_null(coord_client_endpoint(client, 1));
    assert_int_equal(coord_create(client, NULL, NULL, 0, 0, NULL, NULL, &error),
                     COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_create(client, "/a", NULL, 1, 0, NULL, NULL, &error),
                     COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_create(client, "/a", NULL, 0, 64, NULL, NULL, &error),
                     COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "0x40"));
    assert_int_equal(coord_set(client, "/a", NULL, 0, -2, NULL, NULL, &error),
                     COORD_INVALID_ARGUMENT);
    assert_int_equal(coord_admin_init(client, "nonsense", NULL, NULL, &error),
                     COORD_INVALID_ARGUMENT);
    coord_client_close(client);
    assert_int_equal(unlink(file), 0);
}

static void test_nothing_to_be_reached(void **state)
{
    char file[] = "/tmp/coord-test-XXXXXX";
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_status *status = NULL;
    (void)state;
    struct coord_client *client = make_client(file);
    assert_int_equal(coord_get(client, "/a", NULL, &result, &error), COORD_UNREACHABLE);
    assert_int_equal(error.code, COORD_UNREACHABLE);
    assert_non_null(strstr(error.message, "127.0.0.1:1"));
    assert_null(result);
    assert_int_equal(coord_set(client, "/a", "x", 1, COORD_ANY_VERSION, NULL, NULL, NULL),
                     COORD_UNREACHABLE);
    assert_int_equal(coord_admin_status(client, NULL, NULL, &status, &error), COORD_UNREACHABLE);
    assert_int_equal(coord_admin_init(client, NULL, NULL, NULL, &error), COORD_UNREACHABLE);
    assert_null(status);
    coord_client_close(client);
    assert_int_equal(unlink(file), 0);
}

static void test_mistakes_of_a_transaction(void **state)
{
    char file[] = "/tmp/coord-test-XXXXXX";
    struct coord_error error;
    (void)state;
    struct coord_client *client = make_client(file);
    struct coord_txn *txn = coord_txn_create();
    coord_txn_compare_data(txn, "/a", COORD_LESS, "x", 1);
    coord_txn_add_get(txn, COORD_THEN, NULL); /* the first mistake is the one told */
    assert_int_equal(coord_txn_run(client, txn, NULL, NULL, &error), COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "relation"));
    coord_txn_free(txn);
    txn = coord_txn_create();
    coord_txn_add_get(txn, (enum coord_branch)2, "/a");
    assert_int_equal(coord_txn_run(client, txn, NULL, NULL, &error), COORD_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "branch"));
    coord_txn_free(txn);
    txn = coord_txn_create();
    coord_txn_compare(txn, "/a", COORD_IF_VERSION, COORD_EQUAL, UINT64_MAX);
    assert_int_equal(coord_txn_run(client, txn, NULL, NULL, &error), COORD_INVALID_ARGUMENT);
    coord_txn_free(txn);
    coord_txn_free(NULL);
    coord_client_close(client);
    assert_int_equal(unlink(file), 0);
}

/* One table of codes, told twice: here and in coordd/base/status.h. */
static void test_codes_are_those_of_coordd(void **state)
{
    size_t shared = 0;
    (void)state;
    for (int number = 0; number < 120; number++) {
        const char *mine = coord_code_name((enum coord_code)number);
        const char *theirs = cd_status_name((enum cd_status)number);
        bool known = strcmp(mine, "UNRECOGNIZED") != 0;
        if (known || number <= CD_STATUS_CLIENT_MAX) {
            assert_string_equal(mine, known ? theirs : "UNRECOGNIZED");
            assert_true(known == (strcmp(theirs, "UNKNOWN") != 0));
            shared += known ? 1 : 0;
        }
    }
    assert_int_equal(shared, 31 + 5);
    assert_string_equal(coord_code_name(COORD_NO_MEMORY), "NO_MEMORY");
    assert_string_equal(coord_code_name((enum coord_code)1000), "UNRECOGNIZED");
    assert_non_null(coord_code_text((enum coord_code)1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_too_many_endpoints),
        cmocka_unit_test(test_times_and_names),
        cmocka_unit_test(test_a_client_needs_endpoints_and_files),
        cmocka_unit_test(test_arguments_of_calls),
        cmocka_unit_test(test_nothing_to_be_reached),
        cmocka_unit_test(test_mistakes_of_a_transaction),
        cmocka_unit_test(test_codes_are_those_of_coordd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
