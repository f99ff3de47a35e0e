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
	/*
	 * 0: no error. Else an errno value or an EX_* exit status; the function's header says
	 * which.
	 */
	int code;
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
