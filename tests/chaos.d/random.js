'use strict';

// Random numbers that can be repeated with a seed. They come from a linear congruential generator
// of 48 bits, of which the upper 32 are used. What a run does with them also depends on timing, so
// the same seed makes runs similar, not equal.

const MULTIPLIER = 0x5deece66dn;
const MASK = (1n << 48n) - 1n;

class Random {
	constructor(seed) {
		this.state = (BigInt(seed) ^ MULTIPLIER) & MASK;
	}

	// 0 <= x < 1
	fraction() {
		this.state = (this.state * MULTIPLIER + 11n) & MASK;
		return Number(this.state >> 16n) / 2 ** 32;
	}

	between(low, high) {
		return low + this.fraction() * (high - low);
	}

	integer(low, high) {
		return Math.floor(this.between(low, high + 1));
	}

	chance(part) {
		return this.fraction() < part;
	}

	of(list) {
		return list[this.integer(0, list.length - 1)];
	}
}

module.exports = { Random };
