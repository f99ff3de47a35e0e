'use strict';

// [app] sections below another path, as doc/channels.md has it: with the names in the web server's
// file that it tells, each way of pusher-js, and the signed HTTP API.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, after } = require('node:test');
const { temporaryDirectory } = require('./lib/daemon');
const { request } = require('./lib/http');
const { APP, ID, closeAll, open, publisher } = require('./lib/pusher_clients');
const { srcdir, startStack } = require('./lib/stack');

const text = fs.readFileSync(path.join(srcdir, 'doc/channels.md'), 'utf8');
const [, SERVICES, folder] = /names\s`app\|pusher\/app\|apps`\sare\sthen\s`((\w+)\/app[^`]*)`/.exec(text);
const directory = temporaryDirectory();
const conf = path.join(directory, 'sockjs.conf');
fs.chmodSync(directory, 0o755);
fs.writeFileSync(conf, `[server]\napp_path = /${folder}\n${APP}`);
after(() => {
	closeAll();
	fs.rmSync(directory, { recursive: true, force: true });
});

// The library has no option for the path before /apps/.
async function trigger(url, channel, name) {
	const target = `/apps/${ID}/events`;
	const body = JSON.stringify({ channel, name, data: '1' });
	const query = publisher(url).createSignedQueryString({ method: 'POST', path: target, body });
	const { status, text: answer } = await request(url, 'POST', `/${folder}${target}?${query}`, { body });
	assert.strictEqual(status, 200, answer);
}

async function tryTransport(url, transport) {
	const channel = `private-${transport}`;
	const client = await open(`${url}/${folder}`, { transports: [transport] });
	assert.strictEqual(client.transport, transport);
	await client.subscribe(channel);
	await trigger(url, channel, 'added');
	await client.received(channel, 'added');
	client.close();
}

for (const kind of ['lighttpd', 'apache-proxy', 'apache-fcgid'])
	test(`app_path: ${kind}`, async (t) => {
		const stack = await startStack(kind, { conf, env: { SOCKJS_STACK_SERVICES: SERVICES } });
		try {
			await Promise.all(['ws', 'xhr_streaming', 'xhr_polling'].map((each) => tryTransport(stack.url, each)));
			assert.strictEqual((await request(stack.url, 'GET', '/app/mykey')).status, 404);
		} catch (error) {
			t.diagnostic(stack.log().slice(-3000));
			throw error;
		} finally {
			await stack.stop();
		}
	});
