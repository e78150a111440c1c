#include "values.h"

#include <string.h>

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

bool cli_number_parse(const char *text, uint64_t max, uint64_t *ret_value)
{
    uint64_t base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
    const char *at = base == 16 ? text + 2 : text;
    uint64_t value = 0;
    if (*at == '\0') {
        return false;
    }
    for (; *at != '\0'; at++) {
        uint64_t digit = (uint64_t)digit_of(*at);
        if (digit >= base || value > (UINT64_MAX - digit) / base) {
            return false;
        }
        value = value * base + digit;
    }
    if (value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool cli_signed_parse(const char *text, int64_t *ret_value)
{
    bool negative = *text == '-';
    uint64_t value = 0;
    if (!cli_number_parse(negative ? text + 1 : text, (uint64_t)INT64_MAX + (negative ? 1 : 0),
                          &value)) {
        return false;
    }
    /* The smallest number has no positive twin. */
    *ret_value = negative ? -(int64_t)(value / 2) - (int64_t)(value - value / 2) : (int64_t)value;
    return true;
}

/* ---- Durations ---- */

/* Thousandths of `text` up to its unit, at most `limit`; false if it is no such number. */
static bool parse_thousandths(const char **text, uint64_t limit, uint64_t *ret_value)
{
    const char *at = *text;
    uint64_t value = 0;
    int decimals = -1; /* none begun */
    bool digits = false;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && decimals < 0 && digits); at++) {
        if (*at == '.') {
            decimals = 0;
            continue;
        }
        digits = true;
        value = value * 10 + (uint64_t)(*at - '0');
        decimals += decimals >= 0 ? 1 : 0;
        if (decimals > 3 || value > limit) {
            return false;
        }
    }
    for (int i = decimals > 0 ? decimals : 0; i < 3; i++) {
        value *= 10;
    }
    *text = at;
    *ret_value = value;
    return digits && decimals != 0 && value <= limit;
}

bool cli_duration_parse(const char *text, uint64_t max_ms, uint64_t *ret_ms)
{
    static const struct {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t thousandths = 0;
    CD_ASSERT(max_ms <= CLI_DURATION_MAX_MS);
    if (!parse_thousandths(&text, max_ms * 1000, &thousandths)) {
        return false;
    }
    for (size_t i = 0; i < CD_ARRAY_COUNT(units); i++) {
        if (strcmp(text, units[i].name) != 0) {
            continue;
        }
        if (thousandths > max_ms * 1000 / units[i].ms || thousandths * units[i].ms < 1000) {
            return false;
        }
        *ret_ms = thousandths * units[i].ms / 1000;
        return true;
    }
    return false;
}

/* ---- ACLs ---- */

static const struct {
    char letter;
    uint32_t permission;
} letters[] = {{'r', COORD_MAY_READ},
               {'w', COORD_MAY_WRITE},
               {'c', COORD_MAY_CREATE},
               {'d', COORD_MAY_DELETE},
               {'a', COORD_MAY_ADMIN}};

static bool parse_permissions(const char *text, uint32_t *ret_permissions)
{
    uint32_t permissions = 0;
    for (; *text != '\0'; text++) {
        uint32_t one = 0;
        for (size_t i = 0; i < CD_ARRAY_COUNT(letters); i++) {
            one |= letters[i].letter == *text ? letters[i].permission : 0;
        }
        if (one == 0 || (permissions & one) != 0) {
            return false;
        }
        permissions |= one;
    }
    *ret_permissions = permissions;
    return permissions != 0;
}

bool cli_acl_entry_parse(const char *text, struct cli_acl_entry *ret_entry)
{
    const char *first = strchr(text, ':');
    const char *last = strrchr(text, ':');
    if (first == NULL) {
        return false;
    }
    size_t scheme_bytes = (size_t)(first - text);
    size_t id_bytes = first == last ? 0 : (size_t)(last - first) - 1;
    if (scheme_bytes == 0 || scheme_bytes > CLI_SCHEME_BYTES_MAX ||
        id_bytes > CLI_IDENTITY_BYTES_MAX ||
        !parse_permissions(last + 1, &ret_entry->permissions)) {
        return false;
    }
    memcpy(ret_entry->scheme, text, scheme_bytes);
    ret_entry->scheme[scheme_bytes] = '\0';
    memcpy(ret_entry->id, first + 1, id_bytes);
    ret_entry->id[id_bytes] = '\0';
    return true;
}

void cli_permissions_format(uint32_t permissions, char to[CLI_PERMISSIONS_BYTES])
{
    size_t used = 0;
    for (size_t i = 0; i < CD_ARRAY_COUNT(letters); i++) {
        if ((permissions & letters[i].permission) != 0) {
            to[used++] = letters[i].letter;
        }
    }
    to[used] = '\0';
}
