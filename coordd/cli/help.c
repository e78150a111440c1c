#include "commands.h"

#include <stdio.h>

static void print_common_options(void)
{
    (void)fputs(
        "\n"
        "options of every command, and the variables that stand in for them:\n"
        "  --endpoints HOST:PORT,...  replicas to talk to     COORD_ENDPOINTS\n"
        "  --cacert FILE              authorities, PEM        COORD_CACERT\n"
        "  --cert FILE                own certificate, PEM    COORD_CERT\n"
        "  --key FILE                 its key, PEM            COORD_KEY\n"
        "  --namespace PATH           stands for the root /   COORD_NAMESPACE\n"
        "  --timeout TIME             500ms, 2s, 1m; default 10s\n"
        "  -h, --help\n"
        "\n"
        "exit codes: 0 done; 1 refused; 2 wrong usage; 3 no replica served in time, or it\n"
        "is not known whether it was done (the message says which); 4 lock or session lost\n",
        stdout);
}

static void print_commands(const struct cli_command *commands)
{
    for (const struct cli_command *each = commands; each->name != NULL; each++) {
        (void)printf("  %-17s %-23s %s\n", each->name, each->operands, each->summary);
    }
}

void cli_print_help_of_shell(const struct cli_command *commands)
{
    print_commands(commands);
    (void)fputs("\n`help COMMAND`, or `COMMAND --help`, tells more.\n", stdout);
}

void cli_print_help(const struct cli_command *command)
{
    if (command != NULL) {
        (void)printf("usage: coordctl %s%s%s [options]\n\n%s\n%s", command->name,
                     command->operands[0] != '\0' ? " " : "", command->operands, command->summary,
                     command->help);
    } else {
        (void)fputs("usage: coordctl COMMAND [operands] [options]\n\n", stdout);
        print_commands(cli_commands);
        (void)fputs("\n`coordctl COMMAND --help` tells more. With -o json a command prints one "
                    "object, or where\n"
                    "there are many one a line.\n\n"
                    "example: coordctl create /greeting hello\n",
                    stdout);
    }
    print_common_options();
}
