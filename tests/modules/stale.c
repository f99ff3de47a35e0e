/*
 * stale: a module built for another version of the interface; what else it has means nothing.
 */
#include <sockjs.h>

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI - 1,
    .name = "stale",
};
