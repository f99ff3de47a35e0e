'use strict';

// The service that tells the metrics to those who know status_token (`module = status`).

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Client, connect } = require('./lib/client');
const { startDaemon, runDaemon, temporaryDirectory, withLog } = require('./lib/daemon');
const { request } = require('./lib/http');

const TOKEN = 'a-token.of_the~test+/0123456789==';
const SERVICES = '[service /status]\nmodule = status\n[service /echo]\nmodule = echo\n';
const conf = (server) => `[server]\n${server}\n${SERVICES}`;

let daemon;

const check = (name, text, body) => test(`status service: ${name}`, withLog(() => daemon, async () => {
	daemon = await startDaemon({ conf: text });
	try {
		await body(`${daemon.url}/status`);
	} finally {
		await daemon.stop();
	}
}));

async function ask(url, token, transport = 'websocket') {
	const client = await connect(url, { transports: transport });
	assert.deepStrictEqual(await client.received(1), ['token?']);
	client.socket.send(token);
	return client;
}

async function refusal(url, token) {
	const { code, reason } = await (await ask(url, token)).closeCode();
	return `${code} ${reason}`;
}

const uptime = (text) => Number(/^sockjs_uptime_seconds (\S+)$/m.exec(text)[1]);

check('who knows the token sees figures that change', conf(`status_token = ${TOKEN}`), async (url) => {
	for (const transport of ['websocket', 'xhr-polling']) {
		const client = await ask(url, TOKEN, transport);
		const [, first, second, third] = await client.received(4);
		assert.match(first, /^sockjs_sessions\{service="\/status"\} 1$/m);
		assert.ok(uptime(second) > uptime(first) && uptime(third) > uptime(second));
		await client.close();
	}
});

check('who does not is refused, and sees nothing', conf(`status_token = ${TOKEN}\nguesses_per_minute = 5`), async (url) => {
	for (const wrong of [`${TOKEN}x`, TOKEN.slice(0, -1), '', TOKEN.toUpperCase(), `Bearer ${TOKEN}`])
		assert.strictEqual(await refusal(url, wrong), '4401 The token is wrong.');
	assert.strictEqual(await refusal(url, 'guess'), '4429 Too many tokens were tried.');
	const silent = await connect(url, { transports: 'websocket' });
	const echo = await connect(url.replace('status', 'echo'), { transports: 'websocket' });
	echo.socket.send('x');
	await echo.received(1);
	assert.deepStrictEqual(silent.messages, ['token?']);
	await Promise.all([silent.close(), echo.close()]);
});

check('after a reload the new token counts', conf(`status_token = ${TOKEN}`), async (url) => {
	const file = path.join(daemon.directory, 'sockjs.conf');
	const client = await ask(url, TOKEN);
	await client.received(2);
	fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(TOKEN, `new.${TOKEN}`));
	daemon.child.kill('SIGHUP');
	for (let count = 2; client.messages.at(-1) !== 'token?'; count++)
		await client.received(count);
	client.socket.send(TOKEN);
	assert.strictEqual((await client.closeCode()).code, 4401);
	const knowing = await ask(url, `new.${TOKEN}`);
	assert.match((await knowing.received(2))[1], /^sockjs_ready 1$/m);
	await knowing.close();
});

check('without a token nobody is right', conf(''), async (url) => {
	for (const wrong of ['', 'null', TOKEN])
		assert.strictEqual(await refusal(url, wrong), '4401 The token is wrong.');
});

check('without the service there is nothing to ask', `[server]\nstatus_token = ${TOKEN}\n`, async (url) => {
	assert.strictEqual((await request(daemon.url, 'GET', '/status/info')).status, 404);
	const { code } = await new Client(url, {}).closeCode();
	assert.strictEqual(code, 1002);
});

test('status service: a short token is refused, and so are options of the module', async () => {
	const directory = temporaryDirectory();
	const file = path.join(directory, 'sockjs.conf');
	const refused = async (text, pattern) => {
		fs.writeFileSync(file, text);
		const { code, stderr } = await runDaemon(['--config', file, '--listen', '127.0.0.1:0', '--check']);
		assert.strictEqual(code, 78, stderr);
		assert.match(stderr, pattern);
	};
	await refused(conf('status_token = short'), /status_token/);
	await refused(conf(`status_token = ${TOKEN}`).replace('= status\n', '= status\nmodule.x = y\n'), /module\.x/);
	fs.rmSync(directory, { recursive: true });
});
