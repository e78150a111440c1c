#ifndef COORD_FSM_SEQUENCE_H
#define COORD_FSM_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

/* The suffix of a sequential node: decimal, zeros in front up to 10 digits, more if needed. */
#define FSM_SEQUENCE_BYTES_MIN 10u
#define FSM_SEQUENCE_BYTES_MAX 20u

/* Writes the suffix, without a NUL, and returns its length. */
size_t fsm_sequence_format(uint64_t number, uint8_t to[FSM_SEQUENCE_BYTES_MAX]);

#endif
