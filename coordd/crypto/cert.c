#include "crypto/crypto.h"

#include "base/memory.h"
#include "crypto/pem.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The three texts under check, with the names that error sentences give them. */
struct sources {
    const char *ca_where, *cert_where, *key_where;
};

#define TIME_TEXT_BYTES 32

static void describe_time(const ASN1_TIME *when, char ret_text[TIME_TEXT_BYTES])
{
    struct tm parts;
    if (ASN1_TIME_to_tm(when, &parts) != 1 ||
        strftime(ret_text, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(ret_text, TIME_TEXT_BYTES, "an unreadable time");
    }
}

static int64_t seconds_of(const ASN1_TIME *when)
{
    struct tm parts;
    return ASN1_TIME_to_tm(when, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

static enum cd_status check_times(X509 *certificate, const char *where, int64_t now_s,
                                  struct cd_error *error)
{
    char text[TIME_TEXT_BYTES];
    time_t now = (time_t)now_s;
    if (X509_cmp_time(X509_get0_notAfter(certificate), &now) <= 0) {
        describe_time(X509_get0_notAfter(certificate), text);
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "%s: the certificate expired at %s; put a new one in its place", where,
                            text);
    }
    if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0) {
        describe_time(X509_get0_notBefore(certificate), text);
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "%s: the certificate is valid only from %s on; check this machine's "
                            "clock, or wait",
                            where, text);
    }
    return CD_OK;
}

/*
 * While one CA replaces another both are in the file, and the old one may have ended already, or
 * the new one not begun: such a one signs for nobody, and is no reason not to serve. One must be
 * valid.
 */
static enum cd_status check_authorities(STACK_OF(X509) * list, const char *where, int64_t now_s,
                                        int64_t *ret_not_after_s, struct cd_error *error)
{
    int64_t first_end = INT64_MAX;
    enum cd_status status = CD_OK;
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *one = sk_X509_value(list, i);
        if (X509_check_ca(one) == 0) {
            return cd_error_set(error, CD_MALFORMED,
                                "%s: certificate %d in it is no CA certificate; give those that "
                                "sign the certificates of replicas and clients",
                                where, i + 1);
        }
        enum cd_status valid = check_times(one, where, now_s, error);
        if (valid == CD_OK) {
            int64_t end = seconds_of(X509_get0_notAfter(one));
            first_end = end < first_end ? end : first_end;
        } else {
            status = valid;
        }
    }
    if (first_end == INT64_MAX) {
        return status;
    }
    *ret_not_after_s = first_end;
    return CD_OK;
}

/* Verifies our own certificate as the other side will. `purpose` is X509_PURPOSE_SSL_... */
static enum cd_status check_chain(STACK_OF(X509) * authorities, STACK_OF(X509) * chain, int purpose,
                                  int64_t now_s, const struct sources *from, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    CD_ASSERT(store != NULL);
    CD_ASSERT(context != NULL);
    for (int i = 0; i < sk_X509_num(authorities); i++) {
        int added = X509_STORE_add_cert(store, sk_X509_value(authorities, i));
        CD_ASSERT(added == 1);
    }
    int ready = X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain);
    CD_ASSERT(ready == 1);
    X509_STORE_CTX_set_time(context, 0, (time_t)now_s);
    X509_STORE_CTX_set_purpose(context, purpose);
    if (X509_verify_cert(context) != 1) {
        int why = X509_STORE_CTX_get_error(context);
        const char *role = purpose == X509_PURPOSE_SSL_SERVER ? "server" : "client";
        status = cd_error_set(error, CD_INVALID_ARGUMENT,
                              "%s: does not verify as a TLS %s against %s: %s; replicas use it "
                              "in both roles, so it has to be signed by that CA and allow both",
                              from->cert_where, role, from->ca_where,
                              X509_verify_cert_error_string(why));
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return status;
}

static enum cd_status check_own(STACK_OF(X509) * authorities, STACK_OF(X509) * chain, EVP_PKEY *key,
                                int64_t now_s, const struct sources *from,
                                struct crypto_credentials *ret_credentials, struct cd_error *error)
{
    X509 *own = sk_X509_value(chain, 0);
    enum cd_status status = check_times(own, from->cert_where, now_s, error);
    if (status != CD_OK) {
        return status;
    }
    if (X509_check_private_key(own, key) != 1) {
        ERR_clear_error();
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "%s: the private key does not belong to the certificate in %s; give "
                            "the pair that was made together",
                            from->key_where, from->cert_where);
    }
    status = check_chain(authorities, chain, X509_PURPOSE_SSL_SERVER, now_s, from, error);
    if (status == CD_OK) {
        status = check_chain(authorities, chain, X509_PURPOSE_SSL_CLIENT, now_s, from, error);
    }
    if (status != CD_OK) {
        return status;
    }
    struct cd_error inner;
    status = crypto_identity_of_certificate(own, ret_credentials->identity, &inner);
    if (status != CD_OK) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: %.400s", from->cert_where,
                            inner.message);
    }
    ret_credentials->not_after_s = seconds_of(X509_get0_notAfter(own));
    return CD_OK;
}

static enum cd_status check_texts(const char *ca_pem, const char *cert_pem, const char *key_pem,
                                  int64_t now_s, const struct sources *from,
                                  struct crypto_credentials *ret_credentials,
                                  struct cd_error *error)
{
    STACK_OF(X509) *authorities = NULL;
    STACK_OF(X509) *chain = NULL;
    EVP_PKEY *key = NULL;
    enum cd_status status = crypto_pem_certificates(ca_pem, from->ca_where, &authorities, error);
    if (status == CD_OK) {
        status = crypto_pem_certificates(cert_pem, from->cert_where, &chain, error);
    }
    if (status == CD_OK) {
        status = crypto_pem_key(key_pem, from->key_where, &key, error);
    }
    if (status == CD_OK) {
        status = check_authorities(authorities, from->ca_where, now_s,
                                   &ret_credentials->ca_not_after_s, error);
    }
    if (status == CD_OK) {
        status = check_own(authorities, chain, key, now_s, from, ret_credentials, error);
    }
    EVP_PKEY_free(key);
    sk_X509_pop_free(chain, X509_free);
    sk_X509_pop_free(authorities, X509_free);
    return status;
}

static enum cd_status take_texts(char *ca_pem, char *cert_pem, char *key_pem, int64_t now_s,
                                 const struct sources *from,
                                 struct crypto_credentials *ret_credentials, struct cd_error *error)
{
    struct crypto_credentials made = {
        .ca_pem = ca_pem,
        .cert_pem = cert_pem,
        .key_pem = key_pem,
    };
    enum cd_status status = check_texts(ca_pem, cert_pem, key_pem, now_s, from, &made, error);
    if (status != CD_OK) {
        crypto_credentials_release(&made);
        return status;
    }
    *ret_credentials = made;
    return CD_OK;
}

static enum cd_status read_file(const char *path, const char *what, char **ret_text,
                                struct cd_error *error)
{
    enum cd_status status = CD_OK;
    char *text = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        int why = errno;
        return cd_error_set(error, why == ENOENT ? CD_NOT_FOUND : CD_IO,
                            "%s: cannot open the %s: %s", path, what, strerror(why));
    }
    text = cd_calloc(1, CRYPTO_PEM_BYTES_MAX + 2);
    size_t bytes = fread(text, 1, CRYPTO_PEM_BYTES_MAX + 1, file);
    if (ferror(file) != 0) {
        status =
            cd_error_set(error, CD_IO, "%s: cannot read the %s: %s", path, what, strerror(errno));
    } else if (bytes > CRYPTO_PEM_BYTES_MAX) {
        status = cd_error_set(error, CD_MALFORMED, "%s: longer than the limit of %u bytes", path,
                              CRYPTO_PEM_BYTES_MAX);
    } else if (strlen(text) != bytes) {
        status = cd_error_set(error, CD_MALFORMED,
                              "%s: the %s is wanted as PEM text, this is binary", path, what);
    } else {
        *ret_text = cd_strndup(text, bytes);
    }
    (void)fclose(file); /* nothing was written */
    crypto_wipe(text);
    return status;
}

enum cd_status crypto_credentials_load(const char *ca_path, const char *cert_path,
                                       const char *key_path, int64_t now_s,
                                       struct crypto_credentials *ret_credentials,
                                       struct cd_error *error)
{
    const struct sources from = {
        .ca_where = ca_path,
        .cert_where = cert_path,
        .key_where = key_path,
    };
    char *ca_pem = NULL;
    char *cert_pem = NULL;
    char *key_pem = NULL;
    enum cd_status status = read_file(ca_path, "CA certificates", &ca_pem, error);
    if (status == CD_OK) {
        status = read_file(cert_path, "certificate", &cert_pem, error);
    }
    if (status == CD_OK) {
        status = read_file(key_path, "private key", &key_pem, error);
    }
    if (status != CD_OK) {
        cd_free(ca_pem);
        cd_free(cert_pem);
        crypto_wipe(key_pem);
        return status;
    }
    return take_texts(ca_pem, cert_pem, key_pem, now_s, &from, ret_credentials, error);
}

enum cd_status crypto_credentials_take(const char *ca_pem, const char *cert_pem,
                                       const char *key_pem, int64_t now_s,
                                       struct crypto_credentials *ret_credentials,
                                       struct cd_error *error)
{
    static const struct sources from = {
        .ca_where = "the CA certificates",
        .cert_where = "the certificate",
        .key_where = "the private key",
    };
    return take_texts(cd_strdup(ca_pem), cd_strdup(cert_pem), cd_strdup(key_pem), now_s, &from,
                      ret_credentials, error);
}

void crypto_credentials_release(struct crypto_credentials *credentials)
{
    cd_free(credentials->ca_pem);
    cd_free(credentials->cert_pem);
    crypto_wipe(credentials->key_pem);
    memset(credentials, 0, sizeof(*credentials));
}
