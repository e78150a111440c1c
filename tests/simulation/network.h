#ifndef COORD_TESTS_SIMULATION_NETWORK_H
#define COORD_TESTS_SIMULATION_NETWORK_H

#include "base/prng.h"
#include "simulation/world.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The links between replicas: each direction on its own may be cut, lose, repeat, delay and
 * reorder. What it carries is opaque (a letter); in order on each link unless the weather reorders.
 */

enum {
    NETWORK_NODES_MAX = 16, /* ids 1..15 */
};

struct network_weather {
    uint32_t loss_ppm;
    uint32_t duplicate_ppm;
    uint32_t reorder_ppm; /* a message that may overtake those before it */
    uint64_t delay_us_min;
    uint64_t delay_us_mean; /* of the part that varies */
    uint32_t spike_ppm;     /* a message that takes longer by ... */
    uint64_t spike_us;
};

struct network_counts {
    uint64_t sent, delivered, lost, cut, duplicated, reordered;
};

struct network_port {
    void *context;
    /* Takes over the letter. */
    void (*deliver)(void *context, uint32_t from, uint32_t to, void *letter);
    /* Told before a letter is thrown away because of loss or a cut; may be NULL. */
    void (*lost)(void *context, uint32_t from, uint32_t to, const void *letter);
    /* A letter that comes once and in order whatever the weather; may be NULL: none. */
    bool (*is_rigid)(const void *letter);
    void *(*share)(void *letter); /* one more reference */
    void (*drop)(void *letter);
};

struct network {
    struct world *world;
    struct cd_prng prng;
    struct network_port port;
    struct network_weather weather;
    struct network_counts counts;
    bool cut[NETWORK_NODES_MAX][NETWORK_NODES_MAX]; /* [from][to] */
    uint64_t last_us[NETWORK_NODES_MAX][NETWORK_NODES_MAX];
};

void network_init(struct network *network, struct world *world, const struct network_port *port);

/* Takes over `letter`. */
void network_send(struct network *network, uint32_t from, uint32_t to, void *letter);

void network_cut(struct network *network, uint32_t from, uint32_t to);
void network_cut_both(struct network *network, uint32_t a, uint32_t b);
/* Cuts, both ways, whatever leads from a node of the bit set `left` to one of `right`. */
void network_part(struct network *network, uint32_t left, uint32_t right);
void network_join_all(struct network *network);
/* No link is cut, and what was sent on it arrives within that time. */
bool network_is_well(const struct network *network, uint32_t nodes, uint64_t within_us);

#endif
