'use strict';

// `make bench`: our server beside its peers, on the same work, in turn, in one run. README.md says
// how to read what it writes.

const fs = require('node:fs');
const path = require('node:path');
const { parseArguments } = require('./common');
const { Contender } = require('./contender');
const { chart } = require('./chart');
const { machine, summary, table } = require('./report');
const { rows } = require('./rows');
const { missing } = require('./servers');

const options = parseArguments(
	'Usage: node bench/run.js [--OPTION ...] [ROW ...]\n\n' +
		'Measures our server beside its peers, which take turns, and writes a table and\n' +
		'charts. Without a ROW, all of them are measured; a * at the end of a ROW stands for\n' +
		'anything. See bench/README.md.',
	{
		quick: {
			kind: 'flag',
			help: 'a look whether everything works: small numbers, and figures that mean nothing',
		},
		rounds: { help: 'rounds of each server (7; quick: 2)' },
		seconds: { help: 'how long a round lasts, about (1; quick: 0.1)' },
		most: { help: 'largest number of connections (quick: 50)' },
		out: {
			kind: 'text',
			default: path.join(
				process.env.SOCKJS_BUILDDIR || path.join(__dirname, '..'),
				'build/bench',
			),
			help: 'the folder for what is written',
		},
		list: { kind: 'flag', help: 'print the rows, and end' },
		words: { default: [] },
	},
);

const UNAVAILABLE = 69;
const pace = options.quick
	? {
			rounds: options.rounds || 2,
			seconds: options.seconds || 0.1,
			warm: 100,
			most: options.most || 50,
		}
	: {
			rounds: options.rounds || 7,
			seconds: options.seconds || 1,
			warm: 4000,
			most: options.most || Infinity,
		};

const matches = (name, word) =>
	word.endsWith('*') ? name.startsWith(word.slice(0, -1)) : name === word;

function chosen() {
	const unknown = options.words.filter(
		(word) => !Object.keys(rows).some((name) => matches(name, word)),
	);
	if (unknown.length > 0) {
		console.error(`run.js: ${unknown.join(', ')}: no such row; see --list`);
		process.exit(64);
	}
	return Object.entries(rows).filter(
		([name]) =>
			options.words.length === 0 ||
			options.words.some((word) => matches(name, word)),
	);
}

const nameOf = ({ debian, npm }) => debian || `npm's ${npm}`;

// The servers of a row that are there. Says what the others lack.
function availableOf(row) {
	return row.servers.filter((name) => {
		const lacks = missing(name);
		if (lacks.length > 0)
			console.error(
				`  ${name} is left out: ${lacks.map(nameOf).join(', ')} is missing; ` +
					'./bootstrap bench installs it',
			);
		return lacks.length === 0;
	});
}

async function start(contender, row) {
	await contender.start(row.way, row.size);
	await row.measure.prepare(contender, row, pace);
}

async function round(contender, row) {
	if (!row.measure.fresh) return row.measure.round(contender, row);
	await start(contender, row);
	const result = await row.measure.round(contender, row);
	await contender.stop();
	return result;
}

// One number of connections. Resolves with {server: [result of a round, ...]}.
async function measure(row, names) {
	const contenders = names.map((name) => new Contender(name));
	const results = Object.fromEntries(names.map((name) => [name, []]));
	let current;
	try {
		if (!row.measure.fresh) {
			for (current of contenders) await start(current, row);
			await row.measure.agree?.(contenders, row, pace);
		}
		for (let i = 0; i < pace.rounds; i++) {
			for (current of contenders)
				results[current.name].push(await round(current, row));
		}
	} catch (error) {
		throw new Error(
			`${current.name}: ${error.message}\n${current.server?.log().slice(-1000) ?? ''}`.trim(),
		);
	} finally {
		for (const contender of contenders) await contender.stop();
	}
	return results;
}

// Resolves with {name, title, unit, groups: [{connections, results}]}; or undefined, if ours would
// stand alone.
async function measureRow(name, row) {
	const servers = availableOf(row);
	if (servers.length < 2 || (row.half && !servers.includes(row.half)))
		return console.error(`  ${name} is left out: there is no peer`);
	const counts = [
		...new Set(
			[row.connections || 100].flat().map((count) => Math.min(count, pace.most)),
		),
	];
	const groups = [];
	for (const connections of counts)
		groups.push({
			connections,
			results: await measure({ size: 20, ...row, connections }, servers),
		});
	return { name, title: row.title, unit: row.measure.unit, groups };
}

function write(done, about) {
	fs.mkdirSync(options.out, { recursive: true });
	fs.writeFileSync(
		path.join(options.out, 'results.json'),
		JSON.stringify({ about, rows: done }, null, '\t'),
	);
	fs.writeFileSync(path.join(options.out, 'results.md'), table(done, about));
	for (const row of done)
		fs.writeFileSync(path.join(options.out, `${row.name}.svg`), chart(row, about));
}

async function main() {
	if (options.list) {
		for (const [name, { title, servers }] of Object.entries(rows))
			console.log(`${name.padEnd(22)} ${title}: ${servers.join(', ')}`);
		return;
	}
	const about = machine(options, pace);
	const done = [];
	console.log(about.text);
	for (const [name, row] of chosen()) {
		console.log(`${name}: ${row.title}`);
		try {
			const result = await measureRow(name, row);
			if (result) {
				done.push(result);
				console.log(summary(result));
			}
		} catch (error) {
			console.error(`  ${name} failed: ${error.message}`);
			process.exitCode = 1;
		}
		write(done, about); // so that what was measured stays if the rest is interrupted
	}
	if (done.length === 0) process.exitCode = UNAVAILABLE;
	console.log(`written: ${path.join(options.out, 'results.md')}`);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
