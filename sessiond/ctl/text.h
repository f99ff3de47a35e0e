/*
 * Text for people, on a terminal. What clients say cannot do anything to it: control characters are
 * written as \uxxxx.
 */
#ifndef SESSIOND_CTL_TEXT_H
#define SESSIOND_CTL_TEXT_H

#include <jansson.h>
#include <stdio.h>

/* Prints UTF-8 without control characters (C0, DEL, C1). */
void text_print(const char *text, FILE *to);

/* The same in quotation marks, as JSON has it. */
void text_print_quoted(const json_t *string, FILE *to);

/* A column of a table. */
struct text_column {
	const char *title;
	const char *member; /* of each row, a string or an integer */
};

/* Prints an array of objects as a table, its columns as wide as need be. Ends with a NULL title. */
void text_print_table(const struct text_column *columns, const json_t *rows, FILE *to);

#endif
