#include "simulation/group.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* "2.3": round 2 of node 3; "2.3b" with its second incarnation. */
void group_print_ballot(struct group *group, struct paxos_ballot ballot, char *to, size_t bytes)
{
    if (ballot.round == 0) {
        (void)snprintf(to, bytes, "0");
        return;
    }
    char suffix[2] = "";
    if (ballot.node > 0 && ballot.node <= group->options.nodes) {
        const struct group_node *node = &group->nodes[ballot.node];
        for (size_t i = 1; i < node->incarnations_count && i < GROUP_NODES_MAX; i++) {
            if (node->incarnations[i] == ballot.incarnation) {
                suffix[0] = (char)('a' + (int)i);
            }
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

void group_print_entry(struct group *group, const struct paxos_entry *entry, bool with_ballot,
                       char *to, size_t bytes)
{
    char value[160] = "?";
    char ballot[48] = "";
    switch (entry->kind) {
    case PAXOS_NOOP:
        (void)snprintf(value, sizeof(value), "noop");
        break;
    case PAXOS_LEAD:
        group_print_ballot(group, entry->lead, ballot, sizeof(ballot));
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
    group_print_ballot(group, entry->ballot, ballot, sizeof(ballot));
    (void)snprintf(to, bytes, "%" PRIu64 "=%s%s%s%s", entry->slot, value,
                   with_ballot ? " (" : "", with_ballot ? ballot : "", with_ballot ? ")" : "");
}

struct line {
    char text[TRACE_LINE_BYTES_MAX - 64];
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

static void add_entries(struct line *line, struct group *group, const struct paxos_message *m,
                        bool with_ballot)
{
    for (size_t i = 0; i < m->entries_count; i++) {
        char text[256];
        group_print_entry(group, &m->entries[i], with_ballot, text, sizeof(text));
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

static void add_details(struct line *line, struct group *group, const struct paxos_message *m)
{
    char ballot[48];
    group_print_ballot(group, m->ballot, ballot, sizeof(ballot));
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
        add_entries(line, group, m, true);
        break;
    case PAXOS_MSG_ACCEPT:
    case PAXOS_MSG_CHOSEN:
        if (m->kind == PAXOS_MSG_ACCEPT) {
            add(line, " b=%s", ballot);
        }
        add(line, " chosen=%" PRIu64, m->chosen);
        add_entries(line, group, m, false);
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

void group_trace_letter(struct group *group, const struct paxos_message *m, const char *arrow)
{
    if (!trace_is_on(group->trace)) {
        return;
    }
    bool beat = m->kind == PAXOS_MSG_HEARTBEAT || m->kind == PAXOS_MSG_HEARTBEAT_REPLY;
    if (beat && !group->options.show_heartbeats) {
        return;
    }
    struct line line = {.used = 0};
    line.text[0] = '\0';
    add_details(&line, group, m);
    trace_line(group->trace, "%u%s%u %s%s", m->from, arrow, m->to, paxos_message_name(m->kind),
               line.text);
}

void group_trace_note(struct group_node *node, const struct paxos_note *note)
{
    if (!trace_is_on(node->group->trace)) {
        return;
    }
    char ballot[48];
    struct line line = {.used = 0};
    line.text[0] = '\0';
    group_print_ballot(node->group, note->ballot, ballot, sizeof(ballot));
    if (note->slot != 0) {
        add(&line, " slot=%" PRIu64, note->slot);
    }
    if (note->ballot.round != 0) {
        add(&line, " b=%s", ballot);
    }
    if (note->node != 0) {
        add(&line, " node=%u", note->node);
    }
    trace_line(node->group->trace, "%u %s%s: %s", node->id, paxos_note_name(note->kind),
               line.text, paxos_note_text(note->kind));
}
