#include "commands.h"

#include <stdio.h>

const struct cli_command cli_commands[] = {
    {
        .name = "init",
        .operands = "",
        .summary = "give birth to a cluster on the first endpoint",
        .help = "Once in a cluster's life, on one empty replica. The other empty replicas join by\n"
                "themselves. Needs an administrator's certificate. Refused if the replica holds a\n"
                "cluster already.\n"
                "\n"
                "example: coordctl --endpoints coord-1.example:7420 init\n",
        .run = cli_init,
    },
    {
        .name = "status",
        .operands = "",
        .summary = "ask every endpoint what it knows of itself and the cluster",
        .help =
            "One row for each endpoint. Needs an administrator's certificate. The exit code is\n"
            "that of the endpoint that fared worst.\n"
            "  -o, --output table|plain  plain: one line of key=value for each endpoint\n"
            "\n"
            "example: coordctl status -o plain\n",
        .takes = CLI_OUTPUT,
        .run = cli_status,
    },
    {
        .name = "transfer",
        .operands = "[ID]",
        .summary = "hand leadership to another replica that votes",
        .help =
            "To replica ID, or without it to the one that is closest. The leader must be among\n"
            "the endpoints. Needs an administrator's certificate.\n"
            "\n"
            "example: coordctl transfer 2\n",
        .operands_max = 1,
        .run = cli_transfer,
    },
    {
        .name = "ls",
        .operands = "PATH",
        .summary = "print the names of a node's children, one a line",
        .help = "In byte order.\n"
                "  --level LEVEL   linearizable (default), or session: from the replica at hand\n"
                "\n"
                "example: coordctl ls /\n",
        .takes = CLI_LEVEL,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_ls,
    },
    {
        .name = "get",
        .operands = "PATH",
        .summary = "print a node's data, its bytes alone",
        .help = "  --level LEVEL   linearizable (default), or session: from the replica at hand\n"
                "\n"
                "example: coordctl get /config/color\n",
        .takes = CLI_LEVEL,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_get,
    },
    {
        .name = "set",
        .operands = "PATH DATA|-",
        .summary = "set a node's data; - takes it from standard input",
        .help = "  --version N   only if the node's data has version N\n"
                "\n"
                "example: coordctl set /config/color green --version 0\n",
        .takes = CLI_VERSION,
        .operands_min = 2,
        .operands_max = 2,
        .run = cli_set,
    },
    {
        .name = "create",
        .operands = "PATH [DATA|-]",
        .summary = "create a node; - takes its data from standard input",
        .help = "  --parents      create missing parents too\n"
                "  --sequential   append a number to PATH, and print the path created\n"
                "  --if-absent    succeed if the node exists; it stays as it is\n"
                "\n"
                "example: coordctl create --parents /config/color blue\n",
        .takes = CLI_PARENTS | CLI_SEQUENTIAL | CLI_IF_ABSENT,
        .operands_min = 1,
        .operands_max = 2,
        .run = cli_create,
    },
    {
        .name = "rm",
        .operands = "PATH",
        .summary = "delete a node",
        .help = "  --recursive    with all that is below it, in one step\n"
                "  --version N    only if the node's data has version N\n"
                "\n"
                "example: coordctl rm --recursive /config\n",
        .takes = CLI_RECURSIVE | CLI_VERSION,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_rm,
    },
    {
        .name = "stat",
        .operands = "PATH",
        .summary = "print what is known about a node besides its data",
        .help = "One \"name = value\" a line, with ZooKeeper's names.\n"
                "  --level LEVEL   linearizable (default), or session: from the replica at hand\n"
                "\n"
                "example: coordctl stat /config/color\n",
        .takes = CLI_LEVEL,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_stat,
    },
    {.name = NULL},
};

static void print_common_options(void)
{
    (void)fputs("\n"
                "options of every command, and the variables that stand in for them:\n"
                "  --endpoints HOST:PORT,...  replicas to talk to     COORD_ENDPOINTS\n"
                "  --cacert FILE              authorities, PEM        COORD_CACERT\n"
                "  --cert FILE                own certificate, PEM    COORD_CERT\n"
                "  --key FILE                 its key, PEM            COORD_KEY\n"
                "  --timeout TIME             500ms, 2s, 1m; default 10s\n"
                "  -h, --help\n"
                "\n"
                "exit codes: 0 done; 1 refused; 2 wrong usage; 3 no replica served in time, or it\n"
                "is not known whether it was done (the message says which)\n",
                stdout);
}

void cli_print_help(const struct cli_command *command)
{
    if (command != NULL) {
        (void)printf("usage: coordctl %s%s%s [options]\n\n%s\n%s", command->name,
                     command->operands[0] != '\0' ? " " : "", command->operands, command->summary,
                     command->help);
    } else {
        (void)fputs("usage: coordctl COMMAND [operands] [options]\n\n", stdout);
        for (const struct cli_command *each = cli_commands; each->name != NULL; each++) {
            (void)printf("  %-8s %-14s %s\n", each->name, each->operands, each->summary);
        }
        (void)fputs("\n`coordctl COMMAND --help` tells more.\n\n"
                    "example: coordctl create /greeting hello\n",
                    stdout);
    }
    print_common_options();
}
