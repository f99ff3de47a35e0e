'use strict';

// sockjsctl: what it prints, and what it exits with, for each thing that can happen.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { program: sessiond } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
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

check('status, as JSON: what clients did, exactly', { server: 'session_limit = 3', services: '[service /echo]\nmodule = echo\n[service /other]\nmodule = echo\n' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const clients = [await echoOf(url, 'a', 'four'), await echoOf(url, 'b', 'sixsix')];
	await request(url, 'POST', '/echo/000/poll/xhr');
	await request(url, 'POST', '/echo/000/one_too_many/xhr');
	const status = JSON.parse(succeeds(ctl(pair, 'status', '--json')));
	const none = { eventsource: 0, htmlfile: 0, 'jsonp-polling': 0, websocket: 0, 'websocket-raw': 0, 'xhr-polling': 0, 'xhr-streaming': 0 };
	assert.deepStrictEqual({ ...status, uptime_seconds: 0, memory_bytes: 0, version: 0 }, {
		version: 0, ready: true, draining: false, uptime_seconds: 0, restarts: 0, memory_bytes: 0,
		sessions: 3,
		services: { '/echo': { sessions: 3, connections: { ...none, websocket: 2 } }, '/other': { sessions: 0, connections: none } },
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
	const restarts = () => JSON.parse(succeeds(ctl(pair, '--json', 'status'))).restarts;
	assert.strictEqual(restarts(), 0);
	assert.strictEqual(succeeds(ctl(pair, 'restart')), 'restarting\n');
	// Who asks meanwhile waits for the next daemon.
	await eventually(() => restarts() === 1, 'the next one is there');
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
	for (const [args, text] of [[[], /COMMAND: is missing/], [['stats'], /stats: there is no such command/], [['status', 'reload'], /reload: one command at a time/], [['publish'], /CHANNEL is missing/], [['publish', 'a', 'b', 'c'], /c: there are too many arguments/],
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
	assert.strictEqual(complete(''), 'status metrics reload restart publish');
	assert.strictEqual(complete('re'), 'reload restart');
	assert.strictEqual(complete('--json', 'm'), 'metrics');
	assert.strictEqual(complete('--so'), '--socket');
	assert.strictEqual(complete('--config', path.join(srcdir, 'configure.a')), path.join(srcdir, 'configure.ac'));
	// It has all that --help has.
	const help = succeeds(run(['--help']));
	for (const [option] of help.matchAll(/--[a-z]+/g)) assert.strictEqual(complete(option), option);
	for (const [, command] of help.matchAll(/^ {2}([a-z]+) {4,}/gm)) assert.strictEqual(complete(command), command);
});
