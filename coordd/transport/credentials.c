#include "transport/internal.h"

#include "base/memory.h"
#include "crypto/crypto.h"

#include <grpc/support/string_util.h>

#include <stdio.h>
#include <string.h>

/*
 * Certificates were read and checked before they come here (crypto_credentials_load); gRPC's
 * fetcher runs in the middle of a handshake and only hands over what is ready.
 */
static grpc_ssl_certificate_config_reload_status
fetch_certificates(void *context, grpc_ssl_server_certificate_config **ret_config)
{
    struct service *service = context;
    struct transport *transport = service->transport;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    pthread_mutex_lock(&transport->certificates_lock);
    if (service->certificates_version != transport->certificates_version) {
        service->certificates_version = transport->certificates_version;
        const grpc_ssl_pem_key_cert_pair pair = {
            .private_key = transport->key_pem,
            .cert_chain = transport->cert_pem,
        };
        *ret_config = grpc_ssl_server_certificate_config_create(transport->ca_pem, &pair, 1);
        status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
    }
    pthread_mutex_unlock(&transport->certificates_lock);
    return status;
}

grpc_server_credentials *credentials_for_service(struct service *service)
{
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, fetch_certificates,
            service));
}

/* ---- Dialling: the server must be the peer we mean, whatever its host name is ---- */

struct expectation {
    grpc_tls_certificate_verifier_external external;
    char *identity;
};

/*
 * Runs after the TLS stack has verified the chain against our CA. The host name is not compared:
 * a replica is known by its identity, and addresses may be anything that leads to it.
 */
static int verify_identity(void *context, grpc_tls_custom_verification_check_request *request,
                           grpc_tls_on_custom_verification_check_done_cb callback,
                           void *callback_context, grpc_status_code *ret_status, char **ret_details)
{
    (void)callback; /* only for answers that come later */
    (void)callback_context;
    const struct expectation *expected = context;
    char identity[CD_IDENTITY_BYTES_MAX + 1];
    struct cd_error error = {0};
    char text[TRANSPORT_LOG_BYTES_MAX];
    const char *pem = request->peer_info.peer_cert != NULL ? request->peer_info.peer_cert : "";
    if (crypto_identity_of_pem(pem, identity, &error) != CD_OK) {
        (void)snprintf(text, sizeof(text), "%.400s", error.message);
    } else if (!cd_identity_matches(expected->identity, identity)) {
        (void)snprintf(text, sizeof(text), "its certificate is of \"%.150s\", expected \"%.150s\"",
                       identity, expected->identity);
    } else {
        *ret_status = GRPC_STATUS_OK;
        return 1;
    }
    *ret_status = GRPC_STATUS_UNAUTHENTICATED;
    *ret_details = gpr_strdup(text);
    return 1;
}

static void cancel_verification(void *context, grpc_tls_custom_verification_check_request *request)
{
    (void)context; /* verify_identity answers at once: there is never anything to cancel */
    (void)request;
}

static void free_expectation(void *context)
{
    struct expectation *expected = context;
    cd_free(expected->identity);
    cd_free(expected);
}

grpc_channel_credentials *credentials_for_dial(struct transport *transport, const char *identity)
{
    grpc_tls_identity_pairs *pairs = grpc_tls_identity_pairs_create();
    pthread_mutex_lock(&transport->certificates_lock);
    grpc_tls_identity_pairs_add_pair(pairs, transport->key_pem, transport->cert_pem);
    grpc_tls_certificate_provider *provider =
        grpc_tls_certificate_provider_static_data_create(transport->ca_pem, pairs);
    pthread_mutex_unlock(&transport->certificates_lock);

    struct expectation *expected = cd_calloc(1, sizeof(*expected));
    expected->identity = cd_strdup(identity);
    expected->external.user_data = expected;
    expected->external.verify = verify_identity;
    expected->external.cancel = cancel_verification;
    expected->external.destruct = free_expectation;
    grpc_tls_certificate_verifier *verifier =
        grpc_tls_certificate_verifier_external_create(&expected->external);

    grpc_tls_credentials_options *options = grpc_tls_credentials_options_create();
    grpc_tls_credentials_options_set_certificate_provider(options, provider);
    grpc_tls_credentials_options_watch_root_certs(options);
    grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
    grpc_tls_credentials_options_set_verify_server_cert(options, 1);
    grpc_tls_credentials_options_set_check_call_host(options, 0);
    grpc_tls_credentials_options_set_certificate_verifier(options, verifier);
    grpc_tls_certificate_verifier_release(verifier);
    grpc_tls_certificate_provider_release(provider);
    return grpc_tls_credentials_create(options); /* takes the options over */
}

/* ---- Who calls ---- */

static void add_names(grpc_auth_context *auth, const char *property, enum crypto_name_kind kind,
                      struct crypto_names *names)
{
    grpc_auth_property_iterator it = grpc_auth_context_find_properties_by_name(auth, property);
    const grpc_auth_property *one;
    while ((one = grpc_auth_property_iterator_next(&it)) != NULL) {
        crypto_names_add(names, kind, one->value, one->value_length);
    }
}

char *credentials_identity(grpc_call *call, struct cd_error *error)
{
    char identity[CD_IDENTITY_BYTES_MAX + 1];
    char *copy = NULL;
    struct crypto_names names = {0};
    grpc_auth_context *auth = grpc_call_auth_context(call);
    if (auth == NULL || !grpc_auth_context_peer_is_authenticated(auth)) {
        (void)cd_error_set(error, CD_PERMISSION_DENIED,
                           "the connection has no verified certificate");
    } else {
        add_names(auth, GRPC_PEER_URI_PROPERTY_NAME, CRYPTO_NAME_URI, &names);
        add_names(auth, GRPC_PEER_DNS_PROPERTY_NAME, CRYPTO_NAME_DNS, &names);
        add_names(auth, GRPC_X509_CN_PROPERTY_NAME, CRYPTO_NAME_COMMON, &names);
        if (crypto_identity_choose(&names, identity, error) == CD_OK) {
            copy = cd_strdup(identity);
        }
    }
    if (auth != NULL) {
        grpc_auth_context_release(auth);
    }
    return copy;
}
