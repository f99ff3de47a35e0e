'use strict';

// Streams through FastCGI alone, where the web server passes nothing on to sessiond itself: by
// default each ends after its first frame, since many web servers would keep it back; with
// `fcgi_streaming = on` it goes on, through the web servers that let it (mod_fcgid does not).

const assert = require('node:assert/strict');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Connection } = require('./lib/http');
const { Session, streams } = require('./lib/session');
const { startStack, srcdir } = require('./lib/stack');

const ROUNDS = 5; // messages that must come one by one

const services = path.join(srcdir, 'tests/services.conf');
const streaming = path.join(__dirname, 'fcgi_streaming.conf');

// What lib/session.js asks of a context.
class Connections {
	constructor(url) {
		this.url = url;
		this.all = [];
		this.uniqueId = () => `id_${Math.random().toString(36).slice(2)}`;
	}

	async connect() {
		const connection = await Connection.open(this.url);
		this.all.push(connection);
		return connection;
	}

	async request(method, target, options) {
		return (await this.connect()).request(method, target, options);
	}

	close() {
		this.all.forEach((connection) => connection.close());
	}
}

// Registers tests of the streaming transports against one stack; body gets a session and the name
// of the transport.
function register(kind, title, conf, body) {
	let stack;
	before(async () => {
		stack = await startStack(kind, { conf, env: { SOCKJS_STACK_FCGI_ONLY: '1' } });
	});
	after(async () => {
		if (stack) await stack.stop();
	});
	for (const { name } of streams)
		test(`${kind}: ${name} through FastCGI ${title}`, async () => {
			const connections = new Connections(stack.url);
			try {
				await body(new Session(connections, '/echo'), name);
			} catch (error) {
				console.error(stack.log());
				throw error;
			} finally {
				connections.close();
			}
		});
}

async function endsWithEachFrame(session, name) {
	assert.equal(await session.poll(name), 'o');
	for (let i = 0; i < 2; i++) {
		await session.send([`m${i}`]);
		assert.equal(await session.poll(name), `a["m${i}"]`);
	}
}

// A message is sent only once the one before has come, so none can have been held back.
async function streamsOn(session, name) {
	const receiver = await session.stream(name);
	for (let i = 0; i < ROUNDS; i++) {
		await session.send([`m${i}`]);
		assert.equal(await receiver.readFrame(), `a["m${i}"]`);
	}
	// response_limit of /echo is 4096.
	await session.send(['x'.repeat(5000)]);
	assert.equal(await receiver.readFrame(), `a["${'x'.repeat(5000)}"]`);
	await receiver.expectEnd();
}

for (const kind of ['lighttpd', 'apache-fcgid', 'apache-proxy', 'nginx', 'htaccess'])
	register(kind, 'ends with each frame', [services], endsWithEachFrame);
for (const kind of ['lighttpd', 'apache-proxy', 'nginx'])
	register(kind, 'goes on with fcgi_streaming = on', [services, streaming], streamsOn);
