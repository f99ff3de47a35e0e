'use strict';

// For tests of applications that are programs: scripts in a folder, and a daemon that may start
// them. It starts none as root: where root runs the tests, it becomes nobody, who has to be able to
// read what it needs.

const fs = require('node:fs');
const path = require('node:path');
const { temporaryDirectory } = require('./daemon');
const { srcdir } = require('./stack');

const isRoot = process.getuid() === 0;

// Lines of [server].
const server = isRoot ? 'user = nobody' : '';

// A folder with a copy of each script ({name: text}), and of the module echo. path(name) is its
// path; made, the files that nobody may write to are.
function scripts(texts) {
	const folder = temporaryDirectory();
	const module = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'examples', 'echo.so');

	fs.chmodSync(folder, 0o777);
	fs.copyFileSync(module, path.join(folder, 'echo.so'));
	for (const [name, text] of Object.entries(texts))
		fs.writeFileSync(path.join(folder, name), text, { mode: 0o755 });
	return {
		folder,
		path: (name) => path.join(folder, name),
		remove: () => fs.rmSync(folder, { recursive: true, force: true }),
	};
}

// Whether a process is there, dead ones that nobody has waited for left out.
function isAlive(pid) {
	try {
		return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'latin1'));
	} catch {
		return false;
	}
}

module.exports = { server, scripts, isAlive };
