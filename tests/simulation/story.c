#include "simulation/story.h"

#include "base/memory.h"
#include "simulation/runner.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char separator[] = "----\n";

void story_fail(struct story *story, const char *format, ...)
{
    if (story->failed) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(story->error, sizeof(story->error), format, arguments);
    va_end(arguments);
    story->failed = true;
}

/* ---- What the group tells ---- */

static void on_started(void *context, struct group_node *node)
{
    struct story *story = context;
    agreement_started(&story->agreement, node->id, 1);
}

static void on_installed(void *context, struct group_node *node, paxos_slot slot, uint64_t digest)
{
    struct story *story = context;
    if (!agreement_installed(&story->agreement, node->id, slot, digest, &story->verdict)) {
        story_fail(story, "%s", story->verdict.why);
    }
}

static void on_applied(void *context, struct group_node *node, const struct paxos_entry *entry,
                       uint64_t value)
{
    struct story *story = context;
    if (!agreement_applied(&story->agreement, node->id, entry->slot, value, node->digest,
                           &story->verdict)) {
        story_fail(story, "%s", story->verdict.why);
    }
    CD_ASSERT(entry->slot <= STORY_SLOTS_MAX);
    struct story_slot *slot = &story->slots[entry->slot - 1];
    *slot = (struct story_slot){.kind = entry->kind, .lead = entry->lead.node};
    if (entry->kind == PAXOS_COMMANDS) {
        size_t bytes = entry->payload->bytes;
        CD_ASSERT(bytes < STORY_VALUE_BYTES);
        memcpy(slot->value, entry->payload->data, bytes);
    }
}

static void on_noted(void *context, struct group_node *node, const struct paxos_note *note)
{
    struct story *story = context;
    story->noted[node->id] |= 1u << note->kind;
}

static void on_readable(void *context, struct group_node *node, uint64_t token, paxos_slot index)
{
    struct story *story = context;
    struct story_read *read = &story->reads[node->id];
    if (read->asked && !read->answered && token >= read->token) {
        read->answered = true;
        read->index = index;
        trace_line(&story->trace, "%u may read at slot %llu", node->id, (unsigned long long)index);
    }
}

static enum group_verdict on_sending(void *context, struct group_letter *letter)
{
    struct story *story = context;
    const struct paxos_message *m = &letter->message;
    if (m->kind == PAXOS_MSG_PREVOTE && group_node(&story->group, m->from)->timer_held) {
        group_letter_drop(letter); /* a silenced replica seeks no office, whatever it hears */
        return GROUP_TAKE;
    }
    for (size_t i = story->rules_count; i > 0; i--) {
        const struct story_rule *rule = &story->rules[i - 1];
        if ((!rule->any_kind && rule->kind != m->kind) ||
            (rule->from != 0 && rule->from != m->from) || (rule->to != 0 && rule->to != m->to)) {
            continue;
        }
        if (rule->verdict == GROUP_TAKE) {
            CD_ASSERT(story->held_count < STORY_HELD_MAX);
            story->held[story->held_count++] = letter;
            group_trace_letter(&story->group, m, "-.");
        }
        return rule->verdict;
    }
    return GROUP_PASS;
}

/* ---- Playing one ---- */

static void begin(struct story *story, const char *path)
{
    memset(story, 0, sizeof(*story));
    story->path = path;
    cd_buf_init(&story->text, STORY_TEXT_BYTES_MAX);
    agreement_init(&story->agreement);
    verdict_init(&story->verdict);
}

static void end(struct story *story)
{
    if (story->begun) {
        for (size_t i = 0; i < story->held_count; i++) {
            group_letter_drop(story->held[i]);
        }
        world_release(&story->world);
        if (story->whole != NULL) {
            story_whole_end(story);
        } else {
            group_release(&story->group);
        }
    }
    agreement_release(&story->agreement);
    cd_buf_release(&story->text);
}

/* Cuts `line` into words in place. */
static void split(struct story *story, char *line, struct story_words *words)
{
    words->count = 0;
    char *at = line;
    while (*at != '\0') {
        at += strspn(at, " \t");
        if (*at == '\0') {
            break;
        }
        if (words->count == STORY_WORDS_MAX) {
            story_fail(story, "more than %d words", STORY_WORDS_MAX);
            return;
        }
        bool quoted = *at == '"';
        at += quoted ? 1 : 0;
        words->word[words->count++] = at;
        at += strcspn(at, quoted ? "\"" : " \t");
        if (*at != '\0') {
            *at++ = '\0';
        } else if (quoted) {
            story_fail(story, "a quote that does not end");
        }
    }
}

static void play_line(struct story *story, const char *from, size_t bytes)
{
    size_t indent = 0;
    while (indent < bytes && (from[indent] == ' ' || from[indent] == '\t')) {
        indent++;
    }
    if (indent == bytes || from[indent] == '#') {
        return;
    }
    char *line = cd_strndup(from, bytes);
    char *copy = cd_strdup(line);
    struct story_words words;
    split(story, line, &words);
    if (!story->failed) {
        if (story->begun) {
            cd_buf_printf(&story->text, "> %s\n", copy);
        }
        story_do(story, &words);
        if (story->group.broken_oath[0] != '\0') {
            story_fail(story, "%s", story->group.broken_oath);
        }
    }
    cd_free(copy);
    cd_free(line);
}

static void play(struct story *story, const char *commands, size_t bytes)
{
    const char *at = commands;
    const char *stop = commands + bytes;
    story->group.watcher = (struct group_watcher){.context = story,
                                                  .applied = on_applied,
                                                  .started = on_started,
                                                  .installed = on_installed,
                                                  .noted = on_noted,
                                                  .readable = on_readable,
                                                  .sending = on_sending};
    while (at < stop && !story->failed) {
        const char *newline = memchr(at, '\n', (size_t)(stop - at));
        const char *line_end = newline != NULL ? newline : stop;
        story->line++;
        play_line(story, at, (size_t)(line_end - at));
        at = line_end + 1;
    }
    if (!story->begun) {
        story_fail(story, "no cluster in this story");
    }
}

/* ---- Files ---- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        fprintf(stderr, "coord_sim: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    struct cd_buf buf;
    cd_buf_init(&buf, STORY_TEXT_BYTES_MAX);
    char part[4096];
    size_t got = 0;
    while ((got = fread(part, 1, sizeof(part), file)) > 0) {
        cd_buf_put(&buf, part, got);
    }
    (void)fclose(file);
    char *text = cd_strndup((const char *)buf.data, buf.bytes);
    cd_buf_release(&buf);
    return text;
}

static bool write_file(const char *path, const char *commands, size_t bytes,
                       const struct cd_buf *trace)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "coord_sim: %s: %s\n", path, strerror(errno));
        return false;
    }
    (void)fwrite(commands, 1, bytes, file);
    (void)fputs(separator, file);
    (void)fwrite(trace->data, 1, trace->bytes, file);
    return fclose(file) == 0;
}

static const char *find_separator(const char *text)
{
    const char *at = strstr(text, "\n----\n");
    return at != NULL ? at + 1 : NULL;
}

/* Shows the first line in which the golden and what happened differ. */
static void show_difference(const char *path, const char *golden, const char *trace)
{
    size_t line = 1;
    size_t begun = 0;
    size_t i = 0;
    while (golden[i] != '\0' && golden[i] == trace[i]) {
        if (golden[i] == '\n') {
            line++;
            begun = i + 1;
        }
        i++;
    }
    fprintf(stderr,
            "%s: the trace differs in its line %zu:\n  expected  %.*s\n  happened  %.*s\n"
            "  (coord_sim scenario --rewrite accepts what happened)\n",
            path, line, (int)strcspn(golden + begun, "\n"), golden + begun,
            (int)strcspn(trace + begun, "\n"), trace + begun);
}

static bool compare(const char *path, const char *golden, const struct cd_buf *trace)
{
    char *happened = cd_strndup((const char *)trace->data, trace->bytes);
    bool same = strcmp(golden, happened) == 0;
    if (!same) {
        show_difference(path, golden, happened);
    }
    cd_free(happened);
    return same;
}

static bool run_file(const char *path, bool rewrite)
{
    char *text = read_file(path);
    if (text == NULL) {
        return false;
    }
    const char *golden = find_separator(text);
    size_t commands_bytes = golden != NULL ? (size_t)(golden - text) : strlen(text);
    struct story *story = cd_malloc(sizeof(*story));
    begin(story, path);
    play(story, text, commands_bytes);
    bool passed = !story->failed;
    if (story->failed) {
        fprintf(stderr, "%s:%zu: %s\n", path, story->line, story->error);
        fprintf(stderr, "---- what happened until then\n%.*s", (int)story->text.bytes,
                (const char *)story->text.data);
    } else if (rewrite) {
        passed = write_file(path, text, commands_bytes, &story->text);
    } else {
        passed = compare(path, golden != NULL ? golden + strlen(separator) : "", &story->text);
    }
    end(story);
    cd_free(story);
    cd_free(text);
    return passed;
}

int story_run_files(int count, char **paths, bool rewrite)
{
    int failures = 0;
    for (int i = 0; i < count; i++) {
        bool passed = run_file(paths[i], rewrite);
        printf("%s %s\n", passed ? "ok    " : "FAILED", paths[i]);
        failures += passed ? 0 : 1;
    }
    printf("%d scenarios passed, %d failed\n", count - failures, failures);
    return failures == 0 ? EXIT_PASSED : EXIT_FAILED;
}
