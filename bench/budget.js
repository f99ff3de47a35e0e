'use strict';

// The file bench/budget: how many instructions a message may cost. Each entry is for one
// distribution's release and one compiler, since both decide what the same source comes to.
//
//     [debian 12, gcc 12 -O2, x64]
//     websocket = 12345

const { execSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const file = path.join(__dirname, 'budget');
const buildDirectory = process.env.SOCKJS_BUILDDIR || path.resolve(__dirname, '..');

// The value of a variable as it stands in a Makefile that configure has made.
function makeVariable(makefile, name) {
	const line = new RegExp(`^${name} = (.*)$`, 'm').exec(makefile);
	if (!line)
		throw new Error(`no ${name} in the Makefile of the build`);
	return line[1].trim();
}

function compilerOf(build) {
	const makefile = fs.readFileSync(path.join(build, 'Makefile'), 'utf8');
	const command = makeVariable(makefile, 'CC');
	const run = (option) => execSync(`${command} ${option}`, { encoding: 'utf8' });
	const kind = /clang/.test(run('--version')) ? 'clang' : 'gcc';
	const optimized = makeVariable(makefile, 'CFLAGS').match(/(?<=^|\s)-O\S*/g) || ['-O0'];
	return `${kind} ${parseInt(run('-dumpversion'), 10)} ${optimized.pop()}`;
}

function release() {
	const text = fs.readFileSync('/etc/os-release', 'utf8');
	const value = (name) => (new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text) || [, '?'])[1];
	return `${value('ID')} ${value('VERSION_ID')}`;
}

// The name that a build's entry has.
const nameOf = (build) => `${release()}, ${compilerOf(build)}, ${process.arch}`;

// {name of an entry: {name of a count: instructions}}
function parse(text) {
	const entries = {};
	let entry;
	for (const line of text.split('\n').filter((each) => each && !each.startsWith('#'))) {
		const head = /^\[(.*)\]$/.exec(line);
		const count = /^(\S+) = (\d+)$/.exec(line);
		if (head)
			entries[head[1]] = entry = {};
		else if (count && entry)
			entry[count[1]] = Number(count[2]);
		else
			throw new Error(`${file}: not understood: ${line}`);
	}
	return entries;
}

const read = () => parse(fs.readFileSync(file, 'utf8'));

// Replaces the entry of that name, or adds it.
function record(name, counts) {
	const entries = { ...read(), [name]: counts };
	const comment = fs.readFileSync(file, 'utf8').match(/^#.*\n/gm).join('');
	const blocks = Object.keys(entries).sort().map((key) =>
		`\n[${key}]\n${Object.entries(entries[key]).map(([each, number]) => `${each} = ${number}\n`).join('')}`);
	fs.writeFileSync(file, comment + blocks.join(''));
}

module.exports = { file, buildDirectory, nameOf, read, record };
