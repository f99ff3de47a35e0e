'use strict';

// `make install` as the owner of an account does it (a prefix in the home folder, without root,
// from sources that cannot be written to): that it works, an upgrade under a running daemon, and
// that `make uninstall` leaves what was changed.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Daemon, killAll, temporaryDirectory } = require('./lib/daemon');
const { request } = require('./lib/http');
const { run, tree, visit, openEcho, exchange, echo } = require('./lib/installation');
const { freePort, srcdir } = require('./lib/stack');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const home = temporaryDirectory();
const prefix = path.join(home, 'sockjs');
const sources = path.join(home, 'src');
const build = path.join(home, 'build');

// Root gives up its rights for everything that needs none.
const nobody = process.getuid() === 0 ? ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups'] : [];
const user = { as: nobody, env: { HOME: home } };

before(() => {
	run('make', ['-s', '-C', builddir, 'distdir', `distdir=${sources}`]);
	run('chmod', ['-R', 'a-w,a+rX', sources]); // a build writes nothing there
	fs.mkdirSync(build);
	if (nobody.length) run('chown', ['-R', 'nobody:nogroup', home]);
});
after(() => {
	killAll();
	run('chmod', ['-R', 'u+w', sources]);
	fs.rmSync(home, { recursive: true, force: true });
});

const check = (name, body) => test(`install: ${name}`, body);
const make = (...args) => run('make', ['-s', '-C', build, ...args], user);

async function start({ conf = path.join(prefix, 'etc/sockjs.conf'), args = [] } = {}) {
	const port = await freePort();
	const [command, ...rest] = [...nobody, path.join(prefix, 'sbin/sockjs-sessiond'), '--config', conf, '--listen', `127.0.0.1:${port}`, ...args];
	const daemon = new Daemon(command, rest, { cwd: '/' });
	daemon.url = `http://127.0.0.1:${port}`;
	await daemon.waitReady();
	return daemon;
}

// --- a home folder, step by step

check('home: configured, built and installed without root, in this one folder', () => {
	run(path.join(sources, 'configure'), ['-q', `--prefix=${prefix}`, 'CFLAGS=-O0', '--disable-dependency-tracking'], { ...user, cwd: build });
	run('make', ['-s', '-j2'], { ...user, cwd: build });
	const output = make('install');
	assert.doesNotMatch(output, /sockjs-client/, 'the page lacks its client');
	const unfilled = Object.entries(tree(prefix)).filter(([, content]) => /@[A-Z]+@/.test(content));
	assert.deepStrictEqual(unfilled.map(([name]) => name), [], 'something was not filled in');
});

check('home: the installed configuration works as it stands', async () => {
	const daemon = await start();
	try {
		await visit(daemon.url);
	} finally {
		assert.strictEqual((await daemon.stop()).code, 0);
	}
	assert.doesNotMatch(daemon.stderr, / error: /);
});

check('home: the standard test services run as installed', async () => {
	const daemon = await start({ conf: path.join(prefix, 'share/sockjs-fcgi/services.conf') });
	try {
		for (const name of ['echo', 'disabled_websocket_echo', 'cookie_needed_echo', 'close', 'ticker', 'amplify', 'broadcast'])
			assert.strictEqual((await request(daemon.url, 'GET', `/${name}`)).text, 'Welcome to SockJS!\n', name);
		assert.strictEqual((await request(daemon.url, 'POST', '/close/000/first/xhr')).text, 'o\n');
		assert.strictEqual((await request(daemon.url, 'POST', '/close/000/first/xhr')).text, 'c[3000,"Go away!"]\n');
		assert.strictEqual((await request(daemon.url, 'GET', '/disabled_websocket_echo/info')).text.includes('"websocket":false'), true);
		assert.strictEqual((await request(daemon.url, 'GET', '/cookie_needed_echo/info')).text.includes('"cookie_needed":true'), true);
	} finally {
		assert.strictEqual((await daemon.stop()).code, 0);
	}
});

check('the configuration has every option, and every default in it is accepted', () => {
	const conf = fs.readFileSync(path.join(prefix, 'etc/sockjs.conf'), 'utf8');
	for (const file of ['conf/config_options.c', 'conf/responder_options.c'])
		for (const [, name] of fs.readFileSync(path.join(srcdir, file), 'utf8').matchAll(/\{\.name = "(\w+)"/g))
			assert.match(conf, new RegExp(`^#?${name} =`, 'm'));
	const all = path.join(home, 'all.conf');
	const text = conf.replace(/^#(?!module )(\w+ = .+)$/gm, '$1');
	assert.ok((text.match(/^\w+ = /gm) || []).length > 30, text);
	fs.writeFileSync(all, text);
	run(path.join(prefix, 'sbin/sockjs-sessiond'), ['--config', all, '-n'], user);
});

check('a module is compiled outside the tree, with what pkg-config says', async () => {
	const pkgConfig = (...args) => run('pkg-config', [...args, 'sockjs'], { env: { PKG_CONFIG_PATH: path.join(prefix, 'lib/pkgconfig') } }).trim();
	assert.strictEqual(pkgConfig('--modversion'), /\[sockjs-fcgi\], \[([\d.]+)\]/.exec(fs.readFileSync(path.join(srcdir, 'configure.ac'), 'utf8'))[1]);
	const folder = path.join(home, 'module');
	fs.mkdirSync(folder);
	fs.writeFileSync(path.join(folder, 'mine.c'), `#include <sockjs.h>
static void on_data(sockjs_connection connection, const sockjs_message *message)
{
	sockjs_write(connection, message->data, message->len);
}
SOCKJS_MODULE = { .abi = SOCKJS_ABI, .name = "mine", .data = on_data };
`);
	run('cc', ['-Wall', '-Wextra', '-Wno-missing-field-initializers', '-Werror', '-shared', '-fPIC', ...pkgConfig('--cflags').split(/\s+/),
		'-o', path.join(pkgConfig('--variable=moduledir'), 'mine.so'), path.join(folder, 'mine.c')]);
	fs.appendFileSync(path.join(prefix, 'etc/sockjs.conf'), '\n[service /mine]\nmodule = mine\n');
	const daemon = await start();
	try {
		await echo(daemon.url, '/mine');
	} finally {
		await daemon.stop();
	}
});

check('web servers\' examples name the installed places', () => {
	const examples = path.join(prefix, 'share/doc/sockjs-fcgi/examples');
	const deploy = path.join(prefix, 'share/sockjs-fcgi/deploy');
	const conf = fs.readFileSync(path.join(examples, 'lighttpd.conf'), 'utf8');
	for (const place of ['share/sockjs-fcgi/deploy/lighttpd/conf-available/50-sockjs.conf', 'share/sockjs-fcgi/www'])
		assert.ok(conf.includes(path.join(prefix, place)), place);
	const services = fs.readFileSync(path.join(deploy, 'lighttpd/conf-available/50-sockjs.conf'), 'utf8');
	for (const place of ['libexec/sockjs-fcgi/sockjs.fcgi', 'etc/sockjs.conf', 'var/run/sockjs-fcgi/sessiond.sock'])
		assert.ok(services.includes(path.join(prefix, place)), place);
	assert.match(services, /"\^\/\(\?:echo\|chat\|multiplex\)/, 'the services of sockjs.conf');
	const folder = path.join(prefix, 'var/run/lighttpd');
	assert.ok(services.includes(`"${folder}/sockjs.fcgi.sock"`), 'the responder\'s socket');
});

check('an upgrade while the daemon runs: connections stay, the configuration stays', async () => {
	const program = path.join(prefix, 'sbin/sockjs-sessiond');
	const conf = path.join(prefix, 'etc/sockjs.conf');
	const daemon = await start();
	try {
		const client = await openEcho(daemon.url, '/echo');
		const former = { inode: fs.statSync(program).ino, conf: fs.readFileSync(conf, 'utf8') };
		assert.match(make('install'), /sockjs\.conf is there already, and stays/);
		assert.strictEqual(fs.readFileSync(conf, 'utf8'), former.conf);
		assert.notStrictEqual(fs.statSync(program).ino, former.inode, 'the program is a new file');
		await exchange(client, 'still there');
		await echo(daemon.url, '/mine');
		client.connection.close();
	} finally {
		assert.strictEqual((await daemon.stop()).code, 0);
	}
	const next = await start();
	await visit(next.url).finally(() => next.stop());
});

check('uninstall: what was changed or added stays, all else goes; a former default configuration is replaced and goes', () => {
	assert.match(make('uninstall'), /sockjs\.conf was changed, and stays/);
	assert.deepStrictEqual(Object.entries(tree(prefix)).filter(([, content]) => content !== 'folder').map(([name]) => name).sort(),
		['etc/sockjs.conf', 'lib/sockjs-fcgi/mine.so']);
	fs.rmSync(prefix, { recursive: true });
	make('install');
	// As if both were from a version before.
	for (const name of ['etc/sockjs.conf', 'share/sockjs-fcgi/sockjs.conf.default'])
		fs.appendFileSync(path.join(prefix, name), '# older\n');
	make('install');
	assert.doesNotMatch(fs.readFileSync(path.join(prefix, 'etc/sockjs.conf'), 'utf8'), /^# older/m);
	make('uninstall');
	assert.ok(!fs.existsSync(prefix), JSON.stringify(Object.keys(tree(fs.existsSync(prefix) ? prefix : build))));
});

check('distclean leaves nothing of a build', () => {
	make('distclean');
	assert.deepStrictEqual(Object.entries(tree(build)).filter(([, content]) => content !== 'folder').map(([name]) => name), []);
});
