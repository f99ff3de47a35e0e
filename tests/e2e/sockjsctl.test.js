'use strict';

// sockjsctl: what it prints, and what it exits with, for each thing that can happen.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const readline = require('node:readline');
const { program: sessiond, withTimeout } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { request: fastcgi } = require('./lib/fastcgi');
const { request } = require('./lib/http');
const { Metrics } = require('./lib/prometheus');
const { checkPairs } = require('./lib/responder');
const { srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const sockjsctl = path.join(builddir, 'sessiond/ctl/sockjsctl');
const LISTEN = { listen: '127.0.0.1:0' };

const check = checkPairs('sockjsctl');

function run(args, options = {}) {
	const { status, stdout, stderr, error } = spawnSync(sockjsctl, args, { encoding: 'utf8', timeout: 60000, ...options });
	if (error) throw error;
	return { status, stdout, stderr };
}

const ctl = (pair, ...args) => run(['--config', pair.file, ...args]);

function succeeds(result) {
	assert.deepStrictEqual({ status: result.status, stderr: result.stderr }, { status: 0, stderr: '' }, result.stdout);
	return result.stdout;
}

function fails({ status, stdout, stderr }, expected, text) {
	assert.match(stderr, text);
	assert.match(stderr, /^sockjsctl: /);
	assert.strictEqual(status, expected, stderr);
	return stdout;
}

const echoOf = async (url, id, text) => {
	const client = await WebSocketClient.connect(url, `/echo/000/${id}/websocket`);
	assert.strictEqual(await client.readText(), 'o');
	client.send(JSON.stringify([text]));
	assert.strictEqual(await client.readText(), `a${JSON.stringify([text])}`);
	return client;
};

check('status, as JSON: what clients did, exactly', { server: 'session_limit = 3', services: '[service /echo]\nmodule = echo\n[service /other]\nmodule = echo\n[app 1]\nkey = thekey\nsecret = thesecretthesecret\n' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const clients = [await echoOf(url, 'a', 'four'), await echoOf(url, 'b', 'sixsix')];
	await request(url, 'POST', '/echo/000/poll/xhr');
	await request(url, 'POST', '/echo/000/one_too_many/xhr');
	const status = JSON.parse(succeeds(ctl(pair, 'status', '--json')));
	const none = { eventsource: 0, htmlfile: 0, 'jsonp-polling': 0, websocket: 0, 'websocket-raw': 0, 'xhr-polling': 0, 'xhr-streaming': 0 };
	assert.deepStrictEqual({ ...status, uptime_seconds: 0, memory_bytes: 0, version: 0 }, {
		version: 0, ready: true, draining: false, uptime_seconds: 0, restarts: 0, memory_bytes: 0,
		sessions: 3,
		services: { '/echo': { sessions: 3, connections: { ...none, websocket: 2 } }, '/other': { sessions: 0, connections: none },
			'/pusher/app/thekey': { sessions: 0, connections: none } },
		responders: 0, responder_requests: 0, http_connections: 0, websockets: 2,
		messages: { received: 2, received_bytes: 10, sent: 2, sent_bytes: 10 },
		queued_bytes: 0, store: null, limits_reached: { session_limit: 1 },
	});
	assert.ok(status.memory_bytes > 1 << 20);
	clients.forEach(({ connection }) => connection.close());
});

check('status, for people', { server: 'store = sessions.db' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	await pair.startResponder();
	const client = await echoOf(url, 'a', 'four');
	const text = succeeds(ctl(pair, 'status'));
	assert.match(text, /^sockjs-sessiond \d+[.]\d+[.]\d+: up\n {2}since {13}\d+ s, restarts: 0\n/);
	assert.match(text, /^ {2}messages received 1 \(4 B\)\n {2}messages sent {5}1 \(4 B\), waiting: 0 B\n/m);
	assert.match(text, /, 1 websockets\n {2}responders {8}1, requests answered: 0\n/);
	assert.match(text, /^ {2}store {13}\d+ transactions, 0 failed\n/m);
	assert.match(text, /^\/echo {25} +1 {2}websocket: 1\n/m);
	assert.doesNotMatch(text, /limits/);
	for (const line of text.split('\n')) assert.ok(line.length < 80, line);
	client.connection.close();
});

check('metrics, as they are and as JSON', {}, async (pair) => {
	await pair.startSessiond();
	succeeds(ctl(pair, 'status')); // a request, so that there is one to count
	const text = succeeds(ctl(pair, 'metrics'));
	assert.strictEqual(new Metrics(text).get('sockjs_ready'), 1);
	const json = JSON.parse(succeeds(ctl(pair, '-j', 'metrics')));
	assert.deepStrictEqual(json.sockjs_ready, [{ labels: {}, value: 1 }]);
	assert.deepStrictEqual(json.sockjs_sessions, [{ labels: { service: '/echo' }, value: 0 }]);
	const names = [...text.matchAll(/^([a-z_]+)/gm)].map(([name]) => name);
	assert.deepStrictEqual(Object.keys(json).sort(), [...new Set(names)].sort());
});

const services = ['echo', 'multiplex'].map((name) =>
	`[service /${name}]\nmodule = ${name}\ndisconnect_delay = 60s\nhistory = 10\n`).join('');
const json = (pair, ...args) => JSON.parse(succeeds(ctl(pair, ...args, '--json')));
const control = (pair, method, target, body) =>
	request(path.join(pair.directory, 'control.sock'), method, target, body === undefined ? {} : { body });

async function subscriber(url) {
	const client = await WebSocketClient.connect(url, '/multiplex/000/m/websocket');
	assert.strictEqual(await client.readText(), 'o');
	client.send(JSON.stringify(['sub,news', 'sub,echo', 'msg,echo,ready']));
	assert.strictEqual(await client.readText(), 'a["msg,echo,ready"]');
	return client;
}

// All of a list, so many places a page.
async function inPages(pair, name, limit) {
	const all = [];
	for (let next = 0; next !== null;) {
		const target = `/control/${name}?limit=${limit}&after=${next}`;
		const page = JSON.parse((await control(pair, 'GET', target)).text);
		if (name === 'sessions')
			assert.ok(page.sessions.length <= limit);
		all.push(...page[name]);
		next = page.next;
	}
	return all;
}

check('connections and channels', { services, server: 'publish_limit = 100' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const client = await echoOf(url, 'secret', 'four');
	const poll = (what, body) => request(url, 'POST', `/echo/000/secret2/xhr${what}`, { body });
	assert.strictEqual((await poll('')).text, 'o\n');
	const other = await subscriber(url);

	const all = json(pair, 'sessions');
	const [first, second] = all;
	const since = { age_seconds: first.age_seconds };
	assert.match(first.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
	assert.deepStrictEqual(first, {
		id: first.id, service: '/echo', transport: 'websocket', address: '127.0.0.1', state: 'attached',
		queued_bytes: 0, ...since,
	});
	const kinds = all.map(({ state, transport, service }) => `${state} ${transport} ${service}`);
	assert.deepStrictEqual(kinds, [
		'attached websocket /echo', 'detached xhr-polling /echo', 'attached websocket /multiplex',
	]);
	const ofEcho = json(pair, 'sessions', '-S', '/echo').map(({ id }) => id);
	assert.deepStrictEqual(ofEcho, [first.id, second.id]);
	const table = succeeds(ctl(pair, 'sessions'));
	assert.match(table, /^id {36}service {5}transport {4}state {5}queued {2}age +address\n/);
	const row = `${first.id} {2}/echo {7}websocket {4}attached {7}0 {2}\\d+ s +127[.]0[.]0[.]1`;
	assert.match(table, new RegExp(`^${row}$`, 'm'));
	assert.doesNotMatch(table + JSON.stringify(all), /secret/);

	// In pages.
	assert.deepStrictEqual((await inPages(pair, 'sessions', 1)).map(({ id }) => id), all.map(({ id }) => id));
	for (const after of ['4294967296', '18446744073709551615']) {
		const page = await control(pair, 'GET', `/control/sessions?after=${after}`);
		assert.deepStrictEqual(JSON.parse(page.text), { sessions: [], next: null });
	}

	const names = Array.from({ length: 100 }, (_, i) => (i === 0 ? 'news' : `c${i}`));
	const batch = names.map((channel) => ({ service: '/multiplex', channel, data: 'x' }));
	assert.strictEqual((await control(pair, 'POST', '/publish', JSON.stringify(batch))).status, 200);
	assert.strictEqual(await other.readText(), 'a["x"]');
	const channels = json(pair, 'channels', '--service', '/multiplex');
	const news = channels.find(({ name }) => name === 'news');
	assert.deepStrictEqual(news, {
		name: 'news', service: '/multiplex', subscribers: 1, members: 0, offset: 1, epoch: news.epoch, messages: 1, bytes: 65,
	});
	const told = await inPages(pair, 'channels', 7);
	assert.deepStrictEqual(told.map(({ name }) => name).sort(), names.sort());
	assert.deepStrictEqual(json(pair, 'channels', '-S', '/echo'), []);
	const head = /^channel {2}service {5}subscribers {2}members {2}offset {2}kept {2}bytes\n/;
	assert.match(succeeds(ctl(pair, 'channels')), head);
	for (const target of ['/control/sessions?after=x', '/control/channels?limit=0'])
		assert.strictEqual((await control(pair, 'GET', target)).status, 400, target);
	fails(ctl(pair, 'sessions', '-S', '/none & such'), 68, /there is no service \/none & such\n/);

	// One message to one connection, polled or not.
	const sent = /^sent; bytes that wait for the client: \d+\n$/;
	assert.match(succeeds(ctl(pair, 'send', first.id, 'hello')), sent);
	assert.strictEqual(await client.readText(), 'a["hello"]');
	const input = 'a \0 \u{1f600}';
	const piped = run(['--config', pair.file, 'send', second.id, '-j'], { input });
	assert.ok(JSON.parse(succeeds(piped)).queued_bytes > 0);
	assert.strictEqual((await poll('')).text, 'a["a \\u0000 \\ud83d\\ude00"]\n');
	const any = JSON.stringify({ id: first.id, data: { any: ['JSON', 1] } });
	assert.strictEqual((await control(pair, 'POST', '/control/send', any)).status, 200);
	assert.strictEqual(await client.readText(), 'a["{\\"any\\":[\\"JSON\\",1]}"]');

	// What is wrong is said, and nothing happens.
	fails(ctl(pair, 'send', first.id.toUpperCase(), 'x'), 68, /there is no open connection/);
	fails(ctl(pair, 'send', '-S', '/multiplex', first.id, 'x'), 68, /there is no open connection/);
	fails(ctl(pair, 'send', first.id, 'x'.repeat(101)), 78, /longer than 100 bytes \(publish_limit\)/);
	const broken = run(['--config', pair.file, 'send', first.id], { input: Buffer.from([0xc3]) });
	fails(broken, 64, /the data is not UTF-8/);
	const long = ctl(pair, 'close', first.id, '--reason', 'x'.repeat(124));
	fails(long, 78, /"reason" is longer than 123 bytes/);
	for (const code of ['999', '1001', '2999', '5000'])
		fails(ctl(pair, 'close', first.id, '--code', code), 78, /"code" is to be/);
	fails(ctl(pair, 'close', first.id, '--code', 'x'), 64, /the code is to be a number/);
	const { id } = first;
	for (const [what, reason, body] of [
		['send', /no JSON/, '{'], ['close', /no JSON/, ''], ['close', /JSON object/, '[]'],
		['send', /no JSON/, Buffer.from('7b226964223a22ff227d', 'hex')],
		['send', /there is no "id"/, { data: 'x' }], ['close', /there is no "id"/, { all: 1 }],
		['send', /there is no "data"/, { id }], ['send', /"all" is for close/, { all: true, data: 'x' }],
		['close', /"id" and "all" exclude/, { id, all: true }],
		['close', /"id" is to be a string without NUL/, { id: `${id}\0` }],
		['close', /"id" is to be a string/, { id: [id] }],
		['close', /"code" is to be a number/, { id, code: '4000' }],
		['close', /"reason" is to be a string without NUL/, { id, reason: 'a\0b' }],
		['close', /"service" is to be a string/, { id, service: 1 }],
		['close', /"limit" is to be a number from 1 to 1000/, { all: true, limit: 1001 }],
		['close', /"after"/, { all: true, after: -1 }],
	]) {
		const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
		const answer = await control(pair, 'POST', `/control/${what}`, bytes);
		assert.match(answer.text, reason);
		assert.strictEqual(answer.status, 400, answer.text);
	}
	for (const name of ['sessions', 'channels', 'workers', 'close', 'send', 'drain', 'undrain'])
		for (const method of ['GET', 'POST'])
			assert.strictEqual((await request(url, method, `/control/${name}`)).status, 404, name);

	// A close; a client that polls hears of it when it polls.
	assert.strictEqual(succeeds(ctl(pair, 'close', first.id)), 'closed: 1\n');
	assert.strictEqual(await client.readText(), 'c[3000,"Go away!"]');
	fails(ctl(pair, 'close', first.id), 68, /there is no open connection/);
	const page = JSON.stringify({ all: true, service: '/echo', limit: 1 });
	const answer = await control(pair, 'POST', '/control/close', page);
	assert.deepStrictEqual(JSON.parse(answer.text), { closed: 0, next: 1 });
	const reason = '\u00e9'.repeat(61);
	const rest = json(pair, 'close', 'all', '-S', '/echo', '-C', '4999', '-r', reason);
	assert.deepStrictEqual(rest, { closed: 1 });
	const states = json(pair, 'sessions').map(({ state }) => state);
	assert.deepStrictEqual(states, ['closing-detached', 'attached']);
	fails(ctl(pair, 'send', second.id, 'x'), 68, /there is no open connection/);
	assert.strictEqual((await poll('')).text, `c[4999,"${reason}"]\n`);
	assert.strictEqual(succeeds(ctl(pair, 'close', 'all')), 'closed: 1\n');
	assert.strictEqual(await other.readText(), 'c[3000,"Go away!"]');
	[client, other].forEach(({ connection }) => connection.close());
});

check('what was answered is kept, though the daemon is killed', {
	server: 'store = sessions.db',
}, async (pair) => {
	const poll = (url, name) => request(url, 'POST', `/echo/000/${name}/xhr`);
	let { url } = await pair.startSessiond(LISTEN);
	await poll(url, 'a');
	await poll(url, 'b');
	const ids = json(pair, 'sessions').map(({ id }) => id);
	succeeds(ctl(pair, 'send', ids[0], 'kept'));
	succeeds(ctl(pair, 'close', ids[1], '--code', '1000', '--reason', ''));
	await pair.sessiond.stop('SIGKILL');
	({ url } = await pair.startSessiond(LISTEN));
	assert.deepStrictEqual(json(pair, 'sessions').map(({ id }) => id).sort(), [...ids].sort());
	assert.strictEqual((await poll(url, 'a')).text, 'a["kept"]\n');
	assert.strictEqual((await poll(url, 'b')).text, 'c[1000,""]\n');
});

// Follows GET /control/tail; next(): the next event; pause() and resume(): does not read meanwhile.
async function tailOf(pair, target = '/control/tail') {
	const socketPath = path.join(pair.directory, 'control.sock');
	const asked = http.request({ socketPath, path: target, agent: false });
	const answer = await new Promise((resolve, reject) =>
		asked.on('response', resolve).on('error', reject).end());
	assert.strictEqual(answer.statusCode, 200);
	const lines = readline.createInterface({ input: answer });
	const events = [];
	const wake = [];
	lines.on('line', (line) => {
		events.push(JSON.parse(line));
		wake.splice(0).forEach((call) => call());
	});
	const closed = new Promise((resolve) => lines.on('close', resolve));
	lines.on('error', () => {});
	answer.on('error', () => {});
	return {
		closed,
		complete: () => answer.complete,
		async next() {
			if (events.length === 0)
				await withTimeout(new Promise((resolve) => wake.push(resolve)), 20000, 'an event');
			return events.shift();
		},
		pause: () => asked.socket.pause(),
		resume: () => asked.socket.resume(),
		close: () => asked.destroy(),
	};
}

// A reader has no time limit, unlike a client.
check('tail', { services, server: 'keepalive_timeout = 50ms' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const placeIsFree = () => eventually(async () =>
		(await control(pair, 'HEAD', '/control/tail')).status === 200, 'a place is free');
	const all = await tailOf(pair);
	const some = await tailOf(pair, '/control/tail?service=%2Fmultiplex');
	const client = await echoOf(url, 'secret', 'four');
	const other = await subscriber(url);
	succeeds(ctl(pair, 'publish', '-S', '/multiplex', 'news', 'x'.repeat(101)));
	await other.readText();
	other.send('["uns,news","msg,echo,done"]');
	assert.strictEqual(await other.readText(), 'a["msg,echo,done"]');
	const [{ id }, { id: second }] = json(pair, 'sessions');
	succeeds(ctl(pair, 'close', second, '-r', '\u001b'));
	client.connection.close();

	const multiplex = [
		{ event: 'opened', id: second, transport: 'websocket', address: '127.0.0.1' },
		{ event: 'received', id: second, length: 8, data: 'sub,news' },
		{ event: 'subscribed', id: second, channel: 'news' },
		{ event: 'received', id: second, length: 8, data: 'sub,echo' },
		{ event: 'received', id: second, length: 14, data: 'msg,echo,ready' },
		{ event: 'sent', id: second, length: 14, data: 'msg,echo,ready' },
		{ event: 'sent', id: second, length: 101, data: 'x'.repeat(100) },
		{ event: 'published', channel: 'news', length: 101, data: 'x'.repeat(100) },
		{ event: 'received', id: second, length: 8, data: 'uns,news' },
		{ event: 'unsubscribed', id: second, channel: 'news' },
		{ event: 'received', id: second, length: 13, data: 'msg,echo,done' },
		{ event: 'sent', id: second, length: 13, data: 'msg,echo,done' },
		{ event: 'closed', id: second, code: 3000, reason: '\u001b' },
	].map((event) => ({ service: '/multiplex', ...event }));
	const echo = [
		{ event: 'opened', id, transport: 'websocket', address: '127.0.0.1' },
		{ event: 'received', id, length: 4, data: 'four' },
		{ event: 'sent', id, length: 4, data: 'four' },
	].map((event) => ({ service: '/echo', ...event }));
	const gone = { service: '/echo', event: 'closed', id, code: 0, reason: '' };
	for (const [reader, expected] of [[all, [...echo, ...multiplex, gone]], [some, multiplex]])
		for (const each of expected) {
			const { time, ...event } = await reader.next();
			assert.ok(Math.abs(time - Date.now()) < 3600e3);
			assert.deepStrictEqual(event, each);
		}
	other.connection.close();

	// The program: lines for people, and those of the daemon. It is killed, and nobody minds.
	const programs = [[], ['--json']].map((options) =>
		spawn(sockjsctl, ['--config', pair.file, 'tail', '--service', '/echo', ...options]));
	const outputs = programs.map((child) => {
		let text = '';
		child.stdout.on('data', (data) => { text += data; });
		return () => text;
	});
	const third = await echoOf(url, 'a', 'first');
	await eventually(async () => {
		third.send('["\\u001b[2J"]');
		await third.readText();
		return outputs.every((output) => output().includes('[2J'));
	}, () => outputs.map((output) => output()).join('---'));
	const line = /^\d\d:\d\d:\d\d[.]\d{3} {2}received {5}\/echo [0-9a-f-]{36} 4 B "\\u001B\[2J"$/m;
	assert.match(outputs[0](), line);
	assert.strictEqual(JSON.parse(/^.*received.*\[2J.*$/m.exec(outputs[1]())[0]).data, '\u001b[2J');

	// What cannot be written ends it.
	const full = fs.openSync('/dev/full', 'w');
	some.close();
	await placeIsFree();
	const unwritten = spawn(sockjsctl, ['--config', pair.file, 'tail'], {
		stdio: ['ignore', full, 'pipe'],
	});
	let said = '';
	unwritten.stderr.on('data', (data) => { said += data; });
	const unwrittenEnds = new Promise((resolve) => unwritten.on('close', resolve));
	await eventually(async () => {
		third.send('["x"]');
		await third.readText();
		return unwritten.exitCode !== null;
	}, 'it has ended');
	assert.strictEqual(await unwrittenEnds, 74);
	assert.match(said, /^sockjsctl: standard output: No space left on device\n$/);
	fs.closeSync(full);

	// Four at a time, no more.
	await placeIsFree();
	const fourth = await tailOf(pair);
	fails(ctl(pair, 'tail'), 75, /there are 4 already/);
	assert.strictEqual((await control(pair, 'GET', '/control/tail?service=/x')).status, 404);
	assert.strictEqual((await request(url, 'GET', '/control/tail')).status, 404);
	programs[0].kill('SIGKILL');
	await new Promise((resolve) => programs[0].on('close', resolve));
	await placeIsFree();

	// Who does not read misses something, and is told how much that was.
	fourth.close();
	all.pause();
	const many = JSON.stringify(Array(1000).fill('x'.repeat(100)));
	for (let i = 0; i < 8; i++) {
		third.send(many);
		for (let got = 0; got < 1000;)
			got += JSON.parse((await third.readText()).slice(1)).length;
	}
	third.send('["last"]');
	assert.strictEqual(await third.readText(), 'a["last"]');
	all.resume();
	let [shown, lost] = [0, 0];
	while (shown + lost < 16002) {
		const event = await all.next();
		if (event.event === 'lost')
			lost += event.count;
		else if (event.length === 100 || event.data === 'last')
			shown++;
	}
	assert.strictEqual(shown + lost, 16002);
	assert.ok(lost > 0 && shown > 500, `${lost} ${shown}`);
	third.connection.close();

	// When the daemon ends, it goes on with the next one; errors are told as long as there is none.
	let waits = '';
	programs[1].stderr.on('data', (data) => { waits += data; });
	assert.deepStrictEqual(await pair.sessiond.stop(), { code: 0, signal: null });
	await all.closed;
	const itsSocket = `${pair.directory}/control[.]sock`;
	await eventually(() => waits !== '', 'it says that the daemon has ended');
	const next = await pair.startSessiond(LISTEN);
	await eventually(() => waits.includes('again'), 'it follows the next one');
	assert.match(waits, new RegExp(`^sockjsctl: ${itsSocket}: the daemon has [^\n]*; waiting for the next one\n`
		+ `sockjsctl: ${itsSocket}: the daemon is there again\n$`));
	(await echoOf(next.url, 'b', 'after it')).connection.close();
	await eventually(() => /"received".*"after it"/.test(outputs[1]()), 'what happens there');

	// One that refuses is not asked again.
	const ended = new Promise((resolve) => programs[1].on('close', resolve));
	fs.writeFileSync(pair.file, fs.readFileSync(pair.file, 'utf8').replace('[service /echo]', '[service /other]'));
	await pair.sessiond.stop();
	await pair.startSessiond(LISTEN);
	assert.strictEqual(await ended, 68);
	assert.match(outputs[1](), /"error": "there is no service \/echo/);
});

check('an app: its connections, channels and events', {
	services: `${services}[app 1]\nkey = thekey\nsecret = thesecretthesecret\n`,
}, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const events = await tailOf(pair, '/control/tail?service=app+1');
	const clients = [];
	for (let i = 0; i < 2; i++) {
		const client = await WebSocketClient.connect(url, '/app/thekey?protocol=7');
		client.socketId = JSON.parse(JSON.parse(await client.readText()).data).socket_id;
		client.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'news' } }));
		assert.match(await client.readText(), /subscription_succeeded/);
		clients.push(client);
	}
	const [first, second] = clients;
	const news = (...args) => ctl(pair, 'publish', '--app', '1', 'news', ...args);
	succeeds(news('for one', '--event', 'a', '--except', first.socketId));
	succeeds(news('{"for":"all"}', '--event', 'b'));
	const read = async (client) => JSON.parse(await client.readText());
	assert.deepStrictEqual(await read(second), { event: 'a', channel: 'news', data: 'for one' });
	for (const client of clients)
		assert.deepStrictEqual(await read(client), { event: 'b', channel: 'news', data: '{"for":"all"}' });
	fails(news('no event'), 78, /the event has no name: .*--event in sockjsctl/);
	fails(ctl(pair, 'publish', '--app', '2', 'news', 'x', '--event', 'a'), 68, /there is no app 2/);

	const ids = json(pair, 'sessions', '--app', '1').map(({ id }) => id);
	assert.strictEqual(ids.length, 2);
	assert.strictEqual(json(pair, 'channels', '--app', '1')[0].subscribers, 2);
	fails(ctl(pair, 'sessions', '--app', '2'), 68, /there is no service app 2/);
	first.send(JSON.stringify({ event: 'pusher:unsubscribe', data: { channel: 'news' } }));
	const kinds = new Set();
	while (!kinds.has('unsubscribed'))
		kinds.add((await events.next()).event);
	assert.deepStrictEqual([...kinds].sort(),
		['opened', 'published', 'received', 'sent', 'subscribed', 'unsubscribed']);
	assert.deepStrictEqual(json(pair, 'close', 'all', '--app', '1', '--code', '4200'), { closed: 2 });
	for (const client of clients)
		assert.strictEqual((await client.readClose()).code, 4200);
	events.close();
});

check('drain: no new sessions, and those that are there go on', {}, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	await pair.startResponder();
	const upByResponder = async () => (await fastcgi(pair.address, 'GET', '/up')).text;
	await eventually(async () => await upByResponder() === 'up\n', 'the responder has met the daemon');
	const client = await echoOf(url, 'a', 'before');
	await request(url, 'POST', '/echo/000/poll/xhr');
	assert.strictEqual(succeeds(ctl(pair, 'drain')), 'draining, sessions left: 2\n');
	const up = await request(url, 'GET', '/up');
	assert.deepStrictEqual([up.status, up.text], [503, 'draining\n']);
	await eventually(async () => await upByResponder() === 'draining\n', 'the responder says so, too');
	const refused = await request(url, 'POST', '/echo/000/new/xhr');
	assert.deepStrictEqual([refused.status, refused.text], [503, 'The server is draining.\n']);
	await assert.rejects(WebSocketClient.connect(url, '/echo/000/b/websocket'));
	client.send('["after"]');
	assert.strictEqual(await client.readText(), 'a["after"]');
	assert.strictEqual((await request(url, 'POST', '/echo/000/poll/xhr_send', { body: '["x"]' })).status, 204);
	assert.strictEqual((await request(url, 'POST', '/echo/000/poll/xhr')).text, 'a["x"]\n');
	succeeds(ctl(pair, 'reload'));
	const status = ctl(pair, 'status');
	assert.match(status.stdout, /: draining: it takes no new sessions\n/);
	assert.strictEqual(status.status, 1);
	assert.deepStrictEqual(json(pair, 'drain'), { ok: true });
	assert.strictEqual(succeeds(ctl(pair, 'drain', '--off')), 'draining no more, sessions: 2\n');
	assert.strictEqual((await request(url, 'GET', '/up')).status, 200);
	await eventually(async () => await upByResponder() === 'up\n', 'and that it is over');
	assert.strictEqual((await request(url, 'POST', '/echo/000/new/xhr')).text, 'o\n');
	client.connection.close();
});

check('reload: done, or the reason why not', {}, async (pair) => {
	await pair.startSessiond();
	assert.strictEqual(succeeds(ctl(pair, 'reload')), 'reloaded\n');
	assert.deepStrictEqual(JSON.parse(succeeds(ctl(pair, 'reload', '--json'))), { ok: true });
	const control = path.join(pair.directory, 'control.sock');
	pair.rewrite((text) => text.replace('module = echo', 'module = no_such_module'));
	assert.strictEqual(fails(ctl(pair, 'reload'), 78, /sockjs[.]conf:\d+: .*no_such_module/), '');
	const { ok, error } = JSON.parse(fails(ctl(pair, 'reload', '--json'), 78, /no_such_module/));
	assert.strictEqual(ok, false);
	assert.match(error, /^[^\n]*sockjs[.]conf:\d+: .*no_such_module[^\n]*$/);
	// The file that is wrong need not be read to find the socket.
	pair.rewrite((text) => text.replace('[server]', '[servre]'));
	fails(run(['--socket', control, 'reload']), 78, /servre/);
	fails(ctl(pair, 'reload'), 78, /servre/);
	assert.match(succeeds(run(['-s', control, 'status'])), /: up\n/);
});

check('restart: under a supervisor, and without one', {}, async (pair) => {
	await pair.startSessiond();
	fails(ctl(pair, 'restart'), 78, /no supervisor.*systemctl restart/);
	await pair.sessiond.stop();
	await pair.start(sessiond, ['--supervise']);
	const restarts = (result) => JSON.parse(succeeds(result)).restarts;
	assert.strictEqual(restarts(ctl(pair, '--json', 'status')), 0);
	assert.strictEqual(succeeds(ctl(pair, 'restart')), 'restarting\n');
	// Who asks meanwhile waits for the next daemon, or hears that this one is stopping.
	await eventually(() => {
		const result = ctl(pair, '--json', 'status');
		return !(result.status === 1 && JSON.parse(result.stdout).draining) && restarts(result) === 1;
	}, 'the next one is there');
});

check('no daemon: what to do', {}, async (pair) => {
	const control = path.join(pair.directory, 'control.sock');
	fails(ctl(pair, 'status'), 69, /control[.]sock: there is no control socket: the daemon is not running/);
	await pair.startSessiond();
	await pair.sessiond.stop('SIGKILL');
	fails(ctl(pair, 'status'), 69, /control[.]sock: nobody listens there: the daemon is not running/);
	fs.unlinkSync(control);
	pair.rewrite((text) => text.replace('[fcgi]', 'control = none\n[fcgi]'));
	fails(ctl(pair, 'status'), 78, /there is no control socket: set `socket` or `control`/);
	fails(run(['--config', '/no/such/file', 'status']), 78, /no\/such\/file/);
	const [, installed] = /that names the socket \((.*)\)$/m.exec(succeeds(run(['--help'])));
	if (!fs.existsSync(installed))
		fails(run(['status']), 78, /: No such file or directory: --config FILE names .*, or --socket PATH/);
});

check('something else listens there', {}, async (pair) => {
	for (const [what, say] of [['nothing', (socket) => socket.end()], ['a greeting', (socket) => socket.end('220 mail\r\n')], ['part of an answer', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nup')]]) {
		const file = path.join(pair.directory, 'other');
		const server = net.createServer((socket) => socket.on('error', () => {}).once('data', () => say(socket)));
		await new Promise((resolve) => server.listen(file, resolve));
		const child = spawn(sockjsctl, ['--socket', file, 'status']);
		let stderr = '';
		child.stderr.on('data', (data) => { stderr += data; });
		const status = await new Promise((resolve) => child.on('close', resolve));
		assert.match(stderr, /is not the control socket/, what);
		assert.strictEqual(status, 76, what);
		server.close();
	}
});

if (process.getuid() === 0)
	check('who may not ask is told who may', {}, async (pair) => {
		await pair.startSessiond();
		const control = path.join(pair.directory, 'control.sock');
		// The program itself may lie where nobody else can look.
		const copy = path.join(pair.directory, 'sockjsctl');
		fs.copyFileSync(sockjsctl, copy);
		fs.chmodSync(copy, 0o755);
		fs.chmodSync(pair.directory, 0o755);
		const asNobody = () => spawnSync(copy, ['--socket', control, 'status'], { uid: 65534, gid: 65534, encoding: 'utf8', cwd: '/' });
		fails(asNobody(), 77, /permission denied: be root, or have `control_users` name you/);
		fs.chmodSync(control, 0o666);
		fails(asNobody(), 77, /Only root, the daemon's user and control_users/);
		fs.unlinkSync(copy);
	});

check('the command line', {}, async () => {
	for (const [args, text] of [[[], /COMMAND: is missing/], [['stats'], /stats: there is no such command/], [['status', 'reload'], /reload: one command at a time/], [['publish'], /CHANNEL is missing/], [['send'], /send: ID is missing/], [['close', 'all', 'x'], /x: there are too many arguments/], [['status', '--off'], /status: --off is none of its options/], [['publish', 'a', 'b', 'c'], /c: there are too many arguments/],
		[['--nonsense'], /unknown option/], [['--socket'], /needs a value/]])
		fails(run(args), 64, text);
	assert.match(succeeds(run(['--version'])), /^sockjsctl \(sockjs-fcgi\) \d/);
	assert.match(succeeds(run(['--help'])), /^Usage: sockjsctl /);
});

check('completion in bash', {}, async () => {
	const complete = (...words) => {
		const script = `source ${path.join(srcdir, 'sessiond/ctl/completion/sockjsctl')}; COMP_WORDS=(sockjsctl "$@"); COMP_CWORD=$#; _sockjsctl; echo "\${COMPREPLY[*]}"`;
		return spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' }).stdout.trim();
	};
	assert.strictEqual(complete(''), 'status metrics sessions channels workers publish send close tail reload restart drain');
	assert.strictEqual(complete('re'), 'reload restart');
	assert.strictEqual(complete('--json', 'm'), 'metrics');
	assert.strictEqual(complete('--so'), '--socket');
	assert.strictEqual(complete('close', ''), 'all');
	assert.strictEqual(complete('close', '--re'), '--reason');
	assert.strictEqual(complete('--config', path.join(srcdir, 'configure.a')), path.join(srcdir, 'configure.ac'));
	// It has all that --help has.
	const help = succeeds(run(['--help']));
	for (const [option] of help.matchAll(/--[a-z]+/g)) assert.strictEqual(complete(option), option);
	for (const [, command] of help.matchAll(/^ {2}([a-z]+) {4,}/gm)) assert.strictEqual(complete(command), command);
});
