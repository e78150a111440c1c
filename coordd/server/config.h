#ifndef COORD_SERVER_CONFIG_H
#define COORD_SERVER_CONFIG_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a replica is told: defaults, then a YAML file, then the environment (COORDD_*), then flags;
 * the later over the earlier, setting by setting (a list is replaced as a whole).
 *
 * One table, SERVER_SETTINGS in settings.c, holds for every setting its key, kind, range, default
 * and sentence. The file's keys, the variables, the flags, --help, --check-config, the messages and
 * the README's table follow from it.
 *
 * Nothing is guessed: an unknown key or flag, a value of the wrong kind or out of range, and a key
 * given twice end the start with one sentence that says where it stands, what it is called and what
 * is allowed. Thread: main, before the loop begins; read-only afterwards.
 */

/* ---- The table ---- */

enum server_kind {
    SERVER_KIND_NUMBER,     /* uint64_t; decimal */
    SERVER_KIND_BYTES,      /* uint64_t; decimal, or with KiB, MiB, GiB */
    SERVER_KIND_NAME,       /* char *; letters, digits, '.', '_', '-' */
    SERVER_KIND_PATH,       /* char *; relative ones count from the working directory */
    SERVER_KIND_LISTEN,     /* char *; HOST:PORT or [IPV6]:PORT, port 0 picks one */
    SERVER_KIND_CHOICE,     /* uint64_t; index into `choices` */
    SERVER_KIND_IDENTITIES, /* struct server_identities */
    SERVER_KIND_PEERS,      /* struct server_peers */
};

struct server_setting {
    const char *key;            /* "log.format": flag --log-format, variable COORDD_LOG_FORMAT */
    const char *fallback;       /* as a person would write it; "" for none */
    const char *help;           /* one line */
    const char *const *choices; /* of a CHOICE, ends with NULL */
    size_t offset;              /* of its value in struct server_config */
    uint64_t min, max; /* of a number: the value; of text: its bytes; of a list: its count */
    enum server_kind kind;
    bool required; /* no default and no start without it, except with --dev */
};

extern const struct server_setting SERVER_SETTINGS[];
extern const size_t SERVER_SETTINGS_COUNT;

#define SERVER_SETTINGS_MAX 40u

/* "--log-format" and "COORDD_LOG_FORMAT". */
#define SERVER_SETTING_NAME_BYTES 64u
void server_setting_flag(const struct server_setting *setting,
                         char ret_flag[SERVER_SETTING_NAME_BYTES]);
void server_setting_variable(const struct server_setting *setting,
                             char ret_variable[SERVER_SETTING_NAME_BYTES]);

/* "10 to 10000", "logfmt or json", "HOST:PORT": what a value may be. */
#define SERVER_SETTING_RANGE_BYTES 128u
void server_setting_range(const struct server_setting *setting,
                          char ret_range[SERVER_SETTING_RANGE_BYTES]);

/* The setting of that key, or NULL. */
const struct server_setting *server_setting_find(const char *key);

/* The candidate that is closest to `word` by edits, the first of equals; NULL without candidates.
 */
const char *server_nearest(const char *word, const char *const *candidates, size_t count);

/* ---- The configuration ---- */

/* A replica that may be a peer. Both texts are owned. */
struct server_peer {
    uint32_t id;
    char *address;
    char *identity;
};

#define SERVER_PEERS_MAX      16u /* PAXOS_MEMBERS_MAX */
#define SERVER_IDENTITIES_MAX 64u

struct server_peers {
    struct server_peer *items; /* owned */
    size_t count;
};

struct server_identities {
    char **items; /* owned, and so is each */
    size_t count;
};

/* Where a value came from, as messages begin: "coordd.yaml:7", "COORDD_NODE", "--node". */
#define SERVER_ORIGIN_BYTES 256u
struct server_origin {
    char text[SERVER_ORIGIN_BYTES]; /* empty: the default */
    int line;                       /* in the file; 0 elsewhere */
};

/* The numbers are uint64_t whatever their range, so that one reader fills all of them. */
struct server_config {
    uint64_t node;
    char *cluster;
    char *data_dir;
    char *client_listen, *peer_listen, *http_listen;
    char *tls_ca, *tls_cert, *tls_key;
    struct server_peers peers;
    struct server_identities admins;
    uint64_t log_format, log_level;
    uint64_t heartbeat_ms, election_ms;
    uint64_t alpha;
    uint64_t segment_bytes, snapshot_bytes, history_bytes;
    uint64_t stop_grace_ms;
    uint64_t max_streams, max_calls, max_client_memory;
    uint64_t client_keepalive_ms, client_ping_ms;
    struct server_origin origins[SERVER_SETTINGS_MAX]; /* by index in SERVER_SETTINGS */
};

/* Sets every default. Release accepts one that is all zero, and may be called twice. */
void server_config_init(struct server_config *config);
void server_config_release(struct server_config *config);

/* ---- Values (values.c) ---- */

/*
 * Sets one value from text, as the environment and flags give it; lists in their compact form:
 * peers "1=host:7421=identity,2=...", admins "one,two". `origin` begins the message of a failure.
 * Returns: CD_OK, CD_INVALID_ARGUMENT (nothing was changed).
 */
CD_MUST_USE enum cd_status server_config_set(struct server_config *config,
                                             const struct server_setting *setting, const char *text,
                                             const struct server_origin *origin,
                                             struct cd_error *error);

/* For the file: empties a list, then adds to it one by one. `origin` as above. */
void server_config_clear_list(struct server_config *config, const struct server_setting *setting,
                              const struct server_origin *origin);
CD_MUST_USE enum cd_status server_config_add_peer(struct server_config *config, const char *id,
                                                  const char *address, const char *identity,
                                                  const struct server_origin *origin,
                                                  struct cd_error *error);
CD_MUST_USE enum cd_status server_config_add_identity(struct server_config *config,
                                                      const char *identity,
                                                      const struct server_origin *origin,
                                                      struct cd_error *error);

/*
 * Splits "host:port" or "[v6]:port"; `ret_host` gets the host without brackets. False if it is
 * neither or the port is over 65535.
 */
#define SERVER_HOST_BYTES 256u
bool server_address_split(const char *address, char ret_host[SERVER_HOST_BYTES],
                          uint16_t *ret_port);

/* ---- Sources ---- */

#define SERVER_FILE_BYTES_MAX (256u * 1024u)

/* The YAML file (yaml.c). Returns: CD_OK, CD_INVALID_ARGUMENT, CD_NOT_FOUND, CD_IO (unreadable). */
CD_MUST_USE enum cd_status server_config_read_file(struct server_config *config, const char *path,
                                                   struct cd_error *error);

/*
 * Every COORDD_* variable of `environment` (as environ) that names a setting and is not empty.
 * Others are left alone: Kubernetes sets some of its own for a service called coordd.
 * Returns: CD_OK, CD_INVALID_ARGUMENT.
 */
CD_MUST_USE enum cd_status server_config_read_environment(struct server_config *config,
                                                          const char *const *environment,
                                                          struct cd_error *error);

/* The value of a variable in `environment`, or NULL if it is missing or empty. */
const char *server_environment_get(const char *const *environment, const char *name);

/*
 * The next COORDD_* variable, from *index on, that names no setting and is none of Kubernetes' own,
 * so that a slip of the pen can be told; NULL at the end. `name` holds it without its value.
 */
const char *server_environment_unknown(const char *const *environment, size_t *index,
                                       char name[SERVER_SETTING_NAME_BYTES]);

/* What the command line asks for besides settings. */
struct server_flags {
    const char *config_path; /* borrowed from argv or NULL */
    bool dev, check, help, version;
};

/* Looks through argv for what is no setting. Returns: CD_OK, CD_INVALID_ARGUMENT. */
CD_MUST_USE enum cd_status server_flags_read(struct server_flags *flags, int argc,
                                             const char *const *argv, struct cd_error *error);

/* The settings of argv, which server_flags_read has passed. Returns: CD_OK, CD_INVALID_ARGUMENT. */
CD_MUST_USE enum cd_status server_config_read_flags(struct server_config *config, int argc,
                                                    const char *const *argv,
                                                    struct cd_error *error);

/* ---- The whole ---- */

/*
 * What must hold between settings: required ones are there, ids and identities of peers are
 * distinct, times fit together, addresses differ. `origin` of the setting at fault begins the
 * message. Returns: CD_OK, CD_INVALID_ARGUMENT.
 */
CD_MUST_USE enum cd_status server_config_check(const struct server_config *config,
                                               struct cd_error *error);

/*
 * Whether `peers` names this replica, if it does, by the identity that its certificate has; else
 * its peers would turn it away. Returns: CD_OK, CD_INVALID_ARGUMENT.
 */
CD_MUST_USE enum cd_status server_config_check_identity(const struct server_config *config,
                                                        const char *identity,
                                                        struct cd_error *error);

/* The text of --help. */
void server_config_help(struct cd_buf *out);

/*
 * The configuration in force as YAML that coordd itself reads, each value with where it came from.
 * It holds paths of keys and no secret.
 */
void server_config_print(const struct server_config *config, struct cd_buf *out);

#endif
