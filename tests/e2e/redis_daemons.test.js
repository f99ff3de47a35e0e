'use strict';

// The quick ones of the tests of channels, with two daemons that share them by a Redis. The others
// are long_redis_daemons.test.js's.

process.env.SOCKJS_TEST_DAEMONS = '2'; // before lib/engine.js is read

const { test } = require('node:test');
const { startDaemon } = require('./lib/daemon');
const { eventually } = require('./lib/guard');
const { Redis, skip } = require('./lib/redis');
const { Pair } = require('./lib/responder');

const services = '[service /broadcast]\nmodule = broadcast\n';
const WAYS = {
	startDaemon: () => startDaemon({ conf: services }),
	Pair: async () => {
		const pair = new Pair({ services });
		await pair.startSessiond({ listen: '127.0.0.1:0' });
		return pair;
	},
};
for (const [name, start] of Object.entries(WAYS))
	test(`redis engine: where ${name} starts a daemon there are two`, { skip }, async () => {
		const redis = await Redis.start();
		let started;
		try {
			process.env.SOCKJS_TEST_ENGINE = redis.url;
			started = await start();
			// Each has two connections, and who asks has one.
			const links = async () => (await redis.command('CLIENT', 'LIST')).match(/^id=|\nid=/g).length - 1;
			await eventually(async () => await links() === 4, 'four connections');
		} finally {
			delete process.env.SOCKJS_TEST_ENGINE;
			await started?.stop();
			await redis.stop();
		}
	});

require('./lib/engine_suites').run(['publish', 'pusher_api', 'channels_auth'], { daemons: 2 });
