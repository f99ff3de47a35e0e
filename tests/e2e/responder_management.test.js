'use strict';

// FastCGI's management records, which are about the program: a web server may ask at any time.

const assert = require('node:assert');
const crypto = require('node:crypto');
const { test, before, after } = require('node:test');
const { withLog } = require('./lib/daemon');
const { FastCgi, encodeRecord, encodeRequest, encodeParams, TYPE } = require('./lib/fastcgi');
const { startPair } = require('./lib/responder');

let pair;
before(async () => {
	pair = await startPair();
});
after(() => pair && pair.stop());

const check = (name, body) => test(`management: ${name}`, withLog(() => pair, body));

const ASKED = { FCGI_MAX_CONNS: '', FCGI_MAX_REQS: '', FCGI_MPXS_CONNS: '' };
const VALUES_RESULT = 10;

check('FCGI_GET_VALUES is answered, before, in and between requests, which do not notice', async () => {
	const connection = await FastCgi.open(pair.address);
	const question = encodeRecord(TYPE.getValues, 0, encodeParams({ ...ASKED, FCGI_UNKNOWN: 'x', ['N'.repeat(300)]: '' }));
	connection.write(question);
	await connection.until(() => connection.records.length === 1, 'an answer before any request');
	const session = `/echo/000/${crypto.randomBytes(6).toString('hex')}`;
	assert.strictEqual((await connection.request('POST', `${session}/xhr`, { keep: true })).text, 'o\n');
	const body = JSON.stringify(['x'.repeat(20000)]);
	const bytes = encodeRequest('POST', `${session}/xhr_send`, { keep: true, body });
	const head = 16; // FCGI_BEGIN_REQUEST
	const answer = connection.expect();
	connection.write(Buffer.concat([question, bytes.subarray(0, head), question, bytes.subarray(head)]));
	assert.strictEqual((await connection.finish(answer)).status, 204);
	assert.strictEqual((await connection.request('POST', `${session}/xhr`, { keep: true })).text, `a${body}\n`);
	assert.strictEqual(connection.records.length, 3);
	for (const { type, content } of connection.records) {
		assert.strictEqual(type, VALUES_RESULT);
		const [, limit] = /^\x0e.FCGI_MAX_CONNS(\d+)/.exec(content.toString('latin1'));
		assert.deepStrictEqual(content, encodeParams({ FCGI_MAX_CONNS: limit, FCGI_MAX_REQS: limit, FCGI_MPXS_CONNS: '0' }));
		assert.ok(Number(limit) >= 100, limit);
	}
	connection.close();
});

check('management records of other types, and broken questions', async () => {
	const connection = await FastCgi.open(pair.address);
	connection.write(Buffer.concat([encodeRecord(77, 0, 'abc', 5), ...['', '\xff', '\x05', '\x7f\x7fabc', '\x0e', '\xff\xff\xff\xff\xff\xff\xff\xff'].map((content) => encodeRecord(TYPE.getValues, 0, Buffer.from(content, 'latin1')))]));
	assert.strictEqual((await connection.request('GET', '/echo', { keep: true })).status, 200);
	const [unknown, ...results] = connection.records;
	assert.deepStrictEqual(unknown, { type: TYPE.unknown, content: Buffer.from([77, 0, 0, 0, 0, 0, 0, 0]) });
	assert.deepStrictEqual(results, Array(6).fill({ type: VALUES_RESULT, content: Buffer.alloc(0) }));
	connection.close();
});
