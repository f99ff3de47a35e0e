'use strict';

// What a run of `make bench` says, in text.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { judgeAll } = require('./goals');
const { round, statistics, withSpread } = require('./statistics');

const partsText = (parts) =>
	parts && Object.keys(parts).length > 1
		? Object.entries(parts)
				.map(([name, { median }]) => `${name} ${round(median)}`)
				.join(', ')
		: '';

const summaryLine = ({ name, value, ratio, parts }) =>
	[
		`    ${name.padEnd(32)} ${withSpread(value).padEnd(24)}`,
		ratio ? `ours is ${withSpread(ratio)} of it` : '',
		partsText(parts),
	]
		.join(' ')
		.trimEnd();

// Lines for a terminal.
function summary(row) {
	return row.groups
		.flatMap((group) => [
			`  ${group.connections} connection${group.connections > 1 ? 's' : ''}, ${row.unit}:`,
			...statistics(group).map(summaryLine),
		])
		.join('\n');
}

const HEAD = [
	'work',
	'connections',
	'server',
	'value',
	'ours of it',
	'a second',
	'p99, µs',
	'parts',
	'load',
];

function tableLines(row) {
	return row.groups.flatMap((group) =>
		statistics(group).map(({ name, value, ratio, rate, p99, parts, load }, i) => [
			i === 0 ? `${row.title}, ${row.unit}` : '',
			i === 0 ? group.connections : '',
			name,
			withSpread(value),
			ratio ? withSpread(ratio) : '',
			rate ? round(rate.median) : '',
			p99 ? round(p99.median) : '',
			partsText(parts),
			load ? load.median.toFixed(2) : '',
		]),
	);
}

const line = (cells) => `| ${cells.join(' | ')} |\n`;

const BUSY = 0.05;
const GOALS_HEAD = ['work', 'connections', 'goal', 'measured', 'met'];

function goals(rows) {
	const judged = judgeAll(rows);
	if (judged.length === 0) return '';
	const lines = judged.map(({ work, connections, goal, measured, met }) => [
		work,
		connections,
		goal,
		measured,
		met ? 'yes' : '**no**',
	]);
	return `## Goals\n\n${[GOALS_HEAD, GOALS_HEAD.map(() => '---'), ...lines].map(line).join('')}\n`;
}

// The page of a run, in Markdown.
function table(rows, about) {
	const lines = [HEAD, HEAD.map(() => '---'), ...rows.flatMap(tableLines)];
	const charts = rows.map(({ name, title }) => `![${title}](${name}.svg)\n`);
	return (
		`# Side by side\n\n${about.text}\n\nSee bench/README.md for what this means.\n\n` +
		`${goals(rows)}## All\n\n${lines.map(line).join('')}\n${charts.join('\n')}`
	);
}

const versionOf = (...names) => {
	try {
		return JSON.parse(
			fs.readFileSync(path.join(__dirname, ...names, 'package.json'), 'utf8'),
		).version;
	} catch {
		return 'none';
	}
};

function release() {
	const text = fs.readFileSync('/etc/os-release', 'utf8');
	return (/^PRETTY_NAME="?([^"\n]*)/m.exec(text) || ['', 'Linux'])[1];
}

// How much of all processors' time others need, looked at for a second. (The load average would
// still tell of what was minutes ago.)
async function busyShare() {
	const spent = () => {
		const times = os.cpus().map((cpu) => cpu.times);
		const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
		return { all: sum(times.flatMap(Object.values)), idle: sum(times.map(({ idle }) => idle)) };
	};
	const before = spent();
	await sleep(1000);
	const after = spent();
	return 1 - (after.idle - before.idle) / (after.all - before.all);
}

const roundsText = ({ rounds, seconds }) => `${rounds} rounds of ${seconds} s`;
const paceText = ({ usual, goals }) =>
	roundsText(usual) === roundsText(goals)
		? roundsText(usual)
		: `${roundsText(usual)}, where there is a goal ${roundsText(goals)}`;

// Where and how a run was made.
async function machine(options, pace) {
	const [{ model }] = os.cpus();
	const busy = await busyShare();
	const today = new Date().toISOString().slice(0, 10);
	const words = process.argv.slice(2).join(' ');
	const command = words ? `make bench ARGS='${words}'` : 'make bench';
	const lines = [
		`${model}, ${os.cpus().length} cores, Linux ${os.release()}, ${release()}`,
		`node ${process.version}, npm sockjs ${versionOf('../node_modules/sockjs')}, ` +
			`socket.io ${versionOf('peers/node_modules/socket.io')}`,
		`${command}, ${today}, ${paceText(pace)}`,
	];
	if (options.quick) lines.push('**A quick run: these figures mean nothing.**');
	if (busy > BUSY)
		lines.push(
			`**The machine was busy (${Math.round(busy * 100)}% before it began): these figures mean little.**`,
		);
	return { text: lines.join('  \n'), busy, quick: Boolean(options.quick) };
}

module.exports = { machine, summary, table };
