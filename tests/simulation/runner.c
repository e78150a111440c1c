#include "simulation/runner.h"

#include "simulation/commit.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    JOBS_MAX = 64,
    FAILURES_SHOWN = 5, /* after so many the rest is not run; one will do for a broken rule */
};

void report_fail(struct report *report, int code, const char *format, ...)
{
    if (report->code != EXIT_PASSED) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->why, sizeof(report->why), format, arguments);
    va_end(arguments);
    report->code = code;
}

void report_verdict(struct report *report, const struct verdict *verdict)
{
    if (!verdict->ok) {
        report_fail(report, EXIT_SAFETY, "%s", verdict->why);
    }
}

struct job {
    pid_t pid;
    int pipe;
    uint64_t seed;
    bool again; /* the second run of the seed */
};

struct run {
    const struct run_options *options;
    seed_runner runner;
    struct job jobs[JOBS_MAX];
    unsigned running;
    uint64_t next; /* index of the next seed */
    uint64_t done;
    uint64_t failures;
    int code;
    uint64_t *digests; /* of the first runs, by index; 0: not yet */
    uint64_t totals[COUNTS];
};

static bool runs_twice(const struct run_options *options, uint64_t seed)
{
    return options->repeat_every != 0 && seed % options->repeat_every == 0;
}

static void child(struct run *run, uint64_t seed, int to, bool again)
{
    struct report report = {.code = EXIT_PASSED};
    struct seed_options options = {.seed = seed, .breakage = run->options->breakage};
    if (run->options->trace_path != NULL && !again) {
        options.trace = fopen(run->options->trace_path, "w");
        if (options.trace == NULL) {
            report_fail(&report, EXIT_USAGE, "%s: %s", run->options->trace_path, strerror(errno));
        }
    }
    if (report.code == EXIT_PASSED) {
        run->runner(&options, &report);
    }
    if (options.trace != NULL) {
        (void)fclose(options.trace);
    }
    const char *from = (const char *)&report;
    for (size_t sent = 0; sent < sizeof(report);) {
        ssize_t wrote = write(to, from + sent, sizeof(report) - sent);
        if (wrote <= 0) {
            _exit(EXIT_CRASH);
        }
        sent += (size_t)wrote;
    }
    exit(EXIT_PASSED); /* not _exit: a build that looks for leaks does so now */
}

static void start_job(struct run *run, uint64_t seed, bool again)
{
    int ends[2];
    fflush(NULL);
    if (pipe(ends) != 0) {
        perror("coord_sim: pipe");
        exit(EXIT_FAILED);
    }
    pid_t pid = fork();
    if (pid < 0) {
        perror("coord_sim: fork");
        exit(EXIT_FAILED);
    }
    if (pid == 0) {
        (void)close(ends[0]);
        child(run, seed, ends[1], again);
    }
    (void)close(ends[1]);
    run->jobs[run->running++] =
        (struct job){.pid = pid, .pipe = ends[0], .seed = seed, .again = again};
}

static void show_failure(struct run *run, const struct job *job, const struct report *report)
{
    static const char *const kinds[] = {"crash", "safety", "liveness", "nondeterminism"};
    static const char *const breaks[] = {
        [BREAK_NOTHING] = "",          [BREAK_P2] = " --break p2",   [BREAK_R1] = " --break r1",
        [BREAK_R3] = " --break r3",    [BREAK_R12] = " --break r12", [BREAK_R18] = " --break r18",
        [BREAK_ONCE] = " --break once"};
    bool known = report->code >= EXIT_CRASH && report->code <= EXIT_NONDETERMINISM;
    run->failures++;
    run->code = run->code == EXIT_PASSED ? report->code : run->code;
    fprintf(stderr,
            "FAILED seed %" PRIu64 ": %s\n  %s\n  commit %s; again: coord_sim %s --seeds 1 "
            "--seed %" PRIu64 "%s --trace trace.txt\n",
            job->seed, known ? kinds[report->code - EXIT_CRASH] : "failure", report->why,
            SIMULATION_COMMIT, run->options->command, job->seed, breaks[run->options->breakage]);
}

static void judge_repetition(struct run *run, const struct job *job, struct report *report)
{
    uint64_t *digest = &run->digests[job->seed - run->options->first_seed];
    if (report->code != EXIT_PASSED) {
        return;
    }
    if (*digest == 0) {
        *digest = report->digest;
    } else if (*digest != report->digest) {
        report_fail(report, EXIT_NONDETERMINISM,
                    "two runs of this seed did different things: %016" PRIx64 " and %016" PRIx64,
                    *digest, report->digest);
    }
}

static void finish_job(struct run *run, struct job *job)
{
    struct report report;
    char *to = (char *)&report;
    size_t got = 0;
    ssize_t bytes = 1;
    while (got < sizeof(report) && bytes > 0) {
        bytes = read(job->pipe, to + got, sizeof(report) - got);
        got += bytes > 0 ? (size_t)bytes : 0;
    }
    (void)close(job->pipe);
    int status = 0;
    (void)waitpid(job->pid, &status, 0);
    if (got < sizeof(report) || status != 0) {
        report = (struct report){.code = EXIT_PASSED};
        report_fail(&report, EXIT_CRASH, "the process of this seed ended with %s %d",
                    WIFSIGNALED(status) ? "signal" : "code",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    judge_repetition(run, job, &report);
    if (report.code != EXIT_PASSED) {
        show_failure(run, job, &report);
    } else if (!job->again) {
        for (size_t i = 0; i < COUNTS; i++) {
            run->totals[i] += report.counts[i];
        }
        run->done++;
    }
}

static void wait_for_one(struct run *run)
{
    struct pollfd polled[JOBS_MAX];
    for (unsigned i = 0; i < run->running; i++) {
        polled[i] = (struct pollfd){.fd = run->jobs[i].pipe, .events = POLLIN};
    }
    while (poll(polled, run->running, -1) < 0 && errno == EINTR) {
    }
    for (unsigned i = run->running; i-- > 0;) {
        if (polled[i].revents != 0) {
            struct job job = run->jobs[i];
            run->jobs[i] = run->jobs[--run->running];
            finish_job(run, &job);
        }
    }
}

static const struct {
    const char *text;
    bool needed;
} counts[] = {
#define COUNT_ROW(name, text, needed) {text, needed},
    COUNT_TABLE(COUNT_ROW)
#undef COUNT_ROW
};

static bool is_needed(const struct run *run, size_t count)
{
    uint64_t needs = run->options->needs | run->options->many_needs;
    return counts[count].needed || (needs >> count & 1u) != 0;
}

/* What never happened, or is not counted in this kind of run, has no line unless it had to. */
static void show_totals(struct run *run, double seconds)
{
    printf("%" PRIu64 " seeds passed, %" PRIu64 " failed; %.1f s, %.0f times real time\n",
           run->done, run->failures, seconds,
           seconds > 0 ? (double)run->totals[COUNT_SECONDS] / seconds : 0);
    for (size_t i = 0; i < COUNTS; i++) {
        if (run->totals[i] != 0 || is_needed(run, i)) {
            printf("  %-28s %12" PRIu64 "\n", counts[i].text, run->totals[i]);
        }
    }
}

/* One seed alone may well fill no hole; fifty together must. A run that has to fail for another
 * reason must not fail for this one. */
static void demand_coverage(struct run *run)
{
    if (run->options->breakage != BREAK_NOTHING) {
        return;
    }
    uint64_t needs = run->options->needs | (run->done >= RUN_MANY ? run->options->many_needs : 0);
    for (size_t i = 0; i < COUNTS && run->done >= RUN_SOME; i++) {
        bool needed = counts[i].needed || (needs >> i & 1u) != 0;
        if (needed && run->totals[i] == 0 && run->code == EXIT_PASSED) {
            fprintf(stderr, "FAILED: no seed had any of: %s\n", counts[i].text);
            run->code = EXIT_FAILED;
        }
    }
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int run_seeds(const struct run_options *options, seed_runner runner)
{
    struct run run = {.options = options, .runner = runner};
    run.digests = reallocarray(NULL, options->seeds, sizeof(*run.digests));
    if (run.digests == NULL) {
        perror("coord_sim");
        return EXIT_FAILED;
    }
    memset(run.digests, 0, options->seeds * sizeof(*run.digests));
    double begun = now_s();
    unsigned jobs = options->jobs < JOBS_MAX ? options->jobs : JOBS_MAX;
    uint64_t failures_max = options->breakage == BREAK_NOTHING ? FAILURES_SHOWN : 1;
    while (run.running > 0 || (run.next < options->seeds && run.failures < failures_max)) {
        while (run.next < options->seeds && run.running < jobs && run.failures < failures_max) {
            uint64_t seed = options->first_seed + run.next++;
            start_job(&run, seed, false);
            if (runs_twice(options, seed) && run.running < JOBS_MAX) {
                start_job(&run, seed, true);
            }
        }
        wait_for_one(&run);
    }
    demand_coverage(&run);
    if (!options->quiet) {
        show_totals(&run, now_s() - begun);
    }
    free(run.digests);
    return run.code;
}
