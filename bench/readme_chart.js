'use strict';

// The chart of README.md: the main rows of a run of `make bench`, each with a scale of its own.

const fs = require('node:fs');
const { parseArguments } = require('./common');
const { connectionsText, draw, notesOf } = require('./chart');
const { round, statistics } = require('./statistics');

const MICROSECONDS = { divisor: 1, unit: 'µs' };
const KILOBYTES = { divisor: 1024, unit: 'KB' };

const MAIN = [
	{ name: 'websocket', connections: 100, ...MICROSECONDS },
	{ name: 'fanout', connections: 1000, ...MICROSECONDS },
	{ name: 'polling', ...MICROSECONDS },
	{ name: 'polling-lighttpd', ...MICROSECONDS },
	{ name: 'memory-websocket', connections: 10000, ...KILOBYTES },
];

const options = parseArguments(
	'Usage: node bench/readme_chart.js RESULTS.json\n\n' +
		'Prints the chart of README.md, from what `make bench` has written.',
	{ words: { default: [] } },
);

function fail(why) {
	console.error(`readme_chart.js: ${why}`);
	process.exit(65);
}

function groupOf({ name, connections, divisor, unit }, rows) {
	const row = rows.find((each) => each.name === name);
	const group = row?.groups.find((each) => !connections || each.connections === connections);
	if (!group) fail(`there is no row ${name}${connections ? ` with ${connections}` : ''}`);
	const scaled = ({ median, low, high }) => ({
		median: median / divisor,
		low: low / divisor,
		high: high / divisor,
	});
	return {
		title: `${row.title}, ${connectionsText(group.connections)}: ${row.unit.replace('bytes', unit)}`,
		bars: statistics(group).map(({ name: server, value }) => ({
			name: server,
			value: scaled(value),
			label: `${round(value.median / divisor)} ${unit}`,
		})),
	};
}

if (options.words.length !== 1) fail('one file of results is needed; see --help');
const { rows, about } = JSON.parse(fs.readFileSync(options.words[0], 'utf8'));
if (about.quick) fail('the figures of a quick run mean nothing');
process.stdout.write(
	draw(
		'What a message and a connection cost: less is better',
		MAIN.map((main) => groupOf(main, rows)),
		notesOf(about),
	),
);
