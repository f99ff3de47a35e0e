'use strict';

// sockjs.fcgi as a web server sees it: raw FastCGI, well and badly behaved. The test is the web
// server; sessiond is real.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { test, before, after } = require('node:test');
const { allAsleep } = require('./lib/asleep');
const { isSanitized, unsanitized, withLog } = require('./lib/daemon');
const { FastCgi, request, encodeRecord, encodeRequest, TYPE } = require('./lib/fastcgi');
const { eventually, sleep } = require('./lib/guard');
const { Pair, startPair } = require('./lib/responder');

const REQUEST_TIMEOUT = 2500; // ms, of the hasty responder; the other waits so long that nothing is due to it
const PATIENCE = 60000; // ms for what takes long on a busy machine
const BODY_LIMIT = 4 * 1024 * 1024;

const services = `
[service /echo]
module = echo
response_limit = 4096

[service /cookie]
module = echo
jsessionid = on

[service /closed]
module = echo
websocket = off
disable_cors = on

[service /amplify]
module = amplify

[service /small]
module = echo
body_limit = 1000
messages_limit = 5

[service /close]
module = close
`;

let pair;
let hasty;
let descriptors;
before(async () => {
	pair = await startPair({ server: 'disconnect_delay = 60s', fcgi: 'request_timeout = 60s', services });
	hasty = await startPair({ server: 'disconnect_delay = 60s', fcgi: `request_timeout = ${REQUEST_TIMEOUT}ms`, services });
	for (let i = 0; i < 2; i++)
		assert.strictEqual((await request(pair.address, 'GET', '/echo')).status, 200);
	descriptors = pair.responder.openDescriptors();
});
after(async () => {
	for (const each of [pair, hasty])
		if (each)
			await each.stop();
});

const check = (name, ...rest) => {
	const body = rest.pop();
	test(`responder: ${name}`, ...rest, withLog(() => pair, async (t) => {
		await body(t);
		assert.strictEqual(pair.responder.child.exitCode ?? pair.responder.child.signalCode, null, 'the responder lives');
		assert.strictEqual((await request(pair.address, 'GET', '/echo')).text, 'Welcome to SockJS!\n');
	}));
};

const newSession = (service = 'echo') => `/${service}/000/${crypto.randomBytes(6).toString('hex')}`;
const ask = (method, target, options) => request(pair.address, method, target, options);
const open = ({ address } = pair) => FastCgi.open(address);

async function openSession(service) {
	const session = newSession(service);
	assert.strictEqual((await ask('POST', `${session}/xhr`)).text, 'o\n');
	return session;
}

// Resolves once the session has a receiver.
async function isHeld(session, address = pair.address) {
	await eventually(async () => (await request(address, 'POST', `${session}/xhr`)).text.startsWith('c[2010,'), 'the poll is held');
}

// Resolves once the session has ended, long before its disconnect_delay.
async function isGone(session) {
	await eventually(async () => (await ask('POST', `${session}/xhr`)).text === 'o\n', 'the session is gone', PATIENCE);
}

// A poll that waits: {session, connection, answer}. The probe that isHeld sends must not be the one
// that is held.
async function holdPoll({ service, transport = 'xhr', session, ...options } = {}) {
	const held = session || await openSession(service);
	const connection = await open();
	const answer = connection.begin(transport.startsWith('jsonp') ? 'GET' : 'POST', `${held}/${transport}`, options);
	await connection.until(() => connection.socket.bytesWritten > 0 && connection.socket.writableLength === 0, 'it is sent');
	await allAsleep(pair.responder, pair.sessiond);
	await isHeld(held);
	return { session: held, connection, answer };
}

// While what a test does lasts, which is for request_timeout.
async function othersAreServed() {
	const session = await openSession();
	assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: '["others"]', timeout: PATIENCE })).status, 204);
	assert.strictEqual((await ask('POST', `${session}/xhr`, { timeout: PATIENCE })).text, 'a["others"]\n');
}

// --- what it answers by itself -------------------------------------------------------------------

test('responder: pages, info, preflights, 404, 405 and chunking_test need no sessiond once it has been there', async (t) => {
	const lonely = await startPair({ services });
	const get = (method, target, options) => request(lonely.address, method, target, options);
	t.after(() => lonely.stop());
	assert.strictEqual((await get('POST', '/echo/0/a/xhr')).text, 'o\n');
	await lonely.sessiond.stop('SIGKILL');

	for (const target of ['/echo', '/echo/'])
		assert.strictEqual((await get('GET', target)).text, 'Welcome to SockJS!\n');
	const info = await get('GET', '/echo/info', { headers: { Origin: 'http://x' } });
	assert.deepStrictEqual({ ...JSON.parse(info.text), entropy: 0 }, { websocket: true, origins: ['*:*'], cookie_needed: false, entropy: 0 });
	assert.strictEqual(info.header('Access-Control-Allow-Origin'), 'http://x');
	assert.strictEqual(info.header('Access-Control-Allow-Credentials'), 'true');
	assert.notStrictEqual(JSON.parse((await get('GET', '/echo/info')).text).entropy, JSON.parse(info.text).entropy);
	const closed = JSON.parse((await get('GET', '/closed/info')).text);
	assert.ok(!closed.websocket && !('origins' in closed));
	assert.ok(JSON.parse((await get('GET', '/cookie/info')).text).cookie_needed);

	const iframe = await get('GET', '/echo/iframe-1.2.html');
	assert.match(iframe.text, /^<!DOCTYPE html>[^]*SockJS\.bootstrap_iframe/);
	assert.strictEqual(Number(iframe.header('Content-Length')), iframe.body.length);
	const unchanged = await get('GET', '/echo/iframe.html', { headers: { 'If-None-Match': iframe.header('ETag') } });
	assert.deepStrictEqual([unchanged.status, unchanged.body.length, unchanged.header('Content-Type'), unchanged.header('Content-Length')], [304, 0, undefined, undefined]);

	const preflight = await get('OPTIONS', '/echo/0/a/xhr', { headers: { Origin: 'null', 'Access-Control-Request-Headers': 'a, b' } });
	assert.strictEqual(preflight.status, 204);
	assert.strictEqual(preflight.header('Access-Control-Allow-Methods'), 'OPTIONS, POST');
	assert.strictEqual(preflight.header('Access-Control-Allow-Headers'), 'a, b');
	assert.strictEqual(preflight.header('Access-Control-Allow-Origin'), 'null');

	for (const target of ['/', '/nothing', '/echoes', '/echo/x', '/echo/0/a/nothing', '/echo//a/xhr', '/echo/a./a/xhr', '/closed/iframe.html'])
		assert.strictEqual((await get('GET', target)).status, 404, target);
	const wrong = await get('GET', '/echo/0/a/xhr');
	assert.deepStrictEqual([wrong.status, wrong.header('Allow'), wrong.header('Content-Type'), wrong.text], [405, 'OPTIONS, POST', undefined, '']);
	assert.strictEqual((await get('POST', '/echo/info')).status, 405);
	assert.strictEqual((await get('GET', '/echo/0/a/jsonp')).text, '"callback" parameter required');
	assert.strictEqual((await get('GET', '/echo/0/a/jsonp?c=a%20b')).text, 'invalid "callback" parameter');
	assert.strictEqual((await get('POST', '/echo/0/a/xhr_send', { body: '{}' })).text, 'Payload expected.');
	assert.strictEqual((await get('POST', '/echo/0/a/xhr_send', { body: '["a' })).text, 'Broken JSON encoding.');
	assert.strictEqual((await get('GET', '/echo/websocket')).status, 400);
	assert.strictEqual((await get('GET', '/echo/0/a/websocket', { headers: { Upgrade: 'websocket', Connection: 'Upgrade' } })).status, 501);
	const probe = await get('POST', '/echo/chunking_test');
	assert.strictEqual(probe.text, `h\n${' '.repeat(2048)}h\n${'h\n'.repeat(5)}`);
});

check('chunking_test comes in pieces, at its times', async () => {
	const connection = await open();
	const start = Date.now();
	const answer = connection.begin('POST', '/echo/chunking_test');
	const times = [];
	for (const size of [2, 2052, 2054, 2056, 2058, 2060, 2062]) {
		await connection.until(() => answer.body.length >= size, `${size} bytes`);
		if (size === 2060)
			assert.strictEqual(answer.body.length, size, 'the last part is not there yet, three seconds early');
		times.push(Date.now() - start);
	}
	await connection.finish(answer);
	assert.ok(times[5] >= 700 && times[6] >= 3700, `${times}`);
});

check('a prefix counts from the place of the program too', async () => {
	for (const [target, script] of [['/app/sockjs.fcgi/echo', '/app/sockjs.fcgi'], ['/~user/app/echo', '/~user/app/sockjs.fcgi'], ['/echo', '/sockjs.fcgi'], ['/echo', '']])
		assert.strictEqual((await ask('GET', target, { params: { SCRIPT_NAME: script } })).text, 'Welcome to SockJS!\n', `${target} ${script}`);
	const session = `/~user/app${newSession()}`;
	assert.strictEqual((await ask('POST', `${session}/xhr`, { params: { SCRIPT_NAME: '/~user/app/sockjs.fcgi' } })).text, 'o\n');
	for (const [target, script] of [['/other/echo', '/app/sockjs.fcgi'], ['/apps/echo', '/app'], ['/app/echoes', '/app/sockjs.fcgi']])
		assert.strictEqual((await ask('GET', target, { params: { SCRIPT_NAME: script } })).status, 404, `${target} ${script}`);
});

// lighttpd and others pass the whole path as SCRIPT_NAME where the program answers every URL.
check('a path that is its own SCRIPT_NAME names no folder', async () => {
	assert.strictEqual((await ask('GET', '/echo', { params: { SCRIPT_NAME: '/echo' } })).status, 200);
	assert.strictEqual((await ask('GET', '/nothing/echo', { params: { SCRIPT_NAME: '/nothing/echo' } })).status, 404);
});

check('a folder that is encoded in the path is decoded in SCRIPT_NAME', async () => {
	for (const [target, script] of [['/%7Euser/caf%C3%A9/echo', '/~user/caf\u00e9/sockjs.fcgi'], ['/a%20b/sockjs.fcgi/echo', '/a b/sockjs.fcgi']])
		assert.strictEqual((await ask('GET', target, { params: { SCRIPT_NAME: script } })).text, 'Welcome to SockJS!\n', `${target} ${script}`);
});

check('a path that the web server has rewritten counts if the client\'s own is no service\'s', async () => {
	for (const params of [{ SCRIPT_NAME: '', PATH_INFO: '/echo/info' }, { SCRIPT_NAME: '/echo/info', PATH_INFO: '' }])
		assert.strictEqual((await ask('GET', '/app/echo/info?t=1', { params })).status, 200);
	const session = newSession();
	const rewritten = (part) => ({ params: { SCRIPT_NAME: `${session}/${part}`, PATH_INFO: '' } });
	assert.strictEqual((await ask('POST', `/app${session}/xhr`, rewritten('xhr'))).text, 'o\n');
	assert.strictEqual((await ask('POST', `/app${session}/xhr_send`, { ...rewritten('xhr_send'), body: '["x"]' })).status, 204);
	assert.strictEqual((await ask('POST', `${session}/xhr`)).text, 'a["x"]\n');
	assert.strictEqual((await ask('GET', '//echo', { params: { SCRIPT_NAME: '', PATH_INFO: '/echo' } })).status, 404, 'merged slashes are no rewrite');
	assert.strictEqual((await ask('GET', '/app/echoes', { params: { SCRIPT_NAME: '/echoes', PATH_INFO: '' } })).status, 404);
});

check('without REQUEST_URI, SCRIPT_NAME and PATH_INFO are the path', async () => {
	const REQUEST_URI = undefined;
	assert.strictEqual((await ask('GET', '/echo', { params: { REQUEST_URI, SCRIPT_NAME: '/echo', PATH_INFO: '' } })).text, 'Welcome to SockJS!\n');
	assert.strictEqual((await ask('GET', '/echo', { params: { REQUEST_URI, SCRIPT_NAME: '/app/sockjs.fcgi', PATH_INFO: '/echo' } })).text, 'Welcome to SockJS!\n');
	const session = newSession();
	const jsonp = await ask('GET', `${session}/jsonp?c=call`, { params: { REQUEST_URI, SCRIPT_NAME: '', PATH_INFO: `${session}/jsonp` } });
	assert.match(jsonp.text, /call\("o"\);/);
	for (const part of ['?', '%', ' ', '\u00e9'])
		assert.strictEqual((await ask('GET', '/echo', { params: { REQUEST_URI, SCRIPT_NAME: '', PATH_INFO: `/echo${part}` } })).status, 404, part);
});

// As nginx sends them: a line behind `include fastcgi_params`.
check('of two variables with one name the last one counts', async () => {
	assert.strictEqual((await ask('GET', '/nothing', { more: { REQUEST_URI: '/echo' } })).text, 'Welcome to SockJS!\n');
	assert.strictEqual((await ask('GET', '/echo', { more: { REQUEST_URI: '/nothing', SCRIPT_NAME: '/nothing', PATH_INFO: '' } })).status, 404);
});

// --- polls and sends -----------------------------------------------------------------------------

check('an absolute REQUEST_URI is its path', async () => {
	assert.strictEqual((await ask('GET', 'http://example.org:8080/echo')).text, 'Welcome to SockJS!\n');
	assert.strictEqual((await ask('GET', 'https://example.org/echo/info?t=1')).status, 200);
	assert.strictEqual((await ask('GET', 'http://user@example.org/echo')).status, 404);
	const session = `http://example.org${newSession()}`;
	assert.strictEqual((await ask('POST', `${session}/xhr`)).text, 'o\n');
});

check('polling: open, send, messages, several in one frame, heartbeat headers', async () => {
	const session = newSession();
	const opened = await ask('POST', `${session}/xhr`);
	assert.strictEqual(opened.text, 'o\n');
	assert.strictEqual(opened.header('Content-Type'), 'application/javascript; charset=UTF-8');
	assert.strictEqual(opened.header('Content-Length'), '2');
	const { connection, answer } = await holdPoll({ session });
	const sent = await ask('POST', `${session}/xhr_send`, { body: '["a","b \u20ac"]' });
	assert.deepStrictEqual([sent.status, sent.text, sent.header('Content-Type')], [204, '', 'text/plain; charset=UTF-8']);
	assert.strictEqual((await connection.finish(answer)).text, 'a["a","b \u20ac"]\n');
	assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: '["one"]' })).status, 204);
	assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: '["two"]' })).status, 204);
	assert.strictEqual((await ask('POST', `${session}/xhr`)).text, 'a["one","two"]\n');
	assert.strictEqual((await ask('POST', `${newSession()}/xhr_send`, { body: '["x"]' })).status, 404);
});

check('jsonp: frames in a callback, sends as a form', async () => {
	const session = newSession();
	assert.strictEqual((await ask('GET', `${session}/jsonp?c=cb%2ex`)).text, '/**/cb.x("o");\r\n');
	const sent = await ask('POST', `${session}/jsonp_send`, { body: 'd=%5B%22x%22%5D', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
	assert.deepStrictEqual([sent.status, sent.text], [200, 'ok']);
	const answer = await ask('GET', `${session}/jsonp?c=cb`);
	assert.deepStrictEqual([answer.text, answer.header('X-Content-Type-Options')], ['/**/cb("a[\\"x\\"]");\r\n', 'nosniff']);
});

check('the close frame, again and again', async () => {
	const session = newSession('close');
	assert.strictEqual((await ask('POST', `${session}/xhr`)).text, 'o\n');
	for (let i = 0; i < 2; i++)
		assert.strictEqual((await ask('POST', `${session}/xhr`)).text, 'c[3000,"Go away!"]\n');
});

check('the cookie of jsessionid = on', async () => {
	assert.strictEqual((await ask('POST', `${newSession('cookie')}/xhr`)).header('Set-Cookie'), 'JSESSIONID=dummy; path=/');
	const headers = { Cookie: 'a=b; JSESSIONID=mine' };
	assert.strictEqual((await ask('POST', `${newSession('cookie')}/xhr`, { headers })).header('Set-Cookie'), 'JSESSIONID=mine; path=/');
	assert.strictEqual((await ask('POST', `${newSession()}/xhr`, { headers })).header('Set-Cookie'), undefined);
});

check('streaming transports end after their first frames by default', async () => {
	for (const [method, transport, text] of [['POST', 'xhr_streaming', `${'h'.repeat(2048)}\no\n`], ['GET', 'eventsource', '\r\ndata: o\r\n\r\n']])
		assert.strictEqual((await ask(method, `${newSession()}/${transport}`)).text, text);
	const session = newSession();
	const page = await ask('GET', `${session}/htmlfile?c=cb`);
	assert.match(page.text, /^<!doctype html>[^]*c = parent\.cb;[^]*<script>\np\("o"\);\n<\/script>\r\n$/);
	await ask('POST', `${session}/xhr_send`, { body: '["x"]' });
	assert.strictEqual((await ask('POST', `${session}/xhr_streaming`)).text, `${'h'.repeat(2048)}\na["x"]\n`);
});

// --- bodies --------------------------------------------------------------------------------------

async function echoOf(session, length) {
	let got = 0;
	while (got < length)
		got += JSON.parse((await ask('POST', `${session}/xhr`, { timeout: PATIENCE })).text.slice(1)).join('').length;
	return got;
}

check('a request that comes byte by byte', async () => {
	const session = await openSession();
	const connection = await open();
	const answer = connection.expect();
	connection.socket.setNoDelay(true);
	for (const byte of encodeRequest('POST', `${session}/xhr_send`, { body: '["dribbled"]', size: 3, padding: 2 })) {
		await new Promise((resolve) => connection.socket.write(Buffer.from([byte]), resolve));
		await new Promise(setImmediate);
	}
	assert.strictEqual((await connection.finish(answer)).status, 204);
	assert.strictEqual((await ask('POST', `${session}/xhr`)).text, 'a["dribbled"]\n');
});

check('a body that dribbles in does not delay other requests', async () => {
	const session = await openSession();
	const connections = await Promise.all(Array.from({ length: 20 }, () => open()));
	const body = JSON.stringify(['x'.repeat(200)]);
	const bytes = encodeRequest('POST', `${session}/xhr_send`, { body, size: 1 });
	const answers = connections.map((connection) => connection.expect());
	const half = bytes.length >> 1;
	connections.forEach((connection) => connection.write(bytes.subarray(0, half)));
	await othersAreServed();
	for (let at = half; at < half + 40; at++) {
		connections.forEach((connection) => connection.write(bytes.subarray(at, at + 1)));
		await new Promise(setImmediate);
	}
	await othersAreServed();
	connections.forEach((connection) => connection.write(bytes.subarray(half + 40)));
	await Promise.all(connections.map((connection, i) => connection.finish(answers[i])));
	assert.ok(answers.every(({ status }) => status === 204));
	connections.forEach((connection) => connection.close());
});

check('a body in thousands of tiny records', async () => {
	const session = await openSession();
	const body = JSON.stringify(['y'.repeat(60000)]);
	const sent = ask('POST', `${session}/xhr_send`, { body, size: 2, padding: 5, timeout: PATIENCE });
	await othersAreServed();
	assert.strictEqual((await sent).status, 204);
	assert.strictEqual(await echoOf(session, 60000), 60000);
});

check('a body of 3 MB', async () => {
	const session = await openSession();
	const text = crypto.randomBytes(1.5 * 1024 * 1024).toString('hex');
	const sent = ask('POST', `${session}/xhr_send`, { body: JSON.stringify([text]), timeout: PATIENCE });
	await othersAreServed();
	assert.strictEqual((await sent).status, 204);
	assert.strictEqual((await ask('POST', `${session}/xhr`, { timeout: PATIENCE })).text, `a["${text}"]\n`);
});

check('a body at the limit is taken, one byte over it is 413, and the session goes on', async () => {
	const session = await openSession('small');
	const bodyOf = (size) => JSON.stringify(['z'.repeat(size - 4)]);
	assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: bodyOf(1001) })).status, 413);
	assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: bodyOf(1000) })).status, 204);
	assert.strictEqual((await ask('POST', `${session}/xhr`)).text, `a${bodyOf(1000)}\n`);
	const many = await ask('POST', `${session}/xhr_send`, { body: '["1","2","3","4","5","6"]' });
	assert.deepStrictEqual([many.status, many.text], [500, 'Too many messages.']);
});

check('a body over every limit is 413, in large records or small, and is not kept', async () => {
	const session = await openSession();
	for (const size of [65535, 8192]) {
		const before = pair.responder.residentBytes();
		const answer = await ask('POST', `${session}/xhr_send`, { body: Buffer.alloc(8 * BODY_LIMIT, 'x'), size, timeout: PATIENCE });
		assert.deepStrictEqual([answer.status, answer.text], [413, 'Request body too large.\n']);
		const grown = pair.responder.residentBytes() - before;
		assert.ok(isSanitized || grown < 4 * BODY_LIMIT, `grown by ${grown} bytes`);
	}
	assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: '["on"]' })).status, 204);
});

check('a body without end does not delay others, and ends with request_timeout', async () => {
	const connection = await open(hasty);
	connection.expect();
	connection.write(encodeRequest('POST', '/echo/0/endless/xhr_send').subarray(0, -8));
	const piece = Buffer.concat(Array(16).fill(encodeRecord(TYPE.stdin, 1, Buffer.alloc(65535))));
	const pour = () => {
		while (!connection.closed && connection.socket.write(piece));
	};
	connection.socket.on('drain', pour);
	pour();
	for (let i = 0; i < 5; i++)
		assert.strictEqual((await request(hasty.address, 'POST', `${newSession()}/xhr`, { timeout: PATIENCE })).text, 'o\n');
	await connection.expectClose(PATIENCE);
});

// --- bad web servers -----------------------------------------------------------------------------

for (const [name, bytes] of Object.entries({
	'an HTTP request': 'GET /echo HTTP/1.1\r\nHost: x\r\n\r\n',
	'random bytes': Buffer.from([7, ...crypto.randomBytes(4000)]),
	'zeros': Buffer.alloc(4000),
	'a record of version 2': Buffer.from([2, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
	'bad parameters': Buffer.concat([encodeRecord(TYPE.begin, 1, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])),
		encodeRecord(TYPE.params, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1])), encodeRecord(TYPE.params, 1), encodeRecord(TYPE.stdin, 1)]),
	'parameters that are not there': Buffer.concat([encodeRecord(TYPE.begin, 1, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])),
		encodeRecord(TYPE.params, 1), encodeRecord(TYPE.stdin, 1)]),
	'a short BEGIN_REQUEST': Buffer.concat([encodeRecord(TYPE.begin, 1, Buffer.from([0, 1])), encodeRecord(TYPE.params, 1), encodeRecord(TYPE.stdin, 1)]),
	'a request that it gives up': Buffer.concat([encodeRequest('POST', '/echo/0/a/xhr_send', { body: '["a"]' }).subarray(0, -8), encodeRecord(TYPE.abort, 1)]),
	'a head without end': Buffer.concat([encodeRecord(TYPE.begin, 1, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])),
		...Array(300).fill(encodeRecord(TYPE.params, 1, Buffer.alloc(65535, 1)))]),
}))
	check(`${name} closes the connection at once`, async () => {
		const connection = await open();
		connection.expect();
		connection.write(Buffer.from(bytes));
		await connection.expectClose(PATIENCE);
		await othersAreServed();
	});

// A name and a value of 2 GB are what a flipped bit can make of any other.
unsanitized(test)('responder: parameters that promise more than is there cost no memory', async (t) => {
	const small = new Pair({ services });
	t.after(() => small.stop());
	await small.startSessiond();
	await small.startResponder({ wrapper: ['prlimit', `--as=${1 << 30}`] });
	for (const lengths of [[0xff, 0xff, 0xff, 0xf0, 1], [0x7f, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]) {
		const connection = await FastCgi.open(small.address);
		connection.write(Buffer.concat([encodeRecord(TYPE.begin, 1, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])),
			encodeRecord(TYPE.params, 1, Buffer.from([...lengths, 1])), encodeRecord(TYPE.params, 1), encodeRecord(TYPE.stdin, 1)]));
		await connection.expectClose(PATIENCE);
		assert.strictEqual((await request(small.address, 'GET', '/echo')).text, 'Welcome to SockJS!\n');
	}
});

check('random garbage after a good beginning, many times', async () => {
	const good = encodeRequest('POST', `${newSession()}/xhr_send`, { body: '["abcdefgh"]', size: 3 });
	await Promise.all(Array.from({ length: 200 }, async () => {
		const bytes = Buffer.from(good);
		for (let i = 0; i < 3; i++)
			bytes[crypto.randomInt(bytes.length)] = crypto.randomInt(256);
		const connection = await open();
		connection.expect();
		connection.socket.removeAllListeners('data');
		connection.socket.on('data', () => {});
		connection.socket.end(bytes);
		await connection.expectClose(PATIENCE);
	}));
});

check('half a request and silence: closed after request_timeout, not before', async () => {
	const whole = encodeRequest('POST', '/echo/0/a/xhr_send', { body: '["a"]' });
	const cuts = [0, 4, 100, whole.length - 1];
	// From before the first of them on: connections that come in one turn of the responder's loop
	// have one time.
	const start = Date.now();
	await Promise.all(cuts.map(async (cut) => {
		const connection = await open(hasty);
		if (cut > 0)
			connection.write(whole.subarray(0, cut));
		await connection.expectClose(PATIENCE);
		const ms = Date.now() - start;
		assert.ok(ms >= REQUEST_TIMEOUT - 100, `${cut} bytes: closed after ${ms} ms`);
	}));
});

check('dribbling on does not prolong request_timeout', async () => {
	const connection = await open(hasty);
	const bytes = encodeRequest('POST', '/echo/0/a/xhr_send', { body: JSON.stringify(['x'.repeat(3000)]) });
	let at = 0;
	const timer = setInterval(() => connection.closed || connection.write(bytes.subarray(at, ++at)), 20);
	await connection.expectClose(PATIENCE);
	clearInterval(timer);
	assert.ok(at < bytes.length, 'before all of it was there');
});

check('connections that come and go at once', async () => {
	const whole = encodeRequest('POST', `${newSession()}/xhr`);
	for (let i = 0; i < 300; i++) {
		const connection = await open();
		connection.write(whole.subarray(0, i % 2 ? whole.length : i));
		connection.close();
	}
	await othersAreServed();
});

// A session that has 2 MB waiting, and a poll for it whose answer is not read.
async function neverRead() {
	const session = await openSession();
	for (let i = 0; i < 2; i++)
		assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: JSON.stringify(['n'.repeat(1000000)]), timeout: PATIENCE })).status, 204);
	const connection = await open();
	connection.socket.pause();
	const answer = connection.begin('POST', `${session}/xhr`);
	return { connection, answer, session };
}

check('a large answer arrives whole, byte for byte', async () => {
	for (let i = 0; i < 10; i++) {
		const session = await openSession();
		const texts = Array.from({ length: 3 }, () => crypto.randomBytes(600000).toString('hex'));
		for (const text of texts)
			assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: JSON.stringify([text]), timeout: PATIENCE })).status, 204);
		const answer = await ask('POST', `${session}/xhr`, { timeout: PATIENCE });
		assert.ok(answer.text === `a${JSON.stringify(texts)}\n`, `${answer.body.length} bytes`);
	}
});

check('a web server that never reads its answer does not delay others', async () => {
	const { connection } = await neverRead();
	for (let i = 0; i < 10; i++)
		await othersAreServed();
	connection.close();
});

check('a web server that reads its answer late gets all of it', async () => {
	const { connection, answer } = await neverRead();
	await othersAreServed();
	connection.socket.resume();
	await connection.finish(answer, PATIENCE);
	assert.strictEqual(answer.body.length, 2000000 + 'a["",""]\n'.length);
});

check('many web servers that never read do not delay another large answer', async () => {
	const silent = await Promise.all(Array.from({ length: 12 }, neverRead));
	try {
		const session = await openSession();
		const text = 'l'.repeat(1000000);
		assert.strictEqual((await ask('POST', `${session}/xhr_send`, { body: JSON.stringify([text]), timeout: PATIENCE })).status, 204);
		assert.strictEqual((await ask('POST', `${session}/xhr`, { timeout: PATIENCE })).body.length, text.length + 6);
	} finally {
		silent.forEach(({ connection }) => connection.close());
	}
});

// --- kept connections ----------------------------------------------------------------------------

check('FCGI_KEEP_CONN keeps the connection; without it, it is closed', async () => {
	const kept = await open();
	for (let i = 0; i < 3; i++)
		assert.strictEqual((await kept.request('GET', '/echo', { keep: true, id: i + 1 })).status, 200);
	await kept.request('GET', '/echo', { keep: false });
	await kept.expectClose();
});

check('200 idle kept connections: others are served, and each takes request after request', async () => {
	const connections = await Promise.all(Array.from({ length: 200 }, () => open(hasty)));
	const sessions = connections.map(() => newSession());
	const all = (fn) => Promise.all(connections.map((connection, i) => fn(connection, sessions[i])));
	await all(async (connection, session) => assert.strictEqual((await connection.request('POST', `${session}/xhr`, { keep: true })).text, 'o\n'));
	await sleep(REQUEST_TIMEOUT + 300); // idle is no half request
	await othersAreServed();
	for (let round = 0; round < 3; round++) {
		await all(async (connection, session) => {
			assert.strictEqual((await connection.request('POST', `${session}/xhr_send`, { keep: true, body: `["${round}"]` })).status, 204);
			assert.strictEqual((await connection.request('POST', `${session}/xhr`, { keep: true, id: 77 })).text, `a["${round}"]\n`);
		});
		await othersAreServed();
	}
	connections.forEach((connection) => connection.close());
});

check('a 413 and a large answer leave a kept connection in order', async () => {
	const connection = await open();
	const session = await openSession();
	for (let i = 0; i < 3; i++) {
		assert.strictEqual((await connection.request('POST', `${session}/xhr_send`, { keep: true, body: Buffer.alloc(BODY_LIMIT + 1), timeout: PATIENCE })).status, 413);
		const text = String(i).repeat(1000000);
		assert.strictEqual((await connection.request('POST', `${session}/xhr_send`, { keep: true, body: JSON.stringify([text]), timeout: PATIENCE })).status, 204);
		assert.strictEqual((await connection.request('POST', `${session}/xhr`, { keep: true, timeout: PATIENCE })).text, `a["${text}"]\n`);
	}
	connection.close();
});

check('20,000 requests in one write on a kept connection are answered in order', async () => {
	const connection = await open();
	const one = encodeRequest('GET', '/echo', { keep: true });
	await connection.request('GET', '/echo', { keep: true });
	const each = connection.socket.bytesRead;
	const answered = () => connection.socket.bytesRead / each - 1;
	connection.socket.removeAllListeners('data');
	connection.socket.on('data', () => connection.wake());
	connection.write(Buffer.concat(Array(20000).fill(one)));
	// Not all at once: a busy machine may take long for them.
	for (let wanted = 1000; wanted <= 20000; wanted += 1000)
		await connection.until(() => answered() >= wanted, `${wanted} answers`, PATIENCE);
	assert.strictEqual(answered(), 20000);
	connection.close();
});

check('half a request behind another one is closed after request_timeout', async () => {
	const connection = await open(hasty);
	const answer = connection.expect();
	connection.write(Buffer.concat([encodeRequest('GET', '/echo', { keep: true }), encodeRequest('GET', '/echo', { keep: true }).subarray(0, 50)]));
	await connection.finish(answer);
	await connection.expectClose(PATIENCE);
});

// --- clients that are gone -----------------------------------------------------------------------

for (const keep of [false, true])
	check(`the web server closes the connection of a held poll: its session ends at once${keep ? ' (kept connection)' : ''}`, async () => {
		const { session, connection } = await holdPoll({ keep });
		connection.close();
		await isGone(session);
	});

check('a poll whose connection is closed in the moment it comes ends at once too', async () => {
	const session = await openSession();
	const connection = await open();
	await connection.request('GET', '/echo', { keep: true });
	pair.responder.child.kill('SIGSTOP');
	await new Promise((resolve) => connection.socket.end(encodeRequest('POST', `${session}/xhr`), resolve));
	connection.close();
	pair.responder.child.kill('SIGCONT');
	await allAsleep(pair.responder, pair.sessiond); // the probe does not overtake the poll
	await isGone(session);
});

check('FCGI_ABORT_REQUEST ends a held poll and its session', async () => {
	const { session, connection } = await holdPoll({ keep: true });
	connection.abort();
	await isGone(session);
	connection.close();
});

check('bytes of a next request do not hide that the connection is closed', async () => {
	const { session, connection } = await holdPoll({ keep: true });
	connection.socket.end(encodeRequest('GET', '/echo', { keep: true }).subarray(0, 40));
	await isGone(session);
});

check('a client that leaves while its large answer is written', async () => {
	const sessions = await Promise.all(Array.from({ length: 8 }, neverRead));
	sessions.forEach(({ connection }) => connection.close());
	await othersAreServed();
});

check('nothing stays open', async () => {
	await eventually(() => pair.responder.openDescriptors() <= descriptors,
		() => `${pair.responder.openDescriptors()} descriptors, ${descriptors} at the beginning`, PATIENCE);
});

// --- streaming -----------------------------------------------------------------------------------

test('responder: with fcgi_streaming = on, streams go on', async (t) => {
	const streaming = await startPair({ fcgi: 'fcgi_streaming = on', services });
	t.after(() => streaming.stop());
	for (const [method, transport, opening, frame] of [['POST', 'xhr_streaming', `${'h'.repeat(2048)}\no\n`, 'a["x"]\n'], ['GET', 'eventsource', '\r\ndata: o\r\n\r\n', 'data: a["x"]\r\n\r\n']]) {
		const session = newSession();
		const connection = await FastCgi.open(streaming.address);
		const answer = connection.begin(method, `${session}/${transport}`);
		await connection.until(() => answer.text === opening, 'the opening');
		assert.strictEqual(answer.header('X-Accel-Buffering'), 'no');
		assert.strictEqual(answer.header('Content-Length'), undefined);
		for (let i = 1; i <= 3; i++) {
			assert.strictEqual((await request(streaming.address, 'POST', `${session}/xhr_send`, { body: '["x"]' })).status, 204);
			await connection.until(() => answer.text === opening + frame.repeat(i), `frame ${i}`);
		}
		assert.strictEqual(answer.ended, null);
		await request(streaming.address, 'POST', `${session}/xhr_send`, { body: JSON.stringify(['y'.repeat(4096)]) });
		await connection.finish(answer);
	}
});

test('responder: a stream of frames large and small arrives whole and in order, read late', async (t) => {
	const streaming = await startPair({ fcgi: 'fcgi_streaming = on', services: '[service /echo]\nmodule = echo\nresponse_limit = 1G\n' });
	t.after(() => streaming.stop());
	const session = newSession();
	const connection = await FastCgi.open(streaming.address);
	const answer = connection.begin('POST', `${session}/xhr_streaming`);
	await connection.until(() => answer.text.endsWith('o\n'), 'the opening');
	const texts = [];
	const sizeOf = () => texts.reduce((sum, text) => sum + text.length, 0);
	// It reads little and late, but it does: one that does not for ten seconds is given up.
	const readSome = async () => {
		const { size } = answer;
		connection.socket.resume();
		await connection.until(() => answer.size > size || size > sizeOf(), 'a part');
		connection.socket.pause();
	};
	for (let i = 0; i < 60; i++) {
		if (i % 3 === 2)
			await readSome();
		texts.push(String(i % 10).repeat(i % 3 ? 100 : 300000));
		assert.strictEqual((await request(streaming.address, 'POST', `${session}/xhr_send`, { body: JSON.stringify([texts.at(-1)]), timeout: PATIENCE })).status, 204);
	}
	connection.socket.resume();
	const got = () => (answer.text.match(/^a.*$/gm) || []).flatMap((line) => JSON.parse(line.slice(1)));
	await connection.until(() => answer.size > sizeOf(), 'all bytes', PATIENCE);
	await connection.until(() => answer.text.endsWith('"]\n'), 'the last frame', PATIENCE);
	assert.ok(got().join() === texts.join(), 'the frames are the messages');
	connection.close();
});
