#ifndef COORD_SERVER_CERTIFICATES_H
#define COORD_SERVER_CERTIFICATES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * The three files of tls.*: when they are to be read again, and reading them. On SIGHUP at once;
 * and by themselves, when a look once a period finds other files in their places.
 *
 * They are looked at with stat rather than inotify because a look says what is there, whatever way
 * it came: a file written over, renamed into its place, or the symbolic link "..data" by which
 * Kubernetes swaps a whole directory, on any file system and with no watch to lose or to set again.
 * It costs three system calls a second; certificates do not change by the millisecond.
 *
 * Invariants
 *  - A set of files is tried only when two looks in a row found the same, so that half of a change
 *    is seldom taken for one; and what was tried is remembered as it was before the reading, so
 * that a change meanwhile is a new one.
 *  - Files that did not pass change nothing: the old certificates stay, the log has the reason, and
 *    they are tried again once a minute, as what failed may have been the clock or the disk.
 *
 * Thread: signals, but for init, which comes before it, and the counters.
 */

#define SERVER_CERTIFICATES_LOOK_MS  1000u
#define SERVER_CERTIFICATES_AGAIN_MS 60000u

enum {
    SERVER_CERTIFICATES_FILES = 3, /* CA, certificate, key */
};

/* What tells one file from another; all zero: there is none. */
struct server_certificate_mark {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec modified, changed;
};

struct server_certificate_marks {
    struct server_certificate_mark files[SERVER_CERTIFICATES_FILES];
};

struct server_certificates {
    const char *paths[SERVER_CERTIFICATES_FILES]; /* borrowed */
    struct server_certificate_marks tried;        /* what was in place when they were read last */
    struct server_certificate_marks seen;         /* at the last look */
    uint64_t again_ms;                  /* when to try once more; 0: the last ones passed */
    _Atomic uint64_t reloads, failures; /* since the start */
};

/* Remembers what is in place now; call it before the files are read for the first time. */
void server_certificates_init(struct server_certificates *certificates, const char *ca,
                              const char *cert, const char *key);

/* One look. True if the files are to be read now. `now_ms` is of any monotonic clock. */
bool server_certificates_look(struct server_certificates *certificates, uint64_t now_ms);

/* Before they are read, and after it. Both count and remember. */
void server_certificates_begin(struct server_certificates *certificates);
void server_certificates_end(struct server_certificates *certificates, bool passed,
                             uint64_t now_ms);

#endif
