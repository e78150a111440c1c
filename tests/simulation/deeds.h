#ifndef COORD_TESTS_SIMULATION_DEEDS_H
#define COORD_TESTS_SIMULATION_DEEDS_H

#include "checkers/events.h"
#include "simulation/cluster.h"

/* What replicas carried out, for the judges' log: the ground truth of a run. */

struct deeds {
    const struct world *world;
    struct events *events;
    struct {
        uint64_t slot;
        uint32_t commands;   /* of it so far */
    } at[CLUSTER_NODES_MAX]; /* [node] */
};

void deeds_init(struct deeds *deeds, const struct world *world, struct events *events);

/* REPLICA_EV_COMMAND. */
void deeds_carried_out(struct deeds *deeds, uint32_t node, const struct replica_event *event);
/* REPLICA_EV_APPLIED. */
void deeds_applied(struct deeds *deeds, uint32_t node, const struct replica_event *event);
/* REPLICA_EV_LOADED or REPLICA_EV_INSTALLED. */
void deeds_replaced(struct deeds *deeds, uint32_t node, const struct replica_event *event);

/* How much of everything that has a limit there is at a replica now. */
void deeds_gauge(struct deeds *deeds, struct cluster_node *node);

#endif
