#include "job.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* From within a background group only an ignored SIGTTOU lets this through. */
static void give_terminal(pid_t group)
{
    struct sigaction ignore;
    struct sigaction old;
    memset(&ignore, 0, sizeof(ignore));
    ignore.sa_handler = SIG_IGN;
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGTTOU, &ignore, &old);
    (void)tcsetpgrp(STDIN_FILENO, group);
    (void)sigaction(SIGTTOU, &old, NULL);
}

/*
 * In the child of a process with threads, so nothing here takes a lock. Does not return but with
 * errno, which the parent reads.
 */
static void become(char *const *words, pid_t parent, int error_fd)
{
    static const int defaults[] = {SIGINT, SIGTERM, SIGPIPE};
    sigset_t none;
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&none);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < CD_ARRAY_COUNT(defaults); i++) {
        (void)sigaction(defaults[i], &action, NULL);
    }
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (getppid() == parent) { /* else it has died before it could be said that this counts */
        (void)execvp(words[0], words);
    }
    int failed = errno;
    ssize_t written = write(error_fd, &failed, sizeof(failed));
    (void)written;
    _exit(127);
}

/* 0, or errno. */
static int spawn(pid_t *ret_pid, char *const *words)
{
    int ends[2];
    int failed = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) {
        become(words, parent, ends[1]);
    }
    failed = child < 0 ? errno : 0;
    (void)close(ends[1]);
    if (child > 0) {
        (void)setpgid(child, child); /* whoever of the two is first */
        bool told = read(ends[0], &failed, sizeof(failed)) == (ssize_t)sizeof(failed);
        failed = told ? failed : 0; /* exec closes it */
        if (told) {
            (void)waitpid(child, NULL, 0);
        }
    }
    (void)close(ends[0]);
    *ret_pid = child;
    return failed;
}

int cli_job_start(struct cli_job *job, char *const *words)
{
    int failed = spawn(&job->group, words);
    if (failed != 0) {
        job->group = 0;
        return cli_say(CLI_USAGE, "cannot run %s: %s", words[0], strerror(failed));
    }
    job->foreground = tcgetpgrp(STDIN_FILENO) == getpgrp(); /* false without a terminal */
    if (job->foreground) {
        give_terminal(job->group);
        cli_job_signal(job, SIGCONT); /* it may have asked for the terminal already */
    }
    return CLI_DONE;
}

void cli_job_signal(const struct cli_job *job, int number)
{
    if (job->group != 0) {
        (void)kill(-job->group, number); /* fails only if nobody is left */
    }
}

bool cli_job_has_ended(struct cli_job *job, int *ret_code)
{
    int status = 0;
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_PID, (id_t)job->group, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid != job->group) {
        return false;
    }
    cli_job_signal(job, SIGTERM); /* before its number is free, so that it reaches nobody else */
    if (waitpid(job->group, &status, 0) != job->group) {
        return false;
    }
    *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (job->foreground) {
        give_terminal(getpgrp());
    }
    return true;
}
