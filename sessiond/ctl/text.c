/*
 * See text.h.
 */
#include "sessiond/ctl/text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 12, NUMBER_SIZE = 24 };

/* The code of a control character at s, which is *len bytes long; -1: there is another one. */
static int
control_at(const char *s, size_t *len)
{
	const unsigned char *at = (const unsigned char *)s;

	*len = 1;
	if (at[0] < 0x20 || at[0] == 0x7f)
		return at[0];
	if (at[0] != 0xc2 || at[1] < 0x80 || at[1] > 0x9f)
		return -1;
	*len = 2;
	return at[1];
}

/* to NULL: nothing is printed. Returns the columns that it takes, as well as bytes tell. */
static int
put(const char *text, FILE *to)
{
	int width = 0;
	size_t len;

	for (; *text != '\0'; text += len) {
		int code = control_at(text, &len);

		if (code == -1)
			width += ((unsigned char)*text & 0xc0) != 0x80;
		else
			width += 6;
		if (to != NULL && code == -1)
			fputc(*text, to);
		else if (to != NULL)
			fprintf(to, "\\u%04x", (unsigned)code);
	}
	return width;
}

void
text_print(const char *text, FILE *to)
{
	put(text, to);
}

void
text_print_quoted(const json_t *string, FILE *to)
{
	char *text = json_dumps(string, JSON_ENCODE_ANY);

	text_print(text == NULL ? "\"\"" : text, to);
	free(text);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A cell's text, which is in number if it is one. */
static const char *
cell(const json_t *row, const char *member, char number[NUMBER_SIZE])
{
	const json_t *value = json_object_get(row, member);

	if (json_is_string(value))
		return json_string_value(value);
	snprintf(number, NUMBER_SIZE, "%lld", (long long)json_integer_value(value));
	return json_is_integer(value) ? number : "";
}

static void
put_cell(const char *text, int width, bool is_number, bool is_last, FILE *to)
{
	int gap = width - put(text, NULL);

	if (is_number)
		fprintf(to, "%*s", gap, "");
	put(text, to);
	if (is_last)
		fputc('\n', to);
	else
		fprintf(to, "%*s", is_number ? 2 : gap + 2, "");
}

static void
put_row(const struct text_column *columns, const int *widths, const json_t *row, FILE *to)
{
	char number[NUMBER_SIZE];
	int i;

	for (i = 0; columns[i].title != NULL; i++) {
		const char *text =
		    row == NULL ? columns[i].title : cell(row, columns[i].member, number);
		bool is_number =
		    row != NULL && json_is_integer(json_object_get(row, columns[i].member));

		put_cell(text, widths[i], is_number, columns[i + 1].title == NULL, to);
	}
}

void
text_print_table(const struct text_column *columns, const json_t *rows, FILE *to)
{
	int widths[MAX_COLUMNS] = {0}, width, i;
	char number[NUMBER_SIZE];
	const json_t *row;
	size_t n;

	for (i = 0; i < MAX_COLUMNS && columns[i].title != NULL; i++)
		widths[i] = put(columns[i].title, NULL);
	json_array_foreach(rows, n, row)
	{
		for (i = 0; columns[i].title != NULL; i++) {
			width = put(cell(row, columns[i].member, number), NULL);
			widths[i] = width > widths[i] ? width : widths[i];
		}
	}
	put_row(columns, widths, NULL, to);
	json_array_foreach(rows, n, row)
	{
		put_row(columns, widths, row, to);
	}
}
