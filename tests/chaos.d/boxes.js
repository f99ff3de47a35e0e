'use strict';

// What is killed of the kind cluster alone: a whole box, what HAProxy knows of it, Redis.

const { Cluster } = require('../e2e/lib/cluster');

const AWAY = [0, 3000]; // ms that a box is away, or drained, once HAProxy knows it
const STOPPED = [100, 10000]; // ms

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The sessions that a box has may end from now on, with what was on its way in them.
async function excuseAt(cluster, box) {
	const live = cluster.stack.clients.sessions.filter((session) => !session.isDone);
	await Promise.all(live.map(async (session) => {
		session.isExcused ||= (await cluster.homesOf(session.path)).includes(box);
	}));
}

// The same of those that HAProxy has sent there meanwhile.
async function excuseNew(cluster, box) {
	const table = await cluster.haproxy('show table sessions');
	const there = [...table.matchAll(/ key=(\S+) .*server_key=(\S+)/g)].filter(([, , server]) => server === `box${box}`);
	const names = there.map(([, name]) => name);
	for (const session of cluster.stack.clients.sessions) session.isExcused ||= names.includes(session.ledger.name);
}

// Takes the power of a box away, and gives it back.
async function node(stack, random) {
	const cluster = new Cluster(stack);
	const box = random.integer(1, cluster.boxes);
	await excuseAt(cluster, box);
	await cluster.cut(box);
	await excuseNew(cluster, box);
	await cluster.untilStatus(box, 'DOWN');
	await sleep(random.between(...AWAY));
	await cluster.restore(box);
	await cluster.untilStatus(box, 'UP');
}

// Has the daemons of a box drain, and take new sessions again.
async function drain(stack, random) {
	const cluster = new Cluster(stack);
	const box = random.integer(1, cluster.boxes);
	await cluster.drain(box);
	await cluster.untilStatus(box, 'NOLB');
	await sleep(random.between(...AWAY));
	await cluster.drain(box, { off: true });
	await cluster.untilStatus(box, 'UP');
}

const haproxy = (stack) => new Cluster(stack).reload();

// Has Redis answer nothing for a while.
async function stopRedis(stack, random) {
	const [pid] = stack.pids.redis;
	process.kill(pid, 'SIGSTOP');
	await sleep(random.between(...STOPPED));
	process.kill(pid, 'SIGCONT');
}

// The connections by which daemons hear what was published.
const cutSubscribers = (stack) => new Cluster(stack).redis('CLIENT', 'KILL', 'TYPE', 'pubsub');

// killOne: of killer.js.
const redisWith = (killOne) => (stack, random) =>
	random.of([() => killOne(stack, 'redis', random), () => stopRedis(stack, random), () => cutSubscribers(stack)])();

const flush = (stack) => new Cluster(stack).redis('FLUSHALL');

module.exports = { node, drain, haproxy, redisWith, flush };
