#ifndef COORD_CRYPTO_CRYPTO_H
#define COORD_CRYPTO_CRYPTO_H

#include "base/identity.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Certificates, digests and randomness: the only place that includes OpenSSL.
 *
 * Invariants: after crypto_init every TLS context of this process, gRPC's own ones included, speaks
 * TLS 1.3 and nothing older. An identity is chosen from a certificate by one rule, in
 * crypto_identity_choose. Private keys are written with mode 0600 and wiped before they are freed.
 * Thread: any, except crypto_init.
 */

#define CRYPTO_PEM_BYTES_MAX (1024u * 1024u) /* one PEM text; a CA bundle is below 300 kB */
#define CRYPTO_SHA256_BYTES  32u

/*
 * Sets the TLS policy of the process. Call it once, first thing in main: before grpc_init, before
 * any other function here, before a second thread exists. Later calls change nothing.
 *
 * Returns: CD_OK; CD_IO if this OpenSSL does not take the policy (`error` says why; do not serve).
 */
CD_MUST_USE enum cd_status crypto_init(struct cd_error *error);

/* True if a TLS context made now would refuse everything older than TLS 1.3. Asks OpenSSL. */
bool crypto_tls13_only(void);

/* ---- Digests and randomness (digest.c) ---- */

void crypto_sha256(const void *from, size_t bytes, uint8_t ret_digest[CRYPTO_SHA256_BYTES]);

/* Secure random bytes. Stops the process if the system has none. */
void crypto_random(void *to, size_t bytes);

/* ---- Identities (identity.c) ---- */

enum crypto_name_kind {
    CRYPTO_NAME_URI,    /* SAN URI */
    CRYPTO_NAME_DNS,    /* SAN DNS */
    CRYPTO_NAME_COMMON, /* common name of the subject */
};

/* The names of one certificate that may become its identity. Starts as all zero. */
struct crypto_names {
    struct {
        const char *text; /* borrowed from whoever added it; NULL if there is none */
        size_t bytes;
    } spiffe, uri, dns, common; /* the first of each */
};

/* Offers one name, in the certificate's order. `text` may hold any byte and need not end in NUL. */
void crypto_names_add(struct crypto_names *names, enum crypto_name_kind kind, const char *text,
                      size_t bytes);

/*
 * The identity of a certificate: its first SAN URI that starts with "spiffe://", else its first SAN
 * URI, else its first SAN DNS name, else its common name. The name found is the only candidate; if
 * it breaks a rule there is no identity and no second choice:
 *   - 1 to CD_IDENTITY_NAME_BYTES_MAX bytes, all printable ASCII (a NUL could hide what follows
 * it);
 *   - a DNS name or common name has no ':' and no '/', so that it can never pass for a URI.
 *
 * ret_identity: filled on CD_OK alone with NUL-terminated text in the form of base/identity.h, as
 * "uri:spiffe://example/web".
 * Returns: CD_OK, CD_PERMISSION_DENIED (`error` names the rule).
 */
CD_MUST_USE enum cd_status crypto_identity_choose(const struct crypto_names *names,
                                                  char ret_identity[CD_IDENTITY_BYTES_MAX + 1],
                                                  struct cd_error *error);

/* The same for the first certificate in `pem`. Also returns CD_MALFORMED. */
CD_MUST_USE enum cd_status crypto_identity_of_pem(const char *pem,
                                                  char ret_identity[CD_IDENTITY_BYTES_MAX + 1],
                                                  struct cd_error *error);

/* ---- Reading and checking (cert.c) ---- */

/* What one TLS endpoint needs, as checked PEM. Made by load or take, released by release. */
struct crypto_credentials {
    char *ca_pem;           /* owned; certificates that may have signed the other side's */
    char *cert_pem;         /* owned; our certificate, then its intermediates */
    char *key_pem;          /* owned; our private key */
    int64_t not_after_s;    /* our certificate ends, seconds since 1970 */
    int64_t ca_not_after_s; /* the first of the valid CA certificates to end */
    char identity[CD_IDENTITY_BYTES_MAX + 1];
};

/*
 * Reads the three files and checks them: they parse, the key belongs to the certificate, the
 * certificate is valid at `now_s`, was signed by one of the CA certificates and may act as server
 * and as client, it has an identity, and one of the CA certificates is valid; others in that file
 * may have ended, as while one CA replaces another.
 *
 * ret_credentials: filled on CD_OK alone; the caller releases it.
 * Returns: CD_OK; CD_IO or CD_NOT_FOUND (a file cannot be read); CD_MALFORMED (not PEM, or not what
 * its place asks for); CD_INVALID_ARGUMENT (they do not fit together, expired, not yet valid).
 * `error` names the file, what is wrong with it and what to do.
 */
CD_MUST_USE enum cd_status crypto_credentials_load(const char *ca_path, const char *cert_path,
                                                   const char *key_path, int64_t now_s,
                                                   struct crypto_credentials *ret_credentials,
                                                   struct cd_error *error);

/* The same with PEM texts in memory, which are copied. Returns no CD_IO and no CD_NOT_FOUND. */
CD_MUST_USE enum cd_status crypto_credentials_take(const char *ca_pem, const char *cert_pem,
                                                   const char *key_pem, int64_t now_s,
                                                   struct crypto_credentials *ret_credentials,
                                                   struct cd_error *error);

/* Frees what is in it and wipes the key. Accepts one that is all zero. */
void crypto_credentials_release(struct crypto_credentials *credentials);

/* ---- Making certificates (issue.c), for `coordd --dev`, ./dev and tests ---- */

/* A certificate and its private key (ECDSA P-256), both as PEM. */
struct crypto_pair {
    char *cert_pem; /* owned */
    char *key_pem;  /* owned */
};

#define CRYPTO_CA_DAYS   3650
#define CRYPTO_LEAF_DAYS 365

/* What a leaf certificate shall say. Lists are borrowed for the call; zero means the default. */
struct crypto_request {
    const char *common_name; /* 1 to 64 bytes, or NULL for none */
    const char *const *uris; /* "spiffe://example/coordd-1" */
    size_t uris_count;
    const char *const *dns; /* "localhost" */
    size_t dns_count;
    const char *const *ips; /* "127.0.0.1", "::1" */
    size_t ips_count;
    int64_t not_before_s; /* seconds since 1970; 0: five minutes before now_s */
    int64_t not_after_s;  /* 0: CRYPTO_LEAF_DAYS after now_s */
};

/*
 * A new self-signed CA, valid for CRYPTO_CA_DAYS from `now_s`.
 * Returns: CD_OK, CD_INVALID_ARGUMENT (the name), CD_IO (OpenSSL failed; `error` quotes it).
 */
CD_MUST_USE enum cd_status crypto_make_ca(const char *common_name, int64_t now_s,
                                          struct crypto_pair *ret_ca, struct cd_error *error);

/*
 * A new key and certificate for TLS servers and clients, signed by `ca`.
 * Returns: CD_OK, CD_INVALID_ARGUMENT (a name, an address, the times), CD_MALFORMED (the CA's PEM),
 * CD_IO (OpenSSL failed).
 */
CD_MUST_USE enum cd_status crypto_issue(const struct crypto_pair *ca,
                                        const struct crypto_request *request, int64_t now_s,
                                        struct crypto_pair *ret_pair, struct cd_error *error);

/*
 * Writes the two files anew, the key with mode 0600; each is written beside its place and renamed.
 * A path may be NULL to leave that one out. Returns: CD_OK, CD_IO, CD_FULL.
 */
CD_MUST_USE enum cd_status crypto_pair_write(const struct crypto_pair *pair, const char *cert_path,
                                             const char *key_path, struct cd_error *error);

/* Frees what is in it and wipes the key. Accepts one that is all zero. */
void crypto_pair_release(struct crypto_pair *pair);

#endif
