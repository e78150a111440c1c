#ifndef COORD_LIBCLIENT_ERROR_H
#define COORD_LIBCLIENT_ERROR_H

#include "base/assert.h"
#include "coord/client.h"

#include <stdarg.h>

/* Fills `error` (may be NULL) and returns `code`. Thread: any. */
enum coord_code client_error_set(struct coord_error *error, enum coord_code code,
                                 const char *format, ...) CD_PRINTF(3, 4);
enum coord_code client_error_set_list(struct coord_error *error, enum coord_code code,
                                      const char *format, va_list arguments) CD_PRINTF(3, 0);

/* The same for COORD_NO_MEMORY, which has one sentence. */
enum coord_code client_error_no_memory(struct coord_error *error);

/* A number from a replica as a code; COORD_UNRECOGNIZED if it is none of a replica's. */
enum coord_code client_code_from_wire(uint32_t number);

#endif
