/*
 * Configuration files: INI text (through inih), and tables of options which fill structs.
 *
 * conf_read splits a file into sections and options and knows nothing of their meaning. A table of
 * struct conf_option says what the options of a section are, and conf_apply parses a value into the
 * struct the table describes.
 *
 * The file: `[section name]` lines; `name = value` (or `name: value`) lines; blanks around all of
 * them are ignored; full-line comments begin with # or ;, and a ; after a blank begins a comment
 * inside a line. There are no continued lines. Lines that are not full-line comments may have at
 * most 197 bytes after their indentation (inih's limit).
 *
 * Every error of this file has the code EX_CONFIG (78) and shows values of the file through
 * conf_quote.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

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

/* The largest CONF_MS, a year: nobody who adds it to a clock need fear an overflow. */
#define CONF_MS_MAX UINT64_C(31536000000)

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
	bool at_start;		  /* a change takes effect only when the program is started again */
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

/* The option of that exact name, or NULL. */
const struct conf_option *conf_find(const struct conf_option *table, size_t n, const char *name);

/*
 * Which options a section has set so far, to refuse a second time. May serve several tables. No
 * memory of its own.
 */
struct conf_seen {
	size_t n;
	struct {
		const struct conf_option *option;
		unsigned line;
	} entries[CONF_OPTIONS_MAX];
};

/* Forgets all of them: at the start of each section. */
void conf_seen_reset(struct conf_seen *seen);

/*
 * Finds the option `name` in the table and parses value into target. `line` is remembered in seen
 * (NULL: repetition is not checked). Returns 0, or -1 with one of:
 *     unknown option "respnse_limit", did you mean "response_limit"?
 *     option "response_limit" was already set on line 3
 *     what conf_parse_value says
 */
int conf_apply(const struct conf_option *table, size_t n, void *target, struct conf_seen *seen,
    const char *name, const char *value, unsigned line, struct error *err);

/*
 * What conf_read calls. All strings are borrowed for the call. Return 0, or -1 with an error
 * (without place) to stop.
 */
struct conf_handler {
	/* A line [name]; blanks around the name are gone; it is never empty. */
	int (*section)(void *user, const char *section, unsigned line, struct error *err);
	/*
	 * An option of the section last begun ("" before the first). value may be empty, name never
	 * is.
	 */
	int (*option)(void *user, const char *section, const char *name, const char *value,
	    unsigned line, struct error *err);
};

/*
 * Reads a file and calls the handler for its sections and options, in their order, up to the first
 * error. Returns 0, or -1 with an error whose text is "PATH:LINE: text", or "PATH: reason" if the
 * file can't be read.
 */
int conf_read(const char *path, const struct conf_handler *handler, void *user, struct error *err);

/*
 * The candidate nearest to word, for "did you mean": a Damerau-Levenshtein distance (without regard
 * to case) of at most 2 or a third of the longer one's length, and never more than half of it. The
 * first of equals; NULL if none is near.
 */
const char *conf_suggest(const char *word, const char *const *candidates, size_t n);

/*
 * Makes *path (malloc'd; NULL stays), if it is relative, relative to the folder of the file at conf_path: so that a
 * configuration means the same wherever a program is started.
 */
void conf_resolve_path(const char *conf_path, char **path);

/* Room for what conf_quote makes. */
#define CONF_QUOTED_SIZE 84

/* Writes text between double quotes to out, escaped and cut by log_escape. Returns out. */
const char *conf_quote(const char *text, char out[CONF_QUOTED_SIZE]);

#endif
