'use strict';

// The interface of modules (sockjs.h) as modules see it: tests/modules/probe.c does what a message
// says and answers with what came of it, through websockets and through polling.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDaemon, runDaemon, killAll, temporaryDirectory, withLog } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Connection, request } = require('./lib/http');
const { Session } = require('./lib/session');
const { WebSocketClient } = require('./lib/websocket');

const buildDirectory = process.env.SOCKJS_BUILDDIR || path.join(__dirname, '../..');
const modulePath = (name) => path.join(buildDirectory, 'tests', 'modules', `${name}.so`);
const PROBE = modulePath('probe');
const EX_CONFIG = 78;

// Services of one module, with options of their own each, beside another module.
const conf = `[server]
heartbeat_delay = 20s

[service /one]
module = ${PROBE}
module.greeting = hello there
module.number = 7
drain_mark = 100k

[service /two]
module = ${PROBE}
module.delay = 2s
response_limit = 1000
websocket = off

[service /two/inner]
module = ${PROBE}
module.greeting = inner

[service /kept]
module = ${PROBE}
module.keep_log = on
log_level = debug

[service /echo]
module = echo
`;

let daemon;
let context;
before(async () => {
	daemon = await startDaemon({ conf });
	let ids = 0;
	context = {
		uniqueId: () => `api${++ids}`,
		connect: () => Connection.open(daemon.url),
		request: (method, target, options) => request(daemon.url, method, target, options),
	};
});
after(killAll);

const check = (name, body) => test(`api: ${name}`, withLog(() => daemon, body));
const connect = (prefix) => WebSocketClient.connect(daemon.url, `${prefix}/websocket`);

// A message and its answer, over a raw websocket of its own.
async function ask(prefix, text) {
	const client = await connect(prefix);
	client.send(text);
	const answer = await client.readText();
	client.connection.close();
	return answer;
}

// The same through polls.
async function askByPoll(prefix, text) {
	const session = await new Session(context, prefix).open();
	await session.send([text]);
	return JSON.parse((await session.poll()).slice(1))[0];
}

// The log, once it has what the pattern says.
async function logged(pattern, since = 0) {
	await eventually(() => pattern.test(daemon.stderr.slice(since)), `${pattern} in the log`);
}

// --- services and options ------------------------------------------------------------------------

check('several services of one module: their own start, user data and options, one module', async () => {
	assert.match(await ask('/one', 'who'), /^\/one hello there 7 1000 starts 4 connections 1$/);
	assert.match(await askByPoll('/two', 'who'), /^\/two NULL 42 2000 starts 4 connections 1$/);
	assert.match(await ask('/two/inner', 'who'), /^\/two\/inner inner 42 1000 starts 4 /);
});

check('another module beside it', async () => {
	assert.strictEqual(await ask('/echo', 'who'), 'who');
});

check('prefixes with options of their own', async () => {
	assert.strictEqual((await request(daemon.url, 'GET', '/two/websocket')).status, 404);
	assert.strictEqual(JSON.parse((await request(daemon.url, 'GET', '/two/info')).text).websocket, false);
	assert.strictEqual(JSON.parse((await request(daemon.url, 'GET', '/one/info')).text).websocket, true);
});

const refusals = {
	'a module of another ABI': [
		`[service /echo]\nmodule = echo\n\n[service /old]\nmodule = ${modulePath('stale')}\n`, 4, true,
		/stale\.so: built for version 2 of sockjs\.h, this is version 3; build it again$/],
	'a module that does not say its ABI': [
		`[service /new]\nmodule = ${modulePath('unversioned')}\n`, 1, true,
		/unversioned\.so: its SOCKJS_MODULE has no line \.abi = SOCKJS_ABI$/],
	'a file that is no shared object': [
		`[service /script]\nmodule = ${__filename}\n`, 1, true,
		/api\.test\.js: it is no shared object, as cc -shared -fPIC makes them; a script is named by `program`$/],
	'an option that the module does not know': [
		`[service /one]\nmodule = ${PROBE}\n\nmodule.greting = x\n`, 4, true,
		/the module has no option "module\.greting", did you mean "module\.greeting"\?$/],
	'a value that the module cannot read': [
		`[service /one]\nmodule = ${PROBE}\nmodule.greeting = x\nmodule.number = 101\n`, 4, false,
		/module\.number: "101" is out of range \(1 to 100\)$/],
	'a module that refuses to start': [
		`[service /one]\nmodule = ${PROBE}\n\n[service /two]\nmodule = ${PROBE}\nmodule.refuse = a holiday\n`, 4, false,
		/not today: a holiday$/],
};
for (const [name, [text, line, atCheck, message]] of Object.entries(refusals))
	for (const args of atCheck ? [['--check'], []] : [[]])
		test(`api: ${name} ${args.length ? 'is found by --check' : 'stops the start'}, with its place`, async () => {
			const directory = temporaryDirectory();
			const file = path.join(directory, 'sockjs.conf');
			fs.writeFileSync(file, text);
			const { code, stdout, stderr } = await runDaemon(['--config', file, '--listen', '127.0.0.1:0', ...args]);
			fs.rmSync(directory, { recursive: true });
			assert.strictEqual(code, EX_CONFIG, stderr);
			assert.strictEqual(stdout, '');
			const last = stderr.trimEnd().split('\n').pop();
			assert.ok(last.includes(`sockjs-sessiond: ${file}:${line}: `), stderr);
			assert.match(last, message);
		});

// --- what is known of a connection ---------------------------------------------------------------

check('what sockjs-node tells of a connection, over a websocket', async () => {
	const client = await WebSocketClient.connect(daemon.url, '/one/websocket?q=1', {
		headers: { 'User-Agent': 'probe', Cookie: 'a=b' } });
	client.send('getters');
	const [protocol, prefix, url, pathname, remote, remotePort, local, port, states, agent, cookie] =
		(await client.readText()).split('|');
	assert.deepStrictEqual({ protocol, prefix, url, pathname, remote, local, port, states, agent, cookie }, {
		protocol: 'websocket-raw', prefix: '/one', url: '/one/websocket?q=1', pathname: '/one/websocket', remote: '127.0.0.1',
		local: '127.0.0.1', port: String(daemon.port), states: '111', agent: 'probe', cookie: 'NULL' });
	assert.strictEqual(Number(remotePort), client.connection.socket.localPort);
	client.connection.close();
});

check('the same of a polling connection: of its last receiving request', async () => {
	const fields = (await askByPoll('/one', 'getters')).split('|');
	assert.strictEqual(fields[0], 'xhr-polling');
	assert.match(fields[2], /^\/one\/000\/api\d+\/xhr$/);
});

check('ids are the application\'s own', async () => {
	const ids = [await ask('/one', 'id'), await ask('/one', 'id'), await askByPoll('/one', 'id')];
	for (const id of ids)
		assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
	assert.strictEqual(new Set(ids).size, 3);
});

check('binary messages go both ways, told apart from text', async () => {
	const client = await connect('/one');
	client.sendBinary(Buffer.from([0xff, 0, 1]));
	const { opcode, payload } = await client.read();
	assert.strictEqual(opcode, 2);
	assert.deepStrictEqual(payload, Buffer.from([0xff, 0, 1]));
	client.connection.close();
});

check('end(message) and close(code, reason)', async () => {
	const ended = await connect('/one');
	ended.send('end bye');
	assert.strictEqual(await ended.readText(), 'bye');
	assert.strictEqual((await ended.readClose()).code, 1000);
	const closed = await connect('/one');
	closed.send('close 3456 enough');
	const { code, reason } = await closed.readClose();
	assert.deepStrictEqual({ code, reason }, { code: 3456, reason: 'enough' });
	const session = await new Session(context, '/one').open();
	await session.send(['close 3456 enough']);
	assert.strictEqual(await session.poll(), 'c[3456,"enough"]');
});

// --- drain ---------------------------------------------------------------------------------------

check('drain: a websocket that reads slowly, then fast, is told of once', async () => {
	const client = await connect('/one');
	client.connection.socket.pause();
	client.send('flood 3000000');
	// The answer would come after what waits.
	await ask('/one', 'id');
	client.connection.socket.resume();
	let text;
	let flood = 0;
	while (/^x+$/.test((text = await client.readText())))
		flood += text.length;
	assert.strictEqual(text, 'drain 1, 0 wait');
	assert.ok(flood > 2500000, `${flood} bytes before it`);
	client.send('flood 50000'); // under drain_mark: no event, and the next answer comes right behind
	client.send('id');
	while (/^x+$/.test((text = await client.readText())))
		continue;
	assert.match(text, /^[0-9a-f-]{36}$/);
	client.send('flood 200000');
	while (/^x+$/.test((text = await client.readText())))
		continue;
	assert.strictEqual(text, 'drain 2, 0 wait');
	client.connection.close();
});

check('drain: through polls, once the queue was fetched', async () => {
	const session = await new Session(context, '/one').open();
	await session.send(['flood 150000']);
	const messages = JSON.parse((await session.poll()).slice(1));
	assert.ok(messages.length > 100 && messages.every((text) => /^x{1000}$/.test(text)));
	assert.strictEqual(await session.poll(), 'a["drain 1, 0 wait"]');
});

// --- threads -------------------------------------------------------------------------------------

check('functions from 4 threads run on the loop, all of them, each thread\'s in order', async () => {
	assert.strictEqual(await ask('/one', 'threads 4 5000'), '20000 ran, 0 out of order');
	assert.strictEqual(await askByPoll('/two', 'threads 2 100'), '200 ran, 0 out of order');
});

check('calls from another thread are refused, with a line in the log', async () => {
	assert.strictEqual(await ask('/one', 'wrong-thread'), '-5 -5 0 -5');
	await logged(/error: sockjs_write: called on a thread that is not the daemon's/);
	assert.match(await ask('/one', 'who'), /hello there/, 'user data is what it was');
});

// --- mistakes ------------------------------------------------------------------------------------

check('mistakes are error codes and lines in the log', async () => {
	const since = daemon.stderr.length;
	assert.strictEqual(await ask('/one', 'misuse'), 'misuse 0');
	for (const line of [/\[#\d+\] .*probe\.so: sockjs_write \(data is NULL\)/, /sockjs_write \(the message is not UTF-8\)/,
		/sockjs_close \(the code is neither/, /sockjs_group_write: the group was destroyed/, /sockjs_timer_stop: the timer was stopped before/])
		await logged(line, since);
	assert.strictEqual(await askByPoll('/one', 'misuse'), 'misuse 0');
});

check('write after close: the first close counts, and the log has the rest', async () => {
	const since = daemon.stderr.length;
	const client = await connect('/one');
	client.send('write-after-close');
	const message = await client.read();
	assert.strictEqual(message.code, 3001);
	await logged(/info: \[#\d+\] .*sockjs_write \(the connection is closing\)/, since);
	await logged(/sockjs_close \(the connection is closing\)/, since);
});

check('the handle of a connection that ended finds nothing', async () => {
	await ask('/one', 'id');
	await eventually(async () => (await ask('/one', 'former')) === '-1 -1 3 NULL', 'the handle is not followed');
});

// --- the log -------------------------------------------------------------------------------------

check('sockjs_log: a line with the service\'s name, escaped', async () => {
	assert.strictEqual(await ask('/one', 'log two\nlines \u00e4'), 'logged');
	await logged(/info: \/one: two\\nlines \\xc3\\xa4\n/);
});

check('a log callback gets the lines of its service, and can keep them from the log', async () => {
	const session = await new Session(context, '/kept').open();
	await session.send(['line']);
	const [line] = JSON.parse((await session.poll()).slice(1));
	assert.match(line, /^(1 127\.0\.0\.1 POST \/kept\/000\/ap?\S*\.\.\.\/xhr 200 \d+ms|2 \[#\d+\] \S+ -> \S+ \(.*\))$/);
	assert.doesNotMatch(daemon.stderr, /\/kept\//);
	await session.send(['log mine']);
	await session.poll();
	await logged(/info: \/kept: mine\n/);
});

// --- the end -------------------------------------------------------------------------------------

check('the end: connections are closed, what was put off runs, then stop, which can put nothing off', async () => {
	const client = await connect('/one');
	client.send('id');
	await client.readText();
	const since = daemon.stderr.length;
	const ended = daemon.stop();
	assert.strictEqual((await client.readClose()).code, 1001);
	client.connection.close();
	assert.strictEqual((await ended).code, 0);
	const lines = daemon.stderr.slice(since);
	assert.match(lines, /\/one: what was put off has run\n[^]*\/one: stop: -6\n/);
	assert.strictEqual(lines.match(/: stop: -6\n/g).length, 4);
	assert.doesNotMatch(lines, /stop: -6\n[^]*\/one: what was put off/);
});
