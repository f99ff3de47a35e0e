/*
 * The text of /metrics as JSON: a member for each name of a sample, an array of
 * {"labels": {NAME: VALUE, ...}, "value": NUMBER}.
 */
#ifndef SESSIOND_METRICS_READ_H
#define SESSIOND_METRICS_READ_H

#include <jansson.h>

/* A new reference; NULL if the text is not what the daemon writes. */
json_t *metrics_read(const char *text);

/*
 * The sum of the samples of that name; 0 if there is none. label: only those that have it with that
 * value; NULL: all.
 */
double metrics_sum(const json_t *metrics, const char *name, const char *label, const char *value);

/*
 * Adds the samples of other metrics: those with a name and labels that are there already are
 * summed. What daemon one is of is no matter (the label "daemon").
 */
void metrics_add(json_t *metrics, const json_t *others);

#endif
