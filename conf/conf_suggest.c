/* See conf_suggest.h. */
#include "conf/conf_suggest.h"

#include <ctype.h>
#include <string.h>

enum {
	SUGGEST_WORD_MAX = 63, /* a longer word is no typing error */
};

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * The Damerau-Levenshtein distance (of its kind where no part is edited twice) between words of at
 * most SUGGEST_WORD_MAX bytes, without regard to case. Keeps three rows of the usual matrix.
 */
static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][SUGGEST_WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];
	unsigned columns = (unsigned)strlen(b);

	for (unsigned j = 0; j <= columns; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned *recycled = before;

		before = above;
		above = row;
		row = recycled;
		row[0] = i;
		for (unsigned j = 1; j <= columns; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[columns];
}

const char *
conf_suggest(const char *word, const char *const *candidates, size_t n)
{
	const char *best = NULL;
	unsigned best_distance = 0;
	size_t word_len = strlen(word);

	for (size_t i = 0; word_len <= SUGGEST_WORD_MAX && i < n; i++) {
		size_t len = strlen(candidates[i]);
		size_t longer = len > word_len ? len : word_len;
		unsigned d;

		if (len > SUGGEST_WORD_MAX)
			continue;
		d = distance(word, candidates[i]);
		/* Short words with nothing in common are two changes apart, too. */
		if ((d > 2 && d > longer / 3) || d * 2 > longer)
			continue;
		if (best == NULL || d < best_distance) {
			best = candidates[i];
			best_distance = d;
		}
	}
	return best;
}
