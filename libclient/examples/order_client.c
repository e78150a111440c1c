/*
 * order_client NAME: a program that calls OrderService.
 *
 * Shows discovery: a list of the instances that follows the registry by itself, so that choosing
 * one costs no call, and works on with what it knew last while the cluster is not reached.
 *
 *   . .dev/env; order_client shop
 */

#include "example.h"

#include <stdio.h>
#include <string.h>

#define SERVICE "OrderService"

enum { LIST_BYTES = 512 };

/* " a:8081 b:8082" and so on, what fits. */
static void append(char *list, const struct coord_instance *instance)
{
    size_t used = strlen(list);
    (void)snprintf(list + used, LIST_BYTES - used, " %s:%u", instance->id, instance->port);
}

static void say_list(struct coord_discovery *discovery, const char *name)
{
    struct coord_instances *instances = NULL;
    char list[LIST_BYTES] = "";
    if (coord_discovery_list(discovery, &instances, NULL) != COORD_OK) {
        return; /* not known yet */
    }
    for (size_t i = 0; i < coord_instances_count(instances); i++) {
        append(list, coord_instances_at(instances, i));
    }
    example_say("%s: %zu of " SERVICE ":%s", name, coord_instances_count(instances), list);
    coord_instances_free(instances);
}

/* Whom it would call next, four times; each caller begins with another one. */
static void say_choices(struct coord_discovery *discovery, const char *name)
{
    char list[LIST_BYTES] = "";
    for (int i = 0; i < 4; i++) {
        struct coord_instances *chosen = NULL;
        if (coord_discovery_choose(discovery, COORD_ROUND_ROBIN, &chosen, NULL) != COORD_OK) {
            return; /* there is none */
        }
        append(list, coord_instances_at(chosen, 0));
        coord_instances_free(chosen);
    }
    example_say("%s: would call, in turn,%s", name, list);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: order_client NAME\n");
        return 2;
    }
    struct coord_client *client = example_connect();
    struct coord_discovery *discovery = NULL;
    struct coord_error error;
    uint64_t zxid = 0;
    example_catch_signals(true);
    enum coord_code code = coord_discovery_create(client, SERVICE, &discovery, &error);
    while ((code == COORD_OK || code == COORD_TIMEOUT) && !example_stopped()) {
        code = coord_discovery_wait(discovery, EXAMPLE_LOOK_MS, &zxid, &error);
        if (code == COORD_OK) {
            say_list(discovery, argv[1]);
            say_choices(discovery, argv[1]);
        }
    }
    coord_discovery_close(discovery);
    coord_client_close(client);
    return example_stopped() ? 0 : example_failed(argv[1], &error);
}
