#include "fsm/number.h"

#include <string.h>

/* Digits are taken from a negative number, because the lowest int64 has no positive twin. */

bool fsm_number_parse(struct fsm_bytes text, int64_t *ret_value)
{
    bool negative = text.bytes > 0 && text.data[0] == '-';
    size_t first = negative ? 1 : 0;
    int64_t value = 0;
    if (text.bytes == first) {
        return false;
    }
    for (size_t i = first; i < text.bytes; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        int digit = text.data[i] - '0';
        if (value < (INT64_MIN + digit) / 10) {
            return false;
        }
        value = 10 * value - digit;
    }
    if (!negative && value == INT64_MIN) {
        return false;
    }
    *ret_value = negative ? value : -value;
    return true;
}

size_t fsm_number_format(int64_t value, uint8_t to[FSM_NUMBER_BYTES_MAX])
{
    uint8_t digits[FSM_NUMBER_BYTES_MAX];
    size_t start = sizeof(digits);
    int64_t rest = value > 0 ? -value : value;
    do {
        start--;
        digits[start] = (uint8_t)('0' - rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        start--;
        digits[start] = '-';
    }
    memcpy(to, digits + start, sizeof(digits) - start);
    return sizeof(digits) - start;
}

bool fsm_number_add(int64_t a, int64_t b, int64_t *ret_sum)
{
    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b) {
        return false;
    }
    *ret_sum = a + b;
    return true;
}
