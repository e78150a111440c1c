#include "cluster.h"
#include "commands.h"
#include "json.h"
#include "say.h"
#include "values.h"

#include "base/memory.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Commands on the cluster itself: each asks particular replicas. */

/* ---- Asking all at once, so that a dead replica costs its timeout only once ---- */

static void *ask(void *context)
{
    struct cli_question *question = context;
    question->code = coord_admin_status(question->client, question->endpoint, NULL,
                                        &question->status, &question->error);
    return NULL;
}

struct cli_question *cli_ask_all(struct coord_client *client, size_t *ret_count)
{
    size_t count = coord_client_endpoints_count(client);
    struct cli_question *questions = cd_calloc(count, sizeof(*questions));
    for (size_t i = 0; i < count; i++) {
        struct cli_question *question = &questions[i];
        question->client = client;
        question->endpoint = coord_client_endpoint(client, i);
        question->asked = pthread_create(&question->thread, NULL, ask, question) == 0;
        if (!question->asked) {
            (void)ask(question); /* no thread to be had: one after the other then */
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (questions[i].asked) {
            (void)pthread_join(questions[i].thread, NULL);
        }
    }
    *ret_count = count;
    return questions;
}

void cli_forget(struct cli_question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        coord_status_free(questions[i].status);
    }
    cd_free(questions);
}

static const struct cli_question *find_leader(const struct cli_question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (questions[i].status != NULL && questions[i].status->state == COORD_REPLICA_LEADER) {
            return &questions[i];
        }
    }
    return NULL;
}

const char *cli_leader_endpoint(struct coord_client *client)
{
    size_t count = 0;
    struct cli_question *questions = cli_ask_all(client, &count);
    const struct cli_question *best = find_leader(questions, count);
    for (size_t i = 0; best == NULL && i < count; i++) {
        best = questions[i].status != NULL ? &questions[i] : NULL;
    }
    const char *endpoint = best != NULL ? best->endpoint : coord_client_endpoint(client, 0);
    cli_forget(questions, count);
    return endpoint;
}

/* ---- init ---- */

#define CLUSTER_ID_TEXT_BYTES (2 * COORD_CLUSTER_ID_BYTES + 1)

static void write_cluster_id(char to[CLUSTER_ID_TEXT_BYTES],
                             const uint8_t id[COORD_CLUSTER_ID_BYTES])
{
    for (size_t i = 0; i < COORD_CLUSTER_ID_BYTES; i++) {
        (void)snprintf(to + 2 * i, 3, "%02x", id[i]);
    }
}

int cli_init(struct coord_client *client, const struct cli_arguments *arguments)
{
    struct coord_error error;
    uint8_t id[COORD_CLUSTER_ID_BYTES];
    char text[CLUSTER_ID_TEXT_BYTES];
    const char *endpoint = coord_client_endpoint(client, 0);
    if (coord_admin_init(client, NULL, NULL, id, &error) != COORD_OK) {
        return cli_say_failure(arguments->command->name, endpoint, &error);
    }
    write_cluster_id(text, id);
    if (arguments->output == CLI_JSON) {
        cli_json_print(json_pack("{ssss}", "endpoint", endpoint, "cluster_id", text));
    } else {
        (void)printf("born on %s: cluster %s\n", endpoint, text);
    }
    return CLI_DONE;
}

/* ---- status ---- */

const char *cli_replica_state_name(enum coord_replica_state state)
{
    switch (state) {
    case COORD_REPLICA_UNKNOWN:
        break;
    case COORD_REPLICA_EMPTY:
        return "empty";
    case COORD_REPLICA_LEARNER:
        return "learner";
    case COORD_REPLICA_FOLLOWER:
        return "follower";
    case COORD_REPLICA_CANDIDATE:
        return "candidate";
    case COORD_REPLICA_LEADER:
        return "leader";
    case COORD_REPLICA_FENCED:
        return "fenced";
    }
    return "unknown";
}

/* The member of that role with the lowest id above `id`; NULL: there is none. */
static const struct coord_member *next_member(const struct coord_status *status,
                                              enum coord_member_role role, uint32_t id)
{
    const struct coord_member *found = NULL;
    for (size_t i = 0; i < status->members_count; i++) {
        const struct coord_member *member = status->members[i];
        if (member->role == role && member->node_id > id &&
            (found == NULL || member->node_id < found->node_id)) {
            found = member;
        }
    }
    return found;
}

/* "1,2,3", in whatever order they became that; "-" if there is none. */
static void write_members(char *to, size_t size, const struct coord_status *status,
                          enum coord_member_role role)
{
    size_t used = 0;
    (void)snprintf(to, size, "-");
    for (const struct coord_member *member = next_member(status, role, 0);
         member != NULL && used < size; member = next_member(status, role, member->node_id)) {
        int more =
            snprintf(to + used, size - used, "%s%" PRIu32, used > 0 ? "," : "", member->node_id);
        used += more > 0 ? (size_t)more : 0;
    }
}

#define MEMBERS_TEXT_BYTES 256

static void print_row(const struct coord_status *status, const char *endpoint, int width)
{
    char voters[MEMBERS_TEXT_BYTES];
    char leader[16] = "-";
    write_members(voters, sizeof(voters), status, COORD_ROLE_VOTER);
    if (status->leader_id != 0) {
        (void)snprintf(leader, sizeof(leader), "%" PRIu32, status->leader_id);
    }
    (void)printf("%-*s  %3" PRIu32 "  %-9s  %6s  %6" PRIu64 "  %9" PRIu64 "  %9" PRIu64
                 "  %-9s  %s\n",
                 width, endpoint, status->node_id, cli_replica_state_name(status->state), leader,
                 status->ballot_round, status->chosen_slot, status->applied_slot, voters,
                 status->ready ? "yes" : "no");
}

static void print_table(const struct cli_question *questions, size_t count)
{
    int width = (int)strlen("ENDPOINT");
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(questions[i].endpoint);
        width = length > width ? length : width;
    }
    (void)printf("%-*s  %3s  %-9s  %6s  %6s  %9s  %9s  %-9s  %s\n", width, "ENDPOINT", "ID", "ROLE",
                 "LEADER", "BALLOT", "CHOSEN", "APPLIED", "VOTERS", "READY");
    for (size_t i = 0; i < count; i++) {
        if (questions[i].status != NULL) {
            print_row(questions[i].status, questions[i].endpoint, width);
        } else {
            (void)printf("%-*s    -  %s\n", width, questions[i].endpoint,
                         coord_code_name(questions[i].code));
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct coord_status *status = questions[i].status;
        for (size_t j = 0; status != NULL && j < status->alarms_count; j++) {
            (void)printf("alarm of %s: %s\n", questions[i].endpoint, status->alarms[j]);
        }
    }
}

/* Names and numbers have no spaces; nothing needs quotes. */
static void print_plain(const struct cli_question *question)
{
    const struct coord_status *status = question->status;
    char voters[MEMBERS_TEXT_BYTES];
    char learners[MEMBERS_TEXT_BYTES];
    (void)printf("endpoint=%s code=%s", question->endpoint, coord_code_name(question->code));
    if (status != NULL) {
        write_members(voters, sizeof(voters), status, COORD_ROLE_VOTER);
        write_members(learners, sizeof(learners), status, COORD_ROLE_LEARNER);
        (void)printf(" id=%" PRIu32 " role=%s leader=%" PRIu32 " ballot=%" PRIu64 " chosen=%" PRIu64
                     " applied=%" PRIu64 " zxid=0x%" PRIx64,
                     status->node_id, cli_replica_state_name(status->state), status->leader_id,
                     status->ballot_round, status->chosen_slot, status->applied_slot, status->zxid);
        (void)printf(
            " voters=%s learners=%s ready=%s nodes=%" PRIu64 " streams=%" PRIu64
            " uptime_ms=%" PRIu64 " log_bytes=%" PRIu64 " digest=%016" PRIx64 " generation=%" PRIu32
            " alarms=%zu tree_bytes=%" PRIu64 " cpu_us=%" PRIu64 " memory_bytes=%" PRIu64,
            voters, learners, status->ready ? "yes" : "no", status->nodes, status->streams,
            status->uptime_ms, status->log_bytes, status->digest, status->generation,
            status->alarms_count, status->tree_bytes, status->cpu_us, status->memory_bytes);
    }
    (void)printf("\n");
}

/* "LEADER": the name of the state, or of the role, in proto/ without its prefix. */
static json_t *json_name(const char *name)
{
    char upper[16] = "";
    for (size_t i = 0; i + 1 < sizeof(upper) && name[i] != '\0'; i++) {
        upper[i] = (char)toupper((unsigned char)name[i]);
    }
    return json_string(upper);
}

static json_t *json_of_member(const struct coord_member *member)
{
    static const char *const roles[] = {[COORD_ROLE_UNKNOWN] = "unknown",
                                        [COORD_ROLE_VOTER] = "voter",
                                        [COORD_ROLE_LEARNER] = "learner",
                                        [COORD_ROLE_OBSERVER] = "observer"};
    const char *role = (size_t)member->role < CD_ARRAY_COUNT(roles) ? roles[member->role] : NULL;
    json_t *object = json_object();
    (void)json_object_set_new(object, "node_id", cli_json_number(member->node_id));
    (void)json_object_set_new(object, "incarnation", cli_json_number(member->incarnation));
    (void)json_object_set_new(object, "role", json_name(role != NULL ? role : "unknown"));
    (void)json_object_set_new(object, "client_address", cli_json_text(member->client_address));
    (void)json_object_set_new(object, "peer_address", cli_json_text(member->peer_address));
    (void)json_object_set_new(object, "identity", cli_json_text(member->identity));
    (void)json_object_set_new(object, "chosen_slot", cli_json_number(member->chosen_slot));
    (void)json_object_set_new(object, "heard_ms_ago", cli_json_number(member->heard_ms_ago));
    return object;
}

static void put_lists(json_t *object, const struct coord_status *status)
{
    json_t *members = json_array();
    json_t *alarms = json_array();
    for (size_t i = 0; i < status->members_count; i++) {
        (void)json_array_append_new(members, json_of_member(status->members[i]));
    }
    for (size_t i = 0; i < status->alarms_count; i++) {
        (void)json_array_append_new(alarms, cli_json_text(status->alarms[i]));
    }
    (void)json_object_set_new(object, "members", members);
    (void)json_object_set_new(object, "alarms", alarms);
}

static void put_status(json_t *object, const struct coord_status *status)
{
    char cluster[CLUSTER_ID_TEXT_BYTES] = "";
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"node_id", status->node_id},
                   {"incarnation", status->incarnation},
                   {"generation", status->generation},
                   {"leader_id", status->leader_id},
                   {"ballot_round", status->ballot_round},
                   {"chosen_slot", status->chosen_slot},
                   {"applied_slot", status->applied_slot},
                   {"zxid", status->zxid},
                   {"nodes", status->nodes},
                   {"sessions", status->sessions},
                   {"watches", status->watches},
                   {"streams", status->streams},
                   {"uptime_ms", status->uptime_ms},
                   {"log_bytes", status->log_bytes},
                   {"disk_free_bytes", status->disk_free_bytes},
                   {"tree_bytes", status->tree_bytes},
                   {"cpu_us", status->cpu_us},
                   {"memory_bytes", status->memory_bytes},
                   {"digest", status->digest}};
    if (status->born) {
        write_cluster_id(cluster, status->cluster_id);
    }
    (void)json_object_set_new(object, "server", cli_json_text(status->server));
    (void)json_object_set_new(object, "cluster_id", json_string(cluster));
    (void)json_object_set_new(object, "state", json_name(cli_replica_state_name(status->state)));
    (void)json_object_set_new(object, "ready", json_boolean(status->ready));
    for (size_t i = 0; i < CD_ARRAY_COUNT(numbers); i++) {
        (void)json_object_set_new(object, numbers[i].name, cli_json_number(numbers[i].value));
    }
    put_lists(object, status);
}

static void print_json(const struct cli_question *question)
{
    json_t *object = json_object();
    (void)json_object_set_new(object, "endpoint", json_string(question->endpoint));
    (void)json_object_set_new(object, "code", json_string(coord_code_name(question->code)));
    if (question->status != NULL) {
        put_status(object, question->status);
    } else {
        (void)json_object_set_new(object, "message", cli_json_text(question->error.message));
    }
    cli_json_print(object);
}

int cli_status(struct coord_client *client, const struct cli_arguments *arguments)
{
    size_t count = 0;
    int worst = CLI_DONE;
    struct cli_question *questions = cli_ask_all(client, &count);
    if (arguments->output == CLI_TABLE) {
        print_table(questions, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (arguments->output == CLI_PLAIN) {
            print_plain(&questions[i]);
        } else if (arguments->output == CLI_JSON) {
            print_json(&questions[i]);
        }
        if (questions[i].code != COORD_OK) {
            int code = cli_say_failure("status", questions[i].endpoint, &questions[i].error);
            worst = code > worst ? code : worst;
        }
    }
    cli_forget(questions, count);
    return worst;
}

/* ---- transfer ---- */

/* Why nobody could be asked. Returns the exit code. */
static int say_no_leader(const struct cli_question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct coord_status *status = questions[i].status;
        if (status != NULL && status->leader_id != 0) {
            return cli_say(CLI_USAGE,
                           "transfer: %s says that replica %" PRIu32
                           " leads, which is none of the endpoints: add its own to --endpoints",
                           questions[i].endpoint, status->leader_id);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (questions[i].code != COORD_OK) {
            return cli_say_failure("transfer", questions[i].endpoint, &questions[i].error);
        }
    }
    return cli_say(CLI_UNREACHABLE, "transfer: no endpoint knows a leader; try again, or look at "
                                    "`coordctl status`");
}

int cli_transfer(struct coord_client *client, const struct cli_arguments *arguments)
{
    size_t count = 0;
    uint64_t wanted = 0;
    uint32_t leader = 0;
    struct coord_error error;
    if (arguments->operands_count == 1 &&
        (!cli_number_parse(arguments->operands[0], UINT32_MAX, &wanted) || wanted == 0)) {
        return cli_say(CLI_USAGE, "transfer %s: give the id of a replica, a number from 1 on",
                       arguments->operands[0]);
    }
    struct cli_question *questions = cli_ask_all(client, &count);
    const struct cli_question *leading = find_leader(questions, count);
    int code = CLI_DONE;
    if (leading == NULL) {
        code = say_no_leader(questions, count);
    } else if (coord_admin_transfer(client, leading->endpoint, (uint32_t)wanted, NULL, &leader,
                                    &error) != COORD_OK) {
        code = cli_say_failure("transfer", leading->endpoint, &error);
    } else if (arguments->output == CLI_JSON) {
        cli_json_print(json_pack("{sI}", "leader_id", (json_int_t)leader));
    } else {
        (void)printf("replica %" PRIu32 " leads\n", leader);
    }
    cli_forget(questions, count);
    return code;
}
