#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

const char *cd_status_name(enum cd_status status)
{
    switch (status) {
#define CD_STATUS_CASE(symbol, number, text)                                                       \
    case CD_##symbol:                                                                              \
        return #symbol;
        CD_STATUS_TABLE(CD_STATUS_CASE)
#undef CD_STATUS_CASE
    }
    return "UNKNOWN";
}

const char *cd_status_text(enum cd_status status)
{
    switch (status) {
#define CD_STATUS_CASE(symbol, number, text)                                                       \
    case CD_##symbol:                                                                              \
        return text;
        CD_STATUS_TABLE(CD_STATUS_CASE)
#undef CD_STATUS_CASE
    }
    return "an outcome this version does not know";
}

enum cd_status cd_error_set(struct cd_error *error, enum cd_status status, const char *format, ...)
{
    if (error != NULL) {
        error->status = status;
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
    }
    return status;
}
