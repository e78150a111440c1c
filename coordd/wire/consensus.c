#include "base/assert.h"
#include "wire/internal.h"
#include "wire/record.h"

#include <string.h>

/* Ballots, configurations and entries: what peers and the log have in common. */

CD_STATIC_ASSERT(PAXOS_NOOP == (int)COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_NOOP, "equal numbers");
CD_STATIC_ASSERT(PAXOS_LEAD == (int)COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_LEAD, "equal numbers");
CD_STATIC_ASSERT(PAXOS_CONFIG == (int)COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_CONFIG,
                 "equal numbers");
CD_STATIC_ASSERT(PAXOS_COMMANDS == (int)COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_COMMANDS,
                 "equal numbers");
CD_STATIC_ASSERT(PAXOS_VOTER == (int)COORD__PEER__V1__ROLE__ROLE_VOTER, "equal numbers");
CD_STATIC_ASSERT(PAXOS_LEARNER == (int)COORD__PEER__V1__ROLE__ROLE_LEARNER, "equal numbers");
CD_STATIC_ASSERT(PAXOS_OBSERVER == (int)COORD__PEER__V1__ROLE__ROLE_OBSERVER, "equal numbers");

struct paxos_ballot wire_ballot(const Coord__Peer__V1__Ballot *from)
{
    if (from == NULL) {
        return (struct paxos_ballot){0};
    }
    return (struct paxos_ballot){
        .round = from->round, .incarnation = from->incarnation, .node = from->node};
}

void wire_fill_ballot(Coord__Peer__V1__Ballot *ret_ballot, struct paxos_ballot ballot)
{
    coord__peer__v1__ballot__init(ret_ballot);
    ret_ballot->round = ballot.round;
    ret_ballot->node = ballot.node;
    ret_ballot->incarnation = ballot.incarnation;
}

bool wire_ballot_is_none(struct paxos_ballot ballot)
{
    return ballot.round == 0 && ballot.node == 0 && ballot.incarnation == 0;
}

/* ---- Configurations ---- */

static enum cd_status take_member(struct paxos_config *config,
                                  const Coord__Peer__V1__ConfigMember *from, size_t *voters,
                                  struct cd_error *error)
{
    switch (from->role) {
    case COORD__PEER__V1__ROLE__ROLE_VOTER:
        *voters += 1;
        break;
    case COORD__PEER__V1__ROLE__ROLE_LEARNER:
    case COORD__PEER__V1__ROLE__ROLE_OBSERVER:
        break;
    case COORD__PEER__V1__ROLE__ROLE_UNSPECIFIED:
    default:
        return cd_error_set(error, CD_NEWER_FORMAT, "configuration: node %u has unknown role %d",
                            (unsigned)from->node, (int)from->role);
    }
    bool twice = false;
    for (size_t i = 0; i < config->members_count; i++) {
        /* A wiped node keeps its old vote until its new incarnation takes the place (R2). */
        twice = twice || (config->members[i].node == from->node &&
                          config->members[i].incarnation == from->incarnation);
    }
    if (from->node == 0 || twice) {
        return cd_error_set(error, CD_MALFORMED, "configuration: node %u %s", (unsigned)from->node,
                            twice ? "is named twice in one incarnation" : "is no node");
    }
    config->members[config->members_count++] = (struct paxos_member){
        .incarnation = from->incarnation,
        .node = from->node,
        .role = (enum paxos_role_of_member)from->role,
    };
    return CD_OK;
}

static enum cd_status take_members(struct paxos_config *config, const Coord__Peer__V1__Config *from,
                                   struct cd_error *error)
{
    if (from->n_members > PAXOS_MEMBERS_MAX) {
        return cd_error_set(error, CD_MALFORMED, "configuration: %zu members; the limit is %d",
                            from->n_members, (int)PAXOS_MEMBERS_MAX);
    }
    size_t voters = 0;
    for (size_t i = 0; i < from->n_members; i++) {
        enum cd_status status = take_member(config, from->members[i], &voters, error);
        if (status != CD_OK) {
            return status;
        }
    }
    if (voters == 0 || voters > PAXOS_VOTERS_MAX) {
        return cd_error_set(error, CD_MALFORMED, "configuration: %zu voters; there are 1 to %d",
                            voters, (int)PAXOS_VOTERS_MAX);
    }
    return CD_OK;
}

enum cd_status wire_config(struct paxos_config *ret_config, const Coord__Peer__V1__Config *from,
                           struct cd_error *error)
{
    memset(ret_config, 0, sizeof(*ret_config));
    if (from->cluster_id.len != PAXOS_CLUSTER_ID_BYTES) {
        return cd_error_set(error, CD_MALFORMED, "configuration: a cluster id of %zu bytes",
                            from->cluster_id.len);
    }
    if (from->alpha < PAXOS_ALPHA_MIN || from->alpha > PAXOS_ALPHA_MAX) {
        return cd_error_set(error, CD_MALFORMED, "configuration: alpha is %u",
                            (unsigned)from->alpha);
    }
    if (from->generation == 0 || from->generation > UINT16_MAX) {
        return cd_error_set(error, CD_MALFORMED, "configuration: generation is %u",
                            (unsigned)from->generation);
    }
    memcpy(ret_config->cluster_id, from->cluster_id.data, PAXOS_CLUSTER_ID_BYTES);
    ret_config->alpha = from->alpha;
    ret_config->generation = from->generation;
    ret_config->based_on = from->based_on_slot;
    return take_members(ret_config, from, error);
}

void wire_fill_config(struct wire_config_message *ret_message, const struct paxos_config *config)
{
    CD_ASSERT(config->members_count <= PAXOS_MEMBERS_MAX);
    Coord__Peer__V1__Config *message = &ret_message->config;
    coord__peer__v1__config__init(message);
    message->cluster_id = wire_binary(config->cluster_id, PAXOS_CLUSTER_ID_BYTES);
    message->alpha = config->alpha;
    message->generation = config->generation;
    message->based_on_slot = config->based_on;
    for (size_t i = 0; i < config->members_count; i++) {
        Coord__Peer__V1__ConfigMember *member = &ret_message->members[i];
        coord__peer__v1__config_member__init(member);
        member->node = config->members[i].node;
        member->incarnation = config->members[i].incarnation;
        member->role = (Coord__Peer__V1__Role)config->members[i].role;
        ret_message->member_pointers[i] = member;
    }
    message->members = ret_message->member_pointers;
    message->n_members = config->members_count;
}

enum cd_status wire_fill_configs(struct wire_arena *arena,
                                 Coord__Storage__V1__ConfigAt ***ret_pointers,
                                 const struct wire_config_at *from, size_t count)
{
    CD_ASSERT(count <= WIRE_CONFIGS_MAX);
    Coord__Storage__V1__ConfigAt *list = wire_arena_get_array(arena, count, sizeof(*list));
    Coord__Storage__V1__ConfigAt **pointers = wire_arena_get_array(arena, count, sizeof(*pointers));
    struct wire_config_message *configs = wire_arena_get_array(arena, count, sizeof(*configs));
    if (list == NULL || pointers == NULL || configs == NULL) {
        return CD_TOO_LARGE;
    }
    for (size_t i = 0; i < count; i++) {
        wire_fill_config(&configs[i], &from[i].config);
        coord__storage__v1__config_at__init(&list[i]);
        list[i].slot = from[i].slot;
        list[i].config = &configs[i].config;
        pointers[i] = &list[i];
    }
    *ret_pointers = pointers;
    return CD_OK;
}

enum cd_status wire_take_configs(struct wire_arena *arena,
                                 const struct wire_config_at **ret_configs, size_t *ret_count,
                                 Coord__Storage__V1__ConfigAt *const *from, size_t count,
                                 struct cd_error *error)
{
    if (count > WIRE_CONFIGS_MAX) {
        return cd_error_set(error, CD_MALFORMED, "%zu configurations; the limit is %d", count,
                            (int)WIRE_CONFIGS_MAX);
    }
    struct wire_config_at *configs = wire_arena_get_array(arena, count, sizeof(*configs));
    if (configs == NULL) {
        return wire_exhausted(arena, error);
    }
    for (size_t i = 0; i < count; i++) {
        if (from[i]->config == NULL || from[i]->slot == 0) {
            return cd_error_set(error, CD_MALFORMED, "a configuration without slot or content");
        }
        configs[i].slot = from[i]->slot;
        enum cd_status status = wire_config(&configs[i].config, from[i]->config, error);
        if (status != CD_OK) {
            return status;
        }
    }
    *ret_configs = configs;
    *ret_count = count;
    return CD_OK;
}

/* ---- Entries ---- */

static enum cd_status take_config_payload(struct paxos_entry *ret_entry,
                                          const Coord__Peer__V1__Entry *from,
                                          struct cd_error *error)
{
    struct paxos_config config;
    enum cd_status status = wire_config(&config, from->config, error);
    if (status == CD_OK) {
        ret_entry->payload = cd_blob_copy(&config, sizeof(config));
    }
    return status;
}

/* What each kind carries, and nothing else. */
static enum cd_status check_entry(const Coord__Peer__V1__Entry *from, struct cd_error *error)
{
    bool lead = from->kind == COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_LEAD;
    bool config = from->kind == COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_CONFIG;
    bool commands = from->kind == COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_COMMANDS;
    if (!lead && !config && !commands &&
        from->kind != COORD__PEER__V1__ENTRY_KIND__ENTRY_KIND_NOOP) {
        return cd_error_set(error, CD_NEWER_FORMAT, "slot %llu: unknown kind of value %d",
                            (unsigned long long)from->slot, (int)from->kind);
    }
    if (from->slot == 0 || from->slot == PAXOS_SLOT_MAX) {
        return cd_error_set(error, CD_MALFORMED, "slot %llu: no slot",
                            (unsigned long long)from->slot);
    }
    if (lead != (from->lead != NULL) || config != (from->config != NULL) ||
        commands != (from->payload.len > 0)) {
        return cd_error_set(error, CD_MALFORMED, "slot %llu: its content does not fit its kind %d",
                            (unsigned long long)from->slot, (int)from->kind);
    }
    if (from->payload.len > WIRE_BATCH_BYTES_MAX) {
        return cd_error_set(error, CD_MALFORMED, "slot %llu: %zu bytes; the limit is %d",
                            (unsigned long long)from->slot, from->payload.len,
                            (int)WIRE_BATCH_BYTES_MAX);
    }
    return CD_OK;
}

enum cd_status wire_entry(struct paxos_entry *ret_entry, const Coord__Peer__V1__Entry *from,
                          struct cd_error *error)
{
    enum cd_status status = check_entry(from, error);
    if (status != CD_OK) {
        return status;
    }
    *ret_entry = (struct paxos_entry){
        .slot = from->slot,
        .ballot = wire_ballot(from->ballot),
        .kind = (enum paxos_kind)from->kind,
        .lead = wire_ballot(from->lead),
    };
    if (ret_entry->kind == PAXOS_CONFIG) {
        return take_config_payload(ret_entry, from, error);
    }
    if (ret_entry->kind == PAXOS_COMMANDS) {
        ret_entry->payload = cd_blob_copy(from->payload.data, from->payload.len);
    }
    return CD_OK;
}

void wire_fill_entry(struct wire_entry_message *ret_message, const struct paxos_entry *entry,
                     struct wire_config_message *config)
{
    Coord__Peer__V1__Entry *message = &ret_message->entry;
    coord__peer__v1__entry__init(message);
    message->slot = entry->slot;
    message->kind = (Coord__Peer__V1__EntryKind)entry->kind;
    if (!wire_ballot_is_none(entry->ballot)) {
        wire_fill_ballot(&ret_message->ballot, entry->ballot);
        message->ballot = &ret_message->ballot;
    }
    if (entry->kind == PAXOS_LEAD) {
        wire_fill_ballot(&ret_message->lead, entry->lead);
        message->lead = &ret_message->lead;
    }
    if (entry->kind == PAXOS_CONFIG) {
        struct paxos_config value;
        CD_ASSERT(entry->payload->bytes == sizeof(value));
        memcpy(&value, entry->payload->data, sizeof(value));
        wire_fill_config(config, &value);
        /* The copy ends here, the blob does not. */
        config->config.cluster_id =
            wire_binary(entry->payload->data + offsetof(struct paxos_config, cluster_id),
                        PAXOS_CLUSTER_ID_BYTES);
        message->config = &config->config;
    }
    if (entry->kind == PAXOS_COMMANDS) {
        message->payload = wire_binary(entry->payload->data, entry->payload->bytes);
    }
}
