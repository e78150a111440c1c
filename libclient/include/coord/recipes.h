#ifndef COORD_RECIPES_H
#define COORD_RECIPES_H

/*
 * Recipes: what services do with a tree that has sessions, watches and fences. Names, prefixes and
 * data are those of bindings/SPEC.md, so that services in any language share them.
 *
 * The laws of this header, beside those of client.h
 *
 *  Sessions   Whatever can be held is an ephemeral node of the client's session, so the client has
 *             one (coord_options_set_session). It is held as long as that session is, and the node:
 *             whoever deletes the node takes it away.
 *  Holding    coord_lock_state says by this machine's clock whether something is still held; ask it
 *             before each step of what it protects. SUSPECT: finish nothing that others would see,
 *             start nothing new. LOST comes before anybody else can be granted it, and is final;
 *             what is wanted again is acquired again, with a new handle.
 *  Fences     A process that is stopped between the question and the step is not protected by any
 *             clock. Against that every grant has a fence, a number that only grows: give it to
 *             what is protected, or write under it (coord_lock_guard), and what is late is refused.
 *  Waiting    Calls that wait take `wait_ms`, 0 for not at all, COORD_FOREVER for as long as it
 *             takes; for the cluster's first word they wait a call's timeout in any case. Those
 *             that give up leave no node behind.
 *  Threads    A handle may be used by any thread; it is released once, when no other thread uses
 *             it, and before its client is closed. What goes on by itself (presences, caches and
 *             what is made of them) does so on one thread of the client's, which begins with the
 *             first of them. Callbacks run in coord_client_dispatch, as all others do.
 */

#include "client.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COORD_FOREVER UINT32_MAX

/* ---- Locks ------------------------------------------------------------------------------------
 */

/* A lock, a place of a semaphore or an office, granted. Freed with coord_lock_release. */
struct coord_lock;

/*
 * Every acquire below can return, beside what it lists itself, what a write of client.h can, and
 *
 *   COORD_OK;
 *   COORD_TIMEOUT (it was not granted within wait_ms);
 *   COORD_SESSION_EXPIRED (the session was lost while it waited);
 *   COORD_NO_NODE (somebody deleted the waiting node).
 *
 * path: the lock's directory, made where it is missing, as a container, so that it goes some time
 *       after its last use. Of coord_lock_try the node itself.
 * data: what others see of the holder, at most the cluster's limit; NULL with 0.
 */

/*
 * The simple lock: one ephemeral node, there or not, without a queue. COORD_NODE_EXISTS: somebody
 * has it. The node's parent must exist.
 */
COORD_API enum coord_code coord_lock_try(struct coord_client *client, const char *path,
                                         const void *data, size_t data_bytes,
                                         struct coord_lock **ret_lock, struct coord_error *reterr);

/* The fair lock: granted in the order of asking; each release wakes the next one alone. */
COORD_API enum coord_code coord_lock_acquire(struct coord_client *client, const char *path,
                                             const void *data, size_t data_bytes, uint32_t wait_ms,
                                             struct coord_lock **ret_lock,
                                             struct coord_error *reterr);

/*
 * The read-write lock: readers share it, a writer has it alone; in the order of asking, so that
 * neither starves.
 */
COORD_API enum coord_code coord_lock_acquire_read(struct coord_client *client, const char *path,
                                                  const void *data, size_t data_bytes,
                                                  uint32_t wait_ms, struct coord_lock **ret_lock,
                                                  struct coord_error *reterr);
COORD_API enum coord_code coord_lock_acquire_write(struct coord_client *client, const char *path,
                                                   const void *data, size_t data_bytes,
                                                   uint32_t wait_ms, struct coord_lock **ret_lock,
                                                   struct coord_error *reterr);

/*
 * The semaphore: at most `permits` (1 to 10,000) hold it, in the order of asking. All who use the
 * same directory must ask with the same number.
 */
COORD_API enum coord_code coord_semaphore_acquire(struct coord_client *client, const char *path,
                                                  uint32_t permits, const void *data,
                                                  size_t data_bytes, uint32_t wait_ms,
                                                  struct coord_lock **ret_lock,
                                                  struct coord_error *reterr);

#define COORD_MULTI_LOCK_MAX 64

/*
 * Several fair locks, all of them or none: asked for in the order of their paths, whatever order
 * they are given in, so that two callers cannot wait for each other. No path twice.
 * ret_locks: `count` handles, in the order of `paths`; each is released by itself.
 * COORD_INVALID_ARGUMENT (a path twice), COORD_TOO_MANY (COORD_MULTI_LOCK_MAX).
 */
COORD_API enum coord_code coord_lock_acquire_all(struct coord_client *client,
                                                 const char *const *paths, size_t count,
                                                 const void *data, size_t data_bytes,
                                                 uint32_t wait_ms, struct coord_lock **ret_locks,
                                                 struct coord_error *reterr);

/* ---- What is held ---- */

enum coord_hold {
    COORD_HOLD_SAFE = 1,    /* held for certain */
    COORD_HOLD_SUSPECT = 2, /* held, but the cluster was not heard for half the session's timeout */
    COORD_HOLD_LOST = 3     /* not held any more. Final */
};

/* By the clock, at this very moment. */
COORD_API enum coord_hold coord_lock_state(struct coord_lock *lock);

/*
 * Waits until the state is another one than `*state`, which then is it. COORD_OK; COORD_TIMEOUT;
 * COORD_CLOSED (`*state` is LOST, and stays so).
 */
COORD_API enum coord_code coord_lock_wait(struct coord_lock *lock, uint32_t wait_ms,
                                          enum coord_hold *state, struct coord_error *reterr);

/* Only grows from one holder to the next; not 0. */
COORD_API uint64_t coord_lock_fence(const struct coord_lock *lock);

/* The holder's node. */
COORD_API const char *coord_lock_path(const struct coord_lock *lock);

/*
 * Writes with these options are done only while the lock is held, else COORD_NOT_HELD: the cluster
 * looks when it carries them out. COORD_OK, COORD_NO_MEMORY.
 */
COORD_API enum coord_code coord_lock_guard(const struct coord_lock *lock,
                                           struct coord_call_options *call,
                                           struct coord_error *reterr);

/*
 * Gives it back, and frees the handle whatever it returns. Accepts NULL. With another code than
 * COORD_OK the node goes later: the library goes on trying to delete it, and it ends with the
 * session. Returns as every write; COORD_OK too where it was lost already.
 */
COORD_API enum coord_code coord_lock_release(struct coord_lock *lock, struct coord_error *reterr);

/* ---- Elections --------------------------------------------------------------------------------
 */

/*
 * Stands for an office: granted to one candidate at a time, in the order of standing. `data` tells
 * observers who it is, at most the cluster's limit. Returns as coord_lock_acquire.
 */
COORD_API enum coord_code coord_election_campaign(struct coord_client *client, const char *path,
                                                  const void *data, size_t data_bytes,
                                                  uint32_t wait_ms, struct coord_lock **ret_office,
                                                  struct coord_error *reterr);

/* Who holds the office. The texts live as long as the observer is not asked again. */
struct coord_leader {
    uint64_t fence; /* 0: nobody, and no data */
    const char *path;
    const void *data;
    size_t data_bytes;
};

struct coord_observer;

/*
 * Follows an office without standing for it; needs no session. The directory need not exist.
 * Freed with coord_observer_free. Returns as every read.
 */
COORD_API enum coord_code coord_observer_create(struct coord_client *client, const char *path,
                                                struct coord_observer **ret_observer,
                                                struct coord_error *reterr);

/*
 * Waits until the leader is another one than it said last, at first until it knows who it is.
 * Leaders between two calls may be missed, never the present one. COORD_OK; COORD_TIMEOUT;
 * COORD_CLOSED; what a read can return. One thread at a time.
 */
COORD_API enum coord_code coord_observer_next(struct coord_observer *observer, uint32_t wait_ms,
                                              struct coord_leader *ret_leader,
                                              struct coord_error *reterr);

/* Accepts NULL. */
COORD_API void coord_observer_free(struct coord_observer *observer);

/* ---- Barriers ---------------------------------------------------------------------------------
 */

/*
 * A barrier is a node that holds everybody up as long as it is there. Raising it twice, or lowering
 * one that does not stand, is a success. Both return as coord_create and coord_delete do. Needs no
 * session; without one a barrier that is raised stays until it is lowered, with one too.
 */
COORD_API enum coord_code coord_barrier_raise(struct coord_client *client, const char *path,
                                              struct coord_error *reterr);
COORD_API enum coord_code coord_barrier_lower(struct coord_client *client, const char *path,
                                              struct coord_error *reterr);

/* Returns when it does not stand, at once or in time. COORD_TIMEOUT; else as every read. */
COORD_API enum coord_code coord_barrier_wait(struct coord_client *client, const char *path,
                                             uint32_t wait_ms, struct coord_error *reterr);

/* ---- Queues -----------------------------------------------------------------------------------
 */

/*
 * A queue hands each item to one taker: lower priorities first, within one in the order of putting.
 * An item is gone when it was handed out, also if its taker dies at once. Items are nodes, so it is
 * for thousands of items and hundreds a second, not for a message broker's load. Needs no session;
 * with one nothing is put or taken twice (see "What a failed write means" in client.h).
 */
#define COORD_QUEUE_PRIORITY 32768

/* Returns as coord_create. The directory is made where it is missing. */
COORD_API enum coord_code coord_queue_put(struct coord_client *client, const char *path,
                                          uint16_t priority, const void *data, size_t data_bytes,
                                          struct coord_error *reterr);

/*
 * Takes the first item, waiting for one. Its data are
 * coord_result_data(coord_result_at(*ret_result, 0), ...). COORD_TIMEOUT; else as every write.
 */
COORD_API enum coord_code coord_queue_take(struct coord_client *client, const char *path,
                                           uint32_t wait_ms, struct coord_result **ret_result,
                                           struct coord_error *reterr);

/* ---- Double barriers --------------------------------------------------------------------------
 */

/* A place in one. Freed with coord_double_barrier_leave. */
struct coord_double_barrier;

/*
 * Returns when `count` (1 to 10,000) clients are in, this one with them; all who use the same
 * directory must say the same number. Who dies is out. Who comes while the others are in, or leave,
 * is in at once. The directory is made where it is missing. Returns as coord_lock_acquire does.
 */
COORD_API enum coord_code coord_double_barrier_enter(struct coord_client *client, const char *path,
                                                     uint32_t count, uint32_t wait_ms,
                                                     struct coord_double_barrier **ret_barrier,
                                                     struct coord_error *reterr);

/*
 * Leaves, and returns when all have left who had entered before that, or died; frees the handle
 * whatever it returns. Accepts NULL. COORD_TIMEOUT: others are still in, and this client has left.
 * Else as every write; COORD_OK too where the session was lost.
 */
COORD_API enum coord_code coord_double_barrier_leave(struct coord_double_barrier *barrier,
                                                     uint32_t wait_ms, struct coord_error *reterr);

/* ---- Counters ---------------------------------------------------------------------------------
 */

/*
 * A counter is a node with a whole number of 64 bits, in decimal digits; a missing one counts 0,
 * and is made, with its parents, by the first addition. The cluster adds, so that nobody has to try
 * again; with a session each addition happens once (see "What a failed write means" in client.h).
 * ret_value: the number after it; may be NULL.
 * Returns as coord_increment does.
 */
COORD_API enum coord_code coord_counter_add(struct coord_client *client, const char *path,
                                            int64_t delta, int64_t *ret_value,
                                            struct coord_error *reterr);

/* COORD_NOT_A_NUMBER; else as every read. */
COORD_API enum coord_code coord_counter_get(struct coord_client *client, const char *path,
                                            int64_t *ret_value, struct coord_error *reterr);

/* Returns as coord_set does, but for COORD_NO_NODE: a missing one is made. */
COORD_API enum coord_code coord_counter_set(struct coord_client *client, const char *path,
                                            int64_t value, struct coord_error *reterr);

/* ---- Presences --------------------------------------------------------------------------------
 */

/*
 * An ephemeral node that is kept up: it comes back with a new session after one was lost, and when
 * somebody has deleted it. Parents are made where they are missing, as containers. Where a node of
 * another session has its place (the same program before it was started again), it comes when that
 * is gone. A presence protects nothing: between two sessions it is not there. Freed with
 * coord_presence_close.
 */
struct coord_presence;

/*
 * Begins, and does not wait for the cluster. Needs a session, and permission to read its node.
 * data: as long as the presence lives, or until coord_presence_set; copied.
 * COORD_OK, COORD_INVALID_ARGUMENT, COORD_TOO_LARGE, COORD_NO_MEMORY. What only the cluster can
 * say, as of a path that breaks its rules, coord_presence_state tells.
 */
COORD_API enum coord_code coord_presence_create(struct coord_client *client, const char *path,
                                                const void *data, size_t data_bytes,
                                                struct coord_presence **ret_presence,
                                                struct coord_error *reterr);

/*
 * COORD_OK: as far as the client knows at this moment it stands, with the data that were given
 * last. Else why not yet: COORD_TIMEOUT (it is on its way), COORD_NODE_EXISTS (another one has its
 * place), COORD_CLOSED (so is the client), or what the last look at its place, create or set
 * returned, as COORD_PERMISSION_DENIED. It goes on trying whatever it says.
 */
COORD_API enum coord_code coord_presence_state(struct coord_presence *presence,
                                               struct coord_error *reterr);

/* Waits until that is COORD_OK, or COORD_CLOSED; else what it is when the time is over. */
COORD_API enum coord_code coord_presence_wait(struct coord_presence *presence, uint32_t wait_ms,
                                              struct coord_error *reterr);

/*
 * New data, which it will stand with. Does not wait. COORD_OK, COORD_INVALID_ARGUMENT,
 * COORD_TOO_LARGE, COORD_NO_MEMORY.
 */
COORD_API enum coord_code coord_presence_set(struct coord_presence *presence, const void *data,
                                             size_t data_bytes, struct coord_error *reterr);

/* Its node; in the client's namespace. */
COORD_API const char *coord_presence_path(const struct coord_presence *presence);

/*
 * Takes it away, and frees it whatever it returns. Accepts NULL. COORD_OK: its node is gone, or
 * ends with the session that was lost. COORD_TIMEOUT: not within a call's timeout; the library goes
 * on trying, and it ends with the session. Else as every write.
 */
COORD_API enum coord_code coord_presence_close(struct coord_presence *presence,
                                               struct coord_error *reterr);

/* ---- Caches -----------------------------------------------------------------------------------
 */

/*
 * A copy of a node, of a node and its children, or of all below it, which follows the tree: from
 * its first filling on it shows states that the tree had, one after the other, and what it missed
 * it reads again by itself. Nodes need not exist yet. Needs no session. What is read from it may be
 * older than what the client has seen elsewhere. Freed with coord_cache_close.
 *
 * pzxid, cversion and num_children of the deepest nodes that it holds are of when those were read;
 * cversion of others may be behind by what a sequential create has passed over. Nodes that the
 * client may not read are left out; one that it may not read any more stays as it was.
 *
 * It takes at most COORD_CACHE_BYTES_MAX, twice that while it reads again; when the tree grows
 * beyond that it ends with COORD_TOO_LARGE.
 */
struct coord_cache;

#define COORD_CACHE_BYTES_MAX ((size_t)1 << 30)

/* Begins, and does not wait for the cluster. COORD_OK, COORD_INVALID_ARGUMENT, COORD_NO_MEMORY. */
COORD_API enum coord_code coord_cache_create(struct coord_client *client, const char *path,
                                             enum coord_watch_scope scope,
                                             struct coord_cache **ret_cache,
                                             struct coord_error *reterr);

/*
 * Waits until it shows another state than the one of `*zxid`, which then is its zxid; 0 at first,
 * for its first filling. Only changes of what it holds count. States between two calls may be
 * missed, never the present one.
 * COORD_OK; COORD_TIMEOUT; else why it has ended, by a code of a read, as COORD_PERMISSION_DENIED,
 * COORD_TOO_LARGE or COORD_NO_MEMORY: it then shows its last state for ever.
 */
COORD_API enum coord_code coord_cache_wait(struct coord_cache *cache, uint32_t wait_ms,
                                           uint64_t *zxid, struct coord_error *reterr);

/* `changed` is told at the next coord_client_dispatch, and from then on after every change, several
 * of them at once perhaps, and at its end. NULL: nobody is. Thread: any. */
typedef void (*coord_cache_fn)(void *context, struct coord_cache *cache);
COORD_API void coord_cache_set_callback(struct coord_cache *cache, coord_cache_fn changed,
                                        void *context);

/* Nodes as a cache had them, all of one state. Never changes; any thread. Freed with
 * coord_view_free, also after the cache was closed. */
struct coord_view;

struct coord_cached {
    const char *path;
    const struct coord_node_stat *stat;
    const void *data; /* never NULL, a NUL behind it */
    size_t data_bytes;
};

/* COORD_OK; COORD_NO_NODE (not there, or not within its scope); COORD_TIMEOUT (not filled yet), or
 * why it has ended before; COORD_INVALID_ARGUMENT (path is NULL); COORD_NO_MEMORY. */
COORD_API enum coord_code coord_cache_get(struct coord_cache *cache, const char *path,
                                          struct coord_view **ret_view, struct coord_error *reterr);

/* The children of `path`, in byte order of their names; none for one that is not there.
 * COORD_OK; else as coord_cache_get, but for COORD_NO_NODE. */
COORD_API enum coord_code coord_cache_children(struct coord_cache *cache, const char *path,
                                               struct coord_view **ret_view,
                                               struct coord_error *reterr);

COORD_API size_t coord_view_count(const struct coord_view *view);
/* NULL past the end. */
COORD_API const struct coord_cached *coord_view_at(const struct coord_view *view, size_t index);
/* Of the state that it shows. */
COORD_API uint64_t coord_view_zxid(const struct coord_view *view);
/* Accepts NULL. */
COORD_API void coord_view_free(struct coord_view *view);

/* No callback of its own runs any more, unless this is called by it. Accepts NULL. */
COORD_API void coord_cache_close(struct coord_cache *cache);

/* ---- Groups -----------------------------------------------------------------------------------
 */

/*
 * A group is a directory in which each member has a presence under its name, with data that the
 * others see. Who is in it is told by a cache of its children (coord_cache_create with
 * COORD_WATCH_CHILDREN, coord_cache_children).
 * member: its name in the group, one element of a path, which nobody else has.
 * Returns as coord_presence_create; it leaves with coord_presence_close.
 */
COORD_API enum coord_code coord_group_join(struct coord_client *client, const char *path,
                                           const char *member, const void *data, size_t data_bytes,
                                           struct coord_presence **ret_presence,
                                           struct coord_error *reterr);

/* ---- Services ---------------------------------------------------------------------------------
 */

/*
 * The registry: an instance of a service is a presence COORD_SERVICES_PATH/<name>/<id> with the
 * JSON of bindings/SPEC.md.
 */
#define COORD_SERVICES_PATH "/services"

#define COORD_METADATA_MAX       64    /* pairs of one instance */
#define COORD_INSTANCE_BYTES_MAX 65536 /* of its JSON */

struct coord_pair {
    const char *key, *value; /* UTF-8 */
};

/*
 * Registers an instance for as long as the presence lives.
 * name, id:  one element of a path each. id NULL: 16 random hexadecimal digits.
 * address:   a host name or an IP address, UTF-8, not empty. port: not 0.
 * metadata:  `metadata_count` pairs, no key twice; NULL with 0.
 * COORD_TOO_MANY (COORD_METADATA_MAX); COORD_TOO_LARGE (COORD_INSTANCE_BYTES_MAX); else as
 * coord_presence_create.
 */
COORD_API enum coord_code coord_service_register(struct coord_client *client, const char *name,
                                                 const char *id, const char *address, uint16_t port,
                                                 const struct coord_pair *metadata,
                                                 size_t metadata_count,
                                                 struct coord_presence **ret_presence,
                                                 struct coord_error *reterr);

/* An instance as it was registered. */
struct coord_instance {
    const char *name, *id, *address;
    uint16_t port;
    size_t metadata_count;
    const struct coord_pair *metadata;
};

/* NULL: it has no such key. */
COORD_API const char *coord_instance_metadata(const struct coord_instance *instance,
                                              const char *key);

/* Follows the instances of a service, which need not have any. Freed with coord_discovery_close. */
struct coord_discovery;

/* Begins, and does not wait for the cluster. Returns as coord_cache_create. */
COORD_API enum coord_code coord_discovery_create(struct coord_client *client, const char *name,
                                                 struct coord_discovery **ret_discovery,
                                                 struct coord_error *reterr);

/* As coord_cache_wait. */
COORD_API enum coord_code coord_discovery_wait(struct coord_discovery *discovery, uint32_t wait_ms,
                                               uint64_t *zxid, struct coord_error *reterr);

typedef void (*coord_discovery_fn)(void *context, struct coord_discovery *discovery);
/* As coord_cache_set_callback; one thread at a time. */
COORD_API void coord_discovery_set_callback(struct coord_discovery *discovery,
                                            coord_discovery_fn changed, void *context);

/* Instances at one moment. Never changes; any thread. Freed with coord_instances_free. */
struct coord_instances;

/* All of them, in byte order of their ids. COORD_OK, COORD_TIMEOUT (not known yet), or why its
 * cache has ended before; COORD_NO_MEMORY. */
COORD_API enum coord_code coord_discovery_list(struct coord_discovery *discovery,
                                               struct coord_instances **ret_instances,
                                               struct coord_error *reterr);

enum coord_choice {
    COORD_ROUND_ROBIN = 1, /* each in its turn, from a random one on */
    COORD_RANDOM = 2
};

/* One of them. COORD_NO_NODE (there is none); COORD_INVALID_ARGUMENT (no such choice); else as
 * coord_discovery_list. */
COORD_API enum coord_code coord_discovery_choose(struct coord_discovery *discovery,
                                                 enum coord_choice choice,
                                                 struct coord_instances **ret_instance,
                                                 struct coord_error *reterr);

COORD_API size_t coord_instances_count(const struct coord_instances *instances);
/* NULL past the end. */
COORD_API const struct coord_instance *coord_instances_at(const struct coord_instances *instances,
                                                          size_t index);
/* Nodes of the service that are no instance, because their data are not as SPEC.md says. */
COORD_API size_t coord_instances_malformed(const struct coord_instances *instances);
/* Accepts NULL. */
COORD_API void coord_instances_free(struct coord_instances *instances);

/* As coord_cache_close. */
COORD_API void coord_discovery_close(struct coord_discovery *discovery);

#ifdef __cplusplus
}
#endif

#endif
