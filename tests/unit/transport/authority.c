#include "unit/transport/authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static struct crypto_pair ca;

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

int authority_set_up(void **state)
{
    (void)state;
    struct cd_error error;
    assert_int_equal(crypto_init(&error), CD_OK);
    ca = authority_foreign_ca();
    return 0;
}

int authority_tear_down(void **state)
{
    (void)state;
    crypto_pair_release(&ca);
    return 0;
}

const struct crypto_pair *authority_ca(void)
{
    return &ca;
}

static struct crypto_pair issue(const struct crypto_pair *by, const struct crypto_request *request)
{
    struct crypto_pair pair = {0};
    assert_int_equal(crypto_issue(by, request, now_s(), &pair, NULL), CD_OK);
    return pair;
}

struct crypto_pair authority_issue(const char *uri, const char *dns, const char *common_name)
{
    const struct crypto_request request = {
        .common_name = common_name,
        .uris = &uri,
        .uris_count = uri != NULL ? 1 : 0,
        .dns = &dns,
        .dns_count = dns != NULL ? 1 : 0,
    };
    return issue(&ca, &request);
}

struct crypto_pair authority_issue_expired(const char *dns)
{
    const struct crypto_request request = {
        .dns = &dns,
        .dns_count = 1,
        .not_before_s = now_s() - 7200,
        .not_after_s = now_s() - 3600,
    };
    return issue(&ca, &request);
}

struct crypto_pair authority_foreign_ca(void)
{
    struct crypto_pair made = {0};
    assert_int_equal(crypto_make_ca("Coord test CA", now_s(), &made, NULL), CD_OK);
    return made;
}

struct crypto_pair authority_issue_by(const struct crypto_pair *by, const char *dns)
{
    const struct crypto_request request = {.dns = &dns, .dns_count = 1};
    return issue(by, &request);
}
