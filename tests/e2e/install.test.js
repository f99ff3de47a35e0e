'use strict';

// `make install` as the maker of a package does it (DESTDIR): what is there, that `make uninstall`
// leaves nothing, and what systemd says of the units. long_install.test.js has the owner of an
// account, who builds it all.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, after } = require('node:test');
const { temporaryDirectory } = require('./lib/daemon');
const { run, isThere, tree, differences } = require('./lib/installation');
const { srcdir } = require('./lib/stack');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const home = temporaryDirectory();

after(() => fs.rmSync(home, { recursive: true, force: true }));

const check = (name, body) => test(`install: ${name}`, body);

// --- /usr/local, in a folder

check('DESTDIR: all parts are there, uninstall leaves what was there before, and nothing else', () => {
	const stage = path.join(home, 'stage');
	fs.mkdirSync(path.join(stage, 'usr/local/lib/own'), { recursive: true });
	fs.writeFileSync(path.join(stage, 'usr/local/lib/own/file'), '');
	const former = tree(stage);
	// With the files that `make check` was built with: only their place is another one.
	run('make', ['-s', '-C', builddir, 'install', `DESTDIR=${stage}`, 'prefix=/usr/local']);
	const names = Object.keys(tree(stage)).map((name) => name.replace(/^usr\/local\//, ''));
	for (const name of ['sbin/sockjs-sessiond', 'sbin/sockjsctl', 'share/bash-completion/completions/sockjsctl', 'libexec/sockjs-fcgi/sockjs.fcgi', 'include/sockjs.h', 'lib/pkgconfig/sockjs.pc',
		'lib/sockjs-fcgi/echo.so', 'lib/sockjs-fcgi/broadcast.so', 'lib/sockjs-fcgi/ticker.so', 'lib/sockjs-fcgi/chat.so',
		'lib/sockjs-fcgi/multiplex.so', 'lib/sockjs-fcgi/auth.so', 'lib/sockjs-fcgi/worker-threads.so', 'etc/sockjs.conf',
		'share/sockjs-fcgi/sockjs.conf.default', 'share/sockjs-fcgi/www/index.html', 'share/sockjs-fcgi/www/sockjs.min.js',
		'share/sockjs-fcgi/www/pusher.min.js',
		'share/doc/sockjs-fcgi/examples/nginx.conf', 'share/doc/sockjs-fcgi/examples/haproxy.cfg', 'share/doc/sockjs-fcgi/scaling.md', 'share/doc/sockjs-fcgi/examples/htaccess', 'share/doc/sockjs-fcgi/examples/echo.c',
		'share/doc/sockjs-fcgi/modules.md', 'share/doc/sockjs-fcgi/deploy/nginx.md', 'share/sockjs-fcgi/deploy/apache2/conf-available/sockjs-fcgid.conf',
		'share/sockjs-fcgi/deploy/apache2/sockjs/streams.conf', 'share/sockjs-fcgi/deploy/nginx/snippets/sockjs.conf', 'share/sockjs-fcgi/deploy/haproxy/sockjs.cfg',
		'lib/systemd/system/sockjs-sessiond.service', 'lib/systemd/system/sockjs-sessiond.socket', 'lib/systemd/system/sockjs-fcgi.service',
		'lib/systemd/system/sockjs-fcgi.socket', 'lib/sysusers.d/sockjs-fcgi.conf', 'lib/tmpfiles.d/sockjs-fcgi.conf',
		'share/man/man8/sockjs-sessiond.8', 'share/man/man8/sockjsctl.8', 'share/doc/sockjs-fcgi/monitoring.md', 'share/man/man8/sockjs.fcgi.8', 'share/man/man5/sockjs.conf.5', 'share/man/man5/sockjs-worker.5', 'share/doc/sockjs-fcgi/workers.md', 'share/doc/sockjs-fcgi/examples/chat.php', 'share/man/man3/sockjs.h.3',
		'share/man/man3/sockjs_write.3'])
		assert.ok(names.includes(name), `${name} is missing`);
	assert.deepStrictEqual(names.filter((name) => /sockjs_|test/.test(name) && !name.startsWith('share/man/')), [], 'test programs are installed');
	run('make', ['-s', '-C', builddir, 'uninstall', `DESTDIR=${stage}`, 'prefix=/usr/local']);
	assert.deepStrictEqual(differences(former, tree(stage)), []);
});

// --- systemd

test('install: systemd finds nothing wrong with the units, and little to attack', { skip: isThere('systemd-analyze') ? false : 'there is no systemd-analyze' }, () => {
	const folder = path.join(home, 'units');
	fs.mkdirSync(folder);
	const names = ['sockjs-sessiond.service', 'sockjs-sessiond.socket', 'sockjs-fcgi.service', 'sockjs-fcgi.socket'];
	for (const name of names) {
		const text = fs.readFileSync(path.join(builddir, 'packaging', name), 'utf8');
		assert.match(text, /^ExecStart=\/\S+|^ListenStream=/m);
		// The programs and their user are not there before they are installed.
		fs.writeFileSync(path.join(folder, name), text.replace(/^(Exec\w+)=\/(?!bin\/)\S+/gm, '$1=/bin/true').replace(/=sockjs$/gm, '=daemon'));
	}
	const files = names.map((name) => path.join(folder, name));
	assert.strictEqual(run('systemd-analyze', ['verify', '--man=no', ...files]), '');
	const version = Number(/systemd (\d+)/.exec(run('systemd-analyze', ['--version']))[1]);
	if (version >= 250)
		for (const file of files.filter((name) => name.endsWith('.service')))
			run('systemd-analyze', ['security', '--offline=true', '--threshold=19', '--no-pager', file]);
});
