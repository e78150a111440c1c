#include "commands.h"
#include "connect.h"
#include "json.h"
#include "say.h"

#include <signal.h>
#include <stdlib.h>

/* coordctl: from the command line to one command's exit code. */

static int run(const struct cli_arguments *arguments)
{
    if (arguments->command->offline) {
        return arguments->command->run(NULL, arguments);
    }
    struct coord_error error;
    struct coord_client *client = NULL;
    if (arguments->command->many_clients) {
        /* gRPC's default lets one thread wait for all connections of a process and hand on what
         * came; with this each client waits for its own, which saves a third of the CPU time. */
        (void)setenv("GRPC_POLL_STRATEGY", "poll", 0 /* what the user chose stays */);
    }
    bool session = cli_has(arguments, CLI_EPHEMERAL) || arguments->command->session;
    enum coord_code code = cli_connect(arguments, session, &client, &error);
    if (code != COORD_OK) {
        return cli_say(code == COORD_NO_MEMORY ? CLI_REFUSED : CLI_USAGE, "%s", error.message);
    }
    int exit_code = arguments->command->run(client, arguments);
    coord_client_close(client);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct cli_arguments arguments;
    char message[CLI_MESSAGE_BYTES];
    cli_json_init();
    (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of the output, as a full disk is */
    if (!cli_arguments_parse(argc, argv, cli_commands, getenv, &arguments, message)) {
        return cli_say(CLI_USAGE, "%s\nType `coordctl --help` for what there is.", message);
    }
    int code = CLI_DONE;
    if (arguments.help) {
        cli_print_help(arguments.command);
    } else {
        code = run(&arguments);
    }
    int written = cli_finish_output();
    return code != CLI_DONE ? code : written;
}
