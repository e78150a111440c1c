#include "recipes/internal.h"

#include <jansson.h>
#include <string.h>

/* What is written about an instance of a service, and read of what anybody may have written. */

/* ---- Writing ---- */

/* All that points to something here is UTF-8, or jansson refuses it. */
static enum coord_code put_text(json_t *object, const char *key, const char *text,
                                struct coord_error *error)
{
    if (text == NULL || text[0] == '\0' ||
        json_object_set_new(object, key, json_string(text)) != 0) {
        return client_error_set(error, COORD_INVALID_ARGUMENT,
                                "%s: it must be UTF-8, and not empty", key);
    }
    return COORD_OK;
}

static enum coord_code put_metadata(json_t *object, const struct coord_instance *instance,
                                    struct coord_error *error)
{
    if (instance->metadata_count > COORD_METADATA_MAX) {
        return client_error_set(error, COORD_TOO_MANY, "metadata: %zu pairs; the limit is %d",
                                instance->metadata_count, COORD_METADATA_MAX);
    }
    for (size_t i = 0; i < instance->metadata_count; i++) {
        const struct coord_pair *pair = &instance->metadata[i];
        if (pair->key == NULL || pair->value == NULL ||
            json_object_get(object, pair->key) != NULL ||
            json_object_set_new(object, pair->key, json_string(pair->value)) != 0) {
            return client_error_set(error, COORD_INVALID_ARGUMENT,
                                    "metadata: pair %zu is not UTF-8, or its key is there before",
                                    i);
        }
    }
    return COORD_OK;
}

static enum coord_code put_all(json_t *object, json_t *metadata,
                               const struct coord_instance *instance, struct coord_error *error)
{
    enum coord_code code = put_text(object, "name", instance->name, error);
    code = code == COORD_OK ? put_text(object, "id", instance->id, error) : code;
    code = code == COORD_OK ? put_text(object, "address", instance->address, error) : code;
    if (code == COORD_OK && instance->port == 0) {
        return client_error_set(error, COORD_INVALID_ARGUMENT, "port: it is 0");
    }
    if (code == COORD_OK &&
        json_object_set_new(object, "port", json_integer(instance->port)) != 0) {
        return client_error_no_memory(error);
    }
    code = code == COORD_OK ? put_metadata(metadata, instance, error) : code;
    if (code == COORD_OK && instance->metadata_count != 0 &&
        json_object_set(object, "metadata", metadata) != 0) {
        return client_error_no_memory(error);
    }
    return code;
}

/* Into memory of the library's: a program may have given jansson an allocator. */
static enum coord_code dump(const json_t *object, char **ret_text, size_t *ret_bytes,
                            struct coord_error *error)
{
    size_t bytes = json_dumpb(object, NULL, 0, JSON_COMPACT);
    if (bytes > COORD_INSTANCE_BYTES_MAX) {
        return client_error_set(error, COORD_TOO_LARGE,
                                "an instance of %zu bytes in JSON; the limit is %d", bytes,
                                COORD_INSTANCE_BYTES_MAX);
    }
    char *text = bytes != 0 ? client_malloc(bytes) : NULL;
    if (text == NULL || json_dumpb(object, text, bytes, JSON_COMPACT) != bytes) {
        client_free(text);
        return client_error_no_memory(error);
    }
    *ret_text = text;
    *ret_bytes = bytes;
    return COORD_OK;
}

enum coord_code recipe_instance_write(const struct coord_instance *instance, char **ret_text,
                                      size_t *ret_bytes, struct coord_error *error)
{
    json_t *object = json_object();
    json_t *metadata = json_object();
    enum coord_code code = object != NULL && metadata != NULL
                               ? put_all(object, metadata, instance, error)
                               : client_error_no_memory(error);
    if (code == COORD_OK) {
        code = dump(object, ret_text, ret_bytes, error);
    }
    json_decref(metadata);
    json_decref(object);
    return code;
}

/* ---- Reading ---- */

static bool is_text(const json_t *value, const char *expected)
{
    return json_is_string(value) && strcmp(json_string_value(value), expected) == 0;
}

/* 0: it is none. Numbers are read as real ones, so that a large one elsewhere does no harm. */
static uint16_t port_of(const json_t *value)
{
    double port = json_is_real(value) ? json_real_value(value) : 0;
    bool fits = port >= 1 && port <= UINT16_MAX && (double)(uint16_t)port == port;
    return fits ? (uint16_t)port : 0;
}

/* NULL: no memory. */
static const char *copy(const char *text, struct client_arena *arena)
{
    return client_arena_copy(arena, text, strlen(text));
}

static enum coord_code read_metadata(json_t *metadata, struct client_arena *arena,
                                     struct coord_instance *instance)
{
    size_t count = json_object_size(metadata);
    const char *key = NULL;
    json_t *value = NULL;
    if (metadata == NULL) {
        return COORD_OK;
    }
    if (!json_is_object(metadata) || count > COORD_METADATA_MAX) {
        return COORD_MALFORMED;
    }
    struct coord_pair *pairs = client_arena_get_array(arena, count, sizeof(*pairs));
    if (pairs == NULL) {
        return COORD_NO_MEMORY;
    }
    instance->metadata = pairs;
    json_object_foreach(metadata, key, value)
    {
        if (!json_is_string(value)) {
            return COORD_MALFORMED;
        }
        struct coord_pair *pair = &pairs[instance->metadata_count++];
        pair->key = copy(key, arena);
        pair->value = copy(json_string_value(value), arena);
        if (pair->key == NULL || pair->value == NULL) {
            return COORD_NO_MEMORY;
        }
    }
    return COORD_OK;
}

static enum coord_code read_object(json_t *object, const char *name, const char *id,
                                   struct client_arena *arena, struct coord_instance *instance)
{
    const char *address = json_string_value(json_object_get(object, "address"));
    instance->port = port_of(json_object_get(object, "port"));
    if (!is_text(json_object_get(object, "name"), name) ||
        !is_text(json_object_get(object, "id"), id) || address == NULL || address[0] == '\0' ||
        instance->port == 0) {
        return COORD_MALFORMED;
    }
    instance->name = copy(name, arena);
    instance->id = copy(id, arena);
    instance->address = copy(address, arena);
    if (instance->name == NULL || instance->id == NULL || instance->address == NULL) {
        return COORD_NO_MEMORY;
    }
    return read_metadata(json_object_get(object, "metadata"), arena, instance);
}

enum coord_code recipe_instance_read(const char *name, const char *id, const void *data,
                                     size_t data_bytes, struct client_arena *arena,
                                     struct coord_instance *ret_instance)
{
    json_error_t error;
    struct coord_instance instance = {.name = NULL};
    if (data_bytes > COORD_INSTANCE_BYTES_MAX) {
        return COORD_MALFORMED;
    }
    json_t *object =
        json_loadb(data, data_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (object == NULL) {
        return json_error_code(&error) == json_error_out_of_memory ? COORD_NO_MEMORY
                                                                   : COORD_MALFORMED;
    }
    enum coord_code code =
        json_is_object(object) ? read_object(object, name, id, arena, &instance) : COORD_MALFORMED;
    json_decref(object);
    if (code == COORD_OK) {
        *ret_instance = instance;
    }
    return code;
}
