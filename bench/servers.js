'use strict';

// The servers that `make bench` measures: ours, its peers, and those with the bare system calls.
//
// An entry of the table:
//   needs   what must be there: {file: PATH} or {program: NAME}, and Debian's package or npm's
//   ways    by name: the arguments with which bench/load speaks to it; @WORD is what the started
//           server has by that name
//   most    connections that it can have; unset: as many as there are
//   start   starts it; resolves with {port, parts, log(), stop()}. parts: {NAME: [PID, ...]}, the
//           processes that, with all their children, are the server

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Daemon, startDaemon, temporaryDirectory } = require('../tests/e2e/lib/daemon');
const { eventually } = require('../tests/e2e/lib/guard');
const { Connection } = require('../tests/e2e/lib/http');
const { freePort, srcdir, startStack } = require('../tests/e2e/lib/stack');
const { PhpFpm } = require('../tests/e2e/lib/php_fpm');
const redis = require('../tests/e2e/lib/redis');
const workers = require('../tests/e2e/lib/workers');
const { Callgrind } = require('./callgrind');
const { proxies, startProxy } = require('./proxies');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const OURS = 'sockjs-fcgi';
const here = (...names) => path.join(srcdir, 'bench', ...names);
const built = (...names) => path.join(builddir, 'bench', ...names);

// Nothing but the load is measured: no session ends between two rounds.
const service = (name, heartbeat) => `[service /${name}]
module = ${name}
heartbeat_delay = ${heartbeat}
disconnect_delay = 10m
response_limit = 1G
websocket_deflate = on
`;
const services = (heartbeat) => service('echo', heartbeat) + service('broadcast', heartbeat);
const APP = '[app 1]\nkey = key\nsecret = secret\nheartbeat_delay = 119s\n';

const START_PATIENCE = 60000; // ms
const NEVER = '30m';
const WEB_HEARTBEAT = '25s'; // web servers give up on a poll that is not answered for longer

const WEBSOCKET_WAYS = {
	websocket: ['sockjs-websocket', '--path', '/echo'],
	raw: ['raw-websocket', '--path', '/echo/websocket'],
	'websocket to all': ['sockjs-websocket', '--path', '/broadcast'],
};
const HTTP_WAYS = {
	polling: ['sockjs-polling', '--path', '/echo'],
	'polling to all': ['sockjs-polling', '--path', '/broadcast'],
	'xhr-streaming': ['sockjs-xhr-streaming', '--path', '/echo'],
	eventsource: ['sockjs-eventsource', '--path', '/echo'],
	'xhr-streaming to all': ['sockjs-xhr-streaming', '--path', '/broadcast'],
	'eventsource to all': ['sockjs-eventsource', '--path', '/broadcast'],
};
const SOCKJS_WAYS = {
	...WEBSOCKET_WAYS,
	...HTTP_WAYS,
};
const CHANNEL_WAY = { 'channel to all': ['channel-websocket', '--up', '@control'] };
const DEFLATE_WAY = { deflate: ['raw-websocket', '--path', '/echo/websocket', '--deflate'] };

const accepts = (port) =>
	new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1', () => {
			socket.destroy();
			resolve(true);
		});
		socket.on('error', () => resolve(false));
	});

// While a server starts, it may take a request that it never answers.
async function doesAnswer(port, target) {
	try {
		const connection = await Connection.open(`http://127.0.0.1:${port}`);
		try {
			return (await connection.open('GET', target, { timeout: 1000 })).status === 200;
		} finally {
			connection.close();
		}
	} catch {
		return false;
	}
}

// A server that is one program, with its children.
function served(name, daemon, more) {
	return {
		parts: { [name]: [daemon.pid] },
		log: () => daemon.log(),
		stop: () => daemon.stop('SIGTERM').catch(() => {}),
		...more,
	};
}

// command(PORT, DIRECTORY, ANOTHER PORT): its words. ready: it says so; else its port accepts, and
// with `answers` requests of that path get 200.
// wrapper: words before those.
async function start(command, { ready = false, up, answers, wrapper = [] } = {}) {
	const port = await freePort();
	const directory = temporaryDirectory();
	const another = up && (await freePort());
	const [program, ...args] = [...wrapper, ...command(port, directory, another)];
	const daemon = new Daemon(program, args, {
		cwd: directory,
		env: { NODE_ENV: 'production' },
	});
	daemon.directory = directory;
	if (ready) await daemon.waitReady();
	else
		await eventually(
			async () => {
				if (daemon.child.exitCode !== null)
					throw new Error(`${program} ended:\n${daemon.log()}`);
				return (
					(await accepts(port)) &&
					(!another || (await accepts(another))) &&
					(!answers || doesAnswer(port, answers))
				);
			},
			() => `${program} serves\n${daemon.log()}`,
			START_PATIENCE,
		);
	return served(path.basename(program), daemon, { port, up: `${another}` });
}

// Copies a file of bench/peers into the directory, filled in.
function fill(name, directory, words) {
	const file = path.join(directory, name);
	const text = fs.readFileSync(here('peers', name), 'utf8');
	fs.writeFileSync(
		file,
		text.replace(/@([A-Z1]+)@/g, (_, word) => words[word]),
	);
	return file;
}

const NCHAN_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

async function startOurs({ server = '', app = APP, args, wrapper } = {}) {
	const control = path.join(temporaryDirectory(), 'control');
	const daemon = await startDaemon({
		args,
		wrapper,
		conf: `[server]\nlog_level = error\ncontrol = ${control}\n${server}${services(NEVER)}${app}`,
	});
	const { parts, log, stop } = served('sessiond', daemon);
	return {
		port: daemon.port,
		control,
		parts,
		log,
		stop: () =>
			stop().finally(() =>
				fs.rmSync(path.dirname(control), { recursive: true, force: true }),
			),
	};
}

// A stack of tests/stack: a web server, the responder and the daemon. The script itself, which
// looks after them, does not count.
async function startOurStack(kind, { server = '', env } = {}) {
	const conf = path.join(temporaryDirectory(), 'sockjs.conf');
	fs.writeFileSync(conf, `[server]\n${server}${services(WEB_HEARTBEAT)}`);
	const stack = await startStack(kind, {
		conf,
		env: { SOCKJS_BUILDDIR: path.resolve(builddir), ...env },
	});
	return {
		port: Number(new URL(stack.url).port),
		get parts() {
			return stack.pids;
		},
		log: () => stack.log(),
		stop: () =>
			stack
				.stop()
				.finally(() =>
					fs.rmSync(path.dirname(conf), {
						recursive: true,
						force: true,
					}),
				),
	};
}

// Ours, with an application in another process: `application` gives lines of its section, by the
// folder that has copies of bench/workers. fpm: PHP-FPM is a part.
async function startWorkers(application, { fpm = false } = {}) {
	const read = (file) => fs.readFileSync(file);
	const files = workers.scripts({
		echo: read(built('workers/echo')), ...Object.fromEntries(['echo.php', 'echo.py', 'callback.php'].map((name) => [name, read(here('workers', name))])),
	});
	const php = fpm && new PhpFpm(files.folder, process.getuid() === 0 ? 'nobody' : undefined);
	if (php) await php.start();
	const conf = files.path('sockjs.conf');
	fs.writeFileSync(conf, `[server]\n${workers.server}\nlog_level = error\nstore = sessions.db\n` +
		`[service /echo]\nheartbeat_delay = 30m\n${application(files.folder, php)}\n`);
	const server = await start((port) => [path.join(builddir, 'sessiond', 'sockjs-sessiond'), '--config', conf, '--listen', `127.0.0.1:${port}`], { ready: true });
	if (php) server.parts['php-fpm'] = [php.child.pid];
	const { stop } = server;
	return Object.assign(server, { stop: () => stop().finally(() => { if (php) php.stop(); files.remove(); }) });
}

// A server, with a web server in front of it.
async function startBehind(kind, what) {
	const server = await servers[what].start();
	const proxy = await startProxy(kind, server);
	return {
		port: proxy.port,
		parts: { [kind]: [proxy.pid], ...server.parts },
		log: () => proxy.log() + server.log(),
		stop: () =>
			proxy
				.stop()
				.catch(() => {})
				.then(() => server.stop()),
	};
}

async function startCounted(startServer) {
	const callgrind = new Callgrind();
	const server = await startServer({ wrapper: callgrind.wrapper });
	const [[pid]] = Object.values(server.parts);
	const { stop } = server;
	return Object.assign(server, {
		count: (what) => callgrind.count(pid, what),
		stop: () => stop().finally(() => callgrind.remove()),
	});
}

// One that answers FastCGI on a socket with a constant.
const constantResponder = (program, name) => ({
	needs: [],
	ways: { polling: ['constant-polling'] },
	async start() {
		const directory = temporaryDirectory();
		const socket = path.join(directory, 'socket');
		const daemon = new Daemon(program, [socket]);
		await daemon.waitReady();
		fs.chmodSync(socket, 0o666);
		fs.chmodSync(directory, 0o711);
		return served(name, Object.assign(daemon, { directory }), { socket });
	},
});

const npm = (name, ...where) => ({
	file: path.join(srcdir, ...where, 'node_modules', name),
	npm: name,
});
const debian = (program, name = program) => ({ program, debian: name });

const servers = {
	[OURS]: {
		needs: [],
		ways: {
			...SOCKJS_WAYS,
			...DEFLATE_WAY,
			...CHANNEL_WAY,
		},
		start: (options) => startOurs(options),
	},
	'bare epoll': {
		needs: [],
		ways: { ...WEBSOCKET_WAYS, ...DEFLATE_WAY },
		start: (options) =>
			start((port) => [built('floor/bare_websocket'), `${port}`], {
				ready: true,
				...options,
			}),
	},
	'bare HTTP': {
		needs: [],
		ways: HTTP_WAYS,
		start: () =>
			start((port) => [built('floor/bare_http'), `${port}`], {
				ready: true,
			}),
	},
	'bare libmicrohttpd': {
		needs: [],
		ways: { polling: ['constant-polling'] },
		start: (options) =>
			start((port) => [built('floor/bare_microhttpd'), `${port}`], {
				ready: true,
				...options,
			}),
	},
	'bare libmicrohttpd, held': {
		needs: [],
		ways: { polling: ['constant-polling'] },
		start: () =>
			start((port) => [built('floor/bare_microhttpd'), `${port}`, 'held'], {
				ready: true,
			}),
	},
	'bare libfcgi': constantResponder(built('bare_responder'), 'bare_responder'),
	'bare FastCGI': constantResponder(built('floor/bare_fastcgi'), 'bare_fastcgi'),
	'sockjs-node': {
		needs: [npm('sockjs')],
		ways: SOCKJS_WAYS,
		start: () =>
			start(
				(port) => [
					process.execPath,
					'--no-deprecation',
					here('sockjs_node.js'),
					`${port}`,
				],
				{ ready: true },
			),
	},
	'socket.io': {
		needs: [npm('socket.io', 'bench/peers')],
		ways: {
			websocket: ['socketio-websocket', '--path', '/echo'],
			deflate: ['socketio-websocket', '--path', '/echo', '--deflate'],
			polling: ['socketio-polling', '--path', '/echo'],
			'websocket to all': ['socketio-websocket', '--path', '/broadcast'],
			'polling to all': ['socketio-polling', '--path', '/broadcast'],
		},
		start: () =>
			start((port) => [process.execPath, here('peers/socketio.js'), `${port}`], {
				ready: true,
			}),
	},
	tornado: {
		needs: [
			{
				file: '/usr/lib/python3/dist-packages/tornado',
				debian: 'python3-tornado',
			},
		],
		ways: {
			raw: ['raw-websocket', '--path', '/echo'],
			deflate: ['raw-websocket', '--path', '/echo', '--deflate'],
			'websocket to all': ['raw-websocket', '--path', '/broadcast'],
		},
		start: () =>
			start(
				(port) => [
					'/usr/bin/python3',
					here('peers/tornado_server.py'),
					`${port}`,
				],
				{ ready: true },
			),
	},
	websocketd: {
		needs: [debian('websocketd')],
		ways: { raw: ['raw-websocket', '--path', '/'] },
		start: () =>
			start((port) => [
				'websocketd',
				'--address',
				'127.0.0.1',
				`--port=${port}`,
				'--loglevel=fatal',
				'cat',
			]),
	},
	nchan: {
		needs: [
			debian('nginx', 'nginx-light'),
			{ file: NCHAN_MODULE, debian: 'libnginx-mod-nchan' },
		],
		ways: {
			'websocket to all': ['nchan-websocket'],
			'channel to all': ['nchan-websocket'],
			'eventsource to all': ['nchan-eventsource'],
			'polling to all': ['nchan-polling'],
		},
		start: () =>
			start((port, directory) => [
				'nginx',
				'-e',
				'stderr',
				'-p',
				directory,
				'-c',
				fill('nchan.conf', directory, {
					DIR: directory,
					PORT: port,
					MODULE: NCHAN_MODULE,
					USER: process.env.USER || 'root',
				}),
			]),
	},
	pushpin: {
		needs: [debian('pushpin')],
		most: 1000, // with 2,000 it loses messages
		ways: {
			'websocket to all': ['pushpin-websocket', '--up', '@up'],
			'channel to all': ['pushpin-websocket', '--up', '@up'],
			'xhr-streaming to all': ['pushpin-stream', '--up', '@up'],
		},
		start: () =>
			start(
				(port, directory, another) => {
					fs.writeFileSync(
						path.join(directory, 'routes'),
						'* test\n',
					);
					return [
						'pushpin',
						'--config',
						fill('pushpin.conf', directory, {
							DIR: directory,
							PORT: port,
							PORT1: another,
						}),
					];
				},
				{ up: true, answers: '/stream' },
			),
	},
};

// Ours with a store, and through FastCGI alone: the responder has no way in but a web server's.
for (const sync of ['off', 'normal', 'full'])
	servers[`sockjs-fcgi, store ${sync}`] = {
		needs: [],
		ways: SOCKJS_WAYS,
		start: () => startOurs({ server: `store = sessions.db\nstore_sync = ${sync}\n` }),
	};

// Ours, with the echo in another process.
const php = { program: 'php', debian: 'php-cli' };
for (const [language, needs, application, options] of [
	['module', [], () => 'module = ./echo.so'],
	['worker in C', [], () => 'program = ./echo'],
	['worker in PHP', [php], () => 'program = php echo.php'],
	['worker in Python', [debian('python3')], () => 'program = /usr/bin/python3 echo.py'],
	['callback to PHP-FPM', PhpFpm.find() ? [] : [{ program: 'php-fpm', debian: 'php-fpm' }],
		(folder, fpm) => `callback = fastcgi:${fpm.socket} ${folder}/callback.php`, { fpm: true }],
])
	servers[`sockjs-fcgi, ${language}`] = { needs, ways: SOCKJS_WAYS, start: () => startWorkers(application, options) };

// What mod_fcgid starts is a part of Apache.
servers['bare libfcgi behind apache-fcgid'] = {
	needs: proxies['apache-fcgid'].needs,
	ways: servers['bare libfcgi'].ways,
	async start() {
		const apache = await startProxy('apache-fcgid', { program: built('bare_responder') });
		return served('apache-fcgid', apache, { port: apache.port });
	},
};

// Behind a web server: ours through FastCGI, the peers through HTTP.
for (const kind of ['lighttpd', 'nginx', 'apache-proxy', 'apache-fcgid']) {
	servers[`sockjs-fcgi behind ${kind}`] = {
		needs: proxies[kind].needs,
		ways: SOCKJS_WAYS,
		start: () => startOurStack(kind),
	};
	for (const what of ['sockjs-node', 'bare libfcgi', 'bare FastCGI'])
		servers[`${what} behind ${kind}`] ??= {
			needs: [...proxies[kind].needs, ...servers[what].needs],
			ways: servers[what].ways,
			start: () => startBehind(kind, what),
		};
}

// Ours in a box behind HAProxy.
servers[`${OURS} behind HAProxy`] = {
	needs: [debian('haproxy'), ...proxies.lighttpd.needs],
	ways: SOCKJS_WAYS,
	start: () => startOurStack('cluster', { env: { SOCKJS_STACK_BOXES: '1' } }),
};

// Ours, as daemons that share the work. An [app]'s channels would need a Redis.
const TWO = `${OURS}, two daemons`;
const twoDaemons = 'daemons = 2\nsocket = sessiond.sock\n';
servers[TWO] = {
	needs: [],
	ways: SOCKJS_WAYS,
	start: () => startOurs({ server: twoDaemons, app: '', args: ['--supervise'] }),
};
servers[`${TWO} behind lighttpd`] = {
	...servers[`${OURS} behind lighttpd`],
	start: () => startOurStack('lighttpd', { server: twoDaemons }),
};

// Ours, with channels in a Redis, which is a part of the server.
async function startOverRedis(options) {
	const engine = await redis.Redis.start();
	const server = await startOurs({
		...options,
		server: `${options.server}engine = ${engine.url}\n`,
	});
	const { stop } = server;
	server.parts.redis = [engine.child.pid];
	return Object.assign(server, { stop: () => stop().finally(() => engine.stop()) });
}

const overRedis = (options) => ({
	needs: redis.skip
		? [
				debian('redis-server'),
				{
					file: path.join(builddir, 'sessiond/redis/redis.so'),
					debian: 'libhiredis-dev',
				},
			]
		: [],
	ways: { ...SOCKJS_WAYS, ...CHANNEL_WAY },
	start: () => startOverRedis(options),
});
servers[`${OURS}, Redis`] = overRedis({ server: '' });
servers[`${TWO}, Redis`] = overRedis({ server: twoDaemons, args: ['--supervise'] });

// Under callgrind, which counts while `count` runs something.
for (const name of [OURS, 'bare epoll', 'bare libmicrohttpd'])
	servers[`${name}, counted`] = {
		needs: [debian('valgrind')],
		ways: servers[name].ways,
		start: () => startCounted(servers[name].start),
	};

const hasProgram = (name) =>
	spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${name}`]).status === 0;

// What a server lacks here: [{debian or npm: NAME}].
const missing = (name) =>
	servers[name].needs.filter(({ file, program }) =>
		file ? !fs.existsSync(file) : !hasProgram(program),
	);

module.exports = { built, missing, servers };
