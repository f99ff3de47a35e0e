'use strict';

// Polls whose clients vanish, by hundreds and again and again, through each web server: a normal
// client beside them loses nothing, and the daemon keeps nothing of them.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { describe, test } = require('node:test');
const { pollingBystander } = require('./lib/bystanders');
const { openDescriptors, residentBytes } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Connection, formatRequest } = require('./lib/http');
const { startStack, srcdir } = require('./lib/stack');

const ROUNDS = 3;
const AT_ONCE = 100;
const LIMIT = 60000; // ms; a web server may notice that a client has gone at the next heartbeat
const SLACK = { descriptors: 4, memory: 16 * 1024 * 1024 };
// Its heartbeats come soon.
const SERVICE = '/short_heartbeat';

const conf = ['tests/services.conf', 'tests/e2e/extra.conf'].map((file) => path.join(srcdir, file));

// The running responders of a stack. The daemon has a connection and a write log of each; mod_fcgid
// starts some when it likes.
function respondersOf(stack) {
	const lines = execFileSync('ps', ['-e', '-o', 'pid=,ppid=,stat=,comm=']).toString().trim().split('\n');
	const processes = new Map(lines.map((line) => line.trim().split(/\s+/)).map(([pid, ...rest]) => [pid, rest]));
	const isOurs = (pid) => pid === String(stack.child.pid) || (processes.has(pid) && isOurs(processes.get(pid)[0]));
	return [...processes].filter(([pid, [, state, name]]) => name === 'sockjs.fcgi' && state[0] !== 'Z' && isOurs(pid)).length;
}

// What the daemon has, but for responders.
function resourcesOf(stack) {
	const [pid] = stack.pids.sessiond;
	return { descriptors: openDescriptors(pid) - 2 * respondersOf(stack), memory: residentBytes(pid) };
}

// A poll that is held, or about to be, and its client: gone.
async function vanish(url, session, how) {
	const connection = await Connection.open(url);
	const poll = formatRequest('POST', `${SERVICE}/000/${session}/xhr`, { host: 'x' });
	connection.write(poll);
	// A web server that has too much to do may refuse it.
	await (await connection.readAnswer()).readToEnd();
	connection.write(poll);
	return () => connection[how]();
}

async function vanishAtOnce(url, round) {
	const clients = Array.from({ length: AT_ONCE }, (_, i) => vanish(url, `vanished${round}x${i}`, i % 2 ? 'reset' : 'close'));
	// Some before others have begun.
	await Promise.all(clients.map(async (client) => (await client)()));
}

// All at once: mod_fcgid mostly sleeps.
describe('vanished polls', { concurrency: true }, () => {
	for (const kind of ['lighttpd', 'nginx', 'apache-proxy', 'apache-fcgid', 'htaccess'])
		test(`${kind}: ${ROUNDS} times ${AT_ONCE} polls whose clients vanish`, async (t) => {
			const stack = await startStack(kind, { conf });
			try {
				const [pid] = stack.pids.sessiond;
				const bystander = await pollingBystander(stack.url, { reopens: true });
				await bystander.next();
				const before = resourcesOf(stack);
				for (let round = 0; round < ROUNDS; round++) {
					await vanishAtOnce(stack.url, round);
					await bystander.next();
					assert.ifError(bystander.failure);
				}
				const isBack = (now) => Object.keys(SLACK).every((name) => now[name] <= before[name] + SLACK[name]);
				await eventually(() => isBack(resourcesOf(stack)), () => `${JSON.stringify(before)} before, ${JSON.stringify(resourcesOf(stack))} after`, LIMIT);
				await bystander.stop();
				assert.ifError(bystander.failure);
				assert.deepEqual(stack.pids.sessiond, [pid]);
				t.diagnostic(`${bystander.echoes} echoes`);
			} catch (error) {
				console.error(stack.log());
				throw error;
			} finally {
				await stack.stop();
			}
		});
});
