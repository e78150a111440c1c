#include "http/http.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Above it a double no longer holds every whole number. */
#define WHOLE_MAX 9007199254740992.0

void http_put_value(struct cd_buf *out, double value)
{
    if (isnan(value)) {
        cd_buf_printf(out, "NaN");
    } else if (isinf(value)) {
        cd_buf_printf(out, value > 0 ? "+Inf" : "-Inf");
    } else if (fabs(value) <= WHOLE_MAX && floor(value) == value) {
        cd_buf_printf(out, "%.0f", value);
    } else {
        cd_buf_printf(out, "%.17g", value);
    }
}

static void put_head(struct cd_buf *out, const char *name, const char *help,
                     enum http_metric_type type)
{
    static const char *const WORDS[] = {
        [HTTP_COUNTER] = "counter", [HTTP_GAUGE] = "gauge", [HTTP_HISTOGRAM] = "histogram"};
    cd_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, WORDS[type]);
}

static const char *family_of(const struct http_metric *metric)
{
    return metric->family != NULL ? metric->family : metric->name;
}

void http_put_metrics(struct cd_buf *out, const struct http_metric *metrics, const double *values,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *family = family_of(&metrics[i]);
        if (i == 0 || strcmp(family, family_of(&metrics[i - 1])) != 0) {
            put_head(out, family, metrics[i].help, metrics[i].type);
        }
        cd_buf_printf(out, "%s%s ", metrics[i].name, metrics[i].labels);
        http_put_value(out, values[i]);
        cd_buf_printf(out, "\n");
    }
}

/* Second number of /proc/self/statm: resident pages. */
uint64_t http_process_memory_bytes(void)
{
    unsigned long total = 0;
    unsigned long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) {
        return 0;
    }
    int found = fscanf(file, "%lu %lu", &total, &resident);
    fclose(file);
    return found == 2 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static double open_files(void)
{
    double count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return 0;
    }
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the directory itself */
}

uint64_t http_process_cpu_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
}

void http_put_process(struct cd_buf *out, uint64_t started_s)
{
    static const struct http_metric METRICS[] = {
        {"process_resident_memory_bytes", "Resident memory of the process.", "", HTTP_GAUGE, NULL},
        {"process_cpu_seconds_total", "User and system CPU time of the process.", "", HTTP_COUNTER,
         NULL},
        {"process_open_fds", "Open file descriptors of the process.", "", HTTP_GAUGE, NULL},
        {"process_start_time_seconds", "When the process started, in seconds since 1970.", "",
         HTTP_GAUGE, NULL},
    };
    const double values[] = {(double)http_process_memory_bytes(),
                             (double)http_process_cpu_us() / 1e6, open_files(), (double)started_s};
    http_put_metrics(out, METRICS, values, CD_ARRAY_COUNT(METRICS));
}
