/*
 * See metrics_read.h. The text is our own daemon's, in the order and with the blanks that it has.
 */
#include "sessiond/ctl/metrics_read.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST 9007199254740992.0 /* up to here a double has every integer */

/* A value of a label, up to the quote that ends it; NULL: it is none. Undoes what is escaped. */
static char *
read_value(const char **at)
{
	char *value = malloc(strlen(*at) + 1), *to = value;
	const char *from = *at;

	if (value == NULL)
		abort();
	for (; *from != '"' && *from != '\n' && *from != '\0'; from++) {
		bool is_escaped = *from == '\\' && from[1] != '\0';

		from += is_escaped;
		*to++ = is_escaped && *from == 'n' ? '\n' : *from;
	}
	*to = '\0';
	*at = from;
	if (*from == '"')
		return value;
	free(value);
	return NULL;
}

/* {a="x",b="y"}; -1: it is not. */
static int
read_labels(const char **at, json_t *labels)
{
	while (**at != '}') {
		size_t len = strcspn(++*at, "=\n");
		char *name, *value;

		if (strncmp(*at + len, "=\"", 2) != 0)
			return -1;
		name = strndup(*at, len);
		*at += len + 2;
		value = read_value(at);
		if (value != NULL)
			json_object_set_new(labels, name, json_string(value));
		free(name);
		free(value);
		if (value == NULL)
			return -1;
		++*at;
		if (**at != ',' && **at != '}')
			return -1;
	}
	++*at;
	return 0;
}

static json_t *
number(const char *text, char **end)
{
	double value = strtod(text, end);

	if (value > -LARGEST && value < LARGEST && value == (double)(json_int_t)value)
		return json_integer((json_int_t)value);
	return json_real(value);
}

static void
add(json_t *metrics, const char *name, size_t len, json_t *sample)
{
	char *key = strndup(name, len);
	json_t *samples = json_object_get(metrics, key);

	if (samples == NULL) {
		samples = json_array();
		json_object_set_new(metrics, key, samples);
	}
	json_array_append_new(samples, sample);
	free(key);
}

/* One line; returns what follows it, NULL if it is no sample. */
static const char *
read_sample(const char *line, json_t *metrics)
{
	size_t len = strcspn(line, " {\n");
	json_t *sample = json_object(), *labels = json_object();
	const char *at = line + len;
	char *end;

	json_object_set_new(sample, "labels", labels);
	if (*at == '{' && read_labels(&at, labels) == -1) {
		json_decref(sample);
		return NULL;
	}
	json_object_set_new(sample, "value", number(at, &end));
	if (len == 0 || *at != ' ' || end == at || *end != '\n') {
		json_decref(sample);
		return NULL;
	}
	add(metrics, line, len, sample);
	return end + 1;
}

json_t *
metrics_read(const char *text)
{
	json_t *metrics = json_object();

	while (text != NULL && *text != '\0') {
		if (*text != '#') {
			text = read_sample(text, metrics);
			continue;
		}
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
	}
	if (text == NULL)
		json_decref(metrics);
	return text == NULL ? NULL : metrics;
}

double
metrics_sum(const json_t *metrics, const char *name, const char *label, const char *value)
{
	const json_t *samples = json_object_get(metrics, name), *sample;
	double sum = 0;
	size_t i;

	json_array_foreach(samples, i, sample)
	{
		const char *own = label == NULL
		    ? NULL
		    : json_string_value(json_object_get(json_object_get(sample, "labels"), label));

		if (label == NULL || (own != NULL && strcmp(own, value) == 0))
			sum += json_number_value(json_object_get(sample, "value"));
	}
	return sum;
}

static bool
is_same(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "labels"), json_object_get(b, "labels")) != 0;
}

static void
add_sample(json_t *samples, const json_t *other)
{
	json_t *copy = json_deep_copy(other), *sample;
	double sum;
	size_t i;

	json_object_del(json_object_get(copy, "labels"), "daemon");
	json_array_foreach(samples, i, sample)
	{
		if (!is_same(sample, copy))
			continue;
		sum = json_number_value(json_object_get(sample, "value")) +
		    json_number_value(json_object_get(copy, "value"));
		json_object_set_new(sample, "value", json_real(sum));
		json_decref(copy);
		return;
	}
	json_array_append_new(samples, copy);
}

void
metrics_add(json_t *metrics, const json_t *others)
{
	const char *name;
	json_t *samples, *other;
	size_t i;

	json_object_foreach((json_t *)others, name, samples)
	{
		json_t *own = json_object_get(metrics, name);

		if (own == NULL) {
			own = json_array();
			json_object_set_new(metrics, name, own);
		}
		json_array_foreach(samples, i, other)
		{
			add_sample(own, other);
		}
	}
}
