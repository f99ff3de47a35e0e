'use strict';

// A 32-bit machine: a root folder of Debian for i386, made by debootstrap, in which the sources are
// configured, built without a warning, and pass their unit tests. It needs Debian's servers, and a
// kernel that runs 32-bit programs.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { temporaryDirectory } = require('./lib/daemon');
const { run, isThere } = require('./lib/installation');
const { srcdir } = require('./lib/stack');

const RELEASE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
const PACKAGES = ['gcc', 'libc6-dev', 'make', 'pkg-config', 'libmicrohttpd-dev', 'libsqlite3-dev', 'libjansson-dev', 'libfcgi-dev',
	'libuv1-dev', 'nettle-dev', 'libinih-dev', 'zlib1g-dev', 'libcmocka-dev'];

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const directory = temporaryDirectory();
const root = path.join(directory, 'root');

// A program for i386 that needs no library, and does nothing.
const probe = 'void _start(void) { __asm__("movl $1, %eax; xorl %ebx, %ebx; int $0x80"); }';

function obstacle() {
	if (process.getuid() !== 0) return 'only root can make a root folder';
	if (!['x64', 'ia32'].includes(process.arch)) return `${process.arch} runs no programs of i386`;
	if (!isThere('debootstrap')) return 'there is no debootstrap';
	const program = path.join(directory, 'probe');
	fs.writeFileSync(`${program}.c`, probe);
	run('gcc', ['-m32', '-nostdlib', '-static', '-o', program, `${program}.c`]);
	return spawnSync(program).status === 0 ? false : 'this kernel runs no 32-bit programs';
}
const skip = obstacle();

// Runs a command inside, which has a /proc of its own and leaves nothing behind.
const inside = (command) => run('unshare', ['--mount', '--pid', '--fork', '--kill-child', `--mount-proc=${root}/proc`,
	'chroot', root, 'env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C', 'HOME=/root', 'sh', '-c', `cd /src && ${command}`]);

// Why Debian's servers give nothing, or null.
function makeRoot() {
	try {
		run('unshare', ['--mount', 'debootstrap', '--arch=i386', '--variant=minbase', `--include=${PACKAGES.join(',')}`, RELEASE, root, MIRROR]);
	} catch (error) {
		const [offline] = /^E: (Failed getting release|Invalid Release|Couldn't download).*$/m.exec(error.message) || [];
		if (!offline) throw error;
		return `debootstrap: ${offline}`;
	}
	return null;
}

// Each test program that failed, with the lines of its log that say why.
function failures() {
	const logs = fs.readdirSync(path.join(root, 'src/tests'), { recursive: true }).filter((name) => name.endsWith('.log'))
		.map((name) => [name, fs.readFileSync(path.join(root, 'src/tests', name), 'utf8')]);
	return logs.filter(([, text]) => /^(FAIL|XPASS|ERROR): /m.test(text))
		.map(([name, text]) => [name, ...text.split('\n').filter((line) => /^(not ok|Bail out|#|FAIL|ERROR)/.test(line))].join('\n'));
}

let absent = null;

before(() => {
	if (skip) return;
	absent = makeRoot();
	if (!absent) run('make', ['-s', '-C', builddir, 'distdir', `distdir=${path.join(root, 'src')}`]);
});
after(() => fs.rmSync(directory, { recursive: true, force: true }));

const check = (name, body) => test(`i386: ${name}`, { skip }, (t) => {
	if (absent) t.skip(absent);
	else body();
});

check('it is built without a warning', () => {
	inside('./configure -q --disable-dependency-tracking --enable-werror && make -s -j"$(nproc)"');
});

check('the unit tests pass', () => {
	const output = inside('make -k -j"$(nproc)" check || true');
	assert.deepStrictEqual(failures(), []);
	const [, passed] = /^# PASS: +(\d+)$/m.exec(output) || assert.fail(output.slice(-4000));
	assert.ok(Number(passed) > 0, output);
});
