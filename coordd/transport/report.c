#include "transport/internal.h"

#include "base/memory.h"

#include <grpc/support/log.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * What the log of the server hears from here. gRPC has one log function for a process and does not
 * say which listener a failed handshake belongs to, so every transport of the process hears of it
 * (there is more than one in tests alone).
 */

#define REPORT_PAUSE_MS       1000
#define REPORT_TRANSPORTS_MAX 16
#define HEARD_HANDSHAKE       0
#define HEARD_OTHER           1

static const struct {
    const char *event;
    enum transport_log_level level;
} report_table[REPORT_COUNT] = {
    [REPORT_TLS_HANDSHAKE_FAILED] = {"tls_handshake_failed", TRANSPORT_LOG_WARNING},
    [REPORT_STREAM_REFUSED] = {"stream_refused", TRANSPORT_LOG_WARNING},
    [REPORT_CALL_REFUSED] = {"call_refused", TRANSPORT_LOG_INFO},
    [REPORT_STREAM_CUT_OFF] = {"stream_cut_off", TRANSPORT_LOG_WARNING},
    [REPORT_PEER_REFUSED] = {"peer_refused", TRANSPORT_LOG_WARNING},
    [REPORT_GRPC_ERROR] = {"grpc_error", TRANSPORT_LOG_ERROR},
};

/* ---- gRPC's own log ---- */

static pthread_mutex_t listeners_lock = PTHREAD_MUTEX_INITIALIZER;
static struct transport *listeners[REPORT_TRANSPORTS_MAX]; /* under listeners_lock */

static void hear(struct transport *transport, int which, const char *text)
{
    pthread_mutex_lock(&transport->log_lock);
    struct report *heard = &transport->heard[which];
    heard->left_out++;
    (void)snprintf(heard->last, sizeof(heard->last), "%s", text);
    pthread_mutex_unlock(&transport->log_lock);
    if (which == HEARD_HANDSHAKE) {
        atomic_fetch_add_explicit(&transport->counters.handshakes_failed, 1, memory_order_relaxed);
    }
}

/* Any thread of gRPC, with any of its locks held: takes the words and leaves. */
static void on_grpc_log(gpr_log_func_args *said)
{
    static const char handshake[] = "Handshake failed with fatal error ";
    bool failed = strncmp(said->message, handshake, sizeof(handshake) - 1) == 0;
    if (!failed && said->severity != GPR_LOG_SEVERITY_ERROR) {
        return;
    }
    const char *text = failed ? said->message + sizeof(handshake) - 1 : said->message;
    pthread_mutex_lock(&listeners_lock);
    for (size_t i = 0; i < REPORT_TRANSPORTS_MAX; i++) {
        if (listeners[i] != NULL) {
            hear(listeners[i], failed ? HEARD_HANDSHAKE : HEARD_OTHER, text);
        }
    }
    pthread_mutex_unlock(&listeners_lock);
}

void report_start(struct transport *transport)
{
    gpr_set_log_function(on_grpc_log);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    pthread_mutex_lock(&listeners_lock);
    size_t i = 0;
    while (i < REPORT_TRANSPORTS_MAX && listeners[i] != NULL) {
        i++;
    }
    if (i < REPORT_TRANSPORTS_MAX) {
        listeners[i] = transport;
    }
    pthread_mutex_unlock(&listeners_lock);
}

void report_stop(struct transport *transport)
{
    pthread_mutex_lock(&listeners_lock);
    for (size_t i = 0; i < REPORT_TRANSPORTS_MAX; i++) {
        if (listeners[i] == transport) {
            listeners[i] = NULL;
        }
    }
    pthread_mutex_unlock(&listeners_lock);
}

/* ---- To the server's log ---- */

static void tell(struct transport *transport, enum transport_log_level level, const char *event,
                 const char *text)
{
    if (atomic_load(&transport->log_items) >= TRANSPORT_LOG_ITEMS_MAX) {
        return; /* the loop stands still; what it hears first says enough */
    }
    atomic_fetch_add(&transport->log_items, 1);
    struct item *item = item_create(ITEM_LOG);
    item->level = level;
    item->event = event;
    item->text = cd_strdup(text);
    for (char *at = item->text; *at != '\0'; at++) {
        if (*at < 0x20 && *at >= 0) {
            *at = ' ';
        }
    }
    transport_tell(transport, item);
}

void report_say(struct transport *transport, enum transport_log_level level, const char *event,
                const char *format, ...)
{
    char text[TRANSPORT_LOG_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    tell(transport, level, event, text);
}

/* Says what is due of one kind; false if it has to wait. */
static bool say_due(struct transport *transport, enum report_kind kind, uint64_t now)
{
    struct report *report = &transport->reports[kind];
    if (report->said_ms != 0 && now < report->said_ms + REPORT_PAUSE_MS) {
        return false;
    }
    if (report->left_out == 1) {
        tell(transport, report_table[kind].level, report_table[kind].event, report->last);
    } else {
        char text[TRANSPORT_LOG_BYTES_MAX + 64];
        (void)snprintf(text, sizeof(text), "%s (and %llu more since the last line)", report->last,
                       (unsigned long long)(report->left_out - 1));
        tell(transport, report_table[kind].level, report_table[kind].event, text);
    }
    report->left_out = 0;
    report->said_ms = now;
    return true;
}

void report_limited(struct transport *transport, enum report_kind kind, const char *format, ...)
{
    struct report *report = &transport->reports[kind];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->last, sizeof(report->last), format, arguments);
    va_end(arguments);
    report->left_out++;
    (void)say_due(transport, kind, now_ms());
}

static void take_heard(struct transport *transport, int which, enum report_kind kind)
{
    struct report *heard = &transport->heard[which];
    struct report *report = &transport->reports[kind];
    if (heard->left_out != 0) {
        report->left_out += heard->left_out;
        memcpy(report->last, heard->last, sizeof(report->last));
        heard->left_out = 0;
    }
}

uint64_t report_due(struct transport *transport, uint64_t now)
{
    pthread_mutex_lock(&transport->log_lock);
    take_heard(transport, HEARD_HANDSHAKE, REPORT_TLS_HANDSHAKE_FAILED);
    take_heard(transport, HEARD_OTHER, REPORT_GRPC_ERROR);
    pthread_mutex_unlock(&transport->log_lock);
    uint64_t due = UINT64_MAX;
    for (int kind = 0; kind < REPORT_COUNT; kind++) {
        const struct report *report = &transport->reports[kind];
        if (report->left_out != 0 && !say_due(transport, (enum report_kind)kind, now) &&
            report->said_ms + REPORT_PAUSE_MS < due) {
            due = report->said_ms + REPORT_PAUSE_MS;
        }
    }
    return due;
}
