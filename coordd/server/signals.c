#include "server/signals.h"

#include "base/assert.h"
#include "server/exit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Sent to our own thread by server_signals_stop alone. */
#define END_SIGNAL SIGUSR1

static void fill_set(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigaddset(set, END_SIGNAL);
}

void server_signals_block(void)
{
    sigset_t set;
    fill_set(&set);
    CD_ASSERT(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    CD_ASSERT(sigaction(SIGPIPE, &ignore, NULL) == 0);
}

static void end_at_once(void)
{
    static const char TEXT[] = "coordd: stopped at once by a second signal\n";
    (void)!write(STDERR_FILENO, TEXT, sizeof(TEXT) - 1);
    _exit(SERVER_EXIT_FAILED);
}

static void on_stop(struct server_signals *signals)
{
    CD_ASSERT(pthread_mutex_lock(&signals->mutex) == 0);
    if (signals->env == NULL || atomic_exchange(&signals->stop_asked, true)) {
        end_at_once();
    }
    env_posix_wake(signals->env);
    CD_ASSERT(pthread_mutex_unlock(&signals->mutex) == 0);
}

static void call(struct server_signals *signals, void (*function)(void *context))
{
    CD_ASSERT(pthread_mutex_lock(&signals->mutex) == 0);
    if (signals->env != NULL) {
        function(signals->context);
    }
    CD_ASSERT(pthread_mutex_unlock(&signals->mutex) == 0);
}

static void *run(void *argument)
{
    struct server_signals *signals = argument;
    sigset_t set;
    fill_set(&set);
    const struct timespec period = {.tv_sec = signals->look_ms / 1000,
                                    .tv_nsec = (long)(signals->look_ms % 1000) * 1000000};
    while (!atomic_load(&signals->ended)) {
        int number = sigtimedwait(&set, NULL, &period);
        if (number == SIGTERM || number == SIGINT) {
            on_stop(signals);
        } else if (number == SIGHUP) {
            call(signals, signals->reload);
        } else if (number < 0 && errno == EAGAIN) {
            call(signals, signals->look);
        }
    }
    return NULL;
}

void server_signals_start(struct server_signals *signals, struct env_posix *env,
                          void (*reload)(void *context), void (*look)(void *context),
                          uint32_t look_ms, void *context)
{
    *signals = (struct server_signals){
        .env = env, .reload = reload, .look = look, .look_ms = look_ms, .context = context};
    CD_ASSERT(pthread_mutex_init(&signals->mutex, NULL) == 0);
    CD_ASSERT(pthread_create(&signals->thread, NULL, run, signals) == 0);
}

void server_signals_detach(struct server_signals *signals)
{
    CD_ASSERT(pthread_mutex_lock(&signals->mutex) == 0);
    signals->env = NULL;
    CD_ASSERT(pthread_mutex_unlock(&signals->mutex) == 0);
}

void server_signals_stop(struct server_signals *signals)
{
    atomic_store(&signals->ended, true);
    CD_ASSERT(pthread_kill(signals->thread, END_SIGNAL) == 0);
    CD_ASSERT(pthread_join(signals->thread, NULL) == 0);
    CD_ASSERT(pthread_mutex_destroy(&signals->mutex) == 0);
}
