'use strict';

// Charts of `make bench`: a bar for each server; a line over its end goes from the lower to the upper
// quartile of its rounds.

const { round, statistics } = require('./statistics');

const WIDTH = 720;
const LEFT = 210; // where bars begin
const RIGHT = 160; // for the numbers behind them
const BAR = 18;
const STEP = 24;
const HEAD = 44;
const GROUP = 24;
const NOTE = 18;

// On a page of any colour: it has a background of its own.
const STYLE =
	'text{font:13px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}' +
	'.small{fill:#666;font-size:12px}.spread{stroke:#222;stroke-width:1}.back{fill:#fff}' +
	'.ours{fill:#1668a8}.floor{fill:#999}.peer{fill:#d9a441}';

const escape = (text) => `${text}`.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const classOf = (name, i) =>
	i === 0 || name.startsWith('sockjs-fcgi')
		? 'ours'
		: name.startsWith('bare')
			? 'floor'
			: 'peer';

const text = (x, y, what, more = '') => `<text x="${x}" y="${y}"${more}>${escape(what)}</text>\n`;
const small = (x, y, what) => text(x, y, what, ' class="small"');

function bar({ name, value, label }, i, y, scale) {
	const middle = y + BAR / 2;
	const [width, from, to] = [value.median, value.low, value.high].map((each) =>
		Math.max(0, each * scale),
	);
	return (
		text(LEFT - 8, middle + 4, name, ' text-anchor="end"') +
		`<rect class="${classOf(name, i)}" x="${LEFT}" y="${y}" ` +
		`width="${width.toFixed(1)}" height="${BAR}"/>\n` +
		`<line class="spread" x1="${(LEFT + from).toFixed(1)}" y1="${middle}" ` +
		`x2="${(LEFT + to).toFixed(1)}" y2="${middle}"/>\n` +
		small((LEFT + to + 6).toFixed(1), middle + 4, label)
	);
}

const largestOf = ({ bars }) => Math.max(...bars.map(({ value }) => value.high));

// Returns the text of an SVG file. groups: [{title, bars: [{name, value, label}], largest: what a bar
// of the whole width stands for (its own largest)}]. notes: lines below.
function draw(title, groups, notes) {
	let y = HEAD;
	let body = '';
	for (const group of groups) {
		const largest = group.largest ?? largestOf(group);
		const scale = (WIDTH - LEFT - RIGHT) / (largest > 0 ? largest : 1);
		body += small(LEFT, y + 12, group.title);
		y += GROUP;
		body += group.bars.map((each, i) => bar(each, i, y + i * STEP, scale)).join('');
		y += group.bars.length * STEP;
	}
	const lines = notes.map((note, i) => small(12, y + (i + 1) * NOTE, note));
	return (
		`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + notes.length * NOTE + 10}">\n` +
		`<style>${STYLE}</style>\n<rect class="back" width="100%" height="100%"/>\n` +
		`${text(12, 24, title, ' class="title"')}${body}${lines.join('')}</svg>\n`
	);
}

const connectionsText = (connections) =>
	`${connections.toLocaleString('en')} connection${connections > 1 ? 's' : ''}`;

// What has to be said about a run. about: of report.js.
const notesOf = ({ quick, text: lines }, most) =>
	quick
		? ['a quick run: these figures mean nothing']
		: lines.replaceAll('**', '').split('  \n').slice(0, most);

// The chart of a row, whose bars have all the same scale.
function chart(row, about) {
	const groups = row.groups.map((group) => ({
		title: connectionsText(group.connections),
		bars: statistics(group).map(({ name, value, ratio }) => ({
			name,
			value,
			label: round(value.median) + (ratio ? ` (ours ${round(ratio.median)} of it)` : ''),
		})),
	}));
	const largest = Math.max(...groups.map(largestOf));
	return draw(
		`${row.title}: ${row.unit}, less is better`,
		groups.map((group) => ({ ...group, largest })),
		notesOf(about, 1),
	);
}

module.exports = { chart, connectionsText, draw, notesOf };
