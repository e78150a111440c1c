#ifndef COORD_CLI_COMMANDS_H
#define COORD_CLI_COMMANDS_H

#include "arguments.h"

/* The commands; the table ends with a row without a name. */
extern const struct cli_command cli_commands[];

/* Help on stdout: about everything, or about one command. */
void cli_print_help(const struct cli_command *command);

/* In a shell, which has commands of its own. */
void cli_print_help_of_shell(const struct cli_command *commands);

/* tree.c */
int cli_get(struct coord_client *client, const struct cli_arguments *arguments);
int cli_set(struct coord_client *client, const struct cli_arguments *arguments);
int cli_create(struct coord_client *client, const struct cli_arguments *arguments);
int cli_rm(struct coord_client *client, const struct cli_arguments *arguments);
int cli_stat(struct coord_client *client, const struct cli_arguments *arguments);
int cli_incr(struct coord_client *client, const struct cli_arguments *arguments);
int cli_count(struct coord_client *client, const struct cli_arguments *arguments);

/* steps.c: for `rm`, with CLI_STEPS */
int cli_rm_in_steps(struct coord_client *client, const struct cli_arguments *arguments);

/* list.c */
int cli_ls(struct coord_client *client, const struct cli_arguments *arguments);
int cli_tree(struct coord_client *client, const struct cli_arguments *arguments);

/* txn.c, watch.c, acl.c, sessions.c */
int cli_txn(struct coord_client *client, const struct cli_arguments *arguments);
int cli_watch(struct coord_client *client, const struct cli_arguments *arguments);
int cli_acl_get(struct coord_client *client, const struct cli_arguments *arguments);
int cli_acl_set(struct coord_client *client, const struct cli_arguments *arguments);
int cli_session_list(struct coord_client *client, const struct cli_arguments *arguments);
int cli_session_show(struct coord_client *client, const struct cli_arguments *arguments);

/* lock.c */
int cli_lock(struct coord_client *client, const struct cli_arguments *arguments);
int cli_elect(struct coord_client *client, const struct cli_arguments *arguments);

/* bench.c */
int cli_bench(struct coord_client *client, const struct cli_arguments *arguments);

/* shell.c, completion.c */
int cli_shell(struct coord_client *client, const struct cli_arguments *arguments);
int cli_completion(struct coord_client *client, const struct cli_arguments *arguments);

/* member.c, service.c */
int cli_member_join(struct coord_client *client, const struct cli_arguments *arguments);
int cli_member_list(struct coord_client *client, const struct cli_arguments *arguments);
int cli_member_watch(struct coord_client *client, const struct cli_arguments *arguments);
int cli_service_register(struct coord_client *client, const struct cli_arguments *arguments);
int cli_service_list(struct coord_client *client, const struct cli_arguments *arguments);
int cli_service_watch(struct coord_client *client, const struct cli_arguments *arguments);

/* cluster.c */
int cli_init(struct coord_client *client, const struct cli_arguments *arguments);
int cli_status(struct coord_client *client, const struct cli_arguments *arguments);
int cli_transfer(struct coord_client *client, const struct cli_arguments *arguments);

#endif
