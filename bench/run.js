'use strict';

// `make bench`: our server beside its peers, on the same work, in turn, in one run. README.md says
// how to read what it writes.

const fs = require('node:fs');
const path = require('node:path');
const { parseArguments } = require('./common');
const { Contender } = require('./contender');
const { chart } = require('./chart');
const { groupsWithGoals } = require('./goals');
const { machine, summary, table } = require('./report');
const { rows } = require('./rows');
const { fileLimit } = require('./processes');
const { missing, servers } = require('./servers');
const { each } = require('./turns');

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
		goals: { kind: 'flag', help: 'only the rows that have a goal' },
		rounds: { help: 'rounds of each server (7, where there is a goal 15; quick: 2)' },
		seconds: { help: 'how long a round lasts, about (0.5, where there is a goal 0.6; quick: 0.1)' },
		most: { help: 'largest number of connections (what `ulimit -n` allows; quick: 50)' },
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
const OTHER_FILES = 500; // that a process has open besides its connections
const pace = options.quick
	? {
			usual: { rounds: options.rounds || 2, seconds: options.seconds || 0.1 },
			goals: { rounds: options.rounds || 2, seconds: options.seconds || 0.1 },
			warm: 100,
			most: options.most || 50,
		}
	: {
			usual: { rounds: options.rounds || 7, seconds: options.seconds || 0.5 },
			goals: { rounds: options.rounds || 15, seconds: options.seconds || 0.6 },
			warm: 4000,
			most: options.most || fileLimit() - OTHER_FILES,
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
		([name, row]) =>
			(!options.goals || row.goals) &&
			(options.words.length === 0 ||
				options.words.some((word) => matches(name, word))),
	);
}

const nameOf = ({ program, debian = program, npm }) => (npm ? `npm's ${npm}` : debian);

// The servers of a row that are there. Says what the others lack.
function availableOf(row) {
	return row.servers.filter((name) => {
		const lacks = missing(name);
		if (lacks.length > 0)
			console.error(
				`  ${name} is left out: ${lacks.map(nameOf).join(', ')} is missing; ` +
					'./bootstrap bench installs it, where there is a package of it',
			);
		return lacks.length === 0;
	});
}

// Servers that start once: a number of connections after the other, and with each they take turns
// that can have so many.
async function measureRunning(row, contenders, groups) {
	const start = (contender) => contender.start(row.way, row.size);
	await each(contenders, start);
	for (const { connections, results, rounds, seconds } of groups) {
		const own = { ...pace, seconds };
		const work = { ...row, connections };
		const able = contenders.filter(({ name }) => !(servers[name].most < connections));
		const prepare = (contender) => row.measure.prepare(contender, work, own);
		const comeBack = async (contender) => {
			const { messages } = contender;
			await start(contender);
			await prepare(contender);
			contender.messages = messages;
		};
		await each(able, prepare, start);
		await row.measure.agree?.(able, work, own);
		for (let i = 0; i < rounds; i++)
			await each(
				able,
				async (contender) => {
					results[contender.name].push(await row.measure.round(contender, work));
				},
				comeBack,
			);
	}
}

// Servers that start anew for each round, which goes through all numbers of connections.
async function measureStarting(row, contenders, groups) {
	for (let i = 0; i < Math.max(...groups.map(({ rounds }) => rounds)); i++)
		await each(contenders, async (contender) => {
			const done = [];
			await contender.start(row.way, row.size);
			for (const { connections, results } of groups.filter(({ rounds }) => i < rounds))
				done.push([results, await row.measure.round(contender, { ...row, connections })]);
			for (const [results, result] of done) results[contender.name].push(result);
			await contender.stop();
		});
}

// Resolves with [{connections, results: {server: [result of a round, ...]}}].
async function measure(row, names) {
	const contenders = names.map((name) => new Contender(name));
	const groups = countsOf(row).map((connections) => ({
		connections,
		results: Object.fromEntries(names.map((name) => [name, []])),
	}));
	const judged = groupsWithGoals({ ...row, groups });
	for (const group of groups) {
		const { rounds, seconds } = judged.has(group) ? pace.goals : pace.usual;
		Object.assign(group, { rounds: Math.min(rounds, row.measure.rounds || Infinity), seconds });
	}
	try {
		await (row.measure.fresh ? measureStarting : measureRunning)(row, contenders, groups);
	} finally {
		for (const contender of contenders) await contender.stop();
	}
	return groups.map(complete).filter(({ results }) => contenders[0].name in results);
}

// A group without those that failed before its end.
const complete = ({ connections, results, rounds }) => ({
	connections,
	results: Object.fromEntries(
		Object.entries(results).filter(([, each]) => each.length === rounds),
	),
});

const countsOf = (row) => [
	...new Set([row.connections || 100].flat().map((count) => Math.min(count, pace.most))),
];

// Resolves with {name, title, unit, goals, groups}; or undefined, if ours would stand alone.
async function measureRow(name, row) {
	const names = availableOf(row);
	if (names.length < 2 || names[0] !== row.servers[0] || (row.half && !names.includes(row.half)))
		return console.error(`  ${name} is left out: there is nothing to compare`);
	const groups = await measure({ size: 20, ...row }, names);
	if (groups.length === 0) return undefined;
	return { name, title: row.title, unit: row.measure.unit, goals: row.goals, groups };
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
	const about = await machine(options, pace);
	const done = [];
	console.log(about.text);
	for (const [name, row] of chosen()) {
		console.log(`${name}: ${row.title}`);
		const begun = performance.now();
		try {
			const result = await measureRow(name, row);
			if (result) {
				done.push(result);
				console.log(summary(result));
				console.log(`  (${Math.round((performance.now() - begun) / 1000)} s)`);
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

// What a server that did not start has left running ends, too.
main().then(
	() => process.exit(),
	(error) => {
		console.error(error);
		process.exit(1);
	},
);
