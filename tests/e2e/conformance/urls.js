'use strict';

// Section 1: which URLs there are, which methods each takes, what is no URL of a service.

const assert = require('node:assert/strict');

const session = (rest) => `/echo/000/routes_${rest.replace(/\W/g, '')}${rest}`;

const routes = [
	{ path: '/echo', allow: ['GET'] },
	{ path: '/echo/', allow: ['GET'] },
	{ path: '/echo/iframe.html', allow: ['GET'] },
	{ path: '/echo/info', allow: ['GET', 'OPTIONS'] },
	{ path: '/echo/chunking_test', allow: ['OPTIONS', 'POST'] },
	{ path: '/echo/websocket', allow: ['GET'] },
	{ path: session('/websocket'), allow: ['GET'] },
	{ path: session('/xhr'), allow: ['OPTIONS', 'POST'] },
	{ path: session('/xhr_streaming'), allow: ['OPTIONS', 'POST'] },
	{ path: session('/xhr_send'), allow: ['OPTIONS', 'POST'] },
	{ path: session('/eventsource'), allow: ['GET'] },
	{ path: session('/htmlfile'), allow: ['GET'] },
	{ path: session('/jsonp'), allow: ['GET'] },
	{ path: session('/jsonp_send'), allow: ['POST'] },
];

async function expectStatus(c, status, method, path, options) {
	const answer = await c.request(method, path, options);
	assert.equal(answer.status, status, `${method} ${path}: ${answer.head}`);
	return answer;
}

async function expect405(c, method, { path, allow }) {
	const answer = await expectStatus(c, 405, method, path);
	const allowed = (answer.header('Allow') || '').split(/\s*,\s*/);
	assert.deepEqual(allowed.sort(), allow, `Allow of ${method} ${path}`);
	assert.equal(answer.text, '');
	assert.equal(answer.header('Content-Type'), undefined);
}

function greeting({ test }) {
	for (const path of ['/echo', '/echo/']) {
		test(`s1: GET ${path} greets`, async (c) => {
			const answer = await expectStatus(c, 200, 'GET', path);
			assert.equal(answer.text, 'Welcome to SockJS!\n');
			assert.equal(answer.body.length, 19);
			assert.equal(answer.header('Content-Type'), 'text/plain; charset=UTF-8');
		});
	}

	test('s1: every service greets under its prefix', async (c) => {
		for (const prefix of [
			'/disabled_websocket_echo',
			'/cookie_needed_echo',
			'/close',
			'/ticker',
			'/amplify',
			'/broadcast',
		]) {
			const answer = await expectStatus(c, 200, 'GET', prefix);
			assert.equal(answer.text, 'Welcome to SockJS!\n', prefix);
		}
	});

	test('s1: the greeting sets no cookie, even where JSESSIONID is on', async (c) => {
		for (const path of ['/echo', '/cookie_needed_echo', '/cookie_needed_echo/']) {
			const answer = await expectStatus(c, 200, 'GET', path, {
				headers: { Cookie: 'JSESSIONID=abc' },
			});
			assert.deepEqual(answer.headerAll('Set-Cookie'), []);
		}
	});
}

function methods({ test }) {
	for (const route of routes) {
		const wrong = ['GET', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'].filter(
			(each) => !route.allow.includes(each),
		);
		test(`s1: a wrong method on ${route.path} is 405 with Allow, no body, no Content-Type`, async (c) => {
			for (const method of wrong) await expect405(c, method, route);
		});
	}

	test('s1: a wrong method does not open a session', async (c) => {
		const s = c.session('/echo');
		await expectStatus(c, 405, 'GET', `${s.path}/xhr`);
		await expectStatus(c, 405, 'PUT', `${s.path}/xhr_streaming`);
		assert.equal(await s.exists(), false);
	});
}

function iframePaths({ test }) {
	const valid = [
		'iframe.html',
		'iframe-a.html',
		'iframe-.html',
		'iframe-0.1.2.html',
		'iframe-0.1.2abc-dirty.2144.html',
		'iframe_x9.html',
		'iframe42.html',
	];
	const invalid = [
		'iframe-A.html',
		'iframe-a+b.html',
		'iframe-a%20b.html',
		'IFRAME.html',
		'IFRAME',
		'iframe',
		'iframe.HTML',
		'iframe.xml',
		'iframe-/.html',
		'iframe.htm',
		'xiframe.html',
		'iframe.html/x',
		'iframe.htmlx',
	];

	test('s1: GET iframe[0-9-.a-z_]*.html is the iframe page, with any query', async (c) => {
		for (const name of valid) {
			for (const query of ['', '?t=1234', '?a=b&%20#']) {
				const answer = await expectStatus(
					c,
					200,
					'GET',
					`/echo/${name}${query.replace('#', '')}`,
				);
				assert.ok(answer.text.startsWith('<!DOCTYPE html>\n'), name);
			}
		}
	});

	test('s1: other names beside the iframe page are 404', async (c) => {
		for (const name of invalid) await expectStatus(c, 404, 'GET', `/echo/${name}`);
	});
}

function identifiers({ test }) {
	const valid = [
		'abcdefgh_i-j%20/abcdefg_i-j%20x',
		'a/b',
		'0/%2F%2e',
		"~!$&'()*+,;=:@/@:=;,+*)('&$!~",
		'000/....'.replace(/\./g, '%2E'),
	];
	const invalid = [
		'/',
		'a./a',
		'a/a.',
		'./.',
		'../..',
		'a/.',
		'./a',
		'/a',
		'a/',
		'a.b/c',
		'c/a.b',
		'//',
		'///',
	];

	test('s1: server and session are any run of characters but / and .', async (c) => {
		for (const [index, ids] of valid.entries()) {
			const answer = await expectStatus(
				c,
				200,
				'POST',
				`/echo/${ids}${index}${c.uniqueId()}/xhr`,
			);
			assert.equal(answer.text, 'o\n', ids);
		}
	});

	test('s1: any other server or session is 404', async (c) => {
		for (const ids of invalid) {
			await expectStatus(c, 404, 'POST', `/echo/${ids}/xhr`);
			await expectStatus(c, 404, 'POST', `/echo/${ids}/xhr_streaming`);
			await expectStatus(c, 404, 'GET', `/echo/${ids}/eventsource`);
			await expectStatus(c, 404, 'GET', `/echo/${ids}/websocket`);
			await expectStatus(c, 404, 'OPTIONS', `/echo/${ids}/xhr_send`);
		}
	});

	test('s1: session ids are compared as they stand in the path, percent-encoded', async (c) => {
		const tail = c.uniqueId();
		const s = await c.session('/echo', { id: `A${tail}` }).open();
		assert.equal(await c.session('/echo', { id: `%41${tail}` }).exists(), false);
		assert.equal(await c.session('/echo', { id: `a${tail}` }).exists(), false);
		assert.equal(await s.exists(), true);
	});

	test('s1: the same session under another server is the same session', async (c) => {
		const here = c.session('/echo', { server: '111' });
		const there = c.session('/echo', { server: '222', id: here.id });
		await here.open();
		await there.send(['x']);
		assert.equal(await there.poll(), 'a["x"]');
		await here.send(['y']);
		assert.equal(await there.poll('jsonp'), 'a["y"]');
	});
}

function unknown({ test }) {
	test('s1: an unknown path under the prefix is 404', async (c) => {
		const paths = [
			'/echo/x',
			'/echo/info/x',
			'/echo/infox',
			'/echo/a/b',
			'/echo/a/b/',
			'/echo/a/b/c',
			'/echo/a/b/xhr/x',
			'/echo/a/b/xhrx',
			'/echo/a/b/XHR',
			'/echo/a/b/c/xhr',
			'/echo/xhr',
			'/echo/a/xhr',
			'/echo//',
			'/echo//info',
			'/echo/info//',
			'/echo/a/b//xhr',
			'/echo/a/b/xhr//',
			'/echo/a/b/info',
		];
		for (const path of paths) {
			for (const method of ['GET', 'POST', 'OPTIONS', 'PUT'])
				await expectStatus(c, 404, method, path);
		}
	});

	test('s1: a path outside every prefix is not answered by a service', async (c) => {
		for (const path of [
			'/nothing',
			'/echofoo',
			'/ech',
			'/echofoo/info',
			'/Echo',
			'/Echo/info',
			'/x/echo/info',
			'//echo/info',
		])
			await expectStatus(c, 404, 'GET', path);
		await expectStatus(c, 404, 'POST', '/echofoo/000/abc/xhr');
	});

	test('s1: with websocket = off both websocket paths are 404', async (c) => {
		const upgrade = {
			Upgrade: 'websocket',
			Connection: 'Upgrade',
			'Sec-WebSocket-Version': '13',
			'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
		};
		for (const headers of [{}, upgrade]) {
			await expectStatus(c, 404, 'GET', '/disabled_websocket_echo/websocket', { headers });
			await expectStatus(c, 404, 'GET', '/disabled_websocket_echo/000/abc/websocket', {
				headers,
			});
		}
	});

	test('s1: with websocket = off the other transports work', async (c) => {
		const s = await c.session('/disabled_websocket_echo').open();
		await s.send(['x']);
		assert.equal(await s.poll(), 'a["x"]');
	});
}

function slashesAndQueries({ test }) {
	const get = ['/echo/info', '/echo/iframe.html'];
	const options = [
		'/echo/info',
		'/echo/chunking_test',
		'/echo/0/a/xhr',
		'/echo/0/a/xhr_send',
		'/echo/0/a/xhr_streaming',
	];

	test('s1: one trailing slash is accepted', async (c) => {
		for (const path of get) await expectStatus(c, 200, 'GET', `${path}/`);
		for (const path of options) await expectStatus(c, 204, 'OPTIONS', `${path}/`);
		const s = c.session('/echo');
		assert.equal((await expectStatus(c, 200, 'POST', `${s.path}/xhr/`)).text, 'o\n');
		await expectStatus(c, 204, 'POST', `${s.path}/xhr_send/`, { body: '["a"]' });
		assert.match(
			(await expectStatus(c, 200, 'GET', `${s.path}/jsonp/?c=x`)).text,
			/^\/\*\*\/x\(/,
		);
		await expectStatus(c, 200, 'POST', `${s.path}/jsonp_send/`, { body: '["a"]' });
		await expectStatus(c, 400, 'GET', '/echo/websocket/');
		await expectStatus(c, 400, 'GET', '/echo/0/a/websocket/');
	});

	test('s1: a trailing slash is accepted on the streams and the websockets', async (c) => {
		for (const name of ['eventsource/', 'htmlfile/?c=x']) {
			const answer = await c.openStream('GET', `${c.session('/echo').path}/${name}`);
			assert.equal(answer.status, 200, name);
		}
		const answer = await c.openStream('POST', `${c.session('/echo').path}/xhr_streaming/`);
		assert.equal(answer.status, 200);
		const socket = await c.websocket('/echo/000/abc/websocket/');
		assert.equal(await socket.readText(), 'o');
		await c.websocket('/echo/websocket/');
	});

	test('s1: a query does not change what a URL is', async (c) => {
		for (const path of get) await expectStatus(c, 200, 'GET', `${path}?t=1445`);
		for (const path of options) await expectStatus(c, 204, 'OPTIONS', `${path}?t=1/2/3`);
		const s = c.session('/echo');
		assert.equal((await expectStatus(c, 200, 'POST', `${s.path}/xhr?t=./.`)).text, 'o\n');
		await expectStatus(c, 204, 'POST', `${s.path}/xhr_send?t=12&`, { body: '["a"]' });
		assert.equal((await expectStatus(c, 200, 'POST', `${s.path}/xhr?`)).text, 'a["a"]\n');
		const socket = await c.websocket('/echo/000/abc/websocket?a=b');
		assert.equal(await socket.readText(), 'o');
	});
}

exports.register = (target) => {
	for (const group of [greeting, methods, iframePaths, identifiers, unknown, slashesAndQueries])
		group(target);
};
