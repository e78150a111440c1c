#include "server/metrics.h"

#include <stdio.h>
#include <string.h>

/*
 * X(name, type, value, help), in the order shown. `v` is the view, `p` paxos in it, `t` the
 * transport, `f` the figures.
 */
#define METRICS(X)                                                                                 \
    X(coord_born, GAUGE, v->born, "1 if this replica belongs to a cluster.")                       \
    X(coord_ready, GAUGE, v->ready, "1 if this replica serves.")                                   \
    X(coord_is_leader, GAUGE, p->role == PAXOS_ROLE_LEADER && p->established,                      \
      "1 if this replica leads and has applied its own leadership.")                               \
    X(coord_is_voter, GAUGE, p->voter, "1 if this replica votes.")                                 \
    X(coord_voters, GAUGE, v->voters, "Voters in the newest configuration; 0 before birth.")       \
    X(coord_leader, GAUGE, p->leader, "Number of the leader; 0 if none is known.")                 \
    X(coord_leader_silence_seconds, GAUGE, (double)p->since_leader_ms / 1e3,                       \
      "Time since a leader was heard; 0 on the leader.")                                           \
    X(coord_ballot_round, GAUGE, p->ballot.round, "Round of the ballot in force.")                 \
    X(coord_known_chosen_slot, GAUGE, p->known_chosen, "Highest chosen slot heard of.")            \
    X(coord_chosen_slot, GAUGE, p->chosen, "Highest slot known here as chosen.")                   \
    X(coord_applied_slot, GAUGE, p->applied, "Highest slot applied.")                              \
    X(coord_zxid, GAUGE, v->zxid, "Number of the last applied change.")                            \
    X(coord_nodes, GAUGE, v->nodes, "Nodes in the tree.")                                          \
    X(coord_sessions, GAUGE, v->sessions, "Sessions open in the cluster's state.")                 \
    X(coord_watches, GAUGE, v->watches, "Watches set on this replica's streams.")                  \
    X(coord_streams, GAUGE, v->streams, "Client streams that the replica serves.")                 \
    X(coord_waiting_writes, GAUGE, v->waiting_writes, "Writes without an answer yet.")             \
    X(coord_waiting_reads, GAUGE, v->waiting_reads, "Reads without an answer yet.")                \
    X(coord_queued_bytes, GAUGE, v->queued_bytes, "Commands that wait to be proposed.")            \
    X(coord_delayed_bytes, GAUGE, v->delayed_bytes, "Messages to peers that wait for the disk.")   \
    X(coord_disk_waiting_bytes, GAUGE, v->disk_bytes,                                              \
      "Records given to the log that are not durable yet.")                                        \
    X(coord_leader_changes_total, COUNTER, v->leader_changes,                                      \
      "Times another leader than the last one was known.")                                         \
    X(coord_snapshots_taken_total, COUNTER, v->snapshots_taken, "Snapshots made here.")            \
    X(coord_snapshots_installed_total, COUNTER, v->snapshots_installed,                            \
      "Snapshots of others that replaced the state here.")                                         \
    X(coord_fenced, GAUGE, v->fenced,                                                              \
      "1 while the state here differs from the majority's and nobody is served.")                  \
    X(coord_undecided_slot, GAUGE, v->undecided_slot,                                              \
      "At a leader whose writes have stopped: the slot whose digest no majority agrees on.")       \
    X(coord_digests_agreed_total, COUNTER, v->digests_agreed,                                      \
      "Digests of this replica that a majority agreed with.")                                      \
    X(coord_fences_total, COUNTER, v->fences, "Times the state here was found to differ.")         \
    X(coord_rebuilds_total, COUNTER, v->rebuilds,                                                  \
      "Times such a state was built anew from snapshot and log.")                                  \
    X(coord_session_graces_total, COUNTER, v->graces,                                              \
      "Times all sessions got their full timeout again, since this leader was late.")              \
    X(coord_proposed_commands_total, COUNTER, v->proposed_commands, "Commands proposed here.")     \
    X(coord_applied_commands_total, COUNTER, v->applied_commands, "Commands applied.")             \
    X(coord_batches_total, COUNTER, v->batches, "Slots proposed with commands.")                   \
    X(coord_reads_total, COUNTER, v->reads, "Reads answered.")                                     \
    X(coord_refused_total, COUNTER, v->refused, "Requests answered with a refusal.")               \
    X(coord_log_bytes_total, COUNTER, v->log_bytes, "Bytes appended to the log.")                  \
    X(coord_log_syncs_total, COUNTER, v->log_syncs, "Times the log was made durable.")             \
    X(coord_peer_frames_refused_total, COUNTER, f->events->frames_bad,                             \
      "Peers' frames that made no sense.")                                                         \
    X(coord_loop_turns_total, COUNTER, f->turns, "Turns of the loop.")                             \
    X(coord_certificate_expiry_timestamp_seconds, GAUGE, f->certificate_ends_s,                    \
      "When the certificate in force ends, in seconds since 1970.")                                \
    X(coord_ca_expiry_timestamp_seconds, GAUGE, f->ca_ends_s,                                      \
      "When the first of the CA's certificates ends, in seconds since 1970.")                      \
    X(coord_certificate_reloads_total, COUNTER, f->certificate_reloads,                            \
      "Times new certificates were taken.")                                                        \
    X(coord_certificate_reload_failures_total, COUNTER, f->certificate_failures,                   \
      "Times the certificates' files were refused; the old ones stay.")                            \
    X(coord_transport_streams, GAUGE, t->streams_open, "Client streams open.")                     \
    X(coord_transport_calls, GAUGE, t->calls_open, "Single calls without an answer.")              \
    X(coord_transport_in_waiting_bytes, GAUGE, t->in_bytes_waiting,                                \
      "Received bytes that wait for the loop.")                                                    \
    X(coord_transport_out_waiting_bytes, GAUGE, t->out_bytes_waiting,                              \
      "Bytes that wait for clients to read.")                                                      \
    X(coord_transport_streams_opened_total, COUNTER, t->streams_opened, "Client streams opened.")  \
    X(coord_transport_streams_refused_total, COUNTER, t->streams_refused,                          \
      "Client streams refused.")                                                                   \
    X(coord_transport_streams_cut_off_total, COUNTER, t->streams_cut_off,                          \
      "Client streams cut off because the client did not read.")                                   \
    X(coord_transport_calls_total, COUNTER, t->calls_received, "Single calls received.")           \
    X(coord_transport_calls_refused_total, COUNTER, t->calls_refused, "Single calls refused.")     \
    X(coord_transport_client_in_frames_total, COUNTER, t->client_frames_in,                        \
      "Frames from clients.")                                                                      \
    X(coord_transport_client_in_bytes_total, COUNTER, t->client_bytes_in, "Bytes from clients.")   \
    X(coord_transport_client_out_frames_total, COUNTER, t->client_frames_out,                      \
      "Frames to clients.")                                                                        \
    X(coord_transport_client_out_bytes_total, COUNTER, t->client_bytes_out, "Bytes to clients.")   \
    X(coord_transport_reads_paused_total, COUNTER, t->reads_paused,                                \
      "Times reading from a client stopped at a mark.")                                            \
    X(coord_transport_peer_links, GAUGE, t->peer_links_up, "Links to peers that stand.")           \
    X(coord_transport_peer_dials_total, COUNTER, t->peer_dials, "Dials of peers.")                 \
    X(coord_transport_peer_dials_failed_total, COUNTER, t->peer_dials_failed,                      \
      "Dials of peers that failed.")                                                               \
    X(coord_transport_peer_reconnects_total, COUNTER, t->peer_reconnects,                          \
      "Links to peers that came back.")                                                            \
    X(coord_transport_peer_refused_total, COUNTER, t->peer_refused,                                \
      "Peer streams refused for their identity.")                                                  \
    X(coord_transport_peer_in_frames_total, COUNTER, t->peer_frames_in, "Frames from peers.")      \
    X(coord_transport_peer_in_bytes_total, COUNTER, t->peer_bytes_in, "Bytes from peers.")         \
    X(coord_transport_peer_out_frames_total, COUNTER, t->peer_frames_out, "Frames to peers.")      \
    X(coord_transport_peer_out_bytes_total, COUNTER, t->peer_bytes_out, "Bytes to peers.")         \
    X(coord_transport_peer_frames_dropped_total, COUNTER, t->peer_frames_dropped,                  \
      "Frames to peers dropped: link down or queue full.")                                         \
    X(coord_transport_handshakes_failed_total, COUNTER, t->handshakes_failed,                      \
      "TLS handshakes that failed.")

/* X(family, histogram, help): the latencies, behind all of the above. */
#define HISTOGRAMS(X)                                                                              \
    X(coord_commit_seconds, v->commits, "Writes served here: from acceptance until applied.")      \
    X(coord_fsync_seconds, f->syncs, "Syncs of the log, on the disk thread.")                      \
    X(coord_apply_seconds, v->applies, "Applying one slot.")

#define COUNT_ONE(name, type, value, help) +1
enum {
    PLAIN_COUNT = METRICS(COUNT_ONE),
    ROLE_COUNT = PAXOS_ROLE_LEADER + 1,
    BUCKETS_COUNT = CD_HISTOGRAM_BOUNDS + 1, /* and +Inf */
#define COUNT_HISTOGRAM(family, value, help) +1
    HISTOGRAMS_COUNT = HISTOGRAMS(COUNT_HISTOGRAM),
#undef COUNT_HISTOGRAM
    ALL_COUNT =
        1 + PLAIN_COUNT + ROLE_COUNT + PAXOS_NOTE_COUNT + HISTOGRAMS_COUNT * (BUCKETS_COUNT + 2),
};
CD_STATIC_ASSERT((unsigned)ALL_COUNT <= HTTP_METRICS_MAX, "the snapshot has room");

/* Adds one; returns where its labels go. */
static char *add(struct server_metrics *metrics, const char *name, enum http_metric_type type,
                 const char *help)
{
    char *labels = metrics->labels[metrics->count];
    metrics->table[metrics->count] =
        (struct http_metric){.name = name, .help = help, .labels = labels, .type = type};
    metrics->count++;
    return labels;
}

/* `{key="value"}`, the value in lower case; values are words of our own. */
static void put_label(char *labels, const char *key, const char *value)
{
    snprintf(labels, SERVER_LABELS_BYTES, "{%s=\"%s\"}", key, value);
    for (char *c = labels; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z') {
            *c = (char)(*c - 'A' + 'a');
        }
    }
}

/* Rows of one latency: its buckets, which count all up to their bound, the sum and the count. */
static void add_histogram(struct server_metrics *metrics, const char *family, const char *bucket,
                          const char *sum, const char *count, const char *help)
{
#define BOUND_TEXT(bound, text) text,
    static const char *const BOUNDS[] = {CD_HISTOGRAM_BOUND_TABLE(BOUND_TEXT) "+Inf"};
#undef BOUND_TEXT
    for (int i = 0; i < BUCKETS_COUNT; i++) {
        char *labels = add(metrics, bucket, HTTP_HISTOGRAM, help);
        (void)snprintf(labels, SERVER_LABELS_BYTES, "{le=\"%s\"}", BOUNDS[i]);
        metrics->table[metrics->count - 1].family = family;
    }
    (void)add(metrics, sum, HTTP_HISTOGRAM, help);
    metrics->table[metrics->count - 1].family = family;
    (void)add(metrics, count, HTTP_HISTOGRAM, help);
    metrics->table[metrics->count - 1].family = family;
}

static double *fill_histogram(double *to, const struct cd_histogram *histogram)
{
    uint64_t count = 0;
    for (int i = 0; i < BUCKETS_COUNT; i++) {
        count += histogram->counts[i];
        *to++ = (double)count;
    }
    *to++ = (double)histogram->sum_us / 1e6;
    *to++ = (double)count;
    return to;
}

void server_metrics_init(struct server_metrics *metrics, const char *version)
{
    memset(metrics, 0, sizeof(*metrics));
    put_label(
        add(metrics, "coord_build_info", HTTP_GAUGE, "Always 1; the label tells the version."),
        "version", version);
#define ADD_ONE(name, type, value, help) (void)add(metrics, #name, HTTP_##type, help);
    METRICS(ADD_ONE)
#undef ADD_ONE
    for (int role = 0; role < ROLE_COUNT; role++) {
        put_label(add(metrics, "coord_role", HTTP_GAUGE, "1 for the role that this replica has."),
                  "role", paxos_role_name((enum paxos_role)role));
    }
    for (int kind = 0; kind < PAXOS_NOTE_COUNT; kind++) {
        put_label(add(metrics, "coord_paxos_events_total", HTTP_COUNTER,
                      "What consensus told, by kind; README.md says what each means."),
                  "event", paxos_note_name((enum paxos_note_kind)kind));
    }
#define ADD_HISTOGRAM(family, value, help)                                                         \
    add_histogram(metrics, #family, #family "_bucket", #family "_sum", #family "_count", help);
    HISTOGRAMS(ADD_HISTOGRAM)
#undef ADD_HISTOGRAM
    CD_ASSERT(metrics->count == ALL_COUNT);
}

void server_metrics_fill(struct server_metrics *metrics, const struct server_figures *figures)
{
    const struct server_figures *f = figures;
    const struct replica_view *v = f->view;
    const struct paxos_status *p = &v->paxos;
    const struct transport_metrics *t = f->transport;
    double *to = metrics->values;
    *to++ = 1;
#define FILL_ONE(name, type, value, help) *to++ = (double)(value);
    METRICS(FILL_ONE)
#undef FILL_ONE
    for (int role = 0; role < ROLE_COUNT; role++) {
        *to++ = p->role == (enum paxos_role)role ? 1 : 0;
    }
    for (int kind = 0; kind < PAXOS_NOTE_COUNT; kind++) {
        *to++ = (double)f->events->notes[kind];
    }
#define FILL_HISTOGRAM(family, value, help) to = fill_histogram(to, &(value));
    HISTOGRAMS(FILL_HISTOGRAM)
#undef FILL_HISTOGRAM
    CD_ASSERT(to == metrics->values + metrics->count);
}

const char *server_unready_reason(const struct replica_view *view, bool stopping)
{
    if (view->ready && !stopping) {
        return "";
    }
    if (stopping) {
        return "stopping";
    }
    if (!view->born) {
        return "this replica belongs to no cluster yet; run `coordctl init` on one replica, the "
               "others join it";
    }
    if (view->paxos.leader == 0) {
        return "no leader is known; a majority of the replicas must be up and reach each other";
    }
    return "behind the leader and catching up";
}
