'use strict';

// Notes what the application of a chaos run said that it did (worker.py), and compares it with what
// its clients know. It knows no clock and no network.
//
//   effects missed         of an acknowledged message, but never seen
//   effects twice          of one message
//   effects out of order   of an acknowledged message after that of a later one; or before its
//                          connection had begun, or after its end
//   begins twice, ends twice, ends untold
//                          a connection's begin and end are told once each
//   ends of nobody         there are more ends without a begin than websockets that broke: these
//                          had one that was not handled when the daemon was killed
//   application errors     what the daemon said to the application

const FAULTS = [
	'effects missed',
	'effects twice',
	'effects out of order',
	'begins twice',
	'ends twice',
	'ends untold',
	'ends of nobody',
	'application errors',
];

class Effects {
	constructor() {
		this.connections = new Map(); // id -> {begins, ends}
		this.messages = new Map(); // name -> numbers, in the order in which they were seen
		this.count = 0;
		this.faults = []; // [name, what]
	}

	fault(name, what) {
		this.faults.push([name, what]);
	}

	connection(id) {
		if (!this.connections.has(id)) this.connections.set(id, { begins: 0, ends: 0 });
		return this.connections.get(id);
	}

	// What the application has published.
	see(text) {
		const [what, id, name, number] = text.split(' ');
		if (what === 'error') return this.fault('application errors', text);
		const connection = this.connection(id);
		if (what === 'connection') {
			if (connection.begins++ > 0) this.fault('begins twice', id);
			return undefined;
		}
		if (what === 'close') {
			if (connection.ends++ > 0) this.fault('ends twice', id);
			return undefined;
		}
		this.count++;
		if (connection.begins === 0 || connection.ends > 0)
			this.fault('effects out of order', `${text}: not while it was there`);
		if (!this.messages.has(name)) this.messages.set(name, []);
		this.messages.get(name).push(Number(number));
		return undefined;
	}

	// The ids of connections that have begun and have not ended.
	get open() {
		const isOpen = ([, { begins, ends }]) => begins > 0 && ends === 0;
		return [...this.connections].filter(isOpen).map(([id]) => id);
	}

	// numbers: of the messages of that name that were acknowledged.
	compare(name, acknowledged) {
		const seen = this.messages.get(name) || [];
		const known = new Set();
		let highest = -1;
		for (const number of seen) {
			if (known.has(number)) this.fault('effects twice', `${name} ${number}`);
			known.add(number);
		}
		const isAcknowledged = new Set(acknowledged);
		for (const number of new Set(seen.filter((each) => isAcknowledged.has(each)))) {
			if (number < highest) this.fault('effects out of order', `${name} ${number}, after ${highest}`);
			highest = Math.max(highest, number);
		}
		for (const number of acknowledged)
			if (!known.has(number)) this.fault('effects missed', `${name} ${number}`);
	}

	// Once all have ended. broken: websockets that broke. Returns {counts, details}.
	audit(broken = 0) {
		const strange = [...this.connections].filter(([, { begins }]) => begins === 0);
		for (const id of this.open) this.fault('ends untold', id);
		if (strange.length > broken)
			this.fault('ends of nobody', strange.map(([id]) => id).join(' '));
		const counts = {
			'connections told': this.connections.size,
			'effects': this.count,
			...Object.fromEntries(FAULTS.map((name) => [name, 0])),
		};
		for (const [name] of this.faults) counts[name]++;
		return { counts, details: this.faults.map(([name, what]) => `${name}: ${what}`) };
	}
}

module.exports = { Effects, FAULTS };
