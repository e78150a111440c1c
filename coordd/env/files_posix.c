#include "env/files_posix.h"

#include "base/assert.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    ZERO_BYTES = 256 << 10, /* written at a time while a file is reserved */
    /* Of bulk, reserved or written behind, until it is synced, so that no sync of others waits for
     * much of it. */
    BULK_SYNC_BYTES = 4 << 20,
    LIST_NAMES_MAX = 1 << 20, /* more files than that in one directory are not ours */
};

static const uint8_t zeros[ZERO_BYTES];

/* Says what failed; a full disk is told apart, everything else is CD_IO. */
static enum cd_status fail(struct files_error *error, const char *what, const char *path)
{
    int reason = errno;
    snprintf(error->text, sizeof(error->text), "%s %s: %s", what, path, strerror(reason));
    if (reason == ENOENT) {
        return CD_NOT_FOUND;
    }
    return reason == ENOSPC || reason == EDQUOT ? CD_FULL : CD_IO;
}

/* For operations after which a full disk is no longer harmless, or that cannot miss a file. */
static enum cd_status fail_plainly(struct files_error *error, const char *what, const char *path)
{
    (void)fail(error, what, path);
    return CD_IO;
}

static void check_path(const char *path)
{
    CD_ASSERT(path[0] != '\0');
    CD_ASSERT(strlen(path) <= ENV_PATH_BYTES_MAX);
    CD_ASSERT(strchr(path, '/') == NULL);
}

enum cd_status files_open(int dir_fd, const char *path, enum env_open_mode mode,
                          struct env_file **ret_file, struct files_error *error)
{
    check_path(path);
    int flags = O_CLOEXEC | O_NOFOLLOW;
    switch (mode) {
    case ENV_OPEN_READ:
        flags |= O_RDONLY;
        break;
    case ENV_OPEN_WRITE:
        flags |= O_RDWR;
        break;
    case ENV_OPEN_CREATE:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
    }
    int fd;
    do {
        fd = openat(dir_fd, path, flags, 0600);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return fail(error, "open", path);
    }
    struct env_file *file = cd_calloc(1, sizeof(*file));
    file->fd = fd;
    memcpy(file->path, path, strlen(path) + 1);
    *ret_file = file;
    return CD_OK;
}

void files_close(struct env_file *file)
{
    /* Nothing is lost by an error here: what matters was synced before. */
    (void)close(file->fd);
    cd_free(file);
}

enum cd_status files_size(struct env_file *file, uint64_t *ret_bytes, struct files_error *error)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0) {
        return fail_plainly(error, "stat", file->path);
    }
    *ret_bytes = (uint64_t)status.st_size;
    return CD_OK;
}

enum cd_status files_read(struct env_file *file, uint64_t offset, void *to, size_t bytes,
                          size_t *ret_read, struct files_error *error)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t count = pread(file->fd, (uint8_t *)to + done, bytes - done, (off_t)(offset + done));
        if (count < 0 && errno != EINTR) {
            return fail_plainly(error, "read", file->path);
        }
        if (count == 0) {
            break;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    *ret_read = done;
    return CD_OK;
}

enum cd_status files_write(struct env_file *file, uint64_t offset, const void *from, size_t bytes,
                           struct files_error *error)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t count =
            pwrite(file->fd, (const uint8_t *)from + done, bytes - done, (off_t)(offset + done));
        if (count < 0 && errno != EINTR) {
            return fail(error, "write", file->path);
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return CD_OK;
}

enum cd_status files_sync(struct env_file *file, struct files_error *error)
{
    int result;
    do {
        result = fdatasync(file->fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? CD_OK : fail(error, "sync", file->path);
}

enum cd_status files_truncate(struct env_file *file, uint64_t bytes, struct files_error *error)
{
    uint64_t size = 0;
    enum cd_status status = files_size(file, &size, error);
    if (status != CD_OK || bytes >= size) {
        return status;
    }
    int result;
    do {
        result = ftruncate(file->fd, (off_t)bytes);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? CD_OK : fail_plainly(error, "truncate", file->path);
}

enum cd_status files_allocate(struct env_file *file, uint64_t bytes, const atomic_bool *stop,
                              struct files_error *error)
{
    uint64_t at = 0;
    enum cd_status status = files_size(file, &at, error);
    if (status != CD_OK || at >= bytes) {
        return status;
    }
    int result;
    do {
        result = fallocate(file->fd, 0, 0, (off_t)bytes);
    } while (result != 0 && errno == EINTR);
    /* Where there is no such thing, the zeros alone take the room. */
    if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
        return fail(error, "reserve room for", file->path);
    }
    uint64_t unsynced = 0;
    while (status == CD_OK && at < bytes) {
        if (stop != NULL && atomic_load(stop)) {
            return CD_CLOSED;
        }
        size_t part = bytes - at < ZERO_BYTES ? (size_t)(bytes - at) : ZERO_BYTES;
        status = files_write(file, at, zeros, part, error);
        at += part;
        unsynced += part;
        if (status == CD_OK && unsynced >= BULK_SYNC_BYTES) {
            status = files_sync(file, error);
            unsynced = 0;
        }
    }
    return status;
}

enum cd_status files_rename(int dir_fd, const char *from, const char *to, struct files_error *error)
{
    check_path(from);
    check_path(to);
    if (renameat(dir_fd, from, dir_fd, to) != 0) {
        enum cd_status status = fail(error, "rename", from);
        return status == CD_FULL ? CD_IO : status;
    }
    return CD_OK;
}

enum cd_status files_remove(int dir_fd, const char *path, struct files_error *error)
{
    check_path(path);
    if (unlinkat(dir_fd, path, 0) != 0) {
        enum cd_status status = fail(error, "remove", path);
        return status == CD_FULL ? CD_IO : status;
    }
    return CD_OK;
}

enum cd_status files_sync_directory(int dir_fd, struct files_error *error)
{
    int result;
    do {
        result = fsync(dir_fd);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? CD_OK : fail_plainly(error, "sync", "the data directory");
}

enum cd_status files_free_bytes(int dir_fd, uint64_t *ret_bytes, struct files_error *error)
{
    struct statvfs status;
    int result;
    do {
        result = fstatvfs(dir_fd, &status);
    } while (result != 0 && errno == EINTR);
    if (result != 0) {
        return fail_plainly(error, "ask for the room of", "the data directory");
    }
    *ret_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return CD_OK;
}

enum cd_status files_write_behind(struct env_file *file, uint64_t offset, const void *from,
                                  size_t bytes, struct files_error *error)
{
    enum cd_status status = files_write(file, offset, from, bytes, error);
    file->behind += bytes;
    if (status == CD_OK && file->behind >= BULK_SYNC_BYTES) {
        file->behind = 0;
        status = files_sync(file, error);
    }
    return status;
}

struct names {
    char **names; /* owned */
    size_t count;
    size_t capacity;
};

static void names_add(struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity != 0 ? names->capacity * 2 : 64;
        names->names = cd_realloc(names->names, names->capacity * sizeof(*names->names));
    }
    names->names[names->count++] = cd_strdup(name);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Reads all names of ours into `names`; closes `directory`. */
static enum cd_status read_names(DIR *directory, const char *except, struct names *names,
                                 struct files_error *error)
{
    enum cd_status status = CD_OK;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL) {
            status = errno == 0 ? CD_OK : fail_plainly(error, "list", "the data directory");
            break;
        }
        if (names->count == LIST_NAMES_MAX) {
            errno = EOVERFLOW;
            status = fail_plainly(error, "list", "the data directory");
            break;
        }
        bool ours = entry->d_name[0] != '.' && strcmp(entry->d_name, except) != 0 &&
                    strlen(entry->d_name) <= ENV_PATH_BYTES_MAX;
        if (ours) {
            names_add(names, entry->d_name);
        }
    }
    closedir(directory);
    return status;
}

enum cd_status files_list(int dir_fd, const char *except,
                          void (*each)(void *context, const char *name), void *context,
                          struct files_error *error)
{
    /* A descriptor of its own, because reading a directory moves an offset. */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (directory == NULL) {
        enum cd_status status = fail_plainly(error, "list", "the data directory");
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    struct names names = {0};
    enum cd_status status = read_names(directory, except, &names, error);
    if (names.count != 0) {
        qsort(names.names, names.count, sizeof(*names.names), compare_names);
    }
    for (size_t i = 0; i < names.count; i++) {
        if (status == CD_OK) {
            each(context, names.names[i]);
        }
        cd_free(names.names[i]);
    }
    cd_free(names.names);
    return status;
}
