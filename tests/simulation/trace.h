#ifndef COORD_TESTS_SIMULATION_TRACE_H
#define COORD_TESTS_SIMULATION_TRACE_H

#include "base/assert.h"
#include "base/buf.h"
#include "simulation/world.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * What happened, line by line, for people and for comparing two runs of one seed. Lines are
 * formatted only where somebody wants them; the digest is kept always.
 */
struct trace {
    const struct world *world;
    FILE *file;          /* borrowed; NULL: none */
    struct cd_buf *text; /* borrowed; NULL: none */
    uint64_t digest;
};

enum {
    TRACE_LINE_BYTES_MAX = 4200,
};

void trace_init(struct trace *trace, const struct world *world);

/* Whether lines are wanted: ask before formatting costs anything. */
bool trace_is_on(const struct trace *trace);

/* One line, with the time in milliseconds in front. */
void trace_line(struct trace *trace, const char *format, ...) CD_PRINTF(2, 3);

/* Counts towards the digest: what happened (a name) and three numbers of it. */
void trace_count(struct trace *trace, const char *what, uint64_t a, uint64_t b, uint64_t c);

#endif
