#ifndef COORD_LIBCLIENT_SECRET_H
#define COORD_LIBCLIENT_SECRET_H

#include "codec.h"

/* What the library needs of OpenSSL; one file of it knows that. Thread: any. */

/*
 * Before gRPC is used. From then on exit() leaves OpenSSL's memory to the system: threads of gRPC
 * end by themselves, some only after grpc_shutdown_blocking, and release at their end what OpenSSL
 * keeps for each thread, which exit() would take from under them. Does nothing where the program
 * has used OpenSSL before: then that is the program's choice.
 */
void client_secret_begin(void);

/*
 * A session's secret: random bytes of the system's, and their SHA-256. False: there are none now,
 * or no memory.
 */
CD_MUST_USE bool client_secret_draw(uint8_t secret[CLIENT_SECRET_BYTES],
                                    uint8_t hash[CLIENT_SECRET_HASH_BYTES]);

#endif
