#include "lab.h"

#include "base/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/*
 * Goal: S3 and S6 under anything that replicas and networks do. Method: replicas that answer,
 * refuse, lie, hang and vanish at random; a naive book of what each write was told says how often
 * it may have been sent. A failure prints its seed.
 */

enum { SEEDS = 400, STEPS = 400, TIMEOUT_MS = 4000 };

struct book {
    struct lab lab;
    struct cd_prng prng;
    size_t refusals[LAB_REQUESTS_MAX]; /* "nothing was done", told where the write was waiting */
    uint64_t ended_ms[LAB_REQUESTS_MAX];
};

static uint64_t below(struct book *book, uint64_t bound)
{
    return cd_prng_below(&book->prng, bound);
}

/* A stream that the machine has open; 0 if none was found. */
static uint64_t any_stream(struct book *book)
{
    const struct lab *lab = &book->lab;
    for (int i = 0; i < 10 && lab->streams_count > 0; i++) {
        uint64_t recent = lab->streams_count < 6 ? lab->streams_count : 6;
        uint64_t id = lab->streams_count - below(book, recent);
        if (lab->streams[id].dialled && !lab->streams[id].closed) {
            return id;
        }
    }
    return 0;
}

static void welcome_or_not(struct book *book, uint64_t stream)
{
    static const enum coord_code codes[] = {COORD_NO_LEADER, COORD_BUSY, COORD_NOT_BORN,
                                            COORD_BEHIND, COORD_SHUTTING_DOWN};
    bool fine = below(book, 4) != 0;
    lab_welcome(&book->lab, stream, fine ? COORD_OK : codes[below(book, 5)]);
}

static bool refuses(enum coord_code code)
{
    return code == COORD_NO_LEADER || code == COORD_BUSY || code == COORD_BEHIND ||
           code == COORD_SHUTTING_DOWN;
}

static void answer(struct book *book, uint64_t stream)
{
    static const enum coord_code codes[] = {COORD_OK,
                                            COORD_OK,
                                            COORD_OK,
                                            COORD_NO_NODE,
                                            COORD_NO_LEADER,
                                            COORD_BUSY,
                                            COORD_BEHIND,
                                            COORD_SHUTTING_DOWN,
                                            COORD_OUTCOME_UNKNOWN,
                                            COORD_LIMIT_TIME};
    struct lab *lab = &book->lab;
    if (lab->streams[stream].ids_count == 0) {
        return;
    }
    size_t number = (size_t)below(book, lab->requests_count);
    enum coord_code code = codes[below(book, 10)];
    bool waits = !lab->requests[number].done && lab->requests[number].request.stream == stream;
    if (waits && refuses(code)) {
        book->refusals[number]++;
    }
    lab_reply(lab, stream, number, code);
}

static void step(struct book *book)
{
    struct lab *lab = &book->lab;
    uint64_t stream = any_stream(book);
    uint64_t action = below(book, 100);
    if (action < 15 && lab->requests_count < LAB_REQUESTS_MAX) {
        (void)(below(book, 2) == 0 ? lab_write(lab, TIMEOUT_MS) : lab_read(lab, TIMEOUT_MS));
    } else if (stream == 0 || action < 40) {
        lab_advance(lab, below(book, below(book, 10) == 0 ? 700 : 20));
    } else if (lab->streams[stream].frames == 1 && lab->streams[stream].ids_count == 0) {
        welcome_or_not(book, stream);
    } else if (action < 85) {
        answer(book, stream);
    } else if (action < 88) {
        lab_break(lab, stream);
    } else if (action < 91) {
        lab_no_leader(lab, stream);
    } else if (action < 93) {
        lab_go_away(lab, stream, lab_endpoints[below(book, LAB_ENDPOINTS)]);
    } else if (action < 94) {
        lab_garbage(lab, stream);
    } else if (action < 97) {
        lab->stuck[stream] = !lab->stuck[stream];
        lab_settle(lab);
    }
}

static size_t times_sent(const struct lab *lab, size_t request)
{
    size_t times = 0;
    for (uint64_t id = 1; id <= lab->streams_count; id++) {
        times += lab_sent(lab, id, request);
    }
    return times;
}

static void check(struct book *book)
{
    const struct lab *lab = &book->lab;
    for (size_t i = 0; i < lab->requests_count; i++) {
        const struct lab_request *each = &lab->requests[i];
        size_t times = times_sent(lab, i);
        if (each->request.is_write) {
            assert_true(times <= book->refusals[i] + 1); /* S3 */
        }
        if (each->done && each->request.code == COORD_OK) {
            assert_true(times >= 1);
            assert_non_null(each->request.result);
        }
        bool undone = each->done && each->request.is_write && refuses(each->request.code);
        if (undone) {
            assert_true(times <= book->refusals[i]); /* "nothing was done" is true */
        }
        if (each->done && book->ended_ms[i] == 0) {
            book->ended_ms[i] = lab->now_ms;
            assert_true(lab->now_ms <= each->request.deadline_ms + 700); /* S6, by a step's time */
        }
        assert_true(each->done || lab->now_ms < each->request.deadline_ms + 700);
    }
}

static void run(uint64_t seed)
{
    static struct book book;
    for (size_t i = 0; i < LAB_REQUESTS_MAX; i++) {
        book.refusals[i] = 0;
        book.ended_ms[i] = 0;
    }
    cd_prng_init(&book.prng, seed);
    lab_init(&book.lab, 1 + seed % LAB_ENDPOINTS, seed);
    for (int i = 0; i < STEPS; i++) {
        step(&book);
        check(&book);
    }
    lab_advance(&book.lab, TIMEOUT_MS);
    for (size_t i = 0; i < book.lab.requests_count; i++) {
        assert_true(book.lab.requests[i].done);
    }
    lab_release(&book.lab);
}

static void test_any_history(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        (void)snprintf(*state, 32, "seed %llu", (unsigned long long)seed);
        run(seed);
    }
}

static char current[32];

static int set_up(void **state)
{
    *state = current;
    return 0;
}

static int tell_seed(void **state)
{
    (void)state;
    print_message("last: %s\n", current);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_history, set_up, tell_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
