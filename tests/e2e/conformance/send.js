'use strict';

// Section 5: xhr_send and jsonp_send, good and bad.

const assert = require('node:assert/strict');

const BROKEN = [
	'[',
	'["a"',
	'["a",',
	"['a']",
	'["a"]x',
	'["a"] ["b"]',
	'["a",]',
	'[,]',
	'x',
	'{',
	'"',
	'"a',
	'nul',
	'[a]',
	'["\\x"]',
	'["\\u12"]',
	'["a\nb"]',
	']',
	'["a""b"]',
	'[01]',
	' ',
	'["a"\0]',
	'[["a"]',
];
const NO_ARRAY = ['{}', '{"a":["b"]}', '"a"', '1', '-1.5e3', 'true', 'false', 'null', ' {} '];
const form = (array) => `d=${encodeURIComponent(array)}`;

function assertRefused(answer, text, what) {
	assert.equal(answer.status, 500, `${what}: ${answer.head}`);
	assert.equal(answer.text, text, what);
}

// send(session, body) posts; empty is an empty body; wrap puts an array into a body.
function badBodies({ test }, name, send, wrap) {
	test(`s5: ${name} with an empty body is 500 Payload expected.`, async (c) => {
		const s = await c.session('/echo').open();
		assertRefused(await send(s, ''), 'Payload expected.');
	});

	test(`s5: ${name} of JSON that is no array is 500 Payload expected.`, async (c) => {
		const s = await c.session('/echo').open();
		for (const body of NO_ARRAY)
			assertRefused(await send(s, wrap(body)), 'Payload expected.', body);
	});

	test(`s5: ${name} of what is not JSON is 500 Broken JSON encoding.`, async (c) => {
		const s = await c.session('/echo').open();
		for (const body of BROKEN)
			assertRefused(await send(s, wrap(body)), 'Broken JSON encoding.', body);
	});

	test(`s5: a bad body of ${name} harms nothing`, async (c) => {
		const s = await c.session('/echo').open();
		await s.send(['before']);
		for (const body of ['["a"', '', '{}'])
			assert.equal((await send(s, wrap(body))).status, 500);
		await s.send(['after']);
		assert.equal(await s.poll(), 'a["before","after"]');
	});

	test(`s5: ${name} of [] is fine and delivers nothing`, async (c) => {
		const s = await c.session('/echo').open();
		assert.ok([200, 204].includes((await send(s, wrap('[]'))).status));
		assert.ok([200, 204].includes((await send(s, wrap(' [ ] '))).status));
		await s.send(['x']);
		assert.equal(await s.poll(), 'a["x"]');
	});

	test(`s5: ${name} to an unknown session is 404`, async (c) => {
		const s = c.session('/echo');
		assert.equal((await send(s, wrap('["x"]'))).status, 404);
		assert.equal((await send(s, wrap('[]'))).status, 404);
		assert.equal(await s.poll(), 'o', 'it must not have been opened');
	});
}

function xhrSend({ test }) {
	test('s5: xhr_send answers 204, empty', async (c) => {
		const s = await c.session('/echo').open();
		const answer = await s.sendRaw('["x"]');
		assert.equal(answer.status, 204);
		assert.equal(answer.text, '');
		assert.equal(await s.poll(), 'a["x"]');
	});

	test('s5: xhr_send takes the content types of old and new browsers', async (c) => {
		const types = [
			'text/plain',
			'T',
			'application/json',
			'application/xml',
			'',
			'text/xml',
			'application/json; charset=utf-8',
			'text/plain;charset=UTF-8',
			'text/xml; charset=utf-8',
		];
		const s = await c.session('/echo').open();
		for (const [index, type] of types.entries()) {
			const answer = await s.sendRaw(`["%61${index}"]`, {
				headers: { 'Content-Type': type },
			});
			assert.equal(answer.status, 204, `${type}: ${answer.text}`);
			assert.equal(await s.poll(), `a["%61${index}"]`);
		}
	});

	test('s5: xhr_send takes any Content-Type', async (c) => {
		const types = [
			'application/x-www-form-urlencoded',
			'multipart/form-data; boundary=x',
			'image/png',
			'text/html',
			'???',
			'a/b/c;;',
		];
		const s = await c.session('/echo').open();
		for (const [index, type] of types.entries()) {
			const answer = await s.sendRaw(`["%61${index}"]`, {
				headers: { 'Content-Type': type },
			});
			assert.equal(answer.status, 204, `${type}: ${answer.text}`);
			assert.equal(await s.poll(), `a["%61${index}"]`);
		}
	});
}

function jsonpSend({ test }) {
	test('s5: jsonp_send answers 200 ok', async (c) => {
		const s = await c.session('/echo').open('jsonp');
		const answer = await s.sendJsonp(form('["x"]'));
		assert.equal(answer.status, 200);
		assert.equal(answer.text, 'ok');
		assert.equal(await s.poll('jsonp'), 'a["x"]');
	});

	test('s5: the form field d of jsonp_send is decoded: %XX and +', async (c) => {
		const s = await c.session('/echo').open('jsonp');
		for (const body of [
			'd=%5B%22a+b%2B%25%22%5D',
			'x=1&d=["a+b%2B%25"]&y=2',
			'd=[%22a%20b%2b%25%22]',
		]) {
			assert.equal((await s.sendJsonp(body)).status, 200, body);
			assert.equal(await s.poll('jsonp'), 'a["a b+%"]');
		}
	});

	test('s5: the form field d of jsonp_send holds UTF-8', async (c) => {
		const s = await c.session('/echo').open('jsonp');
		const messages = ['é€', '\ud83d\ude00', '&=d;', '"\\'];
		assert.equal((await s.sendJsonp(form(JSON.stringify(messages)))).status, 200);
		const receiver = await s.receive('xhr_streaming');
		assert.deepEqual(await receiver.readMessages(4), messages);
	});

	test('s5: a form type with parameters is a form', async (c) => {
		const s = await c.session('/echo').open('jsonp');
		for (const type of [
			'application/x-www-form-urlencoded; charset=UTF-8',
			'application/x-www-form-urlencoded;charset=utf-8',
		]) {
			assert.equal((await s.sendJsonp('d=%5B%22x%22%5D', type)).status, 200, type);
			assert.equal(await s.poll('jsonp'), 'a["x"]');
		}
	});

	test('s5: jsonp_send without field d, or with an empty one, is 500 Payload expected.', async (c) => {
		const s = await c.session('/echo').open('jsonp');
		for (const body of [
			'd=',
			'd',
			'x=["a"]',
			'',
			'["a"]',
			'&',
			'=',
			'dd=["x"]',
			'D=["x"]',
			'd=&x=1',
		])
			assertRefused(await s.sendJsonp(body), 'Payload expected.', body);
		assert.equal((await s.sendJsonp('d=["x"]')).status, 200);
		assert.equal(await s.poll('jsonp'), 'a["x"]');
	});

	test('s5: jsonp_send of text/plain, or no type, is the array itself', async (c) => {
		for (const type of ['text/plain', 'text/plain; charset=UTF-8', null]) {
			const s = await c.session('/echo').open('jsonp');
			assert.equal((await s.sendJsonp('["%61bc","a+b"]', type)).status, 200, type);
			const receiver = await s.receive('xhr_streaming');
			assert.deepEqual(await receiver.readMessages(2), ['%61bc', 'a+b']);
		}
	});

	test('s5: jsonp_send of any other type is the array itself', async (c) => {
		const s = await c.session('/echo').open('jsonp');
		for (const type of [
			'application/json',
			'text/html',
			'multipart/form-data',
			'application/x-www-form-urlencoded2',
			'x',
		]) {
			assert.equal((await s.sendJsonp('["%61bc"]', type)).status, 200, type);
			assert.equal(await s.poll('jsonp'), 'a["%61bc"]');
		}
	});
}

function order({ test }) {
	test('s5: messages of one request arrive in order', async (c) => {
		const s = await c.session('/defaults').open();
		const messages = Array.from({ length: 1000 }, (_, i) => `m${i}`);
		await s.send(messages);
		const receiver = await s.receive('xhr_streaming');
		assert.deepEqual(await receiver.readMessages(1000), messages);
	});

	test('s5: messages of many requests arrive in order, while they are received', async (c) => {
		const s = c.session('/defaults');
		const receiver = await s.stream('eventsource');
		const connection = await c.connect();
		const wanted = [];
		for (let i = 0; i < 100; i++) {
			const messages = [`${i}a`, `${i}b`];
			const answer = await connection.request('POST', `${s.path}/xhr_send`, {
				body: JSON.stringify(messages),
			});
			assert.equal(answer.status, 204);
			wanted.push(...messages);
		}
		assert.deepEqual(await receiver.readMessages(wanted.length), wanted);
	});

	test('s5: messages of pipelined requests arrive in order', async (c) => {
		const s = await c.session('/defaults').open();
		const connection = await c.connect();
		const wanted = [];
		for (let i = 0; i < 50; i++) {
			connection.write(
				`POST ${s.path}/xhr_send HTTP/1.1\r\nHost: x\r\nContent-Length: ${`["${i}"]`.length}\r\n\r\n["${i}"]`,
			);
			wanted.push(String(i));
		}
		for (let i = 0; i < 50; i++)
			assert.equal((await connection.readAnswer('POST')).status, 204);
		const receiver = await s.receive('xhr_streaming');
		assert.deepEqual(await receiver.readMessages(50), wanted);
	});
}

exports.register = (target) => {
	badBodies(
		target,
		'xhr_send',
		(s, body) => s.sendRaw(body),
		(array) => array,
	);
	badBodies(
		target,
		'jsonp_send as a form',
		(s, body) => s.sendJsonp(body),
		(array) => array && form(array),
	);
	badBodies(
		target,
		'jsonp_send as plain text',
		(s, body) => s.sendJsonp(body, 'text/plain'),
		(array) => array,
	);
	for (const group of [xhrSend, jsonpSend, order]) group(target);
};
