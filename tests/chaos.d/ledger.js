'use strict';

// What one session was sent, what of it was acknowledged, and what came back: the counts of a chaos run are made here.
// Knows no clock and no network: events are numbered in the order in which the client saw them.
//
//   lost          acknowledged, and never came back
//   duplicates    came back again, acknowledged or not
//   outOfOrder    acknowledged, and came back behind a later acknowledged one
//   damaged       not what was sent, or of another session
//
// A message handed to a stream that then broke is the one thing that SockJS cannot confirm: it is `lostWithStream`, apart.
// A break explains a loss only if it came between the message's sending and the arrival of a later one: what comes after
// that was overtaken, and no break excuses it.

class Ledger {
	constructor(name) {
		this.name = name; // begins each of its messages
		this.entries = []; // by number: {begun, state, text, seen: [event, ...]}
		this.sights = []; // numbers in the order in which they came back
		this.breaks = []; // events
		this.damaged = [];
		this.events = 0;
	}

	// A new message with `padding` behind its number. Returns its number; its text is text(number).
	begin(padding) {
		const number = this.entries.length;
		this.entries.push({ begun: ++this.events, state: 'under way', text: `${this.name} ${number} ${padding}`, seen: [] });
		return number;
	}

	text(number) {
		return this.entries[number].text;
	}

	// The send's answer: isAcknowledged, or its outcome is not known and stays so.
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

	// A stream ended that was not complete.
	breakStream() {
		this.breaks.push(++this.events);
	}

	isBack(number) {
		return this.entries[number].seen.length > 0;
	}

	isAcknowledged(number) {
		return this.entries[number].state === 'acknowledged';
	}

	// Whether everything is back that is still expected.
	isSettled() {
		return this.audit().lost.length === 0;
	}

	// {acknowledged, lost, lostWithStream, duplicates, outOfOrder, unknown, unknownBack}: lists of numbers; a number is as
	// often among the duplicates as it came too often.
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

	// By number: the event at which a later acknowledged message came back first.
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
