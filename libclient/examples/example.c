#define _POSIX_C_SOURCE 200809L

#include "example.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t stopped;

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        fprintf(stderr, "%s is not set; see the README.md of the examples\n", name);
        exit(2);
    }
    return value;
}

struct coord_client *example_connect(void)
{
    struct coord_options *options = coord_options_create();
    struct coord_client *client = NULL;
    struct coord_error error;
    const char *timeout = getenv("COORD_SESSION_MS");
    uint32_t timeout_ms = timeout != NULL ? (uint32_t)strtoul(timeout, NULL, 10) : 0;
    if (options == NULL) {
        fprintf(stderr, "no memory\n");
        exit(2);
    }
    if (coord_options_set_endpoints(options, variable("COORD_ENDPOINTS"), &error) != COORD_OK ||
        coord_options_set_tls_files(options, variable("COORD_CACERT"), variable("COORD_CERT"),
                                    variable("COORD_KEY"), &error) != COORD_OK ||
        coord_options_set_namespace(options, getenv("COORD_NAMESPACE"), &error) != COORD_OK ||
        coord_options_set_session(options, true, timeout_ms, &error) != COORD_OK ||
        coord_client_create(options, &client, &error) != COORD_OK) {
        (void)example_failed("no client", &error);
        exit(2);
    }
    coord_options_free(options);
    return client;
}

void example_say(const char *format, ...)
{
    struct timespec now;
    va_list arguments;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    printf("[%ld.%06ld] ", (long)now.tv_sec, now.tv_nsec / 1000);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

int example_failed(const char *what, const struct coord_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, coord_code_name(error->code), error->message);
    return 1;
}

void example_pause(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

bool example_passes(enum coord_code code)
{
    switch (code) {
    case COORD_UNREACHABLE:
    case COORD_NO_LEADER:
    case COORD_BUSY:
    case COORD_SHUTTING_DOWN:
    case COORD_TIMEOUT:
    case COORD_OUTCOME_UNKNOWN:
    case COORD_SESSION_EXPIRED:
        return true;
    default:
        return false;
    }
}

static void note_signal(int number)
{
    (void)number;
    stopped = 1;
}

void example_catch_signals(bool wanted)
{
    struct sigaction action = {.sa_handler = wanted ? note_signal : SIG_DFL};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

bool example_stopped(void)
{
    return stopped != 0;
}
