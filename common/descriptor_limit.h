/*
 * How many connections the system lets a process have.
 */
#ifndef COMMON_DESCRIPTOR_LIMIT_H
#define COMMON_DESCRIPTOR_LIMIT_H

#include <stddef.h>

/*
 * Raises the process's limit of open files, as far as the system allows, to what `connections` and
 * `own` other descriptors need. Returns how many connections there can be then: at most
 * `connections`; fewer are logged.
 */
size_t descriptor_limit_raise(size_t connections, size_t own);

#endif
