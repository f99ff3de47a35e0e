'use strict';

// A client that resumes, of an application in another process: the worker protocol knows nothing of
// it. The network is cut, and the application and the daemon are killed.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, after } = require('node:test');
const { startDaemon, withLog } = require('./lib/daemon');
const { CuttingProxy } = require('./lib/cutting_proxy');
const { Talker } = require('./lib/resume');
const { server, scripts } = require('./lib/workers');

const KILLS = 3;

// What an event causes leaves with its ack.
const files = scripts({
	'echo.js': `
'use strict';
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
	const { event, id, data = '', seq } = JSON.parse(line);
	const calls = event === 'data' ? [{ call: 'write', id, data }] : [];
	if (seq) calls.push({ call: 'ack', seq });
	process.stdout.write(calls.map((call) => JSON.stringify(call) + '\\n').join(''));
});
`,
});

let daemon;
after(async () => {
	if (daemon) await daemon.stop();
	files.remove();
});

const childrenOf = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
const workersOf = (pid) => childrenOf(pid).filter((child) => fs.readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('echo.js'));

test('an application that is a program: cuts, kills of it and of the daemon, and each message once', withLog(() => daemon, async () => {
	daemon = await startDaemon({
		conf: `[server]\n${server}\nstore = ${path.join(files.folder, 'sessions.db')}\n` +
			`[service /echo]\nprogram = ${process.execPath} ${files.path('echo.js')}\nresume = on\n`,
		args: ['--supervise'],
		folderMode: 0o777,
	});
	const proxy = await new CuttingProxy(daemon.port, 0).listen();
	try {
		const talker = await new Talker(`${proxy.url}/echo`, 'websocket').opened;
		const goesOn = () => {
			const had = talker.got;
			return talker.until(() => talker.got > had + 30, 'it goes on');
		};
		const kill = (pids) => pids.forEach((pid) => process.kill(pid, 'SIGKILL'));
		const steps = [
			() => proxy.cutAll(),
			() => kill(childrenOf(daemon.pid).flatMap(workersOf)),
			() => kill(childrenOf(daemon.pid)),
		];
		for (let i = 0; i < KILLS; i++) {
			for (const step of steps) {
				await goesOn();
				step();
			}
		}
		await goesOn();
		await talker.finish();
		assert.ok(talker.breaks >= KILLS);
		assert.strictEqual((await talker.close()).code, 1000);
	} finally {
		proxy.close();
	}
}));
