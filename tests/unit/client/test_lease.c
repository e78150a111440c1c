#include "src/lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * Goal: L1 to L4 of lease.h: never a longer lease than the frames that were confirmed give. Method:
 * hand-made times, and a naive twin that remembers every frame.
 */

static void test_it_runs_from_the_sending(void **state)
{
    struct client_lease lease;
    (void)state;
    client_lease_begin(&lease, 1000, 6000);
    assert_int_equal(client_lease_suspect_ms(&lease), 4000);
    assert_int_equal(client_lease_lost_ms(&lease), 6880);
    client_lease_sent(&lease, 2, 2000);
    client_lease_sent(&lease, 3, 3000);
    client_lease_confirmed(&lease, 2); /* whenever that arrives */
    assert_int_equal(client_lease_lost_ms(&lease), 7880);
    client_lease_confirmed(&lease, 3);
    assert_int_equal(client_lease_lost_ms(&lease), 8880);
}

static void test_states_by_the_clock(void **state)
{
    struct client_lease lease;
    (void)state;
    client_lease_begin(&lease, 0, 10000);
    assert_int_equal(client_lease_state(&lease, 4999), CLIENT_LEASE_GOOD);
    assert_int_equal(client_lease_state(&lease, 5000), CLIENT_LEASE_SUSPECT);
    assert_int_equal(client_lease_state(&lease, 9799), CLIENT_LEASE_SUSPECT);
    assert_int_equal(client_lease_state(&lease, 9800), CLIENT_LEASE_LOST);
    assert_int_equal(client_lease_beat_ms(&lease), 1666);
    client_lease_begin(&lease, 0, 3);
    assert_int_equal(client_lease_beat_ms(&lease), 1);
}

static void test_another_stream_counts_anew(void **state)
{
    struct client_lease lease;
    (void)state;
    client_lease_begin(&lease, 0, 6000);
    client_lease_sent(&lease, 7, 5000);
    client_lease_move(&lease);
    client_lease_confirmed(&lease, 7); /* no frame of this stream */
    assert_int_equal(client_lease_lost_ms(&lease), 5880);
    client_lease_sent(&lease, 1, 5500);
    client_lease_confirmed(&lease, 1);
    assert_int_equal(client_lease_lost_ms(&lease), 11380);
}

static void test_it_never_moves_back(void **state)
{
    struct client_lease lease;
    (void)state;
    client_lease_begin(&lease, 5000, 6000);
    client_lease_sent(&lease, 1, 4000); /* before the session was opened on the stream */
    client_lease_confirmed(&lease, 1);
    assert_int_equal(client_lease_lost_ms(&lease), 10880);
}

/* Frames of every pace; what is confirmed is at most what the twin says, and little less. */
static void test_twin(void **state)
{
    enum { FRAMES = 5000 };
    static uint64_t sent[FRAMES + 1];
    const uint64_t paces[] = {0, 1, 50, 400, 2000};
    (void)state;
    for (size_t p = 0; p < sizeof(paces) / sizeof(paces[0]); p++) {
        struct client_lease lease;
        uint64_t now = 10;
        uint64_t random = 7 + p;
        uint64_t confirmed = 0;
        client_lease_begin(&lease, now, 6000);
        for (uint64_t frame = 1; frame <= FRAMES; frame++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            now += paces[p] != 0 ? (random >> 33) % (2 * paces[p]) : 0;
            sent[frame] = now;
            client_lease_sent(&lease, frame, now);
            if ((random >> 40) % 3 == 0) {
                confirmed += (random >> 45) % (frame - confirmed + 1);
                client_lease_confirmed(&lease, confirmed);
                uint64_t exact = confirmed != 0 ? sent[confirmed] : 10;
                assert_true(lease.base_ms <= exact);
            }
        }
        client_lease_confirmed(&lease, FRAMES);
        client_lease_sent(&lease, FRAMES + 1, now + 1000);
        client_lease_confirmed(&lease, FRAMES + 1);
        assert_int_equal(lease.base_ms, now + 1000);
    }
}

/* A flood of frames whose confirmations lag does not keep the lease from moving. */
static void test_a_flood(void **state)
{
    struct client_lease lease;
    (void)state;
    client_lease_begin(&lease, 0, 6000);
    for (uint64_t now = 1; now < 60000; now++) {
        client_lease_sent(&lease, now, now);
        if (now > 2000) {
            client_lease_confirmed(&lease, now - 2000);
            uint64_t exact = now - 2000;
            assert_true(lease.base_ms <= exact);
            assert_true(lease.base_ms + 2 * 6000 / CLIENT_LEASE_STEPS >= exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_runs_from_the_sending),
        cmocka_unit_test(test_states_by_the_clock),
        cmocka_unit_test(test_another_stream_counts_anew),
        cmocka_unit_test(test_it_never_moves_back),
        cmocka_unit_test(test_twin),
        cmocka_unit_test(test_a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
