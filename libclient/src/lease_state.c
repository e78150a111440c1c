#include "client_internal.h"

/* The client's session as its user sees it: by the clock, at any moment, from any thread. */

/* With the lock held. Whoever is told that it is lost is right: from here on it is. */
static enum coord_session_state state_now(struct coord_client *client)
{
    enum coord_session_state state =
        client_lease_view_state(&client->lease, client_driver_lease_ms());
    if (state == COORD_STATE_LOST && client->lease.state != COORD_STATE_LOST) {
        client->doomed = client->lease.id;
        client->lease.state = COORD_STATE_LOST;
        client_driver_abandon(client->driver, client->doomed);
        (void)pthread_cond_broadcast(&client->changed);
        client_state_changed(client);
    }
    return state;
}

enum coord_session_state coord_session_state(struct coord_client *client, uint64_t *ret_id)
{
    (void)pthread_mutex_lock(&client->lock);
    enum coord_session_state state = state_now(client);
    if (ret_id != NULL) {
        *ret_id = client->lease.id;
    }
    (void)pthread_mutex_unlock(&client->lock);
    return state;
}

bool coord_session_holds(struct coord_client *client, uint64_t id)
{
    (void)pthread_mutex_lock(&client->lock);
    enum coord_session_state state = state_now(client);
    bool holds = id != 0 && client->lease.id == id &&
                 (state == COORD_STATE_CONNECTED || state == COORD_STATE_SUSPECT);
    (void)pthread_mutex_unlock(&client->lock);
    return holds;
}

uint32_t coord_session_timeout_ms(struct coord_client *client)
{
    (void)pthread_mutex_lock(&client->lock);
    uint32_t timeout_ms = client->lease.timeout_ms;
    (void)pthread_mutex_unlock(&client->lock);
    return timeout_ms;
}

/* With the lock held: when the clock alone changes the state, or `until_ms`. */
static uint64_t next_look_ms(const struct coord_client *client, enum coord_session_state state,
                             uint64_t until_ms)
{
    uint64_t lease_ms = client_driver_lease_ms();
    uint64_t due_ms = lease_ms;
    if (state == COORD_STATE_CONNECTED) {
        due_ms = client->lease.suspect_ms;
    } else if (state == COORD_STATE_SUSPECT) {
        due_ms = client->lease.lost_ms;
    } else {
        return until_ms;
    }
    uint64_t look_ms = client_driver_now_ms() + (due_ms > lease_ms ? due_ms - lease_ms : 0);
    return look_ms < until_ms ? look_ms : until_ms;
}

uint64_t client_state_look_ms(struct coord_client *client, uint64_t until_ms)
{
    (void)pthread_mutex_lock(&client->lock);
    uint64_t look_ms = next_look_ms(client, state_now(client), until_ms);
    (void)pthread_mutex_unlock(&client->lock);
    return look_ms;
}

enum coord_code coord_session_wait(struct coord_client *client, uint32_t timeout_ms,
                                   enum coord_session_state *state, uint64_t *id,
                                   struct coord_error *reterr)
{
    uint64_t until_ms = client_driver_now_ms() + timeout_ms;
    enum coord_code code = COORD_OK;
    client_enter(client);
    (void)pthread_mutex_lock(&client->lock);
    enum coord_session_state found = state_now(client);
    while (found == *state && client->lease.id == *id && code == COORD_OK) {
        if (client->closing) {
            code = client_error_set(reterr, COORD_CLOSED, "the client was closed");
        } else if (client_driver_now_ms() >= until_ms) {
            code = client_error_set(reterr, COORD_TIMEOUT, "no change within %u ms",
                                    (unsigned)timeout_ms);
        } else {
            (void)client_cond_wait(&client->changed, &client->lock,
                                   next_look_ms(client, found, until_ms));
            found = state_now(client);
        }
    }
    if (code == COORD_OK) {
        *state = found;
        *id = client->lease.id;
    }
    (void)pthread_mutex_unlock(&client->lock);
    client_leave(client);
    return code;
}

enum coord_code coord_session_open(struct coord_client *client,
                                   const struct coord_call_options *call, uint64_t *ret_id,
                                   struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_WHO_AM_I};
    struct coord_result *result = NULL;
    if (!client->options->session) {
        return client_error_set(reterr, COORD_INVALID_ARGUMENT,
                                "the client has no session: see coord_options_set_session");
    }
    if (client_is_async(call)) {
        return client_carry_out(client, &op, true, call, ret_id != NULL ? &result : NULL, reterr);
    }
    enum coord_code code = client_carry_out(client, &op, true, call, &result, reterr);
    if (code == COORD_OK && ret_id != NULL) {
        *ret_id = coord_result_session(result);
    }
    coord_result_free(result);
    return code;
}

enum coord_code coord_session_close(struct coord_client *client,
                                    const struct coord_call_options *call,
                                    struct coord_error *reterr)
{
    const struct client_op op = {.kind = CLIENT_OP_CLOSE};
    enum coord_session_state state = coord_session_state(client, NULL);
    if (state == COORD_STATE_NONE || state == COORD_STATE_LOST) {
        return COORD_OK;
    }
    return client_carry_out(client, &op, false, call, NULL, reterr);
}
