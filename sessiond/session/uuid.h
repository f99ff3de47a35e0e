/*
 * Random identifiers as text.
 */
#ifndef SESSIOND_UUID_H
#define SESSIOND_UUID_H

#define UUID_SIZE 37 /* bytes of the text, its NUL included */

/* A new random UUID (RFC 9562, version 4), NUL-terminated. Aborts where random_bytes does. */
void uuid_make(char text[UUID_SIZE]);

#endif
