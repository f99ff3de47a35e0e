'use strict';

// Starts lighttpd in front of a server, for measurements. It is a process of its own, with its
// files in a temporary directory.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Daemon, temporaryDirectory } = require('../tests/e2e/lib/daemon');
const { eventually } = require('../tests/e2e/lib/guard');
const { request } = require('../tests/e2e/lib/http');
const { freePort } = require('../tests/e2e/lib/stack');

const program = process.env.LIGHTTPD || ['/usr/sbin/lighttpd', '/usr/bin/lighttpd', '/usr/local/sbin/lighttpd'].find((file) => fs.existsSync(file)) || 'lighttpd';

const isInstalled = () => spawnSync(program, ['-v']).status === 0;

const passOn = {
	fastcgi: (socket) => `server.modules = ("mod_fastcgi")\nfastcgi.server = ("/" => (("socket" => "${socket}", "check-local" => "disable")))\n`,
	proxy: (port) => `server.modules = ("mod_proxy")\nproxy.server = ("" => (("host" => "127.0.0.1", "port" => ${port})))\n`,
};

// how: `fastcgi` to a Unix socket, or `proxy` to a port. Resolves when a request was answered, with
// a Daemon that has a port.
async function startLighttpd(how, where) {
	const directory = temporaryDirectory();
	const port = await freePort();
	const file = path.join(directory, 'lighttpd.conf');
	fs.writeFileSync(file, `${passOn[how](where)}
server.document-root = "${directory}"
server.bind = "127.0.0.1"
server.port = ${port}
server.errorlog = "${directory}/error.log"
server.max-fds = 16384
server.max-keep-alive-requests = 100000000
server.max-keep-alive-idle = 600
`);
	const lighttpd = new Daemon(program, ['-D', '-f', file], { cwd: directory });
	Object.assign(lighttpd, { port, directory });
	await eventually(async () => {
		if (lighttpd.child.exitCode !== null)
			throw new Error(`lighttpd ended:\n${lighttpd.log()}`);
		return request(`http://127.0.0.1:${port}`, 'GET', '/echo').then(({ status }) => status === 200, () => false);
	}, 'lighttpd serves', 20000);
	return lighttpd;
}

module.exports = { isInstalled, startLighttpd };
