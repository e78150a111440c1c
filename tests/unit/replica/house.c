#include "house.h"

#include "base/memory.h"

#include <coord/v1/coord.pb-c.h>

#include <stdio.h>
#include <string.h>

static uint64_t house_now(void *context)
{
    return ((struct house_replica *)context)->house->now_ms;
}

static uint64_t house_wall(void *context)
{
    return 1700000000000u + house_now(context);
}

/* --- Ports --- */

static void port_peer_send(void *context, uint32_t node, struct cd_blob *frame)
{
    struct house_replica *from = context;
    struct house *house = from->house;
    from->frames++;
    if (house->mail_count == CD_ARRAY_COUNT(house->mail) || node == 0 || node > house->count) {
        return;
    }
    house->mail[house->mail_count].from = from->node;
    house->mail[house->mail_count].to = node;
    house->mail[house->mail_count].frame = cd_blob_ref(frame);
    house->mail_count++;
}

static struct house_answer *add_answer(struct house_replica *replica, uint64_t channel,
                                       enum replica_rpc_status rpc, const char *text,
                                       struct cd_blob *bytes)
{
    CD_ASSERT(replica->answers_count < HOUSE_ANSWERS_MAX);
    struct house_answer *answer = &replica->answers[replica->answers_count++];
    *answer = (struct house_answer){.channel = channel, .rpc = rpc, .bytes = cd_blob_ref(bytes)};
    snprintf(answer->text, sizeof(answer->text), "%s", text != NULL ? text : "");
    return answer;
}

static void port_stream_send(void *context, uint64_t stream, struct cd_blob *frame)
{
    (void)add_answer(context, stream, REPLICA_RPC_OK, NULL, frame);
}

static void port_stream_close(void *context, uint64_t stream, enum replica_rpc_status status,
                              const char *message)
{
    add_answer(context, stream, status, message, NULL)->is_close = true;
}

static void port_call_reply(void *context, uint64_t call, enum replica_rpc_status status,
                            const char *message, struct cd_blob *reply)
{
    add_answer(context, call, status, message, reply)->is_call = true;
}

static void port_event(void *context, const struct replica_event *event)
{
    struct house_replica *replica = context;
    if (event->kind == REPLICA_EV_NOTE) {
        replica->notes[event->note.kind]++;
    } else if (event->kind == REPLICA_EV_FATAL) {
        snprintf(replica->fatal, sizeof(replica->fatal), "%s", event->text);
    }
}

/* --- The house --- */

void house_init(struct house *house, size_t count)
{
    memset(house, 0, sizeof(*house));
    house->now_ms = 1000;
    house->count = count;
    house->limits = (struct fsm_limits)FSM_LIMITS_DEFAULT;
    house->snapshot_bytes = 64 << 20;
    house->segment_bytes = 1 << 20;
    house->alpha = 16;
    house->history_bytes = 16 << 20;
    for (size_t i = 0; i < count; i++) {
        struct house_replica *replica = &house->replicas[i];
        replica->house = house;
        replica->node = (uint32_t)i + 1;
        struct fault_disk_options options = {
            .seed = i + 1, .now_ms = house_now, .wall_ms = house_wall, .context = replica};
        replica->disk = fault_disk_create(&options);
    }
    for (size_t i = 0; i < count; i++) {
        house_start(house, i);
    }
}

void house_start(struct house *house, size_t index)
{
    struct house_replica *replica = &house->replicas[index];
    uint32_t peers[HOUSE_REPLICAS_MAX];
    size_t peers_count = 0;
    for (size_t i = 0; i < house->count; i++) {
        if (i != index) {
            peers[peers_count++] = house->replicas[i].node;
        }
    }
    static const char *const admins[] = {"admin"};
    struct replica_ports ports = {
        .context = replica,
        .peer_send = port_peer_send,
        .stream_send = port_stream_send,
        .stream_close = port_stream_close,
        .call_reply = port_call_reply,
        .event = port_event,
    };
    struct replica_options options = {
        .env = fault_disk_env(replica->disk),
        .ports = &ports,
        .node = replica->node,
        .cluster_name = "house",
        .peers = peers,
        .peers_count = peers_count,
        .admins = admins,
        .admins_count = 1,
        .limits = house->limits,
        .alpha = house->alpha,
        .heartbeat_ms = 50,
        .election_ms = 400,
        .segment_bytes = house->segment_bytes,
        .snapshot_bytes = house->snapshot_bytes,
        .history_bytes = house->history_bytes,
    };
    struct cd_error error = {0};
    enum cd_status status = replica_create(&options, &replica->replica, &error);
    if (status != CD_OK) {
        fprintf(stderr, "replica %u does not start: %s\n", replica->node, error.message);
    }
    CD_ASSERT(status == CD_OK);
}

void house_crash(struct house *house, size_t index)
{
    struct house_replica *replica = &house->replicas[index];
    fault_disk_crash(replica->disk);
    replica_free(replica->replica);
    replica->replica = NULL;
}

void house_forget_answers(struct house *house)
{
    for (size_t i = 0; i < house->count; i++) {
        struct house_replica *replica = &house->replicas[i];
        for (size_t k = 0; k < replica->answers_count; k++) {
            cd_blob_unref(replica->answers[k].bytes);
        }
        replica->answers_count = 0;
    }
}

void house_release(struct house *house)
{
    house_forget_answers(house);
    for (size_t i = 0; i < house->mail_count; i++) {
        cd_blob_unref(house->mail[i].frame);
    }
    for (size_t i = 0; i < house->count; i++) {
        struct house_replica *replica = &house->replicas[i];
        if (replica->replica != NULL) {
            house_crash(house, i);
        }
        fault_disk_free(replica->disk);
    }
}

/* One millisecond: mail, disks, turns. */
static void house_tick(struct house *house)
{
    size_t count = house->mail_count;
    for (size_t i = 0; i < count; i++) {
        struct house_replica *to = &house->replicas[house->mail[i].to - 1];
        struct house_replica *from = &house->replicas[house->mail[i].from - 1];
        struct cd_blob *frame = house->mail[i].frame;
        if (to->replica != NULL && !to->cut && !from->cut) {
            replica_on_peer_frame(to->replica, from->node, frame->data, frame->bytes);
        }
        cd_blob_unref(frame);
    }
    house->mail_count -= count;
    memmove(house->mail, house->mail + count, house->mail_count * sizeof(house->mail[0]));
    for (size_t i = 0; i < house->count; i++) {
        struct house_replica *replica = &house->replicas[i];
        if (replica->replica != NULL) {
            if (!replica->stalled) {
                fault_disk_pump(replica->disk);
            }
            replica_turn(replica->replica);
        }
    }
    house->now_ms++;
}

void house_run(struct house *house, uint64_t ms)
{
    for (uint64_t i = 0; i < ms; i++) {
        house_tick(house);
    }
}

bool house_run_until(struct house *house, uint64_t ms, bool (*test)(struct house *house))
{
    for (uint64_t i = 0; i < ms; i++) {
        if (test(house)) {
            return true;
        }
        house_tick(house);
    }
    return test(house);
}

int house_leader(struct house *house)
{
    for (size_t i = 0; i < house->count; i++) {
        struct replica_view view;
        if (house->replicas[i].replica == NULL) {
            continue;
        }
        replica_get_view(house->replicas[i].replica, &view);
        if (view.paxos.role == PAXOS_ROLE_LEADER && view.paxos.established) {
            return (int)i;
        }
    }
    return -1;
}

static const struct house_answer *find_answer(const struct house_replica *replica, uint64_t call)
{
    for (size_t i = 0; i < replica->answers_count; i++) {
        const struct house_answer *answer = &replica->answers[i];
        if (answer->is_call && answer->channel == call) {
            return answer;
        }
    }
    return NULL;
}

static const struct house_answer *call(struct house *house, size_t index,
                                       enum replica_method method, const void *bytes,
                                       size_t bytes_count)
{
    static uint64_t numbers = 0;
    uint64_t number = ++numbers;
    struct house_replica *replica = &house->replicas[index];
    replica_on_call(replica->replica, number, method, "cn:admin", bytes, bytes_count);
    for (int i = 0; i < 10000; i++) {
        const struct house_answer *answer = find_answer(replica, number);
        if (answer != NULL) {
            return answer;
        }
        house_tick(house);
    }
    return NULL;
}

void house_give_birth(struct house *house)
{
    /* At once: an Init that comes before the first record is durable waits for it. */
    const struct house_answer *answer = call(house, 0, REPLICA_METHOD_ADMIN_INIT, NULL, 0);
    CD_ASSERT(answer != NULL && answer->rpc == REPLICA_RPC_OK);
    Coord__V1__InitResponse *response =
        coord__v1__init_response__unpack(NULL, answer->bytes->bytes, answer->bytes->data);
    CD_ASSERT(response != NULL && response->code == COORD__V1__CODE__CODE_OK);
    coord__v1__init_response__free_unpacked(response, NULL);
}

static Coord__V1__CallResponse *call_with_key(struct house *house, size_t index,
                                              Coord__V1__Request *request, ProtobufCBinaryData key)
{
    Coord__V1__CallRequest message = COORD__V1__CALL_REQUEST__INIT;
    message.request = request;
    message.key = key;
    size_t bytes = coord__v1__call_request__get_packed_size(&message);
    uint8_t *packed = cd_malloc(bytes);
    coord__v1__call_request__pack(&message, packed);
    const struct house_answer *answer = call(house, index, REPLICA_METHOD_CALL, packed, bytes);
    cd_free(packed);
    if (answer == NULL || answer->bytes == NULL) {
        return NULL;
    }
    return coord__v1__call_response__unpack(NULL, answer->bytes->bytes, answer->bytes->data);
}

static Coord__V1__CallResponse *call_request(struct house *house, size_t index,
                                             Coord__V1__Request *request)
{
    return call_with_key(house, index, request, (ProtobufCBinaryData){0});
}

static ProtobufCBinaryData text(const char *string)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)string, .len = strlen(string)};
}

int house_create_once(struct house *house, size_t index, const char *path, uint8_t key)
{
    uint8_t bytes[16];
    memset(bytes, key, sizeof(bytes));
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__CreateRequest create = COORD__V1__CREATE_REQUEST__INIT;
    create.path = text(path);
    request.op_case = COORD__V1__REQUEST__OP_CREATE;
    request.create = &create;
    Coord__V1__CallResponse *response = call_with_key(
        house, index, &request, (ProtobufCBinaryData){.data = bytes, .len = sizeof(bytes)});
    int code = response != NULL && response->reply != NULL ? (int)response->reply->code : -1;
    coord__v1__call_response__free_unpacked(response, NULL);
    return code;
}

int house_create(struct house *house, size_t index, const char *path, const char *data)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__CreateRequest create = COORD__V1__CREATE_REQUEST__INIT;
    create.path = text(path);
    create.data = text(data);
    request.op_case = COORD__V1__REQUEST__OP_CREATE;
    request.create = &create;
    Coord__V1__CallResponse *response = call_request(house, index, &request);
    int code = response != NULL && response->reply != NULL ? (int)response->reply->code : -1;
    coord__v1__call_response__free_unpacked(response, NULL);
    return code;
}

int house_get(struct house *house, size_t index, const char *path, char *ret_data, size_t room)
{
    Coord__V1__Request request = COORD__V1__REQUEST__INIT;
    Coord__V1__GetRequest get = COORD__V1__GET_REQUEST__INIT;
    get.path = text(path);
    request.op_case = COORD__V1__REQUEST__OP_GET;
    request.get = &get;
    Coord__V1__CallResponse *response = call_request(house, index, &request);
    int code = response != NULL && response->reply != NULL ? (int)response->reply->code : -1;
    ret_data[0] = '\0';
    if (code == 0 && response->reply->get != NULL) {
        size_t bytes = response->reply->get->data.len;
        bytes = bytes < room - 1 ? bytes : room - 1;
        if (bytes != 0) {
            memcpy(ret_data, response->reply->get->data.data, bytes);
        }
        ret_data[bytes] = '\0';
    }
    coord__v1__call_response__free_unpacked(response, NULL);
    return code;
}
