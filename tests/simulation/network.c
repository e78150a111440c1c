#include "simulation/network.h"

#include "base/assert.h"

#include <string.h>

void network_init(struct network *network, struct world *world, const struct network_port *port)
{
    *network = (struct network){.world = world, .port = *port};
    world_fork_prng(world, "network", 0, &network->prng);
}

static void lose(struct network *network, uint32_t from, uint32_t to, void *letter)
{
    if (network->port.lost != NULL) {
        network->port.lost(network->port.context, from, to, letter);
    }
    network->port.drop(letter);
}

static void arrive(void *context, const struct world_event *event)
{
    struct network *network = context;
    if (network->cut[event->from][event->to]) {
        network->counts.cut++;
        lose(network, event->from, event->to, event->cargo);
        return;
    }
    network->counts.delivered++;
    network->port.deliver(network->port.context, event->from, event->to, event->cargo);
}

static bool is_rigid(const struct network *network, const void *letter)
{
    return network->port.is_rigid != NULL && network->port.is_rigid(letter);
}

static void dispatch(struct network *network, uint32_t from, uint32_t to, void *letter)
{
    const struct network_weather *weather = &network->weather;
    uint64_t delay_us = weather->delay_us_min;
    if (weather->delay_us_mean != 0) {
        delay_us += sim_exponential(&network->prng, weather->delay_us_mean);
    }
    if (sim_chance(&network->prng, weather->spike_ppm)) {
        delay_us += sim_between(&network->prng, 0, weather->spike_us);
    }
    uint64_t at_us = network->world->now_us + delay_us;
    uint64_t *last_us = &network->last_us[from][to];
    if (at_us < *last_us) {
        if (sim_chance(&network->prng, weather->reorder_ppm) && !is_rigid(network, letter)) {
            network->counts.reordered++;
        } else {
            at_us = *last_us;
        }
    }
    *last_us = at_us > *last_us ? at_us : *last_us;
    world_after(network->world, at_us - network->world->now_us,
                (struct world_event){.action = arrive,
                                     .context = network,
                                     .from = from,
                                     .to = to,
                                     .cargo = letter,
                                     .drop = network->port.drop});
}

void network_send(struct network *network, uint32_t from, uint32_t to, void *letter)
{
    CD_ASSERT(from < NETWORK_NODES_MAX && to < NETWORK_NODES_MAX);
    network->counts.sent++;
    if (network->cut[from][to]) {
        network->counts.cut++;
        lose(network, from, to, letter);
        return;
    }
    if (sim_chance(&network->prng, network->weather.loss_ppm)) {
        network->counts.lost++;
        lose(network, from, to, letter);
        return;
    }
    if (sim_chance(&network->prng, network->weather.duplicate_ppm) && !is_rigid(network, letter)) {
        network->counts.duplicated++;
        dispatch(network, from, to, network->port.share(letter));
    }
    dispatch(network, from, to, letter);
}

void network_cut(struct network *network, uint32_t from, uint32_t to)
{
    network->cut[from][to] = true;
}

void network_cut_both(struct network *network, uint32_t a, uint32_t b)
{
    network_cut(network, a, b);
    network_cut(network, b, a);
}

void network_part(struct network *network, uint32_t left, uint32_t right)
{
    for (uint32_t a = 0; a < NETWORK_NODES_MAX; a++) {
        for (uint32_t b = 0; b < NETWORK_NODES_MAX; b++) {
            if (((left >> a) & 1u) != 0 && ((right >> b) & 1u) != 0) {
                network_cut_both(network, a, b);
            }
        }
    }
}

void network_join_all(struct network *network)
{
    memset(network->cut, 0, sizeof(network->cut));
}

bool network_is_well(const struct network *network, uint32_t nodes, uint64_t within_us)
{
    for (uint32_t a = 1; a <= nodes; a++) {
        for (uint32_t b = 1; b <= nodes; b++) {
            if (network->cut[a][b] || network->last_us[a][b] > network->world->now_us + within_us) {
                return false;
            }
        }
    }
    return true;
}
