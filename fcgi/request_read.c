/*
 * See request_read.h.
 */
#include "fcgi/request_read.h"

#include "common/buffer.h"
#include "common/log_limit.h"
#include "common/memory.h"
#include "fcgi/webserver/params.h"
#include "sockjs/request_target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A header by its HTTP name, in any case: CGI has it as HTTP_NAME, two of them without. */
static const char *
find_header(const void *context, const char *name)
{
	const struct cgi_request *cgi = context;

	if (cgi->authority != NULL && strcasecmp(name, "Host") == 0)
		return cgi->authority;
	/* Most are others. */
	if ((name[0] != 'C' && name[0] != 'c') ||
	    strncasecmp(name, "Content-", strlen("Content-")) != 0)
		return params_find_header(cgi->params, name);
	if (strcasecmp(name, "Content-Type") == 0)
		return params_find(cgi->params, "CONTENT_TYPE");
	if (strcasecmp(name, "Content-Length") == 0)
		return params_find(cgi->params, "CONTENT_LENGTH");
	return params_find_header(cgi->params, name);
}

static void
append_encoded(struct buffer *to, const char *text)
{
	for (; *text != '\0'; text++)
		/* What a path may have as it is (RFC 3986 3.3), but for semicolons. */
		if (isalnum((unsigned char)*text) || strchr("/-._~!$&'()*+,=:@", *text) != NULL)
			buffer_append_char(to, *text);
		else
			buffer_printf(to, "%%%02X", (unsigned char)*text);
}

/*
 * SCRIPT_NAME and PATH_INFO, encoded again, and the query if it is wanted; to be freed. NULL: they
 * are no path.
 */
static char *
decoded_target(const struct params *params, bool with_query)
{
	const char *script = params_find(params, "SCRIPT_NAME"),
		   *info = params_find(params, "PATH_INFO"),
		   *query = params_find(params, "QUERY_STRING");
	struct buffer target = BUFFER_INIT;
	char *text = NULL;

	append_encoded(&target, script == NULL ? "" : script);
	append_encoded(&target, info == NULL ? "" : info);
	if (with_query && query != NULL && *query != '\0')
		buffer_printf(&target, "?%s", query);
	buffer_append_char(&target, '\0');
	if (!buffer_failed(&target) && target.data[0] == '/')
		text = xstrdup(target.data);
	buffer_free(&target);
	return text;
}

int
request_read(struct cgi_request *cgi, const struct params *params)
{
	static struct log_limit limit;
	const char *uri = params_find(params, "REQUEST_URI"),
		   *method = params_find(params, "REQUEST_METHOD");
	char *target = uri != NULL ? xstrdup(uri) : decoded_target(params, true), *end;

	if (target == NULL || method == NULL) {
		free(target);
		log_limited(&limit, SEVERITY_ERROR,
		    "the web server sends no REQUEST_METHOD, or no path (REQUEST_URI, or SCRIPT_NAME "
		    "and PATH_INFO); its FastCGI settings lack them");
		return -1;
	}
	*cgi = (struct cgi_request){.params = params, .target = target};
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

bool
request_read_rewritten(struct cgi_request *cgi)
{
	/* Some web servers merge slashes: that is no rewrite, and the daemon knows no such path. */
	if (strstr(cgi->path, "//") != NULL)
		return false;
	if (cgi->rewritten == NULL)
		cgi->rewritten = decoded_target(cgi->params, false);
	if (cgi->rewritten == NULL || strcmp(cgi->rewritten, cgi->path) == 0)
		return false;
	cgi->head.path = cgi->path = cgi->rewritten;
	return true;
}

void
request_read_clear(struct cgi_request *cgi)
{
	free(cgi->target);
	free(cgi->rewritten);
	*cgi = (struct cgi_request){.params = NULL};
}
