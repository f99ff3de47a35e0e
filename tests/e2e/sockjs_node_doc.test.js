'use strict';

// doc/sockjs-node.md: it has a row for each section of sockjs-node's README, and what it advises
// works.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, after } = require('node:test');
const { connect } = require('./lib/client');
const { startDaemon, killAll, program, temporaryDirectory } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { isThere } = require('./lib/installation');
const { freePort, srcdir } = require('./lib/stack');

const text = fs.readFileSync(path.join(srcdir, 'doc/sockjs-node.md'), 'utf8');
const code = (kind) => [...text.matchAll(new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, block]) => block);
const folder = temporaryDirectory();
const check = (name, ...rest) => test(`sockjs-node.md: ${name}`, ...rest);
after(() => {
	killAll();
	fs.rmSync(folder, { recursive: true, force: true });
});

check('each section of sockjs-node\'s README has a row that says yes, and where', () => {
	const readme = fs.readFileSync(require.resolve('sockjs/README.md'), 'utf8');
	const sections = [...readme.matchAll(/^### (.*)$|^(.*)\n(?:===+|---+)$/gm)].map(([, low, high]) => low || high);
	assert.ok(sections.length > 15, `${sections}`);
	for (const section of sections) {
		const row = text.split('\n').find((line) => line.startsWith(`| ${section} |`));
		assert.ok(row, section);
		assert.match(row, /^\| [^|]+ \| yes \| .*(\]\(|man sockjs[.]h)/, section);
	}
});

check('its raw WebSocket works, and gets pings', async () => {
	const daemon = await startDaemon({ conf: '[service /echo]\nmodule = echo\nheartbeat_delay = 200ms\n' });
	const WebSocket = require('ws');
	const said = [];
	let socket;
	// eslint-disable-next-line no-new-func
	new Function('WebSocket', 'console', code('js')[0].replace('127.0.0.1:8080', `127.0.0.1:${daemon.port}`))(
		class extends WebSocket { constructor(...args) { super(...args); socket = this; } }, { log: (message) => said.push(String(message)) });
	let pings = 0;
	socket.on('ping', () => { pings++; });
	await eventually(() => said.length > 0 && pings >= 3, () => `an echo and pings: ${said} ${pings}`);
	assert.deepEqual(said, ['hello']);
	assert.equal(socket.readyState, WebSocket.OPEN);
	socket.terminate();
	await daemon.stop();
});

check('where requests are cut, polls end by themselves, and streams are not offered', async () => {
	const conf = /^ {4}(\[service \/chat\][^]*?)\n\n/m.exec(text)[1].replace(/^ {4}/gm, '');
	assert.match(conf, /^transports = /m);
	const daemon = await startDaemon({ conf: conf.replace('10s', '200ms').replaceAll('chat', 'echo') });
	const post = (session, what) => request(daemon.url, 'POST', `/echo/000/${session}/${what}`);
	assert.equal((await post('cut', 'xhr')).text, 'o\n');
	for (let i = 0; i < 3; i++)
		assert.equal((await post('cut', 'xhr')).text, 'h\n');
	assert.equal((await post('other', 'xhr_streaming')).status, 404);
	const client = await connect(`${daemon.url}/echo`, { transports: ['xhr-streaming', 'xhr-polling'] });
	assert.equal(client.transport, 'xhr-polling');
	client.socket.send('still there');
	assert.deepEqual(await client.received(1), ['still there']);
	await client.close();
	await daemon.stop();
});

check('the shell that reloads does so when the source is saved', { skip: isThere('cc') ? false : 'there is no cc' }, async () => {
	const source = (answer) => `#include <sockjs.h>
static void on_connection(sockjs_connection c) { sockjs_write(c, "${answer}", ${answer.length}); }
SOCKJS_MODULE = { .abi = SOCKJS_ABI, .name = "mine", .connection = on_connection };
`;
	const file = path.join(folder, 'mine.c');
	const port = await freePort();
	fs.writeFileSync(file, source('first'));
	fs.writeFileSync(path.join(folder, 'sockjs.conf'), `[server]\nlisten = 127.0.0.1:${port}\n[service /mine]\nmodule = ./mine.so\n`);
	// pkg-config and the program as they were installed.
	const script = code('sh')[0].replaceAll('sockjs-sessiond', program).replace('$(pkg-config --cflags sockjs)', `-I${path.join(srcdir, 'sessiond')}`);
	const [, compile] = /(cc [^&]*&& mv \S+ \S+)/.exec(script);
	const shell = (commands) => spawn('sh', ['-c', commands], { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
	await new Promise((resolve) => { shell(compile).once('close', resolve); });
	const child = shell(script);
	let log = '';
	child.stderr.on('data', (data) => { log += data; });
	const greets = async (answer) => {
		const client = await connect(`http://127.0.0.1:${port}/mine`, { transports: 'websocket' });
		const [found] = await client.received(1);
		await client.close();
		return found === answer;
	};
	try {
		await eventually(() => greets('first').catch(() => false), () => `the first module: ${log}`, 30000);
		fs.writeFileSync(file, source('second'));
		await eventually(() => greets('second').catch(() => false), () => `the second: ${log}`, 30000);
	} finally {
		process.kill(-child.pid, 'SIGTERM');
	}
});
