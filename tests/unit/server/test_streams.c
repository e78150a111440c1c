#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "server/streams.h"

#include <stdbool.h>
#include <string.h>

/*
 * Goal: the table of open streams loses none and closes each that is due, once. Method: stories,
 * and a long random run against a naive twin.
 */

static void a_stream_without_end_is_never_due(void **state)
{
    (void)state;
    struct server_streams streams;
    server_streams_init(&streams);
    server_streams_add(&streams, 7);
    assert_int_equal(server_streams_take_due(&streams, SERVER_NEVER_MS - 1), 0);
    server_streams_touch(&streams, 7, 10);
    assert_int_equal(server_streams_take_due(&streams, SERVER_NEVER_MS - 1), 0);
    server_streams_release(&streams);
    server_streams_release(&streams);
}

static void an_ended_stream_is_due_once(void **state)
{
    (void)state;
    struct server_streams streams;
    server_streams_init(&streams);
    server_streams_add(&streams, 1);
    server_streams_add(&streams, UINT64_C(1) << 40);
    server_streams_add(&streams, 2);
    server_streams_end(&streams, 2, 100);
    assert_int_equal(streams.due_ms, 100);
    assert_int_equal(server_streams_take_due(&streams, 99), 0);
    server_streams_touch(&streams, 2, 150); /* an answer went out */
    assert_int_equal(server_streams_take_due(&streams, 149), 0);
    assert_int_equal(streams.due_ms, 150);
    assert_int_equal(server_streams_take_due(&streams, 150), 2);
    assert_int_equal(server_streams_take_due(&streams, 1000), 0);
    assert_true(streams.due_ms == SERVER_NEVER_MS);
    server_streams_remove(&streams, 2);
    server_streams_end(&streams, 2, 5); /* gone: without effect */
    assert_int_equal(server_streams_take_due(&streams, 1000), 0);
    assert_int_equal(streams.count, 2);
    server_streams_release(&streams);
}

#define TWIN_IDS 64u

struct twin {
    bool open[TWIN_IDS];
    uint64_t close_ms[TWIN_IDS];
};

/* Whether the twin too thinks that `id` is due, and that none is if it is 0. */
static void check_due(struct twin *twin, uint64_t id, uint64_t now_ms)
{
    if (id != 0) {
        assert_true(twin->open[id] && twin->close_ms[id] <= now_ms);
        twin->close_ms[id] = SERVER_NEVER_MS;
        return;
    }
    for (size_t i = 1; i < TWIN_IDS; i++) {
        assert_true(!twin->open[i] || twin->close_ms[i] > now_ms);
    }
}

static void step(struct server_streams *streams, struct twin *twin, struct cd_prng *prng,
                 uint64_t now_ms)
{
    uint64_t id = 1 + cd_prng_below(prng, TWIN_IDS - 1);
    uint64_t close_ms = now_ms + cd_prng_below(prng, 50);
    switch (cd_prng_below(prng, 5)) {
    case 0:
    case 1:
        if (!twin->open[id]) {
            server_streams_add(streams, id);
            twin->open[id] = true;
            twin->close_ms[id] = SERVER_NEVER_MS;
        }
        break;
    case 2:
        if (twin->open[id]) {
            server_streams_remove(streams, id);
            twin->open[id] = false;
        }
        break;
    case 3:
        server_streams_end(streams, id, close_ms);
        twin->close_ms[id] = twin->open[id] ? close_ms : SERVER_NEVER_MS;
        break;
    default:
        server_streams_touch(streams, id, close_ms);
        if (twin->open[id] && twin->close_ms[id] != SERVER_NEVER_MS) {
            twin->close_ms[id] = close_ms;
        }
        break;
    }
}

static void the_same_as_a_naive_twin(void **state)
{
    (void)state;
    struct server_streams streams;
    struct twin twin;
    struct cd_prng prng;
    cd_prng_init(&prng, 1);
    server_streams_init(&streams);
    memset(&twin, 0, sizeof(twin));
    for (uint64_t now = 0; now < 20000; now++) {
        step(&streams, &twin, &prng, now);
        uint64_t id;
        do {
            id = server_streams_take_due(&streams, now);
            check_due(&twin, id, now);
        } while (id != 0);
        size_t open = 0;
        for (size_t i = 1; i < TWIN_IDS; i++) {
            open += twin.open[i] ? 1 : 0;
        }
        assert_int_equal(open, streams.count);
    }
    server_streams_release(&streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_without_end_is_never_due),
        cmocka_unit_test(an_ended_stream_is_due_once),
        cmocka_unit_test(the_same_as_a_naive_twin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
