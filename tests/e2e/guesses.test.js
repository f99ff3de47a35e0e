'use strict';

// Guesses at other people's session ids and tokens are slowed (guesses_per_minute): straight, over
// the Unix socket, and through the responder, where the daemon decides too.

const assert = require('node:assert');
const path = require('node:path');
const { test } = require('node:test');
const { Client } = require('./lib/addresses');
const { FastCgi } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { startPair } = require('./lib/responder');
const { srcdir } = require('./lib/stack');

const GUESSES = 5;
const GATE = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests', 'modules', 'gate.so');
const services = `
[service /echo]
module = echo
disconnect_delay = 60s

[service /gate]
module = ${GATE}
`;

const newId = () => `${Math.random()}`.slice(2);

// Ways to the daemon: post(address, target, body) resolves with the status, for a client of that
// address.
const ways = {
	'the Unix socket': (pair) => async (address, target, body) => {
		const client = new Client(pair.socket, { headers: { 'X-Forwarded-For': address } });
		const answer = await client.request('POST', target, { body });
		client.close();
		return answer;
	},
	'the responder': (pair) => async (address, target, body) => {
		const web = await FastCgi.open(pair.address);
		const answer = await web.request('POST', target, { body, params: { REMOTE_ADDR: address } });
		web.close();
		return answer;
	},
};

for (const [name, wayOf] of Object.entries(ways)) {
	const start = async (body) => {
		const pair = await startPair({ server: `guesses_per_minute = ${GUESSES}`, services });
		try {
			await body(wayOf(pair), pair);
		} catch (error) {
			throw new Error(`${error.message}\n${pair.log()}`, { cause: error });
		} finally {
			await pair.stop();
		}
	};
	const guess = async (post, address, times) => {
		const statuses = [];
		for (let i = 0; i < times; i++)
			statuses.push((await post(address, `/echo/000/${newId()}/xhr_send`, '["x"]')).status);
		return statuses;
	};

	test(`guesses: through ${name}: 404, then 429, and a right guess is none`, () => start(async (post, pair) => {
		const id = newId();
		assert.strictEqual((await post('192.0.2.1', `/echo/000/${id}/xhr`)).status, 200);
		assert.deepStrictEqual(await guess(post, '192.0.2.2', GUESSES), Array(GUESSES).fill(404));
		const over = await post('192.0.2.2', `/echo/000/${newId()}/xhr_send`, '["x"]');
		assert.strictEqual(over.status, 429);
		assert.strictEqual(over.header('Retry-After'), '1');
		assert.strictEqual(String(over.text), 'Too many requests.\n');
		// The guesser finds neither the session nor its messages; its owner does.
		assert.strictEqual((await post('192.0.2.2', `/echo/000/${id}/xhr_send`, '["evil"]')).status, 429);
		assert.strictEqual((await post('192.0.2.2', `/echo/000/${id}/xhr`)).status, 429);
		assert.strictEqual((await post('192.0.2.1', `/echo/000/${id}/xhr_send`, '["good"]')).status, 204);
		assert.strictEqual((await post('192.0.2.1', `/echo/000/${id}/xhr`)).text, 'a["good"]\n');
		await eventually(() => /error: guesses_per_minute \(5\) reached by 192\.0\.2\.2\n/.test(pair.sessiond.stderr), 'a line');
	}));

	test(`guesses: through ${name}: who shares the address keeps its sessions, and others are not concerned`, () => start(async (post) => {
		const id = newId();
		assert.strictEqual((await post('192.0.2.2', `/echo/000/${id}/xhr`)).status, 200);
		await guess(post, '192.0.2.2', GUESSES);
		assert.deepStrictEqual(await guess(post, '192.0.2.2', 2), [429, 429]);
		assert.strictEqual((await post('192.0.2.2', `/echo/000/${id}/xhr_send`, '["x"]')).status, 204);
		assert.strictEqual((await post('192.0.2.2', `/echo/000/${id}/xhr`)).text, 'a["x"]\n');
		assert.strictEqual((await post('192.0.2.2', `/echo/000/${newId()}/xhr`)).text, 'o\n');
		assert.deepStrictEqual(await guess(post, '192.0.2.3', 1), [404]);
	}));

	test(`guesses: through ${name}: 401 and 403 of a module count, and it is not asked any more`, () => start(async (post) => {
		const ask = async (query) => (await post('192.0.2.2', `/gate/000/${newId()}/xhr${query}`)).status;
		for (const status of [401, 403, 401, 400, 503, 403, 401])
			assert.strictEqual(await ask(`?refuse=${status}`), status);
		assert.strictEqual(await ask('?refuse=403'), 429);
		assert.strictEqual(await ask(''), 429);
		assert.strictEqual((await post('192.0.2.3', `/gate/000/${newId()}/xhr`)).status, 200);
		assert.strictEqual((await post('192.0.2.2', `/echo/000/${newId()}/xhr`)).status, 200);
	}));
}

test('guesses: by default, the burst of a restart meets no limit', async () => {
	const pair = await startPair({ services });
	const post = ways['the Unix socket'](pair);
	try {
		for (let i = 0; i < 500; i++)
			assert.strictEqual((await post('192.0.2.1', `/echo/000/${newId()}/xhr_send`, '["x"]')).status, 404);
	} finally {
		await pair.stop();
	}
});
