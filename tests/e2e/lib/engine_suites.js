'use strict';

// Runs test files with the channels of their daemons in a Redis (lib/engine.js), and with so many
// daemons wherever they start one.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { buildDirectory, program } = require('./daemon');
const { Redis, skip } = require('./redis');

async function output(file, env) {
	const child = spawn(process.execPath, ['--test-reporter=tap', file], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
	let text = '';
	for (const stream of [child.stdout, child.stderr])
		stream.on('data', (bytes) => {
			text += bytes;
		});
	const code = await new Promise((resolve) => child.on('close', resolve));
	return { code, text };
}

// A daemon that root starts as nobody may not be able to read where it was built: it is another
// build, with that of modules beside it.
function copyForNobody(directory) {
	const copy = path.join(directory, 'sessiond', 'sockjs-sessiond');
	fs.mkdirSync(path.join(directory, 'sessiond', 'redis'), { recursive: true });
	fs.copyFileSync(program, copy);
	fs.copyFileSync(path.join(buildDirectory, 'sessiond/redis/redis.so'), path.join(directory, 'sessiond/redis/redis.so'));
	fs.symlinkSync(path.resolve(buildDirectory, 'examples'), path.join(directory, 'examples'));
	return copy;
}

function run(names, { daemons = 1 } = {}) {
	for (const name of names)
		test(`redis engine, ${daemons === 1 ? 'one daemon' : `${daemons} daemons`}: ${name}.test.js`, { skip }, async () => {
			const redis = await Redis.start();
			try {
				const env = { SOCKJS_TEST_ENGINE: redis.url, SOCKJS_TEST_DAEMONS: String(daemons), NODE_TEST_CONTEXT: undefined };
				if (process.getuid() === 0)
					env.SOCKJS_SESSIOND = copyForNobody(redis.directory);
				const { code, text } = await output(path.join(__dirname, '..', `${name}.test.js`), env);
				assert.strictEqual(code, 0, text.slice(-20000));
				assert.match(await redis.command('INFO', 'commandstats'), /cmdstat_evalsha/, 'Redis was used');
			} finally {
				await redis.stop();
			}
		});
}

module.exports = { run };
