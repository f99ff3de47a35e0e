'use strict';

// The Debian packages: built, then installed by dpkg into a root folder that has nothing but Debian's essential packages and what
// sockjs-fcgi depends on, copied from this machine. There it runs, is upgraded while it runs, and is purged.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { Daemon, killAll, temporaryDirectory } = require('./lib/daemon');
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

// --- the root folder

const query = (format, ...names) => run('dpkg-query', ['-W', `-f=${format}`, ...names]).split('\n').filter(Boolean);

// The names of all packages that these need, as far as they are installed here.
function closure(names) {
	const known = new Map();
	for (const line of query('${Package}\t${db:Status-Status}\t${Provides}\t${Pre-Depends},${Depends}\n')) {
		const [name, status, provides, depends] = line.split('\t');
		if (status !== 'installed') continue;
		const needed = depends.split(',').map((group) => group.split('|').map((word) => word.trim().split(/[ :(]/)[0]).filter(Boolean));
		known.set(name, { needed });
		for (const word of provides.split(',').map((text) => text.trim().split(' ')[0]).filter(Boolean))
			if (!known.has(word)) known.set(word, { alias: name });
	}
	const found = new Set();
	const add = (name) => {
		const entry = known.get(name);
		if (!entry) return;
		if (entry.alias) return add(entry.alias);
		if (found.has(name)) return;
		found.add(name);
		for (const group of entry.needed) add(group.find((word) => known.has(word)) || '');
	};
	names.forEach(add);
	return [...found];
}

// What dpkg itself knows of the packages, and nothing of others.
function copyDatabase(names) {
	const wanted = new Set(names);
	const database = '/var/lib/dpkg';
	const paragraphs = fs.readFileSync(`${database}/status`, 'utf8').split('\n\n');
	const kept = paragraphs.filter((text) => wanted.has(/^Package: (.*)$/m.exec(text)?.[1]));
	fs.mkdirSync(inRoot(database, 'info'), { recursive: true });
	fs.mkdirSync(inRoot(database, 'updates'), { recursive: true });
	fs.writeFileSync(inRoot(database, 'status'), `${kept.join('\n\n')}\n\n`);
	fs.writeFileSync(inRoot(database, 'available'), '');
	fs.writeFileSync(inRoot(database, 'info/format'), '1\n');
	for (const file of fs.readdirSync(`${database}/info`))
		if (wanted.has(file.replace(/(:[^.]*)?\.[a-z0-9]+$/, '')) && /\.(list|md5sums|conffiles)$/.test(file))
			fs.copyFileSync(`${database}/info/${file}`, inRoot(database, 'info', file));
}

function makeRoot(depends) {
	const essential = query('${Package}\t${Essential}\n').filter((line) => line.endsWith('\tyes')).map((line) => line.split('\t')[0]);
	const names = closure([...essential, ...depends]);
	const list = path.join(directory, 'files');
	// Files that are gone (documentation, on small images) are no matter.
	const files = new Set(run('dpkg-query', ['-L', ...names]).split('\n').filter((name) => name.startsWith('/') && fs.lstatSync(name, { throwIfNoEntry: false })));
	// What else makes them work: merged folders are links here, and alternatives are nobody's files.
	for (const name of ['/bin', '/sbin', '/lib', '/lib64', '/etc/passwd', '/etc/group', '/etc/shadow', '/etc/gshadow', '/etc/ld.so.cache',
		'/etc/nsswitch.conf', '/etc/ld.so.conf', '/etc/alternatives', '/usr/bin/awk', '/dev/null', '/dev/urandom',
		...fs.readdirSync('/etc/pam.d').map((name) => `/etc/pam.d/${name}`)])
		if (fs.existsSync(name)) files.add(name);
	// The link before what is below it.
	const merged = ['/bin', '/sbin', '/lib', '/lib64', '/lib32', '/libx32'].filter((name) => fs.lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink());
	const order = [...files].map((name) => {
		const link = merged.find((each) => name.startsWith(`${each}/`));
		return link ? `/usr${name}` : name;
	});
	fs.writeFileSync(list, [...new Set(order)].map((name) => `.${name === '/' ? '' : name}\n`).join(''));
	fs.mkdirSync(root);
	run('sh', ['-c', 'tar -C / --no-recursion -cf - -T "$0" | tar -C "$1" -xf -', list, root]);
	for (const name of ['tmp', 'run', 'var/lib', 'var/log', 'var/tmp', 'proc'])
		fs.mkdirSync(inRoot(name), { recursive: true });
	copyDatabase(names);
}

const dpkg = (...args) => run('chroot', [root, 'dpkg', '--force-unsafe-io', ...args],
	{ env: { DEBIAN_FRONTEND: 'noninteractive', PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });

function install(file) {
	fs.copyFileSync(file, inRoot('tmp/package.deb'));
	dpkg('-i', '/tmp/package.deb');
	fs.rmSync(inRoot('tmp/package.deb'));
}

const status = () => run('chroot', [root, 'dpkg-query', '-W', '-f=${Package} ${Version} ${db:Status-Status}\n', 'sockjs-fcgi*']);

// What dpkg and its helpers write down for themselves.
const isRecord = (name) => /^\/(var\/(lib\/dpkg|cache|log|backups|tmp)|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-|etc\/\.pwd\.lock|etc\/ld\.so\.cache|run\/adduser|proc|dev)/.test(name);
const rootTree = () => tree(root, { skip: isRecord });

// The same package, one version later.
function nextVersion(file) {
	const folder = path.join(directory, 'next');
	run('dpkg-deb', ['-R', file, folder]);
	const control = path.join(folder, 'DEBIAN/control');
	fs.writeFileSync(control, fs.readFileSync(control, 'utf8').replace(/^Version: (.*)$/m, 'Version: $1+1'));
	fs.appendFileSync(path.join(folder, 'usr/share/sockjs-fcgi/www/page.js'), '\n// the next version\n');
	const next = path.join(directory, 'next.deb');
	run('dpkg-deb', ['-Zgzip', '-z1', '-b', folder, next]);
	return next;
}

// As every system has it. It is mounted for this process alone, so nothing has to be unmounted.
const WITH_PROC = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"';

// The daemon as its unit has it; without systemd, root starts it, and the configuration says whom it becomes.
async function start() {
	const unit = fs.readFileSync(inRoot('lib/systemd/system/sockjs-sessiond.service'), 'utf8');
	const command = /^ExecStart=(.*)$/m.exec(unit)[1].split(' ');
	const port = await freePort();
	const daemon = new Daemon('unshare', ['--mount', 'sh', '-c', WITH_PROC, root, ...command, '--listen', `127.0.0.1:${port}`]);
	daemon.url = `http://127.0.0.1:${port}`;
	await daemon.waitReady();
	return daemon;
}

let empty, daemon, object; // object: the module that is added

before(() => {
	if (skip) return;
	const output = run(path.join(srcdir, 'packaging/build_deb.sh'), [builddir, path.join(directory, 'deb')],
		{ env: { DEB_BUILD_OPTIONS: 'noopt nostrip', NODE_PATH: process.env.NODE_PATH } });
	for (const file of output.split('\n').filter((line) => line.endsWith('.deb')))
		packages[path.basename(file).split('_')[0]] = file;
	const depends = run('dpkg-deb', ['-f', packages['sockjs-fcgi'], 'Depends']).split(',').map((word) => word.trim().split(' ')[0]);
	makeRoot([...depends, 'dpkg']);
	empty = rootTree();
});
after(async () => {
	if (daemon) await daemon.stop().catch(() => {});
	killAll();
	fs.rmSync(directory, { recursive: true, force: true });
});

check('its version is configure\'s', () => {
	const version = /\[sockjs-fcgi\], \[([\d.]+)\]/.exec(fs.readFileSync(path.join(srcdir, 'configure.ac'), 'utf8'))[1];
	for (const name of ['sockjs-fcgi', 'sockjs-fcgi-dev'])
		assert.strictEqual(run('dpkg-deb', ['-f', packages[name], 'Version']).trim(), version);
});

check('installs where no systemd runs, with nothing but its dependencies, and its units are enabled', () => {
	install(packages['sockjs-fcgi']);
	assert.match(status(), /^sockjs-fcgi \S+ installed$/m);
	for (const unit of ['sockets.target.wants/sockjs-sessiond.socket', 'sockets.target.wants/sockjs-fcgi.socket', 'multi-user.target.wants/sockjs-sessiond.service'])
		assert.ok(fs.lstatSync(inRoot('etc/systemd/system', unit)).isSymbolicLink(), unit);
	const [uid, gid] = /^sockjs:[^:]*:(\d+):(\d+)/m.exec(fs.readFileSync(inRoot('etc/passwd'), 'utf8')).slice(1).map(Number);
	for (const [folder, mode] of [['run/sockjs-fcgi', 0o755], ['var/lib/sockjs-fcgi', 0o700]]) {
		const found = fs.statSync(inRoot(folder));
		assert.deepStrictEqual([found.uid, found.gid, found.mode & 0o777], [uid, gid, mode], folder);
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
	install(nextVersion(packages['sockjs-fcgi']));
	assert.match(status(), /^sockjs-fcgi \S+\+1 installed$/m);
	await exchange(client, 'still there');
	client.connection.close();
	assert.strictEqual(fs.readFileSync(inRoot('etc/sockjs.conf'), 'utf8'), conf);
	assert.strictEqual((await daemon.stop()).code, 0);
	daemon = await start();
	await visit(daemon.url);
	await echo(daemon.url, '/mine');
	assert.strictEqual((await daemon.stop()).code, 0);
});

check('removed, it leaves its configuration; purged, nothing', () => {
	fs.rmSync(object);
	dpkg('-r', 'sockjs-fcgi');
	assert.ok(fs.existsSync(inRoot('etc/sockjs.conf')));
	assert.ok(!fs.existsSync(inRoot('usr/sbin/sockjs-sessiond')));
	dpkg('-P', 'sockjs-fcgi');
	assert.deepStrictEqual(differences(empty, rootTree()), []);
});
