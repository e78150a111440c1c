#include "checkers/durability.h"

#include <inttypes.h>
#include <stdlib.h>

void durability_init(struct durability *durability)
{
    *durability = (struct durability){0};
}

void durability_release(struct durability *durability)
{
    free(durability->writes);
    durability_init(durability);
}

static void add(struct durability *durability, struct durability_write write)
{
    durability->writes = checker_grow(durability->writes, durability->count, &durability->capacity,
                                      sizeof(*durability->writes));
    durability->writes[durability->count++] = write;
}

void durability_acknowledged(struct durability *durability, uint64_t write, uint64_t place)
{
    add(durability, (struct durability_write){.write = write, .place = place});
}

void durability_refused(struct durability *durability, uint64_t write)
{
    add(durability, (struct durability_write){.write = write, .refused = true});
}

static int by_write(const void *a, const void *b)
{
    const struct durability_write *left = a;
    const struct durability_write *right = b;
    return left->write < right->write ? -1 : left->write > right->write;
}

static int by_held(const void *a, const void *b)
{
    const struct durability_held *left = a;
    const struct durability_held *right = b;
    return left->write < right->write ? -1 : left->write > right->write;
}

static bool check_one(const struct durability_write *write, uint32_t replica,
                      const struct durability_held *held, size_t copies, struct verdict *verdict)
{
    if (write->refused) {
        return copies == 0 ||
               verdict_fail(verdict,
                            "durability: write %" PRIu64
                            " was refused for good, but replica %u holds it at %" PRIu64,
                            write->write, replica, held->place);
    }
    if (copies == 0) {
        return verdict_fail(verdict,
                            "durability: write %" PRIu64 " was acknowledged at %" PRIu64
                            ", but replica %u does not hold it",
                            write->write, write->place, replica);
    }
    if (write->place != 0 && held->place != write->place) {
        return verdict_fail(verdict,
                            "durability: write %" PRIu64 " was acknowledged at %" PRIu64
                            ", but replica %u holds it at %" PRIu64,
                            write->write, write->place, replica, held->place);
    }
    return true;
}

bool durability_check(struct durability *durability, uint32_t replica, struct durability_held *held,
                      size_t held_count, struct verdict *verdict)
{
    qsort(durability->writes, durability->count, sizeof(*durability->writes), by_write);
    qsort(held, held_count, sizeof(*held), by_held);
    for (size_t i = 1; i < held_count; i++) {
        if (held[i].write == held[i - 1].write) {
            return verdict_fail(verdict,
                                "durability: replica %u holds write %" PRIu64 " twice, at %" PRIu64
                                " and %" PRIu64,
                                replica, held[i].write, held[i - 1].place, held[i].place);
        }
    }
    size_t place = 0;
    for (size_t i = 0; i < durability->count; i++) {
        const struct durability_write *write = &durability->writes[i];
        while (place < held_count && held[place].write < write->write) {
            place++;
        }
        size_t copies = place < held_count && held[place].write == write->write ? 1 : 0;
        if (!check_one(write, replica, held + place, copies, verdict)) {
            return false;
        }
    }
    return true;
}
