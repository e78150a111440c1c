#include "server/dev.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEV_DIRECTORY       "./.coord-dev"
#define DEV_CLIENT_IDENTITY "coord-dev"
#define DEV_SERVER_NAME     "coordd-dev"
/* Certificates that end sooner are made anew, so that a day of work is not cut short. */
#define DEV_LEFT_SECONDS (2 * 24 * 3600)

static const struct server_origin DEV_ORIGIN = {.text = "--dev"};

static const struct server_origin *origin_of(const struct server_config *config, const char *key)
{
    const struct server_setting *setting = server_setting_find(key);
    CD_ASSERT(setting != NULL);
    return &config->origins[setting - SERVER_SETTINGS];
}

static bool was_given(const struct server_config *config, const char *key)
{
    return origin_of(config, key)->text[0] != '\0';
}

static void set(struct server_config *config, const char *key, const char *text)
{
    struct cd_error error;
    enum cd_status status =
        server_config_set(config, server_setting_find(key), text, &DEV_ORIGIN, &error);
    CD_ASSERT(status == CD_OK);
}

/* ---- What may be said beside --dev ---- */

static enum cd_status check_absent(const struct server_config *config, struct cd_error *error)
{
    static const char *const KEYS[] = {"tls.ca", "tls.cert", "tls.key", "peers"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(KEYS); i++) {
        if (was_given(config, KEYS[i])) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "%s: %s: --dev makes its own certificates and has no peers; leave "
                                "it out",
                                origin_of(config, KEYS[i])->text, KEYS[i]);
        }
    }
    return CD_OK;
}

/* The names that the certificate covers. */
static bool is_loopback(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

static enum cd_status settle_listeners(struct server_config *config, struct cd_error *error)
{
    static const struct {
        const char *key;
        const char *address;
    } LISTENERS[] = {{"client_listen", "127.0.0.1:7420"},
                     {"peer_listen", "127.0.0.1:7421"},
                     {"http_listen", "127.0.0.1:7422"}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(LISTENERS); i++) {
        const char *key = LISTENERS[i].key;
        if (!was_given(config, key)) {
            set(config, key, LISTENERS[i].address);
            continue;
        }
        char host[SERVER_HOST_BYTES];
        uint16_t port;
        const struct server_setting *setting = server_setting_find(key);
        const char *value = *(char *const *)(const void *)((const char *)config + setting->offset);
        if (!server_address_split(value, host, &port) || !is_loopback(host)) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "%s: %s: \"%.80s\" is beyond this machine; with --dev it is "
                                "127.0.0.1, [::1] or localhost",
                                origin_of(config, key)->text, key, value);
        }
    }
    return CD_OK;
}

/* ---- Directory ---- */

static enum cd_status make_directory(const char *path, struct cd_error *error)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return cd_error_set(error, errno == ENOSPC ? CD_FULL : CD_IO,
                            "the directory %.200s cannot be made: %s", path, strerror(errno));
    }
    return CD_OK;
}

struct paths {
    char base[PATH_MAX];
    char data[PATH_MAX + 8];
    char tls[PATH_MAX + 8];
    char ca[PATH_MAX + 24];
    char server_cert[PATH_MAX + 24];
    char server_key[PATH_MAX + 24];
    char client_cert[PATH_MAX + 24];
    char client_key[PATH_MAX + 24];
};

static enum cd_status make_base(const struct server_config *config, struct paths *paths,
                                struct cd_error *error)
{
    const char *base = was_given(config, "data_dir") ? config->data_dir : DEV_DIRECTORY;
    enum cd_status status = make_directory(base, error);
    if (status != CD_OK) {
        return status;
    }
    /* PATH_MAX less the longest name below, so that what follows fits the system's limit as well.
     */
    if (realpath(base, paths->base) == NULL || strlen(paths->base) + 32 > PATH_MAX) {
        return cd_error_set(error, CD_IO, "the directory %.200s cannot be used: %s", base,
                            errno != 0 ? strerror(errno) : "its path is too long");
    }
    snprintf(paths->data, sizeof(paths->data), "%s/data", paths->base);
    snprintf(paths->tls, sizeof(paths->tls), "%s/tls", paths->base);
    snprintf(paths->ca, sizeof(paths->ca), "%s/tls/ca.crt", paths->base);
    snprintf(paths->server_cert, sizeof(paths->server_cert), "%s/tls/server.crt", paths->base);
    snprintf(paths->server_key, sizeof(paths->server_key), "%s/tls/server.key", paths->base);
    snprintf(paths->client_cert, sizeof(paths->client_cert), "%s/tls/client.crt", paths->base);
    snprintf(paths->client_key, sizeof(paths->client_key), "%s/tls/client.key", paths->base);
    return make_directory(paths->tls, error);
}

/* ---- Certificates ---- */

static bool are_good(const char *ca, const char *cert, const char *key, int64_t now_s)
{
    struct crypto_credentials credentials = {0};
    struct cd_error unused;
    enum cd_status status =
        crypto_credentials_load(ca, cert, key, now_s + DEV_LEFT_SECONDS, &credentials, &unused);
    if (status == CD_OK) {
        crypto_credentials_release(&credentials);
    }
    return status == CD_OK;
}

static enum cd_status issue(const struct crypto_pair *ca, const struct crypto_request *request,
                            const char *cert, const char *key, int64_t now_s,
                            struct cd_error *error)
{
    struct crypto_pair pair = {0};
    enum cd_status status = crypto_issue(ca, request, now_s, &pair, error);
    if (status == CD_OK) {
        status = crypto_pair_write(&pair, cert, key, error);
    }
    crypto_pair_release(&pair);
    return status;
}

static enum cd_status make_certificates(const struct paths *paths, int64_t now_s,
                                        struct cd_error *error)
{
    static const char *const DNS[] = {DEV_SERVER_NAME, "localhost"};
    static const char *const IPS[] = {"127.0.0.1", "::1"};
    const struct crypto_request server = {.common_name = DEV_SERVER_NAME,
                                          .dns = DNS,
                                          .dns_count = CD_ARRAY_COUNT(DNS),
                                          .ips = IPS,
                                          .ips_count = CD_ARRAY_COUNT(IPS)};
    const struct crypto_request client = {.common_name = DEV_CLIENT_IDENTITY};
    struct crypto_pair ca = {0};
    enum cd_status status = crypto_make_ca("Coord --dev", now_s, &ca, error);
    if (status == CD_OK) {
        status = crypto_pair_write(&ca, paths->ca, NULL, error);
    }
    if (status == CD_OK) {
        status = issue(&ca, &server, paths->server_cert, paths->server_key, now_s, error);
    }
    if (status == CD_OK) {
        status = issue(&ca, &client, paths->client_cert, paths->client_key, now_s, error);
    }
    crypto_pair_release(&ca);
    return status;
}

enum cd_status server_dev_prepare(struct server_config *config, int64_t now_s,
                                  struct cd_error *error)
{
    enum cd_status status = check_absent(config, error);
    if (status == CD_OK) {
        status = settle_listeners(config, error);
    }
    struct paths *paths = cd_calloc(1, sizeof(*paths));
    if (status == CD_OK) {
        status = make_base(config, paths, error);
    }
    if (status == CD_OK && (!are_good(paths->ca, paths->server_cert, paths->server_key, now_s) ||
                            !are_good(paths->ca, paths->client_cert, paths->client_key, now_s))) {
        status = make_certificates(paths, now_s, error);
    }
    if (status == CD_OK) {
        set(config, "data_dir", paths->data);
        set(config, "tls.ca", paths->ca);
        set(config, "tls.cert", paths->server_cert);
        set(config, "tls.key", paths->server_key);
        if (!was_given(config, "node")) {
            set(config, "node", "1");
        }
        if (!was_given(config, "segment_bytes")) {
            set(config, "segment_bytes", "16MiB"); /* a trial need not reserve much */
        }
        if (!was_given(config, "admins")) {
            set(config, "admins", DEV_CLIENT_IDENTITY);
        }
    }
    cd_free(paths);
    return status;
}

/* ---- For the shell ---- */

static void put_quoted(struct cd_buf *out, const char *value)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-:@%+,";
    if (value[strspn(value, PLAIN)] == '\0') {
        cd_buf_put(out, value, strlen(value));
        return;
    }
    cd_buf_put(out, "'", 1);
    for (; *value != '\0'; value++) {
        if (*value == '\'') {
            cd_buf_put(out, "'\\''", 4);
        } else {
            cd_buf_put(out, value, 1);
        }
    }
    cd_buf_put(out, "'", 1);
}

static void put_export(struct cd_buf *out, const char *name, const char *value)
{
    cd_buf_printf(out, "export %s=", name);
    put_quoted(out, value);
    cd_buf_put(out, "\n", 1);
}

/* "tls_ca" is DIR/tls/ca.crt: the other files lie beside it. */
static void put_file(struct cd_buf *out, const char *name, const struct server_config *config,
                     const char *file)
{
    char *path = cd_malloc(strlen(config->tls_ca) + strlen(file) + 1);
    size_t bytes = (size_t)(strrchr(config->tls_ca, '/') + 1 - config->tls_ca);
    memcpy(path, config->tls_ca, bytes);
    memcpy(path + bytes, file, strlen(file) + 1);
    put_export(out, name, path);
    cd_free(path);
}

void server_dev_exports(const struct server_config *config, uint16_t port, struct cd_buf *out)
{
    char host[SERVER_HOST_BYTES];
    char endpoint[SERVER_HOST_BYTES + 16];
    uint16_t asked;
    bool split = server_address_split(config->client_listen, host, &asked);
    CD_ASSERT(split);
    snprintf(endpoint, sizeof(endpoint), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
             port);
    put_export(out, "COORD_ENDPOINTS", endpoint);
    put_file(out, "COORD_CACERT", config, "ca.crt");
    put_file(out, "COORD_CERT", config, "client.crt");
    put_file(out, "COORD_KEY", config, "client.key");
}

enum cd_status server_dev_write_env(const struct server_config *config,
                                    const struct cd_buf *exports, struct cd_error *error)
{
    size_t bytes = (size_t)(strrchr(config->data_dir, '/') + 1 - config->data_dir);
    char *path = cd_malloc(bytes + sizeof("env"));
    memcpy(path, config->data_dir, bytes);
    memcpy(path + bytes, "env", sizeof("env"));
    enum cd_status status = CD_OK;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, exports->data, exports->bytes) != (ssize_t)exports->bytes) {
        status = cd_error_set(error, CD_IO, "the file %.200s cannot be written: %s", path,
                              strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    cd_free(path);
    return status;
}
