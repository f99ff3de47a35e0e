'use strict';

// Signatures. Those that let pusher-js subscribe: of examples/channels_auth.php, in PHP's own web
// server, and of examples/sign.c; the library `pusher` says what is right. Those that let
// examples/publish_signed.php publish.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const Pusher = require('pusher');
const { connect } = require('./lib/client');
const { startDaemon, temporaryDirectory } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { APP, ID, KEY, SECRET: APP_SECRET, closeAll, open } = require('./lib/pusher_clients');
const { freePort, srcdir } = require('./lib/stack');

const SECRET = 'a secret that both sides know';
const SOCKET = '123.456';
const USER = { id: '7', name: 'Ann "ä"' };
const SESSION = 'abcdefghij0123456789abcdef';
const judge = new Pusher({ appId: '1', key: 'mykey', secret: SECRET, host: '127.0.0.1' });

const directory = temporaryDirectory();
process.on('exit', () => fs.rmSync(directory, { recursive: true, force: true }));

// --- PHP

const skip = spawnSync('php', ['--version']).error ? 'PHP is not installed' : false;
let php;
let site;

before(async () => {
	if (skip) return;
	fs.writeFileSync(path.join(directory, 'secret'), `${SECRET}\n`);
	const size = (text) => Buffer.byteLength(text);
	fs.writeFileSync(path.join(directory, `sess_${SESSION}`),
		`user|a:2:{s:2:"id";s:1:"7";s:4:"name";s:${size(USER.name)}:"${USER.name}";}`);
	const port = await freePort();
	site = `http://127.0.0.1:${port}`;
	const script = path.join(srcdir, 'examples', 'channels_auth.php');
	php = spawn('php', ['-d', `session.save_path=${directory}`, '-S', `127.0.0.1:${port}`, script], {
		stdio: 'ignore', env: { ...process.env, CHANNELS_SECRET_FILE: path.join(directory, 'secret') },
	});
	await eventually(() => request(site, 'GET', '/').then(() => true, () => false), 'PHP listens');
});
after(() => php?.kill());

const ask = (fields, cookie = `PHPSESSID=${SESSION}`) => request(site, 'POST', '/', {
	headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: cookie },
	body: `${new URLSearchParams(fields)}`,
});

async function signed(fields) {
	const { status, text } = await ask(fields);
	assert.strictEqual(status, 200, text);
	return JSON.parse(text);
}

const check = (name, body) => test(`channels_auth.php: ${name}`, { skip }, body);

check('a private channel, a presence channel, and who signs in', async () => {
	const signedFor = (channel) => signed({ socket_id: SOCKET, channel_name: channel });
	const right = (...args) => judge.authorizeChannel(SOCKET, ...args);
	for (const channel of ['private-all', 'private-user.7'])
		assert.deepStrictEqual(await signedFor(channel), right(channel));
	const presence = await signedFor('presence-news');
	const member = JSON.parse(presence.channel_data);
	assert.deepStrictEqual(presence, right('presence-news', member));
	assert.deepStrictEqual(member, { user_id: '7', user_info: { name: USER.name } });
	const { auth, user_data: data } = await signed({ socket_id: SOCKET });
	const authenticated = judge.authenticateUser(SOCKET, JSON.parse(data));
	assert.deepStrictEqual({ auth, user_data: data }, authenticated);
	assert.strictEqual(JSON.parse(data).id, '7');
});

check('nobody else gets a signature, and none for another text', async () => {
	const stranger = await ask({ socket_id: SOCKET, channel_name: 'private-all' }, 'a=b');
	assert.strictEqual(stranger.status, 403);
	for (const fields of [
		{ channel_name: 'private-all' },
		{ socket_id: `${SOCKET}::user::{"id":"1"}`, channel_name: 'private-all' },
		{ socket_id: `${SOCKET}\n`, channel_name: 'private-all' },
		{ socket_id: SOCKET, channel_name: 'private-user.8' },
		{ socket_id: SOCKET, channel_name: 'private-all:x' },
		{ socket_id: SOCKET, channel_name: '' },
	])
		assert.strictEqual((await ask(fields)).status, 403, JSON.stringify(fields));
});

test('publish_signed.php publishes, and says why not', { skip }, async () => {
	const daemon = await startDaemon({ conf: APP });
	const script = path.join(srcdir, 'examples/publish_signed.php');
	const publish = (app, secret) => spawnSync('php',
		[script, daemon.url, app, KEY, 'news', 'added', 'from "PHP"'],
		{ encoding: 'utf8', env: { ...process.env, CHANNELS_SECRET: secret } });
	try {
		const client = await open(daemon.url, { transports: ['ws'] });
		await client.subscribe('news');
		assert.strictEqual(publish(ID, APP_SECRET).status, 0);
		const [{ data }] = await client.received('news', 'added');
		assert.deepStrictEqual(data, { text: 'from "PHP"' });
		const wrong = [[ID, 'a wrong one', /signature/i], ['nobody', APP_SECRET, /app/i]];
		for (const [app, secret, why] of wrong) {
			const { status, stdout, stderr } = publish(app, secret);
			assert.notStrictEqual(status, 0);
			assert.match(stdout + stderr, why);
		}
	} finally {
		closeAll();
		await daemon.stop();
	}
});

// --- the module

test('sign: signs for the one channel, and for a name that is one', async () => {
	const conf = `[service /sign]\nmodule = sign\nmodule.key = mykey\nmodule.secret = ${SECRET}\n`;
	const daemon = await startDaemon({ conf });
	try {
		const client = await connect(`${daemon.url}/sign`, { transports: 'websocket' });
		const good = { socket_id: SOCKET, channel_name: 'presence-demo', name: USER.name };
		const answers = [];
		const bad = [
			{ ...good, socket_id: '1' }, { ...good, socket_id: '1.2:' }, { ...good, socket_id: '.2' },
			{ ...good, channel_name: 'presence-other' }, { ...good, name: '' },
			{ ...good, name: 'x'.repeat(51) }, {}, 7,
		];
		for (const question of [good, ...bad]) {
			client.socket.send(JSON.stringify(question));
			answers.push(JSON.parse((await client.received(answers.length + 1)).at(-1)));
		}
		const [{ channel_data: data, auth, ...rest }, ...others] = answers;
		const member = JSON.parse(data);
		const right = judge.authorizeChannel(SOCKET, 'presence-demo', member);
		assert.deepStrictEqual({ auth, channel_data: data }, right);
		assert.deepStrictEqual(member, { user_id: USER.name, user_info: { name: USER.name } });
		assert.deepStrictEqual(rest, { socket_id: SOCKET, channel_name: 'presence-demo' });
		assert.deepStrictEqual(others, bad.map(() => ({ error: 'not signed' })));
		await client.close();
	} finally {
		await daemon.stop();
	}
});
