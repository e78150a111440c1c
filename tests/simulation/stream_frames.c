#include "simulation/stream_frames.h"

#include "base/memory.h"
#include "simulation/values.h"

#include "coord/v1/coord.pb-c.h"

#include <string.h>

/* ---- From a client ---- */

static bool read_request(struct stream_request *to, const ProtobufCBinaryData *bytes)
{
    Coord__V1__Request *from = coord__v1__request__unpack(NULL, bytes->len, bytes->data);
    if (from == NULL) {
        return false;
    }
    *to = (struct stream_request){.id = from->id, .seq = from->seq};
    to->asks_outcome = from->op_case == COORD__V1__REQUEST__OP_OUTCOME_OF;
    if (from->op_case == COORD__V1__REQUEST__OP_WATCH) {
        to->is_watch = true;
        to->watch = from->watch->watch_id;
        to->after = from->watch->after_zxid;
    }
    coord__v1__request__free_unpacked(from, NULL);
    return true;
}

bool stream_read_sent(struct stream_sent *sent, const void *bytes, size_t count)
{
    Coord__V1__ClientFrame *frame = coord__v1__client_frame__unpack(NULL, count, bytes);
    if (frame == NULL) {
        return false;
    }
    sent->number = frame->number;
    sent->opens =
        frame->hello != NULL && frame->hello->session_case == COORD__V1__HELLO__SESSION_OPEN;
    sent->resumes =
        frame->hello != NULL && frame->hello->session_case == COORD__V1__HELLO__SESSION_RESUME
            ? frame->hello->resume->session_id
            : 0;
    sent->count = 0;
    if (frame->n_requests > sent->capacity) {
        sent->capacity = 2 * frame->n_requests;
        sent->requests = cd_realloc(sent->requests, sent->capacity * sizeof(*sent->requests));
    }
    bool ok = true;
    for (size_t i = 0; i < frame->n_requests && ok; i++) {
        ok = read_request(&sent->requests[sent->count++], &frame->requests[i]);
    }
    coord__v1__client_frame__free_unpacked(frame, NULL);
    return ok;
}

void stream_sent_release(struct stream_sent *sent)
{
    cd_free(sent->requests);
    *sent = (struct stream_sent){0};
}

/* ---- To a client ---- */

static void show_stat(struct model_result *shown, const Coord__V1__Stat *stat)
{
    if (stat != NULL) {
        shown->exists = true;
        shown->czxid = stat->czxid;
        shown->mzxid = stat->mzxid;
        shown->version = stat->version;
    }
}

static void show_create(struct model_result *shown, const Coord__V1__CreateResult *result)
{
    show_stat(shown, result->stat);
    size_t bytes = result->path.len < MODEL_PATH_BYTES ? result->path.len : MODEL_PATH_BYTES - 1;
    if (bytes > 0) {
        memcpy(shown->path, result->path.data, bytes);
    }
}

static void show_get(struct model_result *shown, const Coord__V1__GetResult *result)
{
    show_stat(shown, result->stat);
    shown->value = value_read(result->data.data, result->data.len);
}

static void show_exists(struct model_result *shown, const Coord__V1__ExistsResult *result)
{
    show_stat(shown, result->stat);
    shown->exists = result->exists;
}

static void show_children(struct model_result *shown, const Coord__V1__ChildrenResult *result)
{
    shown->children = result->n_children;
    for (size_t i = 0; i < result->n_children; i++) {
        const ProtobufCBinaryData *name = &result->children[i]->name;
        shown->children_hash =
            model_hash_name(shown->children_hash, (const char *)name->data, name->len);
    }
}

static void show_increment(struct model_result *shown, const Coord__V1__IncrementResult *result)
{
    show_stat(shown, result->stat);
    shown->value = (uint64_t)result->value;
}

/* The last operation is what a transaction is judged by. */
static void show_txn(struct model_result *shown, const Coord__V1__TxnResult *result)
{
    shown->succeeded = result->succeeded;
    if (result->n_results == 0) {
        return;
    }
    const Coord__V1__TxnOpResult *last = result->results[result->n_results - 1];
    switch ((int)last->result_case) {
    case COORD__V1__TXN_OP_RESULT__RESULT_CREATE:
        show_create(shown, last->create);
        break;
    case COORD__V1__TXN_OP_RESULT__RESULT_SET:
        show_stat(shown, last->set->stat);
        break;
    case COORD__V1__TXN_OP_RESULT__RESULT_INCREMENT:
        show_increment(shown, last->increment);
        break;
    case COORD__V1__TXN_OP_RESULT__RESULT_GET:
        show_get(shown, last->get);
        break;
    case COORD__V1__TXN_OP_RESULT__RESULT_EXISTS:
        show_exists(shown, last->exists);
        break;
    case COORD__V1__TXN_OP_RESULT__RESULT_CHILDREN:
        show_children(shown, last->children);
        break;
    default:
        break;
    }
}

/* To a write, which may also be told by OutcomeOf. */
#define SHOW_WRITE(shown, reply, PREFIX)                                                           \
    switch ((int)(reply)->result_case) {                                                           \
    case PREFIX##_CREATE:                                                                          \
        show_create(shown, (reply)->create);                                                       \
        break;                                                                                     \
    case PREFIX##_SET:                                                                             \
        show_stat(shown, (reply)->set->stat);                                                      \
        break;                                                                                     \
    case PREFIX##_INCREMENT:                                                                       \
        show_increment(shown, (reply)->increment);                                                 \
        break;                                                                                     \
    case PREFIX##_TXN:                                                                             \
        show_txn(shown, (reply)->txn);                                                             \
        break;                                                                                     \
    default:                                                                                       \
        break;                                                                                     \
    }

static void show_outcome(struct model_result *shown, const Coord__V1__OutcomeOfResult *outcome)
{
    shown->code = (int)outcome->code;
    shown->zxid = outcome->zxid;
    SHOW_WRITE(shown, outcome, COORD__V1__OUTCOME_OF_RESULT__RESULT)
}

static void read_reply(struct model_result *shown, const Coord__V1__Reply *reply)
{
    *shown = (struct model_result){.code = (int)reply->code, .zxid = reply->zxid};
    SHOW_WRITE(shown, reply, COORD__V1__REPLY__RESULT)
    switch ((int)reply->result_case) {
    case COORD__V1__REPLY__RESULT_GET:
        show_get(shown, reply->get);
        break;
    case COORD__V1__REPLY__RESULT_EXISTS:
        show_exists(shown, reply->exists);
        break;
    case COORD__V1__REPLY__RESULT_CHILDREN:
        show_children(shown, reply->children);
        break;
    case COORD__V1__REPLY__RESULT_OUTCOME_OF:
        show_outcome(shown, reply->outcome_of);
        break;
    default:
        break;
    }
}

bool stream_read_said(struct stream_said *said, const void *bytes, size_t count)
{
    Coord__V1__ServerFrame *frame = coord__v1__server_frame__unpack(NULL, count, bytes);
    if (frame == NULL) {
        return false;
    }
    said->answers_hello = frame->welcome != NULL;
    said->welcomes = frame->welcome != NULL && frame->welcome->code == COORD__V1__CODE__CODE_OK;
    said->session = said->welcomes ? frame->welcome->session_id : 0;
    said->confirmed = frame->confirmed;
    said->complete_to = frame->complete_to;
    said->more = frame->more;
    said->count = 0;
    if (frame->n_items > said->capacity) {
        said->capacity = 2 * frame->n_items;
        said->replies = cd_realloc(said->replies, said->capacity * sizeof(*said->replies));
    }
    for (size_t i = 0; i < frame->n_items; i++) {
        const Coord__V1__Item *item = frame->items[i];
        if (item->item_case == COORD__V1__ITEM__ITEM_REPLY) {
            struct stream_reply *reply = &said->replies[said->count++];
            reply->id = item->reply->id;
            read_reply(&reply->shown, item->reply);
        }
    }
    coord__v1__server_frame__free_unpacked(frame, NULL);
    return true;
}

void stream_said_release(struct stream_said *said)
{
    cd_free(said->replies);
    *said = (struct stream_said){0};
}
