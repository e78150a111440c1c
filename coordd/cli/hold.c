#include "hold.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    /* How late a lost session may be noticed. The library keeps the clock; no call waits for a file
     * and for a session. */
    LOOK_EVERY_MS = 100,
    INPUT_BYTES_STEP = 4096,
};

static int told_fd = -1; /* for the handler */

static void tell(int number)
{
    int before = errno;
    char byte = (char)number;
    ssize_t written = write(told_fd, &byte, 1); /* a full pipe has told enough */
    (void)written;
    errno = before;
}

int cli_hold_begin(struct cli_hold *hold)
{
    int ends[2];
    struct sigaction action;
    if (pipe(ends) != 0) {
        return cli_say(CLI_REFUSED, "cannot make a pipe: %s", strerror(errno));
    }
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    memset(&action, 0, sizeof(action));
    action.sa_handler = tell;
    action.sa_flags = SA_RESTART;
    (void)sigemptyset(&action.sa_mask);
    told_fd = ends[1];
    hold->read_end = ends[0];
    hold->write_end = ends[1];
    (void)sigaction(SIGINT, &action, &hold->old_interrupt);
    (void)sigaction(SIGTERM, &action, &hold->old_terminate);
    return CLI_DONE;
}

void cli_hold_end(struct cli_hold *hold)
{
    if (hold->read_end < 0) {
        return;
    }
    (void)sigaction(SIGINT, &hold->old_interrupt, NULL);
    (void)sigaction(SIGTERM, &hold->old_terminate, NULL);
    told_fd = -1;
    (void)close(hold->read_end);
    (void)close(hold->write_end);
    hold->read_end = -1;
    hold->write_end = -1;
}

/* True: standard input has ended, or cannot be read. */
static bool input_ended(void)
{
    char bytes[INPUT_BYTES_STEP];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
    return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
}

int cli_hold_until_told(const struct cli_hold *hold, struct coord_client *client, uint64_t session,
                        bool input)
{
    struct pollfd watched[] = {{.fd = hold->read_end, .events = POLLIN},
                               {.fd = input ? STDIN_FILENO : -1, .events = POLLIN}};
    for (;;) {
        if (poll(watched, CD_ARRAY_COUNT(watched), LOOK_EVERY_MS) > 0) {
            if (watched[0].revents != 0 || (watched[1].revents != 0 && input_ended())) {
                return CLI_DONE;
            }
        }
        if (!coord_session_holds(client, session)) {
            return cli_say(CLI_REFUSED,
                           "session 0x%" PRIx64
                           " is lost: no replica confirmed it in time. Its nodes are gone, or "
                           "will be soon",
                           session);
        }
    }
}
