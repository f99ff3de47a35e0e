'use strict';

// doc/modules.md, followed to the letter: its first module is compiled, configured and run against
// the installed files alone, in an empty folder, and answers curl and a browser; all its other code
// compiles, and what can be tried by itself is.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { skip: withoutBrowser, launch } = require('./lib/browser');
const { connect } = require('./lib/client');
const { Daemon, killAll, temporaryDirectory } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { run, isThere } = require('./lib/installation');
const { freePort, srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const folder = temporaryDirectory();
const stage = path.join(folder, 'stage');
const home = path.join(folder, 'home');
const file = (name) => path.join(home, name);
const secret = file('sockjs.secret');

const text = fs.readFileSync(path.join(srcdir, 'doc/modules.md'), 'utf8');
const blocks = [...text.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, kind, code]) => ({ kind, code }));
const all = (kind) => blocks.filter((block) => block.kind === kind).map(({ code }) => code);
const [helloSource, ...pieces] = all('c');
const piece = (words) => {
	const found = pieces.filter((code) => code.includes(words));
	assert.strictEqual(found.length, 1, `pieces of code with "${words}"`);
	return found[0];
};

// The installation is in a folder, as if that were /.
let env;
let port;
let daemon;
const sh = (script) => run('sh', ['-ec', script], { cwd: home, env });

async function start(conf, name = 'sockjs.conf') {
	fs.writeFileSync(file(name), conf);
	const started = new Daemon('sockjs-sessiond', ['--config', name], { cwd: home, env: { ...process.env, ...env } });
	await started.waitReady();
	return started;
}

before(async () => {
	fs.mkdirSync(home);
	run('make', ['-s', '-C', builddir, 'install-includeHEADERS', 'install-pkgconfigDATA', 'install-sbinPROGRAMS', 'install-moduleDATA', 'install-data-local',
		`DESTDIR=${stage}`]);
	const find = (name) => run('find', [stage, '-name', name]).trim();
	// What a package would have there as /usr/include and the like.
	const pc = find('sockjs.pc');
	fs.writeFileSync(pc, fs.readFileSync(pc, 'utf8').replace(/^(\w+)=\//gm, `$1=${stage}/`));
	env = { PATH: `${path.dirname(find('sockjs-sessiond'))}:${process.env.PATH}`, PKG_CONFIG_PATH: path.dirname(pc) };
	port = await freePort();
});
after(() => {
	killAll();
	fs.rmSync(folder, { recursive: true, force: true });
});

const check = (name, body, options = {}) => test(`modules.md: ${name}`, options, body);
const here = (code) => code.replaceAll('127.0.0.1:8080', `127.0.0.1:${port}`);
const url = () => `http://127.0.0.1:${port}`;

// --- from nothing to a module that answers

check('the first module compiles, without a warning, and the daemon is content with its configuration', () => {
	const [compile, page, verify] = all('sh');
	fs.writeFileSync(file('hello.c'), helloSource);
	assert.strictEqual(sh(compile), '');
	sh(page);
	fs.writeFileSync(file('www/index.html'), all('html')[0]);
	fs.writeFileSync(file('sockjs.conf'), here(all('ini')[0]));
	assert.match(sh(verify), /the configuration is fine/);
});

check('it runs as it says, and answers curl', async () => {
	const command = all('sh')[3].trim();
	assert.strictEqual(command, 'sockjs-sessiond --config sockjs.conf');
	daemon = await start(here(all('ini')[0]));
	assert.ok(text.includes('`ready 127.0.0.1:8080`'));
	assert.match(daemon.stdout, new RegExp(`^ready 127[.]0[.]0[.]1:${port}\n`));
	const dialogue = here(all('console')[0]).split(/^\$ /m).slice(1);
	assert.strictEqual(dialogue.length, 4);
	for (const part of dialogue) {
		const [line, ...answer] = part.split('\n');
		assert.strictEqual(run('sh', ['-c', line.replace(/^curl/, 'curl -s')]).trimEnd(), answer.join('\n').trimEnd(), line);
	}
});

check('its page works in a browser', async () => {
	const browser = await launch();
	try {
		const tab = await browser.newPage();
		await tab.goto(`${url()}/`);
		const shows = (line) => tab.waitForFunction((words) => document.querySelector('pre').textContent.split('\n').includes(words), line);
		await shows('open');
		await tab.fill('input', 'Grüße 😀');
		await tab.click('button');
		await shows('Hello, Grüße 😀!');
		await tab.fill('input', 'x'.repeat(80));
		await tab.click('button');
		await shows('What a long name!');
	} finally {
		await browser.close();
	}
}, { skip: withoutBrowser });

check('a changed one is for new connections, after mv and HUP', async () => {
	const old = await connect(`${url()}/hello`, { transports: 'xhr-polling' });
	fs.writeFileSync(file('hello.c'), helloSource.replace('Hello', 'Howdy'));
	sh(all('sh')[0].replace('-o hello.so', '-o hello.new.so'));
	assert.ok(text.includes('`mv hello.new.so hello.so`'));
	sh('mv hello.new.so hello.so');
	daemon.child.kill('SIGHUP');
	await eventually(async () => {
		const client = await connect(`${url()}/hello`, { transports: 'websocket' });
		client.socket.send('you');
		const [answer] = await client.received(1);
		await client.close();
		return answer === 'Howdy, you!';
	}, () => `the new module answers: ${daemon.log()}`);
	old.socket.send('you');
	assert.deepStrictEqual(await old.received(1), ['Hello, you!']);
	await old.close();
	assert.strictEqual((await daemon.stop()).code, 0, daemon.log());
});

// --- the other pieces

const includes = ['pthread.h', 'sockjs.h', 'stdio.h', 'stdlib.h', 'string.h', 'time.h'].map((name) => `#include <${name}>\n`).join('');
const callbacks = { start: 'on_start', connection: 'on_connection', data: 'on_data', close: 'on_close', suspend: 'on_suspend', resume: 'on_resume' };

// A piece becomes a module of the callbacks that it defines, if it has no SOCKJS_MODULE of its own.
function compile(name, code) {
	const lines = Object.entries(callbacks).filter(([, own]) => code.includes(`\n${own}(`)).map(([callback, own]) => `.${callback} = ${own},`);
	const end = code.includes('SOCKJS_MODULE') ? '' : `SOCKJS_MODULE = { .abi = SOCKJS_ABI, .name = "${name}", ${lines.join(' ')} };\n`;
	fs.writeFileSync(file(`${name}.c`), includes + code + end);
	// What a piece leaves to the reader is not used by it.
	return sh(`cc -O1 -Wall -Wextra -Werror -Wno-unused-function -Wno-missing-field-initializers $(pkg-config --cflags sockjs) -shared -fPIC -o ${name}.so ${name}.c -pthread`);
}

pieces.forEach((code, i) => check(`piece ${i + 1} of its code compiles: ${/^\w+(?=\()/m.exec(code)[0]}`, () => {
	assert.strictEqual(compile(`piece${i + 1}`, code), '');
}));

check('the pieces do what it says of them', async () => {
	const services = { life: 'struct visitor', flood: '.drain = send_more', closing: 'Too long for me', group: 'everybody, message->data', time: 'tell_time', binary: 'sockjs_write_binary', options: 'sockjs_option_ms' };
	for (const [name, words] of Object.entries(services))
		compile(name, piece(words));
	const sections = Object.keys(services).map((name) => `[service /${name}]\nmodule = ./${name}.so\n`);
	const own = await start(`[server]\nlisten = 127.0.0.1:${port}\n${sections.join('')}module.greeting = hi\n`, 'pieces.conf');
	const open = (name) => connect(`${url()}/${name}`, { transports: 'websocket' });
	const life = await open('life');
	life.socket.send('x');
	life.socket.send('y');
	assert.deepStrictEqual(await life.received(2), ['message 1', 'message 2']);
	await life.close();

	// 64 KiB are far less than 10,000 messages: only drain can have been the reason for them.
	const flood = await open('flood');
	assert.ok((await flood.received(10000)).every((message) => message === 'a part of something long'));
	await flood.close();

	for (const [message, expected, said] of [['x'.repeat(1001), { code: 4000, reason: 'Too long for me', wasClean: true }, []],
		['bye', { code: 1000, reason: 'Normal closure', wasClean: true }, ['goodbye']]]) {
		const client = await open('closing');
		client.socket.send(message);
		assert.deepStrictEqual(await client.closeCode(), expected);
		assert.deepStrictEqual(client.messages, said);
	}

	const members = [await open('group'), await open('group')];
	members[0].socket.send('to all');
	for (const member of members) assert.deepStrictEqual(await member.received(1), ['to all']);
	await Promise.all(members.map((member) => member.close()));

	const raw = await WebSocketClient.connect(url(), '/binary/websocket');
	raw.sendBinary(Buffer.from([0xff, 0]));
	assert.deepStrictEqual([...(await raw.read()).payload], [0xff, 0]);
	raw.send('text');
	assert.strictEqual(await raw.readText(), 'text');
	raw.connection.close();
	assert.strictEqual((await own.stop()).code, 0, own.log());
	assert.doesNotMatch(own.log(), / error: /);
});

check('the other configurations are accepted: options', () => {
	compile('hello', piece('sockjs_option_ms'));
	const conf = all('ini').find((code) => code.includes('module.greeting'));
	fs.writeFileSync(file('options.conf'), `[server]\nlisten = 127.0.0.1:${port}\n${conf}`);
	assert.match(sh('sockjs-sessiond --config options.conf -n'), /is fine/);
	fs.writeFileSync(file('options.conf'), `[server]\nlisten = 127.0.0.1:${port}\n${conf}module.greting = x\n`);
	assert.match(run('sockjs-sessiond', ['--config', 'options.conf', '-n'], { cwd: home, env, fails: true }), /options\.conf:7:.*did you mean "module\.greeting"/);
});

check('a token that its Python makes opens auth, as it is configured there', async () => {
	const [conf] = all('ini').filter((code) => code.includes('module = auth'));
	const [python] = all('python');
	fs.writeFileSync(secret, `${'s'.repeat(32)}\n`, { mode: 0o640 });
	fs.chmodSync(secret, 0o640);
	const local = (code) => code.replaceAll('/etc/sockjs.secret', secret);
	const token = run('python3', ['-c', `user = 'Ann'\n${local(python)}\nprint(token)`]).trim();
	const modules = sh('pkg-config --variable=moduledir sockjs').trim();
	const own = await start(`[server]\nlisten = 127.0.0.1:${port}\nmodule_path = ${modules}\n${local(conf)}`, 'auth.conf');
	const client = await connect(`${url()}/private?token=${token}`, { transports: 'websocket' });
	assert.deepStrictEqual(await client.received(1), ['Ann']);
	await client.close();
	await own.stop();
}, { skip: isThere('python3') ? false : 'there is no python3' });
