#include "paxos/paxos.h"

int paxos_ballot_compare(struct paxos_ballot a, struct paxos_ballot b)
{
    if (a.round != b.round) {
        return a.round < b.round ? -1 : 1;
    }
    if (a.node != b.node) {
        return a.node < b.node ? -1 : 1;
    }
    if (a.incarnation != b.incarnation) {
        return a.incarnation < b.incarnation ? -1 : 1;
    }
    return 0;
}

const char *paxos_message_name(enum paxos_message_kind kind)
{
    switch (kind) {
#define PAXOS_MESSAGE_CASE(name, number)                                                           \
    case PAXOS_MSG_##name:                                                                         \
        return #name;
        PAXOS_MESSAGE_TABLE(PAXOS_MESSAGE_CASE)
#undef PAXOS_MESSAGE_CASE
    }
    return "UNKNOWN";
}

const char *paxos_note_name(enum paxos_note_kind kind)
{
    static const char *const names[PAXOS_NOTE_COUNT] = {
#define PAXOS_NOTE_NAME(name, text) [PAXOS_NOTE_##name] = #name,
        PAXOS_NOTE_TABLE(PAXOS_NOTE_NAME)
#undef PAXOS_NOTE_NAME
    };
    return kind < PAXOS_NOTE_COUNT ? names[kind] : "UNKNOWN";
}

const char *paxos_note_text(enum paxos_note_kind kind)
{
    static const char *const texts[PAXOS_NOTE_COUNT] = {
#define PAXOS_NOTE_TEXT(name, text) [PAXOS_NOTE_##name] = text,
        PAXOS_NOTE_TABLE(PAXOS_NOTE_TEXT)
#undef PAXOS_NOTE_TEXT
    };
    return kind < PAXOS_NOTE_COUNT ? texts[kind] : "unknown";
}

const char *paxos_role_name(enum paxos_role role)
{
    switch (role) {
    case PAXOS_ROLE_LEARNER:
        return "learner";
    case PAXOS_ROLE_FOLLOWER:
        return "follower";
    case PAXOS_ROLE_PRECANDIDATE:
        return "precandidate";
    case PAXOS_ROLE_CANDIDATE:
        return "candidate";
    case PAXOS_ROLE_LEADER:
        return "leader";
    }
    return "unknown";
}
