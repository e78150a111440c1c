#include "options.h"

#include "namespace.h"

#include "memory.h"
#include "request.h"

#include <string.h>

/* Of the texts of one fence. */
#define HELD_BYTES_MAX ((size_t)1 << 20)

struct coord_options *coord_options_create(void)
{
    struct coord_options *options = client_calloc(1, sizeof(*options));
    if (options != NULL) {
        options->timeout_ms = COORD_TIMEOUT_DEFAULT_MS;
    }
    return options;
}

static void free_endpoints(struct coord_options *options)
{
    for (size_t i = 0; i < options->endpoints_count; i++) {
        client_free(options->endpoints[i]);
    }
    options->endpoints_count = 0;
}

void coord_options_free(struct coord_options *options)
{
    if (options != NULL) {
        free_endpoints(options);
        client_free(options->ca_file);
        client_free(options->cert_file);
        client_free(options->key_file);
        client_free(options->client_name);
        client_free(options->space);
        client_free(options);
    }
}

/* ---- Endpoints ---- */

static bool is_port(const char *text)
{
    uint32_t port = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 6; digits++) {
        port = port * 10 + (uint32_t)(text[digits] - '0');
    }
    return digits > 0 && text[digits] == '\0' && port >= 1 && port <= 65535;
}

/* Characters of a name or an IPv4 address, or with brackets of an IPv6 address and its zone. */
static bool is_host(const char *text, size_t bytes)
{
    static const char in_names[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-._";
    static const char in_ipv6[] = "ABCDEFabcdef0123456789:.";
    const char *allowed = in_names;
    if (bytes >= 2 && text[0] == '[' && text[bytes - 1] == ']') {
        text++;
        bytes -= 2;
        allowed = in_ipv6;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '\0' || strchr(allowed, text[i]) == NULL) {
            return false;
        }
    }
    return bytes > 0;
}

enum coord_code client_endpoint_check(const char *text, struct coord_error *error)
{
    const char *colon = strrchr(text, ':');
    if (strlen(text) > CLIENT_ENDPOINT_BYTES_MAX) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "an endpoint has %zu bytes; the limit is %d", strlen(text),
                                (int)CLIENT_ENDPOINT_BYTES_MAX);
    }
    if (colon == NULL || !is_host(text, (size_t)(colon - text)) || !is_port(colon + 1)) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "endpoint \"%s\": it must be host:port, such as "
                                "coord-1.example:7420 or [::1]:7420",
                                text);
    }
    return COORD_OK;
}

/* Takes the next of the endpoints with commas between; `*position` goes behind it. */
static enum coord_code take_endpoint(struct coord_options *to, const char **position,
                                     struct coord_error *error)
{
    size_t bytes = strcspn(*position, ",");
    if (to->endpoints_count == COORD_ENDPOINTS_MAX) {
        return client_error_set(error, COORD_TOO_MANY, "more than %d endpoints",
                                COORD_ENDPOINTS_MAX);
    }
    char *endpoint = client_malloc(bytes + 1);
    if (endpoint == NULL) {
        return client_error_no_memory(error);
    }
    memcpy(endpoint, *position, bytes);
    endpoint[bytes] = '\0';
    enum coord_code code = client_endpoint_check(endpoint, error);
    if (code != COORD_OK) {
        client_free(endpoint);
        return code;
    }
    to->endpoints[to->endpoints_count++] = endpoint;
    *position += bytes;
    return COORD_OK;
}

enum coord_code coord_options_set_endpoints(struct coord_options *options, const char *endpoints,
                                            struct coord_error *reterr)
{
    struct coord_options taken = {.endpoints_count = 0};
    const char *position = endpoints;
    enum coord_code code = take_endpoint(&taken, &position, reterr);
    while (code == COORD_OK && *position == ',') {
        position++;
        code = take_endpoint(&taken, &position, reterr);
    }
    if (code != COORD_OK) {
        free_endpoints(&taken);
        return code;
    }
    free_endpoints(options);
    memcpy(options->endpoints, taken.endpoints, sizeof(taken.endpoints));
    options->endpoints_count = taken.endpoints_count;
    return COORD_OK;
}

/* ---- The others ---- */

/* Puts a copy of `text` (or NULL) in the place of `*to`. False without memory. */
static bool replace(char **to, const char *text)
{
    char *copy = text != NULL ? client_strdup(text) : NULL;
    if (text != NULL && copy == NULL) {
        return false;
    }
    client_free(*to);
    *to = copy;
    return true;
}

enum coord_code coord_options_set_tls_files(struct coord_options *options, const char *ca_file,
                                            const char *cert_file, const char *key_file,
                                            struct coord_error *reterr)
{
    if (*ca_file == '\0' || *cert_file == '\0' || *key_file == '\0') {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "a file name is empty; the CA, the certificate and the key are "
                                "all required");
    }
    struct coord_options taken = {.endpoints_count = 0};
    if (!replace(&taken.ca_file, ca_file) || !replace(&taken.cert_file, cert_file) ||
        !replace(&taken.key_file, key_file)) {
        client_free(taken.ca_file);
        client_free(taken.cert_file);
        return client_error_no_memory(reterr);
    }
    client_free(options->ca_file);
    client_free(options->cert_file);
    client_free(options->key_file);
    options->ca_file = taken.ca_file;
    options->cert_file = taken.cert_file;
    options->key_file = taken.key_file;
    return COORD_OK;
}

enum coord_code coord_options_set_timeout_ms(struct coord_options *options, uint32_t timeout_ms,
                                             struct coord_error *reterr)
{
    if (timeout_ms == 0 || timeout_ms > COORD_TIMEOUT_MAX_MS) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "timeout of %u ms; it must be 1 to %u", (unsigned)timeout_ms,
                                COORD_TIMEOUT_MAX_MS);
    }
    options->timeout_ms = timeout_ms;
    return COORD_OK;
}

enum coord_code coord_options_set_session(struct coord_options *options, bool use,
                                          uint32_t timeout_ms, struct coord_error *reterr)
{
    if (timeout_ms > COORD_TIMEOUT_MAX_MS || (!use && timeout_ms != 0)) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "session timeout of %u ms; it must be at most %u, and 0 without a "
                                "session",
                                (unsigned)timeout_ms, COORD_TIMEOUT_MAX_MS);
    }
    options->session = use;
    options->session_timeout_ms = timeout_ms;
    return COORD_OK;
}

enum coord_code coord_options_set_namespace(struct coord_options *options, const char *path,
                                            struct coord_error *reterr)
{
    if (path == NULL || strcmp(path, "/") == 0) {
        return replace(&options->space, NULL) ? COORD_OK : client_error_no_memory(reterr);
    }
    enum coord_code code = client_namespace_check(path, reterr);
    if (code != COORD_OK) {
        return code;
    }
    return replace(&options->space, path) ? COORD_OK : client_error_no_memory(reterr);
}

enum coord_code coord_options_set_client_name(struct coord_options *options, const char *name,
                                              struct coord_error *reterr)
{
    size_t bytes = strlen(name);
    bool printable = true;
    for (size_t i = 0; i < bytes; i++) {
        printable = printable && name[i] >= ' ' && name[i] <= '~';
    }
    if (bytes == 0 || bytes > COORD_CLIENT_NAME_BYTES_MAX || !printable) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "client name of %zu bytes; it must be 1 to %d of printable ASCII",
                                bytes, COORD_CLIENT_NAME_BYTES_MAX);
    }
    return replace(&options->client_name, name) ? COORD_OK : client_error_no_memory(reterr);
}

struct coord_options *client_options_copy(const struct coord_options *options)
{
    struct coord_options *copy = coord_options_create();
    if (copy == NULL) {
        return NULL;
    }
    bool done = replace(&copy->ca_file, options->ca_file) &&
                replace(&copy->cert_file, options->cert_file) &&
                replace(&copy->key_file, options->key_file) &&
                replace(&copy->client_name, options->client_name) &&
                replace(&copy->space, options->space);
    copy->timeout_ms = options->timeout_ms;
    copy->session = options->session;
    copy->session_timeout_ms = options->session_timeout_ms;
    for (size_t i = 0; done && i < options->endpoints_count; i++) {
        copy->endpoints[i] = client_strdup(options->endpoints[i]);
        done = copy->endpoints[i] != NULL;
        copy->endpoints_count += done ? 1 : 0;
    }
    if (!done) {
        coord_options_free(copy);
        return NULL;
    }
    return copy;
}

/* ---- Options of a call ---- */

struct coord_call_options *coord_call_options_create(void)
{
    struct coord_call_options *call = client_calloc(1, sizeof(*call));
    if (call != NULL) {
        client_arena_init(&call->arena, HELD_BYTES_MAX);
    }
    return call;
}

void coord_call_options_free(struct coord_call_options *call)
{
    if (call != NULL) {
        client_arena_release(&call->arena);
        client_free(call);
    }
}

void coord_call_options_set_timeout_ms(struct coord_call_options *call, uint32_t timeout_ms)
{
    call->timeout_ms = timeout_ms < COORD_TIMEOUT_MAX_MS ? timeout_ms : COORD_TIMEOUT_MAX_MS;
}

void coord_call_options_set_done(struct coord_call_options *call, coord_done_fn done, void *context)
{
    call->done = done;
    call->done_context = context;
}

void coord_call_options_set_level(struct coord_call_options *call, enum coord_level level)
{
    call->level = level;
    call->at_least_zxid = 0;
}

void coord_call_options_set_at_least(struct coord_call_options *call, uint64_t zxid)
{
    call->level = COORD_AT_LEAST;
    call->at_least_zxid = zxid;
}

enum coord_code coord_call_options_set_if_held(struct coord_call_options *call, const char *path,
                                               uint64_t fence, uint32_t n,
                                               const char *const *prefixes, size_t prefixes_count,
                                               struct coord_error *reterr)
{
    const struct client_held from = {.path = path,
                                     .fence = fence,
                                     .n = n,
                                     .prefixes = prefixes,
                                     .prefixes_count = prefixes_count};
    struct client_held held = {.path = NULL};
    struct client_arena arena;
    enum coord_code code = client_prefixes_check(prefixes, prefixes_count, reterr);
    if (code != COORD_OK) {
        return code;
    }
    client_arena_init(&arena, HELD_BYTES_MAX);
    if (path != NULL && !client_held_copy(&held, &arena, &from)) {
        client_arena_release(&arena);
        return client_error_no_memory(reterr);
    }
    client_arena_release(&call->arena);
    call->arena = arena;
    call->held = held;
    return COORD_OK;
}
