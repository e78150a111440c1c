#include "checkers/judge.h"

#include "checkers/levels.h"
#include "checkers/linear.h"
#include "checkers/once.h"
#include "checkers/queues.h"
#include "checkers/watches.h"

bool judge(const struct events *events, const struct judge_options *options, struct counts *counts,
           uint64_t *ret_margin_us, struct verdict *verdict)
{
    struct truth truth;
    bool ok = digests_check(events, verdict) &&
              gauges_check(events, options->limits, options->limits_count, verdict);
    ok = truth_build(&truth, events, verdict) && ok;
    ok = ok && once_check(&truth, verdict) && order_check(&truth, verdict) &&
         linear_check(&truth, verdict) && levels_check(&truth, verdict) &&
         lifetimes_check(&truth, &options->lifetimes, verdict) && watches_check(&truth, verdict) &&
         queues_check(&truth, options->told_us, verdict) &&
         masters_check(&truth, ret_margin_us, verdict);
    if (ok && counts != NULL) {
        counts_add(counts, &truth);
    }
    truth_release(&truth);
    return ok;
}
