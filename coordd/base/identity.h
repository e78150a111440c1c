#ifndef COORD_BASE_IDENTITY_H
#define COORD_BASE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * An identity as it travels between modules: one text "SCHEME:NAME", where SCHEME says what of a
 * verified certificate the name was.
 *
 *   uri:spiffe://example/web    its SAN URI
 *   dns:web.example             its SAN DNS name
 *   cn:web                      the common name of its subject
 *
 * So a common name is never taken for a DNS name of the same letters. crypto_identity_choose makes
 * them: NAME has 1 to CD_IDENTITY_NAME_BYTES_MAX bytes of printable ASCII. Thread: any; pure.
 */

#define CD_IDENTITY_NAME_BYTES_MAX 1024u                             /* also of an ACL entry's id */
#define CD_IDENTITY_BYTES_MAX      (4u + CD_IDENTITY_NAME_BYTES_MAX) /* "uri:" and name, no NUL */

/* The numbers are written into commands and snapshots: they never change. */
enum cd_identity_scheme {
    CD_IDENTITY_URI = 1,
    CD_IDENTITY_DNS = 2,
    CD_IDENTITY_CN = 3,
};

struct cd_identity {
    enum cd_identity_scheme scheme;
    const char *name; /* borrowed from the text; no NUL behind it */
    size_t name_bytes;
};

/* "uri", "dns", "cn". Static. */
const char *cd_identity_scheme_name(enum cd_identity_scheme scheme);

/*
 * Splits "SCHEME:NAME". False, and *ret_identity untouched, if the scheme is none of the three or
 * the name is empty or over CD_IDENTITY_NAME_BYTES_MAX. Does not look at the name's bytes.
 */
bool cd_identity_parse(const char *text, size_t bytes, struct cd_identity *ret_identity);

/*
 * Whether the identity `whole` is the one that a person meant with `written`, as in the
 * configuration: either the whole text, or the name alone, which then stands for any scheme. Both
 * end with NUL. A name that begins like a scheme ("dns:x" as a SAN URI) has to be written whole.
 */
bool cd_identity_matches(const char *written, const char *whole);

#endif
