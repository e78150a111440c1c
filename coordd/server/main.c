#include "base/buf.h"
#include "crypto/crypto.h"
#include "server/config.h"
#include "server/dev.h"
#include "server/exit.h"
#include "server/log.h"
#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* coordd: reads the configuration, checks or prints it, or runs one replica. */

extern char **environ;

#define TEXT_BYTES_MAX (256u * 1024u)

/* One line, whatever the message quotes. */
static void say(const char *message)
{
    char text[CD_ERROR_MESSAGE_BYTES];
    size_t bytes = strnlen(message, sizeof(text) - 1);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char c = (unsigned char)message[i];
        text[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    text[bytes] = '\0';
    fprintf(stderr, "coordd: %s\n", text);
}

static int print_text(void (*fill)(struct cd_buf *out))
{
    struct cd_buf out;
    cd_buf_init(&out, TEXT_BYTES_MAX);
    fill(&out);
    bool written = fwrite(out.data, 1, out.bytes, stdout) == out.bytes && fflush(stdout) == 0;
    cd_buf_release(&out);
    return written ? SERVER_EXIT_STOPPED : SERVER_EXIT_FAILED;
}

static void fill_version(struct cd_buf *out)
{
    cd_buf_printf(out, "coordd %s\n", COORD_VERSION);
}

static enum cd_status read_config(struct server_config *config, const struct server_flags *flags,
                                  int argc, const char *const *argv, struct cd_error *error)
{
    const char *const *environment = (const char *const *)environ;
    const char *path = flags->config_path;
    enum cd_status status = CD_OK;
    if (path == NULL) {
        path = server_environment_get(environment, "COORDD_CONFIG");
    }
    if (path != NULL) {
        status = server_config_read_file(config, path, error);
    }
    if (status == CD_OK) {
        status = server_config_read_environment(config, environment, error);
    }
    if (status == CD_OK) {
        status = server_config_read_flags(config, argc, argv, error);
    }
    if (status == CD_OK && flags->dev) {
        status = server_dev_prepare(config, (int64_t)time(NULL), error);
    }
    if (status == CD_OK) {
        status = server_config_check(config, error);
    }
    return status;
}

/* ---- --check-config ---- */

/* Its making is left to the start; what is there must be a directory that we may write. */
static enum cd_status check_data_dir(const char *path, struct cd_error *error)
{
    struct stat about;
    if (stat(path, &about) != 0) {
        return errno == ENOENT
                   ? CD_OK
                   : cd_error_set(error, CD_IO, "data_dir %.200s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(about.st_mode)) {
        return cd_error_set(error, CD_INVALID_ARGUMENT, "data_dir %.200s is not a directory", path);
    }
    if (access(path, R_OK | W_OK | X_OK) != 0) {
        return cd_error_set(error, CD_IO, "data_dir %.200s: %s", path, strerror(errno));
    }
    return CD_OK;
}

static int check(const struct server_config *config)
{
    struct crypto_credentials credentials = {0};
    struct cd_error error;
    enum cd_status status =
        crypto_credentials_load(config->tls_ca, config->tls_cert, config->tls_key,
                                (int64_t)time(NULL), &credentials, &error);
    if (status == CD_OK) {
        status = server_config_check_identity(config, credentials.identity, &error);
    }
    if (status == CD_OK) {
        status = check_data_dir(config->data_dir, &error);
    }
    if (status != CD_OK) {
        say(error.message);
        crypto_credentials_release(&credentials);
        return SERVER_EXIT_USAGE;
    }
    struct cd_buf out;
    cd_buf_init(&out, TEXT_BYTES_MAX);
    server_config_print(config, &out);
    cd_buf_printf(&out, "# The certificate's identity is \"%.700s\".\n", credentials.identity);
    bool written = fwrite(out.data, 1, out.bytes, stdout) == out.bytes && fflush(stdout) == 0;
    cd_buf_release(&out);
    crypto_credentials_release(&credentials);
    return written ? SERVER_EXIT_STOPPED : SERVER_EXIT_FAILED;
}

/* ---- Running ---- */

static void warn_of_unknown_variables(struct server_log *log)
{
    char name[SERVER_SETTING_NAME_BYTES];
    size_t index = 0;
    while (server_environment_unknown((const char *const *)environ, &index, name) != NULL) {
        struct server_line line;
        server_line_begin(&line, log, SERVER_LOG_WARN, "variable_ignored");
        server_line_str(&line, "name", name);
        server_line_str(&line, "text", "it names no setting; see coordd --help");
        server_line_end(&line);
    }
}

static int run(const struct server_config *config, bool dev)
{
    struct server_log log;
    struct server *server = NULL;
    struct cd_error error;
    int code = SERVER_EXIT_REFUSED;
    server_log_init(&log, STDERR_FILENO, (enum server_log_format)config->log_format,
                    (enum server_log_level)config->log_level, (uint32_t)config->node);
    warn_of_unknown_variables(&log);
    enum cd_status status = server_create(config, dev, &log, &server, &error);
    if (status == CD_OK) {
        code = (int)server_run(server);
        if (code == SERVER_EXIT_FAILED) {
            _exit(code); /* the disk may be what hangs: wait for nothing */
        }
        server_free(server);
    } else {
        struct server_line line;
        server_line_begin(&line, &log, SERVER_LOG_ERROR, "start_refused");
        server_line_str(&line, "status", cd_status_name(status));
        server_line_str(&line, "data_dir", config->data_dir);
        server_line_str(&line, "text", error.message);
        server_line_end(&line);
    }
    server_log_release(&log);
    return code;
}

static int configure_and_run(const struct server_flags *flags, int argc, const char *const *argv)
{
    struct server_config config;
    struct cd_error error;
    int code = SERVER_EXIT_USAGE;
    server_config_init(&config);
    if (read_config(&config, flags, argc, argv, &error) != CD_OK) {
        say(error.message);
    } else {
        code = flags->check ? check(&config) : run(&config, flags->dev);
    }
    server_config_release(&config);
    return code;
}

int main(int argc, char **argv)
{
    const char *const *words = (const char *const *)argv;
    struct server_flags flags;
    struct cd_error error;
    server_signals_block();
    if (server_flags_read(&flags, argc, words, &error) != CD_OK) {
        say(error.message);
        return SERVER_EXIT_USAGE;
    }
    if (flags.help || flags.version) {
        return print_text(flags.help ? server_config_help : fill_version);
    }
    if (flags.dev && flags.check) {
        say("--dev makes what --check-config would check; give one of them");
        return SERVER_EXIT_USAGE;
    }
    if (crypto_init(&error) != CD_OK) {
        say(error.message);
        return SERVER_EXIT_REFUSED;
    }
    return configure_and_run(&flags, argc, words);
}
