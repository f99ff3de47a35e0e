'use strict';

// The daemon as a program: its options, exit codes and messages, its sockets, signals, and an end
// without leaks.

const assert = require('node:assert');
const { allAsleep } = require('./lib/asleep');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test, after } = require('node:test');
const { Daemon, program, startDaemon, runDaemon, killAll, temporaryDirectory, withTimeout, unsanitized } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Connection, formatRequest, request } = require('./lib/http');
const { freePort, srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const EX_USAGE = 64;
const EX_CONFIG = 78;

const directory = temporaryDirectory();
after(() => {
	killAll();
	fs.rmSync(directory, { recursive: true, force: true });
});

const ECHO = '[service /echo]\nmodule = echo\n';
let files = 0;
function confFile(text) {
	const file = path.join(directory, `${++files}.conf`);
	fs.writeFileSync(file, text);
	return file;
}

async function runConf(text, ...args) {
	const file = confFile(text);
	const result = await runDaemon(['--config', file, '--listen', `127.0.0.1:${await freePort()}`, ...args]);
	return { file, ...result };
}

const check = (name, ...rest) => test(`process: ${name}`, ...rest);

// --- options -------------------------------------------------------------------------------------

check('--help prints the usage on standard output', async () => {
	const { code, stdout, stderr } = await runDaemon(['--help']);
	assert.strictEqual(code, 0);
	assert.match(stdout, /^Usage: sockjs-sessiond/im);
	for (const option of ['--config', '--listen', '--socket', '--supervise', '-n', '--help', '--version'])
		assert.ok(stdout.includes(option), `no word about ${option}`);
	assert.ok(stdout.split('\n').every((line) => line.length <= 100), 'lines fit a terminal');
	assert.strictEqual(stderr, '');
});

check('--version prints the version', async () => {
	const { code, stdout, stderr } = await runDaemon(['--version']);
	assert.strictEqual(code, 0);
	assert.match(stdout, /^sockjs-sessiond .*\d+\.\d+(\.\d+)?\S*\n$/);
	assert.strictEqual(stderr, '');
});

for (const args of [['--nonsense'], ['-Z'], ['--config'], ['--listen'], ['unexpected'], ['--config', 'a', 'b']])
	check(`the wrong command line "${args.join(' ')}" exits with 64 and a hint`, async () => {
		const { code, stdout, stderr } = await runDaemon(args);
		assert.strictEqual(code, EX_USAGE);
		assert.strictEqual(stdout, '');
		assert.match(stderr, /--help|usage/i);
	});

for (const address of ['nonsense', '127.0.0.1', '127.0.0.1:', '127.0.0.1:99999', '127.0.0.1:-1', '127.0.0.1:80x', ':::', '300.0.0.1:80', ''])
	check(`the address "${address}" is refused with its name`, async () => {
		const { code, stderr } = await runDaemon(['--config', confFile(ECHO), '--listen', address]);
		assert.ok([EX_USAGE, EX_CONFIG].includes(code), `code ${code}`);
		assert.match(stderr, /listen/);
		assert.ok(stderr.includes(address.split(':').pop()), stderr);
	});

check('a port that is taken is said clearly', async () => {
	const server = net.createServer();
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address();
	const { code, stdout, stderr } = await runDaemon(['--config', confFile(ECHO), '--listen', `127.0.0.1:${port}`]);
	server.close();
	assert.notStrictEqual(code, 0);
	assert.strictEqual(stdout, '', 'it never said that it is ready');
	assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port}.*Address already in use`));
});

// --- configuration -------------------------------------------------------------------------------

check('a missing configuration file: PATH: No such file or directory, 78', async () => {
	const { code, stderr } = await runDaemon(['--config', '/no/such/file.conf']);
	assert.strictEqual(code, EX_CONFIG);
	assert.match(stderr, /(^|\s)\/no\/such\/file\.conf: No such file or directory\n/);
});

check('a folder as the configuration file is refused, 78', async () => {
	const { code, stderr } = await runDaemon(['--config', directory]);
	assert.strictEqual(code, EX_CONFIG);
	assert.ok(stderr.includes(`${directory}: `), stderr);
});

const mistakes = {
	'an unknown option': [`[server]\n\n${ECHO}# a comment\nrespnse_limit = 10\n`, 6, 'unknown option "respnse_limit", did you mean "response_limit"?'],
	'an unknown option of the server': ['[server]\nrequest_timeot = 10\n', 2, 'unknown option "request_timeot", did you mean "request_timeout"?'],
	'an unknown option like no other': [`${ECHO}xyzzy = 1\n`, 3, 'unknown option "xyzzy"'],
	'a number that is none': [`${ECHO}heartbeat_delay = 25x\n`, 3, 'heartbeat_delay: "25x"'],
	'a number out of its range': [`${ECHO}response_limit = 0\n`, 3, 'response_limit: '],
	'a switch that is neither on nor off': [`${ECHO}websocket = maybe\n`, 3, 'websocket: "maybe"'],
	'an unknown transport': [`${ECHO}transports = websocket, carrier-pigeon\n`, 3, 'carrier-pigeon'],
	'an option twice': [`${ECHO}websocket = on\nwebsocket = off\n`, 4, 'option "websocket" was already set on line 3'],
	'an unknown section': ['[servr]\n', 1, 'servr'],
	'a service without a prefix': ['[service]\nmodule = echo\n', 1, ''],
	'the same prefix twice': [`${ECHO}\n${ECHO}`, 4, '/echo'],
	'a line that is nothing': [`${ECHO}nonsense\n`, 3, ''],
	'a bad regular expression': ['[service ~ /(]\nmodule = echo\n', 1, ''],
};
for (const [name, [text, line, message]] of Object.entries(mistakes))
	for (const args of [[], ['-n']])
		check(`${name} ${args.length ? 'is found by -n' : 'stops the start'}: PATH:LINE and what is wrong, 78`, async () => {
			const { code, stdout, stderr, file } = await runConf(text, ...args);
			assert.strictEqual(code, EX_CONFIG);
			assert.strictEqual(stdout, '');
			assert.ok(stderr.includes(`${file}:${line}: `) && stderr.includes(message), stderr);
		});

check('a service without a module is refused', async () => {
	const { code, stderr, file } = await runConf('[service /echo]\nresponse_limit = 5\n');
	assert.strictEqual(code, EX_CONFIG);
	assert.ok(stderr.includes(file) && /module/.test(stderr), stderr);
});

check('a missing module: says its name, and where it was looked for', async () => {
	const { code, stderr } = await runConf('[service /echo]\nmodule = nosuchmodule\n');
	assert.strictEqual(code, EX_CONFIG);
	assert.match(stderr, /nosuchmodule/);
	assert.match(stderr, /nosuchmodule\.so in \/\S+/);
});

check('a module that is no module is refused', async () => {
	const file = path.join(directory, 'text.so');
	fs.writeFileSync(file, 'not a shared object\n');
	const { code, stderr } = await runConf(`[service /echo]\nmodule = ${file}\n`);
	assert.strictEqual(code, EX_CONFIG);
	assert.ok(stderr.includes(file), stderr);
});

check('-n accepts a good configuration, without listening', async () => {
	const { code, stdout } = await runConf(`[server]\nrequest_timeout = 5s\n${ECHO}`, '-n');
	assert.strictEqual(code, 0);
	assert.doesNotMatch(stdout, /^ready/m);
});

check('-n accepts tests/services.conf', async () => {
	const { code, stderr } = await runDaemon(['--config', path.join(srcdir, 'tests/services.conf'), '-n']);
	assert.strictEqual(code, 0, stderr);
});

check('-n accepts examples/sockjs.conf', async () => {
	// Its page may not have been put together.
	const text = fs.readFileSync(path.join(srcdir, 'examples/sockjs.conf'), 'utf8').replace(/^static = .*$/m, 'static = .');
	const { code, stderr } = await runConf(text, '-n');
	assert.strictEqual(code, 0, stderr);
});

check('listens where the configuration says', async () => {
	const port = await freePort();
	const daemon = new Daemon(program, ['--config', confFile(`[server]\nlisten = 127.0.0.1:${port}\n${ECHO}`)]);
	await daemon.waitReady();
	assert.strictEqual((await request(`http://127.0.0.1:${port}`, 'GET', '/echo')).status, 200);
	assert.deepStrictEqual(await daemon.stop(), { code: 0, signal: null });
});

check('listens on several addresses', async () => {
	const ports = [await freePort(), await freePort()];
	const listen = ports.map((port) => `127.0.0.1:${port}`).join(' ');
	const daemon = new Daemon(program, ['--config', confFile(`[server]\nlisten = ${listen}\n${ECHO}`)]);
	await daemon.waitReady();
	for (const port of ports)
		assert.strictEqual((await request(`http://127.0.0.1:${port}`, 'GET', '/echo')).status, 200);
	assert.deepStrictEqual(await daemon.stop(), { code: 0, signal: null });
});

check('listens on a port of the system\'s choice, and says which', async () => {
	const daemon = new Daemon(program, ['--config', confFile(ECHO), '--listen', '127.0.0.1:0']);
	await daemon.waitReady();
	const [, port] = /^ready .*127\.0\.0\.1:(\d+)/m.exec(daemon.stdout) || assert.fail(daemon.stdout);
	assert.strictEqual((await request(`http://127.0.0.1:${port}`, 'GET', '/echo')).status, 200);
	await daemon.stop();
});

// --- Unix sockets --------------------------------------------------------------------------------

// An HTTP request over a Unix socket: the status line.
function requestUnix(file) {
	return withTimeout(new Promise((resolve, reject) => {
		const socket = net.connect(file, () => socket.write('GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
		let text = '';
		socket.setEncoding('latin1').on('data', (data) => { text += data; }).on('end', () => resolve(text)).on('error', reject);
	}), 5000, 'no answer on the Unix socket');
}

async function startUnix(file, option) {
	const daemon = new Daemon(program, option ? ['--config', confFile(ECHO), '--socket', file] :
		['--config', confFile(`[server]\nsocket = ${file}\n${ECHO}`)]);
	await daemon.waitReady();
	return daemon;
}

for (const option of [false, true])
	check(`listens on a Unix socket (${option ? '--socket' : 'socket ='}), and removes it at the end`, async () => {
		const file = path.join(directory, `unix-${option}`);
		const daemon = await startUnix(file, option);
		assert.match(await requestUnix(file), /^HTTP\/1\.1 200 [^]*Welcome to SockJS!\n$/);
		assert.deepStrictEqual(await daemon.stop(), { code: 0, signal: null });
		assert.ok(!fs.existsSync(file), 'the socket is gone');
	});

check('a Unix socket that a killed daemon left behind is taken over', async () => {
	const file = path.join(directory, 'stale');
	const killed = await startUnix(file);
	await killed.stop('SIGKILL');
	assert.ok(fs.existsSync(file), 'it was left behind');
	const daemon = await startUnix(file);
	assert.match(await requestUnix(file), /^HTTP\/1\.1 200 /);
	await daemon.stop();
});

check('a Unix socket on which somebody listens is not taken over', async () => {
	const file = path.join(directory, 'taken');
	const first = await startUnix(file);
	const { code, stdout, stderr } = await runDaemon(['--config', confFile(ECHO), '--socket', file]);
	assert.notStrictEqual(code, 0);
	assert.strictEqual(stdout, '');
	assert.ok(stderr.includes(file), stderr);
	assert.match(await requestUnix(file), /^HTTP\/1\.1 200 /);
	await first.stop();
});

check('an ordinary file is not taken for a stale socket', async () => {
	const file = path.join(directory, 'precious');
	fs.writeFileSync(file, 'precious\n');
	const { code, stderr } = await runDaemon(['--config', confFile(ECHO), '--socket', file]);
	assert.notStrictEqual(code, 0);
	assert.ok(stderr.includes(file), stderr);
	assert.strictEqual(fs.readFileSync(file, 'utf8'), 'precious\n');
});

check('a path too long for a Unix socket is refused with the limit', async () => {
	const file = path.join(directory, 'x'.repeat(200));
	const { code, stderr } = await runDaemon(['--config', confFile(ECHO), '--socket', file]);
	assert.notStrictEqual(code, 0);
	assert.match(stderr, /socket: .*longer than \d+ bytes/);
});

// --- signals -------------------------------------------------------------------------------------

// A receiver of each kind, opened and waiting.
async function openEverything(url) {
	const open = async (method, target, opening) => {
		const connection = await Connection.open(url);
		const answer = await connection.open(method, target);
		await answer.readUntil(opening);
		return { connection, answer };
	};
	const poll = await Connection.open(url);
	await poll.request('POST', '/echo/000/poll/xhr');
	poll.write(formatRequest('POST', '/echo/000/poll/xhr', { host: 'x' }));
	const websocket = await WebSocketClient.connect(url, '/echo/000/x/websocket');
	await websocket.readText();
	return {
		websocket,
		raw: await WebSocketClient.connect(url, '/echo/websocket'),
		poll,
		xhr: await open('POST', '/echo/000/xhrs/xhr_streaming', 'o\n'),
		eventsource: await open('GET', '/echo/000/es/eventsource', 'data: o\r\n\r\n'),
		htmlfile: await open('GET', '/echo/000/hf/htmlfile?c=x', 'p("o");\n</script>\r\n'),
		silent: await Connection.open(url),
	};
}

for (const signal of ['SIGTERM', 'SIGINT'])
	check(`${signal} tells every client, over each transport, and exits with 0`, async () => {
		const daemon = await startDaemon({ conf: ECHO });
		const { websocket, raw, poll, xhr, eventsource, htmlfile, silent } = await openEverything(daemon.url);
		const stopped = daemon.stop(signal);

		const frame = await websocket.readText();
		assert.match(frame, /^c\[\d{4},".+"\]$/);
		const json = frame.slice(1);
		const close = await websocket.readClose();
		assert.ok(close.code >= 1000, `code ${close.code}`);
		websocket.sendClose(close.code);
		assert.ok((await raw.readClose()).code >= 1000);
		raw.sendClose(1001);
		const polled = await poll.readAnswer('POST');
		await polled.readToEnd();
		assert.strictEqual(polled.text, `${frame}\n`);
		assert.strictEqual((await xhr.answer.readToEnd()).toString(), `${frame}\n`);
		assert.strictEqual((await eventsource.answer.readToEnd()).toString(), `data: ${frame}\r\n\r\n`);
		assert.match((await htmlfile.answer.readToEnd()).toString(), new RegExp(`^<script>\\np\\("c\\[${JSON.parse(json)[0]},`));
		await silent.expectClose();
		assert.deepStrictEqual(await stopped, { code: 0, signal: null });
	});

check('SIGTERM ends in bounded time although clients do not answer', async () => {
	const daemon = await startDaemon({ conf: ECHO });
	await openEverything(daemon.url);
	assert.deepStrictEqual(await daemon.stop(), { code: 0, signal: null });
});

check('a request that comes with the second signal to stop: no crash, and no answer', async () => {
	const daemon = await startDaemon({ conf: `[server]\nstore = sessions.db\n${ECHO}` });
	const socket = net.connect({ port: daemon.port, host: '127.0.0.1', allowHalfOpen: true });
	const ended = new Promise((resolve) => socket.on('end', resolve));
	let answers = '';
	socket.on('error', () => {}).on('data', (bytes) => (answers += bytes));
	const ask = (session) => new Promise((resolve) => socket.write(formatRequest('POST', `/echo/000/${session}/xhr`, { host: 'x' }), resolve));
	await ask('s');
	await eventually(() => answers.includes('o\n'), 'a session is open');
	await ask('s');
	await eventually(async () => (await request(daemon.url, 'POST', '/echo/000/s/xhr')).text.startsWith('c[2010,'), 'a poll is held');
	daemon.child.kill('SIGTERM');
	await ended;
	assert.match(answers, /h\n$/);
	// What the daemon finds when it goes on has come at once.
	daemon.child.kill('SIGSTOP');
	await eventually(() => / T /.test(fs.readFileSync(`/proc/${daemon.pid}/stat`, 'utf8')), 'it is stopped');
	const before = answers;
	await ask('late');
	daemon.child.kill('SIGINT');
	daemon.child.kill('SIGCONT');
	assert.deepStrictEqual(await withTimeout(daemon.exited, 10000, 'it does not end'), { code: 0, signal: null });
	assert.strictEqual(answers, before);
	socket.destroy();
});

check('messages written before SIGTERM are delivered', async () => {
	const daemon = await startDaemon({ conf: ECHO });
	const client = await WebSocketClient.connect(daemon.url, '/echo/000/x/websocket');
	assert.strictEqual(await client.readText(), 'o');
	client.send('["a"]');
	assert.strictEqual(await client.readText(), 'a["a"]');
	client.connection.socket.pause();
	for (let i = 0; i < 20; i++)
		client.send(JSON.stringify(['x'.repeat(100000)]));
	await eventually(() => client.connection.socket.writableLength === 0, 'everything is sent');
	await allAsleep(daemon); // and heard
	const stopped = daemon.stop();
	client.connection.socket.resume();
	let length = 0;
	for (let message; (message = await client.read()).opcode === 1;) {
		if (message.text[0] === 'a')
			length += JSON.parse(message.text.slice(1)).join('').length;
	}
	assert.strictEqual(length, 20 * 100000);
	client.sendClose(1000);
	assert.deepStrictEqual(await stopped, { code: 0, signal: null });
});

check('a broken standard output or error does not end the daemon', async () => {
	const daemon = await startDaemon({ conf: ECHO });
	daemon.child.stderr.destroy();
	daemon.child.stdout.destroy();
	for (let i = 0; i < 20; i++)
		assert.strictEqual((await request(daemon.url, 'GET', '/echo')).status, 200);
	daemon.child.kill('SIGTERM');
	await withTimeout(new Promise((resolve) => daemon.child.once('exit', (code) => resolve(code))), 10000, 'no exit')
		.then((code) => assert.strictEqual(code, 0));
	fs.rmSync(daemon.directory, { recursive: true, force: true });
});

// --- no leaks ------------------------------------------------------------------------------------

const valgrind = spawnSync('valgrind', ['--version']).status === 0;

// What SOCKJS_SESSIOND or libtool put before the program would be checked instead of it.
const isScript = fs.existsSync(program) && fs.readFileSync(program).subarray(0, 2).toString() === '#!';

unsanitized(check)('valgrind finds no error and no leak', {
	skip: !valgrind ? 'valgrind is not installed' : isScript && 'the program is a script',
}, async () => {
	const daemon = await startDaemon({
		conf: `[service /echo]\nmodule = echo\nwebsocket_hixie76 = on\n\n[service /deflate]\nmodule = echo\nwebsocket_deflate = on\n\n` +
			'[service /close]\nmodule = close\n\n[service /broadcast]\nmodule = broadcast\n',
		wrapper: ['valgrind', '-q', '--leak-check=full', '--show-leak-kinds=definite,indirect,possible', '--errors-for-leak-kinds=definite,indirect,possible',
			'--error-exitcode=99', '--track-fds=no', '--child-silent-after-fork=yes'],
	});
	const exercise = spawn(process.execPath, [path.join(__dirname, 'exercise.js'), daemon.url], { timeout: 120000, stdio: ['ignore', 'ignore', 'inherit'] });
	const [status] = await once(exercise, 'exit');
	assert.strictEqual(status, 0, `the exercise failed:\n${daemon.log()}`);
	await openEverything(daemon.url); // left open: the end frees them
	const { code } = await daemon.stop();
	assert.strictEqual(code, 0, daemon.stderr);
});
