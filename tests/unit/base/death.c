#include "death.h"

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIVED = 77 };

struct death death_of(void (*act)(void *context), void *context)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        act(context);
        _exit(LIVED);
    }
    close(ends[1]);
    struct death death = {0};
    size_t bytes = 0;
    char rest[512];
    for (;;) {
        bool room = bytes < sizeof(death.last) - 1;
        ssize_t got = read(ends[0], room ? death.last + bytes : rest,
                           room ? sizeof(death.last) - 1 - bytes : sizeof(rest));
        if (got <= 0) {
            break;
        }
        bytes += room ? (size_t)got : 0;
    }
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    death.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    death.died = !(WIFEXITED(status) && WEXITSTATUS(status) == LIVED);
    return death;
}
