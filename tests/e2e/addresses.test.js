'use strict';

// Where a client is, as modules, counts and the log see it: straight from a TCP socket, over the
// Unix socket, and through the responder; and that no client can choose it.

const assert = require('node:assert');
const net = require('node:net');
const { test, before, after } = require('node:test');
const { ALL, PROBE, Client, ends } = require('./lib/addresses');
const { withLog } = require('./lib/daemon');
const { FastCgi } = require('./lib/fastcgi');
const { eventually } = require('./lib/guard');
const { Pair, startPair } = require('./lib/responder');

const services = `
[service /probe]
module = ${PROBE}

[service /echo]
module = echo
log_level = info
`;
const CLIENT = '127.0.0.9';
const forged = { 'X-Forwarded-For': '6.6.6.6', Forwarded: 'for=6.6.6.6', 'X-Real-IP': '6.6.6.6' };

let pair;
before(async () => {
	pair = await startPair({ server: 'trusted_proxies = unix 127.0.0.2 10.0.0.0/8 fd00::/8', services, listen: '127.0.0.1:0' });
});
after(() => pair.stop());

const check = (name, body) => test(`addresses: ${name}`, withLog(() => pair, body));

for (const name of ALL) {
	check(`${name}: a client of the TCP socket, whatever it says`, async () => {
		const client = new Client(pair.sessiond.url, { localAddress: CLIENT, headers: forged });
		const { remote, remotePort, local, port } = await ends(client, '/probe', name);
		assert.deepStrictEqual({ remote, local, port }, { remote: CLIENT, local: '127.0.0.1', port: Number(new URL(pair.sessiond.url).port) });
		assert.ok(remotePort > 0);
	});

	check(`${name}: whom a web server on the Unix socket names`, async () => {
		const client = new Client(pair.socket, { headers: { 'X-Forwarded-For': '6.6.6.6, 203.0.113.7, 10.1.1.1' } });
		assert.deepStrictEqual(await ends(client, '/probe', name), { remote: '203.0.113.7', remotePort: 0, local: '', port: 0 });
	});

	check(`${name}: whom a proxy that is listed names`, async () => {
		const client = new Client(pair.sessiond.url, { localAddress: '127.0.0.2', headers: { Forwarded: 'for=6.6.6.6, for="[2001:db8::7]:80"' } });
		const { remote, remotePort } = await ends(client, '/probe', name);
		assert.deepStrictEqual({ remote, remotePort }, { remote: '2001:db8::7', remotePort: 0 });
	});
}

check('two headers that disagree', async () => {
	const client = new Client(pair.sessiond.url, { localAddress: '127.0.0.2', headers: { 'X-Forwarded-For': '203.0.113.7', Forwarded: 'for=6.6.6.6' } });
	assert.strictEqual((await ends(client, '/probe', 'xhr')).remote, '127.0.0.2');
});

// --- through the responder -----------------------------------------------------------------------

// What a module sees of a client that the web server has those variables and headers for.
async function endsThrough(address, { params, headers = {} }) {
	const id = `${Math.random()}`.slice(2);
	const web = await FastCgi.open(address);
	const ask = (path, body = '') => web.request('POST', `/probe/000/${id}${path}`, { body, params, headers, keep: true });
	assert.strictEqual((await ask('/xhr')).text, 'o\n');
	assert.strictEqual((await ask('/xhr_send', '["getters"]')).status, 204);
	const fields = JSON.parse((await ask('/xhr')).text.slice(1))[0].split('|');
	web.close();
	return `${fields[4]} ${fields[5]} ${fields[6]} ${fields[7]}`;
}

const asked = [
	['REMOTE_ADDR is the client', { REMOTE_ADDR: '198.51.100.7', REMOTE_PORT: 1234 }, forged, '198.51.100.7 1234 127.0.0.1 80'],
	['... in IPv6', { REMOTE_ADDR: '2001:db8::7', REMOTE_PORT: 1234 }, {}, '2001:db8::7 1234 127.0.0.1 80'],
	['... in IPv6 that means IPv4', { REMOTE_ADDR: '::ffff:198.51.100.7', SERVER_ADDR: '::ffff:10.0.0.1' }, {}, '198.51.100.7 40000 10.0.0.1 80'],
	['a proxy that is listed', { REMOTE_ADDR: '10.1.2.3' }, { 'X-Forwarded-For': '6.6.6.6, 203.0.113.7' }, '203.0.113.7 0 127.0.0.1 80'],
	['... with Forwarded', { REMOTE_ADDR: 'fd00::1' }, { Forwarded: 'for="[2001:db8::7]"' }, '2001:db8::7 0 127.0.0.1 80'],
	['... that says nothing', { REMOTE_ADDR: '10.1.2.3' }, {}, '10.1.2.3 40000 127.0.0.1 80'],
	['no address', { REMOTE_ADDR: '' }, forged, ' 0 127.0.0.1 80'],
];
for (const [name, params, headers, expected] of asked)
	check(`through the responder: ${name}`, async () => {
		assert.strictEqual(await endsThrough(pair.address, { params, headers }), expected);
	});

// --- what it is for ------------------------------------------------------------------------------

check('the log names the client', async () => {
	const client = new Client(pair.socket, { headers: { 'X-Forwarded-For': '203.0.113.99' } });
	await client.request('GET', '/echo/info');
	client.close();
	await eventually(() => /info: 203\.0\.113\.99 GET \/echo\/info 200 /.test(pair.sessiond.stderr), 'the line');
});

test('addresses: sessions_per_address counts clients, not their web server', async () => {
	const own = await startPair({ server: 'sessions_per_address = 2\ndisconnect_delay = 60s', services });
	const open = async (address) => {
		const client = new Client(own.socket, { headers: { 'X-Forwarded-For': `6.6.6.6, ${address}` } });
		const { status } = await client.request('POST', `/echo/000/${client.uniqueId()}/xhr`);
		client.close();
		return status;
	};
	const openThrough = async (address) => {
		const web = await FastCgi.open(own.address);
		const { status } = await web.request('POST', `/echo/000/${Math.random()}/xhr`.replace('0.', ''), { params: { REMOTE_ADDR: address }, headers: forged });
		web.close();
		return status;
	};
	const statuses = [];
	for (const address of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.2', '192.0.2.2'])
		statuses.push(await open(address));
	for (const address of ['192.0.2.1', '192.0.2.3', '::ffff:192.0.2.3', '192.0.2.3'])
		statuses.push(await openThrough(address));
	await own.stop();
	assert.deepStrictEqual(statuses, [200, 200, 200, 503, 200, 503, 503, 200, 200, 503]);
});

test('addresses: a socket for both kinds shows plain IPv4', async (t) => {
	const own = new Pair({ services });
	try {
		const daemon = await own.startSessiond({ listen: '*:0' });
		const port = Number(/\[::\]:(\d+)/.exec(daemon.stdout)[1]);
		const client = new Client(`http://127.0.0.1:${port}`, { localAddress: CLIENT });
		const { remote, local } = await ends(client, '/probe', 'websocket-raw');
		if (!net.isIPv4(remote))
			t.diagnostic(`the system has sockets for IPv6 alone: ${remote}`);
		assert.deepStrictEqual({ remote, local }, { remote: CLIENT, local: '127.0.0.1' });
	} finally {
		await own.stop();
	}
});

test('addresses: a reload changes who is trusted', async () => {
	const own = await startPair({ server: 'trusted_proxies =', services, listen: '127.0.0.1:0' });
	const seen = async () => (await ends(new Client(own.socket, { headers: { 'X-Forwarded-For': '203.0.113.7' } }), '/probe', 'xhr')).remote;
	const through = () => endsThrough(own.address, { params: { REMOTE_ADDR: '10.1.1.1' }, headers: { 'X-Forwarded-For': '203.0.113.7' } });
	try {
		assert.strictEqual(await seen(), '');
		assert.match(await through(), /^10\.1\.1\.1 /);
		own.rewrite((text) => text.replace('trusted_proxies =', 'trusted_proxies = unix, 10.1.1.1'));
		own.sessiond.child.kill('SIGHUP');
		await eventually(async () => await seen() === '203.0.113.7', 'trusted now');
		await eventually(async () => /^203\.0\.113\.7 /.test(await through()), 'by the responder, too');
	} finally {
		await own.stop();
	}
});
