#ifndef COORD_TESTS_TRANSPORT_AUTHORITY_H
#define COORD_TESTS_TRANSPORT_AUTHORITY_H

#include "crypto/crypto.h"

/* A CA made for one test process and what it signs. Every failure here fails the test. */

/* Runs crypto_init and makes the CA; cmocka's group setup. */
int authority_set_up(void **state);
int authority_tear_down(void **state);

/* Borrowed until tear_down. */
const struct crypto_pair *authority_ca(void);

/* The caller releases. `uri`, `dns` and `common_name` may be NULL. */
struct crypto_pair authority_issue(const char *uri, const char *dns, const char *common_name);
struct crypto_pair authority_issue_expired(const char *dns);
struct crypto_pair authority_foreign_ca(void);
struct crypto_pair authority_issue_by(const struct crypto_pair *ca, const char *dns);

#endif
