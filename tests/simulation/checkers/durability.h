#ifndef COORD_TESTS_SIMULATION_CHECKERS_DURABILITY_H
#define COORD_TESTS_SIMULATION_CHECKERS_DURABILITY_H

#include "checkers/verdict.h"

#include <stdint.h>

/*
 * Durability: an oracle remembers every write that was acknowledged and where it took effect. At
 * the end every healed replica must hold each of them there, once; and no write that was refused
 * for good may be there at all. It may also be asked after each restart for what must be there by
 * then.
 *
 * A write is its unique number (not 0); its place is the slot or zxid that it was acknowledged
 * with, 0 where the acknowledgement named none.
 */

struct durability_write {
    uint64_t write;
    uint64_t place;
    bool refused; /* it was promised that it never happens */
};

struct durability {
    struct durability_write *writes;
    size_t count, capacity;
};

/* What a replica holds: the write that took effect at each place, in any order. */
struct durability_held {
    uint64_t write;
    uint64_t place;
};

void durability_init(struct durability *durability);
void durability_release(struct durability *durability);
void durability_acknowledged(struct durability *durability, uint64_t write, uint64_t place);
void durability_refused(struct durability *durability, uint64_t write);

/* Sorts both tables. */
bool durability_check(struct durability *durability, uint32_t replica, struct durability_held *held,
                      size_t held_count, struct verdict *verdict);

#endif
