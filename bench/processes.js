'use strict';

// CPU time and memory of servers that are several processes.

const fs = require('node:fs');

const TICK = 1e4; // µs of a tick of /proc/PID/stat: USER_HZ is 100 on Linux, always

function read(file) {
	try {
		return fs.readFileSync(file, 'latin1');
	} catch {
		return ''; // it has ended meanwhile
	}
}

const list = (directory) => {
	try {
		return fs.readdirSync(directory);
	} catch {
		return [];
	}
};

// The fields of /proc/PID/stat from the third on.
const statOf = (pid) => read(`/proc/${pid}/stat`).split(') ').pop().split(' ');

// {name: all processes that are roots of that name, or whose nearest forefather among all roots is
// one}
function processesOf(parts) {
	const partOf = new Map(
		Object.entries(parts).flatMap(([name, roots]) => roots.map((pid) => [pid, name])),
	);
	const parentOf = new Map(
		list('/proc')
			.filter((name) => /^\d+$/.test(name))
			.map((pid) => [Number(pid), Number(statOf(pid)[1])]),
	);
	const found = Object.fromEntries(Object.keys(parts).map((name) => [name, []]));
	for (const pid of parentOf.keys()) {
		let root = pid;
		while (root && !partOf.has(root)) root = parentOf.get(root);
		if (root) found[partOf.get(root)].push(pid);
	}
	return found;
}

// µs that the process has computed, its threads and its children that have ended included. The
// scheduler counts ns; only the latter are counted in ticks.
function cpuOfProcess(pid) {
	const threads = list(`/proc/${pid}/task`).map((thread) =>
		Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]),
	);
	const ended = statOf(pid);
	return (
		threads.reduce((sum, ns) => sum + ns / 1000, 0) +
		(Number(ended[13]) + Number(ended[14]) || 0) * TICK
	);
}

// What is the process's own; pages that it shares with others count as its part of them.
const memoryOfProcess = (pid) =>
	1024 * Number((/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`)) || [0, 0])[1]);

// How many files a process may have open.
const fileLimit = () =>
	Number(/^Max open files +\S+ +(\d+)/m.exec(read('/proc/self/limits'))?.[1] ?? Infinity);

// {name of a part: sum of what its processes have}
const sumOver = (parts, ofProcess) =>
	Object.fromEntries(
		Object.entries(processesOf(parts)).map(([name, pids]) => [
			name,
			pids.reduce((sum, pid) => sum + ofProcess(pid), 0),
		]),
	);

module.exports = {
	fileLimit,
	cpuOf: (parts) => sumOver(parts, cpuOfProcess),
	memoryOf: (parts) => sumOver(parts, memoryOfProcess),
};
