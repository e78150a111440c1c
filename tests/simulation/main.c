#include "simulation/lab.h"
#include "simulation/runner.h"
#include "simulation/story.h"
#include "simulation/swarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: coord_sim COMMAND\n"
    "\n"
    "  swarm --seeds N [--seed S] [--jobs J] [--break p2|r1|r12|r18|once]\n"
    "        [--trace FILE]\n"
    "      whole replicas with clients under random faults; this is the command if none is named\n"
    "  paxos --seeds N [--seed S] [--jobs J] [--break p2|r1|r3] [--trace FILE]\n"
    "      the same for the consensus core alone\n"
    "  scenario [--rewrite] FILE...\n"
    "      plays stories and compares their traces\n"
    "\n"
    "--seed S runs seeds S, S+1, ...; --trace FILE, with one seed, writes what happened.\n"
    "--break breaks a rule on purpose: then the run has to fail.\n"
    "Exit codes: 0 passed, 1 failed, 2 usage, 10 crash, 11 safety, 12 liveness, 13 two runs of a\n"
    "seed differ.\n";

static int complain(const char *what, const char *about)
{
    fprintf(stderr, "coord_sim: %s%s%s\n\n%s", what, about != NULL ? ": " : "",
            about != NULL ? about : "", usage);
    return EXIT_USAGE;
}

static bool parse_number(const char *text, uint64_t *to)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-') {
        return false;
    }
    *to = value;
    return true;
}

static bool parse_breakage(const char *text, enum breakage *to)
{
    if (strcmp(text, "p2") == 0) {
        *to = BREAK_P2;
    } else if (strcmp(text, "r1") == 0) {
        *to = BREAK_R1;
    } else if (strcmp(text, "r3") == 0) {
        *to = BREAK_R3;
    } else if (strcmp(text, "r12") == 0) {
        *to = BREAK_R12;
    } else if (strcmp(text, "r18") == 0) {
        *to = BREAK_R18;
    } else if (strcmp(text, "once") == 0) {
        *to = BREAK_ONCE;
    } else {
        return false;
    }
    return true;
}

/* One option with its value; false if it is not understood. */
static bool parse_option(const char *name, const char *value, struct run_options *options)
{
    uint64_t number = 0;
    if (strcmp(name, "--trace") == 0) {
        options->trace_path = value;
        return true;
    }
    if (strcmp(name, "--break") == 0) {
        return parse_breakage(value, &options->breakage);
    }
    if (!parse_number(value, &number)) {
        return false;
    }
    if (strcmp(name, "--seeds") == 0) {
        options->seeds = number;
    } else if (strcmp(name, "--seed") == 0) {
        options->first_seed = number;
    } else if (strcmp(name, "--jobs") == 0) {
        options->jobs = (unsigned)number;
    } else {
        return false;
    }
    return true;
}

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

static int run_swarm(const char *command, seed_runner runner, int count, char **words)
{
    bool whole = runner == swarm_run_seed;
    struct run_options options = {
        .command = command, .first_seed = 1, .jobs = processors(), .repeat_every = 20};
    if (whole) {
        static const enum count many[] = {COUNT_SNAPSHOTS,     COUNT_INSTALLS,   COUNT_TRANSACTIONS,
                                          COUNT_RESUMES,       COUNT_EXPIRIES,   COUNT_EVENTS,
                                          COUNT_SESSIONS_LOST, COUNT_EPHEMERALS, COUNT_BOOKMARKS,
                                          COUNT_RESYNCS,       COUNT_LAGGED,     COUNT_KEPT_REPLIES,
                                          COUNT_GRANTS,        COUNT_FENCED};
        for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
            options.many_needs |= UINT64_C(1) << many[i];
        }
    } else {
        options.needs = UINT64_C(1) << COUNT_SNAPSHOTS | UINT64_C(1) << COUNT_DROPS |
                        UINT64_C(1) << COUNT_INSTALLS | UINT64_C(1) << COUNT_FALLBACKS;
    }
    for (int i = 0; i < count; i += 2) {
        if (i + 1 == count || !parse_option(words[i], words[i + 1], &options)) {
            return complain("cannot make sense of this option or its value", words[i]);
        }
    }
    if (options.seeds == 0 || options.jobs == 0) {
        return complain("--seeds N and --jobs J must be above 0", NULL);
    }
    if (whole && options.breakage == BREAK_R3) {
        return complain("--break r3 goes with paxos", NULL);
    }
    if (!whole && options.breakage > BREAK_R3) {
        return complain("--break r12, r18 and once go with swarm", NULL);
    }
    if (options.trace_path != NULL && options.seeds != 1) {
        return complain("--trace FILE goes with --seeds 1", NULL);
    }
    return run_seeds(&options, runner);
}

int main(int count, char **words)
{
    if (count < 2) {
        return complain("a command or --seeds N is needed", NULL);
    }
    if (strcmp(words[1], "swarm") == 0) {
        return run_swarm("swarm", swarm_run_seed, count - 2, words + 2);
    }
    if (strcmp(words[1], "paxos") == 0) {
        return run_swarm("paxos", lab_run_seed, count - 2, words + 2);
    }
    if (strcmp(words[1], "scenario") == 0) {
        bool rewrite = count > 2 && strcmp(words[2], "--rewrite") == 0;
        int first = rewrite ? 3 : 2;
        return first < count ? story_run_files(count - first, words + first, rewrite)
                             : complain("scenario needs a file", NULL);
    }
    if (strcmp(words[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_PASSED;
    }
    if (strncmp(words[1], "--", 2) == 0) {
        return run_swarm("swarm", swarm_run_seed, count - 1, words + 1);
    }
    return complain("no such command", words[1]);
}
