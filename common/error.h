/*
 * What went wrong, for a person to read.
 *
 * A function that can fail for a reason a user should see takes a `struct error *` as its last
 * argument and returns -1. The first error wins: a later error_set on the same struct changes
 * nothing, so the cause is not hidden by its effects.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

/* Longer texts are cut, never overrun. */
#define ERROR_TEXT_SIZE 512

struct error {
	int code; /* 0: no error. An errno value or an EX_* exit status of sysexits.h; the function's header says which. */
	char text[ERROR_TEXT_SIZE];
};

#define ERROR_INIT                                                                                 \
	{                                                                                          \
		0, ""                                                                              \
	}

/* Forgets an earlier error. */
void error_clear(struct error *err);

/*
 * Records code (not 0) and the formatted text, unless err is NULL or already holds an error.
 * Always returns -1, so that callers can write `return error_set(...)`.
 */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
