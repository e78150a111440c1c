#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * Goal: the three pages, and what everything else gets. Method: real requests over loopback,
 * written byte by byte, with a bound of ANSWER_SECONDS on every wait.
 */

#define ANSWER_SECONDS 20

static const struct http_metric METRICS[] = {
    {"test_turns_total", "Turns.", "", HTTP_COUNTER, NULL},
    {"test_size", "Size.", "", HTTP_GAUGE, NULL},
};

static struct http_options options_on(uint16_t port)
{
    return (struct http_options){.host = "127.0.0.1",
                                 .port = port,
                                 .metrics = METRICS,
                                 .metrics_count = 2,
                                 .live_ms = 60000};
}

static struct http_server *start(uint64_t live_ms)
{
    struct http_server *server = NULL;
    struct cd_error error;
    struct http_options options = options_on(0);
    options.live_ms = live_ms;
    assert_int_equal(http_create(&options, &server, &error), CD_OK);
    assert_int_not_equal(http_port(server), 0);
    return server;
}

static int dial(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* Reads until the other side closes or the text holds `until`; the text is in `to`. */
static void read_answer(int fd, const char *until, char *to, size_t room)
{
    size_t bytes = 0;
    to[0] = '\0';
    while (until == NULL || strstr(to, until) == NULL) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&ready, 1, ANSWER_SECONDS * 1000), 1);
        ssize_t got = read(fd, to + bytes, room - 1 - bytes);
        if (got <= 0) {
            break;
        }
        bytes += (size_t)got;
        to[bytes] = '\0';
    }
}

static void ask(struct http_server *server, const char *request, char *answer, size_t room)
{
    int fd = dial(http_port(server));
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    read_answer(fd, NULL, answer, room);
    close(fd);
}

static void get(struct http_server *server, const char *path, char *answer, size_t room)
{
    char request[256];
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             path);
    ask(server, request, answer, room);
}

static void assert_begins(const char *text, const char *beginning)
{
    if (strncmp(text, beginning, strlen(beginning)) != 0) {
        fail_msg("\"%.200s\" does not begin with \"%s\"", text, beginning);
    }
}

static void assert_holds(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%.2000s\" does not hold \"%s\"", text, part);
    }
}

static void readyz_follows_what_was_published(void **state)
{
    (void)state;
    static const double VALUES[] = {1, 2};
    char answer[4096];
    struct http_server *server = start(60000);
    get(server, "/readyz", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 503 ");
    assert_holds(answer, "\r\n\r\nstarting\n");
    http_publish(server, false, "no leader is known", VALUES);
    get(server, "/readyz", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 503 ");
    assert_holds(answer, "\r\n\r\nno leader is known\n");
    http_publish(server, true, "", VALUES);
    get(server, "/readyz", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 200 ");
    assert_holds(answer, "\r\n\r\nready\n");
    http_free(server);
}

/* Waits for a condition of the server's clock, with a bound. */
static void wait_until_stuck(struct http_server *server, char *answer, size_t room)
{
    time_t end = time(NULL) + ANSWER_SECONDS;
    do {
        struct timespec pause = {.tv_nsec = 5000000};
        nanosleep(&pause, NULL);
        get(server, "/livez", answer, room);
    } while (strncmp(answer, "HTTP/1.1 503 ", 13) != 0 && time(NULL) < end);
}

static void livez_needs_a_loop_that_turns(void **state)
{
    (void)state;
    static const double VALUES[] = {1, 2};
    char answer[4096];
    struct http_server *server = start(50);
    struct timespec longer_than_live = {.tv_nsec = 120000000};
    nanosleep(&longer_than_live, NULL);
    get(server, "/livez", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 200 "); /* recovery: no beat yet */
    http_publish(server, true, "", VALUES);
    http_beat(server);
    wait_until_stuck(server, answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 503 ");
    assert_holds(answer, "the loop has not turned for ");
    get(server, "/readyz", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 503 "); /* what it published is old */
    http_free(server);

    server = start(60000);
    http_beat(server);
    get(server, "/livez", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 200 ");
    assert_holds(answer, "\r\n\r\nok\n");
    http_free(server);
}

static void metrics_are_prometheus_text(void **state)
{
    (void)state;
    static const double VALUES[] = {41, 2.5};
    char answer[16384];
    struct http_server *server = start(60000);
    http_publish(server, true, "", VALUES);
    get(server, "/metrics", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 200 ");
    assert_holds(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    assert_holds(answer, "# TYPE test_turns_total counter\ntest_turns_total 41\n");
    assert_holds(answer, "# TYPE test_size gauge\ntest_size 2.5\n");
    assert_holds(answer, "\nprocess_resident_memory_bytes ");
    http_free(server);
}

static void head_has_no_body(void **state)
{
    (void)state;
    char answer[4096];
    struct http_server *server = start(60000);
    ask(server, "HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", answer,
        sizeof(answer));
    assert_begins(answer, "HTTP/1.1 200 ");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    http_free(server);
}

static void other_paths_and_methods_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        const char *status;
        const char *holds;
    } CASES[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ", "/livez"},
        {"GET /livez/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ", ""},
        {"GET /../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 ",
         ""},
        {"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ",
         "Allow: GET, HEAD\r\n"},
        {"DELETE /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 ", ""},
        {"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", "HTTP/1.1 413 ",
         "no body"},
        {"GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 413 ",
         "no body"},
    };
    char answer[4096];
    struct http_server *server = start(60000);
    for (size_t i = 0; i < CD_ARRAY_COUNT(CASES); i++) {
        ask(server, CASES[i].request, answer, sizeof(answer));
        assert_begins(answer, CASES[i].status);
        assert_holds(answer, CASES[i].holds);
    }
    /* What is no HTTP gets an error or a closed connection, and the next one is served. */
    ask(server, "rubbish\r\n\r\n", answer, sizeof(answer));
    assert_true(answer[0] == '\0' || strncmp(answer, "HTTP/1.1 400 ", 13) == 0);
    get(server, "/livez", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 200 ");
    http_free(server);
}

static void headers_over_the_limit_are_refused(void **state)
{
    (void)state;
    char answer[4096];
    static char request[HTTP_CONNECTION_BYTES + 4096];
    struct http_server *server = start(60000);
    size_t head = (size_t)snprintf(request, sizeof(request), "GET /livez HTTP/1.1\r\nX: ");
    memset(request + head, 'a', sizeof(request) - head - 1);
    int fd = dial(http_port(server));
    (void)!send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
    read_answer(fd, NULL, answer, sizeof(answer));
    close(fd);
    assert_true(answer[0] == '\0' || strncmp(answer, "HTTP/1.1 4", 10) == 0);
    get(server, "/livez", answer, sizeof(answer));
    assert_begins(answer, "HTTP/1.1 200 ");
    http_free(server);
}

static void idle_connections_are_bounded(void **state)
{
    (void)state;
    char answer[4096];
    int fds[HTTP_CONNECTIONS_MAX + 8];
    struct http_server *server = start(60000);
    for (size_t i = 0; i < CD_ARRAY_COUNT(fds); i++) {
        fds[i] = dial(http_port(server));
    }
    /* One more than the limit is closed, or waits until a place is free. */
    static const char REQUEST[] = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    size_t last = CD_ARRAY_COUNT(fds) - 1;
    (void)!send(fds[last], REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL);
    struct pollfd early = {.fd = fds[last], .events = POLLIN};
    char byte[1];
    bool answered = poll(&early, 1, 200) == 1 && read(fds[last], byte, 1) == 1;
    assert_false(answered);
    for (size_t i = 0; i < CD_ARRAY_COUNT(fds); i++) {
        close(fds[i]);
    }
    time_t end = time(NULL) + ANSWER_SECONDS;
    do {
        get(server, "/livez", answer, sizeof(answer));
    } while (answer[0] == '\0' && time(NULL) < end);
    assert_begins(answer, "HTTP/1.1 200 ");
    http_free(server);
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    char address[32];
    struct cd_error error = {.status = CD_OK};
    struct http_server *second = NULL;
    struct http_server *first = start(60000);
    struct http_options options = options_on(http_port(first));
    assert_int_equal(http_create(&options, &second, &error), CD_IN_USE);
    assert_null(second);
    snprintf(address, sizeof(address), " 127.0.0.1:%u ", http_port(first));
    assert_holds(error.message, address);
    options.host = "no.such.host.invalid";
    assert_int_equal(http_create(&options, &second, &error), CD_INVALID_ARGUMENT);
    assert_holds(error.message, "no.such.host.invalid");
    options.host = "203.0.113.7"; /* TEST-NET-3: no machine has it */
    assert_int_equal(http_create(&options, &second, &error), CD_IO);
    assert_holds(error.message, "203.0.113.7");
    http_free(first);
    http_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readyz_follows_what_was_published),
        cmocka_unit_test(livez_needs_a_loop_that_turns),
        cmocka_unit_test(metrics_are_prometheus_text),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(other_paths_and_methods_are_refused),
        cmocka_unit_test(headers_over_the_limit_are_refused),
        cmocka_unit_test(idle_connections_are_bounded),
        cmocka_unit_test(a_taken_port_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
