#ifndef COORD_RECIPES_INTERNAL_H
#define COORD_RECIPES_INTERNAL_H

#include "coord/recipes.h"

#include "src/client_internal.h"

/* What is asked for: a node that is granted by its place in a queue, or by being there at all. */
struct recipe_claim {
    const char *path; /* of the node; of a sequential one without its number */
    uint32_t flags;   /* enum coord_create_flags, beside EPHEMERAL */
    const void *data;
    size_t data_bytes;
    struct client_queue queue;
};

/* What was granted. */
struct recipe_grant {
    struct coord_watch *watch; /* of its place; the taker's */
    char *path;                /* owned by the taker */
    uint64_t session, fence;
};

/*
 * Asks, and waits until `until_ms` (client_driver_now_ms) for the grant; for the first word of the
 * cluster it waits a call's time in any case. Returns what the acquires of recipes.h do; then no
 * node stays: where it is made later, it is deleted then.
 */
enum coord_code recipe_ask(struct coord_client *client, const struct recipe_claim *claim,
                           uint64_t until_ms, struct recipe_grant *ret_grant,
                           struct coord_error *error);

/*
 * Carries out a transaction whose last operation, in either branch, creates an ephemeral node, and
 * waits for that until `until_ms`. ret_grant: the node, without a watch. Returns as every write, or
 * COORD_TIMEOUT; then no node stays, as above.
 */
enum coord_code recipe_make(struct coord_client *client, const struct coord_txn *txn,
                            uint64_t until_ms, struct recipe_grant *ret_grant,
                            struct coord_error *error);

/* COORD_INVALID_ARGUMENT: the client has none. */
enum coord_code recipe_needs_session(const struct coord_client *client, struct coord_error *error);

/*
 * Deletes the node if its czxid is the fence, and waits for that until `until_ms`, 0 for not at
 * all; it goes on in any case as long as the session lives. Returns as coord_lock_release.
 * ret_zxid: of the deletion, if it was done; may be NULL.
 */
enum coord_code recipe_give_back(struct coord_client *client, const char *path, uint64_t fence,
                                 uint64_t until_ms, uint64_t *ret_zxid, struct coord_error *error);

/* When a wait is over, in client_driver_now_ms, and how long it is until then: a day at most. */
uint64_t recipe_until_ms(uint32_t wait_ms);
uint32_t recipe_rest_ms(uint64_t until_ms);

/* As coord_cache_create, with another bound. */
enum coord_code recipe_cache_create(struct coord_client *client, const char *path,
                                    enum coord_watch_scope scope, size_t bytes_max,
                                    struct coord_cache **ret_cache, struct coord_error *error);

/* "path/name", the caller's. NULL: no memory. */
char *recipe_join(const char *path, const char *name);

/* Whether `name` is one element of a path, but for rules that only the cluster knows. */
bool recipe_is_element(const char *name);

/* The directory of a service, the caller's. NULL: no memory. */
char *recipe_service_path(const char *name);

/* The JSON of an instance (bindings/SPEC.md); nobody else knows it. The text is the caller's, freed
 * with client_free. COORD_OK, COORD_INVALID_ARGUMENT, COORD_TOO_MANY, COORD_TOO_LARGE,
 * COORD_NO_MEMORY. */
enum coord_code recipe_instance_write(const struct coord_instance *instance, char **ret_text,
                                      size_t *ret_bytes, struct coord_error *error);

/* Whoever wrote it: checked in all that SPEC.md says. What it points to lives in the arena.
 * COORD_OK, COORD_MALFORMED, COORD_NO_MEMORY. */
enum coord_code recipe_instance_read(const char *name, const char *id, const void *data,
                                     size_t data_bytes, struct client_arena *arena,
                                     struct coord_instance *ret_instance);

/* What is followed; borrowed. Zeroed but for the first four. */
struct recipe_follower {
    struct coord_client *client;
    const char *path;
    enum coord_watch_scope scope;
    uint32_t kinds;
    struct coord_watch *watch; /* owned */
};

/* Begins; ended by recipe_unfollow, which accepts one that did not begin. Returns as every read. */
enum coord_code recipe_follow(struct recipe_follower *follower, struct coord_error *error);
void recipe_unfollow(struct recipe_follower *follower);

/*
 * Waits for a change. COORD_OK: these events, the taker's, or NULL: anything may have changed, as
 * in the beginning. COORD_TIMEOUT; else why it cannot go on.
 */
enum coord_code recipe_follow_next(struct recipe_follower *follower, uint64_t until_ms,
                                   struct coord_watch_item **ret_item, struct coord_error *error);

#endif
