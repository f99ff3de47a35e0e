/*
 * stale: a module that was built for another version of the interface.
 */
#include <sockjs.h>

SOCKJS_MODULE = {
    .abi = SOCKJS_ABI - 1,
    .name = "stale",
};
