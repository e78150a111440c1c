#include "paxos/paxos.h"
#include "server/config.h"
#include "storage/log.h"

#include <stdio.h>
#include <string.h>

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define PATH_BYTES_MAX 4096u

CD_STATIC_ASSERT(SERVER_PEERS_MAX == PAXOS_MEMBERS_MAX, "a peer is a possible member");

/* In the order of the enums of log.h. */
static const char *const LOG_FORMATS[] = {"logfmt", "json", NULL};
static const char *const LOG_LEVELS[] = {"debug", "info", "warn", "error", NULL};

#define AT(field) offsetof(struct server_config, field)
#define NUMBER(key, field, fallback, min, max, help)                                               \
    {                                                                                              \
        key, fallback, help, NULL, AT(field), min, max, SERVER_KIND_NUMBER, false                  \
    }
#define BYTES(key, field, fallback, min, max, help)                                                \
    {                                                                                              \
        key, fallback, help, NULL, AT(field), min, max, SERVER_KIND_BYTES, false                   \
    }
#define LISTEN(key, field, fallback, help)                                                         \
    {                                                                                              \
        key, fallback, help, NULL, AT(field), 1, SERVER_HOST_BYTES, SERVER_KIND_LISTEN, false      \
    }
#define FILE_PATH(key, field, help)                                                                \
    {                                                                                              \
        key, "", help, NULL, AT(field), 1, PATH_BYTES_MAX, SERVER_KIND_PATH, true                  \
    }
#define CHOICE(key, field, fallback, choices, help)                                                \
    {                                                                                              \
        key, fallback, help, choices, AT(field), 0, 0, SERVER_KIND_CHOICE, false                   \
    }

const struct server_setting SERVER_SETTINGS[] = {
    {"node", "", "Number of this replica in the cluster.", NULL, AT(node), 1, UINT32_MAX,
     SERVER_KIND_NUMBER, true},
    {"cluster", "coord", "Name of the cluster; written into the data directory.", NULL, AT(cluster),
     1, STORAGE_CLUSTER_NAME_BYTES_MAX, SERVER_KIND_NAME, false},
    {"data_dir", "/var/lib/coord", "Directory of the log; made if it is missing.", NULL,
     AT(data_dir), 1, PATH_BYTES_MAX, SERVER_KIND_PATH, false},
    LISTEN("client_listen", client_listen, "0.0.0.0:7420", "Where clients connect."),
    LISTEN("peer_listen", peer_listen, "0.0.0.0:7421", "Where other replicas connect."),
    LISTEN("http_listen", http_listen, "127.0.0.1:7422",
           "/livez, /readyz and /metrics; plain HTTP, no certificate."),
    FILE_PATH("tls.ca", tls_ca, "PEM file: the CA of clients and replicas."),
    FILE_PATH("tls.cert", tls_cert, "PEM file: this replica's certificate, then intermediates."),
    FILE_PATH("tls.key", tls_key, "PEM file: its private key."),
    {"peers", "", "Who may be a replica: number, peer address and certificate identity.", NULL,
     AT(peers), 0, SERVER_PEERS_MAX, SERVER_KIND_PEERS, false},
    {"admins", "", "Certificate identities that may use the Admin service.", NULL, AT(admins), 0,
     SERVER_IDENTITIES_MAX, SERVER_KIND_IDENTITIES, false},
    CHOICE("log.format", log_format, "logfmt", LOG_FORMATS, "Form of the log on stderr."),
    CHOICE("log.level", log_level, "info", LOG_LEVELS, "Lines below it are left out."),
    NUMBER("heartbeat_ms", heartbeat_ms, "50", 5, 10000, "Time between a leader's heartbeats."),
    NUMBER("election_ms", election_ms, "400", 15, 60000,
           "A replica that hears no leader for so long seeks one; at least 3 * heartbeat_ms."),
    NUMBER("alpha", alpha, "256", PAXOS_ALPHA_MIN, PAXOS_ALPHA_MAX,
           "Slots under way at a time; of a cluster that this replica founds."),
    BYTES("segment_bytes", segment_bytes, "32MiB", 2 * (uint64_t)STORAGE_BODY_BYTES_MAX, 4 * GIB,
          "Disk space reserved for each file of the log."),
    BYTES("snapshot_bytes", snapshot_bytes, "64MiB", MIB, 64 * GIB,
          "Log between two snapshots, at least; more if the last snapshot was larger."),
    BYTES("history_bytes", history_bytes, "64MiB", MIB, 64 * GIB,
          "Memory for past changes, from which watches go on after a reconnection."),
    NUMBER("stop_grace_ms", stop_grace_ms, "5000", 0, 600000,
           "How long a stop waits for hand-over and open work."),
    NUMBER("max_streams", max_streams, "10000", 1, 1000000, "Client streams open at a time."),
    NUMBER("max_calls", max_calls, "4096", 1, 1000000, "Single calls without an answer at a time."),
    BYTES("max_client_memory", max_client_memory, "512MiB", 64 * MIB, 2047 * MIB,
          "What gRPC may hold for all clients: connections, frames that are not whole yet."),
    NUMBER("client_keepalive_ms", client_keepalive_ms, "10000", 500, 3600000,
           "A silent client connection is probed after so long, and closed after as long again."),
    NUMBER("client_ping_ms", client_ping_ms, "500", 100, 3600000,
           "Shortest time between a client's own probes; one that sends faster is cut off."),
};
const size_t SERVER_SETTINGS_COUNT = CD_ARRAY_COUNT(SERVER_SETTINGS);

CD_STATIC_ASSERT(CD_ARRAY_COUNT(SERVER_SETTINGS) <= SERVER_SETTINGS_MAX, "origins have room");

void server_setting_flag(const struct server_setting *setting,
                         char ret_flag[SERVER_SETTING_NAME_BYTES])
{
    int length = snprintf(ret_flag, SERVER_SETTING_NAME_BYTES, "--%s", setting->key);
    CD_ASSERT(length > 0 && length < (int)SERVER_SETTING_NAME_BYTES);
    for (char *c = ret_flag; *c != '\0'; c++) {
        if (*c == '.' || *c == '_') {
            *c = '-';
        }
    }
}

void server_setting_variable(const struct server_setting *setting,
                             char ret_variable[SERVER_SETTING_NAME_BYTES])
{
    int length = snprintf(ret_variable, SERVER_SETTING_NAME_BYTES, "COORDD_%s", setting->key);
    CD_ASSERT(length > 0 && length < (int)SERVER_SETTING_NAME_BYTES);
    for (char *c = ret_variable; *c != '\0'; c++) {
        if (*c == '.') {
            *c = '_';
        } else if (*c >= 'a' && *c <= 'z') {
            *c = (char)(*c - 'a' + 'A');
        }
    }
}

/* "64MiB" where it is a whole number of them, so that ranges read well. */
static void bytes_text(uint64_t bytes, char *ret_text, size_t room)
{
    if (bytes >= GIB && bytes % GIB == 0) {
        snprintf(ret_text, room, "%lluGiB", (unsigned long long)(bytes / GIB));
    } else if (bytes >= MIB && bytes % MIB == 0) {
        snprintf(ret_text, room, "%lluMiB", (unsigned long long)(bytes / MIB));
    } else if (bytes >= KIB && bytes % KIB == 0) {
        snprintf(ret_text, room, "%lluKiB", (unsigned long long)(bytes / KIB));
    } else {
        snprintf(ret_text, room, "%llu", (unsigned long long)bytes);
    }
}

static void choices_text(const struct server_setting *setting, char *ret_text, size_t room)
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (const char *const *choice = setting->choices; *choice != NULL && used < room; choice++) {
        const char *between = choice == setting->choices ? "" : choice[1] == NULL ? " or " : ", ";
        used += (size_t)snprintf(ret_text + used, room - used, "%s%s", between, *choice);
    }
}

void server_setting_range(const struct server_setting *setting,
                          char ret_range[SERVER_SETTING_RANGE_BYTES])
{
    char low[32];
    char high[32];
    const size_t room = SERVER_SETTING_RANGE_BYTES;
    switch (setting->kind) {
    case SERVER_KIND_NUMBER:
        snprintf(ret_range, room, "%llu to %llu", (unsigned long long)setting->min,
                 (unsigned long long)setting->max);
        break;
    case SERVER_KIND_BYTES:
        bytes_text(setting->min, low, sizeof(low));
        bytes_text(setting->max, high, sizeof(high));
        snprintf(ret_range, room, "%s to %s", low, high);
        break;
    case SERVER_KIND_NAME:
        snprintf(ret_range, room, "1 to %llu of a-z A-Z 0-9 . _ -",
                 (unsigned long long)setting->max);
        break;
    case SERVER_KIND_PATH:
        snprintf(ret_range, room, "a path of 1 to %llu bytes", (unsigned long long)setting->max);
        break;
    case SERVER_KIND_LISTEN:
        snprintf(ret_range, room, "HOST:PORT or [IPV6]:PORT, port 0 to 65535");
        break;
    case SERVER_KIND_CHOICE:
        choices_text(setting, ret_range, room);
        break;
    case SERVER_KIND_IDENTITIES:
        snprintf(ret_range, room, "IDENTITY,... (at most %llu)", (unsigned long long)setting->max);
        break;
    case SERVER_KIND_PEERS:
        snprintf(ret_range, room, "ID=HOST:PORT=IDENTITY,... (at most %llu)",
                 (unsigned long long)setting->max);
        break;
    }
}

const struct server_setting *server_setting_find(const char *key)
{
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        if (strcmp(SERVER_SETTINGS[i].key, key) == 0) {
            return &SERVER_SETTINGS[i];
        }
    }
    return NULL;
}

#define NEAREST_BYTES_MAX 64u

/* Levenshtein's distance of two words, of which the first NEAREST_BYTES_MAX bytes count. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAREST_BYTES_MAX + 1];
    size_t a_bytes = strnlen(a, NEAREST_BYTES_MAX);
    size_t b_bytes = strnlen(b, NEAREST_BYTES_MAX);
    for (size_t j = 0; j <= b_bytes; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_bytes; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < best ? change : best;
        }
    }
    return row[b_bytes];
}

const char *server_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        /* A word that is part of a candidate ("data" of "data_dir") is one slip away from it. */
        size_t edits = strstr(candidates[i], word) != NULL ? 1 : distance(word, candidates[i]);
        if (edits < best) {
            best = edits;
            nearest = candidates[i];
        }
    }
    return nearest;
}
