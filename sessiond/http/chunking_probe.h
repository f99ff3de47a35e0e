/*
 * `base/chunking_test`: the probe by which clients of SockJS 0.1 learnt whether chunks arrive one
 * by one.
 */
#ifndef SESSIOND_CHUNKING_PROBE_H
#define SESSIOND_CHUNKING_PROBE_H

struct chunking_probe;
struct http_request;

/* Answers the request with the probe's chunks, as their times come. */
void chunking_probe_start(struct http_request *request);

/* Forgets a probe whose request ends. Sets *probe NULL; takes NULL. */
void chunking_probe_stop(struct chunking_probe **probe);

#endif
