/*
 * See forwarded.h. A list is cut from its right end: the elements of trusted proxies are well
 * formed, and a quote that the client has left open, further to the left, cannot swallow them.
 */
#include "sockjs/forwarded.h"

#include <string.h>
#include <strings.h>

enum { NODE_MAX = 64 }; /* bytes of an address with brackets and port; a longer one is none */

struct text {
	const char *at;
	size_t len;
};

/* Reads the hop that an element names. False: it names none. */
typedef bool element_reader(struct text element, union net_address *hop);

static struct text
trim(struct text text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
		text.at++, text.len--;
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* --- a list, from the right ------------------------------------------------------------------- */

/* True if a backslash makes the character at i a part of the quoted string that it is in. */
static bool
is_escaped(const char *text, size_t i)
{
	size_t begin = i;

	while (begin > 0 && text[begin - 1] == '\\')
		begin--;
	return (i - begin) % 2 == 1;
}

/* Cuts the last element off. False: a quoted string in it has no beginning. */
static bool
cut_last(struct text *list, struct text *element)
{
	size_t i = list->len;
	bool is_quoted = false;

	for (; i > 0; i--) {
		char c = list->at[i - 1];

		if (c == '"' && !(is_quoted && is_escaped(list->at, i - 1)))
			is_quoted = !is_quoted;
		else if (c == ',' && !is_quoted)
			break;
	}
	*element = trim((struct text){list->at + i, list->len - i});
	list->len = i > 0 ? i - 1 : 0;
	return !is_quoted;
}

static void
follow(const struct trusted_proxies *trusted, const char *header, element_reader *read_element,
    union net_address *client)
{
	struct text list = {header, strlen(header)}, element;
	union net_address hop;

	while (list.len > 0 && trusted_proxies_has(trusted, client)) {
		if (!cut_last(&list, &element))
			return;
		/* An empty element is no element (RFC 9110, section 5.6.1). */
		if (element.len == 0)
			continue;
		if (!read_element(element, &hop))
			return;
		*client = hop;
	}
}

/* --- an element ------------------------------------------------------------------------------- */

/* What stands behind an address: nothing, or a port, which may be an obfuscated one. */
static bool
is_port(struct text text)
{
	if (text.len == 0)
		return true;
	if (text.at[0] != ':' || text.len == 1)
		return false;
	for (size_t i = 1; i < text.len; i++)
		if (strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-",
			text.at[i]) == NULL)
			return false;
	return true;
}

/*
 * RFC 7239, section 6; what X-Forwarded-For has is the same but for IPv6 addresses without
 * brackets. nginx calls a client on a Unix socket `unix:`.
 */
static bool
read_node(struct text node, union net_address *hop)
{
	const char *end;
	size_t len;

	if (node.len == strlen("unix:") && memcmp(node.at, "unix:", node.len) == 0) {
		net_address_set(hop, &(struct sockaddr){.sa_family = AF_UNIX});
		return true;
	}
	if (node.len > 0 && node.at[0] == '[') {
		end = memchr(node.at, ']', node.len);
		if (end == NULL)
			return false;
		len = (size_t)(end - node.at) - 1;
		return memchr(node.at + 1, ':', len) != NULL &&
		    net_address_parse(hop, node.at + 1, len) &&
		    is_port((struct text){end + 1, node.len - len - 2});
	}
	if (net_address_parse(hop, node.at, node.len))
		return true;
	end = memchr(node.at, ':', node.len);
	return end != NULL && net_address_parse(hop, node.at, (size_t)(end - node.at)) &&
	    is_port((struct text){end, (size_t)(node.at + node.len - end)});
}

/*
 * Takes the quotes off a value, and the backslashes in it. False if it is too long, or no quoted
 * string.
 */
static bool
unquote(struct text *value, char plain[NODE_MAX])
{
	size_t n = 0, end = value->len - 1;

	if (value->at[0] != '"')
		return true;
	if (end == 0 || end > NODE_MAX || value->at[end] != '"' || is_escaped(value->at, end))
		return false;
	for (size_t i = 1; i < end; i++) {
		if (value->at[i] == '\\')
			i++;
		else if (value->at[i] == '"')
			return false;
		plain[n++] = value->at[i];
	}
	*value = (struct text){plain, n};
	return true;
}

/* Cuts the pair off that the element begins with. Its end is a semicolon outside of quotes. */
static struct text
cut_pair(struct text *element)
{
	bool is_quoted = false;
	struct text pair;
	size_t i = 0;

	for (; i < element->len && (is_quoted || element->at[i] != ';'); i++) {
		if (is_quoted && element->at[i] == '\\')
			i++;
		else if (element->at[i] == '"')
			is_quoted = !is_quoted;
	}
	if (i > element->len)
		i = element->len;
	pair = trim((struct text){element->at, i});
	if (i < element->len)
		i++;
	*element = (struct text){element->at + i, element->len - i};
	return pair;
}

/* `for=192.0.2.1;proto=https`: the hop is what `for` names. */
static bool
read_forwarded(struct text element, union net_address *hop)
{
	struct text value = {NULL, 0};
	char plain[NODE_MAX];

	while (element.len > 0) {
		struct text pair = cut_pair(&element);
		const char *equals = memchr(pair.at, '=', pair.len);

		if (pair.len == 0)
			continue;
		if (equals == NULL)
			return false;
		if (equals - pair.at != 3 || strncasecmp(pair.at, "for", 3) != 0)
			continue;
		if (value.at != NULL)
			return false;
		value = (struct text){equals + 1, (size_t)(pair.at + pair.len - equals) - 1};
	}
	return value.len > 0 && unquote(&value, plain) && read_node(value, hop);
}

/* A header without an element is none. */
static bool
is_sent(const char *header)
{
	return header != NULL && header[strspn(header, " \t,")] != '\0';
}

void
forwarded_client(const struct trusted_proxies *trusted, const union net_address *nearest,
    const char *x_forwarded_for, const char *forwarded, union net_address *client)
{
	bool has_list = is_sent(x_forwarded_for), has_forwarded = is_sent(forwarded);
	union net_address other = *nearest;

	*client = *nearest;
	if (has_list)
		follow(trusted, x_forwarded_for, read_node, client);
	if (has_forwarded)
		follow(trusted, forwarded, read_forwarded, &other);
	if (!has_list)
		*client = other;
	else if (has_forwarded && !net_address_is_same(client, &other))
		*client = *nearest;
}
