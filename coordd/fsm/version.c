#include "base/memory.h"
#include "fsm/read.h"
#include "fsm/state.h"

struct fsm_version {
    struct fsm_tree tree;
    uint64_t zxid;
    uint64_t acls_count;
};

struct fsm_version *fsm_version_take(const struct fsm *fsm)
{
    struct fsm_version *version = cd_calloc(1, sizeof(*version));
    fsm_tree_share(&version->tree, &fsm->tree);
    version->zxid = fsm->zxid;
    version->acls_count = fsm->acls_count;
    return version;
}

bool fsm_version_release(struct fsm_version *version, size_t pages)
{
    bool released = fsm_tree_release_some(&version->tree, pages);
    if (released) {
        cd_free(version);
    }
    return released;
}

uint64_t fsm_version_zxid(const struct fsm_version *version)
{
    return version->zxid;
}

struct fsm_shown fsm_version_shown(const struct fsm_version *version)
{
    return (struct fsm_shown){
        .tree = &version->tree, .zxid = version->zxid, .acls_count = version->acls_count};
}
