#ifndef COORD_LIBCLIENT_DIAL_H
#define COORD_LIBCLIENT_DIAL_H

#include "base/prng.h"
#include "coord/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which endpoint is dialled when. Pure: time and seed come in, decisions go out.
 *
 *   D1 A round dials every endpoint once, in random order. While an attempt is under way the next
 *      endpoint follows after next_ms, so that a dead one costs that much and not its timeout; once
 *      an attempt has failed it follows at once.
 *   D2 Between rounds lies a pause with jitter, which doubles from pause_ms_min to pause_ms_max and
 *      starts again once a replica has done work.
 *      Hellos of one session can overtake one another; then next_ms doubles, hedge_shift times,
 *      until a replica has done work.
 *   D3 The endpoint that was left last is dialled last, a preferred one first.
 */
struct client_dial_times {
    uint32_t next_ms;
    uint32_t pause_ms_min, pause_ms_max;
};

struct client_dial {
    struct client_dial_times times;
    size_t count;                      /* endpoints */
    size_t order[COORD_ENDPOINTS_MAX]; /* of this round */
    size_t position;                   /* in it */
    uint64_t due_ms;                   /* when the next one may be dialled */
    uint32_t pauses;                   /* since a replica did work */
    uint32_t hedge_shift;              /* D1; the owner's to raise */
    struct cd_prng prng;
};

void client_dial_init(struct client_dial *dial, const struct client_dial_times *times, size_t count,
                      uint64_t seed);

#define CLIENT_NO_ENDPOINT SIZE_MAX

/* A first round, now. */
void client_dial_start(struct client_dial *dial, uint64_t now_ms);

/* A new round after a pause; `left` goes last (or is CLIENT_NO_ENDPOINT). */
void client_dial_restart(struct client_dial *dial, uint64_t now_ms, size_t left);

/* Puts an endpoint in front of the round. */
void client_dial_prefer(struct client_dial *dial, size_t endpoint);

/*
 * The endpoint to dial now, or CLIENT_NO_ENDPOINT; due_ms says when to ask again. Endpoints with
 * `busy` set have an attempt under way and are passed over.
 */
size_t client_dial_next(struct client_dial *dial, uint64_t now_ms, const bool *busy);

/* The round has endpoints left, so that client_dial_next would look at one. */
bool client_dial_has_next(const struct client_dial *dial);

/* An attempt failed; `alive` others are under way. */
void client_dial_failed(struct client_dial *dial, uint64_t now_ms, size_t alive);

/* A replica did work. */
void client_dial_worked(struct client_dial *dial);

/* A pause of D2 for whoever else has to wait before asking again. */
uint64_t client_dial_pause_ms(struct client_dial *dial, uint32_t pauses);

#endif
