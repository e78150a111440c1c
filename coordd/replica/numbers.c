#include "replica/internal.h"

/* The numbers that nobody can set, in one place for --help, the README and a test. */

static const struct fsm_limits LIMITS = FSM_LIMITS_DEFAULT;

size_t replica_numbers(struct replica_number ret_numbers[REPLICA_NUMBERS_MAX])
{
    const struct replica_number numbers[] = {
        {"session timeout, minimum", LIMITS.session_timeout_min_ms, "ms",
         "what a client asks for is brought within the two"},
        {"session timeout, default", LIMITS.session_timeout_default_ms, "ms",
         "if it asks for none"},
        {"session timeout, maximum", LIMITS.session_timeout_max_ms, "ms", ""},
        {"renewal of a session", 100 / REPLICA_RENEW_SHARE, "% of its timeout",
         "how old a heartbeat may be when it goes to the leader"},
        {"SUSPECT", REPLICA_CLIENT_SUSPECT_PERCENT, "% of the timeout",
         "since the client sent what was confirmed last: start nothing new"},
        {"LOST", REPLICA_CLIENT_LOST_PERCENT, "% of the timeout", "likewise: everything is over"},
        {"unanswered writes of a session", LIMITS.unacked_writes, "",
         "sent and not covered by its reply mark"},
        {"kept replies of a session", LIMITS.kept_reply_bytes, "bytes", ""},
        {"kept replies of all", LIMITS.state_reply_bytes, "bytes", ""},
        {"ended sessions remembered", LIMITS.tombstones, "", "to be asked for outcomes"},
        {"ended sessions, age", LIMITS.tombstone_ms, "ms", "then OUTCOME_UNKNOWN"},
        {"keys of calls remembered", LIMITS.call_keys, "", ""},
        {"keys of calls, age", LIMITS.call_key_ms, "ms", ""},
        {"sessions", LIMITS.sessions, "", "in the cluster"},
        {"ephemeral nodes of a session", LIMITS.session_ephemerals, "", ""},
        {"nodes of one atomic step", LIMITS.atomic_nodes, "", ""},
        {"batch, bytes", WIRE_BATCH_BYTES_SOFT, "bytes", "commands that share a slot"},
        {"batch, commands", WIRE_BATCH_COMMANDS_MAX, "", ""},
        {"watches of a stream", REPLICA_STREAM_WATCHES_MAX, "", ""},
        {"history, age", REPLICA_HISTORY_MS, "ms", "beside history_bytes"},
        {"bookmark period", REPLICA_BOOKMARK_PERIOD_MS, "ms", "to streams with watches"},
        {"events on their way to a stream", REPLICA_OUTSTANDING_HIGH, "bytes",
         "beyond them they come out of the history"},
        {"version of a list, idle", REPLICA_VERSION_IDLE_MS, "ms", "then CURSOR_EXPIRED"},
        {"version of a list, in all", REPLICA_VERSION_MS_MAX, "ms", ""},
        {"container without children", LIMITS.container_ms, "ms", "before it goes"},
        {"slots between digests", REPLICA_DIGEST_SLOTS, "", "snapshots are taken at these"},
        {"snapshots kept", STORAGE_SNAPSHOTS_KEPT, "", ""},
    };
    CD_STATIC_ASSERT(CD_ARRAY_COUNT(numbers) <= REPLICA_NUMBERS_MAX, "room for all");
    for (size_t i = 0; i < CD_ARRAY_COUNT(numbers); i++) {
        ret_numbers[i] = numbers[i];
    }
    return CD_ARRAY_COUNT(numbers);
}
