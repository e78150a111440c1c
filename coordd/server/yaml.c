#include "base/memory.h"
#include "server/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

/*
 * The file: one YAML document, a mapping of settings. A dot in a key stands for nesting:
 * "tls.ca" is key "ca" in mapping "tls". There is no recursion over the document; it has three
 * levels and each has its function.
 */

struct reader {
    struct server_config *config;
    const char *path; /* of the file, borrowed */
    yaml_document_t *document;
    struct cd_error *error;
    int lines[SERVER_SETTINGS_MAX]; /* where each setting was given, to find a second time */
};

#define KEY_BYTES 128u

static int line_of(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

static struct server_origin origin_at(const struct reader *reader, const yaml_node_t *node)
{
    struct server_origin origin = {.line = line_of(node)};
    snprintf(origin.text, sizeof(origin.text), "%.200s:%d", reader->path, origin.line);
    return origin;
}

static enum cd_status refuse_at(const struct reader *reader, const yaml_node_t *node,
                                const char *key, const char *what)
{
    return cd_error_set(reader->error, CD_INVALID_ARGUMENT, "%s: %s: %s",
                        origin_at(reader, node).text, key, what);
}

/* The text of a scalar without NUL in it, or NULL. */
static const char *scalar_text(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE) {
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    return strlen(text) == node->data.scalar.length ? text : NULL;
}

/* A plain "", "~" or "null": a key without a value. */
static bool is_null(const yaml_node_t *node)
{
    const char *text = scalar_text(node);
    return text != NULL && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static enum cd_status read_scalar(const struct reader *reader, const yaml_node_t *node,
                                  const char *key, const char **ret_text)
{
    if (node->type != YAML_SCALAR_NODE) {
        return refuse_at(reader, node, key,
                         node->type == YAML_MAPPING_NODE ? "must be one value, not a mapping"
                                                         : "must be one value, not a list");
    }
    if (is_null(node)) {
        return refuse_at(reader, node, key, "has no value; leave the key out for its default");
    }
    *ret_text = scalar_text(node);
    if (*ret_text == NULL) {
        return refuse_at(reader, node, key, "has a NUL character in it");
    }
    return CD_OK;
}

/* ---- Unknown keys ---- */

static enum cd_status refuse_unknown(const struct reader *reader, const yaml_node_t *node,
                                     const char *prefix, const char *key,
                                     const char *const *candidates, size_t count)
{
    return cd_error_set(reader->error, CD_INVALID_ARGUMENT,
                        "%s: unknown key \"%s%.100s\"; the nearest known key is \"%s%s\"",
                        origin_at(reader, node).text, prefix, key, prefix,
                        server_nearest(key, candidates, count));
}

/* The mappings that group settings. */
static const char *const SECTIONS[] = {"tls", "log"};

static bool is_section(const char *key)
{
    for (size_t i = 0; i < CD_ARRAY_COUNT(SECTIONS); i++) {
        if (strcmp(SECTIONS[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static enum cd_status refuse_unknown_setting(const struct reader *reader, const yaml_node_t *node,
                                             const char *key)
{
    const char *candidates[CD_ARRAY_COUNT(SECTIONS) + SERVER_SETTINGS_MAX];
    size_t count = 0;
    for (; count < CD_ARRAY_COUNT(SECTIONS); count++) {
        candidates[count] = SECTIONS[count];
    }
    for (size_t i = 0; i < SERVER_SETTINGS_COUNT; i++) {
        candidates[count++] = SERVER_SETTINGS[i].key;
    }
    return refuse_unknown(reader, node, "", key, candidates, count);
}

/* ---- Lists ---- */

static const char *const PEER_KEYS[] = {"id", "address", "identity"};

static enum cd_status read_peer_pair(const struct reader *reader, const yaml_node_pair_t *pair,
                                     const char *texts[CD_ARRAY_COUNT(PEER_KEYS)])
{
    const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
    const char *name = scalar_text(key);
    if (name == NULL) {
        return refuse_at(reader, key, "peers", "a key must be a word");
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(PEER_KEYS); i++) {
        if (strcmp(name, PEER_KEYS[i]) == 0) {
            char full[KEY_BYTES];
            snprintf(full, sizeof(full), "peers: %s", name);
            if (texts[i] != NULL) {
                return refuse_at(reader, key, full, "is given twice in one entry");
            }
            return read_scalar(reader, value, full, &texts[i]);
        }
    }
    return refuse_unknown(reader, key, "peers: ", name, PEER_KEYS, CD_ARRAY_COUNT(PEER_KEYS));
}

static enum cd_status read_peer(const struct reader *reader, const yaml_node_t *node)
{
    const char *texts[CD_ARRAY_COUNT(PEER_KEYS)] = {NULL};
    if (node->type != YAML_MAPPING_NODE) {
        return refuse_at(reader, node, "peers", "an entry must be {id: , address: , identity: }");
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        enum cd_status status = read_peer_pair(reader, pair, texts);
        if (status != CD_OK) {
            return status;
        }
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(PEER_KEYS); i++) {
        if (texts[i] == NULL) {
            char what[KEY_BYTES];
            snprintf(what, sizeof(what), "an entry lacks its %s", PEER_KEYS[i]);
            return refuse_at(reader, node, "peers", what);
        }
    }
    struct server_origin origin = origin_at(reader, node);
    return server_config_add_peer(reader->config, texts[0], texts[1], texts[2], &origin,
                                  reader->error);
}

static enum cd_status read_identity(const struct reader *reader, const yaml_node_t *node,
                                    const char *key)
{
    const char *text;
    enum cd_status status = read_scalar(reader, node, key, &text);
    if (status != CD_OK) {
        return status;
    }
    struct server_origin origin = origin_at(reader, node);
    return server_config_add_identity(reader->config, text, &origin, reader->error);
}

static enum cd_status read_list(const struct reader *reader, const struct server_setting *setting,
                                const yaml_node_t *node)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return refuse_at(reader, node, setting->key, "must be a list");
    }
    struct server_origin origin = origin_at(reader, node);
    server_config_clear_list(reader->config, setting, &origin);
    for (yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top; item++) {
        const yaml_node_t *each = yaml_document_get_node(reader->document, *item);
        enum cd_status status = setting->kind == SERVER_KIND_PEERS
                                    ? read_peer(reader, each)
                                    : read_identity(reader, each, setting->key);
        if (status != CD_OK) {
            return status;
        }
    }
    return CD_OK;
}

/* ---- Settings ---- */

static enum cd_status read_setting(struct reader *reader, const struct server_setting *setting,
                                   const yaml_node_t *key, const yaml_node_t *value)
{
    int *line = &reader->lines[setting - SERVER_SETTINGS];
    if (*line != 0) {
        char what[KEY_BYTES];
        snprintf(what, sizeof(what), "is given twice, the first time in line %d", *line);
        return refuse_at(reader, key, setting->key, what);
    }
    *line = line_of(key);
    if (setting->kind == SERVER_KIND_PEERS || setting->kind == SERVER_KIND_IDENTITIES) {
        return read_list(reader, setting, value);
    }
    const char *text;
    enum cd_status status = read_scalar(reader, value, setting->key, &text);
    if (status != CD_OK) {
        return status;
    }
    struct server_origin origin = origin_at(reader, key);
    return server_config_set(reader->config, setting, text, &origin, reader->error);
}

static enum cd_status read_section(struct reader *reader, const char *section,
                                   const yaml_node_t *node)
{
    if (node->type != YAML_MAPPING_NODE) {
        return refuse_at(reader, node, section, "must be a mapping");
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        const char *name = scalar_text(key);
        if (name == NULL) {
            return refuse_at(reader, key, section, "a key must be a word");
        }
        char full[KEY_BYTES];
        snprintf(full, sizeof(full), "%s.%.100s", section, name);
        const struct server_setting *setting = server_setting_find(full);
        enum cd_status status = setting != NULL ? read_setting(reader, setting, key, value)
                                                : refuse_unknown_setting(reader, key, full);
        if (status != CD_OK) {
            return status;
        }
    }
    return CD_OK;
}

static enum cd_status read_root(struct reader *reader, const yaml_node_t *root)
{
    if (root == NULL || is_null(root)) {
        return CD_OK; /* an empty file sets nothing */
    }
    if (root->type != YAML_MAPPING_NODE) {
        return cd_error_set(reader->error, CD_INVALID_ARGUMENT,
                            "%s: the file must be a mapping of settings, like \"node: 1\"",
                            origin_at(reader, root).text);
    }
    for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        const char *name = scalar_text(key);
        if (name == NULL) {
            return cd_error_set(reader->error, CD_INVALID_ARGUMENT, "%s: a key must be a word",
                                origin_at(reader, key).text);
        }
        const struct server_setting *setting = server_setting_find(name);
        enum cd_status status = setting != NULL    ? read_setting(reader, setting, key, value)
                                : is_section(name) ? read_section(reader, name, value)
                                                   : refuse_unknown_setting(reader, key, name);
        if (status != CD_OK) {
            return status;
        }
    }
    return CD_OK;
}

/* ---- Parsing ---- */

static enum cd_status refuse_syntax(const struct reader *reader, const yaml_parser_t *parser)
{
    return cd_error_set(reader->error, CD_INVALID_ARGUMENT, "%.200s:%zu: not valid YAML: %s",
                        reader->path, parser->problem_mark.line + 1,
                        parser->problem != NULL ? parser->problem : "it does not parse");
}

static enum cd_status read_documents(struct reader *reader, yaml_parser_t *parser)
{
    yaml_document_t first;
    yaml_document_t second;
    if (yaml_parser_load(parser, &first) == 0) {
        return refuse_syntax(reader, parser);
    }
    reader->document = &first;
    enum cd_status status = read_root(reader, yaml_document_get_root_node(&first));
    if (status == CD_OK && yaml_document_get_root_node(&first) != NULL) {
        if (yaml_parser_load(parser, &second) == 0) {
            status = refuse_syntax(reader, parser);
        } else {
            const yaml_node_t *root = yaml_document_get_root_node(&second);
            if (root != NULL) {
                status = cd_error_set(reader->error, CD_INVALID_ARGUMENT,
                                      "%s: a second document begins; the file must hold one",
                                      origin_at(reader, root).text);
            }
            yaml_document_delete(&second);
        }
    }
    yaml_document_delete(&first);
    return status;
}

static enum cd_status read_text(struct server_config *config, const char *path, const void *text,
                                size_t bytes, struct cd_error *error)
{
    struct reader reader = {.config = config, .path = path, .error = error};
    yaml_parser_t parser;
    CD_ASSERT(yaml_parser_initialize(&parser) == 1);
    yaml_parser_set_input_string(&parser, text, bytes);
    enum cd_status status = read_documents(&reader, &parser);
    yaml_parser_delete(&parser);
    return status;
}

static enum cd_status refuse_file(const char *path, int number, struct cd_error *error)
{
    return cd_error_set(error, number == ENOENT ? CD_NOT_FOUND : CD_IO,
                        "the configuration file %.200s cannot be read: %s", path, strerror(number));
}

enum cd_status server_config_read_file(struct server_config *config, const char *path,
                                       struct cd_error *error)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return refuse_file(path, errno, error);
    }
    struct stat about;
    if (fstat(fileno(file), &about) == 0 && S_ISDIR(about.st_mode)) {
        fclose(file);
        return refuse_file(path, EISDIR, error);
    }
    char *text = cd_malloc(SERVER_FILE_BYTES_MAX + 1);
    errno = 0;
    size_t bytes = fread(text, 1, SERVER_FILE_BYTES_MAX + 1, file);
    int number = ferror(file) ? errno : 0;
    fclose(file);
    enum cd_status status;
    if (number != 0) {
        status = refuse_file(path, number, error);
    } else if (bytes > SERVER_FILE_BYTES_MAX) {
        status = cd_error_set(error, CD_INVALID_ARGUMENT,
                              "the configuration file %.200s has more than %u bytes", path,
                              SERVER_FILE_BYTES_MAX);
    } else {
        status = read_text(config, path, text, bytes, error);
    }
    cd_free(text);
    return status;
}
