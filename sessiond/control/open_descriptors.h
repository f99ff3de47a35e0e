/*
 * How many descriptors this process has open. To list /proc/self/fd would take as long as thousands
 * of messages, in which nobody is served.
 */
#ifndef SESSIOND_OPEN_DESCRIPTORS_H
#define SESSIOND_OPEN_DESCRIPTORS_H

/* -1: it cannot be known. */
long open_descriptors(void);

/* The same, as it is found where Linux does not tell (before 6.2). */
long open_descriptors_by_poll(void);

#endif
