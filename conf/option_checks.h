/*
 * Checks of options that their type cannot express, named in the tables of options
 * (conf_option.check). Each returns 0, or -1 and an error (EX_CONFIG) that begins with the option's
 * name.
 */
#ifndef CONF_OPTION_CHECKS_H
#define CONF_OPTION_CHECKS_H

#include "common/error.h"

/* The system has a user of that name. */
int option_check_user(const char *option, const char *name, struct error *err);

/* The system has a group of that name. */
int option_check_group(const char *option, const char *name, struct error *err);

/* The permissions of a file in octal: three or four digits, at most 0777. */
int option_check_mode(const char *option, const char *text, struct error *err);

/* Where a log goes: stderr, syslog, or a path, which has a slash: no mistyped word is one. */
int option_check_log(const char *option, const char *text, struct error *err);

/* A list of proxies, as sockjs/trusted_proxies.h reads it. */
int option_check_trusted_proxies(const char *option, const char *text, struct error *err);

/* What allowed_origins.h can read. */
int option_check_origins(const char *option, const char *list, struct error *err);

/* The attribute Path of a cookie. */
int option_check_cookie_path(const char *option, const char *path, struct error *err);

/* Names of subprotocols: tokens (RFC 9110 5.6.2), separated by blanks or commas. */
int option_check_tokens(const char *option, const char *list, struct error *err);

/* A token of the Authorization header: token68 of RFC 9110 11.2. */
int option_check_token68(const char *option, const char *text, struct error *err);

/* A path: parts of A-Z a-z 0-9 _ - with a slash before each, and none at the end. */
int option_check_app_path(const char *option, const char *path, struct error *err);

enum { OPTION_HEADERS_MAX = 16, OPTION_HEADER_SIZE = 50 };

/* A list of names of headers, at most OPTION_HEADERS_MAX of OPTION_HEADER_SIZE bytes. */
int option_check_headers(const char *option, const char *list, struct error *err);

#endif
