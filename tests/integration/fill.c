/*
 * fill nodes|watches|sessions COUNT: puts that much into a cluster through libclient, says "full",
 * and keeps it until its standard input ends. For ./dev bench memory, which looks at the replicas
 * meanwhile. Where the cluster is comes from the environment, as for coordctl. Any call that fails
 * ends it with 1 and says why.
 *
 *   nodes     /0000/0000000 and so on, a thousand below each parent, with DATA_BYTES of data
 *   watches   each on a path of its own, without a node; as many of a client as a replica takes
 *   sessions  each with a connection of its own; nothing else
 */

#include "base/assert.h"
#include "base/memory.h"
#include "coord/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    THREADS = 8,
    CALL_TIMEOUT_MS = 120000,
    SESSION_TIMEOUT_MS = 120000, /* nobody is to expire while the machine is busy */
    DATA_BYTES = 100,
    NODES_OF_PARENT = 1000,
    NODES_OF_TXN = 100,
    WATCHES_OF_CLIENT = 10000,
    WATCHES_AT_ONCE = 500, /* set without waiting for each */
};

/* A thread does each of the pieces whose number is its own, modulo THREADS. */
struct part {
    pthread_t thread;
    size_t number, pieces;
    void (*fill)(size_t piece);
};

static size_t count;
static struct coord_client **clients; /* one a piece, for those that are kept */

static _Noreturn void fail(const char *what, const struct coord_error *error)
{
    (void)fprintf(stderr, "fill: %s: %s (%s)\n", what, error->message,
                  coord_code_name(error->code));
    _exit(1);
}

static struct coord_client *connect_to(bool session)
{
    struct coord_error error;
    struct coord_client *client = NULL;
    struct coord_options *options = coord_options_create();
    CD_ASSERT(options != NULL);
    enum coord_code code = coord_options_set_endpoints(options, getenv("COORD_ENDPOINTS"), &error);
    if (code == COORD_OK) {
        code = coord_options_set_tls_files(options, getenv("COORD_CACERT"), getenv("COORD_CERT"),
                                           getenv("COORD_KEY"), &error);
    }
    if (code == COORD_OK) {
        code = coord_options_set_timeout_ms(options, CALL_TIMEOUT_MS, &error);
    }
    if (code == COORD_OK && session) {
        code = coord_options_set_session(options, true, SESSION_TIMEOUT_MS, &error);
    }
    if (code == COORD_OK) {
        code = coord_client_create(options, &client, &error);
    }
    if (code != COORD_OK) {
        fail("connect", &error);
    }
    coord_options_free(options);
    return client;
}

/* ---- Pieces ---- */

/* One parent and its nodes. */
static void fill_nodes(size_t piece)
{
    static const char data[DATA_BYTES + 1] = {'d'};
    struct coord_error error;
    char path[64];
    struct coord_client *client = clients[piece % THREADS];
    (void)snprintf(path, sizeof(path), "/%04zu", piece);
    if (coord_create(client, path, NULL, 0, 0, NULL, NULL, &error) != COORD_OK) {
        fail(path, &error);
    }
    for (size_t i = 0; i < NODES_OF_PARENT; i += NODES_OF_TXN) {
        struct coord_txn *txn = coord_txn_create();
        CD_ASSERT(txn != NULL);
        for (size_t j = i; j < i + NODES_OF_TXN; j++) {
            (void)snprintf(path, sizeof(path), "/%04zu/%07zu", piece, piece * NODES_OF_PARENT + j);
            coord_txn_add_create(txn, COORD_THEN, path, data, DATA_BYTES, 0);
        }
        if (coord_txn_run(client, txn, NULL, NULL, &error) != COORD_OK) {
            fail(path, &error);
        }
        coord_txn_free(txn);
    }
}

static void ignore(void *context, enum coord_code code, struct coord_result *result,
                   const struct coord_error *error)
{
    (void)context;
    (void)code;
    (void)error;
    coord_result_free(result);
}

static void wait_set(struct coord_watch *watch)
{
    struct coord_error error;
    struct coord_watch_item *item = NULL;
    if (coord_watch_next(watch, CALL_TIMEOUT_MS, &item, &error) != COORD_OK) {
        fail("watch", &error);
    }
    if (item->kind != COORD_WATCH_SET) {
        (void)fprintf(stderr, "fill: a watch was refused: %s\n", item->message);
        _exit(1);
    }
    coord_watch_item_free(item);
}

/* One client's. Watches are not closed: the process ends with them. */
static void fill_watches(size_t piece)
{
    struct coord_error error;
    struct coord_watch *watches[WATCHES_AT_ONCE];
    char path[64];
    struct coord_client *client = connect_to(false);
    struct coord_call_options *call = coord_call_options_create();
    CD_ASSERT(call != NULL);
    coord_call_options_set_done(call, ignore, NULL);
    clients[piece] = client;
    for (size_t i = 0; i < WATCHES_OF_CLIENT; i += WATCHES_AT_ONCE) {
        for (size_t j = 0; j < WATCHES_AT_ONCE; j++) {
            (void)snprintf(path, sizeof(path), "/%04zu/%07zu", piece,
                           piece * WATCHES_OF_CLIENT + i + j);
            if (coord_watch_tree(client, path, COORD_WATCH_NODE, 0, 0, 0, call, &watches[j],
                                 &error) != COORD_OK) {
                fail(path, &error);
            }
        }
        for (size_t j = 0; j < WATCHES_AT_ONCE; j++) {
            wait_set(watches[j]);
        }
    }
    coord_call_options_free(call);
}

static void fill_session(size_t piece)
{
    struct coord_error error;
    clients[piece] = connect_to(true);
    if (coord_session_open(clients[piece], NULL, NULL, &error) != COORD_OK) {
        fail("session", &error);
    }
}

/* ---- The whole ---- */

static void *run(void *context)
{
    const struct part *part = context;
    for (size_t piece = part->number; piece < part->pieces; piece += THREADS) {
        part->fill(piece);
    }
    return NULL;
}

static void run_all(size_t pieces, void (*fill)(size_t piece))
{
    struct part parts[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        parts[i] = (struct part){.number = i, .pieces = pieces, .fill = fill};
        if (pthread_create(&parts[i].thread, NULL, run, &parts[i]) != 0) {
            (void)fprintf(stderr, "fill: no thread\n");
            _exit(1);
        }
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(parts[i].thread, NULL);
    }
}

int main(int argc, char **argv)
{
    char line[8];
    count = argc == 3 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    if (count == 0) {
        (void)fprintf(stderr, "usage: fill nodes|watches|sessions COUNT\n");
        return 2;
    }
    clients = cd_calloc(count > THREADS ? count : THREADS, sizeof(struct coord_client *));
    if (strcmp(argv[1], "nodes") == 0) {
        for (size_t i = 0; i < THREADS; i++) {
            clients[i] = connect_to(true);
        }
        run_all(count / NODES_OF_PARENT, fill_nodes);
    } else if (strcmp(argv[1], "watches") == 0) {
        run_all(count / WATCHES_OF_CLIENT, fill_watches);
    } else {
        run_all(count, fill_session);
    }
    (void)puts("full");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
    }
    _exit(0); /* what it keeps goes with it; closing thousands of clients would take a while */
}
