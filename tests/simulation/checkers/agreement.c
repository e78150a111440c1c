#include "checkers/agreement.h"

#include <inttypes.h>
#include <stdlib.h>

void agreement_init(struct agreement *agreement)
{
    *agreement = (struct agreement){0};
}

void agreement_release(struct agreement *agreement)
{
    free(agreement->slots);
    agreement_init(agreement);
}

void agreement_started(struct agreement *agreement, uint32_t replica, uint64_t first)
{
    agreement->next[replica % AGREEMENT_REPLICAS_MAX] = first;
}

bool agreement_applied(struct agreement *agreement, uint32_t replica, uint64_t slot, uint64_t value,
                       uint64_t digest, struct verdict *verdict)
{
    uint64_t *next = &agreement->next[replica % AGREEMENT_REPLICAS_MAX];
    if (slot != *next) {
        return verdict_fail(verdict,
                            "agreement: replica %u applied slot %" PRIu64 " where slot %" PRIu64
                            " was its next",
                            replica, slot, *next);
    }
    *next = slot + 1;
    while (agreement->count < slot) {
        agreement->slots = checker_grow(agreement->slots, agreement->count, &agreement->capacity,
                                        sizeof(*agreement->slots));
        agreement->slots[agreement->count++] = (struct agreement_slot){0};
    }
    struct agreement_slot *known = &agreement->slots[slot - 1];
    if (known->value == 0) {
        *known = (struct agreement_slot){.value = value, .digest = digest, .replica = replica};
        return true;
    }
    if (known->value != value) {
        return verdict_fail(verdict,
                            "agreement: slot %" PRIu64 " holds value %016" PRIx64
                            " at replica %u and %016" PRIx64 " at replica %u",
                            slot, known->value, known->replica, value, replica);
    }
    if (known->digest != digest) {
        return verdict_fail(verdict,
                            "agreement: after slot %" PRIu64 " the digest is %016" PRIx64
                            " at replica %u and %016" PRIx64 " at replica %u",
                            slot, known->digest, known->replica, digest, replica);
    }
    return true;
}

bool agreement_installed(struct agreement *agreement, uint32_t replica, uint64_t slot,
                         uint64_t digest, struct verdict *verdict)
{
    if (slot == 0 || slot > agreement->count || agreement->slots[slot - 1].value == 0) {
        return verdict_fail(verdict,
                            "agreement: replica %u has a snapshot after slot %" PRIu64
                            ", which nobody applied",
                            replica, slot);
    }
    const struct agreement_slot *known = &agreement->slots[slot - 1];
    if (known->digest != digest) {
        return verdict_fail(verdict,
                            "agreement: after slot %" PRIu64 " the digest is %016" PRIx64
                            " at replica %u and %016" PRIx64 " in a snapshot at replica %u",
                            slot, known->digest, known->replica, digest, replica);
    }
    agreement->next[replica % AGREEMENT_REPLICAS_MAX] = slot + 1;
    return true;
}
