#include "commands.h"
#include "json.h"
#include "say.h"

#include <signal.h>
#include <stdlib.h>

/* coordctl: from the command line to one command's exit code. */

static enum coord_code set_options(struct coord_options *options,
                                   const struct cli_arguments *arguments, struct coord_error *error)
{
    enum coord_code code = coord_options_set_endpoints(options, arguments->endpoints, error);
    if (code == COORD_OK) {
        code = coord_options_set_tls_files(options, arguments->ca_file, arguments->cert_file,
                                           arguments->key_file, error);
    }
    if (code == COORD_OK && arguments->name_space != NULL) {
        code = coord_options_set_namespace(options, arguments->name_space, error);
    }
    if (code == COORD_OK) {
        code = coord_options_set_timeout_ms(options, arguments->timeout_ms, error);
    }
    if (code == COORD_OK && (cli_has(arguments, CLI_EPHEMERAL) || arguments->command->session)) {
        code = coord_options_set_session(options, true, 0, error);
    }
    if (code == COORD_OK) {
        code = coord_options_set_client_name(options, "coordctl/" COORD_VERSION, error);
    }
    return code;
}

static int run(const struct cli_arguments *arguments)
{
    struct coord_error error;
    struct coord_client *client = NULL;
    struct coord_options *options = coord_options_create();
    if (options == NULL) {
        return cli_say(CLI_REFUSED, "no memory");
    }
    enum coord_code code = set_options(options, arguments, &error);
    if (code == COORD_OK) {
        code = coord_client_create(options, &client, &error);
    }
    coord_options_free(options);
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
