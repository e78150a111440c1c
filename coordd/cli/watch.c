#include "commands.h"
#include "interrupt.h"
#include "json.h"
#include "say.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * watch: one line for each event, and one of its own kind for whatever else the watch tells. The
 * library goes on at other replicas by itself and has events sent again that were left out.
 */

/* How far it has come. */
struct watching {
    const struct cli_arguments *arguments;
    uint64_t events; /* printed */
    bool enough;
};

static bool is_json(const struct watching *watching)
{
    return watching->arguments->output == CLI_JSON;
}

/* ---- Events ---- */

static void print_event_json(const struct watching *watching, const struct coord_event *event)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "kind", json_string(cli_json_event_kind(event->kind)));
    (void)json_object_set_new(object, "zxid", cli_json_number(event->zxid));
    (void)json_object_set_new(object, "path", cli_json_text(event->path));
    if (event->stat != NULL) {
        (void)json_object_set_new(object, "stat", cli_json_stat(event->stat));
    }
    if (cli_has(watching->arguments, CLI_VALUES)) {
        cli_json_put_data(object, "data", event->data, event->data_bytes);
    }
    if (cli_has(watching->arguments, CLI_VALUES) && event->kind == COORD_EVENT_CHANGED) {
        cli_json_put_data(object, "previous_data", event->previous, event->previous_bytes);
    }
    cli_json_print(object);
}

static void print_event(const struct watching *watching, const struct coord_event *event)
{
    (void)printf("0x%" PRIx64 " %s %s", event->zxid, cli_event_kind_name(event->kind), event->path);
    if (cli_has(watching->arguments, CLI_VALUES)) {
        (void)putchar(' ');
        cli_print_data(event->data, event->data_bytes);
    }
    if (cli_has(watching->arguments, CLI_VALUES) && event->kind == COORD_EVENT_CHANGED) {
        (void)fputs(" was ", stdout);
        cli_print_data(event->previous, event->previous_bytes);
    }
    (void)putchar('\n');
}

static void print_events(struct watching *watching, const struct coord_watch_item *item)
{
    for (size_t i = 0; i < item->events_count && !watching->enough; i++) {
        if (is_json(watching)) {
            print_event_json(watching, item->events[i]);
        } else {
            print_event(watching, item->events[i]);
        }
        watching->events++;
        watching->enough = cli_has(watching->arguments, CLI_COUNT) &&
                           watching->events >= watching->arguments->count;
    }
}

/* ---- Other items ---- */

static void print_json(const char *kind, const char *from_name, uint64_t from, const char *to_name,
                       uint64_t to)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "kind", json_string(kind));
    if (from_name != NULL) {
        (void)json_object_set_new(object, from_name, cli_json_number(from));
    }
    if (to_name != NULL) {
        (void)json_object_set_new(object, to_name, cli_json_number(to));
    }
    cli_json_print(object);
}

static void print_item_json(const struct coord_watch_item *item)
{
    switch (item->kind) {
    case COORD_WATCH_SET:
        print_json("SET", NULL, 0, "complete_from_zxid", item->zxid);
        break;
    case COORD_WATCH_BOOKMARK:
        print_json("BOOKMARK", NULL, 0, "zxid", item->zxid);
        break;
    case COORD_WATCH_RESYNC:
        print_json("RESYNC", "after_zxid", item->from_zxid, "complete_from_zxid", item->zxid);
        break;
    case COORD_WATCH_LAGGED:
        print_json("LAGGED", "after_zxid", item->from_zxid, NULL, 0);
        break;
    case COORD_WATCH_EVENTS:
    case COORD_WATCH_QUEUE:
    case COORD_WATCH_ENDED:
        break;
    }
}

static void print_item_plain(const struct coord_watch_item *item)
{
    switch (item->kind) {
    case COORD_WATCH_SET:
        (void)printf("0x%" PRIx64 " set: every later change is told\n", item->zxid);
        break;
    case COORD_WATCH_BOOKMARK:
        (void)printf("0x%" PRIx64 " bookmark: every change up to here was told\n", item->zxid);
        break;
    case COORD_WATCH_RESYNC:
        (void)printf("0x%" PRIx64 " resync: changes after 0x%" PRIx64
                     " and up to here are no longer known; read what is there now\n",
                     item->zxid, item->from_zxid);
        break;
    case COORD_WATCH_LAGGED:
        (void)printf("0x%" PRIx64 " lagged: changes after it are sent again\n", item->from_zxid);
        break;
    case COORD_WATCH_EVENTS:
    case COORD_WATCH_QUEUE:
    case COORD_WATCH_ENDED:
        break;
    }
}

static void print_item(struct watching *watching, const struct coord_watch_item *item)
{
    if (item->kind == COORD_WATCH_EVENTS) {
        print_events(watching, item);
    } else if (is_json(watching)) {
        print_item_json(item);
    } else {
        print_item_plain(item);
    }
}

/* ---- The command ---- */

/* The end of a watch as the error of the command. */
static int say_end(const struct cli_arguments *arguments, const struct coord_watch_item *item)
{
    struct coord_error error = {.code = item->code, .failed_index = COORD_NO_INDEX};
    (void)snprintf(error.message, sizeof(error.message), "the watch has ended: %s",
                   item->message[0] != '\0' ? item->message : coord_code_text(item->code));
    return cli_failed(arguments, &error);
}

static int print_all(struct coord_watch *watch, struct watching *watching)
{
    int code = CLI_DONE;
    while (code == CLI_DONE && !watching->enough && !cli_interrupted()) {
        struct coord_error error;
        struct coord_watch_item *item = NULL;
        enum coord_code next = coord_watch_next(watch, CLI_INTERRUPT_LOOK_EVERY_MS, &item, &error);
        if (next == COORD_TIMEOUT) {
            continue;
        }
        if (next != COORD_OK) {
            code = cli_failed(watching->arguments, &error);
        } else if (item->kind == COORD_WATCH_ENDED) {
            code = say_end(watching->arguments, item);
        } else {
            print_item(watching, item);
            code = cli_finish_output();
        }
        coord_watch_item_free(item);
    }
    return code;
}

int cli_watch(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_watch *watch = NULL;
    struct watching watching = {.arguments = arguments};
    uint32_t flags =
        cli_has(arguments, CLI_VALUES) ? COORD_WATCH_WITH_DATA | COORD_WATCH_WITH_PREVIOUS : 0u;
    if (coord_watch_tree(client, arguments->operands[0],
                         cli_has(arguments, CLI_RECURSIVE) ? COORD_WATCH_SUBTREE : COORD_WATCH_NODE,
                         0, flags, arguments->from_zxid, NULL, &watch, &error) != COORD_OK) {
        return cli_failed(arguments, &error);
    }
    int code = print_all(watch, &watching);
    coord_watch_close(watch);
    return code;
}
