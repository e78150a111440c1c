/*
 * planted_race: two threads use one client of libcoord at a time, as they may, and count their
 * calls in a variable of their own without a lock, which they may not. Under the thread sanitizer,
 * with the options and suppressions of the integration tests, this is reported and ends with its
 * exit code; if it were not, their silence would mean nothing.
 */

#include "coord/client.h"

#include <pthread.h>
#include <stdio.h>

enum { CALLS = 20, CALL_MS = 20 };

struct counted {
    struct coord_client *client;
    int calls; /* without a lock: this is the race */
};

static void *call_and_count(void *context)
{
    struct counted *counted = context;
    struct coord_call_options *call = coord_call_options_create();
    coord_call_options_set_timeout_ms(call, CALL_MS);
    for (int i = 0; i < CALLS; i++) {
        (void)coord_exists(counted->client, "/", call, NULL, NULL);
        counted->calls++;
    }
    coord_call_options_free(call);
    return NULL;
}

/* planted_race CA CERT KEY: nobody listens where the client looks. */
int main(int argc, char **argv)
{
    struct coord_options *options = coord_options_create();
    struct counted counted = {0};
    struct coord_error error;
    if (argc != 4 || coord_options_set_endpoints(options, "127.0.0.1:1", &error) != COORD_OK ||
        coord_options_set_tls_files(options, argv[1], argv[2], argv[3], &error) != COORD_OK ||
        coord_client_create(options, &counted.client, &error) != COORD_OK) {
        (void)fprintf(stderr, "planted_race: no client\n");
        return 2;
    }
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, call_and_count, &counted) != 0) {
            return 2;
        }
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    (void)printf("%d calls\n", counted.calls);
    coord_client_close(counted.client);
    coord_options_free(options);
    return 0;
}
