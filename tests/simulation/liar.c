#include "simulation/liar.h"

#include "base/memory.h"

#include <string.h>

struct liar {
    struct env env;
    struct env_ops ops;
    const struct env *inner;
    struct world *world;
    uint64_t life;
    struct lie *under_way; /* until the disk has really done them */
};

/* A write on its way to the disk, after its owner was told that it is there. */
struct lie {
    struct liar *liar;
    uint8_t *bytes;
    env_done done;
    void *context;
    struct lie *next;
};

#define INNER(self) (((struct liar *)(self))->inner)

static uint64_t now_ms(void *self)
{
    return env_now_ms(INNER(self));
}

static uint64_t wall_ms(void *self)
{
    return env_wall_ms(INNER(self));
}

static void entropy(void *self, void *to, size_t bytes)
{
    INNER(self)->ops->entropy(INNER(self)->self, to, bytes);
}

static enum cd_status open_file(void *self, const char *path, enum env_open_mode mode,
                                struct env_file **ret_file)
{
    return INNER(self)->ops->open(INNER(self)->self, path, mode, ret_file);
}

static void close_file(void *self, struct env_file *file)
{
    INNER(self)->ops->close(INNER(self)->self, file);
}

static enum cd_status size(void *self, struct env_file *file, uint64_t *ret_bytes)
{
    return INNER(self)->ops->size(INNER(self)->self, file, ret_bytes);
}

static enum cd_status read_file(void *self, struct env_file *file, uint64_t offset, void *to,
                                size_t bytes, size_t *ret_read)
{
    return INNER(self)->ops->read(INNER(self)->self, file, offset, to, bytes, ret_read);
}

static enum cd_status write_file(void *self, struct env_file *file, uint64_t offset,
                                 const void *from, size_t bytes)
{
    return INNER(self)->ops->write(INNER(self)->self, file, offset, from, bytes);
}

static enum cd_status sync_file(void *self, struct env_file *file)
{
    return INNER(self)->ops->sync(INNER(self)->self, file);
}

static enum cd_status allocate(void *self, struct env_file *file, uint64_t bytes)
{
    return INNER(self)->ops->allocate(INNER(self)->self, file, bytes);
}

static enum cd_status rename_file(void *self, const char *from, const char *to)
{
    return INNER(self)->ops->rename(INNER(self)->self, from, to);
}

static enum cd_status remove_file(void *self, const char *path)
{
    return INNER(self)->ops->remove(INNER(self)->self, path);
}

static enum cd_status sync_directory(void *self)
{
    return INNER(self)->ops->sync_directory(INNER(self)->self);
}

static enum cd_status list(void *self, void (*each)(void *context, const char *name),
                           void *context)
{
    return INNER(self)->ops->list(INNER(self)->self, each, context);
}

static void drop_lie(struct lie *lie)
{
    struct lie **link = &lie->liar->under_way;
    while (*link != lie) {
        link = &(*link)->next;
    }
    *link = lie->next;
    cd_free(lie->bytes);
    cd_free(lie);
}

static void really_done(void *context, enum cd_status status)
{
    (void)status;
    drop_lie(context);
}

static void say_done(void *context, const struct world_event *event)
{
    struct liar *liar = context;
    struct lie *said = event->cargo;
    if (event->number == liar->life) {
        said->done(said->context, CD_OK);
    }
    cd_free(said);
}

static const char *last_error(void *self)
{
    return INNER(self)->ops->last_error(INNER(self)->self);
}

static void write_sync(void *self, struct env_file *file, uint64_t offset, const void *from,
                       size_t bytes, env_done done, void *context)
{
    struct liar *liar = self;
    struct lie *lie = cd_calloc(1, sizeof(*lie));
    *lie = (struct lie){.liar = liar, .next = liar->under_way};
    liar->under_way = lie;
    lie->bytes = cd_malloc(bytes != 0 ? bytes : 1);
    memcpy(lie->bytes, from, bytes);
    struct lie *said = cd_calloc(1, sizeof(*said));
    *said = (struct lie){.done = done, .context = context};
    world_after(liar->world, 1,
                (struct world_event){.action = say_done,
                                     .context = liar,
                                     .number = liar->life,
                                     .cargo = said,
                                     .drop = cd_free});
    liar->inner->ops->write_sync(liar->inner->self, file, offset, lie->bytes, bytes, really_done,
                                 lie);
}

static void create_reserved(void *self, const char *path, uint64_t bytes, const void *head,
                            size_t head_bytes, struct env_file **ret_file, env_done done,
                            void *context)
{
    INNER(self)->ops->create_reserved(INNER(self)->self, path, bytes, head, head_bytes, ret_file,
                                      done, context);
}

struct liar *liar_create(struct world *world, const struct env *inner)
{
    struct liar *liar = cd_calloc(1, sizeof(*liar));
    liar->world = world;
    liar->inner = inner;
    liar->ops = (struct env_ops){
        .now_ms = now_ms,
        .wall_ms = wall_ms,
        .entropy = entropy,
        .open = open_file,
        .close = close_file,
        .size = size,
        .read = read_file,
        .write = write_file,
        .sync = sync_file,
        .allocate = allocate,
        .rename = rename_file,
        .remove = remove_file,
        .sync_directory = sync_directory,
        .list = list,
        .last_error = last_error,
        .write_sync = write_sync,
        .create_reserved = create_reserved,
    };
    liar->env = (struct env){.ops = &liar->ops, .self = liar};
    return liar;
}

void liar_free(struct liar *liar)
{
    while (liar != NULL && liar->under_way != NULL) {
        drop_lie(liar->under_way);
    }
    cd_free(liar);
}

const struct env *liar_env(struct liar *liar)
{
    return &liar->env;
}

void liar_forget(struct liar *liar)
{
    liar->life++;
}
