#include "storage/snapshot.h"

#include "base/assert.h"
#include "base/memory.h"
#include "storage/snapshot_set.h"

#include <inttypes.h>
#include <string.h>

/* --- the list --- */

struct snapshot_entry *snapshot_find(struct storage_snapshots *snapshots, uint64_t slot)
{
    for (size_t i = 0; i < snapshots->count; i++) {
        if (snapshots->entries[i].meta.slot == slot) {
            return &snapshots->entries[i];
        }
    }
    return NULL;
}

static void remove_entry(struct storage_snapshots *snapshots, size_t index)
{
    cd_free(snapshots->entries[index].damage);
    snapshots->count--;
    memmove(&snapshots->entries[index], &snapshots->entries[index + 1],
            (snapshots->count - index) * sizeof(struct snapshot_entry));
}

static void insert_entry(struct storage_snapshots *snapshots, const struct snapshot_entry *entry)
{
    CD_ASSERT(snapshots->count < CD_ARRAY_COUNT(snapshots->entries));
    size_t at = 0;
    while (at < snapshots->count && snapshots->entries[at].meta.slot > entry->meta.slot) {
        at++;
    }
    memmove(&snapshots->entries[at + 1], &snapshots->entries[at],
            (snapshots->count - at) * sizeof(struct snapshot_entry));
    snapshots->entries[at] = *entry;
    snapshots->count++;
}

bool storage_snapshots_at(const struct storage_snapshots *snapshots, size_t index,
                          struct storage_snapshot_info *ret_info)
{
    if (index >= snapshots->count) {
        return false;
    }
    const struct snapshot_entry *entry = &snapshots->entries[index];
    *ret_info = (struct storage_snapshot_info){
        .meta = entry->meta,
        .file_bytes = entry->file_bytes,
        .state = entry->state,
        .damage = entry->damage != NULL ? entry->damage : "",
    };
    return true;
}

uint64_t storage_snapshots_floor(const struct storage_snapshots *snapshots)
{
    size_t verified = 0;
    for (size_t i = 0; i < snapshots->count; i++) {
        verified += snapshots->entries[i].state == STORAGE_SNAPSHOT_VERIFIED ? 1 : 0;
        if (verified == STORAGE_SNAPSHOTS_KEPT) {
            return snapshots->entries[i].meta.slot;
        }
    }
    return 0;
}

enum cd_status storage_snapshots_stats(struct storage_snapshots *snapshots,
                                       struct storage_snapshots_stats *ret_stats)
{
    uint64_t free_bytes;
    enum cd_status status = snapshots->env.ops->free_bytes(snapshots->env.self, &free_bytes);
    if (status != CD_OK) {
        return status;
    }
    *ret_stats = (struct storage_snapshots_stats){
        .count = snapshots->count,
        .pending_bytes = snapshots->making.filling.bytes + snapshots->making.writing.bytes,
        .removals_failed = snapshots->removals_failed,
        .free_bytes = free_bytes,
    };
    for (size_t i = 0; i < snapshots->count; i++) {
        ret_stats->bytes += snapshots->entries[i].file_bytes;
    }
    if (snapshots->count != 0) {
        ret_stats->newest_slot = snapshots->entries[0].meta.slot;
        ret_stats->newest_bytes = snapshots->entries[0].file_bytes;
    }
    return CD_OK;
}

enum cd_status snapshot_damaged(struct storage_snapshots *snapshots, uint64_t slot, uint64_t offset,
                                const char *what, struct cd_error *error)
{
    struct cd_error own;
    char name[SNAPSHOT_NAME_BYTES];
    snapshot_name(name, slot, false);
    enum cd_status status =
        cd_error_set(&own, CD_CORRUPT,
                     "%s is damaged at byte %" PRIu64
                     ": %s. An older snapshot or one of a peer takes its place; check the disk "
                     "if this comes again",
                     name, offset, what);
    struct snapshot_entry *entry = snapshot_find(snapshots, slot);
    if (entry != NULL) {
        cd_free(entry->damage);
        entry->damage = cd_strdup(own.message);
        entry->state = STORAGE_SNAPSHOT_DAMAGED;
    }
    if (error != NULL) {
        *error = own;
    }
    return status;
}

enum cd_status snapshot_check_owner(const struct storage_snapshots *snapshots, const char *name,
                                    enum cd_status status, const struct snapshot_header *header,
                                    struct cd_error *error)
{
    if (status == CD_NEWER_FORMAT) {
        return cd_error_set(error, status,
                            "%s was written in format %" PRIu32 ", this coordd knows formats up to "
                            "%d: start a newer coordd on this data directory",
                            name, header->format_version, STORAGE_SNAPSHOT_FORMAT_VERSION);
    }
    if (strcmp(header->cluster_name, snapshots->cluster_name) != 0) {
        return cd_error_set(error, CD_FOREIGN,
                            "%s belongs to cluster \"%s\", not to \"%s\": give this replica "
                            "another data directory, or correct its cluster name",
                            name, header->cluster_name, snapshots->cluster_name);
    }
    return CD_OK;
}

/* --- removing --- */

static void remove_next(struct storage_snapshots *snapshots);

static void on_removed(void *context, enum cd_status status)
{
    struct storage_snapshots *snapshots = context;
    /* Whatever remains is listed by the next opening, and goes with the next one that is kept. */
    snapshots->removals_failed += status == CD_OK || status == CD_NOT_FOUND ? 0 : 1;
    snapshots->removing[0] = '\0';
    remove_next(snapshots);
}

static void remove_next(struct storage_snapshots *snapshots)
{
    if (snapshots->removing[0] != '\0' || snapshots->doomed_count == 0) {
        return;
    }
    snapshot_name(snapshots->removing, snapshots->doomed[--snapshots->doomed_count], false);
    snapshots->env.ops->discard(snapshots->env.self, snapshots->removing, on_removed, snapshots);
}

/* N2, newest first: all behind the last that must be kept go, and what is damaged. */
static void retire(struct storage_snapshots *snapshots)
{
    size_t verified = 0;
    size_t i = 0;
    while (i < snapshots->count) {
        const struct snapshot_entry *entry = &snapshots->entries[i];
        if (entry->state == STORAGE_SNAPSHOT_DAMAGED || verified == STORAGE_SNAPSHOTS_KEPT) {
            CD_ASSERT(snapshots->doomed_count < CD_ARRAY_COUNT(snapshots->doomed));
            snapshots->doomed[snapshots->doomed_count++] = entry->meta.slot;
            remove_entry(snapshots, i);
            continue;
        }
        verified += entry->state == STORAGE_SNAPSHOT_VERIFIED ? 1 : 0;
        i++;
    }
    remove_next(snapshots);
}

void snapshot_keep(struct storage_snapshots *snapshots, const struct storage_snapshot_meta *meta,
                   uint64_t file_bytes)
{
    struct snapshot_entry *old = snapshot_find(snapshots, meta->slot);
    if (old != NULL) { /* a damaged one: its name is this one's now */
        CD_ASSERT(old->state == STORAGE_SNAPSHOT_DAMAGED);
        remove_entry(snapshots, (size_t)(old - snapshots->entries));
    }
    insert_entry(snapshots, &(struct snapshot_entry){
                                .meta = *meta,
                                .file_bytes = file_bytes,
                                .state = STORAGE_SNAPSHOT_VERIFIED,
                            });
    retire(snapshots);
}

/* --- opening --- */

struct survey {
    struct storage_snapshots *snapshots;
    uint64_t leftovers[STORAGE_SNAPSHOTS_MAX];
    size_t leftover_count;
    bool too_many;
};

static void note_file(void *context, const char *name)
{
    struct survey *survey = context;
    uint64_t slot;
    bool temporary;
    if (!snapshot_parse_name(name, &slot, &temporary)) {
        return; /* not a snapshot's */
    }
    size_t count = temporary ? survey->leftover_count : survey->snapshots->count;
    if (count == STORAGE_SNAPSHOTS_MAX) {
        survey->too_many = true;
    } else if (temporary) {
        survey->leftovers[survey->leftover_count++] = slot;
    } else {
        insert_entry(survey->snapshots, &(struct snapshot_entry){.meta = {.slot = slot}});
    }
}

static enum cd_status fail(const struct storage_snapshots *snapshots, const char *what,
                           const char *name, struct cd_error *error)
{
    return cd_error_set(error, CD_IO, "cannot %s %s: %s", what, name,
                        snapshots->env.ops->last_error(snapshots->env.self));
}

/* The file's size and its first bytes, at most SNAPSHOT_HEADER_BYTES of them. */
static enum cd_status read_start(const struct env *env, const char *name, uint64_t *ret_bytes,
                                 uint8_t block[SNAPSHOT_HEADER_BYTES], size_t *ret_read)
{
    struct env_file *file;
    enum cd_status status = env->ops->open(env->self, name, ENV_OPEN_READ, &file);
    if (status != CD_OK) {
        return status;
    }
    status = env->ops->size(env->self, file, ret_bytes);
    if (status == CD_OK) {
        status = env->ops->read(env->self, file, 0, block, SNAPSHOT_HEADER_BYTES, ret_read);
    }
    env->ops->close(env->self, file);
    return status;
}

static enum cd_status survey_file(struct storage_snapshots *snapshots, struct snapshot_entry *entry,
                                  struct cd_error *error)
{
    char name[SNAPSHOT_NAME_BYTES];
    uint8_t block[SNAPSHOT_HEADER_BYTES];
    size_t count = 0;
    uint64_t slot = entry->meta.slot;
    snapshot_name(name, slot, false);
    if (read_start(&snapshots->env, name, &entry->file_bytes, block, &count) != CD_OK) {
        return fail(snapshots, "read", name, error);
    }
    struct snapshot_check check;
    snapshot_check_init(&check);
    const char *what = "it ends within its header";
    enum cd_status status = CD_CORRUPT;
    if (count == SNAPSHOT_HEADER_BYTES) {
        status = snapshot_check_take(&check, block, &what);
    }
    if (status == CD_OK && check.header.meta.slot != slot) {
        what = "its header names another slot, so the file was renamed or copied";
        status = CD_CORRUPT;
    }
    if (status == CD_CORRUPT) {
        (void)snapshot_damaged(snapshots, slot, 0, what, NULL);
        return CD_OK;
    }
    entry->meta = status == CD_OK ? check.header.meta : entry->meta;
    return snapshot_check_owner(snapshots, name, status, &check.header, error);
}

static enum cd_status remove_leftovers(struct storage_snapshots *snapshots,
                                       const struct survey *survey, struct cd_error *error)
{
    const struct env *env = &snapshots->env;
    for (size_t i = 0; i < survey->leftover_count; i++) {
        char name[SNAPSHOT_NAME_BYTES];
        snapshot_name(name, survey->leftovers[i], true);
        if (env->ops->remove(env->self, name) != CD_OK) {
            return fail(snapshots, "remove", name, error);
        }
    }
    if (survey->leftover_count != 0 && env->ops->sync_directory(env->self) != CD_OK) {
        return fail(snapshots, "sync", "the data directory", error);
    }
    return CD_OK;
}

static enum cd_status survey_directory(struct storage_snapshots *snapshots, struct survey *survey,
                                       struct cd_error *error)
{
    const struct env *env = &snapshots->env;
    if (env->ops->list(env->self, note_file, survey) != CD_OK) {
        return fail(snapshots, "list", "the data directory", error);
    }
    if (survey->too_many) {
        return cd_error_set(error, CD_CORRUPT,
                            "the data directory holds more than %d files with names of snapshots, "
                            "which coordd does not keep: move those away that it did not write",
                            STORAGE_SNAPSHOTS_MAX);
    }
    for (size_t i = 0; i < snapshots->count; i++) {
        enum cd_status status = survey_file(snapshots, &snapshots->entries[i], error);
        if (status != CD_OK) {
            return status;
        }
    }
    return remove_leftovers(snapshots, survey, error);
}

enum cd_status storage_snapshots_open(const struct env *env,
                                      const struct storage_snapshots_options *options,
                                      struct storage_snapshots **ret_snapshots,
                                      struct cd_error *error)
{
    size_t name_bytes = strlen(options->cluster_name);
    CD_ASSERT(name_bytes <= STORAGE_CLUSTER_NAME_BYTES_MAX);
    struct storage_snapshots *snapshots = cd_calloc(1, sizeof(*snapshots));
    snapshots->env = *env;
    snapshots->file_bytes_max = options->file_bytes_max;
    memcpy(snapshots->cluster_name, options->cluster_name, name_bytes + 1);
    struct survey survey = {.snapshots = snapshots};
    enum cd_status status = survey_directory(snapshots, &survey, error);
    if (status != CD_OK) {
        storage_snapshots_free(snapshots);
        return status;
    }
    *ret_snapshots = snapshots;
    return CD_OK;
}

void storage_snapshots_free(struct storage_snapshots *snapshots)
{
    if (snapshots == NULL) {
        return;
    }
    CD_ASSERT(snapshots->readers == 0);
    snapshots->env.ops->cancel(snapshots->env.self, snapshots);
    snapshot_making_release(snapshots);
    while (snapshots->count > 0) {
        remove_entry(snapshots, snapshots->count - 1);
    }
    cd_free(snapshots);
}
