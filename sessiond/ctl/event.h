/*
 * What sockjsctl tail prints of an event for people (sessiond/control/tail_event.h has what it
 * gets).
 */
#ifndef SESSIOND_CTL_EVENT_H
#define SESSIOND_CTL_EVENT_H

#include <stdio.h>

/* A line, with the local time. Returns -1 if the text is no event. */
int event_print(const char *line, FILE *to);

#endif
