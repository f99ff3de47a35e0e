'use strict';

// What the documentation says there is, is there, and the other way round: options, command lines,
// sockjs.h, files, links.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, after } = require('node:test');
const { program: sessiond, temporaryDirectory } = require('./lib/daemon');
const { Page, pagePath, plain, prototype } = require('./lib/manual');
const { srcdir } = require('./lib/stack');

const builddir = process.env.SOCKJS_BUILDDIR || srcdir;
const responder = path.join(builddir, 'fcgi', 'sockjs.fcgi');
const PAGES = ['sockjs-sessiond.8', 'sockjsctl.8', 'sockjs.fcgi.8', 'sockjs.conf.5', 'sockjs-worker.5', 'sockjs.h.3'];
const directory = temporaryDirectory();
after(() => fs.rmSync(directory, { recursive: true, force: true }));

const check = (name, ...rest) => test(`documentation: ${name}`, ...rest);
const read = (...parts) => fs.readFileSync(path.join(srcdir, ...parts), 'utf8');
const sorted = (list) => [...list].sort();

function run(command, ...args) {
	const done = spawnSync(command, args, { encoding: 'utf8', timeout: 60000 });
	if (done.error) throw done.error;
	return done;
}

// --- the pages -----------------------------------------------------------------------------------

const hasMandoc = spawnSync('mandoc', ['-Tlint', '/dev/null']).error === undefined;
for (const name of PAGES)
	check(`${name} is sound`, { skip: hasMandoc ? false : 'mandoc is not installed' }, () => {
		assert.strictEqual(run('mandoc', '-Tlint', '-Wwarning', pagePath(name)).stdout, '');
	});

check('pages refer to pages that exist', () => {
	const names = PAGES.map((name) => name.replace(/[.](\d)$/, '($1)'));
	const elsewhere = ['logrotate(8)', 'printf(3)', 'sd_listen_fds(3)', 'sd_notify(3)', 'syslog(3)'];
	for (const name of PAGES)
		for (const [, page, number] of fs.readFileSync(pagePath(name), 'utf8').matchAll(/^\.Xr (\S+) (\d)/gm))
			assert.ok([...names, ...elsewhere].includes(`${page}(${number})`), `${name}: ${page}(${number})`);
});

check('pages refer to sections that exist', () => {
	for (const name of PAGES)
		for (const [, title] of fs.readFileSync(pagePath(name), 'utf8').matchAll(/^\.Sx (.*?)(?: [.,;)])?$/gm))
			assert.ok(new Page(name).section(title).length > 0);
});

// --- sockjs.conf ---------------------------------------------------------------------------------

const below = (folder) => [folder, ...fs.readdirSync(path.join(srcdir, folder), { withFileTypes: true })
	.filter((entry) => entry.isDirectory()).flatMap((entry) => below(`${folder}/${entry.name}`))];
const rooms = ['common', 'sockjs', 'conf', 'system', 'wire', 'sessiond', 'fcgi'].flatMap(below);
const tables = run(path.join(builddir, 'tests', 'option_tool')).stdout.trim().split('\n').map((line) => JSON.parse(line));
const conf = new Page('sockjs.conf.5');
const SECTIONS = { server: 'THE [server] SECTION', service: 'OPTIONS OF SERVICES', worker: 'APPLICATIONS IN ANY LANGUAGE', app: 'THE [app NAME] SECTION', fcgi: 'THE [fcgi] SECTION' };
// Not of a table: what names a module, and its own options.
const MODULE = ['module', 'module.'];

function documented(section) {
	return conf.items(SECTIONS[section])
		.filter(({ head }) => head[0] === 'Ic')
		.map(({ head, body }) => ({ name: head[1], head, text: plain(body) }));
}

const UNITS = {
	time: [[60000, 'm'], [1000, 's'], [1, 'ms']],
	size: [[1 << 30, 'G'], [1 << 20, 'M'], [1 << 10, 'k'], [1, '']],
	number: [[1, '']],
};
const FACTORS = { '': 1, ms: 1, s: 1000, m: 60000, k: 1 << 10, M: 1 << 20, G: 1 << 30 };

// The shortest way to write a number in units, from two of them on.
function inUnits(type, value) {
	const [factor, unit] = UNITS[type].find(([n]) => value % n === 0 && (type !== 'time' || n === 1 || value / n > 1)) || [1, ''];
	return value === 0 ? '0' : `${value / factor}${unit}`;
}

function rangeOf({ type, min, max }) {
	if (max !== 0) return `; ${inUnits(type, min)} to ${inUnits(type, max)}`;
	return min !== 0 ? `; at least ${inUnits(type, min)}` : '';
}

// How an item has to end.
function sentenceOf(option) {
	if (option.default === null) return 'Default: unset.';
	if (!(option.type in UNITS)) return `Default: ${option.default}.`;
	const [, digits, unit] = /^(\d+)(.*)$/.exec(option.default);
	return `Default: ${inUnits(option.type, Number(digits) * FACTORS[unit])}${rangeOf(option)}.`;
}

// What an item's head has behind the equals sign.
function valueOf({ type, names }) {
	if (type === 'bool') return /^Cm on \| off$/;
	if (type === 'enum') return new RegExp(`^Cm ${names.join(' \\| ')}$`);
	if (type === 'set') return /^Ar \w+ [.]{3}$/;
	if (type === 'string') return /^Ar (?!number$|size$|time$)\S+( [.]{3})?$/;
	return new RegExp(`^Ar ${type}$`);
}

for (const section of Object.keys(SECTIONS)) {
	const options = tables.filter((option) => option.section === section);
	const items = documented(section);

	check(`sockjs.conf(5) has the options of the table for ${section}, and no others`, () => {
		const names = items.map(({ name }) => name).filter((name) => section !== 'service' || !MODULE.includes(name));
		assert.deepStrictEqual(names, options.map(({ name }) => name), 'in the order of the table');
	});
	for (const option of options)
		check(`sockjs.conf(5): ${section}: ${option.name}`, () => {
			const item = items.find(({ name }) => name === option.name);
			assert.match(item.head.slice(2).join(' ').replace(/^No = /, ''), valueOf(option));
			assert.ok(item.text.endsWith(` ${sentenceOf(option)}`), `"${item.text}" does not end with "${sentenceOf(option)}"`);
			assert.strictEqual(/Takes effect after a restart[.]/.test(item.text), option.atStart, 'at a reload');
			if (option.type === 'set')
				for (const name of option.names) assert.ok(item.text.split(/[ ,.:]+/).includes(name), name);
		});
}

let files = 0;
function checkConf(text) {
	const file = path.join(directory, `${++files}.conf`);
	fs.writeFileSync(file, text);
	return run(sessiond, '--config', file, '--check');
}

// The defaults as they are documented; the program has to take them.
function settings(section) {
	return documented(section)
		.map(({ name, text }) => [name, /Default: (\S+?)(?:;[^;]*)?[.]$/.exec(text)])
		.filter(([, found]) => found !== null && found[1] !== 'unset')
		.map(([name, found]) => `${name} = ${found[1]}\n`)
		.join('');
}

check('the daemon takes every documented default, in its section', () => {
	const text = `[server]\nlisten = 127.0.0.1:0\n${settings('server')}${settings('service')}[service /x]\nmodule = echo\n${settings('service')}[fcgi]\n${settings('fcgi')}`;
	const { status, stderr } = checkConf(text);
	assert.strictEqual(stderr, '');
	assert.strictEqual(status, 0);
	assert.ok(text.split('\n').length > 50, text);
});

check('[fallback] has the options that sockjs.conf(5) says', () => {
	const lines = conf.section('THE [fallback] SECTION').filter((line) => line.startsWith('.Ic'));
	const names = lines.map((line) => line.split(' ')[1]).filter((name) => name !== 'static');
	const accepted = tables
		.filter(({ section, type }) => section === 'service' && type !== 'string')
		.filter((option) => !/has no meaning in \[fallback\]/.test(checkConf(`[fallback]\n${option.name} = ${option.default}\n`).stderr))
		.map(({ name }) => name);
	assert.deepStrictEqual(sorted(names), sorted([...MODULE, ...accepted]));
});

// --- command lines -------------------------------------------------------------------------------

// "-c, --config FILE" and ".It Fl c Ar file , Fl -config Ar file" as "-c --config file".
function helpOptions(help) {
	return [...help.matchAll(/^ {2}(?:(-\w), | {4})(--[\w-]+)(?: ([A-Z:]+))?(?: |$)/gm)]
		.map(([, letter, name, value]) => [letter, name, value && value.toLowerCase()].filter(Boolean).join(' '));
}

function pageOptions(page) {
	return page.items('DESCRIPTION').filter(({ head }) => head[0] === 'Fl').map(({ head }) => {
		const flags = head.filter((word, i) => head[i - 1] === 'Fl').map((word) => `-${word}`);
		const value = head.filter((word, i) => head[i - 1] === 'Ar');
		assert.ok(value.every((word) => word === value[0]), head.join(' '));
		return [...flags, ...value.slice(0, 1)].join(' ');
	});
}

for (const [program, name] of [[sessiond, 'sockjs-sessiond.8'], [responder, 'sockjs.fcgi.8']]) {
	const help = run(program, '--help').stdout;
	const page = new Page(name);
	const inHelp = helpOptions(help);

	check(`${name} has the options of --help, and no others`, () => {
		assert.ok(inHelp.length >= 6, help);
		assert.deepStrictEqual(sorted(pageOptions(page)), sorted(inHelp));
	});
	check(`${name}: each option is in the synopsis`, () => {
		const synopsis = page.section('SYNOPSIS').join(' ');
		for (const option of inHelp) assert.match(synopsis, new RegExp(`Fl ${/-(-[\w-]+)/.exec(option)[1]}\\b`));
	});
	check(`${name}: the program takes each option`, () => {
		for (const option of pageOptions(page)) {
			const [flag] = option.split(' ');
			const { stderr } = run(program, flag, ...(/ [a-z:]+$/.test(option) ? ['x'] : []), '--version');
			assert.strictEqual(stderr, '', option);
		}
		assert.match(run(program, '--nonsense', '--version').stderr, /unknown option/);
	});
	check(`${name} has the exit statuses and signals of --help`, () => {
		const statuses = page.items('EXIT STATUS').map(({ head }) => head.join(' '));
		for (const [, number] of help.slice(help.indexOf('Exit status')).matchAll(/\b(\d+)\b/g)) assert.ok(statuses.includes(number), number);
		const signals = page.items('SIGNALS').flatMap(({ head }) => head);
		for (const [signal] of help.matchAll(/SIG[A-Z]+\d?/g)) assert.ok(signals.includes(signal), signal);
	});
	check(`${name} has the variables that the program reads`, () => {
		const folders = program === responder ? ['fcgi'] : ['sessiond', 'common', 'conf', 'wire'];
		const variables = folders.flatMap(below).flatMap((part) => fs.readdirSync(path.join(srcdir, part)).filter((file) => file.endsWith('.c'))
			.flatMap((file) => [...read(part, file).matchAll(/getenv\("(\w+)"\)/g)].map(([, variable]) => variable)));
		const inPage = page.items('ENVIRONMENT').flatMap(({ head }) => head).filter((word) => /^[A-Z_]+$/.test(word));
		assert.deepStrictEqual(sorted(new Set(inPage)), sorted(new Set(variables)));
	});
}

{
	const sockjsctl = path.join(builddir, 'sessiond', 'ctl', 'sockjsctl');
	const help = run(sockjsctl, '--help').stdout;
	const page = new Page('sockjsctl.8');

	check('sockjsctl.8 has the options, commands and exit statuses of --help, and no others', () => {
		assert.deepStrictEqual(sorted(pageOptions(page)), sorted(helpOptions(help)));
		const commands = page.items('DESCRIPTION').filter(({ head }) => head[0] === 'Cm').map(({ head }) => head[1]);
		assert.deepStrictEqual(sorted(commands), sorted([...help.matchAll(/^ {2}([a-z]+) {4,}/gm)].map(([, name]) => name)));
		const statuses = page.items('EXIT STATUS').map(({ head }) => head.join(' '));
		const inHelp = [...help.slice(help.indexOf('Exit status')).matchAll(/\b(\d+)\b/g)].map(([, number]) => number);
		assert.deepStrictEqual(statuses, inHelp);
	});
}

// --- sockjs.h ------------------------------------------------------------------------------------

const header = read('sessiond', 'sockjs.h').replace(/\/\*[^]*?\*\//g, '').replace(/\s+/g, ' ');
const api = new Page('sockjs.h.3');
const functions = [...header.matchAll(/SOCKJS_API ((?:const |enum )?\w+ \*{0,2})\s*(sockjs_\w+)\((.*?)\)(?: SOCKJS_PRINTF\([^)]*\))?;/g)]
	.map(([, type, name, args]) => ({ name, text: prototype(type.trim(), name, args) }));
const enums = [...header.matchAll(/enum \w+ \{(.*?)\}/g)].flatMap(([, body]) => [...body.matchAll(/(SOCKJS_\w+) =/g)].map(([, name]) => name));

// The members of a struct: callbacks as prototypes, the rest as names.
function members(name) {
	const body = new RegExp(`struct ${name} \\{(.*?)\\}`).exec(header)[1];
	return body.split(';').map((text) => text.trim()).filter((text) => text !== '').flatMap((text) => {
		const callback = /^(.*?) ?(\(\*\w+\))\((.*)\)$/.exec(text);
		if (callback !== null) return [prototype(callback[1], callback[2], callback[3])];
		return text.split(',').map((part) => /(\w+)$/.exec(part)[1]);
	});
}

// Of a list in a page: ".It Vt type Fa name" by name, ".It Ft type Fn ..." as prototypes.
function memberItems(title) {
	return api.items(title).filter(({ head }) => ['Vt', 'Ft'].includes(head[0]))
		.map(({ head }) => (head[0] === 'Vt' ? head.at(-1) : api.prototypes([`.It ${head.map((word) => `"${word}"`).join(' ')}`])[0]));
}

check('sockjs.h(3) has the functions of sockjs.h, as they are declared there', () => {
	assert.strictEqual(functions.length, header.split('SOCKJS_API ').length - 1 - 3, 'all of the header are understood, but for its macros');
	assert.deepStrictEqual(sorted(api.prototypes(api.section('SYNOPSIS'))), sorted(functions.map(({ text }) => text)));
});

check('sockjs.h(3) says something of each function', () => {
	const text = api.lines.slice(api.lines.indexOf('.Sh DESCRIPTION')).join('\n');
	for (const { name } of functions) assert.match(text, new RegExp(`(Fn )${name}\\b`), name);
	for (const [, name] of text.matchAll(/Fn (sockjs_\w+)/g)) assert.ok(functions.some((each) => each.name === name), name);
});

check('sockjs.h(3) has the members of struct sockjs_module and the others', () => {
	assert.deepStrictEqual(memberItems('THE MODULE'), [...members('sockjs_module'), ...members('sockjs_message')]);
	assert.deepStrictEqual(memberItems('REQUESTS'), members('sockjs_response'));
	for (const name of members('sockjs_field')) assert.ok(api.section('REQUESTS').some((line) => line.startsWith(`.Fa ${name}`)), name);
});

check('sockjs.h(3) has the constants of sockjs.h, and no others', () => {
	const items = ['CONSTANTS', 'ERRORS'].flatMap((title) => api.items(title).map(({ head }) => head[1]));
	assert.deepStrictEqual(sorted(items), sorted(enums));
	const known = [...enums, 'SOCKJS_ABI', 'SOCKJS_MODULE', 'SOCKJS_NOBODY', 'NULL'];
	for (const name of api.marked('Dv')) assert.ok(known.includes(name), name);
});

check('each function of sockjs.h has a page of its own to be found by', () => {
	const folder = path.join(builddir, 'doc', 'man', 'links');
	const pages = fs.readdirSync(folder).filter((name) => name.endsWith('.3'));
	assert.deepStrictEqual(sorted(pages), sorted(functions.map(({ name }) => `${name}.3`)));
	for (const page of pages) assert.strictEqual(fs.readFileSync(path.join(folder, page), 'utf8'), '.so man3/sockjs.h.3\n');
});

check('doc/sockjs-node.md names what there is', () => {
	const types = [...header.matchAll(/\b(sockjs_\w+)\b/g)].map(([, name]) => name);
	const callbacks = members('sockjs_module').map((text) => (/\(\*(\w+)\)/.exec(text) || [null, text])[1]);
	const known = new Set([...types, ...callbacks, ...members('sockjs_message'), ...tables.map(({ name }) => name), ...enums,
		'module', 'SOCKJS_ABI', 'SOCKJS_MODULE']);
	// The column that has names of ours, and the text around the tables.
	const ours = read('doc', 'sockjs-node.md').split('\n').map((line) => (line.startsWith('|') ? line.split(/(?<!\\)\|/)[2] : line)).join('\n');
	const names = [...ours.matchAll(/`([^`]+)`/g)].flatMap(([, code]) => code.match(/\b(?:sockjs_\w+|SOCKJS_\w+)\b|^[a-z]\w*(?= = )/g) || []);
	assert.ok(names.length > 30, `${names}`);
	for (const name of names) assert.ok(known.has(name), name);
	const middle = read('doc', 'sockjs-node.md').split('\n').filter((line) => /^\| /.test(line)).map((line) => line.split('|')[2]);
	for (const [, name] of middle.join('\n').matchAll(/`([a-z]\w*)`/g)) assert.ok(known.has(name), name);
});

// --- SECURITY.md ---------------------------------------------------------------------------------

const security = read('SECURITY.md');
const optionNamed = (name) => tables.find((option) => option.name === name);
const securityRows = [...security.matchAll(/^\| `(\w+)` \| (\S+) \| (.+?) \| .* \|$/gm)].map(([, name, value, tighter]) => ({ name, value, tighter }));

check('SECURITY.md: names in small letters are options, values of options, or callbacks of modules', () => {
	const known = new Set([...tables.flatMap(({ name, names }) => [name, ...(names || [])]), 'unix', ...members('sockjs_module').flatMap((text) => text.match(/\w+/g))]);
	const names = [...security.matchAll(/`([a-z]\w*)(?: = (?:\S+))?`/g)].map(([, name]) => name);
	assert.ok(names.length > 40, `${names}`);
	for (const name of names) assert.ok(known.has(name), name);
});

check('SECURITY.md: its table has the defaults', () => {
	assert.ok(securityRows.length > 20, security);
	for (const { name, value } of securityRows)
		assert.strictEqual(value, /^Default: (\S+?)[.;]/.exec(sentenceOf(optionNamed(name)))[1], name);
});

check('SECURITY.md: the daemon takes what it advises', () => {
	const text = securityRows.filter(({ name }) => name !== 'socket_users').map(({ name, tighter }) => `${name} = ${tighter}\n`).join('');
	const { status, stderr } = checkConf(`[server]\nlisten = 127.0.0.1:0\n${text}[service /x]\nmodule = echo\n`);
	assert.strictEqual(stderr, '');
	assert.strictEqual(status, 0);
});

// shared_hosting.test.js runs that of workers.md.
check('README.md: its application is the one of doc/workers.md', () => {
	const [, mine] = /```php\n([^]*?)```/.exec(read('doc/workers.md'));
	const [, shown] = /This is `mine\.php`.*\n\n([^]*?)\n\n(?! )/.exec(read('README.md'));
	assert.strictEqual(`${shown.replace(/^ {4}/gm, '')}\n`, mine);
});

// --- what is said to workers ----------------------------------------------------------------------

// The first cells of the table below a heading of workers.md.
function tableOfWorkers(heading) {
	const [, section] = new RegExp(`^## ${heading}\\n([^]*?)^## `, 'm').exec(read('doc/workers.md'));
	return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name).sort();
}

const ofWorkers = ['worker_calls', 'worker_codec', 'worker_connection', 'worker_process', 'worker_serve']
	.map((name) => read(`sessiond/worker/${name}.c`)).join('\n');
const named = (...patterns) => [...new Set(patterns.flatMap((pattern) => [...ofWorkers.matchAll(pattern)]).map(([, name]) => name))].sort();

check('doc/workers.md has all events', () => {
	const [, queued] = /names\[\] = \{([^}]*)\}/.exec(ofWorkers);
	const events = [...queued.matchAll(/"(\w+)"/g)].map(([, name]) => name);
	assert.deepStrictEqual(tableOfWorkers('Events'), [...new Set([...events, ...named(/begin\(out, "(\w+)"/g, /\\"event\\":\\"(\w+)\\"/g)])].sort());
});

check('doc/workers.md has all calls', () => {
	const apart = ['ack', 'serve'].filter((name) => ofWorkers.includes(`"${name}"`));
	assert.deepStrictEqual(tableOfWorkers('Calls'), [...named(/^ {4}\{"(\w+)", (?:true|false), do_/gm), ...apart].sort());
});

check('doc/workers.md has all codes of errors', () => {
	assert.deepStrictEqual(tableOfWorkers('Errors'), named(/\bfail\(\s*(?:call->error|error),\s*"(\w+)"/g));
});

// --- files, links, commands ----------------------------------------------------------------------

const texts = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'doc/model/README.md',
	...fs.readdirSync(path.join(srcdir, 'doc')).filter((name) => name.endsWith('.md')).map((name) => `doc/${name}`),
	...fs.readdirSync(path.join(srcdir, 'doc/deploy')).map((name) => `doc/deploy/${name}`),
	...rooms.map((room) => `${room}/README.md`).filter((name) => fs.existsSync(path.join(srcdir, name)))];
const FOLDERS = ['', ...rooms, ...below('tests/unit'), 'examples', 'www', 'tests', 'tests/e2e', 'tests/e2e/lib', 'tests/fuzz', 'bench', 'doc', 'doc/man', 'doc/deploy', 'packaging'];
const isThere = (...parts) => fs.existsSync(path.join(srcdir, ...parts)) || fs.existsSync(path.join(builddir, ...parts));

// As GitHub makes them of headings.
const anchors = (text) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-'));

function expand(name) {
	const ch = /^(.*)\[ch\]$/.exec(name);
	return ch === null ? [name] : [`${ch[1]}c`, `${ch[1]}h`];
}

// A name with a star stands for at least one file.
function fileExists(name) {
	if (!name.includes('*')) return FOLDERS.some((folder) => isThere(folder, name));
	const pattern = new RegExp(`^${path.basename(name).replaceAll('.', '[.]').replace('*', '.*')}$`);
	return FOLDERS.map((folder) => path.join(srcdir, folder, path.dirname(name)))
		.some((folder) => fs.existsSync(folder) && fs.readdirSync(folder).some((file) => pattern.test(file)));
}

const definitions = new Set(rooms.flatMap((folder) => fs.readdirSync(path.join(srcdir, folder)).filter((file) => file.endsWith('.c'))
	.flatMap((file) => [...read(folder, file).matchAll(/^(\w+)\(/gm)].map(([, name]) => name))));

for (const file of texts) {
	const text = read(file);
	const prose = text.replace(/^ {4}.*$/gm, '');

	check(`${file}: its links lead somewhere`, () => {
		for (const [, target] of prose.matchAll(/\]\(([^)]+)\)/g)) {
			if (/^https?:/.test(target)) continue;
			const [name, anchor] = target.split('#');
			assert.ok(name === '' || isThere(path.dirname(file), name), target);
			if (anchor !== undefined) assert.ok(anchors(name === '' ? text : read(path.dirname(file), name)).includes(anchor), target);
		}
	});
	check(`${file}: files that it names are there`, () => {
		for (const [, name] of prose.matchAll(/`((?:[\w.*-]+\/)*[\w*-]+\.(?:c|h|\[ch\]|js|test\.js|md|sh|am|ac))`/g))
			for (const each of expand(name)) assert.ok(fileExists(each), each);
	});
	check(`${file}: functions that it names are there`, () => {
		for (const [, name] of prose.matchAll(/`(\w+)\(\)`/g)) assert.ok(definitions.has(name), name);
	});
	check(`${file}: commands of bootstrap that it names are there`, () => {
		const help = run(path.join(srcdir, 'bootstrap'), '--help').stdout;
		for (const [, command] of text.matchAll(/\.\/bootstrap ([a-z]+)/g)) assert.match(help, new RegExp(`^  ${command}\\b`, 'm'), command);
	});
}
