#ifndef COORD_LIBCLIENT_OPTIONS_H
#define COORD_LIBCLIENT_OPTIONS_H

#include "error.h"

/* "host:port" of one endpoint at most, without the NUL. */
enum { CLIENT_ENDPOINT_BYTES_MAX = 300 };

struct coord_options {
    char *endpoints[COORD_ENDPOINTS_MAX]; /* owned, as all texts */
    size_t endpoints_count;
    char *ca_file, *cert_file, *key_file;
    char *client_name; /* NULL: the default */
    char *space;       /* the namespace; NULL: none */
    uint32_t timeout_ms;
    bool session;
    uint32_t session_timeout_ms;
};

/* A deep copy. NULL: no memory. */
struct coord_options *client_options_copy(const struct coord_options *options);

/*
 * Whether `text` is "host:port" or "[IPv6]:port". Returns: COORD_OK, COORD_INVALID_ARGUMENT.
 */
CD_MUST_USE enum coord_code client_endpoint_check(const char *text, struct coord_error *error);

#endif
