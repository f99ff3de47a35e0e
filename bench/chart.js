'use strict';

// A row of `make bench` as a chart: a bar for each server; a line over its end goes from the least
// to the most of its rounds.

const { round, statistics } = require('./statistics');

const WIDTH = 720;
const LEFT = 210; // where bars begin
const RIGHT = 160; // for the numbers behind them
const BAR = 18;
const STEP = 24;
const HEAD = 44;
const GROUP = 24;

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

function bar(server, i, y, scale) {
	const { median, least, most } = server.value;
	const middle = y + BAR / 2;
	const [width, from, to] = [median, least, most].map((value) => value * scale);
	const ratio = server.ratio ? ` (ours ${round(server.ratio.median)} of it)` : '';
	return (
		text(LEFT - 8, middle + 4, server.name, ' text-anchor="end"') +
		`<rect class="${classOf(server.name, i)}" x="${LEFT}" y="${y}" ` +
		`width="${width.toFixed(1)}" height="${BAR}"/>\n` +
		`<line class="spread" x1="${(LEFT + from).toFixed(1)}" y1="${middle}" ` +
		`x2="${(LEFT + to).toFixed(1)}" y2="${middle}"/>\n` +
		text((LEFT + to + 6).toFixed(1), middle + 4, round(median) + ratio, ' class="small"')
	);
}

// Returns the text of an SVG file. about: of report.js.
function chart(row, about) {
	const groups = row.groups.map((group) => ({ ...group, servers: statistics(group) }));
	const largest = Math.max(
		...groups.flatMap(({ servers }) => servers.map(({ value }) => value.most)),
	);
	const scale = (WIDTH - LEFT - RIGHT) / (largest > 0 ? largest : 1);
	let y = HEAD;
	let body = '';
	for (const { connections, servers } of groups) {
		body += text(
			LEFT,
			y + 12,
			`${connections} connection${connections > 1 ? 's' : ''}`,
			' class="small"',
		);
		y += GROUP;
		servers.forEach((server, i) => {
			body += bar(server, i, y + i * STEP, scale);
		});
		y += servers.length * STEP;
	}
	const note = about.quick
		? 'a quick run: these figures mean nothing'
		: about.text.split('  \n')[0];
	return (
		`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 28}">\n` +
		`<style>${STYLE}</style>\n<rect class="back" width="100%" height="100%"/>\n` +
		`${text(12, 24, `${row.title}: ${row.unit}, less is better`, ' class="title"')}${body}` +
		`${text(12, y + 18, note, ' class="small"')}</svg>\n`
	);
}

module.exports = { chart };
