/*
 * For tests of what is logged: between capture_begin and capture_end, stderr goes to a file that
 * only the test sees.
 */
#ifndef TESTS_LOG_CAPTURE_H
#define TESTS_LOG_CAPTURE_H

#include "common/log_limit.h"
#include "common/log_output.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int capture_file, capture_former;
static char captured[65536];

/* What a reader of the standard error has not made room for yet belongs to the time before. */
static inline void
capture_begin(void)
{
	log_output_finish();
	capture_file = memfd_create("log", 0);
	capture_former = dup(STDERR_FILENO);
	assert_true(capture_file != -1 && capture_former != -1);
	assert_int_equal(dup2(capture_file, STDERR_FILENO), STDERR_FILENO);
}

/* The same, after a while: what earlier tests have logged limits nothing (log_limit.h). */
static inline void
capture_begin_later(void)
{
	static uint64_t later;
	uint64_t wait;

	later += LOG_LIMIT_WINDOW_MS;
	log_limits_turn(later, &wait);
	capture_begin();
}

/* What was written since; valid until the next capture ends. */
static inline const char *
capture_end(void)
{
	ssize_t n;

	dup2(capture_former, STDERR_FILENO);
	n = pread(capture_file, captured, sizeof captured - 1, 0);
	assert_true(n >= 0);
	captured[n] = '\0';
	close(capture_former);
	close(capture_file);
	return captured;
}

static inline size_t
count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

#endif
