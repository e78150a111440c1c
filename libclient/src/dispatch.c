#include "dispatch.h"

#include "client_internal.h"

#include <sys/eventfd.h>
#include <unistd.h>

bool client_dispatch_init(struct client_dispatch *dispatch)
{
    *dispatch = (struct client_dispatch){.fd = -1};
    dispatch->end = &dispatch->first;
    if (!client_cond_init(&dispatch->changed)) {
        return false;
    }
    (void)pthread_mutex_init(&dispatch->lock, NULL); /* cannot fail without attributes */
    return true;
}

void client_dispatch_release(struct client_dispatch *dispatch)
{
    CD_ASSERT(dispatch->first == NULL);
    if (dispatch->fd >= 0) {
        (void)close(dispatch->fd);
    }
    (void)pthread_cond_destroy(&dispatch->changed);
    (void)pthread_mutex_destroy(&dispatch->lock);
}

/* ---- The list, with the lock held ---- */

static void make_readable(struct client_dispatch *dispatch)
{
    if (dispatch->fd >= 0) {
        (void)eventfd_write(dispatch->fd, 1); /* fails only at 2^64 - 1 */
    }
}

/* The descriptor says whether there is something. */
static void note_empty(struct client_dispatch *dispatch)
{
    eventfd_t ignored = 0;
    if (dispatch->first == NULL && dispatch->fd >= 0) {
        (void)eventfd_read(dispatch->fd, &ignored);
    }
}

static void put(struct client_dispatch *dispatch, struct client_ready *ready,
                struct client_ready **link)
{
    bool was_empty = dispatch->first == NULL;
    ready->queued = true;
    ready->next = *link;
    *link = ready;
    if (ready->next == NULL) {
        dispatch->end = &ready->next;
    }
    dispatch->count++;
    if (was_empty) {
        make_readable(dispatch);
        (void)pthread_cond_broadcast(&dispatch->changed);
    }
}

static void take(struct client_dispatch *dispatch, struct client_ready *ready)
{
    struct client_ready **link = &dispatch->first;
    while (*link != ready) {
        link = &(*link)->next;
    }
    *link = ready->next;
    if (ready->next == NULL) {
        dispatch->end = link;
    }
    ready->next = NULL;
    ready->queued = false;
    dispatch->count--;
    note_empty(dispatch);
}

static bool is_mine(const struct client_dispatch *dispatch)
{
    return dispatch->running && pthread_equal(dispatch->runner, pthread_self()) != 0;
}

/* ---- From the library ---- */

void client_dispatch_post(struct client_dispatch *dispatch, struct client_ready *ready)
{
    (void)pthread_mutex_lock(&dispatch->lock);
    if (!ready->queued) {
        put(dispatch, ready, dispatch->end);
    }
    (void)pthread_mutex_unlock(&dispatch->lock);
}

void client_dispatch_post_first(struct client_dispatch *dispatch, struct client_ready *ready)
{
    (void)pthread_mutex_lock(&dispatch->lock);
    if (!ready->queued) {
        put(dispatch, ready, &dispatch->first);
    }
    (void)pthread_mutex_unlock(&dispatch->lock);
}

void client_dispatch_drop(struct client_dispatch *dispatch, struct client_ready *ready)
{
    (void)pthread_mutex_lock(&dispatch->lock);
    for (;;) {
        if (ready->queued) {
            take(dispatch, ready);
        }
        if (dispatch->current != ready || is_mine(dispatch)) {
            break;
        }
        (void)pthread_cond_wait(&dispatch->changed, &dispatch->lock);
    }
    (void)pthread_mutex_unlock(&dispatch->lock);
}

bool client_dispatch_want_close(struct client_dispatch *dispatch)
{
    (void)pthread_mutex_lock(&dispatch->lock);
    bool within = is_mine(dispatch);
    dispatch->close_wanted = dispatch->close_wanted || within;
    (void)pthread_mutex_unlock(&dispatch->lock);
    return within;
}

void client_dispatch_close(struct client_dispatch *dispatch)
{
    (void)pthread_mutex_lock(&dispatch->lock);
    dispatch->closing = true;
    (void)pthread_cond_broadcast(&dispatch->changed);
    (void)pthread_mutex_unlock(&dispatch->lock);
}

bool client_dispatch_is_closed(struct client_dispatch *dispatch)
{
    (void)pthread_mutex_lock(&dispatch->lock);
    bool closed = dispatch->closing;
    (void)pthread_mutex_unlock(&dispatch->lock);
    return closed;
}

int client_dispatch_fd(struct client_dispatch *dispatch)
{
    (void)pthread_mutex_lock(&dispatch->lock);
    if (dispatch->fd < 0) {
        dispatch->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (dispatch->first != NULL) {
            make_readable(dispatch);
        }
    }
    int fd = dispatch->fd;
    (void)pthread_mutex_unlock(&dispatch->lock);
    return fd;
}

/* ---- Running ---- */

/* With the lock held: runs `count` of them, or all. What a callback adds has its turn next time. */
static size_t run_some(struct client_dispatch *dispatch, size_t count)
{
    size_t ran = 0;
    dispatch->running = true;
    dispatch->runner = pthread_self();
    while (ran < count && dispatch->first != NULL && !dispatch->close_wanted) {
        struct client_ready *ready = dispatch->first;
        take(dispatch, ready);
        dispatch->current = ready;
        (void)pthread_mutex_unlock(&dispatch->lock);
        ready->run(ready);
        (void)pthread_mutex_lock(&dispatch->lock);
        dispatch->current = NULL;
        (void)pthread_cond_broadcast(&dispatch->changed);
        ran++;
    }
    dispatch->running = false;
    (void)pthread_cond_broadcast(&dispatch->changed);
    return ran;
}

size_t client_dispatch_run(struct client_dispatch *dispatch, uint64_t until_ms, bool *ret_close)
{
    size_t ran = 0;
    *ret_close = false;
    (void)pthread_mutex_lock(&dispatch->lock);
    if (!is_mine(dispatch)) {
        while ((dispatch->running || dispatch->first == NULL) && !dispatch->closing &&
               client_driver_now_ms() < until_ms) {
            (void)client_cond_wait(&dispatch->changed, &dispatch->lock, until_ms);
        }
        if (!dispatch->running) {
            ran = run_some(dispatch, dispatch->count);
            *ret_close = dispatch->close_wanted;
            dispatch->close_wanted = false;
        }
    }
    (void)pthread_mutex_unlock(&dispatch->lock);
    return ran;
}
