#include "server/config.h"

#include <stdio.h>
#include <string.h>

/* Flags that are no settings. */
static const char *const PLAIN_FLAGS[] = {"--dev", "--check-config", "--help", "--version"};
static const char CONFIG_FLAG[] = "--config";

/* ---- Environment ---- */

const char *server_environment_get(const char *const *environment, const char *name)
{
    size_t bytes = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, bytes) == 0 && (*environment)[bytes] == '=') {
            return (*environment)[bytes + 1] != '\0' ? *environment + bytes + 1 : NULL;
        }
    }
    return NULL;
}

enum cd_status server_config_read_environment(struct server_config *config,
                                              const char *const *environment,
                                              struct cd_error *error)
{
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        char name[SERVER_SETTING_NAME_BYTES];
        server_setting_variable(&SERVER_SETTINGS[i], name);
        const char *value = server_environment_get(environment, name);
        if (value == NULL) {
            continue;
        }
        struct server_origin origin = {.line = 0};
        snprintf(origin.text, sizeof(origin.text), "%s", name);
        enum cd_status status =
            server_config_set(config, &SERVER_SETTINGS[i], value, &origin, error);
        if (status != CD_OK) {
            return status;
        }
    }
    return CD_OK;
}

static bool is_known_variable(const char *name)
{
    char known[SERVER_SETTING_NAME_BYTES];
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        server_setting_variable(&SERVER_SETTINGS[i], known);
        if (strcmp(name, known) == 0) {
            return true;
        }
    }
    return strcmp(name, "COORDD_CONFIG") == 0;
}

/* COORDD_SERVICE_HOST, COORDD_PORT_7420_TCP, COORDD_CLIENT_SERVICE_PORT_GRPC and the like. */
static bool is_from_kubernetes(const char *name)
{
    size_t bytes = strlen(name);
    bool ends_in_port = bytes >= 5 && strcmp(name + bytes - 5, "_PORT") == 0;
    return ends_in_port || strstr(name, "_SERVICE_HOST") != NULL ||
           strstr(name, "_SERVICE_PORT") != NULL || strstr(name, "_TCP") != NULL;
}

const char *server_environment_unknown(const char *const *environment, size_t *index,
                                       char name[SERVER_SETTING_NAME_BYTES])
{
    for (; environment[*index] != NULL; (*index)++) {
        const char *variable = environment[*index];
        size_t bytes = strcspn(variable, "=");
        if (strncmp(variable, "COORDD_", 7) != 0) {
            continue;
        }
        bytes = bytes < SERVER_SETTING_NAME_BYTES ? bytes : SERVER_SETTING_NAME_BYTES - 1;
        memcpy(name, variable, bytes);
        name[bytes] = '\0';
        if (!is_known_variable(name) && !is_from_kubernetes(name)) {
            (*index)++;
            return name;
        }
    }
    return NULL;
}

/* ---- Flags ---- */

/* One flag of argv, with its value where it takes one. */
struct flag {
    char name[SERVER_SETTING_NAME_BYTES];
    const char *value;                    /* borrowed from argv; NULL for plain ones */
    const struct server_setting *setting; /* NULL for --config and plain ones */
};

static bool is_plain_flag(const char *name)
{
    for (size_t i = 0; i < CD_ARRAY_COUNT(PLAIN_FLAGS); i++) {
        if (strcmp(name, PLAIN_FLAGS[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const struct server_setting *setting_of_flag(const char *name)
{
    char known[SERVER_SETTING_NAME_BYTES];
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        server_setting_flag(&SERVER_SETTINGS[i], known);
        if (strcmp(name, known) == 0) {
            return &SERVER_SETTINGS[i];
        }
    }
    return NULL;
}

static enum cd_status refuse_flag(const char *name, struct cd_error *error)
{
    char names[SERVER_SETTINGS_MAX][SERVER_SETTING_NAME_BYTES];
    const char *candidates[SERVER_SETTINGS_MAX + CD_ARRAY_COUNT(PLAIN_FLAGS) + 1];
    size_t count = 0;
    for (; count < SERVER_SETTINGS_COUNT; count++) {
        server_setting_flag(&SERVER_SETTINGS[count], names[count]);
        candidates[count] = names[count];
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(PLAIN_FLAGS); i++) {
        candidates[count++] = PLAIN_FLAGS[i];
    }
    candidates[count++] = CONFIG_FLAG;
    return cd_error_set(error, CD_INVALID_ARGUMENT,
                        "unknown flag \"%.100s\"; the nearest known one is \"%s\" (see --help)",
                        name, server_nearest(name, candidates, count));
}

/* Reads the flag at argv[*index] ("--name value" or "--name=value") and moves *index behind it. */
static enum cd_status next_flag(int argc, const char *const *argv, int *index, struct flag *flag,
                                struct cd_error *error)
{
    const char *word = argv[(*index)++];
    if (strncmp(word, "--", 2) != 0 || word[2] == '\0') {
        return cd_error_set(error, CD_INVALID_ARGUMENT,
                            "unexpected word \"%.100s\"; coordd takes flags alone (see --help)",
                            word);
    }
    size_t bytes = strcspn(word, "=");
    if (bytes >= sizeof(flag->name)) {
        return refuse_flag(word, error);
    }
    memcpy(flag->name, word, bytes);
    flag->name[bytes] = '\0';
    flag->value = word[bytes] == '=' ? word + bytes + 1 : NULL;
    flag->setting = setting_of_flag(flag->name);
    if (is_plain_flag(flag->name)) {
        return flag->value == NULL
                   ? CD_OK
                   : cd_error_set(error, CD_INVALID_ARGUMENT, "%s takes no value", flag->name);
    }
    if (flag->setting == NULL && strcmp(flag->name, CONFIG_FLAG) != 0) {
        return refuse_flag(flag->name, error);
    }
    if (flag->value == NULL) {
        if (*index >= argc) {
            return cd_error_set(error, CD_INVALID_ARGUMENT, "%s needs a value", flag->name);
        }
        flag->value = argv[(*index)++];
    }
    return CD_OK;
}

enum cd_status server_flags_read(struct server_flags *flags, int argc, const char *const *argv,
                                 struct cd_error *error)
{
    *flags = (struct server_flags){0};
    for (int index = 1; index < argc;) {
        struct flag flag;
        enum cd_status status = next_flag(argc, argv, &index, &flag, error);
        if (status != CD_OK) {
            return status;
        }
        if (strcmp(flag.name, CONFIG_FLAG) == 0) {
            flags->config_path = flag.value;
        }
        flags->dev = flags->dev || strcmp(flag.name, "--dev") == 0;
        flags->check = flags->check || strcmp(flag.name, "--check-config") == 0;
        flags->help = flags->help || strcmp(flag.name, "--help") == 0;
        flags->version = flags->version || strcmp(flag.name, "--version") == 0;
    }
    return CD_OK;
}

enum cd_status server_config_read_flags(struct server_config *config, int argc,
                                        const char *const *argv, struct cd_error *error)
{
    for (int index = 1; index < argc;) {
        struct flag flag;
        enum cd_status status = next_flag(argc, argv, &index, &flag, error);
        if (status == CD_OK && flag.setting != NULL) {
            struct server_origin origin = {.line = 0};
            snprintf(origin.text, sizeof(origin.text), "%s", flag.name);
            status = server_config_set(config, flag.setting, flag.value, &origin, error);
        }
        if (status != CD_OK) {
            return status;
        }
    }
    return CD_OK;
}
