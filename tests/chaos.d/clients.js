'use strict';

// All clients of a chaos run, and what they count together.

const { Session } = require('./session');

const RATE = 450; // messages a second of all clients together, roughly
const LAST_SEND_LIMIT = 20; // tries

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Resolves with the promise, or when the time is over. Leaves no timer behind.
function within(ms, promise) {
	let timer;
	const over = new Promise((resolve) => { timer = setTimeout(resolve, ms); });
	return Promise.race([promise, over]).finally(() => clearTimeout(timer));
}

class Clients {
	// isStrict: only streams may fail, all other requests may not. breaksPolls: when the daemon
	// dies, polls break, and the messages that it gave them are lost. responseLimit: bytes of
	// frames after which a stream is complete. saysBye: the application closes a session that asks
	// for it, and sessions do. note: called with each line for the log.
	constructor({ url, polling, streaming, random, isStrict = false, breaksPolls = false, responseLimit, saysBye = false, note = () => {} }) {
		Object.assign(this, { url, polling, streaming, random, isStrict, breaksPolls, responseLimit, saysBye, note });
		this.thinkTime = ((polling + streaming) / RATE) * 1200;
		this.received = 0; // messages
		this.sessions = [];
		this.isDraining = false;
		this.isStopped = false;
		this.prefix = random.integer(1e8, 1e9 - 1).toString(36);
	}

	start() {
		const streams = Array.from({ length: this.polling + this.streaming }, (_, index) => index >= this.polling);
		this.finished = Promise.all(streams.map((isStream, index) => this.liveAll(isStream, index)));
		this.finished.catch(() => {}); // a failure is reported to whoever awaits it
	}

	// Runs one session after the other; there is a second one only if the first one has ended.
	async liveAll(isStream, index) {
		for (let generation = 0; !this.isStopped && !(this.isDraining && generation > 0); generation++) {
			const name = `${this.prefix}-${isStream ? 'streaming' : 'polling'}${index}-${generation}`;
			const session = new Session(this, name, isStream);
			this.sessions.push(session);
			await session.live();
		}
	}

	// Resolves when all clients have their session open.
	async open(limit) {
		const end = Date.now() + limit;
		while (this.sessions.filter((session) => session.hasOpened && !session.isDone).length < this.polling + this.streaming) {
			if (Date.now() > end) throw new Error(`clients without a session after ${limit} ms`);
			await sleep(20);
		}
	}

	// Waits until everything that was acknowledged is back, for at most `limit` ms, and stops
	// the clients.
	async drain(limit) {
		this.isDraining = true;
		const live = this.sessions.filter((session) => !session.isDone);
		await Promise.all(live.map((session) => this.drainOne(session, limit)));
		await this.stop();
	}

	async stop() {
		this.isStopped = true;
		for (const session of this.sessions) session.stop();
		await this.finished;
	}

	// Sends a last message. It comes back after all others, also after those that come twice.
	async drainOne(session, limit) {
		const { ledger } = session;
		const end = Date.now() + limit;
		const goesOn = () => !session.isDone && Date.now() < end;
		await within(limit, session.sending);
		for (let tries = 0; tries < LAST_SEND_LIMIT && goesOn(); tries++) {
			const [last] = await session.send(1);
			if (!ledger.isAcknowledged(last)) continue;
			while (goesOn() && !(ledger.isBack(last) && ledger.isSettled())) await session.change(end - Date.now());
			if (this.saysBye && goesOn()) await within(end - Date.now(), session.bye());
			return;
		}
	}
}

module.exports = { Clients };
