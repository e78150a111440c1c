#include "server/server.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <time.h>

/* Certificates anew: read and checked on the signals' thread, installed on the loop's. */

struct reload {
    struct server *server;
    struct crypto_credentials credentials;
};

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    CD_ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* On the loop thread. */
static void install(void *argument)
{
    struct reload *reload = argument;
    struct server *server = reload->server;
    const struct transport_certificates certificates = {
        .ca_pem = reload->credentials.ca_pem,
        .cert_pem = reload->credentials.cert_pem,
        .key_pem = reload->credentials.key_pem,
    };
    transport_set_certificates(server->transport, &certificates);
    server->certificate_ends_s = reload->credentials.not_after_s;
    server->ca_ends_s = reload->credentials.ca_not_after_s;
    struct server_line line;
    server_line_begin(&line, server->log, SERVER_LOG_INFO, "certificates_reloaded");
    server_line_str(&line, "identity", reload->credentials.identity);
    server_line_u64(&line, "not_after_s", (uint64_t)reload->credentials.not_after_s);
    server_line_end(&line);
    crypto_credentials_release(&reload->credentials);
    cd_free(reload);
}

static enum cd_status read_and_post(struct server *server, struct cd_error *error)
{
    const struct server_config *config = server->config;
    struct reload *reload = cd_calloc(1, sizeof(*reload));
    reload->server = server;
    enum cd_status status =
        crypto_credentials_load(config->tls_ca, config->tls_cert, config->tls_key,
                                (int64_t)time(NULL), &reload->credentials, error);
    if (status == CD_OK) {
        status = server_config_check_identity(config, reload->credentials.identity, error);
    }
    if (status == CD_OK) {
        status = env_posix_post(server->env, install, reload);
        if (status == CD_OK) {
            return status;
        }
        (void)cd_error_set(error, status, "the loop is too busy to take them");
    }
    crypto_credentials_release(&reload->credentials);
    cd_free(reload);
    return status;
}

void server_reload(void *argument)
{
    struct server *server = argument;
    struct cd_error error;
    server_certificates_begin(&server->certificates);
    enum cd_status status = read_and_post(server, &error);
    server_certificates_end(&server->certificates, status == CD_OK, monotonic_ms());
    if (status != CD_OK) {
        struct server_line line;
        server_line_begin(&line, server->log, SERVER_LOG_ERROR, "certificates_not_reloaded");
        server_line_str(&line, "text", error.message);
        server_line_end(&line);
    }
}

void server_look_after_certificates(void *argument)
{
    struct server *server = argument;
    if (server_certificates_look(&server->certificates, monotonic_ms())) {
        server_reload(server);
    }
}
