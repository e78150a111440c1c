#include "base/identity.h"
#include "base/memory.h"
#include "server/config.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES 80u

/* A value as a message shows it: its beginning, on one line. */
struct shown {
    char text[SHOWN_BYTES + 4];
};

static struct shown show(const char *value)
{
    struct shown shown;
    size_t bytes = strnlen(value, SHOWN_BYTES);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)value[i];
        shown.text[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    memcpy(shown.text + bytes, value[bytes] != '\0' ? "..." : "", value[bytes] != '\0' ? 4 : 1);
    return shown;
}

static void *value_of(struct server_config *config, const struct server_setting *setting)
{
    return (char *)config + setting->offset;
}

static void remember_origin(struct server_config *config, const struct server_setting *setting,
                            const struct server_origin *origin)
{
    config->origins[setting - SERVER_SETTINGS] = *origin;
}

/* "coordd.yaml:7: node: "x" is not a whole number; allowed: 1 to 4294967295" */
static enum cd_status refuse(const struct server_setting *setting, const char *value,
                             const char *what, const struct server_origin *origin,
                             struct cd_error *error)
{
    char range[SERVER_SETTING_RANGE_BYTES];
    server_setting_range(setting, range);
    return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: %s: \"%s\" %s; allowed: %s", origin->text,
                        setting->key, show(value).text, what, range);
}

/* ---- Numbers ---- */

/* Decimal digits and nothing else; *ret_rest is what follows them. False without any. */
static bool parse_digits(const char *text, uint64_t *ret_value, bool *ret_too_large,
                         const char **ret_rest)
{
    uint64_t value = 0;
    const char *at = text;
    *ret_too_large = false;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            *ret_too_large = true;
        } else {
            value = value * 10 + digit;
        }
    }
    *ret_value = value;
    *ret_rest = at;
    return at != text;
}

static bool parse_unit(const char *text, unsigned *ret_shift)
{
    static const struct {
        const char *name;
        unsigned shift;
    } UNITS[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
    for (size_t i = 0; i < CD_ARRAY_COUNT(UNITS); i++) {
        if (strcmp(text, UNITS[i].name) == 0) {
            *ret_shift = UNITS[i].shift;
            return true;
        }
    }
    return false;
}

static enum cd_status set_number(struct server_config *config, const struct server_setting *setting,
                                 const char *text, const struct server_origin *origin,
                                 struct cd_error *error)
{
    uint64_t value;
    bool too_large;
    const char *rest;
    unsigned shift = 0;
    bool is_bytes = setting->kind == SERVER_KIND_BYTES;
    bool is_number = parse_digits(text, &value, &too_large, &rest) &&
                     (is_bytes ? parse_unit(rest, &shift) : *rest == '\0');
    if (!is_number) {
        return refuse(setting, text,
                      is_bytes ? "is not a number of bytes, like 65536 or 64KiB"
                               : "is not a whole number",
                      origin, error);
    }
    if (too_large || value > UINT64_MAX >> shift || value << shift < setting->min ||
        value << shift > setting->max) {
        return refuse(setting, text, "is out of range", origin, error);
    }
    *(uint64_t *)value_of(config, setting) = value << shift;
    return CD_OK;
}

static enum cd_status set_choice(struct server_config *config, const struct server_setting *setting,
                                 const char *text, const struct server_origin *origin,
                                 struct cd_error *error)
{
    for (uint64_t i = 0; setting->choices[i] != NULL; i++) {
        if (strcmp(text, setting->choices[i]) == 0) {
            *(uint64_t *)value_of(config, setting) = i;
            return CD_OK;
        }
    }
    return refuse(setting, text, "is none of the choices", origin, error);
}

/* ---- Texts ---- */

static bool is_name(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
           strlen(text);
}

bool server_address_split(const char *address, char ret_host[SERVER_HOST_BYTES], uint16_t *ret_port)
{
    const char *colon = strrchr(address, ':');
    const char *host = address;
    if (colon == NULL || colon == address) {
        return false;
    }
    size_t host_bytes = (size_t)(colon - address);
    if (host[0] == '[') {
        if (host_bytes < 3 || host[host_bytes - 1] != ']') {
            return false;
        }
        host++;
        host_bytes -= 2;
    } else if (memchr(host, ':', host_bytes) != NULL) {
        return false; /* IPv6 without brackets: which colon begins the port? */
    }
    if (host_bytes >= SERVER_HOST_BYTES) {
        return false;
    }
    for (size_t i = 0; i < host_bytes; i++) {
        if (host[i] <= ' ' || host[i] > '~' || strchr("[]/@,=\"'\\", host[i]) != NULL) {
            return false;
        }
    }
    uint64_t port;
    bool too_large;
    const char *rest;
    if (!parse_digits(colon + 1, &port, &too_large, &rest) || *rest != '\0' || too_large ||
        port > UINT16_MAX) {
        return false;
    }
    memcpy(ret_host, host, host_bytes);
    ret_host[host_bytes] = '\0';
    *ret_port = (uint16_t)port;
    return true;
}

static enum cd_status set_text(struct server_config *config, const struct server_setting *setting,
                               const char *text, const struct server_origin *origin,
                               struct cd_error *error)
{
    char host[SERVER_HOST_BYTES];
    uint16_t port;
    size_t bytes = strlen(text);
    if (setting->kind == SERVER_KIND_LISTEN && !server_address_split(text, host, &port)) {
        return refuse(setting, text, "is no address", origin, error);
    }
    if (setting->kind == SERVER_KIND_NAME && !is_name(text)) {
        return refuse(setting, text, "has a character that a name may not have", origin, error);
    }
    if (bytes < setting->min || bytes > setting->max) {
        return refuse(setting, text, bytes == 0 ? "is empty" : "is too long", origin, error);
    }
    char **value = value_of(config, setting);
    cd_free(*value);
    *value = cd_strdup(text);
    return CD_OK;
}

/* ---- Lists ---- */

static const struct server_setting *setting_of_kind(enum server_kind kind)
{
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        if (SERVER_SETTINGS[i].kind == kind) {
            return &SERVER_SETTINGS[i];
        }
    }
    CD_UNREACHABLE();
}

static void peers_clear(struct server_peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        cd_free(peers->items[i].address);
        cd_free(peers->items[i].identity);
    }
    cd_free(peers->items);
    *peers = (struct server_peers){0};
}

static void identities_clear(struct server_identities *identities)
{
    for (size_t i = 0; i < identities->count; i++) {
        cd_free(identities->items[i]);
    }
    cd_free(identities->items);
    *identities = (struct server_identities){0};
}

/* The rule of crypto_identity_choose, with or without its scheme: nothing else can ever match a
 * certificate. */
static bool is_identity(const char *text)
{
    size_t bytes = strlen(text);
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < ' ' || text[i] > '~') {
            return false;
        }
    }
    return bytes > 0 && bytes <= CD_IDENTITY_BYTES_MAX;
}

#define IDENTITY_RULE                                                                              \
    "is no identity; allowed: what a certificate has as SAN URI, SAN DNS or CN, printable ASCII"

static enum cd_status identities_add(struct server_identities *identities, const char *identity,
                                     const struct server_origin *origin, struct cd_error *error)
{
    const struct server_setting *setting = setting_of_kind(SERVER_KIND_IDENTITIES);
    if (!is_identity(identity)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: %s: \"%s\" " IDENTITY_RULE,
                            origin->text, setting->key, show(identity).text);
    }
    if (identities->count >= SERVER_IDENTITIES_MAX) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: %s: more than %u entries",
                            origin->text, setting->key, SERVER_IDENTITIES_MAX);
    }
    for (size_t i = 0; i < identities->count; i++) {
        if (strcmp(identities->items[i], identity) == 0) {
            return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: %s: \"%s\" is given twice",
                                origin->text, setting->key, show(identity).text);
        }
    }
    if (identities->items == NULL) {
        identities->items = cd_calloc(SERVER_IDENTITIES_MAX, sizeof(*identities->items));
    }
    identities->items[identities->count++] = cd_strdup(identity);
    return CD_OK;
}

/* Whether one certificate could have both: "one" and "dns:one". */
static bool may_be_one(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || cd_identity_matches(a, b) || cd_identity_matches(b, a);
}

static enum cd_status peers_check_new(const struct server_peers *peers, uint32_t id,
                                      const char *identity, const struct server_origin *origin,
                                      struct cd_error *error)
{
    if (peers->count >= SERVER_PEERS_MAX) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: peers: more than %u entries",
                            origin->text, SERVER_PEERS_MAX);
    }
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->items[i].id == id) {
            return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: peers: id %u is given twice",
                                origin->text, id);
        }
        if (may_be_one(peers->items[i].identity, identity)) {
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "%s: peers: identity \"%s\" is given for both %u and %u; each "
                                "replica needs its own, or one could speak for the other",
                                origin->text, show(identity).text, peers->items[i].id, id);
        }
    }
    return CD_OK;
}

static enum cd_status peers_add(struct server_peers *peers, const char *id_text,
                                const char *address, const char *identity,
                                const struct server_origin *origin, struct cd_error *error)
{
    uint64_t id;
    bool too_large;
    const char *rest;
    char host[SERVER_HOST_BYTES];
    uint16_t port;
    if (!parse_digits(id_text, &id, &too_large, &rest) || *rest != '\0' || too_large || id == 0 ||
        id > UINT32_MAX) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "%s: peers: id \"%s\" is no replica's number; allowed: 1 to %u",
                            origin->text, show(id_text).text, UINT32_MAX);
    }
    if (!server_address_split(address, host, &port) || port == 0) {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "%s: peers: address \"%s\" is no address; allowed: HOST:PORT or "
                            "[IPV6]:PORT, port 1 to 65535",
                            origin->text, show(address).text);
    }
    if (!is_identity(identity)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "%s: peers: identity \"%s\" " IDENTITY_RULE,
                            origin->text, show(identity).text);
    }
    enum cd_status status = peers_check_new(peers, (uint32_t)id, identity, origin, error);
    if (status != CD_OK) {
        return status;
    }
    if (peers->items == NULL) {
        peers->items = cd_calloc(SERVER_PEERS_MAX, sizeof(*peers->items));
    }
    peers->items[peers->count++] = (struct server_peer){
        .id = (uint32_t)id, .address = cd_strdup(address), .identity = cd_strdup(identity)};
    return CD_OK;
}

enum cd_status server_config_add_peer(struct server_config *config, const char *id,
                                      const char *address, const char *identity,
                                      const struct server_origin *origin, struct cd_error *error)
{
    return peers_add(&config->peers, id, address, identity, origin, error);
}

enum cd_status server_config_add_identity(struct server_config *config, const char *identity,
                                          const struct server_origin *origin,
                                          struct cd_error *error)
{
    return identities_add(&config->admins, identity, origin, error);
}

void server_config_clear_list(struct server_config *config, const struct server_setting *setting,
                              const struct server_origin *origin)
{
    if (setting->kind == SERVER_KIND_PEERS) {
        peers_clear(value_of(config, setting));
    } else {
        CD_ASSERT(setting->kind == SERVER_KIND_IDENTITIES);
        identities_clear(value_of(config, setting));
    }
    remember_origin(config, setting, origin);
}

/* Ends the item at `item` with a NUL; returns the next one, or NULL behind the last. */
static char *cut_item(char *item)
{
    char *comma = strchr(item, ',');
    if (comma == NULL) {
        return NULL;
    }
    *comma = '\0';
    return comma + 1;
}

/* One "ID=HOST:PORT=IDENTITY"; the identity may hold further "=". */
static enum cd_status peers_add_compact(struct server_peers *peers, char *item,
                                        const struct server_origin *origin, struct cd_error *error)
{
    char *address = strchr(item, '=');
    char *identity = address != NULL ? strchr(address + 1, '=') : NULL;
    if (identity == NULL) {
        return refuse(setting_of_kind(SERVER_KIND_PEERS), item, "is no peer", origin, error);
    }
    *address = '\0';
    *identity = '\0';
    return peers_add(peers, item, address + 1, identity + 1, origin, error);
}

static enum cd_status set_peers(struct server_config *config, const char *text,
                                const struct server_origin *origin, struct cd_error *error)
{
    struct server_peers peers = {0};
    enum cd_status status = CD_OK;
    char *copy = cd_strdup(text);
    for (char *item = copy, *next = NULL; item != NULL && *text != '\0' && status == CD_OK;
         item = next) {
        next = cut_item(item);
        status = peers_add_compact(&peers, item, origin, error);
    }
    cd_free(copy);
    if (status != CD_OK) {
        peers_clear(&peers);
        return status;
    }
    peers_clear(&config->peers);
    config->peers = peers;
    return CD_OK;
}

static enum cd_status set_identities(struct server_config *config, const char *text,
                                     const struct server_origin *origin, struct cd_error *error)
{
    struct server_identities identities = {0};
    enum cd_status status = CD_OK;
    char *copy = cd_strdup(text);
    for (char *item = copy, *next = NULL; item != NULL && *text != '\0' && status == CD_OK;
         item = next) {
        next = cut_item(item);
        status = identities_add(&identities, item, origin, error);
    }
    cd_free(copy);
    if (status != CD_OK) {
        identities_clear(&identities);
        return status;
    }
    identities_clear(&config->admins);
    config->admins = identities;
    return CD_OK;
}

/* ---- Any value ---- */

static enum cd_status set_value(struct server_config *config, const struct server_setting *setting,
                                const char *text, const struct server_origin *origin,
                                struct cd_error *error)
{
    switch (setting->kind) {
    case SERVER_KIND_NUMBER:
    case SERVER_KIND_BYTES:
        return set_number(config, setting, text, origin, error);
    case SERVER_KIND_CHOICE:
        return set_choice(config, setting, text, origin, error);
    case SERVER_KIND_NAME:
    case SERVER_KIND_PATH:
    case SERVER_KIND_LISTEN:
        return set_text(config, setting, text, origin, error);
    case SERVER_KIND_IDENTITIES:
        return set_identities(config, text, origin, error);
    case SERVER_KIND_PEERS:
        return set_peers(config, text, origin, error);
    }
    CD_UNREACHABLE();
}

enum cd_status server_config_set(struct server_config *config, const struct server_setting *setting,
                                 const char *text, const struct server_origin *origin,
                                 struct cd_error *error)
{
    enum cd_status status = set_value(config, setting, text, origin, error);
    if (status == CD_OK) {
        remember_origin(config, setting, origin);
    }
    return status;
}

void server_config_init(struct server_config *config)
{
    static const struct server_origin BY_DEFAULT = {.text = ""};
    *config = (struct server_config){0};
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        if (SERVER_SETTINGS[i].fallback[0] != '\0') {
            struct cd_error error;
            enum cd_status status = server_config_set(
                config, &SERVER_SETTINGS[i], SERVER_SETTINGS[i].fallback, &BY_DEFAULT, &error);
            CD_ASSERT(status == CD_OK);
        }
    }
}

void server_config_release(struct server_config *config)
{
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        switch (SERVER_SETTINGS[i].kind) {
        case SERVER_KIND_NAME:
        case SERVER_KIND_PATH:
        case SERVER_KIND_LISTEN:
            cd_free(*(char **)value_of(config, &SERVER_SETTINGS[i]));
            break;
        case SERVER_KIND_IDENTITIES:
            identities_clear(value_of(config, &SERVER_SETTINGS[i]));
            break;
        case SERVER_KIND_PEERS:
            peers_clear(value_of(config, &SERVER_SETTINGS[i]));
            break;
        case SERVER_KIND_NUMBER:
        case SERVER_KIND_BYTES:
        case SERVER_KIND_CHOICE:
            break;
        }
    }
    *config = (struct server_config){0};
}
