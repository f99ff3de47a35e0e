'use strict';

// How many system calls a message costs each program, counted by strace.

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { parseArguments } = require('./common');
const { measure } = require('./echoes');

const SKIPPED = 77; // automake's status for what could not be run
const PATIENCE = 30000; // ms

const options = parseArguments(
	'Usage: node bench/system_calls.js [--OPTION ...]\n\n' +
	'Counts, under strace, the system calls that a message costs: an echo over each of some ways, one message at a time. Prints a\n' +
	'line for each way and program; see bench/instructions.js for the ways.', {
		few: { default: 50, help: 'messages of the shorter run' },
		many: { default: 150, help: 'messages of the longer run' },
		json: { kind: 'flag', help: 'print {NAME: COUNT, ...}' },
	});

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// With -D the program is strace's parent, and has the process id that is known; strace ends after
// it.
const strace = {
	wrapper: (directory) => ['sh', '-c', 'exec strace -D -f -c -o "$0/$$" "$@"', directory],
	async read(directory, pid) {
		const file = path.join(directory, `${pid}`);
		for (let waited = 0; waited < PATIENCE; waited += 10) {
			const total = /^ *[\d.]+ +[\d.]+ +\d+ +(\d+) .*total$/m.exec(fs.existsSync(file) ? fs.readFileSync(file, 'latin1') : '');
			if (total)
				return Number(total[1]);
			await sleep(10);
		}
		throw new Error(`strace has left no total of process ${pid}`);
	},
};

async function main() {
	// It may be installed, and not allowed.
	const { status, stderr } = spawnSync('strace', ['-D', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
	if (status !== 0) {
		console.log(`skipped: strace ${status === null ? 'is not installed' : `cannot be used: ${stderr.trim()}`}`);
		process.exit(SKIPPED);
	}
	const counts = await measure(strace, options.few, options.many);
	if (options.json)
		console.log(JSON.stringify(counts));
	else
		for (const [name, calls] of Object.entries(counts))
			console.log(`${name.padEnd(26)} ${calls.toFixed(2).padStart(6)} system calls a message`);
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
