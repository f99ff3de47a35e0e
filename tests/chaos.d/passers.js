'use strict';

// Clients that come and go beside those of a chaos run: websockets that count their echoes, and
// clients that vanish in the middle of whatever they do.

const crypto = require('node:crypto');
const { Connection, formatRequest } = require('../e2e/lib/http');
const { WebSocketClient } = require('../e2e/lib/websocket');

const PATIENCE = 60000; // ms, for an answer

class Passers {
	// count: how many at a time.
	constructor(url, count, random) {
		Object.assign(this, { url, count, random });
		this.clients = 0; // that have come
		this.echoes = 0;
		this.wrong = 0; // echoes that are not the next
		this.unanswered = 0; // websockets that were to have more echoes, and broke
		this.isStopped = false;
	}

	start() {
		this.finished = Promise.all(Array.from({ length: this.count }, () => this.comeAndGo()));
		this.finished.catch(() => {}); // a failure is reported to whoever awaits it
	}

	async stop() {
		this.isStopped = true;
		await this.finished;
	}

	async comeAndGo() {
		const ways = [this.websocket, this.websocket, this.stream, this.poll, this.send, this.head];
		while (!this.isStopped) {
			this.clients++;
			await this.random.of(ways).call(this, `passer${crypto.randomBytes(6).toString('hex')}`);
		}
	}

	async websocket(name) {
		const rounds = this.random.integer(1, 20);
		const isAborted = this.random.chance(0.3);
		let client;
		let done = 0;
		try {
			client = await WebSocketClient.connect(this.url, `/echo/000/${name}/websocket`, { timeout: PATIENCE });
			const first = await client.readText(PATIENCE);
			if (first[0] === 'c') throw new Error(first);
			if (first !== 'o') this.wrong++;
			for (; done < rounds; done++) await this.echo(client, `${name} ${done}`);
			if (isAborted) client.send(JSON.stringify([name]));
			else client.sendClose(1000);
			if (!isAborted) await client.readClose(PATIENCE);
		} catch {
			if (done < rounds) this.unanswered++;
		}
		if (client) client.connection.socket.destroy();
	}

	async echo(client, text) {
		client.send(JSON.stringify([text]));
		const frame = await client.readText(PATIENCE);
		if (frame[0] === 'c') throw new Error(frame); // the daemon stops, and says so
		if (frame === `a${JSON.stringify([text])}`) this.echoes++;
		else this.wrong++;
	}

	// Sends the bytes, and goes once something has come back (isAnswered), or at once.
	async vanish(bytes, isAnswered) {
		let connection;
		try {
			connection = await Connection.open(this.url);
			connection.write(bytes);
			if (isAnswered) await connection.readBytes(this.random.integer(1, 100), PATIENCE);
		} catch {
			// A web server or a daemon may have ended it before.
		}
		if (connection) this.leave(connection.socket);
	}

	leave(socket) {
		if (this.random.chance(0.5)) socket.resetAndDestroy();
		else socket.destroy();
	}

	request(path, headers = {}) {
		return formatRequest('POST', path, { host: 'localhost', headers: { 'Content-Length': '0', ...headers } });
	}

	// /ticker, whose sessions end soon, and whose clients always have something to come.
	stream(name) {
		return this.vanish(this.request(`/ticker/000/${name}/xhr_streaming`), true);
	}

	async poll(name) {
		await this.vanish(this.request(`/ticker/000/${name}/xhr`), true);
		await this.vanish(this.request(`/ticker/000/${name}/xhr`), false);
	}

	send(name) {
		const head = this.request(`/ticker/000/${name}/xhr_send`, { 'Content-Length': '100000' });
		return this.vanish(Buffer.concat([head, Buffer.from(`["${name}`)]), false);
	}

	head(name) {
		return this.vanish(this.request(`/ticker/000/${name}/xhr`).subarray(0, this.random.integer(1, 40)), false);
	}
}

module.exports = { Passers };
