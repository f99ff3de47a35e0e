'use strict';

// What a module sees of where its client is: a connection of tests/modules/probe.c by any
// transport, from an address of one's own.

const crypto = require('node:crypto');
const path = require('node:path');
const { Connection } = require('./http');
const { Session, transports } = require('./session');
const { srcdir } = require('./stack');
const { WebSocketClient } = require('./websocket');

const PROBE = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests', 'modules', 'probe.so');
const ALL = ['websocket', 'websocket-raw', ...Object.keys(transports)];

// What lib/session.js asks of a context. url, options: of Connection.open; headers: of each
// request.
class Client {
	constructor(url, { headers = {}, ...options } = {}) {
		Object.assign(this, { url, options, headers, all: [] });
		this.uniqueId = () => crypto.randomBytes(6).toString('hex');
	}

	async connect() {
		const connection = await Connection.open(this.url, this.options);
		this.all.push(connection);
		return connection;
	}

	async request(method, target, options = {}) {
		return (await this.connect()).request(method, target, { ...options, headers: { ...this.headers, ...options.headers } });
	}

	close() {
		this.all.forEach((connection) => connection.close());
	}
}

async function askByWebSocket(client, prefix, isRaw, text) {
	const socket = await WebSocketClient.handshake(
		await client.connect(), isRaw ? `${prefix}/websocket` : `${prefix}/000/${client.uniqueId()}/websocket`, { headers: client.headers });
	if (isRaw) {
		socket.send(text);
		return socket.readText();
	}
	await socket.readText(); // o
	socket.send(JSON.stringify([text]));
	return JSON.parse((await socket.readText()).slice(1))[0];
}

async function askBySession(client, prefix, name, text) {
	const session = new Session(client, prefix);
	const { headers } = client;
	let receiver = await session.receive(name, { headers });
	await receiver.readFrame(); // o
	await session.send([text], { headers });
	if (!transports[name].streaming)
		receiver = await session.receive(name, { headers });
	const [answer] = await receiver.readMessages(1);
	return answer;
}

// Has the probe do something; resolves with its answer.
async function ask(client, prefix, name, text) {
	try {
		return name.startsWith('websocket')
			? await askByWebSocket(client, prefix, name === 'websocket-raw', text)
			: await askBySession(client, prefix, name, text);
	} finally {
		client.close();
	}
}

// Both ends of a connection, as a module sees them.
async function ends(client, prefix, name) {
	const fields = (await ask(client, prefix, name, 'getters')).split('|');
	return { remote: fields[4], remotePort: Number(fields[5]), local: fields[6], port: Number(fields[7]) };
}

module.exports = { ALL, PROBE, Client, ask, ends };
