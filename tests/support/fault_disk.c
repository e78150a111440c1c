#include "support/fault_disk.h"

#include "base/assert.h"
#include "base/memory.h"
#include "support/fault_fs.h"

#include <string.h>

/* How many steps an operation has; one that had begun at a crash has done some of them. */
enum {
    CREATE_STAGES = 5,  /* open, allocate, write, sync, sync the directory */
    PUBLISH_STAGES = 3, /* sync, rename, sync the directory */
    DISCARD_STAGES = 2, /* remove, sync the directory */
};

struct env_file {
    struct env_file *next;
    struct fault_inode *inode; /* NULL once stale */
    bool writable;
};

enum lane {
    LANE_WRITE,
    LANE_CREATE,
    LANE_BULK,
    LANE_COUNT,
};

enum operation_kind {
    OPERATION_WRITE_SYNC,
    OPERATION_CREATE,
    OPERATION_WRITE_BEHIND,
    OPERATION_PUBLISH,
    OPERATION_DISCARD,
};

struct operation {
    struct operation *next;
    uint64_t ticket;
    enum operation_kind kind;
    struct env_file *file; /* not of a creation, nor of a discard */
    uint64_t offset;
    const char *path;
    const char *new_path; /* of a publish */
    uint64_t reserve_bytes;
    struct env_file **ret_file;
    const void *from;
    size_t bytes;
    env_done done;
    void *context;
};

struct fault_disk {
    struct fault_disk_options options;
    struct env env;
    struct cd_prng own_prng;
    struct cd_prng *prng;
    uint64_t now_ms;
    uint64_t wall_ms;
    struct fault_fs fs;
    struct env_file *files;
    struct operation *lanes[LANE_COUNT];
    uint64_t next_ticket;
    uint64_t operations;
    uint64_t fail_at; /* of `operations`; 0 for none */
    bool fail_on;     /* and all after it */
    enum cd_status fail_status;
    struct fault_disk_stats stats;
};

static uint64_t draw(struct fault_disk *disk, uint64_t bound)
{
    return cd_prng_below(disk->prng, bound);
}

/* --- faults and space --- */

/* Counts one operation; true if it shall fail. */
static bool must_fail(struct fault_disk *disk)
{
    disk->operations++;
    bool fails = disk->fail_at != 0 && (disk->fail_on ? disk->operations >= disk->fail_at
                                                      : disk->operations == disk->fail_at);
    disk->stats.faults += fails ? 1 : 0;
    return fails;
}

/* What the planned fault looks like to an operation for which CD_FULL is no possible answer. */
static enum cd_status fail_plainly(const struct fault_disk *disk)
{
    return disk->fail_status == CD_FULL ? CD_IO : disk->fail_status;
}

static uint64_t used_bytes(const struct fault_disk *disk)
{
    uint64_t used = 0;
    for (const struct fault_inode *each = disk->fs.inodes; each != NULL; each = each->next) {
        used += each->cache_bytes;
    }
    return used;
}

static bool has_room(const struct fault_disk *disk, const struct fault_inode *inode, uint64_t end)
{
    if (disk->options.capacity_bytes == 0 || end <= inode->cache_bytes) {
        return true;
    }
    return used_bytes(disk) + (end - inode->cache_bytes) <= disk->options.capacity_bytes;
}

/* --- env: time --- */

static uint64_t op_now_ms(void *self)
{
    struct fault_disk *disk = self;
    return disk->options.now_ms != NULL ? disk->options.now_ms(disk->options.context)
                                        : disk->now_ms;
}

static uint64_t op_now_us(void *self)
{
    return op_now_ms(self) * 1000;
}

static uint64_t op_wall_ms(void *self)
{
    struct fault_disk *disk = self;
    return disk->options.wall_ms != NULL ? disk->options.wall_ms(disk->options.context)
                                         : disk->wall_ms;
}

static void op_entropy(void *self, void *to, size_t bytes)
{
    struct fault_disk *disk = self;
    uint8_t *out = to;
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)cd_prng_next(disk->prng);
    }
}

/* --- env: blocking file operations --- */

static struct env_file *file_create(struct fault_disk *disk, struct fault_inode *inode,
                                    bool writable)
{
    struct env_file *file = cd_calloc(1, sizeof(*file));
    file->inode = fault_inode_ref(inode);
    file->writable = writable;
    file->next = disk->files;
    disk->files = file;
    disk->stats.open_files++;
    return file;
}

static enum cd_status op_open(void *self, const char *path, enum env_open_mode mode,
                              struct env_file **ret_file)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return mode == ENV_OPEN_CREATE ? disk->fail_status : fail_plainly(disk);
    }
    struct fault_inode *inode = fault_fs_find(&disk->fs, path);
    if (mode == ENV_OPEN_CREATE) {
        if (inode != NULL) {
            return CD_IO;
        }
        inode = fault_inode_create(&disk->fs);
        fault_fs_change(&disk->fs, "", path, inode);
    }
    if (inode == NULL) {
        return CD_NOT_FOUND;
    }
    *ret_file = file_create(disk, inode, mode != ENV_OPEN_READ);
    return CD_OK;
}

/* No operation on the file waits or runs. */
static void assert_idle(const struct fault_disk *disk, const struct env_file *file)
{
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        for (const struct operation *op = disk->lanes[lane]; op != NULL; op = op->next) {
            CD_ASSERT(op->file != file);
        }
    }
}

static void op_close(void *self, struct env_file *file)
{
    struct fault_disk *disk = self;
    assert_idle(disk, file);
    struct env_file **link = &disk->files;
    while (*link != file) {
        CD_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = file->next;
    disk->stats.open_files--;
    if (file->inode != NULL) {
        fault_inode_unref(&disk->fs, file->inode);
    }
    cd_free(file);
}

static enum cd_status op_size(void *self, struct env_file *file, uint64_t *ret_bytes)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    if (file->inode == NULL) {
        return CD_IO;
    }
    *ret_bytes = file->inode->cache_bytes;
    return CD_OK;
}

static enum cd_status op_read(void *self, struct env_file *file, uint64_t offset, void *to,
                              size_t bytes, size_t *ret_read)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    if (file->inode == NULL) {
        return CD_IO;
    }
    uint64_t left = offset < file->inode->cache_bytes ? file->inode->cache_bytes - offset : 0;
    size_t count = bytes < left ? bytes : (size_t)left;
    if (count != 0) {
        memcpy(to, file->inode->cache + offset, count);
    }
    *ret_read = count;
    return CD_OK;
}

static enum cd_status op_write(void *self, struct env_file *file, uint64_t offset, const void *from,
                               size_t bytes)
{
    struct fault_disk *disk = self;
    bool fails = must_fail(disk);
    if (file->inode == NULL) {
        return CD_IO;
    }
    CD_ASSERT(file->writable);
    bool full = !fails && !has_room(disk, file->inode, offset + bytes);
    if (fails || full) {
        uint64_t part = draw(disk, bytes + 1);
        if (has_room(disk, file->inode, offset + part)) {
            fault_inode_write(file->inode, offset, from, part);
        }
        return full ? CD_FULL : disk->fail_status;
    }
    fault_inode_write(file->inode, offset, from, bytes);
    disk->stats.written_bytes += bytes;
    return CD_OK;
}

static enum cd_status op_sync(void *self, struct env_file *file)
{
    struct fault_disk *disk = self;
    bool fails = must_fail(disk);
    if (file->inode == NULL) {
        return CD_IO;
    }
    if (fails) {
        fault_inode_fail_sync(&disk->fs, file->inode);
        return fail_plainly(disk);
    }
    fault_inode_sync(file->inode);
    disk->stats.syncs++;
    return CD_OK;
}

static enum cd_status op_allocate(void *self, struct env_file *file, uint64_t bytes)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return disk->fail_status;
    }
    if (file->inode == NULL) {
        return CD_IO;
    }
    if (!has_room(disk, file->inode, bytes)) {
        return CD_FULL;
    }
    if (bytes > file->inode->cache_bytes) {
        fault_inode_resize(file->inode, bytes);
    }
    return CD_OK;
}

static enum cd_status op_truncate(void *self, struct env_file *file, uint64_t bytes)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    if (file->inode == NULL) {
        return CD_IO;
    }
    if (bytes < file->inode->cache_bytes) {
        fault_inode_resize(file->inode, bytes);
    }
    return CD_OK;
}

static enum cd_status op_rename(void *self, const char *from, const char *to)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    struct fault_inode *inode = fault_fs_find(&disk->fs, from);
    if (inode == NULL) {
        return CD_NOT_FOUND;
    }
    fault_fs_change(&disk->fs, from, to, inode);
    return CD_OK;
}

static enum cd_status op_remove(void *self, const char *path)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    if (fault_fs_find(&disk->fs, path) == NULL) {
        return CD_NOT_FOUND;
    }
    fault_fs_change(&disk->fs, path, "", NULL);
    return CD_OK;
}

static enum cd_status op_sync_directory(void *self)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    fault_fs_sync_directory(&disk->fs);
    disk->stats.syncs++;
    return CD_OK;
}

static enum cd_status op_free_bytes(void *self, uint64_t *ret_bytes)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    uint64_t capacity = disk->options.capacity_bytes;
    uint64_t used = used_bytes(disk);
    *ret_bytes = capacity == 0 ? UINT64_MAX : capacity > used ? capacity - used : 0;
    return CD_OK;
}

static enum cd_status op_list(void *self, void (*each)(void *context, const char *name),
                              void *context)
{
    struct fault_disk *disk = self;
    if (must_fail(disk)) {
        return fail_plainly(disk);
    }
    for (size_t i = 0; i < disk->fs.cache.count; i++) {
        each(context, disk->fs.cache.entries[i].name);
    }
    return CD_OK;
}

static const char *op_last_error(void *self)
{
    struct fault_disk *disk = self;
    return disk->stats.faults != 0 ? "injected fault" : "virtual disk";
}

/* --- env: asynchronous operations --- */

static void schedule_head(struct fault_disk *disk, enum lane lane)
{
    const struct operation *op = disk->lanes[lane];
    if (op != NULL && disk->options.schedule != NULL) {
        uint64_t min = disk->options.latency_us_min;
        uint64_t delay = min + draw(disk, disk->options.latency_us_max - min + 1);
        disk->options.schedule(disk->options.context, delay != 0 ? delay : 1, op->ticket);
    }
}

static void enqueue(struct fault_disk *disk, enum lane lane, const struct operation *request)
{
    struct operation *op = cd_malloc(sizeof(*op));
    *op = *request;
    op->next = NULL;
    op->ticket = ++disk->next_ticket;
    struct operation **end = &disk->lanes[lane];
    bool first = *end == NULL;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = op;
    if (first) {
        schedule_head(disk, lane);
    }
}

static void op_write_sync(void *self, struct env_file *file, uint64_t offset, const void *from,
                          size_t bytes, env_done done, void *context)
{
    struct fault_disk *disk = self;
    assert_idle(disk, file); /* one at a time per file */
    struct operation op = {
        .kind = OPERATION_WRITE_SYNC,
        .file = file,
        .offset = offset,
        .from = from,
        .bytes = bytes,
        .done = done,
        .context = context,
    };
    enqueue(disk, LANE_WRITE, &op);
}

static void op_create_reserved(void *self, const char *path, uint64_t bytes, const void *head,
                               size_t head_bytes, struct env_file **ret_file, env_done done,
                               void *context)
{
    CD_ASSERT(head_bytes <= bytes);
    struct operation op = {
        .kind = OPERATION_CREATE,
        .path = path,
        .reserve_bytes = bytes,
        .ret_file = ret_file,
        .from = head,
        .bytes = head_bytes,
        .done = done,
        .context = context,
    };
    enqueue(self, LANE_CREATE, &op);
}

static void op_write_behind(void *self, struct env_file *file, uint64_t offset, const void *from,
                            size_t bytes, env_done done, void *context)
{
    struct fault_disk *disk = self;
    assert_idle(disk, file);
    struct operation op = {
        .kind = OPERATION_WRITE_BEHIND,
        .file = file,
        .offset = offset,
        .from = from,
        .bytes = bytes,
        .done = done,
        .context = context,
    };
    enqueue(disk, LANE_BULK, &op);
}

static void op_publish(void *self, struct env_file *file, const char *from, const char *to,
                       env_done done, void *context)
{
    struct fault_disk *disk = self;
    assert_idle(disk, file);
    struct operation op = {
        .kind = OPERATION_PUBLISH,
        .file = file,
        .path = from,
        .new_path = to,
        .done = done,
        .context = context,
    };
    enqueue(disk, LANE_BULK, &op);
}

static void op_discard(void *self, const char *path, env_done done, void *context)
{
    struct operation op = {
        .kind = OPERATION_DISCARD, .path = path, .done = done, .context = context};
    enqueue(self, LANE_BULK, &op);
}

static enum cd_status perform_write(struct fault_disk *disk, const struct operation *op)
{
    enum cd_status status = op_write(disk, op->file, op->offset, op->from, op->bytes);
    if (status == CD_OK) {
        status = op_sync(disk, op->file);
    }
    return status == CD_FULL ? CD_IO : status;
}

/* The first `stages` of CREATE_STAGES; a file is left open only when all were done. */
static enum cd_status perform_create(struct fault_disk *disk, const struct operation *op,
                                     uint64_t stages, struct env_file **ret_file)
{
    struct env_file *file = NULL;
    if (stages < 1) {
        return CD_OK;
    }
    enum cd_status status = op_open(disk, op->path, ENV_OPEN_CREATE, &file);
    if (status == CD_OK && stages > 1) {
        status = op_allocate(disk, file, op->reserve_bytes);
    }
    if (status == CD_OK && stages > 2) {
        status = op_write(disk, file, 0, op->from, op->bytes);
    }
    if (status == CD_OK && stages > 3) {
        status = op_sync(disk, file);
    }
    if (status == CD_OK && stages > 4) {
        status = op_sync_directory(disk);
    }
    if (status == CD_OK && stages == CREATE_STAGES) {
        *ret_file = file;
        return CD_OK;
    }
    if (file != NULL) {
        op_close(disk, file);
        if (status == CD_FULL) {
            fault_fs_change(&disk->fs, op->path, "", NULL);
        }
    }
    return status;
}

/* The first `stages` of PUBLISH_STAGES. */
static enum cd_status perform_publish(struct fault_disk *disk, const struct operation *op,
                                      uint64_t stages)
{
    if (stages < 1) {
        return CD_OK;
    }
    uint64_t faults = disk->stats.faults;
    enum cd_status status = op_sync(disk, op->file);
    if (status != CD_OK) { /* here alone a sync tells a full disk from a broken one */
        return disk->stats.faults != faults ? disk->fail_status : status;
    }
    if (stages > 1) {
        status = op_rename(disk, op->path, op->new_path);
    }
    if (status == CD_OK && stages > 2) {
        status = op_sync_directory(disk);
    }
    return status == CD_OK ? CD_OK : CD_IO;
}

/* The first `stages` of DISCARD_STAGES. */
static enum cd_status perform_discard(struct fault_disk *disk, const struct operation *op,
                                      uint64_t stages)
{
    enum cd_status status = stages > 0 ? op_remove(disk, op->path) : CD_OK;
    return status == CD_OK && stages > 1 ? op_sync_directory(disk) : status;
}

static enum cd_status perform(struct fault_disk *disk, const struct operation *op)
{
    switch (op->kind) {
    case OPERATION_WRITE_SYNC:
        return perform_write(disk, op);
    case OPERATION_CREATE:
        return perform_create(disk, op, CREATE_STAGES, op->ret_file);
    case OPERATION_WRITE_BEHIND:
        return op_write(disk, op->file, op->offset, op->from, op->bytes);
    case OPERATION_PUBLISH:
        return perform_publish(disk, op, PUBLISH_STAGES);
    case OPERATION_DISCARD:
        return perform_discard(disk, op, DISCARD_STAGES);
    }
    CD_UNREACHABLE();
}

static void step_lane(struct fault_disk *disk, enum lane lane)
{
    struct operation *op = disk->lanes[lane];
    disk->lanes[lane] = op->next;
    enum cd_status status = perform(disk, op);
    schedule_head(disk, lane);
    env_done done = op->done;
    void *context = op->context;
    cd_free(op);
    done(context, status);
}

static void op_cancel(void *self, void *context)
{
    struct fault_disk *disk = self;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        const struct operation *head = disk->lanes[lane];
        bool head_goes = head != NULL && head->context == context;
        if (head_goes && draw(disk, 2) == 0) { /* it has begun: it is carried out */
            (void)perform(disk, head);
        }
        struct operation **link = &disk->lanes[lane];
        while (*link != NULL) {
            struct operation *op = *link;
            if (op->context == context) {
                *link = op->next;
                cd_free(op);
            } else {
                link = &op->next;
            }
        }
        if (head_goes) {
            schedule_head(disk, (enum lane)lane);
        }
    }
}

static const struct env_ops fault_disk_ops = {
    .now_ms = op_now_ms,
    .now_us = op_now_us,
    .wall_ms = op_wall_ms,
    .entropy = op_entropy,
    .open = op_open,
    .close = op_close,
    .size = op_size,
    .read = op_read,
    .write = op_write,
    .sync = op_sync,
    .allocate = op_allocate,
    .truncate = op_truncate,
    .rename = op_rename,
    .remove = op_remove,
    .sync_directory = op_sync_directory,
    .free_bytes = op_free_bytes,
    .list = op_list,
    .last_error = op_last_error,
    .write_sync = op_write_sync,
    .create_reserved = op_create_reserved,
    .write_behind = op_write_behind,
    .publish = op_publish,
    .discard = op_discard,
    .cancel = op_cancel,
};

/* --- the owner's side --- */

struct fault_disk *fault_disk_create(const struct fault_disk_options *options)
{
    struct fault_disk *disk = cd_calloc(1, sizeof(*disk));
    if (options != NULL) {
        disk->options = *options;
    }
    CD_ASSERT(disk->options.latency_us_min <= disk->options.latency_us_max);
    cd_prng_init(&disk->own_prng, disk->options.seed);
    disk->prng = disk->options.prng != NULL ? disk->options.prng : &disk->own_prng;
    fault_fs_init(&disk->fs, disk->prng);
    disk->env = (struct env){.ops = &fault_disk_ops, .self = disk};
    return disk;
}

void fault_disk_free(struct fault_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    CD_ASSERT(fault_disk_waiting(disk) == 0);
    while (disk->files != NULL) {
        CD_ASSERT(disk->files->inode == NULL); /* a leak of the product otherwise */
        op_close(disk, disk->files);
    }
    fault_fs_clear(&disk->fs);
    CD_ASSERT(disk->fs.inodes == NULL);
    cd_free(disk);
}

const struct env *fault_disk_env(struct fault_disk *disk)
{
    return &disk->env;
}

void fault_disk_set_time(struct fault_disk *disk, uint64_t now_ms, uint64_t wall_ms)
{
    CD_ASSERT(now_ms >= disk->now_ms);
    disk->now_ms = now_ms;
    disk->wall_ms = wall_ms;
}

void fault_disk_set_latency(struct fault_disk *disk, uint64_t min_us, uint64_t max_us)
{
    CD_ASSERT(min_us <= max_us);
    disk->options.latency_us_min = min_us;
    disk->options.latency_us_max = max_us;
}

bool fault_disk_step(struct fault_disk *disk, uint64_t ticket)
{
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        if (disk->lanes[lane] != NULL && disk->lanes[lane]->ticket == ticket) {
            step_lane(disk, (enum lane)lane);
            return true;
        }
    }
    return false;
}

bool fault_disk_step_any(struct fault_disk *disk)
{
    uint64_t busy = 0;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        busy += disk->lanes[lane] != NULL ? 1 : 0;
    }
    if (busy == 0) {
        return false;
    }
    uint64_t drawn = busy > 1 ? draw(disk, busy) : 0;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        if (disk->lanes[lane] != NULL && drawn-- == 0) {
            step_lane(disk, (enum lane)lane);
            return true;
        }
    }
    CD_UNREACHABLE();
}

size_t fault_disk_pump(struct fault_disk *disk)
{
    size_t steps = 0;
    while (fault_disk_step_any(disk)) {
        steps++;
    }
    return steps;
}

size_t fault_disk_waiting(const struct fault_disk *disk)
{
    size_t count = 0;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        for (const struct operation *op = disk->lanes[lane]; op != NULL; op = op->next) {
            count++;
        }
    }
    return count;
}

/* An operation that had begun leaves some of its work behind. */
static void perform_part(struct fault_disk *disk, const struct operation *op)
{
    struct env_file *file = NULL;
    switch (op->kind) {
    case OPERATION_CREATE:
        (void)perform_create(disk, op, draw(disk, CREATE_STAGES + 1), &file);
        if (file != NULL) {
            op_close(disk, file);
        }
        break;
    case OPERATION_WRITE_SYNC:
    case OPERATION_WRITE_BEHIND:
        if (draw(disk, 4) != 0 && has_room(disk, op->file->inode, op->offset + op->bytes)) {
            uint64_t bytes = draw(disk, 2) == 0 ? op->bytes : draw(disk, op->bytes + 1);
            fault_inode_write(op->file->inode, op->offset, op->from, bytes);
            if (op->kind == OPERATION_WRITE_SYNC && bytes == op->bytes && draw(disk, 2) == 0) {
                fault_inode_sync(op->file->inode);
            }
        }
        break;
    case OPERATION_PUBLISH:
        (void)perform_publish(disk, op, draw(disk, PUBLISH_STAGES + 1));
        break;
    case OPERATION_DISCARD:
        (void)perform_discard(disk, op, draw(disk, DISCARD_STAGES + 1));
        break;
    }
}

/* The operations that had begun leave some of their work behind; all are gone afterwards. */
static void abandon_operations(struct fault_disk *disk)
{
    uint64_t fail_at = disk->fail_at;
    disk->fail_at = 0; /* a planned fault is for operations that somebody sees */
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        struct operation *op = disk->lanes[lane];
        if (op != NULL) {
            perform_part(disk, op);
        }
        while (disk->lanes[lane] != NULL) {
            op = disk->lanes[lane];
            disk->lanes[lane] = op->next;
            cd_free(op);
        }
    }
    disk->fail_at = fail_at;
}

static void make_stale(struct fault_disk *disk)
{
    for (struct env_file *file = disk->files; file != NULL; file = file->next) {
        if (file->inode != NULL) {
            fault_inode_unref(&disk->fs, file->inode);
            file->inode = NULL;
        }
    }
}

void fault_disk_kill(struct fault_disk *disk)
{
    disk->stats.kills++;
    abandon_operations(disk);
    make_stale(disk);
}

void fault_disk_crash(struct fault_disk *disk)
{
    disk->stats.crashes++;
    abandon_operations(disk);
    make_stale(disk);
    fault_fs_crash(&disk->fs);
}

static void assert_unused(const struct fault_disk *disk)
{
    CD_ASSERT(fault_disk_waiting(disk) == 0);
    for (const struct env_file *file = disk->files; file != NULL; file = file->next) {
        CD_ASSERT(file->inode == NULL);
    }
}

void fault_disk_wipe(struct fault_disk *disk)
{
    assert_unused(disk);
    fault_fs_clear(&disk->fs);
}

struct fault_disk_image {
    struct {
        char name[ENV_PATH_BYTES_MAX + 1];
        uint8_t *data;
        uint64_t bytes;
    } * files;
    size_t count;
};

struct fault_disk_image *fault_disk_save(const struct fault_disk *disk)
{
    struct fault_disk_image *image = cd_calloc(1, sizeof(*image));
    image->files = cd_calloc(disk->fs.disk.count, sizeof(*image->files));
    image->count = disk->fs.disk.count;
    for (size_t i = 0; i < image->count; i++) {
        const struct fault_inode *inode = disk->fs.disk.entries[i].inode;
        memcpy(image->files[i].name, disk->fs.disk.entries[i].name, sizeof(image->files[i].name));
        image->files[i].data = cd_malloc(inode->disk_bytes);
        image->files[i].bytes = inode->disk_bytes;
        if (inode->disk_bytes != 0) {
            memcpy(image->files[i].data, inode->disk, inode->disk_bytes);
        }
    }
    return image;
}

void fault_disk_restore(struct fault_disk *disk, const struct fault_disk_image *image)
{
    fault_disk_wipe(disk);
    for (size_t i = 0; i < image->count; i++) {
        struct fault_inode *inode = fault_inode_create(&disk->fs);
        fault_fs_change(&disk->fs, "", image->files[i].name, inode);
        fault_inode_write(inode, 0, image->files[i].data, image->files[i].bytes);
        fault_inode_sync(inode);
    }
    fault_fs_sync_directory(&disk->fs);
}

void fault_disk_image_free(struct fault_disk_image *image)
{
    if (image == NULL) {
        return;
    }
    for (size_t i = 0; i < image->count; i++) {
        cd_free(image->files[i].data);
    }
    cd_free(image->files);
    cd_free(image);
}

void fault_disk_fail_at(struct fault_disk *disk, uint64_t nth, enum cd_status status)
{
    disk->fail_at = nth != 0 ? disk->operations + nth : 0;
    disk->fail_on = false;
    disk->fail_status = status;
}

void fault_disk_fail_from(struct fault_disk *disk, uint64_t nth, enum cd_status status)
{
    fault_disk_fail_at(disk, nth, status);
    disk->fail_on = true;
}

uint64_t fault_disk_operations(const struct fault_disk *disk)
{
    return disk->operations;
}

void fault_disk_set_capacity(struct fault_disk *disk, uint64_t bytes)
{
    disk->options.capacity_bytes = bytes;
}

const uint8_t *fault_disk_peek(const struct fault_disk *disk, const char *path, uint64_t *ret_bytes)
{
    const struct fault_inode *inode = fault_fs_find(&disk->fs, path);
    if (inode == NULL) {
        return NULL;
    }
    static const uint8_t nothing;
    *ret_bytes = inode->cache_bytes;
    return inode->cache != NULL ? inode->cache : &nothing; /* an empty file is a file */
}

void fault_disk_poke(struct fault_disk *disk, const char *path, uint64_t offset, const void *from,
                     size_t bytes)
{
    struct fault_inode *inode = fault_fs_find(&disk->fs, path);
    CD_ASSERT(inode != NULL);
    CD_ASSERT(offset + bytes <= inode->cache_bytes);
    memcpy(inode->cache + offset, from, bytes);
    memcpy(inode->disk + offset, from, bytes);
}

void fault_disk_flip(struct fault_disk *disk, const char *path, uint64_t bit)
{
    struct fault_inode *inode = fault_fs_find(&disk->fs, path);
    CD_ASSERT(inode != NULL);
    CD_ASSERT(bit / 8 < inode->cache_bytes);
    inode->cache[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    inode->disk[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

void fault_disk_stats(const struct fault_disk *disk, struct fault_disk_stats *ret_stats)
{
    *ret_stats = disk->stats;
    ret_stats->sectors_lost = disk->fs.sectors_lost;
    ret_stats->sectors_kept = disk->fs.sectors_kept;
    ret_stats->sectors_torn = disk->fs.sectors_torn;
}
