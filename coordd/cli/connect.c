#include "connect.h"

static enum coord_code set_options(struct coord_options *options,
                                   const struct cli_arguments *arguments, bool session,
                                   struct coord_error *error)
{
    enum coord_code code = coord_options_set_endpoints(options, arguments->endpoints, error);
    if (code == COORD_OK) {
        code = coord_options_set_tls_files(options, arguments->ca_file, arguments->cert_file,
                                           arguments->key_file, error);
    }
    if (code == COORD_OK && arguments->name_space != NULL) {
        code = coord_options_set_namespace(options, arguments->name_space, error);
    }
    if (code == COORD_OK) {
        code = coord_options_set_timeout_ms(options, arguments->timeout_ms, error);
    }
    if (code == COORD_OK && session) {
        code = coord_options_set_session(options, true, 0, error);
    }
    if (code == COORD_OK) {
        code = coord_options_set_client_name(options, "coordctl/" COORD_VERSION, error);
    }
    return code;
}

enum coord_code cli_connect(const struct cli_arguments *arguments, bool session,
                            struct coord_client **ret_client, struct coord_error *error)
{
    struct coord_options *options = coord_options_create();
    if (options == NULL) {
        *error = (struct coord_error){.code = COORD_NO_MEMORY, .message = "no memory"};
        return COORD_NO_MEMORY;
    }
    enum coord_code code = set_options(options, arguments, session, error);
    if (code == COORD_OK) {
        code = coord_client_create(options, ret_client, error);
    }
    coord_options_free(options);
    return code;
}
