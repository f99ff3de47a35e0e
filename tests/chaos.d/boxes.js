'use strict';

// What is killed of the kind cluster alone: a whole box, or what HAProxy knows of it.

const { Cluster } = require('../e2e/lib/cluster');

const AWAY = [0, 3000]; // ms that a box is away, or drained, once HAProxy knows it

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The ids of the sessions that HAProxy sends to a box.
async function sessionsAt(cluster, box) {
	const table = await cluster.haproxy('show table sessions');
	return [...table.matchAll(/ key=(\S+) .*server_key=(\S+)/g)].filter(([, , server]) => server === `box${box}`).map(([, id]) => id);
}

// Takes the power of a box away, and gives it back. The sessions that it had may end.
async function node(stack, random) {
	const cluster = new Cluster(stack);
	const box = random.integer(1, cluster.boxes);
	const before = await sessionsAt(cluster, box);
	await cluster.cut(box);
	stack.excuse([...before, ...await sessionsAt(cluster, box)]);
	await cluster.untilStatus(box, 'DOWN');
	await sleep(random.between(...AWAY));
	await cluster.restore(box);
	await cluster.untilStatus(box, 'UP');
}

// Has the daemon of a box drain, and take new sessions again.
async function drain(stack, random) {
	const cluster = new Cluster(stack);
	const box = random.integer(1, cluster.boxes);
	await cluster.control(box, '/control/drain');
	await cluster.untilStatus(box, 'NOLB');
	await sleep(random.between(...AWAY));
	await cluster.control(box, '/control/undrain');
	await cluster.untilStatus(box, 'UP');
}

const haproxy = (stack) => new Cluster(stack).reload();

module.exports = { node, drain, haproxy };
