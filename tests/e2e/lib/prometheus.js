'use strict';

// A strict reader of the text format of Prometheus, version 0.0.4, and of what its conventions ask
// of names: anything that a scraper might stumble over throws.

const assert = require('node:assert');

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const NUMBER = /^([+-]?Inf|NaN|[+-]?(\d+[.]?\d*|[.]\d+)(e[+-]?\d+)?)$/;

// Names and values of labels, from behind the brace on. Returns them and what follows the closing
// one.
function readLabels(text) {
	const labels = {};
	let rest = text;
	while (rest[0] !== '}') {
		const found = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,(?=[a-zA-Z_])|(?=}))/.exec(rest);
		assert.ok(found, `no label: ${rest}`);
		const [all, name, value] = found;
		assert.ok(!(name in labels), `label ${name} twice: ${text}`);
		assert.ok(!name.startsWith('__'), `label ${name} is reserved`);
		labels[name] = value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));
		rest = rest.slice(all.length);
	}
	return { labels, rest: rest.slice(1) };
}

function readSample(line) {
	const { name, brace, behind } = /^(?<name>[^ {]+)(?<brace>\{?)(?<behind>.*)$/.exec(line).groups;
	const { labels, rest } = brace ? readLabels(behind) : { labels: {}, rest: behind };
	assert.match(name, NAME);
	assert.ok(rest.startsWith(' '), line);
	assert.match(rest.slice(1), NUMBER, line);
	return { name, labels, value: Number(rest.slice(1).replace('Inf', 'Infinity')) };
}

const keyOf = ({ name, labels }) => `${name} ${JSON.stringify(Object.entries(labels).sort())}`;

function checkHistogram({ name, samples }) {
	const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
	const of = (suffix) => samples.find((sample) => sample.name === name + suffix).value;
	const bounds = buckets.map(({ labels }) => Number(labels.le.replace('Inf', 'Infinity')));
	assert.deepStrictEqual(bounds, [...bounds].sort((a, b) => a - b), `${name}: bounds`);
	assert.strictEqual(bounds.at(-1), Infinity, `${name}: the last bucket`);
	buckets.forEach(({ value }, i) => assert.ok(i === 0 || value >= buckets[i - 1].value, `${name}: buckets add up`));
	assert.strictEqual(buckets.at(-1).value, of('_count'));
	assert.ok(of('_sum') >= 0);
	assert.strictEqual(samples.length, buckets.length + 2);
}

function checkFamily(family) {
	const { name, type, samples } = family;
	assert.ok(samples.length > 0 || type !== 'histogram', `${name} has samples`);
	if (type === 'histogram') {
		checkHistogram(family);
		return;
	}
	for (const sample of samples)
		assert.strictEqual(sample.name, name, `a sample of ${name}`);
	assert.strictEqual(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
	for (const { value } of samples)
		assert.ok(type !== 'counter' || value >= 0, `${name} ${value}`);
}

class Metrics {
	constructor(text) {
		this.families = new Map();
		this.seen = new Map();
		assert.ok(text.endsWith('\n'), 'the last line ends');
		for (const line of text.slice(0, -1).split('\n')) this.readLine(line);
		for (const family of this.families.values()) checkFamily(family);
	}

	readLine(line) {
		const [mark, keyword, name, ...rest] = line.split(' ');
		if (mark !== '#') {
			this.addSample(readSample(line));
		} else if (keyword === 'HELP') {
			assert.ok(!this.families.has(name), `${name} twice`);
			assert.match(name, NAME);
			assert.match(rest.join(' '), /^[A-Z0-9][^\\]*[.]$/, `the help of ${name} is a sentence`);
			this.current = { name, help: rest.join(' '), samples: [] };
			this.families.set(name, this.current);
		} else {
			assert.strictEqual(keyword, 'TYPE', line);
			assert.strictEqual(name, this.current.name, 'a type follows its help');
			assert.ok(this.current.type === undefined && this.current.samples.length === 0, line);
			assert.ok(['counter', 'gauge', 'histogram'].includes(rest.join(' ')), line);
			this.current.type = rest[0];
		}
	}

	addSample(sample) {
		assert.ok(this.current && this.current.type, `${sample.name} has a family`);
		assert.ok(sample.name.startsWith(this.current.name), `${sample.name} is among ${this.current.name}`);
		assert.ok(!this.seen.has(keyOf(sample)), `${keyOf(sample)} twice`);
		this.seen.set(keyOf(sample), sample.value);
		this.current.samples.push(sample);
	}

	// The value of a sample; `otherwise` if there is none, which throws unless it is given.
	get(name, labels = {}, otherwise = undefined) {
		const value = this.seen.get(keyOf({ name, labels }));
		assert.ok(value !== undefined || otherwise !== undefined, `there is no ${keyOf({ name, labels })}`);
		return value ?? otherwise;
	}
}

module.exports = { Metrics };
