#include "fsm/sequence.h"

#include <string.h>

size_t fsm_sequence_format(uint64_t number, uint8_t to[FSM_SEQUENCE_BYTES_MAX])
{
    uint8_t digits[FSM_SEQUENCE_BYTES_MAX];
    size_t start = sizeof(digits);
    while (number != 0 || start > sizeof(digits) - FSM_SEQUENCE_BYTES_MIN) {
        start--;
        digits[start] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
    memcpy(to, digits + start, sizeof(digits) - start);
    return sizeof(digits) - start;
}
