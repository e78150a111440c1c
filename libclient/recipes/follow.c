#include "recipes/internal.h"

/* Word of changes at a node, for recipes that read again what it is about. */

enum coord_code recipe_follow(struct recipe_follower *follower, struct coord_error *error)
{
    return coord_watch_tree(follower->client, follower->path, follower->scope, follower->kinds, 0,
                            0, NULL, &follower->watch, error);
}

void recipe_unfollow(struct recipe_follower *follower)
{
    coord_watch_close(follower->watch);
    follower->watch = NULL;
}

/* Whether more than the events of an item may have changed. */
static bool is_gap(const struct coord_watch_item *item)
{
    return item->kind == COORD_WATCH_SET || item->kind == COORD_WATCH_RESYNC;
}

enum coord_code recipe_follow_next(struct recipe_follower *follower, uint64_t until_ms,
                                   struct coord_watch_item **ret_item, struct coord_error *error)
{
    *ret_item = NULL;
    for (;;) {
        struct coord_watch_item *item = NULL;
        uint32_t wait_ms = recipe_rest_ms(until_ms);
        if (coord_watch_next(follower->watch, wait_ms, &item, NULL) != COORD_OK) {
            if (client_driver_now_ms() >= until_ms) {
                return client_error_set(error, COORD_TIMEOUT, "no change in time");
            }
            continue; /* more than a day */
        }
        if (item->kind == COORD_WATCH_EVENTS) {
            *ret_item = item;
            return COORD_OK;
        }
        bool gap = is_gap(item);
        bool ended = item->kind == COORD_WATCH_ENDED;
        enum coord_code code =
            ended ? client_error_set(error, item->code, "%s", item->message) : COORD_OK;
        coord_watch_item_free(item);
        if (ended && code == COORD_SESSION_EXPIRED) {
            /* A session that the client has for other things; what is followed is still there. */
            recipe_unfollow(follower);
            return recipe_follow(follower, error);
        }
        if (gap || ended) {
            return code;
        }
    }
}
