#include "wire/health.h"

#include "wire/internal.h"

#include "grpc/health/v1/health.pb-c.h"

static const struct wire_bound request_bound = {(size_t)4 << 10, "a question for health"};

#define ANSWER_BYTES_MAX ((size_t)64)

enum cd_status wire_health_decode(struct wire_arena *arena, const void *bytes, size_t bytes_count,
                                  struct fsm_bytes *ret_service, struct cd_error *error)
{
    enum cd_status status = CD_OK;
    const Grpc__Health__V1__HealthCheckRequest *from =
        wire_unpack(arena, &grpc__health__v1__health_check_request__descriptor, bytes, bytes_count,
                    request_bound, &status, error);
    return from != NULL ? wire_text(ret_service, from->service, "service", error) : status;
}

enum cd_status wire_health_encode(struct cd_buf *buf, enum wire_health health)
{
    Grpc__Health__V1__HealthCheckResponse answer = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    answer.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)health;
    return wire_pack(buf, ANSWER_BYTES_MAX, &answer.base);
}
