#include "cluster.h"
#include "commands.h"
#include "json.h"
#include "say.h"
#include "text.h"
#include "values.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * session list and session show. The leader is asked if it is among the endpoints: it alone knows
 * which replica serves a session and since when.
 */

/* ---- One session ---- */

static json_t *json_of(const struct coord_session_info *info)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "session_id", cli_json_number(info->session_id));
    (void)json_object_set_new(object, "identity", cli_json_text(info->identity));
    (void)json_object_set_new(object, "timeout_ms", cli_json_number(info->timeout_ms));
    (void)json_object_set_new(object, "attach", cli_json_number(info->attach));
    (void)json_object_set_new(object, "last_seq", cli_json_number(info->last_seq));
    (void)json_object_set_new(object, "ephemerals", cli_json_number(info->ephemerals));
    (void)json_object_set_new(object, "kept_reply_bytes", cli_json_number(info->kept_reply_bytes));
    (void)json_object_set_new(object, "replica_id", cli_json_number(info->replica_id));
    (void)json_object_set_new(object, "renewed_ms_ago", cli_json_number(info->renewed_ms_ago));
    return object;
}

static void print_row(const struct coord_session_info *info)
{
    char replica[16] = "-";
    char renewed[24] = "-";
    if (info->replica_id != 0) {
        (void)snprintf(replica, sizeof(replica), "%" PRIu32, info->replica_id);
        (void)snprintf(renewed, sizeof(renewed), "%" PRIu64, info->renewed_ms_ago);
    }
    (void)printf("0x%-16" PRIx64 "  %7" PRIu32 "  %10" PRIu64 "  %8" PRIu64 "  %7s  %10s  %s\n",
                 info->session_id, info->timeout_ms, info->ephemerals, info->last_seq, replica,
                 renewed, info->identity);
}

static void print_header(void)
{
    (void)printf("%-18s  %7s  %10s  %8s  %7s  %10s  %s\n", "SESSION", "TIMEOUT", "EPHEMERALS",
                 "LAST_SEQ", "REPLICA", "RENEWED_MS", "IDENTITY");
}

/* The identity stands last: it alone may hold spaces. */
static void print_plain(const struct coord_session_info *info)
{
    (void)printf("session_id=0x%" PRIx64 " timeout_ms=%" PRIu32 " attach=%" PRIu64
                 " last_seq=%" PRIu64 " ephemerals=%" PRIu64 " kept_reply_bytes=%" PRIu64
                 " replica_id=%" PRIu32 " renewed_ms_ago=%" PRIu64 " identity=%s\n",
                 info->session_id, info->timeout_ms, info->attach, info->last_seq, info->ephemerals,
                 info->kept_reply_bytes, info->replica_id, info->renewed_ms_ago, info->identity);
}

static void print_session(const struct cli_arguments *arguments,
                          const struct coord_session_info *info)
{
    switch (arguments->output) {
    case CLI_JSON:
        cli_json_print(json_of(info));
        break;
    case CLI_PLAIN:
        print_plain(info);
        break;
    case CLI_TABLE:
        print_row(info);
        break;
    }
}

/* ---- session list ---- */

int cli_session_list(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_sessions *page = NULL;
    const char *endpoint = cli_leader_endpoint(client);
    bool more = true;
    while (more) {
        struct coord_sessions *next = NULL;
        if (coord_admin_sessions(client, endpoint, 0, 0, page, NULL, &next, &error) != COORD_OK) {
            coord_sessions_free(page);
            return cli_say_failure(arguments->command->name, endpoint, &error);
        }
        if (page == NULL && arguments->output == CLI_TABLE) {
            print_header();
        }
        coord_sessions_free(page);
        page = next;
        for (size_t i = 0; i < page->sessions_count; i++) {
            print_session(arguments, page->sessions[i]);
        }
        more = page->more;
    }
    coord_sessions_free(page);
    return CLI_DONE;
}

/* ---- session show ---- */

/* Paths of its ephemeral nodes: into `paths`, or one a line if that is NULL. */
static enum coord_code ephemerals(struct coord_client *client, uint64_t session, json_t *paths,
                                  struct coord_error *error)
{
    struct coord_result *page = NULL;
    enum coord_code code = coord_ephemerals(client, session, NULL, 0, NULL, NULL, &page, error);
    while (code == COORD_OK) {
        struct coord_result *next = NULL;
        for (size_t i = 0; i < coord_result_nodes_count(page); i++) {
            const char *path = coord_result_node_path(page, i);
            if (paths != NULL) {
                (void)json_array_append_new(paths, cli_json_text(path));
            } else {
                (void)printf("ephemeral = %s\n", path);
            }
        }
        if (!coord_result_more(page)) {
            break;
        }
        code = coord_ephemerals(client, session, NULL, 0, page, NULL, &next, error);
        if (code == COORD_OK) {
            coord_result_free(page);
            page = next;
        }
    }
    coord_result_free(page);
    return code;
}

static void print_lines(const struct coord_session_info *info)
{
    (void)printf("session_id = 0x%" PRIx64 "\n", info->session_id);
    (void)printf("identity = %s\n", info->identity);
    (void)printf("timeout_ms = %" PRIu32 "\n", info->timeout_ms);
    (void)printf("attach = %" PRIu64 "\n", info->attach);
    (void)printf("last_seq = %" PRIu64 "\n", info->last_seq);
    (void)printf("kept_reply_bytes = %" PRIu64 "\n", info->kept_reply_bytes);
    if (info->replica_id != 0) {
        (void)printf("replica_id = %" PRIu32 "\n", info->replica_id);
        (void)printf("renewed_ms_ago = %" PRIu64 "\n", info->renewed_ms_ago);
    }
    (void)printf("ephemerals = %" PRIu64 "\n", info->ephemerals);
}

static int show(struct coord_client *client, const struct cli_arguments *arguments,
                const struct coord_session_info *info)
{
    struct coord_error error;
    json_t *object = NULL;
    json_t *paths = NULL;
    if (arguments->output == CLI_JSON) {
        object = json_of(info);
        paths = json_array();
        (void)json_object_set_new(object, "paths", paths);
    } else {
        print_lines(info);
    }
    if (ephemerals(client, info->session_id, paths, &error) != COORD_OK) {
        json_decref(object);
        return cli_failed(arguments, &error);
    }
    if (object != NULL) {
        cli_json_print(object);
    }
    return CLI_DONE;
}

int cli_session_show(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_sessions *found = NULL;
    uint64_t session = 0;
    if (!cli_number_parse(arguments->operands[0], UINT64_MAX, &session) || session == 0) {
        return cli_say(CLI_USAGE, "session show %s: give a session's id, such as 0x1000000000001",
                       arguments->operands[0]);
    }
    const char *endpoint = cli_leader_endpoint(client);
    if (coord_admin_sessions(client, endpoint, session, 1, NULL, NULL, &found, &error) !=
        COORD_OK) {
        return cli_say_failure(arguments->command->name, endpoint, &error);
    }
    int code = found->sessions_count > 0
                   ? show(client, arguments, found->sessions[0])
                   : cli_say(CLI_REFUSED, "session show %s: there is no such session",
                             arguments->operands[0]);
    coord_sessions_free(found);
    return code;
}
