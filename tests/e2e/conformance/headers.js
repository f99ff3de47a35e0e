'use strict';

// Section 3: caching, CORS, OPTIONS, JSESSIONID, content types and the other headers.

const assert = require('node:assert/strict');
const { transports, streams } = require('../lib/session');

const NOT_CACHED = 'no-store, no-cache, no-transform, must-revalidate, max-age=0';
const YEAR = 31536000; // seconds
const DATE =
	/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;
const CORS = [
	'Access-Control-Allow-Origin',
	'Access-Control-Allow-Credentials',
	'Access-Control-Allow-Headers',
];

const receiving = Object.values(transports);

// The heads of all answers of a kind, by name: each gets(c, headers, prefix) an answer with its
// head read.
const answers = {
	info: (c, headers, prefix = '/echo') => c.openStream('GET', `${prefix}/info`, { headers }),
	async xhr_send(c, headers, prefix = '/echo') {
		const s = await c.session(prefix).open('xhr', { headers });
		return s.sendRaw('["x"]', { headers });
	},
	async jsonp_send(c, headers, prefix = '/echo') {
		const s = await c.session(prefix).open('xhr', { headers });
		return c.request('POST', `${s.path}/jsonp_send`, { body: '["x"]', headers });
	},
};

for (const { name, method, path } of receiving)
	answers[name] = (c, headers, prefix = '/echo') =>
		c.openStream(method, c.session(prefix).path + path, { headers });

const preflights = {
	info: '/info',
	xhr: '/000/options/xhr',
	xhr_send: '/000/options/xhr_send',
	xhr_streaming: '/000/options/xhr_streaming',
	chunking_test: '/chunking_test',
};
const preflight = (c, name, headers, prefix = '/echo') =>
	c.request('OPTIONS', prefix + preflights[name], { headers });

function isOk(answer) {
	assert.ok(answer.status === 200 || answer.status === 204, answer.head);
	return answer;
}

function assertCached(answer) {
	const expires = answer.header('Expires');
	assert.equal(answer.header('Cache-Control'), `public, max-age=${YEAR}`);
	assert.match(expires || '(no Expires)', DATE);
	const ahead = (Date.parse(expires) - Date.now()) / 1000;
	assert.ok(Math.abs(ahead - YEAR) < 60, `Expires is ${ahead} s ahead`);
}

function caching({ test }) {
	for (const name of Object.keys(answers)) {
		test(`s3: ${name} is not cached`, async (c) => {
			const answer = isOk(await answers[name](c, {}));
			assert.equal(answer.header('Cache-Control'), NOT_CACHED);
			assert.equal(answer.header('Expires'), undefined);
			assert.equal(answer.header('Last-Modified'), undefined);
		});
	}

	test('s3: the iframe page is cached for a year', async (c) => {
		assertCached(isOk(await c.request('GET', '/echo/iframe.html')));
	});

	for (const name of Object.keys(preflights)) {
		test(`s3: the OPTIONS answer of ${name} is cached for a year`, async (c) => {
			assertCached(isOk(await preflight(c, name, {})));
		});
	}
}

// get(c, headers) makes the request; what comes back must have the CORS headers of section 3.
function corsOf({ test }, what, get) {
	test(`s3: ${what} without Origin allows *, without credentials`, async (c) => {
		const answer = isOk(await get(c, {}));
		assert.equal(answer.header('Access-Control-Allow-Origin'), '*');
		assert.equal(answer.header('Access-Control-Allow-Credentials'), undefined);
		assert.equal(answer.header('Vary'), 'Origin');
	});

	test(`s3: ${what} echoes Origin, with credentials`, async (c) => {
		for (const origin of [
			'http://example.com',
			'https://a.example:8443',
			'chrome-extension://abcdef',
		]) {
			const answer = isOk(await get(c, { Origin: origin }));
			assert.equal(answer.header('Access-Control-Allow-Origin'), origin);
			assert.equal(answer.header('Access-Control-Allow-Credentials'), 'true');
			assert.equal(answer.header('Vary'), 'Origin');
		}
	});

	test(`s3: ${what} echoes even Origin: null`, async (c) => {
		const answer = isOk(await get(c, { Origin: 'null' }));
		assert.equal(answer.header('Access-Control-Allow-Origin'), 'null');
		assert.equal(answer.header('Access-Control-Allow-Credentials'), 'true');
	});

	test(`s3: ${what} echoes a non-empty Access-Control-Request-Headers`, async (c) => {
		const echoed = isOk(await get(c, { 'Access-Control-Request-Headers': 'a, b, c' }));
		assert.equal(echoed.header('Access-Control-Allow-Headers'), 'a, b, c');
		const empty = isOk(await get(c, { 'Access-Control-Request-Headers': '' }));
		assert.equal(empty.header('Access-Control-Allow-Headers'), undefined);
		const absent = isOk(await get(c, {}));
		assert.equal(absent.header('Access-Control-Allow-Headers'), undefined);
	});

	test(`s3: ${what} has no CORS headers with disable_cors`, async (c) => {
		const answer = isOk(
			await get(
				c,
				{ Origin: c.url, 'Access-Control-Request-Headers': 'a' },
				'/no_cors',
			),
		);
		for (const name of CORS) assert.equal(answer.header(name), undefined, name);
	});
}

function cors(target) {
	for (const name of ['info', 'xhr', 'xhr_send', 'xhr_streaming', 'eventsource'])
		corsOf(target, name, answers[name]);
	for (const name of Object.keys(preflights))
		corsOf(target, `OPTIONS of ${name}`, (c, headers, prefix) =>
			preflight(c, name, headers, prefix),
		);

	for (const name of ['jsonp', 'jsonp_send', 'htmlfile']) {
		target.test(`s3: ${name} has no CORS headers`, async (c) => {
			const answer = isOk(await answers[name](c, { Origin: 'http://example.com' }));
			for (const header of CORS) assert.equal(answer.header(header), undefined, header);
		});
	}

	target.test(
		's3: the errors of xhr_send have CORS headers, so that a page can read them',
		async (c) => {
			const s = c.session('/echo');
			const headers = { Origin: 'http://example.com' };
			const unknown = await s.sendRaw('["x"]', { headers });
			await s.open();
			const broken = await s.sendRaw('["x"', { headers });
			const empty = await s.sendRaw('', { headers });
			assert.deepEqual([unknown.status, broken.status, empty.status], [404, 500, 500]);
			for (const answer of [unknown, broken, empty]) {
				assert.equal(answer.header('Access-Control-Allow-Origin'), 'http://example.com');
				assert.equal(answer.header('Access-Control-Allow-Credentials'), 'true');
				assert.equal(answer.header('Vary'), 'Origin');
				assert.equal(answer.header('Cache-Control'), NOT_CACHED);
			}
		},
	);

	target.test('s3: a header name is recognised in any case', async (c) => {
		for (const name of ['origin', 'ORIGIN', 'oRiGiN']) {
			const answer = isOk(await answers.info(c, { [name]: 'http://case.example' }));
			assert.equal(answer.header('Access-Control-Allow-Origin'), 'http://case.example');
		}
	});
}

function options({ test }) {
	for (const name of Object.keys(preflights)) {
		test(`s3: OPTIONS of ${name} is 204, empty, with Allow-Methods and Max-Age`, async (c) => {
			const answer = await preflight(c, name, {
				Origin: 'http://example.com',
				'Access-Control-Request-Method': 'POST',
			});
			assert.equal(answer.status, 204);
			assert.equal(answer.text, '');
			assert.equal(
				answer.header('Access-Control-Allow-Methods'),
				name === 'info' ? 'OPTIONS, GET' : 'OPTIONS, POST',
			);
			assert.equal(answer.header('Access-Control-Max-Age'), String(YEAR));
		});
	}

	test('s3: OPTIONS does not open a session', async (c) => {
		const s = c.session('/echo');
		for (const name of ['xhr', 'xhr_streaming', 'xhr_send'])
			assert.equal((await c.request('OPTIONS', `${s.path}/${name}`)).status, 204);
		assert.equal(await s.exists(), false);
	});
}

async function cookiesOf(c, name, cookie) {
	const headers = cookie === undefined ? {} : { Cookie: cookie };
	return isOk(await answers[name](c, headers, '/cookie_needed_echo')).headerAll('Set-Cookie');
}

function jsessionid({ test }) {
	for (const name of Object.keys(answers).filter((each) => each !== 'info')) {
		test(`s3: ${name} sets JSESSIONID, the request's value or else dummy`, async (c) => {
			assert.deepEqual(await cookiesOf(c, name), ['JSESSIONID=dummy; path=/']);
			assert.deepEqual(await cookiesOf(c, name, 'JSESSIONID=abcdef'), [
				'JSESSIONID=abcdef; path=/',
			]);
			assert.deepEqual(
				await cookiesOf(c, name, 'JSESSIONID2=x; a=JSESSIONID; JSESSIONID=123; b=c'),
				['JSESSIONID=123; path=/'],
			);
			assert.deepEqual(await cookiesOf(c, name, 'other=1'), ['JSESSIONID=dummy; path=/']);
		});
	}

	for (const name of ['xhr', 'xhr_send', 'xhr_streaming']) {
		test(`s3: OPTIONS of ${name} sets JSESSIONID`, async (c) => {
			const answer = await preflight(
				c,
				name,
				{ Cookie: 'JSESSIONID=abcdef' },
				'/cookie_needed_echo',
			);
			assert.deepEqual(answer.headerAll('Set-Cookie'), ['JSESSIONID=abcdef; path=/']);
		});
	}

	test('s3: the websocket handshake sets JSESSIONID', async (c) => {
		const socket = await c.websocket('/cookie_needed_echo/000/abc/websocket', {
			headers: { Cookie: 'JSESSIONID=abcdef' },
		});
		assert.deepEqual(socket.answer.headerAll('Set-Cookie'), ['JSESSIONID=abcdef; path=/']);
	});

	test('s3: every cookie-octet of JSESSIONID is echoed', async (c) => {
		let octets = '';
		for (let code = 0x21; code < 0x7f; code++)
			octets += '"\\,;'.includes(String.fromCharCode(code)) ? '' : String.fromCharCode(code);
		assert.deepEqual(await cookiesOf(c, 'xhr', `a=b; JSESSIONID=${octets}; c=d`), [
			`JSESSIONID=${octets}; path=/`,
		]);
	});

	test('s3: a JSESSIONID with other characters becomes dummy', async (c) => {
		for (const value of ['a"b', '"ab"', 'a,b', 'a\\b', 'a b', 'a\tb', 'a\xe9b'])
			assert.deepEqual(
				await cookiesOf(c, 'xhr', `JSESSIONID=${value}`),
				['JSESSIONID=dummy; path=/'],
				value,
			);
		assert.deepEqual(await cookiesOf(c, 'xhr', 'JSESSIONID='), ['JSESSIONID=dummy; path=/']);
		assert.deepEqual(await cookiesOf(c, 'xhr', 'JSESSIONID'), ['JSESSIONID=dummy; path=/']);
	});

	test('s3: info, greeting and iframe set no JSESSIONID, and nothing does without the option', async (c) => {
		for (const path of [
			'/cookie_needed_echo/info',
			'/cookie_needed_echo',
			'/cookie_needed_echo/iframe.html',
			'/echo/info',
		]) {
			const answer = await c.request('GET', path, { headers: { Cookie: 'JSESSIONID=abc' } });
			assert.deepEqual(isOk(answer).headerAll('Set-Cookie'), [], path);
		}
		for (const name of Object.keys(answers)) {
			const answer = await answers[name](c, { Cookie: 'JSESSIONID=abc' });
			assert.deepEqual(isOk(answer).headerAll('Set-Cookie'), [], name);
		}
	});
}

function contentTypes({ test }) {
	for (const { name, contentType } of receiving) {
		test(`s3: ${name} is ${contentType}`, async (c) => {
			assert.equal(isOk(await answers[name](c, {})).header('Content-Type'), contentType);
		});
	}

	for (const name of ['xhr_send', 'jsonp_send']) {
		test(`s3: ${name} is text/plain; charset=UTF-8`, async (c) => {
			assert.equal(
				isOk(await answers[name](c, {})).header('Content-Type'),
				'text/plain; charset=UTF-8',
			);
		});
	}

	test('s3: the iframe page is text/html; charset=UTF-8', async (c) => {
		const answer = isOk(await c.request('GET', '/echo/iframe.html'));
		assert.equal(answer.header('Content-Type'), 'text/html; charset=UTF-8');
	});
}

function others({ test }) {
	for (const name of ['jsonp', 'htmlfile']) {
		test(`s3: ${name} has X-Content-Type-Options: nosniff`, async (c) => {
			assert.equal(
				isOk(await answers[name](c, {})).header('X-Content-Type-Options'),
				'nosniff',
			);
		});
	}

	for (const { name } of streams) {
		test(`s3: ${name} has X-Accel-Buffering: no`, async (c) => {
			assert.equal(isOk(await answers[name](c, {})).header('X-Accel-Buffering'), 'no');
		});
	}
}

exports.register = (target) => {
	for (const group of [caching, cors, options, jsessionid, contentTypes, others]) group(target);
};
