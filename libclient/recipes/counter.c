#include "recipes/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A number in a node, to which the cluster adds. */

/* What the cluster takes for a number: digits, perhaps a minus before them. */
static bool parse(const char *text, size_t bytes, int64_t *ret_value)
{
    char *end = NULL;
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (digits[0] < '0' || digits[0] > '9') {
        return false;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *ret_value = value;
    return errno == 0 && end == text + bytes;
}

static enum coord_code add(struct coord_client *client, const char *path, int64_t delta,
                           int64_t *ret_value, struct coord_error *error)
{
    struct coord_result *result = NULL;
    enum coord_code code = coord_increment(client, path, delta, COORD_ANY_VERSION,
                                           COORD_INCREMENT_CREATE, NULL, &result, error);
    if (code == COORD_OK && ret_value != NULL) {
        *ret_value = coord_result_value(result);
    }
    coord_result_free(result);
    return code;
}

enum coord_code coord_counter_add(struct coord_client *client, const char *path, int64_t delta,
                                  int64_t *ret_value, struct coord_error *reterr)
{
    client_enter(client);
    enum coord_code code = add(client, path, delta, ret_value, reterr);
    if (code == COORD_NO_PARENT) { /* nothing was added */
        code = coord_create(client, path, "0", 1, COORD_CREATE_IF_ABSENT | COORD_CREATE_PARENTS,
                            NULL, NULL, reterr);
        code = code == COORD_OK ? add(client, path, delta, ret_value, reterr) : code;
    }
    client_leave(client);
    return code;
}

enum coord_code coord_counter_get(struct coord_client *client, const char *path, int64_t *ret_value,
                                  struct coord_error *reterr)
{
    struct coord_result *result = NULL;
    int64_t value = 0;
    enum coord_code code = coord_get(client, path, NULL, &result, reterr);
    if (code == COORD_OK) {
        size_t bytes = 0;
        const char *text = coord_result_data(result, &bytes); /* with a NUL behind it */
        if (!parse(text, bytes, &value)) {
            code = client_error_set(reterr, COORD_NOT_A_NUMBER,
                                    "the data of %s are no decimal number of 64 bits", path);
        }
    }
    code = code == COORD_NO_NODE ? COORD_OK : code; /* which counts 0 */
    if (code == COORD_OK) {
        *ret_value = value;
    }
    coord_result_free(result);
    return code;
}

enum coord_code coord_counter_set(struct coord_client *client, const char *path, int64_t value,
                                  struct coord_error *reterr)
{
    char text[sizeof("-9223372036854775808")];
    struct coord_txn *txn = coord_txn_create();
    if (txn == NULL) {
        return client_error_no_memory(reterr);
    }
    size_t bytes = (size_t)snprintf(text, sizeof(text), "%" PRId64, value);
    coord_txn_compare(txn, path, COORD_IF_EXISTS, COORD_EQUAL, 1);
    coord_txn_add_set(txn, COORD_THEN, path, text, bytes, COORD_ANY_VERSION);
    coord_txn_add_create(txn, COORD_ELSE, path, text, bytes, COORD_CREATE_PARENTS);
    enum coord_code code = coord_txn_run(client, txn, NULL, NULL, reterr);
    coord_txn_free(txn);
    return code;
}
