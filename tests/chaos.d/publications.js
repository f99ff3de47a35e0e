'use strict';

// Notes what was published to one channel, and what its subscribers heard of it. From this, it makes
// the counts of `tests/chaos --publish`. It knows no clock and no network.
//
//   publications missed       acknowledged, or between two that came, but never came
//   publications twice        came again
//   publications out of order came after a later one
//   publications wrong        at their offset something else came than was acknowledged for it
//   histories gone untold     a channel has begun anew, or has less than a subscriber, unsaid
//   histories lost            it was said of a history that must not go (isLasting)
//
// A subscriber that is told that what it missed cannot be had begins anew where the channel is.

const FAULTS = [
	'publications missed',
	'publications twice',
	'publications out of order',
	'publications wrong',
	'histories gone untold',
	'histories lost',
];

class Publications {
	// isLasting: its history is long enough for everybody.
	constructor(channel, isLasting) {
		this.channel = channel;
		this.isLasting = isLasting;
		this.count = 0; // begun
		this.acknowledged = []; // {text, offset, epoch}
		this.promised = []; // {text, readings}: acknowledged without an offset
		this.readings = [];
	}

	// The text of the next publication, unlike any other.
	next() {
		return `${this.channel} ${this.count++}`;
	}

	acknowledge(text, { offset, epoch }) {
		this.acknowledged.push({ text, offset, epoch });
	}

	// Who has subscribed, and is to get what is published from now on.
	listeners() {
		return this.readings.filter((reading) => reading.position !== null);
	}

	// The same, where the offset is not known; of listeners() before it was published.
	acknowledgeTo(text, readings) {
		this.promised.push({ text, readings });
	}

	// Where the channel was after what was acknowledged last; undefined: nothing was.
	get last() {
		return this.acknowledged[this.acknowledged.length - 1];
	}

	reading(name) {
		const reading = new Reading(name, this.isLasting);
		this.readings.push(reading);
		return reading;
	}

	// Whether all have what was acknowledged last.
	get isRead() {
		return this.readings.every((reading) => reading.has(this.last));
	}

	// Returns {counts, details}.
	audit() {
		const acknowledged = this.acknowledged.length + this.promised.length;
		const counts = {
			'publications acknowledged': acknowledged,
			'publications unacknowledged': this.count - acknowledged,
			'publications received': 0,
			'subscriptions recovered': 0,
			'histories gone, and said to be': 0,
			...Object.fromEntries(FAULTS.map((name) => [name, 0])),
		};
		const details = [];
		for (const { text, readings } of this.promised)
			for (const reading of readings) reading.expect(text);
		for (const reading of this.readings) {
			reading.compare(this.acknowledged);
			counts['publications received'] += reading.texts.size;
			counts['subscriptions recovered'] += reading.recovered;
			counts['histories gone, and said to be'] += reading.gone;
			for (const [fault, what] of reading.faults) {
				counts[fault]++;
				details.push(`${fault}: ${reading.name}: ${what}`);
			}
		}
		return { counts, details };
	}
}

// What one subscriber heard.
class Reading {
	constructor(name, isLasting) {
		this.name = name;
		this.isLasting = isLasting;
		this.position = null; // {offset, epoch} of the last; null: it has not subscribed yet
		this.stretches = []; // {epoch, from, seen: Map offset -> text}: heard without a gap
		this.texts = new Set();
		this.recovered = 0;
		this.gone = 0;
		this.faults = []; // [name, what]
	}

	fault(name, what) {
		this.faults.push([name, what]);
	}

	// It is subscribed. recovered: true or false as it was told, undefined if it did not ask. What
	// was missed comes after this.
	start({ offset, epoch }, recovered) {
		if (recovered) {
			this.recovered++;
			if (epoch !== this.position.epoch || offset < this.position.offset)
				this.fault('histories gone untold', `${this.where()}, recovered at ${epoch} ${offset}`);
			return;
		}
		if (this.position) {
			this.gone++;
			if (this.isLasting) this.fault('histories lost', `${this.where()}, now ${epoch} ${offset}`);
		}
		this.position = { offset, epoch };
		this.stretches.push({ epoch, from: offset, seen: new Map() });
	}

	where() {
		return `${this.position.epoch} ${this.position.offset}`;
	}

	see({ offset, epoch }, text) {
		const what = `"${text}", ${epoch} ${offset} after ${this.where()}`;
		const { seen } = this.stretches[this.stretches.length - 1];
		if (epoch !== this.position.epoch) return this.fault('histories gone untold', what);
		if (this.texts.has(text)) return this.fault('publications twice', what);
		this.texts.add(text);
		seen.set(offset, text);
		if (offset <= this.position.offset) return this.fault('publications out of order', what);
		for (let missed = this.position.offset + 1; missed < offset; missed++)
			this.fault('publications missed', `${epoch} ${missed}, before "${text}"`);
		this.position = { offset, epoch };
	}

	has(last) {
		const { position } = this;
		if (!last) return true;
		return position !== null && position.epoch === last.epoch && position.offset >= last.offset;
	}

	// What it was told to be gone may be what is missing.
	expect(text) {
		if (this.gone === 0 && !this.texts.has(text)) this.fault('publications missed', `"${text}"`);
	}

	// With what publishers were told.
	compare(acknowledged) {
		const last = acknowledged[acknowledged.length - 1];
		if (!this.has(last)) this.fault('publications missed', `all up to "${last.text}", ${last.offset}`);
		for (const { text, offset, epoch } of acknowledged) {
			const stretch = this.stretches.find((each) => each.epoch === epoch && each.seen.has(offset));
			if (stretch && stretch.seen.get(offset) !== text)
				this.fault('publications wrong', `"${stretch.seen.get(offset)}" at ${offset}, not "${text}"`);
		}
	}
}

module.exports = { Publications, FAULTS };
