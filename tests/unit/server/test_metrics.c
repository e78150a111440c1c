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
static char text[64 * 1024];

static void fill(void)
{
    const struct server_figures figures = {.view = &view,
                                           .transport = &transport,
                                           .events = &events,
                                           .turns = 501,
                                           .certificate_ends_s = 1800000000};
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
        cmocka_unit_test(a_leader_counts_once_established),
        cmocka_unit_test(names_follow_the_rules),
        cmocka_unit_test(the_reason_names_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
