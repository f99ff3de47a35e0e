'use strict';

// Types doc/scaling.md: `node typed_boxes.js STAGE`, as root in namespaces of its own, which
// deploy.test.js has made. Each machine of the page is a Root (typed_root.js) with a network of its
// own and the page's address; this process is the client. Ends with 0 if all was as the page says.

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ALL, PROBE, Client, ends } = require('./addresses');
const { eventually } = require('./guard');
const { request } = require('./http');
const { SocketClient } = require('./pusher');
const { isThere } = require('./installation');
const { srcdir } = require('./stack');
const { CONF, LIMIT, Root, blocksOf, converse, run } = require('./typed_root');

const [stage] = process.argv.slice(2);
const read = (page) => fs.readFileSync(path.join(srcdir, 'doc', page), 'utf8');
const CLIENT = '192.0.2.200';
const URL = 'http://192.0.2.100';
const APP = { key: 'mykey', secret: 'a secret of the application' };
const SESSIONS = 20;

const machines = { box1: '192.0.2.1', box2: '192.0.2.2', redis: '192.0.2.50', haproxy: '192.0.2.100' };
const roots = {};
const boxes = () => [roots.box1, roots.box2];

// Makes a machine on the bridge that all are on.
function makeMachine(name) {
	const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
	const net = `/proc/${holder.pid}/ns/net`;
	// Only then it has left this network.
	const isIn = () => fs.readFileSync(`/proc/${holder.pid}/cmdline`, 'utf8') === 'sleep\0infinity\0';
	return eventually(isIn, `${name} has a network`, LIMIT).then(() => {
		run('sh', ['-euc', `ip link add v-${name} type veth peer name eth0 netns ${holder.pid}
			ip link set v-${name} master br0 up
			nsenter --net=${net} sh -euc 'ip link set lo up; ip link set eth0 up; ip addr add ${machines[name]}/24 dev eth0'`]);
		roots[name] = new Root(path.join(stage, '..', `machine-${name}`), stage, ['nsenter', `--net=${net}`]);
	});
}

// The page is for the package; what it has in /etc and /usr is in /usr/local here. Nothing is to be
// installed, and there is no systemd: tryChannels() restarts the daemons.
const local = (code) => code.replaceAll('/etc/sockjs.conf', CONF).replaceAll('/usr/share/', '/usr/local/share/').replace(/^(apt-get|systemctl) .*\n/gm, '');

// "valkey-server and /etc/valkey/valkey.conf are another choice."
const ofValkey = (code) => code.replaceAll('redis', 'valkey');

async function startBox(box) {
	fs.copyFileSync(PROBE, path.join(box.path, 'usr/lib/probe.so'));
	box.configure(`\n[service /probe]\nmodule = /usr/lib/probe.so\ndisconnect_delay = 20s\n\n[app 1]\nkey = ${APP.key}\nsecret = ${APP.secret}\n`);
	await box.startDaemon();
	for (const { title, kind, code } of blocksOf(read('deploy/lighttpd.md'))) {
		if (title === 'See that it works') break;
		if (kind === 'sh') box.inside(code);
	}
	box.inside("sed -i 's/echo|chat|multiplex/&|probe/' /etc/lighttpd/conf-available/50-sockjs.conf");
}

const post = (target, body = '') => request(URL, 'POST', target, { body });

async function trySessions() {
	for (const transport of ALL)
		assert.equal((await ends(new Client(URL), '/probe', transport)).remote, CLIENT, transport);
	const homes = { box1: 0, box2: 0 };
	for (let i = 0; i < SESSIONS; i++) {
		const target = `/echo/000/${crypto.randomBytes(6).toString('hex')}`;
		assert.equal((await post(`${target}/xhr`)).text, 'o\n');
		assert.equal((await post(`${target}/xhr_send`, '["hi"]')).status, 204);
		assert.equal((await post(`${target}/xhr`)).text, 'a["hi"]\n');
		for (const name of Object.keys(homes))
			if ((await request(`http://${machines[name]}`, 'POST', `${target}/xhr_send`, { body: '[]' })).status === 204) homes[name]++;
	}
	assert.equal(homes.box1 + homes.box2, SESSIONS);
	assert.ok(homes.box1 > 0 && homes.box2 > 0, `${homes.box1} and ${homes.box2}`);
}

async function tryChannels() {
	for (const box of boxes()) await box.restartDaemon();
	const clients = await Promise.all(['box1', 'box2'].map(async (name) => {
		const client = await SocketClient.open(`http://${machines[name]}`, APP);
		await client.established();
		await client.subscribe('news');
		return client;
	}));
	roots.box1.inside(`sockjsctl publish --app 1 --event added news '{"title": "Hello"}'`);
	for (const client of clients) assert.deepEqual(JSON.parse((await client.next()).data), { title: 'Hello' });
	for (const client of clients) client.close();
}

async function typePage() {
	for (const { title, kind, code } of blocksOf(read('scaling.md'))) {
		if (title) console.log(`# ${title}`);
		const [how, where] = (kind || '').split(' ');
		const hasValkey = isThere('valkey-server');
		if (where === 'redis' && !hasValkey && !isThere('redis-server')) return;
		if (how === 'sh') {
			console.log(`${where}: ${code}`);
			for (const root of where === 'box' ? boxes() : [roots[where]]) root.inside(local(where === 'redis' && hasValkey ? ofValkey(code) : code));
			if (where === 'box' && code.includes('engine')) await tryChannels();
		} else if (how === 'console') {
			console.log(code);
			const answers = () => request(URL, 'GET', '/up').then(({ status }) => status === 200, () => false);
			await eventually(answers, 'HAProxy serves', LIMIT);
			converse(code, (command) => run('sh', ['-euc', command]));
			await trySessions();
		}
	}
}

async function main() {
	// Without it, /proc tells of the processes of the machine.
	run('mount', ['-t', 'proc', 'proc', '/proc']);
	run('sh', ['-euc', `ip link set lo up; ip link add br0 type bridge; ip addr add ${CLIENT}/24 dev br0; ip link set br0 up`]);
	try {
		for (const name of Object.keys(machines)) await makeMachine(name);
		for (const box of boxes()) await startBox(box);
		await typePage();
	} catch (error) {
		for (const [name, root] of Object.entries(roots)) console.log(`=== ${name}\n${root.log()}`);
		throw error;
	}
}

main().then(() => process.exit(0), (error) => {
	console.log(error.stack);
	process.exit(1);
});
