/*
 * The options of services, whose values are in sockjs/service_options.h. In [server] they are the
 * defaults of all services.
 */
#ifndef CONF_SERVICE_OPTION_TABLE_H
#define CONF_SERVICE_OPTION_TABLE_H

#include "conf/conf.h"

#include <stddef.h>

extern const struct conf_option service_option_table[];
extern const size_t service_option_count;

#endif
