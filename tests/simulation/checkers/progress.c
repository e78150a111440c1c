#include "checkers/progress.h"

#include <inttypes.h>

static bool check_time(const char *what, uint64_t healed_ms, uint64_t at_ms, uint64_t bound_ms,
                       struct verdict *verdict)
{
    if (at_ms == PROGRESS_NEVER) {
        return verdict_fail(
            verdict, "progress: %s did not happen within %" PRIu64 " ms after the last fault ended",
            what, bound_ms);
    }
    if (at_ms < healed_ms) {
        return verdict_fail(verdict, "progress: %s is dated before the faults ended", what);
    }
    if (at_ms - healed_ms > bound_ms) {
        return verdict_fail(verdict,
                            "progress: %s took %" PRIu64 " ms after the last fault ended; the "
                            "bound is %" PRIu64,
                            what, at_ms - healed_ms, bound_ms);
    }
    return true;
}

bool progress_check(const struct progress *p, struct verdict *verdict)
{
    return check_time("an election", p->healed_ms, p->elected_ms, p->elected_bound_ms, verdict) &&
           check_time("a first write", p->healed_ms, p->first_write_ms, p->write_bound_ms,
                      verdict) &&
           check_time("the last write", p->healed_ms, p->all_writes_ms, p->all_writes_bound_ms,
                      verdict) &&
           check_time("convergence", p->healed_ms, p->converged_ms, p->converged_bound_ms, verdict);
}
