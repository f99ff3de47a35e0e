/*
 * `base/chunking_test`: the probe by which clients of SockJS 0.1 learnt whether chunks arrive one by one.
 */
#ifndef SESSIOND_CHUNKING_TEST_H
#define SESSIOND_CHUNKING_TEST_H

struct chunking_test;
struct http_request;

/* Answers the request with the probe's chunks, as their times come. */
void chunking_test_start(struct http_request *request);

/* Forgets a probe whose request ends. Sets *test NULL; takes NULL. */
void chunking_test_stop(struct chunking_test **test);

#endif
