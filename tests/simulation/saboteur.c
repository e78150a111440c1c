#include "simulation/saboteur.h"

#include "base/assert.h"
#include "base/memory.h"

#include "coord/v1/coord.pb-c.h"

#include <stdbool.h>
#include <string.h>

enum { SABOTEUR_CLIENTS_MAX = 64, SABOTEUR_STREAMS_FIRST = 1024 };

/* The writes of a client's session. */
struct writer {
    uint64_t session;
    uint64_t stream; /* on which its last frame left */
    uint64_t newest; /* seq, as the client numbers them */
    uint64_t shift;  /* by which the replicas are told higher ones */
};

struct saboteur {
    enum saboteur_rule rule;
    struct writer writers[SABOTEUR_CLIENTS_MAX];
    bool *welcomed; /* [stream] */
    size_t streams;
};

struct saboteur *saboteur_create(enum saboteur_rule rule)
{
    struct saboteur *saboteur = cd_calloc(1, sizeof(*saboteur));
    saboteur->rule = rule;
    return saboteur;
}

void saboteur_free(struct saboteur *saboteur)
{
    if (saboteur != NULL) {
        cd_free(saboteur->welcomed);
        cd_free(saboteur);
    }
}

static struct cd_blob *pack(const ProtobufCMessage *message)
{
    struct cd_blob *blob = cd_blob_create(protobuf_c_message_get_packed_size(message));
    protobuf_c_message_pack(message, blob->data);
    return blob;
}

/* ---- Another seq ---- */

static void repack_request(ProtobufCBinaryData *bytes, struct writer *writer, bool moved)
{
    Coord__V1__Request *request = coord__v1__request__unpack(NULL, bytes->len, bytes->data);
    CD_ASSERT(request != NULL);
    if (request->seq != 0) {
        writer->shift += moved && request->seq <= writer->newest ? 1 : 0;
        writer->newest = request->seq > writer->newest ? request->seq : writer->newest;
        request->seq += writer->shift;
        size_t count = coord__v1__request__get_packed_size(request);
        uint8_t *data = cd_malloc(count); /* freed by protobuf-c */

        coord__v1__request__pack(request, data);
        cd_free(bytes->data);
        *bytes = (ProtobufCBinaryData){.len = count, .data = data};
    }
    coord__v1__request__free_unpacked(request, NULL);
}

struct cd_blob *saboteur_from_client(struct saboteur *saboteur, uint64_t stream, uint32_t client,
                                     struct cd_blob *bytes)
{
    if (saboteur->rule != SABOTAGE_ONCE) {
        return cd_blob_ref(bytes);
    }
    struct writer *writer = &saboteur->writers[client];
    Coord__V1__ClientFrame *frame =
        coord__v1__client_frame__unpack(NULL, bytes->bytes, bytes->data);
    CD_ASSERT(client < SABOTEUR_CLIENTS_MAX && frame != NULL);
    bool opens =
        frame->hello != NULL && frame->hello->session_case == COORD__V1__HELLO__SESSION_OPEN;
    if (opens) {
        *writer = (struct writer){.stream = stream};
    }
    bool moved = stream != writer->stream && frame->n_requests > 0;
    for (size_t i = 0; i < frame->n_requests; i++) {
        repack_request(&frame->requests[i], writer, moved);
    }
    writer->stream = frame->n_requests > 0 ? stream : writer->stream;
    struct cd_blob *result = pack(&frame->base);
    coord__v1__client_frame__free_unpacked(frame, NULL);
    return result;
}

/* ---- Any frame as a confirmation ---- */

struct cd_blob *saboteur_on_arrival(struct saboteur *saboteur, uint64_t stream,
                                    const struct cd_blob *bytes)
{
    bool welcomed = stream < saboteur->streams && saboteur->welcomed[stream];
    if (saboteur->rule != SABOTAGE_R12 || !welcomed) {
        return NULL;
    }
    Coord__V1__ClientFrame *frame =
        coord__v1__client_frame__unpack(NULL, bytes->bytes, bytes->data);
    CD_ASSERT(frame != NULL);
    Coord__V1__ServerFrame answer = COORD__V1__SERVER_FRAME__INIT;
    answer.confirmed = frame->number;
    coord__v1__client_frame__free_unpacked(frame, NULL);
    return pack(&answer.base);
}

static void note_welcome(struct saboteur *saboteur, uint64_t stream)
{
    if (stream >= saboteur->streams) {
        size_t streams = saboteur->streams != 0 ? saboteur->streams : SABOTEUR_STREAMS_FIRST;
        while (stream >= streams) {
            streams *= 2;
        }
        saboteur->welcomed = cd_realloc(saboteur->welcomed, streams * sizeof(bool));
        memset(saboteur->welcomed + saboteur->streams, 0,
               (streams - saboteur->streams) * sizeof(bool));
        saboteur->streams = streams;
    }
    saboteur->welcomed[stream] = true;
}

/* ---- Replies first ---- */

/* The replies of the frame; what is left of it goes to `late`. */
static struct cd_blob *split(Coord__V1__ServerFrame *frame, struct cd_blob **late)
{
    Coord__V1__ServerFrame first = COORD__V1__SERVER_FRAME__INIT;
    Coord__V1__Item **replies = cd_calloc(frame->n_items + 1, sizeof(*replies));
    Coord__V1__Item **all = frame->items;
    size_t count = frame->n_items;
    size_t kept = 0;
    Coord__V1__Item **others = cd_calloc(frame->n_items + 1, sizeof(*others));
    for (size_t i = 0; i < count; i++) {
        if (all[i]->item_case == COORD__V1__ITEM__ITEM_REPLY) {
            replies[first.n_items++] = all[i];
        } else {
            others[kept++] = all[i];
        }
    }
    first.items = replies;
    first.welcome = frame->welcome;
    struct cd_blob *result = pack(&first.base);
    Coord__V1__Welcome *welcome = frame->welcome;
    frame->welcome = NULL;
    frame->items = others;
    frame->n_items = kept;
    *late = pack(&frame->base);
    frame->welcome = welcome;
    frame->items = all;
    frame->n_items = count;
    cd_free(replies);
    cd_free(others);
    return result;
}

struct cd_blob *saboteur_from_replica(struct saboteur *saboteur, uint64_t stream,
                                      struct cd_blob *bytes, struct cd_blob **late)
{
    if (saboteur->rule == SABOTAGE_ONCE) {
        return cd_blob_ref(bytes);
    }
    Coord__V1__ServerFrame *frame =
        coord__v1__server_frame__unpack(NULL, bytes->bytes, bytes->data);
    CD_ASSERT(frame != NULL);
    if (frame->welcome != NULL && frame->welcome->code == COORD__V1__CODE__CODE_OK) {
        note_welcome(saboteur, stream);
    }
    bool mixed = saboteur->rule == SABOTAGE_R18 && frame->n_items > 1;
    struct cd_blob *result = mixed ? split(frame, late) : cd_blob_ref(bytes);
    coord__v1__server_frame__free_unpacked(frame, NULL);
    return result;
}
