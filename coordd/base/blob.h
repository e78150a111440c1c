#ifndef COORD_BASE_BLOB_H
#define COORD_BASE_BLOB_H

#include <stddef.h>
#include <stdint.h>

/*
 * Immutable bytes with a reference count: a proposal's payload, a frame, a node's data. Whoever
 * makes one may write into it until it is first shared. The count is atomic, so that a blob may be
 * handed to another thread together with its reference.
 */
struct cd_blob {
    uint32_t refs;  /* atomic; private to blob.c */
    uint32_t bytes; /* length of data */
    uint8_t data[];
};

/* A new blob of `bytes` uninitialised bytes with one reference, owned by the caller. */
struct cd_blob *cd_blob_create(size_t bytes);

/* The same, filled from `from`. */
struct cd_blob *cd_blob_copy(const void *from, size_t bytes);

/* Takes one more reference; returns `blob`. NULL stays NULL. */
struct cd_blob *cd_blob_ref(struct cd_blob *blob);

/* Gives one reference back; the last one frees. Accepts NULL. */
void cd_blob_unref(struct cd_blob *blob);

#endif
