'use strict';

// The browser through every kind of stack, one after another (browser_matrix.js).

const { describe } = require('node:test');
const { register } = require('./browser_matrix');

const fcgid = { processes: 14 };

for (const [kind, options] of [
	['direct'], ['lighttpd'], ['apache-fcgid', fcgid], ['apache-proxy'], ['nginx'],
	['htaccess', { ...fcgid, bodyLimit: 131072 }], // FcgidMaxRequestLen, as a host has it
])
	if (!process.env.SOCKJS_STACKS || process.env.SOCKJS_STACKS.split(',').includes(kind))
		describe(kind, () => { register(kind, options); });
