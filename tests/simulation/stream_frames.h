#ifndef COORD_TESTS_SIMULATION_STREAM_FRAMES_H
#define COORD_TESTS_SIMULATION_STREAM_FRAMES_H

#include "checkers/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What passes on a client's stream, as somebody sees it who listens in: read with the code that
 * protobuf-c generates, without coordd's and libclient's own.
 */

struct stream_request {
    uint64_t id, seq;
    bool asks_outcome; /* of an earlier one: it carries no operation */
    bool is_watch;
    uint64_t watch, after; /* of a watch: its id, and from where */
};

/* A ClientFrame. Start as all zero; may be read into again. */
struct stream_sent {
    uint64_t number;
    bool opens;       /* it asks for a session, */
    uint64_t resumes; /* or goes on with this one */
    struct stream_request *requests;
    size_t count, capacity;
};

struct stream_reply {
    uint64_t id;
    struct model_result shown; /* zxid and code are the reply's */
};

/* A ServerFrame. Likewise. */
struct stream_said {
    bool answers_hello;
    bool welcomes; /* likewise, with code OK */
    uint64_t session;
    uint64_t confirmed, complete_to;
    bool more;
    struct stream_reply *replies; /* to an OutcomeOf: the outcome that it tells */
    size_t count, capacity;
};

/* False: it does not decode. */
bool stream_read_sent(struct stream_sent *sent, const void *bytes, size_t count);
bool stream_read_said(struct stream_said *said, const void *bytes, size_t count);
void stream_sent_release(struct stream_sent *sent);
void stream_said_release(struct stream_said *said);

#endif
