'use strict';

// For tests that treat the daemon badly: while each of them runs, well-behaved clients echo all the
// time, and must not notice anything; at the end the daemon is the same process with as many open
// descriptors as at the beginning.

const assert = require('node:assert');
const fs = require('node:fs');
const { test, before, after } = require('node:test');
const { websocketBystander, pollingBystander, PATIENCE } = require('./bystanders');
const { startDaemon, withLog } = require('./daemon');

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Daemons that share their channels hear of one that was killed within 60 seconds.
async function eventually(condition, what, ms = process.env.SOCKJS_TEST_ENGINE ? 90000 : 20000) {
	const end = Date.now() + ms;
	for (let last; !(last = await condition()); await sleep(10)) {
		if (Date.now() > end)
			assert.fail(`not within ${ms} ms: ${typeof what === 'function' ? what() : what}`);
	}
}

// A line comes another way than the answers, and may come later. program: with log().
const expectLogged = (program, pattern, ms) =>
	eventually(() => pattern.test(program.log()), () => `${pattern} in the log:\n${program.log()}`, ms);

// What a process has open, for a failure's message: sockets with their TCP states.
function openFiles(pid) {
	const states = {};
	for (const line of fs.readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1, -1)) {
		const fields = line.trim().split(/\s+/);
		states[`socket:[${fields[9]}]`] = `TCP state ${fields[3]} ${fields[1]} ${fields[2]} queues ${fields[4]}`;
	}
	return fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
		const link = fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
		return `${fd} ${link} ${states[link] || ''}`;
	}).join('\n');
}

// Registers the hooks of a test file. Returns check(name, [options,] body), which registers a test,
// checkTogether(cases), which registers some, and checkUnharmed(), which registers the last one.
// body is called with the daemon. options: more of startDaemon's.
function guard(subject, conf, options = {}) {
	let daemon;
	let bystanders = [];
	let descriptors;

	before(async () => {
		daemon = await startDaemon({ conf, ...options });
		bystanders = await Promise.all([websocketBystander(daemon.url), pollingBystander(daemon.url)]);
		await eventually(() => bystanders.every(({ echoes, failure }) => echoes > 2 || failure), 'the bystanders echo');
		descriptors = daemon.openDescriptors();
	});
	after(async () => {
		await Promise.all(bystanders.map((bystander) => bystander.stop()));
		if (daemon)
			await daemon.stop();
	});

	const requireWell = async () => {
		for (const bystander of bystanders) {
			const { echoes } = bystander;
			await eventually(() => bystander.failure || bystander.echoes > echoes, `the ${bystander.name} bystander goes on`, PATIENCE);
			assert.ifError(bystander.failure);
		}
	};
	const check = (name, ...rest) => {
		const body = rest.pop();
		test(`${subject}: ${name}`, ...rest, withLog(() => daemon, async () => {
			await body(daemon);
			await requireWell();
		}));
	};
	// cases: [name, body], which wait at the same time; each is a test.
	const checkTogether = (cases) => {
		let begun;
		for (const [name] of cases)
			check(name, async () => {
				begun ??= new Map(cases.map(([each, body]) => [each, body(daemon)]));
				for (const result of begun.values()) result.catch(() => {}); // awaited in its own test
				await begun.get(name);
			});
	};
	const checkUnharmed = () => check('afterwards the daemon is the same process, with nothing left open', async () => {
		assert.strictEqual(daemon.child.exitCode, null);
		assert.strictEqual(daemon.child.signalCode, null);
		const count = () => fs.readdirSync(`/proc/${daemon.pid}/fd`).length;
		await eventually(() => count() <= descriptors, () => `${count()} descriptors, ${descriptors} at the beginning:\n${openFiles(daemon.pid)}`, 8000);
	});
	return { check, checkTogether, checkUnharmed };
}

module.exports = { guard, eventually, expectLogged, openFiles, sleep };
