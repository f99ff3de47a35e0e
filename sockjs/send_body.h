/*
 * The body of xhr_send and jsonp_send: where the array is in it, and the messages in that.
 */
#ifndef SOCKJS_SEND_BODY_H
#define SOCKJS_SEND_BODY_H

#include "common/buffer.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes the body in place, so that it begins with *len bytes as message_array_decode leaves them.
 * form: jsonp_send, whose body may be a form with the field `d`, as content_type (NULL: none) says.
 * Returns NULL, or the text of the error that a 500 carries.
 */
const char *send_body_decode(
    struct buffer *body, bool form, const char *content_type, size_t max_messages, size_t *len);

#endif
