'use strict';

// Requests outside every service: the [fallback] section, with and without static files.
// tests/modules/pages.c answers by path.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDaemon, runDaemon, killAll, temporaryDirectory, withLog } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Connection, formatRequest, request } = require('./lib/http');
const { WebSocketClient } = require('./lib/websocket');

const buildDirectory = process.env.SOCKJS_BUILDDIR || path.join(__dirname, '../..');
const modulePath = (name) => path.join(buildDirectory, 'tests', 'modules', `${name}.so`);
const BODY_LIMIT = 1000;

const directory = temporaryDirectory();
fs.mkdirSync(path.join(directory, 'www'));
fs.writeFileSync(path.join(directory, 'www', 'file.txt'), 'a file\n');

const service = '[service /echo]\nmodule = echo\n';
const fallback = `[fallback]\nmodule = ${modulePath('pages')}\nbody_limit = ${BODY_LIMIT}\n`;

let daemon;
before(async () => {
	daemon = await startDaemon({ conf: `[server]\nstatic = ${directory}/www\n${fallback}${service}` });
});
after(() => {
	killAll();
	fs.rmSync(directory, { recursive: true, force: true });
});

const check = (name, body) => test(`fallback: ${name}`, withLog(() => daemon, body));
const ask = (method, target, options) => request(daemon.url, method, target, options);

check('the module sees the request', async () => {
	const answer = await ask('GET', '/show%20it?a=b%20c', { headers: { 'x-test': 'yes' } });
	assert.strictEqual(answer.status, 200);
	assert.strictEqual(answer.header('Content-Type'), 'text/plain');
	assert.strictEqual(answer.text, 'GET|/show%20it|a=b%20c|yes|127.0.0.1|1|fallback');
	assert.strictEqual((await ask('PATCH', '/show%20it')).text, 'PATCH|/show%20it|NULL|NULL|127.0.0.1|1|fallback');
});

check('HEAD is answered without the body', async () => {
	const answer = await ask('HEAD', '/show%20it');
	assert.strictEqual(answer.status, 200);
	assert.strictEqual(answer.text, '');
});

check('a body comes whole, and its answer\'s headers too', async () => {
	const body = Buffer.alloc(BODY_LIMIT, 0).map((_, i) => i % 256);
	const answer = await ask('POST', '/body', { body });
	assert.strictEqual(answer.status, 201);
	assert.deepStrictEqual(answer.body, body);
	assert.strictEqual(answer.header('X-One'), '1');
	assert.strictEqual(answer.header('Set-Cookie'), 'a=b');
	assert.strictEqual((await ask('POST', '/body')).body.length, 0);
});

check('a body over body_limit is refused with 413, and the module is not asked', async () => {
	assert.strictEqual((await ask('POST', '/body', { body: Buffer.alloc(BODY_LIMIT + 1) })).status, 413);
});

check('an answer may come later, or be worked out by a thread', async () => {
	assert.strictEqual((await ask('GET', '/later')).text, 'later');
	const answers = await Promise.all(Array.from({ length: 20 }, () => ask('GET', '/thread')));
	assert.ok(answers.every((answer) => answer.text === 'from a thread'));
});

check('several requests of one connection, each answered later', async () => {
	const connection = await Connection.open(daemon.url);
	for (const target of ['/later', '/show%20it', '/thread'])
		assert.strictEqual((await connection.request('GET', target)).status, 200);
	connection.close();
});

check('a client that leaves before its answer: the handle is found out', async () => {
	const connection = await Connection.open(daemon.url);
	const since = daemon.stderr.length;
	connection.write(formatRequest('GET', '/much-later', { host: 'localhost' }));
	await ask('GET', '/show%20it'); // what came before this has arrived
	connection.socket.destroy();
	await eventually(() => /fallback: later: -1\n/.test(daemon.stderr.slice(since)), 'the answer is refused');
	assert.match(daemon.stderr.slice(since), /sockjs_respond: the connection or request is gone/);
});

check('a second answer is refused', async () => {
	assert.strictEqual((await ask('GET', '/twice')).text, 'first');
	await eventually(() => /twice: 0 -1 0\n/.test(daemon.stderr), 'the answers are counted');
});

check('what cannot be sent is refused, and the request stays', async () => {
	assert.strictEqual((await ask('GET', '/mistakes')).text, '13 refused');
});

check('a file goes first; another method is the module\'s', async () => {
	assert.strictEqual((await ask('GET', '/file.txt')).text, 'a file\n');
	assert.strictEqual((await ask('HEAD', '/file.txt')).status, 200);
	assert.strictEqual((await ask('POST', '/file.txt')).text, 'no such page');
	assert.strictEqual((await ask('GET', '/none.txt')).text, 'no such page');
});

check('services are served as ever', async () => {
	const client = await WebSocketClient.connect(daemon.url, '/echo/websocket');
	client.send('x');
	assert.strictEqual(await client.readText(), 'x');
	client.connection.close();
	assert.strictEqual((await ask('GET', '/echo')).text, 'Welcome to SockJS!\n');
	assert.strictEqual((await ask('GET', '/echo/nonsense')).text, '404 Error: Page not found\n');
});

check('its requests are in its log', async () => {
	await eventually(() => /info: \S+ POST \/body 201 \d+ms/.test(daemon.stderr), 'the log has the request');
});

check('the end does not wait for ever for an answer that never comes', async () => {
	const connection = await Connection.open(daemon.url);
	connection.write(formatRequest('GET', '/never', { host: 'localhost' }));
	await ask('GET', '/show%20it');
	assert.strictEqual((await daemon.stop()).code, 0);
	connection.close();
});

test('fallback: without files the module has every request', async () => {
	daemon = await startDaemon({ conf: `${fallback}${service}` });
	assert.strictEqual((await ask('GET', '/file.txt')).text, 'no such page');
	await daemon.stop();
});

for (const args of [[], ['--check']])
	test(`fallback: a module that answers no requests is refused${args.length ? ' by --check' : ''}`, async () => {
		const file = path.join(directory, 'sockjs.conf');
		fs.writeFileSync(file, `${service}\n[fallback]\nmodule = echo\n`);
		const { code, stderr } = await runDaemon(['--config', file, '--listen', '127.0.0.1:0', ...args]);
		assert.strictEqual(code, 78);
		assert.ok(stderr.includes(`${file}:4: module "echo" answers no requests: it has no \`request\` callback`), stderr);
	});
