#include "crypto/crypto.h"

#include "crypto/pem.h"

#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

#define SPIFFE_PREFIX "spiffe://"

void crypto_names_add(struct crypto_names *names, enum crypto_name_kind kind, const char *text,
                      size_t bytes)
{
    static const size_t prefix_bytes = sizeof(SPIFFE_PREFIX) - 1;
    switch (kind) {
    case CRYPTO_NAME_URI:
        if (names->uri.text == NULL) {
            names->uri.text = text;
            names->uri.bytes = bytes;
        }
        if (names->spiffe.text == NULL && bytes >= prefix_bytes &&
            memcmp(text, SPIFFE_PREFIX, prefix_bytes) == 0) {
            names->spiffe.text = text;
            names->spiffe.bytes = bytes;
        }
        return;
    case CRYPTO_NAME_DNS:
        if (names->dns.text == NULL) {
            names->dns.text = text;
            names->dns.bytes = bytes;
        }
        return;
    case CRYPTO_NAME_COMMON:
        if (names->common.text == NULL) {
            names->common.text = text;
            names->common.bytes = bytes;
        }
        return;
    }
    CD_UNREACHABLE();
}

static bool is_printable(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

enum cd_status crypto_identity_choose(const struct crypto_names *names,
                                      char ret_identity[CD_IDENTITY_BYTES_MAX + 1],
                                      struct cd_error *error)
{
    const char *kind = "SAN URI";
    const char *text = names->uri.text;
    size_t bytes = names->uri.bytes;
    enum cd_identity_scheme scheme = CD_IDENTITY_URI;
    if (names->spiffe.text != NULL) {
        text = names->spiffe.text;
        bytes = names->spiffe.bytes;
    } else if (text == NULL) {
        bool has_dns = names->dns.text != NULL;
        kind = has_dns ? "SAN DNS name" : "common name";
        text = has_dns ? names->dns.text : names->common.text;
        bytes = has_dns ? names->dns.bytes : names->common.bytes;
        scheme = has_dns ? CD_IDENTITY_DNS : CD_IDENTITY_CN;
    }
    if (text == NULL) {
        return cd_error_set(error, CD_PERMISSION_DENIED,
                            "the certificate has no SAN URI, no SAN DNS name and no common name "
                            "to identify its owner by");
    }
    if (bytes == 0 || bytes > CD_IDENTITY_NAME_BYTES_MAX) {
        return cd_error_set(error, CD_PERMISSION_DENIED,
                            "the certificate's %s has %zu bytes; an identity has 1 to %u", kind,
                            bytes, CD_IDENTITY_NAME_BYTES_MAX);
    }
    if (!is_printable(text, bytes)) {
        return cd_error_set(error, CD_PERMISSION_DENIED,
                            "the certificate's %s has a byte that is not printable ASCII", kind);
    }
    if (scheme != CD_IDENTITY_URI &&
        (memchr(text, ':', bytes) != NULL || memchr(text, '/', bytes) != NULL)) {
        return cd_error_set(error, CD_PERMISSION_DENIED,
                            "the certificate's %s has a ':' or '/', which only a SAN URI may have",
                            kind);
    }
    (void)snprintf(ret_identity, CD_IDENTITY_BYTES_MAX + 1, "%s:%.*s",
                   cd_identity_scheme_name(scheme), (int)bytes, text);
    return CD_OK;
}

static void add_alternative_names(struct crypto_names *names, const GENERAL_NAMES *list)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(list, i);
        if (one->type != GEN_URI && one->type != GEN_DNS) {
            continue;
        }
        crypto_names_add(names, one->type == GEN_URI ? CRYPTO_NAME_URI : CRYPTO_NAME_DNS,
                         (const char *)ASN1_STRING_get0_data(one->d.ia5),
                         (size_t)ASN1_STRING_length(one->d.ia5));
    }
}

enum cd_status crypto_identity_of_certificate(X509 *certificate,
                                              char ret_identity[CD_IDENTITY_BYTES_MAX + 1],
                                              struct cd_error *error)
{
    struct crypto_names names = {0};
    GENERAL_NAMES *list = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (list != NULL) {
        add_alternative_names(&names, list);
    }
    unsigned char *common = NULL;
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) {
        const ASN1_STRING *entry = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        int bytes = ASN1_STRING_to_UTF8(&common, entry);
        if (bytes >= 0) {
            crypto_names_add(&names, CRYPTO_NAME_COMMON, (const char *)common, (size_t)bytes);
        }
    }
    enum cd_status status = crypto_identity_choose(&names, ret_identity, error);
    OPENSSL_free(common);
    GENERAL_NAMES_free(list);
    return status;
}

enum cd_status crypto_identity_of_pem(const char *pem, char ret_identity[CD_IDENTITY_BYTES_MAX + 1],
                                      struct cd_error *error)
{
    STACK_OF(X509) *list = NULL;
    enum cd_status status = crypto_pem_certificates(pem, "the certificate", &list, error);
    if (status != CD_OK) {
        return status;
    }
    status = crypto_identity_of_certificate(sk_X509_value(list, 0), ret_identity, error);
    sk_X509_pop_free(list, X509_free);
    return status;
}
