#ifndef COORD_BASE_HASH_H
#define COORD_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * XXH3, 64 bits: the checksum of everything on disk and the hash of everything in tables. Not for
 * secrets. The same on every machine, so that it may be written to a disk or compared by peers.
 */
uint64_t cd_hash64(const void *data, size_t bytes);
uint64_t cd_hash64_seeded(const void *data, size_t bytes, uint64_t seed);

#endif
