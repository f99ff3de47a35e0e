/*
 * Finds what somebody may have meant by a word that is unknown.
 */
#ifndef CONF_CONF_SUGGEST_H
#define CONF_CONF_SUGGEST_H

#include <stddef.h>

/*
 * The candidate nearest to word, for "did you mean". Their Damerau-Levenshtein distance, without
 * regard to case, is at most 2 or a third of the longer one's length, and never more than half of
 * it. The first of equals; NULL if none is near.
 */
const char *conf_suggest(const char *word, const char *const *candidates, size_t n);

#endif
