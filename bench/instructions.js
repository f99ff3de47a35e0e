'use strict';

// How many instructions a message costs each program, counted by callgrind. A count hardly depends
// on how busy the machine is, so that it can be compared with a recorded one, and two builds with
// each other.

const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { parseArguments } = require('./common');
const { temporaryDirectory } = require('../tests/e2e/lib/daemon');
const budget = require('./budget.js');
const { totalOf } = require('./callgrind');
const { measure } = require('./echoes');

const SKIPPED = 77; // automake's status for what could not be run

const options = parseArguments(
	'Usage: node bench/instructions.js [--OPTION ...]\n\n' +
	'Counts, under valgrind, the instructions a message costs: over each of some ways, one message at a time, and in each codec\n' +
	'alone. Prints a line for each way and program; the ways are an echo by websocket, xhr-polling and xhr-streaming and a fan-out\n' +
	'to 20 websockets at sockjs-sessiond, and xhr-polling through sockjs.fcgi, where both programs count.', {
		few: { default: 50, help: 'messages of the shorter run' },
		many: { default: 250, help: 'messages of the longer run' },
		build: { kind: 'text', help: 'the build directory whose programs are measured' },
		against: { kind: 'text', help: 'another build directory: its programs are measured too, and the ratios printed' },
		json: { kind: 'flag', help: 'print {"build": NAME, "counts": {NAME: COUNT, ...}}' },
		record: { kind: 'flag', help: 'write the counts into bench/budget, for this distribution and compiler' },
	});

const callgrind = {
	wrapper: (directory) => ['valgrind', '--tool=callgrind', '--vgdb=no', '-q', `--callgrind-out-file=${directory}/%p`],
	read: (directory, pid) => totalOf(path.join(directory, `${pid}`)),
};

const run = promisify(execFile);
const codecs = path.join(budget.buildDirectory, 'bench/codecs');

// {codec/NAME: instructions of a message}, of bench/codecs.c. Each runs twice, and has a dump
// each time; the second one counts.
async function measureCodecs() {
	if (!fs.existsSync(codecs)) {
		console.error(`without the codecs: \`make bench/codecs\` makes ${codecs}`);
		return {};
	}
	const ran = (await run(codecs)).stdout.trim().split('\n');
	const names = ran.slice(ran.length / 2);
	const directory = temporaryDirectory();
	try {
		await run('valgrind', ['--tool=callgrind', '--vgdb=no', '-q', `--callgrind-out-file=${directory}/out`,
			'--toggle-collect=codec_*', ...names.map((name) => `--dump-after=codec_${name}`), codecs]);
		return Object.fromEntries(names.map((name, i) => [`codec/${name}`, totalOf(`${directory}/out.${names.length + i + 1}`)]));
	} finally {
		fs.rmSync(directory, { recursive: true, force: true });
	}
}

async function measureHere() {
	const counts = { ...await measure(callgrind, options.few, options.many), ...await measureCodecs() };
	return Object.fromEntries(Object.entries(counts).map(([name, instructions]) => [name, Math.round(instructions)]));
}

// The same for the programs of another build directory: which one it is, the environment says to a
// program's own beginning.
async function measureIn(build) {
	const args = [__filename, '--json', '--few', options.few, '--many', options.many];
	const { stdout } = await run(process.execPath, args, { env: { ...process.env, SOCKJS_BUILDDIR: path.resolve(build) } });
	return JSON.parse(stdout).counts;
}

function hasValgrind() {
	try {
		execFileSync('valgrind', ['--version'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
}

function print(counts, others) {
	for (const [name, instructions] of Object.entries(counts)) {
		const ratio = others?.[name] ? `${others[name]} in ${options.against}, ratio ${(instructions / others[name]).toFixed(3)}` : '';
		console.log(`${name.padEnd(26)} ${`${instructions}`.padStart(7)} instructions a message  ${ratio}`.trimEnd());
	}
}

async function main() {
	if (!hasValgrind()) {
		console.log('skipped: valgrind is not installed');
		process.exit(SKIPPED);
	}
	const build = options.build || budget.buildDirectory;
	const counts = options.build ? await measureIn(build) : await measureHere();
	const others = options.against && await measureIn(options.against);
	const name = budget.nameOf(build);
	if (options.json)
		console.log(JSON.stringify({ build: name, counts, against: others }));
	else
		print(counts, others);
	if (options.record) {
		budget.record(name, counts);
		console.error(`recorded in ${budget.file} for ${name}`);
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
