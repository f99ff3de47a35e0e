'use strict';

// What a web server in between makes impossible, or does itself: one list for each kind of stack,
// in the form of differences.js. Against that kind, the test named here must fail with a message
// that matches `observed`: what holds again leaves the list.
//
//   sometimes   the web server differs only when the timing is right, or from some version on: the
//               test may pass too

const TRANSPORTS = ['xhr', 'jsonp', 'xhr_streaming', 'eventsource', 'htmlfile'];
const STREAMS = ['xhr_streaming', 'eventsource', 'htmlfile'];
const BREAKINGS = ['an end of the connection', 'a reset of the connection', 'a closed connection'];

const handshakes = (reason) =>
	['SockJS', 'raw'].map((kind) => ({
		id: `upgrade-${kind}`,
		test: `s6: ${kind}: Upgrade: websocket with a Connection that does not name it is 400`,
		reason,
		observed: /101 !== 400/,
	}));

const dotSegments = {
	id: 'dot-segments',
	test: 's1: any other server or session is 404',
	reason: 'a path that leaves the site by /../.. is refused before anybody is asked',
	observed: /\/echo\/\.\.\/\.\.\/xhr: HTTP\/1\.1 400 Bad Request/,
};

const hixieConnection = {
	id: 'hixie-connection',
	test: "s6: hixie-76: the handshake and the draft's own answer",
	reason: 'it writes the header Connection of a 101 itself, in lower case; the browsers of the draft are gone',
	observed: /'upgrade' !== 'Upgrade'/,
};

const lighttpd = [
	...STREAMS.map((name) => ({
		id: `stream-length-${name}`,
		test: `s1: a stream of ${name} over HTTP/1.0 ends with the connection`,
		reason: 'a stream that has ended before its head was sent gets a Content-Length',
		observed: /'length' !== 'close'/,
		sometimes: true,
	})),
	{
		id: 'length-required',
		test: 's1: a POST without Content-Length and without a body is an empty body',
		reason: 'it answers 411 to that; browsers always send the length of a POST',
		observed: /411 Length Required/,
	},
	...handshakes('it writes Connection: upgrade itself, to whoever asks for an upgrade'),
	...['xhr', 'jsonp', 'xhr_streaming'].map((name) => ({
		id: `text-javascript-${name}`,
		test: `s3: ${name} is application/javascript; charset=UTF-8`,
		reason: 'it turns application/javascript into text/javascript (RFC 9239)',
		observed: /'text\/javascript; charset=UTF-8' !== 'application\/javascript/,
	})),
	{
		id: 'text-javascript-chunking',
		test: 's1: chunking_test is javascript, with CORS headers',
		reason: 'it turns application/javascript into text/javascript (RFC 9239)',
		observed: /'text\/javascript; charset=UTF-8' !== 'application\/javascript/,
	},
	hixieConnection,
];

const nginx = [
	...handshakes('it cannot ask what Connection said, only whether Upgrade was there'),
	...STREAMS.map((name) => ({
		id: `x-accel-buffering-${name}`,
		test: `s3: ${name} has X-Accel-Buffering: no`,
		reason: 'the header is for nginx, which obeys it and takes it out',
		observed: /undefined !== 'no'/,
	})),
	hixieConnection,
	dotSegments,
];

const apache = [
	...handshakes('it writes Connection: Upgrade itself, to whoever asks for an upgrade'),
	{
		id: 'no-content-type',
		test: 's3: xhr_send is text/plain; charset=UTF-8',
		reason: 'it takes Content-Type out of a 204, which has no content',
		observed: /undefined !== 'text\/plain; charset=UTF-8'/,
	},
	...TRANSPORTS.flatMap((name) =>
		BREAKINGS.map((how) => ({
			id: `hang-up-${name}-${how}`,
			test: `s5: ${how} of ${name} ends the session at once`,
			reason: 'it looks after its client only when there is something to send: it hides a hang-up until then',
			observed: /the session is still there after/,
		})),
	),
	dotSegments,
];

const apacheProxy = [
	...apache,
	{
		id: 'length',
		test: 's1: answers that are whole carry Content-Length',
		reason: 'Apache 2.4.59 and later do not believe the length that FastCGI says, and flush what has come',
		observed: /GET \/echo: .*'chunked' !== 'length'/s,
		sometimes: true,
	},
	...['xhr', 'jsonp'].map((name) => ({
		id: `length-${name}`,
		test: `s1: an answer of ${name} carries Content-Length`,
		reason: 'as for the others',
		observed: /'chunked' !== 'length'/,
		sometimes: true,
	})),
];

const htaccess = [
	...apache,
	{
		id: 'encoded-slash',
		test: 's1: server and session are any run of characters but / and .',
		reason: 'a host answers 404 to %2F in a path (AllowEncodedSlashes), and an .htaccess cannot change that',
		observed: /%2F.*HTTP\/1\.1 404 Not Found/s,
	},
];

module.exports = {
	lighttpd,
	nginx,
	'apache-fcgid': apache,
	'apache-proxy': apacheProxy,
	htaccess,
};
