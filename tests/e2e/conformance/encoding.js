'use strict';

// Section 4, messages: every UTF-16 unit in both directions, and exactly the escapes that are asked
// for.

const assert = require('node:assert/strict');

const BLOCK = 4096; // units of one message
const ESCAPED = /[\x00-\x1f\ud800-\udfff\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]/;
const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };

const longEscape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

// One unit as it must stand in a frame; `short` where the short form may be used.
function escapeUnit(unit, short) {
	if (unit === '"' || unit === '\\') return `\\${unit}`;
	if (short && SHORT[unit]) return SHORT[unit];
	return ESCAPED.test(unit) ? longEscape(unit) : unit;
}

const quote = (text, short) =>
	`"${text
		.split('')
		.map((unit) => escapeUnit(unit, short))
		.join('')}"`;

// The frame must be the messages in our escapes; \n, \r, \t, \b, \f may be long or short.
function assertFrame(frame, messages) {
	const long = frame.replace(/\\(?:u[0-9a-f]{4}|.)/g, (escape) => {
		const unit = Object.keys(SHORT).find((each) => SHORT[each] === escape);
		return unit ? longEscape(unit) : escape;
	});
	const wanted = `a[${messages.map((each) => quote(each, false)).join(',')}]`;
	if (long !== wanted) {
		let at = 0;
		while (long[at] === wanted[at]) at++;
		assert.equal(
			long.slice(Math.max(0, at - 20), at + 20),
			wanted.slice(Math.max(0, at - 20), at + 20),
			`at ${at}`,
		);
	}
}

const units = (from, count) =>
	String.fromCharCode(...Array.from({ length: count }, (_, i) => from + i));

// All units in blocks; `filter` leaves some out.
function blocks(filter = () => true) {
	const list = [];
	for (let from = 0; from < 0x10000; from += BLOCK)
		list.push(units(from, BLOCK).split('').filter(filter).join(''));
	return list.filter((each) => each.length);
}

const isSurrogate = (unit) => unit >= '\ud800' && unit <= '\udfff';
const allEscaped = (text) => `"${text.split('').map(longEscape).join('')}"`;
// As plain UTF-8: only what JSON demands is escaped.
const fewEscaped = (text) => `"${text.replace(/["\\\x00-\x1f]/g, longEscape)}"`;

// Each way to put a message in a JSON string, with the units it can carry.
const forms = [
	{ name: 'as \\uXXXX', encode: allEscaped, list: blocks() },
	{ name: 'as plain UTF-8', encode: fewEscaped, list: blocks((unit) => !isSurrogate(unit)) },
];

function everyUnit({ test }) {
	for (const { name, encode, list } of forms) {
		test(`s4: U+0000..U+FFFF ${name} comes back over xhr with exactly the escapes asked for`, async (c) => {
			const s = await c.session('/defaults').open();
			for (const message of list) {
				const answer = await s.sendRaw(`[${encode(message)}]`);
				assert.equal(answer.status, 204, answer.text);
				assertFrame(await s.poll(), [message]);
			}
		});

		test(`s4: U+0000..U+FFFF ${name} comes back over a websocket with exactly the escapes asked for`, async (c) => {
			const socket = await c.sockjs('/defaults');
			for (const message of list) {
				socket.send(`[${encode(message)}]`);
				assertFrame(await socket.readText(), [message]);
			}
		});
	}

	for (const transport of ['jsonp', 'xhr_streaming', 'eventsource', 'htmlfile']) {
		test(`s4: U+0000..U+FFFF comes back over ${transport}`, async (c) => {
			const s = await c.session('/limit_1').open();
			for (const message of blocks()) {
				await s.send([message]);
				assertFrame(await s.poll(transport), [message]);
			}
		});
	}
}

function particular({ test }) {
	const cases = [
		['control characters', '  \0\n\r ', /^a\["  \\u0000(\\n|\\u000a)(\\r|\\u000d) "\]$/],
		['quotes and backslashes', '"\\/', /^a\["\\"\\\\\/"\]$/],
		['DEL and the C1 controls stay as they are', '\x7f\x80\x9f', /^a\["\x7f\x80\x9f"\]$/],
		['a lone high surrogate', '\ud83d', /^a\["\\ud83d"\]$/],
		['a lone low surrogate', '\ude00', /^a\["\\ude00"\]$/],
		['surrogates in the wrong order', '\ude00\ud83d', /^a\["\\ude00\\ud83d"\]$/],
		['a high surrogate before another character', 'a\ud83db', /^a\["a\\ud83db"\]$/],
		['the last surrogate at the end of a message', 'x\udbff', /^a\["x\\udbff"\]$/],
		['a pair', '\ud83d\ude00', /^a\["\\ud83d\\ude00"\]$/],
		['U+10FFFF', '\udbff\udfff', /^a\["\\udbff\\udfff"\]$/],
		[
			'the zero width and bidi controls',
			'\u200b\u200c\u200d\u2010',
			/^a\["\u200b\\u200c\\u200d\u2010"\]$/,
		],
		['line separators', '\u2027\u2028\u2029\u2030', /^a\["\u2027\\u2028\\u2029\u2030"\]$/],
		[
			'the invisible operators',
			'\u205f\u2060\u206f\u2070',
			/^a\["\u205f\\u2060\\u206f\u2070"\]$/,
		],
		['the specials', '\uffef\ufff0\ufffe\uffff', /^a\["\uffef\\ufff0\\ufffe\\uffff"\]$/],
		['a byte order mark', '\ufeffx', /^a\["\ufeffx"\]$/],
		['the empty message', '', /^a\[""\]$/],
	];

	for (const [name, message, frame] of cases) {
		test(`s4: echo of ${name}`, async (c) => {
			const s = await c.session('/echo').open();
			await s.send([message]);
			assert.match(await s.poll(), frame);
			const socket = await c.sockjs('/echo');
			socket.send(JSON.stringify([message]));
			assert.match(await socket.readText(), frame);
		});
	}

	test('s4: a pair sent as plain UTF-8 comes back escaped', async (c) => {
		const s = await c.session('/echo').open();
		await s.sendRaw('["\u{1f600}\u{10ffff}\u{10000}"]');
		assert.equal(await s.poll(), 'a["\\ud83d\\ude00\\udbff\\udfff\\ud800\\udc00"]');
	});

	test('s5: lone surrogates survive an echo over every transport', async (c) => {
		for (const name of ['xhr', 'jsonp', 'xhr_streaming', 'eventsource', 'htmlfile']) {
			const s = await c.session('/echo').open();
			await s.send(['\ud83d', 'a\udc00b', '\udc00\ud800']);
			const receiver = await s.receive(name);
			assert.equal(await receiver.readFrame(), 'a["\\ud83d","a\\udc00b","\\udc00\\ud800"]');
		}
	});

	test('s5: every JSON escape is understood in either case', async (c) => {
		const s = await c.session('/echo').open();
		await s.sendRaw('["\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\uD83D\\uDE00\\u20Ac"]');
		assertFrame(await s.poll(), ['"\\/\b\f\n\r\tAé\ud83d\ude00€']);
	});

	test('s5: a JSON array may have white space anywhere', async (c) => {
		const s = await c.session('/echo').open();
		const answer = await s.sendRaw(' \r\n\t[ "a"\t,\n"b"\r\n ] \n');
		assert.equal(answer.status, 204, answer.text);
		const receiver = await s.receive('xhr_streaming');
		assert.deepEqual(await receiver.readMessages(2), ['a', 'b']);
	});
}

exports.register = (target) => {
	everyUnit(target);
	particular(target);
};
