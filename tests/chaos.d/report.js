'use strict';

// The counts of a chaos run. They are added up over the sessions and printed as lines
// `NAME: NUMBER`, which the tests read.

const MOST_DETAILS = 10; // for each fault and session

// These counts must be 0.
const FAULTS = ['lost', 'duplicates', 'out of order', 'damaged', 'sessions ended'];

function addUp(sessions) {
	const counts = {
		'messages acknowledged': 0,
		'lost': 0,
		'duplicates': 0,
		'out of order': 0,
		'damaged': 0,
		'sessions ended': 0,
		'lost with a broken stream': 0,
		'streams broken': 0,
		'of them as if complete': 0,
		'unacknowledged messages': 0,
		'of them came back': 0,
		'sessions of killed boxes': 0,
	};
	const details = [];
	const failures = new Map();
	const fault = (name, { ledger }, list) => {
		counts[name] += list.length;
		const more = list.length > MOST_DETAILS ? ' ...' : '';
		if (list.length) details.push(`${name}: ${ledger.name}: ${list.slice(0, MOST_DETAILS).join(', ')}${more}`);
	};
	for (const session of sessions) {
		if (session.isExcused && session.ends.length > 0) {
			counts['sessions of killed boxes']++;
			continue;
		}
		const audit = session.ledger.audit();
		counts['messages acknowledged'] += audit.acknowledged.length;
		fault('lost', session, audit.lost);
		fault('duplicates', session, audit.duplicates);
		fault('out of order', session, audit.outOfOrder);
		fault('damaged', session, session.ledger.damaged);
		fault('sessions ended', session, session.ends);
		counts['lost with a broken stream'] += audit.lostWithStream.length;
		counts['streams broken'] += session.brokenStreams.ended + session.brokenStreams.cut;
		counts['of them as if complete'] += session.brokenStreams.ended;
		counts['unacknowledged messages'] += audit.unknown.length;
		counts['of them came back'] += audit.unknownBack.length;
		for (const [what, count] of session.failures) failures.set(what, (failures.get(what) || 0) + count);
	}
	return { counts, failures, details };
}

// Returns {text, details, isGood}. Throws if nothing was acknowledged, because such a run shows
// nothing.
function report(sessions, kills) {
	const { counts, failures, details } = addUp(sessions);
	if (counts['messages acknowledged'] === 0) throw new Error('no message was acknowledged');
	const lines = Object.entries({ kills, ...counts }).map(([name, count]) => `${name}: ${count}`);
	const sorted = [...failures].sort(([a], [b]) => (a < b ? -1 : 1));
	for (const [what, count] of sorted) lines.push(`requests tried again, ${what}: ${count}`);
	return { text: `${lines.join('\n')}\n`, details, isGood: FAULTS.every((name) => counts[name] === 0) };
}

// Returns {NAME: NUMBER} of what was printed.
function readCounts(text) {
	return Object.fromEntries([...text.matchAll(/^([^:\n]+): ([\d.]+)$/gm)].map(([, name, number]) => [name, Number(number)]));
}

module.exports = { report, readCounts, FAULTS };
