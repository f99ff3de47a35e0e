'use strict';

// sessiond is told to stop, and comes back by itself; and its program is replaced by another one,
// as an upgrade does. Real clients that poll behind web servers notice neither, whether they are
// talking or silent, and nothing of theirs is lost.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { startProcesses } = require('./lib/fcgid');
const { startStack, srcdir } = require('./lib/stack');
const { openTalkers, hearMore, finish, until } = require('./lib/talkers');

const buildDirectory = process.env.SOCKJS_BUILDDIR || srcdir;
const TALKING = 8; // clients that always have a message under way
const SILENT = 4; // clients that say something in the end only
const FCGID_PROCESSES = 14;

// What an installation has: the programs and the modules, where each finds the others.
function install(directory) {
	const copies = ['sessiond/sockjs-sessiond', 'fcgi/sockjs.fcgi', 'examples/echo.so'];
	for (const file of copies) {
		fs.mkdirSync(path.join(directory, path.dirname(file)));
		fs.copyFileSync(path.join(buildDirectory, file), path.join(directory, file));
	}
	const conf = path.join(directory, 'sockjs.conf');
	fs.writeFileSync(conf, `[server]\nstore = ${directory}/sessions.db\n[service /echo]\nmodule = echo\n`);
	return conf;
}

async function restart(stack) {
	const [pid] = stack.pids.sessiond;
	process.kill(pid, 'SIGTERM');
	await until(() => stack.pids.sessiond.length && stack.pids.sessiond[0] !== pid, 'sessiond comes back');
}

// As installers do: a new file takes the name, and the old one stays what the processes have that
// run it.
function replace(program) {
	const next = `${program}.new`;
	fs.copyFileSync(program, next);
	fs.renameSync(next, program);
	return fs.statSync(program).ino;
}

for (const kind of ['lighttpd', 'apache-fcgid', 'nginx'])
	test(`${kind}: a restart and an upgrade of sessiond under ${TALKING + SILENT} polling clients`, async () => {
		const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-upgrade-'));
		fs.chmodSync(directory, 0o755);
		const conf = install(directory);
		const stack = await startStack(kind, { conf, env: { SOCKJS_BUILDDIR: directory } });
		let clients = [];
		try {
			if (kind === 'apache-fcgid') await startProcesses(stack.url, FCGID_PROCESSES);
			clients = await openTalkers(stack.url, TALKING, SILENT);
			await hearMore(clients);
			await restart(stack);
			await hearMore(clients);

			const inode = replace(path.join(directory, 'sessiond/sockjs-sessiond'));
			await restart(stack);
			assert.equal(fs.statSync(`/proc/${stack.pids.sessiond[0]}/exe`).ino, inode, 'the new program runs');
			await hearMore(clients);
			await finish(clients);
		} catch (error) {
			console.error(stack.log().slice(-4000));
			throw error;
		} finally {
			clients.forEach((client) => client.socket.close());
			await stack.stop();
			fs.rmSync(directory, { recursive: true, force: true });
		}
	});
