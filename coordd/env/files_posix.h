#ifndef COORD_ENV_FILES_POSIX_H
#define COORD_ENV_FILES_POSIX_H

#include "base/status.h"
#include "env/env.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Files of one directory by system calls; private to this folder. Every call retries what a signal
 * interrupted, carries short reads and writes on, and puts what the system said into `error`.
 * Thread: any, one at a time per file.
 */

enum {
    FILES_ERROR_BYTES = 160,
};

/* The reason of the last failure, for people. */
struct files_error {
    char text[FILES_ERROR_BYTES];
};

struct env_file {
    int fd;
    uint64_t behind; /* written behind since the last sync; the bulk thread's */
    char path[ENV_PATH_BYTES_MAX + 1];
};

enum cd_status files_open(int dir_fd, const char *path, enum env_open_mode mode,
                          struct env_file **ret_file, struct files_error *error);
void files_close(struct env_file *file);
enum cd_status files_size(struct env_file *file, uint64_t *ret_bytes, struct files_error *error);
enum cd_status files_read(struct env_file *file, uint64_t offset, void *to, size_t bytes,
                          size_t *ret_read, struct files_error *error);
enum cd_status files_write(struct env_file *file, uint64_t offset, const void *from, size_t bytes,
                           struct files_error *error);
enum cd_status files_sync(struct env_file *file, struct files_error *error);
enum cd_status files_truncate(struct env_file *file, uint64_t bytes, struct files_error *error);

/*
 * Reserves [size, bytes) and fills it with zeros, so that later syncs within it need no change of
 * the file system's own records: on ext4 they take half the time. CD_CLOSED when `*stop` was set in
 * the middle (`stop` may be NULL).
 */
enum cd_status files_allocate(struct env_file *file, uint64_t bytes, const atomic_bool *stop,
                              struct files_error *error);

enum cd_status files_rename(int dir_fd, const char *from, const char *to,
                            struct files_error *error);
enum cd_status files_remove(int dir_fd, const char *path, struct files_error *error);
enum cd_status files_sync_directory(int dir_fd, struct files_error *error);
enum cd_status files_free_bytes(int dir_fd, uint64_t *ret_bytes, struct files_error *error);

/* Writes without making it durable; syncs from time to time, so that no sync of others waits for
 * much of it. */
enum cd_status files_write_behind(struct env_file *file, uint64_t offset, const void *from,
                                  size_t bytes, struct files_error *error);

/* As `list` of env_ops; passes over `except`. */
enum cd_status files_list(int dir_fd, const char *except,
                          void (*each)(void *context, const char *name), void *context,
                          struct files_error *error);

#endif
