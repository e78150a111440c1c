#include "replica.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/*
 * Goal: S8 to S14 under anything that the contract allows: a write happens at most once, in order,
 * and what its caller is told is what happened; watches are told every event in order, whole, once,
 * or that there is a gap; a session is LOST before the cluster lets it expire; and users who take
 * nothing harm neither it nor one another. Method: the machine against the model of replica.h, with
 * streams that break, frames that dawdle, users that sleep, and a machine that does. A failure
 * prints its seed.
 */

enum { SEEDS = 300, STEPS = 700, REQUESTS_MAX = 400, WATCHES = 3, CALL_MS = 9000 };

/* So few that it often comes to it; of what waits for a watch, and for all. */
enum { WATCH_BYTES = 6000, EVENTS_BYTES = 10000, ITEM_BYTES = 1500 };

struct asked {
    struct client_request request;
    bool done;
};

struct followed {
    struct client_watch watch;
    bool live;
    uint64_t told; /* everything up to there was told, or that it is missing */
    bool asleep;   /* its user takes nothing */
    struct client_watch_item *first, *last; /* owned: what he has not taken */
    size_t bytes;
};

static struct play {
    struct model model;
    struct client_session *session;
    struct cd_prng prng;
    uint64_t slept_ms; /* with the clock of deadlines standing still */
    uint64_t last_stream;
    struct asked asked[REQUESTS_MAX];
    size_t asked_count;
    struct followed followed[WATCHES];
    uint8_t secrets;
} play;

/* ---- Memory that is not there: malloc and calloc are wrapped by the linker ---- */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);

static bool starving;     /* within the machine, in a play that has too little */
static uint64_t scarcity; /* one in that many fails; 0: none */
static size_t starved_count;
static struct cd_prng scarcity_prng;

static bool is_refused(void)
{
    bool refused = starving && cd_prng_below(&scarcity_prng, scarcity) == 0;
    starved_count += refused ? 1 : 0;
    return refused;
}

void *__wrap_malloc(size_t bytes)
{
    return is_refused() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return is_refused() ? NULL : __real_calloc(count, bytes);
}

static void starve(bool within)
{
    starving = within && scarcity != 0;
}

static size_t lagged_count, dozed_count, lost_count, ok_count, unknown_count, not_applied_count,
    expired_count;

static struct client_time now(void)
{
    return (struct client_time){play.model.now_ms - play.slept_ms, play.model.now_ms};
}

static uint64_t below(uint64_t bound)
{
    return cd_prng_below(&play.prng, bound);
}

/* ---- What the machine does ---- */

/* Every event above what was told must be in the item, and be told whole. */
static void check_events(struct followed *follow, const struct coord_watch_item *item)
{
    for (uint64_t zxid = follow->told + 1; zxid < item->zxid; zxid++) {
        assert_false(play.model.has_events[zxid]);
    }
    assert_true(item->zxid > follow->told);
    assert_true(play.model.has_events[item->zxid]);
    assert_int_equal(item->events_count, 2);
    follow->told = item->zxid;
}

static void check_none_missing(struct followed *follow, uint64_t zxid)
{
    for (uint64_t each = follow->told + 1; each <= zxid; each++) {
        assert_false(play.model.has_events[each]);
    }
    follow->told = zxid > follow->told ? zxid : follow->told;
}

/* Its user takes one. */
static void take_item(struct followed *follow, struct client_watch_item *item)
{
    switch (item->item.kind) {
    case COORD_WATCH_SET:
        assert_int_equal(follow->told, 0);
        follow->told = item->item.zxid;
        break;
    case COORD_WATCH_EVENTS:
        check_events(follow, &item->item);
        break;
    case COORD_WATCH_RESYNC:
        check_none_missing(follow, item->item.from_zxid);
        assert_true(item->item.zxid > follow->told);
        follow->told = item->item.zxid;
        break;
    case COORD_WATCH_BOOKMARK:
        check_none_missing(follow, item->item.zxid);
        break;
    case COORD_WATCH_LAGGED:
        check_none_missing(follow, item->item.from_zxid);
        lagged_count++;
        break;
    default:
        assert_int_equal(item->item.kind, COORD_WATCH_ENDED);
        assert_int_equal(item->item.code, COORD_SESSION_EXPIRED);
        follow->live = false;
    }
    client_session_took(play.session, item->watch, item->bytes);
    client_watch_item_free(item);
}

static struct client_watch_item *pop(struct followed *follow)
{
    struct client_watch_item *item = follow->first;
    follow->first = item->next;
    follow->bytes -= item->bytes;
    return item;
}

static bool take_items(struct followed *follow)
{
    bool taken = false;
    while (follow->first != NULL && !follow->asleep) {
        take_item(follow, pop(follow));
        taken = true;
    }
    return taken;
}

static void on_told(struct client_watch_item *item)
{
    struct followed *follow = item->watch->context;
    item->next = NULL;
    if (follow->first != NULL) {
        follow->last->next = item;
    } else {
        follow->first = item;
    }
    follow->last = item;
    follow->bytes += item->bytes;
    assert_true(follow->bytes <= WATCH_BYTES + 3 * ITEM_BYTES); /* SET, LAGGED, ENDED */
    size_t all = 0;
    for (size_t i = 0; i < WATCHES; i++) {
        all += play.followed[i].bytes;
    }
    assert_true(all <= EVENTS_BYTES + WATCHES * (CLIENT_WATCH_BYTES_MIN + 3 * ITEM_BYTES));
}

/* The watch is removed. */
static void forget(struct followed *follow)
{
    client_session_unwatch(play.session, &follow->watch);
    follow->live = false;
    while (follow->first != NULL) {
        client_watch_item_free(pop(follow));
    }
}

static void take_done(struct client_request *request)
{
    struct asked *asked = request->context;
    uint64_t zxid = play.model.applied[asked - play.asked + 1];
    assert_false(asked->done);
    asked->done = true;
    if (!request->is_write) {
        return;
    }
    ok_count += request->code == COORD_OK ? 1 : 0;
    unknown_count += request->code == COORD_OUTCOME_UNKNOWN ? 1 : 0;
    not_applied_count += request->code == COORD_NOT_APPLIED ? 1 : 0;
    expired_count += request->code == COORD_SESSION_EXPIRED ? 1 : 0;
    if (request->code == COORD_OK) {
        assert_int_not_equal(zxid, 0);
        assert_int_equal(coord_result_zxid(request->result), zxid);
    } else if (request->code != COORD_OUTCOME_UNKNOWN) {
        assert_int_equal(zxid, 0); /* and in the end it still must be */
    }
}

static void run_effect(const struct client_effect *effect)
{
    uint8_t secret[CLIENT_SECRET_BYTES] = {0};
    uint8_t hash[CLIENT_SECRET_HASH_BYTES] = {0};
    switch (effect->kind) {
    case CLIENT_EFFECT_DIAL:
        assert_true(effect->stream < MODEL_STREAMS_MAX);
        play.last_stream = effect->stream;
        play.model.streams[effect->stream].open = true;
        return;
    case CLIENT_EFFECT_CLOSE:
        assert_true(play.model.streams[effect->stream].open);
        model_break(&play.model, effect->stream);
        return;
    case CLIENT_EFFECT_SECRET:
        secret[0] = ++play.secrets;
        hash[0] = secret[0] ^ 0xff;
        starve(true);
        client_session_give_secret(play.session, now(), secret, hash);
        starve(false);
        return;
    case CLIENT_EFFECT_STATE:
        lost_count += client_session_lease(play.session).state == COORD_STATE_LOST ? 1 : 0;
        return;
    case CLIENT_EFFECT_ITEM:
        on_told(effect->item);
        return;
    case CLIENT_EFFECT_DONE:
        take_done(effect->request);
        return;
    }
}

static bool take_effect(struct client_effect *ret_effect)
{
    starve(true);
    bool taken = client_session_take_effect(play.session, ret_effect);
    starve(false);
    return taken;
}

static bool take_frame(uint64_t id, struct client_bytes *ret_frame)
{
    starve(true);
    bool taken = client_session_take_frame(play.session, now(), id, ret_frame);
    starve(false);
    return taken;
}

static void settle(void)
{
    struct client_effect effect;
    struct client_bytes frame;
    bool moved = true;
    while (moved) {
        moved = false;
        while (take_effect(&effect)) {
            run_effect(&effect);
            moved = true;
        }
        for (size_t i = 0; i < WATCHES; i++) {
            moved = take_items(&play.followed[i]) || moved;
        }
        uint64_t first = play.last_stream > 20 ? play.last_stream - 20 : 1;
        for (uint64_t id = first; id <= play.last_stream; id++) {
            if (play.model.streams[id].open && play.model.streams[id].in_count < 100 &&
                take_frame(id, &frame)) {
                model_send(&play.model, id, frame);
                moved = true;
            }
        }
    }
}

/* ---- Time ---- */

/* S12: what the cluster lets expire nobody may hold any more. */
static void expire(void)
{
    struct client_lease_view view = client_session_lease(play.session);
    for (;;) {
        const struct model_session *session = model_expire(&play.model);
        if (session == NULL) {
            return;
        }
        enum coord_session_state state = client_lease_view_state(&view, now().lease_ms);
        assert_true(view.id != session->id || state == COORD_STATE_LOST ||
                    state == COORD_STATE_NONE);
    }
}

static void pass(uint64_t ms, bool asleep)
{
    for (uint64_t i = 0; i < ms; i++) {
        play.model.now_ms++;
        play.slept_ms += asleep ? 1 : 0;
        expire();
        if (!asleep && client_session_deadline_ms(play.session) <= now().ms) {
            starve(true);
            client_session_on_timer(play.session, now());
            starve(false);
            settle();
        }
    }
}

/* ---- What the user and the network do ---- */

static void ask(bool is_write)
{
    if (play.asked_count == REQUESTS_MAX) {
        return;
    }
    struct asked *asked = &play.asked[play.asked_count++];
    uint32_t tag = (uint32_t)play.asked_count;
    const struct client_op op = {.kind = is_write ? CLIENT_OP_SET : CLIENT_OP_GET,
                                 .path = "/t",
                                 .data = is_write ? &tag : NULL,
                                 .data_bytes = is_write ? sizeof(tag) : 0,
                                 .version = COORD_ANY_VERSION};
    *asked = (struct asked){.request = {.context = asked}};
    asked->request.submitted_ms = now().ms;
    asked->request.deadline_ms = now().ms + (below(4) == 0 ? below(500) + 1 : CALL_MS);
    assert_int_equal(client_codec_request_encode(&asked->request, &op, NULL, NULL), COORD_OK);
    starve(true);
    client_session_submit(play.session, now(), &asked->request);
    starve(false);
}

static void follow(size_t number)
{
    struct followed *follow = &play.followed[number];
    if (follow->live) {
        if (below(3) == 0) {
            forget(follow);
        }
        return;
    }
    forget(follow); /* what was left of the one before */
    *follow = (struct followed){.live = true};
    follow->watch.spec.path = "/t";
    follow->watch.spec.scope = COORD_WATCH_SUBTREE;
    follow->watch.context = follow;
    starve(true);
    enum coord_code code = client_session_watch(play.session, now(), &follow->watch);
    starve(false);
    assert_true(code == COORD_OK || (code == COORD_NO_MEMORY && scarcity != 0));
    follow->live = code == COORD_OK;
}

static uint64_t any_stream(void)
{
    uint64_t recent = play.last_stream < 8 ? play.last_stream : 8;
    return recent == 0 ? 0 : play.last_stream - below(recent);
}

static void deliver(uint64_t id)
{
    struct client_bytes frame;
    if (model_take(&play.model, id, &frame)) {
        starve(true);
        client_session_on_frame(play.session, now(), id, frame.data, frame.count);
        starve(false);
        client_free(frame.data);
    }
}

static void break_stream(uint64_t id)
{
    if (play.model.streams[id].open) {
        model_break(&play.model, id);
        starve(true);
        client_session_on_closed(play.session, now(), id, COORD_UNREACHABLE, "it broke");
        starve(false);
    }
}

static void step(void)
{
    uint64_t id = any_stream();
    uint64_t action = below(1000);
    if (action < 120) {
        ask(below(3) != 0);
    } else if (action < 135) {
        follow((size_t)below(WATCHES));
    } else if (action < 160) {
        struct followed *follow = &play.followed[below(WATCHES)];
        follow->asleep = !follow->asleep;
    } else if (action < 250) {
        pass(below(40), false);
    } else if (action < 258) {
        pass(below(3000), false);
    } else if (action < 260) {
        pass(below(9000), true);
    } else if (action < 265) {
        play.model.history_after = play.model.zxid; /* a snapshot was installed */
    } else if (id == 0) {
        return;
    } else if (action < 285) {
        break_stream(id);
    } else if (action < 530) {
        (void)model_arrive(&play.model, id);
    } else if (action < 700) {
        model_speak(&play.model, id);
    } else {
        deliver(id);
    }
    settle();
}

static void let_sleep(bool asleep)
{
    for (size_t i = 0; i < WATCHES; i++) {
        play.followed[i].asleep = asleep;
    }
}

/* The network and the cluster behave for so long. */
static void behave(uint64_t ms, bool asking)
{
    for (uint64_t i = 0; i < ms / 10; i++) {
        uint64_t first = play.last_stream > 20 ? play.last_stream - 20 : 1;
        if (asking && i % 20 == 0) {
            ask(true);
        }
        for (uint64_t id = first; id <= play.last_stream; id++) {
            while (model_arrive(&play.model, id)) {
            }
            model_speak(&play.model, id);
            while (play.model.streams[id].out_count > 0 && !play.model.streams[id].broken) {
                deliver(id);
            }
        }
        settle();
        pass(10, false);
    }
}

/* And all that is wanted comes to pass. */
static void heal(void)
{
    scarcity = 0;
    play.model.kind = true;
    for (uint64_t id = 1; id <= play.last_stream; id++) {
        if (!play.model.streams[id].open) {
            while (model_arrive(&play.model, id)) {
            }
        }
    }
    behave(2 * (uint64_t)CALL_MS, false);
    let_sleep(false);
    settle();
    behave(1000, true);
}

/* S14: nobody takes anything, and all goes on but what he would be told. */
static void doze(void)
{
    size_t lost = lost_count;
    size_t lagged = lagged_count;
    uint64_t zxid = play.model.zxid;
    let_sleep(true);
    behave(3 * (uint64_t)MODEL_TIMEOUT_MS, true);
    assert_int_equal(client_session_lease(play.session).state, COORD_STATE_CONNECTED);
    assert_int_equal(lost_count, lost);
    assert_true(play.model.zxid > zxid + 80);
    let_sleep(false);
    settle();
    behave(1000, false);
    dozed_count += lagged_count - lagged;
}

/* Whoever was told "not done" was told the truth for ever; and what is watched was told. */
static void check_end(void)
{
    for (size_t i = 0; i < play.asked_count; i++) {
        const struct asked *asked = &play.asked[i];
        assert_true(asked->done);
        bool undone = asked->request.is_write && asked->request.code != COORD_OK &&
                      asked->request.code != COORD_OUTCOME_UNKNOWN;
        assert_true(!undone || play.model.applied[i + 1] == 0);
    }
    for (size_t i = 0; i < WATCHES; i++) {
        if (play.followed[i].live) {
            check_none_missing(&play.followed[i], play.model.zxid);
        }
    }
}

static void run(uint64_t seed)
{
    static const char *const endpoints[] = {"a:1", "b:2", "c:3"};
    const struct client_session_config config = {.endpoints = endpoints,
                                                 .endpoints_count = 3,
                                                 .client_name = "play",
                                                 .seed = seed,
                                                 .sessions = true,
                                                 .events_bytes_max = EVENTS_BYTES,
                                                 .watch_bytes_max = WATCH_BYTES};
    memset(&play, 0, sizeof(play));
    model_init(&play.model, seed);
    play.model.now_ms = 1000000;
    cd_prng_init(&play.prng, seed);
    play.session = client_session_create(&config);
    assert_non_null(play.session);
    for (size_t i = 0; i < WATCHES; i++) {
        play.followed[i].watch.state = WATCH_ENDED;
    }
    for (int i = 0; i < STEPS; i++) {
        step();
    }
    heal();
    doze();
    check_end();
    for (size_t i = 0; i < WATCHES; i++) {
        forget(&play.followed[i]);
    }
    client_session_shutdown(play.session, now());
    settle();
    for (size_t i = 0; i < play.asked_count; i++) {
        client_free(play.asked[i].request.bytes);
        coord_result_free(play.asked[i].request.result);
    }
    client_session_free(play.session);
}

static char current[32];

static void test_any_history(void **state)
{
    size_t resumes = 0;
    size_t repeats = 0;
    size_t resyncs = 0;
    size_t lagged = 0;
    size_t outcomes = 0;
    size_t cut = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        (void)snprintf(current, sizeof(current), "seed %llu", (unsigned long long)seed);
        run(seed);
        resumes += play.model.resumes;
        repeats += play.model.repeats;
        resyncs += play.model.resyncs;
        lagged += play.model.lagged;
        outcomes += play.model.outcomes;
        cut += play.model.cut;
        model_release(&play.model);
    }
    print_message(
        "%zu writes done, %zu unknown, %zu not applied, %zu not sent; %zu sessions lost, "
        "%zu resumes, %zu writes sent again, %zu resyncs, %zu lagged, %zu cut, %zu asked; users "
        "were told %zu times that they lag, %zu of them for having slept long\n",
        ok_count, unknown_count, not_applied_count, expired_count, lost_count, resumes, repeats,
        resyncs, lagged, cut, outcomes, lagged_count, dozed_count);
    /* A test in which it never came to that shows nothing. */
    assert_true(ok_count > 0 && unknown_count > 0 && not_applied_count > 0 && expired_count > 0);
    assert_true(lost_count > 0 && resumes > 0 && repeats > 0 && resyncs > 0 && lagged > 0);
    assert_true(outcomes > 0 && cut > 0 && lagged_count > lagged && dozed_count > 0);
}

/* Every allocation may fail: all laws hold, and (by ASan) nothing is lost. */
static void test_any_history_without_memory(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        (void)snprintf(current, sizeof(current), "starved seed %llu", (unsigned long long)seed);
        scarcity = 20 + seed % 200;
        cd_prng_init(&scarcity_prng, seed);
        run(seed);
        model_release(&play.model);
    }
    print_message("%zu allocations failed\n", starved_count);
    assert_true(starved_count > (size_t)SEEDS * 10);
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
        cmocka_unit_test_teardown(test_any_history, tell_seed),
        cmocka_unit_test_teardown(test_any_history_without_memory, tell_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
