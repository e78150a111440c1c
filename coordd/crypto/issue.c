#include "crypto/crypto.h"

#include "base/buf.h"
#include "base/memory.h"
#include "crypto/pem.h"

#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMON_NAME_BYTES_MAX 64 /* X.520's bound */
#define SERIAL_BYTES          16
#define DAY_S                 INT64_C(86400)
#define CLOCK_SKEW_S          INT64_C(300)
#define PATH_BYTES_MAX        4096

/* ---- Parts of a certificate. False means that OpenSSL failed and has a reason queued. ---- */

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    crypto_random(bytes, sizeof(bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, of full length */
    BIGNUM *number = BN_bin2bn(bytes, SERIAL_BYTES, NULL);
    bool done =
        number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}

static bool set_times(X509 *certificate, int64_t not_before_s, int64_t not_after_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after_s) != NULL;
}

static bool set_common_name(X509 *certificate, const char *common_name)
{
    return common_name == NULL ||
           X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                      MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
                                      0) == 1;
}

/* `value` is one of our own constants: names given by a caller never pass through this syntax. */
static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool push_text_name(GENERAL_NAMES *list, int type, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (name == NULL || value == NULL || ASN1_STRING_set(value, text, -1) != 1) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(list, name) <= 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

static bool push_address(GENERAL_NAMES *list, const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *value = a2i_IPADDRESS(text);
    if (name == NULL || value == NULL) {
        GENERAL_NAME_free(name);
        ASN1_OCTET_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, value);
    if (sk_GENERAL_NAME_push(list, name) <= 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

static bool add_alternative_names(X509 *certificate, const struct crypto_request *request)
{
    if (request->uris_count + request->dns_count + request->ips_count == 0) {
        return true;
    }
    GENERAL_NAMES *list = GENERAL_NAMES_new();
    bool done = list != NULL;
    for (size_t i = 0; done && i < request->uris_count; i++) {
        done = push_text_name(list, GEN_URI, request->uris[i]);
    }
    for (size_t i = 0; done && i < request->dns_count; i++) {
        done = push_text_name(list, GEN_DNS, request->dns[i]);
    }
    for (size_t i = 0; done && i < request->ips_count; i++) {
        done = push_address(list, request->ips[i]);
    }
    if (done) {
        done = X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0) == 1;
    }
    GENERAL_NAMES_free(list);
    return done;
}

/* Both as PEM into ret_pair, or nothing. */
static bool finish(X509 *certificate, EVP_PKEY *key, EVP_PKEY *signer, struct crypto_pair *ret_pair)
{
    if (X509_sign(certificate, signer, EVP_sha256()) == 0) {
        return false;
    }
    struct crypto_pair made = {
        .cert_pem = crypto_pem_of_certificate(certificate),
        .key_pem = crypto_pem_of_key(key),
    };
    if (made.cert_pem == NULL || made.key_pem == NULL) {
        crypto_pair_release(&made);
        return false;
    }
    *ret_pair = made;
    return true;
}

/* ---- What a caller asked for ---- */

static enum cd_status check_common_name(const char *name, struct cd_error *error)
{
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > COMMON_NAME_BYTES_MAX) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "a certificate's common name has %zu bytes; it takes 1 to %d", bytes,
                            COMMON_NAME_BYTES_MAX);
    }
    return CD_OK;
}

static enum cd_status check_names(const char *const *names, size_t count, const char *kind,
                                  struct cd_error *error)
{
    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(names[i]);
        if (bytes == 0 || bytes > CD_IDENTITY_NAME_BYTES_MAX) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "a certificate's SAN %s has %zu bytes; it takes 1 to %u", kind,
                                bytes, CD_IDENTITY_NAME_BYTES_MAX);
        }
        for (const char *at = names[i]; *at != '\0'; at++) {
            if (*at <= 0x20 || *at > 0x7e) {
                return cd_error_set(error, CD_INVALID_ARGUMENT,
                                    "a certificate's SAN %s has a space or a byte that is not "
                                    "printable ASCII",
                                    kind);
            }
        }
    }
    return CD_OK;
}

static enum cd_status check_request(const struct crypto_request *request, int64_t not_before_s,
                                    int64_t not_after_s, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    if (request->common_name != NULL) {
        status = check_common_name(request->common_name, error);
    }
    if (status == CD_OK) {
        status = check_names(request->uris, request->uris_count, "URI", error);
    }
    if (status == CD_OK) {
        status = check_names(request->dns, request->dns_count, "DNS name", error);
    }
    for (size_t i = 0; status == CD_OK && i < request->ips_count; i++) {
        unsigned char to[sizeof(struct in6_addr)];
        if (inet_pton(AF_INET, request->ips[i], to) != 1 &&
            inet_pton(AF_INET6, request->ips[i], to) != 1) {
            status =
                cd_error_set(error, CD_INVALID_ARGUMENT,
                             "\"%.60s\" is no IP address for a certificate's SAN", request->ips[i]);
        }
    }
    if (status == CD_OK && not_before_s >= not_after_s) {
        status =
            cd_error_set(error, CD_INVALID_ARGUMENT, "a certificate cannot end before it begins");
    }
    return status;
}

enum cd_status crypto_make_ca(const char *common_name, int64_t now_s, struct crypto_pair *ret_ca,
                              struct cd_error *error)
{
    enum cd_status status = check_common_name(common_name, error);
    if (status != CD_OK) {
        return status;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *ca = X509_new();
    bool done =
        key != NULL && ca != NULL && X509_set_version(ca, X509_VERSION_3) == 1 && set_serial(ca) &&
        set_times(ca, now_s - CLOCK_SKEW_S, now_s + CRYPTO_CA_DAYS * DAY_S) &&
        set_common_name(ca, common_name) &&
        X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 && X509_set_pubkey(ca, key) == 1 &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") && finish(ca, key, key, ret_ca);
    if (!done) {
        status = crypto_library_error(error, CD_IO, "cannot make a CA certificate");
    }
    X509_free(ca);
    EVP_PKEY_free(key);
    return status;
}

static bool make_leaf(X509 *ca, EVP_PKEY *ca_key, const struct crypto_request *request,
                      int64_t not_before_s, int64_t not_after_s, struct crypto_pair *ret_pair)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *leaf = X509_new();
    bool done = key != NULL && leaf != NULL && X509_set_version(leaf, X509_VERSION_3) == 1 &&
                set_serial(leaf) && set_times(leaf, not_before_s, not_after_s) &&
                set_common_name(leaf, request->common_name) &&
                X509_set_issuer_name(leaf, X509_get_subject_name(ca)) == 1 &&
                X509_set_pubkey(leaf, key) == 1 &&
                add_extension(leaf, ca, NID_basic_constraints, "critical,CA:FALSE") &&
                add_extension(leaf, ca, NID_key_usage, "critical,digitalSignature") &&
                add_extension(leaf, ca, NID_ext_key_usage, "serverAuth,clientAuth") &&
                add_extension(leaf, ca, NID_subject_key_identifier, "hash") &&
                add_extension(leaf, ca, NID_authority_key_identifier, "keyid") &&
                add_alternative_names(leaf, request) && finish(leaf, key, ca_key, ret_pair);
    X509_free(leaf);
    EVP_PKEY_free(key);
    return done;
}

enum cd_status crypto_issue(const struct crypto_pair *ca, const struct crypto_request *request,
                            int64_t now_s, struct crypto_pair *ret_pair, struct cd_error *error)
{
    int64_t not_before_s =
        request->not_before_s != 0 ? request->not_before_s : now_s - CLOCK_SKEW_S;
    int64_t not_after_s =
        request->not_after_s != 0 ? request->not_after_s : now_s + CRYPTO_LEAF_DAYS * DAY_S;
    enum cd_status status = check_request(request, not_before_s, not_after_s, error);
    if (status != CD_OK) {
        return status;
    }
    STACK_OF(X509) *list = NULL;
    EVP_PKEY *ca_key = NULL;
    status = crypto_pem_certificates(ca->cert_pem, "the CA's certificate", &list, error);
    if (status == CD_OK) {
        status = crypto_pem_key(ca->key_pem, "the CA's key", &ca_key, error);
    }
    if (status == CD_OK &&
        !make_leaf(sk_X509_value(list, 0), ca_key, request, not_before_s, not_after_s, ret_pair)) {
        status = crypto_library_error(error, CD_IO, "cannot make a certificate");
    }
    EVP_PKEY_free(ca_key);
    sk_X509_pop_free(list, X509_free);
    return status;
}

/* ---- Files ---- */

static bool write_all(int file, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t written = write(file, text, left);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        text += written;
        left -= (size_t)written;
    }
    return true;
}

static enum cd_status write_file(const char *path, const char *text, mode_t mode,
                                 struct cd_error *error)
{
    char beside[PATH_BYTES_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof(beside)) {
        return cd_error_set(error, CD_IO, "a path of more than %d bytes cannot be written",
                            PATH_BYTES_MAX - 5);
    }
    /* Made anew, so that a file left with wider permissions never holds a key. */
    (void)unlink(beside); /* it usually does not exist; open tells what matters */
    int file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool written = file >= 0 && write_all(file, text) && fsync(file) == 0;
    int why = errno;
    if (file >= 0 && close(file) != 0 && written) {
        written = false;
        why = errno;
    }
    if (written && rename(beside, path) != 0) {
        written = false;
        why = errno;
    }
    if (written) {
        return CD_OK;
    }
    if (file >= 0) {
        (void)unlink(beside); /* best effort: the error below is what counts */
    }
    return cd_error_set(error, why == ENOSPC ? CD_FULL : CD_IO, "cannot write %s: %s", path,
                        strerror(why));
}

enum cd_status crypto_pair_write(const struct crypto_pair *pair, const char *cert_path,
                                 const char *key_path, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    if (key_path != NULL) {
        status = write_file(key_path, pair->key_pem, S_IRUSR | S_IWUSR, error);
    }
    if (status == CD_OK && cert_path != NULL) {
        status =
            write_file(cert_path, pair->cert_pem, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, error);
    }
    return status;
}

void crypto_pair_release(struct crypto_pair *pair)
{
    cd_free(pair->cert_pem);
    crypto_wipe(pair->key_pem);
    memset(pair, 0, sizeof(*pair));
}
