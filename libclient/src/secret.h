#ifndef COORD_LIBCLIENT_SECRET_H
#define COORD_LIBCLIENT_SECRET_H

#include "codec.h"

/*
 * A session's secret: random bytes of the system's, and their SHA-256. The only file of the library
 * that knows OpenSSL implements it. False: there are none now, or no memory. Thread: any.
 */
CD_MUST_USE bool client_secret_draw(uint8_t secret[CLIENT_SECRET_BYTES],
                                    uint8_t hash[CLIENT_SECRET_HASH_BYTES]);

#endif
