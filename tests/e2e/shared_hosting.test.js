'use strict';

// doc/shared-hosting.md, played: the archive of `make portable` in an account of an Apache that has
// mod_fcgid and nothing else. Everything runs as one user who is not root. Then all goes wrong that
// may.

const assert = require('node:assert/strict');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const SockJS = require('sockjs-client');
const { eventually } = require('./lib/guard');
const { Connection, request } = require('./lib/http');
const { freePort, srcdir } = require('./lib/stack');
const { WebSocketClient } = require('./lib/websocket');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const LIMIT = 90000; // ms: a start that has failed is repeated after a minute at most
const FOLDER = '/forum/live';
const LIBC = /\/(ld-linux[^/]*|lib(c|m|dl|pthread|rt|resolv)[.]so[^/]*|lib(c|m|dl|pthread|rt|resolv)-[^/]*)$/;

const home = fs.mkdtempSync(path.join(os.tmpdir(), 'sockjs-hosting-'));
const site = path.join(home, 'public_html');
const account = path.join(site, FOLDER);
const inAccount = (...names) => path.join(account, ...names);
const who = process.getuid() === 0
	? { uid: Number(execFileSync('id', ['-u', 'nobody'])), gid: Number(execFileSync('id', ['-g', 'nobody'])) } : {};
let apache, url;

// --- the host ------------------------------------------------------------------------------------

const owned = (...names) => {
	if (who.uid !== undefined) execFileSync('chown', ['-R', `${who.uid}:${who.gid}`, ...names]);
};

// Starts its Apache, whose files are in the folder `name` and without the modules that `without` matches.
async function startHost(name, without) {
	const folder = path.join(home, name), port = await freePort();
	const conf = fs.readFileSync(path.join(srcdir, 'tests/stack.d/htaccess.conf'), 'utf8')
		.replace(/^(User|Group) .*$/gm, '').replace(without, '')
		.replaceAll('@RUN@', folder).replaceAll('@LOG@', path.join(folder, 'error.log'))
		.replaceAll('@PORT@', port).replaceAll('@MODULES@', '/usr/lib/apache2/modules').replaceAll('@WWW@', site);
	fs.mkdirSync(folder);
	fs.writeFileSync(`${folder}.conf`, conf);
	owned(folder);
	const child = spawn('/usr/sbin/apache2', ['-f', `${folder}.conf`, '-DFOREGROUND'], { ...who, stdio: 'inherit' });
	const host = { child, url: `http://127.0.0.1:${port}` };
	await eventually(() => request(host.url, 'GET', `${FOLDER}/index.html`).then(({ status }) => status === 200, () => false), 'Apache answers');
	return host;
}

async function stopHost({ child }) {
	const ended = new Promise((resolve) => child.once('exit', resolve));
	child.kill('SIGTERM');
	await ended;
}

// What a panel's file manager, or an FTP program, does.
function unpack(folder) {
	fs.mkdirSync(folder, { recursive: true });
	const [archive] = fs.readdirSync(builddir).filter((name) => /^sockjs-fcgi-.*-portable[.]tar[.]gz$/.test(name));
	execFileSync('tar', ['-xzf', path.join(builddir, archive), '-C', folder, '--strip-components=1', '--no-same-owner']);
	const conf = path.join(folder, 'sockjs.conf');
	fs.writeFileSync(conf, fs.readFileSync(conf, 'utf8').replace('#show_reason', 'show_reason'));
}

function processes(where = account) {
	return execFileSync('ps', ['-e', '-o', 'pid=,ppid=,stat=,args=']).toString().split('\n')
		.map((line) => line.trim().split(/\s+/))
		.filter(([, , stat, ...args]) => stat && stat[0] !== 'Z' && /sockjs-sessiond$/.test(args[0]) && args.includes(path.join(where, 'sockjs.conf')))
		.map(([pid, , , ...args]) => ({ pid: Number(pid), isSupervisor: args.includes('--supervise') }));
}
const daemon = () => processes().find(({ isSupervisor }) => !isSupervisor)?.pid;
const supervisor = () => processes().find(({ isSupervisor }) => isSupervisor)?.pid;

before(async () => {
	execFileSync('make', ['-s', '-C', builddir, 'portable'], { env: { ...process.env, MAKEFLAGS: '' } });
	fs.mkdirSync(site);
	unpack(site);
	unpack(account);
	owned(home);
	apache = await startHost('apache', /^LoadModule proxy_.*$/gm);
	({ url } = apache);
});

after(async () => {
	for (const folder of [site, account]) fs.writeFileSync(path.join(folder, 'private/commands/stop'), '');
	await eventually(() => processes().length + processes(site).length === 0, 'the daemons have ended', LIMIT);
	await stopHost(apache);
	fs.rmSync(home, { recursive: true, force: true });
});

const logFile = inAccount('private/log/sockjs.log');
const log = () => (fs.existsSync(logFile) ? fs.readFileSync(logFile, 'utf8') : '');
const check = (name, ...rest) => {
	const body = rest.pop();
	test(`shared hosting: ${name}`, ...rest, async () => {
		try {
			await body();
		} catch (error) {
			console.error(log(), fs.readFileSync(path.join(home, 'apache/error.log'), 'utf8'));
			throw error;
		}
	});
};

// --- what its visitors do ------------------------------------------------------------------------

let sessions = 0;
const post = (what, body = '') => request(url, 'POST', what, { body, timeout: LIMIT });
const open = (folder = FOLDER) => post(`${folder}/echo/000/session${++sessions}/xhr`);

async function echoes(folder = FOLDER) {
	assert.equal((await open(folder)).text, 'o\n');
	const session = `${folder}/echo/000/session${sessions}`;
	assert.equal((await post(`${session}/xhr_send`, '["x"]')).status, 204);
	assert.equal((await post(`${session}/xhr`)).text, 'a["x"]\n');
}

async function command(name) {
	fs.writeFileSync(inAccount('private/commands', name), '');
}

async function stop() {
	await command('stop');
	await eventually(() => processes().length === 0, 'the daemon has ended', LIMIT);
}

// While nothing runs, something is broken: visitors are told why, and so is the log. Once it is
// mended, all is well.
async function fails(harm, mend, reason) {
	await stop();
	await harm();
	const before = log().length;
	fs.unlinkSync(inAccount('private/commands/stop'));
	let answer;
	await eventually(async () => reason.test((answer = await open()).text), () => `${answer.status} ${answer.text}`, LIMIT);
	assert.equal(answer.status, 503);
	for (let i = 0; i < 5; i++) assert.equal((await open()).status, 503);
	await mend();
	await eventually(async () => (await open()).text === 'o\n', () => 'it works again', LIMIT);
	await echoes();
	return log().slice(before);
}

// --- the page, typed -----------------------------------------------------------------------------

check('a websocket that comes first starts the daemon, and is told at once to do without', async () => {
	for (const name of ['echo/websocket', 'echo/000/first/websocket']) {
		const client = await WebSocketClient.connect(url, `${FOLDER}/${name}`, { check: false, timeout: LIMIT });
		// Apache may keep the header Upgrade to itself.
		assert.ok([400, 501].includes(client.answer.status), `${client.answer.status}`);
		client.connection.close();
	}
	assert.ok(daemon() && supervisor());
	await echoes();
});

function enter(name) {
	const socket = new SockJS(`${url}${FOLDER}/chat`, null, { timeout: LIMIT });
	const got = [];
	const say = (message) => socket.send(JSON.stringify(message));
	socket.onopen = () => say({ join: 'tea', name });
	socket.onmessage = ({ data }) => got.push(data);
	return { socket, got, say };
}

check('a chat between two, with the client that the page has', async () => {
	const ann = enter('Ann'), bob = enter('Bob');
	await eventually(() => ann.socket.readyState === SockJS.OPEN && bob.socket.readyState === SockJS.OPEN, 'both are there', LIMIT);
	await eventually(() => ann.got.some((text) => text.includes('Bob')) || bob.got.some((text) => text.includes('Ann')), 'they see each other', LIMIT);
	ann.say({ say: 'good morning' });
	await eventually(() => bob.got.some((text) => text.includes('good morning')), () => bob.got.join('\n'), LIMIT);
	ann.socket.close();
	bob.socket.close();
});

check('all libraries but libc are the archive\'s own', async () => {
	const responders = execFileSync('ps', ['-e', '-o', 'pid=,args=']).toString().split('\n').map((line) => line.trim().split(/\s+/))
		.filter(([, program]) => program === inAccount('sockjs.fcgi')).map(([pid]) => Number(pid));
	assert.ok(responders.length > 0);
	for (const pid of [daemon(), supervisor(), ...responders]) {
		const files = fs.readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n').map((line) => line.split(/\s+/)[5] || '')
			.filter((file) => /[.]so/.test(file) && !LIBC.test(file));
		assert.ok(files.some((file) => /libuv/.test(file)));
		assert.deepEqual(files.filter((file) => !file.startsWith(account)), []);
	}
});

check('at the top of a site it works as well', () => echoes(''));

check('a host with mod_proxy passes websockets and streams on, too', async () => {
	const host = await startHost('proxy', /^$/);
	try {
		const client = await WebSocketClient.connect(host.url, `${FOLDER}/echo/websocket`, { timeout: LIMIT });
		client.send('straight');
		assert.equal(await client.readText(LIMIT), 'straight');
		client.connection.close();
		const stream = await (await Connection.open(host.url)).open('POST', `${FOLDER}/echo/000/stream/xhr_streaming`, { timeout: LIMIT });
		await stream.readUntil('o\n', LIMIT);
		assert.equal((await request(host.url, 'POST', `${FOLDER}/echo/000/stream/xhr_send`, { body: '["x"]' })).status, 204);
		await stream.readUntil('a["x"]\n', LIMIT);
		stream.connection?.close();
	} finally {
		await stopHost(host);
	}
});

check('without the rule for sends, polls and sends share their processes', async () => {
	const file = inAccount('.htaccess'), program = inAccount('sockjs-send.fcgi');
	const rules = fs.readFileSync(file, 'utf8'), others = rules.replace(/^RewriteRule "_send\/.*\n/m, '');
	assert.notEqual(others, rules);
	try {
		fs.writeFileSync(file, others);
		fs.renameSync(program, `${program}.away`);
		await echoes();
	} finally {
		fs.renameSync(`${program}.away`, program);
		fs.writeFileSync(file, rules);
	}
	await echoes();
});

check('the page finds its files and services, and nobody sees what is private', async () => {
	const page = (await request(url, 'GET', `${FOLDER}/`)).text;
	for (const [, file] of page.matchAll(/<script src="([^"]+)"/g))
		assert.equal((await request(url, 'GET', `${FOLDER}/${file}`)).status, 200, file);
	assert.match((await request(url, 'GET', `${FOLDER}/echo/iframe.html`)).text, /src="[.][.]\/sockjs[.]min[.]js"/);
	for (const name of ['sockjs.conf', '.htaccess', 'private/', 'private/log/sockjs.log', 'private/README.md', 'private/.htaccess'])
		assert.equal((await request(url, 'GET', `${FOLDER}/${name}`)).status, 403, name);
});

check('where nothing passes websockets on, websocket = off tells clients so', async () => {
	const conf = fs.readFileSync(inAccount('sockjs.conf'), 'utf8');
	const offered = async () => JSON.parse((await request(url, 'GET', `${FOLDER}/echo/info`)).text).websocket;
	assert.equal(await offered(), true);
	try {
		fs.writeFileSync(inAccount('sockjs.conf'), conf.replace('[service /echo]', '$&\nwebsocket = off'));
		await command('reload');
		await eventually(async () => await offered() === false, log, LIMIT);
	} finally {
		fs.writeFileSync(inAccount('sockjs.conf'), conf);
		await command('reload');
		await eventually(offered, log, LIMIT);
	}
});

check('files are commands: reload and restart', async () => {
	const conf = fs.readFileSync(inAccount('sockjs.conf'), 'utf8');
	const former = daemon(), above = supervisor();
	fs.writeFileSync(inAccount('sockjs.conf'), conf.replace('module = echo', 'module = ecko'));
	await command('reload');
	await eventually(() => /no ecko[.]so in .*the old configuration stays/.test(log()), log, LIMIT);
	fs.writeFileSync(inAccount('sockjs.conf'), conf.replace('[service /echo]', '[service /second]\nmodule = echo\n\n[service /echo]'));
	await command('reload');
	await eventually(async () => (await request(url, 'GET', `${FOLDER}/second`)).status === 200, log, LIMIT);
	assert.ok(!fs.existsSync(inAccount('private/commands/reload')));
	assert.equal(daemon(), former);
	await command('restart');
	await eventually(() => daemon() && daemon() !== former, 'another daemon runs', LIMIT);
	assert.equal(supervisor(), above);
	await echoes();
});

check('the log may be renamed', async () => {
	fs.renameSync(logFile, inAccount('private/log/old.log'));
	await command('reload');
	await eventually(() => /reloaded/.test(log()), 'a new one is there', LIMIT);
});

// --- doc/workers.md, typed -----------------------------------------------------------------------

const workers = fs.readFileSync(path.join(srcdir, 'doc/workers.md'), 'utf8');
const isThere = (program) => spawnSync(program, ['--version']).error === undefined;
const noPhp = ['php', 'php-cgi'].every(isThere) ? false : 'there is no php and php-cgi';

// The lines of sockjs.conf that the page has for a service, with the section's head.
const linesOf = (service) => new RegExp(`^ {4}\\[service ${service}\\]\\n(?: {4}.*\\n)+`, 'm').exec(workers)[0]
	.replace(/^ {4}/gm, '');
const isHeard = (who, pattern) => eventually(() => pattern.test(who.got.join('\n')), () => `${who.got.join('\n')}\n${log()}`, LIMIT);

// A visitor of the chat that is there after a reload.
async function newcomer(name, written) {
	await command('reload');
	let visitor;
	await eventually(async () => {
		visitor?.socket.close();
		visitor = enter(name);
		await eventually(() => /names/.test(visitor.got.join()), () => log(), LIMIT);
		return written.test(visitor.got[0]);
	}, () => `${visitor?.got}\n${log()}`, LIMIT);
	return visitor;
}

check('workers.md: ten minutes from nothing to a chat in PHP', { skip: noPhp }, async () => {
	const conf = fs.readFileSync(inAccount('sockjs.conf'), 'utf8');
	const write = (text) => fs.writeFileSync(inAccount('sockjs.conf'), text);
	const former = daemon();
	write(conf.replace('[service /chat]\nmodule = chat\n', linesOf('/chat')));
	const ann = await newcomer('Ann', /"by":"PHP/);
	const bob = await newcomer('Bob', /"by":"PHP/);
	await isHeard(ann, /joined":"Bob"/);
	ann.say({ say: 'good morning' });
	await isHeard(bob, /said":"good morning"/);

	const script = inAccount('private/chat.php');
	fs.writeFileSync(script, fs.readFileSync(script, 'utf8').replace("'join a room", "'please join a room"));
	const cat = await newcomer('Cat', /please join a room/);
	await isHeard(cat, /names":\{.*"Ann"/);
	ann.say({ say: 'still here' });
	for (const visitor of [ann, bob, cat]) await isHeard(visitor, /said":"still here"/);

	fs.writeFileSync(script, fs.readFileSync(script, 'utf8').replace("'please join", "'as you like, join"));
	const cgi = /^ {4}(program = php-cgi .*)$/m.exec(workers)[1];
	write(conf.replace('[service /chat]\nmodule = chat\n', linesOf('/chat').replace(/^program = .*$/m, cgi)));
	const dan = await newcomer('Dan', /as you like, join/);
	dan.say({ say: 'by a CGI program' });
	for (const visitor of [ann, bob, cat, dan]) await isHeard(visitor, /said":"by a CGI program"/);

	const [, mine] = /```php\n([^]*?)```/.exec(workers);
	fs.writeFileSync(inAccount('private/mine.php'), mine);
	write(conf.replace('[service /chat]', `${linesOf('/mine')}\n$&`));
	await command('reload');
	await eventually(async () => (await request(url, 'GET', `${FOLDER}/mine`)).status === 200, log, LIMIT);
	const socket = new SockJS(`${url}${/SockJS\('([^']*\/mine)'/.exec(workers)[1].replace('/live', FOLDER)}`, null, { timeout: LIMIT });
	socket.onopen = () => socket.send('Hello');
	const answer = await new Promise((resolve) => { socket.onmessage = ({ data }) => resolve(data); });
	assert.equal(answer, 'you said Hello');
	assert.equal(daemon(), former, 'nothing was started anew');
	for (const { socket: each } of [ann, bob, cat, dan, { socket }]) each.close();
	write(conf);
	await command('reload');
});

// --- what goes wrong -----------------------------------------------------------------------------

check('stopped: no request starts it, and says so at once', async () => {
	await stop();
	const answer = await open();
	assert.equal(answer.status, 503);
	assert.match(answer.text, /^The session daemon is not running: it was stopped by the file \S+\/private\/commands\/stop[.]\n$/);
	assert.deepEqual(processes(), []);
	fs.unlinkSync(inAccount('private/commands/stop'));
	await echoes();
});

check('a library is broken: the reason is in the 503, and in the log, once', async () => {
	const library = fs.readdirSync(inAccount('private/lib')).map((name) => inAccount('private/lib', name)).find((name) => /libmicrohttpd/.test(name));
	const said = await fails(() => {
		fs.renameSync(library, `${library}.away`);
		fs.writeFileSync(library, 'x', { mode: 0o644 });
	}, () => {
		fs.renameSync(`${library}.away`, library);
		command('reload'); // libraries are not looked at: a command ends the pause
	}, /not become ready: .*error while loading shared libraries: .*libmicrohttpd.*: file too short/);
	assert.equal(said.match(/error while loading shared libraries/g).length, 1, said);
});

check('the program is not executable', () =>
	fails(() => fs.chmodSync(inAccount('private/sockjs-sessiond'), 0o644), () => fs.chmodSync(inAccount('private/sockjs-sessiond'), 0o755),
		/private\/sockjs-sessiond: Permission denied/));

check('a mistake in sockjs.conf', async () => {
	const conf = fs.readFileSync(inAccount('sockjs.conf'), 'utf8');
	await fails(() => fs.writeFileSync(inAccount('sockjs.conf'), conf.replace('log_size', 'log_siz')),
		() => fs.writeFileSync(inAccount('sockjs.conf'), conf), /unknown option "log_siz", did you mean "log_size"\?/);
});

check('the folder of the socket cannot be written to', async () => {
	const run = inAccount('private/run');
	await fails(() => {
		for (const name of fs.readdirSync(run)) fs.unlinkSync(path.join(run, name));
		fs.chmodSync(run, 0o555);
	}, () => fs.chmodSync(run, 0o755), /private\/run\/sessiond[.]sock[.]lock: Permission denied; whom the web server starts sockjs[.]fcgi as must be able to write/);
});

check('killed, supervisor and all: the next request starts it', async () => {
	const former = [supervisor(), daemon()];
	for (const pid of former) process.kill(pid, 'SIGKILL');
	await eventually(() => !processes().some(({ pid }) => former.includes(pid)), 'both are dead', LIMIT);
	await echoes();
});
