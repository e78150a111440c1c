#include "commands.h"
#include "complete.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

/*
 * completion: a script for bash or zsh, written from the table of commands. Both share one
 * function, _coordctl_fit, in what the two languages have in common (zsh with KSH_ARRAYS); before
 * and behind it stands how a shell says what was typed, and is told what fits.
 */

static const char bash_front[] =
    "# Completion of coordctl for bash; made by `coordctl completion bash`.\n"
    "\n"
    "_coordctl() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} word=\"\" kind=\"\" cut=\"\" each\n"
    "    local -a all candidates\n"
    "    read -a all <<<\"$line\" # with backslashes, as a word was quoted\n"
    "    if [[ $line != *[[:space:]] ]]; then\n"
    "        word=${all[${#all[@]}-1]}\n"
    "        unset \"all[${#all[@]}-1]\"\n"
    "    fi\n"
    "    COMPREPLY=()\n"
    "    _coordctl_fit\n"
    "    if [[ $kind == files ]]; then\n"
    "        compopt -o filenames\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "        return\n"
    "    fi\n"
    "    # To bash a colon ends a word; only what stands behind it is replaced.\n"
    "    if [[ $word == *:* && $COMP_WORDBREAKS == *:* ]]; then\n"
    "        cut=${word%\"${word##*:}\"}\n"
    "    fi\n"
    "    for each in \"${candidates[@]}\"; do\n"
    "        if [[ $each == \"$word\"* ]]; then\n"
    "            each=${each#\"$cut\"}\n"
    "            [[ $kind != paths ]] || printf -v each %q \"$each\"\n"
    "            COMPREPLY+=(\"$each\")\n"
    "        fi\n"
    "    done\n"
    "    [[ $kind != paths ]] || compopt -o nospace # it may go on\n"
    "}\n"
    "\n";

static const char bash_back[] = "\ncomplete -F _coordctl coordctl\n";

static const char zsh_front[] =
    "#compdef coordctl\n"
    "# Completion of coordctl for zsh; made by `coordctl completion zsh`.\n"
    "\n"
    "_coordctl() {\n"
    "    emulate -L zsh\n"
    "    setopt ksharrays\n"
    "    local word=${(Q)PREFIX} kind=\"\"\n"
    "    local -a all candidates\n"
    "    all=(\"${(@Q)words[@]:0:$((CURRENT - 1))}\")\n"
    "    _coordctl_fit\n"
    "    case $kind in\n"
    "    files) _files ;;\n"
    "    paths) compadd -S '' -- \"${candidates[@]}\" ;; # it may go on\n"
    "    *) compadd -- \"${candidates[@]}\" ;;\n"
    "    esac\n"
    "}\n"
    "\n";

static const char zsh_back[] = "\n"
                               "if [ \"$funcstack[1]\" = _coordctl ]; then\n"
                               "    _coordctl \"$@\"\n"
                               "else\n"
                               "    compdef _coordctl coordctl\n"
                               "fi\n";

/* ---- What both share ---- */

static const char fit_front[] =
    "# all: the words before the cursor's, and the program; word: that one, up to the cursor.\n"
    "# candidates: what fits; kind: paths, files, or nothing for other words.\n"
    "_coordctl_fit() {\n"
    "    local i=1 option=\"\" operands=0 bare=\"\" verb=\"\" first=\"\" folder name\n"
    "    local -a names takes forms choices reach\n"
    "    while ((i < ${#all[@]})); do\n"
    "        if [[ -z $bare && ${all[i]} == -- ]]; then\n"
    "            bare=yes\n"
    "        elif [[ -z $bare && ${all[i]} == -?* ]]; then\n"
    "            case ${all[i]} in\n"
    "            ";

static const char fit_options[] =
    ")\n"
    "                option=${all[i]}\n"
    "                ;;\n"
    "            esac\n"
    "            if [[ -n $option ]] && ((i + 1 < ${#all[@]})); then\n"
    "                case $option in\n"
    "                --endpoints | --cacert | --cert | --key | --namespace)\n"
    "                    reach+=(\"$option\" \"${all[i+1]}\")\n"
    "                    ;;\n"
    "                esac\n"
    "                option=\"\"\n"
    "                i=$((i + 1))\n"
    "            fi\n"
    "        elif [[ -n $verb ]]; then\n"
    "            operands=$((operands + 1))\n"
    "        else\n"
    "            names+=(\"${all[i]}\")\n"
    "            case \"${names[*]}\" in\n"
    "            ";

static const char fit_names[] = ")\n"
                                "                verb=\"${names[*]}\"\n"
                                "                ;;\n"
                                "            esac\n"
                                "        fi\n"
                                "        i=$((i + 1))\n"
                                "    done\n"
                                "    case $verb in\n";

static const char fit_choice[] = "    esac\n"
                                 "    if [[ -n $option ]]; then\n"
                                 "        case $option in\n"
                                 "        -o | --output) candidates=(\"${forms[@]}\") ;;\n"
                                 "        --cacert | --cert | --key) kind=files ;;\n"
                                 "        --level) candidates=(";

static const char fit_verbs[] = ") ;;\n"
                                "        esac\n"
                                "    elif [[ -z $bare && $word == -* ]]; then\n"
                                "        candidates=(\"${takes[@]}\")\n"
                                "    elif [[ -z $verb ]]; then\n"
                                "        case \"${names[*]}\" in\n";

static const char fit_back[] = "        esac\n"
                               "    elif ((operands == 0)) && [[ $first == path ]]; then\n"
                               "        kind=paths\n"
                               "        candidates=(/)\n"
                               "        if [[ $word == /* ]]; then\n"
                               "            candidates=()\n"
                               "            folder=${word%/*}\n"
                               "            while IFS= read -r name; do\n"
                               "                candidates+=(\"$folder/$name\")\n"
                               "            done < <(\"${all[0]}\" \"${reach[@]}\" --timeout 500ms "
                               "ls --level session --limit 1000 \\\n"
                               "                -- \"${folder:-/}\" 2>/dev/null)\n"
                               "        fi\n"
                               "    elif ((operands == 0)); then\n"
                               "        candidates=(\"${choices[@]}\")\n"
                               "    fi\n"
                               "}\n";

/* ---- From the table ---- */

static void print_options(const struct cli_command *command)
{
    struct cli_option_name option;
    for (size_t i = 0; cli_option_at(command, i, &option); i++) {
        (void)printf("%s--%s", i > 0 ? " " : "", option.name);
    }
}

static void print_values(const struct cli_command *command, const char *option)
{
    const char *value = NULL;
    for (size_t i = 0; (value = cli_value_at(command, option, i)) != NULL; i++) {
        (void)printf("%s%s", i > 0 ? " " : "", value);
    }
}

static const struct cli_command every_option = {.takes = UINT_MAX, .outputs = UINT_MAX};

/* Every option that takes a value, whichever command it is of. */
static void print_options_with_values(void)
{
    struct cli_option_name option;
    (void)fputs("-o", stdout);
    for (size_t i = 0; cli_option_at(&every_option, i, &option); i++) {
        if (option.takes_value) {
            (void)printf(" | --%s", option.name);
        }
    }
}

static void print_names(void)
{
    for (const struct cli_command *each = cli_commands; each->name != NULL; each++) {
        (void)printf("%s\"%s\"", each != cli_commands ? " | " : "", each->name);
    }
}

/* "bash|zsh": operands that are words to choose from, in small letters. */
static void print_choices(const char *operands)
{
    if (strspn(operands, "abcdefghijklmnopqrstuvwxyz|") == strlen(operands)) {
        for (; *operands != '\0'; operands++) {
            (void)putchar(*operands == '|' ? ' ' : *operands);
        }
    }
}

static void print_table(void)
{
    (void)fputs("    \"\") takes=(", stdout);
    print_options(NULL);
    (void)fputs(") ;;\n", stdout);
    for (const struct cli_command *each = cli_commands; each->name != NULL; each++) {
        (void)printf("    \"%s\")\n        takes=(", each->name);
        print_options(each);
        (void)fputs(")\n        forms=(", stdout);
        print_values(each, "output");
        (void)fputs(")\n        choices=(", stdout);
        print_choices(each->operands);
        (void)printf(")\n        first=%s\n        ;;\n", cli_takes_path(each) ? "path" : "other");
    }
}

/* "acl": the second words of the names that begin like that. */
static void print_second_words(const char *name, size_t bytes)
{
    const char *between = "";
    (void)printf("        %.*s) candidates=(", (int)bytes, name);
    for (const struct cli_command *each = cli_commands; each->name != NULL; each++) {
        if (strncmp(each->name, name, bytes) == 0 && each->name[bytes] == ' ') {
            (void)printf("%s%s", between, each->name + bytes + 1);
            between = " ";
        }
    }
    (void)fputs(") ;;\n", stdout);
}

/* Whether a row before this one has the same first word. */
static bool came_before(const struct cli_command *command, size_t bytes)
{
    for (const struct cli_command *each = cli_commands; each != command; each++) {
        if (strcspn(each->name, " ") == bytes && strncmp(each->name, command->name, bytes) == 0) {
            return true;
        }
    }
    return false;
}

static void print_verbs(void)
{
    (void)fputs("        \"\") candidates=(", stdout);
    for (const struct cli_command *each = cli_commands; each->name != NULL; each++) {
        size_t bytes = strcspn(each->name, " ");
        if (!came_before(each, bytes)) {
            (void)printf("%s%.*s", each != cli_commands ? " " : "", (int)bytes, each->name);
        }
    }
    (void)fputs(") ;;\n", stdout);
    for (const struct cli_command *each = cli_commands; each->name != NULL; each++) {
        size_t bytes = strcspn(each->name, " ");
        if (each->name[bytes] == ' ' && !came_before(each, bytes)) {
            print_second_words(each->name, bytes);
        }
    }
}

int cli_completion(struct coord_client *client, const struct cli_arguments *arguments)
{
    const char *shell = arguments->operands[0];
    bool zsh = strcmp(shell, "zsh") == 0;
    (void)client; /* there is none */
    if (!zsh && strcmp(shell, "bash") != 0) {
        return cli_say(CLI_USAGE, "completion %s: it is bash or zsh", shell);
    }
    (void)fputs(zsh ? zsh_front : bash_front, stdout);
    (void)fputs(fit_front, stdout);
    print_options_with_values();
    (void)fputs(fit_options, stdout);
    print_names();
    (void)fputs(fit_names, stdout);
    print_table();
    (void)fputs(fit_choice, stdout);
    print_values(&every_option, "level");
    (void)fputs(fit_verbs, stdout);
    print_verbs();
    (void)fputs(fit_back, stdout);
    (void)fputs(zsh ? zsh_back : bash_back, stdout);
    return CLI_DONE;
}
