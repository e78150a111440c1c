#include "simulation/group.h"

#include "base/hash.h"
#include "base/memory.h"

#include <string.h>

static void carry_out(struct group_node *node);

/* ---- Letters ---- */

struct group_letter *group_letter_share(struct group_letter *letter)
{
    letter->refs++;
    return letter;
}

void group_letter_drop(struct group_letter *letter)
{
    if (--letter->refs > 0) {
        return;
    }
    for (size_t i = 0; i < letter->message.entries_count; i++) {
        cd_blob_unref(letter->message.entries[i].payload);
    }
    cd_free(letter->message.entries);
    cd_free(letter);
}

static struct group_letter *write_letter(const struct paxos_message *message)
{
    struct group_letter *letter = cd_malloc(sizeof(*letter));
    *letter = (struct group_letter){.message = *message, .refs = 1};
    letter->message.entries = NULL;
    if (message->entries_count > 0) {
        size_t bytes = message->entries_count * sizeof(*message->entries);
        letter->message.entries = cd_malloc(bytes);
        memcpy(letter->message.entries, message->entries, bytes);
        for (size_t i = 0; i < message->entries_count; i++) {
            cd_blob_ref(message->entries[i].payload);
        }
    }
    return letter;
}

/* R1 broken on purpose: of slots that it knows as chosen an acceptor says "nothing accepted". */
static void make_forgetful(struct paxos_message *m)
{
    if (m->kind == PAXOS_MSG_PROMISE && m->granted) {
        m->chosen = 0;
        m->first = 1;
    } else if (m->kind == PAXOS_MSG_PREVOTE_REPLY) {
        m->chosen = 0;
    }
}

void group_letter_post(struct group *group, struct group_letter *letter)
{
    network_send(&group->network, letter->message.from, letter->message.to, letter);
}

/* P1: what an incarnation says of its promises only grows, through all its lives. */
static bool keeps_its_word(struct group_node *node, const struct paxos_message *m)
{
    bool speaks = m->kind == PAXOS_MSG_PREPARE ||
                  (m->granted && (m->kind == PAXOS_MSG_PROMISE || m->kind == PAXOS_MSG_ACCEPTED));
    if (!speaks) {
        return true;
    }
    if (node->said_by != m->from_incarnation) {
        node->said_by = m->from_incarnation;
        node->said = (struct paxos_ballot){0};
    }
    if (paxos_ballot_compare(m->ballot, node->said) < 0) {
        return false;
    }
    node->said = m->ballot;
    return true;
}

static void break_oath(struct group *group, const char *rule, const struct paxos_message *m)
{
    if (group->broken_oath[0] == '\0') {
        char text[PRINT_BYTES];
        print_message(&group->printer, m, "->", text, sizeof(text));
        (void)snprintf(group->broken_oath, sizeof(group->broken_oath), "%s: %.200s", rule, text);
    }
}

/* P2: whatever a replica says of its promises and acceptances is on its disk by then. R2: so is the
 * incarnation that says it. */
static void check_oath(struct group *group, const struct paxos_message *m)
{
    struct ledger *ledger = &group->nodes[m->from].ledger;
    bool kept = ledger_durable_incarnation(ledger) == m->from_incarnation;
    if (m->kind == PAXOS_MSG_PREPARE || (m->kind == PAXOS_MSG_PROMISE && m->granted)) {
        kept = kept && paxos_ballot_compare(ledger_durable_promise(ledger), m->ballot) >= 0;
    } else if (m->kind == PAXOS_MSG_ACCEPTED && m->granted) {
        for (paxos_slot slot = m->first; slot <= m->last; slot++) {
            kept = kept && ledger_durably_accepted(ledger, slot, m->ballot);
        }
    }
    if (!kept) {
        break_oath(group, "P2: said before it was durable", m);
    }
    if (!keeps_its_word(&group->nodes[m->from], m)) {
        break_oath(group, "P1: said after it had promised more", m);
    }
}

static void post(struct group *group, struct group_letter *letter)
{
    check_oath(group, &letter->message);
    if (group->options.promises_forget) {
        make_forgetful(&letter->message);
    }
    enum group_verdict verdict = GROUP_PASS;
    if (group->watcher.sending != NULL) {
        verdict = group->watcher.sending(group->watcher.context, letter);
    }
    if (verdict == GROUP_PASS) {
        group_letter_post(group, letter);
    } else if (verdict == GROUP_DROP) {
        group_trace_letter(group, &letter->message, "-x");
        group_letter_drop(letter);
    }
}

void group_trace_letter(struct group *group, const struct paxos_message *message, const char *arrow)
{
    if (trace_is_on(group->trace) && (group->options.hidden >> message->kind & 1u) == 0) {
        char text[PRINT_BYTES];
        print_message(&group->printer, message, arrow, text, sizeof(text));
        trace_line(group->trace, "%s", text);
    }
}

/* ---- Events into paxos ---- */

static uint64_t now_ms(const struct group_node *node)
{
    return world_clock_ms(node->group->world, &node->clock);
}

void group_step(struct group_node *node, struct paxos_event event)
{
    CD_ASSERT(node->up);
    event.now_ms = now_ms(node);
    paxos_step(node->px, &event, &node->effects);
    paxos_check(node->px);
    carry_out(node);
}

static void ring(void *context, const struct world_event *event);

static void set_alarm(struct group_node *node)
{
    uint64_t deadline_ms = paxos_deadline_ms(node->px);
    if (deadline_ms == PAXOS_NEVER) {
        return;
    }
    struct world *world = node->group->world;
    uint64_t wait_us = world_clock_wait_us(world, &node->clock, deadline_ms);
    if (world->now_us + wait_us >= node->wake_us) {
        return;
    }
    node->wake_us = world->now_us + wait_us;
    world_after(world, wait_us,
                (struct world_event){.action = ring, .context = node, .number = node->life});
}

static void ring(void *context, const struct world_event *event)
{
    struct group_node *node = context;
    if (!node->up || event->number != node->life || event->at_us != node->wake_us) {
        return;
    }
    node->wake_us = UINT64_MAX;
    if (node->paused || node->timer_held) {
        return; /* rings again when that ends */
    }
    if (paxos_deadline_ms(node->px) <= now_ms(node)) {
        group_step(node, (struct paxos_event){.kind = PAXOS_EV_TICK});
        /* A deadline that a tick does not move would keep a real loop spinning. */
        CD_ASSERT(!node->up || paxos_deadline_ms(node->px) > now_ms(node));
    } else {
        set_alarm(node);
    }
}

static void deliver(void *context, uint32_t from, uint32_t to, void *cargo)
{
    struct group *group = context;
    struct group_letter *letter = cargo;
    struct group_node *node = &group->nodes[to];
    (void)from;
    if (!node->up) {
        group_trace_letter(group, &letter->message, "-|");
        group_letter_drop(letter);
        return;
    }
    if (node->paused) {
        if (node->parked_count < GROUP_PARKED_MAX) {
            node->parked[node->parked_count++] = letter;
        } else {
            group_letter_drop(letter);
        }
        return;
    }
    group_trace_letter(group, &letter->message, "->");
    trace_count(group->trace, "message", (uint64_t)letter->message.kind,
                (uint64_t)letter->message.from << 32 | to, letter->message.first);
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_MESSAGE, .message = &letter->message});
    group_letter_drop(letter);
}

/* ---- Effects out of paxos ---- */

static void wait_for_disk(struct group_node *node, struct group_letter *letter)
{
    if (node->waiting_count == node->waiting_capacity) {
        node->waiting_capacity = node->waiting_capacity == 0 ? 16 : 2 * node->waiting_capacity;
        node->waiting = cd_realloc(node->waiting, node->waiting_capacity * sizeof(*node->waiting));
    }
    node->waiting[node->waiting_count++] =
        (struct group_waiting){.position = node->ledger.wanted, .letter = letter};
}

static void say_durable(struct group_node *node, uint64_t position)
{
    size_t said = 0;
    while (said < node->waiting_count && node->waiting[said].position <= position) {
        post(node->group, node->waiting[said].letter);
        said++;
    }
    if (said == 0) {
        return;
    }
    node->waiting_count -= said;
    memmove(node->waiting, node->waiting + said, node->waiting_count * sizeof(*node->waiting));
}

static void sync_done(void *context, const struct world_event *event)
{
    struct group_node *node = context;
    if (!node->up || event->number != node->life || !node->syncing) {
        return;
    }
    if (node->paused || node->disk_stalled) {
        world_after(node->group->world, 1000, *event);
        return;
    }
    node->syncing = false;
    node->ledger.durable = node->syncing_to;
    node->group->syncs++;
    if (!node->group->options.disks_lie) {
        say_durable(node, node->syncing_to);
        /* Its effects start the next sync if more has come meanwhile. */
        group_step(node, (struct paxos_event){.kind = PAXOS_EV_PERSISTED,
                                              .persisted = node->syncing_to - node->started_at,
                                              .position = node->syncing_to});
    }
}

static void sync_all(struct group_node *node)
{
    struct group *group = node->group;
    node->syncing = true;
    node->syncing_to = node->ledger.count;
    uint64_t wait_us = group->options.sync_us_min;
    if (group->options.sync_us_mean != 0) {
        wait_us += sim_exponential(&node->prng, group->options.sync_us_mean);
    }
    world_after(group->world, wait_us,
                (struct world_event){.action = sync_done, .context = node, .number = node->life});
}

/* The log went idle with lazy records in it (storage's idle mark). */
static void sync_lazy(void *context, const struct world_event *event)
{
    struct group_node *node = context;
    if (event->number != node->life || !node->up) {
        return;
    }
    node->idle_set = false;
    if (!node->syncing && node->ledger.count > node->ledger.durable) {
        sync_all(node);
    }
}

static void start_sync(struct group_node *node)
{
    if (node->syncing || node->ledger.count == node->ledger.durable) {
        return;
    }
    if (node->ledger.wanted > node->ledger.durable) {
        sync_all(node);
    } else if (!node->idle_set) {
        node->idle_set = true;
        world_after(
            node->group->world, GROUP_IDLE_US,
            (struct world_event){.action = sync_lazy, .context = node, .number = node->life});
    }
}

static void apply_entry(struct group_node *node, const struct paxos_entry *entry)
{
    CD_ASSERT(entry->slot == node->applied + 1); /* P6 */
    uint64_t value = print_value_hash(entry);
    node->applied = entry->slot;
    node->digest = cd_hash64_seeded(&value, sizeof(value), node->digest);
    paxos_base_follow(&node->base, entry);
    trace_count(node->group->trace, "applied", node->id, entry->slot, node->digest);
    if (trace_is_on(node->group->trace) && !node->replaying) {
        char text[256];
        print_entry(&node->group->printer, entry, false, text, sizeof(text));
        trace_line(node->group->trace, "%u applies %s", node->id, text);
    }
    if (node->group->watcher.applied != NULL) {
        node->group->watcher.applied(node->group->watcher.context, node, entry, value);
    }
    group_snapshot_if_due(node);
}

static void take_note(struct group_node *node, const struct paxos_note *note)
{
    struct group *group = node->group;
    group->notes[note->kind]++;
    trace_count(group->trace, "note", node->id, (uint64_t)note->kind, note->slot);
    if (trace_is_on(group->trace)) {
        char text[PRINT_BYTES];
        print_note(&group->printer, node->id, note, text, sizeof(text));
        trace_line(group->trace, "%s", text);
    }
    if (group->watcher.noted != NULL) {
        group->watcher.noted(group->watcher.context, node, note);
    }
}

static void answer_fetch(struct group_node *node)
{
    const struct paxos_effects *effects = &node->effects;
    struct paxos_entry entries[PAXOS_MESSAGE_ENTRIES_MAX];
    size_t count =
        ledger_entries(&node->ledger, effects->fetch_first, effects->fetch_last, entries);
    CD_ASSERT(count == effects->fetch_last - effects->fetch_first + 1);
    struct paxos_message message;
    paxos_make_chosen(node->px, effects->fetch_to, entries, count, &message);
    for (size_t i = 0; i < count; i++) {
        entries[i].ballot = (struct paxos_ballot){0};
    }
    post(node->group, write_letter(&message));
}

static void persist_effects(struct group_node *node)
{
    struct paxos_status status;
    paxos_status(node->px, now_ms(node), &status);
    const struct paxos_effects *effects = &node->effects;
    for (size_t i = 0; i < effects->persist_count; i++) {
        if (effects->persist[i].kind == PAXOS_PERSIST_IDENTITY) {
            node->incarnation = status.incarnation;
            print_know(&node->group->printer, node->id, status.incarnation);
        }
    }
    ledger_append(&node->ledger, node->px, status.incarnation, effects->persist,
                  effects->persist_count);
}

static void carry_out(struct group_node *node)
{
    const struct paxos_effects *effects = &node->effects;
    struct group *group = node->group;
    bool lying = group->options.disks_lie && effects->persist_count > 0;
    persist_effects(node);
    for (size_t i = 0; i < effects->notes_count; i++) {
        take_note(node, &effects->notes[i]);
    }
    for (size_t i = 0; i < effects->sends_count; i++) {
        struct group_letter *letter = write_letter(&effects->sends[i].message);
        if (effects->sends[i].after_persist && letter->message.durable < node->ledger.wanted) {
            letter->message.durable = node->ledger.wanted; /* R2: true by the time it leaves */
        }
        /* Lazy records behind the last wanted one are nothing that anything waits for. */
        if (effects->sends[i].after_persist && node->ledger.wanted > node->ledger.durable &&
            !group->options.disks_lie) {
            wait_for_disk(node, letter);
        } else {
            post(group, letter);
        }
    }
    for (size_t i = 0; i < effects->chosen_count; i++) {
        node->handed = effects->chosen[i].slot;
        if (!node->apply_held) {
            apply_entry(node, &effects->chosen[i]);
        }
    }
    bool applied = effects->chosen_count > 0 && !node->apply_held;
    if (effects->fetch_to != 0) {
        answer_fetch(node);
    }
    if (effects->snapshot_to != 0) {
        group_send_snapshot(node, effects->snapshot_to);
    }
    if (effects->barrier_token != 0 && group->watcher.readable != NULL) {
        group->watcher.readable(group->watcher.context, node, effects->barrier_token,
                                effects->barrier_index);
    }
    bool forgot = effects->forgot;
    start_sync(node);
    set_alarm(node);
    /* From here on `effects` are those of a later step. */
    if (lying) {
        group_step(node, (struct paxos_event){.kind = PAXOS_EV_PERSISTED,
                                              .persisted = node->ledger.count - node->started_at,
                                              .position = node->ledger.count});
    }
    if (applied) {
        group_step(node, (struct paxos_event){.kind = PAXOS_EV_APPLIED, .slot = node->applied});
    }
    if (forgot) {
        group_step(node, (struct paxos_event){.kind = PAXOS_EV_REINCARNATE,
                                              .incarnation = cd_prng_next(&node->prng) | 1});
    }
}

/* ---- Life ---- */

static void *share_letter(void *letter)
{
    return group_letter_share(letter);
}

static void drop_letter(void *letter)
{
    group_letter_drop(letter);
}

static void lost_letter(void *context, uint32_t from, uint32_t to, const void *letter)
{
    struct group *group = context;
    if (!group->options.hide_cuts || !group->network.cut[from][to]) {
        group_trace_letter(group, &((const struct group_letter *)letter)->message, "-x");
    }
}

void group_init(struct group *group, struct world *world, struct trace *trace,
                const struct group_options *options)
{
    CD_ASSERT(options->nodes > 0 && options->nodes < GROUP_NODES_MAX);
    *group = (struct group){.world = world, .trace = trace, .options = *options};
    network_init(&group->network, world,
                 &(struct network_port){.context = group,
                                        .deliver = deliver,
                                        .lost = lost_letter,
                                        .share = share_letter,
                                        .drop = drop_letter});
    world_fork_prng(world, "group", 0, &group->prng);
    for (uint32_t id = 1; id <= options->nodes; id++) {
        struct group_node *node = &group->nodes[id];
        node->group = group;
        node->id = id;
        node->wake_us = UINT64_MAX;
        world_fork_prng(world, "node", id, &node->prng);
        node->clock.base_ms = 1000 * (uint64_t)id;
        int64_t spread = options->skew_ppm_max;
        node->clock.skew_ppm =
            (int32_t)((int64_t)sim_between(&node->prng, 0, 2 * (uint64_t)spread) - spread);
        node->parked = cd_calloc(GROUP_PARKED_MAX, sizeof(struct group_letter *));
        paxos_effects_init(&node->effects);
        ledger_init(&node->ledger);
        ledger_init(&node->yesterday);
    }
}

static void drop_parked(struct group_node *node)
{
    for (size_t i = 0; i < node->parked_count; i++) {
        group_letter_drop(node->parked[i]);
    }
    node->parked_count = 0;
}

static void drop_waiting(struct group_node *node)
{
    for (size_t i = 0; i < node->waiting_count; i++) {
        group_letter_drop(node->waiting[i].letter);
    }
    node->waiting_count = 0;
}

void group_release(struct group *group)
{
    for (uint32_t id = 1; id <= group->options.nodes; id++) {
        struct group_node *node = &group->nodes[id];
        drop_parked(node);
        drop_waiting(node);
        paxos_free(node->px);
        paxos_effects_release(&node->effects);
        ledger_release(&node->ledger);
        ledger_release(&node->yesterday);
        cd_free(node->parked);
        cd_free(node->waiting);
    }
}

struct group_node *group_node(struct group *group, uint32_t id)
{
    CD_ASSERT(id > 0 && id <= group->options.nodes);
    return &group->nodes[id];
}

static void replayed(void *context, const struct paxos_entry *entry)
{
    struct group_node *node = context;
    node->handed = entry->slot;
    apply_entry(node, entry);
}

static struct paxos *make_paxos(struct group_node *node)
{
    struct group *group = node->group;
    uint32_t peers[GROUP_NODES_MAX];
    size_t peers_count = 0;
    for (uint32_t id = 1; id <= group->options.nodes; id++) {
        if (id != node->id) {
            peers[peers_count++] = id;
        }
    }
    return paxos_create(&(struct paxos_options){.node = node->id,
                                                .incarnation = node->ledger.incarnation,
                                                .boot = cd_prng_next(&node->prng),
                                                .seed = cd_prng_next(&node->prng),
                                                .heartbeat_ms = group->options.heartbeat_ms,
                                                .election_ms = group->options.election_ms,
                                                .peers = peers,
                                                .peers_count = peers_count});
}

void group_start(struct group_node *node, bool forgot)
{
    CD_ASSERT(!node->up);
    struct group *group = node->group;
    enum paxos_memory memory = forgot ? PAXOS_MEMORY_LOST : PAXOS_MEMORY_KEPT;
    if (node->ledger.incarnation == 0) {
        memory = PAXOS_MEMORY_FRESH;
        node->ledger.incarnation = cd_prng_next(&node->prng) | 1;
    }
    group->restarts += node->life > 0 ? 1 : 0;
    node->life++;
    node->up = true;
    node->paused = false;
    node->idle_set = false;
    node->wake_us = UINT64_MAX;
    node->handed = 0;
    node->applied = 0;
    node->digest = 0;
    node->base = (struct paxos_base){0};
    node->is_taking = false;
    node->is_arriving = false;
    memset(node->sent_us, 0, sizeof(node->sent_us));
    trace_count(group->trace, "start", node->id, node->life, node->ledger.count);
    if (group->watcher.started != NULL) {
        group->watcher.started(group->watcher.context, node);
    }
    node->px = make_paxos(node);
    node->replaying = true;
    group_load_snapshot(node);
    enum cd_status status = ledger_replay(&node->ledger, node->px, replayed, node);
    node->replaying = false;
    CD_ASSERT(status == CD_OK);
    trace_line(group->trace, "%u starts with %zu records%s and has applied up to slot %llu",
               node->id, node->ledger.count, forgot ? ", some known to be lost," : "",
               (unsigned long long)node->applied);
    struct paxos_status present;
    group_status(node, &present);
    CD_ASSERT(present.chosen == node->applied);
    node->incarnation = present.incarnation;
    print_know(&group->printer, node->id, present.incarnation);
    node->started_at = node->ledger.count;
    paxos_effects_clear(&node->effects);
    paxos_start(node->px, now_ms(node), node->ledger.count, memory, &node->effects);
    paxos_check(node->px);
    carry_out(node);
}

void group_crash(struct group_node *node, size_t keep)
{
    CD_ASSERT(node->up);
    struct group *group = node->group;
    size_t pending = node->ledger.count - node->ledger.durable;
    keep = keep < pending ? keep : pending;
    trace_count(group->trace, "crash", node->id, pending, keep);
    trace_line(group->trace, "%u crashes; %zu of %zu records that were not durable are lost",
               node->id, pending - keep, pending);
    group->crashes++;
    group->lost_records += pending - keep;
    ledger_crash(&node->ledger, keep);
    paxos_free(node->px);
    node->px = NULL;
    node->up = false;
    node->syncing = false;
    drop_parked(node);
    drop_waiting(node);
}

void group_wipe(struct group_node *node)
{
    CD_ASSERT(!node->up);
    trace_count(node->group->trace, "wipe", node->id, node->ledger.count, 0);
    trace_line(node->group->trace, "%u loses its disk and gets an empty one", node->id);
    ledger_release(&node->ledger);
    node->shelf.count = 0;
    node->group->wipes++;
}

void group_copy_disk(struct group_node *node)
{
    trace_line(node->group->trace, "%u has its disk copied: %zu records", node->id,
               node->ledger.durable);
    ledger_copy(&node->yesterday, &node->ledger);
    node->yesterday_shelf = node->shelf;
    node->has_yesterday = true;
}

void group_restore_disk(struct group_node *node)
{
    CD_ASSERT(!node->up && node->has_yesterday);
    trace_count(node->group->trace, "restore", node->id, node->ledger.count, node->yesterday.count);
    trace_line(node->group->trace, "%u gets the copy back: %zu records in place of %zu", node->id,
               node->yesterday.count, node->ledger.count);
    ledger_copy(&node->ledger, &node->yesterday);
    node->shelf = node->yesterday_shelf;
    node->group->restores++;
}

void group_pause(struct group_node *node)
{
    node->paused = true;
}

void group_resume(struct group_node *node)
{
    CD_ASSERT(node->up);
    node->paused = false;
    /* The timers of a process that was stopped run before its sockets (R19). */
    if (paxos_deadline_ms(node->px) <= now_ms(node)) {
        group_step(node, (struct paxos_event){.kind = PAXOS_EV_TICK});
    }
    for (size_t i = 0; i < node->parked_count; i++) {
        deliver(node->group, 0, node->id, node->parked[i]);
    }
    node->parked_count = 0;
    set_alarm(node);
}

void group_hold_timer(struct group_node *node, bool held)
{
    node->timer_held = held;
    if (!held && node->up) {
        set_alarm(node);
    }
}

void group_stall_disk(struct group_node *node, bool stalled)
{
    node->disk_stalled = stalled;
}

void group_hold_apply(struct group_node *node, bool held)
{
    node->apply_held = held;
    if (held || !node->up || node->handed == node->applied) {
        return;
    }
    struct paxos_entry entries[PAXOS_MESSAGE_ENTRIES_MAX];
    size_t count = ledger_entries(&node->ledger, node->applied + 1, node->handed, entries);
    for (size_t i = 0; i < count; i++) {
        apply_entry(node, &entries[i]);
    }
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_APPLIED, .slot = node->applied});
}

/* ---- The replica's own side ---- */

void group_birth(struct group_node *node)
{
    struct paxos_config config = {.alpha = node->group->options.alpha, .generation = 1};
    for (size_t i = 0; i < sizeof(config.cluster_id); i++) {
        config.cluster_id[i] = (uint8_t)cd_prng_next(&node->prng);
    }
    trace_line(node->group->trace, "%u gives birth to a cluster with alpha %u", node->id,
               config.alpha);
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_BIRTH, .config = &config});
}

void group_propose(struct group_node *node, struct cd_blob *payload)
{
    CD_ASSERT(paxos_may_propose(node->px));
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_PROPOSE, .payload = payload});
    cd_blob_unref(payload);
}

uint64_t group_read(struct group_node *node)
{
    uint64_t token = ++node->read_token;
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_BARRIER, .token = token});
    return token;
}

void group_hand_over(struct group_node *node, uint32_t to)
{
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_HAND_OVER, .node = to});
}

void group_remove(struct group_node *node, uint32_t removed)
{
    group_step(node, (struct paxos_event){.kind = PAXOS_EV_REMOVE, .node = removed});
}

void group_status(struct group_node *node, struct paxos_status *ret_status)
{
    CD_ASSERT(node->up);
    paxos_status(node->px, now_ms(node), ret_status);
}

struct group_node *group_leader(struct group *group)
{
    struct group_node *best = NULL;
    struct paxos_ballot highest = {0};
    for (uint32_t id = 1; id <= group->options.nodes; id++) {
        struct group_node *node = &group->nodes[id];
        if (!node->up) {
            continue;
        }
        struct paxos_status status;
        group_status(node, &status);
        if (status.role == PAXOS_ROLE_LEADER && status.established &&
            paxos_ballot_compare(status.ballot, highest) > 0) {
            best = node;
            highest = status.ballot;
        }
    }
    return best;
}
