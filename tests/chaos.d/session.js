'use strict';

// One session of a client that behaves as sockjs-client does: it has one receiving request and one
// send at a time. There is one difference. After some answers, sockjs-client ends its session. This
// client counts such an answer and goes on if the server still has the session. So one fault does
// not hide the next one.

const { Ledger } = require('./ledger');
const { Lanes } = require('./http');

const PRELUDE = 'h'.repeat(2048);
const RETRY = [20, 200]; // ms between a request that failed and the next try
const POLL_LIMIT = 120000; // ms, more than twice heartbeat_delay
const SEND_LIMIT = 60000; // ms, more than backend_timeout
const BYE = 0.02; // of the messages are the last of their session, where the application closes it
const PATIENCE = 3000; // ms that a client waits for an echo before it sends the next message

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Makes lines of what comes in pieces, and keeps what follows the last line break.
class Lines {
	constructor(take) {
		this.take = take;
		this.rest = '';
		this.count = 0;
	}

	add(chunk) {
		const lines = (this.rest + chunk).split('\n');
		this.rest = lines.pop();
		for (const line of lines) this.take(line, this.count++);
	}
}

class Session {
	// run: what all clients have in common, see clients.js. name: unique, without spaces.
	constructor(run, name, isStream) {
		this.run = run;
		this.isStream = isStream;
		this.path = `/echo/${run.random.integer(100, 999)}/${name}`;
		this.ledger = new Ledger(name);
		this.lanes = new Lanes(run.url);
		this.hasOpened = false; // a frame has come
		this.ends = []; // reasons for which sockjs-client would have closed the session
		this.isExcused = false; // it may end: what it was in is gone
		this.isOver = false; // the server has forgotten or closed the session
		this.hasSaidBye = false; // the application is to close it
		this.failures = new Map(); // request that failed and was tried again -> how often
		this.brokenStreams = { ended: 0, cut: 0 };
		this.changed = () => {};
	}

	// Resolves when the session is over, or the run stops it.
	async live() {
		this.sending = this.sendAll();
		await Promise.all([this.receiveAll(), this.sending]);
		this.lanes.close();
	}

	stop() {
		this.isStopped = true;
		this.lanes.close();
		this.changed();
	}

	get isDone() {
		return this.isOver || this.isStopped;
	}

	end(reason, isOver) {
		if (this.isDone) return;
		this.ends.push(reason);
		this.run.note(`${this.ledger.name}: session ended: ${reason}`);
		if (isOver) this.finish();
	}

	finish() {
		this.isOver = true;
		this.lanes.close();
		this.changed();
	}

	count(what) {
		this.failures.set(what, (this.failures.get(what) || 0) + 1);
	}

	// --- receiving

	async receiveAll() {
		const { random } = this.run;
		while (!this.isDone) {
			const isGood = await (this.isStream ? this.stream() : this.poll());
			if (!isGood) await sleep(random.between(...RETRY));
			// The receiver is away for a moment, so that messages must be queued.
			else if (random.chance(0.1)) await sleep(random.between(0, 300));
		}
	}

	async poll() {
		const lines = new Lines((line, index) => {
			if (index === 0) this.takeFrame(line);
			else this.damage(`a second frame: ${line}`);
		});
		const answer = await this.lanes.post(`${this.path}/xhr`, '', POLL_LIMIT, (chunk, status) => {
			if (status === 200) lines.add(chunk);
		});
		if (this.isDone || (answer.status === 200 && answer.isWhole && lines.count > 0 && !lines.rest)) return true;
		if (this.run.breaksPolls) this.ledger.breakStream();
		return this.fail('poll', answer);
	}

	async stream() {
		let frameBytes = 0;
		const lines = new Lines((line, index) => {
			if (index > 0) {
				frameBytes += Buffer.byteLength(line) + 1;
				this.takeFrame(line);
			} else if (line !== PRELUDE) {
				this.damage(`no prelude: ${line}`);
			}
		});
		const answer = await this.lanes.post(`${this.path}/xhr_streaming`, '', 0, (chunk, status) => {
			if (status === 200) lines.add(chunk);
		});
		const isComplete = answer.isWhole && !lines.rest && frameBytes >= this.run.responseLimit;
		if (this.isDone || (answer.status === 200 && isComplete)) return true;
		if (answer.status !== 200) return this.fail('stream', answer);
		// If a stream has begun, sockjs-client takes its break for its end, and opens the
		// next one.
		this.brokenStreams[answer.isWhole ? 'ended' : 'cut']++;
		this.ledger.breakStream();
		return false;
	}

	takeFrame(frame) {
		const isFirst = !this.hasOpened;
		this.hasOpened = true;
		if (frame === 'o') {
			if (!isFirst) this.end('a new one was opened under its id', true);
		} else if (this.hasSaidBye && frame.startsWith('c[3000,')) {
			this.finish();
		} else if (frame[0] === 'c') {
			this.end(frame.slice(0, 60), true);
		} else if (frame[0] === 'a') {
			this.takeMessages(frame);
		} else if (frame !== 'h') {
			this.damage(`no frame: ${frame}`);
		}
		this.changed();
	}

	takeMessages(frame) {
		let messages;
		try {
			messages = JSON.parse(frame.slice(1));
		} catch {
			this.damage(`no JSON: ${frame}`);
			return;
		}
		for (const message of messages) this.ledger.see(message);
		this.run.received += messages.length;
	}

	damage(what) {
		this.ledger.damaged.push(what.slice(0, 60));
	}

	// Notes that a request has failed and is tried again. Returns false.
	fail(what, { status, isWhole, error, isStale }) {
		if (this.isDone) return false;
		let how = status;
		if (isStale) how = 'on a closed connection';
		else if (status === 0) how = error;
		else if (status === 200) how = isWhole ? 'incomplete' : 'cut';
		this.count(`${what} ${how}`);
		const isFatal = what === 'stream' || this.run.isStrict;
		if (isFatal && !isStale && this.hasOpened) this.end(`${what} ${how}`, false);
		return false;
	}

	// --- sending

	async sendAll() {
		const { random } = this.run;
		while (!this.isDone && !this.hasOpened) await this.change(PATIENCE);
		while (!this.isDone && !this.run.isDraining) {
			const numbers = await this.send(random.chance(0.1) ? random.integer(2, 5) : 1);
			await sleep(random.between(0, 2 * this.run.thinkTime));
			// A client usually waits for its echo, but not always.
			if (random.chance(0.8)) await this.back(numbers[numbers.length - 1], PATIENCE);
			if (this.run.saysBye && random.chance(BYE) && this.ledger.isSettled()) await this.bye();
		}
	}

	// Has the application close the session, once everything is back. See worker.py.
	async bye() {
		this.hasSaidBye = true;
		while (!this.isDone) {
			const answer = await this.lanes.post(`${this.path}/xhr_send`, '["bye"]', SEND_LIMIT, () => {});
			if (answer.status === 404) this.finish();
			else if (answer.status !== 204) this.fail('send', answer);
			await this.change(PATIENCE);
		}
	}

	// Sends so many messages in one request. Returns their numbers.
	async send(count) {
		const numbers = Array.from({ length: count }, () => this.ledger.begin(this.padding()));
		const body = JSON.stringify(numbers.map((number) => this.ledger.text(number)));
		const answer = await this.lanes.post(`${this.path}/xhr_send`, body, SEND_LIMIT, () => {});
		const isAcknowledged = answer.status === 204 && answer.isWhole;
		for (const number of numbers) this.ledger.settle(number, isAcknowledged);
		if (answer.status === 404) this.end('send 404', true);
		else if (!isAcknowledged) this.fail('send', answer);
		return numbers;
	}

	padding() {
		const { random } = this.run;
		const length = random.chance(0.02) ? random.integer(5000, 30000) : random.integer(0, random.chance(0.1) ? 3000 : 200);
		return 'abcdefghijklmnopqrstuvwxyz"\\\u20ac'[random.integer(0, 28)].repeat(length);
	}

	// Resolves when the message has come back, the session is over, or the time is over.
	async back(number, patience) {
		const end = Date.now() + patience;
		while (!this.isDone && !this.run.isDraining && !this.ledger.isBack(number) && Date.now() < end)
			await this.change(end - Date.now());
	}

	// Resolves when something has changed, or the time is over.
	change(patience) {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, patience);
			this.changed = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}
}

module.exports = { Session };
