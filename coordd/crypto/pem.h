#ifndef COORD_CRYPTO_PEM_H
#define COORD_CRYPTO_PEM_H

#include "base/status.h"
#include "crypto/crypto.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * PEM texts to OpenSSL's objects and back, for the files of this module alone. `where` names the
 * text in error sentences: a path, or "the CA certificates".
 */

/* Fills `error` with `what`, followed by OpenSSL's oldest reason if it has one; clears its queue.
 */
enum cd_status crypto_library_error(struct cd_error *error, enum cd_status status,
                                    const char *what);

/* All certificates of `pem`, at least one; other kinds of blocks are passed over. */
CD_MUST_USE enum cd_status crypto_pem_certificates(const char *pem, const char *where,
                                                   STACK_OF(X509) * *ret_list,
                                                   struct cd_error *error);

/* The private key of `pem`; an encrypted one is refused instead of asking a terminal. */
CD_MUST_USE enum cd_status crypto_pem_key(const char *pem, const char *where, EVP_PKEY **ret_key,
                                          struct cd_error *error);

/* crypto_identity_choose over the names of `certificate`. Same outcomes. */
CD_MUST_USE enum cd_status
crypto_identity_of_certificate(X509 *certificate, char ret_identity[CD_IDENTITY_BYTES_MAX + 1],
                               struct cd_error *error);

/* Owned texts; NULL if OpenSSL fails. */
char *crypto_pem_of_certificate(X509 *certificate);
char *crypto_pem_of_key(EVP_PKEY *key);

/* Overwrites the text and frees it. Accepts NULL. */
void crypto_wipe(char *text);

#endif
