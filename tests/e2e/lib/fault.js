'use strict';

// Makes the nth of a kind of calls fail in a program that tests/modules/fault.so is preloaded into.

const fs = require('node:fs');
const path = require('node:path');
const { srcdir } = require('./stack');

const library = path.join(process.env.SOCKJS_BUILDDIR || srcdir, 'tests/modules/fault.so');
const ERRORS = { short: 0, EAGAIN: 11, ENOMEM: 12, EMFILE: 24, EPIPE: 32, ECONNABORTED: 103 };

class Fault {
	constructor(directory) {
		this.file = path.join(directory, 'fault');
		fs.writeFileSync(this.file, Buffer.alloc(20));
		// A sanitizer that is a library of its own wants to be the first; it is not.
		const asan = `${process.env.ASAN_OPTIONS ? `${process.env.ASAN_OPTIONS}:` : ''}verify_asan_link_order=0`;
		this.env = { LD_PRELOAD: library, SOCKJS_FAULT_FILE: this.file, ASAN_OPTIONS: asan };
		this.descriptor = fs.openSync(this.file, 'r+');
	}

	// call: a letter, see tests/modules/fault.c; n: the next is 1; error: a name of ERRORS.
	set(call, n, error, least = 0) {
		const words = Int32Array.from([0, n, ERRORS[error], least, 0]);
		fs.writeSync(this.descriptor, words, 0, 20, 0);
		fs.writeSync(this.descriptor, Int32Array.from([call.charCodeAt(0)]), 0, 4, 0);
	}

	// True if the call was reached. Nothing fails from now on.
	take() {
		const words = new Int32Array(5);
		fs.writeSync(this.descriptor, Int32Array.from([0]), 0, 4, 0);
		fs.readSync(this.descriptor, words, 0, 20, 0);
		return words[4] === 1;
	}

	close() {
		fs.closeSync(this.descriptor);
	}
}

module.exports = { Fault };
