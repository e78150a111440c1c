#ifndef COORD_FSM_NUMBER_H
#define COORD_FSM_NUMBER_H

#include "fsm/fsm.h"

/* Numbers as nodes keep them: an optional "-" and decimal digits, nothing else, within int64. */

#define FSM_NUMBER_BYTES_MAX 20u /* "-9223372036854775808" */

/* Zeros in front and "-0" are read too. False: it is no such number. */
bool fsm_number_parse(struct fsm_bytes text, int64_t *ret_value);

/* Writes the shortest form, without a NUL, and returns its length. */
size_t fsm_number_format(int64_t value, uint8_t to[FSM_NUMBER_BYTES_MAX]);

/* False: the sum leaves int64. */
bool fsm_number_add(int64_t a, int64_t b, int64_t *ret_sum);

#endif
