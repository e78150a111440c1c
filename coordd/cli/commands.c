#include "commands.h"

const struct cli_command cli_commands[] = {
    {
        .name = "init",
        .operands = "",
        .summary = "give birth to a cluster on the first endpoint",
        .help = "Once in a cluster's life, on one empty replica. The other empty replicas join by\n"
                "themselves. Needs an administrator's certificate. Refused if the replica holds a\n"
                "cluster already.\n"
                "  -o, --output plain|json   json: endpoint and cluster_id\n"
                "\n"
                "example: coordctl --endpoints coord-1.example:7420 init\n",
        .outputs = CLI_PLAIN | CLI_JSON,
        .run = cli_init,
    },
    {
        .name = "status",
        .operands = "",
        .summary = "ask every endpoint what it knows of itself and the cluster",
        .help =
            "One row for each endpoint. Needs an administrator's certificate. The exit code is\n"
            "that of the endpoint that fared worst.\n"
            "  -o, --output table|plain|json   plain: one line of key=value for each endpoint; "
            "json:\n"
            "                            an object for each endpoint\n"
            "\n"
            "example: coordctl status -o plain\n",
        .outputs = CLI_TABLE | CLI_PLAIN | CLI_JSON,
        .run = cli_status,
    },
    {
        .name = "transfer",
        .operands = "[ID]",
        .summary = "hand leadership to another replica that votes",
        .help =
            "To replica ID, or without it to the one that is closest. The leader must be among\n"
            "the endpoints. Needs an administrator's certificate.\n"
            "  -o, --output plain|json   json: leader_id\n"
            "\n"
            "example: coordctl transfer 2\n",
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_max = 1,
        .run = cli_transfer,
    },
    {
        .name = "ls",
        .operands = "PATH",
        .summary = "print the names of a node's children, one a line",
        .help = "In byte order. All lines show one state of the tree.\n"
                "  -R, --recursive           the node and all below it, by their paths\n"
                "  --limit N                 N lines at most\n"
                "  --level LEVEL             linearizable (default), or session: from the replica "
                "at hand\n"
                "  -o, --output plain|json   json: an object with the stat for each line\n"
                "\n"
                "example: coordctl ls /config\n"
                "example: coordctl ls -R / --limit 100\n",
        .takes = CLI_LEVEL | CLI_RECURSIVE | CLI_LIMIT,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_ls,
    },
    {
        .name = "tree",
        .operands = "PATH",
        .summary = "print a node and all below it, indented",
        .help =
            "By their names, each two spaces further in than its parent. All lines show one "
            "state.\n"
            "  --limit N                 N lines at most\n"
            "  --level LEVEL             linearizable (default), or session: from the replica "
            "at hand\n"
            "  -o, --output plain|json   json: an object with the stat for each node, as of ls -R\n"
            "\n"
            "example: coordctl tree /config\n",
        .takes = CLI_LEVEL | CLI_LIMIT,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_tree,
    },
    {
        .name = "count",
        .operands = "PATH",
        .summary = "print how many nodes are below a node",
        .help = "The node itself is not counted.\n"
                "  --level LEVEL             linearizable (default), or session: from the replica "
                "at hand\n"
                "  -o, --output plain|json   json: count\n"
                "\n"
                "example: coordctl count /\n",
        .takes = CLI_LEVEL,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_count,
    },
    {
        .name = "get",
        .operands = "PATH",
        .summary = "print a node's data, its bytes alone",
        .help = "  --level LEVEL             linearizable (default), or session: from the replica "
                "at hand\n"
                "  -o, --output plain|json   json: data (or data64, if it is no UTF-8) and stat\n"
                "\n"
                "example: coordctl get /config/color\n",
        .takes = CLI_LEVEL,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_get,
    },
    {
        .name = "stat",
        .operands = "PATH",
        .summary = "print what is known about a node besides its data",
        .help = "One \"name = value\" a line, with ZooKeeper's names.\n"
                "  --level LEVEL             linearizable (default), or session: from the replica "
                "at hand\n"
                "  -o, --output plain|json   json: one object\n"
                "\n"
                "example: coordctl stat /config/color\n",
        .takes = CLI_LEVEL,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_stat,
    },
    {
        .name = "set",
        .operands = "PATH DATA|-",
        .summary = "set a node's data; - takes it from standard input",
        .help = "  --version N               only if the node's data has version N\n"
                "  -o, --output plain|json   json: the stat\n"
                "\n"
                "example: coordctl set /config/color green --version 0\n",
        .takes = CLI_VERSION,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 2,
        .operands_max = 2,
        .run = cli_set,
    },
    {
        .name = "incr",
        .operands = "PATH [DELTA]",
        .summary = "add to the number that is a node's data; print the sum",
        .help = "DELTA is 1 if none is given; a negative one goes behind --.\n"
                "  --create                  a node that is not there is made, with DELTA as its "
                "number\n"
                "  --version N               only if the node's data has version N\n"
                "  -o, --output plain|json   json: value and stat\n"
                "\n"
                "example: coordctl incr --create /hits 5\n"
                "example: coordctl incr /hits -- -2\n",
        .takes = CLI_CREATE | CLI_VERSION,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 2,
        .run = cli_incr,
    },
    {
        .name = "create",
        .operands = "PATH [DATA|-]",
        .summary = "create a node; - takes its data from standard input",
        .help = "  --parents                 create missing parents too\n"
                "  --sequential              append a number to PATH, and print the path created\n"
                "  --if-absent               succeed if the node exists; it stays as it is\n"
                "  --container               the node goes some time after its last child went\n"
                "  --ttl MS                  the node goes when it has no children and was not set "
                "for so\n"
                "                            many milliseconds; or with a unit: 90s, 24h\n"
                "  --ephemeral               the node goes with its session. That is this call's "
                "own, which\n"
                "                            prints the path, keeps the session, and waits; at "
                "Ctrl-C or at\n"
                "                            the end of standard input it closes the session and "
                "ends (with\n"
                "                            DATA from -, at Ctrl-C alone). If the session is lost "
                "it says\n"
                "                            so and ends with 1.\n"
                "  -o, --output plain|json   json: path, created and stat, in any case\n"
                "\n"
                "example: coordctl create --parents /config/color blue\n"
                "example: coordctl create --ephemeral /config/here < /dev/null\n",
        .takes =
            CLI_PARENTS | CLI_SEQUENTIAL | CLI_IF_ABSENT | CLI_CONTAINER | CLI_TTL | CLI_EPHEMERAL,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 2,
        .run = cli_create,
    },
    {
        .name = "rm",
        .operands = "PATH",
        .summary = "delete a node",
        .help =
            "  -r, --recursive           with all that is below it, in one step, or not at all\n"
            "  --steps                   with -r: in several steps, if that is more than the "
            "cluster\n"
            "                            does in one; each is atomic, all together are not\n"
            "  --version N               only if the node's data has version N\n"
            "  -o, --output plain|json   json: deleted, the number of nodes\n"
            "\n"
            "example: coordctl rm -r /config\n"
            "example: coordctl rm -r --steps /config\n",
        .takes = CLI_RECURSIVE | CLI_VERSION | CLI_STEPS,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_rm,
    },
    {
        .name = "watch",
        .operands = "PATH",
        .summary = "print every change of a node, one a line, until Ctrl-C",
        .help =
            "Changes come in the order of their zxids, each once, on whichever replica; the watch\n"
            "goes on at another one by itself. Lines of other kinds: set (every change after this\n"
            "zxid is told), bookmark (every change up to this zxid was told), resync (changes in\n"
            "between are no longer known: read what is there), lagged (changes that were left out\n"
            "are sent again; nothing is missing).\n"
            "  -r, --recursive           the node and all below it\n"
            "  --from ZXID               all changes after this zxid, such as that of the last "
            "line of\n"
            "                            an earlier watch\n"
            "  --values                  the data too, and of a change the data before\n"
            "  --count N                 end after N changes\n"
            "  -o, --output plain|json   json: an object a line; `kind` says what it is\n"
            "\n"
            "example: coordctl watch -r /config --count 1\n",
        .takes = CLI_RECURSIVE | CLI_FROM | CLI_VALUES | CLI_COUNT,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_watch,
    },
    {
        .name = "txn",
        .operands = "[LINE...]",
        .summary = "carry out several operations at once, or none",
        .help = "Each operand is a line; without one they come from standard input. First "
                "compares, then\n"
                "a line \"then\" and operations, then if wanted a line \"else\" and other "
                "operations. If all\n"
                "compares hold, those of \"then\" are carried out, else those of \"else\"; without "
                "an \"else\"\n"
                "it is refused. If an operation is refused, none of them is carried out.\n"
                "\n"
                "compares:    exists PATH | missing PATH\n"
                "             version|cversion|aversion|czxid|mzxid|pzxid|num_children PATH "
                "==|!=|<|> N\n"
                "             owner PATH ==|!= SESSION     value PATH ==|!= DATA\n"
                "             held PATH ==|!= FENCE\n"
                "operations:  create [--parents] [--sequential] [--if-absent] [--container] [--ttl "
                "MS]\n"
                "                    PATH [DATA]\n"
                "             set [--version N] PATH DATA  rm [-r] [--version N] PATH\n"
                "             incr [--create] [--version N] PATH [DELTA]\n"
                "             check [--version N] PATH     get PATH     exists PATH     ls PATH\n"
                "             acl [--version N] PATH ENTRY...|inherit|none\n"
                "\n"
                "Words stand between spaces, or in double quotes with \\\" \\\\ \\n \\t \\r and "
                "\\xHH. A line that\n"
                "begins with # says nothing. Printed is which branch it was, and a line for each "
                "operation.\n"
                "  -o, --output plain|json   json: one object\n"
                "\n"
                "example: coordctl txn 'version /config/color == 0' then 'set /config/color \"dark "
                "red\"' \\\n"
                "             'incr --create /changes' else 'get /config/color'\n"
                "example: printf 'missing /lock\\nthen\\ncreate /lock me\\n' | coordctl txn\n",
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_max = CLI_OPERANDS_ANY,
        .run = cli_txn,
    },
    {
        .name = "acl get",
        .operands = "PATH",
        .summary = "print who may do what with a node",
        .help = "  --level LEVEL             linearizable (default), or session: from the replica "
                "at hand\n"
                "  -o, --output plain|json   json: one object\n"
                "\n"
                "Shown is what holds at the node, and the node that it comes from: itself, or the "
                "nearest\n"
                "above it that has entries of its own.\n"
                "\n"
                "example: coordctl acl get /config\n",
        .takes = CLI_LEVEL,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_acl_get,
    },
    {
        .name = "acl set",
        .operands = "PATH ENTRY...|inherit|none",
        .summary = "say who may do what with a node",
        .help =
            "An entry is SCHEME:ID:PERMISSIONS, with a scheme of uri, dns, cn or role, or anyone:\n"
            "PERMISSIONS for every valid certificate. Permissions: r read, w write, c create and "
            "d\n"
            "delete children, a set these entries. Several entries add up. They hold for all below "
            "the\n"
            "node that has none of its own. inherit: what holds above the node holds for it "
            "again.\n"
            "none: administrators alone.\n"
            "  --version N               only if the entries have version N (stat: aversion)\n"
            "  -o, --output plain|json   json: the stat\n"
            "\n"
            "example: coordctl acl set /config cn:client:rwcda anyone:r\n",
        .takes = CLI_VERSION,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 2,
        .operands_max = CLI_OPERANDS_ANY,
        .run = cli_acl_set,
    },
    {
        .name = "lock",
        .operands = "PATH -- CMD [ARG...]",
        .summary = "run a program while holding a lock",
        .help =
            "Waits for its turn in the queue below PATH, runs CMD, and gives the lock back; the\n"
            "exit code is that of CMD. CMD has COORD_FENCE, a number that only grows from one\n"
            "holder to the next, and COORD_LOCK, its node.\n"
            "\n"
            "When no replica has confirmed the lock for half of the session's timeout, CMD and\n"
            "its process group get SIGTERM; if that lasts, SIGKILL, before anybody else can\n"
            "have the lock. The exit code is 4 then. What was stopped (SIGSTOP, a suspended\n"
            "machine) may wake up later than that and do one more step: let what it writes to\n"
            "check the fence. Where coordctl itself is killed, CMD is killed with it.\n"
            "  --wait TIME  give up after that (0: at once); default: wait for ever\n"
            "\n"
            "example: coordctl lock /locks/nightly -- echo done\n",
        .takes = CLI_WAIT,
        .operands_min = 2,
        .operands_max = CLI_OPERANDS_ANY,
        .session = true,
        .run = cli_lock,
    },
    {
        .name = "elect",
        .operands = "PATH -- CMD [ARG...]",
        .summary = "run a program while holding an office",
        .help =
            "Stands for the office at PATH, and runs CMD once elected; all else is as with lock.\n"
            "Observers of the office see the name of this machine.\n"
            "  --wait TIME  give up after that (0: at once); default: wait for ever\n"
            "\n"
            "example: coordctl elect /offices/reporter --wait 30s -- echo elected\n",
        .takes = CLI_WAIT,
        .operands_min = 2,
        .operands_max = CLI_OPERANDS_ANY,
        .session = true,
        .run = cli_elect,
    },
    {
        .name = "session list",
        .operands = "",
        .summary = "print the sessions of the cluster",
        .help =
            "Needs an administrator's certificate. The replica that serves a session and the time\n"
            "since it was renewed are what the leader knows, if it is among the endpoints.\n"
            "  -o, --output table|plain|json   plain: one line of key=value; json: an object a "
            "line\n"
            "\n"
            "example: coordctl session list\n",
        .outputs = CLI_TABLE | CLI_PLAIN | CLI_JSON,
        .run = cli_session_list,
    },
    {
        .name = "session show",
        .operands = "ID",
        .summary = "print one session and its ephemeral nodes",
        .help = "Needs an administrator's certificate.\n"
                "  -o, --output plain|json   json: one object\n"
                "\n"
                "example: coordctl session show 0x1000000000001\n",
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_session_show,
    },
    {
        .name = "member join",
        .operands = "PATH NAME [-- CMD [ARG...]]",
        .summary = "be a member of a group",
        .help =
            "Under NAME, until Ctrl-C or SIGTERM, or as long as CMD runs, whose exit code counts.\n"
            "Comes back with a new session where one was lost. A line tells when it is in and\n"
            "when not. A signal takes the member out, and then goes on to CMD.\n"
            "  --data TEXT               what the others see; default: the name of this machine\n"
            "  --wait TIME               give up if it is not in by then; default: wait for ever\n"
            "  -o, --output plain|json\n"
            "\n"
            "example: coordctl member join /groups/red a --data hello -- echo done\n",
        .takes = CLI_DATA | CLI_WAIT,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 2,
        .operands_max = CLI_OPERANDS_ANY,
        .session = true,
        .run = cli_member_join,
    },
    {
        .name = "member list",
        .operands = "PATH",
        .summary = "print who is in a group",
        .help = "One line for each member: its name and its data.\n"
                "  -o, --output plain|json   json: an object a line, with the member's session\n"
                "\n"
                "example: coordctl member list /groups/red\n",
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_member_list,
    },
    {
        .name = "member watch",
        .operands = "PATH",
        .summary = "print who joins and leaves a group",
        .help = "At first all that are in as \"joined\", then every change, until Ctrl-C. Members\n"
                "that joined and left between two looks may be missed, never who is in now.\n"
                "  --count N                 end after N lines\n"
                "  -o, --output plain|json\n"
                "\n"
                "example: coordctl member watch /groups/red --count 1\n",
        .takes = CLI_COUNT,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_member_watch,
    },
    {
        .name = "service register",
        .operands = "NAME HOST:PORT [-- CMD [ARG...]]",
        .summary = "be an instance of a service",
        .help =
            "In the registry at /services, for clients of all languages; as long as with member\n"
            "join. [::1]:80 is an address of IPv6.\n"
            "  --id ID                   which instance; default: 16 random hexadecimal digits\n"
            "  --meta KEY=VALUE          what others should know of it; may be repeated\n"
            "  --wait TIME               give up if it is not there by then; default: wait for "
            "ever\n"
            "  -o, --output plain|json\n"
            "\n"
            "example: coordctl service register orders 10.0.0.7:80 --meta zone=b -- echo done\n",
        .takes = CLI_ID | CLI_META | CLI_WAIT,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 2,
        .operands_max = CLI_OPERANDS_ANY,
        .session = true,
        .run = cli_service_register,
    },
    {
        .name = "service list",
        .operands = "[NAME]",
        .summary = "print the instances of a service, or the names of all services",
        .help = "One line for each instance: id, address and metadata.\n"
                "  -o, --output plain|json   json: an object a line\n"
                "\n"
                "example: coordctl service list orders\n",
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_max = 1,
        .run = cli_service_list,
    },
    {
        .name = "service watch",
        .operands = "NAME",
        .summary = "print the instances of a service that come and go",
        .help = "As member watch.\n"
                "  --count N                 end after N lines\n"
                "  -o, --output plain|json\n"
                "\n"
                "example: coordctl service watch orders --count 1\n",
        .takes = CLI_COUNT,
        .outputs = CLI_PLAIN | CLI_JSON,
        .operands_min = 1,
        .operands_max = 1,
        .run = cli_service_watch,
    },
    {
        .name = "bench",
        .operands = "[PATH]",
        .summary = "measure how fast the cluster answers",
        .help =
            "Opens sessions, each with an ephemeral node below PATH, which must not exist, and\n"
            "keeps requests under way in each: sets of its node, and gets. Printed is what was\n"
            "answered after a second of warming up, and what of their CPU time and memory the\n"
            "replicas used meanwhile, for anybody; that needs an administrator's certificate.\n"
            "Ctrl-C ends it early. Nothing stays behind.\n"
            "  --sessions N             each with its own connection; default 10\n"
            "  --outstanding N          requests under way in each; default 16\n"
            "  --bytes N                of a value; default 100\n"
            "  --reads N                of 100 requests, the others are writes; default 0\n"
            "  --level LEVEL            of reads: linearizable (default) or session\n"
            "  --seconds N              to measure; default 10\n"
            "  -o, --output table|json\n"
            "\n"
            "example: coordctl bench --sessions 4 --reads 50 --seconds 1\n",
        .takes = CLI_LEVEL | CLI_SESSIONS | CLI_OUTSTANDING | CLI_BYTES | CLI_READS | CLI_SECONDS,
        .outputs = CLI_TABLE | CLI_JSON,
        .operands_max = 1,
        .many_clients = true,
        .run = cli_bench,
    },
    {
        .name = "shell",
        .operands = "",
        .summary = "run these commands line by line",
        .help =
            "With one connection for all of them. At a terminal it has a prompt, Tab completes\n"
            "commands, options and paths, and the lines before come back with the arrow keys;\n"
            "they are kept in memory alone. A command that fails says so, and the shell goes on.\n"
            "Ctrl-C ends a command that waits (one that is being answered at the latest after\n"
            "--timeout), Ctrl-D the shell. Words may stand in \"double\" or 'single' quotes; the\n"
            "first know \\\" \\\\ \\n \\t \\r and \\xHH. A line that begins with # says nothing.\n"
            "  help [COMMAND]  cd [PATH]  pwd  exit    are the shell's own; . and .. are known in\n"
            "                            the path that a command begins with\n"
            "\n"
            "Without a terminal the lines come from standard input, and the exit code is that of\n"
            "the last line that failed, or 0. Data from - cannot be had there.\n"
            "\n"
            "example: coordctl shell <<< 'ls /config'\n",
        .run = cli_shell,
    },
    {
        .name = "completion",
        .operands = "bash|zsh",
        .summary = "print the script that completes coordctl's words",
        .help =
            "Commands, options, and paths, which are asked of the cluster that the line or the\n"
            "environment names. Where coordctl is installed the script is too; elsewhere that of\n"
            "zsh is a file _coordctl in a folder of its fpath.\n"
            "\n"
            "example: source <(coordctl completion bash)\n",
        .operands_min = 1,
        .operands_max = 1,
        .offline = true,
        .run = cli_completion,
    },
    {.name = NULL},
};
