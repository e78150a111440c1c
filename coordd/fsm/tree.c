#include "fsm/tree.h"

#include "base/memory.h"
#include "fsm/path.h"

/*
 * Small pages make the copy that a frozen version costs cheap, large ones make the tree flat. Pages
 * below PAGE_SLOTS_LOW join a neighbour if both together stay at or below PAGE_SLOTS_JOINED, which
 * leaves room, so that a page does not split and join in turns.
 */
#define PAGE_SLOTS        32u
#define PAGE_SLOTS_LOW    8u
#define PAGE_SLOTS_JOINED 24u

/* A key that separates two neighbouring pages: as much of the right one's first key as it takes. */
struct bound {
    uint32_t refs;
    uint32_t bytes;
    uint8_t data[];
};

/*
 * Searching a page reads its heads, which lie together, and then one or two keys, which do not: the
 * head of a key is its next 8 bytes behind the first `skip`, which all keys of the page share.
 */
struct fsm_page {
    uint32_t refs;
    uint16_t count; /* slots used */
    uint16_t level; /* 0: struct leaf, above: struct inner */
    uint32_t skip;
    uint64_t newest;            /* no node below was changed by a zxid above it */
    uint64_t heads[PAGE_SLOTS]; /* of the nodes' keys, or of the bounds but the first */
};

struct leaf {
    struct fsm_page page;
    struct fsm_node *nodes[PAGE_SLOTS]; /* owned references */
};

struct inner {
    struct fsm_page page;
    struct fsm_page *pages[PAGE_SLOTS]; /* owned references */
    struct bound *bounds[PAGE_SLOTS];   /* owned references; the first is NULL: no lower bound */
};

static struct leaf *leaf_of(struct fsm_page *page)
{
    CD_ASSERT(page->level == 0);
    return (struct leaf *)page;
}

static struct inner *inner_of(struct fsm_page *page)
{
    CD_ASSERT(page->level != 0);
    return (struct inner *)page;
}

static const struct leaf *leaf_of_const(const struct fsm_page *page)
{
    CD_ASSERT(page->level == 0);
    return (const struct leaf *)page;
}

static const struct inner *inner_of_const(const struct fsm_page *page)
{
    CD_ASSERT(page->level != 0);
    return (const struct inner *)page;
}

/* The first slot that has a key. */
static unsigned first_key(const struct fsm_page *page)
{
    return page->level == 0 ? 0 : 1;
}

static struct fsm_bytes bound_key(const struct bound *bound)
{
    return fsm_bytes_make(bound->data, bound->bytes);
}

static struct fsm_bytes key_at(const struct fsm_page *page, unsigned slot)
{
    return page->level == 0 ? fsm_node_key(leaf_of_const(page)->nodes[slot])
                            : bound_key(inner_of_const(page)->bounds[slot]);
}

/* ---- References ---- */

/* The shortest key that is above `low` and not above `high`. */
static struct bound *bound_between(struct fsm_bytes low, struct fsm_bytes high)
{
    size_t common = 0;
    while (common < low.bytes && low.data[common] == high.data[common]) {
        common++;
    }
    CD_ASSERT(common < high.bytes);
    struct bound *bound = cd_malloc(sizeof(*bound) + common + 1);
    bound->refs = 1;
    bound->bytes = (uint32_t)(common + 1);
    memcpy(bound->data, high.data, common + 1);
    return bound;
}

static void bound_unref(struct bound *bound)
{
    if (bound != NULL && --bound->refs == 0) {
        cd_free(bound);
    }
}

static struct fsm_page *page_create(uint16_t level)
{
    struct fsm_page *page = cd_malloc(level == 0 ? sizeof(struct leaf) : sizeof(struct inner));
    page->refs = 1;
    page->count = 0;
    page->level = level;
    page->skip = 0;
    page->newest = 0;
    return page;
}

/* Recurses by level, at most FSM_TREE_HEIGHT_MAX deep. */
static void page_unref(struct fsm_page *page)
{
    CD_ASSERT(page->refs > 0);
    if (--page->refs > 0) {
        return;
    }
    for (unsigned i = 0; i < page->count; i++) {
        if (page->level == 0) {
            fsm_node_unref(leaf_of(page)->nodes[i]);
        } else {
            page_unref(inner_of(page)->pages[i]);
            bound_unref(inner_of(page)->bounds[i]);
        }
    }
    cd_free(page);
}

static struct fsm_page *page_copy(const struct fsm_page *from)
{
    struct fsm_page *page = page_create(from->level);
    page->count = from->count;
    page->skip = from->skip;
    page->newest = from->newest;
    memcpy(page->heads, from->heads, from->count * sizeof(*from->heads));
    for (unsigned i = 0; i < from->count; i++) {
        if (from->level == 0) {
            leaf_of(page)->nodes[i] = fsm_node_ref(leaf_of_const(from)->nodes[i]);
            continue;
        }
        struct fsm_page *child = inner_of_const(from)->pages[i];
        struct bound *bound = inner_of_const(from)->bounds[i];
        child->refs++;
        if (bound != NULL) {
            bound->refs++;
        }
        inner_of(page)->pages[i] = child;
        inner_of(page)->bounds[i] = bound;
    }
    return page;
}

/* Makes the page in `slot` writable. The page that holds `slot` must be writable. */
static struct fsm_page *page_own(struct fsm_page **slot)
{
    struct fsm_page *page = *slot;
    if (page->refs > 1) {
        *slot = page_copy(page);
        page->refs--;
    }
    return *slot;
}

/* A node with this zxid is, or comes, below the page. */
static void page_note(struct fsm_page *page, uint64_t zxid)
{
    page->newest = zxid > page->newest ? zxid : page->newest;
}

/* ---- Heads ---- */

#define HEAD_BYTES  8u
#define BYTES_OF(b) (UINT64_C(0x0101010101010101) * (b))

/*
 * Numbers that are ordered as keys are. A key ends with 0, below the slash, which becomes 1, below
 * everything else; `end` stands for what follows the key.
 */
static uint64_t head_of(struct fsm_bytes key, size_t skip, uint8_t end)
{
    uint8_t copy[HEAD_BYTES] = {0};
    const uint8_t *bytes = copy;
    size_t rest = key.bytes - skip;
    if (rest >= HEAD_BYTES) {
        bytes = key.data + skip;
    } else {
        for (size_t i = 0; i < rest; i++) {
            copy[i] = key.data[skip + i];
        }
        copy[rest] = end;
    }
    /* Written out, compilers make one load of it. */
    uint64_t head = (uint64_t)bytes[0] << 56 | (uint64_t)bytes[1] << 48 | (uint64_t)bytes[2] << 40 |
                    (uint64_t)bytes[3] << 32 | (uint64_t)bytes[4] << 24 | (uint64_t)bytes[5] << 16 |
                    (uint64_t)bytes[6] << 8 | (uint64_t)bytes[7];
    /* The top bit of each byte that is a slash, found without carries between bytes. */
    uint64_t other = head ^ BYTES_OF('/');
    uint64_t slashes = ~(((other & BYTES_OF(0x7f)) + BYTES_OF(0x7f)) | other | BYTES_OF(0x7f));
    return head - (slashes >> 7) * ('/' - 1);
}

/* Sets skip and all heads anew. */
static void page_index(struct fsm_page *page)
{
    unsigned first = first_key(page);
    size_t skip = 0;
    if (page->count > first) {
        struct fsm_bytes low = key_at(page, first);
        struct fsm_bytes high = key_at(page, page->count - 1u);
        size_t bytes = low.bytes < high.bytes ? low.bytes : high.bytes;
        while (skip < bytes && low.data[skip] == high.data[skip]) {
            skip++;
        }
    }
    page->skip = (uint32_t)skip;
    for (unsigned i = first; i < page->count; i++) {
        page->heads[i] = head_of(key_at(page, i), skip, 0);
    }
}

/* Makes room for one more head; the arrays of the page's kind are the caller's. */
static void page_open_slot(struct fsm_page *page, unsigned at)
{
    CD_ASSERT(page->count < PAGE_SLOTS && at <= page->count);
    memmove(page->heads + at + 1, page->heads + at, (page->count - at) * sizeof(*page->heads));
    page->count++;
}

static void page_close_slot(struct fsm_page *page, unsigned at)
{
    CD_ASSERT(at < page->count);
    page->count--;
    memmove(page->heads + at, page->heads + at + 1, (page->count - at) * sizeof(*page->heads));
}

/* Do the two keys begin with the same `skip` bytes? */
static bool begin_alike(struct fsm_bytes a, struct fsm_bytes b, size_t skip)
{
    return a.bytes >= skip && b.bytes >= skip && (skip == 0 || memcmp(a.data, b.data, skip) == 0);
}

/* After a key was put into slot `at`. */
static void page_index_slot(struct fsm_page *page, unsigned at)
{
    unsigned first = first_key(page);
    struct fsm_bytes key = key_at(page, at);
    if (page->count - first > 1 &&
        begin_alike(key, key_at(page, at == first ? at + 1 : first), page->skip)) {
        page->heads[at] = head_of(key, page->skip, 0);
    } else {
        page_index(page);
    }
}

/* ---- Searching ---- */

/* What a search looks for: a key, or the place right behind everything below it. */
struct target {
    struct fsm_bytes key;
    bool past;
};

static int order(struct fsm_bytes key, const struct target *target)
{
    if (target->past && fsm_key_below(key, target->key)) {
        return -1;
    }
    int result = fsm_key_order(key, target->key);
    return result == 0 && target->past ? -1 : result;
}

/* The first slot from `first` on whose head is not below `head`. */
static unsigned heads_find(const struct fsm_page *page, unsigned first, uint64_t head)
{
    unsigned low = first;
    unsigned left = page->count - first;
    while (left > 0) {
        unsigned half = left - left / 2;
        low += page->heads[low + half - 1] < head ? half : 0;
        left -= half;
    }
    return low;
}

/* The first slot with a key at or above the target; *ret_exact: it is the target. */
static unsigned page_find(const struct fsm_page *page, const struct target *target, bool *ret_exact)
{
    unsigned first = first_key(page);
    struct fsm_bytes key = target->key;
    *ret_exact = false;
    if (page->count <= first) {
        return first;
    }
    struct fsm_bytes low = key_at(page, first);
    if (!begin_alike(key, low, page->skip)) {
        /* What all keys share decides, so all are on one side. */
        return order(low, target) < 0 ? page->count : first;
    }
    uint64_t head = head_of(key, page->skip, target->past ? 2 : 0);
    unsigned slot = heads_find(page, first, head);
    while (slot < page->count && page->heads[slot] == head) {
        int result = order(key_at(page, slot), target);
        if (result >= 0) {
            *ret_exact = result == 0;
            return slot;
        }
        slot++;
    }
    return slot;
}

/* The page of `inner` in which the target belongs. */
static unsigned inner_find(const struct inner *inner, const struct target *target)
{
    bool exact;
    unsigned slot = page_find(&inner->page, target, &exact);
    return exact ? slot : slot - 1;
}

/* The slot that holds exactly `key`, or PAGE_SLOTS. Does not read any other key as a rule. */
static unsigned leaf_find(const struct leaf *leaf, struct fsm_bytes key)
{
    if (key.bytes >= leaf->page.skip) {
        uint64_t head = head_of(key, leaf->page.skip, 0);
        for (unsigned slot = heads_find(&leaf->page, 0, head);
             slot < leaf->page.count && leaf->page.heads[slot] == head; slot++) {
            if (fsm_bytes_equal(fsm_node_key(leaf->nodes[slot]), key)) {
                return slot;
            }
        }
    }
    return PAGE_SLOTS;
}

struct fsm_node *fsm_tree_find(const struct fsm_tree *tree, struct fsm_bytes key)
{
    struct target target = {.key = key};
    const struct fsm_page *page = tree->root;
    while (page->level != 0) {
        const struct inner *inner = inner_of_const(page);
        page = inner->pages[inner_find(inner, &target)];
    }
    const struct leaf *leaf = leaf_of_const(page);
    unsigned slot = leaf_find(leaf, key);
    return slot < PAGE_SLOTS ? leaf->nodes[slot] : NULL;
}

/* ---- Writing ---- */

void fsm_tree_init(struct fsm_tree *tree)
{
    *tree = (struct fsm_tree){.root = page_create(0)};
}

void fsm_tree_release(struct fsm_tree *tree)
{
    if (tree->root != NULL) {
        page_unref(tree->root);
    }
    *tree = (struct fsm_tree){0};
}

void fsm_tree_share(struct fsm_tree *tree, const struct fsm_tree *from)
{
    *tree = *from;
    tree->root->refs++;
}

bool fsm_tree_release_some(struct fsm_tree *tree, size_t pages)
{
    for (; pages > 0 && tree->root != NULL; pages--) {
        struct inner *parent = NULL;
        struct fsm_page *page = tree->root;
        while (page->level != 0 && page->refs == 1 && page->count > 0) {
            parent = inner_of(page);
            page = parent->pages[page->count - 1u];
        }
        page_unref(page); /* a leaf, shared, or with nothing left in it */
        if (parent == NULL) {
            tree->root = NULL;
            return true;
        }
        parent->page.count--;
        bound_unref(parent->bounds[parent->page.count]);
    }
    return tree->root == NULL;
}

static void inner_insert(struct inner *inner, unsigned at, struct fsm_page *page,
                         struct bound *bound)
{
    unsigned behind = inner->page.count - at;
    page_open_slot(&inner->page, at);
    memmove(inner->pages + at + 1, inner->pages + at, behind * sizeof(struct fsm_page *));
    memmove(inner->bounds + at + 1, inner->bounds + at, behind * sizeof(struct bound *));
    inner->pages[at] = page;
    inner->bounds[at] = bound;
    page_index_slot(&inner->page, at);
}

/* Takes page `at`, whose reference is the caller's from here on, and its bound out. */
static void inner_remove(struct inner *inner, unsigned at)
{
    page_close_slot(&inner->page, at);
    unsigned behind = inner->page.count - at;
    bound_unref(inner->bounds[at]);
    memmove(inner->pages + at, inner->pages + at + 1, behind * sizeof(struct fsm_page *));
    memmove(inner->bounds + at, inner->bounds + at + 1, behind * sizeof(struct bound *));
    if (at == 0 && inner->page.count > 0) {
        bound_unref(inner->bounds[0]);
        inner->bounds[0] = NULL;
    }
}

static void leaf_insert(struct leaf *leaf, unsigned at, struct fsm_node *node)
{
    unsigned behind = leaf->page.count - at;
    page_open_slot(&leaf->page, at);
    memmove(leaf->nodes + at + 1, leaf->nodes + at, behind * sizeof(struct fsm_node *));
    leaf->nodes[at] = node;
    page_index_slot(&leaf->page, at);
}

static void leaf_remove(struct leaf *leaf, unsigned at)
{
    page_close_slot(&leaf->page, at);
    memmove(leaf->nodes + at, leaf->nodes + at + 1,
            (leaf->page.count - at) * sizeof(struct fsm_node *));
}

/*
 * How many slots stay when a full page splits on the way to `target`. In half as a rule; but who
 * writes behind its end probably goes on so (sequential names), and would leave half-empty pages.
 */
static unsigned slots_that_stay(const struct fsm_page *page, const struct target *target)
{
    struct fsm_bytes last = key_at(page, PAGE_SLOTS - 1);
    return order(last, target) < 0 ? PAGE_SLOTS * 7 / 8 : PAGE_SLOTS / 2;
}

/* Splits the full, writable page `at` of `parent`, which is writable and has room. */
static void split(struct inner *parent, unsigned at, const struct target *target)
{
    struct fsm_page *left = parent->pages[at];
    CD_ASSERT(left->count == PAGE_SLOTS);
    unsigned stay = slots_that_stay(left, target);
    struct fsm_page *right = page_create(left->level);
    right->newest = left->newest;
    right->count = (uint16_t)(PAGE_SLOTS - stay);
    left->count = (uint16_t)stay;
    struct bound *bound;
    if (left->level == 0) {
        struct fsm_node **from = leaf_of(left)->nodes;
        memcpy(leaf_of(right)->nodes, from + stay, right->count * sizeof(*from));
        bound = bound_between(fsm_node_key(from[stay - 1]), fsm_node_key(from[stay]));
    } else {
        struct inner *from = inner_of(left);
        struct inner *to = inner_of(right);
        memcpy(to->pages, from->pages + stay, right->count * sizeof(struct fsm_page *));
        memcpy(to->bounds, from->bounds + stay, right->count * sizeof(struct bound *));
        bound = to->bounds[0];
        to->bounds[0] = NULL;
    }
    page_index(left);
    page_index(right);
    inner_insert(parent, at + 1, right, bound);
}

/* A new root above the present one, which is full. */
static void grow(struct fsm_tree *tree)
{
    CD_ASSERT(tree->root->level + 2u <= FSM_TREE_HEIGHT_MAX);
    struct fsm_page *root = page_create((uint16_t)(tree->root->level + 1u));
    root->count = 1;
    root->newest = tree->root->newest;
    inner_of(root)->pages[0] = tree->root;
    inner_of(root)->bounds[0] = NULL;
    tree->root = root;
}

void fsm_tree_insert(struct fsm_tree *tree, struct fsm_node *node)
{
    struct target target = {.key = fsm_node_key(node)};
    uint64_t zxid = fsm_node_last_zxid(node);
    if (tree->root->count == PAGE_SLOTS) {
        grow(tree);
    }
    /* Full pages are split on the way down, so that there is always room for one more above. */
    struct fsm_page *page = page_own(&tree->root);
    while (page->level != 0) {
        struct inner *inner = inner_of(page);
        unsigned at = inner_find(inner, &target);
        page_note(page, zxid);
        page = page_own(&inner->pages[at]);
        if (page->count == PAGE_SLOTS) {
            split(inner, at, &target);
            if (order(bound_key(inner->bounds[at + 1]), &target) <= 0) {
                page = inner->pages[at + 1];
            }
        }
    }
    bool exact;
    unsigned at = page_find(page, &target, &exact);
    CD_ASSERT(!exact);
    page_note(page, zxid);
    leaf_insert(leaf_of(page), at, node);
    tree->count++;
}

/* The writable slot of a key that is in the tree, for a version of its node with this zxid. */
static struct fsm_node **slot_of(struct fsm_tree *tree, struct fsm_bytes key, uint64_t zxid)
{
    struct target target = {.key = key};
    struct fsm_page *page = page_own(&tree->root);
    page_note(page, zxid);
    while (page->level != 0) {
        struct inner *inner = inner_of(page);
        page = page_own(&inner->pages[inner_find(inner, &target)]);
        page_note(page, zxid);
    }
    unsigned at = leaf_find(leaf_of(page), key);
    CD_ASSERT(at < PAGE_SLOTS);
    return &leaf_of(page)->nodes[at];
}

void fsm_tree_replace(struct fsm_tree *tree, struct fsm_node *node)
{
    struct fsm_node **slot = slot_of(tree, fsm_node_key(node), fsm_node_last_zxid(node));
    fsm_node_unref(*slot);
    *slot = node;
}

struct fsm_node *fsm_tree_restat(struct fsm_tree *tree, struct fsm_bytes key,
                                 const struct fsm_stat *stat)
{
    struct fsm_node **slot = slot_of(tree, key, fsm_stat_last_zxid(stat));
    struct fsm_node *node = *slot;
    if (node->refs == 1 && fsm_node_restat(node, stat)) {
        return node;
    }
    *slot = fsm_node_create(fsm_node_key(node), stat, fsm_node_data(node));
    fsm_node_unref(node);
    return *slot;
}

/* Moves all that page at + 1 of `parent` holds into page `at`, and drops it. */
static void join(struct inner *parent, unsigned at)
{
    struct fsm_page *left = page_own(&parent->pages[at]);
    struct fsm_page *right = page_own(&parent->pages[at + 1]);
    size_t count = right->count;
    if (left->level == 0) {
        memcpy(leaf_of(left)->nodes + left->count, leaf_of(right)->nodes,
               count * sizeof(struct fsm_node *));
    } else {
        struct inner *to = inner_of(left);
        struct inner *from = inner_of(right);
        struct bound *bound = parent->bounds[at + 1];
        bound->refs++;
        from->bounds[0] = bound;
        memcpy(to->pages + left->count, from->pages, count * sizeof(struct fsm_page *));
        memcpy(to->bounds + left->count, from->bounds, count * sizeof(struct bound *));
    }
    left->count = (uint16_t)(left->count + count);
    page_note(left, right->newest);
    page_index(left);
    right->count = 0;
    page_unref(right);
    inner_remove(parent, at + 1);
}

/* Page `at` of `parent` has lost a slot. False if `parent` stays as it is. */
static bool tidy(struct inner *parent, unsigned at)
{
    struct fsm_page *page = parent->pages[at];
    if (page->count == 0) {
        page_unref(page);
        inner_remove(parent, at);
        return true;
    }
    if (page->count >= PAGE_SLOTS_LOW) {
        return false;
    }
    if (at > 0 && parent->pages[at - 1]->count + page->count <= PAGE_SLOTS_JOINED) {
        join(parent, at - 1);
        return true;
    }
    if (at + 1u < parent->page.count &&
        parent->pages[at + 1]->count + page->count <= PAGE_SLOTS_JOINED) {
        join(parent, at);
        return true;
    }
    return false;
}

/* Roots with a single page, or none, lose their level. */
static void shrink(struct fsm_tree *tree)
{
    while (tree->root->level != 0 && tree->root->count <= 1) {
        struct fsm_page *root = tree->root;
        tree->root = root->count == 1 ? inner_of(root)->pages[0] : page_create(0);
        root->count = 0;
        page_unref(root);
    }
}

void fsm_tree_remove(struct fsm_tree *tree, struct fsm_bytes key)
{
    struct target target = {.key = key};
    struct inner *parents[FSM_TREE_HEIGHT_MAX];
    unsigned indexes[FSM_TREE_HEIGHT_MAX];
    unsigned depth = 0;
    struct fsm_page *page = page_own(&tree->root);
    while (page->level != 0) {
        CD_ASSERT(depth < FSM_TREE_HEIGHT_MAX);
        parents[depth] = inner_of(page);
        indexes[depth] = inner_find(parents[depth], &target);
        page = page_own(&parents[depth]->pages[indexes[depth]]);
        depth++;
    }
    struct leaf *leaf = leaf_of(page);
    unsigned at = leaf_find(leaf, key);
    CD_ASSERT(at < PAGE_SLOTS);
    struct fsm_node *node = leaf->nodes[at];
    leaf_remove(leaf, at);
    tree->count--;
    while (depth > 0 && tidy(parents[depth - 1], indexes[depth - 1])) {
        depth--;
    }
    shrink(tree);
    fsm_node_unref(node); /* last, for `key` may be its own */
}

/* ---- Cursors ---- */

/*
 * Puts a cursor that may stand behind the last slot of its page at `level` on the first leaf's
 * first slot behind it, if there is one.
 */
static void settle_from(struct fsm_cursor *cursor, uint32_t level)
{
    while (cursor->indexes[level] == cursor->pages[level]->count) {
        if (level == 0) {
            return; /* the end: the root is used up */
        }
        level--;
        cursor->indexes[level]++;
    }
    while (level + 1 < cursor->height) {
        const struct inner *inner = inner_of_const(cursor->pages[level]);
        cursor->pages[level + 1] = inner->pages[cursor->indexes[level]];
        cursor->indexes[level + 1] = 0;
        level++;
    }
}

/* The same for the leaf. */
static void cursor_settle(struct fsm_cursor *cursor)
{
    settle_from(cursor, cursor->height - 1);
}

static void seek(const struct fsm_tree *tree, const struct target *target,
                 struct fsm_cursor *cursor)
{
    const struct fsm_page *page = tree->root;
    uint32_t level = 0;
    while (page->level != 0) {
        CD_ASSERT(level < FSM_TREE_HEIGHT_MAX);
        const struct inner *inner = inner_of_const(page);
        unsigned at = inner_find(inner, target);
        cursor->pages[level] = page;
        cursor->indexes[level] = (uint16_t)at;
        page = inner->pages[at];
        level++;
    }
    bool exact;
    cursor->pages[level] = page;
    cursor->indexes[level] = (uint16_t)page_find(page, target, &exact);
    cursor->height = level + 1;
    cursor_settle(cursor);
}

void fsm_tree_seek(const struct fsm_tree *tree, struct fsm_bytes key, struct fsm_cursor *cursor)
{
    seek(tree, &(struct target){.key = key}, cursor);
}

void fsm_tree_seek_past(const struct fsm_tree *tree, struct fsm_bytes key,
                        struct fsm_cursor *cursor)
{
    seek(tree, &(struct target){.key = key, .past = true}, cursor);
}

struct fsm_node *fsm_cursor_get(const struct fsm_cursor *cursor)
{
    uint32_t level = cursor->height - 1;
    if (cursor->indexes[0] == cursor->pages[0]->count) {
        return NULL;
    }
    return leaf_of_const(cursor->pages[level])->nodes[cursor->indexes[level]];
}

void fsm_cursor_next(struct fsm_cursor *cursor)
{
    CD_ASSERT(cursor->indexes[0] < cursor->pages[0]->count);
    cursor->indexes[cursor->height - 1]++;
    cursor_settle(cursor);
}

void fsm_cursor_skip_older(struct fsm_cursor *cursor, uint64_t since)
{
    uint32_t last = cursor->height - 1;
    while (cursor->indexes[0] < cursor->pages[0]->count) {
        uint32_t level = 0;
        while (level <= last && cursor->pages[level]->newest > since) {
            level++;
        }
        if (level > last) {
            return;
        }
        if (level == 0) {
            cursor->indexes[0] = cursor->pages[0]->count; /* nothing in the whole tree */
            return;
        }
        cursor->indexes[level - 1]++; /* behind the page that is older as a whole */
        settle_from(cursor, level - 1);
    }
}

uint64_t fsm_cursor_distance(const struct fsm_cursor *from, const struct fsm_cursor *to)
{
    struct fsm_cursor at = *from;
    uint32_t last = at.height - 1;
    uint64_t count = 0;
    bool ended = to->indexes[0] == to->pages[0]->count;
    while (at.indexes[0] < at.pages[0]->count &&
           (ended || at.pages[last] != to->pages[to->height - 1])) {
        count += (uint64_t)at.pages[last]->count - at.indexes[last];
        at.indexes[last] = at.pages[last]->count;
        cursor_settle(&at);
    }
    return ended ? count : count + to->indexes[to->height - 1] - at.indexes[last];
}

/* ---- Checking ---- */

/* Recurses by level. Returns the nodes below `page`, whose keys must be in [low, high). */
static uint64_t page_check(const struct fsm_page *page, const struct bound *low,
                           const struct bound *high)
{
    uint64_t nodes = 0;
    unsigned first = first_key(page);
    CD_ASSERT(page->refs > 0 && page->count <= PAGE_SLOTS);
    for (unsigned i = first; i < page->count; i++) {
        struct fsm_bytes key = key_at(page, i);
        CD_ASSERT(page->heads[i] == head_of(key, page->skip, 0));
        CD_ASSERT(begin_alike(key, key_at(page, first), page->skip));
    }
    for (unsigned i = 0; i < page->count; i++) {
        if (page->level == 0) {
            struct fsm_bytes key = fsm_node_key(leaf_of_const(page)->nodes[i]);
            CD_ASSERT(leaf_of_const(page)->nodes[i]->refs > 0);
            CD_ASSERT(fsm_node_last_zxid(leaf_of_const(page)->nodes[i]) <= page->newest);
            CD_ASSERT(low == NULL || fsm_key_order(bound_key(low), key) <= 0);
            CD_ASSERT(high == NULL || fsm_key_order(key, bound_key(high)) < 0);
            nodes++;
            continue;
        }
        const struct inner *inner = inner_of_const(page);
        const struct bound *end = i + 1u < page->count ? inner->bounds[i + 1] : high;
        CD_ASSERT((i == 0) == (inner->bounds[i] == NULL));
        CD_ASSERT(inner->pages[i]->level + 1u == page->level);
        CD_ASSERT(inner->pages[i]->count > 0);
        CD_ASSERT(inner->pages[i]->newest <= page->newest);
        nodes += page_check(inner->pages[i], i == 0 ? low : inner->bounds[i], end);
    }
    return nodes;
}

void fsm_tree_check(const struct fsm_tree *tree)
{
    CD_ASSERT(tree->root->level == 0 || tree->root->count >= 2);
    CD_ASSERT(page_check(tree->root, NULL, NULL) == tree->count);
    struct fsm_cursor cursor;
    const struct fsm_node *before = NULL;
    uint64_t nodes = 0;
    fsm_tree_seek(tree, fsm_bytes_make(NULL, 0), &cursor);
    for (const struct fsm_node *node = fsm_cursor_get(&cursor); node != NULL;
         node = fsm_cursor_get(&cursor)) {
        CD_ASSERT(before == NULL || fsm_key_order(fsm_node_key(before), fsm_node_key(node)) < 0);
        before = node;
        nodes++;
        fsm_cursor_next(&cursor);
    }
    CD_ASSERT(nodes == tree->count);
}
