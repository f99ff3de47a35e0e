/*
 * Tables of options, and the structs that they fill.
 *
 * A table of struct conf_option says what the options of a section are. conf_apply parses a line of
 * a file (conf_read.h) into the struct that the table describes.
 *
 * Every error of this file has the code EX_CONFIG (78) and shows values of the file through
 * conf_quote.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* What an option's text is, and the C type at its offset. */
enum conf_type {
	CONF_BOOL, /* bool: on, yes, true, off, no, false, in any case */
	CONF_U32,  /* uint32_t: decimal digits */
	CONF_SIZE, /* size_t, bytes: digits and a suffix k, M or G (of 1024; either case) or none */
	CONF_MS,   /* uint64_t, ms: digits and a suffix ms, s or m (minutes) or none */
	CONF_STRING, /* char *, malloc'd, owned by the struct; NULL if there is no default */
	CONF_ENUM,   /* int (an enum): one of names; the value is its index */
	CONF_SET, /* unsigned: names between blanks or commas, bit i for names[i]; "all" for all */
};

/* The largest CONF_MS, a year: adding it to a clock cannot overflow. */
#define CONF_MS_MAX UINT64_C(31536000000)

#define CONF_MS_DAY UINT64_C(86400000)

/* The most options a table may have, and all tables together that are applied to one section. */
#define CONF_OPTIONS_MAX 128

struct conf_option {
	const char *name;
	enum conf_type type;
	size_t offset; /* of the value in the struct */
	/*
	 * Limits, both allowed themselves. Numbers: of the value, in bytes and ms where it has a
	 * unit. CONF_STRING: of its length in bytes. CONF_SET: min 1 refuses an empty set. A max of
	 * 0 stands for the largest value of the type.
	 */
	uint64_t min, max;
	const char *default_text; /* parsed like a value; NULL: zero, for CONF_STRING no string */
	const char *const *names; /* CONF_ENUM, CONF_SET (32 at most): ended by NULL */
	const char *help;	  /* one line */
	/*
	 * What else a value of a file must be, asked once it is parsed; NULL: nothing. 0, or -1 and
	 * an error that begins with the option's name. See option_checks.h.
	 */
	int (*check)(const char *option, const char *value, struct error *err);
	/* A CONF_STRING that may be set on several lines of a section: they add up. */
	bool is_list;
	bool at_start; /* a change takes effect only when the program is started again */
	/* A limit of all daemons together, where there are several (daemon_place.h). */
	bool is_total;
};

/*
 * Parses text as a value of the option and stores it in the struct at target; a former string is
 * freed. Returns 0, or -1 with an error that says what is expected, and the struct unchanged:
 * heartbeat_delay: "25x" is not a number of milliseconds (1 to 86400000)
 */
int conf_parse_value(
    const struct conf_option *option, void *target, const char *text, struct error *err);

/*
 * Sets all options of a table to their defaults; former strings are freed, so a struct must be all
 * zero bytes before its first time. Returns 0, or -1 with an error if the table has a default that
 * its own option refuses.
 */
int conf_set_defaults(const struct conf_option *table, size_t n, void *target, struct error *err);

/* Frees the strings of a struct and makes them NULL. */
void conf_free_values(const struct conf_option *table, size_t n, void *target);

/*
 * Copies every option's value (strings are duplicated) from one struct to another of the same
 * table. `to` must be all zero bytes or hold values; its former strings are freed.
 */
void conf_copy_values(const struct conf_option *table, size_t n, void *to, const void *from);

/* True if the two structs have the same value of one option. */
bool conf_is_same(const struct conf_option *option, const void *a, const void *b);

/* Exchanges one option's value between two structs. */
void conf_exchange(const struct conf_option *option, void *a, void *b);

/* Divides each number that is_total by n, rounded up, to what is at least its min. 0 stays 0. */
void conf_divide(const struct conf_option *table, size_t count, void *target, unsigned n);

/* The option of that exact name, or NULL. */
const struct conf_option *conf_find(const struct conf_option *table, size_t n, const char *name);

/*
 * The options that a section has set so far, so that a second time is refused. May serve several
 * tables. It owns no memory. All zero bytes: none.
 */
struct conf_seen {
	size_t n;
	struct {
		const struct conf_option *option;
		unsigned line;
	} entries[CONF_OPTIONS_MAX];
};

/* A line of a file that sets an option; borrowed. */
struct conf_line {
	const char *section;	/* the one begun last, "" before the first */
	const char *name;	/* never empty */
	const char *value;	/* may be empty */
	unsigned number;	/* from 1 */
	struct conf_seen *seen; /* by the lines of this section before it; conf_apply adds to it */
};

/*
 * Finds the option that the line names in the table, parses the value into target, and lets the
 * option check it. Returns 0, or -1 with one of these errors:
 *     unknown option "respnse_limit", did you mean "response_limit"?
 *     option "response_limit" was already set on line 3
 *     what conf_parse_value or the option's check says
 */
int conf_apply(const struct conf_option *table, size_t n, void *target,
    const struct conf_line *line, struct error *err);

/* Room for what conf_quote makes. */
#define CONF_QUOTED_SIZE 84

/* Writes text between double quotes to out, escaped and cut by log_escape. Returns out. */
const char *conf_quote(const char *text, char out[CONF_QUOTED_SIZE]);

#endif
