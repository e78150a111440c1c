#include "base/blob.h"
#include "wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Prints what bytes cost on their way in and out; coordd/wire/README.md quotes it. Not a test:
 * build target wire_measure, run it on a quiet machine.
 */

#define ROUNDS 200000u

/* Time on the processor, so that other work on the machine counts less. */
static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void print_time(const char *what, uint64_t start, uint64_t count)
{
    printf("%-60s %8.1f ns\n", what, (double)(now_ns() - start) / (double)count);
}

static void must(enum cd_status status)
{
    if (status != CD_OK) {
        fprintf(stderr, "%s\n", cd_status_name(status));
        exit(1);
    }
}

static uint8_t some_data[100];

static struct fsm_bytes text(const char *string)
{
    return (struct fsm_bytes){(const uint8_t *)string, strlen(string)};
}

static const struct fsm_stat some_stat = {
    .czxid = 281474976710658,
    .mzxid = 281474976710659,
    .pzxid = 281474976710660,
    .ctime_ms = 1764000000000,
    .mtime_ms = 1764000000001,
    .version = 3,
    .creates = 4,
    .children_count = 1,
    .data_bytes = sizeof(some_data),
};

static struct fsm_command some_command(void)
{
    struct fsm_command command = {.origin = {1, 2, 3},
                                  .session = 281474976710657,
                                  .seq = 1000,
                                  .attach = 2,
                                  .reply_mark = 990,
                                  .op = {.kind = FSM_OP_CREATE}};
    command.op.create.path = text("/services/web/instance-0000000042");
    command.op.create.data = (struct fsm_bytes){some_data, sizeof(some_data)};
    return command;
}

/* A ClientFrame with `count` creates, put together from its parts. */
static void make_frame(struct cd_buf *frame, size_t count)
{
    static const uint8_t request_head[] = {0x08, 0x07, 0x10,
                                           0xe8, 0x07, 0x42}; /* id, seq, create */
    const char *path = "/services/web/instance-0000000042";
    uint8_t create[200];
    size_t bytes = 0;
    create[bytes++] = 0x0a;
    create[bytes++] = (uint8_t)strlen(path);
    memcpy(create + bytes, path, strlen(path));
    bytes += strlen(path);
    create[bytes++] = 0x12;
    create[bytes++] = sizeof(some_data);
    memcpy(create + bytes, some_data, sizeof(some_data));
    bytes += sizeof(some_data);
    cd_buf_put(frame, "\x08\x09", 2);
    for (size_t i = 0; i < count; i++) {
        uint8_t lengths[] = {0x1a, (uint8_t)((bytes + 8) | 0x80), 0x01};
        uint8_t inner[] = {(uint8_t)(bytes | 0x80), 0x01};
        cd_buf_put(frame, lengths, sizeof(lengths));
        cd_buf_put(frame, request_head, sizeof(request_head));
        cd_buf_put(frame, inner, sizeof(inner));
        cd_buf_put(frame, create, bytes);
    }
}

static void measure_requests(void)
{
    struct wire_arena arena;
    struct cd_buf frame;
    struct wire_client_frame seen;
    wire_arena_init(&arena, WIRE_ARENA_BYTES_MAX);
    cd_buf_init(&frame, 1 << 20);
    for (size_t creates = 1; creates <= 100; creates *= 100) {
        char what[80];
        cd_buf_clear(&frame);
        make_frame(&frame, creates);
        uint64_t start = now_ns();
        for (size_t i = 0; i < ROUNDS / creates; i++) {
            must(wire_client_frame_decode(&arena, frame.data, frame.bytes, &seen, NULL));
            if (seen.requests_count != creates || seen.requests[0].kind != WIRE_WRITE) {
                exit(1);
            }
            wire_arena_clear(&arena);
        }
        (void)snprintf(what, sizeof(what), "decode a create, %zu in a frame, hash included",
                       creates);
        print_time(what, start, ROUNDS / creates * creates);
    }
    struct fsm_command command = some_command();
    uint64_t sum = 0;
    uint64_t start = now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        sum += wire_request_hash(&command);
    }
    print_time(sum == 1 ? "" : "of it: the request's hash", start, ROUNDS);
    wire_arena_release(&arena);
    cd_buf_release(&frame);
}

static void measure_commands(void)
{
    struct wire_arena arena;
    struct cd_buf buf;
    struct fsm_command command = some_command();
    struct fsm_command seen;
    wire_arena_init(&arena, WIRE_ARENA_BYTES_MAX);
    cd_buf_init(&buf, 1 << 20);
    uint64_t start = now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        cd_buf_clear(&buf);
        must(wire_command_encode(&buf, &command));
    }
    print_time("encode the command of a create", start, ROUNDS);
    start = now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        must(wire_command_decode(&arena, buf.data, buf.bytes, &seen, NULL));
        wire_arena_clear(&arena);
    }
    print_time("decode it", start, ROUNDS);
    wire_arena_release(&arena);
    cd_buf_release(&buf);
}

static void measure_replies(void)
{
    struct cd_buf frame;
    struct wire_reply reply;
    struct fsm_outcome outcome = {.kind = FSM_OP_CREATE, .changed = true, .stat = some_stat};
    struct fsm_result result = {.kind = FSM_OP_CREATE,
                                .zxid = some_stat.czxid,
                                .failed_index = -1,
                                .outcomes = &outcome,
                                .outcomes_count = 1};
    outcome.path = text("/services/web/instance-0000000042");
    cd_buf_init(&frame, WIRE_SERVER_FRAME_BYTES_MAX);
    uint64_t start = now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        cd_buf_clear(&frame);
        wire_reply_from_result(&reply, i + 1, &result);
        must(wire_server_put_reply(&frame, &reply));
    }
    print_time("encode the reply to a create", start, ROUNDS);
    cd_buf_release(&frame);
}

static void measure_events(void)
{
    struct cd_buf head;
    struct cd_buf frame;
    uint64_t id = 12;
    cd_buf_init(&head, 1 << 16);
    cd_buf_init(&frame, WIRE_SERVER_FRAME_BYTES_MAX);
    for (size_t streams = 1; streams <= 1000; streams *= 1000) {
        char what[80];
        uint64_t start = now_ns();
        for (size_t i = 0; i < ROUNDS / streams; i++) {
            cd_buf_clear(&head);
            must(wire_event_encode(&head, i + 1, FSM_NODE_SET,
                                   text("/services/web/instance-0000000042"), &some_stat));
            struct wire_event event = {.head = {head.data, head.bytes},
                                       .data = {some_data, sizeof(some_data)}};
            for (size_t k = 0; k < streams; k++) {
                cd_buf_clear(&frame);
                must(wire_server_put_event(&frame, &event, true, false, &id, 1));
            }
        }
        (void)snprintf(what, sizeof(what), "encode an event for %zu streams, each", streams);
        print_time(what, start, ROUNDS / streams * streams);
    }
    cd_buf_release(&head);
    cd_buf_release(&frame);
}

static void measure_snapshots(void)
{
    struct cd_buf buf;
    struct wire_arena arena;
    struct wire_item item;
    struct wire_item_reader reader;
    struct wire_snapshot_cluster cluster = {.generation = 1};
    struct fsm_item node = {.kind = FSM_ITEM_NODE, .node = {.stat = some_stat}};
    node.node.path = text("/services/web/instance-0000000042");
    node.node.data = (struct fsm_bytes){some_data, sizeof(some_data)};
    cd_buf_init(&buf, (size_t)256 << 20);
    wire_arena_init(&arena, WIRE_ARENA_BYTES_MAX);
    must(wire_item_put_cluster(&buf, &cluster));
    uint64_t start = now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        must(wire_item_put(&buf, &node));
    }
    print_time("encode a snapshot's node", start, ROUNDS);
    wire_item_reader_init(&reader);
    size_t seen = 0;
    start = now_ns();
    for (size_t at = 0; at < buf.bytes; at += (size_t)256 << 10) {
        size_t left = buf.bytes - at;
        size_t piece = (size_t)256 << 10;
        wire_item_reader_put(&reader, buf.data + at, left < piece ? left : piece);
        while (wire_item_reader_next(&reader, &arena, &item, NULL) == CD_OK) {
            wire_arena_clear(&arena);
            seen++;
        }
    }
    print_time("decode it", start, ROUNDS);
    must(wire_item_reader_finish(&reader, NULL));
    if (seen != ROUNDS + 1) {
        exit(1);
    }
    wire_item_reader_release(&reader);
    wire_arena_release(&arena);
    cd_buf_release(&buf);
}

int main(void)
{
    memset(some_data, 'd', sizeof(some_data));
    measure_requests();
    measure_commands();
    measure_replies();
    measure_events();
    measure_snapshots();
    return 0;
}
