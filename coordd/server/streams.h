#ifndef COORD_SERVER_STREAMS_H
#define COORD_SERVER_STREAMS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The client streams that are open: to close them when the replica stops, and to close one whose
 * client sends no more once it has its answers. Sorted by id. Bounded by the transport's
 * streams_max. Thread: loop.
 */

#define SERVER_NEVER_MS UINT64_MAX

struct server_stream {
    uint64_t id;
    uint64_t close_ms; /* when to close it, or SERVER_NEVER_MS: its client still sends */
};

struct server_streams {
    struct server_stream *items; /* owned */
    size_t count, capacity;
    uint64_t due_ms; /* no close_ms is below it */
};

void server_streams_init(struct server_streams *streams);
void server_streams_release(struct server_streams *streams);

void server_streams_add(struct server_streams *streams, uint64_t id);
void server_streams_remove(struct server_streams *streams, uint64_t id);

/* Its client sends no more: close it at `close_ms`. Without effect on one that is gone. */
void server_streams_end(struct server_streams *streams, uint64_t id, uint64_t close_ms);

/* Something was sent to it: if it is to be closed, then not before `close_ms`. */
void server_streams_touch(struct server_streams *streams, uint64_t id, uint64_t close_ms);

/* One stream whose time has come, which then counts as open without end; 0 if there is none. */
uint64_t server_streams_take_due(struct server_streams *streams, uint64_t now_ms);

#endif
