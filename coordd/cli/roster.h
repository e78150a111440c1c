#ifndef COORD_CLI_ROSTER_H
#define COORD_CLI_ROSTER_H

#include "arguments.h"
#include "json.h"

/*
 * Who is in a group, or an instance of a service: once, or followed. A roster is a JSON object of
 * one object for each of them, under its name and in the order of the names.
 */
struct cli_roster {
    const struct cli_arguments *arguments;
    const char *name_field; /* that of the name in each object: "member" */
    /* What stands behind the name in a plain line. */
    void (*print_rest)(const json_t *one);
    /* Waits for another state, as coord_cache_wait does, and gives the roster, which is taken. */
    enum coord_code (*next)(void *source, uint32_t wait_ms, uint64_t *zxid, json_t **ret_roster,
                            struct coord_error *error);
    void *source;
};

/* Prints all, one a line. Returns an exit code. */
CD_MUST_USE int cli_roster_list(const struct cli_roster *roster);

/*
 * Prints "joined", "changed" and "left", at first all as joined, until the output is closed,
 * --count lines were printed, or it cannot go on. Returns an exit code.
 */
CD_MUST_USE int cli_roster_watch(const struct cli_roster *roster);

#endif
