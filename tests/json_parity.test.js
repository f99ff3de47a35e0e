// The text codecs in C against what JavaScript makes of the same input: JSON.parse, JSON.stringify,
// TextDecoder, querystring, and the quote() of sockjs-node. Run: node --test-reporter=tap
// tests/json_parity.test.js Environment: SOCKJS_BUILDDIR, where tests/codec_tool was built
// (default: the repository).
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const querystring = require('node:querystring');
const test = require('node:test');

const root = path.join(__dirname, '..');
const tool = path.join(process.env.SOCKJS_BUILDDIR || root, 'tests', 'codec_tool');

const BROKEN = '-1';
const PAYLOAD = '-2';

// What the tool answers to one operation on each of the inputs (Buffers).
function run(operation, inputs) {
	const parts = [];
	for (const input of inputs) {
		const head = Buffer.alloc(5);
		head.write(operation, 0, 'latin1');
		head.writeUInt32BE(input.length, 1);
		parts.push(head, input);
	}
	const done = spawnSync(tool, [], { input: Buffer.concat(parts), maxBuffer: 1 << 28, timeout: 60000 });
	if (done.error)
		throw done.error;
	assert.strictEqual(done.status, 0, `${tool}: ${done.signal || ''} ${done.stderr}`);
	const results = [];
	for (let at = 0; at < done.stdout.length;) {
		const len = done.stdout.readUInt32BE(at);
		results.push(done.stdout.subarray(at + 4, at + 4 + len));
		at += 4 + len;
	}
	assert.strictEqual(results.length, inputs.length);
	return results;
}

// A JavaScript string with its lone surrogates in three-byte form.
function toWtf8(string) {
	const parts = [];
	for (const character of string) {
		const code = character.codePointAt(0);
		if (code >= 0xd800 && code <= 0xdfff)
			parts.push(Buffer.from([0xed, 0x80 | (code >> 6 & 0x3f), 0x80 | (code & 0x3f)]));
		else
			parts.push(Buffer.from(character, 'utf8'));
	}
	return Buffer.concat(parts);
}

// A small generator with a fixed start, so that a failure can be repeated.
function generator(start) {
	let seed = start >>> 0;
	return function below(limit) {
		seed = Math.imul(seed ^ seed >>> 15, 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
		const mixed = Math.imul(seed ^ seed >>> 13, 0x297a2d39);
		return ((mixed ^ mixed >>> 16) >>> 0) % limit;
	};
}

// Strings of code units, from the ranges in which something happens.
function randomStrings(count, start) {
	const below = generator(start);
	const ranges = [[0, 0x20], [0x20, 0x7f], [0x20, 0x7f], [0x7f, 0x100], [0x2000, 0x2070], [0xd7f0, 0xe010],
		[0xd83d, 0xd83e], [0xde00, 0xde10], [0xff00, 0x10000], [0, 0x10000]];
	const strings = [];
	for (let i = 0; i < count; i++) {
		let string = '';
		for (let n = below(i % 50 === 0 ? 500 : 30); n > 0; n--) {
			const [low, high] = ranges[below(ranges.length)];
			string += String.fromCharCode(low + below(high - low));
		}
		strings.push(string);
	}
	return strings;
}

function codeUnits() {
	const units = [];
	for (let unit = 0; unit < 0x10000; unit++)
		units.push(String.fromCharCode(unit));
	return units;
}

const pairs = ['\ud83d\ude00', '\ude00\ud83d', '\ud83d\ud83d\ude00', '\ud83dx\ude00', 'a\ud800', '\udfffz',
	'\ud800\udc00', '\udbff\udfff'];

// Compares lists of strings; says which one differs.
function assertEach(found, expected, inputs) {
	for (let i = 0; i < expected.length; i++)
		if (found[i] !== expected[i])
			assert.fail(`case ${i}, ${JSON.stringify(inputs[i])}: found ${JSON.stringify(found[i])}, ` +
				`expected ${JSON.stringify(expected[i])}`);
}

// What the decoder must say about a text, as the tool prints it (latin1 stands for bytes).
function expectedDecoding(bytes, allowString) {
	let value;
	if (bytes.length === 0)
		return PAYLOAD;
	try {
		value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
	} catch {
		return BROKEN;
	}
	if (allowString && typeof value === 'string')
		value = [value];
	if (!Array.isArray(value) || !value.every((message) => typeof message === 'string'))
		return PAYLOAD;
	return '+' + value.map((message) => toWtf8(message).toString('latin1') + '\xff').join('');
}

function checkDecoding(texts) {
	for (const operation of ['d', 's'])
		assertEach(run(operation, texts).map((result) => result.toString('latin1')),
			texts.map((text) => expectedDecoding(text, operation === 's')),
			texts.map((text) => text.toString('latin1')));
}

function randomValue(below, depth) {
	const kind = below(depth < 4 ? 10 : 6);
	if (kind < 4)
		return randomStrings(1, below(1 << 30))[0];
	if (kind < 6)
		return [0, -1.5, 1e300, true, false, null][below(6)];
	const values = [];
	for (let n = below(4); n > 0; n--)
		values.push(randomValue(below, depth + 1));
	return kind < 8 ? values : Object.fromEntries(values.map((value, i) => [`${i}"\u20ac`, value]));
}

function damage(below, bytes) {
	const odd = Buffer.from('[]{},:"\\ \t\nu0123456789abcdefgn-+.eE/\x80\xbf\xc3\xed\xa0\xff\x00\x1f', 'latin1');
	const at = below(bytes.length + 1);
	const insert = odd.subarray(at % odd.length, at % odd.length + below(2));
	const other = Buffer.from([odd[below(odd.length)]]);
	return Buffer.concat([bytes.subarray(0, at), below(2) ? other : insert, bytes.subarray(at + below(3))]);
}

test('encodes every code unit, pairs and random strings as JavaScript reads them', () => {
	const strings = [...codeUnits(), ...pairs, ...randomStrings(5000, 1)];
	const literals = run('e', strings.map(toWtf8)).map((result) => result.toString('utf8'));
	assertEach(literals.map((literal) => JSON.parse(literal)), strings, strings);
	for (const literal of literals)
		assert.ok(!/[\x00-\x1f\ud800-\udfff\u200c-\u200f\u2028-\u202f\u2060-\u206f\ufff0-\uffff]/.test(literal));
});

test('encodes as sockjs-node quotes', (t) => {
	let quote;
	try {
		({ quote } = require('sockjs/lib/utils'));
	} catch (error) {
		if (error.code !== 'MODULE_NOT_FOUND')
			throw error;
		t.skip('the npm package sockjs is not installed (NODE_PATH)');
		return;
	}
	const strings = [...codeUnits(), ...pairs, ...randomStrings(5000, 2)];
	assertEach(run('e', strings.map(toWtf8)).map((result) => result.toString('utf8')), strings.map(quote), strings);
});

test('encodes a frame as JSON.stringify does, in HTML without </', () => {
	const frames = ['o', 'h', 'a["x"]', 'a["</script>","\\u2028</"]', 'c[3000,"Go away!"]', 'a["\u20ac\\ud83d"]'];
	const bytes = frames.map((frame) => Buffer.from(frame));
	assertEach(run('e', bytes).map(String), frames.map((frame) => JSON.stringify(frame)), frames);
	assertEach(run('h', bytes).map(String),
		frames.map((frame) => JSON.stringify(frame).replaceAll('<', '\\u003c')), frames);
});

test('decodes what JSON.stringify writes', () => {
	const strings = [...codeUnits(), ...pairs, ...randomStrings(5000, 3)];
	checkDecoding(strings.map((string) => Buffer.from(JSON.stringify([string, '']))));
});

test('decodes every code unit written as an escape, alone and around a surrogate', () => {
	const texts = codeUnits().map((unit) => {
		const escape = '\\u' + unit.charCodeAt(0).toString(16).padStart(4, '0');
		return Buffer.from(`["${escape}","${escape}\\uDE00","\\uD83D${escape.toUpperCase().replace('U', 'u')}"]`);
	});
	checkDecoding(texts);
});

test('agrees with JSON.parse on any value, whole and damaged', () => {
	const below = generator(4);
	const texts = [];
	for (let i = 0; i < 20000; i++) {
		const value = i % 2 ? randomValue(below, 0) : randomStrings(below(4), i);
		const text = Buffer.from(JSON.stringify(value, null, below(3)));
		texts.push(text, damage(below, text), damage(below, damage(below, text)));
	}
	checkDecoding(texts);
});

test('agrees with JSON.parse on the case files', () => {
	const directory = path.join(__dirname, 'cases', 'message_array');
	// JSON.parse has no limit of its own on nesting.
	const names = fs.readdirSync(directory).filter((name) => name !== 'depth_2049');
	assert.ok(names.length >= 40);
	checkDecoding(names.map((name) => fs.readFileSync(path.join(directory, name, 'input'))));
});

test('validates UTF-8 as TextDecoder does', () => {
	const below = generator(5);
	const texts = randomStrings(3000, 6).map((string) => toWtf8(string));
	for (let i = 0; i < 20000; i++)
		texts.push(Buffer.from(Array.from({ length: 1 + below(6) }, () => below(8) ? 0x80 + below(0x80) : below(256))));
	const decoder = new TextDecoder('utf-8', { fatal: true });
	const expected = texts.map((text) => {
		try {
			decoder.decode(text);
			return '1';
		} catch {
			return '0';
		}
	});
	assertEach(run('u', texts).map(String), expected, texts.map((text) => text.toString('hex')));
});

test('replaces lone surrogates as Buffer.from does', () => {
	const strings = [...codeUnits(), ...pairs, ...randomStrings(5000, 7)];
	const bytes = strings.map(toWtf8);
	assertEach(run('r', bytes).map((result) => result.toString('hex')),
		strings.map((string) => Buffer.from(string).toString('hex')), strings);
	assertEach(run('w', bytes).map(String), strings.map(() => '1'), strings);
});

test('decodes form values as querystring does', () => {
	const below = generator(8);
	const alphabet = '%%%%++0149afAFgz=\x00\x7f\xe9"[';
	const texts = ['', '%', '%%41', '%4', '%4g', '%2541', '+%2B'];
	for (let i = 0; i < 20000; i++)
		texts.push(Array.from({ length: below(12) }, () => alphabet[below(alphabet.length)]).join(''));
	assertEach(run('f', texts.map((text) => Buffer.from(text, 'latin1'))).map((result) => result.toString('latin1')),
		texts.map((text) => querystring.unescapeBuffer(text.replaceAll('+', ' ')).toString('latin1')), texts);
});
