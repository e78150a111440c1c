#include "simulation/story.h"

#include "base/memory.h"
#include "simulation/cluster.h"
#include "simulation/frames.h"

#include <stdlib.h>
#include <string.h>

/*
 * Stories about whole replicas with real logs on simulated disks, for what is decided between
 * consensus and storage. They begin with `replicas`; writes create a node of that name.
 */

enum {
    WHOLE_WRITES_MAX = 64,
    WHOLE_INIT_CALL = 1,
    WHOLE_FIRST_CALL = 1000, /* of the writes, in their order */
};

struct whole_write {
    char path[STORY_VALUE_BYTES];
    bool answered;
    int code;
    paxos_slot slot; /* applied by anybody; 0: not */
};

struct whole {
    struct story *story;
    struct cluster cluster;
    struct whole_write writes[WHOLE_WRITES_MAX];
    size_t writes_count;
    paxos_slot applying;                   /* within a call of on_applied: this slot, */
    uint32_t applier;                      /* and whose it is; 0: while it recovers */
    char refusals[CLUSTER_NODES_MAX][512]; /* why the last start failed; empty: it did not */
    uint64_t incarnations[CLUSTER_NODES_MAX];
};

/* ---- What the cluster tells ---- */

static void on_started(void *context, struct cluster_node *node)
{
    struct whole *whole = context;
    agreement_started(&whole->story->agreement, node->id, 1);
    whole->refusals[node->id][0] = '\0';
}

static void see_command(void *context, const struct model_command *command)
{
    struct whole *whole = context;
    for (size_t i = 0; i < whole->writes_count; i++) {
        if (strcmp(whole->writes[i].path, command->then_steps[0].path) == 0) {
            whole->writes[i].slot = whole->applying;
            if (whole->applier != 0) {
                trace_line(&whole->story->trace, "%u applies %s", whole->applier,
                           whole->writes[i].path);
            }
        }
    }
}

static void on_applied(void *context, struct cluster_node *node, const struct replica_event *event)
{
    struct whole *whole = context;
    struct story *story = whole->story;
    if (!agreement_applied(&story->agreement, node->id, event->slot, print_value_hash(event->entry),
                           event->digest, &story->verdict)) {
        story_fail(story, "%s", story->verdict.why);
    }
    if (event->entry->kind == PAXOS_COMMANDS) {
        whole->applying = event->slot;
        whole->applier = node->replica != NULL ? node->id : 0;
        (void)frame_read_batch(event->entry->payload->data, event->entry->payload->bytes,
                               see_command, whole);
    }
}

static void on_noted(void *context, struct cluster_node *node, const struct paxos_note *note)
{
    struct whole *whole = context;
    whole->story->noted[node->id] |= 1u << note->kind;
}

static void on_call_reply(void *context, struct cluster_node *node, uint64_t call,
                          enum replica_rpc_status status, struct cd_blob *reply)
{
    struct whole *whole = context;
    if (call < WHOLE_FIRST_CALL || status != REPLICA_RPC_OK) {
        return;
    }
    struct whole_write *write = &whole->writes[call - WHOLE_FIRST_CALL];
    write->answered = true;
    write->code = frame_call_code(reply->data, reply->bytes);
    trace_line(&whole->story->trace, "%u answers the write of %s with code %d", node->id,
               write->path, write->code);
}

static void on_died(void *context, struct cluster_node *node, bool expected, const char *why)
{
    struct whole *whole = context;
    (void)expected;
    (void)snprintf(whole->refusals[node->id], sizeof(whole->refusals[0]), "%s", why);
}

static void on_stream_frame(void *context, uint64_t stream, uint32_t client, struct cd_blob *frame)
{
    (void)context;
    (void)stream;
    (void)client;
    (void)frame;
}

static void on_stream_closed(void *context, uint64_t stream, uint32_t client)
{
    (void)context;
    (void)stream;
    (void)client;
}

/* ---- Facts ---- */

static struct cluster_node *find_node(struct story *story, const char *word)
{
    struct cluster *cluster = &story->whole->cluster;
    unsigned long number = strtoul(word, NULL, 10);
    if (number == 0 || number > cluster->options.nodes) {
        story_fail(story, "%s: no such replica", word);
        number = 1;
    }
    return cluster_node(cluster, (uint32_t)number);
}

static struct whole_write *find_write(struct story *story, const char *word)
{
    struct whole *whole = story->whole;
    for (size_t i = 0; i < whole->writes_count; i++) {
        if (strcmp(whole->writes[i].path + 1, word) == 0) {
            return &whole->writes[i];
        }
    }
    story_fail(story, "%s was never written", word);
    return &whole->writes[0];
}

static bool has_applied(const struct cluster_node *node, const struct whole_write *write)
{
    struct replica_view view;
    if (node->replica == NULL || write->slot == 0) {
        return false;
    }
    cluster_view(node, &view);
    return view.paxos.applied >= write->slot;
}

static bool votes(const struct cluster_node *node)
{
    struct replica_view view;
    if (node->replica == NULL) {
        return false;
    }
    cluster_view(node, &view);
    return view.paxos.voter && view.paxos.verified;
}

static bool is_fresh(const struct story *story, const struct cluster_node *node)
{
    struct replica_view view;
    if (node->replica == NULL) {
        return false;
    }
    cluster_view(node, &view);
    return view.paxos.incarnation != story->whole->incarnations[node->id];
}

static bool are_level(struct story *story)
{
    struct cluster *cluster = &story->whole->cluster;
    const struct cluster_node *leader = cluster_leader(cluster);
    struct replica_view first = {0};
    for (uint32_t id = 1; leader != NULL && id <= cluster->options.nodes; id++) {
        struct cluster_node *node = cluster_node(cluster, id);
        struct replica_view view;
        if (node->replica == NULL) {
            continue;
        }
        cluster_view(node, &view);
        if (first.paxos.applied == 0) {
            first = view;
        }
        if (!view.ready || view.paxos.leader != leader->id ||
            view.paxos.applied != first.paxos.applied) {
            return false;
        }
    }
    return leader != NULL;
}

static bool everybody_has(struct story *story, const char *word)
{
    const struct whole_write *write = find_write(story, word);
    struct cluster *cluster = &story->whole->cluster;
    for (uint32_t id = 1; id <= cluster->options.nodes; id++) {
        const struct cluster_node *node = cluster_node(cluster, id);
        if (node->replica != NULL && !has_applied(node, write)) {
            return false;
        }
    }
    return true;
}

bool story_whole_holds(struct story *story, const struct story_words *words, size_t first)
{
    bool negated = strcmp(words->word[first], "not") == 0;
    size_t at = first + (negated ? 1 : 0);
    const char *fact = words->word[at];
    const char *about = at + 1 < words->count ? words->word[at + 1] : "";
    bool holds = false;
    if (strcmp(fact, "acknowledged") == 0) {
        const struct whole_write *write = find_write(story, about);
        holds = write->answered && write->code == 0;
    } else if (strcmp(fact, "everywhere") == 0) {
        holds = everybody_has(story, about);
    } else if (strcmp(fact, "applied") == 0 && at + 2 < words->count) {
        holds = has_applied(find_node(story, words->word[at + 2]), find_write(story, about));
    } else if (strcmp(fact, "up") == 0) {
        holds = find_node(story, about)->replica != NULL;
    } else if (strcmp(fact, "voter") == 0) {
        holds = votes(find_node(story, about));
    } else if (strcmp(fact, "fresh") == 0) {
        holds = is_fresh(story, find_node(story, about));
    } else if (strcmp(fact, "refused") == 0 && at + 2 < words->count) {
        const struct cluster_node *node = find_node(story, about);
        holds = strstr(story->whole->refusals[node->id], words->word[at + 2]) != NULL;
    } else if (strcmp(fact, "level") == 0) {
        holds = are_level(story);
    } else {
        story_fail(story, "%s: no such fact about whole replicas", fact);
    }
    return holds != negated;
}

/* ---- Commands ---- */

static void do_write(struct story *story, const struct story_words *words)
{
    struct whole *whole = story->whole;
    struct cluster_node *node = find_node(story, words->word[1]);
    if (words->count != 3 || whole->writes_count == WHOLE_WRITES_MAX || node->replica == NULL) {
        story_fail(story, "write takes a replica that is up and a name");
        return;
    }
    struct whole_write *write = &whole->writes[whole->writes_count++];
    (void)snprintf(write->path, sizeof(write->path), "/%s", words->word[2]);
    struct model_command command = {.then_count = 1};
    command.then_steps[0] = (struct model_step){
        .kind = MODEL_CREATE, .value = whole->writes_count, .version = MODEL_ANY_VERSION};
    (void)snprintf(command.then_steps[0].path, sizeof(command.then_steps[0].path), "%s",
                   write->path);
    struct frame_request request = {.command = &command, .wait_ms = 10000, .data_bytes = 8};
    cluster_call(node, WHOLE_FIRST_CALL + whole->writes_count - 1, REPLICA_METHOD_CALL,
                 frame_call(&request));
}

static void do_life(struct story *story, const struct story_words *words)
{
    const char *command = words->word[0];
    struct cluster_node *node = find_node(story, words->count > 1 ? words->word[1] : "");
    bool wants_up = strcmp(command, "crash") == 0 || strcmp(command, "kill") == 0;
    bool wants_down = strcmp(command, "start") == 0 || strcmp(command, "wipe") == 0 ||
                      strcmp(command, "restore") == 0;
    if ((wants_up && node->replica == NULL) || (wants_down && node->replica != NULL)) {
        story_fail(story, "replica %u is %s", node->id, wants_up ? "down" : "up");
    } else if (wants_up) {
        cluster_crash(node, strcmp(command, "crash") == 0);
    } else if (strcmp(command, "start") == 0) {
        (void)cluster_start(node, 0);
    } else if (strcmp(command, "wipe") == 0) {
        cluster_wipe(node);
    } else if (strcmp(command, "copy") == 0) {
        cluster_copy_disk(node);
    } else if (strcmp(command, "restore") == 0) {
        cluster_restore_disk(node);
    } else {
        cluster_slow_disk(node, strcmp(command, "stall") == 0);
    }
}

struct rotting {
    struct fault_disk *disk;
    const char *what;
    char file[64]; /* the newest one that holds it */
    uint64_t offset;
};

static void find_rot(void *context, const char *name)
{
    struct rotting *rotting = context;
    uint64_t bytes = 0;
    const uint8_t *data = fault_disk_peek(rotting->disk, name, &bytes);
    const uint8_t *found = memmem(data, bytes, rotting->what, strlen(rotting->what));
    if (found != NULL) {
        (void)snprintf(rotting->file, sizeof(rotting->file), "%s", name);
        rotting->offset = (uint64_t)(found - data);
    }
}

/* rot N "x": one bit of the record that holds x flips */
static void do_rot(struct story *story, const struct story_words *words)
{
    struct cluster_node *node = find_node(story, words->word[1]);
    const struct env *env = fault_disk_env(node->disk);
    struct rotting rotting = {.disk = node->disk, .what = find_write(story, words->word[2])->path};
    if (node->replica != NULL || env->ops->list(env->self, find_rot, &rotting) != CD_OK ||
        rotting.file[0] == '\0') {
        story_fail(story, "rot takes a replica that is down and what its disk holds");
        return;
    }
    fault_disk_flip(node->disk, rotting.file, rotting.offset * 8);
    trace_line(&story->trace, "%u: a bit of %s flips", node->id, rotting.file);
}

static bool all_vote(struct whole *whole)
{
    for (uint32_t id = 1; id <= whole->cluster.options.nodes; id++) {
        if (!votes(cluster_node(&whole->cluster, id))) {
            return false;
        }
    }
    return cluster_leader(&whole->cluster) != NULL;
}

static void raise(struct story *story)
{
    struct whole *whole = story->whole;
    for (uint32_t id = 1; id <= whole->cluster.options.nodes; id++) {
        (void)cluster_start(cluster_node(&whole->cluster, id), 0);
    }
    world_run_until(&story->world, 100000);
    cluster_call(cluster_node(&whole->cluster, 1), WHOLE_INIT_CALL, REPLICA_METHOD_ADMIN_INIT,
                 frame_init(whole->cluster.options.alpha));
    uint64_t stop_us = (uint64_t)STORY_PATIENCE_MS * 1000;
    while (!all_vote(whole) && story->world.now_us < stop_us) {
        world_run_until(&story->world, story->world.now_us + 10000);
    }
    world_run_until(&story->world, story->world.now_us + 1000000);
    if (!all_vote(whole)) {
        story_fail(story, "the replicas did not become a cluster");
    }
    for (uint32_t id = 1; id <= whole->cluster.options.nodes; id++) {
        struct replica_view view;
        cluster_view(cluster_node(&whole->cluster, id), &view);
        whole->incarnations[id] = view.paxos.incarnation;
    }
}

void story_whole_begin(struct story *story, uint32_t nodes, uint64_t seed, uint32_t alpha)
{
    struct whole *whole = cd_calloc(1, sizeof(*whole));
    whole->story = story;
    story->whole = whole;
    world_init(&story->world, seed);
    trace_init(&story->trace, &story->world);
    const struct cluster_options options = {
        .nodes = nodes,
        .alpha = alpha,
        .heartbeat_ms = 100,
        .election_ms = 500,
        .segment_bytes = 64 << 10,
        .disk_us_min = 1000,
        .disk_us_max = 1000,
        .hide_frames = true,
    };
    cluster_init(&whole->cluster, &story->world, &story->trace, &options);
    whole->cluster.network.weather.delay_us_min = 5000;
    whole->cluster.watcher = (struct cluster_watcher){
        .context = whole,
        .started = on_started,
        .applied = on_applied,
        .noted = on_noted,
        .stream_frame = on_stream_frame,
        .stream_closed = on_stream_closed,
        .call_reply = on_call_reply,
        .died = on_died,
    };
    story->begun = true;
    raise(story);
    story->trace.text = &story->text;
}

void story_whole_end(struct story *story)
{
    cluster_release(&story->whole->cluster);
    cd_free(story->whole);
}

struct network *story_whole_network(struct story *story)
{
    return &story->whole->cluster.network;
}

bool story_whole_do(struct story *story, const struct story_words *words)
{
    static const char *const lives[] = {"crash", "kill",    "start", "wipe",
                                        "copy",  "restore", "stall", "unstall"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(lives); i++) {
        if (strcmp(words->word[0], lives[i]) == 0) {
            do_life(story, words);
            return true;
        }
    }
    if (strcmp(words->word[0], "write") == 0 && words->count == 3) {
        do_write(story, words);
        return true;
    }
    if (strcmp(words->word[0], "rot") == 0 && words->count == 3) {
        do_rot(story, words);
        return true;
    }
    return false;
}
