#ifndef COORD_LIBCLIENT_WATCH_H
#define COORD_LIBCLIENT_WATCH_H

#include "memory.h"
#include "request.h"

/* Watches as the layers of the library hand them to one another. */

enum {
    CLIENT_WATCHES_MAX = 65536,         /* of one client; a cluster's own limit is below */
    CLIENT_WATCH_PREFIXES_MAX = 1024,   /* likewise */
    CLIENT_GROUP_BYTES_MAX = 128 << 20, /* of the events of one zxid for one watch: then RESYNC */
    /* Of what waits for users, in the machine's hands and told but not taken (S14). */
    CLIENT_WATCH_BYTES_MAX = 4 << 20,   /* for one watch, unless a single zxid takes more */
    CLIENT_EVENTS_BYTES_MAX = 64 << 20, /* for all; beyond it each watch has only the next: */
    CLIENT_WATCH_BYTES_MIN = 4 << 10,   /* so that one whose user keeps up goes on */
};

struct client_event_node;

/* One thing that a watch is told, with all memory that it points to. */
struct client_watch_item {
    struct coord_watch_item item; /* first, so that its user can give it back */
    struct client_arena arena;
    struct client_watch *watch;
    struct client_watch_item *next;
    struct client_event_node *events; /* the session's, until they are all there */
    struct coord_result *result;      /* owned; or NULL */
    size_t bytes; /* counted in client_watch.waiting_bytes until client_session_took */
};

void client_watch_item_free(struct client_watch_item *item); /* accepts NULL */

/* What is watched. */
struct client_watch_spec {
    bool queue_front;
    const char *path; /* NULL: of a queue-front watch whose node `create` makes */
    /* Of a watch of the tree. */
    enum coord_watch_scope scope;
    uint32_t kinds; /* bits of enum coord_event_kind; 0: all */
    uint32_t flags; /* enum coord_watch_flags */
    uint64_t after_zxid;
    /* Of a queue-front watch. */
    uint32_t n;
    const char *const *prefixes;
    size_t prefixes_count;
    uint32_t op_index; /* of `create`, if that is a transaction */
};

enum client_watch_state {
    WATCH_NEW,     /* waits for the write that makes its node to be sent */
    WATCH_UNSENT,  /* to be sent */
    WATCH_SENT,    /* to the stream `stream` */
    WATCH_SET,     /* and answered there */
    WATCH_LAGGED,  /* gone at the replica, until its user has taken what waits (S14) */
    WATCH_DRAINED, /* he has; until all users together have taken enough */
    WATCH_ENDED,   /* its last item was told; the last of the enum */
};

/*
 * Whoever makes it owns it; from client_session_watch until client_session_unwatch has returned
 * the session alone touches it.
 */
struct client_watch {
    /* Set by the maker. What spec points to lives as long as the watch. */
    struct client_watch_spec spec;
    struct client_request *create; /* submitted right after it, in the same turn; NULL once over */
    uint64_t deadline_ms;          /* of the first answer; 0: none */
    void (*told)(struct client_watch_item *item); /* called by the driver; takes the item */
    void *context;

    /* The session's. */
    struct client_watch *next, *prev; /* of the same state */
    uint64_t id;
    enum client_watch_state state;
    uint64_t stream;
    uint64_t request;                   /* id of the request that sets it */
    bool told_set;                      /* the first answer was told */
    uint64_t resume_zxid;               /* from there it is set again; 0: from now on */
    uint64_t delivered_zxid;            /* no event up to it is told any more */
    uint64_t bookmark_zxid;             /* told last */
    uint64_t marks;                     /* of session->marks: resume_zxid has them */
    size_t waiting_bytes;               /* of its items, whole or not, that were not taken */
    bool lags;                          /* before the first answer: LAGGED follows it, */
    uint64_t lag_zxid;                  /* and nothing above that was told */
    uint64_t created_seq;               /* names the node while its path is not known; or 0 */
    char *created_path;                 /* owned */
    enum coord_queue_state queue_state; /* told last */
    uint64_t queue_fence;
    struct client_watch_item *pending; /* owned: events of a zxid that may go on */
    struct client_event_node **pending_end;
    struct client_watch_item *early, **early_end; /* owned: came before the first answer */
    struct client_watch_item *last;               /* owned: the room for the last item */
    struct client_farewell *farewell;             /* owned: the room for its end at the replica */

    /* The driver's, under its lock: bytes that its user has taken, and the next of those. */
    size_t took;
    struct client_watch *took_next;
};

/* A watch that the replica still has to be told to forget. Its answer says nothing new (S7). */
struct client_farewell {
    struct client_farewell *next;
    uint64_t watch_id;
};

#endif
