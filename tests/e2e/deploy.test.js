'use strict';

// doc/deploy, typed: each page's commands on the configuration that the distribution gives its web
// server, in a copy of this machine's files (lib/typed_page.js), so that this machine's own are not
// touched.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { temporaryDirectory } = require('./lib/daemon');
const { run, isThere } = require('./lib/installation');
const { srcdir } = require('./lib/stack');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const directory = temporaryDirectory();
const stage = path.join(directory, 'stage');
const UNSHARE = ['--mount', '--net', '--pid', '--fork', '--kill-child'];

// What each page needs: the program, and files of the distribution's packages.
const pages = {
	'apache-fcgid': ['apache2', '/etc/apache2/mods-available/fcgid.load'],
	'apache-proxy': ['apache2', '/etc/apache2/sites-available/000-default.conf'],
	haproxy: ['haproxy', '/etc/haproxy/haproxy.cfg'],
	lighttpd: ['lighttpd', '/etc/lighttpd/conf-available/10-proxy.conf', '/usr/lib/lighttpd/mod_openssl.so'],
	nginx: ['nginx', '/etc/nginx/sites-available/default'],
};

const variable = (name) => new RegExp(`^${name} = (.*)$`, 'm').exec(fs.readFileSync(path.join(builddir, 'Makefile'), 'utf8'))[1];

// A root that is copied on write, in a namespace of its own.
const canOverlay = () => spawnSync('unshare', [...UNSHARE, 'sh', '-c', `mount -t tmpfs tmpfs "$0" && cd "$0" && mkdir up work root &&
	mount -t overlay overlay -o lowerdir=/,upperdir=$0/up,workdir=$0/work root && chroot root true && ip link set lo up`, directory]).status === 0;

function missing() {
	if (process.getuid() !== 0) return 'only root may mount a copy of the machine\'s files';
	for (const program of ['unshare', 'chroot', 'ip', 'service', 'curl', 'openssl', 'pkill', 'setpriv'])
		if (!isThere(program)) return `there is no ${program}`;
	if (variable('prefix') !== '/usr/local' || variable('sysconfdir') !== '${prefix}/etc')
		return 'the pages are typed for a tree that is configured for /usr/local';
	return canOverlay() ? false : 'this kernel or container allows no overlay in a mount namespace';
}
const skip = missing();

function missingFor([program, ...files]) {
	if (skip) return skip;
	if (!isThere(program)) return `there is no ${program}`;
	const file = files.find((each) => !fs.existsSync(each));
	return file ? `there is no ${file}: this is no Debian, or lacks a package` : false;
}

// program: of lib, with its arguments.
function type(program, ...args) {
	// The shell is the init of its processes, and buries those that daemons leave.
	const child = spawn('unshare', [...UNSHARE, 'bash', '-c', '"$0" "$@" & wait $!', process.execPath, path.join(__dirname, 'lib', program), ...args], {
		env: { ...process.env, LC_ALL: 'C' },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let output = '';
	child.stdout.on('data', (data) => { output += data; });
	child.stderr.on('data', (data) => { output += data; });
	return new Promise((resolve) => { child.once('close', (code, signal) => resolve({ status: signal || code, output })); });
}

before(() => {
	if (skip) return;
	fs.chmodSync(directory, 0o755);
	run('make', ['-s', '-C', builddir, 'install', `DESTDIR=${stage}`]);
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

test('deploy: every page of a web server is typed', () => {
	const others = ['without-systemd']; // debian_package.test.js has that
	assert.deepEqual(fs.readdirSync(path.join(srcdir, 'doc/deploy')).map((file) => file.replace('.md', '')).filter((name) => !others.includes(name)).sort(), Object.keys(pages));
});

// Most of the time a page waits for its web server to start and to stop.
test('deploy: the pages', { concurrency: 5 }, (t) => Promise.all(Object.entries(pages).map(([name, needs]) =>
	t.test(`deploy: ${name}.md`, { skip: missingFor(needs) }, async () => {
		const { status, output } = await type('typed_page.js', name, stage);
		assert.equal(status, 0, output);
	}))));

const canBridge = () => spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'br0', 'type', 'bridge']).status === 0;

test('deploy: scaling.md, with a network of machines', { skip: missingFor([...pages.haproxy, ...pages.lighttpd.slice(1)]) || (canBridge() ? false : 'this kernel or container has no bridges') }, async () => {
	const { status, output } = await type('typed_boxes.js', stage);
	assert.equal(status, 0, output);
});
