#ifndef COORD_TESTS_SIMULATION_CHECKERS_LINE_H
#define COORD_TESTS_SIMULATION_CHECKERS_LINE_H

#include "checkers/truth.h"

/* The sequential nodes that are there, as the changes of the truth go by. */
struct line_member {
    const char *path;
    uint64_t czxid, suffix;
    size_t above;  /* bytes of the path up to and with the last slash */
    size_t prefix; /* bytes of the name before the suffix */
};

struct line {
    struct line_member *members;
    size_t count, capacity;
};

void line_release(struct line *line);
void line_change(struct line *line, const struct model_change *change);
const struct line_member *line_find(const struct line *line, const char *path);

/* Members of its queue that precede it. `queue` NULL: its own prefix. */
size_t line_rank(const struct line *line, const struct line_member *member,
                 const struct model_queue *queue);

/* Bytes of the path of a sequential node before its suffix: what names its queue. */
size_t line_queue_bytes(const char *path);

#endif
