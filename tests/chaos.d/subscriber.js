'use strict';

// A client of protocol 7 that listens to a channel with a history, and is in a presence channel. As
// pusher-js does, it makes a new connection whenever its own breaks; then it asks for what it has
// missed.

const crypto = require('node:crypto');
const { WebSocketClient } = require('../e2e/lib/websocket');
const { Lanes } = require('./http');

const RETRY = [20, 200]; // ms between two connections
const LIMIT = 3600000; // ms, for what may take as long as the run
const SEND_LIMIT = 60000; // ms, more than backend_timeout

const SUCCEEDED = 'pusher_internal:subscription_succeeded';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Its connections: listen(take) calls take(message) for each message and resolves when nothing more
// comes; send(text) resolves when it was sent, or with false if it may have been lost.
class SocketWay {
	constructor(url, key) {
		Object.assign(this, { url, path: `/app/${key}?protocol=7` });
	}

	async listen(take) {
		this.client = await WebSocketClient.connect(this.url, this.path, { timeout: SEND_LIMIT });
		while (!this.isClosed) take(await this.client.readText(LIMIT));
	}

	async send(text) {
		this.client.send(text);
		return true;
	}

	close() {
		this.isClosed = true;
		if (this.client) this.client.connection.close();
	}
}

class SockjsWay {
	constructor(url, key) {
		this.lanes = new Lanes(url);
		this.path = `/pusher/app/${key}/000/${crypto.randomBytes(8).toString('hex')}`;
	}

	// Returns false when the session is over.
	takeFrame(frame, take) {
		if (frame[0] === 'a') for (const message of JSON.parse(frame.slice(1))) take(message);
		return frame[0] !== 'c';
	}

	// A request that receives; takes each whole frame. Resolves whether more can be asked for.
	async receive(transport, take) {
		let rest = '';
		let goesOn = true;
		const path = `${this.path}/${transport}?protocol=7`;
		const answer = await this.lanes.post(path, '', LIMIT, (chunk, status) => {
			if (status !== 200) return;
			const lines = (rest + chunk).split('\n');
			rest = lines.pop();
			for (const line of lines) goesOn = this.takeFrame(line, take) && goesOn;
		});
		return goesOn && answer.status === 200 && answer.isWhole && rest === '';
	}

	async send(text) {
		const body = JSON.stringify([text]);
		const path = `${this.path}/xhr_send?protocol=7`;
		const answer = await this.lanes.post(path, body, SEND_LIMIT, () => {});
		return answer.status === 204;
	}

	close() {
		this.lanes.close();
	}
}

class PollingWay extends SockjsWay {
	async listen(take) {
		while (await this.receive('xhr', take));
	}
}

class StreamingWay extends SockjsWay {
	async listen(take) {
		await this.receive('xhr_streaming', take);
	}
}

const WAYS = { websocket: SocketWay, polling: PollingWay, streaming: StreamingWay };

class Subscriber {
	// what: {url, app: {key, secret}, way, channel, presence, reading, isConstant, isRestless,
	// random}: one of WAYS; what is noted of the channel (publications.js); whether it is the same
	// member again when it comes back; whether its connection breaks at times.
	constructor(what) {
		Object.assign(this, what);
		this.connections = 0;
		this.wrong = []; // what is no message of the protocol, or an error
		this.members = null; // ids, as it was told; null: it is in no presence channel
		this.isStopped = false;
	}

	// One connection after the other, until it is stopped.
	async live() {
		while (!this.isStopped) {
			this.connection = new WAYS[this.way](this.url, this.app.key);
			this.members = null;
			this.connections++;
			try {
				await this.connection.listen((text) => this.take(text));
			} catch {
				// A broken connection; what it has not brought is asked for again.
			}
			this.connection.close();
			if (!this.isStopped) await sleep(this.random.between(...RETRY));
		}
	}

	stop() {
		this.isStopped = true;
		if (this.connection) this.connection.close();
	}

	// Breaks its connection.
	leave() {
		this.connection.close();
	}

	get member() {
		return this.isConstant ? this.reading.name : `${this.reading.name}-${this.connections}`;
	}

	take(text) {
		let message;
		try {
			message = JSON.parse(text);
		} catch {
			this.wrong.push(text.slice(0, 60));
			return;
		}
		this.takeMessage(message);
	}

	takeMessage({ event, channel, data, offset, epoch, recovered }) {
		if (event === 'pusher:connection_established') this.subscribe(JSON.parse(data).socket_id);
		else if (channel === this.presence) this.takePresence(event, JSON.parse(data));
		else if (channel === this.channel && event === SUCCEEDED) this.reading.start({ offset, epoch }, recovered);
		else if (channel === this.channel && event === 'numbered') this.reading.see({ offset, epoch }, data);
		else this.wrong.push(`${event} ${data}`);
	}

	takePresence(event, data) {
		if (event === SUCCEEDED) this.members = new Set(data.presence.ids);
		else if (event === 'pusher_internal:member_added') this.members.add(data.user_id);
		else if (event === 'pusher_internal:member_removed') this.members.delete(data.user_id);
		else this.wrong.push(`${event} ${JSON.stringify(data)}`);
	}

	async subscribe(id) {
		const { connection } = this;
		const channelData = JSON.stringify({ user_id: this.member });
		const signed = `${id}:${this.presence}:${channelData}`;
		const signature = crypto.createHmac('sha256', this.app.secret).update(signed).digest('hex');
		const asks = [
			{ channel: this.channel, recover: this.reading.position || undefined },
			{
				channel: this.presence,
				channel_data: channelData,
				auth: `${this.app.key}:${signature}`,
			},
		];
		for (const data of asks) {
			const text = JSON.stringify({ event: 'pusher:subscribe', data });
			// Else it begins anew.
			if (!(await connection.send(text))) connection.close();
		}
	}
}

module.exports = { Subscriber, WAYS: Object.keys(WAYS) };
