'use strict';

// Section 4: what each transport sends before, around and after a frame, byte for byte, and the
// callback parameter.

const assert = require('node:assert/strict');
const { transports, streams, polls, wrap, htmlfilePage } = require('../lib/session');

const { xhr, jsonp, xhr_streaming: xhrStreaming, eventsource, htmlfile } = transports;

// Everything a stream of the session sends up to (and with) the frames.
async function bytesUntil(c, session, { method, path }, lastBytes) {
	const answer = await c.openStream(method, session.path + path);
	assert.equal(answer.status, 200, answer.head);
	await answer.readUntil(lastBytes);
	return answer.text;
}

async function wholeAnswer(c, session, { method, path }) {
	const answer = await c.request(method, session.path + path);
	assert.equal(answer.status, 200, answer.head);
	return answer.text;
}

function wrapping({ test }) {
	test('s4: xhr answers one frame and a newline', async (c) => {
		const s = c.session('/echo');
		assert.equal(await wholeAnswer(c, s, xhr), 'o\n');
		await s.send(['x', 'y']);
		assert.equal(await wholeAnswer(c, s, xhr), 'a["x","y"]\n');
	});

	test('s4: jsonp answers one frame as /**/CB("..."); and CRLF', async (c) => {
		const s = c.session('/echo');
		assert.equal(await wholeAnswer(c, s, jsonp), '/**/cb_1("o");\r\n');
		await s.send(['x"\\y', 'z']);
		assert.equal(
			await wholeAnswer(c, s, jsonp),
			'/**/cb_1("a[\\"x\\\\\\"\\\\\\\\y\\",\\"z\\"]");\r\n',
		);
	});

	test('s4: xhr_streaming begins with 2048 h and a newline, each frame ends with a newline', async (c) => {
		const s = c.session('/echo');
		assert.equal(await bytesUntil(c, s, xhrStreaming, 'o\n'), `${'h'.repeat(2048)}\no\n`);
	});

	test('s4: eventsource begins with CRLF, each frame is data: F and two CRLF', async (c) => {
		const s = c.session('/echo');
		assert.equal(await bytesUntil(c, s, eventsource, 'o\r\n\r\n'), '\r\ndata: o\r\n\r\n');
	});

	test('s4: eventsource percent-escapes %', async (c) => {
		const s = await c.session('/echo').open();
		await s.send(['50%', '\r\n\0']);
		const text = await bytesUntil(c, s, eventsource, ']\r\n\r\n');
		assert.match(text, /^\r\ndata: a\["50%25","(\\r|\\u000d)(\\n|\\u000a)\\u0000"\]\r\n\r\n$/);
	});

	test('s4: htmlfile begins with its page, padded with spaces to 1024 bytes or more, and two CRLF', async (c) => {
		const s = c.session('/echo');
		const text = await bytesUntil(c, s, htmlfile, '\r\n\r\n');
		const page = htmlfilePage('cb_1');
		assert.equal(text.slice(0, page.length), page);
		assert.match(text.slice(page.length), /^ *\r\n\r\n/);
		assert.ok(text.indexOf('\r\n\r\n') >= 1024, `${text.indexOf('\r\n\r\n')} bytes`);
	});

	test('s4: an htmlfile frame is a script that calls p', async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream('htmlfile');
		const answer = await receiver.answer;
		assert.ok(answer.text.endsWith('\r\n\r\n<script>\np("o");\n</script>\r\n'), answer.text);
		await s.send(['x"\\y']);
		assert.equal(
			String(await answer.readUntil('</script>\r\n')),
			'<script>\np("a[\\"x\\\\\\"\\\\\\\\y\\"]");\n</script>\r\n',
		);
	});

	test('s4: htmlfile escapes < as \\u003c', async (c) => {
		const s = await c.session('/echo').open();
		await s.send(['</script></SCRIPT><//a<!--<script']);
		const text = await bytesUntil(c, s, htmlfile, ']");\n</script>\r\n');
		assert.ok(
			text.endsWith('p("a[\\"\\u003c/script>\\u003c/SCRIPT>\\u003c//a\\u003c!--\\u003cscript\\"]");\n</script>\r\n'),
			text,
		);
	});

	test('s4: a websocket message is one frame, unwrapped', async (c) => {
		const socket = await c.websocket('/echo/000/abc/websocket');
		assert.equal(await socket.readText(), 'o');
		socket.send('["x","y"]');
		let text = await socket.readText();
		if (text === 'a["x"]') text += await socket.readText();
		assert.match(text, /^a\["x"(,|\]a\[)"y"\]$/);
	});
}

function everyTransport({ test }) {
	for (const transport of Object.values(transports)) {
		const { name, streaming } = transport;

		test(`s4: ${name} carries messages with quotes, backslashes, markup and every escape`, async (c) => {
			const messages = [
				'"',
				'\\',
				'\\u0041',
				'%41%',
				'</script>',
				'<!--',
				']]>',
				'\0\n\r\t\b\f\x1f',
				'\u2028\u2029',
				'\ud83d\ude00',
				'é€',
				"');",
				'*/',
				'',
			];
			const s = await c.session('/defaults').open(name === 'jsonp' ? 'jsonp' : 'xhr');
			await s.send(messages);
			const receiver = await s.receive(name);
			assert.deepEqual(await receiver.readMessages(messages.length), messages);
		});

		test(`s4: messages queued for one frame of ${name} go in one frame, in order`, async (c) => {
			const s = await c.session('/echo').open();
			await s.send(['a', 'b']);
			await s.send(['c']);
			await s.send(['d']);
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), 'a["a","b","c","d"]');
		});

		test(`s4: ${name} delivers a close frame and ends`, async (c) => {
			const s = c.session('/close');
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), 'o');
			if (streaming) assert.equal(await receiver.readFrame(), 'c[3000,"Go away!"]');
			await receiver.expectEnd();
			assert.equal(await s.poll(name), 'c[3000,"Go away!"]');
		});
	}

	for (const { name } of polls) {
		test(`s4: a request of ${name} ends after one frame`, async (c) => {
			const s = await c.session('/echo').open(name);
			for (const message of ['x', 'y']) {
				const receiver = await s.receive(name);
				await s.send([message]);
				assert.equal(await receiver.readFrame(), `a["${message}"]`);
				await receiver.expectEnd();
			}
		});
	}

	for (const { name } of streams) {
		test(`s4: a stream of ${name} carries frame after frame, each at once`, async (c) => {
			const s = c.session('/echo');
			const receiver = await s.stream(name);
			for (let i = 0; i < 10; i++) {
				// One that is held back for company waits in vain, until a heartbeat after 25 s.
				await s.send([`m${i}`]);
				assert.equal(await receiver.readFrame(), `a["m${i}"]`);
			}
			await (await receiver.answer).expectSilence(100);
		});
	}
}

function callbackOf({ test }, { name }) {
	const get = (c, query) => c.openStream('GET', `${c.session('/echo').path}/${name}${query}`);
	const refused = async (c, query, text) => {
		const answer = await get(c, query);
		assert.equal(answer.status, 500, query);
		await answer.readToEnd();
		assert.equal(answer.text, text, query);
	};
	const accepted = async (c, query, callback) => {
		const answer = await get(c, query);
		assert.equal(answer.status, 200, query);
		const begin = name === 'jsonp' ? `/**/${callback}(` : htmlfilePage(callback);
		assert.equal(String(await answer.readBytes(begin.length)), begin);
	};

	test(`s4: ${name} without a callback is 500 "callback" parameter required`, async (c) => {
		for (const query of ['', '?', '?x=y', '?cc=a', '?C=a', '?Callback=a'])
			await refused(c, query, '"callback" parameter required');
	});

	test(`s4: a callback of ${name} may hold a-z A-Z 0-9 - _ .`, async (c) => {
		for (const callback of ['a', 'callback', 'A.b_c-9', '_jp.aab12cd', '0', '.', '-'])
			await accepted(c, `?c=${callback}`, callback);
	});

	test(`s4: any other character in the callback of ${name} is 500`, async (c) => {
		for (const callback of [
			'%20',
			'*',
			'abc(',
			'abc%28',
			'a%2Fb',
			'a%00',
			'%25',
			'a%0d%0a',
			'a+b',
			'%C3%A9',
			'a%',
			'%zz',
			'a/b',
			'%3Cscript%3E',
			'a%2',
			'%u0041',
			'a;b',
			'a:b',
			"a'b",
			'a[b',
		])
			await refused(c, `?c=${callback}`, 'invalid "callback" parameter');
	});

	test(`s4: a callback of ${name} has 32 characters at most`, async (c) => {
		await accepted(c, `?c=${'x'.repeat(32)}`, 'x'.repeat(32));
		await accepted(c, `?c=${'%78'.repeat(32)}`, 'x'.repeat(32));
		await refused(c, `?c=${'x'.repeat(33)}`, 'invalid "callback" parameter');
		await refused(c, `?c=${'x'.repeat(2000)}`, 'invalid "callback" parameter');
	});

	test(`s4: an empty callback of ${name} is 500`, async (c) => {
		await refused(c, '?c=', 'invalid "callback" parameter');
		await refused(c, '?callback=', 'invalid "callback" parameter');
	});

	test(`s4: the callback of ${name} is percent-decoded, and may be named callback`, async (c) => {
		await accepted(c, '?c=%63%61llback', 'callback');
		await accepted(c, '?%63=x', 'x');
		await accepted(c, '?callback=abc', 'abc');
		await accepted(c, '?t=1&c=abc&z', 'abc');
	});

	test(`s4: a refused callback of ${name} opens no session`, async (c) => {
		const s = c.session('/echo');
		assert.equal((await c.request('GET', `${s.path}/${name}`)).status, 500);
		assert.equal((await c.request('GET', `${s.path}/${name}?c=%20`)).status, 500);
		assert.equal(await s.exists(), false);
	});
}

function callbacks(target) {
	callbackOf(target, jsonp);
	callbackOf(target, htmlfile);
}

// A stream of the session whose frames, up to the last, must add up to exactly the limit, or to one
// byte less.
async function fill(receiver, session, transport, bytes) {
	const overhead = wrap(transport, 'a[""]').length;
	const message = 'x'.repeat(bytes - overhead);
	await session.send([message]);
	assert.equal(await receiver.readFrame(), `a["${message}"]`);
}

function limitOf({ test }, transport) {
	const { name } = transport;
	const opened = wrap(transport, 'o').length;

	test(`s4: a stream of ${name} ends when response_limit bytes are reached exactly`, async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream(name);
		await fill(receiver, s, transport, 4096 - opened);
		await receiver.expectEnd();
	});

	test(`s4: a stream of ${name} stays open one byte below response_limit`, async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream(name);
		await fill(receiver, s, transport, 4095 - opened);
		await (await receiver.answer).expectSilence(150);
		await s.send(['x']);
		assert.equal(await receiver.readFrame(), 'a["x"]');
		await receiver.expectEnd();
	});

	test(`s4: response_limit of ${name} adds up over many frames`, async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream(name);
		for (let left = 4096 - opened; left > 0; left -= 512)
			await fill(receiver, s, transport, Math.min(left, 512));
		await receiver.expectEnd();
	});

	test(`s4: the frame that passes response_limit of ${name} is sent whole`, async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream(name);
		await s.send(['y'.repeat(10000)]);
		assert.equal(await receiver.readFrame(), `a["${'y'.repeat(10000)}"]`);
		await receiver.expectEnd();
	});

	test(`s4: the next stream of ${name} has its prelude, no open frame, and counts anew`, async (c) => {
		const s = c.session('/echo');
		await fill(await s.stream(name), s, transport, 4096 - opened);
		const next = await s.receive(name);
		await fill(next, s, transport, 4095);
		await (await next.answer).expectSilence(100);
		await s.send(['z']);
		assert.equal(await next.readFrame(), 'a["z"]');
		await next.expectEnd();
	});

	test(`s4: response_limit = 1 makes a stream of ${name} end after each frame`, async (c) => {
		const s = c.session('/limit_1');
		assert.equal(await s.poll(name), 'o');
		for (const message of ['a', 'b']) {
			await s.send([message]);
			assert.equal(await s.poll(name), `a["${message}"]`);
		}
	});

	test(`s4: response_limit of ${name} counts bytes, not characters`, async (c) => {
		const s = c.session('/echo');
		const receiver = await s.stream(name);
		const room = 4096 - opened - wrap(transport, 'a[""]').length;
		await s.send(['é'.repeat(Math.ceil(room / 2))]);
		await receiver.readFrame();
		await receiver.expectEnd(1000);
	});
}

function limits(target) {
	streams.forEach((transport) => limitOf(target, transport));

	target.test('s4: response_limit is 131072 by default', async (c) => {
		const s = c.session('/defaults');
		const receiver = await s.stream();
		await fill(receiver, s, xhrStreaming, 65536);
		await fill(receiver, s, xhrStreaming, 65536 - 3);
		await (await receiver.answer).expectSilence(150);
		await s.send(['x']);
		assert.equal(await receiver.readFrame(), 'a["x"]');
		await receiver.expectEnd();
	});
}

exports.register = (target) => {
	for (const group of [wrapping, everyTransport, callbacks, limits]) group(target);
};
