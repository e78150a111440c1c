#ifndef COORD_ENV_ENV_H
#define COORD_ENV_ENV_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The outside world as one table of functions: time, entropy, files. storage and replica know the
 * world only through it; env_posix.c is the real one, the simulator brings its own.
 *
 * Threading: everything is called on the loop thread and every completion runs on the loop thread.
 * Blocking calls are for start-up and recovery; what happens while serving is asynchronous.
 */

enum {
    ENV_PATH_BYTES_MAX = 63,
};

struct env_file; /* an open file; private to the implementation */

/*
 * Runs once on the loop thread, never before the call that took it has returned; not at all after
 * cancel.
 */
typedef void (*env_done)(void *context, enum cd_status status);

enum env_open_mode {
    ENV_OPEN_READ,   /* an existing file, reads alone */
    ENV_OPEN_WRITE,  /* an existing file, reads and writes */
    ENV_OPEN_CREATE, /* a new file, reads and writes; CD_IO if it exists */
};

struct env_ops {
    /* Monotonic milliseconds that do not stand still in a suspend. */
    uint64_t (*now_ms)(void *self);
    /* The same clock in microseconds, to measure with; nothing is decided by it. */
    uint64_t (*now_us)(void *self);
    /* Milliseconds since 1970. Only for stamps that people read. */
    uint64_t (*wall_ms)(void *self);
    /* Cryptographically strong randomness (the simulator's is seeded). */
    void (*entropy)(void *self, void *to, size_t bytes);

    /*
     * Blocking file operations. `path` is a file name in the replica's data directory, of at most
     * ENV_PATH_BYTES_MAX bytes and without '/'.
     * Statuses: CD_OK; CD_IO; CD_NOT_FOUND from open, rename and remove (no such file); CD_FULL
     * from open with CREATE, write and allocate (no space; what a failed write left in its range
     * is unknown).
     */
    enum cd_status (*open)(void *self, const char *path, enum env_open_mode mode,
                           struct env_file **ret_file);
    void (*close)(void *self, struct env_file *file);
    enum cd_status (*size)(void *self, struct env_file *file, uint64_t *ret_bytes);
    /* Reads up to `bytes` at `offset`; *ret_read is less only at the end of the file. */
    enum cd_status (*read)(void *self, struct env_file *file, uint64_t offset, void *to,
                           size_t bytes, size_t *ret_read);
    enum cd_status (*write)(void *self, struct env_file *file, uint64_t offset, const void *from,
                            size_t bytes);
    enum cd_status (*sync)(void *self, struct env_file *file); /* data and size */
    /*
     * Makes the file at least `bytes` long with reserved zeroed space, so that later writes within
     * it cannot run out of room. CD_FULL: nothing is in doubt; the file may have grown.
     */
    enum cd_status (*allocate)(void *self, struct env_file *file, uint64_t bytes);
    /* Cuts the file to `bytes`, never longer than it is. Not durable before the next sync. */
    enum cd_status (*truncate)(void *self, struct env_file *file, uint64_t bytes);
    enum cd_status (*rename)(void *self, const char *from, const char *to); /* over an old `to` */
    enum cd_status (*remove)(void *self, const char *path);
    enum cd_status (*sync_directory)(void *self);
    /* Room left for this process on the disk that the data directory is on. Does not wait for it.
     */
    enum cd_status (*free_bytes)(void *self, uint64_t *ret_bytes);
    /*
     * Calls `each` for every file name in the data directory, in name order. `each` must not
     * change the directory.
     */
    enum cd_status (*list)(void *self, void (*each)(void *context, const char *name),
                           void *context);

    /*
     * What the system said about the last operation that failed with CD_IO or CD_FULL (for an
     * asynchronous one: while its `done` runs), for people: "write log-1: No space left on device".
     * Empty if none did. Valid until the next operation.
     */
    const char *(*last_error)(void *self);
    /*
     * Asynchronous, in the order given over all files: write all `bytes` at `offset`, then make
     * them durable, then `done`. `from` is borrowed until `done` runs. Statuses: CD_OK, CD_IO: a
     * failure, also for want of space, means nothing is known about the file any more.
     */
    void (*write_sync)(void *self, struct env_file *file, uint64_t offset, const void *from,
                       size_t bytes, env_done done, void *context);
    /*
     * Asynchronous, beside the writes and in no order with them: create `path` with `bytes` of
     * reserved zeroed space, write `head` at offset 0, make file and directory durable, then
     * `done`; *ret_file is set before `done(CD_OK)` and untouched otherwise. `head`, `path` and
     * `ret_file` are borrowed until then. Statuses: CD_OK; CD_FULL, which leaves no file behind
     * and nothing in doubt; CD_IO.
     */
    void (*create_reserved)(void *self, const char *path, uint64_t bytes, const void *head,
                            size_t head_bytes, struct env_file **ret_file, env_done done,
                            void *context);
    /*
     * Bulk work: asynchronous, in the order given among these three over all files, in no order
     * with the two above, and so that no group commit waits for much of it. Paths and `from` are
     * borrowed until `done` runs.
     *
     * write_behind: writes all `bytes` at `offset`. They are durable when `publish` has said so.
     * Statuses: CD_OK; CD_FULL and CD_IO: what is in the file is unknown.
     */
    void (*write_behind)(void *self, struct env_file *file, uint64_t offset, const void *from,
                         size_t bytes, env_done done, void *context);
    /*
     * Makes all of `file`, whose name is `from`, durable, then names it `to` (over an old one),
     * then makes that durable. Statuses: CD_OK; CD_FULL (no room for what was written behind; it
     * has its old name); CD_IO (which name it has is unknown, and so is the content if it is the
     * old one).
     */
    void (*publish)(void *self, struct env_file *file, const char *from, const char *to,
                    env_done done, void *context);
    /*
     * Removes the file and makes that durable. Who has it open goes on with it. Statuses: CD_OK;
     * CD_NOT_FOUND; CD_IO.
     */
    void (*discard)(void *self, const char *path, env_done done, void *context);
    /*
     * Forgets the asynchronous operations that were given with this `context`, so that their
     * buffers may be freed: blocks until the one that has begun has ended, the others never begin,
     * and no `done` of them runs any more. A file that create_reserved had made by then is in
     * *ret_file and the caller's to close.
     */
    void (*cancel)(void *self, void *context);
};

struct env {
    const struct env_ops *ops;
    void *self;
};

static inline uint64_t env_now_ms(const struct env *env)
{
    return env->ops->now_ms(env->self);
}

static inline uint64_t env_now_us(const struct env *env)
{
    return env->ops->now_us(env->self);
}

static inline uint64_t env_wall_ms(const struct env *env)
{
    return env->ops->wall_ms(env->self);
}

#endif
