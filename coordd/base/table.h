#ifndef COORD_BASE_TABLE_H
#define COORD_BASE_TABLE_H

#include "base/assert.h"
#include "base/hash.h"
#include "base/memory.h"

/*
 * Hash tables and lists that live in their elements: uthash and utlist, with our hash, our memory
 * and our assertion. Iteration is in the order of insertion, so it is the same on every machine.
 * Every table's size is bounded by whoever adds to it.
 */
#define HASH_FUNCTION(key, bytes, hash) ((hash) = (unsigned)cd_hash64((key), (bytes)))
#define uthash_malloc(bytes)            cd_malloc(bytes)
#define uthash_free(memory, bytes)      cd_free(memory)
#define uthash_fatal(message)           CD_UNREACHABLE()

#include <uthash.h>
#include <utlist.h>

#endif
