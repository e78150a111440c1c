#ifndef COORD_BASE_ASSERT_H
#define COORD_BASE_ASSERT_H

/*
 * Assertions about our own code. They stay on in every build: a replica that is wrong about itself
 * must stop rather than go on and say something untrue. Input from a disk, a peer or a client never
 * reaches an assertion; it gets a status.
 */

/* Stops the process after printing where and what. Never returns. Thread: any. */
_Noreturn void cd_assert_failed(const char *file, int line, const char *what);

#define CD_ASSERT(fact)  ((fact) ? (void)0 : cd_assert_failed(__FILE__, __LINE__, #fact))
#define CD_UNREACHABLE() cd_assert_failed(__FILE__, __LINE__, "unreachable")

/* If `a` holds then `b` must. */
#define CD_IMPLIES(a, b) (!(a) || (b))

#define CD_STATIC_ASSERT       _Static_assert
#define CD_MUST_USE            __attribute__((warn_unused_result))
#define CD_PRINTF(text, first) __attribute__((format(printf, text, first)))

#define CD_ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
