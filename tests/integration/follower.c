/*
 * follower TIMEOUT_MS [NAMESPACE]: a client that does what its standard input says, one line at a
 * time, and answers each with one line. TIMEOUT_MS: of its session, 0 for none. Ends at the end of
 * its input.
 *
 *   open                              its session: OK or a code
 *   cache NAME PATH SCOPE [BYTES]     one letter; node, children, subtree: OK or a code
 *   wait NAME WAIT_MS                 until it shows another state than last time: zxid ZXID, or a
 *                                     code and its message
 *   cached NAME PATH                  all that it has at and below it: nodes, or a code
 *   tree PATH                         the same as the cluster has it (a linearizable list)
 *   hold NAME PATH, held              a view of the children; what it shows: nodes
 *   call NAME, called WAIT_MS         a callback; how often it ran since last time
 *   equal NAME PATH VALUE             looks again and again, until all children have that data: OK,
 *                                     or "others" as soon as two had others
 *   watch PATH, kinds                 a plain watch beside the caches: OK; of which kinds its items
 *                                     were since last time, as numbers
 *   close NAME                        OK
 *   register NAME ID|- ADDRESS PORT [KEY=VALUE]...
 *                                     an instance, beside those before: OK or a code
 *   registered WAIT_MS, withdraw      of the newest: coord_presence_wait, its end: OK or a code
 *   discover NAME                     OK or a code
 *   changed WAIT_MS                   as wait
 *   list                              malformed COUNT, then ID@ADDRESS:PORT,KEY=VALUE... of each,
 *                                     or a code
 *   choose round|random COUNT         so many times: the ids, or a code
 *   notify, called WAIT_MS            as call
 *   change PATH SEED COUNT BYTES      so many random changes below it, of data of so many bytes:
 *                                     done COUNT, of those that were done
 *   burst PATH COUNT                  so many new nodes PATH/n-NUMBER: likewise
 *
 * Nodes: ZXID, then for each PATH=DATA,CZXID,MZXID,PZXID,AZXID,VERSION,CVERSION,CHILDREN.
 * COORD_ENDPOINTS, _CACERT, _CERT and _KEY are coordctl's.
 */

#include "base/prng.h"
#include "recipes/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 80, INSTANCES_MAX = 8, CALL_MS = 20000, NAMES = 4, DEPTH = 3, DATA_MAX = 65536 };

static struct {
    struct coord_client *client;
    struct coord_cache *caches[26];
    uint64_t shown[26];
    struct coord_view *view;
    struct coord_watch *watch;
    struct coord_presence *instances[INSTANCES_MAX];
    size_t instances_count;
    struct coord_discovery *discovery;
    uint64_t discovered;
    size_t called;
} follower;

static uint64_t number(const char *word)
{
    return strcmp(word, "forever") == 0 ? COORD_FOREVER : strtoull(word, NULL, 10);
}

static size_t place_of(const char *name)
{
    return (size_t)(name[0] - 'a') % 26;
}

static void say(enum coord_code code, const struct coord_error *error)
{
    printf("%s%s%s\n", coord_code_name(code), code == COORD_OK ? "" : " ",
           code == COORD_OK ? "" : error->message);
}

static void print_node(const char *path, const struct coord_node_stat *stat, const char *data)
{
    printf(" %s=%.20s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64
           ",%" PRId64,
           path, data, stat->czxid, stat->mzxid, stat->pzxid, stat->azxid, stat->version,
           stat->cversion, stat->num_children);
}

/* ---- Caches ---- */

static void create_cache(char **words)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_watch_scope scope = words[3][0] == 'n'   ? COORD_WATCH_NODE
                                   : words[3][0] == 'c' ? COORD_WATCH_CHILDREN
                                                        : COORD_WATCH_SUBTREE;
    struct coord_cache **place = &follower.caches[place_of(words[1])];
    enum coord_code code =
        words[4] != NULL
            ? recipe_cache_create(follower.client, words[2], scope, number(words[4]), place, &error)
            : coord_cache_create(follower.client, words[2], scope, place, &error);
    follower.shown[place_of(words[1])] = 0;
    say(code, &error);
}

static void wait_cache(const char *name, const char *wait)
{
    struct coord_error error = {.code = COORD_OK};
    size_t place = place_of(name);
    enum coord_code code = coord_cache_wait(follower.caches[place], (uint32_t)number(wait),
                                            &follower.shown[place], &error);
    if (code == COORD_OK) {
        printf("zxid %" PRIu64 "\n", follower.shown[place]);
    } else {
        say(code, &error);
    }
}

static void print_cached(const struct coord_cached *node)
{
    print_node(node->path, node->stat, node->data);
}

/* Nobody else changes what it shows in between, as there is but this thread and the cache: it may
 * show another state for each call, so its user waits until nothing changes. */
static enum coord_code print_below(struct coord_cache *cache, const char *path,
                                   struct coord_error *error)
{
    struct coord_view *view = NULL;
    enum coord_code code = coord_cache_children(cache, path, &view, error);
    for (size_t i = 0; code == COORD_OK && i < coord_view_count(view); i++) {
        print_cached(coord_view_at(view, i));
        code = print_below(cache, coord_view_at(view, i)->path, error);
    }
    coord_view_free(view);
    return code;
}

static void print_cache(const char *name, const char *path)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_cache *cache = follower.caches[place_of(name)];
    struct coord_view *view = NULL;
    enum coord_code code = coord_cache_get(cache, path, &view, &error);
    if (code != COORD_OK) {
        say(code, &error);
        return;
    }
    printf("%" PRIu64, coord_view_zxid(view));
    print_cached(coord_view_at(view, 0));
    coord_view_free(view);
    code = print_below(cache, path, &error);
    printf(code == COORD_OK ? "\n" : " ?\n");
}

static void hold_view(const char *name, const char *path)
{
    struct coord_error error = {.code = COORD_OK};
    coord_view_free(follower.view);
    follower.view = NULL;
    say(coord_cache_children(follower.caches[place_of(name)], path, &follower.view, &error),
        &error);
}

static void print_held(void)
{
    printf("%" PRIu64, coord_view_zxid(follower.view));
    for (size_t i = 0; i < coord_view_count(follower.view); i++) {
        print_cached(coord_view_at(follower.view, i));
    }
    printf("\n");
}

static void on_changed(void *context, struct coord_cache *cache)
{
    (void)context;
    (void)cache;
    follower.called++;
}

static void print_called(const char *wait)
{
    if (follower.called == 0) {
        (void)coord_client_dispatch(follower.client, (uint32_t)number(wait));
    }
    printf("%zu\n", follower.called);
    follower.called = 0;
}

/* Whether all children have the same data; and that, if there are any. */
static bool are_equal(const struct coord_view *view, const char **ret_data)
{
    *ret_data = coord_view_count(view) != 0 ? coord_view_at(view, 0)->data : "";
    for (size_t i = 1; i < coord_view_count(view); i++) {
        if (strcmp(coord_view_at(view, i)->data, *ret_data) != 0) {
            return false;
        }
    }
    return true;
}

static void follow_equal(const char *name, const char *path, const char *value)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_cache *cache = follower.caches[place_of(name)];
    bool equal = true;
    bool done = false;
    enum coord_code code = COORD_OK;
    while (code == COORD_OK && equal && !done) {
        struct coord_view *view = NULL;
        const char *data = "";
        code = coord_cache_children(cache, path, &view, &error);
        if (code == COORD_OK) {
            equal = are_equal(view, &data);
            done = strcmp(data, value) == 0;
        }
        coord_view_free(view);
    }
    if (code != COORD_OK) {
        say(code, &error);
    } else {
        printf("%s\n", equal ? "OK" : "others");
    }
}

static void print_kinds(void)
{
    struct coord_watch_item *item = NULL;
    while (coord_watch_next(follower.watch, 0, &item, NULL) == COORD_OK) {
        printf("%d ", (int)item->kind);
        coord_watch_item_free(item);
    }
    printf("\n");
}

/* ---- Services ---- */

static void register_instance(char **words, size_t count)
{
    struct coord_pair pairs[WORDS_MAX];
    struct coord_error error = {.code = COORD_OK};
    size_t pairs_count = 0;
    for (size_t i = 5; i < count; i++) {
        char *value = strchr(words[i], '=');
        *value++ = '\0';
        pairs[pairs_count++] = (struct coord_pair){.key = words[i], .value = value};
    }
    enum coord_code code = coord_service_register(
        follower.client, words[1], strcmp(words[2], "-") == 0 ? NULL : words[2], words[3],
        (uint16_t)number(words[4]), pairs, pairs_count,
        &follower.instances[follower.instances_count], &error);
    follower.instances_count += code == COORD_OK ? 1 : 0;
    say(code, &error);
}

static void print_instances(void)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_instances *instances = NULL;
    enum coord_code code = coord_discovery_list(follower.discovery, &instances, &error);
    if (code != COORD_OK) {
        say(code, &error);
        return;
    }
    printf("malformed %zu", coord_instances_malformed(instances));
    for (size_t i = 0; i < coord_instances_count(instances); i++) {
        const struct coord_instance *instance = coord_instances_at(instances, i);
        printf(" %s@%s:%u", instance->id, instance->address, (unsigned)instance->port);
        for (size_t j = 0; j < instance->metadata_count; j++) {
            const char *key = instance->metadata[j].key;
            printf(",%s=%s", key, coord_instance_metadata(instance, key));
        }
    }
    printf("\n");
    coord_instances_free(instances);
}

static void choose(const char *how, uint64_t count)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_choice choice = strcmp(how, "round") == 0 ? COORD_ROUND_ROBIN : COORD_RANDOM;
    for (uint64_t i = 0; i < count; i++) {
        struct coord_instances *chosen = NULL;
        enum coord_code code = coord_discovery_choose(follower.discovery, choice, &chosen, &error);
        if (code != COORD_OK) {
            say(code, &error);
            return;
        }
        printf("%s%s", coord_instances_at(chosen, 0)->id, i + 1 < count ? " " : "\n");
        coord_instances_free(chosen);
    }
}

static void on_instances(void *context, struct coord_discovery *discovery)
{
    (void)context;
    (void)discovery;
    follower.called++;
}

static void wait_instances(const char *wait)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = coord_discovery_wait(follower.discovery, (uint32_t)number(wait),
                                                &follower.discovered, &error);
    if (code == COORD_OK) {
        printf("zxid %" PRIu64 "\n", follower.discovered);
    } else {
        say(code, &error);
    }
}

/* False: it is none of these. */
static bool obey_about_services(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    const char *word = words[0];
    if (strcmp(word, "register") == 0 && count >= 5) {
        register_instance(words, count);
    } else if (strcmp(word, "registered") == 0 && count == 2) {
        say(coord_presence_wait(follower.instances[follower.instances_count - 1],
                                (uint32_t)number(words[1]), &error),
            &error);
    } else if (strcmp(word, "withdraw") == 0) {
        say(coord_presence_close(follower.instances[--follower.instances_count], &error), &error);
    } else if (strcmp(word, "discover") == 0 && count == 2) {
        coord_discovery_close(follower.discovery);
        follower.discovery = NULL;
        follower.discovered = 0;
        say(coord_discovery_create(follower.client, words[1], &follower.discovery, &error), &error);
    } else if (strcmp(word, "changed") == 0 && count == 2) {
        wait_instances(words[1]);
    } else if (strcmp(word, "list") == 0) {
        print_instances();
    } else if (strcmp(word, "choose") == 0 && count == 3) {
        choose(words[1], number(words[2]));
    } else if (strcmp(word, "notify") == 0) {
        coord_discovery_set_callback(follower.discovery, on_instances, NULL);
        printf("OK\n");
    } else {
        return false;
    }
    return true;
}

/* ---- The cluster ---- */

static void print_tree(const char *path)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_result *page = NULL;
    enum coord_code code = COORD_OK;
    bool more = true;
    while (more && code == COORD_OK) {
        struct coord_result *next = NULL;
        code = coord_list(follower.client, path, COORD_LIST_WITH_STAT | COORD_LIST_WITH_DATA, 0, 0,
                          page, NULL, &next, &error);
        if (code == COORD_OK && page == NULL) {
            printf("%" PRIu64, coord_result_zxid(next));
        }
        coord_result_free(page);
        page = next;
        for (size_t i = 0; code == COORD_OK && i < coord_result_nodes_count(page); i++) {
            size_t bytes = 0;
            print_node(coord_result_node_path(page, i), coord_result_node_stat(page, i),
                       coord_result_node_data(page, i, &bytes));
        }
        more = code == COORD_OK && coord_result_more(page);
    }
    coord_result_free(page);
    if (code != COORD_OK) {
        say(code, &error);
    } else {
        printf("\n");
    }
}

static struct cd_prng prng;

static void random_path(char *path, size_t bytes, const char *top)
{
    static const char *const names[NAMES] = {"a", "a-", "b", "c"};
    size_t depth = cd_prng_below(&prng, 100) == 0 ? 0 : 1 + (size_t)cd_prng_below(&prng, DEPTH);
    (void)snprintf(path, bytes, "%s", top);
    for (size_t i = 0; i < depth; i++) {
        size_t used = strlen(path);
        (void)snprintf(path + used, bytes - used, "/%s", names[cd_prng_below(&prng, NAMES)]);
    }
}

/* Several in one zxid. */
static enum coord_code change_several(const char *top, const char *data, size_t bytes)
{
    char path[3][256];
    struct coord_txn *txn = coord_txn_create();
    for (size_t i = 0; txn != NULL && i < 3; i++) {
        random_path(path[i], sizeof(path[i]), top);
        if (cd_prng_below(&prng, 3) == 0) {
            coord_txn_add_delete(txn, COORD_THEN, path[i], COORD_ANY_VERSION,
                                 COORD_DELETE_RECURSIVE | COORD_DELETE_IF_PRESENT);
        }
        coord_txn_add_create(txn, COORD_THEN, path[i], data, bytes,
                             COORD_CREATE_PARENTS | COORD_CREATE_IF_ABSENT);
        coord_txn_add_set(txn, COORD_THEN, path[i], data, bytes, COORD_ANY_VERSION);
    }
    enum coord_code code =
        txn != NULL ? coord_txn_run(follower.client, txn, NULL, NULL, NULL) : COORD_NO_MEMORY;
    coord_txn_free(txn);
    return code;
}

static enum coord_code change_one(const char *top, const char *data, size_t bytes)
{
    char path[256];
    random_path(path, sizeof(path), top);
    switch (cd_prng_below(&prng, 8)) {
    case 0:
        return coord_delete(follower.client, path, COORD_ANY_VERSION, COORD_DELETE_RECURSIVE, NULL,
                            NULL, NULL);
    case 1:
        return coord_delete(follower.client, path, COORD_ANY_VERSION, 0, NULL, NULL, NULL);
    case 2:
    case 3:
        return coord_set(follower.client, path, data, bytes, COORD_ANY_VERSION, NULL, NULL, NULL);
    case 4:
        return change_several(top, data, bytes);
    default:
        return coord_create(follower.client, path, data, bytes, COORD_CREATE_PARENTS, NULL, NULL,
                            NULL);
    }
}

static void change(char **words)
{
    static char data[DATA_MAX];
    uint64_t count = number(words[3]);
    size_t bytes = (size_t)number(words[4]);
    uint64_t done = 0;
    cd_prng_init(&prng, number(words[2]));
    bytes = bytes < sizeof(data) ? bytes : sizeof(data) - 1;
    memset(data, '.', sizeof(data));
    for (uint64_t i = 0; i < count; i++) {
        data[snprintf(data, sizeof(data), "%" PRIu64, cd_prng_below(&prng, 100000))] = '.';
        done += change_one(words[1], data, bytes) == COORD_OK ? 1 : 0;
    }
    printf("done %" PRIu64 "\n", done);
}

static void burst(const char *path, uint64_t count)
{
    char node[256];
    uint64_t done = 0;
    (void)snprintf(node, sizeof(node), "%s/n-", path);
    for (uint64_t i = 0; i < count; i++) {
        done += coord_create(follower.client, node, "", 0, COORD_CREATE_SEQUENTIAL, NULL, NULL,
                             NULL) == COORD_OK
                    ? 1
                    : 0;
    }
    printf("done %" PRIu64 "\n", done);
}

/* ---- Words ---- */

static void close_cache(const char *name)
{
    coord_cache_close(follower.caches[place_of(name)]);
    follower.caches[place_of(name)] = NULL;
}

static void obey(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    const char *word = words[0];
    if (obey_about_services(words, count)) {
        return;
    }
    if (strcmp(word, "open") == 0) {
        say(coord_session_open(follower.client, NULL, NULL, &error), &error);
    } else if (strcmp(word, "cache") == 0 && count >= 4) {
        create_cache(words);
    } else if (strcmp(word, "wait") == 0 && count == 3) {
        wait_cache(words[1], words[2]);
    } else if (strcmp(word, "cached") == 0 && count == 3) {
        print_cache(words[1], words[2]);
    } else if (strcmp(word, "tree") == 0 && count == 2) {
        print_tree(words[1]);
    } else if (strcmp(word, "hold") == 0 && count == 3) {
        hold_view(words[1], words[2]);
    } else if (strcmp(word, "held") == 0) {
        print_held();
    } else if (strcmp(word, "call") == 0 && count == 2) {
        coord_cache_set_callback(follower.caches[place_of(words[1])], on_changed, NULL);
        printf("OK\n");
    } else if (strcmp(word, "called") == 0 && count == 2) {
        print_called(words[1]);
    } else if (strcmp(word, "equal") == 0 && count == 4) {
        follow_equal(words[1], words[2], words[3]);
    } else if (strcmp(word, "watch") == 0 && count == 2) {
        say(coord_watch_tree(follower.client, words[1], COORD_WATCH_SUBTREE, 0, 0, 0, NULL,
                             &follower.watch, &error),
            &error);
    } else if (strcmp(word, "kinds") == 0) {
        print_kinds();
    } else if (strcmp(word, "close") == 0 && count == 2) {
        close_cache(words[1]);
        printf("OK\n");
    } else if (strcmp(word, "burst") == 0 && count == 3) {
        burst(words[1], number(words[2]));
    } else if (strcmp(word, "change") == 0 && count == 5) {
        change(words);
    } else {
        printf("? %s\n", word);
    }
}

static bool connect_client(uint32_t timeout_ms, const char *name_space)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_options *options = coord_options_create();
    if (coord_options_set_endpoints(options, getenv("COORD_ENDPOINTS"), &error) != COORD_OK ||
        coord_options_set_tls_files(options, getenv("COORD_CACERT"), getenv("COORD_CERT"),
                                    getenv("COORD_KEY"), &error) != COORD_OK ||
        coord_options_set_session(options, timeout_ms != 0, timeout_ms, &error) != COORD_OK ||
        coord_options_set_timeout_ms(options, CALL_MS, &error) != COORD_OK ||
        coord_options_set_namespace(options, name_space, &error) != COORD_OK ||
        coord_client_create(options, &follower.client, &error) != COORD_OK) {
        fprintf(stderr, "follower: %s\n", error.message);
    }
    coord_options_free(options);
    return follower.client != NULL;
}

int main(int argc, char **argv)
{
    char line[4096];
    if (argc < 2 || !connect_client((uint32_t)number(argv[1]), argc > 2 ? argv[2] : NULL)) {
        return 1;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[WORDS_MAX] = {NULL};
        size_t count = 0;
        char *rest = NULL;
        for (char *word = strtok_r(line, " \n", &rest); word != NULL && count < WORDS_MAX;
             word = strtok_r(NULL, " \n", &rest)) {
            words[count++] = word;
        }
        if (count != 0) {
            obey(words, count);
            fflush(stdout);
        }
    }
    for (size_t i = 0; i < 26; i++) {
        coord_cache_close(follower.caches[i]);
    }
    while (follower.instances_count > 0) {
        (void)coord_presence_close(follower.instances[--follower.instances_count], NULL);
    }
    coord_discovery_close(follower.discovery);
    coord_watch_close(follower.watch);
    coord_client_close(follower.client);
    coord_view_free(follower.view); /* outlives both */
    return 0;
}
