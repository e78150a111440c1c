#include "replica/replica.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The table of default numbers in coordd/README.md says what the code has. */

static void the_readme_has_every_number(void **state)
{
    (void)state;
    static char text[65536];
    FILE *file = fopen(NUMBERS_FILE, "rbe");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    struct replica_number numbers[REPLICA_NUMBERS_MAX];
    size_t count = replica_numbers(numbers);
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        char row[256];
        snprintf(row, sizeof(row), "| %s | %llu%s%s | %s%s|\n", numbers[i].name,
                 (unsigned long long)numbers[i].value, numbers[i].unit[0] != '\0' ? " " : "",
                 numbers[i].unit, numbers[i].text, numbers[i].text[0] != '\0' ? " " : "");
        if (strstr(text, row) == NULL) {
            fail_msg("coordd/README.md lacks the row\n%s", row);
        }
    }
}

/* libclient/src/lease.h cannot be included here: its text is compared. */
static void the_client_has_the_same_points(void **state)
{
    (void)state;
    static char text[16384];
    FILE *file = fopen(LEASE_FILE, "rbe");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    char line[96];
    snprintf(line, sizeof(line), "CLIENT_LEASE_SUSPECT_PERCENT = %d,",
             REPLICA_CLIENT_SUSPECT_PERCENT);
    assert_non_null(strstr(text, line));
    snprintf(line, sizeof(line), "CLIENT_LEASE_LOST_PERCENT = %d,", REPLICA_CLIENT_LOST_PERCENT);
    assert_non_null(strstr(text, line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_readme_has_every_number),
        cmocka_unit_test(the_client_has_the_same_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
