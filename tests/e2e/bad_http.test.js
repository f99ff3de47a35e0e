'use strict';

// What a broken or hostile HTTP peer may send: it gets an error or the end of the connection, and
// nobody else notices.

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { temporaryDirectory } = require('./lib/daemon');
const { guard, sleep } = require('./lib/guard');
const { Connection, TimeoutError, formatRequest, now, request } = require('./lib/http');

const REQUEST_TIMEOUT = 5000; // ms
const PATIENCE = 20000; // ms
const BODY_LIMIT = 65536;
const directory = temporaryDirectory();
const www = path.join(directory, 'www');
fs.mkdirSync(www);
fs.writeFileSync(path.join(www, 'index.html'), 'the index\n');
fs.writeFileSync(path.join(directory, 'secret'), 'the secret\n');
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));

const { check, checkTogether, checkUnharmed } = guard('bad http', `
[server]
static = ${www}
request_timeout = ${REQUEST_TIMEOUT}
keepalive_timeout = 8s
disconnect_delay = 60s
body_limit = ${BODY_LIMIT}

[service /echo]
module = echo
`);

const newSession = () => `/echo/000/${crypto.randomBytes(6).toString('hex')}`;

async function openSession(url, session) {
	assert.strictEqual((await request(url, 'POST', `${session}/xhr`)).text, 'o\n');
}

// The session still works, and has received nothing but what is sent now.
async function expectUntouched(url, session) {
	assert.strictEqual((await request(url, 'POST', `${session}/xhr_send`, { body: '["good"]' })).status, 204);
	assert.strictEqual((await request(url, 'POST', `${session}/xhr`)).text, 'a["good"]\n');
}

// Sends bytes and resolves with the answers' statuses, up to the end of the connection or its
// silence.
async function outcome(url, bytes, { end = false, wait = PATIENCE } = {}) {
	const connection = await Connection.open(url);
	const statuses = [];
	const texts = [];
	connection.write(bytes);
	if (end)
		connection.end();
	try {
		for (;;) {
			const answer = await connection.readAnswer('GET', wait);
			await answer.readToEnd(wait);
			statuses.push(answer.status);
			texts.push(answer.text);
		}
	} catch (error) {
		return { statuses, text: texts.join(''), open: error instanceof TimeoutError };
	} finally {
		connection.close();
	}
}

const HEAD = 'Host: x\r\n';
const get = (target, fields = '') => `GET ${target} HTTP/1.1\r\n${HEAD}${fields}\r\n`;

// --- heads ---------------------------------------------------------------------------------------

// What RFC 9112 has refused: one 400, and the end of the connection.
const brokenHeads = {
	'random bytes': crypto.createHash('shake256', { outputLength: 2000 }).update('seed').digest(),
	'zeros': Buffer.alloc(1000),
	'a TLS client hello': Buffer.from('16030100a5010000a10303' + 'ab'.repeat(150), 'hex'),
	'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
	'no target': 'GET\r\n\r\n',
	'no version': 'GET /echo\r\n\r\n',
	'a version in letters': `GET /echo HTTP/x.y\r\n${HEAD}\r\n`,
	'another protocol': `GET /echo FTP/1.1\r\n${HEAD}\r\n`,
	'no Host in HTTP/1.1': 'GET /echo HTTP/1.1\r\n\r\n',
	'two Hosts': get('/echo', HEAD),
	'two Hosts that differ': get('/echo', 'Host: y\r\n'),
	'a Host that is none': 'GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n',
	'a NUL in the method': `G\0T /echo HTTP/1.1\r\n${HEAD}\r\n`,
	'a NUL in the target': get('/ec\0ho'),
	'a NUL in a header name': get('/echo', 'X-\0a: b\r\n'),
	'a NUL in a header value': get('/echo', 'X-A: a\0b\r\n'),
	'a NUL at the end of the last value': get('/echo', 'X-A: a\0\r\n'),
	'a header without a colon': get('/echo', 'nonsense\r\n'),
	'a header without a name': get('/echo', ': value\r\n'),
	'a blank before the colon': get('/echo', 'X-A : b\r\n'),
	'a parenthesis in a header name': get('/echo', 'X(A): b\r\n'),
	'a first header that begins with a blank': `GET /echo HTTP/1.1\r\n X-A: b\r\n${HEAD}\r\n`,
	'a folded header': get('/echo', 'X-A: a\r\n b\r\n'),
	'bare line feeds': 'GET /echo HTTP/1.1\nHost: x\n\n',
	'a bare line feed behind a header': get('/echo', 'X-A: a\n'),
	'a bare carriage return in a header': get('/echo', 'X-A: a\rb\r\n'),
	'carriage returns instead of line ends': 'GET /echo HTTP/1.1\rHost: x\r\r',
	'blanks in the target': get('/echo /x y'),
	'two blanks before the target': `GET  /echo HTTP/1.1\r\n${HEAD}\r\n`,
	'a blank behind the version': `GET /echo HTTP/1.1 \r\n${HEAD}\r\n`,
	'a method that is no token': `G@T /echo HTTP/1.1\r\n${HEAD}\r\n`,
	'a target without a slash': get('echo'),
	'an asterisk': get('*'),
	'an absolute target with a user': get('http://user@x/echo'),
	'an absolute target of another scheme': get('ftp://x/echo'),
};
for (const [name, bytes] of Object.entries(brokenHeads))
	for (const end of [true, false])
		check(`${name} in the head, ${end ? 'then the end' : 'the connection kept open'}: 400`, async ({ url }) => {
			const { statuses, open } = await outcome(url, Buffer.from(bytes), { end });
			assert.ok(!open, 'the connection is over');
			assert.deepStrictEqual(statuses, [400]);
		});

check('what is refused on a kept connection ends it', async ({ url }) => {
	const { statuses, open } = await outcome(url, get('/echo') + get('/echo', 'X-A : b\r\n') + get('/echo'));
	assert.ok(!open, 'the connection is over');
	assert.deepStrictEqual(statuses, [200, 400]);
});

const impossibleHeads = {
	'HTTP/9.9': `GET /echo HTTP/9.9\r\n${HEAD}\r\n`,
	'an upper-case unknown method': `BREW /echo HTTP/1.1\r\n${HEAD}\r\n`,
	'a method of 8,000 letters': `${'G'.repeat(8000)} /echo HTTP/1.1\r\n${HEAD}\r\n`,
	'CONNECT': `CONNECT x:80 HTTP/1.1\r\n${HEAD}\r\n`,
};
for (const [name, bytes] of Object.entries(impossibleHeads))
	check(`${name} in the head is refused`, async ({ url }) => {
		const { statuses, open } = await outcome(url, Buffer.from(bytes), { end: true });
		assert.ok(!open, 'the connection is over');
		assert.ok(statuses.length <= 2 && statuses.every((status) => status >= 400), `statuses ${statuses}`);
	});

// These are no errors of framing.
const oddHeads = {
	'empty lines before the request': [`\r\n\r\n${get('/echo')}`, 200],
	'raw bytes above 127 in the target': [Buffer.from(get('/echo/\xff\xfe'), 'latin1'), 404],
	'an absolute target': [get('http://x/echo'), 200],
	'an absolute target, with another host and a query': [get('HTTP://y:8080/echo/info?a'), 200],
	'a percent sign alone': [get('/echo/%'), 404],
	'an escaped NUL': [get('/echo/%00/x/xhr'), 405],
	'a fragment': [get('/echo#x'), 200],
	'a query of percent signs': [get(`/echo/info?c=${'%'.repeat(100)}`), 200],
	'OPTIONS *': [`OPTIONS * HTTP/1.1\r\n${HEAD}\r\n`, 405],
};
for (const [name, [bytes, status]] of Object.entries(oddHeads))
	check(`${name} in the head is answered with ${status}`, async ({ url }) => {
		const { statuses, open } = await outcome(url, Buffer.from(bytes), { end: true });
		assert.ok(!open, 'the connection is over');
		assert.deepStrictEqual(statuses, [status]);
	});

for (const target of ['/../secret', '/../../../../../../etc/passwd', '/%2e%2e/secret', '/..%2fsecret', '/%2e%2e%2fsecret', '/./../secret',
	'/x/../../secret', '//../secret', '/..\\secret', '/..%5csecret', '/%c0%ae%c0%ae/secret', '/index.html%00/../../secret', '/echo/../../secret',
	'/../www/../secret', '/..', '/../', '//etc/passwd', '/..;/secret'])
	check(`${target} does not lead out of the static folder`, async ({ url }) => {
		const { status, text } = await request(url, 'GET', target);
		assert.ok(!/the secret|root:/.test(text), text);
		assert.ok(status >= 400, `status ${status}`);
	});

check('a target of 100,000 bytes gets 414', async ({ url }) => {
	const { statuses } = await outcome(url, get(`/echo/${'x'.repeat(100000)}`));
	assert.deepStrictEqual(statuses, [414]);
});

// 7,680 bytes: what connection_memory allows.
check('a head of the most bytes that may be is answered, one of more gets 431', async ({ url }) => {
	const head = (size) => {
		const [begin, end] = ['GET /echo HTTP/1.1\r\nHost: x\r\nCookie: ', '\r\n\r\n'];
		return begin + 'c'.repeat(size - begin.length - end.length) + end;
	};
	for (const [size, status] of [[7679, 200], [7680, 200], [7681, 431], [7800, 431], [8000, 431]]) {
		const connection = await Connection.open(url);
		connection.write(head(size));
		assert.strictEqual((await connection.readAnswer()).status, status, `${size} bytes`);
		connection.close();
	}
});

check('a header of 100,000 bytes gets 431', async ({ url }) => {
	const { statuses } = await outcome(url, get('/echo', `X-A: ${'x'.repeat(100000)}\r\n`));
	assert.deepStrictEqual(statuses, [431]);
});

check('10,000 headers get 431', async ({ url }) => {
	const { statuses } = await outcome(url, get('/echo', Array.from({ length: 10000 }, (_, i) => `X-${i}: y\r\n`).join('')));
	assert.deepStrictEqual(statuses, [431]);
});

check('a head of 6,000 bytes is fine', async ({ url }) => {
	const { status } = await request(url, 'GET', '/echo', { headers: { 'Cookie': 'x'.repeat(5000), 'User-Agent': 'y'.repeat(900) } });
	assert.strictEqual(status, 200);
});

// --- bodies --------------------------------------------------------------------------------------

check('a body of exactly body_limit is accepted', async ({ url }) => {
	const session = newSession();
	await openSession(url, session);
	const message = 'x'.repeat(BODY_LIMIT - 4);
	assert.strictEqual((await request(url, 'POST', `${session}/xhr_send`, { body: `["${message}"]` })).status, 204);
	assert.strictEqual((await request(url, 'POST', `${session}/xhr`)).text, `a["${message}"]\n`);
});

// RFC 9112 2.2.
check('empty lines behind a body are no part of it', async ({ url }) => {
	const session = newSession();
	await openSession(url, session);
	const connection = await Connection.open(url);
	for (const lines of ['\r\n', '\r\n\r\n', '']) {
		connection.write(formatRequest('POST', `${session}/xhr_send`, { host: 'x', body: '["good"]' }) + lines);
		assert.strictEqual((await connection.readAnswer('POST')).status, 204);
	}
	connection.close();
	assert.strictEqual((await request(url, 'POST', `${session}/xhr`)).text, 'a["good","good","good"]\n');
});

const tooBig = {
	'by one byte': { body: `["${'x'.repeat(BODY_LIMIT - 3)}"]` },
	'by far': { body: `["${'x'.repeat(20 * BODY_LIMIT)}"]` },
	'in chunks': { chunked: true, body: `["${'x'.repeat(2 * BODY_LIMIT)}"]` },
};
checkTogether(Object.entries(tooBig).map(([name, { body, chunked }]) => [
	`a body over body_limit ${name} gets 413, and the session goes on`,
	async ({ url }) => {
		const session = newSession();
		await openSession(url, session);
		const bytes = chunked ?
			`POST ${session}/xhr_send HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` :
			formatRequest('POST', `${session}/xhr_send`, { host: 'x', body });
		const { statuses } = await outcome(url, bytes);
		assert.strictEqual(statuses[0], 413);
		await expectUntouched(url, session);
	},
]));

check('a peer that asks before sending too much is told 413 without sending it', async ({ url }) => {
	const session = newSession();
	await openSession(url, session);
	const head = `POST ${session}/xhr_send HTTP/1.1\r\n${HEAD}Content-Length: ${BODY_LIMIT + 1}\r\nExpect: 100-continue\r\n\r\n`;
	const { statuses } = await outcome(url, head, { wait: PATIENCE });
	assert.deepStrictEqual(statuses, [413]);
	await expectUntouched(url, session);
});

check('a peer that asks before sending is told to continue', async ({ url }) => {
	const session = newSession();
	await openSession(url, session);
	const connection = await Connection.open(url);
	connection.write(`POST ${session}/xhr_send HTTP/1.1\r\n${HEAD}Content-Length: 8\r\nExpect: 100-continue\r\n\r\n`);
	assert.strictEqual((await connection.readAnswer('POST')).status, 100);
	connection.write('["good"]');
	assert.strictEqual((await connection.readAnswer()).status, 204);
	assert.strictEqual((await request(url, 'POST', `${session}/xhr`)).text, 'a["good"]\n');
	connection.close();
});

const brokenBodies = {
	'an array nested 60,000 deep': '['.repeat(60000),
	'an array nested 30,000 deep and closed': '['.repeat(30000) + ']'.repeat(30000),
	'objects nested 10,000 deep': '{"a":'.repeat(10000),
	'a NUL byte': '\0',
	'a NUL byte inside a string': '["a\0b"]',
	'a NUL byte behind the array': '["a"]\0',
	'something behind the array': '["a"]["b"]',
	'a string without end': '["a',
	'an array without end': '["a"',
	'a comma too many': '["a",]',
	'an escape without end': '["\\',
	'a bad escape': '["\\x41"]',
	'half a \\u': '["\\u12',
	'a \\u of no hex digits': '["\\uzzzz"]',
	'bytes that are not UTF-8': Buffer.from('["\xff\xfe"]', 'latin1'),
	'an overlong slash': Buffer.from('["\xc0\xaf"]', 'latin1'),
	'a byte order mark': Buffer.from('\xef\xbb\xbf["a"]', 'latin1'),
	'a raw line feed inside a string': '["a\nb"]',
	'numbers': '[1,2,3]',
	'an array of arrays': '[["a"]]',
	'a string and a number': '["a",1]',
	'an object': '{"a":"b"}',
	'null': 'null',
	'single quotes': "['a']",
	'infinity': '[1e999]',
	'a long number': `[${'9'.repeat(60000)}]`,
};
for (const [name, body] of Object.entries(brokenBodies))
	check(`${name} as the body gets 500, and the session goes on`, async ({ url }) => {
		const session = newSession();
		await openSession(url, session);
		const { status, text } = await request(url, 'POST', `${session}/xhr_send`, { body });
		assert.strictEqual(status, 500);
		assert.match(text, /^(Broken JSON encoding|Payload expected)\.\n?$/);
		await expectUntouched(url, session);
	});

check('an array of 20,000 messages does no harm', async ({ url }) => {
	const session = newSession();
	await openSession(url, session);
	const { status } = await request(url, 'POST', `${session}/xhr_send`, { body: JSON.stringify(Array(20000).fill('')) });
	assert.ok([204, 413, 500].includes(status), `status ${status}`);
});

// --- lengths -------------------------------------------------------------------------------------

const post = (session, fields, body) => `POST ${session}/xhr_send HTTP/1.1\r\n${HEAD}${fields}\r\n${body}`;
const lies = {
	'a negative length': ['Content-Length: -5\r\n', '["evil"]'],
	'a length in hexadecimal': ['Content-Length: 0x8\r\n', '["evil"]'],
	'a length with a sign': ['Content-Length: +8\r\n', '["evil"]'],
	'a length of nothing': ['Content-Length: \r\n', '["evil"]'],
	'a length in words': ['Content-Length: eight\r\n', '["evil"]'],
	'a length with a letter behind it': ['Content-Length: 8x\r\n', '["evil"]'],
	'a list of equal lengths': ['Content-Length: 8, 8\r\n', '["evil"]'],
	'a list of lengths': ['Content-Length: 8, 9\r\n', '["evil"]'],
	'a length over 64 bits': ['Content-Length: 99999999999999999999999\r\n', '["evil"]'],
	'two different lengths': ['Content-Length: 8\r\nContent-Length: 4\r\n', '["evil"]'],
	'a chunked body and a length': ['Content-Length: 8\r\nTransfer-Encoding: chunked\r\n', '8\r\n["evil"]\r\n0\r\n\r\n'],
	'a length and a chunked body': ['Transfer-Encoding: chunked\r\nContent-Length: 8\r\n', '8\r\n["evil"]\r\n0\r\n\r\n'],
	'an unknown transfer coding': ['Transfer-Encoding: xchunked\r\n', '8\r\n["evil"]\r\n0\r\n\r\n'],
	'chunked, and then another coding': ['Transfer-Encoding: chunked, identity\r\n', '8\r\n["evil"]\r\n0\r\n\r\n'],
	'a transfer coding and a blank before its colon': ['Transfer-Encoding : chunked\r\n', '8\r\n["evil"]\r\n0\r\n\r\n'],
	'two transfer codings': ['Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '8\r\n["evil"]\r\n0\r\n\r\n'],
	'a chunk size of letters': ['Transfer-Encoding: chunked\r\n', 'xyz\r\n["evil"]\r\n0\r\n\r\n'],
	'a negative chunk size': ['Transfer-Encoding: chunked\r\n', '-8\r\n["evil"]\r\n0\r\n\r\n'],
	'a chunk size with 0x': ['Transfer-Encoding: chunked\r\n', '0x8\r\n["evil"]\r\n0\r\n\r\n'],
	'a chunk size over 64 bits': ['Transfer-Encoding: chunked\r\n', 'fffffffffffffffffff\r\n["evil"]\r\n0\r\n\r\n'],
	'a bare line feed behind a chunk size': ['Transfer-Encoding: chunked\r\n', '8\n["evil"]\r\n0\r\n\r\n'],
	'a bare line feed in a chunk extension': ['Transfer-Encoding: chunked\r\n', '8;x\n["evil"]\r\n0\r\n\r\n'],
	'a bare line feed behind a chunk': ['Transfer-Encoding: chunked\r\n', '8\r\n["evil"]\n0\r\n\r\n'],
	'a blank before the colon of a trailer': ['Transfer-Encoding: chunked\r\n', '8\r\n["evil"]\r\n0\r\nX : y\r\n\r\n'],
	'an empty chunk size': ['Transfer-Encoding: chunked\r\n', '\r\n["evil"]\r\n0\r\n\r\n'],
	'a chunk longer than its size': ['Transfer-Encoding: chunked\r\n', '4\r\n["evil"]\r\n0\r\n\r\n'],
	'chunks without end': ['Transfer-Encoding: chunked\r\n', '8\r\n["evil"]\r\n'],
	'a chunk shorter than its size': ['Transfer-Encoding: chunked\r\n', 'ff\r\n["evil"]\r\n'],
	'a body shorter than its length': ['Content-Length: 100\r\n', '["evil"]'],
};
for (const end of [true, false])
	checkTogether(Object.entries(lies).map(([name, [fields, body]]) => [
		`${name}, ${end ? 'then the end' : 'the connection kept open'}: nothing is delivered`,
		async ({ url }) => {
			const session = newSession();
			await openSession(url, session);
			const { statuses, open } = await outcome(url, post(session, fields, body), { end });
			assert.ok(!open, 'the connection is over');
			assert.ok(statuses.every((status) => status >= 400), `statuses ${statuses}`);
			await expectUntouched(url, session);
		},
	]));

check('a body longer than its length is the beginning of a bad request', async ({ url }) => {
	const session = newSession();
	await openSession(url, session);
	const { statuses, open } = await outcome(url, post(session, 'Content-Length: 8\r\n', '["good"]["evil"]\r\n\r\n'));
	assert.ok(!open, 'the connection is over');
	assert.strictEqual(statuses[0], 204);
	assert.ok(statuses.slice(1).every((status) => status >= 400), `statuses ${statuses}`);
	assert.strictEqual((await request(url, 'POST', `${session}/xhr`)).text, 'a["good"]\n');
});

const smuggled = (session) => `POST ${session}/xhr_send HTTP/1.1\r\n${HEAD}Content-Length: 11\r\n\r\n["smuggled"`;
const smugglers = {
	'a length around a chunked body': (inner) => ['Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `0\r\n\r\n${inner}]`],
	'a chunked body around a length': (inner) => [`Content-Length: ${inner.length + 6}\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${inner}]`],
	'two lengths': (inner) => [`Content-Length: 0\r\nContent-Length: ${inner.length + 1}\r\n`, `${inner}]`],
	'a transfer coding with a vertical tab': (inner) => [`Content-Length: ${inner.length + 6}\r\nTransfer-Encoding: \x0bchunked\r\n`, `0\r\n\r\n${inner}]`],
	'a transfer coding on a folded line': (inner) => [`Content-Length: ${inner.length + 6}\r\nTransfer-Encoding:\r\n chunked\r\n`, `0\r\n\r\n${inner}]`],
};
for (const [name, form] of Object.entries(smugglers))
	check(`no request is smuggled in by ${name}`, async ({ url }) => {
		const session = newSession();
		await openSession(url, session);
		const [fields, body] = form(smuggled(session));
		await outcome(url, `POST ${newSession()}/xhr_send HTTP/1.1\r\n${HEAD}${fields}\r\n${body}`);
		await expectUntouched(url, session);
	});

// --- time ----------------------------------------------------------------------------------------

const halves = {
	'no byte': '',
	'half a request line': 'GET /ec',
	'a head without its end': `GET /echo HTTP/1.1\r\n${HEAD}`,
	'half a body': 'POST /echo/000/half/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n["ev',
	'half a chunked body': 'POST /echo/000/half/xhr_send HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n["ev',
};
async function isLetGo({ url }, bytes) {
	const start = now();
	const { statuses, open } = await outcome(url, bytes, { wait: PATIENCE });
	const ms = now() - start;
	assert.ok(!open, 'the connection is over');
	assert.deepStrictEqual(statuses, [408]);
	assert.ok(ms > 0.7 * REQUEST_TIMEOUT, `after ${ms} ms`);
}

async function sendsByteByByte({ url }) {
	const connection = await Connection.open(url);
	for (const byte of Buffer.from(get('/echo', 'X-Slow: yes\r\n'.repeat(10)))) {
		if (connection.closed)
			break;
		connection.write(Buffer.of(byte));
		await sleep(100);
	}
	assert.ok(connection.closed, 'it is still open');
	connection.close();
}

async function isHeld({ url }) {
	const session = newSession();
	await openSession(url, session);
	const poll = request(url, 'POST', `${session}/xhr`, { timeout: 3 * PATIENCE });
	const stream = await Connection.open(url);
	const answer = await stream.open('POST', `${newSession()}/xhr_streaming`);
	await answer.readUntil('o\n');
	await answer.expectSilence(1.5 * REQUEST_TIMEOUT);
	stream.close();
	assert.strictEqual((await request(url, 'POST', `${session}/xhr_send`, { body: '["late"]' })).status, 204);
	assert.strictEqual((await poll).text, 'a["late"]\n');
}

checkTogether([
	...Object.entries(halves).map(([name, bytes]) => [
		`a peer that sends ${name} and waits is let go after request_timeout`,
		(daemon) => isLetGo(daemon, bytes),
	]),
	['a peer that sends a head byte by byte is let go all the same', sendsByteByByte],
	['a held poll and an idle stream last longer than request_timeout', isHeld],
]);

check('500 connections of random bytes do no harm', async ({ url }) => {
	const connections = await Promise.all(Array.from({ length: 500 }, () => Connection.open(url)));
	for (const [i, connection] of connections.entries()) {
		const noise = crypto.createHash('shake256', { outputLength: 1 + (i * 37) % 3000 }).update(`noise ${i}`).digest();
		connection.write(i % 2 ? noise : Buffer.concat([Buffer.from(get('/echo').slice(0, i % 30)), noise]));
		connection.end();
	}
	for (const connection of connections) {
		while (await connection.more(now() + 10000));
		connection.close();
	}
});

checkUnharmed();
