#include "simulation/liar.h"

#include "base/assert.h"
#include "base/memory.h"

#include <string.h>

enum { LIARS_MAX = 32 };

struct liar {
    struct env env; /* the inner one, but for what is overridden in `ops` */
    struct env_ops ops;
    const struct env *inner;
    struct world *world;
    uint64_t life;
    struct lie *first, *last; /* oldest first; only the oldest is at the disk */
};

/* A write on its way to the disk, after its owner was told that it is there. */
struct lie {
    struct env_file *file;
    bool closes; /* its owner has closed the file meanwhile */
    uint64_t offset;
    uint8_t *bytes;
    size_t bytes_count;
    env_done done;
    void *context;
    struct lie *next; /* newer */
};

/* Operations are given the inner env's `self`, so that most need no forwarding: whose it is. */
static struct liar *liars[LIARS_MAX];

static struct liar *find_liar(const void *self)
{
    for (size_t i = 0; i < LIARS_MAX; i++) {
        if (liars[i] != NULL && liars[i]->inner->self == self) {
            return liars[i];
        }
    }
    CD_UNREACHABLE();
}

static void close_file(void *self, struct env_file *file)
{
    struct liar *liar = find_liar(self);
    struct lie *newest = NULL;
    for (struct lie *lie = liar->first; lie != NULL; lie = lie->next) {
        newest = lie->file == file ? lie : newest;
    }
    if (newest != NULL) {
        newest->closes = true;
    } else {
        liar->inner->ops->close(self, file);
    }
}

static void drop_oldest(struct liar *liar)
{
    struct lie *lie = liar->first;
    liar->first = lie->next;
    liar->last = liar->first == NULL ? NULL : liar->last;
    if (lie->closes) {
        liar->inner->ops->close(liar->inner->self, lie->file);
    }
    cd_free(lie->bytes);
    cd_free(lie);
}

static void really_write(struct liar *liar);

static void really_done(void *context, enum cd_status status)
{
    struct liar *liar = context;
    (void)status;
    drop_oldest(liar);
    if (liar->first != NULL) {
        really_write(liar);
    }
}

static void really_write(struct liar *liar)
{
    const struct lie *lie = liar->first;
    liar->inner->ops->write_sync(liar->inner->self, lie->file, lie->offset, lie->bytes,
                                 lie->bytes_count, really_done, liar);
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

static void write_sync(void *self, struct env_file *file, uint64_t offset, const void *from,
                       size_t bytes, env_done done, void *context)
{
    struct liar *liar = find_liar(self);
    struct lie *lie = cd_calloc(1, sizeof(*lie));
    *lie = (struct lie){.file = file, .offset = offset, .bytes_count = bytes};
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
    bool idle = liar->first == NULL;
    if (idle) {
        liar->first = lie;
    } else {
        liar->last->next = lie;
    }
    liar->last = lie;
    if (idle) {
        really_write(liar);
    }
}

struct liar *liar_create(struct world *world, const struct env *inner)
{
    struct liar *liar = cd_calloc(1, sizeof(*liar));
    liar->world = world;
    liar->inner = inner;
    liar->ops = *inner->ops;
    liar->ops.write_sync = write_sync;
    liar->ops.close = close_file;
    liar->env = (struct env){.ops = &liar->ops, .self = inner->self};
    size_t place = 0;
    while (liars[place] != NULL) {
        place++;
        CD_ASSERT(place < LIARS_MAX);
    }
    liars[place] = liar;
    return liar;
}

void liar_free(struct liar *liar)
{
    if (liar == NULL) {
        return;
    }
    liar_forget(liar);
    for (size_t i = 0; i < LIARS_MAX; i++) {
        liars[i] = liars[i] == liar ? NULL : liars[i];
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
    while (liar->first != NULL) {
        drop_oldest(liar); /* the disk has dropped it too */
    }
}
