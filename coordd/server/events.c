#include "server/events.h"

#include <stdio.h>
#include <string.h>

/* A struggle for leadership or a broken peer can speak in every turn. */
#define NOTES_WINDOW_MS  1000u
#define NOTES_BURST      50u
#define FRAMES_WINDOW_MS 1000u
#define FRAMES_BURST     5u

void server_events_init(struct server_events *events, struct server_log *log)
{
    *events = (struct server_events){.log = log};
}

static void remember_place(struct server_events *events, const struct replica_event *event)
{
    if (event->ballot.round != 0) {
        events->ballot = event->ballot;
    }
    if (event->slot != 0) {
        events->slot = event->slot;
    }
}

static void put_place(struct server_line *line, const struct server_events *events)
{
    char ballot[64];
    snprintf(ballot, sizeof(ballot), "%llu.%u.%016llx", (unsigned long long)events->ballot.round,
             events->ballot.node, (unsigned long long)events->ballot.incarnation);
    server_line_str(line, "ballot", ballot);
    server_line_u64(line, "slot", events->slot);
}

/* Of the replica whose line it is; 0 for one that is left out. */
static uint32_t line_node(const struct server_line *line)
{
    return line->log != NULL ? line->log->node : 0;
}

static void put_peer(struct server_line *line, const struct replica_event *event)
{
    if (event->node != 0 && event->node != line_node(line)) {
        server_line_u64(line, "peer", event->node);
    }
}

/* "STEPPED_DOWN" as "stepped_down". */
static void lower(char *to, size_t room, const char *from)
{
    size_t i = 0;
    for (; from[i] != '\0' && i + 1 < room; i++) {
        to[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a') : from[i];
    }
    to[i] = '\0';
}

/* What comes once for each slot is for debugging; what an operator has to know of is a warning. */
static enum server_log_level level_of_note(enum paxos_note_kind kind)
{
    switch (kind) {
    case PAXOS_NOTE_ADOPTED:
    case PAXOS_NOTE_HOLE_FILLED:
        return SERVER_LOG_DEBUG;
    case PAXOS_NOTE_FORGOT:
    case PAXOS_NOTE_SUPERSEDED:
    case PAXOS_NOTE_LEADERLESS:
    case PAXOS_NOTE_CHANGE_REFUSED:
        return SERVER_LOG_WARN;
    case PAXOS_NOTE_VERIFIED:
    case PAXOS_NOTE_PREVOTING:
    case PAXOS_NOTE_PREPARING:
    case PAXOS_NOTE_LEADING:
    case PAXOS_NOTE_ESTABLISHED:
    case PAXOS_NOTE_STEPPED_DOWN:
    case PAXOS_NOTE_FOLLOWING:
    case PAXOS_NOTE_CONFIG_CHOSEN:
    case PAXOS_NOTE_CONFIG_ACTIVE:
    case PAXOS_NOTE_JOINED:
    case PAXOS_NOTE_PROMOTED:
    case PAXOS_NOTE_REMOVED:
    case PAXOS_NOTE_INSTALLED:
    case PAXOS_NOTE_HANDING_OVER:
    case PAXOS_NOTE_COUNT:
        break;
    }
    return SERVER_LOG_INFO;
}

static void on_note(struct server_events *events, const struct replica_event *event,
                    uint64_t now_ms)
{
    struct server_line line;
    char name[64];
    uint64_t suppressed = 0;
    enum server_log_level level = level_of_note(event->note.kind);
    events->notes[event->note.kind]++;
    if (level < events->log->level ||
        !server_limit_pass(&events->note_limit, now_ms, NOTES_WINDOW_MS, NOTES_BURST,
                           &suppressed)) {
        return;
    }
    lower(name, sizeof(name), paxos_note_name(event->note.kind));
    server_line_begin(&line, events->log, level, name);
    put_place(&line, events);
    put_peer(&line, event);
    server_line_str(&line, "text", paxos_note_text(event->note.kind));
    if (suppressed > 0) {
        server_line_u64(&line, "suppressed", suppressed);
    }
    server_line_end(&line);
}

static void on_bad_frame(struct server_events *events, const struct replica_event *event,
                         uint64_t now_ms)
{
    struct server_line line;
    uint64_t suppressed = 0;
    events->frames_bad++;
    if (!server_limit_pass(&events->frame_limit, now_ms, FRAMES_WINDOW_MS, FRAMES_BURST,
                           &suppressed)) {
        return;
    }
    server_line_begin(&line, events->log, SERVER_LOG_WARN, "peer_frame_refused");
    put_place(&line, events);
    put_peer(&line, event);
    server_line_str(&line, "text", event->text);
    if (suppressed > 0) {
        server_line_u64(&line, "suppressed", suppressed);
    }
    server_line_end(&line);
}

static void on_fatal(struct server_events *events, const struct replica_event *event)
{
    struct server_line line;
    const char *text = event->text != NULL ? event->text : "the replica cannot go on";
    snprintf(events->fatal, sizeof(events->fatal), "%s", text);
    server_line_begin(&line, events->log, SERVER_LOG_ERROR, "failed");
    put_place(&line, events);
    server_line_str(&line, "text", text);
    server_line_end(&line);
}

void server_events_replica(struct server_events *events, const struct replica_event *event,
                           uint64_t now_ms)
{
    struct server_line line;
    remember_place(events, event);
    switch (event->kind) {
    case REPLICA_EV_STARTED:
        server_line_begin(&line, events->log, SERVER_LOG_INFO, "recovered");
        put_place(&line, events);
        server_line_u64(&line, "records", event->count);
        server_line_end(&line);
        return;
    case REPLICA_EV_NOTE:
        on_note(events, event, now_ms);
        return;
    case REPLICA_EV_LOADED:
        server_line_begin(&line, events->log, SERVER_LOG_INFO, "loaded");
        put_place(&line, events);
        server_line_hex(&line, "digest", event->digest);
        server_line_end(&line);
        return;
    case REPLICA_EV_APPLIED:
        server_line_begin(&line, events->log, SERVER_LOG_DEBUG, "applied");
        put_place(&line, events);
        server_line_hex(&line, "digest", event->digest);
        server_line_end(&line);
        return;
    case REPLICA_EV_COMMAND:
        return; /* one line a slot is enough */
    case REPLICA_EV_INSTALLED:
        server_line_begin(&line, events->log, SERVER_LOG_INFO, "installed");
        put_place(&line, events);
        server_line_str(&line, "text", "a peer's snapshot took the place of the state");
        server_line_end(&line);
        return;
    case REPLICA_EV_FENCED:
        server_line_begin(&line, events->log, SERVER_LOG_ERROR, "fenced");
        server_line_u64(&line, "slot", event->slot);
        server_line_hex(&line, "digest", event->digest);
        server_line_str(&line, "text", event->text);
        server_line_end(&line);
        return;
    case REPLICA_EV_REBUILT:
        server_line_begin(&line, events->log, SERVER_LOG_WARN, "rebuilt");
        server_line_u64(&line, "slot", event->slot);
        server_line_u64(&line, "differed", event->count);
        server_line_str(&line, "text", "the state was built anew: this replica serves again");
        server_line_end(&line);
        return;
    case REPLICA_EV_SNAPSHOT_BAD:
        server_line_begin(&line, events->log, SERVER_LOG_WARN, "snapshot_bad");
        server_line_u64(&line, "slot", event->slot);
        server_line_str(&line, "text", event->text);
        server_line_end(&line);
        return;
    case REPLICA_EV_FRAME_BAD:
        on_bad_frame(events, event, now_ms);
        return;
    case REPLICA_EV_BORN:
        server_line_begin(&line, events->log, SERVER_LOG_INFO, "born");
        put_place(&line, events);
        server_line_str(&line, "text", "this replica founded a cluster");
        server_line_end(&line);
        return;
    case REPLICA_EV_FATAL:
        on_fatal(events, event);
        return;
    }
    CD_UNREACHABLE();
}

void server_events_transport(struct server_events *events, enum transport_log_level level,
                             const char *event, const char *text)
{
    static const enum server_log_level LEVELS[] = {
        [TRANSPORT_LOG_DEBUG] = SERVER_LOG_DEBUG,
        [TRANSPORT_LOG_INFO] = SERVER_LOG_INFO,
        [TRANSPORT_LOG_WARNING] = SERVER_LOG_WARN,
        [TRANSPORT_LOG_ERROR] = SERVER_LOG_ERROR,
    };
    struct server_line line;
    server_line_begin(&line, events->log, LEVELS[level], event);
    server_line_str(&line, "text", text);
    server_line_end(&line);
}
