#include "checkers/events.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 18 };

struct events_block {
    struct events_block *next;
    size_t bytes;
    max_align_t data[];
};

void events_init(struct events *events)
{
    *events = (struct events){0};
}

void events_release(struct events *events)
{
    while (events->blocks != NULL) {
        struct events_block *next = events->blocks->next;
        free(events->blocks);
        events->blocks = next;
    }
    free(events->items);
    events_init(events);
}

void *events_keep(struct events *events, const void *data, size_t bytes)
{
    size_t room = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (events->blocks == NULL || events->blocks->bytes - events->held < room) {
        size_t size = room > BLOCK_BYTES ? room : BLOCK_BYTES;
        struct events_block *block = checker_zeros(1, sizeof(*block) + size);
        block->next = events->blocks;
        block->bytes = size;
        events->blocks = block;
        events->held = 0;
    }
    void *place = (unsigned char *)events->blocks->data + events->held;
    events->held += room;
    memcpy(place, data, bytes);
    return place;
}

void events_add(struct events *events, const struct event *event)
{
    if (event->client >= EVENTS_CLIENTS_MAX || event->replica >= EVENTS_CLIENTS_MAX ||
        event->identity >= 64 ||
        (events->count > 0 && events->items[events->count - 1].at_us > event->at_us)) {
        fprintf(stderr, "events: a %s that cannot be: client %u, replica %u, at %" PRIu64 " us\n",
                event_kind_name(event->kind), event->client, event->replica, event->at_us);
        abort();
    }
    events->items =
        checker_grow(events->items, events->count, &events->capacity, sizeof(*events->items));
    struct event *added = &events->items[events->count++];
    *added = *event;
#define KEEP(field, bytes)                                                                         \
    added->field = event->field != NULL ? events_keep(events, event->field, bytes) : NULL
    KEEP(path, strlen(event->path) + 1);
    KEEP(gauge, strlen(event->gauge) + 1);
    KEEP(command, sizeof(*event->command));
    KEEP(shown, sizeof(*event->shown));
    KEEP(change, sizeof(*event->change));
    KEEP(queue, sizeof(*event->queue));
#undef KEEP
}

/* ---- Words ---- */

const char *event_kind_name(enum event_kind kind)
{
    static const char *const names[EV_COUNT] = {
        [EV_INVOKE] = "asks",
        [EV_SENT] = "sends",
        [EV_REPLY] = "is sent a reply",
        [EV_RETURN] = "returns",
        [EV_OPENED] = "has opened",
        [EV_RESUMED] = "has resumed",
        [EV_LINKED] = "is linked",
        [EV_UNLINKED] = "is not linked",
        [EV_CONFIRMED] = "is confirmed",
        [EV_STATE] = "knows its state",
        [EV_STOPPED] = "is stopped",
        [EV_CONTINUED] = "goes on",
        [EV_WATCH] = "watches",
        [EV_WATCHED] = "watches again",
        [EV_UNWATCH] = "unwatches",
        [EV_EVENT] = "gets an event",
        [EV_BOOKMARK] = "gets a bookmark",
        [EV_COMPLETE_TO] = "is complete to",
        [EV_RESYNC] = "must resync",
        [EV_LAGGED] = "lagged",
        [EV_QUEUED] = "watches a queue",
        [EV_FRONT] = "is told its place",
        [EV_GRANTED] = "holds",
        [EV_RELEASED] = "lets go",
        [EV_APPLIED] = "applied",
        [EV_CHANGE] = "changed",
        [EV_INSTALLED] = "installed",
        [EV_DIGEST] = "has a digest",
        [EV_GAUGE] = "counts",
    };
    return kind > 0 && kind < EV_COUNT ? names[kind] : "?";
}

/* Text that ends at its room. */
struct sentence {
    char *text;
    size_t bytes, at;
};

static void say(struct sentence *sentence, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct sentence *sentence, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wrote =
        vsnprintf(sentence->text + sentence->at, sentence->bytes - sentence->at, format, arguments);
    va_end(arguments);
    size_t room = sentence->bytes - sentence->at;
    sentence->at += wrote < 0 ? 0 : (size_t)wrote < room ? (size_t)wrote : room - 1;
}

static void say_steps(struct sentence *out, const char *word, const struct model_step *steps,
                      size_t count)
{
    static const char *const names[] = {"?",      "create",   "set", "delete",    "get",
                                        "exists", "children", "txn", "increment", "count"};
    for (size_t i = 0; i < count; i++) {
        const struct model_step *step = &steps[i];
        say(out, "%s%s %s", i == 0 ? word : ", ", names[step->kind], step->path);
        if (step->value != 0) {
            say(out, " = %" PRIu64, step->value);
        }
        if (step->version != MODEL_ANY_VERSION && step->version != 0) {
            say(out, " if version %" PRId64, step->version);
        }
        say(out, "%s%s", step->sequential ? " sequential" : "",
            step->node_kind == MODEL_EPHEMERAL ? " ephemeral" : "");
    }
}

static void say_command(struct sentence *out, const struct model_command *command)
{
    if (command->if_held.target != 0) {
        say(out, " while " ZXID_FORMAT " holds %s", ZXID_PARTS((uint64_t)command->if_held.number),
            command->if_held.path);
    }
    if (command->compare.target != 0) {
        say(out, " if %s (%d) is %" PRId64, command->compare.path, (int)command->compare.target,
            command->compare.number);
    }
    say_steps(out, " ", command->then_steps, command->then_count);
    say_steps(out, " else ", command->else_steps, command->else_count);
}

static void say_change(struct sentence *out, const struct model_change *change)
{
    static const char *const kinds[] = {"?", "created", "deleted", "set", "ACL of"};
    say(out, " %s %s = %" PRIu64 " (was %" PRIu64 ") version %" PRId64 " czxid " ZXID_FORMAT,
        kinds[change->kind], change->path, change->value, change->previous, change->version,
        ZXID_PARTS(change->czxid));
    if (change->owner != 0) {
        say(out, " of session " ZXID_FORMAT, ZXID_PARTS(change->owner));
    }
}

static void say_who(struct sentence *out, const struct event *event)
{
    if (event->client != 0) {
        say(out, "client %u ", event->client);
    }
    if (event->replica != 0) {
        say(out, "replica %u ", event->replica);
    }
    say(out, "%s", event_kind_name(event->kind));
}

static void say_numbers(struct sentence *out, const struct event *event)
{
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {
        {"op", event->op},       {"seq", event->seq},   {"frame", event->frame},
        {"watch", event->watch}, {"slot", event->slot}, {"number", event->number},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].number != 0) {
            say(out, " %s %" PRIu64, numbers[i].name, numbers[i].number);
        }
    }
    const struct {
        const char *name;
        uint64_t zxid;
    } zxids[] = {{"session", event->session}, {"zxid", event->zxid}, {"fence", event->fence}};
    for (size_t i = 0; i < sizeof(zxids) / sizeof(zxids[0]); i++) {
        if (zxids[i].zxid != 0) {
            say(out, " %s " ZXID_FORMAT, zxids[i].name, ZXID_PARTS(zxids[i].zxid));
        }
    }
}

static void say_kind(struct sentence *out, const struct event *event)
{
    static const char *const states[] = {"", " CONNECTED", " SUSPECT", " LOST"};
    static const char *const fronts[] = {"", " WAITING", " FRONT", " GONE"};
    static const char *const outcomes[] = {"", " answered", " not applied", " unknown"};
    static const char *const causes[] = {"",        " write", " open",    " close",
                                         " expire", " reap",  " timeout", " other"};
    say(out, "%s%s%s%s", states[event->state], fronts[event->front], outcomes[event->outcome],
        causes[event->cause]);
    if (event->kind == EV_APPLIED || event->code != 0) {
        say(out, " code %d%s", event->code, event->changed ? "" : " (no change)");
    }
    if (event->path != NULL) {
        say(out, " %s", event->path);
    }
    if (event->gauge != NULL) {
        say(out, " %s", event->gauge);
    }
}

void event_describe(const struct events *events, const struct event *event, char *text,
                    size_t bytes)
{
    struct sentence out = {.text = text, .bytes = bytes};
    say(&out, "#%zu %" PRIu64 ".%06u s ", (size_t)(event - events->items), event->at_us / 1000000,
        (unsigned)(event->at_us % 1000000));
    say_who(&out, event);
    say_numbers(&out, event);
    say_kind(&out, event);
    if (event->command != NULL) {
        say_command(&out, event->command);
    }
    if (event->shown != NULL) {
        say(&out, ": code %d value %" PRIu64 " version %" PRId64 "%s%s", event->shown->code,
            event->shown->value, event->shown->version, event->shown->path[0] != '\0' ? " " : "",
            event->shown->path);
    }
    if (event->change != NULL) {
        say_change(&out, event->change);
    }
}

void events_print(const struct events *events, uint32_t about, FILE *file)
{
    for (size_t i = 0; i < events->count; i++) {
        const struct event *event = &events->items[i];
        if (about == 0 || event->client == 0 || event->client == about) {
            char text[EVENTS_SENTENCE_BYTES];
            event_describe(events, event, text, sizeof(text));
            fprintf(file, "%s\n", text);
        }
    }
}

bool events_fail(const struct events *events, const struct event *first, const struct event *second,
                 struct verdict *verdict, const char *format, ...)
{
    char words[256];
    char texts[2][200];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    event_describe(events, first, texts[0], sizeof(texts[0]));
    if (second == NULL) {
        return verdict_fail(verdict, "%s: %s", words, texts[0]);
    }
    event_describe(events, second, texts[1], sizeof(texts[1]));
    return verdict_fail(verdict, "%s: %s; and %s", words, texts[0], texts[1]);
}
