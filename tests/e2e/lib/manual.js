'use strict';

// Reads the manual's pages (mdoc) as far as a test has to understand them: sections, the items of
// lists, the prototypes of functions.

const fs = require('node:fs');
const path = require('node:path');
const { srcdir } = require('./stack');

const pagePath = (name) => path.join(srcdir, 'doc', 'man', name);

// The words of a macro's line; quotes join.
function words(line) {
	return [...line.matchAll(/"((?:[^"]|"")*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}

// Text as a reader sees it, roughly: without the macros that only change how it looks.
function plain(lines) {
	return lines
		.filter((line) => !line.startsWith('.\\"'))
		.map((line) => (line.startsWith('.') ? words(line.slice(1)).slice(1).join(' ') : line))
		.join(' ')
		.replaceAll('\\&', '');
}

class Page {
	constructor(name) {
		this.name = name;
		this.lines = fs.readFileSync(pagePath(name), 'utf8').split('\n').filter((line) => line !== '');
	}

	// The lines of a section.
	section(title) {
		const begin = this.lines.indexOf(`.Sh ${title}`);
		if (begin === -1) throw new Error(`${this.name} has no section ${title}`);
		const rest = this.lines.slice(begin + 1);
		const end = rest.findIndex((line) => line.startsWith('.Sh '));
		return end === -1 ? rest : rest.slice(0, end);
	}

	// What the section's lists consist of: { head: words of .It, body: lines }. An inner list's
	// items come on their own.
	items(title) {
		const items = [];
		let item = null;
		for (const line of this.section(title)) {
			if (line.startsWith('.It')) items.push(item = { head: words(line).slice(1), body: [] });
			else if (/^\.(El|Bl)\b/.test(line)) item = null;
			else if (item !== null) item.body.push(line);
		}
		return items;
	}

	// All prototypes, as C has them; where: a section, or all of the page.
	prototypes(lines = this.lines) {
		const found = [];
		let type = '';
		let open = null;
		for (const line of lines) {
			const [macro, ...args] = words(line);
			if (macro === '.Ft') type = args.join(' ');
			else if (macro === '.Fo') open = { type, name: args[0], args: [] };
			else if (macro === '.Fa' && open !== null) open.args.push(args.join(' '));
			else if (macro === '.Fn' && type !== '') found.push({ type, name: args[0], args: args.slice(1) });
			else if (macro === '.Fc') {
				found.push(open);
				open = null;
			} else if (macro === '.It' && args[0] === 'Ft') {
				const at = args.indexOf('Fn');
				found.push({ type: args.slice(1, at).join(' '), name: args[at + 1], args: args.slice(at + 2) });
			}
			if (macro !== '.Ft') type = '';
		}
		return found.map(({ type: result, name, args }) => prototype(result, name, args.join(', ')));
	}

	// The words that a macro has marked, anywhere in the page.
	marked(macro) {
		const found = new Set();
		for (const line of this.lines.filter((text) => text.startsWith('.'))) {
			const list = words(line.slice(1));
			list.forEach((word, i) => { if (word === macro && i + 1 < list.length) found.add(list[i + 1]); });
		}
		return found;
	}
}

// One way to write a prototype, so that two can be compared.
function prototype(type, name, args) {
	return `${type} ${name}(${args})`.replace(/\s+/g, ' ').replace(/ ?([*(),]) ?/g, '$1').trim();
}

module.exports = { Page, pagePath, plain, prototype, words };
