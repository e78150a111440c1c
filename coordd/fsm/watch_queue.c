#include "fsm/watch_queue.h"

#include "base/buf.h"
#include "base/memory.h"
#include "base/table.h"
#include "fsm/acl.h"
#include "fsm/node.h"
#include "fsm/path.h"
#include "fsm/queue.h"
#include "fsm/state.h"

/* Watches that wait for the same n members of the same queue. */
struct group {
    struct parent *parent;
    uint32_t n;
    struct fsm_bytes *prefixes; /* borrowed from `key` */
    size_t prefixes_count;
    struct queue_watch *first, *last; /* waiting, in the queue's order */
    size_t count;                     /* of its watches, waiting or not */
    bool touched;
    struct group *next_touched;
    struct group *next; /* of its parent */
    UT_hash_handle hh;
    size_t key_bytes;
    uint8_t *key; /* parent's key, n and prefixes; owned */
};

/* A node among whose children there are queues. */
struct parent {
    struct group *groups;
    UT_hash_handle hh;
    size_t key_bytes;
    uint8_t key[];
};

/* A node that watches name: all of them. */
struct member {
    struct queue_watch *watches;
    UT_hash_handle hh;
    size_t key_bytes;
    uint8_t key[];
};

struct queue_watch {
    uint64_t id;
    void *owner;
    const struct fsm_who *who;
    bool own_prefix; /* it names no prefixes: those of the node itself */
    struct group *group;
    struct member *member;
    struct queue_watch *prev_member, *next_member;
    enum watch_queue_state told; /* 0: nothing yet */
    uint64_t told_fence;
    bool waiting; /* stands in its group */
    struct fsm_queue_place place;
    struct queue_watch *prev, *next;
};

struct watch_queues {
    struct parent *parents;
    struct group *groups;
    struct member *members;
    struct group *touched;
};

struct watch_queues *watch_queues_create(void)
{
    return cd_calloc(1, sizeof(struct watch_queues));
}

void watch_queues_free(struct watch_queues *queues)
{
    CD_ASSERT(queues->members == NULL && queues->groups == NULL && queues->parents == NULL);
    cd_free(queues);
}

/* ---- Finding and making ---- */

static const uint8_t nothing;

static const uint8_t *key_data(struct fsm_bytes key)
{
    return key.bytes != 0 ? key.data : &nothing;
}

static struct parent *find_parent(const struct watch_queues *queues, struct fsm_bytes key)
{
    struct parent *parent = NULL;
    HASH_FIND(hh, queues->parents, key_data(key), key.bytes, parent);
    return parent;
}

static struct parent *make_parent(struct watch_queues *queues, struct fsm_bytes key)
{
    struct parent *parent = find_parent(queues, key);
    if (parent == NULL) {
        parent = cd_calloc(1, sizeof(*parent) + key.bytes);
        parent->key_bytes = key.bytes;
        if (key.bytes != 0) {
            memcpy(parent->key, key.data, key.bytes);
        }
        HASH_ADD_KEYPTR(hh, queues->parents, parent->key, key.bytes, parent);
    }
    return parent;
}

static struct member *find_member(const struct watch_queues *queues, struct fsm_bytes key)
{
    struct member *member = NULL;
    HASH_FIND(hh, queues->members, key_data(key), key.bytes, member);
    return member;
}

static struct member *make_member(struct watch_queues *queues, struct fsm_bytes key)
{
    struct member *member = find_member(queues, key);
    if (member == NULL) {
        member = cd_calloc(1, sizeof(*member) + key.bytes);
        member->key_bytes = key.bytes;
        if (key.bytes != 0) {
            memcpy(member->key, key.data, key.bytes);
        }
        HASH_ADD_KEYPTR(hh, queues->members, member->key, key.bytes, member);
    }
    return member;
}

/* The name without its suffix; of a node that does not exist the whole name, until it does. */
static struct fsm_bytes own_prefix(const struct fsm *fsm, struct fsm_bytes key)
{
    const struct fsm_node *node = fsm_tree_find(&fsm->tree, key);
    if (node != NULL) {
        return fsm_queue_prefix_of(node);
    }
    size_t parent = fsm_key_parent(key).bytes;
    return fsm_bytes_make(key.data + parent + 1, key.bytes - parent - 1);
}

static void group_key(struct cd_buf *buf, struct fsm_bytes parent, uint32_t n,
                      const struct fsm_bytes *prefixes, size_t count)
{
    cd_buf_put_u32(buf, n);
    cd_buf_put_u32(buf, (uint32_t)parent.bytes);
    cd_buf_put(buf, parent.data, parent.bytes);
    for (size_t i = 0; i < count; i++) {
        cd_buf_put_u32(buf, (uint32_t)prefixes[i].bytes);
        cd_buf_put(buf, prefixes[i].data, prefixes[i].bytes);
    }
}

/* Points the prefixes into the group's own key. */
static void own_prefixes(struct group *group, const struct fsm_bytes *prefixes, size_t count,
                         size_t parent_bytes)
{
    group->prefixes = cd_calloc(count, sizeof(*group->prefixes));
    group->prefixes_count = count;
    const uint8_t *at = group->key + 8 + parent_bytes;
    for (size_t i = 0; i < count; i++) {
        group->prefixes[i] = fsm_bytes_make(at + 4, prefixes[i].bytes);
        at += 4 + prefixes[i].bytes;
    }
}

static struct group *make_group(struct watch_queues *queues, struct fsm_bytes parent_key,
                                uint32_t n, const struct fsm_bytes *prefixes, size_t count)
{
    struct cd_buf buf;
    cd_buf_init(&buf, SIZE_MAX);
    group_key(&buf, parent_key, n, prefixes, count);
    struct group *group = NULL;
    HASH_FIND(hh, queues->groups, buf.data, buf.bytes, group);
    if (group != NULL) {
        cd_buf_release(&buf);
        return group;
    }
    group = cd_calloc(1, sizeof(*group));
    group->key = buf.data; /* taken over */
    group->key_bytes = buf.bytes;
    group->n = n;
    own_prefixes(group, prefixes, count, parent_key.bytes);
    group->parent = make_parent(queues, parent_key);
    group->next = group->parent->groups;
    group->parent->groups = group;
    HASH_ADD_KEYPTR(hh, queues->groups, group->key, group->key_bytes, group);
    return group;
}

static void free_group(struct watch_queues *queues, struct group *group)
{
    struct parent *parent = group->parent;
    struct group **link = &parent->groups;
    while (*link != group) {
        link = &(*link)->next;
    }
    *link = group->next;
    if (parent->groups == NULL) {
        HASH_DEL(queues->parents, parent);
        cd_free(parent);
    }
    HASH_DEL(queues->groups, group);
    cd_free(group->prefixes);
    cd_free(group->key);
    cd_free(group);
}

/* ---- Standing in a group ---- */

static void stand(struct queue_watch *watch, struct fsm_queue_place place)
{
    struct group *group = watch->group;
    struct queue_watch *before = group->last; /* most come at the end */
    while (before != NULL && fsm_queue_before(place, before->place)) {
        before = before->prev;
    }
    watch->place = place;
    watch->waiting = true;
    watch->prev = before;
    watch->next = before != NULL ? before->next : group->first;
    *(before != NULL ? &before->next : &group->first) = watch;
    *(watch->next != NULL ? &watch->next->prev : &group->last) = watch;
}

static void leave(struct queue_watch *watch)
{
    struct group *group = watch->group;
    if (watch->waiting) {
        watch->waiting = false;
        *(watch->prev != NULL ? &watch->prev->next : &group->first) = watch->next;
        *(watch->next != NULL ? &watch->next->prev : &group->last) = watch->prev;
    }
}

static void leave_group(struct watch_queues *queues, struct queue_watch *watch)
{
    leave(watch);
    watch->group->count--;
    if (watch->group->count == 0) {
        free_group(queues, watch->group);
    }
}

/* The node has appeared under a name that was watched before, so its queue is known only now. */
static void regroup(struct watch_queues *queues, struct queue_watch *watch,
                    const struct fsm_node *node)
{
    struct fsm_bytes own = fsm_queue_prefix_of(node);
    if (watch->own_prefix && !fsm_bytes_equal(watch->group->prefixes[0], own)) {
        struct fsm_bytes parent = fsm_key_parent(fsm_node_key(node));
        struct group *group = make_group(queues, parent, watch->group->n, &own, 1);
        group->count++;
        leave_group(queues, watch);
        watch->group = group;
    }
}

struct queue_watch *watch_queue_add(struct watch_queues *queues, const struct fsm *fsm, uint64_t id,
                                    const struct watch_queue_spec *spec, const struct fsm_who *who,
                                    void *owner)
{
    struct queue_watch *watch = cd_calloc(1, sizeof(*watch));
    struct fsm_bytes key = fsm_key_of_path(spec->path);
    struct fsm_bytes parent = key.bytes != 0 ? fsm_key_parent(key) : key;
    struct fsm_bytes own = key.bytes != 0 ? own_prefix(fsm, key) : key;
    bool given = spec->prefixes_count != 0;
    watch->id = id;
    watch->owner = owner;
    watch->who = who;
    watch->own_prefix = !given;
    watch->member = make_member(queues, key);
    watch->next_member = watch->member->watches;
    if (watch->next_member != NULL) {
        watch->next_member->prev_member = watch;
    }
    watch->member->watches = watch;
    watch->group = make_group(queues, parent, spec->n, given ? spec->prefixes : &own,
                              given ? spec->prefixes_count : 1);
    watch->group->count++;
    return watch;
}

void watch_queue_drop(struct watch_queues *queues, struct queue_watch *watch)
{
    struct member *member = watch->member;
    leave(watch);
    if (watch->next_member != NULL) {
        watch->next_member->prev_member = watch->prev_member;
    }
    if (watch->prev_member != NULL) {
        watch->prev_member->next_member = watch->next_member;
    } else {
        member->watches = watch->next_member;
    }
    if (member->watches == NULL) {
        HASH_DEL(queues->members, member);
        cd_free(member);
    }
    leave_group(queues, watch);
    cd_free(watch);
}

/* ---- Judging ---- */

static struct fsm_bytes parent_key_of(const struct group *group)
{
    return fsm_bytes_make(group->parent->key, group->parent->key_bytes);
}

bool watch_queue_judge(struct watch_queues *queues, const struct fsm *fsm,
                       struct queue_watch *watch, bool again, struct watch_queue_event *ret_event)
{
    struct fsm_bytes key = fsm_bytes_make(watch->member->key, watch->member->key_bytes);
    const struct fsm_node *node = fsm_tree_find(&fsm->tree, key);
    struct watch_queue_event event = {
        .id = watch->id, .zxid = fsm->zxid, .path = fsm_path_of_key(key)};
    struct fsm_queue_place place;
    struct fsm_queue_place last;
    leave(watch);
    if (node != NULL && key.bytes != 0) {
        regroup(queues, watch, node);
    }
    const struct group *group = watch->group;
    const struct fsm_acl *acl =
        fsm->acls_count == 0 ? NULL : fsm_acl_in_force(&fsm->tree, key, NULL);
    if (node == NULL || !fsm_acl_allows(acl, watch->who, FSM_READ)) {
        event.state = WATCH_QUEUE_GONE;
    } else if (fsm_queue_place_of(node, &place) &&
               fsm_queue_nth(&fsm->tree, parent_key_of(group), group->prefixes,
                             group->prefixes_count, group->n, &last) &&
               fsm_queue_before(last, place)) {
        event.state = WATCH_QUEUE_WAITING;
        stand(watch, place);
    } else {
        event.state = WATCH_QUEUE_FRONT;
        event.fence = node->czxid;
    }
    bool tell = again || event.state != watch->told || event.fence != watch->told_fence;
    if (tell) {
        watch->told = event.state;
        watch->told_fence = event.fence;
        *ret_event = event;
    }
    return tell;
}

static void touch(struct watch_queues *queues, struct fsm_bytes parent_key)
{
    const struct parent *parent = find_parent(queues, parent_key);
    for (struct group *group = parent != NULL ? parent->groups : NULL; group != NULL;
         group = group->next) {
        if (!group->touched) {
            group->touched = true;
            group->next_touched = queues->touched;
            queues->touched = group;
        }
    }
}

/* A watched node came or went. */
static void judge_member(struct watch_queues *queues, const struct fsm *fsm, struct fsm_bytes key,
                         bool (*may_tell)(const void *owner), watch_queue_told told, void *context)
{
    const struct member *member = find_member(queues, key);
    for (struct queue_watch *watch = member != NULL ? member->watches : NULL; watch != NULL;
         watch = watch->next_member) {
        struct watch_queue_event event;
        if (may_tell(watch->owner) && watch_queue_judge(queues, fsm, watch, false, &event)) {
            told(context, watch->owner, &event);
        }
    }
}

/* Those at the head of the group that are now among the first n. */
static void judge_group(struct watch_queues *queues, const struct fsm *fsm, struct group *group,
                        bool (*may_tell)(const void *owner), watch_queue_told told, void *context)
{
    struct fsm_queue_place last;
    bool some_wait = fsm_queue_nth(&fsm->tree, parent_key_of(group), group->prefixes,
                                   group->prefixes_count, group->n, &last);
    struct queue_watch *watch = group->first;
    while (watch != NULL && !(some_wait && fsm_queue_before(last, watch->place))) {
        struct queue_watch *next = watch->next;
        struct watch_queue_event event;
        if (may_tell(watch->owner) && watch_queue_judge(queues, fsm, watch, false, &event)) {
            told(context, watch->owner, &event);
        }
        watch = next;
    }
}

/* The root never comes or goes. */
static bool moves_queues(const struct fsm_change *change)
{
    return change->kind == FSM_NODE_CREATED || change->kind == FSM_NODE_DELETED;
}

void watch_queues_feed(struct watch_queues *queues, const struct fsm *fsm,
                       const struct fsm_result *result, bool (*may_tell)(const void *owner),
                       watch_queue_told told, void *context)
{
    if (queues->members == NULL) {
        return;
    }
    /* Members first: a group may end with its last one, and then must not be among the touched. */
    for (size_t i = 0; i < result->changes_count; i++) {
        if (moves_queues(&result->changes[i])) {
            judge_member(queues, fsm, fsm_key_of_path(result->changes[i].path), may_tell, told,
                         context);
        }
    }
    for (size_t i = 0; i < result->changes_count; i++) {
        if (moves_queues(&result->changes[i])) {
            touch(queues, fsm_key_parent(fsm_key_of_path(result->changes[i].path)));
        }
    }
    while (queues->touched != NULL) {
        struct group *group = queues->touched;
        queues->touched = group->next_touched;
        group->touched = false;
        judge_group(queues, fsm, group, may_tell, told, context);
    }
}
