'use strict';

// Services whose paths a web server may take apart: below a folder, with a name that is
// percent-encoded or not ASCII, and all of an account's in a subfolder. Every transport finds them,
// by each way in, and a module sees the Host that the client has sent.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, after } = require('node:test');
const { ALL, PROBE, Client, ask } = require('./lib/addresses');
const { request } = require('./lib/http');
const { startStack } = require('./lib/stack');

// [section, how a client may write it...]
const services = [
	['/probe', '/probe', '/prob%65'],
	['/app/probe', '/app/probe'],
	['/café', '/caf%C3%A9', '/caf%c3%a9'],
	['/%7Euser/', '/%7Euser', '/~user'],
	['/a%20b', '/a%20b'],
];

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-paths-'));
fs.chmodSync(directory, 0o755);
const conf = path.join(directory, 'services.conf');
fs.writeFileSync(conf, services.map(([name]) => `[service ${name}]\nmodule = ${PROBE}\ndisconnect_delay = 20s\nheaders = host\n`).join('\n'));
after(() => fs.rmSync(directory, { recursive: true, force: true }));

async function tryPrefix(url, prefix) {
	assert.equal((await request(url, 'GET', prefix)).text, 'Welcome to SockJS!\n');
	assert.equal((await request(url, 'GET', `${prefix}/info`)).status, 200);
	await Promise.all(ALL.map(async (name) => {
		const client = new Client(url, { headers: { Host: 'chat.example:8123', 'Accept-Encoding': 'gzip' } });
		assert.equal(await ask(client, prefix, name, 'header host'), 'chat.example:8123', name);
	}));
}

async function tryAll(t, kind, env, prefixes) {
	const stack = await startStack(kind, { conf, env });
	try {
		for (const prefix of prefixes)
			await t.test(prefix, () => tryPrefix(stack.url, prefix));
	} finally {
		await stack.stop();
	}
}

const all = services.flatMap(([, ...prefixes]) => prefixes);
const encoded = (folder) => encodeURI(folder).replace('~', '%7E');
const stacks = [
	...['direct', 'lighttpd', 'nginx', 'apache-proxy', 'apache-fcgid', 'htaccess'].map((kind) => ({ name: kind, kind, env: {}, prefixes: all })),
	...['/app', '/~caf\u00e9'].map((folder) => ({
		name: `htaccess in ${folder}`, kind: 'htaccess', env: { SOCKJS_STACK_FOLDER: folder },
		prefixes: ['/probe', '/app/probe', '/%7Euser'].map((prefix) => `${encoded(folder)}${prefix}`),
	})),
];
// Most of the time is the web servers', to start and to stop.
test('paths', { concurrency: 4 }, (t) => Promise.all(stacks.map(({ name, kind, env, prefixes }) =>
	t.test(`paths: ${name}`, (part) => tryAll(part, kind, env, prefixes)))));
