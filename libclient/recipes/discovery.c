#include "recipes/internal.h"

#include <stdatomic.h>
#include <string.h>

#include <sys/random.h>

/* The instances of a service: a cache of its children, read as JSON when somebody asks. */

/* As they were at one moment; counted references. Never changes. */
struct instance_list {
    atomic_size_t refs;
    struct client_arena arena; /* of all that is pointed to */
    uint64_t zxid;
    size_t count, malformed;
    struct coord_instance *instances; /* in byte order of their ids */
};

struct coord_instances {
    struct instance_list *list; /* a reference */
    size_t first, count;        /* of the list */
};

struct coord_discovery {
    struct coord_client *client;
    struct coord_cache *cache; /* owned; of the children of `path` */
    char *name, *path;         /* owned; constant */
    coord_discovery_fn fn;     /* as fn_context constant while the cache has a callback */
    void *fn_context;
    pthread_mutex_t lock;
    /* Under lock. */
    struct instance_list *list; /* a reference: the newest that was asked for; or NULL */
    struct instance_list *turn; /* a reference; or NULL: round-robin has not begun */
    size_t turn_index;          /* who had the last turn */
};

/* ---- Lists ---- */

static struct instance_list *ref(struct instance_list *list)
{
    (void)atomic_fetch_add(&list->refs, 1);
    return list;
}

static void unref(struct instance_list *list)
{
    if (list != NULL && atomic_fetch_sub(&list->refs, 1) == 1) {
        client_arena_release(&list->arena);
        client_free(list);
    }
}

static enum coord_code read_all(struct instance_list *list, const char *name,
                                const struct coord_view *view)
{
    size_t count = coord_view_count(view);
    list->zxid = coord_view_zxid(view);
    list->instances = client_arena_get_array(&list->arena, count, sizeof(*list->instances));
    enum coord_code code = list->instances != NULL ? COORD_OK : COORD_NO_MEMORY;
    for (size_t i = 0; i < count && code == COORD_OK; i++) {
        const struct coord_cached *node = coord_view_at(view, i);
        code = recipe_instance_read(name, strrchr(node->path, '/') + 1, node->data,
                                    node->data_bytes, &list->arena, &list->instances[list->count]);
        list->count += code == COORD_OK ? 1 : 0;
        list->malformed += code == COORD_MALFORMED ? 1 : 0;
        code = code == COORD_MALFORMED ? COORD_OK : code;
    }
    return code;
}

static enum coord_code make_list(const char *name, const struct coord_view *view,
                                 struct instance_list **ret_list, struct coord_error *error)
{
    struct instance_list *list = client_calloc(1, sizeof(*list));
    if (list == NULL) {
        return client_error_no_memory(error);
    }
    atomic_init(&list->refs, 1);
    client_arena_init(&list->arena, SIZE_MAX);
    if (read_all(list, name, view) != COORD_OK) {
        unref(list);
        return client_error_no_memory(error);
    }
    *ret_list = list;
    return COORD_OK;
}

/* With the lock held: the list is as new as the cache. */
static enum coord_code refresh(struct coord_discovery *discovery, struct coord_error *error)
{
    uint64_t zxid = discovery->list != NULL ? discovery->list->zxid : 0;
    if (zxid != 0 && coord_cache_wait(discovery->cache, 0, &zxid, NULL) != COORD_OK) {
        return COORD_OK; /* no other state */
    }
    struct coord_view *view = NULL;
    struct instance_list *list = NULL;
    enum coord_code code = coord_cache_children(discovery->cache, discovery->path, &view, error);
    if (code == COORD_OK) {
        code = make_list(discovery->name, view, &list, error);
    }
    coord_view_free(view);
    if (code == COORD_OK) {
        unref(discovery->list);
        discovery->list = list;
    }
    return code;
}

/* With the lock held. */
static enum coord_code take_some(struct coord_discovery *discovery, size_t first, size_t count,
                                 struct coord_instances **ret_instances, struct coord_error *error)
{
    struct coord_instances *instances = client_calloc(1, sizeof(*instances));
    if (instances == NULL) {
        return client_error_no_memory(error);
    }
    *instances =
        (struct coord_instances){.list = ref(discovery->list), .first = first, .count = count};
    *ret_instances = instances;
    return COORD_OK;
}

/* ---- Following ---- */

enum coord_code coord_discovery_create(struct coord_client *client, const char *name,
                                       struct coord_discovery **ret_discovery,
                                       struct coord_error *reterr)
{
    if (name == NULL || !recipe_is_element(name)) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "name: it must be one element of a path");
    }
    struct coord_discovery *discovery = client_calloc(1, sizeof(*discovery));
    if (discovery == NULL) {
        return client_error_no_memory(reterr);
    }
    (void)pthread_mutex_init(&discovery->lock, NULL); /* cannot fail without attributes */
    discovery->client = client;
    discovery->name = client_strdup(name);
    discovery->path = recipe_service_path(name);
    enum coord_code code = discovery->name != NULL && discovery->path != NULL
                               ? coord_cache_create(client, discovery->path, COORD_WATCH_CHILDREN,
                                                    &discovery->cache, reterr)
                               : client_error_no_memory(reterr);
    if (code != COORD_OK) {
        coord_discovery_close(discovery);
        return code;
    }
    *ret_discovery = discovery;
    return COORD_OK;
}

void coord_discovery_close(struct coord_discovery *discovery)
{
    if (discovery != NULL) {
        coord_cache_close(discovery->cache);
        unref(discovery->list);
        unref(discovery->turn);
        (void)pthread_mutex_destroy(&discovery->lock);
        client_free(discovery->name);
        client_free(discovery->path);
        client_free(discovery);
    }
}

enum coord_code coord_discovery_wait(struct coord_discovery *discovery, uint32_t wait_ms,
                                     uint64_t *zxid, struct coord_error *reterr)
{
    return coord_cache_wait(discovery->cache, wait_ms, zxid, reterr);
}

static void on_changed(void *context, struct coord_cache *cache)
{
    struct coord_discovery *discovery = context;
    (void)cache;
    discovery->fn(discovery->fn_context, discovery); /* which may close it */
}

void coord_discovery_set_callback(struct coord_discovery *discovery, coord_discovery_fn changed,
                                  void *context)
{
    coord_cache_set_callback(discovery->cache, NULL, NULL); /* on_changed does not run any more */
    discovery->fn = changed;
    discovery->fn_context = context;
    if (changed != NULL) {
        coord_cache_set_callback(discovery->cache, on_changed, discovery);
    }
}

/* ---- Asking ---- */

enum coord_code coord_discovery_list(struct coord_discovery *discovery,
                                     struct coord_instances **ret_instances,
                                     struct coord_error *reterr)
{
    (void)pthread_mutex_lock(&discovery->lock);
    enum coord_code code = refresh(discovery, reterr);
    if (code == COORD_OK) {
        code = take_some(discovery, 0, discovery->list->count, ret_instances, reterr);
    }
    (void)pthread_mutex_unlock(&discovery->lock);
    return code;
}

/* A number below `count`; how far it is from even is below what can be measured. */
static enum coord_code draw(size_t count, size_t *ret_index, struct coord_error *error)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        return client_error_set(error, COORD_NO_MEMORY, "the system has no random bytes");
    }
    *ret_index = (size_t)(number % count);
    return COORD_OK;
}

/* With the lock held: the first behind the one that had the last turn, also if that is gone. */
static size_t next_turn(const struct coord_discovery *discovery)
{
    const struct instance_list *list = discovery->list;
    const char *last = discovery->turn->instances[discovery->turn_index].id;
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool behind = strcmp(list->instances[middle].id, last) > 0;
        low = behind ? low : middle + 1;
        high = behind ? middle : high;
    }
    return low < list->count ? low : 0;
}

enum coord_code coord_discovery_choose(struct coord_discovery *discovery, enum coord_choice choice,
                                       struct coord_instances **ret_instance,
                                       struct coord_error *reterr)
{
    size_t index = 0;
    if (choice != COORD_ROUND_ROBIN && choice != COORD_RANDOM) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT, "choice: none of its enum");
    }
    (void)pthread_mutex_lock(&discovery->lock);
    enum coord_code code = refresh(discovery, reterr);
    if (code == COORD_OK && discovery->list->count == 0) {
        code = client_error_set(reterr, COORD_NO_NODE, "%s has no instance", discovery->name);
    }
    if (code == COORD_OK && choice == COORD_ROUND_ROBIN && discovery->turn != NULL) {
        index = next_turn(discovery);
    } else if (code == COORD_OK) {
        code = draw(discovery->list->count, &index, reterr);
    }
    if (code == COORD_OK) {
        code = take_some(discovery, index, 1, ret_instance, reterr);
    }
    if (code == COORD_OK && choice == COORD_ROUND_ROBIN) {
        unref(discovery->turn);
        discovery->turn = ref(discovery->list);
        discovery->turn_index = index;
    }
    (void)pthread_mutex_unlock(&discovery->lock);
    return code;
}

size_t coord_instances_count(const struct coord_instances *instances)
{
    return instances->count;
}

const struct coord_instance *coord_instances_at(const struct coord_instances *instances,
                                                size_t index)
{
    return index < instances->count ? &instances->list->instances[instances->first + index] : NULL;
}

size_t coord_instances_malformed(const struct coord_instances *instances)
{
    return instances->list->malformed;
}

void coord_instances_free(struct coord_instances *instances)
{
    if (instances != NULL) {
        unref(instances->list);
        client_free(instances);
    }
}

const char *coord_instance_metadata(const struct coord_instance *instance, const char *key)
{
    for (size_t i = 0; i < instance->metadata_count; i++) {
        if (strcmp(instance->metadata[i].key, key) == 0) {
            return instance->metadata[i].value;
        }
    }
    return NULL;
}
