'use strict';

// The part of a chaos run that has an application in another process: `tests/chaos --kill worker`
// and `--kill callback`. A client that polls hears what the application did; websockets come and go.

const { Effects, FAULTS } = require('./effects');
const { Session } = require('./session');
const sockets = require('./sockets');

const ENDED = 'auditor ended';
const APPLICATION_FAULTS = [...FAULTS, ...sockets.FAULTS, ENDED];
const ASK_AGAIN = 3000; // ms

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

class Auditor extends Session {
	constructor(run) {
		super(run, `${run.prefix}-auditor`, false);
		this.effects = new Effects();
		this.hasBegun = false;
	}

	async sendAll() {
		while (!this.isDone && !this.hasOpened) await this.change(ASK_AGAIN);
		while (!this.isDone && !this.hasBegun) {
			await this.lanes.post(`${this.path}/xhr_send`, '["audit"]', ASK_AGAIN, () => {});
			await this.change(ASK_AGAIN);
		}
	}

	takeMessages(frame) {
		for (const text of JSON.parse(frame.slice(1)))
			if (text === 'audit') this.hasBegun = true;
			else this.effects.see(text);
	}
}

class Audit {
	// clients: of clients.js. mayBreak: the daemon is killed.
	constructor({ url, clients, websockets, random, mayBreak, note }) {
		this.clients = clients;
		this.auditor = new Auditor(clients);
		this.sockets = new sockets.Sockets({ url, count: websockets, random, mayBreak, note });
	}

	// Resolves when it hears everything that is done from then on.
	async start(limit) {
		const end = Date.now() + limit;
		this.living = this.auditor.live();
		this.living.catch(() => {}); // a failure is reported to whoever awaits it
		while (!this.auditor.hasBegun) {
			if (Date.now() > end || this.auditor.isDone)
				throw new Error(`nothing is heard of the application after ${limit} ms`);
			await sleep(20);
		}
		this.sockets.start();
	}

	// Once the clients have drained: waits until every end was told.
	async drain(limit) {
		const end = Date.now() + limit;
		await this.sockets.drain();
		const { auditor } = this;
		while (auditor.effects.open.length > 0 && !auditor.isDone && Date.now() < end) await sleep(20);
		this.auditor.stop();
		await this.living;
	}

	// Returns {text, details, isGood}.
	report() {
		const { effects, ends } = this.auditor;
		for (const { ledger } of this.clients.sessions)
			effects.compare(ledger.name, ledger.audit().acknowledged);
		for (const [name, numbers] of this.sockets.echoed) effects.compare(name, numbers);
		const { counts, details } = effects.audit(this.sockets.counts['websockets broken']);
		Object.assign(counts, this.sockets.counts, { [ENDED]: ends.length });
		if (counts.effects === 0) throw new Error('the application did nothing');
		const lines = Object.entries(counts).map(([name, count]) => `${name}: ${count}\n`);
		return {
			text: lines.join(''),
			details: [...details, ...this.sockets.details, ...ends.map((why) => `${ENDED}: ${why}`)],
			isGood: APPLICATION_FAULTS.every((name) => counts[name] === 0),
		};
	}
}

module.exports = { Audit, APPLICATION_FAULTS };
