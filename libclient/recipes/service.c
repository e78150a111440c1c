#include "recipes/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sys/random.h>

/* Registering an instance of a service: a presence with its JSON. */

enum { ID_BYTES = 16 + 1 };

static enum coord_code draw_id(char id[ID_BYTES], struct coord_error *error)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
        return client_error_set(error, COORD_NO_MEMORY, "the system has no random bytes");
    }
    (void)snprintf(id, ID_BYTES, "%016" PRIx64, number);
    return COORD_OK;
}

char *recipe_service_path(const char *name)
{
    return recipe_join(COORD_SERVICES_PATH, name);
}

/* Where it is, with what text. */
static enum coord_code begin(struct coord_client *client, const struct coord_instance *instance,
                             const char *text, size_t bytes, struct coord_presence **ret_presence,
                             struct coord_error *error)
{
    char *service = recipe_service_path(instance->name);
    char *path = service != NULL ? recipe_join(service, instance->id) : NULL;
    enum coord_code code =
        path != NULL ? coord_presence_create(client, path, text, bytes, ret_presence, error)
                     : client_error_no_memory(error);
    client_free(path);
    client_free(service);
    return code;
}

enum coord_code coord_service_register(struct coord_client *client, const char *name,
                                       const char *id, const char *address, uint16_t port,
                                       const struct coord_pair *metadata, size_t metadata_count,
                                       struct coord_presence **ret_presence,
                                       struct coord_error *reterr)
{
    char drawn[ID_BYTES];
    char *text = NULL;
    size_t bytes = 0;
    if (name == NULL || !recipe_is_element(name) || (id != NULL && !recipe_is_element(id))) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "name, id: each must be one element of a path");
    }
    enum coord_code code = id == NULL ? draw_id(drawn, reterr) : COORD_OK;
    if (code != COORD_OK) {
        return code;
    }
    const struct coord_instance instance = {.name = name,
                                            .id = id != NULL ? id : drawn,
                                            .address = address,
                                            .port = port,
                                            .metadata_count = metadata_count,
                                            .metadata = metadata};
    code = recipe_instance_write(&instance, &text, &bytes, reterr);
    if (code == COORD_OK) {
        code = begin(client, &instance, text, bytes, ret_presence, reterr);
    }
    client_free(text);
    return code;
}
