/*
 * See request_read.h.
 */
#include "fcgi/request_read.h"

#include "common/log_limit.h"
#include "common/memory.h"
#include "fcgi/webserver/libfcgi.h"
#include "sockjs/request_target.h"

#include <stdlib.h>
#include <string.h>

/* A header by its HTTP name, in any case: CGI has it as HTTP_NAME, two of them without. */
static const char *
find_header(const void *context, const char *name)
{
	const struct cgi_request *cgi = context;
	char variable[64] = "HTTP_";
	size_t i, n = strlen("HTTP_");

	for (i = 0; name[i] != '\0' && n < sizeof variable - 1; i++, n++) {
		char c = name[i];

		variable[n] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
	}
	variable[n] = '\0';
	if (cgi->authority != NULL && strcmp(variable, "HTTP_HOST") == 0)
		return cgi->authority;
	if (strcmp(variable, "HTTP_CONTENT_TYPE") == 0 ||
	    strcmp(variable, "HTTP_CONTENT_LENGTH") == 0)
		return libfcgi_param(variable + strlen("HTTP_"), cgi->params);
	return libfcgi_param(variable, cgi->params);
}

int
request_read(struct cgi_request *cgi, char **params)
{
	static struct log_limit limit;
	const char *uri = libfcgi_param("REQUEST_URI", params),
		   *method = libfcgi_param("REQUEST_METHOD", params);
	char *end;

	if (uri == NULL || method == NULL) {
		log_limited(&limit, SEVERITY_ERROR,
		    "the web server sends no REQUEST_URI or no REQUEST_METHOD; its FastCGI settings lack them");
		return -1;
	}
	*cgi = (struct cgi_request){.params = params, .target = xstrdup(uri)};
	request_target_split(cgi->target, &cgi->path, &cgi->authority);
	end = strpbrk(cgi->path, "?#");
	if (end != NULL && *end == '?')
		cgi->query = end + 1;
	if (end != NULL)
		*end = '\0';
	cgi->head = (struct request_head){
	    .method = method,
	    .path = cgi->path,
	    .query = cgi->query,
	    .header = find_header,
	    .context = cgi,
	};
	return 0;
}

void
request_read_clear(struct cgi_request *cgi)
{
	free(cgi->target);
	*cgi = (struct cgi_request){.params = NULL};
}
