#include "commands.h"
#include "hold.h"
#include "job.h"
#include "say.h"

#include "coord/recipes.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A program that runs under a lock, or in an office. It is asked to end when the lock is in doubt,
 * and killed before anybody else can have it; against its own pauses it has the fence.
 */

enum {
    LOOK_EVERY_MS = 20,
    GIVE_UP_MS = 2000,
    /* Of the session's timeout: SUSPECT is at half of it and LOST at 98 %, so that this many after
     * the first are well before the last. */
    KILL_AFTER_PERMILLE = 400,
};

/* ---- Waiting for the grant ---- */

/* A thread waits for the grant, so that this one hears of signals. */
struct asking {
    struct coord_client *client;
    const struct cli_arguments *arguments;
    bool elects;
    struct coord_lock *lock;
    enum coord_code code;
    struct coord_error error;
    int done_fd; /* written to at the end */
};

static void *ask(void *context)
{
    struct asking *asking = context;
    const char *path = asking->arguments->operands[0];
    uint32_t wait_ms =
        cli_has(asking->arguments, CLI_WAIT) ? asking->arguments->wait_ms : COORD_FOREVER;
    char name[256] = "";
    (void)gethostname(name, sizeof(name) - 1);
    asking->code = asking->elects
                       ? coord_election_campaign(asking->client, path, name, strlen(name), wait_ms,
                                                 &asking->lock, &asking->error)
                       : coord_lock_acquire(asking->client, path, name, strlen(name), wait_ms,
                                            &asking->lock, &asking->error);
    char byte = 0;
    ssize_t written = write(asking->done_fd, &byte, 1);
    (void)written;
    return NULL;
}

/* Its place in the queue goes with the session; then the signal does what it always does. */
static void give_up(struct asking *asking, struct cli_hold *signals, int number)
{
    struct coord_call_options *call = coord_call_options_create();
    cli_hold_end(signals);
    if (call != NULL) {
        coord_call_options_set_timeout_ms(call, GIVE_UP_MS);
    }
    (void)coord_session_close(asking->client, call, NULL);
    coord_call_options_free(call);
    (void)raise(number);
}

/* A signal meanwhile ends coordctl. */
static int wait_granted(struct asking *asking, struct cli_hold *signals)
{
    pthread_t thread;
    int ends[2];
    char byte = 0;
    if (pipe(ends) != 0) {
        return cli_say(CLI_REFUSED, "cannot make a pipe: %s", strerror(errno));
    }
    asking->done_fd = ends[1];
    if (pthread_create(&thread, NULL, ask, asking) != 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return cli_say(CLI_REFUSED, "no thread");
    }
    struct pollfd watched[] = {{.fd = ends[0], .events = POLLIN},
                               {.fd = signals->read_end, .events = POLLIN}};
    while (poll(watched, CD_ARRAY_COUNT(watched), -1) < 0 && errno == EINTR) {
    }
    if (watched[0].revents == 0 && read(signals->read_end, &byte, 1) == 1) {
        give_up(asking, signals, byte);
    }
    (void)pthread_join(thread, NULL);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return asking->code == COORD_OK
               ? CLI_DONE
               : cli_say_failure(asking->arguments->command->name, asking->arguments->operands[0],
                                 &asking->error);
}

/* ---- Running ---- */

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* as leases do, it counts suspend */
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A signal to coordctl is passed on. */
static void pass_signals(const struct cli_hold *signals, const struct cli_job *job)
{
    struct pollfd watched = {.fd = signals->read_end, .events = POLLIN};
    char byte = 0;
    if (poll(&watched, 1, LOOK_EVERY_MS) > 0 && read(signals->read_end, &byte, 1) == 1) {
        cli_job_signal(job, byte);
    }
}

/* Until the program has ended; returns its exit code, or CLI_LOST. */
static int watch_over(struct cli_job *job, struct coord_client *client, struct coord_lock *lock,
                      const struct cli_hold *signals)
{
    uint64_t grace_ms = (uint64_t)coord_session_timeout_ms(client) * KILL_AFTER_PERMILLE / 1000;
    uint64_t kill_ms = 0; /* 0: not in doubt */
    bool asked = false;
    bool killed = false;
    int code = CLI_DONE;
    while (!cli_job_has_ended(job, &code)) {
        enum coord_hold state = coord_lock_state(lock);
        if (state == COORD_HOLD_SAFE) {
            kill_ms = 0;
        } else if (!asked) {
            (void)cli_say(CLI_LOST, "%s: %s; the program is asked to end", coord_lock_path(lock),
                          state == COORD_HOLD_LOST ? "lost"
                                                   : "no replica has confirmed it for a while");
            cli_job_signal(job, SIGTERM);
            asked = true;
        }
        if (state == COORD_HOLD_SUSPECT && kill_ms == 0) {
            kill_ms = now_ms() + grace_ms;
        }
        if (!killed && (state == COORD_HOLD_LOST || (kill_ms != 0 && now_ms() >= kill_ms))) {
            cli_job_signal(job, SIGKILL);
            killed = true;
        }
        pass_signals(signals, job);
    }
    return asked ? CLI_LOST : code;
}

static int start(struct cli_job *job, char *const *words, const struct coord_lock *lock)
{
    char fence[24];
    (void)snprintf(fence, sizeof(fence), "%" PRIu64, coord_lock_fence(lock));
    if (setenv("COORD_FENCE", fence, 1) != 0 ||
        setenv("COORD_LOCK", coord_lock_path(lock), 1) != 0) {
        return cli_say(CLI_REFUSED, "no memory");
    }
    return cli_job_start(job, words);
}

static int run_under_lock(struct coord_client *client, const struct cli_arguments *arguments,
                          bool elects)
{
    struct cli_hold signals = CLI_HOLD_NONE;
    struct asking asking = {.client = client, .arguments = arguments, .elects = elects};
    struct cli_job job = {.group = 0};
    int code = cli_hold_begin(&signals);
    if (code == CLI_DONE) {
        code = wait_granted(&asking, &signals);
    }
    if (code == CLI_DONE) {
        code = start(&job, &arguments->operands[1], asking.lock);
        code = code == CLI_DONE ? watch_over(&job, client, asking.lock, &signals) : code;
        (void)coord_lock_release(asking.lock, NULL); /* else with the session, which is closed */
    }
    cli_hold_end(&signals);
    return code;
}

int cli_lock(struct coord_client *client, const struct cli_arguments *arguments)
{
    return run_under_lock(client, arguments, false);
}

int cli_elect(struct coord_client *client, const struct cli_arguments *arguments)
{
    return run_under_lock(client, arguments, true);
}
