#include "env/env_posix.h"

#include "base/assert.h"
#include "base/memory.h"
#include "env/files_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/*
 * Three workers, each with its queue: the disk thread for write_sync, the reserving thread for
 * create_reserved, which writes megabytes of zeros that no group commit shall wait for, and the
 * bulk thread for what is written behind and removed, which no new segment shall wait for either.
 * An operation moves queue -> running -> completed; the loop takes it from there. One mutex guards
 * all of it and is never held over a system call on a file.
 */

enum worker_kind {
    WORKER_WRITE,
    WORKER_RESERVE,
    WORKER_BULK,
    WORKER_COUNT,
};

struct operation {
    struct operation *next;
    enum worker_kind worker;
    enum cd_status (*perform)(struct env_posix *env, struct operation *op); /* on the worker */
    atomic_bool stop; /* a reservation gives up early; set by the loop */
    struct env_file *file;
    uint64_t offset;
    const char *path;
    const char *new_path;
    uint64_t reserve_bytes;
    struct env_file **ret_file; /* of a creation, else NULL */
    const void *from;
    size_t bytes;
    env_done done;
    void *context;
    enum cd_status status;
    struct files_error error;
};

struct queue {
    struct operation *first;
    struct operation *last;
};

struct worker {
    struct env_posix *env;
    pthread_t thread;
    bool started;
    pthread_cond_t wanted; /* the queue is not empty, or stop */
    struct queue queue;
    struct operation *running;
};

struct post {
    void (*fn)(void *arg);
    void *arg;
};

struct env_posix {
    struct env env;
    char *data_dir;
    int dir_fd;
    int lock_fd;
    int event_fd;
    int timer_fd;
    uint64_t timer_ms; /* what timer_fd is set to; loop */
    size_t open_files; /* loop */
    struct files_error error;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t ended;  /* a worker has finished an operation */
    bool stop;
    bool asleep; /* the loop sleeps: a post must wake it */
    struct worker workers[WORKER_COUNT];
    struct queue completed;
    struct cd_histogram sync_times;
    struct post *posts; /* ring */
    size_t posts_first;
    size_t posts_count;
    size_t posts_capacity; /* a power of two, at most ENV_POSIX_POSTS_MAX */
};

static void queue_push(struct queue *queue, struct operation *op)
{
    op->next = NULL;
    if (queue->first == NULL) {
        queue->first = op;
    } else {
        queue->last->next = op;
    }
    queue->last = op;
}

static struct operation *queue_pop(struct queue *queue)
{
    struct operation *op = queue->first;
    if (op != NULL) {
        queue->first = op->next;
    }
    return op;
}

static void lock(struct env_posix *env)
{
    CD_ASSERT(pthread_mutex_lock(&env->mutex) == 0);
}

static void unlock(struct env_posix *env)
{
    CD_ASSERT(pthread_mutex_unlock(&env->mutex) == 0);
}

/* --- time and entropy --- */

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    CD_ASSERT(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;
    CD_ASSERT(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t op_now_us(void *self)
{
    (void)self;
    return clock_us(CLOCK_BOOTTIME);
}

static uint64_t op_now_ms(void *self)
{
    (void)self;
    return clock_ms(CLOCK_BOOTTIME);
}

static uint64_t op_wall_ms(void *self)
{
    (void)self;
    return clock_ms(CLOCK_REALTIME);
}

static void op_entropy(void *self, void *to, size_t bytes)
{
    (void)self;
    size_t done = 0;
    while (done < bytes) {
        ssize_t count = getrandom((uint8_t *)to + done, bytes - done, 0);
        CD_ASSERT(count >= 0 || errno == EINTR); /* a kernel without randomness is no place to be */
        done += count > 0 ? (size_t)count : 0;
    }
}

/* --- blocking file operations, on the loop thread --- */

static enum cd_status op_open(void *self, const char *path, enum env_open_mode mode,
                              struct env_file **ret_file)
{
    struct env_posix *env = self;
    enum cd_status status = files_open(env->dir_fd, path, mode, ret_file, &env->error);
    env->open_files += status == CD_OK ? 1 : 0;
    return status;
}

static void op_close(void *self, struct env_file *file)
{
    struct env_posix *env = self;
    CD_ASSERT(env->open_files > 0);
    env->open_files--;
    files_close(file);
}

static enum cd_status op_size(void *self, struct env_file *file, uint64_t *ret_bytes)
{
    struct env_posix *env = self;
    return files_size(file, ret_bytes, &env->error);
}

static enum cd_status op_read(void *self, struct env_file *file, uint64_t offset, void *to,
                              size_t bytes, size_t *ret_read)
{
    struct env_posix *env = self;
    return files_read(file, offset, to, bytes, ret_read, &env->error);
}

static enum cd_status op_write(void *self, struct env_file *file, uint64_t offset, const void *from,
                               size_t bytes)
{
    struct env_posix *env = self;
    return files_write(file, offset, from, bytes, &env->error);
}

static enum cd_status op_sync(void *self, struct env_file *file)
{
    struct env_posix *env = self;
    return files_sync(file, &env->error) == CD_OK ? CD_OK : CD_IO;
}

static enum cd_status op_allocate(void *self, struct env_file *file, uint64_t bytes)
{
    struct env_posix *env = self;
    return files_allocate(file, bytes, NULL, &env->error);
}

static enum cd_status op_truncate(void *self, struct env_file *file, uint64_t bytes)
{
    struct env_posix *env = self;
    return files_truncate(file, bytes, &env->error);
}

static enum cd_status op_rename(void *self, const char *from, const char *to)
{
    struct env_posix *env = self;
    return files_rename(env->dir_fd, from, to, &env->error);
}

static enum cd_status op_remove(void *self, const char *path)
{
    struct env_posix *env = self;
    return files_remove(env->dir_fd, path, &env->error);
}

static enum cd_status op_sync_directory(void *self)
{
    struct env_posix *env = self;
    return files_sync_directory(env->dir_fd, &env->error);
}

static enum cd_status op_free_bytes(void *self, uint64_t *ret_bytes)
{
    struct env_posix *env = self;
    return files_free_bytes(env->dir_fd, ret_bytes, &env->error);
}

static enum cd_status op_list(void *self, void (*each)(void *context, const char *name),
                              void *context)
{
    struct env_posix *env = self;
    return files_list(env->dir_fd, ENV_POSIX_LOCK_NAME, each, context, &env->error);
}

static const char *op_last_error(void *self)
{
    struct env_posix *env = self;
    return env->error.text;
}

/* --- asynchronous operations --- */

void env_posix_sync_times(struct env_posix *env, struct cd_histogram *ret_times)
{
    lock(env);
    *ret_times = env->sync_times;
    unlock(env);
}

static void submit(struct env_posix *env, const struct operation *request)
{
    struct operation *op = cd_malloc(sizeof(*op));
    *op = *request;
    lock(env);
    struct worker *worker = &env->workers[op->worker];
    queue_push(&worker->queue, op);
    CD_ASSERT(pthread_cond_signal(&worker->wanted) == 0);
    unlock(env);
}

static enum cd_status perform_write(struct env_posix *env, struct operation *op)
{
    enum cd_status status = files_write(op->file, op->offset, op->from, op->bytes, &op->error);
    if (status == CD_OK) {
        uint64_t began_us = clock_us(CLOCK_MONOTONIC);
        status = files_sync(op->file, &op->error);
        uint64_t took_us = clock_us(CLOCK_MONOTONIC) - began_us;
        lock(env);
        cd_histogram_add(&env->sync_times, took_us);
        unlock(env);
    }
    return status == CD_OK ? CD_OK : CD_IO;
}

static void op_write_sync(void *self, struct env_file *file, uint64_t offset, const void *from,
                          size_t bytes, env_done done, void *context)
{
    struct operation op = {
        .worker = WORKER_WRITE,
        .perform = perform_write,
        .file = file,
        .offset = offset,
        .from = from,
        .bytes = bytes,
        .done = done,
        .context = context,
    };
    submit(self, &op);
}

/* On success op->file is the new file; otherwise there is none any more, as far as that is
 * possible. */
static enum cd_status perform_reserve(struct env_posix *env, struct operation *op)
{
    int dir_fd = env->dir_fd;
    enum cd_status status = files_open(dir_fd, op->path, ENV_OPEN_CREATE, &op->file, &op->error);
    if (status != CD_OK) {
        return status == CD_FULL ? CD_FULL : CD_IO;
    }
    status = files_allocate(op->file, op->reserve_bytes, &op->stop, &op->error);
    if (status == CD_OK) {
        status = files_write(op->file, 0, op->from, op->bytes, &op->error);
    }
    if (status == CD_OK) {
        status = files_sync(op->file, &op->error);
    }
    if (status == CD_OK) {
        status = files_sync_directory(dir_fd, &op->error);
    }
    if (status != CD_OK) {
        struct files_error ignored;
        files_close(op->file);
        op->file = NULL;
        if (files_remove(dir_fd, op->path, &ignored) != CD_OK) {
            status = CD_IO;
        }
    }
    return status;
}

static void op_create_reserved(void *self, const char *path, uint64_t bytes, const void *head,
                               size_t head_bytes, struct env_file **ret_file, env_done done,
                               void *context)
{
    CD_ASSERT(head_bytes <= bytes);
    struct operation op = {
        .worker = WORKER_RESERVE,
        .perform = perform_reserve,
        .path = path,
        .reserve_bytes = bytes,
        .ret_file = ret_file,
        .from = head,
        .bytes = head_bytes,
        .done = done,
        .context = context,
    };
    submit(self, &op);
}

static enum cd_status perform_write_behind(struct env_posix *env, struct operation *op)
{
    (void)env;
    return files_write_behind(op->file, op->offset, op->from, op->bytes, &op->error);
}

static void op_write_behind(void *self, struct env_file *file, uint64_t offset, const void *from,
                            size_t bytes, env_done done, void *context)
{
    struct operation op = {
        .worker = WORKER_BULK,
        .perform = perform_write_behind,
        .file = file,
        .offset = offset,
        .from = from,
        .bytes = bytes,
        .done = done,
        .context = context,
    };
    submit(self, &op);
}

static enum cd_status perform_publish(struct env_posix *env, struct operation *op)
{
    enum cd_status status = files_sync(op->file, &op->error);
    if (status != CD_OK) {
        return status;
    }
    status = files_rename(env->dir_fd, op->path, op->new_path, &op->error);
    if (status == CD_OK) {
        status = files_sync_directory(env->dir_fd, &op->error);
    }
    return status == CD_OK ? CD_OK : CD_IO;
}

static void op_publish(void *self, struct env_file *file, const char *from, const char *to,
                       env_done done, void *context)
{
    struct operation op = {
        .worker = WORKER_BULK,
        .perform = perform_publish,
        .file = file,
        .path = from,
        .new_path = to,
        .done = done,
        .context = context,
    };
    submit(self, &op);
}

static enum cd_status perform_discard(struct env_posix *env, struct operation *op)
{
    enum cd_status status = files_remove(env->dir_fd, op->path, &op->error);
    return status == CD_OK ? files_sync_directory(env->dir_fd, &op->error) : status;
}

static void op_discard(void *self, const char *path, env_done done, void *context)
{
    struct operation op = {
        .worker = WORKER_BULK,
        .perform = perform_discard,
        .path = path,
        .done = done,
        .context = context,
    };
    submit(self, &op);
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct env_posix *env = worker->env;
    lock(env);
    while (!env->stop) {
        struct operation *op = queue_pop(&worker->queue);
        if (op == NULL) {
            CD_ASSERT(pthread_cond_wait(&worker->wanted, &env->mutex) == 0);
            continue;
        }
        worker->running = op;
        unlock(env);
        op->status = op->perform(env, op);
        lock(env);
        worker->running = NULL;
        queue_push(&env->completed, op);
        CD_ASSERT(pthread_cond_broadcast(&env->ended) == 0);
        if (env->asleep) {
            env->asleep = false;
            env_posix_wake(env);
        }
    }
    unlock(env);
    return NULL;
}

/* The file of a finished reservation becomes its owner's. */
static void hand_over_file(struct env_posix *env, struct operation *op)
{
    if (op->ret_file != NULL && op->status == CD_OK) {
        *op->ret_file = op->file;
        env->open_files++;
    }
}

/* Takes the operations of `context` out of the queue; finished files are handed over. */
static void forget_queued(struct env_posix *env, struct queue *queue, const void *context)
{
    struct queue kept = {0};
    struct operation *op;
    while ((op = queue_pop(queue)) != NULL) {
        if (op->context != context) {
            queue_push(&kept, op);
            continue;
        }
        if (queue == &env->completed) {
            hand_over_file(env, op);
        }
        cd_free(op);
    }
    *queue = kept;
}

static void op_cancel(void *self, void *context)
{
    struct env_posix *env = self;
    lock(env);
    for (int i = 0; i < WORKER_COUNT; i++) {
        struct worker *worker = &env->workers[i];
        forget_queued(env, &worker->queue, context);
        while (worker->running != NULL && worker->running->context == context) {
            atomic_store(&worker->running->stop, true);
            CD_ASSERT(pthread_cond_wait(&env->ended, &env->mutex) == 0);
        }
    }
    forget_queued(env, &env->completed, context);
    unlock(env);
}

static const struct env_ops env_posix_ops = {
    .now_ms = op_now_ms,
    .now_us = op_now_us,
    .wall_ms = op_wall_ms,
    .entropy = op_entropy,
    .open = op_open,
    .close = op_close,
    .size = op_size,
    .read = op_read,
    .write = op_write,
    .sync = op_sync,
    .allocate = op_allocate,
    .truncate = op_truncate,
    .rename = op_rename,
    .remove = op_remove,
    .sync_directory = op_sync_directory,
    .free_bytes = op_free_bytes,
    .list = op_list,
    .last_error = op_last_error,
    .write_sync = op_write_sync,
    .create_reserved = op_create_reserved,
    .write_behind = op_write_behind,
    .publish = op_publish,
    .discard = op_discard,
    .cancel = op_cancel,
};

/* --- the data directory --- */

static enum cd_status fail(struct cd_error *error, const char *what, const char *path)
{
    int reason = errno;
    bool full = reason == ENOSPC || reason == EDQUOT;
    return cd_error_set(error, full ? CD_FULL : CD_IO, "cannot %s the data directory %s: %s", what,
                        path, strerror(reason));
}

/* Makes the directory if there is none; its name in the parent is synced too. */
static enum cd_status make_directory(const char *path, struct cd_error *error)
{
    if (mkdir(path, 0700) != 0) {
        return errno == EEXIST ? CD_OK : fail(error, "make", path);
    }
    char *parent = cd_strdup(path);
    size_t end = strlen(parent);
    while (end > 1 && parent[end - 1] == '/') {
        end--;
    }
    while (end > 0 && parent[end - 1] != '/') {
        end--;
    }
    parent[end] = '\0';
    int fd = open(end != 0 ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cd_free(parent);
    if (fd < 0 || fsync(fd) != 0) {
        enum cd_status status = fail(error, "sync the parent of", path);
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    close(fd);
    return CD_OK;
}

/* The process that wrote itself into the lock file, 0 if that is not legible. */
static long lock_owner(int fd)
{
    char text[32];
    ssize_t bytes = pread(fd, text, sizeof(text) - 1, 0);
    if (bytes <= 0) {
        return 0;
    }
    text[bytes] = '\0';
    return strtol(text, NULL, 10);
}

static enum cd_status take_lock(struct env_posix *env, struct cd_error *error)
{
    env->lock_fd = openat(env->dir_fd, ENV_POSIX_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (env->lock_fd < 0) {
        return fail(error, "open the lock file of", env->data_dir);
    }
    if (flock(env->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return fail(error, "lock", env->data_dir);
        }
        return cd_error_set(error, CD_IN_USE,
                            "the data directory %s is in use by process %ld: stop that replica, or "
                            "give this one a data directory of its own",
                            env->data_dir, lock_owner(env->lock_fd));
    }
    /* Only the message above needs it, so a full disk is no reason to stop here. */
    char text[32];
    int bytes = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(env->lock_fd, 0) == 0) {
        ssize_t written = pwrite(env->lock_fd, text, (size_t)bytes, 0);
        (void)written;
    }
    return CD_OK;
}

static enum cd_status open_directory(struct env_posix *env, struct cd_error *error)
{
    enum cd_status status = make_directory(env->data_dir, error);
    if (status != CD_OK) {
        return status;
    }
    env->dir_fd = open(env->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (env->dir_fd < 0) {
        return fail(error, "open", env->data_dir);
    }
    return take_lock(env, error);
}

/* --- making and ending --- */

static enum cd_status start_workers(struct env_posix *env, struct cd_error *error)
{
    /* Signals are for the loop thread. */
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    CD_ASSERT(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
    enum cd_status status = CD_OK;
    for (int i = 0; i < WORKER_COUNT && status == CD_OK; i++) {
        struct worker *worker = &env->workers[i];
        int result = pthread_create(&worker->thread, NULL, worker_main, worker);
        worker->started = result == 0;
        if (result != 0) {
            status = cd_error_set(error, CD_IO, "cannot start a disk thread: %s", strerror(result));
        }
    }
    CD_ASSERT(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
    return status;
}

enum cd_status env_posix_create(const char *data_dir, struct env_posix **ret_env,
                                struct cd_error *error)
{
    struct env_posix *env = cd_calloc(1, sizeof(*env));
    env->env = (struct env){.ops = &env_posix_ops, .self = env};
    env->data_dir = cd_strdup(data_dir);
    env->dir_fd = -1;
    env->lock_fd = -1;
    env->timer_ms = UINT64_MAX;
    CD_ASSERT(pthread_mutex_init(&env->mutex, NULL) == 0);
    CD_ASSERT(pthread_cond_init(&env->ended, NULL) == 0);
    for (int i = 0; i < WORKER_COUNT; i++) {
        env->workers[i].env = env;
        CD_ASSERT(pthread_cond_init(&env->workers[i].wanted, NULL) == 0);
    }
    env->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    env->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    enum cd_status status = CD_OK;
    if (env->event_fd < 0 || env->timer_fd < 0) {
        status = cd_error_set(error, CD_IO, "cannot make the loop's event and timer: %s",
                              strerror(errno));
    }
    if (status == CD_OK) {
        status = open_directory(env, error);
    }
    if (status == CD_OK) {
        status = start_workers(env, error);
    }
    if (status != CD_OK) {
        env_posix_free(env);
        return status;
    }
    *ret_env = env;
    return CD_OK;
}

static void close_if_open(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void stop_workers(struct env_posix *env)
{
    lock(env);
    env->stop = true;
    for (int i = 0; i < WORKER_COUNT; i++) {
        struct worker *worker = &env->workers[i];
        if (worker->running != NULL) {
            atomic_store(&worker->running->stop, true);
        }
        CD_ASSERT(pthread_cond_signal(&worker->wanted) == 0);
    }
    unlock(env);
    for (int i = 0; i < WORKER_COUNT; i++) {
        if (env->workers[i].started) {
            CD_ASSERT(pthread_join(env->workers[i].thread, NULL) == 0);
        }
    }
}

void env_posix_free(struct env_posix *env)
{
    if (env == NULL) {
        return;
    }
    stop_workers(env);
    struct operation *op;
    while ((op = queue_pop(&env->completed)) != NULL) {
        if (op->ret_file != NULL && op->status == CD_OK) {
            files_close(op->file);
        }
        cd_free(op);
    }
    for (int i = 0; i < WORKER_COUNT; i++) {
        while ((op = queue_pop(&env->workers[i].queue)) != NULL) {
            cd_free(op);
        }
        CD_ASSERT(pthread_cond_destroy(&env->workers[i].wanted) == 0);
    }
    CD_ASSERT(env->open_files == 0);
    CD_ASSERT(pthread_cond_destroy(&env->ended) == 0);
    CD_ASSERT(pthread_mutex_destroy(&env->mutex) == 0);
    close_if_open(env->event_fd);
    close_if_open(env->timer_fd);
    close_if_open(env->lock_fd); /* gives the lock back */
    close_if_open(env->dir_fd);
    cd_free(env->posts);
    cd_free(env->data_dir);
    cd_free(env);
}

const struct env *env_posix_as_env(struct env_posix *env)
{
    return &env->env;
}

/* --- the loop --- */

void env_posix_wake(struct env_posix *env)
{
    int saved = errno; /* a signal handler must not change it */
    uint64_t one = 1;
    ssize_t written = write(env->event_fd, &one, sizeof(one));
    (void)written; /* the only failure is a counter that is full, and then it is readable */
    errno = saved;
}

static bool grow_posts(struct env_posix *env)
{
    if (env->posts_capacity == ENV_POSIX_POSTS_MAX) {
        return false;
    }
    size_t capacity = env->posts_capacity != 0 ? env->posts_capacity * 2 : 64;
    struct post *posts = cd_malloc(capacity * sizeof(*posts));
    for (size_t i = 0; i < env->posts_count; i++) {
        posts[i] = env->posts[(env->posts_first + i) & (env->posts_capacity - 1)];
    }
    cd_free(env->posts);
    env->posts = posts;
    env->posts_first = 0;
    env->posts_capacity = capacity;
    return true;
}

enum cd_status env_posix_post(struct env_posix *env, void (*fn)(void *arg), void *arg)
{
    lock(env);
    if (env->posts_count == env->posts_capacity && !grow_posts(env)) {
        unlock(env);
        return CD_BUSY;
    }
    size_t at = (env->posts_first + env->posts_count) & (env->posts_capacity - 1);
    env->posts[at] = (struct post){.fn = fn, .arg = arg};
    env->posts_count++;
    bool wake = env->asleep;
    env->asleep = false; /* one wake is enough */
    unlock(env);
    if (wake) {
        env_posix_wake(env);
    }
    return CD_OK;
}

static void set_timer(struct env_posix *env, uint64_t deadline_ms)
{
    if (env->timer_ms == deadline_ms) {
        return;
    }
    struct itimerspec timer = {
        .it_value =
            {
                .tv_sec = (time_t)(deadline_ms / 1000),
                .tv_nsec = (long)(deadline_ms % 1000) * 1000000,
            },
    };
    CD_ASSERT(timerfd_settime(env->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL) == 0);
    env->timer_ms = deadline_ms;
}

/* Sleeps; `env->asleep` was set under the mutex. */
static void sleep_until(struct env_posix *env, uint64_t deadline_ms)
{
    /* Far beyond any clock; the system call would refuse it. */
    bool forever = deadline_ms > UINT64_C(1) << 50;
    if (!forever) {
        set_timer(env, deadline_ms);
    }
    struct pollfd fds[2] = {
        {.fd = env->event_fd, .events = POLLIN},
        {.fd = env->timer_fd, .events = POLLIN},
    };
    int result = poll(fds, forever ? 1 : 2, -1);
    CD_ASSERT(result >= 0 || errno == EINTR); /* a signal ends the sleep like a wake */
    if (result > 0 && (fds[0].revents & POLLIN) != 0) {
        uint64_t count;
        ssize_t bytes = read(env->event_fd, &count, sizeof(count));
        (void)bytes;
    }
}

/* Runs the oldest completion; false if there is none. */
static bool run_completion(struct env_posix *env)
{
    lock(env);
    struct operation *op = queue_pop(&env->completed);
    unlock(env);
    if (op == NULL) {
        return false;
    }
    hand_over_file(env, op);
    if (op->status != CD_OK) {
        env->error = op->error;
    }
    env_done done = op->done;
    void *context = op->context;
    enum cd_status status = op->status;
    cd_free(op);
    done(context, status);
    return true;
}

/* Runs at most `limit` posts of those that are there now. */
static size_t run_posts(struct env_posix *env, size_t limit)
{
    enum { PORTION = 64 };
    struct post portion[PORTION];
    size_t ran = 0;
    while (ran < limit) {
        size_t count = 0;
        lock(env);
        while (count < PORTION && ran + count < limit && env->posts_count > 0) {
            portion[count++] = env->posts[env->posts_first];
            env->posts_first = (env->posts_first + 1) & (env->posts_capacity - 1);
            env->posts_count--;
        }
        unlock(env);
        if (count == 0) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            portion[i].fn(portion[i].arg);
        }
        ran += count;
    }
    return ran;
}

size_t env_posix_wait(struct env_posix *env, uint64_t deadline_ms)
{
    bool due = deadline_ms <= op_now_ms(env);
    lock(env);
    bool idle = env->completed.first == NULL && env->posts_count == 0;
    env->asleep = idle && !due;
    unlock(env);
    if (idle && !due) {
        sleep_until(env, deadline_ms);
    }
    lock(env);
    env->asleep = false;
    size_t posts = env->posts_count; /* those that come while they run wait for the next turn */
    unlock(env);
    size_t ran = 0;
    while (ran < ENV_POSIX_TURN_MAX && run_completion(env)) {
        ran++;
    }
    size_t left = ENV_POSIX_TURN_MAX - ran;
    return ran + run_posts(env, posts < left ? posts : left);
}
