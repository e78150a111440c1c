#include "crypto/pem.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <string.h>

enum cd_status crypto_library_error(struct cd_error *error, enum cd_status status, const char *what)
{
    unsigned long code = ERR_get_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    if (reason == NULL) {
        return cd_error_set(error, status, "%s", what);
    }
    return cd_error_set(error, status, "%s (OpenSSL: %s)", what, reason);
}

static BIO *open_text(const char *pem)
{
    size_t bytes = strnlen(pem, CRYPTO_PEM_BYTES_MAX + 1);
    return bytes <= CRYPTO_PEM_BYTES_MAX ? BIO_new_mem_buf(pem, (int)bytes) : NULL;
}

/* True if reading stopped because there was nothing more, not because of damage. */
static bool only_at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (at_end) {
        ERR_clear_error();
    }
    return at_end;
}

enum cd_status crypto_pem_certificates(const char *pem, const char *where,
                                       STACK_OF(X509) * *ret_list, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    char what[CD_ERROR_MESSAGE_BYTES];
    STACK_OF(X509) *list = sk_X509_new_null();
    BIO *text = open_text(pem);
    CD_ASSERT(list != NULL);
    if (text == NULL) {
        status = cd_error_set(error, CD_MALFORMED, "%s: longer than the limit of %u bytes", where,
                              CRYPTO_PEM_BYTES_MAX);
        goto out;
    }
    ERR_clear_error();
    for (;;) {
        X509 *one = PEM_read_bio_X509(text, NULL, NULL, NULL);
        if (one == NULL) {
            break;
        }
        int pushed = sk_X509_push(list, one);
        CD_ASSERT(pushed > 0);
    }
    if (!only_at_end()) {
        (void)snprintf(what, sizeof(what), "%s: certificate %d in it is damaged", where,
                       sk_X509_num(list) + 1);
        status = crypto_library_error(error, CD_MALFORMED, what);
        goto out;
    }
    if (sk_X509_num(list) == 0) {
        status = cd_error_set(error, CD_MALFORMED,
                              "%s: no certificate in it; a PEM text with a line "
                              "\"-----BEGIN CERTIFICATE-----\" is wanted",
                              where);
        goto out;
    }
    *ret_list = list;
    list = NULL;
out:
    BIO_free(text);
    sk_X509_pop_free(list, X509_free);
    return status;
}

/* OpenSSL asks for the password of an encrypted key here; none is given, and no terminal asked. */
static int refuse_password(char *to, int bytes, int writing, void *asked)
{
    (void)to;
    (void)bytes;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

enum cd_status crypto_pem_key(const char *pem, const char *where, EVP_PKEY **ret_key,
                              struct cd_error *error)
{
    char what[CD_ERROR_MESSAGE_BYTES];
    bool asked = false;
    BIO *text = open_text(pem);
    if (text == NULL) {
        return cd_error_set(error, CD_MALFORMED, "%s: longer than the limit of %u bytes", where,
                            CRYPTO_PEM_BYTES_MAX);
    }
    ERR_clear_error();
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, refuse_password, &asked);
    BIO_free(text);
    if (key != NULL) {
        ERR_clear_error();
        *ret_key = key;
        return CD_OK;
    }
    if (asked) {
        ERR_clear_error();
        return cd_error_set(error, CD_MALFORMED,
                            "%s: the private key is encrypted; store it without a password, "
                            "readable for this user alone",
                            where);
    }
    (void)snprintf(what, sizeof(what), "%s: no readable private key in it", where);
    return crypto_library_error(error, CD_MALFORMED, what);
}

static char *take_text(BIO *from)
{
    char *data = NULL;
    long bytes = BIO_get_mem_data(from, &data);
    return bytes > 0 ? cd_strndup(data, (size_t)bytes) : NULL;
}

char *crypto_pem_of_certificate(X509 *certificate)
{
    char *pem = NULL;
    BIO *text = BIO_new(BIO_s_mem());
    if (text != NULL && PEM_write_bio_X509(text, certificate) == 1) {
        pem = take_text(text);
    }
    BIO_free(text);
    return pem;
}

char *crypto_pem_of_key(EVP_PKEY *key)
{
    char *pem = NULL;
    BIO *text = BIO_new(BIO_s_secmem());
    if (text != NULL && PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1) {
        pem = take_text(text);
    }
    BIO_free(text);
    return pem;
}

void crypto_wipe(char *text)
{
    if (text != NULL) {
        OPENSSL_cleanse(text, strlen(text));
        cd_free(text);
    }
}
