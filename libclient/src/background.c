#include "background.h"

#include "client_internal.h"

#include <signal.h>

#define IDLE_MS 60000u /* how long it sleeps with nothing to do; any time would do */

bool client_background_init(struct client_background *background)
{
    background->started = false;
    background->timers = NULL;
    return client_dispatch_init(&background->dispatch);
}

void client_background_release(struct client_background *background)
{
    client_dispatch_release(&background->dispatch);
}

/* ---- Timers: a handful, in no order ---- */

void client_timer_set(struct client_background *background, struct client_timer *timer,
                      uint64_t due_ms)
{
    client_timer_clear(background, timer);
    timer->due_ms = due_ms != 0 ? due_ms : 1;
    timer->next = background->timers;
    background->timers = timer;
}

void client_timer_clear(struct client_background *background, struct client_timer *timer)
{
    for (struct client_timer **link = &background->timers; *link != NULL; link = &(*link)->next) {
        if (*link == timer) {
            *link = timer->next;
            timer->due_ms = 0;
            return;
        }
    }
}

/* NULL: none is set. */
static struct client_timer *earliest(const struct client_background *background)
{
    struct client_timer *found = background->timers;
    for (struct client_timer *timer = found; timer != NULL; timer = timer->next) {
        found = timer->due_ms < found->due_ms ? timer : found;
    }
    return found;
}

/* Those that are due, at the end all; returns until when there is nothing to do. */
static uint64_t run_timers(struct client_background *background, bool at_end)
{
    uint64_t now_ms = at_end ? UINT64_MAX : client_driver_now_ms();
    struct client_timer *timer = earliest(background);
    while (timer != NULL && timer->due_ms <= now_ms) {
        client_timer_clear(background, timer);
        timer->run(timer);
        timer = earliest(background);
    }
    return timer != NULL ? timer->due_ms : client_driver_now_ms() + IDLE_MS;
}

/* ---- The thread ---- */

static void *run(void *context)
{
    struct client_background *background = context;
    bool ignored = false; /* these callbacks close no client */
    bool at_end = false;
    size_t ran = 1;
    while (ran != 0 || !at_end) {
        at_end = client_dispatch_is_closed(&background->dispatch);
        uint64_t until_ms = run_timers(background, at_end);
        ran = client_dispatch_run(&background->dispatch, until_ms, &ignored);
    }
    return NULL;
}

bool client_background_start(struct coord_client *client)
{
    struct client_background *background = &client->background;
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* fails only for an invalid argument */
    (void)pthread_mutex_lock(&client->lock);
    if (!background->started) {
        background->started = pthread_create(&background->thread, NULL, run, background) == 0;
    }
    bool started = background->started;
    (void)pthread_mutex_unlock(&client->lock);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void client_background_stop(struct coord_client *client)
{
    client_dispatch_close(&client->background.dispatch);
    if (client->background.started) {
        (void)pthread_join(client->background.thread, NULL);
    }
}
