#ifndef COORD_TESTS_CLIENT_WORLD_H
#define COORD_TESTS_CLIENT_WORLD_H

#include "fake.h"

#include <coord/client.h>

/* What tests over real sockets have around them: certificates in files, and replicas of fake.h. */
extern struct world {
    char folder[64];
    char ca[96], cert[96], key[96];
    struct fake fakes[2];
} world;

/* For cmocka. */
int world_set_up(void **state);
int world_tear_down(void **state);

void world_write_files(const struct crypto_pair *ca, const struct crypto_pair *pair);
void world_write_good_files(void);

/* Its certificate is made out for that address. */
void world_start_replica(struct fake *fake, const char *address);

/* A client with the files of the world. */
struct coord_client *world_connect(const char *endpoints, bool session, uint32_t timeout_ms);

uint64_t world_now_ms(void);

#endif
