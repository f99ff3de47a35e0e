'use strict';

// Section 2: info.

const assert = require('node:assert/strict');

async function getInfo(c, prefix, options) {
	const answer = await c.request('GET', `${prefix}/info`, options);
	assert.equal(answer.status, 200);
	return JSON.parse(answer.text);
}

function content({ test }) {
	test('s2: info is 200 application/json; charset=UTF-8', async (c) => {
		const answer = await c.request('GET', '/echo/info');
		assert.equal(answer.status, 200);
		assert.equal(answer.header('Content-Type'), 'application/json; charset=UTF-8');
	});

	test('s2: info holds websocket, origins, cookie_needed and entropy, nothing else', async (c) => {
		const { entropy, ...rest } = await getInfo(c, '/echo');
		assert.deepEqual(rest, { websocket: true, origins: ['*:*'], cookie_needed: false });
		assert.equal(typeof entropy, 'number');
	});

	test('s2: entropy is an integer of 0..2^32-1, new each time, and uses all bits', async (c) => {
		const seen = [];
		for (let i = 0; i < 64; i++)
			seen.push(JSON.parse((await c.request('GET', '/echo/info')).text).entropy);
		assert.ok(
			seen.every((each) => Number.isInteger(each) && each >= 0 && each <= 0xffffffff),
			String(seen),
		);
		assert.equal(new Set(seen).size, seen.length, 'a value came twice');
		for (let bit = 0; bit < 32; bit++) {
			const ones = seen.filter((each) => Math.floor(each / 2 ** bit) % 2 === 1).length;
			assert.ok(ones > 4 && ones < 60, `bit ${bit} is set in ${ones} of 64 values`);
		}
	});

	test('s2: websocket says whether the option is on', async (c) => {
		assert.equal((await getInfo(c, '/disabled_websocket_echo')).websocket, false);
		assert.equal((await getInfo(c, '/defaults')).websocket, true);
	});

	test('s2: cookie_needed says whether jsessionid is on', async (c) => {
		assert.equal((await getInfo(c, '/cookie_needed_echo')).cookie_needed, true);
	});

	test('s2: info never sets a cookie', async (c) => {
		for (const prefix of ['/echo', '/cookie_needed_echo']) {
			const answer = await c.request('GET', `${prefix}/info`, {
				headers: { Cookie: 'JSESSIONID=abc' },
			});
			assert.equal(answer.status, 200);
			assert.deepEqual(answer.headerAll('Set-Cookie'), []);
		}
	});

	test('s2: OPTIONS of info never sets a cookie', async (c) => {
		const answer = await c.request('OPTIONS', '/cookie_needed_echo/info');
		assert.equal(answer.status, 204);
		assert.deepEqual(answer.headerAll('Set-Cookie'), []);
	});

	test('s2: base_url is in info when the option is set', async (c) => {
		assert.equal(
			(await getInfo(c, '/base_url')).base_url,
			'http://sockjs.example:8081/elsewhere',
		);
		assert.equal('base_url' in (await getInfo(c, '/echo')), false);
	});

	test('s2: with disable_cors origins is absent', async (c) => {
		const info = await getInfo(c, '/no_cors');
		assert.deepEqual(Object.keys(info).sort(), ['cookie_needed', 'entropy', 'websocket']);
	});
}

function options({ test }) {
	test('s2: OPTIONS of info is 204, empty, Access-Control-Allow-Methods: OPTIONS, GET', async (c) => {
		const answer = await c.request('OPTIONS', '/echo/info');
		assert.equal(answer.status, 204);
		assert.equal(answer.text, '');
		assert.equal(answer.header('Access-Control-Allow-Methods'), 'OPTIONS, GET');
	});
}

exports.register = (target) => {
	content(target);
	options(target);
};
