'use strict';

// Whose pages may use a service: allowed_origins and disable_cors on every transport, straight and
// through the responder; and what else a stranger can do with URLs and cookies (session_id_min,
// jsessionid_*).

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const { test, before, after } = require('node:test');
const { skip: noBrowser, launch } = require('./lib/browser');
const { startDaemon, withLog } = require('./lib/daemon');
const { FastCgi, request: requestByFcgi } = require('./lib/fastcgi');
const { eventually, expectLogged } = require('./lib/guard');
const { Connection } = require('./lib/http');
const { startPair } = require('./lib/responder');
const { handshakeHeaders } = require('./lib/websocket');

const GOOD = 'https://good.example';
const WILD = 'https://a.b.wild.example';
const OWN = 'http://localhost'; // the Host of each request below
const EVIL = 'https://evil.example';

const services = `
[service /open]
module = echo

[service /guarded]
module = echo
websocket_hixie76 = on
allowed_origins = ${GOOD} https://*.wild.example
allowed_origins = chrome-extension://abc

[service /own]
module = echo
disable_cors = on

[service /long]
module = echo
session_id_min = 8

[service /cookie]
module = echo
jsessionid = on
jsessionid_samesite = none
jsessionid_path = /cookie
jsessionid_httponly = on
`;

let pair;
before(async () => { pair = await startPair({ services, listen: '127.0.0.1:0' }); });
after(() => pair.stop());
const check = (name, body) => test(`origins: ${name}`, withLog(() => pair, body));

const id = () => crypto.randomBytes(6).toString('hex');
const KEYS = { 'Upgrade': 'WebSocket', 'Connection': 'Upgrade', 'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5', 'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00' };

// Every URL of a service. status: of whom it lets in. silence: whether that goes for those too who
// do not say where they come from.
const urls = {
	'greeting': { method: 'GET', path: () => '', silence: true },
	'info': { method: 'GET', path: () => '/info', silence: true },
	'iframe': { method: 'GET', path: () => '/iframe-1.6.1.html', silence: true, status: { own: 404 } },
	'chunking_test': { method: 'POST', path: () => '/chunking_test' },
	'websocket': { method: 'GET', path: () => `/000/${id()}/websocket`, silence: true, headers: handshakeHeaders('dGhlIHNhbXBsZSBub25jZQ=='), status: { direct: 101, fcgi: 501 } },
	'websocket, hixie-76': { method: 'GET', path: () => `/000/${id()}/websocket`, silence: true, headers: KEYS, status: { direct: 101, own: 400, fcgi: 501 } },
	'raw websocket': { method: 'GET', path: () => '/websocket', silence: true, headers: handshakeHeaders('dGhlIHNhbXBsZSBub25jZQ=='), status: { direct: 101, fcgi: 501 } },
	'xhr': { method: 'POST', path: () => `/000/${id()}/xhr` },
	'xhr_streaming': { method: 'POST', path: () => `/000/${id()}/xhr_streaming` },
	'eventsource': { method: 'GET', path: () => `/000/${id()}/eventsource` },
	'htmlfile': { method: 'GET', path: () => `/000/${id()}/htmlfile?c=a` },
	'jsonp': { method: 'GET', path: () => `/000/${id()}/jsonp?c=a` },
	// To a session that is not there: who is let in gets 404.
	'xhr_send': { method: 'POST', path: () => `/000/${id()}/xhr_send`, headers: { 'Content-Type': 'text/plain' }, body: '["a"]', status: { all: 404 } },
	'jsonp_send': { method: 'POST', path: () => `/000/${id()}/jsonp_send`, headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'd=%5B%22a%22%5D', status: { all: 404 } },
	'jsonp_send as text': { method: 'POST', path: () => `/000/${id()}/jsonp_send`, headers: { 'Content-Type': 'text/plain' }, body: '["a"]', status: { all: 404 } },
};
for (const name of ['info', 'xhr', 'xhr_send', 'xhr_streaming', 'chunking_test']) {
	const { path, silence } = urls[name];
	urls[`OPTIONS of ${name}`] = { method: 'OPTIONS', path, silence, status: { all: 204 } };
}

// The head of the answer is enough.
async function askDirectly(method, target, options) {
	const connection = await Connection.open(pair.sessiond.url);
	try {
		return await connection.open(method, target, { ...options, headers: { Host: 'localhost', ...options.headers } });
	} finally {
		connection.close();
	}
}
async function askByFcgi(method, target, options) {
	if (!target.endsWith('/chunking_test'))
		return requestByFcgi(pair.address, method, target, options);
	const connection = await FastCgi.open(pair.address);
	const answer = connection.begin(method, target, options);
	await connection.until(() => answer.status !== undefined, 'the head is there');
	connection.close();
	return answer;
}
const ways = { direct: askDirectly, fcgi: askByFcgi };

function ask(way, service, name, headers) {
	const url = urls[name];
	return ways[way](url.method, `/${service}${url.path()}`, { headers: { ...url.headers, ...headers }, ...(url.body ? { body: url.body } : {}) });
}

function statusOf(way, service, name) {
	const { status = {} } = urls[name];
	return status[service] && !(way === 'fcgi' && status.fcgi) ? status[service] : status[way] || status.all || 200;
}

const VARIANTS = {
	guarded: {
		in: [{ Origin: GOOD }, { Origin: WILD }, { Origin: OWN }, { Origin: 'chrome-extension://abc' }, { Referer: `${GOOD}/page?a` },
			{ Referer: `${OWN}/guarded/iframe.html` }, { 'Sec-Fetch-Site': 'same-origin' }, { Referer: `${GOOD}/`, 'Sec-Fetch-Site': 'cross-site' }],
		out: [{ Origin: EVIL }, { Origin: 'null' }, { Origin: 'https://wild.example' }, { Origin: 'http://good.example' }, { Origin: `${GOOD}.evil.example` },
			{ Origin: 'http://localhost:81' }, { Origin: EVIL, Referer: `${GOOD}/`, 'Sec-Fetch-Site': 'same-origin' }, { Referer: `${EVIL}/${GOOD}` }, { 'Sec-Fetch-Site': 'cross-site' },
			{ 'Origin': 'http://outer.example', 'X-Forwarded-Host': 'outer.example' }],
	},
	own: {
		in: [{ Origin: OWN }, { Origin: 'https://localhost' }, { Referer: `${OWN}/page` }, { 'Sec-Fetch-Site': 'same-origin' }],
		out: [{ Origin: GOOD }, { Origin: 'null' }, { Referer: `${EVIL}/` }, { 'Sec-Fetch-Site': 'cross-site' }],
	},
};

for (const way of Object.keys(ways))
	for (const [service, variants] of Object.entries(VARIANTS))
		for (const name of Object.keys(urls))
			check(`${way}: ${service}: ${name}`, async () => {
				for (const headers of variants.in)
					assert.strictEqual((await ask(way, service, name, headers)).status, statusOf(way, service, name), JSON.stringify(headers));
				// There is nothing at all where disable_cors has taken it away.
				const refused = statusOf(way, service, name) === 404 && name === 'iframe' ? 404 : 403;
				for (const headers of variants.out) {
					const answer = await ask(way, service, name, headers);
					assert.strictEqual(answer.status, refused, JSON.stringify(headers));
					assert.strictEqual(answer.header('Access-Control-Allow-Origin'), undefined);
				}
				const silent = await ask(way, service, name, {});
				assert.strictEqual(silent.status, urls[name].silence ? statusOf(way, service, name) : 403, 'nothing is said');
				for (const headers of [...variants.in, ...variants.out])
					assert.notStrictEqual((await ask(way, 'open', name, headers)).status, 403, JSON.stringify(headers));
			});

// --- what refused requests have not done ---------------------------------------------------------

for (const way of Object.keys(ways)) {
	check(`${way}: what another page sends does not arrive, and it reads nothing`, async () => {
		const session = `/guarded/000/${id()}`;
		const good = (path, options = {}) => ways[way]('POST', `${session}${path}`, { ...options, headers: { Origin: GOOD, ...options.headers } });
		const read = async (answer) => { if (answer.readToEnd) await answer.readToEnd(); return answer.text; };
		const whole = async (path, options) => {
			if (way === 'fcgi')
				return good(path, options);
			const connection = await Connection.open(pair.sessiond.url);
			const answer = await connection.request('POST', `${session}${path}`, { ...options, headers: { Host: 'localhost', Origin: GOOD } });
			connection.close();
			return answer;
		};
		assert.strictEqual(await read(await whole('/xhr')), 'o\n');
		for (const headers of [{ Origin: EVIL, 'Content-Type': 'text/plain' }, { Referer: `${EVIL}/`, 'Content-Type': 'text/plain' }, { 'Content-Type': 'text/plain' }])
			assert.strictEqual((await ways[way]('POST', `${session}/xhr_send`, { body: '["evil"]', headers })).status, 403);
		assert.strictEqual((await whole('/xhr_send', { body: '["good"]' })).status, 204);
		assert.strictEqual((await ways[way]('GET', `${session}/jsonp?c=a`, { headers: { Referer: `${EVIL}/` } })).status, 403);
		assert.strictEqual(await read(await whole('/xhr')), 'a["good"]\n');
	});

	check(`${way}: CORS headers, frame-ancestors and private networks are for those on the list`, async () => {
		const named = await ask(way, 'guarded', 'info', { Origin: GOOD });
		assert.deepStrictEqual(['Access-Control-Allow-Origin', 'Access-Control-Allow-Credentials', 'Vary'].map((name) => named.header(name)), [GOOD, 'true', 'Origin']);
		const unnamed = await ask(way, 'guarded', 'info', {});
		assert.deepStrictEqual(['Access-Control-Allow-Origin', 'Vary'].map((name) => unnamed.header(name)), [undefined, 'Origin']);
		assert.strictEqual((await ask(way, 'guarded', 'info', { Origin: EVIL })).header('Vary'), 'Origin');

		const iframe = await ask(way, 'guarded', 'iframe', {});
		assert.strictEqual(iframe.header('Content-Security-Policy'), `frame-ancestors 'self' ${GOOD} https://*.wild.example chrome-extension://abc`);
		assert.strictEqual(iframe.header('Cache-Control'), 'no-cache');
		assert.strictEqual((await ask(way, 'open', 'iframe', {})).header('Content-Security-Policy'), undefined);

		const wants = { 'Access-Control-Request-Private-Network': 'true', 'Access-Control-Request-Headers': 'x-a' };
		const mayReach = async (service, origin) => (await ask(way, service, 'OPTIONS of xhr', { ...wants, Origin: origin })).header('Access-Control-Allow-Private-Network');
		assert.deepStrictEqual([await mayReach('guarded', GOOD), await mayReach('guarded', EVIL), await mayReach('open', GOOD)], ['true', undefined, undefined]);
		assert.strictEqual((await ask(way, 'guarded', 'OPTIONS of xhr', { Origin: GOOD })).header('Access-Control-Allow-Private-Network'), undefined);
	});

	check(`${way}: a proxy's X-Forwarded-Host counts only if it is trusted`, async (t) => {
		const behind = await startPair({ server: `trusted_proxies = ${way === 'fcgi' ? '192.0.2.7' : '127.0.0.1'}`, services: '[service /guarded]\nmodule = echo\nallowed_origins = same\n', listen: '127.0.0.1:0' });
		t.after(() => behind.stop());
		const headers = { 'Origin': 'https://outer.example', 'X-Forwarded-Host': 'outer.example' };
		const answer = way === 'fcgi' ? await requestByFcgi(behind.address, 'GET', '/guarded/info', { headers }) : await (await Connection.open(behind.sessiond.url)).request('GET', '/guarded/info', { headers: { ...headers, Connection: 'close' } });
		assert.strictEqual(answer.status, 200);
		assert.strictEqual((await ask(way, 'guarded', 'info', headers)).status, 403);
	});

	check(`${way}: session_id_min`, async () => {
		for (const name of ['xhr', 'xhr_streaming', 'eventsource', 'htmlfile', 'jsonp', 'xhr_send', 'jsonp_send', 'websocket']) {
			const { method, path, headers, body } = urls[name];
			const to = (session) => ways[way](method, `/long${path().replace(/\/000\/[^/]+/, `/0/${session}`)}`, { headers, ...(body ? { body } : {}) });
			assert.strictEqual((await to('1234567')).status, 404, name);
			const isSend = name.endsWith('_send');
			assert.strictEqual((await to(id().slice(0, 8))).status, isSend ? 404 : statusOf(way, 'long', name), name);
		}
		assert.strictEqual((await ways[way]('POST', `/open/a/${way[0]}/xhr`, {})).status, 200);
	});

	check(`${way}: the cookie's attributes`, async () => {
		const answer = await ways[way]('POST', `/cookie/000/${id()}/xhr`, {});
		assert.strictEqual(answer.header('Set-Cookie'), 'JSESSIONID=dummy; path=/cookie; SameSite=None; Secure; HttpOnly');
	});
}

check('the log names the origin and the service, and does not grow with what is refused', async (t) => {
	const own = await startPair({ services, listen: '127.0.0.1:0' });
	t.after(() => own.stop());
	const headers = { Origin: EVIL };
	for (let i = 0; i < 200; i++) {
		const connection = await Connection.open(own.sessiond.url);
		assert.strictEqual((await connection.request('POST', '/guarded/0/a/xhr', { headers })).status, 403);
		connection.close();
		assert.strictEqual((await requestByFcgi(own.address, 'GET', '/own/0/a/jsonp?c=a', { headers: { Referer: `${EVIL}/secret` } })).status, 403);
	}
	const lines = (daemon) => daemon.log().split('\n').filter((line) => line.includes(EVIL));
	await expectLogged(own.sessiond, /\/guarded: origin https:\/\/evil\.example, from 127\.0\.0\.1, is not let in \(allowed_origins\)/);
	await expectLogged(own.responder, /\/own: a page of origin https:\/\/evil\.example, from 192\.0\.2\.7, is not let in \(disable_cors\)/);
	assert.ok(!own.log().includes('secret'));
	for (const daemon of [own.sessiond, own.responder])
		assert.ok(lines(daemon).length < 20, `${lines(daemon).length} lines`);
});

check('a list that is changed counts from the reload on, in both programs', async (t) => {
	const own = await startPair({ services: '[service /changed]\nmodule = echo\n', listen: '127.0.0.1:0' });
	t.after(() => own.stop());
	const directly = async () => {
		const connection = await Connection.open(own.sessiond.url);
		const { status } = await connection.request('GET', '/changed/info', { headers: { Origin: EVIL } });
		connection.close();
		return status;
	};
	const byFcgi = async () => (await requestByFcgi(own.address, 'GET', '/changed/info', { headers: { Origin: EVIL } })).status;
	const become = (status) => eventually(async () => await directly() === status && await byFcgi() === status, `both answer ${status}`);
	await become(200);
	for (const [list, status] of [[GOOD, 403], [`${GOOD} ${EVIL}`, 200], ['any', 200]]) {
		fs.writeFileSync(own.file, fs.readFileSync(own.file, 'utf8').replace(/module = echo[^]*/, `module = echo\nallowed_origins = ${list}\n`));
		own.sessiond.child.kill('SIGHUP');
		await become(status);
	}
	fs.appendFileSync(own.file, 'allowed_origins = https://*\n');
	own.sessiond.child.kill('SIGHUP');
	await expectLogged(own.sessiond, /sockjs\.conf:\d+: allowed_origins: .*the old configuration stays/);
	await become(200);
});

// --- a browser -----------------------------------------------------------------------------------

const transports = ['websocket', 'xhr-streaming', 'eventsource', 'iframe-eventsource', 'iframe-htmlfile', 'xhr-polling', 'iframe-xhr-polling', 'jsonp-polling'];

// Runs in a page: whether a message comes back over that transport.
function echoes({ url, transport }) {
	return new Promise((resolve) => {
		const socket = new SockJS(url, null, { transports: transport });
		socket.onopen = () => socket.send('a');
		socket.onmessage = ({ data }) => {
			socket.onclose = null;
			socket.close();
			resolve(data === 'a');
		};
		socket.onclose = () => resolve(false);
	});
}

test('origins: pages in a browser, over each transport', { skip: noBrowser, timeout: 600000 }, async (t) => {
	const { page: startPage } = require('./lib/page_server');
	const [good, evil] = [await startPage(t), await startPage(t)];
	const daemon = await startDaemon({ conf: `[server]\nsockjs_url = ${good.url}/sockjs.min.js\n[service /guarded]\nmodule = echo\nallowed_origins = ${good.url}\n` });
	t.after(() => daemon.stop());
	const browser = await launch();
	t.after(() => browser.close());
	const page = await (await browser.newContext()).newPage();
	for (const [server, expected] of [[good, true], [evil, false]]) {
		await page.goto(server.url);
		for (const transport of transports)
			assert.strictEqual(await page.evaluate(echoes, { url: `${daemon.url}/guarded`, transport }), expected, `${transport} of ${server.url}`);
	}
	// What sockjs-client does not get to, having been refused info.
	await page.goto(evil.url);
	assert.strictEqual(await page.evaluate((url) => new Promise((resolve) => {
		const socket = new WebSocket(url.replace('http', 'ws'));
		socket.onopen = () => resolve(true);
		socket.onclose = () => resolve(false);
	}), `${daemon.url}/guarded/websocket`), false);
	assert.strictEqual(await page.evaluate((url) => new Promise((resolve) => {
		const script = document.createElement('script');
		window.a = () => resolve(true);
		script.onerror = () => resolve(false);
		script.src = `${url}/guarded/000/anysession/jsonp?c=a`;
		document.body.append(script);
	}), daemon.url), false);
	await expectLogged(daemon, new RegExp(`/guarded: origin ${evil.url.replaceAll('.', '\\.')}, from 127`));
});
