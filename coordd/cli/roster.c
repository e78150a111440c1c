#include "roster.h"

#include "interrupt.h"
#include "say.h"
#include "text.h"

#include <stdio.h>

/* ---- Lines ---- */

/* `change`: NULL for a list. */
static void print_one(const struct cli_roster *roster, const char *change, const json_t *one)
{
    if (roster->arguments->output == CLI_JSON) {
        json_t *object = json_object();
        if (change != NULL) {
            (void)json_object_set_new(object, "change", json_string(change));
        }
        (void)json_object_update(object, (json_t *)one);
        cli_json_print(object);
        return;
    }
    (void)printf("%s%s%s", change != NULL ? change : "", change != NULL ? " " : "",
                 json_string_value(json_object_get(one, roster->name_field)));
    roster->print_rest(one);
    (void)putchar('\n');
}

/* ---- Once ---- */

int cli_roster_list(const struct cli_roster *roster)
{
    struct coord_error error;
    json_t *now = NULL;
    const char *name = NULL;
    json_t *one = NULL;
    uint64_t zxid = 0;
    if (roster->next(roster->source, roster->arguments->timeout_ms, &zxid, &now, &error) !=
        COORD_OK) {
        return cli_failed(roster->arguments, &error);
    }
    json_object_foreach(now, name, one)
    {
        print_one(roster, NULL, one);
    }
    json_decref(now);
    return CLI_DONE;
}

/* ---- Followed ---- */

struct changes {
    const struct cli_roster *roster;
    uint64_t lines;
};

static bool is_enough(const struct changes *changes)
{
    const struct cli_arguments *arguments = changes->roster->arguments;
    return cli_has(arguments, CLI_COUNT) && changes->lines >= arguments->count;
}

static void print_change(struct changes *changes, const char *change, const json_t *one)
{
    if (!is_enough(changes)) {
        print_one(changes->roster, change, one);
        changes->lines++;
    }
}

static void print_changes(struct changes *changes, json_t *before, json_t *now)
{
    const char *name = NULL;
    json_t *one = NULL;
    json_object_foreach(before, name, one)
    {
        if (json_object_get(now, name) == NULL) {
            print_change(changes, "left", one);
        }
    }
    json_object_foreach(now, name, one)
    {
        const json_t *old = json_object_get(before, name);
        if (old == NULL || json_equal(old, one) == 0) {
            print_change(changes, old == NULL ? "joined" : "changed", one);
        }
    }
}

int cli_roster_watch(const struct cli_roster *roster)
{
    struct changes changes = {.roster = roster};
    struct coord_error error;
    json_t *before = json_object();
    uint64_t zxid = 0;
    int code = CLI_DONE;
    while (code == CLI_DONE && !is_enough(&changes) && !cli_interrupted()) {
        json_t *now = NULL;
        enum coord_code next =
            roster->next(roster->source, CLI_INTERRUPT_LOOK_EVERY_MS, &zxid, &now, &error);
        if (next == COORD_OK) {
            print_changes(&changes, before, now);
            json_decref(before);
            before = now;
            code = fflush(stdout) == 0 ? CLI_DONE : CLI_REFUSED; /* cli_finish_output says why */
        } else if (next != COORD_TIMEOUT) {
            code = cli_failed(roster->arguments, &error);
        }
    }
    json_decref(before);
    return code;
}
