#ifndef COORD_TESTS_UNIT_REPLICA_HOUSE_H
#define COORD_TESTS_UNIT_REPLICA_HOUSE_H

#include "base/buf.h"
#include "replica/replica.h"
#include "support/fault_disk.h"
#include "wire/wire.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A few replicas in one process on virtual time and virtual disks, with a network that loses
 * nothing and keeps no one waiting: enough to see one replica's contract with its neighbours. The
 * swarm in tests/simulation is where things go wrong.
 */

enum { HOUSE_REPLICAS_MAX = 3, HOUSE_ANSWERS_MAX = 64 };

struct house_answer {
    bool is_call;
    bool is_close; /* the stream was closed: rpc, text */
    uint64_t channel;
    enum replica_rpc_status rpc;
    char text[256];
    struct cd_blob *bytes; /* owned; NULL without */
};

struct house_replica {
    struct house *house;
    uint32_t node;
    struct fault_disk *disk;
    struct replica *replica; /* NULL: down */
    struct house_answer answers[HOUSE_ANSWERS_MAX];
    size_t answers_count;
    uint32_t notes[PAXOS_NOTE_COUNT];
    char fatal[256];
    bool cut;      /* no frame to or from it arrives */
    bool stalled;  /* its disk completes nothing */
    size_t frames; /* that it sent */
};

struct house {
    uint64_t now_ms;
    size_t count;
    struct house_replica replicas[HOUSE_REPLICAS_MAX];
    struct {
        uint32_t from, to;
        struct cd_blob *frame;
    } mail[4096];
    size_t mail_count;
    struct fsm_limits limits;
    uint64_t snapshot_bytes, segment_bytes, history_bytes;
    uint32_t alpha; /* of a cluster that is born here */
};

void house_init(struct house *house, size_t count);
void house_release(struct house *house);

void house_start(struct house *house, size_t index); /* from what its disk holds */
void house_crash(struct house *house, size_t index); /* power loss */

/* Turns, disks and mail until nothing moves or `ms` of virtual time have gone by. */
void house_run(struct house *house, uint64_t ms);

/* Runs until `test` holds, at most `ms`. */
bool house_run_until(struct house *house, uint64_t ms, bool (*test)(struct house *house));

/* The index of the established leader, or -1. */
int house_leader(struct house *house);

/* Sends Admin.Init to replica 0 and runs until it is answered. */
void house_give_birth(struct house *house);

/* One request by Call; the answer's code, after at most `ms`; -1 without an answer. */
int house_create(struct house *house, size_t index, const char *path, const char *data);
/* The same with a key of 16 times this byte (R21). */
int house_create_once(struct house *house, size_t index, const char *path, uint8_t key);
int house_get(struct house *house, size_t index, const char *path, char *ret_data, size_t room);

/* Forgets all answers. */
void house_forget_answers(struct house *house);

#endif
