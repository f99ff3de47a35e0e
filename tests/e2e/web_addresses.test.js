'use strict';

// Behind each web server, as examples/ has it: a module sees the client's address by every
// transport, and nothing that the client claims changes it. The server's end of a poll, which goes
// through the responder, is the web server's own.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, after } = require('node:test');
const { ALL, PROBE, Client, ask, ends } = require('./lib/addresses');
const { startStack } = require('./lib/stack');

const CLIENT = '127.0.0.9';
const forged = {
	'X-Forwarded-For': '6.6.6.6', Forwarded: 'for=6.6.6.6', 'X-Real-IP': '6.6.6.6', 'X-Client-IP': '6.6.6.6', 'X-Cluster-Client-IP': '6.6.6.6',
	'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'gopher',
};
// A list that the client has left open, so that what the web server adds is swallowed, if it were
// read from the left.
const open = { 'X-Forwarded-For': '6.6.6.6, "', Forwarded: 'for="6.6.6.6' };

const kinds = ['lighttpd', 'nginx', 'apache-proxy', 'apache-fcgid', 'htaccess'];
const polls = ['xhr', 'jsonp'];
// An .htaccess cannot say which port Apache tells: it is the one that the client has in Host.
const knowsPort = (kind) => kind !== 'htaccess';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-addresses-'));
fs.chmodSync(directory, 0o755);
const conf = path.join(directory, 'services.conf');
fs.writeFileSync(conf, `[service /probe]\nmodule = ${PROBE}\ndisconnect_delay = 20s\n`);
after(() => fs.rmSync(directory, { recursive: true, force: true }));

for (const kind of kinds)
	test(`addresses behind ${kind}`, async (t) => {
		const stack = await startStack(kind, { conf });
		const port = Number(new URL(stack.url).port);
		const check = (name, body) => t.test(name, async () => {
			try {
				await body();
			} catch (error) {
				throw new Error(`${error.message}\n${stack.log()}`, { cause: error });
			}
		});
		for (const name of ALL) {
			await check(`${name}: the client's`, async () => {
				const { remote } = await ends(new Client(stack.url, { localAddress: CLIENT }), '/probe', name);
				assert.equal(remote, CLIENT);
			});
			for (const [what, headers] of [['forged', forged], ['left open', open]])
				await check(`${name}: ${what} headers change nothing`, async () => {
					const { remote } = await ends(new Client(stack.url, { localAddress: CLIENT, headers }), '/probe', name);
					assert.equal(remote, CLIENT);
				});
		}
		for (const name of ['websocket', 'xhr_streaming']) {
			const seen = (header) => ask(new Client(stack.url, { headers: forged }), '/probe', name, `header ${header}`);
			await check(`${name}: another host, forged, does not pass`, async () => {
				assert.doesNotMatch(await seen('x-forwarded-host'), /evil/);
				assert.equal(await seen('x-forwarded-proto'), 'http');
			});
		}
		for (const name of polls)
			await check(`${name}: the server's own end, whatever Host says`, async () => {
				const { local, port: seen } = await ends(
					new Client(stack.url, { localAddress: CLIENT, headers: { Host: 'example.org:6666' } }), '/probe', name);
				assert.equal(local, '127.0.0.1');
				if (knowsPort(kind))
					assert.equal(seen, port);
			});
		await stack.stop();
	});
