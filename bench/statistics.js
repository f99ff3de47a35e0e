'use strict';

// What the figures of several rounds come to.

// Of numbers: {median, low, high}: a quarter of them is below `low`, a quarter above `high`. Between
// two of them, their mean by weight.
function spread(values) {
	const all = [...values].sort((a, b) => a - b);
	const at = (part) => {
		const place = part * (all.length - 1);
		const below = all[Math.floor(place)];
		return below + (all[Math.ceil(place)] - below) * (place % 1);
	};
	return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

// Three digits.
function round(value) {
	if (!Number.isFinite(value)) return '-';
	const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
	return value.toFixed(Math.min(digits, 3));
}

const withSpread = ({ median, low, high }) =>
	`${round(median)} (${round(low)} to ${round(high)})`;

// What the servers of a group came to. ratio: ours of it, round by round, so that what disturbed
// both of them alike does not count; the first server is ours.
function statistics({ results }) {
	const [ours] = Object.values(results);
	return Object.entries(results).map(([name, rounds], i) => ({
		name,
		value: spread(rounds.map(({ value }) => value)),
		ratio:
			i > 0
				? spread(rounds.map(({ value }, k) => ours[k].value / value))
				: undefined,
		rate: rounds[0].rate && spread(rounds.map(({ rate }) => rate)),
		p99: rounds[0].p99 && spread(rounds.map(({ p99 }) => p99)),
		parts:
			rounds[0].parts &&
			Object.fromEntries(
				Object.keys(rounds[0].parts).map((part) => [
					part,
					spread(rounds.map(({ parts }) => parts[part])),
				]),
			),
		// The load's own share of the time: near 1, it was the limit and not the server.
		load:
			rounds[0].ownCpu &&
			spread(rounds.map(({ ownCpu, seconds }) => ownCpu / seconds)),
	}));
}

module.exports = { round, spread, statistics, withSpread };
