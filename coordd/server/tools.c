#include "server/tools.h"

#include "base/assert.h"
#include "base/buf.h"
#include "wire/health.h"
#include "wire/reflection.h"

#include <stdio.h>
#include <string.h>

#define ARENA_BYTES_MAX  ((size_t)256 << 10)
#define ANSWER_BYTES_MAX (2 * WIRE_REFLECTION_BYTES_MAX)

static const char METHOD_CHECK[] = "/grpc.health.v1.Health/Check";
static const char METHOD_WATCH[] = "/grpc.health.v1.Health/Watch";
static const char METHOD_REFLECT[] = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
static const char METHOD_REFLECT_ALPHA[] =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

void server_tools_init(struct server_tools *tools, const struct server_tools_ports *ports)
{
    memset(tools, 0, sizeof(*tools));
    tools->ports = *ports;
    wire_arena_init(&tools->arena, ARENA_BYTES_MAX);
}

void server_tools_release(struct server_tools *tools)
{
    wire_arena_release(&tools->arena);
    tools->count = 0;
}

static struct server_tool *find(struct server_tools *tools, uint64_t stream)
{
    for (size_t i = 0; i < tools->count; i++) {
        if (tools->items[i].stream == stream) {
            return &tools->items[i];
        }
    }
    return NULL;
}

/* ---- Health ---- */

static bool is_service(struct fsm_bytes name)
{
    static const char *const SERVICES[] = {"", "coord.v1.Coordination", "coord.v1.Admin"};
    for (size_t i = 0; i < CD_ARRAY_COUNT(SERVICES); i++) {
        size_t bytes = strlen(SERVICES[i]);
        if (name.bytes == bytes && (bytes == 0 || memcmp(name.data, SERVICES[i], bytes) == 0)) {
            return true;
        }
    }
    return false;
}

static struct cd_blob *health_blob(const struct server_tools *tools, bool is_served)
{
    struct cd_buf buf;
    cd_buf_init(&buf, ANSWER_BYTES_MAX);
    enum wire_health health = !is_served       ? WIRE_HEALTH_SERVICE_UNKNOWN
                              : tools->serving ? WIRE_HEALTH_SERVING
                                               : WIRE_HEALTH_NOT_SERVING;
    enum cd_status status = wire_health_encode(&buf, health);
    CD_ASSERT(status == CD_OK);
    struct cd_blob *blob = cd_blob_copy(buf.data, buf.bytes);
    cd_buf_release(&buf);
    return blob;
}

static void answer_watch(struct server_tools *tools, struct server_tool *tool,
                         const struct cd_blob *frame)
{
    struct fsm_bytes service;
    struct cd_error error = {0};
    if (tool->asked) {
        tools->ports.close(tools->ports.context, tool->stream, TRANSPORT_INVALID_ARGUMENT,
                           "Watch takes one message");
        return;
    }
    tool->asked = true;
    if (wire_health_decode(&tools->arena, frame->data, frame->bytes, &service, &error) != CD_OK) {
        tools->ports.close(tools->ports.context, tool->stream, TRANSPORT_INVALID_ARGUMENT,
                           error.message);
    } else {
        tool->is_served = is_service(service);
        tools->ports.send(tools->ports.context, tool->stream, health_blob(tools, tool->is_served));
    }
    wire_arena_clear(&tools->arena);
}

void server_tools_set_serving(struct server_tools *tools, bool serving)
{
    if (tools->serving == serving) {
        return;
    }
    tools->serving = serving;
    for (size_t i = 0; i < tools->count; i++) {
        const struct server_tool *tool = &tools->items[i];
        if (tool->is_watch && tool->is_served) {
            tools->ports.send(tools->ports.context, tool->stream, health_blob(tools, true));
        }
    }
}

bool server_tools_call(struct server_tools *tools, const char *method,
                       const struct cd_blob *request, enum transport_code *ret_code,
                       struct cd_blob **ret_reply, char message[SERVER_TOOLS_MESSAGE_BYTES])
{
    struct fsm_bytes service;
    struct cd_error error = {0};
    if (strcmp(method, METHOD_CHECK) != 0) {
        return false;
    }
    *ret_reply = NULL;
    if (wire_health_decode(&tools->arena, request->data, request->bytes, &service, &error) !=
        CD_OK) {
        *ret_code = TRANSPORT_INVALID_ARGUMENT;
        (void)snprintf(message, SERVER_TOOLS_MESSAGE_BYTES, "%.200s", error.message);
    } else if (!is_service(service)) {
        *ret_code = TRANSPORT_NOT_FOUND;
        (void)snprintf(message, SERVER_TOOLS_MESSAGE_BYTES,
                       "this server has no such service; there are \"\", coord.v1.Coordination and "
                       "coord.v1.Admin");
    } else {
        *ret_code = TRANSPORT_OK;
        *ret_reply = health_blob(tools, true);
    }
    wire_arena_clear(&tools->arena);
    return true;
}

/* ---- Reflection ---- */

static void answer_reflection(struct server_tools *tools, const struct server_tool *tool,
                              const struct cd_blob *frame)
{
    struct cd_buf buf;
    struct cd_error error = {0};
    cd_buf_init(&buf, ANSWER_BYTES_MAX);
    enum cd_status status =
        wire_reflection_answer(&tools->arena, frame->data, frame->bytes, &buf, &error);
    if (status == CD_OK) {
        tools->ports.send(tools->ports.context, tool->stream, cd_blob_copy(buf.data, buf.bytes));
    } else {
        tools->ports.close(tools->ports.context, tool->stream, TRANSPORT_INVALID_ARGUMENT,
                           error.message);
    }
    cd_buf_release(&buf);
    wire_arena_clear(&tools->arena);
}

/* ---- Streams ---- */

bool server_tools_opened(struct server_tools *tools, uint64_t stream, const char *method)
{
    bool is_watch = strcmp(method, METHOD_WATCH) == 0;
    if (!is_watch && strcmp(method, METHOD_REFLECT) != 0 &&
        strcmp(method, METHOD_REFLECT_ALPHA) != 0) {
        return false;
    }
    if (tools->count == SERVER_TOOLS_MAX) {
        tools->ports.close(tools->ports.context, stream, TRANSPORT_RESOURCE_EXHAUSTED,
                           "this replica has as many streams of health and reflection open as it "
                           "may");
        return true;
    }
    tools->items[tools->count++] = (struct server_tool){.stream = stream, .is_watch = is_watch};
    return true;
}

bool server_tools_frame(struct server_tools *tools, uint64_t stream, const struct cd_blob *frame)
{
    struct server_tool *tool = find(tools, stream);
    if (tool == NULL) {
        return false;
    }
    if (tool->is_watch) {
        answer_watch(tools, tool, frame);
    } else {
        answer_reflection(tools, tool, frame);
    }
    return true;
}

/* A watch goes on without its client's half; reflection has answered all that came. */
bool server_tools_ended(struct server_tools *tools, uint64_t stream)
{
    const struct server_tool *tool = find(tools, stream);
    if (tool == NULL) {
        return false;
    }
    if (!tool->is_watch) {
        tools->ports.close(tools->ports.context, stream, TRANSPORT_OK, "");
    } else if (!tool->asked) {
        tools->ports.close(tools->ports.context, stream, TRANSPORT_INVALID_ARGUMENT,
                           "Watch takes one message");
    }
    return true;
}

bool server_tools_closed(struct server_tools *tools, uint64_t stream)
{
    struct server_tool *tool = find(tools, stream);
    if (tool == NULL) {
        return false;
    }
    *tool = tools->items[--tools->count];
    return true;
}
