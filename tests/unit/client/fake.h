#ifndef COORD_TESTS_CLIENT_FAKE_H
#define COORD_TESTS_CLIENT_FAKE_H

#include "transport/transport.h"
#include "unit/transport/authority.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * A replica on a real port with real TLS, which keeps nothing: it welcomes, answers sets and gets
 * with what a test wants, and Admin's calls with a canned answer. It opens session FAKE_SESSION
 * whenever asked, lets anyone go on with it, and confirms every frame; it tells a watch events as
 * soon as it is set. One thread each.
 */
enum { FAKE_SESSION = 500 };

enum fake_manner {
    FAKE_ANSWER,
    FAKE_SILENT,    /* requests and calls get no answer */
    FAKE_BREAK,     /* a stream that carries a request is ended without an answer */
    FAKE_NO_LEADER, /* requests are refused */
    FAKE_REFUSE,    /* calls are refused with PERMISSION_DENIED */
    FAKE_UNSURE,    /* answers, but confirms no frame */
};

struct fake {
    struct transport *transport;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool woken, quit; /* under lock */
    _Atomic enum fake_manner manner;
    _Atomic size_t data_bytes;   /* of what a get gives, and of an event */
    _Atomic uint32_t timeout_ms; /* of sessions [3000] */
    _Atomic size_t events;       /* that a watch is told at once, by zxids from 1 on */
    _Atomic uint64_t zxid;       /* of replies */
    _Atomic bool breaks_next;
    _Atomic size_t streams, requests, calls, closes;
    char endpoint[64]; /* "127.0.0.1:PORT" */
};

/* `pair`: its certificate. */
void fake_start(struct fake *fake, const struct crypto_pair *pair);
void fake_stop(struct fake *fake);

/* The next frame with a request ends its stream; those after it are answered. */
void fake_break_next(struct fake *fake);

/* Waits until at least that many requests, or calls, came. Fails the test after 20 s. */
void fake_wait_requests(struct fake *fake, size_t count);
void fake_wait_calls(struct fake *fake, size_t count);

#endif
