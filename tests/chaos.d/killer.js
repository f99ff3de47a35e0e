'use strict';

// Kills processes of a stack, one at a time, at random moments. Waits each time until the process
// has a successor.

const fs = require('node:fs');
const boxes = require('./boxes');

const PAUSE = [200, 2000]; // ms between two kills
const RETURN_LIMIT = 60000; // ms

// How web servers reload gracefully. Some children of the process then only finish old requests.
// With leavesNew, these are new children: lighttpd starts a child for them. Without it, they are
// the children from before the reload.
const WEB_SERVERS = {
	lighttpd: { signal: 'SIGUSR1', leavesNew: true },
	apache: { signal: 'SIGUSR1', leavesNew: false },
	nginx: { signal: 'SIGHUP', leavesNew: false },
};

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function childrenOf(pid) {
	const children = [];
	for (const name of fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
		try {
			const stat = fs.readFileSync(`/proc/${name}/stat`, 'latin1');
			const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
			if (Number(parent) === pid && state !== 'Z') children.push(Number(name));
		} catch {
			// The process has ended meanwhile.
		}
	}
	return children;
}

async function until(condition, what) {
	const end = Date.now() + RETURN_LIMIT;
	while (!condition()) {
		if (Date.now() > end) throw new Error(`not within ${RETURN_LIMIT} ms: ${what}`);
		await sleep(20);
	}
}

// The name in the `pids` line; of a cluster, that of one of its boxes.
const oneOf = (stack, name, random) => random.of(Object.keys(stack.pids).filter((each) => each.replace(/\d+$/, '') === name));

async function killOne(stack, what, random, signal = 'SIGKILL') {
	const name = oneOf(stack, what, random);
	const pid = random.of(stack.pids[name]);
	const lines = stack.pidsLines;
	process.kill(pid, signal);
	await until(
		() => stack.pidsLines > lines && stack.pids[name].length > 0 && !stack.pids[name].includes(pid),
		`${name} ${pid} comes back`,
	);
}

// Reloads the web server, and waits until its last old request has ended. With a second reload
// before that, the web server would have old requests from two reloads.
async function reload(stack) {
	const [name, { signal, leavesNew }] = Object.entries(WEB_SERVERS).find(([each]) => stack.pids[each]);
	const [pid] = stack.pids[name];
	const before = childrenOf(pid);
	const newOnes = () => childrenOf(pid).filter((child) => !before.includes(child));
	process.kill(pid, signal);
	await until(() => newOnes().length > 0, `${name} reloads`);
	const past = leavesNew ? newOnes() : before;
	await until(() => !childrenOf(pid).some((child) => past.includes(child)), `${name} has reloaded`);
}

// Has the daemon read its configuration again, with its modules.
async function reloadConf(stack, random) {
	const count = () => stack.log().split(': reloaded: ').length;
	const before = count();
	process.kill(stack.pids[oneOf(stack, 'supervisor', random)][0], 'SIGHUP');
	await until(() => count() > before, 'sessiond reloads');
}

const restart = (stack, random) => killOne(stack, 'sessiond', random, 'SIGTERM');
const crash = (stack, random) => killOne(stack, 'sessiond', random);

// First the application alone, then the daemon, then both at once.
async function killApplication(stack, random, application, progress) {
	const kill = () => application.kill(stack, random, until);
	if (progress < 1 / 3) return kill();
	if (progress < 2 / 3) return crash(stack, random);
	const [first, second] = random.chance(0.5) ? [kill, () => crash(stack, random)] : [() => crash(stack, random), kill];
	const begun = first();
	await sleep(random.between(0, 100));
	return Promise.all([begun, second()]);
}

// any: all but a reload of HAProxy, which forgets where sessions are that began while a box was away.
const KILLS = {
	sessiond: crash,
	restart,
	conf: reloadConf,
	mixed: (stack, random) => random.of([crash, restart, reloadConf])(stack, random),
	responder: (stack, random) => killOne(stack, 'fcgi', random),
	webserver: reload,
	node: boxes.node,
	drain: boxes.drain,
	haproxy: boxes.haproxy,
	redis: boxes.redisWith(killOne),
	flush: boxes.flush,
	any: (stack, random) => random.of([crash, restart, reloadConf, boxes.node, boxes.drain, KILLS.redis])(stack, random),
	worker: killApplication,
	callback: killApplication,
};

// target: of KILLS, or none. application: of application.js, if there is one. Resolves with the number of kills when the time
// is over and the process that was killed last has a successor.
async function killFor(stack, target, milliseconds, random, note, application) {
	const end = Date.now() + milliseconds;
	if (target === 'none') {
		await sleep(milliseconds);
		return 0;
	}
	for (let kills = 0; ; kills++) {
		const pause = random.between(...PAUSE);
		if (Date.now() + pause > end) {
			await sleep(end - Date.now());
			return kills;
		}
		await sleep(pause);
		note(`kill ${kills + 1}: ${target}`);
		await KILLS[target](stack, random, application, 1 - (end - Date.now()) / milliseconds);
		note(`kill ${kills + 1}: ${target} is back`);
	}
}

module.exports = { killFor, childrenOf };
