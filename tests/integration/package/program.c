#include <coord/admin.h>
#include <coord/client.h>

#include <stdio.h>

/*
 * A program in C99 that knows libcoord as it is installed: program ENDPOINT CA CERTIFICATE KEY.
 * Nobody listens at ENDPOINT. test_package.py compares what it prints.
 */

#define TIMEOUT_MS 300

static void say(const char *what, const struct coord_error *error)
{
    printf("%s: %s: %s\n", what, coord_code_name(error->code), error->message);
}

static void call(struct coord_client *client)
{
    struct coord_error error;
    struct coord_result *result = NULL;
    struct coord_status *status = NULL;
    if (coord_get(client, "/greeting", NULL, &result, &error) != COORD_OK) {
        say("get", &error);
    }
    coord_result_free(result);
    if (coord_admin_status(client, NULL, NULL, &status, &error) != COORD_OK) {
        say("status", &error);
    }
    coord_status_free(status);
}

int main(int argc, char **argv)
{
    struct coord_error error;
    struct coord_client *client = NULL;
    struct coord_options *options = coord_options_create();
    if (argc != 5 || options == NULL) {
        return 2;
    }
    if (coord_options_set_endpoints(options, "nowhere", &error) != COORD_OK) {
        say("endpoints", &error);
    }
    if (coord_options_set_endpoints(options, argv[1], &error) == COORD_OK &&
        coord_options_set_tls_files(options, argv[2], argv[3], argv[4], &error) == COORD_OK &&
        coord_options_set_timeout_ms(options, TIMEOUT_MS, &error) == COORD_OK &&
        coord_client_create(options, &client, &error) == COORD_OK) {
        call(client);
    } else {
        say("client", &error);
    }
    coord_client_close(client);
    coord_options_free(options);
    return 0;
}
