'use strict';

// Types a page of doc/deploy: `node typed_page.js PAGE STAGE`, as root in namespaces of its own, which
// deploy.test.js has made. The commands run in a Root (typed_root.js). Then every transport is tried through the web server.
// Prints what it does; ends with 0 if all was as the page says.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { ALL, PROBE, Client, ask } = require('./addresses');
const { eventually } = require('./guard');
const { request } = require('./http');
const { srcdir } = require('./stack');
const { CONF, LIMIT, PREFIX, Root, blocksOf, converse, run } = require('./typed_root');

const [name, stage] = process.argv.slice(2);
const page = fs.readFileSync(path.join(srcdir, 'doc/deploy', `${name}.md`), 'utf8');
const servers = { 'apache-proxy': 'apache2', 'apache-fcgid': 'apache2', lighttpd: 'lighttpd', nginx: 'nginx', haproxy: 'haproxy' };
const server = servers[name];

let box; // the Root
let root; // its path

const inside = (script, options) => box.inside(script, options);

function makeRoot() {
	box = new Root(path.join(stage, '..', `root-${name}`), stage);
	root = box.path;
	run('ip', ['link', 'set', 'lo', 'up']);
}

async function startServices() {
	fs.copyFileSync(PROBE, path.join(root, 'usr/lib/probe.so'));
	for (const service of ['/probe', '/caf%C3%A9'])
		box.configure(`\n[service ${service}]\nmodule = /usr/lib/probe.so\ndisconnect_delay = 20s\nheaders = host\n`);
	box.configure('\n[app 1]\nkey = mykey\nsecret = a secret of the application\n');
	// What monitoring.md has one do.
	box.configure('\n[service /status]\nmodule = status\n');
	inside(`sed -i 's/^\\[server\\]$/&\\nstatus_token = ${'0123456789abcdef'.repeat(4)}/' ${CONF}`);
	await box.startDaemon();
	if (['nginx', 'apache-proxy'].includes(name)) {
		const user = box.option('user');
		await box.start('setpriv', '--reuid', user, '--regid', user, '--groups', `${user},www-data`, `${PREFIX}/libexec/sockjs-fcgi/sockjs.fcgi`,
			'--config', CONF, '--listen', `${path.dirname(box.option('socket'))}/sockjs.fcgi.sock`, '--mode', '0666');
	}
}

// --- the page

const logFiles = { apache2: 'apache2/error.log', lighttpd: 'lighttpd/error.log', nginx: 'nginx/error.log' };
const answers = () => new Promise((resolve) => {
	const socket = net.connect(80, '127.0.0.1', () => { socket.destroy(); resolve(true); });
	socket.once('error', () => resolve(false));
});

async function typePage() {
	let section = '';
	for (const { title, kind, code } of blocksOf(page)) {
		if (title) {
			section = title;
			console.log(`# ${section}`);
		} else if (kind === 'sh') {
			console.log(code);
			inside(code);
			if (!code.includes('\nservice ')) continue;
			await eventually(answers, `${server} listens`, LIMIT);
			if (section === 'Set up') await serveProbe();
		} else if (kind === 'console') {
			console.log(code);
			converse(code, (command) => inside(command, { fails: null }));
			if (section === 'See that it works' || section === 'Into a configuration of your own')
				for (const prefix of ['/probe', '/caf%C3%A9', '/live/probe']) await tryTransports('http://127.0.0.1:80', prefix);
			if (section.startsWith('TLS')) await tryTls();
		}
	}
}

// Rules of the site, by which all services are below /live too.
const rewrite = {
	apache2: 'a2enmod rewrite; sed -i \'s|^</VirtualHost>|\tRewriteEngine On\\n\tRewriteRule "^/live/(.*)$" "/$1" [PT]\\n&|\' /etc/apache2/sites-available/000-default.conf',
	haproxy: "sed -i 's|^\tacl is_sockjs|\thttp-request replace-path /live/(.*) /\\\\1\\n&|' /etc/haproxy/sockjs.cfg",
	lighttpd: 'echo \'url.rewrite-once = ("^/live/(.*)" => "/$1")\' >>/etc/lighttpd/conf-available/10-rewrite.conf; lighty-enable-mod rewrite',
	nginx: "sed -i '/include snippets.sockjs.conf;/i \\\trewrite ^/live/(.*)$ /$1 last;' /etc/nginx/sites-available/default",
};

// The test's own services beside the page's, as an administrator adds them.
async function serveProbe() {
	const files = inside('grep -rl "echo|chat|multiplex" /etc/apache2 /etc/lighttpd /etc/nginx /etc/haproxy || true').trim().split('\n').filter(Boolean);
	assert.ok(files.length > 0, 'a file names the services');
	for (const file of files)
		fs.writeFileSync(root + file, fs.readFileSync(root + file, 'utf8').replace('echo|chat|multiplex', 'echo|chat|multiplex|up|probe|caf\u00e9'));
	inside(rewrite[server]);
	inside(`service ${server} ${server === 'lighttpd' ? 'restart' : 'reload'}`);
	const served = async () => (await answers()) && (await request('http://127.0.0.1:80', 'GET', '/probe/info')).status === 200;
	await eventually(() => served().catch(() => false), `${server} has the new configuration`, LIMIT);
	assert.equal((await request('http://127.0.0.1:80', 'GET', '/status')).text, 'Welcome to SockJS!\n');
	for (const method of ['GET', 'HEAD'])
		assert.equal((await request('http://127.0.0.1:80', method, '/up')).status, 200, method);
	tryApp();
}

// An [app]: its websocket, a stream and a poll of its fallback, its API.
function tryApp() {
	const ask = (target, options) => inside(`curl -s -m 1 -X POST -d '' -w ' %{http_code}' ${options} http://localhost${target} || true`);
	const upgrade = "-X GET -o /dev/null -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='";
	assert.equal(ask('/app/mykey?protocol=7', upgrade).trim(), '101');
	assert.match(ask('/pusher/app/mykey/000/app-stream/xhr_streaming?protocol=7', ''), /h+\no\na\[".*connection_established.* 200$/s);
	assert.match(ask('/pusher/app/mykey/000/app-poll/xhr?protocol=7', ''), /^o\n 200$/);
	assert.match(ask('/apps/1/channels', '-X GET'), / 401$/);
}

// A poll's answer may be compressed, but a frame of a stream must not wait for more.
const STREAMS = ['xhr_streaming', 'eventsource', 'htmlfile'];

async function tryTransports(url, prefix = '/probe') {
	await Promise.all(ALL.map(async (transport) => {
		const headers = { Host: 'localhost', ...(STREAMS.includes(transport) ? { 'Accept-Encoding': 'gzip' } : {}) };
		assert.equal(await ask(new Client(url, { headers }), prefix, transport, 'header host'), 'localhost', `${prefix} ${transport}`);
	}));
}

// The same over TLS: a connection of ours becomes one of TLS.
async function tryTls() {
	const bridge = net.createServer((plain) => {
		const secure = tls.connect({ port: 443, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
		plain.pipe(secure).pipe(plain);
		for (const end of [plain, secure]) end.on('error', () => { plain.destroy(); secure.destroy(); });
	});
	await new Promise((resolve) => { bridge.listen(0, '127.0.0.1', resolve); });
	await tryTransports(`http://127.0.0.1:${bridge.address().port}`);
	bridge.close();
}

// --- what goes wrong

function table(words) {
	const row = page.split('\n').find((line) => line.startsWith('| ') && line.includes(words));
	assert.ok(row, `the table has "${words}"`);
}

const status = (target) => inside(`curl -s -m 20 -o /dev/null -w '%{http_code}' http://localhost${target}`);

const wrong = {
	apache2() {
		table("Invalid command 'RequestHeader'");
		assert.match(inside('a2dismod -f headers >/dev/null && apache2ctl configtest', { fails: true }), /Invalid command 'RequestHeader'/);
		inside('a2enmod headers');
		if (name === 'apache-fcgid') {
			table('FcgidMaxProcesses cannot occur within <VirtualHost> section');
			fs.writeFileSync(`${root}/etc/apache2/sites-enabled/wrong.conf`, '<VirtualHost *:80>\nFcgidMaxProcesses 20\n</VirtualHost>\n');
			assert.match(inside('apache2ctl configtest', { fails: true }), /FcgidMaxProcesses cannot occur within <VirtualHost> section/);
		} else {
			table('Could not open configuration file /etc/apache2/sockjs/proxy.conf');
			inside('mv /etc/apache2/sockjs/proxy.conf /etc/apache2/sockjs/away');
			assert.match(inside('apache2ctl configtest', { fails: true }), /Could not open configuration file \/etc\/apache2\/sockjs\/proxy.conf/);
			inside('mv /etc/apache2/sockjs/away /etc/apache2/sockjs/proxy.conf && pkill -x sockjs.fcgi');
			table('AH02454: FCGI: attempt to connect to Unix domain socket');
			assert.equal(inside('curl -s -k -o /dev/null -w "%{http_code}" https://localhost/echo'), '503');
			assert.match(inside('cat /var/log/apache2/error.log'), /AH02454: FCGI: attempt to connect to Unix domain socket/);
		}
	},
	lighttpd() {
		table('`503` at once');
		inside('pkill -x sockjs-sessiond');
		assert.equal(inside("curl -s -o /dev/null -w '%{http_code}' http://chat.localhost/echo/000/third/eventsource"), '503');
		assert.equal(status('/echo'), '404');
	},
	nginx() {
		table('connect() to unix:');
		inside('pkill -x sockjs.fcgi');
		assert.equal(status('/echo'), '502');
		assert.match(inside('cat /var/log/nginx/error.log'), /connect\(\) to unix:.*(Connection refused|No such file)/);
		table('host not found in upstream "sockjs_sessiond"');
		assert.match(inside('rm /etc/nginx/conf.d/sockjs.conf && nginx -t', { fails: true }), /host not found in upstream "sockjs_sessiond"/);
	},
	haproxy() {
		table('`503 Service Unavailable` with HAProxy');
		inside('pkill -x sockjs-sessiond');
		assert.equal(status('/echo'), '503');
	},
};

async function main() {
	makeRoot();
	try {
		await startServices();
		await typePage();
		console.log('# What goes wrong');
		wrong[server]();
	} catch (error) {
		if (box) console.log(box.log());
		const file = logFiles[server] && `${root}/var/log/${logFiles[server]}`;
		if (file && fs.existsSync(file)) console.log(`--- ${file}\n${fs.readFileSync(file, 'utf8').slice(-3000)}`);
		throw error;
	}
}

main().then(() => process.exit(0), (error) => {
	console.log(error.stack);
	process.exit(1);
});
