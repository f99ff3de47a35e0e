/*
 * The daemon's own modules whose applications are in any language: "worker" (worker_pool.h),
 * "callback" (worker_callback.h), and "each" (worker_each.h).
 */
#ifndef SESSIOND_WORKER_MODULE_H
#define SESSIOND_WORKER_MODULE_H

/* The daemon knows them from now on. */
void worker_modules_add(void);

#endif
