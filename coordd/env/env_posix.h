#ifndef COORD_ENV_ENV_POSIX_H
#define COORD_ENV_ENV_POSIX_H

#include "base/histogram.h"
#include "base/status.h"
#include "env/env.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The real env: a data directory, a disk thread, a thread that reserves files ahead of need, and
 * the place where the loop sleeps. Whatever another thread has for the loop comes through
 * env_posix_post; the disk's completions come the same way.
 *
 * Thread: loop, unless said otherwise.
 */

struct env_posix;

enum {
    /* Posts that may wait for the loop; the disk's completions are not among them. */
    ENV_POSIX_POSTS_MAX = 65536,
    /* Posts and completions that one env_posix_wait runs at most, so that timers get their turn. */
    ENV_POSIX_TURN_MAX = 4096,
};

/* The file in a data directory that its owner holds locked. */
#define ENV_POSIX_LOCK_NAME "lock"

/*
 * Takes the data directory, making it (mode 0700; not its parents) if it is missing, and locks it
 * against other processes until env_posix_free. Owned by the caller; `data_dir` is copied.
 *
 * Returns: CD_OK; CD_IN_USE (another process holds it: the message names the directory and that
 * process), CD_FULL, CD_IO (the message names path and reason).
 */
CD_MUST_USE enum cd_status env_posix_create(const char *data_dir, struct env_posix **ret_env,
                                            struct cd_error *error);

/*
 * Stops the threads after what they are doing, drops what waits without running it, and gives the
 * directory up. Files must have been closed, and nobody may post any more. Accepts NULL.
 */
void env_posix_free(struct env_posix *env);

/* Lives as long as `env`. */
const struct env *env_posix_as_env(struct env_posix *env);

/*
 * Has `fn(arg)` run on the loop thread. `arg` is moved on CD_OK: `fn` frees it; a caller whose
 * posts may still wait at env_posix_free runs the loop dry first.
 *
 * Returns: CD_OK, CD_BUSY (ENV_POSIX_POSTS_MAX wait already; nothing was taken).
 * Thread: any. Not for signal handlers.
 */
CD_MUST_USE enum cd_status env_posix_post(struct env_posix *env, void (*fn)(void *arg), void *arg);

/*
 * Makes the current or next env_posix_wait return, for those who have a queue of their own and for
 * signal handlers. Thread: any; async-signal-safe.
 */
void env_posix_wake(struct env_posix *env);

/*
 * Sleeps until something was posted or completed, a wake, or `deadline_ms` (in the env's now_ms;
 * UINT64_MAX: no deadline; the past: do not sleep), then runs what is there, oldest first, at most
 * ENV_POSIX_TURN_MAX. Returns how many ran.
 */
size_t env_posix_wait(struct env_posix *env, uint64_t deadline_ms);

/* How long the syncs of write_sync took on the disk thread. A copy. */
void env_posix_sync_times(struct env_posix *env, struct cd_histogram *ret_times);

#endif
