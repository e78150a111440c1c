#include "server/config.h"

#include "base/identity.h"
#include "replica/replica.h"

#include <stdio.h>
#include <string.h>

/* ---- What must hold between settings ---- */

/* "coordd.yaml:7: " or "" of the setting with that key. */
static void origin_of(const struct server_config *config, const char *key,
                      char ret_text[SERVER_ORIGIN_BYTES + 2])
{
    const struct server_setting *setting = server_setting_find(key);
    CD_ASSERT(setting != NULL);
    const struct server_origin *origin = &config->origins[setting - SERVER_SETTINGS];
    snprintf(ret_text, SERVER_ORIGIN_BYTES + 2, "%s%s", origin->text,
             origin->text[0] != '\0' ? ": " : "");
}

static bool is_missing(const struct server_config *config, const struct server_setting *setting)
{
    const char *value = (const char *)config + setting->offset;
    if (setting->kind == SERVER_KIND_NUMBER) {
        return *(const uint64_t *)(const void *)value == 0;
    }
    return *(char *const *)(const void *)value == NULL;
}

static enum cd_status check_required(const struct server_config *config, struct cd_error *error)
{
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        const struct server_setting *setting = &SERVER_SETTINGS[i];
        if (setting->required && is_missing(config, setting)) {
            char flag[SERVER_SETTING_NAME_BYTES];
            char variable[SERVER_SETTING_NAME_BYTES];
            server_setting_flag(setting, flag);
            server_setting_variable(setting, variable);
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "%s is not set; give it in the file as %s, as %s or as %s",
                                setting->key, setting->key, variable, flag);
        }
    }
    return CD_OK;
}

static enum cd_status check_times(const struct server_config *config, struct cd_error *error)
{
    char origin[SERVER_ORIGIN_BYTES + 2];
    if (config->election_ms < 3 * config->heartbeat_ms) {
        origin_of(config, "election_ms", origin);
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "%selection_ms: %llu is below 3 * heartbeat_ms (%llu); one late "
                            "heartbeat would depose a leader",
                            origin, (unsigned long long)config->election_ms,
                            (unsigned long long)(3 * config->heartbeat_ms));
    }
    return CD_OK;
}

/* Two listeners on one port cannot both be bound; say so before the second one fails. */
static enum cd_status check_ports(const struct server_config *config, struct cd_error *error)
{
    static const char *const KEYS[] = {"client_listen", "peer_listen", "http_listen"};
    const char *const values[] = {config->client_listen, config->peer_listen, config->http_listen};
    for (size_t i = 0; i < CD_ARRAY_COUNT(KEYS); i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(values[i], values[j]) == 0 && strcmp(strrchr(values[i], ':'), ":0") != 0) {
                char origin[SERVER_ORIGIN_BYTES + 2];
                origin_of(config, KEYS[i], origin);
                return cd_error_set(error, CD_INVALID_ARGUMENT,
                                    "%s%s: \"%s\" is the address of %s already", origin, KEYS[i],
                                    values[i], KEYS[j]);
            }
        }
    }
    return CD_OK;
}

enum cd_status server_config_check(const struct server_config *config, struct cd_error *error)
{
    enum cd_status status = check_required(config, error);
    if (status == CD_OK) {
        status = check_times(config, error);
    }
    if (status == CD_OK) {
        status = check_ports(config, error);
    }
    return status;
}

enum cd_status server_config_check_identity(const struct server_config *config,
                                            const char *identity, struct cd_error *error)
{
    for (size_t i = 0; i < config->peers.count; i++) {
        const struct server_peer *peer = &config->peers.items[i];
        if (peer->id == config->node && !cd_identity_matches(peer->identity, identity)) {
            char origin[SERVER_ORIGIN_BYTES + 2];
            origin_of(config, "peers", origin);
            return cd_error_set(error, CD_INVALID_ARGUMENT,
                                "%speers: node %u has identity \"%.100s\" there, but its "
                                "certificate says \"%.100s\"; its peers would turn it away",
                                origin, peer->id, peer->identity, identity);
        }
    }
    return CD_OK;
}

/* ---- For people ---- */

static void help_numbers(struct cd_buf *out)
{
    struct replica_number numbers[REPLICA_NUMBERS_MAX];
    size_t count = replica_numbers(numbers);
    cd_buf_printf(out, "\nNumbers that nobody can set:\n\n");
    for (size_t i = 0; i < count; i++) {
        const struct replica_number *number = &numbers[i];
        cd_buf_printf(out, "  %-34s %llu%s%s%s%s\n", number->name,
                      (unsigned long long)number->value, number->unit[0] != '\0' ? " " : "",
                      number->unit, number->text[0] != '\0' ? ": " : "", number->text);
    }
}

void server_config_help(struct cd_buf *out)
{
    cd_buf_printf(
        out, "usage: coordd [--config FILE] [FLAG VALUE]...\n"
             "       coordd --dev [--data-dir DIR]\n"
             "\n"
             "One replica of a Coord cluster.\n"
             "\n"
             "  --config FILE     settings in YAML; also COORDD_CONFIG\n"
             "  --dev             one replica for trying things out: loopback only, with a CA,\n"
             "                    certificates and data made on the spot in ./.coord-dev\n"
             "  --check-config    check everything, print the configuration in force and exit\n"
             "  --help, --version\n"
             "\n"
             "Every setting can be given in the file, in the environment and as a flag; the\n"
             "later of the three counts. \"log.format\" in the file is \"format\" under \"log\".\n"
             "\n");
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        const struct server_setting *setting = &SERVER_SETTINGS[i];
        char flag[SERVER_SETTING_NAME_BYTES];
        char variable[SERVER_SETTING_NAME_BYTES];
        char range[SERVER_SETTING_RANGE_BYTES];
        server_setting_flag(setting, flag);
        server_setting_variable(setting, variable);
        server_setting_range(setting, range);
        cd_buf_printf(out, "  %s, %s, %s\n        %s\n        %s", setting->key, variable, flag,
                      setting->help, range);
        if (setting->fallback[0] != '\0') {
            cd_buf_printf(out, "; default %s", setting->fallback);
        } else {
            cd_buf_printf(out, setting->required ? "; required" : "; default none");
        }
        cd_buf_printf(out, "\n");
    }
    help_numbers(out);
    cd_buf_printf(out,
                  "\n"
                  "Exit codes: 0 stopped as asked, 1 failed while running, 2 usage or\n"
                  "configuration, 3 start refused (port taken, data directory in use, damaged,\n"
                  "of another cluster or of a newer version, file unreadable).\n");
}

/* A double-quoted YAML scalar. Everything in it passed the checks of values.c. */
static void print_quoted(struct cd_buf *out, const char *text)
{
    cd_buf_put(out, "\"", 1);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            cd_buf_put(out, "\\", 1);
        }
        if (c < 0x20 || c == 0x7f) {
            cd_buf_printf(out, "\\x%02x", c);
        } else {
            cd_buf_put(out, text, 1);
        }
    }
    cd_buf_put(out, "\"", 1);
}

static void print_origin(const struct server_config *config, const struct server_setting *setting,
                         struct cd_buf *out)
{
    const struct server_origin *origin = &config->origins[setting - SERVER_SETTINGS];
    cd_buf_printf(out, " # %s\n", origin->text[0] != '\0' ? origin->text : "default");
}

static void print_peers(const struct server_config *config, const struct server_setting *setting,
                        struct cd_buf *out)
{
    cd_buf_printf(out, config->peers.count == 0 ? "peers: []" : "peers:");
    print_origin(config, setting, out);
    for (size_t i = 0; i < config->peers.count; i++) {
        const struct server_peer *peer = &config->peers.items[i];
        cd_buf_printf(out, "  - {id: %u, address: ", peer->id);
        print_quoted(out, peer->address);
        cd_buf_printf(out, ", identity: ");
        print_quoted(out, peer->identity);
        cd_buf_printf(out, "}\n");
    }
}

static void print_admins(const struct server_config *config, const struct server_setting *setting,
                         struct cd_buf *out)
{
    cd_buf_printf(out, config->admins.count == 0 ? "admins: []" : "admins:");
    print_origin(config, setting, out);
    for (size_t i = 0; i < config->admins.count; i++) {
        cd_buf_printf(out, "  - ");
        print_quoted(out, config->admins.items[i]);
        cd_buf_printf(out, "\n");
    }
}

static void print_scalar(const struct server_config *config, const struct server_setting *setting,
                         const char *name, struct cd_buf *out)
{
    const void *value = (const char *)config + setting->offset;
    cd_buf_printf(out, "%s: ", name);
    switch (setting->kind) {
    case SERVER_KIND_NUMBER:
    case SERVER_KIND_BYTES:
        cd_buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)value);
        break;
    case SERVER_KIND_CHOICE:
        cd_buf_printf(out, "%s", setting->choices[*(const uint64_t *)value]);
        break;
    case SERVER_KIND_NAME:
    case SERVER_KIND_PATH:
    case SERVER_KIND_LISTEN:
        print_quoted(out, *(char *const *)value != NULL ? *(char *const *)value : "");
        break;
    case SERVER_KIND_IDENTITIES:
    case SERVER_KIND_PEERS:
        CD_UNREACHABLE();
    }
    print_origin(config, setting, out);
}

void server_config_print(const struct server_config *config, struct cd_buf *out)
{
    const char *section = "";
    size_t section_bytes = 0;
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        const struct server_setting *setting = &SERVER_SETTINGS[i];
        const char *dot = strchr(setting->key, '.');
        if (setting->kind == SERVER_KIND_PEERS) {
            print_peers(config, setting, out);
        } else if (setting->kind == SERVER_KIND_IDENTITIES) {
            print_admins(config, setting, out);
        } else if (dot == NULL) {
            print_scalar(config, setting, setting->key, out);
        } else {
            size_t bytes = (size_t)(dot - setting->key);
            if (bytes != section_bytes || strncmp(section, setting->key, bytes) != 0) {
                cd_buf_printf(out, "%.*s:\n", (int)bytes, setting->key);
                section = setting->key;
                section_bytes = bytes;
            }
            cd_buf_printf(out, "  ");
            print_scalar(config, setting, dot + 1, out);
        }
    }
}
