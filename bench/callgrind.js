'use strict';

// Counts the instructions of a program that runs under callgrind while something happens. The rest
// of the time callgrind only lets it run: it is several times faster then.

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { temporaryDirectory } = require('../tests/e2e/lib/daemon');

// What a file of callgrind's says that it has counted.
function totalOf(file) {
	const total = /^(?:totals|summary): (\d+)$/m.exec(fs.readFileSync(file, 'latin1'));
	if (!total) throw new Error(`callgrind has left no total in ${file}`);
	return Number(total[1]);
}

const control = (...args) => promisify(execFile)('callgrind_control', args);

class Callgrind {
	constructor() {
		this.directory = temporaryDirectory();
		this.dumps = 0;
		this.wrapper = [
			'valgrind',
			'--tool=callgrind',
			'-q',
			'--instr-atstart=no',
			`--callgrind-out-file=${this.directory}/out`,
		];
	}

	// Resolves with the instructions of the process while `what` runs.
	async count(pid, what) {
		await control('-i=on', `${pid}`);
		await control('--zero', `${pid}`);
		await what();
		await control('--dump', `${pid}`);
		await control('-i=off', `${pid}`);
		return totalOf(path.join(this.directory, `out.${++this.dumps}`));
	}

	remove() {
		fs.rmSync(this.directory, { recursive: true, force: true });
	}
}

module.exports = { Callgrind, totalOf };
