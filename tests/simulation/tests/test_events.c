#include "checkers/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
    static struct events events;
    events_init(&events);
    *state = &events;
    return 0;
}

static int teardown(void **state)
{
    events_release(*state);
    return 0;
}

static void add_one(struct events *events)
{
    char path[] = "/a";
    struct model_command command = {.then_count = 1};
    command.then_steps[0] = (struct model_step){
        .kind = MODEL_SET, .path = "/a", .value = 7, .version = MODEL_ANY_VERSION};
    struct model_result shown = {.code = MODEL_NO_NODE};
    struct model_change change = {.kind = MODEL_CHANGED, .path = "/a", .value = 7, .previous = 6};
    events_add(events, &(struct event){.kind = EV_INVOKE,
                                       .client = 2,
                                       .op = 5,
                                       .at_us = 3000450,
                                       .path = path,
                                       .command = &command,
                                       .shown = &shown,
                                       .change = &change});
    memset(path, 'x', sizeof(path) - 1); /* it was copied */
    memset(&command, 0, sizeof(command));
    memset(&change, 0, sizeof(change));
}

static void keeps_copies(void **state)
{
    struct events *events = *state;
    for (int i = 0; i < 2000; i++) {
        add_one(events);
    }
    for (size_t i = 0; i < events->count; i++) {
        assert_string_equal(events->items[i].path, "/a");
        assert_int_equal(events->items[i].command->then_steps[0].value, 7);
        assert_int_equal(events->items[i].change->previous, 6);
    }
}

static void keeps_what_is_larger_than_a_block(void **state)
{
    struct events *events = *state;
    static char large[1000000];
    memset(large, 'a', sizeof(large) - 1);
    const char *kept = events_keep(events, large, sizeof(large));
    add_one(events);
    assert_int_equal(strlen(kept), sizeof(large) - 1);
}

static void describes_an_event(void **state)
{
    struct events *events = *state;
    add_one(events);
    char text[EVENTS_SENTENCE_BYTES];
    event_describe(events, &events->items[0], text, sizeof(text));
    assert_string_equal(text, "#0 3.000450 s client 2 asks op 5 /a set /a = 7: code 2 value 0 "
                              "version 0 set /a = 7 (was 6) version 0 czxid 0.0");
    char small[20];
    event_describe(events, &events->items[0], small, sizeof(small));
    assert_string_equal(small, "#0 3.000450 s clien");
}

static void every_kind_has_words(void **state)
{
    (void)state;
    for (int kind = 1; kind < EV_COUNT; kind++) {
        assert_non_null(event_kind_name((enum event_kind)kind));
    }
    assert_string_equal(event_kind_name(EV_COUNT), "?");
}

static void prints_what_concerns_a_client(void **state)
{
    struct events *events = *state;
    add_one(events);
    events_add(events, &(struct event){.kind = EV_BOOKMARK, .client = 3, .at_us = 4000000});
    events_add(events, &(struct event){.kind = EV_APPLIED, .replica = 1, .at_us = 4000000});
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_non_null(file);
    events_print(events, 3, file);
    assert_int_equal(fclose(file), 0);
    assert_null(strstr(text, "client 2"));
    assert_non_null(strstr(text, "#1 4.000000 s client 3 gets a bookmark\n"));
    assert_non_null(strstr(text, "#2 4.000000 s replica 1 applied"));
    free(text);
}

static void names_the_events_of_a_failure(void **state)
{
    struct events *events = *state;
    add_one(events);
    add_one(events);
    struct verdict verdict;
    verdict_init(&verdict);
    assert_false(events_fail(events, &events->items[0], &events->items[1], &verdict, "n %d", 5));
    assert_non_null(strstr(verdict.why, "n 5: #0 3.000450 s"));
    assert_non_null(strstr(verdict.why, "; and #1 3.000450 s"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(keeps_copies),
        CASE(keeps_what_is_larger_than_a_block),
        CASE(describes_an_event),
        CASE(every_kind_has_words),
        CASE(prints_what_concerns_a_client),
        CASE(names_the_events_of_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
