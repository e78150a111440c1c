#include "server/certificates.h"

#include "base/assert.h"

#include <string.h>
#include <sys/stat.h>

/* Through symbolic links: what the path leads to now. */
static struct server_certificate_mark mark_of(const char *path)
{
    struct server_certificate_mark mark;
    struct stat about;
    memset(&mark, 0, sizeof(mark));
    if (stat(path, &about) == 0) {
        mark.device = about.st_dev;
        mark.inode = about.st_ino;
        mark.bytes = about.st_size;
        mark.modified = about.st_mtim;
        mark.changed = about.st_ctim;
    }
    return mark;
}

static void take_marks(const struct server_certificates *certificates,
                       struct server_certificate_marks *ret_marks)
{
    for (int i = 0; i < SERVER_CERTIFICATES_FILES; i++) {
        ret_marks->files[i] = mark_of(certificates->paths[i]);
    }
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct server_certificate_marks *a, const struct server_certificate_marks *b)
{
    for (int i = 0; i < SERVER_CERTIFICATES_FILES; i++) {
        const struct server_certificate_mark *one = &a->files[i];
        const struct server_certificate_mark *other = &b->files[i];
        if (one->device != other->device || one->inode != other->inode ||
            one->bytes != other->bytes || !same_time(one->modified, other->modified) ||
            !same_time(one->changed, other->changed)) {
            return false;
        }
    }
    return true;
}

void server_certificates_init(struct server_certificates *certificates, const char *ca,
                              const char *cert, const char *key)
{
    memset(certificates, 0, sizeof(*certificates));
    certificates->paths[0] = ca;
    certificates->paths[1] = cert;
    certificates->paths[2] = key;
    server_certificates_begin(certificates);
    certificates->seen = certificates->tried;
}

bool server_certificates_look(struct server_certificates *certificates, uint64_t now_ms)
{
    struct server_certificate_marks now;
    take_marks(certificates, &now);
    bool is_steady = same(&now, &certificates->seen);
    bool is_new = !same(&now, &certificates->tried);
    certificates->seen = now;
    return (is_new && is_steady) ||
           (certificates->again_ms != 0 && now_ms >= certificates->again_ms);
}

void server_certificates_begin(struct server_certificates *certificates)
{
    take_marks(certificates, &certificates->tried);
}

void server_certificates_end(struct server_certificates *certificates, bool passed, uint64_t now_ms)
{
    certificates->again_ms = passed ? 0 : now_ms + SERVER_CERTIFICATES_AGAIN_MS;
    atomic_fetch_add(passed ? &certificates->reloads : &certificates->failures, 1);
}
