#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/metrics.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/*
 * Goal: names are well-formed and each value stands under its own name. Method: a view in which
 * every figure is different; the text as Prometheus would read it.
 */

static struct server_metrics metrics;
static struct server_events events;
static struct replica_view view;
static struct transport_metrics transport;
static struct cd_histogram syncs;
static char text[64 * 1024];

static void fill(void)
{
    const struct server_figures figures = {.view = &view,
                                           .transport = &transport,
                                           .events = &events,
                                           .turns = 501,
                                           .certificate_ends_s = 1800000000,
                                           .ca_ends_s = 1900000000,
                                           .certificate_reloads = 502,
                                           .certificate_failures = 503,
                                           .syncs = syncs};
    struct cd_buf out;
    server_metrics_init(&metrics, "1.2.3");
    server_metrics_fill(&metrics, &figures);
    cd_buf_init(&out, sizeof(text) - 1);
    http_put_metrics(&out, metrics.table, metrics.values, metrics.count);
    assert_false(out.overflowed);
    memcpy(text, out.data, out.bytes);
    text[out.bytes] = '\0';
    cd_buf_release(&out);
}

static void assert_sample(const char *sample)
{
    char line[256];
    snprintf(line, sizeof(line), "\n%s\n", sample);
    if (strstr(text, line) == NULL) {
        fail_msg("no line \"%s\" in\n%s", sample, text);
    }
}

static void values_stand_under_their_names(void **state)
{
    (void)state;
    server_events_init(&events, NULL);
    view = (struct replica_view){.born = true,
                                 .ready = true,
                                 .voters = 25,
                                 .zxid = 11,
                                 .nodes = 12,
                                 .streams = 13,
                                 .waiting_writes = 14,
                                 .waiting_reads = 15,
                                 .proposed_commands = 16,
                                 .applied_commands = 17,
                                 .batches = 18,
                                 .reads = 19,
                                 .refused = 20,
                                 .log_bytes = 21,
                                 .log_syncs = 22};
    view.paxos.role = PAXOS_ROLE_LEADER;
    view.paxos.established = true;
    view.paxos.leader = 3;
    view.paxos.chosen = 23;
    view.paxos.applied = 24;
    view.paxos.since_leader_ms = 1500;
    transport = (struct transport_metrics){.streams_open = 30,
                                           .streams_cut_off = 31,
                                           .peer_frames_dropped = 32,
                                           .handshakes_failed = 33};
    events.notes[PAXOS_NOTE_LEADING] = 40;
    events.notes[PAXOS_NOTE_CHANGE_REFUSED] = 41;
    events.frames_bad = 42;
    fill();
    assert_sample("coord_build_info{version=\"1.2.3\"} 1");
    assert_sample("coord_born 1");
    assert_sample("coord_ready 1");
    assert_sample("coord_is_leader 1");
    assert_sample("coord_is_voter 0");
    assert_sample("coord_voters 25");
    assert_sample("coord_leader 3");
    assert_sample("coord_leader_silence_seconds 1.5");
    assert_sample("coord_chosen_slot 23");
    assert_sample("coord_applied_slot 24");
    assert_sample("coord_zxid 11");
    assert_sample("coord_nodes 12");
    assert_sample("coord_streams 13");
    assert_sample("coord_waiting_writes 14");
    assert_sample("coord_waiting_reads 15");
    assert_sample("coord_proposed_commands_total 16");
    assert_sample("coord_applied_commands_total 17");
    assert_sample("coord_batches_total 18");
    assert_sample("coord_reads_total 19");
    assert_sample("coord_refused_total 20");
    assert_sample("coord_log_bytes_total 21");
    assert_sample("coord_log_syncs_total 22");
    assert_sample("coord_peer_frames_refused_total 42");
    assert_sample("coord_loop_turns_total 501");
    assert_sample("coord_certificate_expiry_timestamp_seconds 1800000000");
    assert_sample("coord_transport_streams 30");
    assert_sample("coord_transport_streams_cut_off_total 31");
    assert_sample("coord_transport_peer_frames_dropped_total 32");
    assert_sample("coord_transport_handshakes_failed_total 33");
    assert_sample("coord_role{role=\"leader\"} 1");
    assert_sample("coord_role{role=\"follower\"} 0");
    assert_sample("coord_paxos_events_total{event=\"leading\"} 40");
    assert_sample("coord_paxos_events_total{event=\"change_refused\"} 41");
}

static void queues_and_certificates(void **state)
{
    (void)state;
    server_events_init(&events, NULL);
    memset(&view, 0, sizeof(view));
    view.leader_changes = 60;
    view.queued_bytes = 61;
    view.delayed_bytes = 62;
    view.disk_bytes = 63;
    view.sessions = 64;
    view.watches = 65;
    view.snapshots_taken = 66;
    view.snapshots_installed = 67;
    view.fenced = true;
    view.undecided_slot = 68;
    view.digests_agreed = 69;
    view.fences = 70;
    view.rebuilds = 71;
    view.graces = 72;
    fill();
    assert_sample("coord_ca_expiry_timestamp_seconds 1900000000");
    assert_sample("coord_certificate_reloads_total 502");
    assert_sample("coord_certificate_reload_failures_total 503");
    assert_sample("coord_leader_changes_total 60");
    assert_sample("coord_queued_bytes 61");
    assert_sample("coord_delayed_bytes 62");
    assert_sample("coord_disk_waiting_bytes 63");
    assert_sample("coord_sessions 64");
    assert_sample("coord_watches 65");
    assert_sample("coord_snapshots_taken_total 66");
    assert_sample("coord_snapshots_installed_total 67");
    assert_sample("coord_fenced 1");
    assert_sample("coord_undecided_slot 68");
    assert_sample("coord_digests_agreed_total 69");
    assert_sample("coord_fences_total 70");
    assert_sample("coord_rebuilds_total 71");
    assert_sample("coord_session_graces_total 72");
}

static void latencies_are_histograms(void **state)
{
    (void)state;
    server_events_init(&events, NULL);
    memset(&view, 0, sizeof(view));
    memset(&syncs, 0, sizeof(syncs));
    cd_histogram_add(&view.commits, 900);
    cd_histogram_add(&view.commits, 900);
    cd_histogram_add(&view.commits, 700000);
    cd_histogram_add(&view.applies, 7);
    cd_histogram_add(&syncs, 2000000);
    fill();
    assert_sample("# TYPE coord_commit_seconds histogram");
    assert_sample("coord_commit_seconds_bucket{le=\"0.0005\"} 0");
    assert_sample("coord_commit_seconds_bucket{le=\"0.001\"} 2");
    assert_sample("coord_commit_seconds_bucket{le=\"0.25\"} 2");
    assert_sample("coord_commit_seconds_bucket{le=\"1\"} 3");
    assert_sample("coord_commit_seconds_bucket{le=\"+Inf\"} 3");
    assert_sample("coord_commit_seconds_count 3");
    assert_sample("coord_apply_seconds_bucket{le=\"1e-05\"} 1");
    assert_sample("coord_apply_seconds_count 1");
    assert_sample("coord_fsync_seconds_bucket{le=\"1\"} 0");
    assert_sample("coord_fsync_seconds_bucket{le=\"+Inf\"} 1");
    assert_sample("coord_fsync_seconds_sum 2");
    assert_sample("coord_fsync_seconds_count 1");
}

/* A leader that has not applied its own leadership yet cannot serve, so it does not count. */
static void a_leader_counts_once_established(void **state)
{
    (void)state;
    server_events_init(&events, NULL);
    memset(&view, 0, sizeof(view));
    view.paxos.role = PAXOS_ROLE_LEADER;
    fill();
    assert_sample("coord_is_leader 0");
    assert_sample("coord_role{role=\"leader\"} 1");
}

static bool is_metric_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_')) {
            return false;
        }
    }
    return strncmp(name, "coord_", 6) == 0;
}

static void names_follow_the_rules(void **state)
{
    (void)state;
    server_metrics_init(&metrics, "1");
    for (size_t i = 0; i < metrics.count; i++) {
        const struct http_metric *metric = &metrics.table[i];
        size_t bytes = strlen(metric->name);
        bool total = bytes > 6 && strcmp(metric->name + bytes - 6, "_total") == 0;
        assert_true(is_metric_name(metric->name));
        assert_int_equal(total, metric->type == HTTP_COUNTER);
        assert_int_equal(metric->family != NULL, metric->type == HTTP_HISTOGRAM);
        assert_null(strpbrk(metric->help, "\\\n"));
        for (size_t j = 0; j < i; j++) {
            bool same = strcmp(metrics.table[j].name, metric->name) == 0;
            assert_false(same && strcmp(metrics.table[j].labels, metric->labels) == 0);
            assert_true(!same || strcmp(metrics.table[i - 1].name, metric->name) == 0);
        }
    }
}

static void the_reason_names_what_is_missing(void **state)
{
    (void)state;
    memset(&view, 0, sizeof(view));
    assert_non_null(strstr(server_unready_reason(&view, false), "coordctl init"));
    assert_string_equal(server_unready_reason(&view, true), "stopping");
    view.born = true;
    assert_non_null(strstr(server_unready_reason(&view, false), "no leader is known"));
    view.paxos.leader = 2;
    assert_non_null(strstr(server_unready_reason(&view, false), "catching up"));
    view.ready = true;
    assert_string_equal(server_unready_reason(&view, false), "");
    assert_string_equal(server_unready_reason(&view, true), "stopping");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_under_their_names),
        cmocka_unit_test(queues_and_certificates),
        cmocka_unit_test(latencies_are_histograms),
        cmocka_unit_test(a_leader_counts_once_established),
        cmocka_unit_test(names_follow_the_rules),
        cmocka_unit_test(the_reason_names_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
