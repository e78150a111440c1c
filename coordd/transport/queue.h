#ifndef COORD_TRANSPORT_QUEUE_H
#define COORD_TRANSPORT_QUEUE_H

#include "transport/transport.h"

/*
 * What the loop and the completion-queue thread tell each other, and the queues that hold it. A
 * queue has no lock and no bound of its own: bounds are in bytes and are counted where items are
 * made (stream.c, link.c, loop.c, report.c); peers have no part in the clients' total.
 */

struct stream;

enum item_kind {
    /* to the loop */
    ITEM_OPENED,     /* stream */
    ITEM_FRAME,      /* stream, blob */
    ITEM_SENT,       /* stream; its unsaid_bytes say how many */
    ITEM_ENDED,      /* stream */
    ITEM_CLOSED,     /* stream */
    ITEM_CALL,       /* stream, blob */
    ITEM_PEER_FRAME, /* stream, blob, node, number of the link */
    ITEM_PEER_UP,    /* node, number: epoch */
    ITEM_PEER_DOWN,  /* node */
    ITEM_LOG,        /* level, event, text */
    /* to the completion-queue thread */
    ITEM_SEND,      /* stream, blob */
    ITEM_CLOSE,     /* stream, code, text */
    ITEM_CUT,       /* stream, text */
    ITEM_REPLY,     /* stream, code, text, blob or NULL */
    ITEM_PEER_SEND, /* node, number: epoch, blob */
    ITEM_DRAIN,
};

struct item {
    struct item *next;
    struct stream *stream; /* owned reference, or NULL */
    struct cd_blob *blob;  /* owned reference, or NULL */
    char *text;            /* owned, or NULL */
    const char *event;     /* static */
    uint64_t number;
    uint32_t node;
    enum item_kind kind;
    enum transport_code code;
    enum transport_log_level level;
};

/* First in, first out. Starts as all zero. */
struct queue {
    struct item *first, *last;
};

struct item *item_create(enum item_kind kind);
void item_free(struct item *item); /* gives its references back; accepts NULL */

/* What a queued frame counts against a limit. */
uint64_t item_cost(const struct item *item);

void queue_push(struct queue *queue, struct item *item); /* takes the item over */
struct item *queue_take(struct queue *queue);            /* NULL if empty */
void queue_append(struct queue *to, struct queue *from); /* empties `from` */
void queue_clear(struct queue *queue);                   /* frees all items */

/*
 * What goes to the loop. Items of peers have a queue of their own and come out first, so that
 * consensus does not wait behind a flood of clients; among themselves both keep their order. Starts
 * as all zero.
 */
struct inbox {
    struct queue peers; /* PEER_FRAME, PEER_UP, PEER_DOWN */
    struct queue others;
};

void inbox_push(struct inbox *inbox, struct item *item); /* takes the item over */
struct item *inbox_take(struct inbox *inbox);            /* NULL if empty */
void inbox_append(struct inbox *to, struct inbox *from); /* empties `from` */
void inbox_clear(struct inbox *inbox);                   /* frees all items */
bool inbox_is_empty(const struct inbox *inbox);

#endif
