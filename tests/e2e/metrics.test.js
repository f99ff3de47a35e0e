'use strict';

// What the daemon tells of itself: /metrics counts exactly what clients did, by every transport;
// /up; who may ask.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { withTimeout } = require('./lib/daemon');
const { request: fastcgi } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { Connection, request } = require('./lib/http');
const { Metrics } = require('./lib/prometheus');
const { checkPairs } = require('./lib/responder');
const { Session, messagesOf, streams, polls } = require('./lib/session');
const { srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const check = checkPairs('metrics');
const LISTEN = { listen: '127.0.0.1:0' };
const TOKEN = 'a-token.of_the~test+/0123456789==';
const NAMES = { xhr: 'xhr-polling', jsonp: 'jsonp-polling', xhr_streaming: 'xhr-streaming' };
const nameOf = (transport) => NAMES[transport] || transport;

const control = (pair) => path.join(pair.directory, 'control.sock');
const ask = (pair, method, target, options) => request(control(pair), method, target, options);

async function metrics(pair) {
	const answer = await ask(pair, 'GET', '/metrics');
	assert.strictEqual(answer.status, 200, answer.text);
	assert.strictEqual(answer.header('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8');
	return new Metrics(answer.text);
}

// What lib/session.js asks of its context, with connections that close when the test is over.
class Context {
	constructor(url) {
		this.url = url;
		this.count = 0;
	}

	uniqueId() {
		return `session_${++this.count}`;
	}

	connect() {
		return Connection.open(this.url);
	}

	request(method, target, options) {
		return request(this.url, method, target, options);
	}
}

const COUNTERS = ['sockjs_sessions_opened_total', 'sockjs_messages_received_total', 'sockjs_messages_received_bytes_total',
	'sockjs_messages_sent_total', 'sockjs_messages_sent_bytes_total'];

// Calls act, and checks that the transport's counters rose by these, and those of others by
// nothing.
async function expectCounts(pair, transport, expected, act) {
	const former = await metrics(pair);
	await act();
	const latter = await metrics(pair);
	for (const [i, counter] of COUNTERS.entries())
		for (const { labels, value } of latter.families.get(counter).samples) {
			const rise = value - former.get(counter, labels);
			assert.strictEqual(rise, labels.transport === transport ? expected[i] : 0, `${counter} of ${labels.transport}`);
		}
}

const connections = (all, transport) => all.get('sockjs_connections', { service: '/echo', transport });
const requests = (all, endpoint, status) => all.get('sockjs_http_requests_total', { endpoint, status: String(status) }, 0);

// --- what clients do -----------------------------------------------------------------------------

check('each polling transport: sessions, messages, bytes', {}, async (pair) => {
	const context = new Context((await pair.startSessiond(LISTEN)).url);
	for (const { name: transport } of polls)
		await expectCounts(pair, nameOf(transport), [2, 6, 22, 6, 22], async () => {
			for (let i = 0; i < 2; i++) {
				const session = await new Session(context, '/echo').open(transport);
				await session.send(['a', 'bc', 'ünïcö']);
				assert.deepStrictEqual(messagesOf(await session.poll(transport)), ['a', 'bc', 'ünïcö']);
			}
		});
	assert.strictEqual((await metrics(pair)).get('sockjs_sessions', { service: '/echo' }), 2 * polls.length);
});

check('each streaming transport, and who is connected', {}, async (pair) => {
	const context = new Context((await pair.startSessiond(LISTEN)).url);
	for (const { name: transport } of streams)
		await expectCounts(pair, nameOf(transport), [1, 2, 5, 2, 5], async () => {
			const session = new Session(context, '/echo');
			const receiver = await session.stream(transport);
			assert.strictEqual(connections(await metrics(pair), nameOf(transport)), 1);
			await session.send(['four']);
			assert.deepStrictEqual(messagesOf(await receiver.readFrame()), ['four']);
			await session.send(['1']);
			assert.deepStrictEqual(messagesOf(await receiver.readFrame()), ['1']);
			receiver.connection.close();
			await eventually(async () => connections(await metrics(pair), nameOf(transport)) === 0, 'it is gone');
		});
});

check('websockets, raw ones too', {}, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	await expectCounts(pair, 'websocket', [3, 6, 12, 6, 12], async () => {
		const clients = [];
		for (let i = 0; i < 3; i++) {
			const client = await WebSocketClient.connect(url, `/echo/000/ws${i}/websocket`);
			clients.push(client);
			assert.strictEqual(await client.readText(), 'o');
			client.send('["abc","d"]');
			assert.deepStrictEqual(messagesOf(await client.readText()), ['abc', 'd']);
		}
		const all = await metrics(pair);
		assert.strictEqual(connections(all, 'websocket'), 3);
		assert.strictEqual(all.get('sockjs_websockets'), 3);
		assert.strictEqual(all.get('sockjs_sessions', { service: '/echo' }), 3);
		clients.forEach(({ connection }) => connection.close());
		await eventually(async () => (await metrics(pair)).get('sockjs_websockets') === 0, 'they are gone');
	});
	await expectCounts(pair, 'websocket-raw', [1, 1, 5, 1, 5], async () => {
		const client = await WebSocketClient.connect(url, '/echo/websocket');
		client.send('hello');
		assert.strictEqual(await client.readText(), 'hello');
		client.connection.close();
	});
	assert.strictEqual(requests(await metrics(pair), 'websocket', 101), 3);
	assert.strictEqual(requests(await metrics(pair), 'websocket_raw', 101), 1);
});

check('requests by endpoint and status', {}, async (pair) => {
	const context = new Context((await pair.startSessiond(LISTEN)).url);
	const session = await new Session(context, '/echo').open();
	for (let i = 0; i < 5; i++) await context.request('GET', '/echo/info');
	for (let i = 0; i < 4; i++) await context.request('GET', '/echo');
	for (let i = 0; i < 3; i++) await context.request('GET', '/echo/nothing');
	for (let i = 0; i < 2; i++) await context.request('GET', '/elsewhere');
	await session.send(['x']);
	await session.sendRaw('no JSON');
	await context.request('POST', '/echo/000/nobody/xhr_send', { body: '["x"]' });
	await context.request('OPTIONS', '/echo/info');
	const all = await metrics(pair);
	const expected = [['info', 200, 5], ['info', 204, 1], ['greeting', 200, 4], ['unknown', 404, 3], ['outside', 404, 2],
		['receive', 200, 1], ['send', 204, 1], ['send', 500, 1], ['send', 404, 1], ['send', 503, 0]];
	for (const [endpoint, status, count] of expected)
		assert.strictEqual(requests(all, endpoint, status), count, `${endpoint} ${status}`);
});

check('requests through a responder, and its messages', {}, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder();
	await expectCounts(pair, 'xhr-polling', [1, 2, 3, 2, 3], async () => {
		const poll = () => fastcgi(pair.address, 'POST', '/echo/000/abc/xhr');
		assert.strictEqual((await poll()).text, 'o\n');
		await fastcgi(pair.address, 'POST', '/echo/000/abc/xhr_send', { body: '["a","bc"]' });
		assert.strictEqual((await poll()).text, 'a["a","bc"]\n');
	});
	const all = await metrics(pair);
	assert.strictEqual(all.get('sockjs_responders'), 1);
	assert.strictEqual(all.get('sockjs_responder_requests_total', { endpoint: 'receive' }), 2);
	assert.strictEqual(all.get('sockjs_responder_requests_total', { endpoint: 'send' }), 1);
});

const answered = (all) => Object.fromEntries(all.families.get('sockjs_responder_http_requests_total').samples
	.map(({ labels, value }) => [`${labels.endpoint} ${labels.status}`, value]));

check('what responders answer, together: they tell it, while they run and when they stop', {
	services: '[service /echo]\nmodule = echo\nbody_limit = 10\n[service /closed]\nmodule = echo\nallowed_origins = https://a.example\n',
}, async (pair) => {
	await pair.startSessiond();
	const { address } = await pair.startResponder();
	const asked = { 'info 200': 2, 'greeting 200': 2, 'iframe 200': 1, 'unknown 404': 1, 'outside 404': 1, 'info 204': 1, 'info 403': 8,
		'chunking_test 200': 1, 'send 413': 1, 'websocket 400': 1, 'receive 200': 1, 'receive 405': 1, 'send 404': 1 };
	const ask = async (method, target, options) => fastcgi(address, method, target, options);
	for (let i = 0; i < 2; i++) await ask('GET', '/echo/info');
	for (const target of ['/echo', '/echo/', '/echo/iframe.html', '/echo/nothing', '/elsewhere', '/echo/000/abc/websocket', '/echo/000/abc/xhr'])
		await ask('GET', target);
	await ask('OPTIONS', '/echo/info');
	await ask('POST', '/echo/chunking_test');
	await ask('POST', '/echo/000/abc/xhr');
	for (const body of ['["a"]', '["too large"]'])
		await ask('POST', '/echo/000/nobody/xhr_send', { body });
	for (let i = 0; i < 8; i++)
		assert.strictEqual((await ask('GET', '/closed/info', { params: { HTTP_ORIGIN: 'https://b.example' } })).status, 403);
	// The second one stops: nobody waits for that.
	const second = await pair.startResponder();
	for (const target of ['/echo', '/echo/info'])
		assert.strictEqual((await fastcgi(second.address, 'GET', target)).status, 200);
	await second.stop();
	await eventually(async () => answered(await metrics(pair))['info 200'] >= 1, 'the second has told');
	const all = { ...asked, 'info 200': 3, 'greeting 200': 3 };
	let told;
	await eventually(async () => {
		told = answered(await metrics(pair));
		return Object.values(told).reduce((sum, value) => sum + value, 0) >= Object.values(all).reduce((sum, value) => sum + value, 0);
	}, () => JSON.stringify(told), 60000);
	assert.deepStrictEqual(told, all);
	// Of eight lines alike, three are not in the log.
	assert.strictEqual((await metrics(pair)).get('sockjs_responder_log_lines_dropped_total'), 3);
});

check('limits that were reached, by their option', { server: 'session_limit = 2\nguesses_per_minute = 1' }, async (pair) => {
	const context = new Context((await pair.startSessiond(LISTEN)).url);
	const reached = async (limit) => (await metrics(pair)).get('sockjs_limits_reached_total', { limit });
	for (let i = 0; i < 5; i++) await context.request('POST', `/echo/000/id${i}/xhr`);
	assert.strictEqual(await reached('session_limit'), 3);
	for (let i = 0; i < 4; i++) await context.request('POST', '/echo/000/nobody/xhr_send', { body: '["x"]' });
	assert.strictEqual(await reached('guesses_per_minute'), 3);
	assert.strictEqual(await reached('queue_limit'), 0);
});

check('transactions of the store', { server: 'store = sessions.db' }, async (pair) => {
	const context = new Context((await pair.startSessiond(LISTEN)).url);
	const committed = async () => (await metrics(pair)).get('sockjs_store_transactions_total', { result: 'committed' });
	const before = await committed();
	const session = await new Session(context, '/echo').open();
	await session.send(['kept until somebody asks']);
	assert.ok(await committed() >= before + 2);
	const all = await metrics(pair);
	assert.strictEqual(all.get('sockjs_store_transactions_total', { result: 'failed' }), 0);
	assert.ok(all.get('sockjs_store_transaction_seconds_total') > 0);
});

check('lines that are not in the log', {}, async (pair) => {
	const context = new Context((await pair.startSessiond(LISTEN)).url);
	pair.rewrite((text) => text.replace('[fcgi]', 'session_limit = 1\n[fcgi]'));
	assert.strictEqual((await ask(pair, 'POST', '/control/reload')).status, 200);
	for (let i = 0; i < 21; i++) await context.request('POST', `/echo/000/id${i}/xhr`);
	// The first is let in, five lines are written.
	assert.strictEqual((await metrics(pair)).get('sockjs_log_lines_dropped_total', { reason: 'alike' }), 15);
});

check('the process, and how long its turns take', {}, async (pair) => {
	const { pid } = await pair.startSessiond(LISTEN);
	const all = await metrics(pair);
	const statm = fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
	assert.ok(all.get('process_resident_memory_bytes') > 0);
	assert.ok(all.get('process_resident_memory_bytes') < Number(statm[0]) * 4096 * 16);
	// The metrics' own connection is open while they are written, and its folder is not counted.
	assert.ok(Math.abs(all.get('process_open_fds') - fs.readdirSync(`/proc/${pid}/fd`).length) <= 1);
	assert.ok(all.get('sockjs_loop_turn_seconds_count') > 0);
	assert.strictEqual(all.get('sockjs_ready'), 1);
	assert.strictEqual(all.get('sockjs_draining'), 0);
	assert.strictEqual(all.get('sockjs_restarts_total'), 0);
	assert.ok(Math.abs(all.get('process_start_time_seconds') - Date.now() / 1000) < 600);
	assert.match(fs.readFileSync(path.join(srcdir, 'configure.ac'), 'latin1'),
		new RegExp(`AC_INIT.*\\[${all.families.get('sockjs_build_info').samples[0].labels.version}\\]`));
});

check('a service with an odd name', { services: '[service ~ /x"y\\\\[0-9]+]\nmodule = echo\n' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	assert.strictEqual((await request(url, 'POST', '/x%22y%5C1/000/abc/xhr')).status, 404);
	const [{ labels }] = (await metrics(pair)).families.get('sockjs_sessions').samples;
	assert.strictEqual(labels.service, '~ /x"y\\\\[0-9]+');
});

// --- who may ask ---------------------------------------------------------------------------------

check('the control socket alone has /metrics and /control', {}, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	await pair.startResponder();
	for (const [method, target] of [['GET', '/metrics'], ['POST', '/control/reload'], ['POST', '/control/restart']]) {
		assert.strictEqual((await request(url, method, target)).status, 404, `listen: ${target}`);
		assert.strictEqual((await request(pair.socket, method, target)).status, 404, `socket: ${target}`);
		assert.strictEqual((await fastcgi(pair.address, method, target)).status, 404, `responder: ${target}`);
	}
	for (const target of ['/echo', '/echo/info', '/', '/control/nothing', '/metrics/', '/up/'])
		assert.strictEqual((await ask(pair, 'GET', target)).status, 404, target);
	assert.strictEqual((await ask(pair, 'GET', '/control/reload')).status, 404);
	assert.strictEqual((await ask(pair, 'POST', '/metrics')).status, 404);
});

check('with metrics_token others may read them, who know it', { server: `metrics_token = ${TOKEN}\nguesses_per_minute = 5` }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const read = (authorization) => request(url, 'GET', '/metrics', { headers: authorization ? { Authorization: authorization } : {} });
	assert.match((await read(`Bearer ${TOKEN}`)).text, /^sockjs_ready 1$/m);
	assert.match((await read(`bearer ${TOKEN}`)).text, /^sockjs_ready 1$/m);
	const refused = await read();
	assert.strictEqual(refused.status, 401);
	assert.strictEqual(refused.header('WWW-Authenticate'), 'Bearer');
	for (const wrong of [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, `Basic ${TOKEN}`, 'Bearer '])
		assert.strictEqual((await read(wrong)).status, 401, wrong);
	// Who guesses is slowed; who knows it is not.
	assert.strictEqual((await read('Bearer guess')).status, 429);
	assert.strictEqual((await read(`Bearer ${TOKEN}`)).status, 200);
	assert.strictEqual((await request(url, 'POST', '/control/reload', { headers: { Authorization: `Bearer ${TOKEN}` } })).status, 404);
});

const CLIENT = `const s = require('net').connect(process.argv[1]); s.on('error', (e) => console.log(e.code));
	s.on('connect', () => s.write('GET /up HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')).pipe(process.stdout);`;
const asNobody = (socket) => spawnSync(process.execPath, ['-e', CLIENT, socket], { uid: 65534, gid: 65534, encoding: 'utf8', cwd: '/' }).stdout;
const isRoot = process.getuid() === 0;

for (const [users, mode, expected] of [['', 0o660, /^EACCES/], ['control_users = nobody', 0o666, /^HTTP\/1.1 200 OK\r\n/]])
	(isRoot ? check : () => {})(`permissions: ${users || 'nobody named'}`, { server: users }, async (pair) => {
		await pair.startSessiond();
		fs.chmodSync(pair.directory, 0o755);
		assert.strictEqual(fs.statSync(control(pair)).mode & 0o777, mode);
		assert.match(asNobody(control(pair)), expected);
	});

(isRoot ? check : () => {})('whom the kernel does not name gets 403, whatever the file lets in', {}, async (pair) => {
	await pair.startSessiond();
	fs.chmodSync(pair.directory, 0o755);
	fs.chmodSync(control(pair), 0o666);
	assert.match(asNobody(control(pair)), /^HTTP\/1.1 403 Forbidden\r\n[^]*control_users/);
});

check('the socket comes, moves and goes with the daemon', { server: 'control = first.sock' }, async (pair) => {
	const at = (name) => path.join(pair.directory, name);
	await pair.startSessiond();
	assert.strictEqual((await request(at('first.sock'), 'GET', '/up')).status, 200);
	pair.rewrite((text) => text.replace('first.sock', 'second.sock'));
	assert.strictEqual((await request(at('first.sock'), 'POST', '/control/reload')).status, 200);
	assert.strictEqual((await request(at('second.sock'), 'GET', '/up')).status, 200);
	assert.ok(!fs.existsSync(at('first.sock')));
	pair.rewrite((text) => text.replace('second.sock', 'none'));
	assert.strictEqual((await request(at('second.sock'), 'POST', '/control/reload')).status, 200);
	assert.ok(!fs.existsSync(at('second.sock')));
	assert.strictEqual((await request(pair.socket, 'GET', '/up')).status, 200);
	await pair.sessiond.stop();
	assert.deepStrictEqual(fs.readdirSync(pair.directory), ['sockjs.conf']);
});

check('connections of the control socket do not wait for those of clients', { server: 'connection_limit = 2' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const context = new Context(url);
	await new Session(context, '/echo').stream();
	await new Session(context, '/echo').stream();
	assert.strictEqual((await context.request('GET', '/up')).status, 503);
	assert.strictEqual((await metrics(pair)).get('sockjs_limits_reached_total', { limit: 'connection_limit' }), 1);
	assert.strictEqual((await metrics(pair)).get('sockjs_http_connections'), 2);
	// Nor are they without end.
	const begin = async () => {
		const connection = await Connection.open(control(pair));
		connection.write('GET ');
		return connection;
	};
	const idle = [];
	for (let i = 0; i < 64; i++) idle.push(await begin());
	const refused = await begin();
	assert.strictEqual((await refused.readAnswer()).status, 503);
	[...idle, refused].forEach((connection) => connection.close());
	// Who is refused may find the connection closed before its request has left.
	const isUp = () => ask(pair, 'GET', '/up').then(({ status }) => status === 200, () => false);
	await eventually(isUp, 'there is room again');
});

// --- what it is told to do -----------------------------------------------------------------------

check('a reload says why the file is refused', {}, async (pair) => {
	await pair.startSessiond();
	assert.strictEqual((await ask(pair, 'POST', '/control/reload')).text, 'reloaded\n');
	pair.rewrite((text) => text.replace('log_level', 'log_levle'));
	const refused = await ask(pair, 'POST', '/control/reload');
	assert.strictEqual(refused.status, 422);
	assert.match(refused.text, /sockjs[.]conf:3: .*log_levle/);
	assert.strictEqual((await ask(pair, 'GET', '/up')).text, 'up\n');
});

check('a daemon without a supervisor does not end itself', {}, async (pair) => {
	await pair.startSessiond();
	const refused = await ask(pair, 'POST', '/control/restart');
	assert.strictEqual(refused.status, 422);
	assert.match(refused.text, /--supervise/);
	assert.strictEqual((await ask(pair, 'GET', '/up')).text, 'up\n');
});

check('a restart, under a supervisor, and how many there were', {}, async (pair) => {
	await pair.start(require('./lib/daemon').program, ['--supervise']);
	pair.rewrite((text) => text.replace('module = echo', 'module = nothing_of_that_name'));
	const refused = await ask(pair, 'POST', '/control/restart');
	assert.strictEqual(refused.status, 422);
	assert.match(refused.text, /sockjs[.]conf:\d+: .*nothing_of_that_name/);
	pair.rewrite((text) => text.replace('nothing_of_that_name', 'echo'));
	assert.strictEqual((await metrics(pair)).get('sockjs_restarts_total'), 0);
	assert.strictEqual((await ask(pair, 'POST', '/control/restart')).text, 'restarting\n');
	await eventually(async () => (await metrics(pair)).get('sockjs_restarts_total') === 1, 'the next one is there');
});

// --- /up -----------------------------------------------------------------------------------------

// HTTP/1.0 without a Host.
async function asksLikeABalancer(way) {
	for (const method of ['GET', 'HEAD']) {
		const connection = await Connection.open(way);
		connection.write(`${method} /up HTTP/1.0\r\n\r\n`);
		assert.strictEqual((await connection.readAnswer()).status, 200, method);
		connection.close();
	}
}

check('/up on every way in', { services: '[service /echo]\nmodule = echo\n[service /up]\nmodule = echo\nlog_level = debug\n' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	// A service of that name is what its administrator has asked for.
	assert.match((await request(url, 'GET', '/up')).text, /Welcome to SockJS!/);
	pair.rewrite((text) => text.replace('/up', '/down'));
	await ask(pair, 'POST', '/control/reload');
	for (const way of [url, pair.socket, control(pair)]) {
		const answer = await request(way, 'GET', '/up');
		assert.strictEqual(answer.status, 200);
		assert.strictEqual(answer.text, 'up\n');
		assert.match(answer.header('Cache-Control'), /no-store/);
		assert.strictEqual((await request(way, 'HEAD', '/up')).status, 200);
		for (const method of ['POST', 'OPTIONS'])
			assert.strictEqual((await request(way, method, '/up')).status, 404);
		await asksLikeABalancer(way);
	}
});

check('/up says that the daemon stops', {}, async (pair) => {
	const { url, log } = await pair.startSessiond(LISTEN);
	assert.ok(log);
	pair.rewrite((text) => text.replace('log_level = error', 'log_level = info'));
	await ask(pair, 'POST', '/control/reload');
	// A request that has begun is still answered.
	const connection = await Connection.open(url);
	connection.write('GET /up HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n');
	assert.strictEqual((await connection.readAnswer()).status, 100);
	pair.sessiond.child.kill('SIGTERM');
	await eventually(() => /SIGTERM: stopping/.test(pair.sessiond.log()), 'it stops');
	connection.write('x');
	const answer = await connection.readAnswer();
	await answer.readToEnd();
	assert.strictEqual(answer.status, 503);
	assert.strictEqual(answer.text, 'the daemon is stopping\n');
	connection.close();
	assert.deepStrictEqual(await withTimeout(pair.sessiond.exited, 20000, 'it ends'), { code: 0, signal: null });
});

check('/up through a responder', { fcgi: 'backend_timeout = 60s' }, async (pair) => {
	await pair.startSessiond();
	await pair.startResponder();
	const up = (method = 'GET', target = '/up', options) => fastcgi(pair.address, method, target, options);
	let answer; // until it has met the daemon, it says so
	await eventually(async () => (answer = await up()).status === 200, () => answer.text);
	assert.strictEqual(answer.text, 'up\n');
	assert.match(answer.header('Cache-Control'), /no-store/);
	// In whatever folder the program is.
	assert.strictEqual((await up('GET', '/some/folder/sockjs.fcgi/up')).text, 'up\n');
	assert.strictEqual((await up('HEAD')).status, 200);
	assert.strictEqual((await up('HEAD')).text, '');
	for (const method of ['POST', 'OPTIONS']) assert.strictEqual((await up(method)).status, 404);
	assert.strictEqual((await up('GET', '/echo/up')).status, 200);
	assert.strictEqual((await up('GET', '/upper')).status, 404);
	// Others wait for the daemon to come back. This one is for those who want to know.
	await pair.sessiond.stop();
	await eventually(async () => (await up()).status === 503, 'it has noticed');
	assert.strictEqual((await up()).text, 'the session daemon is not running\n');
	await pair.startSessiond();
	await eventually(async () => (await up()).status === 200, 'it is there again');
});

check('a responder that has never seen the daemon says so at once', { fcgi: 'backend_timeout = 60s' }, async (pair) => {
	await pair.startResponder();
	const answer = await fastcgi(pair.address, 'GET', '/up');
	assert.strictEqual(answer.status, 503);
	assert.strictEqual(answer.text, 'the session daemon is not running\n');
});

check('/up when the store fails, and when it works again', { server: 'store = sessions.db\nstore_limit = 1M\nstore_session_limit = 1G\nstore_address_limit = 1G' }, async (pair) => {
	const context = new Context((await pair.startSessiond(LISTEN)).url);
	await pair.startResponder();
	const session = await new Session(context, '/echo').open();
	const isStored = async () => (await session.sendRaw(JSON.stringify(['x'.repeat(20000)]))).status === 204;
	while (await isStored());
	const statuses = async () => [await request(context.url, 'GET', '/up'), await ask(pair, 'GET', '/up'), await fastcgi(pair.address, 'GET', '/up')]
		.map(({ status, text }) => `${status} ${text}`);
	const bad = '503 the session store cannot be written\n';
	await eventually(async () => (await statuses()).every((each) => each === bad), 'all say so');
	assert.strictEqual((await metrics(pair)).get('sockjs_ready'), 0);
	const late = await pair.startResponder();
	await eventually(async () => (await fastcgi(late.address, 'GET', '/up')).text === bad.slice(4), 'it says so, too');
	// The messages leave.
	await session.poll();
	await eventually(async () => (await statuses()).every((each) => each === '200 up\n'), 'it works again');
});

test('metrics: each is documented, and no others', async () => {
	const { Pair } = require('./lib/responder');
	const pair = new Pair({ server: 'store = sessions.db' });
	try {
		await pair.startSessiond();
		const page = fs.readFileSync(path.join(srcdir, 'doc/monitoring.md'), 'utf8');
		const documented = [...page.matchAll(/^\| `((?:process|sockjs)_[a-z_]+)` \|/gm)].map(([, name]) => name);
		assert.deepStrictEqual(documented.sort(), [...(await metrics(pair)).families.keys()].sort());
	} finally {
		await pair.stop();
	}
});
