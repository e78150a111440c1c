/*
 * holder TIMEOUT_MS [NAMESPACE]: a client with a session (0: without) that does what its standard
 * input says, one line at a time, and answers each with one line. Ends, and closes its session, at
 * the end of its input.
 *
 * The commands and answers are those of bindings/conformance/README.md, whose driver for C it is. A
 * refusal is a code and its message; of up to 64 grants the newest is meant.
 *
 * COORD_ENDPOINTS, _CACERT, _CERT and _KEY are coordctl's.
 */

#include "coord/recipes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 70, LOCKS_MAX = 64, CALL_MS = 5000 };

static struct {
    struct coord_client *client;
    struct coord_lock *locks[LOCKS_MAX];
    size_t count;
    struct coord_observer *observer;
    struct coord_presence *presence;
    struct coord_double_barrier *barrier;
    struct coord_discovery *discovery;
    uint64_t discovered;
    char data[32];
} holder;

static const char *const hold_names[] = {"?", "SAFE", "SUSPECT", "LOST"};

static void say_refused(enum coord_code code, const struct coord_error *error)
{
    printf("%s %s\n", coord_code_name(code), error->message);
}

static void say_done(enum coord_code code, const struct coord_error *error)
{
    if (code == COORD_OK) {
        printf("OK\n");
    } else {
        say_refused(code, error);
    }
}

static uint32_t number(const char *word)
{
    return strcmp(word, "forever") == 0 ? COORD_FOREVER : (uint32_t)strtoul(word, NULL, 10);
}

static void acquire(char **words)
{
    struct coord_lock **place = &holder.locks[holder.count];
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_INVALID_ARGUMENT;
    const char *kind = words[0];
    const char *path = words[1];
    uint32_t wait_ms = number(words[2]);
    size_t bytes = strlen(holder.data);
    if (strcmp(kind, "try") == 0) {
        code = coord_lock_try(holder.client, path, holder.data, bytes, place, &error);
    } else if (strcmp(kind, "lock") == 0) {
        code = coord_lock_acquire(holder.client, path, NULL, 0, wait_ms, place, &error);
    } else if (strcmp(kind, "read") == 0) {
        code = coord_lock_acquire_read(holder.client, path, NULL, 0, wait_ms, place, &error);
    } else if (strcmp(kind, "write") == 0) {
        code = coord_lock_acquire_write(holder.client, path, NULL, 0, wait_ms, place, &error);
    } else if (strcmp(kind, "semaphore") == 0) {
        code = coord_semaphore_acquire(holder.client, path, number(words[3]), NULL, 0, wait_ms,
                                       place, &error);
    } else if (strcmp(kind, "campaign") == 0) {
        code = coord_election_campaign(holder.client, path, holder.data, bytes, wait_ms, place,
                                       &error);
    }
    if (code != COORD_OK) {
        say_refused(code, &error);
        return;
    }
    printf("granted %" PRIu64 " %s\n", coord_lock_fence(*place), coord_lock_path(*place));
    holder.count++;
}

static void acquire_all(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    size_t paths = count - 2;
    enum coord_code code =
        coord_lock_acquire_all(holder.client, (const char *const *)&words[2], paths, NULL, 0,
                               number(words[1]), &holder.locks[holder.count], &error);
    if (code != COORD_OK) {
        say_refused(code, &error);
        return;
    }
    holder.count += paths;
    printf("granted %zu\n", paths);
}

static void wait_state(const char *from, const char *wait)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_hold state = COORD_HOLD_SAFE;
    for (int i = COORD_HOLD_SAFE; i <= COORD_HOLD_LOST; i++) {
        state = strcmp(from, hold_names[i]) == 0 ? (enum coord_hold)i : state;
    }
    enum coord_code code =
        coord_lock_wait(holder.locks[holder.count - 1], number(wait), &state, &error);
    printf("%s\n", code == COORD_OK ? hold_names[state] : coord_code_name(code));
}

static enum coord_code write_guarded(const char *path)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_call_options *call = coord_call_options_create();
    enum coord_code code = call != NULL
                               ? coord_lock_guard(holder.locks[holder.count - 1], call, &error)
                               : COORD_NO_MEMORY;
    if (code == COORD_OK) {
        code = coord_set(holder.client, path, "x", 1, COORD_ANY_VERSION, call, NULL, &error);
    }
    coord_call_options_free(call);
    return code;
}

static void say_next(const char *wait)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_leader leader = {.fence = 0};
    enum coord_code code = coord_observer_next(holder.observer, number(wait), &leader, &error);
    if (code != COORD_OK) {
        say_refused(code, &error);
    } else if (leader.fence == 0) {
        printf("nobody\n");
    } else {
        printf("leader %" PRIu64 " %.*s\n", leader.fence, (int)leader.data_bytes,
               (const char *)leader.data);
    }
}

static void say_taken(const char *path, const char *wait)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_result *result = NULL;
    enum coord_code code = coord_queue_take(holder.client, path, number(wait), &result, &error);
    if (code != COORD_OK) {
        say_refused(code, &error);
        return;
    }
    size_t bytes = 0;
    const char *data = coord_result_data(coord_result_at(result, 0), &bytes);
    printf("taken %.*s\n", (int)bytes, data);
    coord_result_free(result);
}

/* False: it is none of these. */
static bool obey_about_others(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    if (strcmp(words[0], "raise") == 0 && count == 2) {
        code = coord_barrier_raise(holder.client, words[1], &error);
    } else if (strcmp(words[0], "lower") == 0 && count == 2) {
        code = coord_barrier_lower(holder.client, words[1], &error);
    } else if (strcmp(words[0], "pass") == 0 && count == 3) {
        code = coord_barrier_wait(holder.client, words[1], number(words[2]), &error);
    } else if (strcmp(words[0], "put") == 0 && count == 4) {
        code = coord_queue_put(holder.client, words[1], (uint16_t)number(words[2]), words[3],
                               strlen(words[3]), &error);
    } else if (strcmp(words[0], "take") == 0 && count == 3) {
        say_taken(words[1], words[2]);
        return true;
    } else {
        return false;
    }
    printf("%s\n", coord_code_name(code));
    return true;
}

/* Likewise. */
static bool obey_about_presence(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    if (strcmp(words[0], "keep") == 0 && count == 3) {
        code = coord_presence_create(holder.client, words[1], words[2], strlen(words[2]),
                                     &holder.presence, &error);
    } else if (strcmp(words[0], "join") == 0 && count == 4) {
        code = coord_group_join(holder.client, words[1], words[2], words[3], strlen(words[3]),
                                &holder.presence, &error);
    } else if (strcmp(words[0], "stands") == 0 && count == 2) {
        code = coord_presence_wait(holder.presence, number(words[1]), &error);
    } else if (strcmp(words[0], "renew") == 0 && count == 2) {
        code = coord_presence_set(holder.presence, words[1], strlen(words[1]), &error);
    } else if (strcmp(words[0], "part") == 0) {
        code = coord_presence_close(holder.presence, &error);
        holder.presence = NULL;
    } else {
        return false;
    }
    say_done(code, &error);
    return true;
}

/* ID@ADDRESS:PORT,KEY=VALUE... of each. */
static void say_instances(const struct coord_instances *instances)
{
    printf("instances");
    for (size_t i = 0; i < coord_instances_count(instances); i++) {
        const struct coord_instance *instance = coord_instances_at(instances, i);
        printf(" %s@%s:%u", instance->id, instance->address, (unsigned)instance->port);
        for (size_t j = 0; j < instance->metadata_count; j++) {
            printf(",%s=%s", instance->metadata[j].key, instance->metadata[j].value);
        }
    }
    printf("\n");
}

/* Once there are that many. */
static void wait_instances(size_t count, uint32_t wait_ms)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_instances *instances = NULL;
    enum coord_code code = COORD_OK;
    bool enough = false;
    while (code == COORD_OK && !enough) {
        code = coord_discovery_list(holder.discovery, &instances, &error);
        enough = code == COORD_OK && coord_instances_count(instances) == count;
        if (!enough && (code == COORD_OK || code == COORD_TIMEOUT)) {
            coord_instances_free(instances);
            instances = NULL;
            code = coord_discovery_wait(holder.discovery, wait_ms, &holder.discovered, &error);
        }
    }
    if (code == COORD_OK) {
        say_instances(instances);
    } else {
        say_refused(code, &error);
    }
    coord_instances_free(instances);
}

static void choose(const char *how)
{
    struct coord_error error = {.code = COORD_OK};
    struct coord_instances *chosen = NULL;
    enum coord_code code = coord_discovery_choose(
        holder.discovery, strcmp(how, "round") == 0 ? COORD_ROUND_ROBIN : COORD_RANDOM, &chosen,
        &error);
    if (code == COORD_OK) {
        printf("chosen %s\n", coord_instances_at(chosen, 0)->id);
    } else {
        say_refused(code, &error);
    }
    coord_instances_free(chosen);
}

/* `pairs`: KEY=VALUE each. */
static enum coord_code register_instance(char **words, char **pairs, size_t count,
                                         struct coord_error *error)
{
    struct coord_pair metadata[WORDS_MAX];
    for (size_t i = 0; i < count; i++) {
        char *equals = strchr(pairs[i], '=');
        if (equals == NULL) {
            return COORD_INVALID_ARGUMENT;
        }
        *equals = '\0';
        metadata[i] = (struct coord_pair){.key = pairs[i], .value = equals + 1};
    }
    return coord_service_register(holder.client, words[1], words[2], words[3],
                                  (uint16_t)number(words[4]), metadata, count, &holder.presence,
                                  error);
}

/* Likewise. */
static bool obey_about_services(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    if (strcmp(words[0], "instances") == 0 && count == 3) {
        wait_instances(number(words[1]), number(words[2]));
        return true;
    }
    if (strcmp(words[0], "choose") == 0 && count == 2) {
        choose(words[1]);
        return true;
    }
    if (strcmp(words[0], "register") == 0 && count >= 5) {
        code = register_instance(words, &words[5], count - 5, &error);
    } else if (strcmp(words[0], "discover") == 0 && count == 2) {
        code = coord_discovery_create(holder.client, words[1], &holder.discovery, &error);
    } else {
        return false;
    }
    say_done(code, &error);
    return true;
}

static void say_counted(const char *path, const char *delta, uint32_t times)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    int64_t value = 0;
    for (uint32_t i = 0; i < times && code == COORD_OK; i++) {
        code = coord_counter_add(holder.client, path, strtoll(delta, NULL, 10), &value, &error);
    }
    if (times == 0) {
        code = coord_counter_get(holder.client, path, &value, &error);
    }
    if (code == COORD_OK) {
        printf("counted %" PRId64 "\n", value);
    } else {
        say_refused(code, &error);
    }
}

/* Likewise. */
static bool obey_about_rounds(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    enum coord_code code = COORD_OK;
    if (strcmp(words[0], "add") == 0 && count == 4) {
        say_counted(words[1], words[2], number(words[3]));
        return true;
    }
    if (strcmp(words[0], "count") == 0 && count == 2) {
        say_counted(words[1], "0", 0);
        return true;
    }
    if (strcmp(words[0], "enter") == 0 && count == 4) {
        code = coord_double_barrier_enter(holder.client, words[1], number(words[2]),
                                          number(words[3]), &holder.barrier, &error);
    } else if (strcmp(words[0], "leave") == 0 && count == 2) {
        code = coord_double_barrier_leave(holder.barrier, number(words[1]), &error);
        holder.barrier = NULL;
    } else if (strcmp(words[0], "reset") == 0 && count == 3) {
        code = coord_counter_set(holder.client, words[1], strtoll(words[2], NULL, 10), &error);
    } else {
        return false;
    }
    say_done(code, &error);
    return true;
}

static void obey(char **words, size_t count)
{
    struct coord_error error = {.code = COORD_OK};
    const char *word = words[0];
    if (obey_about_others(words, count) || obey_about_presence(words, count) ||
        obey_about_rounds(words, count) || obey_about_services(words, count)) {
        return;
    }
    if (strcmp(word, "all") == 0 && count > 2) {
        acquire_all(words, count);
    } else if (strcmp(word, "state") == 0) {
        printf("%s\n", hold_names[coord_lock_state(holder.locks[holder.count - 1])]);
    } else if (strcmp(word, "wait") == 0 && count == 3) {
        wait_state(words[1], words[2]);
    } else if (strcmp(word, "guarded") == 0 && count == 2) {
        printf("%s\n", coord_code_name(write_guarded(words[1])));
    } else if (strcmp(word, "release") == 0) {
        printf("%s\n", coord_code_name(coord_lock_release(holder.locks[--holder.count], &error)));
    } else if (strcmp(word, "close") == 0) {
        printf("%s\n", coord_code_name(coord_session_close(holder.client, NULL, &error)));
    } else if (strcmp(word, "observe") == 0 && count == 2) {
        printf("%s\n", coord_code_name(coord_observer_create(holder.client, words[1],
                                                             &holder.observer, &error)));
    } else if (strcmp(word, "next") == 0 && count == 2) {
        say_next(words[1]);
    } else if (count >= 3) {
        acquire(words);
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
        coord_client_create(options, &holder.client, &error) != COORD_OK) {
        fprintf(stderr, "holder: %s\n", error.message);
    }
    coord_options_free(options);
    return holder.client != NULL;
}

int main(int argc, char **argv)
{
    char line[4096];
    snprintf(holder.data, sizeof(holder.data), "%ld", (long)getpid());
    if (argc < 2 || !connect_client(number(argv[1]), argc > 2 ? argv[2] : NULL)) {
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
    while (holder.count > 0) {
        (void)coord_lock_release(holder.locks[--holder.count], NULL);
    }
    coord_observer_free(holder.observer);
    coord_discovery_close(holder.discovery);
    (void)coord_presence_close(holder.presence, NULL);
    (void)coord_double_barrier_leave(holder.barrier, 0, NULL);
    coord_client_close(holder.client);
    return 0;
}
