/*
 * unversioned: a module that was written without its version of the interface.
 */
#include <sockjs.h>

SOCKJS_MODULE = {
    .name = "unversioned",
};
