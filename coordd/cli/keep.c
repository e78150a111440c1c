#include "keep.h"

#include "hold.h"
#include "job.h"
#include "json.h"
#include "say.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 50 };

/* One presence, what is said of it, and the program that it is kept for. */
struct keeping {
    struct coord_presence *presence; /* NULL: it was taken away */
    const struct cli_arguments *arguments;
    struct cli_job job;
    bool has_job, quiet; /* standard output is the program's, if there is one */
    int signals_fd;
    enum coord_code told; /* COORD_TIMEOUT at first: it is on its way */
    uint64_t until_ms;    /* when it has to stand; UINT64_MAX: whenever, or it has stood */
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void print_state(const struct keeping *keeping, bool up)
{
    const char *path = coord_presence_path(keeping->presence);
    if (keeping->quiet) {
        return;
    }
    if (keeping->arguments->output == CLI_JSON) {
        json_t *object = json_object();
        (void)json_object_set_new(object, "path", cli_json_text(path));
        (void)json_object_set_new(object, "up", json_boolean(up));
        cli_json_print(object);
    } else {
        (void)printf("%s %s\n", up ? "up" : "down", path);
    }
    (void)fflush(stdout); /* looked at by cli_finish_output */
}

/* Says what has changed. */
static void look(struct keeping *keeping)
{
    struct coord_error error;
    enum coord_code code = coord_presence_state(keeping->presence, &error);
    if (code == keeping->told) {
        return;
    }
    if (code == COORD_OK || keeping->told == COORD_OK) {
        print_state(keeping, code == COORD_OK);
    }
    if (code != COORD_OK && code != COORD_TIMEOUT) {
        (void)cli_say(CLI_REFUSED, "%s: %s; trying on", coord_presence_path(keeping->presence),
                      error.message);
    }
    keeping->until_ms = code == COORD_OK ? UINT64_MAX : keeping->until_ms;
    keeping->told = code;
}

/* The presence goes; with another code than OK later, by itself. */
static void take_away(struct keeping *keeping)
{
    (void)coord_presence_close(keeping->presence, NULL); /* accepts NULL */
    keeping->presence = NULL;
}

/* Whether a signal came; the presence goes before the program is told. */
static bool was_told(struct keeping *keeping)
{
    struct pollfd watched = {.fd = keeping->signals_fd, .events = POLLIN};
    char number = 0;
    if (poll(&watched, 1, LOOK_EVERY_MS) <= 0 || read(keeping->signals_fd, &number, 1) != 1) {
        return false;
    }
    if (keeping->has_job) {
        take_away(keeping);
        cli_job_signal(&keeping->job, number);
    }
    return true;
}

/* Until it stands. CLI_DONE; else what cli_keep returns. */
static int wait_up(struct keeping *keeping, bool *ret_told)
{
    while (keeping->told != COORD_OK) {
        look(keeping);
        if (keeping->told != COORD_OK && now_ms() >= keeping->until_ms) {
            struct coord_error error;
            (void)coord_presence_state(keeping->presence, &error);
            return cli_say_failure(keeping->arguments->command->name,
                                   coord_presence_path(keeping->presence), &error);
        }
        if (keeping->told != COORD_OK && was_told(keeping)) {
            *ret_told = true;
            return CLI_DONE;
        }
    }
    return CLI_DONE;
}

static int run(struct keeping *keeping, char *const *words)
{
    int code = CLI_DONE;
    bool told = false;
    code = wait_up(keeping, &told);
    if (code != CLI_DONE || told) {
        return code;
    }
    if (words == NULL) {
        while (!was_told(keeping)) {
            look(keeping);
        }
        return CLI_DONE;
    }
    code = cli_job_start(&keeping->job, words);
    keeping->has_job = code == CLI_DONE;
    while (keeping->has_job && !cli_job_has_ended(&keeping->job, &code)) {
        (void)was_told(keeping);
        if (keeping->presence != NULL) {
            look(keeping);
        }
    }
    return code;
}

int cli_keep(struct coord_presence *presence, const struct cli_arguments *arguments,
             char *const *words)
{
    struct cli_hold signals = CLI_HOLD_NONE;
    struct keeping keeping = {
        .quiet = words != NULL,
        .presence = presence,
        .arguments = arguments,
        .told = COORD_TIMEOUT,
        .until_ms = cli_has(arguments, CLI_WAIT) ? now_ms() + arguments->wait_ms : UINT64_MAX};
    int code = cli_hold_begin(&signals);
    if (code == CLI_DONE) {
        keeping.signals_fd = signals.read_end;
        code = run(&keeping, words);
    }
    if (keeping.presence != NULL) {
        take_away(&keeping);
    }
    cli_hold_end(&signals);
    return code;
}
