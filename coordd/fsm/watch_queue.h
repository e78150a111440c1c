#ifndef COORD_FSM_WATCH_QUEUE_H
#define COORD_FSM_WATCH_QUEUE_H

#include "fsm/watch.h"

/*
 * Queue-front watches, private to watch.c. Those that wait for the same n of the same queue make a
 * group and stand in it in the queue's order, so that a change of the queue looks for its n-th
 * member once and at the head of the group, however many wait (no herd).
 */

struct watch_queues; /* all of them */
struct queue_watch;  /* one */

/* A watch whose answer has changed; `owner` is what was given to add. */
typedef void (*watch_queue_told)(void *context, void *owner, const struct watch_queue_event *event);

struct watch_queues *watch_queues_create(void);
void watch_queues_free(struct watch_queues *queues); /* holds none any more */

/* The answer is not known before the first watch_queue_judge. Copies the spec; `who` is borrowed.
 */
struct queue_watch *watch_queue_add(struct watch_queues *queues, const struct fsm *fsm, uint64_t id,
                                    const struct watch_queue_spec *spec, const struct fsm_who *who,
                                    void *owner);
void watch_queue_drop(struct watch_queues *queues, struct queue_watch *watch);

/* Works the answer out from the state. True: it is told in `ret_event`, because it is another one
 * than was told last, or `again`. */
bool watch_queue_judge(struct watch_queues *queues, const struct fsm *fsm,
                       struct queue_watch *watch, bool again, struct watch_queue_event *ret_event);

/* What a command's changes make of them. Those whose owner is not to be told now say so when asked.
 */
void watch_queues_feed(struct watch_queues *queues, const struct fsm *fsm,
                       const struct fsm_result *result, bool (*may_tell)(const void *owner),
                       watch_queue_told told, void *context);

#endif
