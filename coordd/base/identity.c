#include "base/identity.h"

#include "base/assert.h"

#include <string.h>

static const struct {
    const char *name;
    enum cd_identity_scheme scheme;
} SCHEMES[] = {
    {"uri", CD_IDENTITY_URI},
    {"dns", CD_IDENTITY_DNS},
    {"cn", CD_IDENTITY_CN},
};

const char *cd_identity_scheme_name(enum cd_identity_scheme scheme)
{
    for (size_t i = 0; i < CD_ARRAY_COUNT(SCHEMES); i++) {
        if (SCHEMES[i].scheme == scheme) {
            return SCHEMES[i].name;
        }
    }
    CD_UNREACHABLE();
}

bool cd_identity_parse(const char *text, size_t bytes, struct cd_identity *ret_identity)
{
    for (size_t i = 0; i < CD_ARRAY_COUNT(SCHEMES); i++) {
        size_t prefix = strlen(SCHEMES[i].name);
        if (bytes > prefix && memcmp(text, SCHEMES[i].name, prefix) == 0 && text[prefix] == ':') {
            size_t name_bytes = bytes - prefix - 1;
            if (name_bytes == 0 || name_bytes > CD_IDENTITY_NAME_BYTES_MAX) {
                return false;
            }
            *ret_identity = (struct cd_identity){
                .scheme = SCHEMES[i].scheme,
                .name = text + prefix + 1,
                .name_bytes = name_bytes,
            };
            return true;
        }
    }
    return false;
}

bool cd_identity_matches(const char *written, const char *whole)
{
    struct cd_identity is;
    struct cd_identity meant;
    size_t written_bytes = strlen(written);
    if (!cd_identity_parse(whole, strlen(whole), &is)) {
        return false;
    }
    if (cd_identity_parse(written, written_bytes, &meant)) {
        return strcmp(written, whole) == 0;
    }
    return written_bytes == is.name_bytes && memcmp(written, is.name, is.name_bytes) == 0;
}
