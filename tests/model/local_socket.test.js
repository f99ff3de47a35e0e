'use strict';

// Checks doc/model/local-socket.pml with spin: the whole model has no error, and each mechanism is
// needed, as the model without it has one (in check-long). doc/model/README.md tells what each of
// them shows.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const srcdir = process.env.SOCKJS_SRCDIR || path.resolve(__dirname, '../..');
const model = path.join(srcdir, 'doc/model/local-socket.pml');
const compiler = process.env.CC || 'cc';
const TWICE = /assertion violated \(\(got/;
const LOST = /invalid end state/;
const CRASHES = /assertion violated \(crashes/;
const ANY = /errors: 1/;

function missing() {
	for (const [program, option] of [['spin', '-V'], [compiler, '--version']])
		if (spawnSync(program, [option]).status !== 0) return `${program} is not installed`;
	return false;
}

function run(program, words, cwd) {
	const { error, stdout, stderr } = spawnSync(program, words, { cwd, encoding: 'utf8', maxBuffer: 1e8 });
	assert.ifError(error);
	return stdout + stderr;
}

// Returns what the search says. switches: words such as N=2, without their -D. An error is found
// soon: what costs time then is the compiler.
function search(switches, isWhole) {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-model-'));
	try {
		const made = run('spin', [...switches.map((word) => `-D${word}`), '-a', model], folder);
		const compiled = run(compiler, [isWhole ? '-O1' : '-O0', '-w', '-DSAFETY', '-o', 'pan', 'pan.c'], folder);
		assert.ok(fs.existsSync(path.join(folder, 'pan')), made + compiled);
		return run('./pan', ['-m20000', isWhole ? '-w22' : '-w18'], folder);
	} finally {
		fs.rmSync(folder, { recursive: true, force: true });
	}
}

function check(name, switches, expected) {
	if (expected && !process.env.SOCKJS_LONG)
		return;
	test(name, { skip: missing() }, () => {
		const text = search(switches, !expected);
		if (expected) {
			assert.match(text, expected);
			return;
		}
		assert.match(text, /errors: 0/, text);
		// A search that was cut short has seen nothing of the rest.
		assert.doesNotMatch(text, /not completed|max search depth|out of memory|truncated/i, text);
	});
}

const withPoison = ['POISON', 'R=2', 'RESPONDER_DEATHS=0', 'WEB_DEATHS=0'];

check('one responder, and the daemon dies twice: no error', ['DAEMON_DEATHS=2']);
if (process.env.SOCKJS_LONG)
	check('two responders: no error', ['R=2', 'WEB_DEATHS=0']);
check('two responders, and the web server dies: no error', ['R=2', 'N=1']);
check('a send that the daemon dies of: no error', withPoison);

check('without ids of sends a message comes twice', ['NO_SEND_IDS'], TWICE);
check('without frames in flight a message is lost', ['NO_IN_FLIGHT'], LOST);
check('without the grace a message comes twice', ['NO_GRACE'], TWICE);
check('without the write log a message comes twice', ['NO_WRITE_LOG'], TWICE);
check('without suspects the daemon dies without end', [...withPoison, 'NO_SUSPECTS'], CRASHES);
check('ids that are stored only at need, by ways, are not enough', ['WAYS'], ANY);

check('not promised: a kill between the note and the write loses a message', ['NOTE_APART'], LOST);
check('not promised: a responder dies that writes an answer of a daemon that died', ['DIE_WRITING'], LOST);
check('not promised: the second dies before the first has recovered', ['BOTH_DIE'], ANY);
