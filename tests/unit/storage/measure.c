#include "base/memory.h"
#include "base/prng.h"
#include "env/env_posix.h"
#include "storage/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Prints what a snapshot of a million nodes of 100 bytes costs the loop and the disk, and what
 * reading it back costs; coordd/storage/README.md quotes it. Not a test: build target
 * storage_measure, run it on a quiet machine. The data directory is made in the current one.
 */

enum {
    NODES = 1000000,
    NODE_BYTES_MAX = 400,
    DATA_BYTES = 100,
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* One node as a state machine may encode it: path, numbers of its stat, data as services write it.
 */
static size_t put_node(uint8_t to[NODE_BYTES_MAX], struct cd_prng *prng, uint64_t number)
{
    char path[100];
    int path_bytes = snprintf(path, sizeof(path), "/services/%s-%03" PRIu64 "/instances/%08" PRIu64,
                              number % 3 == 0 ? "billing" : "catalogue", number / 5000, number);
    uint64_t stat[8] = {number * 3,
                        number * 3 + cd_prng_below(prng, 1000),
                        UINT64_C(1764000000000) + number * 7,
                        UINT64_C(1764000000000) + number * 9,
                        cd_prng_below(prng, 20),
                        0,
                        number % 10 == 0 ? number : 0,
                        DATA_BYTES};
    char data[DATA_BYTES + 1];
    int data_bytes = snprintf(data, sizeof(data),
                              "{\"host\":\"10.%u.%u.%u\",\"port\":%u,\"id\":\"%016" PRIx64
                              "\",\"weight\":%u,\"zone\":\"eu-%u\",\"up\":true,\"v\":\"1.%u.%u\"}",
                              (unsigned)(number >> 16) & 255, (unsigned)(number >> 8) & 255,
                              (unsigned)number & 255, (unsigned)cd_prng_below(prng, 60000) + 1024,
                              cd_prng_next(prng), (unsigned)cd_prng_below(prng, 100),
                              (unsigned)cd_prng_below(prng, 3), (unsigned)cd_prng_below(prng, 9),
                              (unsigned)cd_prng_below(prng, 30));
    size_t used = (size_t)path_bytes;
    memcpy(to, path, used);
    memcpy(to + used, stat, sizeof(stat));
    used += sizeof(stat);
    memcpy(to + used, data, (size_t)data_bytes);
    return used + (size_t)data_bytes;
}

static uint8_t *make_content(size_t *ret_bytes)
{
    uint8_t *content = cd_malloc((size_t)NODES * NODE_BYTES_MAX);
    struct cd_prng prng;
    cd_prng_init(&prng, 1);
    size_t bytes = 0;
    for (uint64_t i = 0; i < NODES; i++) {
        bytes += put_node(content + bytes, &prng, i);
    }
    *ret_bytes = bytes;
    return content;
}

static void on_done(void *context, enum cd_status status, uint64_t slot)
{
    (void)slot;
    enum cd_status *to = context;
    *to = status;
}

static void expect(enum cd_status status, const char *what)
{
    if (status != CD_OK) {
        fprintf(stderr, "%s: %s\n", what, cd_status_name(status));
        exit(1);
    }
}

static double mb_per_s(size_t bytes, uint64_t ns)
{
    return (double)bytes * 1e3 / (double)ns;
}

static void measure_writing(struct env_posix *posix, struct storage_snapshots *set,
                            const uint8_t *content, size_t bytes)
{
    size_t count = bytes / STORAGE_SNAPSHOT_PUT_BYTES_MAX + 1;
    uint64_t *times = cd_calloc(count, sizeof(*times));
    uint64_t total = 0;
    enum cd_status done = CD_BUSY;
    struct storage_snapshot_meta meta = {.slot = 1, .zxid = 1, .digest = 1, .digest_version = 1};
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    expect(storage_snapshot_begin(set, &meta, on_done, &done), "begin");
    size_t n = 0;
    for (size_t at = 0; at < bytes; n++) {
        size_t part = bytes - at < STORAGE_SNAPSHOT_PUT_BYTES_MAX ? bytes - at
                                                                  : STORAGE_SNAPSHOT_PUT_BYTES_MAX;
        uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        enum cd_status status = storage_snapshot_put(set, content + at, part);
        times[n] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
        if (status == CD_BUSY) {
            n--;
            (void)env_posix_wait(posix, UINT64_MAX);
            continue;
        }
        expect(status, "put");
        total += times[n];
        at += part;
        (void)env_posix_wait(posix, 0);
    }
    expect(storage_snapshot_finish(set), "finish");
    while (done == CD_BUSY) {
        (void)env_posix_wait(posix, UINT64_MAX);
    }
    expect(done, "writing");
    uint64_t whole = clock_ns(CLOCK_MONOTONIC) - start;
    qsort(times, n, sizeof(*times), compare);
    struct storage_snapshot_info info;
    if (!storage_snapshots_at(set, 0, &info)) {
        exit(1);
    }
    printf("content          %8.1f MB, file %.1f MB, %.1f to 1\n", (double)bytes / 1e6,
           (double)info.file_bytes / 1e6, (double)bytes / (double)info.file_bytes);
    printf("put of 256 KiB   p50 %.2f ms, p99 %.2f ms, most %.2f ms on the loop's thread\n",
           (double)times[n / 2] / 1e6, (double)times[n * 99 / 100] / 1e6,
           (double)times[n - 1] / 1e6);
    printf("puts             %8.0f MB/s of content on the loop's thread\n", mb_per_s(bytes, total));
    printf("begin to done    %8.0f MB/s of content, %.0f ms\n", mb_per_s(bytes, whole),
           (double)whole / 1e6);
    cd_free(times);
}

static void measure_reading(struct storage_snapshots *set, const uint8_t *content, size_t bytes)
{
    struct storage_snapshot_reader *reader = NULL;
    uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    expect(storage_snapshot_reader_open(set, 1, &reader, NULL), "open");
    size_t at = 0;
    size_t part = 1;
    uint64_t compared = 0;
    while (part != 0) {
        const uint8_t *data;
        expect(storage_snapshot_read(reader, &data, &part, NULL), "read");
        uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        if (memcmp(data, content + at, part) != 0) {
            exit(1);
        }
        compared += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
        at += part;
    }
    uint64_t whole = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start - compared;
    storage_snapshot_reader_free(reader);
    printf("reading          %8.0f MB/s of content, checked\n", mb_per_s(bytes, whole));
}

int main(void)
{
    char dir[] = "storage-measure-XXXXXX";
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    size_t bytes = 0;
    uint8_t *content = make_content(&bytes);
    struct env_posix *posix = NULL;
    struct storage_snapshots *set = NULL;
    struct storage_snapshots_options options = {.cluster_name = "measure"};
    expect(env_posix_create(dir, &posix, NULL), "env");
    const struct env *env = env_posix_as_env(posix);
    expect(storage_snapshots_open(env, &options, &set, NULL), "open");
    measure_writing(posix, set, content, bytes);
    measure_reading(set, content, bytes);
    storage_snapshots_free(set);
    expect(env->ops->remove(env->self, "snapshot-00000000000000000001.zst"), "remove");
    env_posix_free(posix);
    char lock[64];
    snprintf(lock, sizeof(lock), "%s/%s", dir, ENV_POSIX_LOCK_NAME);
    (void)unlink(lock);
    (void)rmdir(dir);
    cd_free(content);
    return 0;
}
