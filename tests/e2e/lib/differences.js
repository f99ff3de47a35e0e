'use strict';

// Where this project differs from the reference (npm sockjs 0.3.24) on purpose: the only list.
// Against the reference, the test named here must fail with a message that matches `observed`;
// against this project it must pass.

const SILENT = /nothing more came in time/; // the reference goes on where we end or answer

const http = [
	{
		id: 'content-length',
		test: 's1: answers that are whole carry Content-Length',
		reason: 'the reference leaves framing to node, which chunks; a length keeps proxies and old clients simple',
		observed: /GET \/echo: .*'chunked' !== 'length'/s,
	},
	{
		id: 'content-length-xhr',
		test: 's1: an answer of xhr carries Content-Length',
		reason: 'as content-length: a poll is answered whole',
		observed: /'chunked' !== 'length'/,
	},
	{
		id: 'content-length-jsonp',
		test: 's1: an answer of jsonp carries Content-Length',
		reason: 'as content-length: a poll is answered whole',
		observed: /'chunked' !== 'length'/,
	},
	{
		id: 'cors-null-eventsource',
		test: 's3: eventsource echoes even Origin: null',
		reason: 'one CORS rule for every transport; the reference answers * for eventsource alone',
		observed: /'\*' !== 'null'/,
	},
	{
		id: 'disable-cors-eventsource',
		test: 's3: eventsource has no CORS headers with disable_cors',
		reason: 'the reference forgets the option for eventsource',
		observed: /Access-Control-Allow-Origin/,
	},
	{
		id: 'nosniff-htmlfile',
		test: 's3: htmlfile has X-Content-Type-Options: nosniff',
		reason: 'the page holds a part of the request (the callback), as jsonp does',
		observed: /undefined[^]*'nosniff'/,
	},
	...['xhr_streaming', 'eventsource', 'htmlfile'].map((name) => ({
		id: `x-accel-buffering-${name}`,
		test: `s3: ${name} has X-Accel-Buffering: no`,
		reason: 'nginx would hold a stream back',
		observed: /undefined[^]*'no'/,
	})),
];

const cookies = [
	{
		id: 'jsessionid-info-options',
		test: 's2: OPTIONS of info never sets a cookie',
		reason: 'info sets no cookie, whatever the method',
		observed: /JSESSIONID=dummy/,
	},
	{
		id: 'jsessionid-websocket',
		test: 's3: the websocket handshake sets JSESSIONID',
		reason: 'every session URL sets it; the reference leaves the websocket out',
		observed: /JSESSIONID=abcdef/,
	},
	{
		id: 'jsessionid-octets',
		test: 's3: every cookie-octet of JSESSIONID is echoed',
		reason: 'the reference cuts the value at a second =',
		observed: /JSESSIONID=/,
	},
	{
		id: 'jsessionid-checked',
		test: 's3: a JSESSIONID with other characters becomes dummy',
		reason: 'what a client says is checked before it becomes a header',
		observed: /JSESSIONID=a"b/,
	},
];

const callbacks = [
	{
		id: 'callback-empty-jsonp',
		test: 's4: an empty callback of jsonp is 500',
		reason: 'an answer with an empty callback could never be received',
		observed: /200 !== 500/,
	},
	{
		id: 'callback-empty-htmlfile',
		test: 's4: an empty callback of htmlfile is 500',
		reason: 'an answer with an empty callback could never be received',
		observed: /200 !== 500/,
	},
	{
		id: 'callback-length-htmlfile',
		test: 's4: a callback of htmlfile has 32 characters at most',
		reason: 'one rule for both callbacks; the reference limits jsonp alone',
		observed: /200 !== 500/,
	},
	{
		id: 'htmlfile-escape',
		test: 's4: htmlfile escapes < as \\u003c',
		reason: 'a message that holds </script> would end the script of its own frame, one with <!--<script keep it open',
		observed: /<\/script>/,
	},
];

const limits = ['xhr_streaming', 'eventsource', 'htmlfile'].map((name) => ({
	id: `response-limit-bytes-${name}`,
	test: `s4: response_limit of ${name} counts bytes, not characters`,
	reason: 'the reference counts UTF-16 units',
	observed: SILENT,
}));

const sends = [
	{
		id: 'jsonp-send-plain-string',
		test: 's5: jsonp_send as plain text of JSON that is no array is 500 Payload expected.',
		reason: 'the reference decodes a JSON string a second time',
		observed: /Broken JSON encoding\./,
	},
	{
		id: 'xhr-send-type',
		test: 's5: xhr_send takes any Content-Type',
		reason: 'the reference knows a list of types and drops the body of any other',
		observed: /application\/x-www-form-urlencoded: Payload expected\./,
	},
	{
		id: 'jsonp-send-type',
		test: 's5: jsonp_send of any other type is the array itself',
		reason: 'the reference knows text/plain and forms only',
		observed: /application\/json[^]*500 !== 200/,
	},
	{
		id: 'services-mix',
		test: 's1: sessions of two services never mix, even with the same id',
		reason: 'the reference has one table of sessions for all services of a process',
		observed: /true !== false/,
	},
	{
		id: 'heartbeat-only-when-idle',
		test: 's5: a receiver that is sent something else gets no h',
		reason: 'a heartbeat is for a receiver with nothing else; the reference counts from its beginning',
		observed: /instead of 3000/,
	},
];

const websockets = [
	...['{}', '{"a":1}', '1', 'null', 'true', '[1]', '["a",null]', '[["a"]]'].map((message) => ({
		id: `websocket-message-${message}`,
		test: `s6: the websocket message ${message} closes the connection`,
		reason: 'only strings are messages; the reference hands any JSON value to the application, or throws',
		observed: SILENT,
	})),
	{
		id: 'websocket-binary',
		test: 's6: a binary message closes a SockJS websocket',
		reason: 'SockJS has text only; the reference hands the parsed value to the application',
		observed: SILENT,
	},
	{
		id: 'websocket-early-data',
		test: 's6: frames in the segment of the handshake are data',
		reason: 'the reference loses what comes before its session stands',
		observed: SILENT,
	},
	{
		id: 'websocket-alive-without-pongs',
		test: 's6: a websocket that sends anything stays, without pongs',
		reason: 'whatever a peer sends shows that it lives; the reference wants the pong',
		observed: /closed after 1[0-9]{4}/,
	},
	...[
		'is pinged every heartbeat_delay',
		'that answers its pings stays',
		'that sends anything stays, without pongs',
		'that sends nothing for 10 s after a ping is closed',
	].map((what) => ({
		id: `raw-heartbeat-${what}`,
		test: `s6: a raw websocket ${what}`,
		reason: 'the reference has no heartbeat on raw websockets, and never notices a dead peer',
		observed: SILENT,
	})),
	{
		id: 'websocket-frame-heartbeat',
		test: 's6: an option sends h frames on a websocket instead of pings',
		reason: 'the reference has no such option',
		observed: /strictly deep-equal/,
	},
];

const raw = [
	{
		id: 'raw-binary',
		test: 's6: raw: echo answers a binary message with a binary one',
		reason: 'the reference turns binary messages into text',
		observed: /1 !== 2/,
	},
	{
		id: 'raw-binary-empty',
		test: 's6: raw: an empty binary message is one',
		reason: 'the reference turns binary messages into text',
		observed: /strictly deep-equal/,
	},
	{
		id: 'raw-binary-any',
		test: 's6: the same bytes are fine in a binary message',
		reason: 'the reference turns binary messages into text, and with that loses bytes',
		observed: /strictly deep-equal/,
	},
	{
		id: 'raw-version-8',
		test: 's6: raw: version 8 is spoken',
		reason: 'the reference lets version 8 pass and then refuses it in its WebSocket library',
		observed: /400 Bad Request/,
	},
	{
		id: 'unmasked-code',
		test: 's6: an unmasked frame is 1002',
		reason: 'RFC 6455, section 5.1, allows 1002; the reference says 1003, which is for types of data',
		observed: /1003 !== 1002/,
	},
	{
		id: 'utf8-early-message',
		test: 's6: invalid UTF-8 is 1007 before the message has ended',
		reason: 'the reference looks at whole messages only',
		observed: SILENT,
	},
	{
		id: 'utf8-early-frame',
		test: 's6: invalid UTF-8 is 1007 before the frame has ended',
		reason: 'the reference looks at whole messages only',
		observed: SILENT,
	},
];

const hixie = [
	...['/hixie_off', '/defaults'].map((prefix) => ({
		id: `hixie-off-${prefix}`,
		test: `s6: hixie-76 is 400 where it is off: ${prefix}`,
		reason: 'obsolete, so an option; the reference always speaks it',
		observed: /101 !== 400/,
	})),
	{
		id: 'hixie-early-data',
		test: 's6: hixie-76: frames behind the eight bytes are data',
		reason: 'the reference loses what comes with the eight bytes',
		observed: SILENT,
	},
];

const pages = [
	{
		id: 'iframe-script-escaped',
		test: 's7: the script URL of the page is escaped for HTML',
		reason: 'the reference puts the option into the page as it is',
		observed: /\/static\/"sockjs"/,
	},
	{
		id: 'iframe-disable-cors',
		test: 's7: with disable_cors the iframe page is 404',
		reason: 'the page serves other origins only',
		observed: /200 !== 404/,
	},
	{
		id: 'iframe-304-etag',
		test: 's7: a 304 repeats the ETag',
		reason: 'RFC 9110, section 15.4.5',
		observed: /undefined/,
	},
];

const options = [
	{
		id: 'disable-cors-origins',
		test: 's8: disable_cors lets no page of another origin in',
		reason: 'the reference leaves the CORS headers out and serves all the same',
		observed: /101 !== 403/,
	},
	...[
		['/only_polling', 'xhr, jsonp'],
		['/only_streaming', 'xhr_streaming, eventsource, htmlfile'],
		['/only_websocket', 'websocket'],
		['/only_raw', 'raw'],
	].map(([prefix, list]) => ({
		id: `transports-${prefix}`,
		test: `s8: transports: ${prefix} has ${list}, the others are 404`,
		reason: 'the option is of sockjs-node 1.x; the reference does not have it',
		observed: /true !== false/,
	})),
	{
		id: 'transports-options',
		test: 's8: transports: OPTIONS of a disabled one is 404',
		reason: 'the option is of sockjs-node 1.x; the reference does not have it',
		observed: /204 !== 404/,
	},
];

module.exports = [
	...http,
	...cookies,
	...callbacks,
	...limits,
	...sends,
	...websockets,
	...raw,
	...hixie,
	...pages,
	...options,
];
