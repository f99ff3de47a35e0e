'use strict';

// What a row of `make bench` is to reach. A goal:
//   connections  the group that it is about; unset: the first
//   what         in words, if its row's title does not say it
//   most         at most that, and of what:
//     against      another server's value
//     since        our own value with so many connections: how it grows
//     parts, of    these parts of ours together, against another part of ours
//     (none)       our value itself
//   rate         or our rate is at least so many times that of `against`

const { round, spread, withSpread } = require('./statistics');

const OURS = 0; // the first server of a row

const roundsOf = (group, server) => group?.results[server];
const oursOf = (group) => Object.values(group.results)[OURS];
const divide = (rounds, others, what = 'value') =>
	rounds.map((each, i) => each[what] / others[i][what]);
const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

// The group with that number of connections; where there are not so many, the largest.
const groupOf = (row, connections = 0) =>
	row.groups.find((group) => group.connections >= connections) || row.groups[row.groups.length - 1];

// By the word that a goal has: its figure in each round, undefined if that was not measured, and
// what it is of.
const KINDS = {
	against: {
		figures(row, goal, group) {
			const peer = roundsOf(group, goal.against);
			return peer && divide(oursOf(group), peer);
		},
		text: ({ against, rate }) => ` of ${against}${rate ? `, or ${rate} times its rate` : ''}`,
	},
	since: {
		figures: (row, goal, group) => divide(oursOf(group), oursOf(groupOf(row, goal.since))),
		text: ({ since }) => ` of what it is with ${since}`,
	},
	of: {
		figures: (row, goal, group) =>
			oursOf(group).map(({ parts }) => sum(goal.parts.map((name) => parts[name])) / parts[goal.of]),
		text: ({ parts, of }) => ` of ${of}'s part for ${parts.join(' and ')}`,
	},
	most: {
		figures: (row, goal, group) => oursOf(group).map(({ value }) => value),
		text: (goal, { unit }) => ` ${unit}`,
	},
};
const kindOf = (goal) => KINDS[Object.keys(KINDS).find((word) => word in goal)];

// What the others' values did meanwhile: some growth is the system's.
function growthOfOthers(row, { since }, group) {
	const before = groupOf(row, since);
	return Object.keys(group.results)
		.slice(1)
		.map((name) => `${name} ${round(spread(divide(roundsOf(group, name), roundsOf(before, name))).median)}`)
		.join(', ');
}

function rateText(goal, group) {
	const { median } = spread(divide(oursOf(group), roundsOf(group, goal.against), 'rate'));
	return { text: `${round(median)} times its rate`, met: median >= goal.rate };
}

// The groups that the row's goals are about.
const groupsWithGoals = (row) =>
	new Set(
		(row.goals || []).flatMap(({ connections, since }) =>
			[connections, ...(since ? [since] : [])].map((count) => groupOf(row, count)),
		),
	);

// {work, connections, goal, measured: texts, met}; undefined if its peer was not there.
function judge(row, goal) {
	const group = groupOf(row, goal.connections);
	const kind = kindOf(goal);
	const figures = kind.figures(row, goal, group);
	if (!figures)
		return undefined;
	const reached = spread(figures);
	const rate = goal.rate && rateText(goal, group);
	const more = rate ? rate.text : goal.since && growthOfOthers(row, goal, group);
	return {
		work: `${row.title}, ${goal.what || row.unit}`,
		connections: group.connections,
		goal: `at most ${goal.most}${kind.text(goal, row)}`,
		measured: withSpread(reached) + (more ? `; ${more}` : ''),
		met: reached.median <= goal.most || Boolean(rate?.met),
	};
}

// All goals of the rows that were measured: of each row `goals`, as above.
const judgeAll = (rows) =>
	rows.flatMap((row) => (row.goals || []).map((goal) => judge(row, goal))).filter(Boolean);

module.exports = { groupsWithGoals, judgeAll };
