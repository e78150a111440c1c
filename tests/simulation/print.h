#ifndef COORD_TESTS_SIMULATION_PRINT_H
#define COORD_TESTS_SIMULATION_PRINT_H

#include "paxos/paxos.h"

#include <stddef.h>

/* Ballots, values, messages and notes as text for people, the same in every trace. */

enum {
    PRINT_NODES_MAX = 16,
    PRINT_INCARNATIONS_MAX = 26, /* of one node; later ones are not told apart */
    PRINT_BYTES = 4096,
};

/* Incarnations are random numbers; people are shown which one of its node it is. */
struct printer {
    uint64_t incarnations[PRINT_NODES_MAX][PRINT_INCARNATIONS_MAX];
    size_t counts[PRINT_NODES_MAX];
};

/* Tells values apart: kind, leadership, payload; not slot or ballot. */
uint64_t print_value_hash(const struct paxos_entry *entry);

/* To be told each incarnation before it is printed; again does no harm. */
void print_know(struct printer *printer, uint32_t node, uint64_t incarnation);

/* "2.3": round 2 of node 3; "2.3b" with its second incarnation. */
void print_ballot(const struct printer *printer, struct paxos_ballot ballot, char *to,
                  size_t bytes);

/* "7=noop" */
void print_entry(const struct printer *printer, const struct paxos_entry *entry, bool with_ballot,
                 char *to, size_t bytes);

/* "1->3 ACCEPT b=2.1 chosen=4 {5=noop}" */
void print_message(const struct printer *printer, const struct paxos_message *message,
                   const char *arrow, char *to, size_t bytes);

/* "3 LEADING slot=5 b=2.3: won its ballot" */
void print_note(const struct printer *printer, uint32_t node, const struct paxos_note *note,
                char *to, size_t bytes);

#endif
