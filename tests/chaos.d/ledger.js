'use strict';

// Notes what one session was sent, what of it was acknowledged, and what came back. From this, it
// makes the counts of a chaos run. It knows no clock and no network: events are numbered in the
// order in which the client saw them.
//
//   lost          acknowledged, but never came back
//   duplicates    came back more than once, acknowledged or not
//   outOfOrder    acknowledged, but came back after a later acknowledged message
//   damaged       not what was sent, or from another session
//
// SockJS cannot confirm a message that was handed to a stream which then broke. Such a message
// counts as `lostWithStream`, not as lost. The stream must have broken after the message was sent
// and before a later acknowledged message came back. A break after that explains nothing, because
// the later message has overtaken the lost one.

class Ledger {
	constructor(name) {
		this.name = name; // each of its messages begins with it
		this.entries = []; // by number: {begun, state, text, seen: [event, ...]}
		this.sights = []; // numbers in the order in which they came back
		this.breaks = []; // events
		this.damaged = [];
		this.events = 0;
	}

	// Begins a new message, with `padding` after its number. Returns the number. The text is
	// text(number).
	begin(padding) {
		const number = this.entries.length;
		this.entries.push({ begun: ++this.events, state: 'under way', text: `${this.name} ${number} ${padding}`, seen: [] });
		return number;
	}

	text(number) {
		return this.entries[number].text;
	}

	// The send was answered. If it is not acknowledged, its outcome stays unknown.
	settle(number, isAcknowledged) {
		++this.events;
		this.entries[number].state = isAcknowledged ? 'acknowledged' : 'unknown';
	}

	// A message came back.
	see(text) {
		const event = ++this.events;
		const number = this.numberOf(text);
		const entry = this.entries[number];
		if (!entry || entry.text !== text) {
			this.damaged.push(text.slice(0, 60));
			return;
		}
		entry.seen.push(event);
		this.sights.push(number);
	}

	numberOf(text) {
		const [, name, number] = /^(\S+) (\d+) /.exec(text) || [];
		return name === this.name ? Number(number) : -1;
	}

	// A stream ended before it was complete.
	breakStream() {
		this.breaks.push(++this.events);
	}

	isBack(number) {
		return this.entries[number].seen.length > 0;
	}

	isAcknowledged(number) {
		return this.entries[number].state === 'acknowledged';
	}

	// Whether everything that is expected has come back.
	isSettled() {
		return this.audit().lost.length === 0;
	}

	// Returns {acknowledged, lost, lostWithStream, duplicates, outOfOrder, unknown,
	// unknownBack}. Each is a list of numbers. A number occurs among the duplicates once for
	// each time that it came again.
	audit() {
		const numbers = [...this.entries.keys()];
		const isBack = (number) => this.isBack(number);
		const acknowledged = numbers.filter((number) => this.isAcknowledged(number));
		const unknown = numbers.filter((number) => !this.isAcknowledged(number));
		const lost = acknowledged.filter((number) => !isBack(number));
		const overtaken = this.overtakings();
		const isExplained = (number) =>
			this.breaks.some((event) => event > this.entries[number].begun && event < overtaken[number]);
		return {
			acknowledged,
			lost: lost.filter((number) => !isExplained(number)),
			lostWithStream: lost.filter(isExplained),
			duplicates: numbers.flatMap((number) => Array(Math.max(this.entries[number].seen.length - 1, 0)).fill(number)),
			outOfOrder: this.outOfOrder(),
			unknown,
			unknownBack: unknown.filter(isBack),
		};
	}

	// By number: the first event at which a later acknowledged message came back.
	overtakings() {
		const events = [];
		let earliest = Infinity;
		for (let number = this.entries.length - 1; number >= 0; number--) {
			const { seen } = this.entries[number];
			events[number] = earliest;
			if (this.isAcknowledged(number) && seen.length) earliest = Math.min(earliest, seen[0]);
		}
		return events;
	}

	outOfOrder() {
		const late = [];
		const known = new Set();
		let highest = -1;
		for (const number of this.sights) {
			if (!this.isAcknowledged(number) || known.has(number)) continue;
			known.add(number);
			if (number < highest) late.push(number);
			else highest = number;
		}
		return late;
	}
}

module.exports = { Ledger };
