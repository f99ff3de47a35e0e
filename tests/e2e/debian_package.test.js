'use strict';

// The Debian packages: built, then installed by dpkg into a root folder that has nothing but
// Debian's essential packages and what sockjs-fcgi depends on, copied from this machine. There it
// runs, is upgraded while it runs, and is purged. Then the same in a second root folder, which is
// booted by its own systemd. SOCKJS_PACKAGES names a folder with packages that are built already.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Container, obstacle } = require('./lib/container');
const { Daemon, killAll, temporaryDirectory } = require('./lib/daemon');
const { makeRoot, dpkg } = require('./lib/debian');
const { FastCgi, request: ask } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { request } = require('./lib/http');
const { run, isThere, tree, differences, visit, openEcho, exchange, echo } = require('./lib/installation');
const { freePort, srcdir } = require('./lib/stack');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const directory = temporaryDirectory();
fs.chmodSync(directory, 0o755);
const root = path.join(directory, 'root');
const inRoot = (...names) => path.join(root, ...names);
const packages = {};

function missing() {
	if (process.getuid() !== 0) return 'only root can install packages';
	for (const program of ['dpkg-buildpackage', 'dh', 'chroot'])
		if (!isThere(program)) return `there is no ${program} (Debian packages dpkg-dev, debhelper)`;
	const { status, stderr } = spawnSync('dpkg-checkbuilddeps', ['debian/control'], { cwd: srcdir, encoding: 'utf8' });
	return status === 0 ? false : stderr.trim();
}
const skip = missing();
const check = (name, body) => test(`debian: ${name}`, { skip }, body);

function install(file, folder = root) {
	fs.copyFileSync(file, path.join(folder, 'tmp/package.deb'));
	dpkg(folder, '-i', '/tmp/package.deb');
	fs.rmSync(path.join(folder, 'tmp/package.deb'));
}

const versions = () => run('chroot', [root, 'dpkg-query', '-W', '-f=${Package} ${Version} ${db:Status-Status}\n', 'sockjs-fcgi*']);

// What dpkg and its helpers write down for themselves.
const isRecord = (name) => /^\/(var\/(lib\/dpkg|cache|log|backups|tmp)|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-|etc\/\.pwd\.lock|etc\/ld\.so\.cache|run\/adduser|proc|dev)/.test(name);
const rootTree = () => tree(root, { skip: isRecord });

// The same package, one version later.
function nextVersion() {
	const folder = path.join(directory, 'next');
	const next = path.join(directory, 'next.deb');
	if (fs.existsSync(next)) return next;
	run('dpkg-deb', ['-R', packages['sockjs-fcgi'], folder]);
	const control = path.join(folder, 'DEBIAN/control');
	fs.writeFileSync(control, fs.readFileSync(control, 'utf8').replace(/^Version: (.*)$/m, 'Version: $1+1'));
	fs.appendFileSync(path.join(folder, 'usr/share/sockjs-fcgi/www/page.js'), '\n// the next version\n');
	run('dpkg-deb', ['-Zgzip', '-z1', '-b', folder, next]);
	return next;
}

// As every system has it. It is mounted for this process alone, so nothing has to be unmounted.
const WITH_PROC = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';

// The daemon as its unit has it; without systemd, root starts it, and the configuration says whom
// it becomes.
async function start() {
	const unit = fs.readFileSync(inRoot('lib/systemd/system/sockjs-sessiond.service'), 'utf8');
	const command = /^ExecStart=(.*)$/m.exec(unit)[1].split(' ');
	const port = await freePort();
	const daemon = new Daemon('unshare', ['--mount', 'sh', '-c', WITH_PROC, root, ...command, '--listen', `127.0.0.1:${port}`]);
	daemon.url = `http://127.0.0.1:${port}`;
	await daemon.waitReady();
	return daemon;
}

function build() {
	const folder = path.join(directory, 'deb');
	const output = run(path.join(srcdir, 'packaging/build_deb.sh'), [builddir, folder],
		{ env: { DEB_BUILD_OPTIONS: 'noopt nostrip', DEB_CFLAGS_STRIP: '-g', NODE_PATH: process.env.NODE_PATH } });
	return output.split('\n').filter((line) => line.endsWith('.deb'));
}

let empty, daemon, object; // object: the module that is added
let depends; // names of packages

before(() => {
	if (skip) return;
	const built = process.env.SOCKJS_PACKAGES;
	for (const file of built ? fs.readdirSync(built).filter((name) => name.endsWith('.deb')).map((name) => path.join(built, name)) : build())
		packages[path.basename(file).split('_')[0]] = file;
	depends = run('dpkg-deb', ['-f', packages['sockjs-fcgi'], 'Depends']).split(',').map((word) => word.trim().split(' ')[0]);
	makeRoot(root, [...depends, 'dpkg']);
	empty = rootTree();
});
after(async () => {
	if (daemon) await daemon.stop().catch(() => {});
	killAll();
	fs.rmSync(directory, { recursive: true, force: true });
});

check('its version is configure\'s', () => {
	const version = /\[sockjs-fcgi\], \[([\d.]+)\]/.exec(fs.readFileSync(path.join(srcdir, 'configure.ac'), 'utf8'))[1];
	for (const name of ['sockjs-fcgi', 'sockjs-fcgi-dev', 'sockjs-fcgi-redis'])
		assert.strictEqual(run('dpkg-deb', ['-f', packages[name], 'Version']).trim(), version);
});

check('only the package that is there for it has what needs hiredis', () => {
	const modules = (name) => run('dpkg-deb', ['-c', packages[name]]).split('\n').filter((line) => line.endsWith('.so')).map((line) => path.basename(line));
	assert.deepStrictEqual(modules('sockjs-fcgi-redis'), ['redis.so']);
	assert.match(run('dpkg-deb', ['-f', packages['sockjs-fcgi-redis'], 'Depends']), /libhiredis/);
	assert.ok(modules('sockjs-fcgi').includes('echo.so') && !modules('sockjs-fcgi').includes('redis.so'));
	assert.ok(!depends.some((name) => name.startsWith('libhiredis')), depends.join());
});

check('installs where no systemd runs, with nothing but its dependencies, and its units are enabled', () => {
	install(packages['sockjs-fcgi']);
	assert.match(versions(), /^sockjs-fcgi \S+ installed$/m);
	for (const unit of ['sockets.target.wants/sockjs-sessiond.socket', 'sockets.target.wants/sockjs-fcgi.socket', 'multi-user.target.wants/sockjs-sessiond.service'])
		assert.ok(fs.lstatSync(inRoot('etc/systemd/system', unit)).isSymbolicLink(), unit);
	const [uid, gid] = /^sockjs:[^:]*:(\d+):(\d+)/m.exec(fs.readFileSync(inRoot('etc/passwd'), 'utf8')).slice(1).map(Number);
	for (const [folder, mode] of [['run/sockjs-fcgi', 0o755], ['var/lib/sockjs-fcgi', 0o700]]) {
		const found = fs.statSync(inRoot(folder));
		assert.deepStrictEqual([found.uid, found.gid, found.mode & 0o777], [uid, gid, mode], folder);
	}
});

check('the files for web servers lie in their folders, filled in, and are configuration', () => {
	const conffiles = fs.readFileSync(inRoot('var/lib/dpkg/info/sockjs-fcgi.conffiles'), 'utf8').split('\n');
	for (const name of ['apache2/conf-available/sockjs-fcgid.conf', 'apache2/conf-available/sockjs-proxy.conf', 'apache2/sockjs/fcgid.conf',
		'apache2/sockjs/proxy.conf', 'apache2/sockjs/streams.conf', 'haproxy/sockjs.cfg', 'lighttpd/conf-available/50-sockjs.conf',
		'nginx/conf.d/sockjs.conf', 'nginx/snippets/sockjs.conf']) {
		assert.ok(conffiles.includes(`/etc/${name}`), name);
		assert.doesNotMatch(fs.readFileSync(inRoot('etc', name), 'utf8'), /@[A-Z]+@|\/usr\/local/, name);
	}
});

check('the sockets of the units are those of the configuration', () => {
	const conf = fs.readFileSync(inRoot('etc/sockjs.conf'), 'utf8');
	const option = (name) => new RegExp(`^${name} = (.*)$`, 'm').exec(conf)[1];
	const unit = fs.readFileSync(inRoot('lib/systemd/system/sockjs-sessiond.socket'), 'utf8');
	const settings = (name) => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map((match) => match[1]);
	assert.deepStrictEqual(settings('ListenStream').sort(), [option('listen'), option('socket')].sort());
	assert.deepStrictEqual([settings('SocketUser'), settings('SocketGroup'), settings('SocketMode')],
		[[option('user')], [option('socket_group')], [option('socket_mode')]]);
});

check('the daemon runs as it is installed, as the user sockjs, for the web server\'s group', async () => {
	daemon = await start();
	await visit(daemon.url);
	const passwd = fs.readFileSync(inRoot('etc/passwd'), 'utf8');
	const uid = Number(/^sockjs:[^:]*:(\d+)/m.exec(passwd)[1]);
	assert.strictEqual(Number(/^Uid:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))[1]), uid);
	const web = Number(/^www-data:[^:]*:(\d+)/m.exec(fs.readFileSync(inRoot('etc/group'), 'utf8'))[1]);
	const socket = fs.statSync(inRoot('run/sockjs-fcgi/sessiond.sock'));
	assert.deepStrictEqual([socket.uid, socket.gid, socket.mode & 0o777], [uid, web, 0o660]);
});

check('a module is compiled with the -dev package alone', async () => {
	const folder = path.join(directory, 'dev');
	run('dpkg-deb', ['-x', packages['sockjs-fcgi-dev'], folder]);
	const [libdir] = fs.readdirSync(path.join(folder, 'usr/lib'));
	const env = { PKG_CONFIG_LIBDIR: path.join(folder, 'usr/lib', libdir, 'pkgconfig'), PKG_CONFIG_SYSROOT_DIR: folder };
	const cflags = run('pkg-config', ['--cflags', 'sockjs'], { env }).trim();
	const modules = run('pkg-config', ['--variable=moduledir', 'sockjs'], { env: { ...env, PKG_CONFIG_SYSROOT_DIR: '' } }).trim();
	const source = path.join(folder, 'usr/share/doc/sockjs-fcgi-dev/examples/echo.c');
	object = inRoot(modules, 'mine.so');
	run('cc', ['-shared', '-fPIC', cflags, '-o', object, source]);
	fs.appendFileSync(inRoot('etc/sockjs.conf'), '\n[service /mine]\nmodule = mine\n');
	const other = await start().catch((error) => error);
	assert.match(String(other), /sessiond\.sock: another process does/, 'the first one has the socket');
	run('chroot', [root, '/usr/sbin/sockjs-sessiond', '--config', '/etc/sockjs.conf', '-n']);
});

check('an upgrade while it runs: connections stay, and so does the changed configuration', async () => {
	const conf = fs.readFileSync(inRoot('etc/sockjs.conf'), 'utf8');
	const client = await openEcho(daemon.url, '/echo');
	install(nextVersion());
	assert.match(versions(), /^sockjs-fcgi \S+\+1 installed$/m);
	await exchange(client, 'still there');
	client.connection.close();
	assert.strictEqual(fs.readFileSync(inRoot('etc/sockjs.conf'), 'utf8'), conf);
	assert.strictEqual((await daemon.stop()).code, 0);
	daemon = await start();
	await visit(daemon.url);
	await echo(daemon.url, '/mine');
	assert.strictEqual((await daemon.stop()).code, 0);
});

check('its manual pages lead to pages that it has', () => {
	const files = run('chroot', [root, 'dpkg', '-L', 'sockjs-fcgi']).split('\n');
	const pages = files.filter((name) => /\/man\d\/sockjs[.-][\w.]+\.gz$/.test(name));
	assert.ok(pages.length >= 3, `${pages}`);
	for (const page of pages)
		for (const [, name, section] of run('zcat', [inRoot(page)]).matchAll(/^\.Xr (sockjs\S*) (\d)/gm))
			assert.ok(files.includes(`/usr/share/man/man${section}/${name}.${section}.gz`), `${page}: ${name}(${section})`);
});

// --- without systemd

const manual = fs.readFileSync(path.join(srcdir, 'doc/deploy/without-systemd.md'), 'utf8');
const inNamespace = (...command) => ['--mount', 'sh', '-c', WITH_PROC, root, ...command];
const responderSocket = inRoot('run/sockjs-fcgi/sockjs.fcgi.sock');

// sockjs.conf for a port of ours, and, as `early`, for an address that the machine does not have.
class Conf {
	static async read() {
		const conf = new Conf();
		conf.good = fs.readFileSync(inRoot('etc/sockjs.conf'), 'utf8');
		conf.port = await freePort();
		conf.ours = conf.good.replace(/^listen = 127.*$/m, `listen = 127.0.0.1:${conf.port}`);
		conf.early = conf.ours.replace(`127.0.0.1:${conf.port}`, `192.0.2.1:${conf.port}`);
		return conf;
	}

	put(text) {
		fs.writeFileSync(inRoot('etc/sockjs.conf'), text);
	}

	async answers() {
		return (await request(`http://127.0.0.1:${this.port}`, 'GET', '/echo').catch(() => ({}))).status === 200;
	}
}

check('without systemd: the init script of the manual starts both programs, and heeds mistakes before it stops them', async () => {
	const file = inRoot('etc/init.d/sockjs-fcgi');
	const made = fs.mkdirSync(path.dirname(file), { recursive: true }); // Debian 13 may have none
	fs.writeFileSync(file, /```sh\n(#!\/bin\/sh\n[^]*?)```/.exec(manual)[1], { mode: 0o755 });
	const act = (action, options) => run('unshare', inNamespace('/etc/init.d/sockjs-fcgi', action), options);
	const conf = await Conf.read();
	const answers = () => conf.answers();
	const supervisor = () => fs.readFileSync(inRoot('run/sockjs-sessiond.pid'), 'utf8');
	conf.put(conf.early);
	try {
		await startEarly(conf);
		await eventually(async () => fs.existsSync(responderSocket) && await answers(), 'both are up');
		assert.strictEqual((await ask(responderSocket, 'GET', '/echo')).text, 'Welcome to SockJS!\n');
		const daemons = fs.statSync(inRoot('run/sockjs-fcgi/sessiond.sock'));
		const { uid, gid, mode } = fs.statSync(responderSocket);
		assert.deepStrictEqual([uid, gid, mode & 0o777], [daemons.uid, daemons.gid, 0o660]);
		const former = supervisor();
		conf.put(`${conf.ours}\nnonsense\n`);
		for (const action of ['reload', 'restart']) assert.match(act(action, { fails: true }), /sockjs.conf:\d+: /);
		assert.ok(supervisor() === former && await answers());
		conf.put(conf.ours);
		act('status');
		act('reload');
		act('restart');
		await eventually(answers, 'it is up again');
		assert.notStrictEqual(supervisor(), former);
	} finally {
		act('stop');
		act('status', { fails: true });
		conf.put(conf.good);
		fs.rmSync(file);
		if (made) fs.rmdirSync(made);
	}
	assert.deepStrictEqual(fs.readdirSync(inRoot('run/sockjs-fcgi')), []);
});

// The script waits until the address is there.
async function startEarly(conf) {
	const script = spawn('unshare', inNamespace('/etc/init.d/sockjs-fcgi', 'start'), { stdio: ['ignore', 'ignore', 'pipe'] });
	const ended = new Promise((resolve) => { script.once('exit', resolve); });
	let said = '';
	script.stderr.on('data', (data) => { said += data; });
	await eventually(() => /cannot listen on 192\.0\.2\.1:/.test(said), () => said);
	conf.put(conf.ours);
	assert.strictEqual(await ended, 0, said);
}

check('without systemd: the lines of rc.local start both programs, and try again', async () => {
	const lines = /```sh\n(keep\(\)[^]*?)```/.exec(manual)[1];
	const conf = await Conf.read();
	conf.put(conf.early);
	const machine = spawn('unshare', ['--pid', '--fork', '--kill-child', 'unshare', ...inNamespace('sh', '-c', `${lines}\nwait`)], { stdio: 'ignore' });
	const ended = new Promise((resolve) => { machine.once('exit', resolve); });
	try {
		await eventually(() => fs.existsSync(responderSocket), 'the responder runs');
		conf.put(conf.ours);
		await eventually(() => conf.answers(), 'so does the daemon');
	} finally {
		machine.kill('SIGKILL');
		await ended;
		fs.rmSync(inRoot('run/sockjs-fcgi'), { recursive: true });
		fs.mkdirSync(inRoot('run/sockjs-fcgi'));
		conf.put(conf.good);
	}
});

check('removed, it leaves its configuration; purged, nothing', () => {
	fs.rmSync(object);
	dpkg(root, '-r', 'sockjs-fcgi');
	assert.ok(fs.existsSync(inRoot('etc/sockjs.conf')));
	assert.ok(!fs.existsSync(inRoot('usr/sbin/sockjs-sessiond')));
	dpkg(root, '-P', 'sockjs-fcgi');
	assert.deepStrictEqual(differences(empty, rootTree()), []);
});

// --- booted

const SERVICE = 'sockjs-sessiond.service';
const base = 'http://127.0.0.1:8081';
let container, refused; // refused: why no container runs here

const status = (target) => container.curl('--output', '/dev/null', '--path-as-is', '--write-out', '%{http_code}', base + target);
const post = (target, body = '') => container.curl('--data-binary', body, base + target);
const responder = () => container.path('/run/sockjs-fcgi/sockjs.fcgi.sock');
const isActive = (unit) => container.try('systemctl', 'is-active', unit).output.trim() === 'active';
const conf = () => container.path('/etc/sockjs.conf');

// Registers a test of the container; the first one boots it.
const booted = (name, body) => test(`booted: ${name}`, { skip }, async (t) => {
	if (!container && !refused) await boot();
	if (refused) return t.skip(refused);
	return body();
});

function whyNot(folder) {
	for (const program of ['systemd-nspawn', 'nsenter', 'curl'])
		if (!isThere(program)) return `there is no ${program} (Debian packages systemd-container, util-linux, curl)`;
	return fs.existsSync('/lib/systemd/systemd') && isThere('systemctl') ? obstacle(folder) : 'systemd is not installed';
}

async function boot() {
	const folder = path.join(directory, 'booted');
	makeRoot(folder, [...depends, 'dpkg', 'systemd', 'systemd-sysv']);
	refused = whyNot(folder);
	if (refused) return;
	fs.writeFileSync(path.join(folder, 'etc/machine-id'), `${'0123456789abcdef'.repeat(2)}\n`); // not its first time
	install(packages['sockjs-fcgi'], folder);
	container = await Container.boot(folder);
}

after(() => container && container.stop());

// Requests, one after another, while something is done to the service: none is refused.
async function whileAsked(action) {
	let isOver = false;
	const done = action().finally(() => { isOver = true; });
	const found = [];
	while (!isOver) found.push(await status('/echo'));
	await done;
	assert.deepStrictEqual(found.filter((code) => code !== '200'), []);
	assert.ok(found.length > 0);
}

booted('the page is served, and nothing of another folder', async () => {
	assert.ok(isActive(SERVICE), container.log());
	assert.strictEqual(await container.curl(`${base}/`), fs.readFileSync(container.path('/usr/share/sockjs-fcgi/www/index.html'), 'utf8'));
	for (const client of ['sockjs.min.js', 'pusher.min.js'])
		assert.strictEqual(await status(`/${client}`), '200', client);
	assert.strictEqual(await status('/../../../etc/passwd'), '404');
	assert.strictEqual(await container.curl(`${base}/echo`), 'Welcome to SockJS!\n');
});

booted('nothing in the system has failed, and the services are shut in', () => {
	assert.strictEqual(container.run('systemctl', '--failed', '--plain', '--no-legend'), '');
	const field = (name) => new RegExp(`^${name}:\t(.*)$`, 'm').exec(container.run('cat', `/proc/${container.property(SERVICE, 'MainPID')}/status`))[1];
	assert.deepStrictEqual([field('CapEff'), field('NoNewPrivs'), field('Seccomp')], ['0000000000000000', '1', '2']);
	// As many failed starts as a slow machine makes would not reach the limit.
	for (const unit of ['sockjs-sessiond.socket', 'sockjs-fcgi.socket'])
		assert.strictEqual(container.property(unit, 'TriggerLimitIntervalUSec'), '0');
	for (const unit of [SERVICE, 'sockjs-fcgi.service'])
		container.run('systemd-analyze', 'security', '--threshold=16', '--no-pager', unit);
});

booted('each service is started by the first request at its socket', async () => {
	container.run('systemctl', 'stop', SERVICE);
	assert.ok(!isActive(SERVICE) && !isActive('sockjs-fcgi.service'));
	assert.strictEqual(await status('/echo'), '200');
	assert.ok(isActive(SERVICE));
	const answer = await ask(responder(), 'GET', '/echo');
	assert.strictEqual(answer.text, 'Welcome to SockJS!\n');
	assert.ok(isActive('sockjs-fcgi.service'));
});

booted('a restart under a poll: the poll gets its message, and nobody is refused', async () => {
	assert.strictEqual((await ask(responder(), 'POST', '/echo/000/restarted/xhr')).text, 'o\n');
	const connection = await FastCgi.open(responder());
	const poll = connection.begin('POST', '/echo/000/restarted/xhr');
	await whileAsked(() => container.runBeside('systemctl', 'restart', SERVICE));
	assert.strictEqual((await ask(responder(), 'POST', '/echo/000/restarted/xhr_send', { body: '["after"]' })).status, 204);
	assert.strictEqual((await connection.finish(poll)).text, 'a["after"]\n');
	connection.close();
});

booted('a daemon that is killed is started again, and has kept what it took', async () => {
	assert.strictEqual(await post('/echo/000/killed/xhr'), 'o\n');
	assert.strictEqual(await post('/echo/000/killed/xhr_send', '["kept"]'), '');
	const former = container.property(SERVICE, 'MainPID');
	container.run('systemctl', 'kill', '-s', 'KILL', SERVICE);
	assert.strictEqual(await post('/echo/000/killed/xhr'), 'a["kept"]\n');
	assert.notStrictEqual(container.property(SERVICE, 'MainPID'), former);
});

// sockjs.conf with a change, for as long as body runs. body gets a function that takes the change
// back.
async function withConf(change, body) {
	const good = fs.readFileSync(conf(), 'utf8');
	const mend = () => fs.writeFileSync(conf(), good);
	fs.writeFileSync(conf(), change(good));
	try {
		await body(mend);
	} finally {
		mend();
	}
}
const withService = (module) => (text) => `${text}\n[service /added]\nmodule = ${module}\n`;

booted('a mistake in sockjs.conf, and requests meanwhile: once it is mended they are answered, with nobody\'s help', () =>
	withConf(withService('/nosuch'), async (mend) => {
		const starts = () => container.run('journalctl', '--no-pager', '--output=cat', '-u', SERVICE).split('/nosuch').length - 1;
		assert.notStrictEqual(container.try('systemctl', 'restart', SERVICE).status, 0);
		const waiting = [status('/echo'), status('/echo'), status('/echo')];
		await eventually(() => starts() > 1, () => container.log()); // it is tried again for them
		mend();
		assert.deepStrictEqual(await Promise.all(waiting), ['200', '200', '200']);
		for (const unit of ['sockjs-sessiond.socket', 'sockjs-fcgi.socket', SERVICE]) assert.ok(isActive(unit), unit);
	}));

booted('the same of the responder', () =>
	withConf((text) => text.replace('[fcgi]', '[fcgi]\nbackend_timeout = never'), async (mend) => {
		const starts = () => container.run('journalctl', '--no-pager', '--output=cat', '-u', 'sockjs-fcgi.service').split('"never"').length - 1;
		container.try('systemctl', 'restart', 'sockjs-fcgi.service');
		const waiting = [1, 2, 3].map(() => ask(responder(), 'GET', '/echo', { timeout: 60000 }));
		await eventually(() => starts() > 1, () => container.log());
		mend();
		assert.deepStrictEqual((await Promise.all(waiting)).map((answer) => answer.status), [200, 200, 200]);
	}));

booted('reload says whether the file was taken', async () => {
	const former = container.property(SERVICE, 'MainPID');
	await withConf(withService('echo'), async () => {
		container.run('systemctl', 'reload', SERVICE);
		await eventually(async () => await status('/added') === '200', () => container.log());
	});
	await withConf(withService('/nosuch'), async () => {
		assert.notStrictEqual(container.try('systemctl', 'reload', SERVICE).status, 0);
		assert.strictEqual(await status('/added'), '200');
	});
	assert.strictEqual(container.property(SERVICE, 'MainPID'), former);
});

booted('two daemons: each has a socket for the web server\'s group, and a restart refuses nobody', async () => {
	const daemons = (count) => (text) => text.replace(/^#?daemons = .*$/m, `daemons = ${count}`);
	const folder = '/run/sockjs-fcgi';
	const owners = (name) => container.run('stat', '-c', '%U %G %a', `${folder}/${name}`);
	await withConf(daemons(2), async () => {
		container.run('systemctl', 'restart', SERVICE);
		for (const end of ['', '.0', '.1']) {
			assert.strictEqual(owners(`sessiond.sock${end}`), 'sockjs www-data 660', end);
			assert.strictEqual(owners(`control.sock${end}`), 'sockjs sockjs 660', end);
		}
		assert.strictEqual(owners(''), 'sockjs sockjs 755');
		assert.strictEqual(await status('/echo'), '200');
		assert.strictEqual((await ask(responder(), 'GET', '/echo')).text, 'Welcome to SockJS!\n');
		assert.strictEqual(JSON.parse(container.run('sockjsctl', 'status', '--json')).daemons.length, 2);
		await whileAsked(() => container.runBeside('systemctl', 'restart', SERVICE));
		assert.strictEqual(container.property(SERVICE, 'NRestarts'), '0');
	});
	container.run('systemctl', 'restart', SERVICE);
	assert.deepStrictEqual(fs.readdirSync(container.path(folder)).filter((name) => /\.\d$/.test(name)), []);
});

booted('an upgrade: nobody is refused', async () => {
	fs.copyFileSync(nextVersion(), container.path('/root/next.deb'));
	await whileAsked(() => container.runBeside('dpkg', '--force-unsafe-io', '-i', '/root/next.deb'));
	assert.match(await container.curl(`${base}/page.js`), /the next version/);
	assert.ok(isActive(SERVICE) && isActive('sockjs-fcgi.socket'));
});

booted('purged: no unit, no socket, no user, and nothing has failed, not even what had', () => {
	container.run('systemctl', 'stop', 'sockjs-fcgi.socket', 'sockjs-fcgi.service');
	fs.appendFileSync(conf(), '\nnonsense\n');
	assert.notStrictEqual(container.try('systemctl', 'restart', SERVICE).status, 0);
	container.run('systemctl', 'is-failed', SERVICE);
	container.run('dpkg', '-P', 'sockjs-fcgi');
	assert.strictEqual(container.run('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'sockjs*'), '');
	assert.strictEqual(container.run('systemctl', '--failed', '--plain', '--no-legend'), '');
	for (const name of ['/run/sockjs-fcgi', '/var/lib/sockjs-fcgi', '/etc/sockjs.conf']) assert.ok(!fs.existsSync(container.path(name)), name);
	assert.notStrictEqual(container.try('getent', 'passwd', 'sockjs').status, 0);
});
