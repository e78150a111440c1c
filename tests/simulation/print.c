#include "simulation/print.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t print_value_hash(const struct paxos_entry *entry)
{
    uint64_t facts[4] = {(uint64_t)entry->kind, 0, 0, 0};
    if (entry->kind == PAXOS_LEAD) {
        facts[1] = entry->lead.round;
        facts[2] = entry->lead.node;
        facts[3] = entry->lead.incarnation;
    }
    uint64_t hash = cd_hash64(facts, sizeof(facts));
    if (entry->payload != NULL) {
        hash = cd_hash64_seeded(entry->payload->data, entry->payload->bytes, hash);
    }
    return hash;
}

void print_know(struct printer *printer, uint32_t node, uint64_t incarnation)
{
    CD_ASSERT(node < PRINT_NODES_MAX);
    size_t *count = &printer->counts[node];
    for (size_t i = 0; i < *count; i++) {
        if (printer->incarnations[node][i] == incarnation) {
            return;
        }
    }
    if (*count < PRINT_INCARNATIONS_MAX) {
        printer->incarnations[node][(*count)++] = incarnation;
    }
}

void print_ballot(const struct printer *printer, struct paxos_ballot ballot, char *to, size_t bytes)
{
    if (ballot.round == 0) {
        (void)snprintf(to, bytes, "0");
        return;
    }
    char suffix[2] = "";
    for (size_t i = 1; ballot.node < PRINT_NODES_MAX && i < printer->counts[ballot.node]; i++) {
        if (printer->incarnations[ballot.node][i] == ballot.incarnation) {
            suffix[0] = (char)('a' + (int)i);
        }
    }
    (void)snprintf(to, bytes, "%" PRIu64 ".%u%s", ballot.round, ballot.node, suffix);
}

static void print_config(const struct paxos_config *config, char *to, size_t bytes)
{
    static const char marks[] = {'?', 'V', 'L', 'O'};
    size_t used = (size_t)snprintf(to, bytes, "members");
    for (size_t i = 0; i < config->members_count && used + 8 < bytes; i++) {
        used += (size_t)snprintf(to + used, bytes - used, " %u%c", config->members[i].node,
                                 marks[config->members[i].role]);
    }
}

/* Text as it is, numbers as #7. */
static void print_payload(const struct cd_blob *payload, char *to, size_t bytes)
{
    bool text = true;
    for (size_t i = 0; i < payload->bytes; i++) {
        text = text && payload->data[i] >= ' ' && payload->data[i] < 127;
    }
    if (!text && payload->bytes == sizeof(uint64_t)) {
        (void)snprintf(to, bytes, "#%" PRIu64, cd_get_u64(payload->data));
    } else {
        (void)snprintf(to, bytes, "\"%.*s\"", (int)payload->bytes, (const char *)payload->data);
    }
}

void print_entry(const struct printer *printer, const struct paxos_entry *entry, bool with_ballot,
                 char *to, size_t bytes)
{
    char value[160] = "?";
    char ballot[48] = "";
    switch (entry->kind) {
    case PAXOS_NOOP:
        (void)snprintf(value, sizeof(value), "noop");
        break;
    case PAXOS_LEAD:
        print_ballot(printer, entry->lead, ballot, sizeof(ballot));
        (void)snprintf(value, sizeof(value), "lead %s", ballot);
        break;
    case PAXOS_CONFIG: {
        struct paxos_config config;
        memcpy(&config, entry->payload->data, sizeof(config));
        print_config(&config, value, sizeof(value));
        break;
    }
    case PAXOS_COMMANDS:
        print_payload(entry->payload, value, sizeof(value));
        break;
    }
    print_ballot(printer, entry->ballot, ballot, sizeof(ballot));
    (void)snprintf(to, bytes, "%" PRIu64 "=%s%s%s%s", entry->slot, value, with_ballot ? " (" : "",
                   with_ballot ? ballot : "", with_ballot ? ")" : "");
}

struct line {
    char text[PRINT_BYTES - 96];
    size_t used;
};

static void add(struct line *line, const char *format, ...) CD_PRINTF(2, 3);

static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = sizeof(line->text) - line->used;
    int wanted = vsnprintf(line->text + line->used, room, format, arguments);
    va_end(arguments);
    line->used += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static void add_entries(struct line *line, const struct printer *printer,
                        const struct paxos_message *m, bool with_ballot)
{
    for (size_t i = 0; i < m->entries_count; i++) {
        char text[256];
        print_entry(printer, &m->entries[i], with_ballot, text, sizeof(text));
        add(line, "%s%s", i == 0 ? " {" : ", ", text);
    }
    add(line, "%s", m->entries_count > 0 ? "}" : "");
}

static void add_range(struct line *line, const struct paxos_message *m)
{
    if (m->last == PAXOS_SLOT_MAX) {
        add(line, " %" PRIu64 "..", m->first);
    } else {
        add(line, " %" PRIu64 "..%" PRIu64, m->first, m->last);
    }
}

static void add_details(struct line *line, const struct printer *printer,
                        const struct paxos_message *m)
{
    char ballot[48];
    print_ballot(printer, m->ballot, ballot, sizeof(ballot));
    switch (m->kind) {
    case PAXOS_MSG_PROBE:
    case PAXOS_MSG_JOIN:
    case PAXOS_MSG_READ_ASK:
        break;
    case PAXOS_MSG_PROBE_REPLY:
        add(line, " remembered=%" PRIu64, m->remembered);
        break;
    case PAXOS_MSG_PREVOTE:
        add(line, " chosen=%" PRIu64, m->chosen);
        break;
    case PAXOS_MSG_PREVOTE_REPLY:
        add(line, " %s chosen=%" PRIu64, m->granted ? "yes" : "no", m->chosen);
        break;
    case PAXOS_MSG_PREPARE:
        add(line, " b=%s from=%" PRIu64, ballot, m->first);
        break;
    case PAXOS_MSG_PROMISE:
    case PAXOS_MSG_ACCEPTED:
        add(line, " %s b=%s", m->granted ? "yes" : "no", ballot);
        if (m->granted) {
            add_range(line, m);
        }
        add(line, " chosen=%" PRIu64, m->chosen);
        add_entries(line, printer, m, true);
        break;
    case PAXOS_MSG_ACCEPT:
    case PAXOS_MSG_CHOSEN:
        if (m->kind == PAXOS_MSG_ACCEPT) {
            add(line, " b=%s", ballot);
        }
        add(line, " chosen=%" PRIu64, m->chosen);
        add_entries(line, printer, m, false);
        break;
    case PAXOS_MSG_HEARTBEAT:
    case PAXOS_MSG_HEARTBEAT_REPLY:
    case PAXOS_MSG_TAKE_OVER:
        add(line, " b=%s chosen=%" PRIu64, ballot, m->chosen);
        break;
    case PAXOS_MSG_FETCH:
        add(line, " from=%" PRIu64, m->first);
        break;
    case PAXOS_MSG_READ_ANSWER:
        add(line, " b=%s at=%" PRIu64, ballot, m->chosen);
        break;
    }
}

void print_message(const struct printer *printer, const struct paxos_message *m, const char *arrow,
                   char *to, size_t bytes)
{
    struct line line = {.used = 0};
    line.text[0] = '\0';
    add_details(&line, printer, m);
    (void)snprintf(to, bytes, "%u%s%u %s%s", m->from, arrow, m->to, paxos_message_name(m->kind),
                   line.text);
}

void print_note(const struct printer *printer, uint32_t node, const struct paxos_note *note,
                char *to, size_t bytes)
{
    char ballot[48];
    struct line line = {.used = 0};
    line.text[0] = '\0';
    print_ballot(printer, note->ballot, ballot, sizeof(ballot));
    if (note->slot != 0) {
        add(&line, " slot=%" PRIu64, note->slot);
    }
    if (note->ballot.round != 0) {
        add(&line, " b=%s", ballot);
    }
    if (note->node != 0) {
        add(&line, " node=%u", note->node);
    }
    (void)snprintf(to, bytes, "%u %s%s: %s", node, paxos_note_name(note->kind), line.text,
                   paxos_note_text(note->kind));
}
