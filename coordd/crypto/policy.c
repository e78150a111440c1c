#include "crypto/crypto.h"

#include "crypto/pem.h"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

/*
 * libgrpc sets TLS 1.2 as its minimum on every context it makes, and has no setter. What it does
 * not touch is the system default of libssl, which SSL_CTX_new applies to every context, so the
 * older protocols are switched off there. MinProtocol would be overwritten; Protocol is kept.
 */
static const char tls_policy[] = "openssl_conf = coord\n"
                                 "[coord]\n"
                                 "ssl_conf = coord_ssl\n"
                                 "[coord_ssl]\n"
                                 "system_default = coord_tls\n"
                                 "[coord_tls]\n"
                                 "Protocol = -SSLv3, -TLSv1, -TLSv1.1, -TLSv1.2\n";

static bool load_policy(void)
{
    bool loaded = false;
    CONF *conf = NCONF_new(NULL);
    BIO *text = BIO_new_mem_buf(tls_policy, (int)sizeof(tls_policy) - 1);
    if (conf != NULL && text != NULL) {
        loaded = NCONF_load_bio(conf, text, NULL) > 0 && CONF_modules_load(conf, NULL, 0) > 0;
    }
    BIO_free(text);
    NCONF_free(conf);
    return loaded;
}

enum cd_status crypto_init(struct cd_error *error)
{
    static bool done; /* the caller has no second thread yet */
    if (done) {
        return CD_OK;
    }
    /*
     * The system's own configuration first, so that its providers stay in force and so that
     * OpenSSL, which reads it once, does not read it later over ours. Nothing is cleaned up at
     * exit: threads of gRPC may end only then, and release what OpenSSL keeps for each thread.
     */
    if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
                             OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_ATEXIT,
                         NULL) != 1) {
        return crypto_library_error(error, CD_IO, "OpenSSL does not start; check openssl.cnf");
    }
    if (!load_policy() || !crypto_tls13_only()) {
        return crypto_library_error(
            error, CD_IO, "this OpenSSL does not let TLS 1.2 be switched off; 3.0 or later does");
    }
    done = true;
    return CD_OK;
}

bool crypto_tls13_only(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    if (context == NULL) {
        return false;
    }
    const uint64_t older =
        SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_TLSv1_2;
    bool only = (SSL_CTX_get_options(context) & older) == older;
    SSL_CTX_free(context);
    return only;
}
