#include "checkers/line.h"

#include <stdlib.h>
#include <string.h>

void line_release(struct line *line)
{
    free(line->members);
    *line = (struct line){0};
}

size_t line_queue_bytes(const char *path)
{
    size_t bytes = strlen(path);
    size_t digits = 0;
    while (digits < bytes && path[bytes - digits - 1] >= '0' && path[bytes - digits - 1] <= '9') {
        digits++;
    }
    return digits < MODEL_SUFFIX_DIGITS ? bytes : bytes - MODEL_SUFFIX_DIGITS;
}

static struct line_member describe(const struct model_change *change)
{
    size_t above = (size_t)(strrchr(change->path, '/') - change->path) + 1;
    size_t whole = line_queue_bytes(change->path);
    return (struct line_member){.path = change->path,
                                .czxid = change->czxid,
                                .suffix = strtoull(change->path + whole, NULL, 10),
                                .above = above,
                                .prefix = whole - above};
}

void line_change(struct line *line, const struct model_change *change)
{
    if (!change->sequential) {
        return;
    }
    if (change->kind == MODEL_CREATED) {
        line->members =
            checker_grow(line->members, line->count, &line->capacity, sizeof(*line->members));
        line->members[line->count++] = describe(change);
    } else if (change->kind == MODEL_DELETED) {
        const struct line_member *member = line_find(line, change->path);
        if (member != NULL) {
            line->members[member - line->members] = line->members[--line->count];
        }
    }
}

const struct line_member *line_find(const struct line *line, const char *path)
{
    for (size_t i = 0; i < line->count; i++) {
        if (strcmp(line->members[i].path, path) == 0) {
            return &line->members[i];
        }
    }
    return NULL;
}

static bool counts(const struct line_member *other, const struct line_member *member,
                   const struct model_queue *queue)
{
    if (other->above != member->above || strncmp(other->path, member->path, member->above) != 0) {
        return false;
    }
    const char *name = other->path + other->above;
    if (queue == NULL || queue->prefixes[0][0] == '\0') {
        return other->prefix == member->prefix &&
               strncmp(name, member->path + member->above, member->prefix) == 0;
    }
    for (size_t i = 0; i < MODEL_PREFIXES_MAX; i++) {
        size_t bytes = strlen(queue->prefixes[i]);
        if (bytes > 0 && strncmp(name, queue->prefixes[i], bytes) == 0) {
            return true;
        }
    }
    return false;
}

size_t line_rank(const struct line *line, const struct line_member *member,
                 const struct model_queue *queue)
{
    size_t rank = 0;
    for (size_t i = 0; i < line->count; i++) {
        const struct line_member *other = &line->members[i];
        bool before = other->czxid < member->czxid ||
                      (other->czxid == member->czxid && other->suffix < member->suffix);
        rank += before && counts(other, member, queue) ? 1 : 0;
    }
    return rank;
}
