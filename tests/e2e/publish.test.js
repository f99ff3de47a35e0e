'use strict';

// POST /publish on the control socket: who may, what it answers, whom it reaches, and that nothing
// that was answered is lost when the daemon is killed.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { request } = require('./lib/http');
const { checkPairs } = require('./lib/responder');
const { srcdir } = require('./lib/stack');
const { haveSubscribed } = require('./lib/subscribers');
const { WebSocketClient } = require('./lib/websocket');

const sockjsctl = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'sessiond/ctl/sockjsctl');
const check = checkPairs('publish');
const skipped = (skip) => (name) => test(`publish: ${name}`, { skip }, () => {});
const LISTEN = { listen: '127.0.0.1:0' };
const EPOCH = /^[0-9a-f]{16}$/;
const PUBLISHES = 60;

// multiplex has a channel, news.
const services = '[service /multiplex]\nmodule = multiplex\ndisconnect_delay = 60s\n';
const others = `${services}[service /echo]\nmodule = echo\n`;

const control = (pair) => path.join(pair.directory, 'control.sock');

async function publish(pair, body) {
	const answer = await request(control(pair), 'POST', '/publish', { body: typeof body === 'string' ? body : JSON.stringify(body) });
	return { status: answer.status, text: answer.text };
}

async function published(pair, body) {
	const { status, text } = await publish(pair, body);
	assert.strictEqual(status, 200, text);
	return JSON.parse(text);
}

async function refused(pair, status, reason, body) {
	const answer = await publish(pair, body);
	assert.match(answer.text, reason);
	assert.strictEqual(answer.status, status);
}

// The number of readers that there are with it: count.
async function reader(pair, id, count = 1) {
	const client = await WebSocketClient.connect(pair.sessiond.url, `/multiplex/000/${id}/websocket`);
	assert.strictEqual(await client.readText(), 'o');
	client.send(JSON.stringify(['sub,news']));
	client.send(JSON.stringify(['sub,echo', 'msg,echo,ready']));
	assert.strictEqual(await client.readText(), 'a["msg,echo,ready"]');
	await haveSubscribed(pair, 'news', count);
	return client;
}

check('a message reaches all who have subscribed', { services }, async (pair) => {
	await pair.startSessiond(LISTEN);
	const readers = [await reader(pair, 'a'), await reader(pair, 'b', 2)];
	const first = await published(pair, { channel: 'news', data: 'msg,news,hello' });
	assert.match(first.epoch, EPOCH);
	assert.deepStrictEqual(first, { offset: 1, epoch: first.epoch });
	const batch = [
		{ service: '/multiplex', channel: 'news', data: { any: ['JSON', 1] } },
		{ channel: 'news', data: 'a \0 \u{1f600}', event: 'of no matter' },
		{ channel: 'nobody', data: '' },
	];
	assert.deepStrictEqual(await published(pair, batch), [
		{ offset: 2, epoch: first.epoch }, { offset: 3, epoch: first.epoch }, { offset: 0, epoch: '' },
	]);
	for (const client of readers) {
		let messages = [];
		while (messages.length < 3)
			messages = messages.concat(JSON.parse((await client.readText()).slice(1)));
		assert.deepStrictEqual(messages, ['msg,news,hello', '{"any":["JSON",1]}', 'a \0 \u{1f600}']);
		client.connection.close();
	}
});

check('what is wrong is said, and nothing is published', { services: others, server: 'publish_limit = 100' }, async (pair) => {
	const { url } = await pair.startSessiond(LISTEN);
	const client = await reader(pair, 'a');
	const good = { service: '/multiplex', channel: 'news', data: 'msg,news,good' };
	await refused(pair, 400, /no JSON/, '{');
	await refused(pair, 400, /no JSON/, '');
	await refused(pair, 400, /JSON object/, '[1]');
	await refused(pair, 400, /"service" is to be the prefix of one of the 2 services/, { channel: 'news', data: '' });
	await refused(pair, 404, /there is no service \/other/, { ...good, service: '/other' });
	await refused(pair, 400, /"channel" is to be a name/, { ...good, channel: undefined });
	await refused(pair, 400, /"channel" is to be a name/, { ...good, channel: 'x'.repeat(201) });
	await refused(pair, 400, /"channel" is to be a string/, { ...good, channel: 1 });
	await refused(pair, 400, /there is no "data"/, { ...good, data: undefined });
	await refused(pair, 400, /"event" is to be a string/, { ...good, event: 1 });
	await refused(pair, 400, /at most 100 messages/, Array(101).fill(good));
	await refused(pair, 413, /longer than 100 bytes \(publish_limit\)/, [good, { ...good, data: 'x'.repeat(101) }]);
	assert.strictEqual((await request(control(pair), 'GET', '/publish')).status, 404);
	assert.strictEqual((await request(url, 'POST', '/publish', { body: JSON.stringify(good) })).status, 404);
	assert.deepStrictEqual(await published(pair, []), []);
	assert.strictEqual((await published(pair, { ...good, data: 'x'.repeat(100) })).offset, 1);
	assert.strictEqual(await client.readText(), `a["${'x'.repeat(100)}"]`);
	client.connection.close();
});

check('sockjsctl publish', { services: others }, async (pair) => {
	await pair.startSessiond(LISTEN);
	const client = await reader(pair, 'a');
	const run = (args, input) => spawnSync(sockjsctl, ['--config', pair.file, ...args], { encoding: 'utf8', input });
	const news = ['publish', '--service', '/multiplex', 'news'];
	assert.match(run([...news, 'msg,news,1']).stdout, /^published, offset 1 of epoch [0-9a-f]{16}\n$/);
	assert.strictEqual(JSON.parse(run(['--json', ...news], 'msg,news,2\0\n').stdout).offset, 2);
	assert.match(run([...news, '-'], 'x'.repeat(10240)).stdout, /offset 3/);
	assert.match(run(['publish', '-S', '/echo', 'any', 'x']).stdout, /^published; nobody has subscribed\n$/);
	for (const expected of ['msg,news,1', 'msg,news,2\0\n', 'x'.repeat(10240)])
		assert.deepStrictEqual(JSON.parse((await client.readText()).slice(1)), [expected]);
	const long = run(news, 'x'.repeat(10241));
	assert.match(long.stderr, /^sockjsctl: "data" is longer than 10240 bytes \(publish_limit\)\n$/);
	assert.strictEqual(long.status, 78);
	assert.match(run(news, Buffer.from([0x80])).stderr, /the data is not UTF-8/);
	client.connection.close();
});

// The examples, each where its language is.
for (const [command, file] of [['sh', 'publish.sh'], ['python3', 'publish.py'], ['php', 'publish.php']]) {
	const isThere = spawnSync(command, [file.endsWith('.sh') ? '-c' : '--version', '']).error === undefined;
	(isThere ? check : skipped(`${command} is not installed`))(`examples/${file}`, { services }, async (pair) => {
		await pair.startSessiond(LISTEN);
		const client = await reader(pair, 'a');
		const run = (...words) => spawnSync(command, [path.join(srcdir, 'examples', file), ...words], {
			encoding: 'utf8', env: { ...process.env, SOCKJS_CONTROL: control(pair) },
		});
		const { stdout, stderr } = run('news', 'from a script');
		assert.strictEqual(JSON.parse(stdout).offset, 1, stderr);
		assert.strictEqual(await client.readText(), 'a["from a script"]');
		const { status, ...said } = run('', 'x');
		assert.notStrictEqual(status, 0);
		assert.match(said.stdout + said.stderr, /"channel" is to be a name/);
		client.connection.close();
	});
}

// Asks as somebody else, which only root can try.
const CLIENT = `
	const http = require('http');
	const [socketPath, path, body] = process.argv.slice(1);
	const request = http.request({ socketPath, path, method: 'POST' }, (answer) => {
		answer.on('data', () => {}).on('end', () => console.log(answer.statusCode));
	});
	request.on('error', (error) => console.log(error.code)).end(body);
`;
function statusAsNobody(pair, url) {
	const args = ['-e', CLIENT, control(pair), url, JSON.stringify({ channel: 'news', data: '' })];
	return spawnSync(process.execPath, args, { uid: 65534, gid: 65534, encoding: 'utf8', cwd: '/' }).stdout.trim();
}
if (process.getuid() === 0)
	for (const [what, users, status] of [
		['a user', 'publish_users = nobody', '200'],
		['a group', 'publish_users = root @nogroup', '200'],
		['another group', 'publish_users = @root', '403'],
		['control_users', 'control_users = nobody', '200'],
		['nobody', 'control_users = root', '403'],
	])
		check(`who may: ${what}`, { services, server: users }, async (pair) => {
			await pair.startSessiond(LISTEN);
			require('node:fs').chmodSync(pair.directory, 0o755);
			assert.strictEqual(statusAsNobody(pair, '/publish'), status);
			if (what !== 'control_users')
				assert.strictEqual(statusAsNobody(pair, '/control/reload'), '403');
		});

// Polls until it has the last one. Answers of a daemon that is killed are asked for again.
async function readAll(getUrl, session, last) {
	const messages = [];
	while (!messages.includes(last))
		try {
			const { status, text } = await request(getUrl(), 'POST', `${session}/xhr`);
			if (status === 200 && text.startsWith('a'))
				messages.push(...JSON.parse(text.slice(1)));
		} catch {
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	return messages;
}

check('what was answered reaches a client that polls, in order, though the daemon is killed', {
	services: `${services}history = 1000\n`, server: 'store = sessions.db',
}, async (pair) => {
	const session = '/multiplex/000/poller';
	let { url } = await pair.startSessiond(LISTEN);
	await request(url, 'POST', `${session}/xhr`);
	assert.strictEqual((await request(url, 'POST', `${session}/xhr_send`, { body: '["sub,news"]' })).status, 204);
	await haveSubscribed(pair, 'news', 1);
	const answered = [];
	let epoch;
	for (let i = 0; i < PUBLISHES; i++) {
		const data = `msg,news,${i}`;
		if (i % 20 === 10) {
			const ended = publish(pair, { channel: 'news', data: `lost ${i}` }).catch(() => {});
			pair.sessiond.child.kill('SIGKILL');
			await Promise.all([ended, pair.sessiond.stop().catch(() => {})]);
			({ url } = await pair.startSessiond(LISTEN));
		}
		const position = await published(pair, { channel: 'news', data });
		assert.strictEqual(position.epoch, epoch ?? position.epoch);
		epoch = position.epoch;
		answered.push(data);
	}
	const messages = await readAll(() => url, session, answered.at(-1));
	assert.deepStrictEqual(messages.filter((message) => message.startsWith('msg,')), answered);
	assert.strictEqual(new Set(messages).size, messages.length);
});
