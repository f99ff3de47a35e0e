'use strict';

// sockjs-resume.js, in node: connections go on after the network was cut, over each transport,
// directly and through lighttpd, and after the daemon was killed. long_resume.test.js has many more
// cuts, and resume_peers.test.js those who do otherwise.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { test, before, after } = require('node:test');
const { withLog } = require('./lib/daemon');
const { CuttingProxy } = require('./lib/cutting_proxy');
const { Talker, startResuming } = require('./lib/resume');

const CUTS = Number(process.env.SOCKJS_CUTS) || 8; // for each transport
const KILLS = Number(process.env.SOCKJS_KILLS) || 3;
const ROOM = 20000; // bytes, the most that pass before a cut
const TRANSPORTS = ['websocket', 'xhr-streaming', 'eventsource', 'xhr-polling'];
const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;
const STACKS = [
	{ kind: 'direct', daemons: 1, transports: TRANSPORTS },
	{ kind: 'lighttpd', daemons: 2, transports: ['websocket', 'xhr-streaming', 'xhr-polling'] },
	...(process.env.SOCKJS_LONG === '1' ? [
		{ kind: 'direct', daemons: 3, transports: TRANSPORTS },
		{ kind: 'lighttpd', daemons: 1, transports: ['websocket', 'xhr-streaming', 'xhr-polling'] },
		...(hasHaproxy ? [{ kind: 'cluster', daemons: 2, transports: ['websocket', 'xhr-streaming', 'xhr-polling'] }] : []),
	] : []),
];

for (const { kind, daemons, transports } of STACKS) {
	test(`${kind}, daemons = ${daemons}`, { concurrency: true }, async (t) => {
		let stack;
		before(async () => { stack = await startResuming(kind, daemons); });
		after(async () => { if (stack) await stack.stop(); });
		// Each has a network of its own.
		const check = (name, body) => t.test(name, withLog(() => stack, async () => {
			const proxy = await new CuttingProxy(Number(new URL(stack.url).port), 0).listen();
			try {
				await body(proxy);
			} finally {
				proxy.close();
			}
		}));

		await Promise.all(transports.map((transport) =>
			check(`${transport}: ${CUTS} cuts, and each message once and in order`, async (proxy) => {
				const talker = await new Talker(`${proxy.url}/echo`, transport).opened;
				proxy.limit = ROOM;
				proxy.cutAll();
				const last = proxy.cuts + CUTS;
				await talker.until(() => proxy.cuts >= last, `${CUTS} cuts`);
				proxy.limit = 0;
				await talker.finish();
				assert.ok(talker.breaks > 0);
				assert.deepStrictEqual([...talker.transports], [transport]);
				assert.deepStrictEqual(await talker.close(3456, 'enough'), { code: 3456, reason: 'enough', wasClean: true });
			})));

		await check(`${KILLS} times the end of a daemon, mostly by kill -9, and cuts`, async (proxy) => {
			const talkers = await Promise.all(transports.map((transport) => new Talker(`${proxy.url}/echo`, transport).opened));
			for (let i = 0; i < KILLS; i++) {
				proxy.limit = ROOM;
				const had = talkers.map((talker) => talker.got);
				await stack.killDaemon(i % 3 === 2 ? 'SIGTERM' : 'SIGKILL');
				proxy.limit = 0;
				await Promise.all(talkers.map((talker, at) => talker.until(() => talker.got > had[at] + 50, 'it goes on')));
			}
			await Promise.all(talkers.map((talker) => talker.finish()));
			for (const talker of talkers)
				assert.strictEqual((await talker.close()).code, 1000);
		});
	});
}
