/*
 * The text format of Prometheus, version 0.0.4: families of samples, each family once.
 *
 *     metric_family(out, "sockjs_sessions", "gauge", "Sessions that live.");
 *     metric_sample(out, "sockjs_sessions", 3, "service", "/echo", NULL);
 */
#ifndef SESSIOND_METRICS_TEXT_H
#define SESSIOND_METRICS_TEXT_H

#include "common/buffer.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Begins a family. type: counter, gauge or histogram. help: one line without backslashes. */
void metric_family(struct buffer *out, const char *name, const char *type, const char *help);

/*
 * A sample, with its labels: names and values in turn, ended by NULL. Values are escaped, and what
 * is no UTF-8 in them becomes U+FFFD.
 */
void
metric_sample(struct buffer *out, const char *name, double value, ...) __attribute__((sentinel));

/*
 * From now on each sample has the label daemon="INDEX" as well; a negative index: none has. Where
 * several daemons are asked at one address, their samples stay apart by it.
 */
void metrics_of_daemon(int index);

/* A family of one sample without labels. */
void metric_single(
    struct buffer *out, const char *name, const char *type, const char *help, double value);

#endif
