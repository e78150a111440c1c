/*
 * order_service ID PORT: one instance of the service OrderService.
 *
 * Shows the registry: the instance is listed as long as this program runs and the cluster hears of
 * it. Killed, it goes from the list when its session expires; ended with Ctrl-C it goes at once.
 * After a session was lost, by a long cut for instance, the library registers it again by itself.
 * What a real service would do meanwhile, listen on PORT, is left out.
 *
 *   . .dev/env; order_service a 8081 & order_service b 8082 &
 */

#include "example.h"

#include <stdio.h>
#include <stdlib.h>

#define SERVICE "OrderService"

/* Until Ctrl-C; tells whether it is registered, whenever that is not as before. */
static void serve(struct coord_presence *presence, const char *id)
{
    enum coord_code told = COORD_TIMEOUT;
    struct coord_error error;
    while (!example_stopped()) {
        enum coord_code code = coord_presence_wait(presence, EXAMPLE_LOOK_MS, &error);
        if (code == COORD_OK && told != COORD_OK) {
            example_say("%s: is registered as %s", id, coord_presence_path(presence));
        } else if (code != COORD_OK && code != told) {
            example_say("%s: is not registered: %s", id, error.message);
        }
        told = code;
        if (code == COORD_OK) {
            example_pause(EXAMPLE_LOOK_MS);
        }
    }
}

int main(int argc, char **argv)
{
    unsigned long port = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (port == 0 || port > UINT16_MAX) {
        fprintf(stderr, "usage: order_service ID PORT\n");
        return 2;
    }
    const struct coord_pair metadata[] = {{"version", "1.4"}, {"zone", "a"}};
    struct coord_client *client = example_connect();
    struct coord_presence *presence = NULL;
    struct coord_error error;
    example_catch_signals(true);
    enum coord_code code =
        coord_service_register(client, SERVICE, argv[1], "127.0.0.1", (uint16_t)port, metadata,
                               sizeof(metadata) / sizeof(metadata[0]), &presence, &error);
    if (code == COORD_OK) {
        serve(presence, argv[1]);
        code = coord_presence_close(presence, &error);
        example_say("%s: is not registered any more", argv[1]);
    }
    coord_client_close(client);
    return code == COORD_OK ? 0 : example_failed(argv[1], &error);
}
